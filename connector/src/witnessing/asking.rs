//! Asking one of our witnesses about one checkpoint.

use super::WitnessingError;
use crate::net::client::GuardedClient;
use herleid_ledger::Ledger;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::merkle::{self, Hash};
use herleid_ledger::note::Verifier;
use herleid_ledger::witness::{self, Answer, Request};
use http::HeaderMap;
use std::time::Duration;

/// How long a witness may take for one answer. Less than a dossier waits for its witnesses: one that hangs is given up, and asked again,
/// before that is over.
const ANSWER: Duration = Duration::from_secs(10);

/// How often it is asked about one checkpoint: it may know another size than we remember, and whoever shows it other checkpoints of ours
/// moves it on meanwhile.
const ATTEMPTS: usize = 4;

/// One of our witnesses.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Its key (type `0x04`).
    pub verifier: Verifier,
    /// Prefix of its resources.
    pub url: String,
}

/// What a witness says of a checkpoint that is no reason to stop.
#[derive(Debug)]
pub(super) enum Asked {
    /// The checkpoint with its lines.
    Cosigned(Checkpoint),
    /// It has seen a later checkpoint of this log, which the log has: somebody else showed it.
    Ahead {
        /// Size of that.
        size: u64,
    },
}

impl Witness {
    pub(super) fn refused(&self, why: impl ToString) -> WitnessingError {
        WitnessingError::Refused {
            name: self.verifier.name().to_owned(),
            why: why.to_string(),
        }
    }

    pub(super) fn unreachable(&self, why: impl ToString) -> WitnessingError {
        WitnessingError::Unreachable {
            name: self.verifier.name().to_owned(),
            why: why.to_string(),
        }
    }

    /// The witness has seen `witnessed` records of the log `origin`, which has `own`: fewer.
    pub(super) fn behind(&self, origin: &str, witnessed: u64, own: u64) -> WitnessingError {
        WitnessingError::Behind {
            name: self.verifier.name().to_owned(),
            origin: origin.to_owned(),
            witnessed,
            own,
        }
    }

    fn inconsistent(&self, checkpoint: &Checkpoint, why: &str) -> WitnessingError {
        WitnessingError::Inconsistent {
            name: self.verifier.name().to_owned(),
            origin: checkpoint.origin().to_owned(),
            own: checkpoint.size(),
            why: why.to_owned(),
        }
    }

    /// One request and its answer (C2SP tlog-witness, `add-checkpoint`).
    pub(super) async fn add_checkpoint(
        &self,
        client: &GuardedClient,
        old: u64,
        proof: Vec<Hash>,
        checkpoint: &Checkpoint,
    ) -> Result<Answer, WitnessingError> {
        let request = Request::new(old, proof, checkpoint).map_err(|e| WitnessingError::Ledger(e.to_string()))?;
        let url = format!("{}/add-checkpoint", self.url.trim_end_matches('/'));
        let answer = client.message(http::Method::POST, &url, HeaderMap::new(), request.to_bytes().into());
        let answer = tokio::time::timeout(ANSWER, answer)
            .await
            .map_err(|_| self.unreachable(format!("it did not answer within {} seconds", ANSWER.as_secs())))?
            .map_err(|e| self.unreachable(e))?;
        witness::parse_response(answer.status.as_u16(), &answer.body, checkpoint, &self.verifier)
            .map_err(|e| self.refused(e))
    }
}

/// The proof that `checkpoint` extends the first `old` records of its log, checked here: of a witness that refuses it, it is certain then
/// that it has seen another history, and not that a tile of ours is damaged.
fn proof_from(ledger: &Ledger, old: u64, checkpoint: &Checkpoint) -> Result<Vec<Hash>, WitnessingError> {
    let read = |e: &dyn std::fmt::Display| WitnessingError::Ledger(e.to_string());
    let size = checkpoint.size();
    let proof = ledger.consistency(old, size).map_err(|e| read(&e))?;
    let before = ledger.root_at(old).map_err(|e| read(&e))?;
    match merkle::verify_consistency(old, size, &proof, &before, checkpoint.root()) {
        Ok(()) => Ok(proof),
        Err(_) => Err(WitnessingError::Damaged {
            origin: checkpoint.origin().to_owned(),
            old,
            size,
        }),
    }
}

