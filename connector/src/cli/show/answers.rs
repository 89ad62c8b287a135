//! Each answer as a person reads it.

use super::tree::traced;
use super::{Table, clean, size, when};
use crate::cli::text::{Language, text};
use crate::control::error::Code;
use crate::control::protocol::{
    AgreementLine, AgreementList, AnchorsAnswer, CatalogAnswer, CatalogKind, CredentialAnswer, CredentialLine,
    DecideAnswer, DossierAnswer, NegotiateAnswer, PublishAnswer, PullAnswer, PushAnswer, RunAnswer, Side, StatusAnswer,
    TraceAnswer, TransferLine, TransferList, WithdrawAnswer,
};
use crate::witnessing::WitnessStanding;
use serde_json::Value;

/// An answer that can be read.
pub trait Shown {
    /// The answer in `language`, without a closing line feed.
    fn show(&self, language: Language) -> String;

    /// What the answer means for the exit code; `None`: all is well.
    fn verdict(&self) -> Option<Code> {
        None
    }
}

/// The columns of a table by the ends of their keys.
pub(super) fn columns(language: Language, names: &[&str]) -> Table {
    Table::new(
        names
            .iter()
            .map(|name| text(language, &format!("cli-column-{name}"), &[])),
    )
}

/// A table with, below it, how many rows of how many it shows: never silently a part.
pub(super) fn counted(language: Language, table: &Table, total: u64) -> String {
    let shown = table.len() as u64;
    let count = if shown == total {
        text(language, "cli-shown-all", &[("total", &total.to_string())])
    } else {
        text(
            language,
            "cli-shown-some",
            &[("shown", &shown.to_string()), ("total", &total.to_string())],
        )
    };
    if table.is_empty() {
        count
    } else {
        format!("{}\n{count}", table.draw())
    }
}

impl Shown for PublishAnswer {
    fn show(&self, language: Language) -> String {
        let (id, version, size, index) = (
            clean(&self.id),
            clean(&self.version),
            self.bytes.map_or_else(|| "-".to_owned(), size),
            self.index.to_string(),
        );
        text(
            language,
            "cli-published",
            &[("id", &id), ("version", &version), ("size", &size), ("index", &index)],
        )
    }
}

impl Shown for WithdrawAnswer {
    fn show(&self, language: Language) -> String {
        let (id, versions, index) = (
            clean(&self.id),
            clean(&self.versions.join(", ")),
            self.index.to_string(),
        );
        text(
            language,
            "cli-withdrawn",
            &[("id", &id), ("versions", &versions), ("index", &index)],
        )
    }
}

impl Shown for CredentialAnswer {
    fn show(&self, language: Language) -> String {
        match self {
            // Alone, so that it can be put in a file as it is.
            Self::Issued { jwt } => clean(jwt),
            Self::Added(line) => {
                let (types, issuer) = (clean(&line.types.join(", ")), clean(&line.issuer));
                text(
                    language,
                    "cli-credential-added",
                    &[("types", &types), ("issuer", &issuer)],
                )
            }
            Self::List { credentials } => {
                let mut table = columns(language, &["types", "issuer", "subject", "valid", "state"]);
                for line in credentials {
                    table.row(credential(line, language));
                }
                counted(language, &table, credentials.len() as u64)
            }
        }
    }
}

fn credential(line: &CredentialLine, language: Language) -> [String; 5] {
    [
        line.types.join(", "),
        line.issuer.clone(),
        line.subject.clone(),
        line.valid_until_ms
            .map_or_else(|| text(language, "cli-open-always", &[]), when),
        line.problem.clone().unwrap_or_else(|| text(language, "cli-valid", &[])),
    ]
}

impl Shown for CatalogAnswer {
    fn show(&self, language: Language) -> String {
        let mut table = columns(language, &["id", "kind", "version", "size", "title", "offers"]);
        for line in &self.datasets {
            let kind = match line.kind {
                CatalogKind::Dataset => "cli-kind-dataset",
                CatalogKind::Model => "cli-kind-model",
            };
            let offers: Vec<String> = line
                .offers
                .iter()
                .map(|offer| format!("{}: {}", offer.id, offer.summary))
                .collect();
            table.row([
                line.id.clone(),
                text(language, kind, &[]),
                line.version.clone().unwrap_or_default(),
                line.bytes.map(size).unwrap_or_default(),
                line.title.clone(),
                offers.join("; "),
            ]);
        }
        if self.more {
            let (shown, total) = (table.len().to_string(), self.total.to_string());
            let count = text(
                language,
                "cli-shown-some-of-more",
                &[("shown", &shown), ("total", &total)],
            );
            return format!("{}\n{count}", table.draw());
        }
        counted(language, &table, self.total)
    }
}

