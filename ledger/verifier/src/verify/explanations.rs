//! `missing.json`: what the party says of what is not there. An explanation excuses nothing, unless an `erased` record in the
//! log proves it.

use super::erasures::Erasures;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Explained, Findings, Why};
use crate::dossier::Archive;
use crate::object::{object, objects};
use herleid_ledger::section::SectionName;
use herleid_vocab::json::{self, Limits};
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::io::{Read, Seek};

pub(super) const MISSING: &str = "missing.json";

/// As many explanations as there can be files.
const LIMITS: Limits = Limits {
    max_bytes: 16 << 20,
    max_depth: 8,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(deserialize_with = "objects")]
    missing: Vec<RawMissing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMissing {
    what: String,
    id: String,
    #[serde(deserialize_with = "why")]
    why: Why,
    explanation: String,
}

/// A text: what is derived also takes an object that has the text for its one member.
fn why<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Why, D::Error> {
    let text = String::deserialize(deserializer)?;
    Why::deserialize(text.into_deserializer())
}

/// Why, and in which words, by what it is about.
type Said = BTreeMap<(String, String), (Why, String)>;

/// Explanations by what they explain, and the erasures that the log proves.
#[derive(Debug, Default)]
pub(super) struct Explanations {
    said: Said,
    erasures: Erasures,
}

/// Reads `missing.json`.
pub(super) fn read<R: Read + Seek>(archive: &mut Archive<R>, records: &[Rec], findings: &mut Findings) -> Explanations {
    let said = try_read(archive).unwrap_or_else(|reason| {
        findings.failed(Check::File, MISSING, reason);
        Said::new()
    });
    Explanations {
        said,
        erasures: Erasures::of(records),
    }
}

fn try_read<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Said, Reason> {
    let bytes = archive
        .read(MISSING, LIMITS.max_bytes as u64)
        .map_err(Reason::refused)?;
    let value = json::parse(&bytes, &LIMITS).map_err(Reason::refused)?;
    let raw: Raw = object(value).map_err(Reason::refused)?;
    let entries = raw.missing.into_iter();
    Ok(entries.map(|m| ((m.what, m.id), (m.why, m.explanation))).collect())
}

impl Explanations {
    /// What is said of a record that is not there, by stream and number: never proved, for neither a record nor its stream
    /// section is ever erased.
    pub(super) fn record(&self, id: &str) -> Option<Explained> {
        self.find("record", id, || false)
    }

    /// What is said of a file that is not there: `what` is `evidence`, `data` or `model`, `id` its SHA-256. An erasure of
    /// evidence is proved by an `erased` record that lists the section `evidence` of a record that names it; one of data, by
    /// an `erased` record about the content of an exchange that brought it, or of a record that names it.
    pub(super) fn file(&self, what: &str, sha256: &str) -> Option<Explained> {
        self.find(what, sha256, || self.erasures.has_file(what, sha256))
    }

    /// What is said of a section that is not opened; its id is `<leaf hash>/<section>`.
    pub(super) fn section(&self, rec: &Rec, section: SectionName) -> Option<Explained> {
        let id = format!("{}/{section}", hex::encode(rec.leaf));
        self.find("section", &id, || self.erasures.has_section(rec, section))
    }

    /// What is said of a section that none of these records opens.
    pub(super) fn section_of_all<'a>(
        &self,
        records: impl IntoIterator<Item = &'a Rec>,
        section: SectionName,
    ) -> Option<Explained> {
        self.sections(records.into_iter().map(|rec| (rec, section)))
    }

    /// What is said of sections any of which would show the same. Proved only when every one was erased: one end alone cannot
    /// take back what the other still holds it to.
    pub(super) fn sections<'a>(&self, sections: impl IntoIterator<Item = (&'a Rec, SectionName)>) -> Option<Explained> {
        let there = sections
            .into_iter()
            .filter(|(rec, name)| rec.record.macs().contains_key(name));
        let said: Vec<Option<Explained>> = there.map(|(rec, name)| self.section(rec, name)).collect();
        let proved = said.iter().all(|one| one.as_ref().is_some_and(|one| one.proved));
        let first = said.into_iter().flatten().next()?;
        Some(Explained { proved, ..first })
    }

    fn find(&self, what: &str, id: &str, is_proved: impl FnOnce() -> bool) -> Option<Explained> {
        let (why, explanation) = self.said.get(&(what.to_owned(), id.to_owned()))?;
        Some(Explained {
            why: *why,
            explanation: explanation.clone(),
            proved: *why == Why::Erased && is_proved(),
        })
    }
}
