//! Two ledgers held against each other, as a person reads it.

use super::answers::columns;
use super::{Shown, clean};
use crate::cli::text::{Language, text};
use crate::control::error::Code;
use crate::control::protocol::{AgreementReconciled, Finding, ReconcileAnswer, Reconciled, Side, What};

impl Shown for ReconcileAnswer {
    fn show(&self, language: Language) -> String {
        let mut table = columns(
            language,
            &["agreement", "side", "verdict", "ours", "theirs", "same", "found"],
        );
        let mut below = Vec::new();
        for one in &self.agreements {
            let verdict = match one.verdict {
                Reconciled::Incomparable => "cli-reconciled-incomparable",
                Reconciled::Same => "cli-reconciled-same",
                Reconciled::Open => "cli-reconciled-open",
                Reconciled::Unfinished => "cli-reconciled-unfinished",
                Reconciled::Differs => "cli-reconciled-differs",
            };
            let side = match one.side {
                Side::Provider => "cli-side-provider",
                Side::Consumer => "cli-side-consumer",
            };
            table.row([
                one.agreement.clone(),
                text(language, side, &[]),
                text(language, verdict, &[]),
                one.ours.to_string(),
                one.theirs.to_string(),
                one.same.to_string(),
                one.found.to_string(),
            ]);
            explain(language, one, &mut below);
        }
        if self.verdict == Reconciled::Same {
            below.push(text(language, "cli-reconcile-none", &[]));
        }
        for why in &self.unsearched {
            below.push(text(language, "cli-reconcile-unsearched", &[("why", &clean(why))]));
        }
        format!("{}\n{}", table.draw(), below.join("\n"))
    }

    fn verdict(&self) -> Option<Code> {
        match self.verdict {
            Reconciled::Same | Reconciled::Open => None,
            Reconciled::Incomparable | Reconciled::Unfinished => Some(Code::Unreachable),
            Reconciled::Differs => Some(Code::Failed),
        }
    }
}

/// What is told of an agreement below the table.
fn explain(language: Language, one: &AgreementReconciled, below: &mut Vec<String>) {
    let agreement = clean(&one.agreement);
    if let Some(why) = &one.unfinished {
        let why = clean(why);
        below.push(text(
            language,
            "cli-reconcile-unfinished",
            &[("agreement", &agreement), ("why", &why)],
        ));
    }
    for finding in &one.findings {
        let (place, what) = (place(language, finding), what(language, finding));
        below.push(text(
            language,
            "cli-found",
            &[("agreement", &agreement), ("where", &place), ("what", &what)],
        ));
    }
    let (shown, total) = (one.findings.len().to_string(), one.found.to_string());
    if shown != total {
        below.push(text(
            language,
            "cli-reconcile-shown",
            &[("agreement", &agreement), ("shown", &shown), ("total", &total)],
        ));
    }
    if one.erased_here > 0 {
        let here = one.erased_here.to_string();
        below.push(text(
            language,
            "cli-reconcile-erased",
            &[("agreement", &agreement), ("here", &here)],
        ));
    }
    match one.clock_ahead_ms {
        // No two clocks that run on are that far apart in both directions.
        [Some(least), Some(most)] if least > most => {
            below.push(text(language, "cli-reconcile-clocks", &[("agreement", &agreement)]));
        }
        [Some(least), _] if least > 0 => {
            let ms = least.to_string();
            below.push(text(
                language,
                "cli-reconcile-ahead",
                &[("agreement", &agreement), ("ms", &ms)],
            ));
        }
        [_, Some(most)] if most < 0 => {
            let ms = most.saturating_neg().to_string();
            below.push(text(
                language,
                "cli-reconcile-behind",
                &[("agreement", &agreement), ("ms", &ms)],
            ));
        }
        _ => {}
    }
}

fn place(language: Language, finding: &Finding) -> String {
    let number = |index: Option<u64>| index.map_or_else(|| "-".to_owned(), |index| index.to_string());
    match &finding.exchange {
        None => String::new(),
        Some((transaction, segment, phase)) => text(
            language,
            "cli-found-where",
            &[
                ("transaction", &clean(transaction)),
                ("phase", &clean(phase)),
                ("segment", &segment.to_string()),
                ("ours", &number(finding.ours)),
                ("theirs", &number(finding.theirs)),
            ],
        ),
    }
}

fn what(language: Language, finding: &Finding) -> String {
    let key = match finding.what {
        What::Different => "cli-found-different",
        What::NeverGiven => "cli-found-never-given",
        What::LeftOut => "cli-found-left-out",
        What::Denied => "cli-found-denied",
        What::Gap => "cli-found-gap",
        What::Withheld => "cli-found-withheld",
        What::Twice => "cli-found-twice",
        What::NotReceivedHere => "cli-found-not-received-here",
        What::NotReceivedThere => "cli-found-not-received-there",
        What::Erased => "cli-found-erased",
    };
    let detail = clean(finding.detail.as_deref().unwrap_or("-"));
    text(language, key, &[("detail", &detail)])
}
