//! Records handed over: receipts, dossiers and exports share this form (docs/log-format.md, section 7).

use crate::checkpoint::Checkpoint;
use crate::digits::{hex32, hex64};
pub use crate::exchange::{Content, Exchange, ExchangeError, Phase, Subject, content_mac};
use crate::merkle::{self, Hash, MAX_PROOF_HASHES, ProofError};
use crate::note::Verifier;
use crate::section::{MacKey, Opened, SectionMac, SectionName};
use crate::sha;
use crate::tile::ENTRY_BYTES;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herleid_vocab::json::{self, Limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

mod error;
mod written;
pub use error::HandoverError;

/// The only format of this version.
pub const FORMAT: &str = "herleid-record/1";

/// Longest record handed over, in bytes. Twelve sections of 1 MiB, of which every byte may have to be escaped by a second one,
/// are 24 MiB; note, proofs and MACs have less than 1 MiB. Whoever reads records reads as much, or a log could hand over what
/// nobody accepts.
pub const MAX_RECORD_BYTES: usize = 32 << 20;

/// How much of a text is read, and how deep: the object, `opened`, a section.
const LIMITS: Limits = Limits {
    max_bytes: MAX_RECORD_BYTES,
    max_depth: 4,
};

/// A consistency proof as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyText {
    /// Size that the reader named.
    pub from: u64,
    /// Base64, 32 bytes each.
    pub proof: Vec<String>,
}

/// A record handed over, as it travels: nothing is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedOver {
    /// [`FORMAT`].
    pub format: String,
    /// Origin of the log.
    pub origin: String,
    /// Place in the log, from 0.
    pub index: u64,
    /// Section name to MAC in hex: what the entry commits to.
    pub macs: BTreeMap<String, String>,
    /// The sections that are opened.
    pub opened: BTreeMap<String, Opened>,
    /// Inclusion proof, leaf to root, base64.
    pub proof: Vec<String>,
    /// Signed note.
    pub checkpoint: String,
    /// Proof that the checkpoint extends an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<ConsistencyText>,
}

/// An opened section whose MAC stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedSection {
    text: String,
    value: Value,
}

impl OpenedSection {
    /// The section's bytes, as text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The section, parsed.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }
}

/// A record handed over whose every check passed. Only [`HandedOver::verify`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedRecord {
    index: u64,
    entry: [u8; ENTRY_BYTES],
    macs: BTreeMap<SectionName, SectionMac>,
    opened: BTreeMap<SectionName, OpenedSection>,
    checkpoint: Checkpoint,
    consistency: Option<(u64, Vec<Hash>)>,
}

/// The entry of a record: `0x01 | SHA-256(JCS(macs))` (docs/log-format.md, section 1).
#[must_use]
pub fn entry(macs: &BTreeMap<SectionName, SectionMac>) -> [u8; ENTRY_BYTES] {
    entry_of(macs.iter().map(|(name, mac)| (*name, mac)), &mut Vec::new())
}

/// The entry of a record with these MACs, in the order of their sections; `map` is room for their map.
pub(crate) fn entry_of<'a>(
    macs: impl Iterator<Item = (SectionName, &'a SectionMac)>,
    map: &mut Vec<u8>,
) -> [u8; ENTRY_BYTES] {
    map.clear();
    // RFC 8785 of a map from registered names to hex: neither needs escaping, and `SectionName` sorts as its text.
    for (name, mac) in macs {
        map.extend_from_slice(if map.is_empty() { b"{\"" } else { b",\"" });
        map.extend_from_slice(name.as_str().as_bytes());
        map.extend_from_slice(b"\":\"");
        map.extend_from_slice(&hex64(mac));
        map.push(b'"');
    }
    if map.is_empty() {
        map.push(b'{');
    }
    map.push(b'}');
    let mut entry = [0x01; ENTRY_BYTES];
    if let Some((_, rest)) = entry.split_first_mut() {
        rest.copy_from_slice(&sha::of(map));
    }
    entry
}

