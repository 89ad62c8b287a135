//! Checks that a draft keeps the rules of its kind (docs/log-format.md, section 6), and writes its sections.

use super::draft::Reservation;
use super::{Document, Draft, DraftError, Kind, Links, NotBefore, Term};
use crate::digits::hex32;
use crate::exchange::{Content, Exchange};
use crate::merkle::Hash;
use crate::section::SectionName;
use crate::store::codec::Grave;
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
        let mut streams: BTreeMap<SectionName, String> = BTreeMap::new();
        for key in &self.streams {
            let section = key.section();
            if streams.insert(section, key.stored_key()).is_some() {
                return Err(DraftError::Twice { kind, section });
            }
        }
        check_lengths(streams.values().map(String::len))?;
        kind.check(
            |name| sections.contains_key(&name) || streams.contains_key(&name),
            |name| sections.get(&name),
        )?;
        check_exchange(kind, &sections)?;
        let listed = sections.get(&SectionName::Evidence).map(listed).unwrap_or_default();
        let listed = listed.into_iter().flatten().collect();
        let links = Links::of(kind, |name| sections.get(&name));
        let write = |(section, value): (SectionName, Value)| match json::section_bytes(&value) {
            Ok(bytes) => Ok((section, bytes)),
            Err(error) => Err(DraftError::Section { kind, section, error }),
        };
        let sections = sections.into_iter().map(write).collect::<Result<_, _>>()?;
        let mut terms = self.terms;
        terms.extend(self.prior.iter().map(|leaf| Term::RestsOn(*leaf)));
        let sealed = SealedDraft {
            kind,
            trace: self.trace,
            sections,
            prior: self.prior,
            not_before: self.not_before,
            streams,
            documents,
            listed,
            terms,
            links,
            once: self.once,
            reservations: self.reservations,
            state: self.state,
            grave: None,
        };
        sealed.check_envelope()?;
        Ok(sealed)
    }

    fn check_keys(&self) -> Result<(), DraftError> {
        let reserved = self.reservations.iter().map(|reservation| match reservation {
            Reservation::Add { key, .. } | Reservation::Release { key, .. } => key.len(),
        });
        let others = self.once.iter().map(|(key, _)| key.len());
        let others = others.chain(self.state.iter().map(|(key, _)| key.len()));
        check_lengths(reserved.chain(others).chain(self.terms.iter().map(Term::stored_bytes)))
    }
}

fn check_lengths(mut lengths: impl Iterator<Item = usize>) -> Result<(), DraftError> {
    match lengths.find(|length| *length > MAX_KEY_BYTES) {
        None => Ok(()),
        Some(found) => Err(DraftError::KeyLength {
            found,
            limit: MAX_KEY_BYTES,
        }),
    }
}

/// A draft that keeps the rules of its kind, its sections written.
#[derive(Debug)]
pub(crate) struct SealedDraft {
    pub(crate) kind: Kind,
    pub(crate) trace: String,
    pub(crate) sections: Vec<(SectionName, Vec<u8>)>,
    pub(crate) prior: Vec<Hash>,
    pub(crate) not_before: Option<NotBefore>,
    /// The stored key of each of its streams.
    pub(crate) streams: BTreeMap<SectionName, String>,
    pub(crate) documents: Attached,
    /// The SHA-256 of every document that it lists, also of those that are kept already.
    pub(crate) listed: Vec<[u8; 32]>,
    pub(crate) terms: Vec<Term>,
    pub(crate) links: Links,
    pub(crate) once: Option<(String, [u8; 32])>,
    pub(crate) reservations: Vec<Reservation>,
    pub(crate) state: Vec<(String, Option<Vec<u8>>)>,
    /// What it erases, when it is a tombstone.
    pub(crate) grave: Option<Grave>,
}

/// Documents to be kept, by their SHA-256.
pub(crate) type Attached = Vec<([u8; 32], Vec<u8>)>;

/// The SHA-256 of each document that a section `evidence` lists, or what stands there instead.
pub(crate) fn listed(evidence: &Value) -> Vec<Result<[u8; 32], &Value>> {
    let documents = evidence.get("documents").and_then(Value::as_array);
    let digest = |document: &Value| document.get("sha256")?.as_str().and_then(hex32);
    let documents = documents.into_iter().flatten();
    documents.map(|document| digest(document).ok_or(document)).collect()
}

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

/// That `exchange` and `content` have their form, and that the one commits to the other.
fn check_exchange(kind: Kind, sections: &BTreeMap<SectionName, Value>) -> Result<(), DraftError> {
    let both = sections
        .get(&SectionName::Exchange)
        .zip(sections.get(&SectionName::Content));
    let Some((exchange, content)) = both else {
        return Ok(());
    };
    let wrong = |error| DraftError::Exchange { kind, error };
    let exchange = Exchange::read(exchange).map_err(wrong)?;
    let content = Content::read(content).map_err(wrong)?;
    if exchange.content != content.mac() || exchange.to - exchange.from != content.bytes {
        return Err(DraftError::ContentMac { kind });
    }
    Ok(())
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
