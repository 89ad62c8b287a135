//! What a `run` section says against what both ends exchanged. The section stands in one log alone, and whoever writes it can
//! write anything; the exchange stands in both, and commits to inputs, parameters and outputs.

use super::copies::Copies;
use super::doubt::{Doubt, tell};
use super::exchanges::{Exchanges, Joined};
use super::explanations::Explanations;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use crate::case::RunSection;
use herleid_ledger::exchange::{Content, Exchange, Phase, Subject};
use herleid_ledger::section::SectionName;
use herleid_vocab::json;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The status of a run that gave its outputs.
pub(super) const FINISHED: &str = "finished";
/// How a run can stand (docs/log-format.md, section 6).
const STATUSES: [&str; 4] = ["requested", "started", FINISHED, "failed"];

/// A `run` section, and the record that it stands in.
struct Said<'a> {
    rec: &'a Rec,
    value: &'a Value,
    run: RunSection,
}

/// What the checks need.
struct Bound<'a> {
    copies: &'a Copies<'a>,
    exchanges: &'a Exchanges<'a>,
    explanations: &'a Explanations,
}

/// Checks every opened `run` section; gives the transactions of which something is not as it should be.
pub(super) fn check(
    copies: &Copies<'_>,
    exchanges: &Exchanges<'_>,
    explanations: &Explanations,
    findings: &mut Findings,
) -> BTreeSet<String> {
    let bound = Bound {
        copies,
        exchanges,
        explanations,
    };
    let mut doubtful = BTreeSet::new();
    let mut runs: BTreeMap<String, Vec<Said<'_>>> = BTreeMap::new();
    for rec in copies.firsts() {
        let Some(value) = copies.section(rec, SectionName::Run) else {
            continue;
        };
        let Ok(run) = serde_json::from_value::<RunSection>(value.clone()) else {
            let what = "run is not of the form of docs/log-format.md, section 6".to_owned();
            findings.failed(Check::Run, &rec.source, Reason::RecordForm { what });
            continue;
        };
        let said = Said { rec, value, run };
        if !tell(bound.stands(&said), Check::Run, &said.run.transaction, findings) {
            doubtful.insert(said.run.transaction.clone());
        }
        runs.entry(said.run.transaction.clone()).or_default().push(said);
    }
    for (transaction, said) in &runs {
        for result in [
            agree(said),
            bound.request(transaction, said),
            bound.result(transaction, said),
        ] {
            if !tell(result, Check::Run, transaction, findings) {
                doubtful.insert(transaction.clone());
            }
        }
    }
    for (transaction, parameters) in &parameters(copies) {
        if !tell(same_parameters(parameters), Check::Run, transaction, findings) {
            doubtful.insert((*transaction).to_owned());
        }
    }
    doubtful
}

/// Every opened `parameters`, by transaction: the request commits to them, and no other record of the run may say others.
fn parameters<'a>(copies: &Copies<'a>) -> BTreeMap<&'a str, Vec<(&'a Rec, &'a Value)>> {
    let mut found: BTreeMap<&'a str, Vec<(&'a Rec, &'a Value)>> = BTreeMap::new();
    for rec in copies.firsts() {
        let section = copies.section(rec, SectionName::Parameters);
        if let Some((transaction, section)) = copies.transaction(rec).zip(section) {
            found.entry(transaction).or_default().push((rec, section));
        }
    }
    found
}

fn same_parameters(all: &[(&Rec, &Value)]) -> Result<(), Doubt> {
    let Some(((first, known), others)) = all.split_first() else {
        return Ok(());
    };
    match others.iter().find(|(_, other)| other != known) {
        None => Ok(()),
        Some((other, _)) => Err(differ(SectionName::Parameters, first, other)),
    }
}

fn differ(section: SectionName, one: &Rec, other: &Rec) -> Doubt {
    Doubt::Failed(Reason::EndsDiffer {
        section: section.as_str().to_owned(),
        one: one.source.clone(),
        other: other.source.clone(),
    })
}

