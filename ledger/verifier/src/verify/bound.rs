//! What a `run` section says against what both ends exchanged. The section stands in one log alone, and whoever writes it can
//! write anything; the exchange stands in both, and commits to inputs, parameters and outputs.

use super::copies::Copies;
use super::doubt::{Doubt, tell};
use super::exchanges::{Exchanges, Joined};
use super::explanations::Explanations;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use crate::case::{FAILED, FINISHED, RunInput, RunSection, rank};
use herleid_ledger::exchange::{Content, Exchange, Phase, Subject};
use herleid_ledger::section::SectionName;
use herleid_vocab::json;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How a run can stand (docs/log-format.md, section 6).
const STATUSES: [&str; 4] = ["requested", "started", FINISHED, FAILED];

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

/// A run as its opened sections tell it, whichever exchange they stand with: of a run of which something is missing the inputs
/// are checked all the same.
pub(super) struct Run {
    pub(super) model: String,
    /// The furthest that it came. That it failed is for its provider to say.
    pub(super) status: String,
    pub(super) inputs: Vec<RunInput>,
    /// SHA-256 of the outputs, by name, from every section that says that it has finished.
    pub(super) outputs: BTreeMap<String, BTreeSet<String>>,
    /// An exchange of it, if one is there.
    pub(super) exchange: Option<Exchange>,
}

/// All runs by transaction, and those of which something is not as it should be.
pub(super) struct Runs {
    pub(super) told: BTreeMap<String, Run>,
    pub(super) doubtful: BTreeSet<String>,
}

/// Checks every opened `run` section.
pub(super) fn check(
    copies: &Copies<'_>,
    exchanges: &Exchanges<'_>,
    explanations: &Explanations,
    findings: &mut Findings,
) -> Runs {
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
        let Some(run) = RunSection::read(value) else {
            let what = "run is not of the form of docs/log-format.md, section 6".to_owned();
            findings.failed(Check::Run, &rec.source, Reason::RecordForm { what });
            continue;
        };
        let said = Said { rec, value, run };
        let transaction = said.run.transaction.clone();
        let stands = bound.stands(&said);
        // What stands where anybody could put it is not told of the run.
        let is_told = !matches!(stands, Err(Doubt::Failed(_)));
        if !tell(stands, Check::Run, &transaction, findings) {
            doubtful.insert(transaction.clone());
        }
        if is_told {
            runs.entry(transaction).or_default().push(said);
        }
    }
    let parameters = parameters(copies);
    for (transaction, said) in &runs {
        let of_run = parameters.get(transaction.as_str()).and_then(|all| all.first());
        let of_run = of_run.map(|(_, parameters)| *parameters);
        for result in [
            agree(said),
            bound.request(transaction, said, of_run),
            bound.result(transaction, said),
        ] {
            if !tell(result, Check::Run, transaction, findings) {
                doubtful.insert(transaction.clone());
            }
        }
    }
    for (transaction, parameters) in &parameters {
        if !tell(same_parameters(parameters), Check::Run, transaction, findings) {
            doubtful.insert((*transaction).to_owned());
        }
    }
    let told = runs.iter().filter_map(|(transaction, said)| {
        let run = bound.run(transaction, said)?;
        Some((transaction.clone(), run))
    });
    Runs {
        told: told.collect(),
        doubtful,
    }
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
            None if run.status == FAILED && !has(rec, SectionName::Exchange) => return self.failed_by_an_end(said),
            None if has(rec, SectionName::Exchange) => {
                let reason = Reason::NotOpened {
                    section: SectionName::Exchange.as_str().to_owned(),
                    of: source(),
                };
                let explained = self.explanations.section(rec, SectionName::Exchange);
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

    /// A `run-failed` must be by who was asked, or by who asked and was told.
    fn failed_by_an_end(&self, said: &Said<'_>) -> Result<(), Doubt> {
        let did = &said.rec.did;
        match self.first(&said.run.transaction, Phase::RunRequest) {
            Some(asked) if *did != asked.provider && *did != asked.consumer => {
                Err(Doubt::Failed(Reason::NotAnEnd { did: did.to_string() }))
            }
            _ => Ok(()),
        }
    }

    /// The exchange of that phase, by its first segment.
    fn first(&self, transaction: &str, phase: Phase) -> Option<&Exchange> {
        let segments = self.exchanges.get(&(transaction.to_owned(), phase))?;
        segments.first().map(|first| &first.exchange)
    }

    /// What the sections of one run tell together.
    fn run(&self, transaction: &str, said: &[Said<'_>]) -> Option<Run> {
        let exchange = self
            .first(transaction, Phase::RunRequest)
            .or_else(|| self.first(transaction, Phase::RunResult));
        let is_word_of = |said: &&Said<'_>| {
            said.run.status != FAILED || exchange.is_none_or(|exchange| exchange.provider == said.rec.did)
        };
        let statuses = said.iter().filter(is_word_of).map(|said| said.run.status.as_str());
        let status = statuses.max_by_key(|status| rank(status)).unwrap_or("requested");
        let mut outputs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for output in said.iter().flat_map(|said| &said.run.outputs) {
            let digests = outputs.entry(output.name.clone()).or_default();
            digests.insert(output.sha256.clone());
        }
        let first = said.first()?;
        Some(Run {
            model: first.run.model.clone(),
            status: status.to_owned(),
            inputs: first.run.inputs.clone(),
            outputs,
            exchange: exchange.cloned(),
        })
    }

    /// Inputs and parameters: those of the exchange that asked for the run.
    fn request(&self, transaction: &str, said: &[Said<'_>], parameters: Option<&Value>) -> Result<(), Doubt> {
        let one = self.whole(transaction, Phase::RunRequest)?;
        let content = one.content(self.explanations)?;
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
