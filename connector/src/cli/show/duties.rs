//! Obligations, and what was stated of them, as a person reads them.

use super::answers::{columns, counted};
use super::{Shown, clean, when};
use crate::cli::text::{Language, text};
use crate::control::protocol::{DutyLine, DutyList, DutyStanding, Side};

fn state(line: &DutyLine, language: Language) -> String {
    let is_late = line.statement.as_ref().is_some_and(|statement| statement.late);
    let key = match line.state {
        DutyStanding::Open if line.comes_first => "cli-duty-first",
        DutyStanding::Open => "cli-duty-open",
        DutyStanding::DueSoon => "cli-duty-due-soon",
        DutyStanding::Overdue => "cli-duty-overdue",
        DutyStanding::Stated => "cli-duty-stated",
        DutyStanding::Fulfilled if is_late => "cli-duty-late",
        DutyStanding::Fulfilled => "cli-duty-fulfilled",
    };
    text(language, key, &[])
}

impl Shown for DutyList {
    fn show(&self, language: Language) -> String {
        let mut table = columns(
            language,
            &["agreement", "side", "other", "what", "due", "state", "obligation"],
        );
        for line in &self.duties {
            let side = match line.side {
                Side::Provider => "cli-side-provider",
                Side::Consumer => "cli-side-consumer",
            };
            table.row([
                line.agreement.clone(),
                text(language, side, &[]),
                line.other.clone(),
                line.action.clone(),
                line.due.clone().unwrap_or_else(|| "-".to_owned()),
                state(line, language),
                line.obligation.clone(),
            ]);
        }
        counted(language, &table, self.total)
    }
}

impl Shown for DutyLine {
    fn show(&self, language: Language) -> String {
        let (agreement, action, other) = (clean(&self.agreement), clean(&self.action), clean(&self.other));
        let stands = state(self, language);
        let about = [
            ("action", action.as_str()),
            ("agreement", &agreement),
            ("state", &stands),
        ];
        let mut lines = vec![text(language, "cli-duty", &about)];
        let Some(statement) = &self.statement else {
            return lines.join("\n");
        };
        if statement.erased {
            lines.push(text(language, "cli-duty-erased", &[]));
        } else if statement.enforced_by == "consumer-connector" {
            let (removed, kept, transactions) = (
                statement.removed.to_string(),
                statement.kept.to_string(),
                statement.transactions.to_string(),
            );
            let counts = [
                ("removed", removed.as_str()),
                ("kept", &kept),
                ("transactions", &transactions),
            ];
            lines.push(text(language, "cli-duty-deleted", &counts));
        }
        lines.push(match (statement.received_ms, &statement.undelivered) {
            (Some(time), _) => text(language, "cli-duty-taken", &[("other", &other), ("time", &when(time))]),
            (None, Some(why)) => text(language, "cli-duty-untaken", &[("other", &other), ("why", &clean(why))]),
            (None, None) => text(language, "cli-duty-untold", &[("other", &other)]),
        });
        lines.join("\n")
    }
}
