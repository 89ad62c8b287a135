//! Anchors: what an auditor knows from elsewhere (docs/dossier-format.md, "Anchors"). Nothing in a dossier is believed that
//! does not lead back to them, so they are read as strictly as the dossier itself.

mod raw;

use crate::object::object;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::note::{SignedNote, Verifier};
use herleid_vocab::did::Did;
use herleid_vocab::json::{self, JsonError, Limits};
use raw::{Raw, RawIssuer, RawParty, RawStream, RawWitness, all, time};
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
        let raw: Raw = object(value).map_err(|e| member("anchors", e))?;
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
        // The bytes alone: under two names one witness would count for two, and a log would be its own witness.
        let mut witnesses: Vec<&[u8; 32]> = self.witnesses.iter().map(|witness| public(&witness.key)).collect();
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
        let mut logs = self.parties.iter().flat_map(|party| &party.logs);
        if logs.any(|log| witnesses.binary_search(&public(&log.key)).is_ok()) {
            return Err(member(
                "witnesses",
                "a witness has the key of a log, which would have it witness itself",
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

/// The bytes of a public key.
fn public(key: &Verifier) -> &[u8; 32] {
    key.public_key().as_bytes()
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
