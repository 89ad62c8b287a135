//! Anchors: what an auditor knows from elsewhere (docs/dossier-format.md, "Anchors"). Nothing in a dossier is believed that
//! does not lead back to them, so they are read as strictly as the dossier itself.

use herleid_ledger::handover::HandedOver;
use herleid_ledger::note::{Algorithm, SignedNote, Verifier};
use herleid_vocab::did::Did;
use herleid_vocab::json::{self, JsonError, Limits, MAX_INTEGER};
use serde::Deserialize;
use serde_json::Value;

/// The value of `format`.
pub const FORMAT: &str = "herleid-anchors/1";

/// A set of anchors holds keys and some records handed over; 16 MiB is thousands of them.
const LIMITS: Limits = Limits {
    max_bytes: 16 << 20,
    max_depth: 32,
};

/// Why a file of anchors is refused.
#[derive(Debug, thiserror::Error)]
pub enum AnchorsError {
    /// Not JSON as the formats read it.
    #[error("the anchors are refused: {0}")]
    Json(#[from] JsonError),
    /// A member is missing, unknown, of another type, or means nothing.
    #[error("the anchors are refused: {at}: {why} (docs/dossier-format.md, \"Anchors\")")]
    Member {
        /// Which member.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

/// From when until when a key counts: UTC milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Period {
    /// First moment.
    pub from: u64,
    /// First moment after; none while the key is in use.
    pub until: Option<u64>,
}

impl Period {
    /// Whether the moment lies within.
    #[must_use]
    pub fn covers(&self, at_ms: u64) -> bool {
        self.from <= at_ms && self.until.is_none_or(|until| at_ms < until)
    }
}

/// A log of a party.
#[derive(Debug, Clone)]
pub struct LogAnchor {
    /// Its key; the name is the log's origin.
    pub key: Verifier,
    /// When it signed for the party.
    pub period: Period,
}

/// A key that signs tokens, requests or credentials, as a JWK (RFC 7517), not interpreted here.
#[derive(Debug, Clone)]
pub struct KeyAnchor {
    /// Id of the verification method.
    pub id: String,
    /// The public key.
    pub jwk: Value,
    /// When it was in use.
    pub period: Period,
}

/// Somebody who takes part.
#[derive(Debug, Clone)]
pub struct PartyAnchor {
    /// Identifier.
    pub did: Did,
    /// Name, for people.
    pub name: String,
    /// Logs, one after the other.
    pub logs: Vec<LogAnchor>,
    /// Keys of its DID document.
    pub keys: Vec<KeyAnchor>,
    /// Whether it is a party to the case.
    pub is_party: bool,
}

/// A witness.
#[derive(Debug, Clone)]
pub struct WitnessAnchor {
    /// Name, for people.
    pub name: String,
    /// Its cosignature key.
    pub key: Verifier,
    /// Whether it stands outside the case.
    pub outside: bool,
}

/// Somebody whose credentials count.
#[derive(Debug, Clone)]
pub struct IssuerAnchor {
    /// Identifier.
    pub did: Did,
    /// The types of credential it may issue.
    pub types: Vec<String>,
    /// Its keys.
    pub keys: Vec<KeyAnchor>,
}

/// The length of a stream, as its other end states it.
#[derive(Debug, Clone)]
pub struct StreamAnchor {
    /// A record of that end, its stream section opened; not yet verified.
    pub record: HandedOver,
    /// `stream-agreement`, `stream-model` or `stream-case`.
    pub kind: herleid_ledger::section::SectionName,
    /// What the stream is of, for people.
    pub of: Value,
}

/// Everything the auditor brings.
#[derive(Debug, Clone)]
pub struct Anchors {
    /// When they were obtained: UTC milliseconds since 1970.
    pub obtained_ms: u64,
    /// How many witnesses must have cosigned a checkpoint.
    pub quorum: usize,
    /// Parties.
    pub parties: Vec<PartyAnchor>,
    /// Witnesses.
    pub witnesses: Vec<WitnessAnchor>,
    /// Issuers of credentials.
    pub issuers: Vec<IssuerAnchor>,
    /// Checkpoints seen elsewhere, not yet verified.
    pub checkpoints: Vec<SignedNote>,
    /// Lengths of streams.
    pub streams: Vec<StreamAnchor>,
}

impl Anchors {
    /// Reads a file of anchors.
    ///
    /// # Errors
    /// Names the member that is missing, unknown, or wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, AnchorsError> {
        let value = json::parse(bytes, &LIMITS)?;
        let raw: Raw = serde_json::from_value(value).map_err(|e| member("anchors", e))?;
        if raw.format != FORMAT {
            return Err(member("format", format!("expected `{FORMAT}`")));
        }
        let quorum = usize::try_from(raw.quorum).map_err(|e| member("quorum", e))?;
        if quorum == 0 {
            return Err(member("quorum", "at least one witness must be asked for"));
        }
        let anchors = Self {
            obtained_ms: time(raw.obtained, "obtained")?,
            quorum,
            parties: all("parties", raw.parties, RawParty::read)?,
            witnesses: all("witnesses", raw.witnesses, RawWitness::read)?,
            issuers: all("issuers", raw.issuers, RawIssuer::read)?,
            checkpoints: all("checkpoints", raw.checkpoints, |note, at| {
                SignedNote::parse(note.as_bytes()).map_err(|e| member(at, e))
            })?,
            streams: all("streams", raw.streams, RawStream::read)?,
        };
        anchors.refuse_doubles()?;
        Ok(anchors)
    }

    /// Two parties for one log would make "whose record is this" a matter of order.
    fn refuse_doubles(&self) -> Result<(), AnchorsError> {
        let mut dids: Vec<&Did> = self.parties.iter().map(|party| &party.did).collect();
        let logs = self.parties.iter().flat_map(|party| &party.logs);
        let mut keys: Vec<String> = logs.map(|log| log.key.to_string()).collect();
        let mut witnesses: Vec<String> = self.witnesses.iter().map(|witness| witness.key.to_string()).collect();
        dids.sort();
        keys.sort();
        witnesses.sort();
        if has_double(&dids) {
            return Err(member("parties", "a DID stands twice"));
        }
        if has_double(&keys) {
            return Err(member("parties", "a log's key stands twice"));
        }
        if has_double(&witnesses) {
            return Err(member(
                "witnesses",
                "a key stands twice, which would count one witness for two",
            ));
        }
        Ok(())
    }

    /// The party with that identifier.
    #[must_use]
    pub fn party(&self, did: &str) -> Option<&PartyAnchor> {
        self.parties.iter().find(|party| party.did.as_str() == did)
    }

    /// Every anchored log of that origin, with its party.
    pub fn logs_of<'a>(&'a self, origin: &'a str) -> impl Iterator<Item = (&'a PartyAnchor, &'a LogAnchor)> {
        self.parties
            .iter()
            .flat_map(|party| party.logs.iter().map(move |log| (party, log)))
            .filter(move |(_, log)| log.key.name() == origin)
    }

