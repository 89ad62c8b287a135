//! One log with two histories: different roots of one size, or different records at one index, signed by one key. What another
//! key signed under the same origin is no fork but a stranger's, and untrusted as such.

use super::files::Files;
use super::keys::{Keys, Refusal, Signed};
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use crate::dossier::Archive;
use herleid_ledger::checkpoint::CheckpointBody;
use herleid_ledger::fork::{Beginning, MAX_BYTES, ROLE};
use herleid_ledger::merkle::{Hash, verify_consistency};
use herleid_ledger::note::{MAX_NOTE_BYTES, SignedNote, Verifier};
use herleid_ledger::record::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

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

/// Checkpoints of logs that showed two histories to whoever recorded it (`witness-conflict`): those two, and of two sizes also what the
/// larger tree begins with, as far as it leads to the root that the log signed. A document that is not there is found missing with the others.
pub(super) fn recorded<R: Read + Seek>(
    archive: &mut Archive<R>,
    files: &Files,
    records: &[Rec],
    keys: &Keys<'_>,
    findings: &mut Findings,
) -> Vec<Sighting> {
    let mut sightings = Vec::new();
    for rec in records.iter().filter(|rec| rec.kind() == Some(Kind::WitnessConflict)) {
        let named = rec
            .documents()
            .map(|(role, sha256)| (role, format!("evidence/{sha256}")));
        let named: Vec<(&str, String)> = named.filter(|(_, file)| files.found.contains_key(file)).collect();
        let of_role = |wanted: &'static str| {
            let files = named.iter().filter(move |(role, _)| *role == wanted);
            files.map(|(_, file)| file.clone())
        };
        let mut signed: Vec<Sighting> = Vec::new();
        // A record is about one pair; what else it names is not looked at.
        for file in of_role("checkpoint").take(2) {
            match seen_in(archive, keys, file.clone()) {
                Ok(sighting) => signed.push(sighting),
                Err(Refusal::Failed(reason) | Refusal::NoKey(reason)) => findings.unchecked(Check::Fork, file, reason),
            }
        }
        if let ([one, other], Some(file)) = (&signed[..], of_role(ROLE).next()) {
            match begins_with(archive, file.clone(), one, other) {
                Ok(sighting) => signed.push(sighting),
                Err(reason) => findings.unchecked(Check::Fork, file, reason),
            }
        }
        sightings.extend(signed);
    }
    sightings
}

fn seen_in<R: Read + Seek>(archive: &mut Archive<R>, keys: &Keys<'_>, file: String) -> Result<Sighting, Refusal> {
    let failed = |error: &dyn std::fmt::Display| Refusal::Failed(Reason::refused(error));
    let bytes = archive.read(&file, MAX_NOTE_BYTES as u64).map_err(|e| failed(&e))?;
    let note = SignedNote::parse(&bytes).map_err(|e| failed(&e))?;
    let origin = note.text().split('\n').next().unwrap_or_default();
    let (checkpoint, signed) = keys.checkpoint(origin, &note)?;
    Ok(Sighting {
        body: checkpoint.body().clone(),
        key: signed.key,
        source: file,
        is_anchor: false,
    })
}

/// What the larger of two trees begins with: as good as a checkpoint of the smaller size, since it follows from the one that was signed.
fn begins_with<R: Read + Seek>(
    archive: &mut Archive<R>,
    file: String,
    one: &Sighting,
    other: &Sighting,
) -> Result<Sighting, Reason> {
    let bytes = archive.read(&file, MAX_BYTES as u64).map_err(Reason::refused)?;
    let begins = Beginning::parse(&bytes).map_err(Reason::refused)?;
    let (old, new) = match one.body.size <= other.body.size {
        true => (one, other),
        false => (other, one),
    };
    verify_consistency(
        old.body.size,
        new.body.size,
        &begins.proof,
        &begins.root,
        &new.body.root,
    )
    .map_err(Reason::refused)?;
    Ok(Sighting {
        body: CheckpointBody {
            origin: new.body.origin.clone(),
            size: old.body.size,
            root: begins.root,
        },
        // The larger one's key has signed what this follows from.
        key: new.key.clone(),
        source: file,
        is_anchor: false,
    })
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
