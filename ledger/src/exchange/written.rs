//! The bytes of both sections, written at once where nothing is to be refused: what a log's owner knows as an exchange need not become a
//! tree of values first.

use super::{Content, Exchange, Phase, Subject};
use crate::digits::hex64;
use herleid_vocab::json::{Limits, MAX_INTEGER, put_number, put_text};
use uuid::Uuid;

/// An exchange in whose bytes there is nothing long has so many at most.
const USUAL_BYTES: usize = 512;

fn put_member(to: &mut Vec<u8>, name: &str) {
    to.push(if to.is_empty() { b'{' } else { b',' });
    to.push(b'"');
    to.extend_from_slice(name.as_bytes());
    to.extend_from_slice(b"\":");
}

fn put_hash(to: &mut Vec<u8>, name: &str, hash: &[u8; 32]) {
    put_member(to, name);
    to.push(b'"');
    to.extend_from_slice(&hex64(hash));
    to.push(b'"');
}

fn put_member_text(to: &mut Vec<u8>, name: &str, text: &str) {
    put_member(to, name);
    put_text(to, text);
}

/// A section, if it is not too long to be one.
fn ended(mut section: Vec<u8>) -> Option<Vec<u8>> {
    section.push(b'}');
    (section.len() <= Limits::SECTION.max_bytes).then_some(section)
}

impl Exchange {
    /// The section's bytes; `None` when they would not be read back.
    pub(crate) fn written(&self) -> Option<Vec<u8>> {
        let (member, id, version) = match &self.subject {
            Subject::Dataset { dataset, version } => ("{\"dataset\":", dataset, version),
            Subject::Model { model, version } => ("{\"model\":", model, version),
        };
        let is_read_back = self.transaction.get_version_num() == 7
            && (1..=MAX_INTEGER).contains(&self.segment)
            && self.from <= self.to
            && self.to <= MAX_INTEGER
            && self.provider != self.consumer
            && [&self.agreement, id, version].iter().all(|text| !text.is_empty());
        if !is_read_back {
            return None;
        }
        let mut to = Vec::with_capacity(USUAL_BYTES);
        put_member_text(&mut to, "agreement", &self.agreement);
        put_member(&mut to, "bytes");
        put_number(&mut to, self.to - self.from);
        put_member_text(&mut to, "consumer", self.consumer.as_str());
        put_hash(&mut to, "content", &self.content);
        put_member_text(&mut to, "phase", self.phase.as_str());
        put_member_text(&mut to, "provider", self.provider.as_str());
        put_member(&mut to, "range");
        to.push(b'[');
        put_number(&mut to, self.from);
        to.push(b',');
        put_number(&mut to, self.to);
        to.push(b']');
        put_member(&mut to, "segment");
        put_number(&mut to, self.segment);
        put_member(&mut to, "subject");
        to.extend_from_slice(member.as_bytes());
        put_text(&mut to, id);
        put_member_text(&mut to, "version", version);
        to.push(b'}');
        let mut transaction = Uuid::encode_buffer();
        let transaction = self.transaction.hyphenated().encode_lower(&mut transaction);
        put_member_text(&mut to, "transaction", transaction);
        ended(to)
    }
}

impl Content {
    /// The section's bytes; `None` when they would not be read back.
    pub(crate) fn written(&self) -> Option<Vec<u8>> {
        if self.bytes > MAX_INTEGER || self.media_type.is_empty() {
            return None;
        }
        let mut to = Vec::with_capacity(USUAL_BYTES);
        put_hash(&mut to, "blake3", &self.blake3);
        put_member(&mut to, "bytes");
        put_number(&mut to, self.bytes);
        put_member_text(&mut to, "mediaType", &self.media_type);
        put_hash(&mut to, "salt", &self.salt);
        put_hash(&mut to, "sha256", &self.sha256);
        ended(to)
    }
}

/// An exchange and its content, which fit each other, as sections of a draft; and what of them is needed besides.
#[derive(Debug, Clone)]
pub(crate) struct Exchanged {
    pub(crate) exchange: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) phase: Phase,
    pub(crate) transaction: Uuid,
    pub(crate) subject: Subject,
    /// SHA-256 and BLAKE3 of the content.
    pub(crate) digests: Vec<[u8; 32]>,
}

impl Exchanged {
    /// `None` when one would not be read back, or is not of the other.
    pub(crate) fn of(exchange: &Exchange, content: &Content) -> Option<Self> {
        let sections = (exchange.written()?, content.written()?);
        let fits = exchange.content == content.mac() && exchange.to - exchange.from == content.bytes;
        fits.then(|| Self {
            exchange: sections.0,
            content: sections.1,
            phase: exchange.phase,
            transaction: exchange.transaction,
            subject: exchange.subject.clone(),
            digests: vec![content.sha256, content.blake3],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herleid_vocab::json;
    use proptest::prelude::*;

    fn subjects() -> impl Strategy<Value = Subject> {
        (any::<bool>(), "\\PC{0,5}", "[\\x00-\\x7f]{0,5}").prop_map(|(is_model, id, version)| {
            if is_model {
                Subject::Model { model: id, version }
            } else {
                Subject::Dataset { dataset: id, version }
            }
        })
    }

    fn numbers() -> impl Strategy<Value = u64> {
        prop_oneof![0..5u64, any::<u64>(), MAX_INTEGER - 2..MAX_INTEGER + 3]
    }

    fn exchanges() -> impl Strategy<Value = Exchange> {
        let ids = prop_oneof![Just(7u128), Just(4u128)].prop_map(|version| Uuid::from_u128(version << 76 | 5));
        let dids = || prop_oneof![Just("did:web:a.example"), Just("did:web:b.example%3A8443:log")];
        let phases = prop_oneof![Just(Phase::Pull), Just(Phase::RunRequest), Just(Phase::RunResult)];
        let ends = (dids(), dids(), subjects(), phases);
        (
            ids,
            numbers(),
            "\\PC{0,9}",
            ends,
            (numbers(), numbers()),
            any::<[u8; 32]>(),
        )
            .prop_map(
                |(transaction, segment, agreement, (provider, consumer, subject, phase), (from, to), content)| {
                    Exchange {
                        transaction,
                        segment,
                        phase,
                        agreement,
                        provider: provider.parse().unwrap(),
                        consumer: consumer.parse().unwrap(),
                        subject,
                        from,
                        to,
                        content,
                    }
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_is_written_at_once_is_what_is_read_back_and_nothing_else_is_written(exchange in exchanges()) {
            let general = json::section_bytes(&exchange.to_value());
            let is_read = general.as_ref().is_ok_and(|bytes| Exchange::parse(bytes).as_ref() == Ok(&exchange));
            prop_assert_eq!(exchange.written(), general.ok().filter(|_| is_read));
        }

        #[test]
        fn so_is_content(salt in any::<[u8; 32]>(), bytes in numbers(), media_type in "\\PC{0,9}") {
            let content = Content { salt, blake3: [1; 32], sha256: [2; 32], bytes, media_type };
            let general = json::section_bytes(&content.to_value());
            let is_read = general.as_ref().is_ok_and(|bytes| Content::parse(bytes).as_ref() == Ok(&content));
            prop_assert_eq!(content.written(), general.ok().filter(|_| is_read));
        }
    }
}