    /// Keys of all witnesses.
    #[must_use]
    pub fn witness_keys(&self) -> Vec<Verifier> {
        self.witnesses.iter().map(|witness| witness.key.clone()).collect()
    }
}

fn has_double<T: PartialEq>(sorted: &[T]) -> bool {
    sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
}

fn member(at: impl Into<String>, why: impl ToString) -> AnchorsError {
    AnchorsError::Member {
        at: at.into(),
        why: why.to_string(),
    }
}

fn all<T, U>(
    list: &str,
    items: Vec<T>,
    read: impl Fn(T, &str) -> Result<U, AnchorsError>,
) -> Result<Vec<U>, AnchorsError> {
    let numbered = items.into_iter().enumerate();
    numbered.map(|(i, item)| read(item, &format!("{list}[{i}]"))).collect()
}

fn time(ms: u64, at: &str) -> Result<u64, AnchorsError> {
    if ms <= MAX_INTEGER {
        Ok(ms)
    } else {
        Err(member(at, "the number is above 2^53 - 1"))
    }
}

fn period(from: u64, until: Option<u64>, at: &str) -> Result<Period, AnchorsError> {
    time(from, at)?;
    time(until.unwrap_or_default(), at)?;
    if until.is_some_and(|until| until <= from) {
        return Err(member(at, "`until` does not come after `from`"));
    }
    Ok(Period { from, until })
}