/// Asks `witness` to cosign `checkpoint`, which is of `ledger`; `last` is the size that it is believed to have seen last.
pub(super) async fn ask_about(
    ledger: &Ledger,
    client: &GuardedClient,
    witness: &Witness,
    checkpoint: &Checkpoint,
    last: u64,
) -> Result<Asked, WitnessingError> {
    let mut old = last.min(checkpoint.size());
    for _ in 0..ATTEMPTS {
        let proof = proof_from(ledger, old, checkpoint)?;
        match witness.add_checkpoint(client, old, proof, checkpoint).await? {
            Answer::Cosigned(lines) => {
                let mut cosigned = checkpoint.clone();
                for line in lines {
                    cosigned = cosigned.with(line).map_err(|e| witness.refused(e))?;
                }
                return Ok(Asked::Cosigned(cosigned));
            }
            Answer::Stale { size } if size > checkpoint.size() => {
                // The log as it is now: it grows while it is asked, and its checkpoints are public. Anybody may have shown a newer one.
                let own = ledger.size();
                if size > own {
                    return Err(witness.behind(checkpoint.origin(), size, own));
                }
                return Ok(Asked::Ahead { size });
            }
            // The size that was just named: what differs is the root (tlog-witness leaves 409 or 422 to the witness).
            Answer::Stale { size } if size == old && size == checkpoint.size() => {
                return Err(witness.inconsistent(checkpoint, "it has cosigned another root for this size"));
            }
            Answer::Stale { size } => old = size,
            // C2SP tlog-witness: 422 is "the consistency proof does not verify"; ours does.
            Answer::Refused { status: 422, reason } => return Err(witness.inconsistent(checkpoint, &reason)),
            Answer::Refused { status, reason } => return Err(witness.refused(format!("{status}: {reason}"))),
        }
    }
    Err(witness.refused("it changes its mind about the size that it saw last"))
}

/// Keeps the lines that came with `cosigned`, in a thread that may wait for the disk.
pub(super) async fn keep(ledger: &Ledger, cosigned: &Checkpoint) -> Result<(), WitnessingError> {
    let (ledger, note) = (ledger.clone(), cosigned.note().clone());
    let kept = tokio::task::spawn_blocking(move || ledger.add_cosignatures(note)).await;
    match kept {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(WitnessingError::Ledger(error.to_string())),
        Err(error) => Err(WitnessingError::Ledger(error.to_string())),
    }
}

/// Asks `witness` to cosign the latest checkpoint, and keeps its cosignature; gives the checkpoint that is cosigned afterwards.
///
/// # Errors
/// When it cannot be reached, refuses, or knows more of our log than we do.
pub async fn ask(
    ledger: &Ledger,
    client: &GuardedClient,
    witness: &Witness,
    last: u64,
) -> Result<Checkpoint, WitnessingError> {
    let cosigned = cosigned_by(ledger, client, witness, last).await?;
    keep(ledger, &cosigned).await?;
    Ok(cosigned)
}

/// The latest checkpoint, with the lines by which `witness` cosigned it; nothing is kept of them here.
///
/// # Errors
/// As [`ask`].
pub async fn cosigned_by(
    ledger: &Ledger,
    client: &GuardedClient,
    witness: &Witness,
    mut last: u64,
) -> Result<Checkpoint, WitnessingError> {
    for _ in 0..ATTEMPTS {
        let checkpoint = ledger.checkpoint();
        match ask_about(ledger, client, witness, &checkpoint, last).await? {
            Asked::Cosigned(cosigned) => return Ok(cosigned),
            Asked::Ahead { size } => last = size,
        }
    }
    Err(witness.refused("somebody else shows it each newer checkpoint of this log first"))
}
