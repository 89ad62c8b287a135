//! One activity, as its records tell it: opened, and their proofs checked anew.

mod elsewhere;

use super::named::Named;
use super::text;
use crate::commands::Failure;
use crate::control::protocol::TraceNode;
use crate::dossier::closure::kind;
use crate::node::Node;
use crate::state::LogIdentity;
use herleid_ledger::record::{Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Activity, At, Ledger, StoredRecord};
use herleid_vocab::did::Did;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An activity with its records, as far as they can be read.
pub(super) struct Told<'a> {
    node: &'a Node,
    /// The log of ours that its records are of.
    ledger: &'a Ledger,
    activity: &'a Activity,
    streams: &'a BTreeMap<Uuid, (StreamKey, u64)>,
    logs: &'a BTreeMap<String, LogIdentity>,
    records: Vec<StoredRecord>,
    /// Why the first of those that cannot be read cannot.
    damaged: Option<String>,
    /// Without what is nobody else's business: people, parameters, words.
    pub(super) for_others: bool,
}

/// Something that stands in no record.
fn said(kind: &str, label: String) -> TraceNode {
    TraceNode {
        kind: kind.to_owned(),
        label,
        ..TraceNode::default()
    }
}

impl<'a> Told<'a> {
    pub(super) fn read(
        (node, ledger): (&'a Node, &'a Ledger),
        activity: &'a Activity,
        streams: &'a BTreeMap<Uuid, (StreamKey, u64)>,
        logs: &'a BTreeMap<String, LogIdentity>,
    ) -> Result<Self, Failure> {
        let (mut records, mut damaged) = (Vec::new(), None);
        for (index, _) in &activity.records {
            match ledger.record(*index) {
                Ok(record) => records.push(record),
                // One damaged record does not hide what the others say.
                Err(error) if error.is_altered() => damaged = damaged.or(Some(error.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            node,
            ledger,
            activity,
            streams,
            logs,
            records,
            damaged,
            for_others: false,
        })
    }

    fn of_kind(&self, kinds: &[Kind]) -> Option<&StoredRecord> {
        let mut records = self.records.iter();
        records.find(|r| kind(r).is_some_and(|k| kinds.contains(&k)))
    }

    pub(super) fn is(&self, wanted: Kind) -> bool {
        self.activity.records.iter().any(|(_, kind)| *kind == Some(wanted))
    }

    pub(super) const fn depth(&self) -> u32 {
        self.activity.depth
    }

    /// The other end of the agreement in whose stream it stands.
    fn other(&self) -> Option<&Did> {
        let keys = self.activity.streams.iter().filter_map(|id| self.streams.get(id));
        keys.into_iter().find_map(|(key, _)| match key {
            StreamKey::Agreement { other, .. } => Some(other),
            _ => None,
        })
    }

    /// A node for a record of ours, its proof checked anew.
    fn of_record(&self, record: &StoredRecord, kind: &str, label: String) -> Result<TraceNode, Failure> {
        let handed = self.ledger.hand_over(record.index(), &[], None, At::Latest)?;
        let erased: Vec<&str> = record
            .macs()
            .keys()
            .filter(|name| !record.sections().contains_key(name))
            .map(|name| name.as_str())
            .collect();
        let mut label = label;
        if !erased.is_empty() {
            label = format!("{label} (erased here: {})", erased.join(", "));
        }
        match &self.damaged {
            None => {}
            Some(_) if self.for_others => label.push_str(" (another record of it is damaged)"),
            Some(damaged) => label = format!("{label} (another record of it is damaged: {damaged})"),
        }
        Ok(TraceNode {
            kind: kind.to_owned(),
            label,
            party: Some(self.node.did.clone()),
            index: Some(record.index()),
            verified: self.damaged.is_none() && handed.verify(self.ledger.verifier()).is_ok(),
            ..TraceNode::default()
        })
    }

    /// What is said of a run whose records do not say how it ended: whether that was never recorded, or is erased.
    fn unended(&self, transaction: &str) -> Result<String, Failure> {
        let ours: BTreeSet<u64> = self.activity.records.iter().map(|(index, _)| *index).collect();
        let ends = [Kind::RunFinished, Kind::RunFailed, Kind::RunReceived];
        for index in self.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
            let is_end = || Ok::<_, Failure>(kind(&self.ledger.record(index)?).is_none_or(|kind| ends.contains(&kind)));
            if !ours.contains(&index) && is_end()? {
                return Ok(format!(": how it ended was erased here (record {index})"));
            }
        }
        Ok(": no end of it is recorded here".to_owned())
    }

    /// The activity without what follows from it.
    pub(super) fn itself(&self) -> Result<TraceNode, Failure> {
        if let Some(record) = self.run() {
            let run = record.value(SectionName::Run).unwrap_or_default();
            let end = match text(&run, "/status").as_str() {
                "failed" => format!(": failed: {}", text(&run, "/reason")),
                "requested" | "started" => self.unended(&text(&run, "/transaction"))?,
                _ => String::new(),
            };
            let label = format!("{} {}{end}", text(&run, "/model"), text(&run, "/version"));
            return self.of_record(record, "run", label);
        }
        if let Some(record) = self.pull() {
            return self.of_pull(record);
        }
        if let Some(record) = self.of_kind(&[Kind::OneSidedPullReceived, Kind::OneSidedPullOpened]) {
            return self.one_sided(record);
        }
        let Some(record) = self.records.first() else {
            let why = self.damaged.as_deref().filter(|_| !self.for_others);
            let why = why.unwrap_or("no record of it can be read");
            return Ok(TraceNode {
                party: Some(self.node.did.clone()),
                index: Some(self.activity.first()),
                ..said("record", why.to_owned())
            });
        };
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let people = record.value(SectionName::People).unwrap_or_default();
        let (kind, label) = match kind(record) {
            Some(Kind::DecisionMade) if self.for_others => ("decision", text(&facts, "/case")),
            Some(Kind::DecisionMade) => (
                "decision",
                format!(
                    "{} ({}, {})",
                    text(&facts, "/title"),
                    text(&people, "/author/name"),
                    text(&people, "/author/role")
                ),
            ),
            Some(of @ Kind::DatasetPublished) => (
                of.as_str(),
                format!("{} {}", text(&facts, "/dataset"), text(&facts, "/version")),
            ),
            Some(of @ Kind::ModelPublished) => (
                of.as_str(),
                format!("{} {}", text(&facts, "/model"), text(&facts, "/version")),
            ),
            Some(of) => (of.as_str(), String::new()),
            None => ("record", "what kind it is was erased, or is damaged".to_owned()),
        };
        self.of_record(record, kind, label)
    }

    /// The record that says most of a run: its end.
    fn run(&self) -> Option<&StoredRecord> {
        let stages: [&[Kind]; 3] = [
            &[Kind::RunReceived, Kind::RunFinished],
            &[Kind::RunFailed],
            &[Kind::RunRequested, Kind::RunStarted],
        ];
        stages.into_iter().find_map(|kinds| self.of_kind(kinds))
    }

    /// The record that says most of a pull: of what was digested on the way only the second says what it was.
    fn pull(&self) -> Option<&StoredRecord> {
        let kinds: [&[Kind]; 2] = [&[Kind::PullReceived], &[Kind::PullOpened, Kind::PullServed]];
        let told = kinds.into_iter().find_map(|kinds| {
            let mut all = self
                .records
                .iter()
                .filter(|r| kind(r).is_some_and(|k| kinds.contains(&k)));
            all.find(|r| r.value(SectionName::Exchange).is_some())
        });
        told.or_else(|| self.of_kind(&[Kind::PullReceived, Kind::PullOpened, Kind::PullServed]))
    }

    fn of_pull(&self, record: &StoredRecord) -> Result<TraceNode, Failure> {
        let exchange = record.value(SectionName::Exchange).unwrap_or_default();
        let content = record.value(SectionName::Content).unwrap_or_default();
        let (end, other) = match text(&exchange, "/provider") == self.node.did.as_str() {
            true => ("passed on to", text(&exchange, "/consumer")),
            false => ("from", text(&exchange, "/provider")),
        };
        let label = format!(
            "{} {} {end} {other}",
            text(&exchange, "/subject/dataset"),
            text(&exchange, "/subject/version"),
        );
        let mut node = self.of_record(record, "pull", label)?;
        node.digest = Some(text(&content, "/sha256")).filter(|digest| !digest.is_empty());
        Ok(node)
    }

    /// A pull of which no other end keeps a record: all that is known of it is our own word.
    fn one_sided(&self, record: &StoredRecord) -> Result<TraceNode, Failure> {
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let other = self.other().map_or("somebody", Did::as_str);
        let ends = match kind(record) {
            Some(Kind::OneSidedPullReceived) => format!("from {other}"),
            _ => format!("opened for {other}"),
        };
        let label = format!(
            "{} {} {ends} (one-sided: no receipt of the other end)",
            text(&facts, "/dataset"),
            text(&facts, "/version"),
        );
        let mut node = self.of_record(record, "pull", label)?;
        node.digest = Some(text(&facts, "/sha256")).filter(|digest| !digest.is_empty());
        Ok(node)
    }

    /// What it names as what it rests on: inputs, or outputs relied on.
    pub(super) fn names(&self) -> Vec<Named> {
        let (section, list, name) = match self.run() {
            Some(run) => (run.value(SectionName::Run), "inputs", "/name"),
            None => {
                let decision = self.of_kind(&[Kind::DecisionMade]);
                (
                    decision.and_then(|d| d.value(SectionName::Facts)),
                    "reliesOn",
                    "/output",
                )
            }
        };
        Named::each(&section.unwrap_or_default(), list, name)
    }

    /// SHA-256 of what it made, or brought.
    pub(super) fn made(&self) -> Vec<String> {
        self.records.iter().flat_map(made_by).collect()
    }

    pub(super) const fn transaction(&self) -> Option<Uuid> {
        self.activity.transaction
    }

    /// As what it uses `from`: the names of its inputs that came from there.
    pub(super) fn uses_as(&self, from: &Told<'_>) -> Vec<String> {
        let made = from.made();
        let of_it = self.names().into_iter().filter(|named| {
            (named.id.is_some() && named.id == from.activity.transaction)
                || (!named.sha256.is_empty() && made.contains(&named.sha256))
        });
        of_it.map(|named| named.name).filter(|name| !name.is_empty()).collect()
    }

    /// What is known of something that is named, and that no record here is about.
    pub(super) fn unknown(&self, named: &Named) -> Result<TraceNode, Failure> {
        let Some(id) = &named.transaction else {
            return Ok(said("file", "declared by whoever asked for the run".to_owned()));
        };
        let mentioned = self.ledger.by_term(&Term::Transaction(id.clone()))?;
        let own: Vec<u64> = self.activity.records.iter().map(|(index, _)| *index).collect();
        // What is erased can still be mentioned.
        let left: Vec<String> = mentioned
            .iter()
            .filter(|index| !own.contains(index))
            .map(u64::to_string)
            .collect();
        let why = match left.is_empty() {
            true => "not recorded here".to_owned(),
            false => format!(
                "no record of it is here, or it was erased; mentioned in record {}",
                left.join(", ")
            ),
        };
        Ok(said("transaction", format!("{id}: {why}")))
    }

    /// The parameters of a run.
    pub(super) fn parameters(&self) -> Option<TraceNode> {
        let run = self.run().filter(|_| !self.for_others)?;
        let parameters = self
            .of_kind(&[Kind::RunRequested, Kind::RunStarted])
            .and_then(|r| r.value(SectionName::Parameters))
            .unwrap_or_default();
        let listed: Vec<String> = parameters
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                format!(
                    "{name} = {}",
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                )
            })
            .collect();
        // Its records' proofs were checked; these are sections of one of them.
        let verified = self
            .of_record(run, "run", String::new())
            .is_ok_and(|node| node.verified);
        Some(TraceNode {
            verified,
            ..said("parameters", listed.join(", "))
        })
    }
}

/// SHA-256 of what a record says was made, brought or published.
pub(super) fn made_by(record: &StoredRecord) -> Vec<String> {
    let sections = [SectionName::Content, SectionName::Facts];
    let values = sections.into_iter().filter_map(|name| record.value(name));
    let mut made: Vec<String> = values.map(|value| text(&value, "/sha256")).collect();
    let run = record.value(SectionName::Run).unwrap_or_default();
    let outputs = Named::each(&run, "outputs", "/name");
    made.extend(outputs.into_iter().map(|output| output.sha256));
    made.retain(|sha256| !sha256.is_empty());
    made
}
