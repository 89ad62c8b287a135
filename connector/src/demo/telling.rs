//! Tells people what happens: a line a step, in their language.

use crate::control::protocol::TraceNode;
use crate::messages::{Language, Messages};

/// Prints the steps; quiet when the caller wants JSON.
pub struct Telling {
    messages: Messages,
    quiet: bool,
    step: u32,
}

impl Telling {
    /// Tells in the language of `messages`, or nothing if `quiet`.
    #[must_use]
    pub fn new(messages: Messages, quiet: bool) -> Self {
        Self {
            messages,
            quiet,
            step: 0,
        }
    }

    /// The next step.
    pub fn step(&mut self, key: &str, args: &[(&str, &str)]) {
        self.step += 1;
        let line = self.messages.text(key, args);
        self.print(&format!("[{:>2}] {line}", self.step));
    }

    /// A detail of the step before.
    pub fn detail(&self, key: &str, args: &[(&str, &str)]) {
        self.print(&format!("     {}", self.messages.text(key, args)));
    }

    /// Text that is already in its final form.
    pub fn block(&self, text: &str) {
        for line in text.lines() {
            self.print(&format!("     {line}"));
        }
    }

    /// A trace drawn as a tree.
    #[must_use]
    pub fn tree(&self, root: &TraceNode) -> String {
        let language = match self.messages.language() {
            Language::English => crate::cli::text::Language::English,
            Language::Dutch => crate::cli::text::Language::Dutch,
        };
        crate::cli::show::tree(root, language)
    }

    /// How long it took.
    pub fn end(&self, took_ms: u64) {
        self.print(&self.messages.text(
            "demo-end",
            &[("seconds", &format!("{}.{}", took_ms / 1000, took_ms % 1000 / 100))],
        ));
    }

    fn print(&self, line: &str) {
        if !self.quiet {
            println!("{line}");
        }
    }
}
