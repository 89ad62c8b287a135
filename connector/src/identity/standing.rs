//! Whether what access rests on still holds: the credentials that were shown when it was asked for. They are looked at again at every
//! request, and every second while something is being sent: that one has ended, was taken back, or that its issuer is trusted no more,
//! stops both.

use super::AuthenticationError;
use super::statuses::LONGEST;
use crate::dsp::id::Id;
use crate::dsp::transfer::DataTransfer;
use crate::node::Node;
use crate::state::{GrantEntry, GrantPurpose};
use herleid_credentials::credential::{Claimed, CredentialError, Purpose, StatusLists, VC_JWT_MEDIA_TYPE};
use herleid_credentials::presentation;
use herleid_ledger::record::Document;
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

/// What the credentials say that were shown for `grant`; nothing where none were, or they cannot be read. They are those of the asker as
/// long as [`lost`] finds nothing.
pub(crate) fn shown_for(node: &Node, grant: &GrantEntry) -> Arc<Vec<Claimed>> {
    if grant.kind == GrantPurpose::Onward {
        return Arc::default();
    }
    node.foundations.of(node, grant).unwrap_or_else(|why| {
        tracing::warn!(%why, grant = %grant.id, "what access rests on cannot be read, and says nothing");
        Arc::default()
    })
}

/// What the credentials say in presentations that were verified before.
pub(crate) fn claimed(presentations: &[String]) -> Vec<Claimed> {
    let read = presentations
        .iter()
        .filter_map(|token| presentation::claimed(token).ok());
    read.flatten().collect()
}

/// What has become of credentials that do not hold now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lapse {
    /// They hold no more.
    Over,
    /// Their issuer has suspended one: it may hold again.
    Suspended,
    /// Whether they hold cannot be found out at this moment, which says nothing against whoever showed them.
    Unknown,
}

/// Why nothing may be had that rests on credentials.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    /// In words that may be told to others.
    pub(crate) why: String,
    pub(crate) how: Lapse,
    /// The credential that does not hold, and the status lists that were looked at: the exact tokens.
    credential: Option<String>,
    lists: StatusLists,
}

impl Lost {
    pub(crate) fn new(how: Lapse, why: String) -> Self {
        Self {
            why,
            how,
            credential: None,
            lists: StatusLists::none(),
        }
    }

    /// For another reason than the credentials.
    pub(crate) fn over(why: String) -> Self {
        Self::new(Lapse::Over, why)
    }

    /// What says so, for whoever has to judge it in ten years; nothing where nothing says so.
    pub(crate) fn evidence(&self) -> Vec<Document> {
        if self.how == Lapse::Unknown {
            return Vec::new();
        }
        let credential = self.credential.iter().map(|token| ("credential", token.as_str()));
        let lists = self.lists.iter().map(|list| ("status-list", list.token()));
        credential
            .chain(lists)
            .map(|(role, token)| document(role, token))
            .collect()
    }

    /// The same, in words for what has to break off because of it.
    pub(crate) fn of_access(self) -> Self {
        let why = match self.how {
            Lapse::Over | Lapse::Suspended => format!("access has ended: {}", self.why),
            Lapse::Unknown => format!(
                "whether access goes on cannot be found out now: {}; go on later",
                self.why
            ),
        };
        Self { why, ..self }
    }
}

fn document(role: &str, token: &str) -> Document {
    Document {
        role: role.to_owned(),
        media_type: VC_JWT_MEDIA_TYPE.to_owned(),
        bytes: token.as_bytes().to_vec(),
    }
}

fn lapse(error: &CredentialError) -> Lapse {
    match error {
        CredentialError::TakenBack {
            how: Purpose::Suspension,
            ..
        } => Lapse::Suspended,
        // The list is at fault, not the credential.
        CredentialError::StatusNotAtHand { .. } | CredentialError::StatusList { .. } => Lapse::Unknown,
        _ => Lapse::Over,
    }
}

