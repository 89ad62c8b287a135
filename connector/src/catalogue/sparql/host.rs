//! The connector's end of the process that answers queries: starts it, speaks with it, sees it die.

use super::frames::{Order, Reply, receive, send};
#[cfg(not(test))]
use super::worker::{ARGUMENT, is_possible};
use super::{Answered, Asked, QUERY_TIME, QueryError};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::process::Child;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// How long the process may take to say that it is there, and to put triples into its store.
const ORDER_TIME: Duration = Duration::from_secs(30);
/// How much longer than a query may take: so long has an evaluation that was stopped to end, and the answer to come over. Whoever is
/// not done by then has to pause, so a machine that is busy with something else must not be enough for it.
const STOP_TIME: Duration = Duration::from_secs(3);
/// How long a process that closed its end of the line may take to be dead, and what it said last to be read.
const GRACE: Duration = Duration::from_secs(1);
/// How long the process has to end once it is killed.
const END_TIME: Duration = Duration::from_secs(10);
/// How much of what it says at its end is read.
const SAID_BYTES: u64 = 4_096;

/// Why a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// It had no more memory.
    Memory,
    /// It had no more stack.
    Stack,
    /// Something else.
    Other(String),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory => f.write_str("it needed more memory than it may have"),
            Self::Stack => f.write_str("it needed more stack than it has"),
            Self::Other(how) => f.write_str(how),
        }
    }
}

impl Cause {
    /// Both limits end a process with the same signal; what the runtime says before tells them apart.
    fn of(said: &str, status: Option<ExitStatus>) -> Self {
        if said.contains("overflowed its stack") {
            Self::Stack
        } else if said.contains("memory allocation of") {
            Self::Memory
        } else {
            let said: String = said.chars().filter(|c| !c.is_control()).take(400).collect();
            let status = status.map_or_else(|| "in a way that is not known".to_owned(), |s| format!("with {s}"));
            Self::Other(format!("it ended {status}, saying `{said}`"))
        }
    }
}

/// Why the process did not do what it was told.
pub(super) enum Lost {
    /// It was gone before it could read that.
    Before,
    /// It was gone before it answered.
    Meanwhile,
    /// It did not answer in time.
    Late,
    /// It says why.
    Failed(String),
}

/// A line to a process.
pub(super) struct Link {
    from: Box<dyn AsyncRead + Send + Sync + Unpin>,
    to: Box<dyn AsyncWrite + Send + Sync + Unpin>,
    end: Arc<Notify>,
    ended: watch::Receiver<Option<Cause>>,
    /// How many datasets were replaced in its store, which keeps what was there before.
    pub(super) replaced: usize,
}

impl Link {
    async fn exchange(&mut self, order: &Order, body: &[u8], within: Duration) -> Result<(Reply, Vec<u8>), Lost> {
        let exchange = async {
            send(&mut self.to, order, body).await.map_err(|_| Lost::Before)?;
            receive(&mut self.from).await.map_err(|_| Lost::Meanwhile)
        };
        timeout(within, exchange).await.map_err(|_| Lost::Late)?
    }

    /// Has triples added or replaced.
    pub(super) async fn tell(&mut self, order: &Order, triples: &[u8]) -> Result<(), Lost> {
        match self.exchange(order, triples, ORDER_TIME).await?.0 {
            Reply::Done => Ok(()),
            Reply::Failed(why) => Err(Lost::Failed(why)),
            other => Err(Lost::Failed(format!("it answered {other:?}"))),
        }
    }

    /// Has a query answered.
    pub(super) async fn ask(&mut self, asked: &Asked) -> Result<Result<Answered, QueryError>, Lost> {
        let order = Order::Query {
            accept: asked.accept.clone(),
        };
        let (reply, body) = self
            .exchange(&order, asked.query.as_bytes(), QUERY_TIME + STOP_TIME)
            .await?;
        match reply {
            Reply::Answer { media_type } => Ok(Ok(Answered { media_type, body })),
            Reply::Refused(why) => Ok(Err(why)),
            Reply::Failed(why) => Err(Lost::Failed(why)),
            other => Err(Lost::Failed(format!("it answered {other:?}"))),
        }
    }

    /// Has the process ended, and says of what it died if it was dead already.
    pub(super) async fn end(mut self) -> Cause {
        // A process that closed its end of the line is dying: what of is known when it is dead, and this comes after that.
        let dying = async {
            // That nobody can say it any more is as good as no answer.
            let _ = self.ended.wait_for(Option::is_some).await;
        };
        let _ = timeout(GRACE, dying).await;
        let cause = self.ended.borrow().clone();
        self.end.notify_one();
        cause.unwrap_or_else(|| Cause::Other("it did not end by itself".to_owned()))
    }

    /// Has the process ended at once.
    pub(super) fn kill(self) {
        self.end.notify_one();
    }
}

/// What lives at the other end.
enum Life {
    Process(Box<Child>),
    /// A thread of this process, which ends with its line: unit tests have no binary.
    #[cfg(test)]
    Thread,
}

/// A process that runs; it ends with this value.
pub struct Running {
    life: Life,
    end: Arc<Notify>,
    cause: watch::Sender<Option<Cause>>,
}

