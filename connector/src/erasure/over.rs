//! What a log that is over still has of what is to be erased: it is only read, so that nothing is erased from it, and whoever asks has to know.

use crate::commands::Failure;
use crate::continuing;
use crate::control::protocol::{Elsewhere, Meant};
use crate::node::Node;
use herleid_ledger::record::Term;
use herleid_ledger::section::SectionName;
use std::path::Path;

/// Records of the same case or agreement of which logs that are over still show something. Of numbers nothing is elsewhere: they are of this log.
///
/// # Errors
/// When a log cannot be read.
pub(super) fn elsewhere(node: &Node, what: &Meant) -> Result<Vec<Elsewhere>, Failure> {
    let term = match what {
        Meant::Records(_) => return Ok(Vec::new()),
        Meant::Case(case) => Term::Case(case.clone()),
        Meant::Agreement(id) => Term::Agreement(id.clone()),
    };
    let mut found = Vec::new();
    for log in &node.previous {
        let mut records = Vec::new();
        for index in log.by_term(&term)? {
            let record = log.record(index)?;
            let goes = |name: &SectionName| !name.is_made_by_the_log() && *name != SectionName::Exchange;
            let is_kept = record.kind().is_none_or(herleid_ledger::record::Kind::is_never_erased);
            if !is_kept && record.sections().keys().any(goes) {
                records.push(index);
            }
        }
        if !records.is_empty() {
            found.push(Elsewhere {
                origin: log.origin().to_owned(),
                records,
            });
        }
    }
    Ok(found)
}

/// Why nothing is proposed where all of it lies in logs that are over.
pub(super) fn refused(node: &Node, elsewhere: &[Elsewhere]) -> Failure {
    let said = elsewhere.iter().map(|one| {
        let numbers: Vec<String> = one.records.iter().map(ToString::to_string).collect();
        format!("records {} of `{}`", numbers.join(", "), one.origin)
    });
    let said: Vec<String> = said.collect();
    let storage = &node.config.storage.directory;
    // Where it cannot be told, the configuration names the storage directory.
    let logs = continuing::previous(storage, node.ledger.origin()).unwrap_or_default();
    let of = logs
        .iter()
        .filter(|(origin, _)| elsewhere.iter().any(|one| one.origin == *origin));
    let places: Vec<String> = of.map(|(_, directory)| place(storage, directory)).collect();
    Failure::refused(format!(
        "only logs that are over have it ({}), and nothing is erased from those: they are never written into again",
        said.join("; ")
    ))
    .next(format!(
        "to be rid of such a log with all that is in it, when nothing of it has to be kept: stop the service, remove {}, and start it again",
        places.join(" and ")
    ))
}

/// What of a log can be removed: the first one shares its directory with all others.
fn place(storage: &Path, directory: &Path) -> String {
    match directory == storage {
        true => format!("`log`, `keys` and `evidence` in `{}`", storage.display()),
        false => format!("`{}`", directory.display()),
    }
}
