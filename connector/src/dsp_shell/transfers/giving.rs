//! Access that is given when a transfer starts, for as long as the policy holds.

use super::super::{Due, internal};
use super::{refuse, served};
use crate::deciding::{self, Asker};
use crate::dsp::catalog::{HTTP_PULL, HTTP_PUSH, PROCESSES, S3_PUSH};
use crate::dsp::error::Refusal;
use crate::dsp::message::DataAddress;
use crate::dsp::transfer::{DataTransfer, Decide, Direction, Transfer};
use crate::identity::claimed;
use crate::node::{Node, fresh_trace};
use crate::provider::{grants, outstanding, push};
use crate::state::{AgreementEntry, Declares, Digests, GrantEntry, GrantPurpose, ModelEntry, Side, VersionEntry, set};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herleid_ledger::record::StreamKey;
use herleid_vocab::did::Did;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// How long a grant lasts at most; its tokens last five minutes, and a transfer can be asked for again.
const GRANT_MS: u64 = 3_600_000;
/// And of a push, which nobody asks for again: as long as a stream may take. The policy is looked at every second all the same.
const PUSH_MS: u64 = 24 * GRANT_MS;

pub(super) async fn start(node: &Arc<Node>, process: &Transfer) -> Result<Due<DataTransfer>, Refusal> {
    let consumer = node.did_of(process.peer())?;
    if let Err(refusal) = served(node, &consumer, process.format(), process.address_of_push()) {
        return Ok(refuse(refusal.code(), &refusal.to_string()));
    }
    let entry: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(process.agreement().as_str(), Side::Provider))
        .map_err(|e| internal(&e))?;
    let Some(agreement) = entry.filter(|a| a.other == consumer) else {
        return Ok(refuse("no-agreement", "there is no such agreement with you"));
    };
    if let Some(why) = &agreement.terminated {
        return Ok(refuse("agreement-ended", &format!("the agreement has ended: {why}")));
    }
    let context = node.negotiator.context::<DataTransfer>(node, process.own_pid())?;
    let declares = context.declares.or(&agreement.declares);
    let shown = claimed(&context.presentations);
    let asker = Asker::by_token(&consumer)
        .declaring(&declares)
        .showing(&shown)
        .delivering_nothing();
    // A push that goes on is what it was: its record has its place already.
    let begun = push::begun(node, process.own_pid()).map_err(|e| internal(&e))?;
    // Access to what broke off is no second use; at the data itself it is decided again.
    let places = match &begun {
        Some(begun) => begun.places(node, &agreement).map_err(|e| internal(&e))?,
        None => outstanding::places(node, &agreement, &consumer).map_err(|e| internal(&e))?,
    };
    let decided = deciding::under_agreement_again(node, &agreement, deciding::USE, &asker, &places);
    let decided = decided.map_err(|e| internal(&e))?;
    if !decided.is_permit() {
        let stream = StreamKey::Agreement {
            agreement: agreement.id.clone(),
            side: Side::Provider.into(),
            other: consumer.clone(),
        };
        let facts = json!({"what": "transfer", "party": consumer.as_str(), "agreement": agreement.id, "decision": decided.record()});
        grants::record_denial(node, facts, Some(stream), &decided, &fresh_trace(node))
            .await
            .map_err(|e| internal(&e))?;
        return Ok(refuse("policy-denied", &decided.refusal(&consumer)));
    }
    // What is recorded is of one version, and no other goes under it.
    let kept = match &begun {
        Some(_) => node
            .state
            .get::<GrantEntry>(&GrantEntry::key(process.own_pid().as_str()))
            .map_err(|e| internal(&e))?
            .and_then(|grant| grant.version),
        None => None,
    };
    let Some((grant, endpoint)) = grant(node, process, &agreement, &consumer, declares, kept.as_deref())? else {
        return Ok(refuse(
            "not-published",
            "what the agreement is about is not published here any more, or not in this format",
        ));
    };
    if grant.push && agreement.is_one_sided() {
        // Who keeps no log signs no order: its transfer request is all that it says, and the push begins when it knows of the start.
        let mut changes = vec![set(GrantEntry::key(&grant.id), &grant).map_err(|e| internal(&e))?];
        if begun.is_none() {
            match push::one_sided(node, &grant) {
                Ok(entry) => changes.push(entry),
                Err(why) => return Ok(refuse("busy", &why)),
            }
        }
        push::begin(node, process.own_pid().clone(), None);
        return Ok(Due {
            decision: Some(Decide::Start(None)),
            changes,
            record: None,
        });
    }
    let (grant, token) = match access_token(node, &agreement, grant, context.key_id.as_deref()).await? {
        Ok(given) => given,
        Err(error) => return Ok(refuse("no-key", &error.to_string())),
    };
    Ok(Due {
        decision: Some(Decide::Start(Some(DataAddress::http_bearer(&endpoint, &token)))),
        changes: vec![set(GrantEntry::key(&grant.id), &grant).map_err(|e| internal(&e))?],
        record: None,
    })
}

