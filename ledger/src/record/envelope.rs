//! The envelope (docs/log-format.md, section 3): what a draft says of itself, and what the log adds when it gives a place.

use super::{DraftError, SealedDraft};
use herleid_vocab::json::{self, MAX_INTEGER};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Longest DID that `herleid_vocab` reads, in characters, all of them ASCII.
const LONGEST_DID: usize = 512;

/// What only the log knows of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp<'a> {
    /// Id of the record.
    pub(crate) id: &'a str,
    /// DID of the log's owner.
    pub(crate) party: &'a str,
    /// Time of the record, not below that of the record before.
    pub(crate) recorded_at_ms: u64,
    /// Whether a development shortcut is on.
    pub(crate) development: bool,
    /// Whether the clock stood below the record before.
    pub(crate) clock_stepped: bool,
}

impl SealedDraft {
    /// The envelope of the record that this draft becomes.
    pub(crate) fn envelope(&self, stamp: &Stamp<'_>) -> Value {
        let mut envelope = Map::new();
        let mut put = |member: &str, value: Value| drop(envelope.insert(member.to_owned(), value));
        put("v", json!(1));
        put("id", json!(stamp.id));
        put("kind", json!(self.kind.as_str()));
        put("party", json!(stamp.party));
        put("recordedAt", json!(stamp.recorded_at_ms));
        put("trace", json!(self.trace));
        put("development", json!(stamp.development));
        put("prior", self.prior.iter().map(hex::encode).collect());
        if stamp.clock_stepped {
            put("clockStepped", json!(true));
        }
        if let Some(seen) = &self.not_before {
            let (root, note) = (hex::encode(seen.root), hex::encode(seen.note));
            put(
                "notBefore",
                json!({"origin": seen.origin, "size": seen.size, "root": root, "note": note}),
            );
        }
        Value::Object(envelope)
    }

    /// Refuses a draft whose envelope would be no section, whatever the log adds. The log makes the envelope when the draft
    /// stands in a batch; there it is too late to refuse one draft without the others.
    pub(super) fn check_envelope(&self) -> Result<(), DraftError> {
        // Without these an envelope has less than a kilobyte.
        if self.prior.is_empty() && self.not_before.is_none() {
            return Ok(());
        }
        let largest = self.envelope(&Stamp {
            id: &Uuid::nil().hyphenated().to_string(),
            party: &"x".repeat(LONGEST_DID),
            recorded_at_ms: MAX_INTEGER,
            development: false,
            clock_stepped: true,
        });
        match json::section_bytes(&largest) {
            Ok(_) => Ok(()),
            Err(error) => Err(DraftError::Envelope {
                kind: self.kind,
                prior: self.prior.len(),
                error,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LONGEST_DID;
    use herleid_vocab::did::Did;

    #[test]
    fn no_party_has_a_longer_name_than_is_counted_with() {
        let host = "did:web:knmi.example:";
        let did = |length: usize| format!("{host}{}", "x".repeat(length - host.len())).parse::<Did>();
        assert_eq!(did(LONGEST_DID).unwrap().as_str().len(), LONGEST_DID);
        assert!(did(LONGEST_DID + 1).is_err());
    }
}