fn hashes(member: &'static str, texts: &[String]) -> Result<Vec<Hash>, HandoverError> {
    let mut hashes = Vec::new();
    for (before, text) in texts.iter().enumerate() {
        let place = before + 1;
        let decoded = STANDARD.decode(text).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        match decoded {
            Some(hash) if place <= MAX_PROOF_HASHES => hashes.push(hash),
            _ => return Err(HandoverError::ProofForm { member, place }),
        }
    }
    Ok(hashes)
}

fn section_name(name: &str) -> Result<SectionName, HandoverError> {
    name.parse()
        .map_err(|error: crate::section::UnknownSection| HandoverError::UnknownSection { name: error.0 })
}

impl HandedOver {
    /// Reads a record handed over.
    ///
    /// # Errors
    /// When the text is not strict JSON or has other members than section 7 gives.
    pub fn parse(bytes: &[u8]) -> Result<Self, HandoverError> {
        let value = json::parse(bytes, &LIMITS).map_err(|e| HandoverError::Form { why: e.to_string() })?;
        Self::from_value(value)
    }

    /// Reads a record handed over from a value that a strict parser made.
    ///
    /// # Errors
    /// When it has other members than section 7 gives.
    pub fn from_value(value: Value) -> Result<Self, HandoverError> {
        // What is derived takes `null` for a member that is absent and an array for an object; another reader would not, and
        // two readers must not disagree about one text.
        let opened = value.get("opened").and_then(Value::as_object);
        let all_are_objects = std::iter::once(&value)
            .chain(value.get("consistency"))
            .chain(opened.into_iter().flat_map(|opened| opened.values()))
            .all(Value::is_object);
        if !all_are_objects {
            return Err(HandoverError::Form {
                why: "the record, `consistency` and each section opened are objects".to_owned(),
            });
        }
        serde_json::from_value(value).map_err(|e| HandoverError::Form { why: e.to_string() })
    }

    /// The record as a value, to stand within another message.
    ///
    /// # Errors
    /// None for a record that a log handed over.
    pub fn to_value(&self) -> Result<Value, HandoverError> {
        serde_json::to_value(self).map_err(|e| HandoverError::Form { why: e.to_string() })
    }

    /// The record as bytes, in RFC 8785 form.
    ///
    /// # Errors
    /// None for a record that a log handed over.
    pub fn to_bytes(&self) -> Result<Vec<u8>, HandoverError> {
        match written::usual(self) {
            Some(bytes) => Ok(bytes),
            None => json::canonical(&self.to_value()?).map_err(|e| HandoverError::Form { why: e.to_string() }),
        }
    }

    /// Checks everything that section 7 asks of a reader: section names, the MAC and the form of each opened section, the
    /// entry, its inclusion, the checkpoint's signature by `log`, whose name is the origin. Whether the checkpoint extends
    /// one that the reader knew is for [`VerifiedRecord::extends`].
    ///
    /// # Errors
    /// Names the check that failed.
    pub fn verify(&self, log: &Verifier) -> Result<VerifiedRecord, HandoverError> {
        if self.format != FORMAT {
            let found = self.format.chars().take(80).collect();
            return Err(HandoverError::Format { found });
        }
        let mut macs = BTreeMap::new();
        for (name, mac) in &self.macs {
            let section = section_name(name)?;
            let mac = hex32(mac).ok_or(HandoverError::BadMac { section })?;
            macs.insert(section, mac);
        }
        if !macs.contains_key(&SectionName::Envelope) {
            return Err(HandoverError::NoEnvelope);
        }
        let mut opened = BTreeMap::new();
        for (name, given) in &self.opened {
            let section = section_name(name)?;
            let mac = macs.get(&section).ok_or(HandoverError::NotInMacs { section })?;
            opened.insert(section, open(section, given, mac)?);
        }

        let checkpoint =
            Checkpoint::verify_bytes(self.checkpoint.as_bytes(), log).map_err(HandoverError::Checkpoint)?;
        if self.origin != checkpoint.origin() {
            return Err(HandoverError::Origin {
                found: self.origin.chars().take(200).collect(),
                expected: checkpoint.origin().to_owned(),
            });
        }
        let entry = entry(&macs);
        let index = self.index;
        let proof = hashes("proof", &self.proof)?;
        let leaf = merkle::leaf_hash(&entry);
        merkle::verify_inclusion(&leaf, index, checkpoint.size(), &proof, checkpoint.root())
            .map_err(|error| HandoverError::Inclusion { index, error })?;
        let consistency = match &self.consistency {
            None => None,
            Some(given) if given.from > checkpoint.size() => {
                let (from, to) = (given.from, checkpoint.size());
                let error = ProofError::Shrunk { from, to };
                return Err(HandoverError::Consistency { from, to, error });
            }
            Some(given) => Some((given.from, hashes("consistency.proof", &given.proof)?)),
        };
        Ok(VerifiedRecord {
            index,
            entry,
            macs,
            opened,
            checkpoint,
            consistency,
        })
    }
}

