//! Checks that a draft keeps the rules of its kind (docs/log-format.md, section 6), and writes its sections.

use super::draft::Reservation;
use super::{Document, Draft, DraftError, Kind, NotBefore, StreamKey, Term};
use crate::exchange::{Content, Exchange};
use crate::merkle::Hash;
use crate::section::SectionName;
use herleid_vocab::json;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Longest key of a once-key, a counter, a term or the state, in bytes: several ids and a name.
pub(crate) const MAX_KEY_BYTES: usize = 2048;

impl Draft {
    /// Whether a log would take this draft, as far as the draft itself says.
    ///
    /// # Errors
    /// The first rule of its kind that is broken.
    pub fn check(&self) -> Result<(), DraftError> {
        self.clone().seal().map(|_| ())
    }

    /// Checks the draft against the rules of its kind and writes its sections.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn seal(self) -> Result<SealedDraft, DraftError> {
        let kind = self.kind;
        if !is_traceparent(&self.trace) {
            let found = self.trace.chars().take(80).collect();
            return Err(DraftError::Trace { found });
        }
        if let Some(iri) = self.activity.as_deref().filter(|iri| !is_iri(iri)) {
            let found = iri.chars().take(80).collect();
            return Err(DraftError::Activity { found });
        }
        self.check_keys()?;

        let mut sections: BTreeMap<SectionName, Value> = BTreeMap::new();
        for (section, value) in self.sections {
            if section.is_made_by_the_log() {
                return Err(DraftError::MadeByLog { kind, section });
            }
            if sections.insert(section, value).is_some() {
                return Err(DraftError::Twice { kind, section });
            }
        }
        let documents = attach(kind, self.documents, &mut sections)?;
        let mut streams: BTreeMap<SectionName, StreamKey> = BTreeMap::new();
        for key in self.streams {
            let section = key.section();
            if streams.insert(section, key).is_some() {
                return Err(DraftError::Twice { kind, section });
            }
        }
        check_rules(kind, &sections, &streams)?;
        check_exchange(kind, &sections)?;
        let write = |(section, value): (SectionName, Value)| match json::section_bytes(&value) {
            Ok(bytes) => Ok((section, bytes)),
            Err(error) => Err(DraftError::Section { kind, section, error }),
        };
        let sections = sections.into_iter().map(write).collect::<Result<_, _>>()?;
        let mut terms = self.terms;
        terms.extend(self.prior.iter().map(|leaf| Term::RestsOn(*leaf)));
        Ok(SealedDraft {
            kind,
            trace: self.trace,
            sections,
            prior: self.prior,
            activity: self.activity,
            not_before: self.not_before,
            streams: streams.into_values().collect(),
            documents,
            terms,
            once: self.once,
            reservations: self.reservations,
            state: self.state,
        })
    }

    fn check_keys(&self) -> Result<(), DraftError> {
        let reserved = self.reservations.iter().map(|reservation| match reservation {
            Reservation::Add { key, .. } | Reservation::Release { key, .. } => key.len(),
        });
        let mut lengths = reserved
            .chain(self.once.iter().map(|(key, _)| key.len()))
            .chain(self.state.iter().map(|(key, _)| key.len()))
            .chain(self.terms.iter().map(|term| term.stored_key().len()))
            .chain(self.streams.iter().map(|key| key.stored_key().len()));
        match lengths.find(|length| *length > MAX_KEY_BYTES) {
            None => Ok(()),
            Some(found) => Err(DraftError::KeyLength {
                found,
                limit: MAX_KEY_BYTES,
            }),
        }
    }
}

/// A draft that keeps the rules of its kind, its sections written.
#[derive(Debug)]
pub(crate) struct SealedDraft {
    pub(crate) kind: Kind,
    pub(crate) trace: String,
    pub(crate) sections: Vec<(SectionName, Vec<u8>)>,
    pub(crate) prior: Vec<Hash>,
    pub(crate) activity: Option<String>,
    pub(crate) not_before: Option<NotBefore>,
    pub(crate) streams: Vec<StreamKey>,
    pub(crate) documents: Attached,
    pub(crate) terms: Vec<Term>,
    pub(crate) once: Option<(String, [u8; 32])>,
    pub(crate) reservations: Vec<Reservation>,
    pub(crate) state: Vec<(String, Option<Vec<u8>>)>,
}

/// Documents to be kept, by their SHA-256.
pub(crate) type Attached = Vec<([u8; 32], Vec<u8>)>;

/// Lists the documents in `evidence.documents`, after those that the caller lists there itself.
fn attach(
    kind: Kind,
    documents: Vec<Document>,
    sections: &mut BTreeMap<SectionName, Value>,
) -> Result<Attached, DraftError> {
    let mut kept = Vec::new();
    if documents.is_empty() {
        return Ok(kept);
    }
    let evidence = sections
        .entry(SectionName::Evidence)
        .or_insert_with(|| Value::Object(Map::new()));
    let listed = evidence
        .as_object_mut()
        .map(|evidence| evidence.entry("documents").or_insert_with(|| json!([])))
        .and_then(Value::as_array_mut)
        .ok_or(DraftError::Documents { kind })?;
    for document in documents {
        let digest: [u8; 32] = Sha256::digest(&document.bytes).into();
        listed.push(json!({
            "sha256": hex::encode(digest),
            "bytes": document.bytes.len(),
            "mediaType": document.media_type,
            "role": document.role,
        }));
        kept.push((digest, document.bytes));
    }
    Ok(kept)
}

