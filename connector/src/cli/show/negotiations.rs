//! Negotiations as a person reads them: what waits for whom comes before what the protocol calls it.

use super::answers::{columns, counted};
use super::{Shown, clean, when};
use crate::cli::text::{Language, text};
use crate::control::protocol::{NegotiationAnswer, NegotiationLine, NegotiationList, Side};

impl Shown for NegotiationList {
    fn show(&self, language: Language) -> String {
        let mut table = columns(language, &["id", "side", "other", "dataset", "state", "turn"]);
        for line in &self.negotiations {
            table.row([
                line.id.clone(),
                side(line, language),
                line.other.clone(),
                line.dataset.clone(),
                line.state.clone(),
                turn(line, language),
            ]);
        }
        let count = counted(language, &table, self.total);
        if self.waiting == 0 {
            return count;
        }
        let waiting = self.waiting.to_string();
        format!("{count}\n{}", text(language, "cli-waiting", &[("waiting", &waiting)]))
    }
}

fn side(line: &NegotiationLine, language: Language) -> String {
    match line.side {
        Side::Provider => text(language, "cli-side-provider", &[]),
        Side::Consumer => text(language, "cli-side-consumer", &[]),
    }
}

/// Who has to act for it to go on.
fn turn(line: &NegotiationLine, language: Language) -> String {
    let key = match line.who.as_deref() {
        None => "cli-turn-over",
        Some("person") => "cli-turn-person",
        Some("nobody") => "cli-turn-held",
        Some("counterparty") => "cli-turn-other",
        Some("webhook") => "cli-turn-webhook",
        // The policy, or a rule.
        Some(_) => "cli-turn-connector",
    };
    text(language, key, &[])
}

impl Shown for NegotiationAnswer {
    fn show(&self, language: Language) -> String {
        let line = &self.negotiation;
        let words: Vec<&str> = line.possible.iter().map(|action| action.name()).collect();
        let mut lines = vec![text(
            language,
            "cli-negotiation",
            &[
                ("id", &clean(&line.id)),
                ("side", &side(line, language)),
                ("other", &clean(&line.other)),
                ("dataset", &clean(&line.dataset)),
                ("state", &clean(&line.state)),
                ("turn", &turn(line, language)),
                ("policy", &clean(&self.policy)),
                ("changed", &when(self.changed_ms)),
            ],
        )];
        if let Some(kind) = &self.underway {
            lines.push(text(language, "cli-negotiation-underway", &[("message", &clean(kind))]));
        }
        if let Some(purpose) = &self.purpose {
            lines.push(text(
                language,
                "cli-negotiation-purpose",
                &[("purpose", &clean(purpose))],
            ));
        }
        if let Some(basis) = &self.legal_basis {
            lines.push(text(language, "cli-negotiation-basis", &[("basis", &clean(basis))]));
        }
        if let Some(area) = &self.area_of_use {
            lines.push(text(language, "cli-negotiation-area", &[("area", &clean(area))]));
        }
        if let Some(agreement) = &self.agreement {
            lines.push(text(
                language,
                "cli-negotiation-agreement",
                &[("agreement", &clean(agreement))],
            ));
        }
        if let Some(why) = &self.ended {
            lines.push(text(language, "cli-negotiation-ended", &[("why", &clean(why))]));
        }
        if !words.is_empty() {
            let possible = words.join(", ");
            lines.push(text(
                language,
                "cli-negotiation-possible",
                &[("possible", &possible), ("id", &clean(&line.id))],
            ));
        }
        lines.join("\n")
    }
}
