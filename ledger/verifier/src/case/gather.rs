//! From records to a case.

use super::{Agreement, Case, Decision, FAILED, LogPlace, Published, Pull, Run, RunSection, rank};
use crate::object::object;
use herleid_ledger::exchange::{Content, Exchange, Phase};
use herleid_ledger::handover::VerifiedRecord;
use herleid_ledger::merkle::Hash;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::BTreeMap;

/// A record, and whose log it stands in.
#[derive(Debug, Clone, Copy)]
pub struct CaseRecord<'a> {
    /// Owner of the log.
    pub did: &'a Did,
    /// The record.
    pub record: &'a VerifiedRecord,
}

/// A record with all its copies: what one keeps closed another may open.
struct Whole<'a> {
    did: &'a Did,
    first: &'a VerifiedRecord,
    copies: Vec<&'a VerifiedRecord>,
}

/// Every record once, in the order in which they first come.
fn whole<'a>(records: impl IntoIterator<Item = CaseRecord<'a>>) -> Vec<Whole<'a>> {
    let mut found: Vec<Whole<'a>> = Vec::new();
    // By log and leaf: the leaf alone would not do, since anybody can put another's MACs into a log of their own.
    let mut places: BTreeMap<(&'a str, Hash), usize> = BTreeMap::new();
    for CaseRecord { did, record } in records {
        let next = found.len();
        let place = *places.entry((record.origin(), record.leaf())).or_insert(next);
        match found.get_mut(place) {
            Some(known) => known.copies.push(record),
            None => found.push(Whole {
                did,
                first: record,
                copies: vec![record],
            }),
        }
    }
    found
}

impl<'a> Whole<'a> {
    fn section(&self, name: SectionName) -> Option<&'a Value> {
        self.copies.iter().find_map(|copy| copy.section(name))
    }

    fn text(&self, name: SectionName, member: &str) -> Option<String> {
        Some(self.section(name)?.get(member)?.as_str()?.to_owned())
    }

    fn kind(&self) -> Option<Kind> {
        self.text(SectionName::Envelope, "kind")?.parse().ok()
    }

    fn recorded_ms(&self) -> Option<u64> {
        self.section(SectionName::Envelope)?.get("recordedAt")?.as_u64()
    }

    fn exchange(&self) -> Option<Exchange> {
        Exchange::from_value(self.section(SectionName::Exchange)?.clone()).ok()
    }

    fn has(&self, name: SectionName) -> bool {
        self.first.macs().contains_key(&name)
    }
}

/// A `run` section, its record, and the exchange that it stands with.
struct Told<'a> {
    section: RunSection,
    record: &'a Whole<'a>,
    exchange: Option<Exchange>,
}

impl<'a> Told<'a> {
    /// The section of a record, unless it stands where anybody could put it: without an exchange of that transaction. Only a
    /// failure has none, and brings no outputs.
    fn of(record: &'a Whole<'a>) -> Option<Self> {
        let mut section = RunSection::read(record.section(SectionName::Run)?)?;
        let exchange = record.exchange();
        match &exchange {
            Some(exchange) if exchange.phase != Phase::Pull => {
                if exchange.transaction.hyphenated().to_string() != section.transaction {
                    return None;
                }
                // Only the exchange that brings outputs commits to them.
                if exchange.phase != Phase::RunResult {
                    section.outputs.clear();
                }
            }
            None if section.status == FAILED && !record.has(SectionName::Exchange) => {}
            _ => return None,
        }
        Some(Self {
            section,
            record,
            exchange,
        })
    }

    /// The same order whatever the files are called: by how far the run is along, then by leaf.
    fn order(&self) -> (u8, Hash) {
        (rank(&self.section.status), self.record.first.leaf())
    }
}

