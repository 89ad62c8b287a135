//! Grants and their short-lived tokens, and the recording of denials.

use crate::deciding::Decided;
use crate::identity::Resolved;
use crate::node::Node;
use crate::state::{GrantEntry, set};
use herleid_credentials::access_token::{self, Grant};
use herleid_credentials::did_document::Relationship;
use herleid_credentials::jose;
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Denials of one party and kind that are recorded in full within an hour; the rest is counted and recorded once.
/// 20 an hour and party: 480 records a day from a party that keeps trying.
const IN_FULL: u64 = 20;
const HOUR_MS: u64 = 3_600_000;
/// Different reasons that an aggregate keeps.
const REASONS: usize = 8;
/// What all keys of tallies begin with.
const DENIALS: &str = "denials/";

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The consumer's document has no usable key.
    #[error("`{consumer}` has no key to bind an access token to: {why}")]
    Key {
        /// Who.
        consumer: Did,
        /// What is wrong.
        why: String,
    },
    /// Our own side failed.
    #[error("no access could be given: {0}")]
    Own(String),
}

/// A token for `grant`, bound to the consumer's key (the one named, or the first that may invoke capabilities).
///
/// # Errors
/// When the consumer has no such key.
pub fn token(node: &Node, grant: &GrantEntry, consumer: &Resolved, key_id: Option<&str>) -> Result<String, GrantError> {
    let no_key = |why: &dyn std::fmt::Display| GrantError::Key {
        consumer: grant.consumer.clone(),
        why: why.to_string(),
    };
    let document = consumer.document();
    let key = match key_id {
        Some(id) => {
            document
                .key_for(Some(id), Relationship::CapabilityInvocation)
                .map_err(|e| no_key(&e))?
                .1
        }
        None => {
            document
                .keys_for(Relationship::CapabilityInvocation)
                .next()
                .ok_or_else(|| no_key(&"none may invoke capabilities"))?
                .1
        }
    };
    let says = Grant {
        issuer: node.did.clone(),
        audience: node.public_url.clone(),
        subject: grant.consumer.clone(),
        key: key.thumbprint(),
        transfer: grant.id.clone(),
        agreement: grant.agreement.clone(),
        dataset: grant.subject.clone(),
        version: grant.version.clone().unwrap_or_else(|| "current".to_owned()),
    };
    let now_ms = node.now_ms();
    // The configured limit is for tokens of all kinds; verifiers take those of the data plane for a shorter time than others.
    let lifetime_ms = grant
        .until_ms
        .saturating_sub(now_ms)
        .min(node.token_lifetime_ms())
        .min(access_token::MAX_LIFETIME_MS);
    access_token::mint(
        &node.identity,
        &node.key_id,
        &says,
        &jose::fresh_id(node.entropy.as_ref()),
        now_ms,
        lifetime_ms,
    )
    .map_err(|e| GrantError::Own(e.to_string()))
}

#[derive(Serialize, Deserialize)]
struct Tally {
    hour: u64,
    count: u64,
    first: u64,
    last: u64,
    reasons: Vec<String>,
}

/// Records a denial of an authenticated party by a policy: the first ones of an hour in full, the rest as one count. Whoever is
/// not authenticated is only counted elsewhere: strangers must not be able to fill the log.
///
/// # Errors
/// When the log cannot be written.
pub async fn record_denial(
    node: &Node,
    facts: Value,
    stream: Option<StreamKey>,
    decided: &Decided,
    trace: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let policy = Document {
        role: "policy".to_owned(),
        media_type: "application/ld+json".to_owned(),
        bytes: decided.policy_bytes.clone(),
    };
    record(node, facts, stream, decided.headline(), vec![policy], trace).await
}

/// Records that an authenticated party was refused for another reason than a policy, as [`record_denial`] does. No decision can
/// be evaluated again here, so the record has the form of a count, of one.
///
/// # Errors
/// When the log cannot be written.
pub async fn record_refusal(
    node: &Node,
    facts: Value,
    stream: Option<StreamKey>,
    reason: &str,
    trace: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    record_lost(node, facts, stream, reason, Vec::new(), trace).await
}

