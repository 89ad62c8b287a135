//! Payloads go with the last record that leads to them: when something is erased, and again where a backup brought them back. Nothing keeps
//! their digests, so all that lies there is asked for; a mark beside the payloads says up to which tombstone that was done.

use crate::commands::Failure;
use crate::node::Node;
use crate::provider::run;
use crate::state::{ModelEntry, State, VersionEntry, digest_bytes};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::{Ledger, LedgerError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How payloads may have come since the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// Through this process, each with a record.
    Recorded,
    /// While nobody looked: from a backup, too.
    Anyhow,
    /// With all else, from a backup that was restored: it may hold what no record of it leads to, and what was erased since.
    Restored,
}

/// What the mark says when everything is done; `None` when nothing was ever erased.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn mark(ledger: &Ledger) -> Result<Option<String>, LedgerError> {
    let last = ledger.by_term(&Term::Kind(Kind::Erased))?.into_iter().max();
    Ok(last.map(|last| format!("{} {last}", ledger.origin())))
}

/// Below which tombstone nothing is left in any file: of the log's, and of the payloads, which are done all at once.
///
/// # Errors
/// When the log or the payloads cannot be read.
pub(super) fn buried_below(node: &Node) -> Result<u64, Failure> {
    match are_gone(node)? {
        true => Ok(node.ledger.buried_below()?),
        false => Ok(0),
    }
}

/// Whether no payload is left that an erasure had to remove.
///
/// # Errors
/// When the log or the payloads cannot be read.
pub(super) fn are_gone(node: &Node) -> Result<bool, Failure> {
    let mark = mark(&node.ledger)?;
    Ok(mark.is_none() || node.payloads.erased()? == mark)
}

/// Removes the payloads that no record leads to. `false` when one had to stay, because somebody has just brought it.
///
/// # Errors
/// When they cannot be looked for, or removed.
pub(super) async fn remove(node: &Arc<Node>, came: Came) -> Result<bool, Failure> {
    let node = node.clone();
    let removing = tokio::task::spawn_blocking(move || {
        let mark = mark(&node.ledger)?;
        if mark.is_none() && came != Came::Restored {
            return Ok(true);
        }
        let are_jobs_gone = mark.as_ref().is_none_or(|mark| are_jobs_gone(&node, mark));
        // Payloads lie together, whichever log they were recorded in: what nobody can read may lead to any of them.
        if let Some(why) = node.unreadable.first() {
            tracing::warn!(%why, "no payload is removed while a log that is over cannot be read");
            return Ok(false);
        }
        let all = match (node.payloads.erased()? == mark, came) {
            (true, Came::Recorded) => return Ok(true),
            (true, Came::Anyhow) => node.payloads.changed()?,
            (false, _) | (_, Came::Restored) => node.payloads.all()?,
        };
        // What the index does not know to lead nowhere stays.
        let mut asked = std::iter::once(&node.ledger)
            .chain(&node.previous)
            .filter(|_| !all.is_empty());
        match asked.try_for_each(Ledger::check_leads) {
            Ok(()) => {}
            Err(error @ LedgerError::Corrupt { .. }) => {
                tracing::error!(%error, "no payload is removed while a log does not know what its records lead to: `herleid doctor`, with the service stopped, says what to do");
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        let mut are_gone = are_jobs_gone;
        for sha256 in all {
            are_gone &= node.payloads.remove_unused(&sha256, || is_unused(&node, &sha256))?;
        }
        if let Some(mark) = mark.filter(|_| are_gone) {
            node.payloads.set_erased(&mark)?;
        }
        Ok(are_gone)
    });
    removing.await.map_err(Failure::failed)?
}

/// Whether no run has a copy any more of what was erased, or of what it ran on then.
fn are_jobs_gone(node: &Node, mark: &str) -> bool {
    let going_on = match run::going_on(node) {
        Ok(going_on) => going_on,
        Err(error) => {
            tracing::error!(%error, "which runs are going on cannot be told, and with that not whether what they run on is gone");
            return false;
        }
    };
    match node.jobs.are_gone(&node.config.storage.directory, mark, going_on) {
        Ok(true) => true,
        Ok(false) => {
            tracing::warn!(
                "runs that are going on have copies of what they run on; what was erased counts as gone when they are over"
            );
            false
        }
        Err(error) => {
            tracing::error!(%error, "what runs left on the disk could not be removed; it is tried again");
            false
        }
    }
}

/// The records that lead to a payload.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn leading(node: &Node, sha256: &str) -> Result<Vec<u64>, Failure> {
    leading_in(&node.ledger, sha256)
}

/// The records of one log that lead to a payload.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn leading_in(ledger: &Ledger, sha256: &str) -> Result<Vec<u64>, Failure> {
    let Some(digest) = digest_bytes(sha256) else {
        return Err(Failure::failed(format!("`{sha256}` is no SHA-256")).next("see to the folder of payloads"));
    };
    let mut found: BTreeSet<u64> = ledger.by_digest(&digest)?.into_iter().collect();
    // Of a record that was damaged when its log got its lineage index only the terms of older versions are there.
    for term in [Term::Digest(digest), Term::RunInput(digest), Term::RunOutput(digest)] {
        found.extend(ledger.by_term(&term)?);
    }
    Ok(found.into_iter().collect())
}

