//! Both ends of witnessing: the witness that this connector may be for others, and the asking of our own witnesses.

mod enough;
mod seen;
mod standing;

pub use enough::needed_to_start;
pub use seen::{ask_of_new, last_of, not_continued, seen_by};
pub use standing::{Standings, WitnessStanding};

use crate::net::client::GuardedClient;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::merkle::Hash;
use herleid_ledger::note::{Signer, Verifier};
use herleid_ledger::witness::{self, Answer, Conflict, Request, Response};
use herleid_ledger::{Ledger, LedgerError, WitnessStore};
use herleid_vocab::rim::Clock;
use http::HeaderMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Why witnessing failed.
#[derive(Debug, thiserror::Error)]
pub enum WitnessingError {
    /// The memory of the witness that we are for others failed.
    #[error("what this witness remembers cannot be read or written, so it cosigns nothing: {0}")]
    Memory(LedgerError),
    /// Our own log could not be read.
    #[error("the log could not be read for its witness: {0}")]
    Ledger(String),
    /// The witness could not be reached.
    #[error("the witness `{name}` could not be reached: {why}")]
    Unreachable {
        /// Name of its key.
        name: String,
        /// What happened.
        why: String,
    },
    /// The witness refused.
    #[error("the witness `{name}` refused the checkpoint: {why}")]
    Refused {
        /// Name of its key.
        name: String,
        /// Its words.
        why: String,
    },
    /// The witness knows more of our log than we do.
    #[error(
        "the witness `{name}` has seen {witnessed} records of `{origin}`, this log has {own}: records were lost (a backup was restored, or the directory was cloned); \
         the log must not go on under this origin"
    )]
    Behind {
        /// Name of its key.
        name: String,
        /// Our origin.
        origin: String,
        /// Size that the witness cosigned.
        witnessed: u64,
        /// Our size.
        own: u64,
    },
    /// The witness cosigned another history of our log.
    #[error(
        "the witness `{name}` has seen another history of `{origin}` than this log of {own} records (a backup was restored and gone on with, or the directory was cloned): {why}; \
         the log must not go on under this origin"
    )]
    Inconsistent {
        /// Name of its key.
        name: String,
        /// Our origin.
        origin: String,
        /// Our size.
        own: u64,
        /// Its words.
        why: String,
    },
    /// The witness knows a successor of our log.
    #[error(
        "the witness `{name}` has seen {size} records of `{successor}`, which continues `{origin}`: a backup from before that was put back, or a copy of the directory goes on elsewhere; \
         the log must not go on under this origin"
    )]
    Continued {
        /// Name of its key.
        name: String,
        /// Our origin.
        origin: String,
        /// The successor's.
        successor: String,
        /// Records of that.
        size: u64,
    },
}

impl WitnessingError {
    /// Whether the witness says that this log is not the one it knows: going on would sign a second history.
    #[must_use]
    pub const fn is_rollback(&self) -> bool {
        matches!(
            self,
            Self::Behind { .. } | Self::Inconsistent { .. } | Self::Continued { .. }
        )
    }
}

/// The witness that this connector is for others. Its memory lies apart from the log: a log directory that is lost or restored
/// must not let it cosign a second history of another's log.
pub struct WitnessService {
    signer: Signer,
    known_logs: Vec<Verifier>,
    memory: WitnessStore,
    clock: Arc<dyn Clock>,
    /// Held from reading the last size until the new one is durable: two requests must not cosign two histories.
    turn: Mutex<()>,
}

impl WitnessService {
    /// The key that it signs with, as logs name their witnesses.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.signer.verifier().to_string()
    }

    /// A witness for `known_logs` that signs with `signer` and remembers in `memory`.
    #[must_use]
    pub fn new(signer: Signer, known_logs: Vec<Verifier>, memory: WitnessStore, clock: Arc<dyn Clock>) -> Self {
        Self {
            signer,
            known_logs,
            memory,
            clock,
            turn: Mutex::new(()),
        }
    }

    /// Its own verifier key.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    /// Answers a request (C2SP tlog-witness, `add-checkpoint`); what it cosigns is durable before the answer exists.
    ///
    /// # Errors
    /// When its memory cannot be read or written: no answer leaves then.
    pub fn add_checkpoint(&self, request: &[u8]) -> Result<Response, WitnessingError> {
        let _turn = self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut failed = None;
        let stored = |origin: &str| match self.memory.last(origin) {
            Ok(found) => found.map(|seen| (seen.size, seen.root)),
            Err(error) => {
                failed = Some(error);
                None
            }
        };
        let response = witness::respond(&self.signer, stored, &self.known_logs, request, self.clock.now_ms());
        if let Some(error) = failed {
            return Err(WitnessingError::Memory(error));
        }
        self.memory.keep(&response).map_err(WitnessingError::Memory)?;
        Ok(response)
    }

    /// The checkpoint of the log `origin` that this witness cosigned last, as the log signed it: whoever lost a log learns from it how far
    /// that went.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn last(&self, origin: &str) -> Result<Option<String>, WitnessingError> {
        let seen = self.memory.last(origin).map_err(WitnessingError::Memory)?;
        // What was asked before a first record is no checkpoint of anything.
        Ok(seen.filter(|seen| seen.size > 0).map(|seen| seen.note))
    }

    /// Logs that showed this witness two histories, each with both checkpoints as proof.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, WitnessingError> {
        self.memory.conflicts().map_err(WitnessingError::Memory)
    }
}

