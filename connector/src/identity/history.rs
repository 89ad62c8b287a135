//! Our own keys over time. What an older key signed is judged by the key that was ours then; so each change is recorded, with the document
//! that others see from then on, before anybody is served under it.

use crate::commands::Failure;
use crate::node::{Node, fresh_trace};
use crate::state::set;
use herleid_ledger::record::{Document, Draft, Kind};
use herleid_ledger::section::SectionName;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Where the keys lie that were in use last.
const OWN: &str = "own-keys";

/// Public keys of this participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnKeys {
    /// Multikey of the key that signs for the participant.
    identity: String,
    /// Verifier key of the witness that this connector is for others; a restore makes people change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    witness: Option<String>,
}

/// Records that a key is another one than before, if it is. The log's own key never changes within a log.
///
/// # Errors
/// When the state cannot be read or the record not be made: nothing must be signed with the new key then.
pub(crate) async fn keep(node: &Arc<Node>) -> Result<(), Failure> {
    let now = OwnKeys {
        identity: node.identity.public_key().to_multikey(),
        witness: node.witness.as_ref().map(|witness| witness.verifier_key()),
    };
    let before = node.state.get::<OwnKeys>(OWN)?;
    let mut kept = now.clone();
    if let (None, Some(before)) = (&now.witness, &before) {
        // One that witnesses nothing at the moment may do so again, with the same key or another.
        kept.witness.clone_from(&before.witness);
    }
    if before.as_ref() == Some(&kept) {
        return Ok(());
    }
    let (key, value) = set(OWN.to_owned(), &kept)?;
    let what = match &before {
        Some(before) if before.identity != kept.identity => "identity",
        Some(before) if before.witness.is_some() => "witness",
        // The first start, or the first of a version that keeps this: what was before is not known, and nothing has changed.
        _ => return Ok(node.ledger.put_state(vec![(key, value)]).await?),
    };
    tracing::warn!(%what, before = ?before, after = ?kept, "a key of this participant has changed; it is recorded");
    let facts = json!({"what": what, "before": before, "after": kept, "by": "key files"});
    let draft = Draft::new(Kind::KeyChanged, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .evidence(Document {
            role: "did-document".to_owned(),
            media_type: "application/did+json".to_owned(),
            bytes: node.document.bytes().to_vec(),
        })
        .put(key, value);
    node.append(draft).await?;
    Ok(())
}