/// The token of a grant: bound to the consumer's key; or, for a participant that signs no requests, a secret of which only the digest
/// is kept.
async fn access_token(
    node: &Node,
    agreement: &AgreementEntry,
    mut grant: GrantEntry,
    key_id: Option<&str>,
) -> Result<Result<(GrantEntry, String), grants::GrantError>, Refusal> {
    if agreement.other_log.is_none() {
        let token = URL_SAFE_NO_PAD.encode(node.entropy.bytes32());
        grant.bearer_sha256 = Some(hex::encode(Sha256::digest(token.as_bytes())));
        return Ok(Ok((grant, token)));
    }
    let consumer = node
        .documents
        .resolve(&grant.consumer)
        .await
        .map_err(|e| internal(&e))?;
    Ok(grants::token(node, &grant, &consumer, key_id).map(|token| (grant, token)))
}

/// What is given: the newest version, or the one that is `kept`, in the format asked for; `None` when there is nothing to give.
fn grant(
    node: &Node,
    process: &Transfer,
    agreement: &AgreementEntry,
    consumer: &Did,
    declares: Declares,
    kept: Option<&str>,
) -> Result<Option<(GrantEntry, String)>, Refusal> {
    let may =
        |version: &str, withdrawn: &Option<String>| withdrawn.is_none() && kept.is_none_or(|kept| kept == version);
    let id = process.own_pid().to_string();
    let target = &agreement.target;
    let mut grant = GrantEntry {
        id: id.clone(),
        kind: GrantPurpose::Pull,
        agreement: agreement.id.clone(),
        consumer: consumer.clone(),
        subject: target.clone(),
        version: None,
        digests: None,
        media_type: None,
        transaction: None,
        source: None,
        bearer_sha256: None,
        push: process.direction() == Direction::Push,
        declares,
        until_ms: node.now_ms()
            + if process.direction() == Direction::Push {
                PUSH_MS
            } else {
                GRANT_MS
            },
        closed: None,
    };
    let is_data = matches!(process.format(), HTTP_PULL | HTTP_PUSH | S3_PUSH);
    let data = format!("{}/data/{id}", node.public_url);
    let mut versions = node
        .state
        .scan::<VersionEntry>(&format!("dataset/{target}/"))
        .map_err(|e| internal(&e))?;
    versions.retain(|(_, v)| may(&v.version, &v.withdrawn));
    if let Some((_, version)) = versions
        .into_iter()
        .max_by_key(|(_, v)| v.published_ms)
        .filter(|_| is_data)
    {
        grant.version = Some(version.version);
        grant.digests = version.digests;
        grant.media_type = Some(version.media_type);
        return Ok(Some((grant, data)));
    }
    let mut models = node
        .state
        .scan::<ModelEntry>(&format!("model/{target}/"))
        .map_err(|e| internal(&e))?;
    models.retain(|(_, m)| may(&m.version, &m.withdrawn));
    let Some((_, model)) = models.into_iter().max_by_key(|(_, m)| m.published_ms) else {
        return Ok(None);
    };
    if process.format() == PROCESSES {
        grant.kind = GrantPurpose::Run;
        return Ok(Some((
            grant,
            format!("{}/processes/{target}/execution", node.public_url),
        )));
    }
    // The program itself, so that a run can be repeated; only where its licence lets it travel.
    if is_data && model.program_in_dossier {
        let path = node.payloads.path(&model.program).map_err(|e| internal(&e))?;
        let bytes = std::fs::metadata(path).map_err(|e| internal(&e))?.len();
        grant.version = Some(model.version);
        grant.digests = Some(Digests {
            sha256: model.program,
            blake3: model.program_blake3,
            bytes,
        });
        grant.media_type = Some("application/octet-stream".to_owned());
        return Ok(Some((grant, data)));
    }
    Ok(None)
}