impl Shown for NegotiateAnswer {
    fn show(&self, language: Language) -> String {
        let (agreement, state) = (clean(&self.agreement), clean(&self.state));
        text(
            language,
            "cli-negotiated",
            &[("agreement", &agreement), ("state", &state)],
        )
    }
}

impl Shown for AgreementList {
    fn show(&self, language: Language) -> String {
        let mut table = columns(language, &["agreement", "side", "other", "dataset", "open", "policy"]);
        for line in &self.agreements {
            table.row(agreement(line, language));
        }
        counted(language, &table, self.total)
    }
}

fn agreement(line: &AgreementLine, language: Language) -> [String; 6] {
    let side = match line.side {
        Side::Provider => "cli-side-provider",
        Side::Consumer => "cli-side-consumer",
    };
    // What counts for a person is until when, not the name of a protocol's state.
    let open = match (&line.closed, line.open_until_ms) {
        (Some(why), _) => text(language, "cli-closed", &[("why", why)]),
        (None, Some(until)) => when(until),
        (None, None) => text(language, "cli-open-always", &[]),
    };
    [
        line.agreement.clone(),
        text(language, side, &[]),
        line.other.as_str().to_owned(),
        line.dataset.clone(),
        open,
        line.policy.clone(),
    ]
}

impl Shown for TransferList {
    fn show(&self, language: Language) -> String {
        let mut table = columns(language, &["id", "side", "other", "agreement", "access"]);
        for line in &self.transfers {
            let side = match line.side {
                Side::Provider => "cli-side-provider",
                Side::Consumer => "cli-side-consumer",
            };
            table.row([
                line.id.clone(),
                text(language, side, &[]),
                line.other.clone(),
                line.agreement.clone(),
                access(line, language),
            ]);
        }
        counted(language, &table, self.total)
    }
}

impl Shown for TransferLine {
    fn show(&self, language: Language) -> String {
        format!("{}: {}", clean(&self.id), access(self, language))
    }
}

/// What counts for a person: whether data may be had, and until when.
fn access(line: &TransferLine, language: Language) -> String {
    match (&line.closed, line.open_until_ms) {
        (Some(why), _) => text(language, "cli-closed", &[("why", &clean(why))]),
        (None, Some(until)) => text(language, "cli-open-until", &[("until", &when(until))]),
        (None, None) => text(language, "cli-open", &[]),
    }
}

impl Shown for PullAnswer {
    fn show(&self, language: Language) -> String {
        let values = [
            ("size", &*size(self.bytes)),
            ("path", &clean(&self.path.display().to_string())),
            ("sha256", &clean(&self.sha256)),
            ("blake3", &clean(&self.blake3)),
            ("transaction", &self.transaction.to_string()),
            ("index", &self.index.to_string()),
        ];
        text(language, "cli-pulled", &values)
    }
}

impl Shown for PushAnswer {
    fn show(&self, language: Language) -> String {
        let transfer = clean(&self.transfer);
        match &self.seen {
            Some(seen) => {
                let pushed = text(language, "cli-pushed", &[("transfer", &*transfer)]);
                format!("{pushed}\n{}", seen.show(language))
            }
            None => text(language, "cli-pushed-unseen", &[("transfer", &*transfer)]),
        }
    }
}

impl Shown for RunAnswer {
    fn show(&self, language: Language) -> String {
        let values = [
            ("model", &*clean(&self.model)),
            ("version", &clean(&self.version)),
            ("transaction", &self.transaction.to_string()),
            ("index", &self.index.to_string()),
        ];
        let mut table = columns(language, &["name", "size", "path", "digest"]);
        for line in &self.outputs {
            table.row([
                line.name.clone(),
                size(line.bytes),
                line.path.display().to_string(),
                line.sha256.clone(),
            ]);
        }
        format!("{}\n{}", text(language, "cli-ran", &values), table.draw())
    }
}

