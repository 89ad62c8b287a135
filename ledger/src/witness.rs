//! Witnessing (C2SP tlog-witness): what a log asks, what a witness answers, without a socket on either side.

use crate::checkpoint::{Checkpoint, CheckpointBody, CheckpointError};
use crate::fork::{Fork, ForkError};
use crate::merkle::{self, Hash};
use crate::note::{MAX_NOTE_BYTES, NoteError, SignatureLine, SignedNote, Signer, Verifier};
use crate::tile::decimal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Most proof lines of a request (C2SP tlog-witness, "add-checkpoint").
pub const MAX_PROOF_LINES: usize = 63;

/// Longest request: the old size, 63 lines of 45 bytes, a blank line and a note.
pub const MAX_REQUEST_BYTES: usize = 32 + MAX_PROOF_LINES * 45 + MAX_NOTE_BYTES;

/// Longest answer that a log reads: as many lines as a note may have.
pub const MAX_RESPONSE_BYTES: usize = MAX_NOTE_BYTES;

/// Media type of an answer with status 409.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// Media type of every other answer.
pub const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// Why a request or an answer is not understood or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The bytes are not a request.
    #[error("not a request to add a checkpoint: {why}")]
    Request {
        /// What is wrong.
        why: &'static str,
    },
    /// A proof has too many lines to be sent.
    #[error("the consistency proof has {found} hashes, at most {MAX_PROOF_LINES} can be sent")]
    ProofLength {
        /// Hashes found.
        found: usize,
    },
    /// The answer is not of the form that its status asks for.
    #[error("the witness answered {status} with a body that is not {expected}")]
    Response {
        /// HTTP status.
        status: u16,
        /// What was expected.
        expected: &'static str,
    },
    /// The answer holds no cosignature by the witness, or a wrong one.
    #[error("the witness's cosignature is not believed: {0}")]
    Cosignature(#[from] CheckpointError),
}

/// A request to cosign a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Size that the witness cosigned last, as the log believes; 0 for never.
    pub old: u64,
    /// Consistency proof from `old` to the checkpoint.
    pub proof: Vec<Hash>,
    /// The checkpoint, unchecked.
    pub note: SignedNote,
}

impl Request {
    /// A request for `checkpoint`.
    ///
    /// # Errors
    /// When the proof is too long to be one.
    pub fn new(old: u64, proof: Vec<Hash>, checkpoint: &Checkpoint) -> Result<Self, WitnessError> {
        if proof.len() > MAX_PROOF_LINES {
            return Err(WitnessError::ProofLength { found: proof.len() });
        }
        let note = checkpoint.note().clone();
        Ok(Self { old, proof, note })
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Says what is wrong; a witness answers 400.
    pub fn parse(bytes: &[u8]) -> Result<Self, WitnessError> {
        let wrong = |why| WitnessError::Request { why };
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(wrong("it is longer than any request can be"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
        let (head, note) = text.split_once("\n\n").ok_or(wrong("it has no blank line"))?;
        let mut lines = head.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(decimal);
        let old = old.ok_or(wrong("its first line is not `old` and a decimal number"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_PROOF_LINES {
                return Err(wrong("it has more than 63 proof lines"));
            }
            let hash = STANDARD.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok());
            proof.push(hash.ok_or(wrong("a proof line is not the base64 of 32 bytes"))?);
        }
        let note = SignedNote::parse(note.as_bytes()).map_err(|_| wrong("its checkpoint is not a signed note"))?;
        Ok(Self { old, proof, note })
    }

    /// The request's body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = format!("old {}\n", self.old);
        for hash in &self.proof {
            body.push_str(&STANDARD.encode(hash));
            body.push('\n');
        }
        body.push('\n');
        body.push_str(&self.note.to_string());
        body.into_bytes()
    }
}

/// What a witness must have stored before it sends the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persist {
    /// Origin of the log.
    pub origin: String,
    /// Size now cosigned.
    pub size: u64,
    /// Root now cosigned.
    pub root: Hash,
    /// The checkpoint as the log signed it: if the log ever shows another history, this is the proof.
    pub note: String,
}

/// Two checkpoints signed by the log, of which the witness cosigned one and refused the other. Of one size they prove two histories as they
/// are; of two sizes with `beginning`, and without it they prove nothing ([`crate::fork`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// Origin of the log.
    pub origin: String,
    /// Size of the one that was refused.
    pub size: u64,
    /// The checkpoint that the witness cosigned: a signed note.
    pub cosigned: String,
    /// The one that it refused: a signed note.
    pub refused: String,
    /// Where their sizes differ: what the larger tree begins with ([`crate::fork::Beginning`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beginning: Option<String>,
}

impl Conflict {
    /// Checks that it proves two histories.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn check(&self, log: &Verifier) -> Result<Fork, ForkError> {
        let notes = [self.cosigned.as_bytes(), self.refused.as_bytes()];
        Fork::read(notes, self.beginning.as_deref().map(str::as_bytes), log)
    }
}

/// A witness's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: String,
    /// Media type of the body.
    pub content_type: &'static str,
    /// To be stored and synced **before** the answer is sent, under the same lock that `stored` was read under.
    pub persist: Option<Persist>,
    /// A validly signed checkpoint of the size cosigned before, with another root: proof of two histories, to be kept.
    pub conflict: Option<Persist>,
    /// A validly signed checkpoint of more records than were cosigned before, with a proof that does not hold. That proves nothing: whoever
    /// sends a good checkpoint with a bad proof gets the same answer. To be kept until the log's tiles were looked at.
    pub doubt: Option<Persist>,
}

