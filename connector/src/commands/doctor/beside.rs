//! What a check looks at beside the log: the payloads, and the logs before it.

use crate::commands::Failure;
use crate::control::protocol::{DoctorAnswer, OverChecked};
use crate::erasure::all_offered;
use crate::erasure::over::Erased;
use crate::payloads::{PayloadError, Payloads};
use crate::state::State;
use herleid_ledger::{Ledger, LedgerError};
use std::collections::BTreeMap;

/// The step that reads payloads.
pub(crate) const PAYLOADS: &str = "doctor-payloads";
/// The step that reads logs that are over.
pub(crate) const OVER: &str = "doctor-over";

/// So many payloads are named that are damaged.
const NAMED: usize = 20;

impl DoctorAnswer {
    /// Reads every payload; `told` hears how many are done, of how many. After the logs before this one: what is wrong with them is told with it.
    ///
    /// # Errors
    /// Names those that are damaged or missing, each by its file: the log itself was in order.
    pub(crate) fn with_payloads(
        mut self,
        payloads: &Payloads,
        state: &State,
        told: impl Fn(u64, u64),
    ) -> Result<Self, Failure> {
        let all = payloads.all().map_err(|error| unread(&self, &error))?;
        let (count, mut wrong, mut more) = (all.len() as u64, Vec::new(), 0usize);
        let mut found = |why: String| match wrong.len() < NAMED {
            true => wrong.push(why),
            false => more += 1,
        };
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
                    found(format!("`{}`: {error}", path.display()));
                }
                Err(error) => return Err(unread(&self, &error)),
            }
            told(done, count);
        }
        let offered = all_offered(state).map_err(|error| unread(&self, &error))?;
        let kept = offered.into_iter().filter(|offered| offered.is_kept);
        let kept: BTreeMap<String, String> = kept.map(|offered| (offered.sha256, offered.what)).collect();
        for (sha256, what) in kept {
            let path = payloads.path(&sha256).map_err(|error| unread(&self, &error))?;
            if !path.try_exists().map_err(|error| unread(&self, &error))? {
                found(format!(
                    "`{}`: it is not there, and `{what}` is offered",
                    path.display()
                ));
            }
        }
        if wrong.is_empty() {
            return Ok(self);
        }
        if more > 0 {
            wrong.push(format!("and {more} more"));
        }
        Err(Failure::failed(format!(
            "the log `{}` is in order ({} records), and payloads are not: {}{}",
            self.origin,
            self.size,
            wrong.join("; "),
            self.wrong_before()
        ))
        .next("put each back from a backup, under the same name: until then nothing of it is given, and who asks for it is told so"))
    }

    /// Checks the logs before this one, of which later ones say that something is erased.
    pub(crate) fn with_over(
        mut self,
        logs: impl Iterator<Item = (String, Result<(Ledger, Erased), Failure>)>,
        told: impl Fn(u64, u64),
    ) -> Self {
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
        self
    }

    /// What is wrong with the logs before this one, at the end of a sentence.
    fn wrong_before(&self) -> String {
        let over = self.over.iter().filter_map(|over| Some((over, over.wrong.as_ref()?)));
        over.map(|(over, wrong)| {
            format!(
                "; and the log `{}`, which is over, is not in order: {wrong}",
                over.origin
            )
        })
        .collect()
    }
}

fn unread(answer: &DoctorAnswer, error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!(
        "the log `{}` is in order ({} records); the payloads could not be checked: {error}{}",
        answer.origin,
        answer.size,
        answer.wrong_before()
    ))
    .next("see to the disk and to who may read the directory, then check again")
}
