//! `anchors`: what this connector states of itself, for an auditor who asks it directly: who it is, its keys, its log, how
//! far the streams of others go that it numbers. Nobody else can state that for it.

use super::Failure;
use super::credential::ISSUED;
use crate::control::progress::Progress;
use crate::control::protocol::{Anchors, AnchorsAnswer};
use crate::node::Node;
use crate::state::{AgreementEntry, Digests, State};
use herleid_ledger::record::{Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{At, Ledger};
use herleid_vocab::json;
use serde_json::{Value, json};
use std::sync::Arc;

/// States it, in the form of `herleid-anchors/1` (docs/dossier-format.md) with only what is ours.
pub(super) async fn anchors(node: Arc<Node>, request: Anchors, _progress: Progress) -> Result<AnchorsAnswer, Failure> {
    let key = json!({"id": node.key_id, "jwk": node.identity.public_key().to_jwk(), "from": 0, "until": null});
    let party = json!({
        "did": node.did.as_str(), "name": node.config.participant.name, "party": node.witness.is_none() && !node.config.issuer.enabled,
        "logs": periods(&node)?,
        "keys": [key],
    });
    let witnesses = match &node.witness {
        Some(witness) => {
            json!([{"name": witness.verifier().name(), "verifierKey": witness.verifier().to_string(), "outside": true}])
        }
        None => json!([]),
    };
    let issuers = match node.config.issuer.enabled {
        true => {
            let issued = node.state.scan::<u64>(ISSUED)?;
            let types: Vec<&str> = issued.iter().filter_map(|(key, _)| key.strip_prefix(ISSUED)).collect();
            if types.is_empty() {
                json!([])
            } else {
                json!([{"did": node.did.as_str(), "types": types, "keys": [key]}])
            }
        }
        false => json!([]),
    };
    let cosigned = logs_of(&node).filter_map(|ledger| ledger.cosigned());
    let checkpoints: Vec<String> = cosigned.map(|c| c.note().to_string()).collect();
    let mut streams = Vec::new();
    for ledger in logs_of(&node) {
        streams.extend(streams_of(ledger)?);
    }
    let statement = json!({
        "format": "herleid-anchors/1", "obtained": node.now_ms(), "quorum": node.config.trust.quorum.max(1), "parties": [party],
        "witnesses": witnesses, "issuers": issuers, "checkpoints": checkpoints, "streams": streams,
    });
    crate::audit::write_new(&request.out, &json::canonical(&statement)?).map_err(|e| Failure::new(e.code(), e))?;
    let fingerprint = Digests::of(node.ledger.verifier().to_string().as_bytes()).sha256;
    Ok(AnchorsAnswer {
        path: request.out,
        fingerprint,
    })
}

/// Our log, and those before it that can be read.
fn logs_of(node: &Node) -> impl Iterator<Item = &Ledger> {
    std::iter::once(&node.ledger).chain(&node.previous)
}

/// From when until when each of our logs counts: what was recorded there stays ours.
fn periods(node: &Node) -> Result<Vec<Value>, Failure> {
    let mut logs = Vec::new();
    // A log is over from the first record of the one after it.
    let mut until = Value::Null;
    for ledger in logs_of(node) {
        let opened = ledger.record(0)?.value(SectionName::Envelope).unwrap_or_default();
        let origin = ledger.origin();
        logs.push(json!({"origin": origin, "verifierKey": ledger.verifier().to_string(), "from": 0, "until": until}));
        until = opened.get("recordedAt").cloned().unwrap_or_default();
    }
    Ok(logs)
}

/// The last record of every stream that we number in one log for a consumer of a model of ours, its number opened.
fn streams_of(ledger: &Ledger) -> Result<Vec<Value>, Failure> {
    let mut found = Vec::new();
    for (_, agreement) in State::new(ledger.clone()).scan::<AgreementEntry>("agreement/provider/")? {
        let key = StreamKey::Model {
            model: agreement.target.clone(),
            consumer: agreement.other.clone(),
        };
        let Some(place) = ledger.stream(&key)? else {
            continue;
        };
        for index in ledger
            .by_term(&Term::Model(agreement.target.clone()))?
            .into_iter()
            .rev()
        {
            let stored = ledger.record(index)?;
            let section = stored.value(SectionName::StreamModel).unwrap_or_default();
            if section.get("id").and_then(Value::as_str) != Some(place.id.to_string().as_str())
                || crate::dossier::closure::kind(&stored) != Some(Kind::RunStarted)
            {
                continue;
            }
            let sections = [SectionName::Exchange, SectionName::StreamModel];
            let handed = ledger
                .hand_over(index, &sections, None, At::Latest)?
                .to_value()
                .map_err(Failure::failed)?;
            found.push(json!({"record": handed, "kind": "stream-model", "of": {"model": agreement.target, "consumer": agreement.other.as_str()}}));
            break;
        }
    }
    found.sort_by_key(|s| s.get("of").map(Value::to_string));
    found.dedup_by_key(|s| s.get("of").map(Value::to_string));
    Ok(found)
}
