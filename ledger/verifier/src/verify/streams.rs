//! Numbers: every stream counts from 1 without gaps, each number names its predecessor, and the other ends say how far it goes.

mod stated;

use super::copies::Copies;
use super::explanations::Explanations;
use super::keys::Keys;
use super::reason::{Reason, StatedBy};
use super::records::Rec;
use super::shown::Shown;
use super::verdict::{Check, Findings};
use crate::dossier::ManifestHead;
use crate::hex32;
use herleid_ledger::merkle::Hash;
use herleid_ledger::section::SectionName;
use serde_json::Value;
use stated::{stated_by_anchors, stated_by_decisions};
use std::collections::{BTreeMap, BTreeSet};

const STREAMS: [SectionName; 3] = [
    SectionName::StreamAgreement,
    SectionName::StreamCase,
    SectionName::StreamModel,
];

/// Missing numbers of a stream that are named one by one; it can claim 2^53 of them.
const MAX_NAMED: u64 = 100;
/// The same of all streams: a decision can claim a hundred thousand streams.
const MAX_NAMED_IN_ALL: u64 = 10_000;

/// A stream of one log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Stream<'a> {
    origin: &'a str,
    kind: SectionName,
    id: &'a str,
}

/// A record's place in a stream.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    prev: Option<Hash>,
    rec: &'a Rec,
    /// Whether more than its number can be read, here or in another copy; of a run, whether it is shown.
    is_open: bool,
}

#[derive(Debug, Default)]
struct Numbers<'a> {
    /// By number, and then by leaf: each record once, even if it came twice.
    places: BTreeMap<u64, BTreeMap<Hash, Place<'a>>>,
    faults: Vec<Reason>,
    /// How far it goes, and who says so.
    length: Option<(u64, StatedBy)>,
    of: Option<String>,
}

impl Numbers<'_> {
    fn at_least(&mut self, n: u64, by: StatedBy) {
        if self.length.as_ref().is_none_or(|(known, _)| n > *known) {
            self.length = Some((n, by));
        }
    }
}

/// Checks every stream of which a number is to be seen or is stated.
pub(super) fn check(
    records: &[Rec],
    copies: &Copies<'_>,
    head: &ManifestHead,
    keys: &Keys<'_>,
    explanations: &Explanations,
    findings: &mut Findings,
) {
    hidden(copies, head, explanations, findings);
    let shown = Shown::of(copies);
    let mut streams = collect(records, copies, &shown, findings);
    for (stream, numbers) in &mut streams {
        let last = numbers.places.keys().next_back().copied().unwrap_or_default();
        if stream.origin == head.origin {
            numbers.at_least(last, StatedBy::OwnNumbers);
        } else if stream.kind == SectionName::StreamModel {
            // A provider's numbers of one agreement have facts of its own between them; of a model they have none.
            numbers.at_least(last, StatedBy::Receipts);
        }
    }
    let stated = [
        stated_by_decisions(records, findings),
        stated_by_anchors(keys, findings),
    ]
    .concat();
    let mut origins: BTreeMap<(SectionName, &str), BTreeSet<&str>> = BTreeMap::new();
    for stream in streams.keys() {
        let of_id = origins.entry((stream.kind, stream.id)).or_default();
        of_id.insert(stream.origin);
    }
    for statement in &stated {
        let of_id = origins.entry((statement.kind, statement.id.as_str())).or_default();
        let known = match statement.origin.as_deref() {
            Some(origin) => of_id.get(origin).copied(),
            None => of_id.first().copied(),
        };
        let is_of_others = statement
            .consumer
            .as_deref()
            .is_some_and(|consumer| consumer != head.party.as_str());
        // A provider states the streams of all its consumers; those of others are no part of this case.
        if known.is_none() && is_of_others {
            continue;
        }
        let origin = known.unwrap_or(statement.origin.as_deref().unwrap_or_default());
        of_id.insert(origin);
        let stream = Stream {
            origin,
            kind: statement.kind,
            id: &statement.id,
        };
        let numbers = streams.entry(stream).or_default();
        numbers.at_least(statement.n, statement.by.clone());
        numbers.of = numbers.of.take().or_else(|| statement.of.clone());
    }
    one_id_per_model(&mut streams, copies);
    let mut named = 0;
    for (stream, numbers) in &streams {
        report(stream, numbers, &shown, explanations, &mut named, findings);
    }
}

