//! What the witnesses say of a log before it signs anything more, and whether one that was restored is all that there was.

use super::serve::ServeError;
use super::{Node, OpenError, Secrets};
use crate::config::Config;
use crate::continuing;
use crate::storage::{self, Restored};
use crate::witnessing::{self, WitnessingError};
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::note::Signer;

/// Before this log signs anything more, its witnesses say how far they saw it. Of one that was restored enough of them must have seen what is in
/// the backup before: until then no other is asked to cosign it, because what a witness cosigns now it would vouch for at the next start.
pub(super) async fn ask_witnesses(node: &Node, restored: Option<&Restored>) -> Result<(), ServeError> {
    let mut quorum = Quorum::of(&node.config);
    let mut confirming = restored
        .filter(|restored| !restored.nothing_since && restored.origin == node.ledger.origin())
        .map(|restored| Confirming::of(&node.config, restored));
    if !node.witnesses.is_empty() {
        let secrets = Secrets::load(&node.config.keys.directory).map_err(OpenError::from)?;
        let empty_of = |origin: &str| -> Result<Checkpoint, ServeError> {
            let signer = Signer::ed25519(origin, secrets.log.clone()).map_err(OpenError::from)?;
            Checkpoint::empty(&signer).map_err(|e| ServeError::Witnessing(e.to_string()))
        };
        let empty = empty_of(node.ledger.origin())?;
        let next = match continuing::next(node.ledger.origin()) {
            Some(next) => Some(empty_of(&next)?),
            None => None,
        };
        // Who saw most first, and before that nobody cosigns: a witness that lags behind would cosign a history that another one knows to be false.
        let mut asked = Vec::new();
        for witness in &node.witnesses {
            match witnessing::seen_by(&node.client, witness, &empty).await {
                Ok(seen) => asked.push((seen.unwrap_or(0), witness)),
                Err(error) => {
                    let answer = Err(error);
                    node.standings.heard(witness, &answer, node.now_ms());
                    quorum.heard(answer)?;
                }
            }
        }
        asked.sort_by_key(|(seen, _)| std::cmp::Reverse(*seen));
        for (seen, witness) in asked {
            let knows = confirming.as_ref().is_none_or(|confirming| confirming.knows(seen));
            if !knows && confirming.as_ref().is_some_and(|confirming| !confirming.is_enough()) {
                quorum.reached += 1;
                continue;
            }
            let answer = witnessing::ask(&node.ledger, &node.client, witness, 0).await;
            node.standings.heard(witness, &answer, node.now_ms());
            let answer = match (answer, &next) {
                (Ok(_), Some(next)) => {
                    witnessing::not_continued(&node.client, witness, node.ledger.origin(), next).await
                }
                (answer, _) => answer.map(|_| ()),
            };
            if let Some(confirming) = confirming.as_mut().filter(|_| knows && answer.is_ok()) {
                confirming.reached += 1;
            }
            quorum.heard(answer)?;
        }
    }
    quorum.reached()?;
    match confirming {
        Some(confirming) => confirming.check(node),
        None => Ok(()),
    }
}

/// Counts the witnesses that had seen what is in a backup. One that had not says nothing of what came after it.
struct Confirming<'a> {
    restored: &'a Restored,
    needed: usize,
    reached: usize,
}

impl<'a> Confirming<'a> {
    /// Nobody was asked yet.
    fn of(config: &Config, restored: &'a Restored) -> Self {
        Self {
            restored,
            needed: witnessing::needed_to_start(config.trust.quorum, config.trust.witnesses.len()),
            reached: 0,
        }
    }

    /// Whether a witness that has seen so many records had seen all that are in the backup.
    fn knows(&self, seen: u64) -> bool {
        seen > 0 && seen >= self.restored.size
    }

    fn is_enough(&self) -> bool {
        self.needed > 0 && self.reached >= self.needed
    }

    fn check(self, node: &Node) -> Result<(), ServeError> {
        if self.is_enough() {
            return Ok(());
        }
        Err(ServeError::Restored {
            path: storage::restored_file(&node.config.storage.directory),
            size: self.restored.size,
            made: crate::cli::show::when(self.restored.made_ms),
            confirmed: self.reached,
        })
    }
}

/// Counts the witnesses that answered.
pub(super) struct Quorum {
    needed: usize,
    reached: usize,
    why: String,
}

impl Quorum {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            needed: witnessing::needed_to_start(config.trust.quorum, config.trust.witnesses.len()),
            reached: 0,
            why: String::new(),
        }
    }

    pub(super) fn heard<T>(&mut self, answer: Result<T, WitnessingError>) -> Result<(), ServeError> {
        match answer {
            Ok(_) => self.reached += 1,
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => self.why = error.to_string(),
        }
        Ok(())
    }

    pub(super) fn reached(self) -> Result<(), ServeError> {
        if self.reached < self.needed {
            return Err(ServeError::NoQuorum {
                reached: self.reached,
                needed: self.needed,
                why: self.why,
            });
        }
        Ok(())
    }
}
