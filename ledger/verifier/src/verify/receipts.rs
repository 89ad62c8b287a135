//! Receipts: records of the other ends, handed over as documents.

use super::files::Files;
use super::keys::{Keys, Refusal, trust};
use super::reason::Reason;
use super::records::{MAX_RECORD_BYTES, Rec, Room, parse};
use super::verdict::{Check, Findings};
use crate::dossier::Archive;
use std::collections::BTreeMap;
use std::io::{Read, Seek};

/// Checks the documents that records name as receipts. The log's owner who gave a receipt is bound by its own signature, so
/// its checkpoint needs no witness. It was there when the first record that names it was written, whatever it says of itself:
/// a key that counted no more by then has not given it.
pub(super) fn check<R: Read + Seek>(
    archive: &mut Archive<R>,
    files: &Files,
    records: &[Rec],
    keys: &Keys<'_>,
    room: &mut Room,
    findings: &mut Findings,
) -> Vec<Rec> {
    let mut named: BTreeMap<String, Option<u64>> = BTreeMap::new();
    for rec in records {
        for (_, sha256) in rec.documents().filter(|(role, _)| *role == "receipt") {
            let file = format!("evidence/{sha256}");
            // A receipt that is not there is found missing with the other evidence.
            if files.found.contains_key(&file) {
                let earliest = named.entry(file).or_default();
                *earliest = match (*earliest, rec.there_ms) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
    }
    let mut receipts = Vec::new();
    if !room.take(files, named.keys(), findings) {
        return receipts;
    }
    for (name, there_ms) in named {
        let opened = archive
            .read(&name, MAX_RECORD_BYTES)
            .map_err(|error| Refusal::Failed(Reason::refused(error)))
            .and_then(|bytes| parse(&bytes))
            .and_then(|handed| keys.open(&handed));
        match opened {
            Err(Refusal::Failed(reason)) => findings.failed(Check::Receipt, name, reason),
            Err(Refusal::NoKey(reason)) => findings.untrusted(Check::Receipt, name, reason),
            Ok((record, signed)) => {
                trust(Check::Receipt, &name, &signed, there_ms, keys, findings);
                receipts.push(Rec {
                    source: name,
                    did: signed.did,
                    key: signed.key,
                    leaf: record.leaf(),
                    record,
                    is_receipt: true,
                    there_ms,
                });
            }
        }
    }
    receipts
}
