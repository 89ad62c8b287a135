//! Logs that are over: what they still have of what is to be erased, and having it erased there. Its tombstone stands in the log that goes on.

use super::{register, remembered};
use crate::commands::Failure;
use crate::config::Config;
use crate::continuing;
use crate::control::protocol::{Elsewhere, Meant};
use crate::node::{Node, Secrets, ledger_options};
use crate::state::State;
use herleid_ledger::record::Term;
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, LedgerError, Options, Target};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sections by record.
pub(crate) type Erased = BTreeMap<u64, Vec<SectionName>>;

/// A log that something is erased from, and what this connector kept beside it.
pub(crate) struct Of {
    pub(crate) ledger: Ledger,
    pub(crate) state: State,
    pub(crate) is_over: bool,
}

impl Of {
    /// The log that goes on.
    pub(crate) fn current(node: &Node) -> Self {
        Self {
            ledger: node.ledger.clone(),
            state: node.state.clone(),
            is_over: false,
        }
    }

    /// One that is over.
    pub(super) fn over(ledger: &Ledger) -> Self {
        Self {
            ledger: ledger.clone(),
            state: State::new(ledger.clone()),
            is_over: true,
        }
    }

    /// The log with this origin, of those that can be read; the one that goes on where none is named.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(crate) fn named(node: &Node, origin: Option<&str>) -> Result<Self, Failure> {
        let Some(origin) = origin.filter(|origin| *origin != node.ledger.origin()) else {
            return Ok(Self::current(node));
        };
        if let Some(over) = node.previous.iter().find(|over| over.origin() == origin) {
            return Ok(Self::over(over));
        }
        let named = format!("`{origin}`");
        if let Some(why) = node.unreadable.iter().find(|why| why.contains(&named)) {
            return Err(Failure::refused(format!("nothing can be erased there: {why}")).next(
                "put back a copy of it that can be read, or remove it with all that is in it (docs/erasure.md), and start the service again",
            ));
        }
        let all = std::iter::once(&node.ledger).chain(&node.previous);
        let all: Vec<String> = all.map(|log| format!("`{}`", log.origin())).collect();
        Err(Failure::missing(format!("there is no log `{origin}` here"))
            .next(format!("name one of {}", all.join(", "))))
    }

    /// The same log as it lies on disk, with what is not shown of it any more though it is still there. One that goes on shows all it has.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn as_it_lies(&self, node: &Node) -> Result<Self, Failure> {
        if !self.is_over {
            return Ok(Self::current(node));
        }
        let options = options(node, self.ledger.origin())?;
        let keys = options.dir.join("keys");
        Ok(Self::over(&Ledger::open_closed_apart(options, &keys, &Erased::new())?))
    }
}

/// With what a log that is over is opened.
fn options(node: &Node, origin: &str) -> Result<Options, Failure> {
    let secrets = Secrets::load(&node.config.keys.directory).map_err(Failure::failed)?;
    let storage = &node.config.storage.directory;
    let directory = continuing::of(storage, origin).map_err(Failure::failed)?;
    let (clock, entropy) = (node.clock.clone(), node.entropy.clone());
    let mut options = ledger_options(&node.config, &secrets, &directory, clock, entropy)?;
    origin.clone_into(&mut options.origin);
    Ok(options)
}

