//! What both ends of an exchange say alike: the sections `exchange` and `content` (docs/log-format.md, section 5).

mod written;

pub(crate) use written::Exchanged;

use crate::digits::{hex_text, hex32};
use crate::sha::Keyed;
use herleid_vocab::did::Did;
use herleid_vocab::json::{self, JsonError, MAX_INTEGER};
use serde_json::{Map, Value, json};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Why bytes are not an `exchange` or a `content` section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// A member is missing, wrong, or not known.
    #[error("`{section}.{member}` {why} (docs/log-format.md, section 5)")]
    Member {
        /// `exchange` or `content`.
        section: &'static str,
        /// The member.
        member: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The bytes are not a section.
    #[error(transparent)]
    Json(#[from] JsonError),
}

/// Which step of an exchange; the ends are joined on (transaction, segment, phase).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Bytes of a dataset.
    Pull,
    /// Inputs and parameters to a model.
    RunRequest,
    /// Outputs from a model.
    RunResult,
}

impl Phase {
    /// As it stands in the section.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::RunRequest => "run-request",
            Self::RunResult => "run-result",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = ExchangeError;

    fn from_str(text: &str) -> Result<Self, ExchangeError> {
        let known = [Self::Pull, Self::RunRequest, Self::RunResult];
        let found = known.into_iter().find(|phase| phase.as_str() == text);
        found.ok_or_else(|| wrong("exchange", "phase", "is neither `pull`, `run-request` nor `run-result`"))
    }
}

/// What was exchanged: a version of a dataset, or of a model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A dataset version.
    Dataset {
        /// Id of the dataset.
        dataset: String,
        /// Its version.
        version: String,
    },
    /// A model version.
    Model {
        /// Id of the model service.
        model: String,
        /// Its version.
        version: String,
    },
}

/// The `exchange` section. Both ends hold the same bytes; who composes and who recomputes says the format.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// The transaction, a UUIDv7.
    pub transaction: Uuid,
    /// Segment, from 1; resuming is the next one.
    pub segment: u64,
    /// Phase.
    pub phase: Phase,
    /// Agreement id as the Dataspace Protocol carries it.
    pub agreement: String,
    /// Who gives.
    pub provider: Did,
    /// Who receives.
    pub consumer: Did,
    /// What.
    pub subject: Subject,
    /// First byte.
    pub from: u64,
    /// Byte after the last; `bytes` of the section is `to - from`.
    pub to: u64,
    /// [`content_mac`] over this segment's content.
    pub content: [u8; 32],
}

/// The `content` section: salt and digests, equal at both ends, erasable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Content {
    /// 32 random bytes.
    pub salt: [u8; 32],
    /// BLAKE3 digest of the segment's content.
    pub blake3: [u8; 32],
    /// SHA-256 digest of the segment's content.
    pub sha256: [u8; 32],
    /// Its length in bytes.
    pub bytes: u64,
    /// Media type of the whole.
    pub media_type: String,
}

/// `HMAC-SHA256(salt, BLAKE3 digest | SHA-256 digest | length as u64 big-endian)`: what `exchange.content` commits to.
#[must_use]
pub fn content_mac(salt: &[u8; 32], blake3: &[u8; 32], sha256: &[u8; 32], length: u64) -> [u8; 32] {
    let mut committed = [0; 32 + 32 + 8];
    let (digests, end) = committed.split_at_mut(64);
    let (first, second) = digests.split_at_mut(32);
    first.copy_from_slice(blake3);
    second.copy_from_slice(sha256);
    end.copy_from_slice(&length.to_be_bytes());
    Keyed::new(salt).mac(&committed)
}

fn wrong(section: &'static str, member: &str, why: &'static str) -> ExchangeError {
    ExchangeError::Member {
        section,
        member: member.chars().take(80).collect(),
        why,
    }
}