impl Response {
    /// What is to be kept of a checkpoint that was cosigned earlier, by a witness whose memory moves to another store.
    #[must_use]
    pub fn cosigned_before(seen: Persist) -> Self {
        Self {
            persist: Some(seen),
            ..answer(200, "")
        }
    }
}

fn answer(status: u16, body: impl Into<String>) -> Response {
    Response {
        status,
        body: body.into(),
        content_type: TEXT_TYPE,
        persist: None,
        conflict: None,
        doubt: None,
    }
}

/// A witness's one step. `stored` gives size and root last cosigned for an origin; the caller holds the lock on that state
/// from before this call until [`Response::persist`] is durable, or two requests could cosign two histories.
/// `known_logs` are the keys of the logs that this witness serves, `now_ms` is UTC milliseconds since 1970.
#[must_use]
pub fn respond(
    witness: &Signer,
    stored: impl FnOnce(&str) -> Option<(u64, Hash)>,
    known_logs: &[Verifier],
    request: &[u8],
    now_ms: u64,
) -> Response {
    let request = match Request::parse(request) {
        Ok(request) => request,
        Err(error) => return answer(400, format!("{error}\n")),
    };
    let body = match CheckpointBody::parse(request.note.text()) {
        // A known log that signs another root for its empty tree is refused as inconsistent, not as malformed.
        Err(CheckpointError::EmptyRoot) => return answer(422, format!("{}\n", CheckpointError::EmptyRoot)),
        Err(error) => return answer(400, format!("{error}\n")),
        Ok(body) => body,
    };
    let keys: Vec<Verifier> = known_logs
        .iter()
        .filter(|key| key.name() == body.origin)
        .cloned()
        .collect();
    if keys.is_empty() {
        return answer(404, format!("`{}` is not a log that is witnessed here\n", body.origin));
    }
    // Of what is kept only the log's own line: others could be added without end.
    let note = match request.note.merged(&[], &keys) {
        Err(error) => return answer(403, format!("{error}\n")),
        Ok(own) => own.to_string(),
    };
    if request.old > body.size {
        return answer(
            400,
            format!("the old size {} is above the checkpoint's {}\n", request.old, body.size),
        );
    }
    let (size, root) = stored(&body.origin).unwrap_or((0, merkle::empty_root()));
    let seen = Persist {
        origin: body.origin.clone(),
        size: body.size,
        root: body.root,
        note,
    };
    // Two roots of one size need no proof: the log signed both.
    let conflict = (size == body.size && root != body.root).then(|| seen.clone());
    if request.old != size {
        return Response {
            content_type: SIZE_TYPE,
            conflict,
            ..answer(409, format!("{size}\n"))
        };
    }
    if let Err(error) = merkle::verify_consistency(size, body.size, &request.proof, &root, &body.root) {
        return Response {
            doubt: (size < body.size).then_some(seen),
            conflict,
            ..answer(422, format!("{error}\n"))
        };
    }
    // Zero would say "no time"; a clock before 1970-01-01T00:00:01 is broken anyway.
    let time_s = (now_ms / 1000).max(1);
    let line = witness.sign(request.note.text(), time_s);
    Response {
        persist: Some(seen),
        ..answer(200, format!("{line}\n"))
    }
}

/// What a log learns from a witness's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Cosigned: lines to add to the checkpoint, each checked against the witness's key.
    Cosigned(Vec<SignatureLine>),
    /// The witness cosigned another size last: ask again with a proof from there. A size above the log's own, or one that
    /// the log cannot prove from, means that this log lost records.
    Stale {
        /// Size that the witness cosigned last.
        size: u64,
    },
    /// Refused: 400, 403, 404, 422 or something outside of the protocol.
    Refused {
        /// HTTP status.
        status: u16,
        /// The witness's words, cut off at 500 characters.
        reason: String,
    },
}

/// Reads a witness's answer about `checkpoint`.
///
/// # Errors
/// When a 200 carries no valid cosignature by `witness`, or a 409 no size.
pub fn parse_response(
    status: u16,
    body: &[u8],
    checkpoint: &Checkpoint,
    witness: &Verifier,
) -> Result<Answer, WitnessError> {
    let expected = |expected| WitnessError::Response { status, expected };
    let text = std::str::from_utf8(body)
        .ok()
        .filter(|text| text.len() <= MAX_RESPONSE_BYTES);
    match status {
        200 => {
            let lines = text
                .and_then(|text| text.strip_suffix('\n'))
                .and_then(|text| text.split('\n').map(SignatureLine::parse).collect::<Option<Vec<_>>>())
                .ok_or(expected("signature lines"))?;
            let note = SignedNote::new(checkpoint.note().text(), lines).map_err(CheckpointError::Note)?;
            let keys = std::slice::from_ref(witness);
            note.verify(keys).map_err(CheckpointError::Note)?;
            let own = |line: &&SignatureLine| line.is_by(witness);
            Ok(Answer::Cosigned(
                note.signatures().iter().filter(own).cloned().collect(),
            ))
        }
        409 => {
            let size = text.and_then(|text| text.strip_suffix('\n')).and_then(decimal);
            let size = size.ok_or(expected("a tree size and a newline"))?;
            Ok(Answer::Stale { size })
        }
        _ => {
            let reason = text
                .unwrap_or("(not readable)")
                .chars()
                .filter(|c| *c >= ' ')
                .take(500)
                .collect();
            Ok(Answer::Refused { status, reason })
        }
    }
}

impl From<NoteError> for WitnessError {
    fn from(error: NoteError) -> Self {
        Self::Cosignature(CheckpointError::Note(error))
    }
}
