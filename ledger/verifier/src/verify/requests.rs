//! Signed requests and access tokens, as they were accepted: the exact bytes are among the evidence of the record that let them
//! in. Keys come from the anchors; the DID document beside them was the other party's own word.

use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use crate::anchors::Anchors;
use crate::dossier::Archive;
use herleid_credentials::Now;
use herleid_credentials::access_token;
use herleid_credentials::http_signature::SignatureBase;
use herleid_credentials::jose::{MAX_HEADER_TOKEN_BYTES, UnverifiedJws};
use herleid_credentials::keys::PublicKey;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::io::{Read, Seek};

/// A signature base has six short lines, a token some hundred bytes.
const MAX_BYTES: u64 = 64 << 10;
/// What the two clocks of an accepted request may have differed: a minute.
const LEEWAY_MS: u64 = 60 * 1000;

/// Why a request is not verified.
pub(super) enum Refused {
    Failed(Reason),
    Untrusted(Reason),
    NotChecked(Reason),
}

pub(super) fn failed(error: impl std::fmt::Display) -> Refused {
    Refused::Failed(Reason::refused(error))
}

/// The content of the one document of that role.
pub(super) fn document<R: Read + Seek>(
    archive: &mut Archive<R>,
    rec: &Rec,
    role: &str,
    limit: u64,
) -> Result<Vec<u8>, Refused> {
    let incomplete = || {
        Refused::NotChecked(Reason::Incomplete {
            what: format!("`{role}`"),
        })
    };
    let (_, sha256) = rec
        .documents()
        .find(|(found, _)| *found == role)
        .ok_or_else(incomplete)?;
    let name = format!("evidence/{sha256}");
    if !archive.contains(&name) {
        return Err(incomplete());
    }
    archive.read(&name, limit).map_err(failed)
}

/// An anchored key by its id, if it counted at that moment.
pub(super) fn anchored(anchors: Option<&Anchors>, id: &str, at_ms: u64) -> Result<PublicKey, Refused> {
    let parties = anchors.map(|anchors| anchors.parties.as_slice()).unwrap_or_default();
    let keys = parties.iter().flat_map(|party| &party.keys);
    let key = keys.into_iter().find(|key| key.id == id && key.period.covers(at_ms));
    let key = key.ok_or_else(|| Refused::NotChecked(Reason::NoKeyAnchor { key: id.to_owned() }))?;
    PublicKey::from_jwk(&key.jwk).map_err(failed)
}

pub(super) fn report(result: Result<(), Refused>, check: Check, subject: &str, findings: &mut Findings) {
    match result {
        Ok(()) => findings.verified(check, subject),
        Err(Refused::Failed(reason)) => findings.failed(check, subject, reason),
        Err(Refused::Untrusted(reason)) => findings.untrusted(check, subject, reason),
        Err(Refused::NotChecked(reason)) => findings.unchecked(check, subject, reason),
    }
}

/// Checks the request of every record that has one among its evidence.
pub(super) fn check<R: Read + Seek>(
    archive: &mut Archive<R>,
    records: &[Rec],
    anchors: Option<&Anchors>,
    findings: &mut Findings,
) {
    for rec in records.iter().filter(|rec| !rec.is_receipt) {
        if rec.documents().any(|(role, _)| role == "signature-base") {
            report(request(archive, rec, anchors), Check::Request, &rec.source, findings);
        }
    }
}

fn request<R: Read + Seek>(archive: &mut Archive<R>, rec: &Rec, anchors: Option<&Anchors>) -> Result<(), Refused> {
    let base = document(archive, rec, "signature-base", MAX_BYTES)?;
    let signature = document(archive, rec, "signature", MAX_BYTES)?;
    let base = std::str::from_utf8(&base).map_err(failed)?;
    let base = SignatureBase::parse(base).map_err(failed)?;
    let key = anchored(anchors, base.key_id(), base.created_ms())?;
    key.verify(base.text().as_bytes(), &signature).map_err(failed)?;
    // A good signature over something else proves nothing here.
    let other = |member: &str| {
        Refused::Failed(Reason::OtherRequest {
            member: member.to_owned(),
        })
    };
    let caller = base.key_id().split('#').next().unwrap_or_default();
    let exchange = rec.record.exchange().and_then(Result::ok);
    if exchange
        .as_ref()
        .is_some_and(|exchange| exchange.consumer.as_str() != caller)
    {
        return Err(other("party"));
    }
    let transaction = rec.text(SectionName::Facts, "transaction").map(str::to_owned);
    let transaction = transaction.or_else(|| exchange.as_ref().map(|e| e.transaction.hyphenated().to_string()));
    if transaction.is_some() && base.value("herleid-transaction") != transaction.as_deref() {
        return Err(other("transaction"));
    }
    let agreement = rec.text(SectionName::Facts, "agreement").map(str::to_owned);
    let agreement = agreement.or_else(|| exchange.as_ref().map(|exchange| exchange.agreement.clone()));
    if agreement.is_some() && base.value("herleid-agreement") != agreement.as_deref() {
        return Err(other("agreement"));
    }
    token(archive, rec, anchors, &base, &key, caller)
}

/// The token that the record's owner had given, bound to the key that signed the request.
fn token<R: Read + Seek>(
    archive: &mut Archive<R>,
    rec: &Rec,
    anchors: Option<&Anchors>,
    base: &SignatureBase,
    request_key: &PublicKey,
    caller: &str,
) -> Result<(), Refused> {
    let token = document(archive, rec, "access-token", MAX_BYTES)?;
    let token = std::str::from_utf8(&token).map_err(failed)?;
    let claimed = UnverifiedJws::parse(token, MAX_HEADER_TOKEN_BYTES).map_err(failed)?;
    let key_id = claimed.key_id().unwrap_or_default().to_owned();
    let audience = claimed
        .unverified_claims()
        .get("aud")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let issuer: &Did = &rec.did;
    if key_id.split('#').next() != Some(issuer.as_str()) {
        return Err(Refused::Failed(Reason::OtherRequest {
            member: "token".to_owned(),
        }));
    }
    let key = anchored(anchors, &key_id, base.created_ms())?;
    let expected = access_token::Expected {
        issuer,
        key_id: &key_id,
        key: &key,
        audience: &audience,
        request_key: &request_key.thumbprint(),
        now: Now {
            now_ms: base.created_ms(),
            leeway_ms: LEEWAY_MS,
        },
    };
    let token = access_token::verify(token, &expected).map_err(failed)?;
    if token.grant().subject.as_str() == caller {
        Ok(())
    } else {
        Err(Refused::Failed(Reason::OtherRequest {
            member: "token".to_owned(),
        }))
    }
}