impl Bound<'_> {
    /// Whether the section stands where it may: in a record of an exchange about the same run, in the right phase of it.
    fn stands(&self, said: &Said<'_>) -> Result<(), Doubt> {
        let (rec, run) = (said.rec, &said.run);
        let source = || rec.source.clone();
        let other_status = || -> Result<(), Doubt> {
            Err(Doubt::Failed(Reason::OtherStatus {
                status: run.status.chars().take(80).collect(),
                source: source(),
            }))
        };
        if !STATUSES.contains(&run.status.as_str()) {
            return other_status();
        }
        let exchange = match self.copies.exchange(rec) {
            Some(exchange) => exchange.map_err(Doubt::failed)?,
            // A failure is one end's own word, and brings nothing that a decision could rely on.
            None if run.status == "failed" && run.outputs.is_empty() && !has(rec, SectionName::Exchange) => {
                return self.failed_by_its_runner(said);
            }
            None if has(rec, SectionName::Exchange) => {
                let reason = Reason::NotOpened {
                    section: SectionName::Exchange.as_str().to_owned(),
                    of: source(),
                };
                let explained = self.explanations.section(&rec.leaf, SectionName::Exchange);
                return Err(Doubt::missing(reason, explained));
            }
            None => return Err(Doubt::Failed(Reason::RunWithoutExchange { source: source() })),
        };
        if !is_about(&exchange, run) {
            return Err(Doubt::Failed(Reason::RunOfOther { source: source() }));
        }
        let fits = match exchange.phase {
            Phase::Pull => false,
            Phase::RunRequest => run.status != FINISHED && run.outputs.is_empty(),
            Phase::RunResult => run.status == FINISHED,
        };
        if fits { Ok(()) } else { other_status() }
    }

    /// A `run-failed` must be by who was asked.
    fn failed_by_its_runner(&self, said: &Said<'_>) -> Result<(), Doubt> {
        let asked = self
            .exchanges
            .get(&(said.run.transaction.clone(), Phase::RunRequest))
            .and_then(|segments| segments.first());
        match asked {
            Some(one) if one.exchange.provider != said.rec.did => Err(Doubt::Failed(Reason::NotAnEnd {
                did: said.rec.did.to_string(),
            })),
            _ => Ok(()),
        }
    }

    /// Inputs and parameters: those of the exchange that asked for the run.
    fn request(&self, transaction: &str, said: &[Said<'_>]) -> Result<(), Doubt> {
        let one = self.whole(transaction, Phase::RunRequest)?;
        let content = one.content(self.explanations)?;
        let parameters = one
            .ends
            .iter()
            .find_map(|rec| self.copies.section(rec, SectionName::Parameters));
        let Some(parameters) = parameters else {
            let section = SectionName::Parameters;
            let reason = Reason::NotOpened {
                section: section.as_str().to_owned(),
                of: one.name(),
            };
            let explained = self.explanations.section_of_all(one.ends.iter().copied(), section);
            return Err(Doubt::missing(reason, explained));
        };
        all_are(
            content,
            said.iter(),
            |said| json!({"inputs": said.value.get("inputs"), "parameters": parameters}),
        )
    }

    /// Outputs: those of the exchange that brought them, when the run is said to have finished.
    fn result(&self, transaction: &str, said: &[Said<'_>]) -> Result<(), Doubt> {
        if !said.iter().any(|said| said.run.status == FINISHED) {
            return Ok(());
        }
        let content = self.whole(transaction, Phase::RunResult)?.content(self.explanations)?;
        let finished = said.iter().filter(|said| said.run.status == FINISHED);
        all_are(content, finished, |said| json!({"outputs": said.value.get("outputs")}))
    }

    /// The one exchange of that phase; a run's has no segments.
    fn whole(&self, transaction: &str, phase: Phase) -> Result<&Joined<'_>, Doubt> {
        let segments = self.exchanges.get(&(transaction.to_owned(), phase)).map(Vec::as_slice);
        match segments.unwrap_or_default() {
            [one] if one.exchange.from == 0 => Ok(*one),
            [] => Err(Doubt::missing(
                Reason::NoExchange {
                    phase: phase.as_str().to_owned(),
                },
                None,
            )),
            _ => Err(Doubt::missing(Reason::InSegments, None)),
        }
    }
}

fn has(rec: &Rec, section: SectionName) -> bool {
    rec.record.macs().contains_key(&section)
}

fn is_about(exchange: &Exchange, run: &RunSection) -> bool {
    let is_model = match &exchange.subject {
        Subject::Model { model, version } => *model == run.model && *version == run.version,
        Subject::Dataset { .. } => false,
    };
    is_model && exchange.agreement == run.agreement && exchange.transaction.hyphenated().to_string() == run.transaction
}

/// All that is said of one run must be of one run, and once it has finished of one result.
fn agree(said: &[Said<'_>]) -> Result<(), Doubt> {
    same(said.iter(), &["model", "version", "agreement", "inputs"])?;
    same(said.iter().filter(|said| said.run.status == FINISHED), &["outputs"])
}

fn same<'s, 'r: 's>(mut said: impl Iterator<Item = &'s Said<'r>>, members: &[&str]) -> Result<(), Doubt> {
    let Some(first) = said.next() else {
        return Ok(());
    };
    for other in said {
        let differs = |member: &&str| first.value.get(*member) != other.value.get(*member);
        if members.iter().any(differs) {
            return Err(differ(SectionName::Run, first.rec, other.rec));
        }
    }
    Ok(())
}

/// Whether the content is what each section gives when it is composed (docs/log-format.md, section 5).
fn all_are<'s, 'r: 's>(
    content: &Content,
    said: impl Iterator<Item = &'s Said<'r>>,
    composed: impl Fn(&Said<'_>) -> Value,
) -> Result<(), Doubt> {
    for said in said {
        let bytes = json::canonical(&composed(said));
        if !bytes.is_ok_and(|bytes| Content::digest(content.salt, &bytes, &content.media_type) == *content) {
            return Err(Doubt::Failed(Reason::OtherThanExchanged {
                source: said.rec.source.clone(),
            }));
        }
    }
    Ok(())
}
