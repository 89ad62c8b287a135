//! What a check looks at beside the log: the payloads, and the logs before it.

use crate::commands::Failure;
use crate::control::protocol::{DoctorAnswer, OverChecked};
use crate::erasure::all_offered;
use crate::erasure::over::Erased;
use crate::payloads::{PayloadError, Payloads};
use crate::state::State;
use herleid_ledger::{Ledger, LedgerError};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// The step that reads payloads.
pub(crate) const PAYLOADS: &str = "doctor-payloads";
/// The step that reads logs that are over.
pub(crate) const OVER: &str = "doctor-over";

/// So many payloads are named that are damaged, and so many things that could not be looked at.
const NAMED: usize = 20;

/// The first reasons are told, the others counted.
#[derive(Default)]
struct Reasons {
    first: Vec<String>,
    more: usize,
}

impl Reasons {
    fn add(&mut self, why: impl Display) {
        match self.first.len() < NAMED {
            true => self.first.push(why.to_string()),
            false => self.more += 1,
        }
    }

    fn are_none(&self) -> bool {
        self.first.is_empty()
    }
}

impl Display for Reasons {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first.join("; "))?;
        match self.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// What was found beside a log. Nothing that is wrong, or cannot be read, keeps the rest from being looked at and told.
#[derive(Default)]
pub(crate) struct Beside {
    over: Vec<OverChecked>,
    payloads: u64,
    payload_bytes: u64,
    /// Payloads that are damaged or missing, each by its file.
    wrong: Reasons,
    unread: Reasons,
}

impl Beside {
    /// Reads every payload; `told` hears how many are done, of how many.
    pub(crate) fn read_payloads(&mut self, payloads: &Payloads, state: &State, told: impl Fn(u64, u64)) {
        let mut all = Vec::new();
        for folder in payloads.folders() {
            match folder {
                Ok(names) => all.extend(names),
                Err(error) => self.unread.add(error),
            }
        }
        let count = all.len() as u64;
        for (done, sha256) in (1..).zip(&all) {
            match payloads.read_through(sha256) {
                Ok(Some(bytes)) => {
                    self.payloads += 1;
                    self.payload_bytes += bytes;
                }
                // Erased since the folder was read.
                Ok(None) => {}
                Err(error @ PayloadError::Changed { .. }) => {
                    let path = payloads.path(sha256).unwrap_or_default();
                    self.wrong.add(format!("`{}`: {error}", path.display()));
                }
                Err(error) => self.unread.add(error),
            }
            told(done, count);
        }
        let offered = match all_offered(state) {
            Ok(offered) => offered,
            Err(error) => {
                let why = format!("which payloads are offered, and have to be there, cannot be read: {error}");
                return self.unread.add(why);
            }
        };
        let kept = offered.into_iter().filter(|offered| offered.is_kept);
        let kept: BTreeMap<String, String> = kept.map(|offered| (offered.sha256, offered.what)).collect();
        for (sha256, what) in kept {
            let path = match payloads.path(&sha256) {
                Ok(path) => path,
                Err(error) => {
                    self.unread.add(format!("what `{what}` offers: {error}"));
                    continue;
                }
            };
            match path.try_exists() {
                Ok(true) => {}
                Ok(false) => self.wrong.add(format!(
                    "`{}`: it is not there, and `{what}` is offered",
                    path.display()
                )),
                Err(error) => self.unread.add(format!("`{}`: {error}", path.display())),
            }
        }
    }

    /// Checks the logs before this one, of which later ones say that something is erased.
    pub(crate) fn check_over<L>(&mut self, logs: Result<L, impl Display>, told: impl Fn(u64, u64))
    where
        L: IntoIterator<Item = (String, Result<(Ledger, Erased), Failure>)>,
    {
        let logs = match logs {
            Ok(logs) => logs,
            Err(error) => {
                return self
                    .unread
                    .add(format!("which logs there are before this one: {error}"));
            }
        };
        for (origin, log) in logs {
            let checked = log.and_then(|(log, erased)| {
                // What is erased meanwhile can be seen half done.
                let check = || log.verify_all_but(&erased, &told);
                let audited: Result<_, LedgerError> = check().or_else(|_| check());
                Ok(audited?.size)
            });
            let (size, wrong) = match checked {
                Ok(size) => (size, None),
                Err(error) => (0, Some(error.to_string())),
            };
            self.over.push(OverChecked { origin, size, wrong });
        }
    }

    /// What a check tells that came to this of the log itself.
    ///
    /// # Errors
    /// When the log, or a payload, is not in order or could not be looked at; with all else that was found.
    pub(crate) fn told(self, log: Result<DoctorAnswer, Failure>) -> Result<DoctorAnswer, Failure> {
        let besides = self.besides();
        let mut answer = match log {
            Ok(answer) => answer,
            Err(failure) => return Err(failure.and(format!("{besides}{}", self.sound()))),
        };
        if self.wrong.are_none() && self.unread.are_none() {
            answer.payloads = self.payloads;
            answer.payload_bytes = self.payload_bytes;
            answer.over = self.over;
            return Ok(answer);
        }
        let mut next = Vec::new();
        if !self.wrong.are_none() {
            next.push("put each back from a backup, under the same name: until then nothing of it is given, and who asks for it is told so");
        }
        if !self.unread.are_none() {
            next.push("see to the disk and to who may read the directory, then check again");
        }
        Err(Failure::failed(format!(
            "the log `{}` is in order ({} records){besides}",
            answer.origin, answer.size
        ))
        .next(next.join("; ")))
    }

    /// What is wrong, at the end of a sentence.
    fn besides(&self) -> String {
        let mut said = String::new();
        if !self.wrong.are_none() {
            said.push_str(&format!("; payloads are not in order: {}", self.wrong));
        }
        if !self.unread.are_none() {
            said.push_str(&format!("; not all could be checked: {}", self.unread));
        }
        for over in &self.over {
            if let Some(wrong) = &over.wrong {
                said.push_str(&format!(
                    "; and the log `{}`, which is over, is not in order: {wrong}",
                    over.origin
                ));
            }
        }
        said
    }

    /// What is in order, at the end of a sentence: who has a damaged log wants to know what has to be put back with it.
    fn sound(&self) -> String {
        let mut said = format!("; {} payloads are what their names say", self.payloads);
        for over in self.over.iter().filter(|over| over.wrong.is_none()) {
            said.push_str(&format!("; the log `{}`, which is over, is in order", over.origin));
        }
        said
    }
}