/// Whether no record leads to this payload any more, of this log or of one that is over, and nobody is offered it.
fn is_unused(node: &Node, sha256: &str) -> Result<bool, Failure> {
    let all = std::iter::once(&node.ledger).chain(&node.previous);
    Ok(!is_led_to(all, sha256)? && !offered(node)?.contains_key(sha256))
}

/// Whether a record of any of these logs leads to a payload.
///
/// # Errors
/// When one cannot be read.
pub(crate) fn is_led_to<'a>(mut logs: impl Iterator<Item = &'a Ledger>, sha256: &str) -> Result<bool, Failure> {
    logs.try_fold(false, |is_led_to, log| {
        Ok(is_led_to || !leading_in(log, sha256)?.is_empty())
    })
}

/// What is offered at this moment: by the SHA-256 of the payload, what it is, as `withdraw` takes it.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn offered(node: &Node) -> Result<BTreeMap<String, String>, Failure> {
    offered_by(&node.state)
}

/// The same of a log that no service has open.
///
/// # Errors
/// As [`offered`].
pub(crate) fn offered_by(state: &State) -> Result<BTreeMap<String, String>, Failure> {
    let all = all_offered(state)?.into_iter();
    Ok(all.map(|offered| (offered.sha256, offered.what)).collect())
}

/// Something that is offered.
pub(crate) struct Offered {
    /// Of its bytes.
    pub(crate) sha256: String,
    /// As `withdraw` takes it.
    pub(crate) what: String,
    /// Whether the bytes lie in the payload store, and are not fetched from elsewhere.
    pub(crate) is_kept: bool,
}

/// All that is offered at this moment.
///
/// # Errors
/// As [`offered`].
pub(crate) fn all_offered(state: &State) -> Result<Vec<Offered>, Failure> {
    let mut found = Vec::new();
    for (_, entry) in state.scan::<VersionEntry>("dataset/")? {
        let is_kept = entry.source.is_file();
        if let Some(digests) = entry.digests.filter(|_| entry.withdrawn.is_none()) {
            found.push(Offered {
                sha256: digests.sha256,
                what: format!("{} --version {}", entry.dataset, entry.version),
                is_kept,
            });
        }
    }
    for (_, entry) in state.scan::<ModelEntry>("model/")? {
        if entry.withdrawn.is_none() {
            found.push(Offered {
                sha256: entry.program,
                what: format!("{} --version {}", entry.model, entry.version),
                is_kept: true,
            });
        }
    }
    Ok(found)
}

/// The documents that what is offered at this moment cannot do without, as [`offered`] tells the payloads.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn offered_documents(node: &Node) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    for (_, entry) in node.state.scan::<ModelEntry>("model/")? {
        if entry.withdrawn.is_none() {
            let what = format!("{} --version {}", entry.model, entry.version);
            found.insert(entry.process, what.clone());
            found.insert(entry.environment, what);
        }
    }
    Ok(found)
}
