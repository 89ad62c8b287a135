//! One run: started, watched, ended, collected.

use super::error::{Failure, SandboxError};
use super::host::Host;
use super::job::Prepared;
use super::watch::{Life, Watch};
use super::{collect, walls};
use bytes::Bytes;
use herleid_vocab::rim::Clock;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How much of standard output and of standard error is kept: the last 16 KiB of each.
const TAIL_BYTES: usize = 16 * 1_024;
/// How much may be written to both together: 8 MiB. A program that writes more is not logging.
const LOG_BYTES: u64 = 8 << 20;
/// How often a run is looked at: often enough to stop 1 GB/s of writing within 25 MB.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long the walls may take to build: a hundredth of a second when idle, so this is a machine that does not answer.
const SETUP: Duration = Duration::from_secs(60);

/// An output of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the model's description.
    pub name: String,
    /// Its media type, from there too.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
    /// BLAKE3 of them.
    pub blake3: [u8; 32],
}

impl Output {
    /// The entry of `run.outputs` (docs/log-format.md, section 6).
    #[must_use]
    pub fn recorded(&self) -> Value {
        json!({
            "name": self.name, "mediaType": self.media_type, "bytes": self.bytes.len(),
            "sha256": hex::encode(self.sha256), "blake3": hex::encode(self.blake3),
        })
    }
}

/// A program that ran.
#[derive(Debug, Clone)]
pub struct Run {
    /// SHA-256 of the program that ran, 64 lower-case hex digits.
    pub program_sha256: String,
    /// The environment as found, for `run.environment`.
    pub environment: Value,
    /// Every output that the model declares, in its order; or why there is none.
    pub outcome: Result<Vec<Output>, Failure>,
    /// The last 16 KiB that it wrote to standard output; bytes that are not UTF-8 are replaced.
    pub stdout_tail: String,
    /// The last 16 KiB that it wrote to standard error, likewise.
    pub stderr_tail: String,
    /// From the program's start to its end, in milliseconds.
    pub wall_ms: u64,
    /// Most resident memory of all its processes together, in bytes, as seen every 25 ms; `None` for a run too short to see.
    pub max_rss_bytes: Option<u64>,
}

impl Run {
    /// `run.status`: `finished` or `failed`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.outcome.is_ok() { "finished" } else { "failed" }
    }
}

/// How a program came to its end.
#[derive(Debug)]
pub(super) struct Ended {
    failure: Option<Failure>,
    stdout_tail: String,
    stderr_tail: String,
    wall_ms: u64,
    max_rss_bytes: Option<u64>,
}

/// What of a stream was kept.
#[derive(Debug, Default)]
struct Captured {
    started: bool,
    tail: VecDeque<u8>,
}

impl Captured {
    fn text(self) -> String {
        String::from_utf8_lossy(&Vec::from(self.tail)).into_owned()
    }
}

/// What ended the waiting.
enum End {
    Itself(std::process::ExitStatus),
    Limit(Failure),
}

/// Runs the program and waits until it, and everything it started, has ended.
pub(super) async fn execute(
    host: &Host,
    prepared: &Prepared,
    clock: &dyn Clock,
    stop: impl Future<Output = String>,
) -> Result<Ended, SandboxError> {
    let limits = prepared.limits();
    let job = &prepared.directory.path;
    let mut child = walls::command(host, job, &limits, prepared.process.model().arguments())
        .spawn()
        .map_err(SandboxError::io(&host.bwrap))?;
    let (written, begun) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let stdout = capture(child.stdout.take(), Arc::clone(&written), "", None);
    let stderr = capture(
        child.stderr.take(),
        Arc::clone(&written),
        walls::STARTED,
        Some(Arc::clone(&begun)),
    );
    let mut watch = Watch::new(child.id().unwrap_or(0), job, limits);

    // Time counts from when the walls stand. Before that bubblewrap must not be killed: its child does not yet die with it.
    let early = tokio::select! {
        biased;
        () = begun.notified() => None,
        status = child.wait() => Some(status.map(End::Itself)),
        () = tokio::time::sleep(SETUP) => Some(Ok(End::Limit(Failure::TimeLimit { wall_ms: limits.wall_ms }))),
    };
    let started_ms = clock.now_ms();
    let end = match early {
        Some(end) => end,
        None => until_the_end(&mut child, &mut watch, &written, limits.wall_ms, stop).await,
    };
    let failure = match end.map_err(SandboxError::io(&host.bwrap))? {
        End::Itself(status) => judge(status, &mut watch, limits.cpu_s, limits.output_bytes).await?,
        End::Limit(failure) => {
            kill(&mut child, watch.first_inside()).await?;
            Some(failure)
        }
    };
    let (stdout, stderr) = (captured(stdout).await?, captured(stderr).await?);
    let wall_ms = clock.now_ms().saturating_sub(started_ms);
    let (begun, stderr_tail) = (stderr.started, stderr.text());
    if !begun {
        // Not a word from inside: the walls themselves failed, and the program did not run.
        return Err(SandboxError::NotPossible {
            why: format!("bubblewrap said `{}`", stderr_tail.trim()),
        });
    }
    Ok(Ended {
        failure,
        stdout_tail: stdout.text(),
        stderr_tail,
        wall_ms,
        max_rss_bytes: watch.max_rss_bytes,
    })
}

