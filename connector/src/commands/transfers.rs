//! `transfers` and `transfer`: what is open, and what a person does about it.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Side, Transfer, TransferLine, TransferList, TransferStep, Transfers};
use crate::dsp::Role;
use crate::dsp::id::Id;
use crate::dsp::transfer::{self, DataTransfer, State};
use crate::dsp_shell::closed;
use crate::handlers::TransferAction;
use crate::node::Node;
use crate::state::GrantEntry;
use std::sync::Arc;

/// Lists transfers, the open ones first.
pub(super) async fn list(node: Arc<Node>, request: Transfers, _progress: Progress) -> Result<TransferList, Failure> {
    let all = node.negotiator.all::<DataTransfer>(&node).map_err(Failure::failed)?;
    let mut lines = all.iter().map(|one| line(&node, one)).collect::<Result<Vec<_>, _>>()?;
    lines.sort_by(|one, other| (one.closed.is_some(), &one.id).cmp(&(other.closed.is_some(), &other.id)));
    let total = lines.len() as u64;
    let most = request
        .limit
        .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    lines.truncate(most);
    Ok(TransferList {
        total,
        transfers: lines,
    })
}

fn line(node: &Node, process: &transfer::Transfer) -> Result<TransferLine, Failure> {
    let grant: Option<GrantEntry> = match process.role() {
        Role::Provider => node.state.get(&GrantEntry::key(process.own_pid().as_str()))?,
        Role::Consumer => None,
    };
    let over = grant.as_ref().filter(|grant| grant.until_ms <= node.now_ms());
    let closed = match (closed(process), over) {
        (None, Some(_)) => Some("its time is over".to_owned()),
        (closed, _) => closed,
    };
    Ok(TransferLine {
        id: process.own_pid().to_string(),
        side: match process.role() {
            Role::Provider => Side::Provider,
            Role::Consumer => Side::Consumer,
        },
        other: process.peer().to_string(),
        agreement: process.agreement().to_string(),
        format: process.format().to_owned(),
        open_until_ms: grant.filter(|_| closed.is_none()).map(|grant| grant.until_ms),
        closed,
        state: process.state().to_string(),
    })
}

/// Starts, suspends, resumes, completes or terminates one.
///
/// # Errors
/// When there is none, its state does not allow it, or a policy no longer does.
pub(super) async fn step(node: Arc<Node>, request: Transfer, _progress: Progress) -> Result<TransferLine, Failure> {
    let missing = || {
        Failure::missing(format!("there is no transfer `{}`", request.id))
            .next("`herleid transfers --limit 0` lists them all")
    };
    let pid: Id = request.id.parse().map_err(|_| missing())?;
    let load = || {
        node.negotiator
            .load::<DataTransfer>(&node, &pid)
            .map_err(Failure::failed)?
            .ok_or_else(missing)
    };
    let process = load()?;
    let action = match request.step {
        TransferStep::Suspend => TransferAction::Suspend,
        TransferStep::Complete => TransferAction::Complete,
        TransferStep::Terminate => TransferAction::Terminate,
        // To the protocol both are a start; who means one of them must not get the other. The policy has to grant either.
        TransferStep::Start if process.state() != State::Requested => {
            return Err(Failure::refused(format!(
                "the transfer is {}, so that it cannot be started",
                process.state()
            )));
        }
        TransferStep::Resume if process.state() != State::Suspended => {
            return Err(Failure::refused(format!(
                "the transfer is {}, so that it cannot be resumed",
                process.state()
            )));
        }
        TransferStep::Start | TransferStep::Resume => TransferAction::Start,
    };
    let decided = node
        .negotiator
        .decide_transfer(&node, &pid, action, request.reason.as_deref());
    decided.await?;
    line(&node, &load()?)
}