/// The same, with what says that the party was not to be given anything.
///
/// # Errors
/// When the log cannot be written.
pub async fn record_lost(
    node: &Node,
    facts: Value,
    stream: Option<StreamKey>,
    reason: &str,
    evidence: Vec<Document>,
    trace: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let now_ms = node.now_ms();
    let facts = counted(facts, 1, now_ms, now_ms, &[reason.to_owned()]);
    record(node, facts, stream, reason.to_owned(), evidence, trace).await
}

/// `facts` with what a record has instead of a decision (docs/log-format.md, `denied`).
fn counted(mut facts: Value, count: u64, first: u64, last: u64, reasons: &[String]) -> Value {
    if let Some(members) = facts.as_object_mut() {
        members.insert("count".to_owned(), json!(count));
        members.insert("first".to_owned(), json!(first));
        members.insert("last".to_owned(), json!(last));
        members.insert("reasons".to_owned(), json!(reasons));
    }
    facts
}

async fn record(
    node: &Node,
    facts: Value,
    stream: Option<StreamKey>,
    reason: String,
    evidence: Vec<Document>,
    trace: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let text = |name: &str| facts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (what, party) = (text("what"), text("party"));
    let key = format!("{DENIALS}{party}/{what}");
    let _turn = node.giving.denials.lock().await;
    let now_ms = node.now_ms();
    let hour = now_ms / HOUR_MS;
    let known: Option<Tally> = node.state.get(&key)?;
    if let Some(old) = known.as_ref().filter(|t| t.hour != hour) {
        record_tally(node, &what, &party, old, &key, trace).await?;
    }
    let mut tally = known.filter(|t| t.hour == hour).unwrap_or(Tally {
        hour,
        count: 0,
        first: now_ms,
        last: now_ms,
        reasons: Vec::new(),
    });
    tally.count += 1;
    tally.last = now_ms;
    if tally.count > IN_FULL {
        if tally.reasons.len() < REASONS && !tally.reasons.contains(&reason) {
            tally.reasons.push(reason);
        }
        node.state.write(vec![set(key, &tally)?])?;
        return Ok(());
    }
    let (key, value) = set(key, &tally)?;
    let mut draft = Draft::new(Kind::Denied, trace)
        .section(SectionName::Facts, facts)
        .put(key, value);
    for document in evidence {
        draft = draft.evidence(document);
    }
    if let Ok(did) = party.parse() {
        draft = draft.term(Term::Party(did));
    }
    if let Some(stream) = stream {
        draft = draft.stream(stream);
    }
    node.append(draft).await?;
    Ok(())
}

/// Records what was only counted of an hour that is over, and puts the tally away.
async fn record_tally(
    node: &Node,
    what: &str,
    party: &str,
    tally: &Tally,
    key: &str,
    trace: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if tally.count <= IN_FULL {
        node.state.write(vec![(key.to_owned(), None)])?;
        return Ok(());
    }
    let facts = json!({"what": what, "party": party});
    let facts = counted(facts, tally.count - IN_FULL, tally.first, tally.last, &tally.reasons);
    let draft = Draft::new(Kind::Denied, trace)
        .section(SectionName::Facts, facts)
        .put(key, None);
    node.append(draft).await?;
    Ok(())
}

/// Records the counts of hours that are over.
///
/// # Errors
/// When the log cannot be written.
pub async fn flush_denials(node: &Node, trace: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let _turn = node.giving.denials.lock().await;
    let hour = node.now_ms() / HOUR_MS;
    for (key, tally) in node.state.scan::<Tally>(DENIALS)? {
        let named = key.strip_prefix(DENIALS).and_then(|named| named.rsplit_once('/'));
        if let Some((party, what)) = named
            && tally.hour < hour
        {
            record_tally(node, what, party, &tally, &key, trace).await?;
        }
    }
    Ok(())
}