async fn until_the_end(
    child: &mut Child,
    watch: &mut Watch,
    written: &AtomicU64,
    wall_ms: u64,
    stop: impl Future<Output = String>,
) -> std::io::Result<End> {
    tokio::pin!(stop);
    let deadline = tokio::time::sleep(Duration::from_millis(wall_ms));
    tokio::pin!(deadline);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return status.map(End::Itself),
            why = &mut stop => return Ok(End::Limit(Failure::Stopped { why })),
            () = &mut deadline => return Ok(End::Limit(Failure::TimeLimit { wall_ms })),
            _ = looks.tick() => {
                if written.load(Ordering::Relaxed) > LOG_BYTES {
                    return Ok(End::Limit(Failure::LogLimit { log_bytes: LOG_BYTES }));
                }
                if let Some(failure) = watch.look() {
                    return Ok(End::Limit(failure));
                }
            }
        }
    }
}

/// Reads an end that came by itself; 152 and 153 are how the shell says that the kernel enforced a limit (SIGXCPU, SIGXFSZ).
async fn judge(
    status: std::process::ExitStatus,
    watch: &mut Watch,
    cpu_s: u64,
    output_bytes: u64,
) -> Result<Option<Failure>, SandboxError> {
    Ok(match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(152), _) => Some(Failure::CpuLimit { cpu_s }),
        (Some(153), _) => Some(Failure::OutputLimit { output_bytes }),
        (Some(code), _) => Some(Failure::Exit { code }),
        (None, signal) => {
            // Somebody killed bubblewrap itself, so nobody has waited yet for what was inside.
            wait_for_end(watch.first_inside()).await?;
            Some(Failure::Exit {
                code: 128 + signal.unwrap_or(0),
            })
        }
    })
}

/// Kills the tree: bubblewrap's death is the death of the first process inside, and that of all others there.
async fn kill(child: &mut Child, inside: Vec<Life>) -> Result<(), SandboxError> {
    let failed = |e: std::io::Error| SandboxError::NotPossible {
        why: format!("a program could not be killed: {e}"),
    };
    child.kill().await.map_err(failed)?;
    wait_for_end(inside).await
}

async fn wait_for_end(inside: Vec<Life>) -> Result<(), SandboxError> {
    for life in inside {
        if !life.ended().await {
            let why = format!("a killed program is still there after ten seconds: {life:?}");
            return Err(SandboxError::NotPossible { why });
        }
    }
    Ok(())
}

/// Reads a stream to its end in a task of its own: what starts it, its tail, and a count of the rest.
fn capture<R: AsyncRead + Unpin + Send + 'static>(
    stream: Option<R>,
    written: Arc<AtomicU64>,
    opening: &'static str,
    opened: Option<Arc<Notify>>,
) -> JoinHandle<std::io::Result<Captured>> {
    tokio::spawn(async move {
        let mut captured = Captured::default();
        let Some(mut stream) = stream else { return Ok(captured) };
        let mut piece = vec![0; TAIL_BYTES];
        let mut expected = opening.as_bytes();
        loop {
            let count = stream.read(&mut piece).await?;
            if count == 0 {
                captured.started = expected.is_empty();
                return Ok(captured);
            }
            written.fetch_add(count as u64, Ordering::Relaxed);
            let mut bytes = piece.get(..count).unwrap_or_default();
            while let (Some((want, more)), Some((have, rest))) = (expected.split_first(), bytes.split_first())
                && want == have
            {
                (expected, bytes) = (more, rest);
            }
            if let Some(opened) = opened.as_ref().filter(|_| expected.is_empty()) {
                opened.notify_one();
            }
            captured.tail.extend(bytes);
            let surplus = captured.tail.len().saturating_sub(TAIL_BYTES);
            captured.tail.drain(..surplus);
        }
    })
}

async fn captured(task: JoinHandle<std::io::Result<Captured>>) -> Result<Captured, SandboxError> {
    let lost = |why: String| SandboxError::NotPossible {
        why: format!("what a program said was lost: {why}"),
    };
    task.await
        .map_err(|e| lost(e.to_string()))?
        .map_err(|e| lost(e.to_string()))
}

/// Collects what the program left, unless it failed, and removes its directory.
pub(super) async fn conclude(prepared: Prepared, ended: Ended) -> Result<Run, SandboxError> {
    let task = tokio::task::spawn_blocking(move || {
        let outcome = match ended.failure {
            Some(failure) => Err(failure),
            None => collect::outputs(prepared.process.model(), &prepared.directory.path)?,
        };
        Ok(Run {
            program_sha256: prepared.program_sha256,
            environment: prepared.environment,
            outcome,
            stdout_tail: ended.stdout_tail,
            stderr_tail: ended.stderr_tail,
            wall_ms: ended.wall_ms,
            max_rss_bytes: ended.max_rss_bytes,
        })
    });
    task.await
        .map_err(|e| SandboxError::NotPossible { why: e.to_string() })?
}