/// Numbers that a record has, and no copy of it opens: whoever hides them hides how many there are. The number of a case is
/// for the one who decides it; the format has no receipt open it.
fn hidden(copies: &Copies<'_>, head: &ManifestHead, explanations: &Explanations, findings: &mut Findings) {
    for rec in copies.firsts() {
        for kind in STREAMS {
            let is_due = kind != SectionName::StreamCase || rec.record.origin() == head.origin;
            if is_due && copies.is_closed(rec, kind) {
                let reason = Reason::HiddenNumber {
                    kind: kind.as_str().to_owned(),
                    source: rec.source.clone(),
                };
                let id = format!("{}/{kind}", hex::encode(rec.leaf));
                findings.missing(Check::Stream, id, reason, explanations.section(rec, kind));
            }
        }
    }
}

/// All places, one for each record even if it came twice.
fn collect<'a>(
    records: &'a [Rec],
    copies: &Copies<'_>,
    shown: &Shown<'_>,
    findings: &mut Findings,
) -> BTreeMap<Stream<'a>, Numbers<'a>> {
    let mut streams: BTreeMap<Stream<'a>, Numbers<'a>> = BTreeMap::new();
    for rec in records {
        for kind in STREAMS {
            let Some(section) = rec.section(kind) else {
                continue;
            };
            let Some((id, n, prev)) = read(section) else {
                let what = format!("{kind} is not {{id, n, prev}}");
                findings.failed(Check::Stream, &rec.source, Reason::RecordForm { what });
                continue;
            };
            let stream = Stream {
                origin: rec.record.origin(),
                kind,
                id,
            };
            let numbers = streams.entry(stream).or_default();
            numbers.of = numbers.of.take().or_else(|| subject(rec, kind));
            let is_open = if kind == SectionName::StreamModel {
                shown.has_run(rec)
            } else {
                [SectionName::Run, SectionName::Exchange, SectionName::Facts]
                    .iter()
                    .any(|name| copies.section(rec, *name).is_some())
            };
            let places = numbers.places.entry(n).or_default();
            places.entry(rec.leaf).or_insert(Place { prev, rec, is_open });
        }
    }
    for numbers in streams.values_mut() {
        numbers.faults = faults(&numbers.places);
    }
    streams
}

fn read(section: &Value) -> Option<(&str, u64, Option<Hash>)> {
    let members = section.as_object().filter(|members| members.len() == 3)?;
    let n = members.get("n")?.as_u64().filter(|n| *n > 0)?;
    let prev = match members.get("prev")? {
        Value::Null => None,
        Value::String(leaf) => Some(hex32(leaf)?),
        _ => return None,
    };
    Some((members.get("id")?.as_str()?, n, prev))
}

/// What the stream is of, for people, as far as the record shows it.
fn subject(rec: &Rec, kind: SectionName) -> Option<String> {
    let text = match kind {
        SectionName::StreamModel => {
            let exchange = rec.section(SectionName::Exchange);
            let model = exchange.and_then(|exchange| exchange.get("subject")?.get("model")?.as_str());
            model.or_else(|| rec.text(SectionName::Run, "model"))
        }
        SectionName::StreamAgreement => [SectionName::Exchange, SectionName::Facts, SectionName::Run]
            .iter()
            .find_map(|section| rec.text(*section, "agreement")),
        _ => rec
            .text(SectionName::Facts, "case")
            .or_else(|| rec.text(SectionName::Run, "case")),
    };
    text.map(str::to_owned)
}

