//! The other ends' receipts, proved anew under a checkpoint that witnesses have seen.

use super::closure;
use crate::commands::Failure;
use crate::foreign_log::ForeignLog;
use crate::node::Node;
use crate::state::LogIdentity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herleid_ledger::StoredRecord;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::note::Verifier;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often another log's witnesses are looked at, and how many times: about twenty seconds.
const PAUSE: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 200;

/// Records of one other log, all under one checkpoint.
pub(crate) struct ForeignRecords {
    pub(crate) log: LogIdentity,
    pub(crate) checkpoint: String,
    pub(crate) records: BTreeMap<u64, HandedOver>,
}

/// The receipts that `records` hold as evidence, by log; the same record from several receipts becomes one with all that
/// they opened.
///
/// # Errors
/// When a receipt that we took cannot be read any more.
fn receipts(
    node: &Node,
    records: &BTreeMap<u64, StoredRecord>,
) -> Result<BTreeMap<String, BTreeMap<u64, HandedOver>>, Failure> {
    let mut found: BTreeMap<String, BTreeMap<u64, HandedOver>> = BTreeMap::new();
    for record in records.values() {
        for handed in closure::receipts(&node.ledger, record)? {
            let handed = handed.map_err(Failure::failed)?;
            let of_log = found.entry(handed.origin.clone()).or_default();
            match of_log.get_mut(&handed.index) {
                Some(known) => known.opened.extend(handed.opened),
                None => {
                    of_log.insert(handed.index, handed);
                }
            }
        }
    }
    Ok(found)
}

/// Proves every receipt anew under its log's newest witnessed checkpoint.
///
/// # Errors
/// When another log cannot be read, or shows no witnessed checkpoint that covers the receipts.
pub(crate) async fn gather(node: &Node, records: &BTreeMap<u64, StoredRecord>) -> Result<Vec<ForeignRecords>, Failure> {
    let logs = node.other_logs()?;
    let mut gathered = Vec::new();
    for (origin, records) in receipts(node, records)? {
        if origin == node.ledger.origin() {
            continue;
        }
        let log = logs.get(&origin).cloned().ok_or_else(|| {
            Failure::failed(format!(
                "a receipt is of the log `{origin}`, with whose owner there is no agreement"
            ))
        })?;
        gathered.push(refresh(node, log, records).await?);
    }
    Ok(gathered)
}

async fn refresh(
    node: &Node,
    log: LogIdentity,
    mut records: BTreeMap<u64, HandedOver>,
) -> Result<ForeignRecords, Failure> {
    let reader = ForeignLog::new(node.client.clone(), node.scheme, &log.origin);
    let key = Verifier::parse(&log.verifier_key).map_err(Failure::untrusted)?;
    let needed = records.keys().next_back().map_or(0, |last| last + 1);
    let checkpoint = witnessed(node, &reader, &key, needed).await?;
    for (index, record) in &mut records {
        let proof = reader
            .inclusion(*index, checkpoint.size())
            .await
            .map_err(Failure::unreachable)?;
        record.proof = proof.iter().map(|hash| STANDARD.encode(hash)).collect();
        record.checkpoint = checkpoint.note().to_string();
        record.consistency = None;
        record.verify(&key).map_err(|e| {
            Failure::untrusted(format!(
                "record {index} of `{}` is not proved under its newest checkpoint: {e}",
                log.origin
            ))
        })?;
    }
    Ok(ForeignRecords {
        log,
        checkpoint: checkpoint.note().to_string(),
        records,
    })
}

async fn witnessed(node: &Node, reader: &ForeignLog, key: &Verifier, needed: u64) -> Result<Checkpoint, Failure> {
    let ours: Vec<Verifier> = node.witnesses.iter().map(|w| w.verifier.clone()).collect();
    let quorum = node.config.trust.quorum.max(1);
    // Attempts, not a clock, bound the waiting.
    let mut attempts = 0;
    loop {
        attempts += 1;
        let note = reader.checkpoint().await.map_err(Failure::unreachable)?;
        let checkpoint = Checkpoint::verify_bytes(&note, key)
            .map_err(|e| Failure::untrusted(format!("the checkpoint of `{}` is refused: {e}", key.name())))?;
        let cosigned = checkpoint.cosignatures(&ours).map_err(Failure::untrusted)?.len();
        if checkpoint.size() >= needed && cosigned >= quorum {
            return Ok(checkpoint);
        }
        if attempts >= ATTEMPTS {
            return Err(Failure::unreachable(format!(
                "`{}` shows no checkpoint over {needed} records that {quorum} of our witnesses have cosigned (it has {}, cosigned by {cosigned})",
                key.name(),
                checkpoint.size()
            ))
            .next("try again when its witnesses have answered"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
