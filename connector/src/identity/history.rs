//! Our own keys over time. What an older key signed is judged by the key that was ours then; so each change is recorded, with the document
//! that others see from then on, before anybody is served under it.

use crate::commands::Failure;
use crate::node::{Node, fresh_trace};
use crate::state::set;
use herleid_ledger::record::{Document, Draft, Kind, Term};
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
}

/// Records that a key is another one than before, if it is. The log's own key never changes within a log.
///
/// # Errors
/// When the state cannot be read or the record not be made: nothing must be signed with the new key then.
pub(crate) async fn keep(node: &Arc<Node>) -> Result<(), Failure> {
    let now = OwnKeys {
        identity: node.identity.public_key().to_multikey(),
    };
    let before = node.state.get::<OwnKeys>(OWN)?;
    if before.as_ref() == Some(&now) {
        return Ok(());
    }
    let (key, value) = set(OWN.to_owned(), &now)?;
    let Some(before) = before else {
        // The first start, or the first of a version that keeps this: what was before is not known, and nothing has changed.
        return Ok(node.ledger.put_state(vec![(key, value)]).await?);
    };
    tracing::warn!(before = %before.identity, after = %now.identity, "the key that signs for this participant has changed; it is recorded");
    let facts = json!({"what": "identity", "before": before, "after": now, "by": "key files"});
    let draft = Draft::new(Kind::KeyChanged, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .evidence(Document {
            role: "did-document".to_owned(),
            media_type: "application/did+json".to_owned(),
            bytes: node.document.bytes().to_vec(),
        })
        .term(Term::Kind(Kind::KeyChanged))
        .put(key, value);
    node.append(draft).await?;
    Ok(())
}
