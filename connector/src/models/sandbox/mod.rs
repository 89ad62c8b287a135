//! Running a model's program behind walls that bubblewrap (`bwrap`) builds: no network, no home, a read-only system, bounded
//! time, memory, processes and output.
//!
//! A run has two steps, because `run-started` has to be durable before anything runs and names the program's digest:
//! [`Sandbox::prepare`] copies the program and the inputs into a fresh job directory and hashes exactly those copies;
//! [`Sandbox::run`] runs the copy. Where the walls cannot be built, nothing runs: there is no mode without them.
//!
//! What the walls do not stop: a program sees the processor, the clock and the system's random numbers, so an answer that
//! depends on them will differ when it is replayed. Memory that no process has mapped (files of `memfd_create`, System V
//! shared memory) escapes the sampled memory limit; the memory limit of the service that runs Herleid bounds it.

mod collect;
mod directory;
mod error;
mod host;
mod job;
mod run;
mod walls;
mod watch;

pub use error::{Busy, Failure, SandboxError};
pub use job::{InputSource, Job, JobInput, Prepared, digest_program};
pub use run::{Output, Run};
pub use walls::{TMP_BYTES, describe};

use herleid_vocab::rim::Clock;
use host::Host;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Prefix of every job directory; [`sweep`] removes what bears it.
const JOB_PREFIX: &str = "job-";

/// A machine on which the walls have been tried and stand.
#[derive(Debug)]
pub struct Sandbox {
    host: Host,
    jobs: PathBuf,
    parallel: usize,
    /// For programs that run, with their job directories.
    slots: Arc<Semaphore>,
    /// For those and the ones that wait.
    places: Arc<Semaphore>,
}

/// A place among the runs that go on or wait; given back when this value goes.
#[derive(Debug)]
#[must_use]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Lets one program run, with its job directory; given back when this value goes.
#[derive(Debug)]
#[must_use]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// Removes job directories in `jobs` that a crash left behind, or that could not be removed before, and says how many; not those that this process
/// uses. Only when no other process uses the same directory.
///
/// # Errors
/// When the directory cannot be read or a job directory cannot be removed.
pub fn sweep(jobs: &Path) -> Result<usize, SandboxError> {
    directory::sweep(jobs)
}

impl Sandbox {
    /// Finds what is needed, and builds the walls once around nothing to see that they stand.
    ///
    /// `jobs` is an existing directory for job directories, on a disk with room for inputs and outputs; at most `parallel`
    /// programs run at once, others wait in [`Sandbox::slot`] or [`Sandbox::prepare`]. When Herleid runs as root, programs run as the user nobody
    /// (65534), who must be able to reach `jobs`.
    ///
    /// # Errors
    /// [`SandboxError::NotInstalled`] names the package to install; [`SandboxError::NotPossible`] says what the kernel
    /// refused.
    pub async fn open(jobs: &Path, parallel: usize) -> Result<Self, SandboxError> {
        let host = Host::look().await?;
        let jobs = host.check_jobs(jobs)?;
        host.probe(&jobs).await?;
        let parallel = parallel.clamp(1, Semaphore::MAX_PERMITS / 2);
        Ok(Self {
            host,
            jobs,
            parallel,
            slots: Arc::new(Semaphore::new(parallel)),
            // As many wait as run, so that each waits for one program to end and not for a row of them. How long that program
            // may last is for its own model to say: who waits says for itself how long it waits.
            places: Arc::new(Semaphore::new(2 * parallel)),
        })
    }

    /// Takes a place among the runs that go on or wait, before anything is done for a run that others ask for.
    ///
    /// # Errors
    /// When so many wait already that this one had better be asked for later.
    pub fn place(&self) -> Result<Place, Busy> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => Ok(Place { _permit: permit }),
            Err(_) => Err(Busy::Places {
                parallel: self.parallel,
                waiting: self.parallel,
            }),
        }
    }

    /// Waits, at most for `patience`, until one of the programs that run has ended. To be called by whoever has a place, before
    /// anything is recorded of its run: there is no telling when the other programs end.
    ///
    /// # Errors
    /// When all slots are taken still.
    pub async fn slot(&self, _place: &Place, patience: Duration) -> Result<Slot, Busy> {
        match tokio::time::timeout(patience, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Slot { _permit: permit }),
            // Nobody closes the semaphore: what is left is the time that has passed.
            Ok(Err(_)) | Err(_) => Err(Busy::Slots {
                parallel: self.parallel,
                waited_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    /// Waits for a slot as long as it takes, then does what [`Sandbox::prepare_in`] does: for a job that nobody else waits for.
    ///
    /// # Errors
    /// As [`Sandbox::prepare_in`].
    pub async fn prepare(&self, job: Job) -> Result<Prepared, SandboxError> {
        let permit = Arc::clone(&self.slots).acquire_owned().await;
        let permit = permit.map_err(|e| SandboxError::NotPossible { why: e.to_string() })?;
        self.prepare_in(Slot { _permit: permit }, job).await
    }

    /// Makes the job directory: copies the program, checks it against its published digest, copies the inputs, checks them
    /// against theirs, writes `job.json`. Nothing runs yet. The slot is the job's until it has run or is dropped, so that no
    /// more copies lie on the disk than programs run.
    ///
    /// # Errors
    /// When the program or an input is not what was published, the job does not fit the model, or a file cannot be read or
    /// written.
    pub async fn prepare_in(&self, slot: Slot, job: Job) -> Result<Prepared, SandboxError> {
        let (jobs, host) = (self.jobs.clone(), self.host.clone());
        let task = tokio::task::spawn_blocking(move || job::prepare(&jobs, &host, &job, slot));
        task.await
            .map_err(|e| SandboxError::NotPossible { why: e.to_string() })?
    }

    /// Runs a prepared program to its end, or to the first limit that it meets, and collects what it wrote.
    ///
    /// Call it from a task of a runtime that outlives the run: the kernel ends a program when the thread that started it
    /// ends. If the returned future is dropped, the program is killed.
    ///
    /// # Errors
    /// Only when the walls could not be built, so that the program did not run. A program that ran and failed is a [`Run`]
    /// whose `outcome` says why.
    pub async fn run(&self, prepared: Prepared, clock: &dyn Clock) -> Result<Run, SandboxError> {
        self.run_until(prepared, clock, std::future::pending()).await
    }

    /// The same, but stops the program as soon as `stop` says why: it is killed with all that it has started.
    ///
    /// # Errors
    /// As [`Sandbox::run`].
    pub async fn run_until(
        &self,
        prepared: Prepared,
        clock: &dyn Clock,
        stop: impl Future<Output = String>,
    ) -> Result<Run, SandboxError> {
        let ended = run::execute(&self.host, &prepared, clock, stop).await?;
        run::conclude(prepared, ended).await
    }
}

#[cfg(test)]
mod tests;