fn open(section: SectionName, given: &Opened, mac: &SectionMac) -> Result<OpenedSection, HandoverError> {
    let lower = !given.key.bytes().any(|b| b.is_ascii_uppercase());
    let key = hex::decode(&given.key)
        .ok()
        .filter(|_| lower)
        .ok_or(HandoverError::BadKey { section })?;
    let found = key.len();
    let key: [u8; 32] = key
        .try_into()
        .map_err(|_| HandoverError::BadKeyLength { section, found })?;
    if !MacKey::from_bytes(key).verifies(given.text.as_bytes(), mac) {
        return Err(HandoverError::MacMismatch { section });
    }
    let value =
        json::parse_section(given.text.as_bytes()).map_err(|error| HandoverError::SectionForm { section, error })?;
    let text = given.text.clone();
    Ok(OpenedSection { text, value })
}

impl VerifiedRecord {
    /// Origin of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.checkpoint.origin()
    }

    /// Place in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The 33 bytes that the log holds.
    #[must_use]
    pub const fn entry(&self) -> &[u8; ENTRY_BYTES] {
        &self.entry
    }

    /// Leaf hash: how other records name this one.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        merkle::leaf_hash(&self.entry)
    }

    /// MACs of all sections of the record, opened or not.
    #[must_use]
    pub const fn macs(&self) -> &BTreeMap<SectionName, SectionMac> {
        &self.macs
    }

    /// The checkpoint that the record is proved under.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The opened sections.
    #[must_use]
    pub const fn opened(&self) -> &BTreeMap<SectionName, OpenedSection> {
        &self.opened
    }

    /// An opened section, parsed; `None` when it is not opened.
    #[must_use]
    pub fn section(&self, name: SectionName) -> Option<&Value> {
        self.opened.get(&name).map(OpenedSection::value)
    }

    /// The `exchange` section, when it is opened.
    ///
    /// # Errors
    /// When it is not of the form of section 5.
    pub fn exchange(&self) -> Option<Result<Exchange, ExchangeError>> {
        self.section(SectionName::Exchange).cloned().map(Exchange::from_value)
    }

    /// Checks that the record's checkpoint extends `known`, which the reader kept from before. A record of the same log with
    /// another history fails here: keep both notes, they prove it.
    ///
    /// # Errors
    /// When the proof is missing or does not fit.
    pub fn extends(&self, known: &Checkpoint) -> Result<(), HandoverError> {
        let (from, to) = (known.size(), self.checkpoint.size());
        if known.origin() != self.origin() {
            return Err(HandoverError::Origin {
                found: self.origin().to_owned(),
                expected: known.origin().to_owned(),
            });
        }
        let empty = Vec::new();
        let proof = match &self.consistency {
            // Equal sizes and the empty tree need no proof.
            _ if from == to || from == 0 => &empty,
            Some((size, proof)) if *size == from => proof,
            other => {
                let found = match other {
                    None => "the record brings none".to_owned(),
                    Some((size, _)) => format!("the record brings one from size {size}"),
                };
                return Err(HandoverError::NoConsistency { known: from, found });
            }
        };
        merkle::verify_consistency(from, to, proof, known.root(), self.checkpoint.root())
            .map_err(|error| HandoverError::Consistency { from, to, error })
    }
}
