//! The sequencer: the one thread that writes. The next batch is whatever arrived while the last one was written.

use super::Shared;
use super::batch::{Building, Taken};
use super::grown::Committed;
use super::prepare::{Prepared, StateWrites};
use super::strip::Stripped;
use crate::checkpoint::CheckpointBody;
use crate::error::{AppendError, LedgerError};
use crate::store::codec::{Grave, Head, SIGNED};
use crate::store::evidence::InUse;
use crate::store::rocks::Part;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Most jobs of a batch: at 1 KiB a record, about what a disk writes in the time of one sync.
const MAX_BATCH_JOBS: usize = 1024;

/// Most bytes of a batch, about: sections of 1 MiB must not add up to a write that memory cannot hold.
const MAX_BATCH_BYTES: usize = 16 << 20;

/// When there is nothing to write, the stores are looked at this often: a disk that fails after the last write would otherwise show only at the next.
const LOOK: Duration = Duration::from_secs(1);

/// What a caller gets when its job is durable.
pub(crate) enum Answer {
    /// The record, or the one of the same batch that it repeats.
    Recorded {
        batch: Arc<Committed>,
        position: usize,
        replayed: bool,
        /// What the caller's thread made for it and nobody needs any more: memory goes back the quickest where it came from.
        spent: Option<Box<Prepared>>,
    },
    /// A record of an earlier batch is repeated.
    Replayed { index: u64 },
    /// State was written.
    Written,
}

/// How a caller waits.
pub(crate) enum Reply {
    Waiting(tokio::sync::oneshot::Sender<Result<Answer, AppendError>>),
    Blocked(SyncSender<Result<Answer, AppendError>>),
}

impl Reply {
    /// A caller that no longer waits does not matter: what it asked for is durable or refused all the same.
    fn send(self, answer: Result<Answer, AppendError>) {
        match self {
            Self::Waiting(sender) => drop(sender.send(answer)),
            Self::Blocked(sender) => drop(sender.send(answer)),
        }
    }
}

/// Something to write.
pub(crate) enum Job {
    Append(Box<Prepared>, Reply),
    State(StateWrites, Reply),
    /// Tombstones, all in one batch; the answer is the last one's.
    Tombstones(Vec<Prepared>, Reply),
    /// Removes what tombstones erase, all below this number. They are durable already.
    Strip(Vec<(u64, Grave)>, u64, SyncSender<Stripped>),
    /// Done while nothing is being written: between two batches, when everything that was taken before is durable.
    Still(Box<dyn FnOnce(&Shared) + Send>),
}

impl Job {
    fn bytes(&self) -> usize {
        match self {
            Self::Append(prepared, _) => {
                let documents = prepared.draft.documents.iter().map(|(_, bytes)| bytes.len());
                prepared.row.bytes().len() + documents.sum::<usize>()
            }
            Self::State(writes, _) => writes
                .iter()
                .filter_map(|(_, value)| value.as_ref())
                .map(Vec::len)
                .sum(),
            // Small, or no part of the batch.
            Self::Tombstones(..) | Self::Strip(..) | Self::Still(..) => 0,
        }
    }
}

pub(crate) struct Sequencer {
    shared: Arc<Shared>,
    head: Head,
}

impl Sequencer {
    pub(crate) const fn new(shared: Arc<Shared>, head: Head) -> Self {
        Self { shared, head }
    }

