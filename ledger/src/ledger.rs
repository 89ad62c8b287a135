//! The durable log: one directory, one owner, one sequencer.

mod audit;
mod batch;
mod bury;
mod closed;
mod cosign;
mod damaged;
mod erase;
mod export;
mod ground;
mod grown;
mod handed;
mod lineage;
mod lookup;
mod open;
mod options;
mod over;
mod place;
mod prepare;
mod read;
mod recent;
mod recorded;
mod row;
mod sequencer;
mod snapshot;
mod strip;
mod terms;
mod unsound;
mod upgrade;

pub use audit::Audited;
pub use erase::{EraseError, Erased, Erasure, Target};
pub use export::Exported;
pub use ground::{Ground, UnknownGround};
pub use lineage::{Activity, Bounds, Direction, Edge, Follows, Lineage};
pub use options::{Options, WitnessPolicy, fatal_abort};
pub use over::Entombed;
pub use read::{At, StoredRecord};
pub use recorded::{Places, Recorded};

use crate::checkpoint::Checkpoint;
use crate::error::{AppendError, LedgerError};
use crate::note::{Signer, Verifier};
use crate::record::Draft;
use crate::section::SectionName;
use crate::store::evidence::{Evidence, SMALL};
use crate::store::keys::Keys;
use crate::store::links::LinkKey;
use crate::store::rocks::Rocks;
use handed::Handed;
use herleid_vocab::did::Did;
use herleid_vocab::rim::{Clock, Entropy};
use recent::Recent;
use sequencer::{Answer, Job, Reply};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;

/// Everything that callers and the sequencer share.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) log: Rocks,
    pub(crate) keys: Keys,
    pub(crate) evidence: Evidence,
    pub(crate) origin: String,
    pub(crate) party: Did,
    pub(crate) development: bool,
    pub(crate) signer: Signer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Keys the hashes of the lineage index.
    pub(crate) link_key: LinkKey,
    pub(crate) policy: WitnessPolicy,
    pub(crate) on_fatal: fn(&str) -> !,
    /// The latest checkpoint that callers may see: over what is durable, and signed.
    pub(crate) published: RwLock<Arc<Checkpoint>>,
    /// Nodes of the tree that proofs were made of, or will be.
    pub(crate) recent: Recent,
    pub(crate) cosigned: RwLock<Option<Arc<Checkpoint>>>,
    /// Cosignatures of checkpoints that have no quorum yet.
    pub(crate) collecting: Mutex<Vec<Checkpoint>>,
    /// Held by whoever erases: one at a time, so that what is finished is known by one number.
    pub(crate) erasing: Mutex<()>,
    /// Sections by record that tombstones erase and that a log opened for reading alone may still hold: they are not shown.
    pub(crate) masked: BTreeMap<u64, Vec<SectionName>>,
    /// What was erased and may still lie in files.
    pub(crate) unburied: Mutex<strip::Stripped>,
    /// What a check found wrong: from then on nothing is taken.
    pub(crate) unsound: Arc<OnceLock<String>>,
}

