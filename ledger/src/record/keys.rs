//! What records are numbered by, found by and accompanied by: streams, terms, documents.

use super::Kind;
use crate::merkle::Hash;
use crate::section::SectionName;
use herleid_vocab::did::Did;
use herleid_vocab::json::put_text;

/// Which side of an agreement this log's owner is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Gives data or runs models.
    Provider,
    /// Receives.
    Consumer,
}

impl Side {
    /// `provider` or `consumer`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Consumer => "consumer",
        }
    }
}

/// What a stream is of (docs/log-format.md, section 4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StreamKey {
    /// `stream-agreement`: each end numbers its own records.
    Agreement {
        /// Agreement id.
        agreement: String,
        /// This end's side.
        side: Side,
        /// The other end.
        other: Did,
    },
    /// `stream-model`: numbered by the model's provider, spans the model's versions.
    Model {
        /// Model service id.
        model: String,
        /// Who asks for runs.
        consumer: Did,
    },
    /// `stream-case`: numbered by the deciding party.
    Case {
        /// Case number.
        case: String,
    },
}

impl StreamKey {
    /// The section that carries the place in this stream.
    #[must_use]
    pub const fn section(&self) -> SectionName {
        match self {
            Self::Agreement { .. } => SectionName::StreamAgreement,
            Self::Model { .. } => SectionName::StreamModel,
            Self::Case { .. } => SectionName::StreamCase,
        }
    }

    /// A text that no other key has.
    pub(crate) fn stored_key(&self) -> String {
        let section = self.section().as_str();
        match self {
            Self::Agreement { agreement, side, other } => {
                json_list(&[section, agreement, side.as_str(), other.as_str()])
            }
            Self::Model { model, consumer } => json_list(&[section, model, consumer.as_str()]),
            Self::Case { case } => json_list(&[section, case]),
        }
    }
}

/// These texts as a JSON array.
fn json_list(texts: &[&str]) -> String {
    let mut list = Vec::with_capacity(texts.iter().map(|text| text.len() + 3).sum::<usize>() + 1);
    for text in texts {
        list.push(if list.is_empty() { b'[' } else { b',' });
        put_text(&mut list, text);
    }
    list.push(b']');
    // Texts, and ASCII between them.
    String::from_utf8(list).unwrap_or_default()
}

/// What a record can be found by. Terms lie readable in the store, so nothing guessable about a person belongs in one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// SHA-256 or BLAKE3 of content that the record is about. Versions before the lineage index wrote this term and the next two; what
    /// it can be found by now, [`crate::Ledger::by_digest`] says without keeping the digest readable.
    Digest([u8; 32]),
    /// SHA-256 or BLAKE3 of an input of a run.
    RunInput([u8; 32]),
    /// SHA-256 or BLAKE3 of an output of a run.
    RunOutput([u8; 32]),
    /// The record rests on this earlier leaf.
    RestsOn(Hash),
    /// Transaction id.
    Transaction(String),
    /// Agreement id.
    Agreement(String),
    /// Case number.
    Case(String),
    /// Model service id.
    Model(String),
    /// Dataset id.
    Dataset(String),
    /// Counterparty.
    Party(Did),
    /// Kind of the record.
    Kind(Kind),
}

impl Term {
    /// Tag, length, bytes: no term's key is the beginning of another's.
    pub(crate) fn stored_key(&self) -> Vec<u8> {
        let (head, bytes) = self.stored_parts();
        [head.as_slice(), bytes].concat()
    }

    /// [`Self::stored_key`] in two parts.
    pub(crate) fn stored_parts(&self) -> ([u8; 9], &[u8]) {
        let (tag, bytes) = self.tagged();
        let mut head = [tag; 9];
        let [_, length @ ..] = &mut head;
        *length = (bytes.len() as u64).to_be_bytes();
        (head, bytes)
    }

    /// Length of [`Self::stored_key`].
    pub(crate) fn stored_bytes(&self) -> usize {
        let (_, bytes) = self.tagged();
        1 + 8 + bytes.len()
    }

    fn tagged(&self) -> (u8, &[u8]) {
        match self {
            Self::Digest(digest) => (1, digest),
            Self::RunInput(digest) => (2, digest),
            Self::RunOutput(digest) => (3, digest),
            Self::RestsOn(leaf) => (4, leaf),
            Self::Transaction(id) => (5, id.as_bytes()),
            Self::Agreement(id) => (6, id.as_bytes()),
            Self::Case(case) => (7, case.as_bytes()),
            Self::Model(id) => (8, id.as_bytes()),
            Self::Dataset(id) => (9, id.as_bytes()),
            Self::Party(did) => (10, did.as_str().as_bytes()),
            Self::Kind(kind) => (11, kind.as_str().as_bytes()),
        }
    }
}

/// A document that belongs to a record; kept in the evidence store, listed in `evidence.documents`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is to the record: `receipt`, `agreement`, `signature-base`...
    pub role: String,
    /// Its media type.
    pub media_type: String,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
}

/// The latest cosigned foreign checkpoint that was seen (`envelope.notBefore`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBefore {
    /// Origin of the other log.
    pub origin: String,
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// SHA-256 of the signed note.
    pub note: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn a_stream_is_stored_under_the_text_that_a_general_writer_writes(agreement in any::<String>()) {
            let other: Did = "did:web:knmi.example".parse().unwrap();
            let key = StreamKey::Agreement { agreement: agreement.clone(), side: Side::Consumer, other };
            let general = json!(["stream-agreement", agreement, "consumer", "did:web:knmi.example"]);
            prop_assert_eq!(key.stored_key(), general.to_string());
            prop_assert_eq!(StreamKey::Case { case: agreement.clone() }.stored_key(), json!(["stream-case", agreement]).to_string());
        }
    }
}
