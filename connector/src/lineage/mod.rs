//! What led here: the records of our own log and the receipts of others, as a tree for people and as PROV-O for queries.

mod prov;

pub use prov::sparql;

use crate::commands::Failure;
use crate::control::protocol::TraceNode;
use crate::dossier::closure::{self, follow, kind};
use crate::node::Node;
use herleid_ledger::StoredRecord;
use herleid_ledger::note::Verifier;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a tree is made of.
struct Known<'a> {
    node: &'a Node,
    records: BTreeMap<u64, StoredRecord>,
}

/// The tree of what `start` rests on.
///
/// # Errors
/// When the log cannot be read or does not verify.
pub fn tree(node: &Node, what: &str, start: &BTreeSet<u64>) -> Result<TraceNode, Failure> {
    let known = Known {
        node,
        records: follow(node, start.clone())?,
    };
    let decisions: Vec<&StoredRecord> = start
        .iter()
        .filter_map(|i| known.records.get(i))
        .filter(|r| kind(r) == Some(Kind::DecisionMade))
        .collect();
    let mut children = Vec::new();
    for decision in &decisions {
        children.push(known.decision(decision)?);
    }
    if decisions.is_empty() {
        let transactions: BTreeSet<String> = start
            .iter()
            .filter_map(|i| known.records.get(i))
            .filter_map(transaction)
            .collect();
        for transaction in transactions {
            children.push(known.transaction(&transaction)?);
        }
    }
    if children.is_empty() {
        for record in start.iter().filter_map(|i| known.records.get(i)) {
            children.push(known.of_record(record, kind(record).map_or("record", Kind::as_str), String::new())?);
        }
    }
    Ok(TraceNode {
        kind: "trace".to_owned(),
        label: what.to_owned(),
        digest: None,
        party: None,
        index: None,
        verified: children.iter().all(|c| c.verified),
        children,
    })
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn transaction(record: &StoredRecord) -> Option<String> {
    [SectionName::Exchange, SectionName::Run, SectionName::Facts]
        .into_iter()
        .find_map(|name| Some(record.value(name)?.get("transaction")?.as_str()?.to_owned()))
}

/// The facts of the agreement in whose stream a record stands: an identifier alone may have been chosen twice.
fn agreed(records: &BTreeMap<u64, StoredRecord>, record: &StoredRecord) -> Option<Value> {
    let stream = |r: &StoredRecord| Some(text(&r.value(SectionName::StreamAgreement)?, "/id"));
    let wanted = stream(record)?;
    let concluded = records.values().filter(|r| kind(r) == Some(Kind::AgreementConcluded));
    concluded
        .filter(|r| stream(r).as_ref() == Some(&wanted))
        .find_map(|r| r.value(SectionName::Facts))
}

impl Known<'_> {
    /// A node for a record of ours, its proof checked anew.
    fn of_record(&self, record: &StoredRecord, kind: &str, label: String) -> Result<TraceNode, Failure> {
        let handed = self
            .node
            .ledger
            .hand_over(record.index(), &[], None, herleid_ledger::At::Latest)?;
        Ok(TraceNode {
            kind: kind.to_owned(),
            label,
            digest: None,
            party: Some(self.node.did.clone()),
            index: Some(record.index()),
            verified: handed.verify(self.node.ledger.verifier()).is_ok(),
            children: Vec::new(),
        })
    }

    fn decision(&self, record: &StoredRecord) -> Result<TraceNode, Failure> {
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let people = record.value(SectionName::People).unwrap_or_default();
        let label = format!(
            "{} ({}, {})",
            text(&facts, "/title"),
            text(&people, "/author/name"),
            text(&people, "/author/role")
        );
        let mut node = self.of_record(record, "decision", label)?;
        let mut shown = BTreeSet::new();
        for output in facts.get("reliesOn").and_then(Value::as_array).into_iter().flatten() {
            let run = text(output, "/transaction");
            let mut child = self.transaction(&run)?;
            // A pull has no outputs to name.
            let name = text(output, "/output");
            if !name.is_empty() {
                child.label = format!("{} → {name}", child.label);
            }
            child.digest = Some(text(output, "/sha256"));
            shown.insert(run);
            node.children.push(child);
        }
        // Runs for the same case on which the decision does not rest are part of the choice that was made.
        for other in self.runs_of(&text(&facts, "/case")).difference(&shown) {
            let mut child = self.transaction(other)?;
            child.label = format!("{} (run for this case, not relied on)", child.label);
            node.children.push(child);
        }
        Ok(node)
    }

    fn runs_of(&self, case: &str) -> BTreeSet<String> {
        let runs = self
            .records
            .values()
            // Also those that did not come to an end.
            .filter(|r| matches!(kind(r), Some(Kind::RunRequested | Kind::RunReceived)))
            .filter_map(|r| r.value(SectionName::Run));
        runs.filter(|run| text(run, "/case") == case)
            .map(|run| text(&run, "/transaction"))
            .collect()
    }

    fn of_kind(&self, transaction_id: &str, kinds: &[Kind]) -> Option<&StoredRecord> {
        self.records
            .values()
            .find(|r| transaction(r).as_deref() == Some(transaction_id) && kind(r).is_some_and(|k| kinds.contains(&k)))
    }

    fn transaction(&self, id: &str) -> Result<TraceNode, Failure> {
        // The end of a run says most of it.
        let stages: [&[Kind]; 3] = [
            &[Kind::RunReceived, Kind::RunFinished],
            &[Kind::RunFailed],
            &[Kind::RunRequested, Kind::RunStarted],
        ];
        if let Some(run) = stages.into_iter().find_map(|kinds| self.of_kind(id, kinds)) {
            return self.run(run);
        }
        // Of what was digested on the way only the second of its records says what it was.
        let kinds: [&[Kind]; 2] = [&[Kind::PullReceived], &[Kind::PullOpened, Kind::PullServed]];
        let told = kinds.into_iter().find_map(|kinds| {
            let all = self
                .records
                .values()
                .filter(|r| kind(r).is_some_and(|k| kinds.contains(&k)));
            all.filter(|r| r.value(SectionName::Exchange).is_some())
                .find(|r| transaction(r).as_deref() == Some(id))
        });
        if let Some(pull) = told.or_else(|| self.of_kind(id, &[Kind::PullOpened])) {
            return self.pull(pull);
        }
        if let Some(pull) = self.of_kind(id, &[Kind::OneSidedPullReceived, Kind::OneSidedPullOpened]) {
            return self.one_sided(pull);
        }
        Ok(TraceNode {
            kind: "transaction".to_owned(),
            label: format!("{id}: not recorded here"),
            digest: None,
            party: None,
            index: None,
            verified: false,
            children: Vec::new(),
        })
    }

    fn run(&self, record: &StoredRecord) -> Result<TraceNode, Failure> {
        let run = record.value(SectionName::Run).unwrap_or_default();
        let end = match text(&run, "/status").as_str() {
            "failed" => format!(": failed: {}", text(&run, "/reason")),
            "requested" | "started" => ": no end of it is recorded here".to_owned(),
            _ => String::new(),
        };
        let label = format!("{} {}{end}", text(&run, "/model"), text(&run, "/version"));
        let mut node = self.of_record(record, "run", label)?;
        let id = text(&run, "/transaction");
        let parameters = self
            .of_kind(&id, &[Kind::RunRequested, Kind::RunStarted])
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
        node.children.push(TraceNode {
            kind: "parameters".to_owned(),
            label: listed.join(", "),
            digest: None,
            party: None,
            index: None,
            verified: node.verified,
            children: Vec::new(),
        });
        for input in run.get("inputs").and_then(Value::as_array).into_iter().flatten() {
            let name = text(input, "/name");
            let mut child = match input.get("transaction").and_then(Value::as_str) {
                Some(pull) => self.transaction(pull)?,
                None => TraceNode {
                    kind: "file".to_owned(),
                    label: "declared by whoever asked for the run".to_owned(),
                    digest: None,
                    party: None,
                    index: None,
                    verified: false,
                    children: Vec::new(),
                },
            };
            child.label = format!("{name}: {}", child.label);
            child.digest = Some(text(input, "/sha256"));
            node.children.push(child);
        }
        node.children.extend(self.receipts(record)?);
        Ok(node)
    }

    fn pull(&self, record: &StoredRecord) -> Result<TraceNode, Failure> {
        let exchange = record.value(SectionName::Exchange).unwrap_or_default();
        let content = record.value(SectionName::Content).unwrap_or_default();
        let passed_on = text(&exchange, "/provider") == self.node.did.as_str();
        let label = match passed_on {
            true => format!(
                "{} {} passed on to {}",
                text(&exchange, "/subject/dataset"),
                text(&exchange, "/subject/version"),
                text(&exchange, "/consumer")
            ),
            false => format!(
                "{} {} from {}",
                text(&exchange, "/subject/dataset"),
                text(&exchange, "/subject/version"),
                text(&exchange, "/provider")
            ),
        };
        let mut node = self.of_record(record, "pull", label)?;
        node.digest = Some(text(&content, "/sha256"));
        if passed_on {
            let source = self.records.values().find(|r| {
                kind(r) == Some(Kind::PullReceived)
                    && r.value(SectionName::Content)
                        .is_some_and(|c| c.get("sha256") == content.get("sha256"))
            });
            if let Some(source) = source.filter(|s| s.index() != record.index()) {
                node.children.push(self.pull(source)?);
            }
        }
        node.children.extend(self.receipts(record)?);
        Ok(node)
    }

    /// A pull of which no other end keeps a record: all that is known of it is our own word.
    fn one_sided(&self, record: &StoredRecord) -> Result<TraceNode, Failure> {
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let agreed = agreed(&self.records, record).unwrap_or_default();
        let ends = match kind(record) {
            Some(Kind::OneSidedPullReceived) => format!("from {}", text(&agreed, "/provider")),
            _ => format!("opened for {}", text(&agreed, "/consumer")),
        };
        let label = format!(
            "{} {} {ends} (one-sided: no receipt of the other end)",
            text(&facts, "/dataset"),
            text(&facts, "/version"),
        );
        let mut node = self.of_record(record, "pull", label)?;
        node.digest = Some(text(&facts, "/sha256"));
        Ok(node)
    }

    /// The other ends' receipts that a record holds, verified anew under the keys that their agreements name.
    fn receipts(&self, record: &StoredRecord) -> Result<Vec<TraceNode>, Failure> {
        let logs = self.node.other_logs()?;
        let mut nodes = Vec::new();
        for handed in closure::receipts(self.node, record)? {
            let handed = match handed {
                Ok(handed) => handed,
                Err(error) => {
                    nodes.push(TraceNode {
                        kind: "receipt".to_owned(),
                        label: format!("cannot be read any more: {error}"),
                        digest: None,
                        party: None,
                        index: None,
                        verified: false,
                        children: Vec::new(),
                    });
                    continue;
                }
            };
            let log = logs.get(&handed.origin);
            let key = log.and_then(|l| Verifier::parse(&l.verifier_key).ok());
            nodes.push(TraceNode {
                kind: "receipt".to_owned(),
                label: format!("record {} of {}", handed.index, handed.origin),
                digest: None,
                party: log.map(|l| l.did.clone()) as Option<Did>,
                index: Some(handed.index),
                verified: key.is_some_and(|key| handed.verify(&key).is_ok()),
                children: Vec::new(),
            });
        }
        Ok(nodes)
    }
}
