//! What a record is linked by: the exchange or run that it belongs to, what came of it, what it used. Read from its sections, so that
//! what a trace follows is what the record says, whoever appended it.

use super::Kind;
use crate::digits::hex32;
use crate::exchange::{Exchanged, Subject as ExchangeSubject};
use crate::section::SectionName;
use serde_json::Value;
use uuid::Uuid;

/// A dataset or a model service, in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) id: String,
    pub(crate) version: String,
}

/// One thing that a record used: by the transaction that brought it, by its digests (SHA-256, BLAKE3), or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) transaction: Option<Uuid>,
    pub(crate) digests: Vec<[u8; 32]>,
}

/// The links of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// The pull, push or run that it is a record of.
    pub(crate) transaction: Option<Uuid>,
    pub(crate) subject: Option<Subject>,
    pub(crate) case: Option<String>,
    /// SHA-256 and BLAKE3 of what came with it, or out of it.
    pub(crate) made: Vec<[u8; 32]>,
    pub(crate) used: Vec<Used>,
}

impl Links {
    /// The links of a record of this kind. A section that was erased links nothing any more.
    pub(crate) fn of<'a>(kind: Kind, section: impl Fn(SectionName) -> Option<&'a Value>) -> Self {
        let facts = section(SectionName::Facts);
        match kind {
            Kind::PullOpened | Kind::PullServed | Kind::PullReceived => {
                let exchange = section(SectionName::Exchange);
                Self {
                    transaction: transaction(exchange).or_else(|| transaction(facts)),
                    subject: exchange.and_then(|e| subject(e.get("subject"), "dataset")),
                    made: digests(section(SectionName::Content)),
                    ..Self::default()
                }
            }
            Kind::OneSidedPullOpened | Kind::OneSidedPullReceived => Self {
                transaction: transaction(facts),
                subject: subject(facts, "dataset"),
                made: digests(facts),
                ..Self::default()
            },
            Kind::PullAborted | Kind::PullUnacknowledged => Self {
                transaction: transaction(facts),
                ..Self::default()
            },
            Kind::RunRequested | Kind::RunStarted | Kind::RunFinished | Kind::RunFailed | Kind::RunReceived => {
                let links = section(SectionName::Run).map(of_run).unwrap_or_default();
                // Where the run's own section was erased, the exchange still says which run it was.
                let exchange = || transaction(section(SectionName::Exchange));
                Self {
                    transaction: links.transaction.or_else(exchange),
                    ..links
                }
            }
            Kind::DecisionMade => Self {
                case: text(facts, "case"),
                used: items(facts, "reliesOn")
                    .map(used)
                    .filter(Used::says_something)
                    .collect(),
                ..Self::default()
            },
            Kind::DatasetPublished => Self {
                subject: subject(facts, "dataset"),
                made: digests(facts),
                ..Self::default()
            },
            Kind::ModelPublished => Self {
                subject: subject(facts, "model"),
                made: digest(facts, "program").into_iter().collect(),
                ..Self::default()
            },
            Kind::Disclosed => Self {
                made: digest(facts, "manifest").into_iter().collect(),
                ..Self::default()
            },
            Kind::Replayed => Self {
                used: facts.map(used).into_iter().filter(Used::says_something).collect(),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

impl Links {
    /// Adds what an exchange and its content say, of which [`Self::of`] knew nothing.
    pub(super) fn add(&mut self, kind: Kind, exchanged: &mut Exchanged) {
        match kind {
            Kind::PullOpened | Kind::PullServed | Kind::PullReceived => {
                self.transaction = Some(exchanged.transaction);
                if let ExchangeSubject::Dataset { dataset, version } = &mut exchanged.subject {
                    self.subject = Some(Subject {
                        id: std::mem::take(dataset),
                        version: std::mem::take(version),
                    });
                }
                self.made = std::mem::take(&mut exchanged.digests);
            }
            Kind::RunRequested | Kind::RunStarted | Kind::RunFinished | Kind::RunFailed | Kind::RunReceived => {
                self.transaction = self.transaction.or(Some(exchanged.transaction));
            }
            _ => {}
        }
    }
}

impl Used {
    const fn says_something(&self) -> bool {
        self.transaction.is_some() || !self.digests.is_empty()
    }
}

fn of_run(run: &Value) -> Links {
    let run = Some(run);
    let program = Used {
        digests: digest(run, "program").into_iter().collect(),
        ..Used::default()
    };
    Links {
        transaction: transaction(run),
        subject: subject(run, "model"),
        case: text(run, "case"),
        made: items(run, "outputs").flat_map(|output| digests(Some(output))).collect(),
        used: items(run, "inputs")
            .map(used)
            .chain([program])
            .filter(Used::says_something)
            .collect(),
    }
}

fn used(item: &Value) -> Used {
    Used {
        transaction: transaction(Some(item)),
        digests: digests(Some(item)),
    }
}

fn items<'a>(of: Option<&'a Value>, member: &str) -> impl Iterator<Item = &'a Value> {
    let list = of.and_then(|of| of.get(member)).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn text(of: Option<&Value>, member: &str) -> Option<String> {
    of?.get(member)?.as_str().map(str::to_owned)
}

fn transaction(of: Option<&Value>) -> Option<Uuid> {
    Uuid::try_parse(of?.get("transaction")?.as_str()?).ok()
}

fn digest(of: Option<&Value>, member: &str) -> Option<[u8; 32]> {
    of?.get(member)?.as_str().and_then(hex32)
}

fn digests(of: Option<&Value>) -> Vec<[u8; 32]> {
    ["sha256", "blake3"]
        .into_iter()
        .filter_map(|name| digest(of, name))
        .collect()
}

fn subject(of: Option<&Value>, member: &str) -> Option<Subject> {
    Some(Subject {
        id: text(of, member)?,
        version: text(of, "version")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Content, Exchange, Phase};
    use serde_json::json;

    const T: &str = "0192f0c1-2b3c-7d4e-8f50-112233445501";

    fn links(kind: Kind, name: SectionName, section: &Value) -> Links {
        Links::of(kind, |wanted| (wanted == name).then_some(section))
    }

    #[test]
    fn a_run_used_its_inputs_and_its_program_and_made_its_outputs() {
        let (a, b, c) = ("aa".repeat(32), "bb".repeat(32), "cc".repeat(32));
        let run = json!({"transaction": T, "model": "sewer", "version": "2", "case": "Z-1", "program": c,
            "inputs": [{"name": "rain", "transaction": T, "sha256": a}, {"name": "own", "transaction": null, "sha256": b}],
            "outputs": [{"name": "water", "sha256": b, "blake3": c}]});
        let found = links(Kind::RunReceived, SectionName::Run, &run);
        let id = Uuid::try_parse(T).ok();
        assert_eq!(
            (
                found.transaction,
                found.case.as_deref(),
                found.subject.unwrap().id.as_str()
            ),
            (id, Some("Z-1"), "sewer")
        );
        assert_eq!(found.made, [[0xbb; 32], [0xcc; 32]]);
        let used: Vec<_> = found.used.iter().map(|u| (u.transaction, u.digests[0][0])).collect();
        assert_eq!(used, [(id, 0xaa), (None, 0xbb), (None, 0xcc)]);
    }

    #[test]
    fn what_is_erased_or_no_digest_links_nothing() {
        assert_eq!(Links::of(Kind::RunReceived, |_| None), Links::default());
        let facts = json!({"case": "Z-1", "reliesOn": [{"transaction": "no uuid", "sha256": "AA"}]});
        let found = links(Kind::DecisionMade, SectionName::Facts, &facts);
        assert_eq!((found.used, found.case.as_deref()), (Vec::new(), Some("Z-1")));
        assert_eq!(links(Kind::TrustChanged, SectionName::Facts, &facts), Links::default());
    }

    #[test]
    fn an_exchange_at_hand_links_what_its_sections_link() {
        let content = Content::digest([1; 32], b"rain", "text/csv");
        let other = "0192f0c1-2b3c-7d4e-8f50-112233445502";
        let (facts, run) = (json!({"transaction": other}), json!({"model": "sewer", "version": "1"}));
        let pulled = ExchangeSubject::Dataset {
            dataset: "rain".to_owned(),
            version: "2".to_owned(),
        };
        let run_of = ExchangeSubject::Model {
            model: "sewer".to_owned(),
            version: "1".to_owned(),
        };
        for subject in [pulled, run_of] {
            let exchange = Exchange {
                transaction: T.parse().unwrap(),
                segment: 1,
                phase: Phase::Pull,
                agreement: "urn:a".to_owned(),
                provider: "did:web:a.example".parse().unwrap(),
                consumer: "did:web:b.example".parse().unwrap(),
                subject,
                from: 0,
                to: 4,
                content: content.mac(),
            };
            let values = (exchange.to_value(), content.to_value());
            for (kind, run) in Kind::ALL.iter().flat_map(|kind| [(*kind, None), (*kind, Some(&run))]) {
                let besides = |name| match name {
                    SectionName::Facts => Some(&facts),
                    SectionName::Run => run,
                    _ => None,
                };
                let general = Links::of(kind, |name| match name {
                    SectionName::Exchange => Some(&values.0),
                    SectionName::Content => Some(&values.1),
                    _ => besides(name),
                });
                let mut links = Links::of(kind, besides);
                links.add(kind, &mut Exchanged::of(&exchange, &content).unwrap());
                assert_eq!(links, general, "{kind}");
            }
        }
    }
}
