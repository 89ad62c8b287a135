//! Who is asking: resolves DID documents, checks self-issued tokens and presented credentials, and signs for ourselves.
//!
//! Pure checks live in `herleid_credentials`; here are the fetches, the cache and the durable memory of used tokens.

mod documents;
pub(crate) mod history;
mod holder;
mod present;
mod replay;
mod shortcuts;
mod standing;
mod statuses;

pub use documents::{DocumentError, Documents, Resolved};
pub use holder::{Holder, HolderError};
pub use present::{Membership, presented_credentials};
pub use replay::{FirstUse, UsedTokens};
pub use shortcuts::{Shortcuts, authorization};
pub use standing::Foundations;
pub(crate) use standing::{Lapse, Lost, claimed, look_at, lost, shown_for, until_lost};
pub(crate) use statuses::Fetcher;
pub use statuses::{StatusFailure, Statuses};

use crate::state::Declares;
use herleid_credentials::{Now, si_token};
use herleid_vocab::did::Did;
use http::HeaderMap;
use std::sync::Arc;

#[cfg(test)]
pub(crate) use statuses::tests as lists;
#[cfg(test)]
mod tests;

/// Why a caller is not known. Such refusals are counted ([`crate::node::Node::unauthenticated`]), never recorded: strangers
/// could fill the log. Each text may be told to the caller, and says nothing of what lies behind our own doors.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// No bearer token.
    #[error(
        "the request has no `Authorization: Bearer` token; expected a self-issued token (Decentralized Claims Protocol 1.0, section 4.3)"
    )]
    NoToken,
    /// The token names no participant.
    #[error("the token's issuer is not a participant's identifier: {0}")]
    Issuer(String),
    /// The caller's document could not be had.
    #[error("the caller's DID document could not be had: {0}")]
    Document(#[from] DocumentError),
    /// The token is wrong.
    #[error("the self-issued token is refused: {0}")]
    Token(String),
    /// The token was used before.
    #[error("the self-issued token was used before (`jti` seen); expected a fresh one for every request")]
    Replayed,
    /// We cannot remember that it was used, for this reason, which is for our own log.
    #[error("the use of the token could not be recorded")]
    Memory(String),
    /// The configuration names the participants that are dealt with, and this is none of them.
    #[error("`{0}` is not among the participants that `trust.peers` admits here; who runs this connector can add it")]
    NotAdmitted(Did),
    /// The credentials are not enough.
    #[error("{0}")]
    Credentials(String),
    /// What is needed to check the credentials could not be had at this moment.
    #[error("{0}")]
    Unavailable(String),
}

impl AuthenticationError {
    /// Whether the same request, signed afresh, may succeed in a while: nothing was found out against the caller, who must not be
    /// told that it is unknown, for that is final, and is not counted among those who are.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Document(error) => error.is_passing(),
            Self::Unavailable(_) => true,
            Self::NoToken
            | Self::Issuer(_)
            | Self::Token(_)
            | Self::Replayed
            | Self::Memory(_)
            | Self::NotAdmitted(_)
            | Self::Credentials(_) => false,
        }
    }
}

/// A caller that is known; only [`authenticate`] and, for development, [`Authenticated::by_shortcut`] make one.
#[derive(Debug, Clone)]
pub struct Authenticated {
    did: Did,
    declares: Declares,
    presentation_token: Option<String>,
    shown: Option<(Arc<Resolved>, String)>,
}

impl Authenticated {
    /// The caller.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// What the caller states of its use, signed by it within the token: *declared*, not proved.
    #[must_use]
    pub fn declares(&self) -> &Declares {
        &self.declares
    }

    /// The token that lets us ask the caller's credential service.
    #[must_use]
    pub fn presentation_token(&self) -> Option<&str> {
        self.presentation_token.as_deref()
    }

    /// The DID document under which the caller was checked; `None` for one that is known by a shortcut of development.
    #[must_use]
    pub fn document(&self) -> Option<&Arc<Resolved>> {
        self.shown.as_ref().map(|(document, _)| document)
    }

    /// Identifier of the key that signed the token.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.shown.as_ref().map(|(_, key_id)| key_id.as_str())
    }

    /// The caller that `shortcuts` know by this request, if they do: they are empty without the development flag.
    #[must_use]
    pub fn by_shortcut(shortcuts: &Shortcuts, headers: &HeaderMap) -> Option<Self> {
        let peer = shortcuts.recognise(headers)?;
        Some(Self {
            did: peer.did.clone(),
            declares: Declares::default(),
            presentation_token: None,
            shown: None,
        })
    }
}

/// Checks the self-issued token of a request (DCP 1.0, section 4.3): that `admit` lets in whoever it claims to be from, then
/// signature, audience, validity, single use.
///
/// # Errors
/// Says which check failed.
pub async fn authenticate(
    headers: &HeaderMap,
    documents: &Documents,
    used: &UsedTokens,
    audience: &Did,
    now: Now,
    admit: impl Fn(&Did) -> Result<(), AuthenticationError>,
) -> Result<Authenticated, AuthenticationError> {
    let token = bearer(headers).ok_or(AuthenticationError::NoToken)?;
    let subject = si_token::claimed_subject(token).map_err(|e| AuthenticationError::Issuer(e.to_string()))?;
    // Before anything is fetched or written because of it: whoever is not dealt with can cause neither.
    admit(&subject)?;
    let document = documents.resolve_claimed(&subject).await?;
    let expected = si_token::Expected { audience, now };
    let checked = si_token::verify(token, document.document(), &expected)
        .map_err(|e| AuthenticationError::Token(e.to_string()))?;
    documents.keep(&document);
    let first = used.spend(&checked.replay_key(), now.now_ms).await;
    if !first.map_err(forgetful)? {
        return Err(AuthenticationError::Replayed);
    }
    Ok(Authenticated {
        did: checked.did().clone(),
        declares: Declares {
            purpose: checked.purpose().map(str::to_owned),
            legal_basis: checked.legal_basis().map(str::to_owned),
            area_of_use: checked.area_of_use().map(str::to_owned),
        },
        presentation_token: checked.token().map(str::to_owned),
        shown: Some((document, checked.key_id().to_owned())),
    })
}

/// The caller is told that it is our fault, our log why.
fn forgetful(why: String) -> AuthenticationError {
    tracing::error!(%why, "the use of a token could not be recorded");
    AuthenticationError::Memory(why)
}

/// The bearer token of a request, if it has exactly one.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}
