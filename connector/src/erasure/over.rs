//! Logs that are over: what they still have of what is to be erased, and having it erased there. Its tombstone stands in the log that goes on.

use crate::commands::Failure;
use crate::config::Config;
use crate::continuing;
use crate::control::protocol::{Elsewhere, Meant};
use crate::node::{Node, Secrets, ledger_options};
use crate::state::State;
use herleid_ledger::record::Term;
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, LedgerError, Options, StoredRecord};
use std::collections::BTreeMap;
use std::path::Path;
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

    /// A record. Of a log that is over `None` where it is damaged, which may be why it is over: what is asked here is what may have to go
    /// besides, and one that says nothing to anybody neither keeps another from going nor names more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn record(&self, index: u64) -> Result<Option<StoredRecord>, LedgerError> {
        match self.ledger.record(index) {
            Err(error) if self.is_over && error.is_altered() => {
                tracing::warn!(origin = %self.ledger.origin(), index, %error, "what it says is not known while something is erased");
                Ok(None)
            }
            other => Ok(Some(other?)),
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
        Ok(Self::over(&on_disk(node, self.ledger.origin())?))
    }
}

/// With what a log that is over is opened.
pub(super) fn options(node: &Node, origin: &str) -> Result<Options, Failure> {
    let secrets = Secrets::load(&node.config.keys.directory).map_err(Failure::failed)?;
    let storage = &node.config.storage.directory;
    let directory = continuing::of(storage, origin).map_err(Failure::failed)?;
    let (clock, entropy) = (node.clock.clone(), node.entropy.clone());
    let mut options = ledger_options(&node.config, &secrets, &directory, clock, entropy)?;
    origin.clone_into(&mut options.origin);
    Ok(options)
}

/// A log that is over as it lies on disk.
fn on_disk(node: &Node, origin: &str) -> Result<Ledger, Failure> {
    let options = options(node, origin)?;
    let keys = options.dir.join("keys");
    Ok(Ledger::open_closed_apart(options, &keys, &Erased::new())?)
}

/// A log before the one that goes on, with what tombstones say is gone from it: also one that could not be opened when the service started.
///
/// # Errors
/// When it cannot be opened, or one after it cannot be read.
pub(crate) fn before(node: &Node, origin: &str) -> Result<(Ledger, Erased), Failure> {
    let log = match node.previous.iter().find(|log| log.origin() == origin) {
        Some(log) => log.clone(),
        None => on_disk(node, origin)?,
    };
    let erased = said(node, &log)?;
    Ok((log, erased))
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
            let Some(record) = Of::over(log).record(index)? else {
                continue;
            };
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
                Err(error) if error.is_altered() => false,
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

/// Of which records it was not known what this connector kept beside the log, when they were to go, by number: in the state of that log.
pub(super) const UNREAD: &str = "erased-unread/";

fn is_unread(over: &Ledger) -> Result<bool, LedgerError> {
    let mut is_one = false;
    over.scan_each(UNREAD, |_, _| is_one = true)?;
    Ok(is_one)
}

/// Whether files of a log that is over hold something still that its own tombstones, or those of later ones, erase; or may.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn is_left(over: &Ledger, erased: &Erased) -> Result<bool, LedgerError> {
    Ok(over.is_unburied()? || over.still_holds(erased)? || is_unread(over)?)
}

/// What is left in files of a log that is over of what was erased there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing.
    Nothing,
    /// What goes when it is tried again.
    Removable,
    /// Something that is damaged: nobody can tell all that belongs to it, and trying again removes no more.
    Damaged,
}

/// Looks. Waits: it may open every record of the log.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn left(over: &Ledger, erased: &Erased) -> Result<Left, LedgerError> {
    if is_unread(over)? {
        return Ok(Left::Damaged);
    }
    if !is_left(over, erased)? {
        return Ok(Left::Nothing);
    }
    Ok(match over.is_unclear(erased)? {
        true => Left::Damaged,
        false => Left::Removable,
    })
}

/// What to say of a log of which that is so.
pub(crate) const DAMAGED: &str = "something that was erased there is damaged, so that nobody can tell all that belongs to it: what could be read of \
     it is gone, and the rest may be in files still";

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
pub(crate) fn said(node: &Node, over: &Ledger) -> Result<Erased, Failure> {
    Ok(entombed(over, later(node, over))?)
}

/// What files of the logs of this connector hold still of what was erased.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// Whether any of it goes when it is tried again.
    pub(crate) is_unburied: bool,
    /// What a person should know of what does not, log by log.
    pub(crate) warnings: Vec<String>,
}

/// Looks at all of them. Waits: it may open every record of a log.
///
/// # Errors
/// When the log that goes on cannot be read. Of one that is over it is told.
pub(crate) fn remains(node: &Node) -> Result<Remains, Failure> {
    let mut remains = Remains {
        is_unburied: node.ledger.is_unburied()?,
        ..Remains::default()
    };
    for over in &node.previous {
        let found = said(node, over).and_then(|erased| Ok(left(over, &erased)?));
        remains.warnings.push(match found {
            Ok(Left::Nothing) => continue,
            Ok(Left::Removable) => {
                remains.is_unburied = true;
                continue;
            }
            Ok(Left::Damaged) => format!(
                "the log `{}` is over, and {DAMAGED}; it is in no backup; put back a copy of it that can be read, and it goes from that, or remove \
                 it with all that is in it (docs/erasure.md)",
                over.origin()
            ),
            Err(error) => format!(
                "whether what was erased in the log `{}`, which is over, is gone from its files cannot be found out, and it is in no backup: {error}",
                over.origin()
            ),
        });
    }
    Ok(remains)
}
