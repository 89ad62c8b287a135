//! A case as its records tell it: the decision, the runs it relies on, their inputs and parameters, the pulls, the
//! agreements, the parties. Plain values, for the report, PROV and RO-Crate; the verifier's checks work on the records.

mod gather;
mod run;

pub use gather::CaseRecord;
pub use run::{Author, DecisionFacts, Output, Relied, RunFile, RunInput, RunSection};
pub(crate) use run::{FAILED, FINISHED, rank};

use herleid_ledger::exchange::Subject;
use herleid_ledger::handover::VerifiedRecord;
use herleid_ledger::merkle::Hash;
use herleid_vocab::did::Did;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The decision that a dossier explains.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Who decided.
    pub party: Did,
    /// Leaf hash of the record.
    pub leaf: Hash,
    /// When it was recorded: UTC milliseconds since 1970.
    pub recorded_ms: Option<u64>,
    /// What was decided.
    pub facts: DecisionFacts,
    /// Who signed for it.
    pub author: Option<Author>,
}

/// One run of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Transaction of the run: a UUIDv7.
    pub transaction: String,
    /// Agreement under which it ran.
    pub agreement: String,
    /// Model service.
    pub model: String,
    /// Version of the model.
    pub version: String,
    /// Who ran it, from the exchange.
    pub provider: Option<Did>,
    /// Who asked for it, from the exchange.
    pub consumer: Option<Did>,
    /// Inputs, in the order in which the model takes them.
    pub inputs: Vec<RunInput>,
    /// Every parameter, defaults included.
    pub parameters: Map<String, Value>,
    /// Outputs; empty until it has finished.
    pub outputs: Vec<RunFile>,
    /// Seed of its random numbers, if it takes one.
    pub seed: Value,
    /// The furthest status recorded: `requested`, `started`, `failed`, `finished`.
    pub status: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// SHA-256 of the description of the environment, as found.
    pub environment: Value,
    /// SHA-256 of the program, as found on disk when it ran.
    pub program: Option<String>,
    /// Case that it was run for.
    pub case: Option<String>,
    /// First and last time recorded of it: UTC milliseconds since 1970.
    pub recorded_ms: Option<(u64, u64)>,
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    /// Origin of the log.
    pub origin: String,
    /// Index in it, from 0.
    pub index: u64,
}

impl LogPlace {
    /// The place of a record.
    #[must_use]
    pub fn of(record: &VerifiedRecord) -> Self {
        Self {
            origin: record.origin().to_owned(),
            index: record.index(),
        }
    }

    /// Whether what stands here may have come before `other`, a record of the same party. The order of two logs of a party,
    /// which has one after the other, is not to be seen in them.
    #[must_use]
    pub fn may_precede(&self, other: &Self) -> bool {
        self.origin != other.origin || self.index < other.index
    }
}

/// Data passed from one party to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Pull {
    /// Transaction: a UUIDv7.
    pub transaction: String,
    /// Agreement under which it was passed on.
    pub agreement: String,
    /// Who gave.
    pub provider: Did,
    /// Who received.
    pub consumer: Did,
    /// What.
    pub subject: Subject,
    /// Bytes, over all segments.
    pub bytes: u64,
    /// SHA-256 of the whole, when one segment is the whole and its content section is opened.
    pub sha256: Option<String>,
    /// Media type.
    pub media_type: Option<String>,
    /// When it was first recorded: UTC milliseconds since 1970.
    pub recorded_ms: Option<u64>,
    /// Where its giver recorded it, if that is there.
    pub given: Option<LogPlace>,
    /// Where its receiver recorded it, if that is there.
    pub received: Option<LogPlace>,
}

impl Pull {
    /// Whether it brought its receiver something before that party gave `later`, by that party's own log: transactions have
    /// their ids from whoever asks, and an id can be of any time.
    fn came_before(&self, later: &Self) -> bool {
        let places = self.received.as_ref().zip(later.given.as_ref());
        places.is_some_and(|(received, given)| received.may_precede(given))
    }
}

/// An agreement, as one end recorded it.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Id, as the Dataspace Protocol carries it.
    pub id: String,
    /// Who offers.
    pub provider: String,
    /// Who uses.
    pub consumer: String,
    /// SHA-256 of the policy.
    pub policy: String,
    /// When it was recorded: UTC milliseconds since 1970.
    pub recorded_ms: Option<u64>,
}

/// A dataset or model version, as its publisher recorded it.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// Publisher.
    pub party: Did,
    /// Id of the dataset or model.
    pub id: String,
    /// Version.
    pub version: String,
    /// Title.
    pub title: String,
    /// Whether it is a model.
    pub is_model: bool,
    /// SHA-256 of the data, or of the program; empty of an API, whose answers have their own.
    pub sha256: String,
}

/// Everything the records tell, each part in the order of its transactions or ids.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Case {
    /// The decision; none when its record is not there or not opened.
    pub decision: Option<Decision>,
    /// Runs by transaction, which for UUIDv7 is the order in which they were asked for.
    pub runs: BTreeMap<String, Run>,
    /// Pulls by transaction.
    pub pulls: BTreeMap<String, Pull>,
    /// Agreements by id.
    pub agreements: BTreeMap<String, Agreement>,
    /// Datasets and models by (id, version).
    pub published: BTreeMap<(String, String), Published>,
    /// Names of parties, where known, by DID.
    pub names: BTreeMap<String, String>,
}

impl Case {
    /// The name of a party, or its identifier.
    #[must_use]
    pub fn name_of<'a>(&'a self, did: &'a str) -> &'a str {
        self.names.get(did).map_or(did, String::as_str)
    }

    /// The title of a dataset or model, or its id.
    #[must_use]
    pub fn title_of<'a>(&'a self, id: &'a str, version: &str) -> &'a str {
        let found = self.published.get(&(id.to_owned(), version.to_owned()));
        found.map_or(id, |published| &published.title)
    }

    /// The title of an input's dataset, or the model's name for it when it is of no dataset.
    #[must_use]
    pub fn title_of_input<'a>(&'a self, input: &'a RunInput) -> &'a str {
        match (&input.dataset, &input.version) {
            (Some(dataset), Some(version)) => self.title_of(dataset, version),
            (Some(dataset), None) => dataset,
            (None, _) => &input.name,
        }
    }

    /// What the decision relies on, by name: an output of a run, or the data that a pull brought.
    #[must_use]
    pub fn title_of_relied<'a>(&'a self, relied: &'a Relied) -> &'a str {
        match (&relied.output, self.pulls.get(&relied.transaction)) {
            (Some(output), _) => output,
            (None, Some(pull)) => match &pull.subject {
                Subject::Dataset { dataset: id, version } | Subject::Model { model: id, version } => {
                    self.title_of(id, version)
                }
            },
            (None, None) => &relied.transaction,
        }
    }

    /// The party whose data a file is, followed back through those who passed it on: the provider of the first pull of it.
    #[must_use]
    pub fn source_of(&self, input: &RunInput) -> Option<&Did> {
        let mut pull = self.pulls.get(input.transaction.as_deref()?)?;
        // Every step goes to another pull; a circle of parties that pass one file around ends after all of them.
        for _ in 0..self.pulls.len() {
            let before = self.pulls.values().find(|other| {
                other.consumer == pull.provider
                    && other.came_before(pull)
                    && other.sha256.is_some()
                    && other.sha256 == pull.sha256
                    && (&other.subject, &other.agreement) == (&pull.subject, &pull.agreement)
            });
            match before {
                Some(other) => pull = other,
                None => break,
            }
        }
        Some(&pull.provider)
    }
}
