//! Offline verification of a dossier against anchors (DESIGN of the dossier: docs/dossier-format.md; for readers: docs/verify.md).
//!
//! [`verify`] never stops at the first fault: every element gets its verdict, and the worst one is the whole's.

mod bound;
mod collusion;
mod copies;
mod credentials;
mod decisions;
mod documents;
mod doubt;
mod erasures;
mod exchanges;
mod explanations;
mod files;
mod forks;
mod inputs;
mod keys;
mod logs;
mod opened;
mod prior;
mod proof;
mod reason;
mod receipts;
mod records;
mod requests;
mod runs;
mod shown;
mod streams;
mod text;
mod verdict;

pub(crate) use reason::moment;
pub use reason::{Reason, StatedBy};
pub use text::Language;
pub(crate) use text::is_invisible;
pub use verdict::{Check, Collusion, Element, Explained, Fingerprint, Report, Verdict, Why};

use crate::anchors::Anchors;
use crate::case::{Case, CaseRecord};
use crate::dossier::{Archive, manifest::sha256};
use copies::Copies;
use files::Files;
use forks::Sighting;
use keys::{Claimed, Keys};
use logs::{Log, Moment};
use records::{Rec, Room};
use runs::Told;
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use verdict::Findings;

/// A verified dossier: the report, and the case as its records tell it, where they could be read.
#[derive(Debug)]
pub struct Verified {
    /// Every element with its verdict.
    pub report: Report,
    /// What the records say. **Believe it only as far as the report goes.**
    pub case: Case,
}

/// Verifies a dossier. Without anchors nothing is believed: the verdict is *untrusted* at best, and the report has the
/// fingerprints to check by telephone. `now_ms` is the auditor's clock, UTC milliseconds since 1970.
pub fn verify<R: Read + Seek>(dossier: R, anchors: Option<&Anchors>, now_ms: u64) -> Verified {
    let mut findings = Findings::default();
    match Archive::open(dossier) {
        Ok(mut archive) => {
            findings.verified(Check::Archive, "zip");
            inside(&mut archive, anchors, now_ms, findings)
        }
        Err(error) => {
            let subject = error.entry().unwrap_or("zip").to_owned();
            findings.failed(Check::Archive, subject, Reason::refused(error));
            conclude(findings, None, Vec::new(), Vec::new(), Case::default())
        }
    }
}

fn inside<R: Read + Seek>(
    archive: &mut Archive<R>,
    anchors: Option<&Anchors>,
    now_ms: u64,
    mut findings: Findings,
) -> Verified {
    let Some(files) = files::check(archive, &mut findings) else {
        return conclude(findings, None, Vec::new(), Vec::new(), Case::default());
    };
    let moment = Moment {
        made_ms: files.manifest.head.made_ms,
        now_ms,
    };
    let claimed = logs::read(archive, &mut findings);
    let keys = Keys {
        anchors,
        claimed: claimed.values().cloned().collect(),
    };
    let logs = logs::check(archive, &claimed, &keys, moment, &mut findings);
    let mut room = Room::default();
    let mut records = records::check(archive, &files, &logs, &keys, &mut room, &mut findings);
    let receipts = receipts::check(archive, &files, &records, &keys, &mut room, &mut findings);
    records.extend(receipts);
    let manifest_record = proof::check(archive, &files, &logs, &keys, moment, &mut findings);

    let mut sightings = sightings(&logs, &records);
    sightings.extend(manifest_record.map(|(record, signed)| Sighting {
        body: record.checkpoint().body().clone(),
        key: signed.key,
        source: crate::dossier::MANIFEST_PROOF.to_owned(),
        is_anchor: false,
    }));
    sightings.extend(forks::anchored(&keys, &mut findings));
    sightings.extend(forks::recorded(archive, &files, &records, &keys, &mut findings));
    forks::check(&sightings, &records, &mut findings);

    let head = &files.manifest.head;
    let explanations = explanations::read(archive, &records, &mut findings);
    let copies = Copies::of(&records);
    opened::check(&logs, &head.origin, &records, &mut findings);
    streams::check(&records, &copies, head, &keys, &explanations, &mut findings);
    prior::check(&records, &explanations, &mut findings);
    let joined = exchanges::check(&records, &mut findings);
    shown::counted(&joined, &explanations, &mut findings);
    let case = gather(&records, anchors, &files);
    let exchanges = exchanges::by_transaction(&joined);
    let told = Told {
        case: &case,
        records: &records,
        copies: &copies,
        exchanges: &exchanges,
        explanations: &explanations,
    };
    runs::check(&told, &files, &mut findings);
    documents::check(&files, &records, &explanations, &mut findings);
    let agreements = decisions::agreements(&records);
    decisions::check(archive, &records, &agreements, &explanations, &mut findings);
    requests::check(archive, &records, anchors, &agreements, &mut findings);
    credentials::check(archive, &records, anchors, &mut findings);

    let collusion = collusion::who(&joined, &logs, &keys);
    let fingerprints = fingerprints(&claimed, &keys);
    conclude(findings, Some(&files), fingerprints, collusion, case)
}