impl Shared {
    pub(crate) fn published(&self) -> Arc<Checkpoint> {
        let published = self.published.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&published)
    }

    pub(crate) fn corrupt(
        &self,
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> LedgerError {
        self.log.suspect();
        LedgerError::Corrupt {
            dir: self.dir.clone(),
            what: what.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// Whether nothing has failed in the stores' own threads.
    pub(crate) fn unharmed(&self) -> Result<(), LedgerError> {
        self.log.unharmed()?;
        self.keys.rocks().unharmed()
    }

    /// Ends the process after a write of which nobody can say whether it is kept.
    pub(crate) fn fatal(&self, error: &LedgerError) -> ! {
        (self.on_fatal)(&format!(
            "the ledger in `{}` cannot keep a write and stops, so that nothing is acknowledged that may be lost: {error}. \
             Free space or repair the disk, then start again: what was acknowledged is kept.",
            self.dir.display()
        ))
    }
}

struct Inner {
    who: Who,
    /// Another one once something was erased from a log that is over: what is only read does not see what is rewritten.
    shared: RwLock<Arc<Shared>>,
    /// Gone when the log is being closed: the sequencer ends when its last job is done.
    jobs: Mutex<Option<Sender<Job>>>,
    sequencer: Mutex<Option<JoinHandle<()>>>,
}

/// What never changes of a log that is open.
struct Who {
    origin: String,
    party: Did,
    verifier: Verifier,
    policy: WitnessPolicy,
    unsound: Arc<OnceLock<String>>,
}

impl Inner {
    fn new(shared: Arc<Shared>, jobs: Option<Sender<Job>>, sequencer: Option<JoinHandle<()>>) -> Self {
        Self {
            who: Who {
                origin: shared.origin.clone(),
                party: shared.party.clone(),
                verifier: shared.signer.verifier().clone(),
                policy: shared.policy.clone(),
                unsound: Arc::clone(&shared.unsound),
            },
            shared: RwLock::new(shared),
            jobs: Mutex::new(jobs),
            sequencer: Mutex::new(sequencer),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let sequencer = self.sequencer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = sequencer {
            // A sequencer that panicked has answered nobody; there is nothing left to save here.
            let _ = thread.join();
        }
    }
}

/// A log on disk. Cheap to clone; the directory is released when the last clone is dropped, after the last job.
///
/// **Guarantee:** when [`Ledger::append`] returns a [`Recorded`], neither a killed process nor a power cut can lose the
/// record, and the checkpoint in hand covers it.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("dir", &self.shared().dir)
            .field("origin", &self.0.who.origin)
            .finish_non_exhaustive()
    }
}

impl Ledger {
    pub(crate) fn shared(&self) -> Arc<Shared> {
        let shared = self.0.shared.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shared)
    }

    /// Origin of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.who.origin
    }

    /// Owner of the log.
    #[must_use]
    pub fn party(&self) -> &Did {
        &self.0.who.party
    }

    /// The log's public key; its name is the origin.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.0.who.verifier
    }

    /// Which witnesses count, and how many are enough.
    #[must_use]
    pub fn witness_policy(&self) -> &WitnessPolicy {
        &self.0.who.policy
    }

    fn submit(&self, job: Job) -> Result<(), LedgerError> {
        if let Some(found) = self.shared().unsound.get() {
            return Err(LedgerError::Unsound {
                dir: self.shared().dir.clone(),
                found: found.clone(),
            });
        }
        self.send(job)
    }

    /// Also when nothing more is taken.
    fn send(&self, job: Job) -> Result<(), LedgerError> {
        let jobs = self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs.as_ref().map(|jobs| jobs.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(LedgerError::Closed),
        }
    }

    /// Makes a record of a draft. Everything that needs no place in the log (checks, evidence, MACs, encryption) is done in
    /// the caller's thread. A caller that stops waiting does not stop the record.
    ///
    /// # Errors
    /// When the draft is refused; then nothing was written and no number was taken. Failed writes return no error: they end
    /// the process ([`Options::on_fatal`]).
    pub async fn append(&self, draft: Draft) -> Result<Recorded, AppendError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        match tokio::runtime::Handle::try_current() {
            // Large documents are written and synced first, which waits for the disk; of the rest only the bound on documents reads anything, and
            // that from memory nearly always. Handed on in the same thread: a caller that goes away meanwhile must not leave documents that no
            // record lists.
            Ok(runtime) if draft.brings_more_than(SMALL) => {
                let ledger = self.clone();
                let handed_on = runtime
                    .spawn_blocking(move || ledger.hand_on(draft, Reply::Waiting(sender)))
                    .await;
                handed_on.map_err(|_| LedgerError::Closed)??;
            }
            _ => self.hand_on(draft, Reply::Waiting(sender))?,
        }
        let answer = receiver.await.map_err(|_| LedgerError::Closed)?;
        self.recorded(answer?)
    }

    /// Prepares a draft and gives it to the thread that writes.
    fn hand_on(&self, draft: Draft, reply: Reply) -> Result<(), AppendError> {
        let prepared = prepare::prepare(&self.shared(), draft)?;
        self.submit(Job::Append(Box::new(prepared), reply))
            .map_err(AppendError::from)
    }

    /// [`Self::append`] for a thread that may wait.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_blocking(&self, draft: Draft) -> Result<Recorded, AppendError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.hand_on(draft, Reply::Blocked(sender))?;
        let answer = receiver.recv().map_err(|_| LedgerError::Closed)?;
        self.recorded(answer?)
    }
    /// Writes (`Some`) and removes (`None`) pieces of the caller's own state, all or none, synced, without a record.
    ///
    /// # Errors
    /// When a key is too long or the log was closed.
    pub async fn put_state(&self, batch: Vec<(String, Option<Vec<u8>>)>) -> Result<(), AppendError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.submit(Job::State(prepare::state(batch)?, Reply::Waiting(sender)))?;
        receiver.await.map_err(|_| LedgerError::Closed)?.map(|_| ())
    }

    /// [`Self::put_state`] for a thread that may wait.
    ///
    /// # Errors
    /// As [`Self::put_state`].
    pub fn put_state_blocking(&self, batch: Vec<(String, Option<Vec<u8>>)>) -> Result<(), AppendError> {
        self.write_blocking(prepare::state(batch)?)
    }

    fn write_blocking(&self, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), AppendError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.submit(Job::State(writes, Reply::Blocked(sender)))?;
        receiver.recv().map_err(|_| LedgerError::Closed)?.map(|_| ())
    }

    fn recorded(&self, answer: Answer) -> Result<Recorded, AppendError> {
        match answer {
            Answer::Recorded {
                batch,
                position,
                replayed,
                spent,
            } => {
                let handed = spent.filter(|_| !replayed).and_then(Handed::of);
                let recorded = Recorded::of_batch(&batch, position, replayed, handed);
                recorded.ok_or_else(|| {
                    let found = "a proof that does not verify";
                    self.shared()
                        .corrupt("the batch just written", "a tree that covers its records", found)
                        .into()
                })
            }
            Answer::Replayed { index } => Ok(self.recorded_before(index)?),
            Answer::Written => Err(LedgerError::Closed.into()),
        }
    }
}
