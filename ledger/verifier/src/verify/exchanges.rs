//! Both ends of every exchange: the same bytes in both logs, and content that fits them.

use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use herleid_ledger::exchange::{Content, Exchange, Phase};
use herleid_ledger::merkle::Hash;
use herleid_ledger::section::SectionName;
use herleid_vocab::json;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What the ends are joined on (docs/log-format.md, section 5).
type Key = (String, u64, &'static str);

/// One exchange, as far as records show it.
#[derive(Debug)]
pub(super) struct Joined<'a> {
    pub(super) exchange: Exchange,
    pub(super) content: Option<Content>,
    /// Records of the exchange, each leaf once.
    pub(super) ends: Vec<&'a Rec>,
    /// Both ends are there and equal, and nothing about it failed.
    pub(super) is_whole: bool,
}

impl Joined<'_> {
    /// As people name it.
    pub(super) fn name(&self) -> String {
        let exchange = &self.exchange;
        format!(
            "{}/{}/{}",
            exchange.transaction.hyphenated(),
            exchange.segment,
            exchange.phase
        )
    }
}

/// Joins and checks all exchanges.
pub(super) fn check<'a>(records: &'a [Rec], findings: &mut Findings) -> Vec<Joined<'a>> {
    let mut groups: BTreeMap<Key, Vec<(Exchange, &'a Rec)>> = BTreeMap::new();
    for rec in records {
        match rec.record.exchange() {
            None => {}
            Some(Err(error)) => findings.failed(Check::Exchange, &rec.source, Reason::refused(error)),
            Some(Ok(exchange)) => {
                let key = (
                    exchange.transaction.hyphenated().to_string(),
                    exchange.segment,
                    exchange.phase.as_str(),
                );
                groups.entry(key).or_default().push((exchange, rec));
            }
        }
    }
    groups.into_values().filter_map(|group| join(group, findings)).collect()
}

fn join<'a>(group: Vec<(Exchange, &'a Rec)>, findings: &mut Findings) -> Option<Joined<'a>> {
    let (exchange, first) = group.first()?;
    let mut joined = Joined {
        exchange: exchange.clone(),
        content: None,
        ends: Vec::new(),
        is_whole: false,
    };
    let name = joined.name();
    let before = findings.elements.len();
    let other = |section| {
        let texts = group
            .iter()
            .filter_map(|(_, rec)| Some((rec, rec.record.opened().get(&section)?.text())));
        let mut first = None;
        texts.into_iter().find_map(|(rec, text)| match first {
            None => {
                first = Some((rec, text));
                None
            }
            Some((one, known)) if known != text => Some((one.source.clone(), rec.source.clone())),
            Some(_) => None,
        })
    };
    if let Some((one, other)) = other(SectionName::Exchange) {
        findings.failed(Check::Exchange, &name, Reason::AlteredExchange { one, other });
    }
    for section in [SectionName::Content, SectionName::Parameters] {
        if let Some((one, other)) = other(section) {
            let section = section.as_str().to_owned();
            findings.failed(Check::Exchange, &name, Reason::EndsDiffer { section, one, other });
        }
    }
    let mut leaves: BTreeMap<&str, BTreeSet<Hash>> = BTreeMap::new();
    for (_, rec) in &group {
        if rec.did != exchange.provider && rec.did != exchange.consumer {
            let did = rec.did.to_string();
            findings.failed(Check::Exchange, &name, Reason::NotAnEnd { did });
        }
        if leaves.entry(rec.did.as_str()).or_default().insert(rec.leaf) {
            joined.ends.push(rec);
        }
    }
    for (did, leaves) in leaves.iter().filter(|(_, leaves)| leaves.len() > 1) {
        let reason = Reason::ReusedTransaction {
            did: (*did).to_owned(),
            count: leaves.len() as u64,
        };
        findings.failed(Check::Exchange, &name, reason);
    }
    joined.content = content(&group, &name, findings);
    if findings.elements.len() > before {
        return Some(joined);
    }
    let absent = [&exchange.provider, &exchange.consumer]
        .into_iter()
        .find(|end| !leaves.contains_key(end.as_str()));
    match absent {
        Some(end) => {
            let reason = Reason::OneEnd {
                present: first.did.to_string(),
                absent: end.to_string(),
            };
            findings.missing(Check::Exchange, &name, reason, None);
        }
        None => {
            joined.is_whole = true;
            findings.verified(Check::Exchange, &name);
        }
    }
    Some(joined)
}

/// The content's commitment against `exchange.content`, and for runs against what the record itself says.
fn content(group: &[(Exchange, &Rec)], name: &str, findings: &mut Findings) -> Option<Content> {
    let mut found = None;
    for (exchange, rec) in group {
        let Some(section) = rec.section(SectionName::Content) else {
            continue;
        };
        let content = match Content::from_value(section.clone()) {
            Ok(content) => content,
            Err(error) => {
                findings.failed(Check::Exchange, name, Reason::refused(error));
                continue;
            }
        };
        if content.mac() != exchange.content || content.bytes != exchange.to - exchange.from {
            let source = rec.source.clone();
            findings.failed(Check::Exchange, name, Reason::ContentDoesNotFit { source });
            continue;
        }
        if let Some(bytes) = composed(exchange.phase, rec) {
            let blake3: [u8; 32] = blake3::hash(&bytes).into();
            let sha256: [u8; 32] = Sha256::digest(&bytes).into();
            if (content.sha256, content.blake3, content.bytes) != (sha256, blake3, bytes.len() as u64) {
                let source = rec.source.clone();
                findings.failed(Check::Exchange, name, Reason::OtherThanExchanged { source });
                continue;
            }
        }
        found = Some(content);
    }
    found
}

/// The content of a run's exchange, from the sections of the same record (docs/log-format.md, section 5).
fn composed(phase: Phase, rec: &Rec) -> Option<Vec<u8>> {
    let run = rec.section(SectionName::Run)?;
    let value: Value = match phase {
        Phase::Pull => return None,
        Phase::RunRequest => {
            let parameters = rec.section(SectionName::Parameters)?;
            json!({"inputs": run.get("inputs")?, "parameters": parameters})
        }
        Phase::RunResult => json!({"outputs": run.get("outputs")?}),
    };
    json::canonical(&value).ok()
}
