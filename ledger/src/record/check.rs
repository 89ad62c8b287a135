//! Checks that a draft keeps the rules of its kind (docs/log-format.md, section 6), and writes its sections.

use super::draft::Reservation;
use super::{Document, Draft, DraftError, Kind, Links, NotBefore, StreamKey, Term};
use crate::digits::hex32;
use crate::exchange::{Content, Exchange, Exchanged};
use crate::merkle::Hash;
use crate::section::SectionName;
use crate::store::codec::Grave;
use herleid_vocab::json;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

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

        let mut sections: Vec<(SectionName, Value)> = Vec::with_capacity(self.sections.len() + 1);
        let exchanged = self.exchanged;
        let is_exchanged = |name| exchanged.is_some() && matches!(name, SectionName::Exchange | SectionName::Content);
        for (section, value) in self.sections {
            if section.is_made_by_the_log() {
                return Err(DraftError::MadeByLog { kind, section });
            }
            if find(&sections, section).is_some() || is_exchanged(section) {
                return Err(DraftError::Twice { kind, section });
            }
            sections.push((section, value));
        }
        let documents = attach(kind, self.documents, &mut sections)?;
        let mut streams: Vec<(SectionName, String)> = Vec::with_capacity(self.streams.len());
        for key in &self.streams {
            let section = key.section();
            if find(&streams, section).is_some() {
                return Err(DraftError::Twice { kind, section });
            }
            streams.push((section, key.stored_key()));
        }
        streams.sort_unstable_by_key(|(section, _)| *section);
        check_lengths(streams.iter().map(|(_, key)| key.len()))?;
        kind.check(
            |name| find(&sections, name).is_some() || is_exchanged(name) || find(&streams, name).is_some(),
            |name| find(&sections, name),
        )?;
        match &exchanged {
            Some(exchanged) => kind.check_exchanged(exchanged.phase)?,
            None => check_exchange(kind, &sections)?,
        }
        let listed = find(&sections, SectionName::Evidence).map(listed).unwrap_or_default();
        let listed = listed.into_iter().flatten().collect();
        let mut links = Links::of(kind, |name| find(&sections, name));
        let mut written: Vec<(SectionName, Vec<u8>)> = Vec::with_capacity(sections.len() + 2);
        for (section, value) in &sections {
            let bytes = json::section_bytes(value);
            let section = *section;
            written.push((
                section,
                bytes.map_err(|error| DraftError::Section { kind, section, error })?,
            ));
        }
        if let Some(mut exchanged) = exchanged {
            links.add(kind, &mut exchanged);
            let Exchanged { exchange, content, .. } = *exchanged;
            written.push((SectionName::Exchange, exchange));
            written.push((SectionName::Content, content));
        }
        written.sort_unstable_by_key(|(section, _)| *section);
        let mut terms = self.terms;
        let by_kind = kind.is_looked_for().then_some(Term::Kind(kind));
        for term in self.streams.iter().map(StreamKey::term).chain(by_kind) {
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        terms.extend(self.prior.iter().map(|leaf| Term::RestsOn(*leaf)));
        let sealed = SealedDraft {
            kind,
            trace: self.trace,
            sections: written,
            activity: self.activity,
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
            handed_over: self.handed_over,
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

/// What stands under a name; a record has a dozen at most.
fn find<T>(named: &[(SectionName, T)], name: SectionName) -> Option<&T> {
    let mut named = named.iter();
    named.find(|(known, _)| *known == name).map(|(_, found)| found)
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
    pub(crate) activity: Option<String>,
    pub(crate) prior: Vec<Hash>,
    pub(crate) not_before: Option<NotBefore>,
    /// The stored key of each of its streams, in the order of their sections.
    pub(crate) streams: Vec<(SectionName, String)>,
    pub(crate) documents: Attached,
    /// The SHA-256 of every document that it lists, also of those that are kept already.
    pub(crate) listed: Vec<[u8; 32]>,
    pub(crate) terms: Vec<Term>,
    pub(crate) links: Links,
    pub(crate) once: Option<(String, [u8; 32])>,
    pub(crate) reservations: Vec<Reservation>,
    pub(crate) state: Vec<(String, Option<Vec<u8>>)>,
    /// Sections that are opened to somebody when the record is durable.
    pub(crate) handed_over: Vec<SectionName>,
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
    sections: &mut Vec<(SectionName, Value)>,
) -> Result<Attached, DraftError> {
    let mut kept = Vec::new();
    if documents.is_empty() {
        return Ok(kept);
    }
    if find(sections, SectionName::Evidence).is_none() {
        sections.push((SectionName::Evidence, Value::Object(Map::new())));
    }
    let mut evidence = sections.iter_mut().filter(|(name, _)| *name == SectionName::Evidence);
    let listed = evidence
        .next()
        .and_then(|(_, evidence)| evidence.as_object_mut())
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
fn check_exchange(kind: Kind, sections: &[(SectionName, Value)]) -> Result<(), DraftError> {
    let both = find(sections, SectionName::Exchange).zip(find(sections, SectionName::Content));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Phase, Subject};
    use crate::record::{Side, StreamKey};

    #[test]
    fn an_exchange_at_hand_is_taken_and_refused_as_its_sections_are() {
        let content = Content::digest([1; 32], b"rain", "text/csv");
        let exchange = Exchange {
            transaction: "0192f0c1-2b3c-7d4e-8f50-112233445501".parse().unwrap(),
            segment: 1,
            phase: Phase::Pull,
            agreement: "urn:a".to_owned(),
            provider: "did:web:a.example".parse().unwrap(),
            consumer: "did:web:b.example".parse().unwrap(),
            subject: Subject::Dataset {
                dataset: "rain".to_owned(),
                version: "1".to_owned(),
            },
            from: 0,
            to: 4,
            content: content.mac(),
        };
        let begun = || {
            Draft::new(
                Kind::PullServed,
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )
            .section(SectionName::Facts, json!({"transaction": "t"}))
            .stream(StreamKey::Agreement {
                agreement: "urn:a".to_owned(),
                side: Side::Provider,
                other: "did:web:b.example".parse().unwrap(),
            })
        };
        let in_sections = |exchange: &Exchange, content: &Content| {
            begun()
                .section(SectionName::Exchange, exchange.to_value())
                .section(SectionName::Content, content.to_value())
        };
        let of = |change: &dyn Fn(&mut Exchange)| {
            let mut changed = exchange.clone();
            change(&mut changed);
            changed
        };
        let longer = Content {
            bytes: 5,
            ..content.clone()
        };
        let mut taken = 0;
        for (exchange, content) in [
            (exchange.clone(), &content),
            (of(&|e| e.phase = Phase::RunResult), &content),
            (of(&|e| e.segment = 0), &content),
            (of(&|e| e.consumer = e.provider.clone()), &content),
            (of(&|e| e.agreement.clear()), &content),
            (of(&|e| e.agreement = "\"\\\n".repeat(1 << 18)), &content),
            (of(&|e| e.content = [0; 32]), &content),
            (exchange.clone(), &longer),
            (of(&|e| (e.to, e.content) = (5, longer.mac())), &longer),
        ] {
            let general = in_sections(&exchange, content).seal();
            taken += usize::from(general.is_ok());
            assert_eq!(
                format!("{:?}", begun().exchanged(&exchange, content).seal()),
                format!("{general:?}")
            );
        }
        assert_eq!(taken, 2);
        for twice in [
            begun().exchanged(&exchange, &content).exchanged(&exchange, &content),
            in_sections(&exchange, &content).exchanged(&exchange, &content),
        ] {
            assert!(matches!(twice.seal(), Err(DraftError::Twice { .. })));
        }
    }

    #[test]
    fn no_kind_asks_for_a_member_of_an_exchange_or_its_content() {
        for kind in Kind::ALL {
            let rules = kind.requirements().rules.iter();
            let mut both = rules.filter(|(name, _)| matches!(name, SectionName::Exchange | SectionName::Content));
            assert!(both.all(|(_, members)| members.is_empty()), "{kind}");
        }
    }
}
