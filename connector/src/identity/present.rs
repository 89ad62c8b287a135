//! Asking a caller for its credentials (DCP 1.0, "Verifiable Presentation Protocol"), and remembering the answer for a while.

use super::standing::{fetch, stand};
use super::{Authenticated, AuthenticationError, Resolved, forgetful};
use crate::node::Node;
use herleid_credentials::credential::{Claimed, CredentialError, StatusLists};
use herleid_credentials::did_document::{CREDENTIAL_SERVICE, DidDocument};
use herleid_credentials::presentation::{
    self, PresentationError, PresentationQuery, PresentationResponse, Scope, VerifiedPresentation,
};
use herleid_vocab::did::Did;
use http::{HeaderMap, header};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// How long shown credentials are believed without asking their holder again; never longer than the first of them is valid. Whether
/// their issuer took one back is looked up each time all the same.
const FRESH_MS: u64 = 120_000;
/// Parties remembered at once.
const KEPT: usize = 1_000;

/// What a party has shown.
#[derive(Debug)]
pub struct Shown {
    presentations: Vec<VerifiedPresentation>,
    claimed: Vec<Claimed>,
    until_ms: u64,
}

impl Shown {
    /// The presentations' exact bytes: evidence.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.presentations.iter().map(VerifiedPresentation::token)
    }
}

/// The memory of what was shown.
#[derive(Default)]
pub struct Membership {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    shown: HashMap<Did, Arc<Shown>>,
    forgotten: u64,
}

impl Membership {
    fn get(&self, did: &Did, now_ms: u64) -> Option<Arc<Shown>> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Not longer than it was given: a clock that stepped back must not prolong it.
        kept.shown
            .get(did)
            .filter(|s| now_ms < s.until_ms && s.until_ms - now_ms <= FRESH_MS)
            .cloned()
    }

    /// Forgets all of it: each is asked again.
    pub(crate) fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.shown.clear();
        kept.forgotten += 1;
    }

    /// How often all of it was forgotten: what was checked before the last time is not kept after it.
    fn forgotten(&self) -> u64 {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.forgotten
    }

    fn put(&self, did: &Did, shown: &Arc<Shown>, now_ms: u64, forgotten: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.forgotten != forgotten {
            return;
        }
        let kept = &mut kept.shown;
        if kept.len() >= KEPT {
            kept.retain(|_, s| now_ms < s.until_ms);
        }
        if kept.len() < KEPT {
            kept.insert(did.clone(), shown.clone());
        }
    }
}

/// The credentials that our configuration requires of `caller`: asked for at its credential service, each verified.
///
/// # Errors
/// Says which credential is absent, invalid or untrusted, and who can help.
pub async fn presented_credentials(node: &Node, caller: &Authenticated) -> Result<Arc<Shown>, AuthenticationError> {
    let shown = shown(node, caller).await;
    node.count_refusal(&shown);
    shown
}

async fn shown(node: &Node, caller: &Authenticated) -> Result<Arc<Shown>, AuthenticationError> {
    let required = &node.config.identity.required_credentials;
    let now_ms = node.now_ms();
    // A shortcut for development: the caller's token was checked, and it is believed without credentials.
    let believed = node.config.development.as_ref().is_some_and(|d| d.mock_identity);
    if required.is_empty() || believed {
        return Ok(Arc::new(Shown {
            presentations: Vec::new(),
            claimed: Vec::new(),
            until_ms: now_ms,
        }));
    }
    let forgotten = node.membership.forgotten();
    let is_new = || {
        if node.membership.forgotten() == forgotten {
            return Ok(());
        }
        Err(AuthenticationError::Unavailable(
            "whose credentials count here has changed meanwhile; try again".to_owned(),
        ))
    };
    if let Some(known) = node.membership.get(caller.did(), now_ms) {
        // Taken back meanwhile, it is shown in vain.
        stand(node, &known.claimed).await?;
        is_new()?;
        return Ok(known);
    }
    let refuse = |why: String| AuthenticationError::Credentials(why);
    let scopes = required
        .iter()
        .map(|kind| Scope::CredentialType(kind.clone()))
        .collect();
    let query = PresentationQuery::new(scopes).map_err(|e| refuse(e.to_string()))?;
    let response = ask(node, caller, &query).await?;
    let (mut presentations, mut claimed, mut lists) = (Vec::new(), Vec::new(), StatusLists::none());
    for token in response.presentations() {
        presentations.push(verify(node, caller, token, &mut lists).await?);
        claimed.extend(presentation::claimed(token).map_err(|e| refuse(e.to_string()))?);
    }
    let unmet: Vec<String> = query.unmet(&presentations).iter().map(|scope| kind(scope)).collect();
    if !unmet.is_empty() {
        return Err(refuse(format!(
            "`{}` has shown no credential of type {}: absent; ask an issuer that `{}` trusts for one, then `herleid credential add`",
            caller.did(),
            unmet.join(", "),
            node.did
        )));
    }
    let last = presentations
        .iter()
        .flat_map(VerifiedPresentation::credentials)
        .filter_map(|c| c.valid_until_ms())
        .min();
    let until_ms = last.unwrap_or(u64::MAX).min(now_ms + FRESH_MS);
    let shown = Arc::new(Shown {
        presentations,
        claimed,
        until_ms,
    });
    // All of it once more, for it was waited for: for the lists, and for the holder, who may take its time.
    stand(node, &shown.claimed).await?;
    is_new()?;
    node.membership.put(caller.did(), &shown, now_ms, forgotten);
    Ok(shown)
}