/// One of our witnesses.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Its key (type `0x04`).
    pub verifier: Verifier,
    /// Prefix of its resources.
    pub url: String,
}

impl Witness {
    fn refused(&self, why: impl ToString) -> WitnessingError {
        WitnessingError::Refused {
            name: self.verifier.name().to_owned(),
            why: why.to_string(),
        }
    }

    fn unreachable(&self, why: impl ToString) -> WitnessingError {
        WitnessingError::Unreachable {
            name: self.verifier.name().to_owned(),
            why: why.to_string(),
        }
    }

    /// The witness has seen `witnessed` records of `checkpoint`'s log, which has fewer.
    fn behind(&self, checkpoint: &Checkpoint, witnessed: u64) -> WitnessingError {
        WitnessingError::Behind {
            name: self.verifier.name().to_owned(),
            origin: checkpoint.origin().to_owned(),
            witnessed,
            own: checkpoint.size(),
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
    async fn add_checkpoint(
        &self,
        client: &GuardedClient,
        old: u64,
        proof: Vec<Hash>,
        checkpoint: &Checkpoint,
    ) -> Result<Answer, WitnessingError> {
        let request = Request::new(old, proof, checkpoint).map_err(|e| WitnessingError::Ledger(e.to_string()))?;
        let url = format!("{}/add-checkpoint", self.url.trim_end_matches('/'));
        let answer = client
            .message(http::Method::POST, &url, HeaderMap::new(), request.to_bytes().into())
            .await
            .map_err(|e| self.unreachable(e))?;
        witness::parse_response(answer.status.as_u16(), &answer.body, checkpoint, &self.verifier)
            .map_err(|e| self.refused(e))
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
    let kept = ledger.add_cosignatures(cosigned.note().clone());
    kept.map_err(|e| WitnessingError::Ledger(e.to_string()))?;
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
    last: u64,
) -> Result<Checkpoint, WitnessingError> {
    let read = |e: &dyn std::fmt::Display| WitnessingError::Ledger(e.to_string());
    let checkpoint: Checkpoint = ledger.checkpoint().as_ref().clone();
    let mut old = last.min(checkpoint.size());
    // Twice: the witness may know another size than we remember, and says so once.
    for _ in 0..2 {
        let proof = ledger.consistency(old, checkpoint.size()).map_err(|e| read(&e))?;
        match witness.add_checkpoint(client, old, proof, &checkpoint).await? {
            Answer::Cosigned(lines) => {
                let mut cosigned = checkpoint.clone();
                for line in lines {
                    cosigned = cosigned.with(line).map_err(|e| witness.refused(e))?;
                }
                return Ok(cosigned);
            }
            Answer::Stale { size } if size > checkpoint.size() => return Err(witness.behind(&checkpoint, size)),
            // The size that was just named: what differs is the root (tlog-witness leaves 409 or 422 to the witness).
            Answer::Stale { size } if size == old && size == checkpoint.size() => {
                return Err(witness.inconsistent(&checkpoint, "it has cosigned another root for this size"));
            }
            Answer::Stale { size } => old = size,
            // C2SP tlog-witness: 422 is "the consistency proof does not verify"; ours is computed from our own tree.
            Answer::Refused { status: 422, reason } => return Err(witness.inconsistent(&checkpoint, &reason)),
            Answer::Refused { status, reason } => return Err(witness.refused(format!("{status}: {reason}"))),
        }
    }
    Err(witness.refused("it changes its mind about the size that it saw last"))
}

/// Who is told of what the witnesses answer.
pub struct Told {
    /// Told each time a round is over, with the size that a quorum has cosigned.
    pub asked: watch::Sender<u64>,
    /// How it stands with each of them.
    pub standings: Standings,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Keeps asking until the connector stops: whenever the log has grown, the newest checkpoint goes to every witness.
///
/// # Errors
/// When a witness says that it knows another history of this log, or more of it: a copy of the directory signs elsewhere.
pub async fn keep_asking(
    ledger: Ledger,
    client: Arc<GuardedClient>,
    witnesses: Vec<Witness>,
    mut grown: watch::Receiver<u64>,
    told: Told,
) -> Result<(), WitnessingError> {
    /// After a failure the next attempt waits, at first a second, at most a minute; growth of the log does not hurry it.
    const PAUSES_S: [u64; 6] = [1, 2, 5, 15, 30, 60];
    let mut last = vec![0u64; witnesses.len()];
    let mut failures = 0usize;
    loop {
        let size = *grown.borrow_and_update();
        let mut failed = false;
        for (witness, last) in witnesses.iter().zip(last.iter_mut()) {
            if *last >= size {
                continue;
            }
            let answer = ask(&ledger, &client, witness, *last).await;
            told.standings.heard(witness, &answer, told.clock.now_ms());
            match answer {
                Ok(cosigned) => *last = cosigned.size(),
                Err(error) if error.is_rollback() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "not witnessed");
                    failed = true;
                }
            }
        }
        told.asked.send_replace(ledger.cosigned().map_or(0, |c| c.size()));
        if failed {
            let pause = PAUSES_S.get(failures).or(PAUSES_S.last()).copied().unwrap_or(60);
            failures += 1;
            tokio::time::sleep(std::time::Duration::from_secs(pause)).await;
        } else {
            failures = 0;
            if grown.changed().await.is_err() {
                return Ok(());
            }
        }
    }
}