fn key(vkey: &str, algorithm: Algorithm, at: &str) -> Result<Verifier, AnchorsError> {
    let key = Verifier::parse(vkey).map_err(|e| member(at, e))?;
    if key.algorithm() == algorithm {
        Ok(key)
    } else {
        Err(member(
            at,
            "the key has another signature type: a log signs with 0x01, a witness with 0x04",
        ))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    format: String,
    obtained: u64,
    quorum: u64,
    parties: Vec<RawParty>,
    witnesses: Vec<RawWitness>,
    issuers: Vec<RawIssuer>,
    checkpoints: Vec<String>,
    streams: Vec<RawStream>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParty {
    did: Did,
    name: String,
    logs: Vec<RawLog>,
    keys: Vec<RawKey>,
    party: bool,
}

impl RawParty {
    fn read(self, at: &str) -> Result<PartyAnchor, AnchorsError> {
        Ok(PartyAnchor {
            did: self.did,
            name: self.name,
            logs: all(&format!("{at}.logs"), self.logs, RawLog::read)?,
            keys: all(&format!("{at}.keys"), self.keys, RawKey::read)?,
            is_party: self.party,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawLog {
    origin: String,
    verifier_key: String,
    from: u64,
    until: Option<u64>,
}

impl RawLog {
    fn read(self, at: &str) -> Result<LogAnchor, AnchorsError> {
        let key = key(&self.verifier_key, Algorithm::Ed25519, at)?;
        if key.name() != self.origin {
            return Err(member(at, "the key's name is not the origin"));
        }
        let period = period(self.from, self.until, at)?;
        Ok(LogAnchor { key, period })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    id: String,
    jwk: Value,
    from: u64,
    until: Option<u64>,
}

impl RawKey {
    fn read(self, at: &str) -> Result<KeyAnchor, AnchorsError> {
        if !self.jwk.is_object() {
            return Err(member(at, "`jwk` is not an object"));
        }
        Ok(KeyAnchor {
            id: self.id,
            jwk: self.jwk,
            period: period(self.from, self.until, at)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawWitness {
    name: String,
    verifier_key: String,
    outside: bool,
}

impl RawWitness {
    fn read(self, at: &str) -> Result<WitnessAnchor, AnchorsError> {
        Ok(WitnessAnchor {
            name: self.name,
            key: key(&self.verifier_key, Algorithm::CosignatureV1, at)?,
            outside: self.outside,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIssuer {
    did: Did,
    types: Vec<String>,
    keys: Vec<RawKey>,
}

impl RawIssuer {
    fn read(self, at: &str) -> Result<IssuerAnchor, AnchorsError> {
        Ok(IssuerAnchor {
            did: self.did,
            types: self.types,
            keys: all(&format!("{at}.keys"), self.keys, RawKey::read)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStream {
    record: Value,
    kind: String,
    of: Value,
}

impl RawStream {
    fn read(self, at: &str) -> Result<StreamAnchor, AnchorsError> {
        let kind = match self.kind.as_str() {
            name @ ("stream-agreement" | "stream-model" | "stream-case") => name.parse().map_err(|e| member(at, e))?,
            _ => return Err(member(at, "`kind` is not the name of a stream section")),
        };
        Ok(StreamAnchor {
            record: HandedOver::from_value(self.record).map_err(|e| member(at, e))?,
            kind,
            of: self.of,
        })
    }
}
