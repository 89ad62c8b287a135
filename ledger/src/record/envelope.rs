//! The envelope (docs/log-format.md, section 3): what a draft says of itself, and what the log adds when it gives a place.

use super::{DraftError, SealedDraft};
use crate::digits::hex64;
use herleid_vocab::json::{self, JsonError, MAX_INTEGER};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Longest DID that `herleid_vocab` reads, in characters, all of them ASCII.
const LONGEST_DID: usize = 512;

/// An envelope has about so many bytes at most, besides what the record rests on.
const USUAL_BYTES: usize = 512;

/// The name of an activity is no longer, nearly always.
const USUAL_ACTIVITY: usize = 2048;

/// Records that rest on more earlier ones are rare.
const USUAL_PRIOR: usize = 1024;

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
    /// Appends the envelope of the record that this draft becomes, as a section's bytes.
    ///
    /// # Errors
    /// When it is no section; [`Self::check_envelope`] finds that before.
    pub(crate) fn envelope_onto(&self, to: &mut Vec<u8>, stamp: &Stamp<'_>) -> Result<(), JsonError> {
        if !self.put_usual_envelope(to, stamp) {
            to.extend_from_slice(&json::section_bytes(&self.envelope_value(stamp))?);
        }
        Ok(())
    }

    /// Appends the bytes of an envelope in which there is nothing to escape or to refuse, in the order of RFC 8785: every record has one, and
    /// the thread that writes makes it. `false`, and nothing is appended, when it is another.
    fn put_usual_envelope(&self, to: &mut Vec<u8>, stamp: &Stamp<'_>) -> bool {
        let is_plain = |text: &str| {
            text.bytes()
                .all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\')
        };
        let activity = self.activity.as_deref().unwrap_or_default();
        let plain = is_plain(stamp.id) && is_plain(stamp.party) && is_plain(&self.trace) && is_plain(activity);
        let small = self.is_small() && stamp.recorded_at_ms <= MAX_INTEGER;
        if !plain || !small || self.not_before.is_some() {
            return false;
        }
        to.reserve(USUAL_BYTES + activity.len() + self.prior.len() * 67);
        let mut put = |text: &str| to.extend_from_slice(text.as_bytes());
        put("{");
        if self.activity.is_some() {
            put("\"activity\":\"");
            put(activity);
            put("\",");
        }
        put(if stamp.clock_stepped {
            "\"clockStepped\":true,\"development\":"
        } else {
            "\"development\":"
        });
        put(if stamp.development { "true" } else { "false" });
        put(",\"id\":\"");
        put(stamp.id);
        put("\",\"kind\":\"");
        put(self.kind.as_str());
        put("\",\"party\":\"");
        put(stamp.party);
        put("\",\"prior\":[");
        for (place, leaf) in self.prior.iter().enumerate() {
            to.extend_from_slice(if place == 0 { b"\"".as_slice() } else { b",\"" });
            to.extend_from_slice(&hex64(leaf));
            to.push(b'"');
        }
        to.extend_from_slice(b"],\"recordedAt\":");
        json::put_number(to, stamp.recorded_at_ms);
        to.extend_from_slice(b",\"trace\":\"");
        to.extend_from_slice(self.trace.as_bytes());
        to.extend_from_slice(b"\",\"v\":1}");
        true
    }

    /// Whether it is far below what a section may have, whatever the log adds.
    fn is_small(&self) -> bool {
        let activity = self.activity.as_ref().map_or(0, String::len);
        self.prior.len() <= USUAL_PRIOR && activity <= USUAL_ACTIVITY
    }

    fn envelope_value(&self, stamp: &Stamp<'_>) -> Value {
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
        if let Some(activity) = &self.activity {
            put("activity", json!(activity));
        }
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
        // Of a section's 2^20 bytes, 67 for each that it rests on, and a few kilobytes.
        if self.is_small() && self.not_before.is_none() {
            return Ok(());
        }
        let largest = self.envelope_value(&Stamp {
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
    use super::{LONGEST_DID, Stamp, USUAL_ACTIVITY, USUAL_PRIOR};
    use crate::record::{Draft, Kind, NotBefore};
    use herleid_vocab::did::Did;
    use herleid_vocab::json::{self, MAX_INTEGER};
    use serde_json::json;

    #[test]
    fn what_is_written_at_once_is_what_the_general_writer_writes() {
        const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let draft = |prior: usize, seen: bool, activity: Option<&str>| {
            let facts =
                json!({"transaction": "t", "segment": 1, "bytesSent": 1, "leaf": "l", "by": "b", "reason": "r"});
            let mut draft = Draft::new(Kind::Superseded, TRACE).section(crate::section::SectionName::Facts, facts);
            draft = (0..prior).fold(draft, |draft, n| draft.prior([n as u8; 32]));
            if let Some(activity) = activity {
                draft = draft.activity(activity);
            }
            if seen {
                draft = draft.not_before(NotBefore {
                    origin: "a\"b".to_owned(),
                    size: 1,
                    root: [1; 32],
                    note: [2; 32],
                });
            }
            draft.seal().unwrap()
        };
        let longest = "x".repeat(LONGEST_DID);
        let long = format!("urn:{}", "x".repeat(USUAL_ACTIVITY));
        for (prior, seen, activity, usual) in [
            (0, false, None, true),
            (1, false, None, true),
            (3, false, Some("https://register.example/verwerkingen/12"), true),
            (USUAL_PRIOR, false, None, true),
            (USUAL_PRIOR + 1, false, None, false),
            (1, true, Some("urn:a"), false),
            (0, false, Some("urn:\"é\""), false),
            (0, false, Some(long.as_str()), false),
        ] {
            for stepped in [false, true] {
                let draft = draft(prior, seen, activity);
                let stamp = Stamp {
                    id: "0192f0c1-2b3c-7d4e-8f50-112233445501",
                    party: &longest,
                    recorded_at_ms: MAX_INTEGER,
                    development: !stepped,
                    clock_stepped: stepped,
                };
                let envelope = |stamp: &Stamp<'_>| {
                    let mut written = Vec::new();
                    draft.envelope_onto(&mut written, stamp).map(|()| written)
                };
                let general = json::section_bytes(&draft.envelope_value(&stamp)).unwrap();
                let mut written = Vec::new();
                assert_eq!(draft.put_usual_envelope(&mut written, &stamp), usual);
                assert_eq!(written, if usual { general.clone() } else { Vec::new() });
                assert_eq!(envelope(&stamp).unwrap(), general);
                let escaped = Stamp {
                    party: "a\"\u{1}é",
                    ..stamp
                };
                let general = json::section_bytes(&draft.envelope_value(&escaped)).unwrap();
                assert_eq!(envelope(&escaped).unwrap(), general);
                let late = Stamp {
                    recorded_at_ms: MAX_INTEGER + 1,
                    ..stamp
                };
                assert!(envelope(&late).is_err());
            }
        }
    }

    #[test]
    fn no_party_has_a_longer_name_than_is_counted_with() {
        let host = "did:web:knmi.example:";
        let did = |length: usize| format!("{host}{}", "x".repeat(length - host.len())).parse::<Did>();
        assert_eq!(did(LONGEST_DID).unwrap().as_str().len(), LONGEST_DID);
        assert!(did(LONGEST_DID + 1).is_err());
    }
}