/// Reads the members of an object one by one; one that was not asked for at the end was not expected.
struct Members<'a> {
    section: &'static str,
    members: &'a Map<String, Value>,
    read: Vec<&'static str>,
}

impl<'a> Members<'a> {
    fn of(section: &'static str, value: &'a Value) -> Result<Self, ExchangeError> {
        match value {
            Value::Object(members) => Ok(Self {
                section,
                members,
                read: Vec::with_capacity(members.len()),
            }),
            _ => Err(wrong(section, "", "is not an object")),
        }
    }

    fn take(&mut self, member: &'static str) -> Result<&'a Value, ExchangeError> {
        let value = self.members.get(member);
        let value = value.ok_or_else(|| wrong(self.section, member, "is missing"))?;
        self.read.push(member);
        Ok(value)
    }

    fn text(&mut self, member: &'static str) -> Result<&'a str, ExchangeError> {
        match self.take(member)? {
            Value::String(text) if !text.is_empty() => Ok(text),
            _ => Err(wrong(self.section, member, "is not a text of at least one character")),
        }
    }

    fn number(&mut self, member: &'static str) -> Result<u64, ExchangeError> {
        integer(self.take(member)?).ok_or_else(|| wrong(self.section, member, "is not an integer from 0 to 2^53 - 1"))
    }

    fn hash(&mut self, member: &'static str) -> Result<[u8; 32], ExchangeError> {
        hex32(self.text(member)?).ok_or_else(|| wrong(self.section, member, "is not 64 lower-case hex digits"))
    }

    fn did(&mut self, member: &'static str) -> Result<Did, ExchangeError> {
        let parsed = self.text(member)?.parse();
        parsed.map_err(|_| wrong(self.section, member, "is not a did:web or did:key"))
    }

    fn end(self) -> Result<(), ExchangeError> {
        let mut names = self.members.keys();
        match names.find(|name| !self.read.contains(&name.as_str())) {
            None => Ok(()),
            Some(extra) => Err(wrong(self.section, extra, "is not a member of this section")),
        }
    }
}

fn integer(value: &Value) -> Option<u64> {
    value.as_u64().filter(|n| *n <= MAX_INTEGER)
}

/// A UUID of this version in its lower-case hyphenated form.
pub(crate) fn uuid_of(text: &str, version: usize) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let mut written = Uuid::encode_buffer();
    (id.get_version_num() == version && *id.hyphenated().encode_lower(&mut written) == *text).then_some(id)
}

impl Subject {
    fn read(value: &Value) -> Result<Self, ExchangeError> {
        let mut members = Members::of("exchange.subject", value)?;
        let version = members.text("version")?.to_owned();
        let subject = if members.members.contains_key("model") {
            let model = members.text("model")?.to_owned();
            Self::Model { model, version }
        } else {
            let dataset = members.text("dataset")?.to_owned();
            Self::Dataset { dataset, version }
        };
        members.end()?;
        Ok(subject)
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Dataset { dataset, version } => json!({"dataset": dataset, "version": version}),
            Self::Model { model, version } => json!({"model": model, "version": version}),
        }
    }
}

impl Exchange {
    /// Reads the bytes of an `exchange` section, which must be in RFC 8785 form.
    ///
    /// # Errors
    /// Names the member that is missing, wrong or not expected.
    pub fn parse(section: &[u8]) -> Result<Self, ExchangeError> {
        Self::from_value(json::parse_section(section)?)
    }

    /// Reads a parsed `exchange` section.
    ///
    /// # Errors
    /// Names the member that is missing, wrong or not expected.
    pub fn from_value(value: Value) -> Result<Self, ExchangeError> {
        Self::read(&value)
    }

