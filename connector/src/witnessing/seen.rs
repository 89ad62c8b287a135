//! What our witnesses saw of a log that is not open: one that is new, one that is lost, one that may have a successor.

use super::{Witness, WitnessingError};
use crate::net::client::GuardedClient;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::note::Verifier;
use herleid_ledger::witness::Answer;
use http::HeaderMap;

/// Asks `witness`, before a log's first record, whether it has seen records of that origin: then this directory was lost once,
/// and a log begun in it would be a second history. `empty` is the log's [`Checkpoint::empty`].
///
/// # Errors
/// When it has seen some, cannot be reached, or refuses.
pub async fn ask_of_new(client: &GuardedClient, witness: &Witness, empty: &Checkpoint) -> Result<(), WitnessingError> {
    match witness.add_checkpoint(client, 0, Vec::new(), empty).await? {
        Answer::Cosigned(_) | Answer::Stale { size: 0 } => Ok(()),
        Answer::Stale { size } => Err(witness.behind(empty.origin(), size, 0)),
        Answer::Refused { status, reason } => Err(witness.refused(format!("{status}: {reason}"))),
    }
}

/// How many records of the log whose [`Checkpoint::empty`] this is `witness` has seen; `None` when it does not know the log.
///
/// # Errors
/// When it cannot be reached, or refuses.
pub async fn seen_by(
    client: &GuardedClient,
    witness: &Witness,
    empty: &Checkpoint,
) -> Result<Option<u64>, WitnessingError> {
    match witness.add_checkpoint(client, 0, Vec::new(), empty).await? {
        Answer::Cosigned(_) => Ok(Some(0)),
        Answer::Stale { size } => Ok(Some(size)),
        // C2SP tlog-witness: 404 is "the checkpoint origin is unknown".
        Answer::Refused { status: 404, .. } => Ok(None),
        Answer::Refused { status, reason } => Err(witness.refused(format!("{status}: {reason}"))),
    }
}

/// The checkpoint of the log `log` that `witness` cosigned last, where it hands it out: C2SP tlog-witness has no such resource, a
/// connector that is a witness has. Its signature by the log is checked.
///
/// # Errors
/// When it cannot be reached, or what it hands out is no checkpoint of that log.
pub async fn last_of(
    client: &GuardedClient,
    witness: &Witness,
    log: &Verifier,
) -> Result<Option<Checkpoint>, WitnessingError> {
    let url = format!("{}/checkpoint/{}", witness.url.trim_end_matches('/'), log.name());
    let answer = client
        .message(http::Method::GET, &url, HeaderMap::new(), bytes::Bytes::new())
        .await
        .map_err(|e| witness.unreachable(e))?;
    if answer.status != http::StatusCode::OK {
        return Ok(None);
    }
    let checkpoint = Checkpoint::verify_bytes(&answer.body, log);
    checkpoint.map(Some).map_err(|e| witness.refused(e))
}

/// That `witness` has seen nothing of the successor of the log `origin`, whose [`Checkpoint::empty`] `next` is: a log that was continued is
/// over, also for whoever put back a backup that knows nothing of that.
///
/// # Errors
/// When it has seen records of the successor, cannot be reached, or refuses.
pub async fn not_continued(
    client: &GuardedClient,
    witness: &Witness,
    origin: &str,
    next: &Checkpoint,
) -> Result<(), WitnessingError> {
    match seen_by(client, witness, next).await? {
        None | Some(0) => Ok(()),
        Some(size) => Err(WitnessingError::Continued {
            name: witness.verifier.name().to_owned(),
            origin: origin.to_owned(),
            successor: next.origin().to_owned(),
            size,
        }),
    }
}
