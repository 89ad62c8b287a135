//! What was written for programs of others, as a person reads it.

use super::{Shown, clean, when};
use crate::cli::text::{Language, text};
use crate::control::protocol::LedgerExported;

impl Shown for LedgerExported {
    fn show(&self, language: Language) -> String {
        match self {
            Self::Record(record) => {
                let (index, size) = (record.index.to_string(), record.size.to_string());
                let witnesses = clean(&record.witnesses.join(", "));
                let none = record.witnesses.is_empty();
                let key = if none {
                    "cli-ledger-record-alone"
                } else {
                    "cli-ledger-record"
                };
                let path = clean(&record.path.display().to_string());
                let mut values = vec![
                    ("path", path.as_str()),
                    ("index", &index),
                    ("size", &size),
                    ("entry", &record.entry),
                ];
                if !none {
                    values.push(("witnesses", &witnesses));
                }
                text(language, key, &values)
            }
            Self::Timestamps(stamps) => {
                let lines = stamps.timestamps.iter().map(|line| {
                    let values = [
                        ("path", clean(&line.response.display().to_string())),
                        ("size", line.size.to_string()),
                        ("time", when(line.time_ms)),
                        ("authority", clean(&line.authority)),
                    ];
                    let values: Vec<(&str, &str)> =
                        values.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    text(language, "cli-ledger-timestamp", &values)
                });
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }
}
