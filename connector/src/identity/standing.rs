//! Whether what access rests on still holds: the credentials that were shown when it was asked for. They are looked at again at every
//! request, and every second while something is being sent: that one has ended, was taken back, or that its issuer is trusted no more,
//! stops both.

use super::AuthenticationError;
use super::statuses::LONGEST;
use crate::dsp::id::Id;
use crate::dsp::transfer::DataTransfer;
use crate::node::Node;
use crate::state::{GrantEntry, GrantPurpose};
use herleid_credentials::credential::{Claimed, CredentialError, StatusLists};
use herleid_credentials::presentation;
use herleid_vocab::did::Did;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked at again while something is being sent.
const LOOK: Duration = Duration::from_secs(1);
/// Grants of which it is remembered what they rest on.
const KEPT: usize = 1_000;

/// What grants rest on, read once for each: it is kept with their transfers, and never changes.
#[derive(Default)]
pub struct Foundations(Mutex<HashMap<String, Arc<Vec<Claimed>>>>);

impl Foundations {
    fn of(&self, node: &Node, grant: &GrantEntry) -> Result<Arc<Vec<Claimed>>, String> {
        // A panic while it was held leaves at worst a missing entry.
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&grant.id) {
            return Ok(found.clone());
        }
        let pid: Id = grant
            .id
            .parse()
            .map_err(|_| "no transfer stands behind it".to_owned())?;
        let context = node.negotiator.context::<DataTransfer>(node, &pid);
        let context = context.map_err(|_| "what was shown for it cannot be read".to_owned())?;
        let mut all = Vec::new();
        for token in &context.presentations {
            all.extend(presentation::claimed(token).map_err(|e| e.to_string())?);
        }
        let all = Arc::new(all);
        let mut known = known();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(grant.id.clone(), all.clone());
        Ok(all)
    }
}

/// Whether credentials that were verified before still hold; the lists that say so.
///
/// # Errors
/// Says which does not, or what could not be found out.
pub(super) async fn stand(node: &Node, shown: &[Claimed]) -> Result<StatusLists, AuthenticationError> {
    let looking = async {
        let mut lists = StatusLists::none();
        loop {
            // By the time and the trust of now, for all of them, whenever something had to be waited for.
            let (trusted, now) = (node.trust.issuers(), node.now());
            let found = shown.iter().find_map(|one| {
                let stands = one.stands(&trusted, &lists, now);
                stands.err().map(|error| (one.issuer(), error))
            });
            match found {
                None => return Ok(lists),
                Some((_, CredentialError::StatusNotAtHand { list, issuer })) if !lists.has(&list) => {
                    fetch(node, &list, &issuer, &mut lists).await?;
                }
                Some((issuer, error)) => {
                    return Err(AuthenticationError::Credentials(format!(
                        "a credential by `{issuer}` does not hold any more: {error}"
                    )));
                }
            }
        }
    };
    // However many lists there are: what is being sent goes on meanwhile.
    let late = |_| AuthenticationError::Unavailable("its status lists did not come in time".to_owned());
    tokio::time::timeout(LONGEST, looking).await.map_err(late)?
}

/// Adds the list at `list`, as `issuer` signed it.
///
/// # Errors
/// When it is not known.
pub(super) async fn fetch(
    node: &Node,
    list: &str,
    issuer: &Did,
    lists: &mut StatusLists,
) -> Result<(), AuthenticationError> {
    match node.statuses.list(issuer, list).await {
        Ok(found) => {
            lists.add(found);
            Ok(())
        }
        Err(failure) if failure.is_passing => Err(AuthenticationError::Unavailable(failure.to_string())),
        Err(failure) => Err(AuthenticationError::Credentials(failure.to_string())),
    }
}

/// Why the credentials that `grant` rests on give no access any more; `None` while they do, or none are asked for.
pub(crate) async fn lost(node: &Node, grant: &GrantEntry) -> Option<String> {
    let required = &node.config.identity.required_credentials;
    let believed = node.config.development.as_ref().is_some_and(|d| d.mock_identity);
    // What is passed on is asked for by a model service that we have called ourselves: it showed nothing.
    if required.is_empty() || believed || grant.kind == GrantPurpose::Onward {
        return None;
    }
    let shown = match node.foundations.of(node, grant) {
        Ok(shown) => shown,
        Err(why) => return Some(format!("the credentials that access rests on are not known: {why}")),
    };
    if let Err(error) = stand(node, &shown).await {
        return Some(error.to_string());
    }
    // Also those that are asked for only since.
    let trusted = node.trust.issuers();
    let met = |kind: &String| shown.iter().any(|one| one.is_trusted_as(kind, &trusted));
    let unmet = required.iter().find(|kind| !met(kind))?;
    Some(format!(
        "access was given without a credential of type `{unmet}`, which is asked for now; request a transfer again"
    ))
}

/// Waits until the credentials that `grant` rests on give no access any more, and says why.
pub(crate) async fn until_lost(node: &Node, grant: &GrantEntry) -> String {
    loop {
        if let Some(why) = lost(node, grant).await {
            return why;
        }
        tokio::time::sleep(LOOK).await;
    }
}