fn sightings(logs: &BTreeMap<u64, Log>, records: &[Rec]) -> Vec<Sighting> {
    let of_logs = logs.iter().filter_map(|(k, log)| {
        let (checkpoint, key) = log.checkpoint.as_ref()?;
        Some(Sighting {
            body: checkpoint.body().clone(),
            key: key.clone(),
            source: format!("checkpoints/{k}.txt"),
            is_anchor: false,
        })
    });
    let of_receipts = records.iter().filter(|rec| rec.is_receipt).map(|rec| Sighting {
        body: rec.record.checkpoint().body().clone(),
        key: rec.key.clone(),
        source: rec.source.clone(),
        is_anchor: false,
    });
    of_logs.chain(of_receipts).collect()
}

fn gather(records: &[Rec], anchors: Option<&Anchors>, files: &Files) -> Case {
    let of_case = records.iter().map(|rec| CaseRecord {
        did: &rec.did,
        record: &rec.record,
    });
    let mut case = Case::gather(of_case, &files.manifest.head.root);
    for party in anchors.map(|anchors| anchors.parties.as_slice()).unwrap_or_default() {
        case.names.insert(party.did.to_string(), party.name.clone());
    }
    case
}

/// Keys that no anchor vouches for, in a form that can be read out.
fn fingerprints(claimed: &BTreeMap<u64, Claimed>, keys: &Keys<'_>) -> Vec<Fingerprint> {
    let is_anchored = |claim: &Claimed| {
        keys.anchors
            .is_some_and(|anchors| anchors.logs_of(claim.key.name()).any(|(_, log)| log.key == claim.key))
    };
    claimed
        .values()
        .filter(|claim| !is_anchored(claim))
        .map(|claim| {
            let verifier_key = claim.key.to_string();
            let digest = sha256(verifier_key.as_bytes());
            let groups: Vec<String> = digest.chunks(2).map(hex::encode).collect();
            Fingerprint {
                did: claim.did.to_string(),
                origin: claim.key.name().to_owned(),
                verifier_key,
                fingerprint: groups.join(" "),
            }
        })
        .collect()
}

fn conclude(
    findings: Findings,
    files: Option<&Files>,
    fingerprints: Vec<Fingerprint>,
    collusion: Vec<Collusion>,
    case: Case,
) -> Verified {
    let verdict = findings.worst();
    let head = files.map(|files| &files.manifest.head);
    let report = Report {
        verdict,
        exit_code: verdict.exit_code(),
        case: head.map(|head| head.case.clone()),
        party: head.map(|head| head.party.to_string()),
        made_ms: head.map(|head| head.made_ms),
        manifest: files.map(|files| hex::encode(files.digest)),
        elements: findings.elements,
        notes: findings.notes,
        fingerprints,
        collusion,
        undetectable: collusion::undetectable(),
    };
    Verified { report, case }
}
