//! Looking at a run from outside while it goes on: its processes, their memory, its files.

use super::error::Failure;
use crate::models::limits::Limits;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most files in `out/`: four times the most outputs a model may have.
const MAX_FILES: usize = 1_024;
/// How often a killed process is looked for, and how many times: 2 ms x 5,000 = 10 s.
const GONE_STEP: Duration = Duration::from_millis(2);
const GONE_STEPS: u32 = 5_000;

/// One look after another at a run.
#[derive(Debug)]
pub(super) struct Watch {
    /// bubblewrap itself, which waits outside the walls.
    root: u32,
    out: PathBuf,
    limits: Limits,
    /// The first process inside, as it was last seen.
    inside: Vec<Life>,
    /// Most memory seen at once, in bytes; `None` when the run was over before the first look.
    pub(super) max_rss_bytes: Option<u64>,
}

impl Watch {
    pub(super) fn new(root: u32, job: &Path, limits: Limits) -> Self {
        Self {
            root,
            out: job.join("out"),
            limits,
            inside: Vec::new(),
            max_rss_bytes: None,
        }
    }

    /// A limit that is overstepped now.
    pub(super) fn look(&mut self) -> Option<Failure> {
        self.first_inside();
        self.memory().or_else(|| self.files())
    }

    fn memory(&mut self) -> Option<Failure> {
        let found_bytes = descendants(self.root).into_iter().filter_map(rss_bytes).sum();
        if found_bytes > 0 {
            self.max_rss_bytes = Some(self.max_rss_bytes.unwrap_or(0).max(found_bytes));
        }
        let memory_bytes = self.limits.memory_bytes;
        (found_bytes > memory_bytes).then_some(Failure::MemoryLimit {
            found_bytes,
            memory_bytes,
        })
    }

    fn files(&self) -> Option<Failure> {
        // A folder that cannot be read is judged when the run is over.
        let entries = fs::read_dir(&self.out).ok()?;
        let (mut files, mut bytes) = (0, 0_u64);
        for entry in entries.flatten() {
            files += 1;
            if files > MAX_FILES {
                return Some(Failure::FileLimit { files: MAX_FILES });
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                // What lies deeper would not be counted.
                return Some(Failure::Output {
                    file: super::collect::shown(&entry.file_name()),
                    why: "it is not a plain file",
                });
            }
            bytes = bytes.saturating_add(metadata.len());
        }
        let output_bytes = self.limits.output_bytes;
        (bytes > output_bytes).then_some(Failure::OutputLimit { output_bytes })
    }

    /// The processes that bubblewrap started itself: the first one inside, whose end is the end of all the others. Once
    /// bubblewrap is gone, what was last seen.
    pub(super) fn first_inside(&mut self) -> Vec<Life> {
        let now: Vec<Life> = children(self.root).into_iter().filter_map(Life::of).collect();
        if !now.is_empty() {
            self.inside = now;
        }
        self.inside.clone()
    }
}

/// A process, told apart from a later one of the same number by when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    pid: u32,
    started: u64,
}

impl Life {
    pub(super) fn of(pid: u32) -> Option<Self> {
        let (state, started) = stat(pid)?;
        (!matches!(state, 'Z' | 'X')).then_some(Self { pid, started })
    }

    /// Waits until it has ended, which for the first process of a sandbox the kernel lets happen only after all others there
    /// have ended (pid_namespaces(7)). `false` when it is still there after ten seconds.
    pub(super) async fn ended(self) -> bool {
        for _ in 0..GONE_STEPS {
            if Self::of(self.pid) != Some(self) {
                return true;
            }
            tokio::time::sleep(GONE_STEP).await;
        }
        false
    }
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| {
            text.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

fn descendants(root: u32) -> Vec<u32> {
    let mut found = children(root);
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children(pid));
        next += 1;
    }
    found
}

/// State and start time (proc_pid_stat(5), fields 3 and 22); the name before them may hold anything, so from its end on.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

fn rss_bytes(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?
        .split_whitespace()
        .next()?;
    kib.parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_known_by_its_start_and_seen_to_end() {
        let mut child = tokio::process::Command::new("/bin/cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id().unwrap();
        let life = Life::of(pid).unwrap();
        assert!(descendants(std::process::id()).contains(&pid));
        assert!(rss_bytes(pid).is_some());
        drop(child.stdin.take());
        assert!(life.ended().await);
        child.wait().await.unwrap();
        assert!(
            Life {
                started: life.started + 1,
                ..life
            }
            .ended()
            .await
        );
    }
}