impl Case {
    /// Gathers a case from records whose `decision-made` record has the leaf hash `root`. What is not opened, or not of the
    /// form that its kind has, is left out: checking that is the verifier's work.
    #[must_use]
    pub fn gather<'a>(records: impl IntoIterator<Item = CaseRecord<'a>>, root: &Hash) -> Self {
        let mut case = Self::default();
        let records = whole(records);
        let mut runs = Vec::new();
        for record in &records {
            runs.extend(Told::of(record));
            case.take_exchange(record);
            match record.kind() {
                Some(Kind::DecisionMade) if record.first.leaf() == *root => case.take_decision(record),
                Some(Kind::AgreementConcluded) => case.take_agreement(record),
                Some(Kind::DatasetPublished | Kind::ModelPublished) => case.take_published(record),
                _ => {}
            }
        }
        runs.sort_by_key(Told::order);
        for told in runs {
            case.take_run(told);
        }
        case
    }

    /// The first that is there: the same MACs in another log are another record.
    fn take_decision(&mut self, record: &Whole<'_>) {
        let facts = record.section(SectionName::Facts).cloned();
        let Some(facts) = facts.and_then(|facts| object(facts).ok()) else {
            return;
        };
        let people = record.section(SectionName::People);
        let author = people.and_then(|people| people.get("author"));
        let author = author.and_then(|author| object(author.clone()).ok());
        self.decision.get_or_insert_with(|| Decision {
            party: record.did.clone(),
            leaf: record.first.leaf(),
            recorded_ms: record.recorded_ms(),
            facts,
            author,
        });
    }

    fn take_run(&mut self, told: Told<'_>) {
        let Told {
            section,
            record,
            exchange,
        } = told;
        let run = self.runs.entry(section.transaction.clone()).or_insert_with(|| Run {
            transaction: section.transaction.clone(),
            agreement: section.agreement,
            model: section.model,
            version: section.version,
            provider: None,
            consumer: None,
            inputs: section.inputs,
            parameters: serde_json::Map::new(),
            outputs: Vec::new(),
            seed: section.seed,
            status: section.status.clone(),
            reason: None,
            environment: Value::Null,
            program: None,
            case: None,
            recorded_ms: None,
        });
        if rank(&section.status) >= rank(&run.status) {
            run.status = section.status;
        }
        if !section.outputs.is_empty() {
            run.outputs = section.outputs;
        }
        if !section.environment.is_null() {
            run.environment = section.environment;
        }
        run.reason = section.reason.or(run.reason.take());
        run.program = section.program.or(run.program.take());
        run.case = section.case.or(run.case.take());
        let is_request = exchange
            .as_ref()
            .is_some_and(|exchange| exchange.phase == Phase::RunRequest);
        if is_request && let Some(Value::Object(parameters)) = record.section(SectionName::Parameters) {
            run.parameters = parameters.clone();
        }
        if let Some(at) = record.recorded_ms() {
            let (first, last) = run.recorded_ms.unwrap_or((at, at));
            run.recorded_ms = Some((first.min(at), last.max(at)));
        }
        if let Some(exchange) = exchange {
            run.provider = Some(exchange.provider);
            run.consumer = Some(exchange.consumer);
        }
    }

    fn take_exchange(&mut self, record: &Whole<'_>) {
        let Some(exchange) = record.exchange() else {
            return;
        };
        if exchange.phase != Phase::Pull {
            return;
        }
        let content = record
            .section(SectionName::Content)
            .cloned()
            .and_then(|c| Content::from_value(c).ok());
        let transaction = exchange.transaction.hyphenated().to_string();
        let pull = self.pulls.entry(transaction.clone()).or_insert_with(|| Pull {
            transaction,
            agreement: exchange.agreement.clone(),
            provider: exchange.provider.clone(),
            consumer: exchange.consumer.clone(),
            subject: exchange.subject.clone(),
            bytes: 0,
            sha256: None,
            media_type: None,
            recorded_ms: None,
            given: None,
            received: None,
        });
        if *record.did == exchange.provider {
            pull.given.get_or_insert_with(|| LogPlace::of(record.first));
        } else if *record.did == exchange.consumer {
            pull.received.get_or_insert_with(|| LogPlace::of(record.first));
        }
        // One that goes further makes what was taken for the whole a part.
        if exchange.to > pull.bytes {
            pull.bytes = exchange.to;
            pull.sha256 = None;
        }
        if let Some(content) = content {
            if exchange.from == 0 && exchange.to == pull.bytes {
                pull.sha256 = Some(hex::encode(content.sha256));
            }
            pull.media_type = Some(content.media_type);
        }
        pull.recorded_ms = match (pull.recorded_ms, record.recorded_ms()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    fn take_agreement(&mut self, record: &Whole<'_>) {
        let text = |member| record.text(SectionName::Facts, member);
        let parts = (text("agreement"), text("provider"), text("consumer"), text("policy"));
        let (Some(id), Some(provider), Some(consumer), Some(policy)) = parts else {
            return;
        };
        self.agreements.entry(id.clone()).or_insert_with(|| Agreement {
            id,
            provider,
            consumer,
            policy,
            recorded_ms: record.recorded_ms(),
        });
    }

    fn take_published(&mut self, record: &Whole<'_>) {
        let text = |member| record.text(SectionName::Facts, member);
        let model = text("model");
        let is_model = model.is_some();
        // Of an API there is none: its answers were not known when it was published.
        let digest = match (is_model, record.section(SectionName::Facts)) {
            (true, _) => text("program"),
            (false, Some(facts)) if facts.get("sha256").is_some_and(Value::is_null) => Some(String::new()),
            (false, _) => text("sha256"),
        };
        let parts = (
            model.or_else(|| text("dataset")),
            text("version"),
            text("title"),
            digest,
        );
        let (Some(id), Some(version), Some(title), Some(sha256)) = parts else {
            return;
        };
        let published = Published {
            party: record.did.clone(),
            id: id.clone(),
            version: version.clone(),
            title,
            is_model,
            sha256,
        };
        self.published.insert((id, version), published);
    }
}
