//! Both ends of every exchange: the same bytes in both logs, and content that fits them.

use super::doubt::Doubt;
use super::explanations::Explanations;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use herleid_ledger::exchange::{Content, Exchange, Phase};
use herleid_ledger::merkle::Hash;
use herleid_ledger::section::SectionName;
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

/// Segments by transaction and phase.
pub(super) type Exchanges<'a> = BTreeMap<(String, Phase), Vec<&'a Joined<'a>>>;

/// Finds exchanges by transaction and phase.
pub(super) fn by_transaction<'a>(joined: &'a [Joined<'a>]) -> Exchanges<'a> {
    let mut exchanges = Exchanges::new();
    for one in joined {
        let transaction = one.exchange.transaction.hyphenated().to_string();
        exchanges
            .entry((transaction, one.exchange.phase))
            .or_default()
            .push(one);
    }
    exchanges
}

/// The segment that is the whole, if one is: it begins at the first byte, and none goes further. What broke off and went on has one as
/// well: its first segment was to bring everything, and did so together with the others.
pub(super) fn whole<'b>(segments: &[&'b Joined<'b>]) -> Option<&'b Joined<'b>> {
    let end = segments.iter().map(|segment| segment.exchange.to).max()?;
    let is_whole = |segment: &&&Joined<'_>| segment.exchange.from == 0 && segment.exchange.to == end;
    segments.iter().find(is_whole).copied()
}

impl Joined<'_> {
    /// Its content, to compare something with; else what is said of the sections that should hold it.
    pub(super) fn content(&self, explanations: &Explanations) -> Result<&Content, Doubt> {
        self.content.as_ref().ok_or_else(|| {
            let section = SectionName::Content;
            let reason = Reason::NotOpened {
                section: section.as_str().to_owned(),
                of: self.name(),
            };
            Doubt::missing(reason, explanations.section_of_all(self.ends.iter().copied(), section))
        })
    }

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
    if exchange.provider == exchange.consumer {
        // With itself a party can exchange whatever it likes.
        findings.failed(Check::Exchange, &name, Reason::SameEnds);
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

/// The content's commitment against `exchange.content`. What a run says of it is compared in `bound`.
fn content(group: &[(Exchange, &Rec)], name: &str, findings: &mut Findings) -> Option<Content> {
    let mut found = None;
    for (exchange, rec) in group {
        let Some(section) = rec.section(SectionName::Content) else {
            continue;
        };
        match Content::from_value(section.clone()) {
            Err(error) => findings.failed(Check::Exchange, name, Reason::refused(error)),
            Ok(content) if content.mac() != exchange.content || content.bytes != exchange.to - exchange.from => {
                let source = rec.source.clone();
                findings.failed(Check::Exchange, name, Reason::ContentDoesNotFit { source });
            }
            Ok(content) => found = Some(content),
        }
    }
    found
}
