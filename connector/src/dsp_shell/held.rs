//! How much a peer keeps open here. What is open is looked at from time to time, and costs each round something for as long as it stays.

use super::Kept;
use crate::dsp::Role;
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::process::Process;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is not over, by protocol, our role and peer: what this end opens itself keeps no peer from opening something. In memory only: a
/// start counts anew.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<HashMap<Of, HashSet<Id>>>);

type Of = (&'static str, Role, Id);

fn of<P: Kept>(process: &Process<P>) -> Of {
    (P::PREFIX, process.role(), process.peer().clone())
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<Of, HashSet<Id>>> {
        // Each change is whole: a panic elsewhere spoils none.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process is as it is kept now.
    pub(super) fn note<P: Kept>(&self, process: &Process<P>) {
        if process.is_over() {
            self.leave(process);
        } else {
            let mut all = self.lock();
            all.entry(of(process)).or_default().insert(process.own_pid().clone());
        }
    }

    /// Takes a place for a process that is about to be opened by its peer; of many at once each sees the others.
    ///
    /// # Errors
    /// When `most` are open.
    pub(super) fn take<P: Kept>(&self, process: &Process<P>, most: usize) -> Result<(), Refusal> {
        let mut all = self.lock();
        let open = all.entry(of(process)).or_default();
        if open.len() >= most {
            let what = P::PREFIX.trim_end_matches('/');
            let why = format!(
                "{} {what}s of yours are open here, and no more are opened before one is over",
                open.len()
            );
            return Err(Refusal::Unavailable { why });
        }
        open.insert(process.own_pid().clone());
        Ok(())
    }

    /// Gives the place back.
    pub(super) fn leave<P: Kept>(&self, process: &Process<P>) {
        let mut all = self.lock();
        let of = of(process);
        if let Some(open) = all.get_mut(&of) {
            open.remove(process.own_pid());
            if open.is_empty() {
                all.remove(&of);
            }
        }
    }
}
