//! What was paid for uses, as a person reads it.

use super::answers::columns;
use super::{Shown, clean, when};
use crate::cli::text::{Language, text};
use crate::control::protocol::{PaymentAccount, PaymentKind, PaymentRecorded};

fn kind(kind: PaymentKind, language: Language) -> String {
    let key = match kind {
        PaymentKind::Received => "cli-payment-received",
        PaymentKind::Returned => "cli-payment-returned",
    };
    text(language, key, &[])
}

impl Shown for PaymentRecorded {
    fn show(&self, language: Language) -> String {
        let line = &self.payment;
        let (index, reference) = (
            line.record.map(|index| index.to_string()).unwrap_or_default(),
            clean(&line.reference),
        );
        let said = text(
            language,
            if self.again {
                "cli-payment-again"
            } else {
                "cli-payment-recorded"
            },
            &[
                ("kind", &kind(line.kind, language)),
                ("amount", &clean(&line.amount)),
                ("currency", &clean(&self.currency)),
                ("reference", &reference),
                ("index", &index),
            ],
        );
        let left = text(
            language,
            "cli-payment-left",
            &[("left", &clean(&self.left)), ("currency", &clean(&self.currency))],
        );
        format!("{said}\n{left}")
    }
}

impl Shown for PaymentAccount {
    fn show(&self, language: Language) -> String {
        let mut lines = vec![text(
            language,
            "cli-payments",
            &[
                ("agreement", &clean(&self.agreement)),
                ("currency", &clean(&self.currency)),
                ("prices", &clean(&self.prices.join(", "))),
                ("paid", &clean(&self.paid)),
                ("taken", &clean(&self.taken)),
                ("left", &clean(&self.left)),
            ],
        )];
        if !self.payments.is_empty() {
            let mut table = columns(language, &["when", "what", "amount", "reference", "index"]);
            for line in &self.payments {
                table.row([
                    line.recorded_ms.map_or_else(|| "-".to_owned(), when),
                    kind(line.kind, language),
                    line.amount.clone(),
                    line.reference.clone(),
                    line.record.map_or_else(|| "-".to_owned(), |index| index.to_string()),
                ]);
            }
            lines.push(table.draw());
        }
        if self.unlisted.bytes().any(|b| matches!(b, b'1'..=b'9')) {
            let unlisted = [("unlisted", clean(&self.unlisted)), ("currency", clean(&self.currency))];
            let unlisted = unlisted.each_ref().map(|(name, value)| (*name, value.as_str()));
            lines.push(text(language, "cli-payments-unlisted", &unlisted));
        }
        lines.join("\n")
    }
}
