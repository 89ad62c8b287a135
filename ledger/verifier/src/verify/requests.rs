//! Signed requests and access tokens, as they were accepted: the exact bytes are among the evidence of the record that let them
//! in. Keys come from the anchors; the DID document beside them was the other party's own word.

use super::decisions::{Agreements, recipient};
use super::doubt::{Doubt, report};
use super::reason::Reason;
use super::records::{Rec, is_clock_stepped, recorded_ms};
use super::verdict::{Check, Findings};
use crate::anchors::{Anchors, KeyAnchor};
use crate::dossier::Archive;
use herleid_credentials::Now;
use herleid_credentials::access_token;
use herleid_credentials::http_signature::SignatureBase;
use herleid_credentials::jose::{MAX_HEADER_TOKEN_BYTES, UnverifiedJws};
use herleid_credentials::keys::PublicKey;
use herleid_ledger::exchange::Exchange;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_policies::DecisionRecord;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::io::{Read, Seek};

/// A signature base has six short lines, a token some hundred bytes.
const MAX_BYTES: u64 = 64 << 10;
/// What the two clocks of an accepted request may have differed: a minute.
const LEEWAY_MS: u64 = 60 * 1000;
/// Between a request and its record lie a network, a decision and a write: five minutes at most, clocks included.
const NEAR_MS: u64 = 5 * 60 * 1000;
/// A run is recorded when its inputs have come, each a pull of its own: an hour at most.
const NEAR_RUN_MS: u64 = 60 * 60 * 1000;

