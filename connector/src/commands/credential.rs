//! `credential`: issue (for an issuer), keep and list.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Credential, CredentialAnswer};
use crate::node::Node;
use herleid_credentials::credential::{NewCredential, issue};
use std::sync::Arc;

const DAY_MS: u64 = 24 * 3_600_000;

/// Issues, keeps or lists.
///
/// # Errors
/// When this connector is no issuer, or the credential is not about this participant.
pub(super) async fn credential(
    node: Arc<Node>,
    request: Credential,
    _progress: Progress,
) -> Result<CredentialAnswer, Failure> {
    match request {
        Credential::Issue {
            subject,
            types,
            claims,
            valid_days,
        } => {
            if !node.config.issuer.enabled {
                return Err(Failure::refused("this connector is not an issuer")
                    .next("set `[issuer] enabled = true` in herleid.toml, if it should be"));
            }
            let now_ms = node.now_ms();
            let types: Vec<&str> = types.iter().map(String::as_str).collect();
            let new = NewCredential {
                id: &format!("urn:uuid:{}", node.fresh_id()),
                issuer: &node.did,
                subject: &subject,
                types: &types,
                claims: &claims,
                valid_from_ms: now_ms,
                valid_until_ms: now_ms.saturating_add(u64::from(valid_days) * DAY_MS),
            };
            let jwt = issue(&node.identity, &node.key_id, &new).map_err(Failure::failed)?;
            Ok(CredentialAnswer::Issued { jwt })
        }
        Credential::Add { jwt } => Ok(CredentialAnswer::Added(node.holder.add(&node, &jwt).await?)),
        Credential::List {} => Ok(CredentialAnswer::List {
            credentials: node.holder.lines(&node)?,
        }),
    }
}