    /// Works until the last sender is gone and the last job is done.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match jobs.recv_timeout(LOOK) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut bytes = first.bytes();
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH_JOBS && bytes < MAX_BATCH_BYTES {
                let Ok(next) = jobs.try_recv() else { break };
                bytes += next.bytes();
                batch.push(next);
            }
            self.commit(batch);
        }
    }

    fn look(&self) {
        if let Err(error) = self.shared.unharmed() {
            self.shared.fatal(&error);
        }
    }

    /// Makes a batch durable, signs, publishes, answers: in this order (docs/log-format.md, section 8).
    pub(crate) fn commit(&mut self, jobs: Vec<Job>) {
        let shared = Arc::clone(&self.shared);
        let (mut writes, mut strips, mut stills) = (Vec::new(), Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Strip(graves, below, reply) => strips.push((graves, below, reply)),
                Job::Still(work) => stills.push(work),
                other => writes.push(other),
            }
        }
        match self.write(&shared, writes) {
            Ok(answers) => answers.into_iter().for_each(|(reply, answer)| reply.send(answer)),
            // Whether it was a read or a write: what is kept of this batch is unknown, and the next would build on it.
            Err(error) => shared.fatal(&error),
        }
        // Here, and after the batch: who lists a document is then known, and nobody begins to.
        for (graves, below, reply) in strips {
            match shared.strip(&graves, below) {
                Ok(stripped) => drop(reply.send(stripped)),
                Err(error) => shared.fatal(&error),
            }
        }
        for work in stills {
            work(&shared);
        }
    }

    #[expect(clippy::type_complexity, reason = "a list of who is to be told what, used once")]
    fn write(
        &mut self,
        shared: &Shared,
        jobs: Vec<Job>,
    ) -> Result<Vec<(Reply, Result<Answer, AppendError>)>, LedgerError> {
        let mut building = Building::new(shared, &self.head, jobs.len(), jobs.iter().map(Job::bytes).sum());
        let mut taken = Vec::with_capacity(jobs.len());
        let (mut became_records, mut came_to_nothing) = (Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Append(mut prepared, reply) => {
                    let brought: Vec<[u8; 32]> = prepared.in_use.iter().map(InUse::digest).collect();
                    let placed = building.take(&mut prepared)?;
                    prepared.in_use.clear();
                    match placed {
                        Taken::Placed { replayed: false, .. } => became_records.extend(brought),
                        _ => came_to_nothing.extend(brought),
                    }
                    taken.push((reply, Some(placed), Some(prepared)));
                }
                Job::State(writes, reply) => {
                    building.write(writes)?;
                    taken.push((reply, None, None));
                }
                Job::Tombstones(tombstones, reply) => {
                    let mut last = None;
                    for mut tombstone in tombstones {
                        last = Some(building.take(&mut tombstone)?);
                    }
                    taken.push((reply, last, None));
                }
                // Taken out before.
                Job::Strip(..) | Job::Still(..) => {}
            }
        }
        let built = building.finish()?;

        // Keys first: keys without a record are harmless, a record without its keys is lost.
        if !built.keys.is_empty() {
            built.keys.write_synced()?;
        }
        if built.log.is_empty() {
            // Only repeats and refusals, which may come without end: what failed in the background is not to wait for them.
            shared.unharmed()?;
        } else {
            built.log.write_synced()?;
        }
        shared.evidence.became_records(&became_records);
        for digest in &came_to_nothing {
            match shared.lists(digest, |_| true)? {
                // Its note may have come after that of the draft that became the record was removed.
                true => shared.evidence.became_records(&[*digest]),
                false => shared.evidence.discard(digest),
            }
        }
        // Only now may anybody see a checkpoint that covers the batch.
        let grown = !built.records.is_empty();
        let checkpoint = if grown {
            let body = CheckpointBody {
                origin: shared.origin.clone(),
                size: built.head.frontier.size(),
                root: built.head.frontier.root(),
            };
            let checkpoint = body.sign(&shared.signer)?;
            // Kept so that a log that lost its end is noticed when it is opened. Not synced: what it covers is durable, and
            // signing again gives the same bytes.
            let mut kept = shared.keys.rocks().batch();
            kept.put(Part::State, SIGNED, checkpoint.note().to_string().as_bytes())?;
            kept.write_unsynced()?;
            Arc::new(checkpoint)
        } else {
            shared.published()
        };
        self.head = built.head;
        shared.recent.add(&built.grown);
        let committed = Arc::new(Committed {
            first: built.first,
            records: built.records,
            grown: built.grown,
            checkpoint,
        });
        if grown {
            let mut published = shared.published.write().unwrap_or_else(PoisonError::into_inner);
            *published = Arc::clone(&committed.checkpoint);
        }
        let answer = |taken: Option<Taken>, spent: Option<Box<Prepared>>| match taken {
            None => Ok(Answer::Written),
            Some(Taken::Replayed { index }) => Ok(Answer::Replayed { index }),
            Some(Taken::Refused(error)) => Err(error),
            Some(Taken::Placed { position, replayed }) => Ok(Answer::Recorded {
                batch: Arc::clone(&committed),
                position,
                replayed,
                spent,
            }),
        };
        let answers = taken
            .into_iter()
            .map(|(reply, taken, spent)| (reply, answer(taken, spent)));
        Ok(answers.collect())
    }
}
