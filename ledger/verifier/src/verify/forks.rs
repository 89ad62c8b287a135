//! One log with two histories: different roots of one size, or different records at one index, signed by one key. What another
//! key signed under the same origin is no fork but a stranger's, and untrusted as such.

use super::keys::{Keys, Refusal, Signed};
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use herleid_ledger::checkpoint::CheckpointBody;
use herleid_ledger::merkle::Hash;
use herleid_ledger::note::Verifier;
use std::collections::{BTreeMap, BTreeSet};

/// A checkpoint, and where it was seen.
pub(super) struct Sighting {
    pub(super) body: CheckpointBody,
    /// The key that signed it.
    pub(super) key: Verifier,
    pub(super) source: String,
    /// From the anchors: seen by somebody else than the dossier's maker.
    pub(super) is_anchor: bool,
}

/// Checkpoints from the anchors, verified with anchored keys: those given as such, and those of the streams' records.
pub(super) fn anchored(keys: &Keys<'_>, findings: &mut Findings) -> Vec<Sighting> {
    let mut sightings = Vec::new();
    let Some(anchors) = keys.anchors else {
        return sightings;
    };
    let mut take = |source: String, opened: Result<(CheckpointBody, Signed), Refusal>| match opened {
        Ok((body, signed)) if signed.anchored.is_some() => sightings.push(Sighting {
            body,
            key: signed.key,
            source,
            is_anchor: true,
        }),
        Ok(_) => findings.unchecked(Check::Fork, source, Reason::NotAnchored),
        Err(Refusal::Failed(reason) | Refusal::NoKey(reason)) => findings.unchecked(Check::Fork, source, reason),
    };
    for (i, note) in anchors.checkpoints.iter().enumerate() {
        let origin = note.text().split('\n').next().unwrap_or_default();
        let opened = keys.checkpoint(origin, note);
        take(
            format!("anchors checkpoints[{i}]"),
            opened.map(|(checkpoint, signed)| (checkpoint.body().clone(), signed)),
        );
    }
    for (i, stream) in anchors.streams.iter().enumerate() {
        let opened = keys.open(&stream.record);
        take(
            format!("anchors streams[{i}]"),
            opened.map(|(record, signed)| (record.checkpoint().body().clone(), signed)),
        );
    }
    sightings
}

/// Compares all sightings of each log, and all records of one index.
pub(super) fn check(sightings: &[Sighting], records: &[Rec], findings: &mut Findings) {
    let mut by_size: BTreeMap<(&str, String, u64), Vec<&Sighting>> = BTreeMap::new();
    for sighting in sightings {
        let place = (
            sighting.body.origin.as_str(),
            sighting.key.to_string(),
            sighting.body.size,
        );
        by_size.entry(place).or_default().push(sighting);
    }
    let mut forked: BTreeSet<String> = BTreeSet::new();
    for ((origin, key, size), seen) in &by_size {
        let first = seen.first().map(|sighting| sighting.body.root);
        if let Some(other) = seen.iter().find(|sighting| Some(sighting.body.root) != first) {
            forked.insert(key.clone());
            let one = seen.first().map(|sighting| sighting.source.clone()).unwrap_or_default();
            let reason = Reason::ForkedLog {
                size: *size,
                one,
                other: other.source.clone(),
            };
            findings.failed(Check::Fork, *origin, reason);
        }
    }
    let mut by_index: BTreeMap<(String, u64), (Hash, &str)> = BTreeMap::new();
    for rec in records {
        let (key, index) = (rec.key.to_string(), rec.record.index());
        let (leaf, source) = *by_index.entry((key.clone(), index)).or_insert((rec.leaf, &rec.source));
        if leaf != rec.leaf {
            forked.insert(key);
            let reason = Reason::ForkedIndex {
                index,
                one: source.to_owned(),
                other: rec.source.clone(),
            };
            findings.failed(Check::Fork, rec.record.origin(), reason);
        }
    }
    for ((origin, key, size), seen) in &by_size {
        if forked.contains(key) || !seen.iter().any(|sighting| sighting.is_anchor) {
            continue;
        }
        if seen.iter().any(|sighting| !sighting.is_anchor) {
            findings.verified_as(Check::Fork, *origin, Reason::SameAsAnchored { size: *size });
        } else {
            findings.unchecked(Check::Fork, *origin, Reason::NoCommonSize { size: *size });
        }
    }
}