/// The content of the one document of that role.
pub(super) fn document<R: Read + Seek>(
    archive: &mut Archive<R>,
    rec: &Rec,
    role: &str,
    limit: u64,
) -> Result<Vec<u8>, Doubt> {
    let incomplete = || {
        Doubt::NotChecked(Reason::Incomplete {
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
    archive.read(&name, limit).map_err(Doubt::failed)
}

/// An anchored key by its id, if it counted at that moment. Of somebody whose keys are known, another one is a stranger's.
pub(super) fn anchored(anchors: Option<&Anchors>, id: &str, at_ms: u64) -> Result<PublicKey, Doubt> {
    let parties = anchors.map(|anchors| anchors.parties.as_slice()).unwrap_or_default();
    let did = id.split('#').next().unwrap_or_default();
    let keys: Vec<&KeyAnchor> = parties
        .iter()
        .flat_map(|party| &party.keys)
        .filter(|key| key.id.split('#').next() == Some(did))
        .collect();
    match keys.iter().find(|key| key.id == id && key.period.covers(at_ms)) {
        Some(key) => PublicKey::from_jwk(&key.jwk).map_err(Doubt::failed),
        None => Err(no_key(id, !keys.is_empty())),
    }
}

/// Why there is no key: the anchors know other keys of the same party, or none at all.
pub(super) fn no_key(key: &str, is_known: bool) -> Doubt {
    let reason = Reason::NoKeyAnchor { key: key.to_owned() };
    if is_known {
        Doubt::Untrusted(reason)
    } else {
        Doubt::NotChecked(reason)
    }
}

/// Checks the request of every record that has one among its evidence.
pub(super) fn check<R: Read + Seek>(
    archive: &mut Archive<R>,
    records: &[Rec],
    anchors: Option<&Anchors>,
    agreements: &Agreements<'_>,
    findings: &mut Findings,
) {
    for rec in records.iter().filter(|rec| !rec.is_receipt) {
        if rec.documents().any(|(role, _)| role == "signature-base") {
            let result = request(archive, rec, anchors, agreements);
            report(result, Check::Request, &rec.source, findings);
        }
    }
}

fn request<R: Read + Seek>(
    archive: &mut Archive<R>,
    rec: &Rec,
    anchors: Option<&Anchors>,
    agreements: &Agreements<'_>,
) -> Result<(), Doubt> {
    let base = document(archive, rec, "signature-base", MAX_BYTES)?;
    let signature = document(archive, rec, "signature", MAX_BYTES)?;
    let base = std::str::from_utf8(&base).map_err(Doubt::failed)?;
    let base = SignatureBase::parse(base).map_err(Doubt::failed)?;
    let caller = base.key_id().split('#').next().unwrap_or_default();
    // A good signature over something else proves nothing here, whoever made it.
    fits(rec, &base, caller, agreements)?;
    near(rec, base.created_ms())?;
    let key = anchored(anchors, base.key_id(), base.created_ms())?;
    key.verify(base.text().as_bytes(), &signature).map_err(Doubt::failed)?;
    token(archive, rec, anchors, &base, &key, caller)
}

fn other(member: &str) -> Doubt {
    Doubt::Failed(Reason::OtherRequest {
        member: member.to_owned(),
    })
}

/// Party, transaction and agreement are those of the record.
fn fits(rec: &Rec, base: &SignatureBase, caller: &str, agreements: &Agreements<'_>) -> Result<(), Doubt> {
    let exchange = rec.record.exchange().and_then(Result::ok);
    let fact = |member| rec.text(SectionName::Facts, member).map(str::to_owned);
    let transaction = fact("transaction").or_else(|| exchange.as_ref().map(|e| e.transaction.hyphenated().to_string()));
    if transaction.is_some() && base.value("herleid-transaction") != transaction.as_deref() {
        return Err(other("transaction"));
    }
    let agreement = fact("agreement").or_else(|| exchange.as_ref().map(|exchange| exchange.agreement.clone()));
    if agreement.is_some() && base.value("herleid-agreement") != agreement.as_deref() {
        return Err(other("agreement"));
    }
    let may_ask = may_ask(rec, exchange.as_ref(), agreement.as_deref(), agreements);
    if may_ask.is_empty() {
        let what = "`exchange`, or the agreement that it was asked under,".to_owned();
        return Err(Doubt::NotChecked(Reason::Incomplete { what }));
    }
    if may_ask.iter().all(|party| party == caller) {
        Ok(())
    } else {
        Err(other("party"))
    }
}

/// Who must have asked: the consumer of the exchange; where that is closed, the consumer of the agreement, or the recipient
/// to whom the agreement's own consumer passed something on.
fn may_ask(
    rec: &Rec,
    exchange: Option<&Exchange>,
    agreement: Option<&str>,
    agreements: &Agreements<'_>,
) -> Vec<String> {
    if let Some(exchange) = exchange {
        return vec![exchange.consumer.to_string()];
    }
    let agreed = agreement.and_then(|agreement| agreements.get(agreement));
    let parties = agreed.into_iter().flatten().filter_map(|agreed| {
        if agreed.consumer != rec.did.as_str() {
            return Some(agreed.consumer.to_owned());
        }
        let decision = rec.section(SectionName::Facts)?.get("decision")?;
        let decision = DecisionRecord::parse(decision).ok()?;
        recipient(&decision).map(str::to_owned)
    });
    parties.collect()
}

/// When that happened which the record tells of. A log whose clock was set back gives its records the time of the one before
/// until the clock has caught up, and says so; then the decision that was taken with the record tells the clock's own time.
pub(super) fn happened_ms(rec: &Rec) -> Result<u64, Doubt> {
    let incomplete = |what: &str| Doubt::NotChecked(Reason::Incomplete { what: what.to_owned() });
    let recorded_ms = recorded_ms(&rec.record).ok_or_else(|| incomplete("the record's envelope"))?;
    let envelope = rec.section(SectionName::Envelope);
    if !envelope.is_some_and(is_clock_stepped) {
        return Ok(recorded_ms);
    }
    let decision = rec.section(SectionName::Facts).and_then(|facts| facts.get("decision"));
    let decision = decision.and_then(|decision| DecisionRecord::parse(decision).ok());
    decision
        .map(|decision| decision.request.now_ms)
        .ok_or_else(|| incomplete("the time of the decision, since the clock had been set back,"))
}

/// The request was made when the record was: a key that leaked later could otherwise be given an earlier time.
fn near(rec: &Rec, created_ms: u64) -> Result<(), Doubt> {
    let recorded_ms = happened_ms(rec)?;
    let limit_ms = match rec.kind() {
        Some(Kind::RunStarted) => NEAR_RUN_MS,
        _ => NEAR_MS,
    };
    if created_ms.abs_diff(recorded_ms) <= limit_ms {
        Ok(())
    } else {
        Err(Doubt::Failed(Reason::NotNear {
            created_ms,
            recorded_ms,
        }))
    }
}

/// The token that the record's owner had given, bound to the key that signed the request.
fn token<R: Read + Seek>(
    archive: &mut Archive<R>,
    rec: &Rec,
    anchors: Option<&Anchors>,
    base: &SignatureBase,
    request_key: &PublicKey,
    caller: &str,
) -> Result<(), Doubt> {
    let token = document(archive, rec, "access-token", MAX_BYTES)?;
    let token = std::str::from_utf8(&token).map_err(Doubt::failed)?;
    let claimed = UnverifiedJws::parse(token, MAX_HEADER_TOKEN_BYTES).map_err(Doubt::failed)?;
    let key_id = claimed.key_id().unwrap_or_default().to_owned();
    let audience = claimed
        .unverified_claims()
        .get("aud")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let issuer: &Did = &rec.did;
    if key_id.split('#').next() != Some(issuer.as_str()) {
        return Err(other("token"));
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
    let token = access_token::verify(token, &expected).map_err(Doubt::failed)?;
    if token.grant().subject.as_str() == caller {
        Ok(())
    } else {
        Err(other("token"))
    }
}
