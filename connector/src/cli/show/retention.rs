//! What a selection list says, as a person reads it.

use super::answers::{columns, counted};
use super::{Shown, clean, when};
use crate::cli::text::{Language, text};
use crate::control::protocol::{RetentionAnswer, RetentionLine, RetentionState};

fn state(line: &RetentionLine, language: Language) -> String {
    let key = match line.state {
        RetentionState::Due => "cli-retention-due",
        RetentionState::Held => "cli-retention-held",
        RetentionState::Needed => "cli-retention-needed",
        RetentionState::Proposed => "cli-retention-proposed",
        RetentionState::Offered => "cli-retention-offered",
        RetentionState::Refused => "cli-retention-refused",
        RetentionState::Kept => "cli-retention-kept",
        RetentionState::Permanent => "cli-retention-permanent",
        RetentionState::Open => "cli-retention-open",
        RetentionState::Unruled => "cli-retention-unruled",
    };
    text(language, key, &[])
}

/// A date is what a selection list counts by.
fn day(ms: Option<u64>) -> String {
    let shown = ms.map(when).unwrap_or_default();
    shown.split('T').next().unwrap_or_default().to_owned()
}

fn why(line: &RetentionLine, language: Language) -> String {
    let kinds = line.kinds.iter().map(|(kind, number)| format!("{number} {kind}"));
    let mut parts: Vec<String> = kinds.collect();
    if line.kept > 0 && line.state != RetentionState::Held && line.state != RetentionState::Needed {
        parts.push(text(
            language,
            "cli-retention-some-kept",
            &[("kept", &line.kept.to_string())],
        ));
    }
    parts.extend(line.why.clone());
    parts.join("; ")
}

impl Shown for RetentionAnswer {
    fn show(&self, language: Language) -> String {
        let names = ["what", "id", "category", "since", "due", "state", "records", "reason"];
        let mut table = columns(language, &names);
        for line in &self.lines {
            table.row([
                text(language, &format!("cli-retention-{}", line.of), &[]),
                line.name.clone(),
                line.category.clone(),
                day(line.since_ms),
                day(line.due_ms),
                state(line, language),
                line.records.to_string(),
                why(line, language),
            ]);
        }
        let list = text(language, "cli-retention-list", &[("list", &clean(&self.list))]);
        let mut lines = vec![list, counted(language, &table, self.lines.len() as u64)];
        if !self.proposals.is_empty() {
            let number = self.proposals.len().to_string();
            lines.push(text(language, "cli-retention-next", &[("number", &number)]));
        }
        lines.join("\n")
    }
}