    pub(crate) fn read(value: &Value) -> Result<Self, ExchangeError> {
        const SECTION: &str = "exchange";
        let mut members = Members::of(SECTION, value)?;
        let transaction = uuid_of(members.text("transaction")?, 7)
            .ok_or_else(|| wrong(SECTION, "transaction", "is not a lower-case UUIDv7"))?;
        let segment = members.number("segment")?;
        if segment == 0 {
            return Err(wrong(SECTION, "segment", "counts from 1"));
        }
        let range = members.take("range")?;
        let (from, to) = match range.as_array().map(Vec::as_slice) {
            Some([from, to]) => integer(from).zip(integer(to)).filter(|(from, to)| from <= to),
            _ => None,
        }
        .ok_or_else(|| wrong(SECTION, "range", "is not two integers, the first not above the second"))?;
        if members.number("bytes")? != to - from {
            return Err(wrong(SECTION, "bytes", "is not the length of `range`"));
        }
        let exchange = Self {
            transaction,
            segment,
            phase: members.text("phase")?.parse()?,
            agreement: members.text("agreement")?.to_owned(),
            provider: members.did("provider")?,
            consumer: members.did("consumer")?,
            subject: Subject::read(members.take("subject")?)?,
            from,
            to,
            content: members.hash("content")?,
        };
        members.end()?;
        // Two ends that are one would be reconciled with themselves, and prove nothing.
        if exchange.provider == exchange.consumer {
            return Err(wrong(
                SECTION,
                "consumer",
                "is also the `provider`; an exchange has two ends",
            ));
        }
        Ok(exchange)
    }

    /// The section as a value, for a draft.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "transaction": self.transaction.hyphenated().to_string(),
            "segment": self.segment,
            "phase": self.phase.as_str(),
            "agreement": self.agreement,
            "provider": self.provider.as_str(),
            "consumer": self.consumer.as_str(),
            "subject": self.subject.to_value(),
            "range": [self.from, self.to],
            "bytes": self.to.saturating_sub(self.from),
            "content": hex_text(&self.content),
        })
    }

    /// The section's bytes: what both ends hold.
    ///
    /// # Errors
    /// When a member has no place in a section, or would not be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ExchangeError> {
        let bytes = json::section_bytes(&self.to_value())?;
        Self::parse(&bytes)?;
        Ok(bytes)
    }
}

impl Content {
    /// Digests `content` under `salt`. For content that does not fit in memory, fill the members from streaming digests.
    #[must_use]
    pub fn digest(salt: [u8; 32], content: &[u8], media_type: &str) -> Self {
        use sha2::Digest as _;
        Self {
            salt,
            blake3: blake3::hash(content).into(),
            sha256: sha2::Sha256::digest(content).into(),
            bytes: content.len() as u64,
            media_type: media_type.to_owned(),
        }
    }

    /// Reads the bytes of a `content` section, which must be in RFC 8785 form.
    ///
    /// # Errors
    /// Names the member that is missing, wrong or not expected.
    pub fn parse(section: &[u8]) -> Result<Self, ExchangeError> {
        Self::from_value(json::parse_section(section)?)
    }

    /// Reads a parsed `content` section.
    ///
    /// # Errors
    /// Names the member that is missing, wrong or not expected.
    pub fn from_value(value: Value) -> Result<Self, ExchangeError> {
        Self::read(&value)
    }

    pub(crate) fn read(value: &Value) -> Result<Self, ExchangeError> {
        let mut members = Members::of("content", value)?;
        let content = Self {
            salt: members.hash("salt")?,
            blake3: members.hash("blake3")?,
            sha256: members.hash("sha256")?,
            bytes: members.number("bytes")?,
            media_type: members.text("mediaType")?.to_owned(),
        };
        members.end()?;
        Ok(content)
    }

    /// The section as a value, for a draft.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "salt": hex_text(&self.salt),
            "blake3": hex_text(&self.blake3),
            "sha256": hex_text(&self.sha256),
            "bytes": self.bytes,
            "mediaType": self.media_type,
        })
    }

    /// What `exchange.content` must be.
    #[must_use]
    pub fn mac(&self) -> [u8; 32] {
        content_mac(&self.salt, &self.blake3, &self.sha256, self.bytes)
    }
}
