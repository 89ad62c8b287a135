//! Lists of processes. A process may be long (offers, agreement, messages that were seen), and there may be many; so beside each lies
//! the little that lists choose and count by, written in the same commit. What is shown is read whole, and nothing else is.
//!
//! Identifiers of ours begin with the time at which they were given (UUIDv7), so that their order is that of the processes: what is
//! begun while somebody turns pages comes before the first page, and moves nothing that follows.

use super::{Kept, Negotiator, internal, rounds};
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::process::{Process, Protocol};
use crate::node::Node;
use crate::state::{Change, set};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Lines that are written at once.
const AT_ONCE: usize = 1_000;

/// What lists choose by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Name of the state.
    pub state: String,
    /// `consumer` or `provider`: which end this is.
    pub role: String,
    /// The participant at the other end, as messages call it.
    pub peer: Id,
    /// Identifiers of what it is about, by name: dataset, offer, agreement, format.
    pub about: BTreeMap<String, String>,
}

/// Part of a list, the newest first.
#[derive(Debug)]
pub struct Part<P: Protocol> {
    /// What is shown.
    pub items: Vec<Process<P>>,
    /// How many there are that fit.
    pub total: usize,
    /// After which one the list goes on; `None` at its end.
    pub next: Option<String>,
}

fn prefix<P: Kept>() -> String {
    format!("list/{}", P::PREFIX)
}

/// Says that every process has its line.
fn whole_key<P: Kept>() -> String {
    format!("listed/{}", P::PREFIX)
}

/// What is written for lists when the process is.
pub(super) fn line<P: Kept>(process: &Process<P>) -> Result<Change, Refusal> {
    let line = Line {
        state: process.state().to_string(),
        role: process.role().to_string(),
        peer: process.peer().clone(),
        about: P::about(process),
    };
    set(format!("{}{}", prefix::<P>(), process.own_pid()), &line).map_err(|e| internal(&e))
}

impl Negotiator {
    /// The newest processes that `fits` chooses, those before `after` if it is given, at most `limit`; and how many it chooses in all.
    ///
    /// # Errors
    /// When the state cannot be read. A process that cannot be read is named in the log and not shown; it is counted if it has its line.
    pub fn list<P: Kept>(
        &self,
        node: &Node,
        fits: impl Fn(&Line) -> bool,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Part<P>, Refusal> {
        let (mut total, mut older, mut unreadable) = (0, 0, None);
        let mut newest = VecDeque::new();
        let prefix = prefix::<P>();
        let scanned = node
            .ledger
            .scan_each(&prefix, |pid, bytes| match serde_json::from_slice::<Line>(bytes) {
                Ok(line) if fits(&line) => {
                    total += 1;
                    if after.is_none_or(|after| pid < after) {
                        newest.push_front(pid.to_owned());
                        if newest.len() > limit {
                            newest.pop_back();
                            older += 1;
                        }
                    }
                }
                Ok(_) => {}
                // Never taken for "does not fit": a list would miss what is there.
                Err(why) => unreadable = Some(internal(&format!("`{prefix}{pid}`: {why}"))),
            });
        scanned.map_err(|e| internal(&format!("`{prefix}`: {e}")))?;
        if let Some(why) = unreadable {
            return Err(why);
        }
        let next = newest.back().filter(|_| older > 0).cloned();
        let mut items = Vec::with_capacity(newest.len());
        for pid in newest {
            let key = format!("{}{pid}", P::PREFIX);
            let bytes = node.ledger.get(&key).map_err(|e| internal(&format!("`{key}`: {e}")))?;
            items.extend(bytes.and_then(|bytes| rounds::readable(&key, &bytes)));
        }
        Ok(Part { items, total, next })
    }

    /// Writes the lines that processes of an older version have not; at every start, for as long as one of them cannot be read.
    ///
    /// # Errors
    /// When the state cannot be read or written.
    pub(super) fn complete_lines<P: Kept>(&self, node: &Node) -> Result<(), Refusal> {
        let whole = whole_key::<P>();
        if node.ledger.get(&whole).map_err(|e| internal(&e))?.is_some() {
            return Ok(());
        }
        let mut all = 0;
        let counted = node.ledger.scan_each(P::PREFIX, |_, _| all += 1);
        counted.map_err(|e| internal(&e))?;
        let readable = self.all::<P>(node)?;
        for some in readable.chunks(AT_ONCE) {
            let lines: Result<Vec<Change>, Refusal> = some.iter().map(line).collect();
            node.state.write(lines?).map_err(|e| internal(&e))?;
        }
        if readable.len() == all {
            node.state
                .write(vec![(whole, Some(Vec::new()))])
                .map_err(|e| internal(&e))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
