//! Two ledgers held against each other: what this end and a peer recorded of their exchanges, agreement by agreement, byte for byte.
//!
//! The other end hands its records over with proofs, from the last of an agreement's stream to the first. Each is checked against its log and against
//! all that the same log said before ([`crate::peers`]), so what it says here it has said for good; what it leaves out shows as a gap in the
//! numbers of the one stream that is the agreement's, or as an exchange of which this end holds the receipt.

mod chain;
mod compare;
mod ours;
mod said;
mod schedule;
pub(crate) mod stream;
mod theirs;

pub(crate) use ours::tombstone;
pub(crate) use schedule::{rounds, told};
pub(crate) use theirs::their_side;

use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol as p;
use crate::control::protocol::{AgreementReconciled, Finding, Reconcile, ReconcileAnswer, Reconciled, Unit, What};
use crate::node::{Node, fresh_trace};
use crate::peers::agreement_of;
use crate::state::{AgreementEntry, Side, State};
use compare::{Beside, compare};
use herleid_ledger::Ledger;
use herleid_ledger::record::StreamKey;
use herleid_vocab::did::Did;
use schedule::{begin, keep};
use std::sync::Arc;
use std::time::Duration;
use theirs::{Stop, Theirs};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Name of the step that progress is told of.
const STEP: &str = "reconcile";
/// Findings of one agreement that are told; all are counted.
const MOST_TOLD: usize = 100;
/// How long the other end may keep us with one agreement: it decides how fast it answers.
const PATIENCE: Duration = Duration::from_secs(600);
/// Over how long the clocks are held against each other: a clock that was put right yesterday is right today.
const CLOCKS_MS: u64 = 24 * 3_600_000;

/// `herleid reconcile`.
///
/// # Errors
/// When there is no agreement with the peer, or our own log cannot be read.
pub(crate) async fn command(
    node: Arc<Node>,
    request: Reconcile,
    progress: Progress,
) -> Result<ReconcileAnswer, Failure> {
    let peer: Did = request.peer.parse().map_err(|e| {
        Failure::usage(format!(
            "`{}` is not the identifier of a participant: {e}",
            request.peer
        ))
    })?;
    let (mut entries, unsearched) = agreements(&node, &peer, request.agreement.as_deref())?;
    if entries.is_empty() {
        let what = request
            .agreement
            .as_ref()
            .map_or_else(|| "no agreement".to_owned(), |id| format!("no agreement `{id}`"));
        let besides: String = unsearched.iter().map(|why| format!("; not searched: {why}")).collect();
        return Err(Failure::missing(format!("there is {what} with `{peer}`{besides}"))
            .next("`herleid agreements` lists the agreements, and with whom they are"));
    }
    entries.sort_by(|(one, _), (other, _)| (&one.id, one.side.as_str()).cmp(&(&other.id, other.side.as_str())));
    let total = entries.len() as u64;
    let mut agreements = Vec::new();
    for (done, (entry, log)) in (0..).zip(entries) {
        progress.step(STEP, done, Some(total), Unit::Items);
        agreements.push(agreement(&node, &entry, &log).await?);
    }
    // Where not all agreements are known, what was compared is not all there is.
    let least = match unsearched.is_empty() {
        true => Reconciled::Incomparable,
        false => Reconciled::Unfinished,
    };
    let answer = ReconcileAnswer {
        peer,
        verdict: agreements.iter().map(|one| one.verdict).fold(least, Ord::max),
        agreements,
        unsearched,
    };
    Ok(answer)
}

/// It was lost for a reason: what cannot be read of it is told, and keeps nothing else from being compared.
fn is_over(node: &Node, log: &Ledger) -> bool {
    log.origin() != node.ledger.origin()
}

/// An agreement, with the log of ours that has it.
type OfLog = (AgreementEntry, Ledger);

/// The agreements with a peer, or the one with this identifier, and why a log of ours was not searched.
///
/// # Errors
/// When the log that goes on cannot be read.
fn agreements(node: &Node, peer: &Did, wanted: Option<&str>) -> Result<(Vec<OfLog>, Vec<String>), Failure> {
    let (mut entries, mut unsearched) = (Vec::new(), node.unreadable.clone());
    // Those that ended with a log of ours that is over stand in it.
    for log in std::iter::once(&node.ledger).chain(&node.previous) {
        let found = match State::new(log.clone()).scan::<AgreementEntry>("agreement/") {
            Err(error) if is_over(node, log) => {
                unsearched.push(format!("the log `{}`, which is over: {error}", log.origin()));
                continue;
            }
            found => found?,
        };
        let found = found.into_iter().map(|(_, entry)| entry);
        let found = found.filter(|entry| entry.other == *peer && wanted.is_none_or(|id| id == entry.id));
        entries.extend(found.map(|entry| (entry, log.clone())));
    }
    Ok((entries, unsearched))
}

