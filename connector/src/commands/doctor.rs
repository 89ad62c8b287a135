//! `doctor`: every record of the log checked, while the service runs or without it.

pub(crate) mod beside;

use super::Failure;
use crate::continuing;
use crate::control::error::Code;
use crate::control::progress::Progress;
use crate::control::protocol::{Doctor, DoctorAnswer, Unit};
use crate::erasure::over;
use crate::node::Node;
use beside::Beside;
use herleid_ledger::{Audited, Ledger, LedgerError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name of the step that progress is told of.
pub(crate) const STEP: &str = "doctor";

/// Checks the log of the running service. One that is damaged takes nothing more, whatever a later check finds, until it is opened again.
pub(super) async fn doctor(node: Arc<Node>, _request: Doctor, progress: Progress) -> Result<DoctorAnswer, Failure> {
    let checked = tokio::task::spawn_blocking(move || {
        let told = |step: &'static str| {
            let progress = &progress;
            move |done, total| progress.step(step, done, Some(total), Unit::Items)
        };
        let log = match examined(&node.ledger, told(STEP)) {
            // The service ends with it, and waits for no payload to be read: an answer that came later would reach nobody.
            Err(failure) if node.ledger.found_unsound().is_some() => {
                return Err(failure.and(
                    "; the payloads and the logs before it were not looked at, since the service ends: `herleid doctor` without it looks at them too",
                ));
            }
            log => log,
        };
        let mut beside = Beside::default();
        // Also those that could not be opened when the service started.
        let before = continuing::previous(&node.config.storage.directory, node.ledger.origin());
        let before = before.map(|before| {
            before.into_iter().map(|(origin, _)| {
                let log = over::before(&node, &origin);
                (origin, log)
            })
        });
        beside.check_over(before, told(beside::OVER));
        beside.read_payloads(&node.payloads, &node.state, told(beside::PAYLOADS));
        beside.told(log)
    });
    checked.await.map_err(Failure::failed)?
}

/// Checks a log that is in use.
fn examined(ledger: &Ledger, told: impl Fn(u64, u64)) -> Result<DoctorAnswer, Failure> {
    let examined = examined_while(ledger, |done, total| {
        told(done, total);
        true
    });
    examined?.ok_or_else(|| Failure::failed("the check was broken off"))
}

/// The same for as long as `goes_on(records done, records in all)` says so; `None` when it was broken off.
///
/// # Errors
/// What keeps it from being found in order.
pub(crate) fn examined_while(
    ledger: &Ledger,
    goes_on: impl Fn(u64, u64) -> bool,
) -> Result<Option<DoctorAnswer>, Failure> {
    let examine = || ledger.verify_while(&BTreeMap::new(), &goes_on);
    // What is erased or written meanwhile can be seen half done; damage is there the second time too.
    let checked = examine().or_else(|_| examine());
    let Some(audited) = checked.map_err(|error| wrong(ledger, &error))? else {
        return Ok(None);
    };
    match ledger.found_unsound() {
        Some(found) => Err(found_before(found)),
        None => {
            let mut answer = answer(ledger, &audited);
            answer.running = true;
            Ok(Some(answer))
        }
    }
}

/// This check finds nothing wrong, an earlier one did.
fn found_before(found: &str) -> Failure {
    Failure::failed(format!(
        "this check finds the log in order, but an earlier one did not, so nothing is recorded in it: {found}"
    ))
    .next("stop the service and run `herleid doctor` again: when that finds it in order too, the log takes records from the next start")
}

/// What keeps a check from finding the log in order. One that does not verify takes nothing more, now and after a restart; one that could not be
/// read is as it was.
pub(crate) fn wrong(ledger: &Ledger, error: &LedgerError) -> Failure {
    if !error.is_damage() {
        return failure(error);
    }
    tracing::error!(%error, "the log does not verify; nothing more is recorded in it");
    let told = failure(error);
    match ledger.refuse_all(&error.to_string()) {
        Ok(()) => told,
        Err(why) => {
            tracing::error!(%why, "what was found could not be kept; do not start the service again");
            told.next(format!(
                "do not start the service again, it would know nothing of this ({why}); change nothing in the directory, and put back a sound one"
            ))
        }
    }
}

/// What is told of a log that is sound.
pub(crate) fn answer(ledger: &Ledger, audited: &Audited) -> DoctorAnswer {
    DoctorAnswer {
        origin: ledger.origin().to_owned(),
        size: audited.size,
        root: hex::encode(audited.root),
        streams: audited.streams,
        documents: audited.documents,
        erased_sections: audited.erased_sections,
        payloads: 0,
        payload_bytes: 0,
        over: Vec::new(),
        running: false,
        found_before: None,
    }
}

/// What is wrong with a log, and what a person can do.
pub(crate) fn failure(error: &LedgerError) -> Failure {
    let (code, next) = match error {
        LedgerError::InUse { .. } => (
            Code::Busy,
            "stop the process that has it, or ask the running service, as its user",
        ),
        LedgerError::Newer { .. } => (Code::Configuration, "use the program that wrote it, or a newer one"),
        LedgerError::OtherOwner { .. } | LedgerError::Option { .. } => (
            Code::Configuration,
            "check `storage.directory`, `participant.did` and `ledger.origin`",
        ),
        LedgerError::WrongKek { .. } => (
            Code::Configuration,
            "put back the keys that belong to this log: what they opened is lost without them",
        ),
        error if error.is_of_index() => (
            Code::Failed,
            "stop the service, and run `herleid doctor --rebuild-index`, which makes the index anew from the records; what damaged it may have damaged more",
        ),
        LedgerError::Io { .. } => (
            Code::Failed,
            "see to the disk and to who may read the directory, then check again",
        ),
        _ => (
            Code::Failed,
            "change nothing in the directory: stop the service, copy the directory away as evidence, and put back a backup that has every \
             record that witnesses have cosigned (an older one is refused)",
        ),
    };
    let what = if error.is_damage() {
        "the log is not sound"
    } else {
        "the log could not be checked"
    };
    Failure::new(code, format!("{what}: {error}")).next(next)
}

#[cfg(test)]
mod tests;