impl Running {
    /// Waits until the process dies, or is to end, and has ended; says of what.
    pub(super) async fn until_ended(self) -> Cause {
        let cause = match self.life {
            Life::Process(mut child) => {
                let said = child.stderr.take();
                let status = tokio::select! {
                    status = child.wait() => status.ok(),
                    () = self.end.notified() => {
                        // A process that cannot be killed is not waited for.
                        if !matches!(timeout(END_TIME, child.kill()).await, Ok(Ok(()))) {
                            tracing::error!("the process that answers queries does not end");
                        }
                        child.try_wait().ok().flatten()
                    }
                };
                let mut text = Vec::new();
                if let Some(said) = said {
                    // What could not be read is not there.
                    let _ = timeout(GRACE, said.take(SAID_BYTES).read_to_end(&mut text)).await;
                }
                Cause::of(&String::from_utf8_lossy(&text), status)
            }
            #[cfg(test)]
            Life::Thread => {
                self.end.notified().await;
                Cause::Other("a thread".to_owned())
            }
        };
        self.cause.send_replace(Some(cause.clone()));
        cause
    }

    /// Ends the process; says of what it died if it was dead already.
    pub(super) async fn end(mut self, link: Link) -> Cause {
        if let Life::Process(child) = &mut self.life
            && let Ok(status) = timeout(GRACE, child.wait()).await
        {
            tracing::debug!(?status, "the process that answers queries has ended already");
        }
        link.kill();
        self.until_ended().await
    }
}

/// Starts a process that has set its limits, its store empty.
pub(super) async fn start() -> Result<(Link, Running), String> {
    let (from, to, life) = born().map_err(|e| e.to_string())?;
    let end = Arc::new(Notify::new());
    let (cause, ended) = watch::channel(None);
    let running = Running {
        life,
        end: end.clone(),
        cause,
    };
    let mut link = Link {
        from,
        to,
        end,
        ended,
        replaced: 0,
    };
    let said = timeout(ORDER_TIME, receive::<Reply>(&mut link.from)).await;
    match said {
        Ok(Ok((Reply::Ready, _))) => Ok((link, running)),
        Ok(Ok((other, _))) => Err(format!("it began with {other:?}; {}", running.end(link).await)),
        Ok(Err(error)) => Err(format!("it said nothing ({error}); {}", running.end(link).await)),
        Err(_) => Err(format!("it said nothing in time; {}", running.end(link).await)),
    }
}

type Born = (
    Box<dyn AsyncRead + Send + Sync + Unpin>,
    Box<dyn AsyncWrite + Send + Sync + Unpin>,
    Life,
);

/// The same program, as it was when it was started: an upgrade may have put another one in its place.
#[cfg(not(test))]
const OWN_PROGRAM: &str = "/proc/self/exe";

#[cfg(not(test))]
fn born() -> std::io::Result<Born> {
    use std::io::Error;
    if !is_possible() {
        return Err(Error::other("this program was not made to start itself for that"));
    }
    let mut command = tokio::process::Command::new(OWN_PROGRAM);
    command
        .arg0("herleid")
        .arg(ARGUMENT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::other("it has no input or output"));
    };
    Ok((Box::new(from), Box::new(to), Life::Process(Box::new(child))))
}

#[cfg(test)]
fn born() -> std::io::Result<Born> {
    use std::os::unix::net::UnixStream;
    let (ours, theirs) = UnixStream::pair()?;
    let from = theirs.try_clone()?;
    std::thread::spawn(move || super::worker::serve(from, theirs, || ()));
    ours.set_nonblocking(true)?;
    let (from, to) = tokio::net::UnixStream::from_std(ours)?.into_split();
    Ok((Box::new(from), Box::new(to), Life::Thread))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(script: &str) -> (Link, Running) {
        let mut command = tokio::process::Command::new("/bin/sh");
        command.args(["-c", script]).kill_on_drop(true);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let end = Arc::new(Notify::new());
        let (cause, ended) = watch::channel(None);
        let life = Life::Process(Box::new(child));
        let running = Running {
            life,
            end: end.clone(),
            cause,
        };
        let link = Link {
            from: Box::new(from),
            to: Box::new(to),
            end,
            ended,
            replaced: 0,
        };
        (link, running)
    }

    #[tokio::test]
    async fn what_a_process_died_of_is_known_by_what_it_said() {
        for (says, cause) in [
            ("memory allocation of 123 bytes failed", Cause::Memory),
            ("thread '<unnamed>' has overflowed its stack", Cause::Stack),
        ] {
            let (mut link, running) = child(&format!("echo \"{says}\" >&2; exit 1"));
            let watching = tokio::spawn(running.until_ended());
            assert!(matches!(
                link.tell(&Order::Add, b"").await,
                Err(Lost::Before | Lost::Meanwhile)
            ));
            assert_eq!(link.end().await, cause);
            assert_eq!(watching.await.unwrap(), cause);
        }
        let (link, running) = child("echo something else >&2; exit 3");
        let Cause::Other(how) = running.end(link).await else {
            panic!("another cause")
        };
        assert!(
            how.contains("exit status: 3") && how.contains("something else"),
            "{how}"
        );
    }

    #[tokio::test]
    async fn a_process_that_is_to_end_ends_and_nonsense_is_no_answer() {
        let (link, running) = child("exec sleep 600");
        link.kill();
        let cause = running.until_ended().await.to_string();
        assert!(cause.contains("signal: 9"), "{cause}");
        let (mut link, running) = child("echo a lot of nonsense that is no message; exec sleep 600");
        assert!(matches!(link.tell(&Order::Add, b"").await, Err(Lost::Meanwhile)));
        link.kill();
        running.until_ended().await;
    }
}
