//! Proposals to erase, and holds, as a person reads them.

use super::answers::{columns, counted};
use super::{Shown, clean, when};
use crate::cli::text::{Language, text};
use crate::control::protocol::{EraseAnswer, ErasureLine, ErasureState, HoldAnswer, Meant};

fn state(line: &ErasureLine, language: Language) -> String {
    let key = match line.state {
        ErasureState::Erased if line.is_buried == Some(false) => "cli-erasure-remains",
        ErasureState::Proposed => "cli-erasure-proposed",
        ErasureState::Erased => "cli-erasure-erased",
        ErasureState::Rejected => "cli-erasure-rejected",
    };
    text(language, key, &[])
}

impl Shown for EraseAnswer {
    fn show(&self, language: Language) -> String {
        match self {
            Self::Erasures(all) => {
                let mut table = columns(language, &["id", "state", "records", "ground", "proposed", "decided"]);
                for line in all {
                    table.row([
                        line.id.clone(),
                        state(line, language),
                        line.records.len().to_string(),
                        line.ground.clone(),
                        line.proposed_by.to_string(),
                        line.decided_by.as_ref().map(ToString::to_string).unwrap_or_default(),
                    ]);
                }
                counted(language, &table, all.len() as u64)
            }
            Self::Erasure(line) => one(line, language),
            Self::Told(all) => {
                let mut table = columns(
                    language,
                    &["other", "agreement", "transaction", "ground", "complete", "since"],
                );
                for line in all {
                    table.row([
                        line.by.clone(),
                        line.agreement.clone(),
                        line.transaction.clone(),
                        line.ground.clone(),
                        when(line.complete_by_ms),
                        when(line.since_ms),
                    ]);
                }
                counted(language, &table, all.len() as u64)
            }
        }
    }
}

fn one(line: &ErasureLine, language: Language) -> String {
    let values = [
        ("id", clean(&line.id)),
        ("state", state(line, language)),
        ("ground", clean(&line.ground)),
        ("authority", clean(&line.authority)),
        ("complete", when(line.complete_by_ms)),
        ("proposed", clean(&line.proposed_by.to_string())),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut lines = vec![text(language, "cli-erasure", &values)];
    if let Some(by) = &line.decided_by {
        lines.push(text(
            language,
            "cli-erasure-decided",
            &[("by", &clean(&by.to_string()))],
        ));
    }
    if let Some(log) = &line.log {
        lines.push(text(language, "cli-erasure-log", &[("origin", &clean(log))]));
    }
    for record in &line.records {
        let (index, sections) = (record.index.to_string(), clean(&record.sections.join(", ")));
        let mut values = vec![
            ("index", index.as_str()),
            ("kind", &record.kind),
            ("sections", &sections),
        ];
        let tombstone = record.tombstone.map(|number| number.to_string());
        let key = match &tombstone {
            Some(number) => {
                values.push(("tombstone", number));
                "cli-erasure-tombstone"
            }
            None => "cli-erasure-record",
        };
        lines.push(text(language, key, &values));
    }
    for recipient in &line.recipients {
        let did = clean(&recipient.did);
        lines.push(match recipient.told_ms {
            Some(time) => text(language, "cli-erasure-told", &[("did", &did), ("time", &when(time))]),
            None => text(language, "cli-erasure-untold", &[("did", &did)]),
        });
    }
    for other in &line.elsewhere {
        let numbers: Vec<String> = other.records.iter().map(ToString::to_string).collect();
        let origin = clean(&other.origin);
        let values = [("origin", origin.as_str()), ("records", &numbers.join(", "))];
        lines.push(text(language, "cli-erasure-elsewhere", &values));
    }
    if let Some(is_buried) = line.is_buried {
        let key = if is_buried {
            "cli-erasure-buried"
        } else {
            "cli-erasure-unburied"
        };
        lines.push(text(language, key, &[("id", &clean(&line.id))]));
    }
    if line.state == ErasureState::Proposed {
        lines.push(text(language, "cli-erasure-next", &[("id", &clean(&line.id))]));
    }
    lines.join("\n")
}

impl Shown for HoldAnswer {
    fn show(&self, language: Language) -> String {
        let mut table = columns(language, &["id", "held", "reason", "by", "since"]);
        for line in &self.holds {
            let what = match &line.what {
                Meant::Records(records) => {
                    let numbers: Vec<String> = records.iter().map(ToString::to_string).collect();
                    text(language, "cli-hold-records", &[("records", &numbers.join(", "))])
                }
                Meant::Case(case) => text(language, "cli-hold-case", &[("case", case)]),
                Meant::Agreement(id) => text(language, "cli-hold-agreement", &[("agreement", id)]),
            };
            table.row([
                line.id.clone(),
                what,
                line.reason.clone(),
                line.by.to_string(),
                when(line.since_ms),
            ]);
        }
        let shown = counted(language, &table, self.holds.len() as u64);
        match self.removed {
            true => format!("{shown}\n{}", text(language, "cli-hold-removed", &[])),
            false => shown,
        }
    }
}