/// One agreement, of which `own` is the log that has it, and what came of it is kept. That the other end cannot be asked, or lies, is an outcome; so
/// is that `own`, where it is over, cannot be read.
///
/// # Errors
/// When the log that goes on cannot be read, unless the other end is caught in a lie, or cannot be written.
async fn agreement(node: &Arc<Node>, entry: &AgreementEntry, own: &Ledger) -> Result<AgreementReconciled, Failure> {
    let Some(log) = &entry.other_log else {
        let mut told = nothing(entry);
        told.verdict = Reconciled::Incomparable;
        told.unfinished = Some(format!(
            "`{}` keeps no log, so there is nothing to hold this one against",
            entry.other
        ));
        return Ok(told);
    };
    begin(node, entry).await?;
    let size_before = own.size();
    let (asking, of, logged) = (node.clone(), entry.clone(), log.clone());
    let known = move || {
        let stream = agreement_of(their_side(&of), &asking.did, &of.id);
        asking.peers.agreement_stream(&logged, &stream)
    };
    let known = spawn_blocking(known).await.map_err(Failure::failed)??;
    let mut theirs = Theirs::new(&entry.other, known);
    let trace = fresh_trace(node);
    let stopped = match timeout(PATIENCE, theirs.read(node, entry, log, &trace)).await {
        Ok(read) => read.err(),
        Err(_) => Some(Stop::Unfinished(format!(
            "`{}` took longer than {} s over its records of this agreement",
            entry.other,
            PATIENCE.as_secs()
        ))),
    };
    let (stopped, is_lie) = match stopped {
        None => (None, false),
        Some(Stop::Unfinished(why)) => (Some(why), false),
        Some(Stop::Contradiction(why)) => (Some(why), true),
        Some(Stop::Own(failure)) => return Err(failure),
    };
    let (reading, of, is_whole) = (own.clone(), entry.clone(), stopped.is_none());
    let now_ms = node.now_ms();
    // Our own log is read last: whatever the other end has received by now, this end has recorded that it gave it.
    let held = spawn_blocking(move || hold(&reading, &of, &theirs, size_before, is_whole, now_ms)).await;
    let (mut told, unread) = match held.map_err(Failure::failed)? {
        Ok(told) => (told, None),
        // What the other end's own log has signed proves the lie, whatever this end can read.
        Err(failure) if is_lie || is_over(node, own) => (nothing(entry), Some(failure.to_string())),
        Err(failure) => return Err(failure),
    };
    told.verdict = match (is_lie, is_whole) {
        (true, _) => Reconciled::Differs,
        (false, false) => told.verdict.max(Reconciled::Unfinished),
        (false, true) => told.verdict,
    };
    let why: Vec<String> = stopped.into_iter().chain(unread).collect();
    told.unfinished = (!why.is_empty()).then(|| why.join("; and what this end recorded cannot be read: "));
    keep(node, entry, &told, is_over(node, own)).await?;
    Ok(told)
}

fn nothing(entry: &AgreementEntry) -> AgreementReconciled {
    AgreementReconciled {
        agreement: entry.id.clone(),
        side: match entry.side {
            Side::Provider => p::Side::Provider,
            Side::Consumer => p::Side::Consumer,
        },
        verdict: Reconciled::Unfinished,
        unfinished: None,
        ours: 0,
        theirs: 0,
        same: 0,
        erased_here: 0,
        findings: Vec::new(),
        found: 0,
        clock_ahead_ms: [None; 2],
    }
}

/// Holds what was read of the other end against this end's own log.
fn hold(
    own: &Ledger,
    entry: &AgreementEntry,
    theirs: &Theirs,
    size_before: u64,
    is_whole: bool,
    now_ms: u64,
) -> Result<AgreementReconciled, Failure> {
    let stream = StreamKey::Agreement {
        agreement: entry.id.clone(),
        side: entry.side.into(),
        other: entry.other.clone(),
    };
    let ours = ours::read(own, entry, &stream, size_before)?;
    let mut told = nothing(entry);
    let missing = theirs
        .end
        .entries
        .keys()
        .filter(|key| !ours.end.entries.contains_key(key));
    let erased_here = ours::gone_of(own, &ours.end.gone, missing.map(|key| key.0))?;
    let mut compared = compare(
        &ours.end,
        &theirs.end,
        &Beside {
            side: told.side,
            size_before,
            is_whole,
            receipts: &ours.receipts,
            erased_here: &erased_here,
            clocks_since_ms: now_ms.saturating_sub(CLOCKS_MS),
        },
    );
    compared.findings.extend(hidden(theirs));
    compared.sort();
    told.verdict = compared.verdict();
    let erased_here = ours.end.gone.len() as u64 + ours.unexplained;
    if erased_here > 0 {
        // What is not there any more was not compared.
        told.verdict = told.verdict.max(Reconciled::Open);
    }
    (told.ours, told.theirs, told.same) = (ours.n, theirs.chain.total(), compared.same);
    told.erased_here = erased_here;
    told.found = compared.findings.len() as u64;
    told.clock_ahead_ms = compared.clock_ahead_ms;
    told.findings = compared.findings;
    told.findings.truncate(MOST_TOLD);
    Ok(told)
}

/// Numbers of the other end's stream of which it showed no record, and records of which it does not show what was exchanged.
fn hidden(theirs: &Theirs) -> impl Iterator<Item = Finding> {
    let grave = |what: What| Finding {
        is_grave: true,
        what,
        exchange: None,
        ours: None,
        theirs: None,
        detail: None,
    };
    let total = theirs.chain.total();
    let gaps = theirs.chain.gaps().iter().map(move |(first, last)| Finding {
        detail: Some(format!("{first} to {last} of {total}")),
        ..grave(What::Gap)
    });
    let withheld = theirs.withheld.iter().map(move |index| Finding {
        theirs: Some(*index),
        detail: Some(index.to_string()),
        ..grave(What::Withheld)
    });
    gaps.chain(withheld)
}

#[cfg(test)]
mod tests;