impl Shown for DecideAnswer {
    fn show(&self, language: Language) -> String {
        text(
            language,
            "cli-decided",
            &[("record", &self.record.to_string()), ("index", &self.index.to_string())],
        )
    }
}

impl Shown for TraceAnswer {
    fn show(&self, language: Language) -> String {
        match self {
            Self::Tree(root) => traced(root, language),
            Self::Sparql(results) => sparql(results, language),
        }
    }
}

/// SPARQL 1.1 Query Results JSON Format: `SELECT` as a table, `ASK` as its truth value, anything else as it came.
fn sparql(results: &Value, language: Language) -> String {
    let names = results.pointer("/head/vars").and_then(Value::as_array);
    let rows = results.pointer("/results/bindings").and_then(Value::as_array);
    match (names, rows, results.get("boolean")) {
        (_, _, Some(truth)) => truth.to_string(),
        (Some(names), Some(rows), None) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            let mut table = Table::new(names.iter().map(|name| clean(name)));
            for row in rows {
                table.row(names.iter().map(|name| {
                    let value = row.get(name).and_then(|term| term.get("value")).and_then(Value::as_str);
                    value.unwrap_or_default().to_owned()
                }));
            }
            counted(language, &table, rows.len() as u64)
        }
        _ => results.as_str().map_or_else(
            || results.to_string(),
            |text| text.lines().map(clean).collect::<Vec<_>>().join("\n"),
        ),
    }
}

impl Shown for DossierAnswer {
    fn show(&self, language: Language) -> String {
        let path = clean(&self.path.display().to_string());
        let mut lines = vec![text(
            language,
            "cli-dossier",
            &[("path", &path), ("manifest", &clean(&self.manifest_sha256))],
        )];
        lines.push(text(language, "cli-dossier-next", &[("path", &path)]));
        lines.join("\n")
    }
}

impl Shown for AnchorsAnswer {
    fn show(&self, language: Language) -> String {
        let path = clean(&self.path.display().to_string());
        text(
            language,
            "cli-anchors",
            &[("path", &path), ("fingerprint", &clean(&self.fingerprint))],
        )
    }
}

fn of_witness(language: Language, witness: &WitnessStanding) -> String {
    let (name, size) = (clean(&witness.name), witness.size.unwrap_or_default().to_string());
    let time = witness.cosigned_ms.map_or_else(|| "-".to_owned(), when);
    let mut values = vec![("name", name.as_str()), ("size", &size), ("time", &time)];
    let (Some(since), Some(why)) = (witness.failing_since_ms, &witness.why) else {
        return text(language, "cli-status-witness", &values);
    };
    let (since, why) = (when(since), clean(why));
    values.extend([("since", since.as_str()), ("why", &why)]);
    text(language, "cli-status-witness-failing", &values)
}

impl Shown for StatusAnswer {
    fn show(&self, language: Language) -> String {
        let counts = [
            ("size", self.size.to_string()),
            ("witnessed", self.witnessed_size.to_string()),
        ];
        let origin = clean(&self.origin);
        let mut values = vec![("origin", origin.as_str())];
        values.extend(counts.iter().map(|(name, count)| (*name, count.as_str())));
        let mut lines = vec![self.did.as_str().to_owned(), text(language, "cli-status-log", &values)];
        lines.extend(
            self.counts
                .iter()
                .map(|(name, count)| format!("{}: {count}", clean(name))),
        );
        lines.push(text(language, "cli-status-log-key", &[("key", &clean(&self.log_key))]));
        if let Some(key) = &self.witness_key {
            lines.push(text(language, "cli-status-witness-key", &[("key", &clean(key))]));
        }
        lines.extend(self.witnesses.iter().map(|witness| of_witness(language, witness)));
        for peer in &self.peers {
            lines.push(text(language, "cli-status-peer", &[("did", peer.as_str())]));
        }
        for warning in &self.warnings {
            lines.push(text(language, "cli-status-warning", &[("warning", &clean(warning))]));
        }
        lines.join("\n")
    }
}
