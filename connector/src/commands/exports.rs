//! `ledger`: proofs of single records, and time stamps, written in the forms that programs of others read.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{LedgerExport, LedgerExported, RecordExported, TimestampLine, TimestampsExported};
use crate::node::Node;
use crate::stamping::{STAMPS, StampEntry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herleid_ledger::Exported;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes it.
pub(super) async fn export(
    node: Arc<Node>,
    request: LedgerExport,
    _progress: Progress,
) -> Result<LedgerExported, Failure> {
    match request {
        LedgerExport::Proof { record, out } => {
            let index = index(&node, &record)?;
            written(&node, index, out, &node.ledger.proof_file(index)?)
        }
        LedgerExport::Receipt { record, out } => {
            let index = index(&node, &record)?;
            written(&node, index, out, &node.ledger.cose_receipt(index)?)
        }
        LedgerExport::Timestamps { out } => timestamps(&node, out),
    }
}

/// The record that a person means: by its number, or by its leaf hash.
fn index(node: &Node, record: &str) -> Result<u64, Failure> {
    let size = node.ledger.size();
    let by_leaf = crate::state::digest_bytes(record).map(|leaf| node.ledger.by_leaf(&leaf));
    let found = match by_leaf {
        Some(found) => found?,
        None => record.parse().ok(),
    };
    found.filter(|index| *index < size).ok_or_else(|| {
        Failure::missing(format!("this log of {size} records has no record `{record}`"))
            .next("give the number of a record, from 0, or its leaf hash in hex; `herleid trace` shows numbers")
    })
}

fn written(node: &Node, index: u64, out: PathBuf, exported: &Exported) -> Result<LedgerExported, Failure> {
    write_new(&out, &exported.bytes)?;
    let witnesses = exported
        .checkpoint
        .cosignatures(node.ledger.witness_policy().witnesses())
        .map_err(Failure::failed)?;
    Ok(LedgerExported::Record(RecordExported {
        path: out,
        index,
        entry: hex::encode(exported.entry),
        size: exported.checkpoint.size(),
        witnesses: witnesses.iter().map(|w| w.witness().to_owned()).collect(),
        log_key: node.ledger.verifier().to_string(),
        log_key_pem: pem(node.ledger.verifier().public_key().as_bytes()),
    }))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    crate::audit::write_new(path, bytes).map_err(|e| Failure::new(e.code(), e))
}

/// An Ed25519 key as SubjectPublicKeyInfo (RFC 8410, section 4) in PEM (RFC 7468).
fn pem(key: &[u8; 32]) -> String {
    // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER 1.3.101.112 }, BIT STRING of 32 bytes without unused bits }
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend(key);
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(der)
    )
}

fn timestamps(node: &Node, out: PathBuf) -> Result<LedgerExported, Failure> {
    let stamps = node.state.scan::<StampEntry>(STAMPS)?;
    if stamps.is_empty() {
        return Err(Failure::missing("no checkpoint of this log was stamped yet").next(
            "name a time authority under `[[timestamps.authorities]]`, start again, and see what the service says",
        ));
    }
    std::fs::create_dir(&out).map_err(|e| {
        Failure::usage(format!("the directory `{}` cannot be made: {e}", out.display())).next("name another directory")
    })?;
    let mut lines: Vec<TimestampLine> = Vec::new();
    for (_, stamp) in stamps {
        let checkpoint = out.join(format!("{}.checkpoint", stamp.size));
        // Witnesses may have added to a checkpoint between two stamps of it: each stamp is of its own bytes.
        let same = lines.iter().filter(|line| line.size == stamp.size).count();
        let checkpoint = match same {
            0 => checkpoint,
            _ => out.join(format!("{}-{same}.checkpoint", stamp.size)),
        };
        let response = checkpoint.with_extension("tsr");
        let bytes = STANDARD.decode(&stamp.response).map_err(Failure::failed)?;
        write_new(&checkpoint, stamp.checkpoint.as_bytes())?;
        write_new(&response, &bytes)?;
        lines.push(TimestampLine {
            checkpoint,
            response,
            size: stamp.size,
            time_ms: stamp.time_ms,
            authority: stamp.authority,
            url: stamp.url,
        });
    }
    Ok(LedgerExported::Timestamps(TimestampsExported {
        path: out,
        timestamps: lines,
    }))
}
