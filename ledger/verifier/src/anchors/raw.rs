//! The file as it is written: every member, none besides, each of its type.

use super::{
    AnchorsError, IssuerAnchor, KeyAnchor, LogAnchor, PartyAnchor, Period, StreamAnchor, WitnessAnchor, member,
};
use crate::object::objects;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::note::{Algorithm, Verifier};
use herleid_vocab::did::Did;
use herleid_vocab::json::MAX_INTEGER;
use serde::Deserialize;
use serde_json::Value;

pub(super) fn all<T, U>(
    list: &str,
    items: Vec<T>,
    read: impl Fn(T, &str) -> Result<U, AnchorsError>,
) -> Result<Vec<U>, AnchorsError> {
    let numbered = items.into_iter().enumerate();
    numbered.map(|(i, item)| read(item, &format!("{list}[{i}]"))).collect()
}

pub(super) fn time(ms: u64, at: &str) -> Result<u64, AnchorsError> {
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
pub(super) struct Raw {
    pub(super) format: String,
    pub(super) obtained: u64,
    pub(super) quorum: u64,
    #[serde(deserialize_with = "objects")]
    pub(super) parties: Vec<RawParty>,
    #[serde(deserialize_with = "objects")]
    pub(super) witnesses: Vec<RawWitness>,
    #[serde(deserialize_with = "objects")]
    pub(super) issuers: Vec<RawIssuer>,
    pub(super) checkpoints: Vec<String>,
    #[serde(deserialize_with = "objects")]
    pub(super) streams: Vec<RawStream>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawParty {
    did: Did,
    name: String,
    #[serde(deserialize_with = "objects")]
    logs: Vec<RawLog>,
    #[serde(deserialize_with = "objects")]
    keys: Vec<RawKey>,
    party: bool,
}

impl RawParty {
    pub(super) fn read(self, at: &str) -> Result<PartyAnchor, AnchorsError> {
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
pub(super) struct RawWitness {
    name: String,
    verifier_key: String,
    outside: bool,
}

impl RawWitness {
    pub(super) fn read(self, at: &str) -> Result<WitnessAnchor, AnchorsError> {
        Ok(WitnessAnchor {
            name: self.name,
            key: key(&self.verifier_key, Algorithm::CosignatureV1, at)?,
            outside: self.outside,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIssuer {
    did: Did,
    types: Vec<String>,
    #[serde(deserialize_with = "objects")]
    keys: Vec<RawKey>,
}

impl RawIssuer {
    pub(super) fn read(self, at: &str) -> Result<IssuerAnchor, AnchorsError> {
        Ok(IssuerAnchor {
            did: self.did,
            types: self.types,
            keys: all(&format!("{at}.keys"), self.keys, RawKey::read)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStream {
    record: Value,
    kind: String,
    of: Value,
}

impl RawStream {
    pub(super) fn read(self, at: &str) -> Result<StreamAnchor, AnchorsError> {
        let kind = match self.kind.as_str() {
            name @ ("stream-agreement" | "stream-model" | "stream-case") => name.parse().map_err(|e| member(at, e))?,
            _ => return Err(member(at, "`kind` is not the name of a stream section")),
        };
        if self.record.get("consistency").is_some_and(Value::is_null) {
            return Err(member(
                at,
                "`record.consistency` is null; without a proof it is left out",
            ));
        }
        Ok(StreamAnchor {
            record: HandedOver::from_value(self.record).map_err(|e| member(at, e))?,
            kind,
            of: self.of,
        })
    }
}