fn faults(places: &BTreeMap<u64, BTreeMap<Hash, Place<'_>>>) -> Vec<Reason> {
    let mut faults = Vec::new();
    let mut before: Option<(u64, &Place<'_>)> = None;
    for (n, of_number) in places {
        let mut of_number = of_number.values();
        let Some(place) = of_number.next() else {
            continue;
        };
        if let Some(other) = of_number.next() {
            faults.push(Reason::ReusedNumber {
                n: *n,
                one: place.rec.source.clone(),
                other: other.rec.source.clone(),
            });
        }
        let named = match before {
            Some((last, last_place)) if last + 1 == *n => Some(last_place.rec.leaf),
            _ => place.prev,
        };
        if place.prev != named || place.prev.is_none() != (*n == 1) {
            faults.push(Reason::BrokenChain {
                n: *n,
                source: place.rec.source.clone(),
            });
        }
        if before.is_some_and(|(_, last)| last.rec.record.index() >= place.rec.record.index()) {
            faults.push(Reason::NumbersOutOfOrder { n: *n });
        }
        before = Some((*n, place));
    }
    faults
}

/// A provider that allots a second stream id to one (model, consumer) starts counting anew, which hides the first count.
fn one_id_per_model(streams: &mut BTreeMap<Stream<'_>, Numbers<'_>>, copies: &Copies<'_>) {
    let mut ids: BTreeMap<(String, String, String), BTreeSet<String>> = BTreeMap::new();
    let key = |stream: &Stream<'_>, numbers: &Numbers<'_>| {
        let mut places = numbers.places.values().flat_map(BTreeMap::values);
        let (model, consumer) = places.find_map(|place| {
            let exchange = copies.section(place.rec, SectionName::Exchange)?;
            Some((
                exchange.get("subject")?.get("model")?.as_str()?,
                exchange.get("consumer")?.as_str()?,
            ))
        })?;
        let is_model = stream.kind == SectionName::StreamModel;
        is_model.then(|| (stream.origin.to_owned(), model.to_owned(), consumer.to_owned()))
    };
    for (stream, numbers) in streams.iter() {
        if let Some(key) = key(stream, numbers) {
            ids.entry(key).or_default().insert(stream.id.to_owned());
        }
    }
    for (stream, numbers) in streams.iter_mut() {
        let ids = key(stream, numbers).and_then(|key| ids.get(&key));
        if ids.is_some_and(|ids| ids.len() > 1) {
            numbers.faults.push(Reason::SplitStream);
        }
    }
}

fn report(
    stream: &Stream<'_>,
    numbers: &Numbers<'_>,
    shown: &Shown<'_>,
    explanations: &Explanations,
    named: &mut u64,
    findings: &mut Findings,
) {
    let subject = format!("{}/{}", stream.kind, stream.id);
    let of = numbers.of.clone().unwrap_or_else(|| stream.id.to_owned());
    let mut is_whole = numbers.faults.is_empty();
    for fault in &numbers.faults {
        findings.failed(Check::Stream, &subject, fault.clone());
    }
    if let Some((length, by)) = &numbers.length {
        let (mut absent, mut told) = (0u64, 0u64);
        // Gaps between the numbers that are there, so that a claimed length of 2^53 costs nothing.
        let ends = numbers
            .places
            .keys()
            .copied()
            .filter(|n| n <= length)
            .chain([length.saturating_add(1)]);
        let mut next = 1u64;
        for end in ends {
            let left = MAX_NAMED
                .saturating_sub(absent)
                .min(MAX_NAMED_IN_ALL.saturating_sub(*named));
            for n in next..end.min(next.saturating_add(left)) {
                *named += 1;
                told += 1;
                let id = format!("{subject}/{n}");
                let reason = Reason::MissingNumber {
                    kind: stream.kind.as_str().to_owned(),
                    n,
                    length: *length,
                    of: of.clone(),
                    by: by.clone(),
                };
                findings.missing(Check::Stream, &id, reason, explanations.record(&id));
            }
            absent = absent.saturating_add(end.saturating_sub(next));
            next = end.saturating_add(1);
        }
        if absent > told {
            let more = absent - told;
            findings.missing(Check::Stream, &subject, Reason::MissingMore { more }, None);
        }
        is_whole &= absent == 0;
    }
    let closed: Vec<(u64, Option<&Rec>)> = numbers
        .places
        .iter()
        .filter(|(_, places)| places.values().all(|place| !place.is_open))
        .map(|(n, places)| (*n, places.values().next().map(|place| place.rec)))
        .collect();
    if stream.kind == SectionName::StreamModel {
        // A run that is counted and not shown is what counting is for.
        for (n, rec) in &closed {
            let id = format!("{subject}/{n}");
            let explained = explanations
                .record(&id)
                .or_else(|| shown.explained((*rec)?, explanations));
            let reason = Reason::ClosedRun {
                n: *n,
                length: numbers.length.as_ref().map_or(*n, |(length, _)| *length),
                of: of.clone(),
            };
            findings.missing(Check::Stream, &id, reason, explained);
        }
        is_whole &= closed.is_empty();
    }
    if is_whole {
        let reason = match &numbers.length {
            Some((length, by)) => Reason::Counted {
                length: *length,
                closed: closed.len() as u64,
                of,
                by: by.clone(),
            },
            None => Reason::CountedInPart {
                seen: numbers.places.len() as u64,
                of,
            },
        };
        findings.verified_as(Check::Stream, &subject, reason);
    }
}
