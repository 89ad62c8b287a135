//! Where a command speaks: results to standard output; progress, notes and errors to standard error.

use super::show::{clean, size};
use super::text::{Language, find, text};
use crate::control::error::ControlError;
use crate::control::protocol::{Line, Note, Step, Unit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a command speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// One JSON object on standard output.
    pub json: bool,
    /// No progress and no notes.
    pub quiet: bool,
    /// Whether standard error is a terminal: bars there, lines elsewhere.
    pub terminal: bool,
    /// The reader's language.
    pub language: Language,
}

/// Both outputs of a command.
pub struct Screen {
    manner: Manner,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    bar: Option<(String, ProgressBar)>,
    // Last tenth (or power of two, without a total) that was said of each step, so that a log file gets ten lines and not ten thousand.
    said: HashMap<String, u64>,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen")
            .field("manner", &self.manner)
            .finish_non_exhaustive()
    }
}

impl Screen {
    /// A screen over these two outputs.
    #[must_use]
    pub fn new(manner: Manner, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        let state = State {
            out,
            err,
            bar: None,
            said: HashMap::new(),
        };
        Self {
            manner,
            state: Mutex::new(state),
        }
    }

    /// How it speaks.
    #[must_use]
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// Asks something of who sits there, also when nothing else is to be said. Without a line feed.
    pub fn ask(&self, question: &str) {
        let mut state = self.state();
        // Who does not see the question answers it all the same, or gives up.
        let _ = state
            .err
            .write_all(question.as_bytes())
            .and_then(|()| state.err.flush());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows one line of a command under way; [`Line::Result`] and [`Line::Error`] are for [`Self::result`] and [`Self::error`].
    pub fn line(&self, line: &Line) {
        if self.manner.quiet {
            return;
        }
        match line {
            Line::Progress(step) if self.manner.terminal => self.bar(step),
            Line::Progress(step) => self.plain(step),
            Line::Note(note) => self.note(note),
            Line::Result(_) | Line::Error(_) => {}
        }
    }

    fn step_name(&self, step: &str) -> String {
        find(self.manner.language, &format!("cli-step-{step}"), &[]).unwrap_or_else(|| clean(step))
    }

    fn bar(&self, step: &Step) {
        let name = self.step_name(&step.step);
        let mut state = self.state();
        let same = state.bar.as_ref().is_some_and(|(shown, _)| *shown == step.step);
        if !same {
            finish(&mut state);
            let bar = ProgressBar::with_draw_target(step.total, ProgressDrawTarget::stderr());
            bar.set_style(style(step));
            bar.set_message(name);
            state.bar = Some((step.step.clone(), bar));
        }
        if let Some((_, bar)) = &state.bar {
            if let Some(total) = step.total {
                bar.set_length(total);
            }
            bar.set_position(step.done);
        }
    }

    fn plain(&self, step: &Step) {
        let mark = match step.total {
            Some(total) if total > 0 => step.done.saturating_mul(10) / total,
            _ => u64::from(u64::BITS - step.done.leading_zeros()),
        };
        let mut state = self.state();
        if state.said.insert(step.step.clone(), mark) == Some(mark) {
            return;
        }
        let name = self.step_name(&step.step);
        let amount = |n: u64| match step.unit {
            Unit::Bytes => size(n),
            Unit::Items => n.to_string(),
        };
        let done = amount(step.done);
        let said = match step.total {
            Some(total) => {
                let percent = step.done.saturating_mul(100).checked_div(total).unwrap_or(100);
                let values = [
                    ("step", &*name),
                    ("done", &done),
                    ("total", &amount(total)),
                    ("percent", &percent.to_string()),
                ];
                text(self.manner.language, "cli-progress-of", &values)
            }
            None => text(
                self.manner.language,
                "cli-progress",
                &[("step", &name), ("done", &done)],
            ),
        };
        tell(&mut state, &said);
    }

    fn note(&self, note: &Note) {
        let said = translated(self.manner.language, note).unwrap_or_else(|| bare(note));
        tell(&mut self.state(), &said);
    }

    /// Says something to the person, unless `--quiet`.
    pub fn say(&self, key: &str, values: &[(&str, &str)]) {
        if !self.manner.quiet {
            tell(&mut self.state(), &text(self.manner.language, key, values));
        }
    }

    /// Shows a command's result: `shown` to a person, `json` to a script.
    ///
    /// # Errors
    /// When standard output cannot be written. A reader who has seen enough (`| head`) is no error.
    pub fn result(&self, shown: &str, json: &Value) -> io::Result<()> {
        let mut state = self.state();
        finish(&mut state);
        let written = if self.manner.json {
            writeln!(state.out, "{json}")
        } else if shown.is_empty() {
            Ok(())
        } else {
            writeln!(state.out, "{shown}")
        };
        match written.and_then(|()| state.out.flush()) {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Shows why a command failed: to a person on standard error, to a script as `{"error": ...}` on standard output.
    pub fn error(&self, error: &ControlError) {
        let mut state = self.state();
        finish(&mut state);
        if self.manner.json {
            // Nothing more can be done when neither output can be written; the exit code still says it.
            drop(writeln!(state.out, "{}", json!({ "error": error })));
            drop(state.out.flush());
            return;
        }
        let language = self.manner.language;
        let message = error.note.as_deref().and_then(|note| translated(language, note));
        let key = error.note.as_deref().map_or("", |note| note.key.as_str());
        let next = match NEXT.iter().find(|(known, _)| *known == key) {
            Some((_, what_to_do)) => Some(text(language, what_to_do, &[])),
            None => error.next.clone(),
        };
        let mut lines = vec![format!(
            "herleid: {}",
            clean(&message.unwrap_or_else(|| error.message.clone()))
        )];
        for (label, part) in [
            ("cli-error-found", &error.what),
            ("cli-error-expected", &error.expected),
            ("cli-error-next", &next),
        ] {
            if let Some(part) = part {
                lines.push(format!("  {} {}", text(language, label, &[]), clean(part)));
            }
        }
        drop(writeln!(state.err, "{}", lines.join("\n")));
    }
}

/// Failures of the command line's own end: what to do about each stands among the sentences too.
const NEXT: [(&str, &str); 5] = [
    ("cli-not-running", "cli-not-running-next"),
    ("cli-not-yours", "cli-not-yours-next"),
    ("cli-not-reached", "cli-not-reached-next"),
    ("cli-answer-broken", "cli-answer-broken-next"),
    ("cli-answer-unknown", "cli-answer-unknown-next"),
];

fn template(unit: Unit, total: Option<u64>) -> &'static str {
    match (unit, total) {
        (Unit::Bytes, Some(_)) => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        (Unit::Bytes, None) => "{msg} {spinner} {bytes} {bytes_per_sec}",
        (Unit::Items, Some(_)) => "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}",
        (Unit::Items, None) => "{msg} {spinner} {pos} {per_sec}",
    }
}

fn style(step: &Step) -> ProgressStyle {
    // The templates are constants; were one wrong, a plain bar would do.
    ProgressStyle::with_template(template(step.unit, step.total)).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn finish(state: &mut State) {
    if let Some((_, bar)) = state.bar.take() {
        bar.finish_and_clear();
    }
}

/// A line on standard error; a bar makes way for it.
fn tell(state: &mut State, said: &str) {
    match &state.bar {
        Some((_, bar)) => bar.println(said),
        // Progress is a courtesy: an error output that is gone must not stop the work.
        None => drop(writeln!(state.err, "{said}")),
    }
}

/// The note's sentence in `language`, if its key is known.
fn translated(language: Language, note: &Note) -> Option<String> {
    let values: Vec<(&str, String)> = note
        .args
        .iter()
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), clean(&value))
        })
        .collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    find(language, &note.key, &values)
}

/// A note of a newer service, whose sentence is not known here: its key and arguments say more than nothing.
fn bare(note: &Note) -> String {
    let args: Vec<String> = note
        .args
        .iter()
        .map(|(name, value)| format!("{}={}", clean(name), clean(&value.to_string())))
        .collect();
    format!("{} {}", clean(&note.key), args.join(" ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_has_a_template_that_parses() {
        for (unit, total) in [
            (Unit::Bytes, None),
            (Unit::Bytes, Some(1)),
            (Unit::Items, None),
            (Unit::Items, Some(1)),
        ] {
            assert!(
                ProgressStyle::with_template(template(unit, total)).is_ok(),
                "{unit:?} {total:?}"
            );
        }
    }
}
