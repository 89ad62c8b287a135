//! `status`: how the connector is, and what a person should look at.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Status, StatusAnswer};
use crate::node::Node;
use crate::peers::{LIES, LieEntry, SUSPICIONS, SuspicionEntry};
use crate::state::{AgreementEntry, ModelEntry, PullEntry, RunEntry, VersionEntry};
use crate::witnessing::WitnessService;
use herleid_vocab::time::format_rfc3339_ms;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Looks around.
pub(super) async fn status(node: Arc<Node>, _request: Status, _progress: Progress) -> Result<StatusAnswer, Failure> {
    let agreements = node.state.scan::<AgreementEntry>("agreement/")?;
    let peers: BTreeSet<_> = agreements.iter().map(|(_, a)| a.other.clone()).collect();
    let datasets = node.state.scan::<VersionEntry>("dataset/")?;
    let models = node.state.scan::<ModelEntry>("model/")?;
    let mut counts = BTreeMap::from([
        ("datasets".to_owned(), datasets.len() as u64),
        ("models".to_owned(), models.len() as u64),
        ("agreements".to_owned(), agreements.len() as u64),
        ("pulls".to_owned(), node.state.scan::<PullEntry>("pull/")?.len() as u64),
        ("runs".to_owned(), node.state.scan::<RunEntry>("run/")?.len() as u64),
        ("credentials".to_owned(), node.holder.lines(&node)?.len() as u64),
    ]);
    let erased = [
        (
            "datasets erased",
            datasets.iter().filter(|(_, entry)| entry.erased).count(),
        ),
        ("models erased", models.iter().filter(|(_, entry)| entry.erased).count()),
    ];
    for (name, count) in erased.into_iter().filter(|(_, count)| *count > 0) {
        counts.insert(name.to_owned(), count as u64);
    }
    let (size, witnessed_size) = (node.ledger.size(), node.witnessed_size());
    let mut warnings = Vec::new();
    if node.witnesses.is_empty() {
        warnings.push("no witness is configured: nobody outside can say that this log was not rewritten, and no dossier can be made".to_owned());
    } else if witnessed_size < size {
        warnings.push(format!(
            "{} of {size} records are not witnessed yet",
            size - witnessed_size
        ));
    }
    if let Some(found) = node.ledger.found_unsound() {
        warnings.push(format!(
            "a check found this log damaged, and nothing more is recorded in it: {found}; stop the service, and see what `herleid doctor` says"
        ));
    }
    for (_, caught) in node.state.scan::<LieEntry>(LIES)? {
        let at = format_rfc3339_ms(caught.when_ms);
        warnings.push(format!(
            "`{}` was caught at {at}: {}; the proof is kept here",
            caught.peer, caught.text
        ));
    }
    for (_, suspected) in node.state.scan::<SuspicionEntry>(SUSPICIONS)? {
        warnings.push(format!(
            "the log `{}` showed a checkpoint of {} records at {} of which nobody can say yet whether it is of the history of {} records known before: {}; that proves nothing, and its tiles are asked again, less and less often",
            suspected.log.origin,
            suspected.shown_size,
            format_rfc3339_ms(suspected.since_ms),
            suspected.known_size,
            suspected.why
        ));
    }
    for (peer, told) in crate::reconcile::told(&node)? {
        if let Some((said, at_ms)) = told.clock.and_then(|clock| Some((clock.said()?, clock.at_ms))) {
            warnings.push(format!(
                "at {} it was seen of `{peer}` that {said}, by what was recorded as given and received; what is timed by either may be judged otherwise by the other",
                format_rfc3339_ms(at_ms)
            ));
        }
        let (differed, unfinished) = (told.differed, told.unfinished);
        if differed.agreements > 0 {
            warnings.push(format!(
                "at {} this ledger and that of `{peer}` differed in {} agreements; `herleid reconcile {peer}` says in what",
                format_rfc3339_ms(differed.at_ms),
                differed.agreements
            ));
        }
        if unfinished.agreements > 0 {
            warnings.push(format!(
                "at {} this ledger could not be held against that of `{peer}` in {} agreements; `herleid reconcile {peer}` says why",
                format_rfc3339_ms(unfinished.at_ms),
                unfinished.agreements
            ));
        }
    }
    if let Some(witness) = &node.witness {
        warnings.extend(of_witness(witness)?);
    }
    warnings.extend(crate::duties::warnings(&node)?);
    warnings.extend(node.unreadable.iter().cloned());
    let of = node.clone();
    let remains = tokio::task::spawn_blocking(move || crate::erasure::remains(&of)).await;
    let remains = remains.map_err(Failure::failed)??;
    warnings.extend(remains.warnings);
    if remains.is_unburied {
        warnings.push(
            "files hold something still that was erased; it is tried again every minute, in logs that are over less and less often, and at each start, and no backup is made meanwhile"
                .to_owned(),
        );
    }
    let strangers = node.unauthenticated.load(Ordering::Relaxed);
    if strangers > 0 {
        warnings.push(format!(
            "{strangers} requests since the start did not prove who sent them; nothing was answered to them"
        ));
    }
    if node.config.development.is_some() {
        warnings.push(
            "development shortcuts are on: every record says so, and no dossier made here is evidence".to_owned(),
        );
    }
    Ok(StatusAnswer {
        did: node.did.clone(),
        origin: node.ledger.origin().to_owned(),
        size,
        witnessed_size,
        witnesses: node.standings.all(),
        log_key: node.ledger.verifier().to_string(),
        witness_key: node.witness.as_ref().map(|w| w.verifier().to_string()),
        peers: peers.into_iter().collect(),
        counts,
        warnings,
    })
}

/// Of what the witness that we are for others found, so much is told.
const OF_WITNESS: usize = 20;

/// What a person should know of the witness that we are for others.
fn of_witness(witness: &WitnessService) -> Result<Vec<String>, Failure> {
    if let Some(why) = witness.failed() {
        return Ok(vec![format!(
            "this witness cosigns nothing any more: a write to its memory failed ({why}); see to the disk, then start again"
        )]);
    }
    let mut warnings = Vec::new();
    let found = witness.conflicts(OF_WITNESS).map_err(Failure::failed)?;
    for conflict in found.conflicts {
        warnings.push(format!(
            "the log `{}` showed this witness two histories, one of them of {} records; both checkpoints are kept here, with what proves it",
            conflict.origin, conflict.size
        ));
    }
    let doubts = witness.doubts(OF_WITNESS).map_err(Failure::failed)?;
    for doubt in doubts.conflicts {
        warnings.push(format!(
            "somebody showed this witness a checkpoint of {} records of the log `{}` with a proof that does not hold: either the log has two histories, or whoever sent it made the proof up; that proves nothing, and its tiles are asked again, less and less often",
            doubt.size, doubt.origin
        ));
    }
    if found.more || doubts.more {
        warnings.push("there are more such findings of this witness than are told here".to_owned());
    }
    Ok(warnings)
}