/// Whether credentials that were verified before still hold; the lists that say so.
async fn look(node: &Node, shown: &[Claimed]) -> Result<StatusLists, Lost> {
    let looking = async {
        let mut lists = StatusLists::none();
        loop {
            // By the time and the trust of now, for all of them, whenever something had to be waited for.
            let (trusted, now) = (node.trust.issuers(), node.now());
            let found = shown.iter().find_map(|one| {
                let stands = one.stands(&trusted, &lists, now);
                stands.err().map(|error| (one, error))
            });
            match found {
                None => return Ok(lists),
                Some((_, CredentialError::StatusNotAtHand { list, issuer })) if !lists.has(&list) => {
                    let had = node.statuses.list(&issuer, &list).await;
                    lists.add(had.map_err(|failed| Lost::new(Lapse::Unknown, failed.to_string()))?);
                }
                Some((one, error)) => {
                    return Err(Lost {
                        why: format!("a credential by `{}` does not hold: {error}", one.issuer()),
                        how: lapse(&error),
                        credential: Some(one.token().to_owned()),
                        lists,
                    });
                }
            }
        }
    };
    // However many lists there are: what is being sent goes on meanwhile.
    let late = |_| Lost::new(Lapse::Unknown, "its status lists did not come in time".to_owned());
    tokio::time::timeout(LONGEST, looking).await.map_err(late)?
}

/// The same, of what is in these presentations, as evidence.
pub(crate) async fn look_at(node: &Node, presentations: &[String]) -> Result<Vec<Document>, Lost> {
    let mut shown = Vec::new();
    for token in presentations {
        shown.extend(presentation::claimed(token).map_err(|e| Lost::over(e.to_string()))?);
    }
    let lists = look(node, &shown).await?;
    Ok(lists.iter().map(|list| document("status-list", list.token())).collect())
}

/// Whether credentials that were verified before still hold; the lists that say so.
///
/// # Errors
/// Says which does not, or what could not be found out.
pub(crate) async fn stand(node: &Node, shown: &[Claimed]) -> Result<StatusLists, AuthenticationError> {
    look(node, shown).await.map_err(|lost| match lost.how {
        Lapse::Unknown => AuthenticationError::Unavailable(lost.why),
        Lapse::Over | Lapse::Suspended => AuthenticationError::Credentials(lost.why),
    })
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

/// Why the credentials that `grant` rests on give no access now; `None` while they do, or none are asked for.
pub(crate) async fn lost(node: &Node, grant: &GrantEntry) -> Option<Lost> {
    let required = &node.config.identity.required_credentials;
    let believed = node.config.development.as_ref().is_some_and(|d| d.mock_identity);
    // What is passed on is asked for by a model service that we have called ourselves: it showed nothing.
    if required.is_empty() || believed || grant.kind == GrantPurpose::Onward {
        return None;
    }
    let shown = match node.foundations.of(node, grant) {
        Ok(shown) => shown,
        Err(why) => {
            let why = format!("the credentials that access rests on are not known: {why}");
            return Some(Lost::new(Lapse::Unknown, why));
        }
    };
    if let Err(lost) = look(node, &shown).await {
        return Some(lost);
    }
    // Also those that are asked for only since.
    let trusted = node.trust.issuers();
    let met = |kind: &String| shown.iter().any(|one| one.is_trusted_as(kind, &trusted));
    let unmet = required.iter().find(|kind| !met(kind))?;
    Some(Lost::over(format!(
        "access was given without a credential of type `{unmet}`, which is asked for now; request a transfer again"
    )))
}

/// Waits until the credentials that `grant` rests on give no access, and says why.
pub(crate) async fn until_lost(node: &Node, grant: &GrantEntry) -> Lost {
    loop {
        if let Some(lost) = lost(node, grant).await {
            return lost;
        }
        tokio::time::sleep(LOOK).await;
    }
}
