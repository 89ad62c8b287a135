//! What a command says while it works.

use super::protocol::{Line, Note, Step, Unit};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Room for lines that the reader has not taken yet.
const WAITING_LINES: usize = 256;
/// Of those, kept free for notes: progress is repeated anyway, a note is not.
const KEPT_FOR_NOTES: usize = 64;

/// Where a command's handler reports to; cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress(mpsc::Sender<Line>);

impl Progress {
    /// A sink and the lines that come out of it.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Line>) {
        let (sender, receiver) = mpsc::channel(WAITING_LINES);
        (Self(sender), receiver)
    }

    /// For what nobody looks at.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::channel().0
    }

    /// Says how far `step` is; `total` where it is known. Never waits: when the reader is slow, the line is left out.
    pub fn step(&self, step: &str, done: u64, total: Option<u64>, unit: Unit) {
        if self.0.capacity() <= KEPT_FOR_NOTES {
            return;
        }
        let line = Line::Progress(Step {
            step: step.to_owned(),
            done,
            total,
            unit,
        });
        // Full or closed: nobody is looking at this moment, and the next step says it again.
        drop(self.0.try_send(line));
    }

    /// Tells the person something by the key of a message. Waits while the reader is slow; when nobody reads any more, says nothing.
    pub async fn note(&self, key: &str, args: BTreeMap<String, Value>) {
        let line = Line::Note(Note {
            key: key.to_owned(),
            args,
        });
        drop(self.0.send(line).await);
    }

    /// Whether the person has gone. What must not be left half done goes on; what is only being shown may stop.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// The last line.
    pub(super) async fn finish(self, line: Line) {
        drop(self.0.send(line).await);
    }
}
