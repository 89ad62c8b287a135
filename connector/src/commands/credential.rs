//! `credential`: issue (for an issuer), keep and list.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Credential, CredentialAnswer};
use crate::node::Node;
use crate::state::set;
use herleid_credentials::credential::{NewCredential, issue};
use std::sync::Arc;

const DAY_MS: u64 = 24 * 3_600_000;
/// Under it, for every type that was issued, when it last was.
pub(super) const ISSUED: &str = "issued/";

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
            // What it states of itself as an issuer rests on what it has issued.
            let issued = types.iter().map(|kind| set(format!("{ISSUED}{kind}"), &now_ms));
            node.state.write(issued.collect::<Result<_, _>>()?)?;
            Ok(CredentialAnswer::Issued { jwt })
        }
        Credential::Add { jwt } => Ok(CredentialAnswer::Added(node.holder.add(&node, &jwt).await?)),
        Credential::List {} => Ok(CredentialAnswer::List {
            credentials: node.holder.lines(&node)?,
        }),
    }
}