/// Records of the same case or agreement of which other logs that are over still show something. Of numbers nothing is elsewhere: they are of one
/// log.
///
/// # Errors
/// When a log cannot be read.
pub(super) fn elsewhere(node: &Node, of: &Of, what: &Meant) -> Result<Vec<Elsewhere>, Failure> {
    let term = match what {
        Meant::Records(_) => return Ok(Vec::new()),
        Meant::Case(case) => Term::Case(case.clone()),
        Meant::Agreement(id) => Term::Agreement(id.clone()),
    };
    let mut found = Vec::new();
    for log in node.previous.iter().filter(|log| log.origin() != of.ledger.origin()) {
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
pub(super) fn refused(elsewhere: &[Elsewhere]) -> Failure {
    let said = elsewhere.iter().map(|one| {
        let numbers: Vec<String> = one.records.iter().map(ToString::to_string).collect();
        format!("records {} of `{}`", numbers.join(", "), one.origin)
    });
    let said: Vec<String> = said.collect();
    let logs: Vec<String> = elsewhere.iter().map(|one| format!("`--log {}`", one.origin)).collect();
    Failure::refused(format!(
        "only logs that are over have it ({}), and a proposal is about one log",
        said.join("; ")
    ))
    .next(format!("propose it with {}", logs.join(", and with ")))
}

/// What tombstones of `later` logs erase of one that is over. What they say of another history of it is left out: that has other records under
/// these numbers.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn entombed<'a>(over: &Ledger, later: impl Iterator<Item = &'a Ledger>) -> Result<Erased, LedgerError> {
    let mut erased = Erased::new();
    for log in later {
        for one in log.entombed(over.origin())? {
            if one.index >= over.size() {
                continue;
            }
            let is_other = match over.record(one.index) {
                // Nobody can tell, and it is not shown then.
                Err(LedgerError::Corrupt { .. }) => false,
                other => *other?.leaf() != one.leaf,
            };
            if !is_other {
                erased.entry(one.index).or_default().extend(one.sections);
            }
        }
    }
    Ok(erased)
}

/// The same of a log that lies below `main`, with those after it, whose section keys lie below `keys`: of a copy, or while no service runs.
/// `latest` is the origin of the one that goes on.
///
/// # Errors
/// When it cannot be read which logs there are, or the one that goes on cannot. One that is over and cannot be read says nothing.
pub(crate) fn entombed_below(
    config: &Config,
    secrets: &Secrets,
    (main, keys): (&Path, &Path),
    latest: &str,
    over: &Ledger,
) -> Result<Erased, Failure> {
    let number = |origin: &str| continuing::parts(origin).map_or(1, |(_, number)| number);
    let directory = continuing::of(main, latest).map_err(Failure::failed)?;
    let before = continuing::previous(main, latest).map_err(Failure::failed)?;
    let mut later = Vec::new();
    for (origin, directory) in std::iter::once((latest.to_owned(), directory)).chain(before) {
        if number(&origin) <= number(over.origin()) {
            continue;
        }
        let opened = closed(config, secrets, (main, keys), &origin, &directory);
        match opened {
            Err(error) if origin != latest => {
                tracing::warn!(%origin, %error, "what it says of earlier logs is not known")
            }
            other => later.push(other?),
        }
    }
    Ok(entombed(over, later.iter())?)
}

/// Opens the log that lies in `directory` below `main` to read it alone.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn closed(
    config: &Config,
    secrets: &Secrets,
    (main, keys): (&Path, &Path),
    origin: &str,
    directory: &Path,
) -> Result<Ledger, LedgerError> {
    let inner = directory.strip_prefix(main).unwrap_or(Path::new(""));
    let (clock, entropy) = (Arc::new(crate::rim::SystemClock), Arc::new(crate::rim::SystemEntropy));
    let mut options = ledger_options(config, secrets, directory, clock, entropy)?;
    origin.clone_into(&mut options.origin);
    Ledger::open_closed_apart(options, &keys.join(inner).join("keys"), &Erased::new())
}

/// Whether files of a log that is over hold something still that its own tombstones, or those of later ones, erase.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn is_left(over: &Ledger, erased: &Erased) -> Result<bool, LedgerError> {
    Ok(over.is_unburied()? || over.still_holds(erased)?)
}

/// Those after it, of the logs of this connector.
fn later<'a>(node: &'a Node, over: &'a Ledger) -> impl Iterator<Item = &'a Ledger> {
    // The latest first.
    let before = node.previous.iter().take_while(|log| log.origin() != over.origin());
    std::iter::once(&node.ledger).chain(before)
}

/// What tombstones say is gone from a log of this connector that is over.
///
/// # Errors
/// When a log cannot be read.
pub(super) fn said(node: &Node, over: &Ledger) -> Result<Erased, Failure> {
    Ok(entombed(over, later(node, over))?)
}

/// Whether files of any log of this connector hold something still that was erased.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn is_unburied(node: &Node) -> Result<bool, Failure> {
    if node.ledger.is_unburied()? {
        return Ok(true);
    }
    for over in &node.previous {
        if is_left(over, &said(node, over)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes from a log that is over whatever tombstones erase of it and is still there, with what this connector kept of it beside that log.
/// `false` when files hold something of it still. Waits, possibly for minutes.
///
/// # Errors
/// When it cannot be removed; it can be tried again.
pub(super) fn strip(node: &Node, over: &Ledger) -> Result<bool, Failure> {
    let gone = said(node, over)?;
    if !is_left(over, &gone)? {
        return Ok(true);
    }
    let lies = Of::over(over).as_it_lies(node)?;
    let targets = gone.iter().map(|(index, sections)| Target {
        index: *index,
        sections: sections.iter().copied().collect(),
        counterparty: None,
    });
    let state = remembered::changes(&lies, &targets.collect::<Vec<_>>())?;
    // Nobody but who removes has it open then.
    drop(lies);
    let options = options(node, over.origin())?;
    let secrets = Secrets::load(&node.config.keys.directory).map_err(Failure::failed)?;
    let folders = register::folders(node.config.erasure.register.as_deref(), &node.config.storage.directory)?;
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    let is_other = |index, leaf: &[u8; 32]| over.record(index).is_ok_and(|record| record.leaf() != leaf);
    let mut hidden = register::of_log(&folders, &secrets.log, over.origin(), is_other)?;
    for (index, sections) in &gone {
        hidden.entry(*index).or_default().extend(sections);
    }
    Ok(over.strip_closed(&options, &gone, &hidden, &state)?)
}

/// Does so in all of them; where it cannot be done, it is not shown, and is tried again.
///
/// # Errors
/// When nothing was tried.
pub(super) async fn strip_all(node: &Arc<Node>) -> Result<bool, Failure> {
    let node = Arc::clone(node);
    let stripping = tokio::task::spawn_blocking(move || {
        let mut are_done = true;
        for over in &node.previous {
            let stripped = strip(&node, over);
            if let Err(error) = &stripped {
                tracing::error!(origin = %over.origin(), %error, "what was erased in a log that is over could not be removed; it is tried again");
            }
            are_done &= matches!(stripped, Ok(true));
        }
        are_done
    });
    stripping.await.map_err(Failure::failed)
}