/// The document of a caller that has to show credentials.
fn known(caller: &Authenticated) -> Result<&Resolved, AuthenticationError> {
    let none = || {
        AuthenticationError::Credentials(format!(
            "`{}` is known here without a DID document, and can show no credentials; `development.mock_identity` asks for none",
            caller.did()
        ))
    };
    caller.document().map(std::convert::AsRef::as_ref).ok_or_else(none)
}

fn kind(scope: &Scope) -> String {
    match scope {
        Scope::CredentialType(kind) => format!("`{kind}`"),
        Scope::CredentialId(id) => format!("with id `{id}`"),
    }
}

async fn ask(
    node: &Node,
    caller: &Authenticated,
    query: &PresentationQuery,
) -> Result<PresentationResponse, AuthenticationError> {
    let refuse = |why: String| AuthenticationError::Credentials(why);
    let document = known(caller)?;
    let base = document.document().endpoint(CREDENTIAL_SERVICE);
    let base = base.map_err(|e| refuse(format!("`{}` cannot be asked for its credentials: {e}", caller.did())))?;
    let token = caller.presentation_token();
    let token = token.ok_or_else(|| {
        refuse("the self-issued token carries no `token` that lets its credential service be asked".to_owned())
    })?;
    let own = node
        .self_issued(caller.did(), Some(token), None)
        .map_err(|e| refuse(e.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert(
        header::AUTHORIZATION,
        crate::node::header(&format!("Bearer {own}")).map_err(|e| refuse(e.to_string()))?,
    );
    let url = format!("{}/presentations/query", base.as_str().trim_end_matches('/'));
    let response = node
        .client
        .post_json(&url, headers, query.to_json().to_string().into())
        .await;
    // The caller chose the address, and is told no more of what lies there than what kind of failure it was.
    let response = response.and_then(|r| r.success()).map_err(|error| {
        tracing::info!(did = %caller.did(), %url, %error, "a credential service did not answer");
        let why = format!(
            "the credential service of `{}` did not answer: {}",
            caller.did(),
            error.class()
        );
        if error.is_passing() {
            AuthenticationError::Unavailable(why)
        } else {
            refuse(why)
        }
    })?;
    PresentationResponse::parse(&response.body).map_err(|error| {
        tracing::info!(did = %caller.did(), %url, %error, "a credential service answered something else");
        refuse(format!(
            "the credential service of `{}` answered something else than presentations",
            caller.did()
        ))
    })
}

async fn verify(
    node: &Node,
    caller: &Authenticated,
    token: &str,
    lists: &mut StatusLists,
) -> Result<VerifiedPresentation, AuthenticationError> {
    let refuse = |why: String| AuthenticationError::Credentials(why);
    let invalid = |e: &dyn std::fmt::Display| {
        refuse(format!(
            "the presentation of `{}` is invalid or untrusted: {e}",
            caller.did()
        ))
    };
    let issuers = presentation::claimed_issuers(token).map_err(|e| invalid(&e))?;
    let trusted = node.trust.issuers();
    let mut issuer_documents: BTreeMap<Did, DidDocument> = BTreeMap::new();
    for issuer in issuers {
        // An issuer that we do not trust is not worth a request.
        if trusted.knows(&issuer) {
            let resolved = node.documents.resolve(&issuer).await.map_err(|e| {
                if e.is_passing() {
                    let why = format!(
                        "the issuer of a credential of `{}` could not be asked: {e}",
                        caller.did()
                    );
                    AuthenticationError::Unavailable(why)
                } else {
                    invalid(&e)
                }
            })?;
            issuer_documents.insert(issuer, resolved.document().clone());
        }
    }
    let expected = presentation::Expected {
        holder_document: known(caller)?.document(),
        audience: &node.did,
        nonce: None,
        issuer_documents: &issuer_documents,
        trusted: &trusted,
        now: node.now(),
    };
    // Each list once: which there are is known only of credentials that a trusted issuer signed.
    let verified = loop {
        match presentation::verify_with(token, &expected, lists) {
            Ok(verified) => break verified,
            Err(PresentationError::Credential {
                source: CredentialError::StatusNotAtHand { list, issuer },
                ..
            }) if !lists.has(&list) => fetch(node, &list, &issuer, lists).await?,
            Err(error) => return Err(invalid(&error)),
        }
    };
    if let Some(key) = verified.replay_key() {
        let first = node.used.spend(&key, node.now_ms()).await;
        if !first.map_err(forgetful)? {
            return Err(AuthenticationError::Replayed);
        }
    }
    Ok(verified)
}