fn check_rules(
    kind: Kind,
    sections: &BTreeMap<SectionName, Value>,
    streams: &BTreeMap<SectionName, StreamKey>,
) -> Result<(), DraftError> {
    let needed = kind.requirements();
    for (section, members) in needed.rules.iter().copied() {
        if section.is_made_by_the_log() {
            if !streams.contains_key(&section) {
                return Err(DraftError::Missing { kind, section });
            }
            continue;
        }
        let value = sections.get(&section).ok_or(DraftError::Missing { kind, section })?;
        if let Some(member) = members.iter().find(|member| value.get(**member).is_none()) {
            let member = (*member).to_owned();
            return Err(DraftError::Member { kind, section, member });
        }
    }
    let facts = sections.get(&SectionName::Facts);
    let has_all = |set: &&[&str]| {
        set.iter()
            .all(|member| facts.is_some_and(|facts| facts.get(*member).is_some()))
    };
    if !needed.facts_either.is_empty() && !needed.facts_either.iter().any(has_all) {
        let sets: Vec<String> = needed.facts_either.iter().map(|set| set.join(", ")).collect();
        return Err(DraftError::Member {
            kind,
            section: SectionName::Facts,
            member: sets.join("` or `"),
        });
    }
    let documents = sections
        .get(&SectionName::Evidence)
        .and_then(|evidence| evidence.get("documents"));
    for (role, expected) in needed.roles.iter().copied() {
        let listed = documents.and_then(Value::as_array).into_iter().flatten();
        let found = listed
            .filter(|document| document.get("role") == Some(&json!(role)))
            .count();
        if found < expected {
            return Err(DraftError::Role {
                kind,
                role,
                expected,
                found,
            });
        }
    }
    let Some(run) = sections.get(&SectionName::Run) else {
        return Ok(());
    };
    let status = run.get("status").and_then(Value::as_str).unwrap_or_default();
    if !needed.run_status.is_empty() && !needed.run_status.contains(&status) {
        return Err(DraftError::Value {
            kind,
            section: SectionName::Run,
            member: "status",
            expected: format!("`{}`", needed.run_status.join("` or `")),
            found: status.to_owned(),
        });
    }
    let before_the_end = matches!(status, "requested" | "started");
    if before_the_end && run.get("outputs") != Some(&json!([])) {
        return Err(DraftError::Value {
            kind,
            section: SectionName::Run,
            member: "outputs",
            expected: "empty while it has not finished".to_owned(),
            found: "outputs".to_owned(),
        });
    }
    let for_a_case = run.get("case").is_some_and(|case| !case.is_null());
    if kind == Kind::RunReceived && for_a_case && !streams.contains_key(&SectionName::StreamCase) {
        let section = SectionName::StreamCase;
        return Err(DraftError::Missing { kind, section });
    }
    Ok(())
}

fn check_exchange(kind: Kind, sections: &BTreeMap<SectionName, Value>) -> Result<(), DraftError> {
    let (exchange, content) = match (
        sections.get(&SectionName::Exchange),
        sections.get(&SectionName::Content),
    ) {
        (None, None) => return Ok(()),
        (Some(exchange), Some(content)) => (exchange, content),
        _ => return Err(DraftError::ExchangeAlone { kind }),
    };
    let wrong = |error| DraftError::Exchange { kind, error };
    let exchange = Exchange::from_value(exchange.clone()).map_err(wrong)?;
    let content = Content::from_value(content.clone()).map_err(wrong)?;
    if exchange.content != content.mac() || exchange.to - exchange.from != content.bytes {
        return Err(DraftError::ContentMac { kind });
    }
    match kind.requirements().phase {
        Some(phase) if phase != exchange.phase => Err(DraftError::Value {
            kind,
            section: SectionName::Exchange,
            member: "phase",
            expected: format!("`{phase}`"),
            found: exchange.phase.to_string(),
        }),
        _ => Ok(()),
    }
}

/// W3C Trace Context, section 3.2: version 00, lower-case hex, ids not all zero.
fn is_traceparent(text: &str) -> bool {
    let hex_of = |part: Option<&str>, length: usize| {
        part.is_some_and(|part| {
            part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    };
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next(), parts.next(), parts.next(), parts.next());
    let not_zero = |part: Option<&str>| part.is_some_and(|part| part.bytes().any(|b| b != b'0'));
    version == Some("00")
        && hex_of(trace, 32)
        && not_zero(trace)
        && hex_of(span, 16)
        && not_zero(span)
        && hex_of(flags, 2)
        && parts.next().is_none()
}

fn is_iri(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
