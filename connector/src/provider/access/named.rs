//! What a request names besides its access: how much of our log its caller saw, and an agreement.

use super::SEEN;
use crate::http::Refusal;
use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use axum::http::{HeaderMap, StatusCode};
use herleid_ledger::Ledger;
use herleid_vocab::did::Did;

/// Size of our log that the caller saw last, 0 when it says nothing of it.
///
/// # Errors
/// 409 when it has seen more of our log than there is. That is found out before anything is decided or recorded: from a log
/// that was rolled back nothing may be given that looks as if it continued what the caller knows.
pub(crate) fn seen(node: &Node, headers: &HeaderMap) -> Result<u64, Refusal> {
    seen_of(node, &node.ledger, headers)
}

/// [`seen`] of one of our logs, which may be over.
///
/// # Errors
/// As there.
pub(crate) fn seen_of(node: &Node, log: &Ledger, headers: &HeaderMap) -> Result<u64, Refusal> {
    let seen = headers
        .get(SEEN)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok())
        .unwrap_or(0);
    let size = log.size();
    if seen <= size {
        return Ok(seen);
    }
    // Of one that is over its successor has said by its record `continued` what was lost: that is no lie that is found out now.
    if log.is_over() {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "log-over",
            &format!(
                "the log `{}` is over, and of the {seen} records that you have seen {size} are left; the record `continued` of `{}` names what was lost",
                log.origin(),
                node.ledger.origin()
            ),
        ));
    }
    Err(Refusal::new(
        StatusCode::CONFLICT,
        "log-behind",
        &format!(
            "you have seen {seen} records, this log has {size}: either `{SEEN}` is wrong, or records were lost here; keep the checkpoint that you saw, and ask the operator of `{}`",
            node.did
        ),
    ))
}

/// The agreement that the caller names, on the side on which this connector stands in it.
///
/// # Errors
/// 404 also for an agreement of others: it is not told from one that is not there.
pub(crate) fn agreement_with(node: &Node, caller: &Did, id: &str, side: Side) -> Result<AgreementEntry, Refusal> {
    let key = AgreementEntry::key(id, side);
    let entry: Option<AgreementEntry> = node.state.get(&key).map_err(|e| Refusal::internal(&e))?;
    entry
        .filter(|entry| entry.other == *caller)
        .ok_or_else(|| Refusal::not_found(&"there is no such agreement with you"))
}
