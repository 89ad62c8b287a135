//! Presentations as signed tokens: a holder shows credentials to one verifier (DCP 1.0, "Verifiable Presentation Protocol").
//!
//! A presentation and all that is in it are of one profile (DCP 1.0, "Homogeneity requirement"). One credential that is refused
//! refuses the presentation ("Presentation Validation", step 8).

mod build;
mod contents;
mod message;

use crate::claims::{Claims, Now};
use crate::credential::{self, Claimed, CredentialError, Profile, StatusLists, TrustedIssuers, VerifiedCredential};
use crate::did_document::{DidDocument, Relationship};
use crate::fault::{TokenFault, signed_by};
use crate::jose::{MAX_BODY_TOKEN_BYTES, UnverifiedJws};
use crate::keys::Thumbprint;
use crate::replay::ReplayKey;
use herleid_vocab::did::Did;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use build::{NewPresentation, build};
pub use message::{MessageError, PresentationQuery, PresentationResponse, Scope};

/// The longest that a presentation may be valid, from `iat` to `exp`, in milliseconds: 15 minutes.
pub const MAX_LIFETIME_MS: u64 = 15 * 60 * 1000;

/// More credentials than this in one presentation are refused.
pub const MAX_CREDENTIALS: usize = 16;

/// Why a presentation is refused, or cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresentationError {
    /// Not a token, of another type, not signed by a key of its holder for presentations; or a claim is missing, malformed, or
    /// does not hold here and now; or a member is not what the data model says it is.
    #[error("the presentation is refused: {0}")]
    Token(#[from] TokenFault),
    /// Parts of both profiles in one presentation.
    #[error("the presentation mixes the profiles of VC 2.0 and VC 1.1: {why}")]
    MixedProfiles {
        /// What is out of place.
        why: &'static str,
    },
    /// Somebody else's presentation.
    #[error("the presentation is by `{found}`, but `{expected}` was asked")]
    OtherHolder {
        /// Who presents, cut off at 80 characters.
        found: String,
        /// Who was asked.
        expected: Did,
    },
    /// The nonce is not the one that was given.
    #[error("the presentation does not carry the nonce that was given")]
    WrongNonce,
    /// An entry is not a credential of the presentation's profile.
    #[error("entry {index} of the presentation is refused: {why}")]
    Entry {
        /// From 0.
        index: usize,
        /// What was expected.
        why: &'static str,
    },
    /// The issuer's document is not among those given.
    #[error("the document of `{issuer}`, issuer of credential {index}, could not be resolved")]
    NoIssuerDocument {
        /// From 0.
        index: usize,
        /// Who issued it.
        issuer: Did,
    },
    /// A credential is refused.
    #[error("credential {index} of the presentation: {source}")]
    Credential {
        /// From 0.
        index: usize,
        /// Why.
        source: CredentialError,
    },
}

/// What the verifier expects of a presentation.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The document of the holder that was asked.
    pub holder_document: &'a DidDocument,
    /// The verifier's own DID.
    pub audience: &'a Did,
    /// The nonce, when one was given; DCP's query has none.
    pub nonce: Option<&'a str>,
    /// Documents of the issuers, see [`claimed_issuers`].
    pub issuer_documents: &'a BTreeMap<Did, DidDocument>,
    /// Who is trusted for what.
    pub trusted: &'a TrustedIssuers,
    /// The verifier's time.
    pub now: Now,
}

/// A presentation whose holder and credentials have all been verified. Only [`verify`] makes one.
#[derive(Clone)]
pub struct VerifiedPresentation {
    holder: Did,
    credentials: Vec<VerifiedCredential>,
    profile: Profile,
    jti: Option<String>,
    expires_at_ms: u64,
    leeway_ms: u64,
    key_id: String,
    key: Thumbprint,
    token: String,
}

impl fmt::Debug for VerifiedPresentation {
    /// Without the token, which is good for a while.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedPresentation")
            .field("holder", &self.holder)
            .field("credentials", &self.credentials)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// Whose documents have to be fetched to verify what `token` contains. **Nothing is verified yet.**
///
/// # Errors
/// [`PresentationError`] when the token does not even say so.
pub fn claimed_issuers(token: &str) -> Result<BTreeSet<Did>, PresentationError> {
    let jws = UnverifiedJws::parse(token, MAX_BODY_TOKEN_BYTES)?;
    let (_, entries) = contents::read(&jws)?;
    let mut issuers = BTreeSet::new();
    for (index, entry) in entries.credentials.iter().enumerate() {
        let issuer =
            credential::claimed_issuer(entry).map_err(|source| PresentationError::Credential { index, source })?;
        issuers.insert(issuer);
    }
    Ok(issuers)
}

/// What the credentials in `token` say of themselves. **Nothing is verified**: for a presentation that was verified before.
///
/// # Errors
/// [`PresentationError`] when the token holds something else than credentials.
pub fn claimed(token: &str) -> Result<Vec<Claimed>, PresentationError> {
    let jws = UnverifiedJws::parse(token, MAX_BODY_TOKEN_BYTES)?;
    let (_, entries) = contents::read(&jws)?;
    let entries = entries.credentials.iter().enumerate();
    let read = entries
        .map(|(index, entry)| Claimed::read(entry).map_err(|source| PresentationError::Credential { index, source }));
    read.collect()
}

/// Verifies a presentation of credentials without a status, or refuses it: as [`verify_with`], with no list at hand.
///
/// # Errors
/// [`PresentationError`], a variant a cause.
pub fn verify(token: &str, expected: &Expected<'_>) -> Result<VerifiedPresentation, PresentationError> {
    verify_with(token, expected, &StatusLists::none())
}

/// Verifies a presentation: one profile, signature by a key in the holder's `authentication`, holder, audience, nonce, times, and each
/// credential in it with the holder as its subject.
///
/// # Errors
/// [`PresentationError`], a variant a cause.
pub fn verify_with(
    token: &str,
    expected: &Expected<'_>,
    lists: &StatusLists,
) -> Result<VerifiedPresentation, PresentationError> {
    let holder = expected.holder_document.id();
    let jws = UnverifiedJws::parse(token, MAX_BODY_TOKEN_BYTES)?;
    let (profile, entries) = contents::read(&jws)?;
    for found in &entries.holders {
        if found != holder.as_str() {
            return Err(PresentationError::OtherHolder {
                found: found.chars().take(80).collect(),
                expected: holder.clone(),
            });
        }
    }
    let unnamed = "it is missing; expected the DID URL of the holder's key";
    let (key_id, jws) = signed_by(
        jws,
        expected.holder_document,
        Relationship::Authentication,
        Some(unnamed),
    )?;

    let claims = Claims(jws.claims());
    claims.check_audience(expected.audience.as_str())?;
    let expires_at_ms = claims.check_times(expected.now, MAX_LIFETIME_MS)?;
    if let Some(nonce) = expected.nonce
        && claims.text("nonce")? != nonce
    {
        return Err(PresentationError::WrongNonce);
    }
    let mut credentials = Vec::with_capacity(entries.credentials.len());
    for (index, entry) in entries.credentials.iter().enumerate() {
        credentials.push(verify_entry(index, entry, profile, expected, lists)?);
    }
    Ok(VerifiedPresentation {
        holder: holder.clone(),
        credentials,
        profile,
        jti: claims.optional_text("jti")?.map(str::to_owned),
        expires_at_ms,
        leeway_ms: expected.now.leeway_ms,
        key_id,
        key: jws.key_thumbprint().clone(),
        token: token.to_owned(),
    })
}

fn verify_entry(
    index: usize,
    entry: &str,
    profile: Profile,
    expected: &Expected<'_>,
    lists: &StatusLists,
) -> Result<VerifiedCredential, PresentationError> {
    let refuse = |source| PresentationError::Credential { index, source };
    let issuer = credential::claimed_issuer(entry).map_err(refuse)?;
    let issuer_document = expected
        .issuer_documents
        .get(&issuer)
        .ok_or(PresentationError::NoIssuerDocument { index, issuer })?;
    let verified = credential::verify_with(
        entry,
        &credential::Expected {
            issuer_document,
            trusted: expected.trusted,
            holder: expected.holder_document.id(),
            now: expected.now,
        },
        lists,
    )
    .map_err(refuse)?;
    if verified.profile() == profile {
        Ok(verified)
    } else {
        Err(PresentationError::MixedProfiles {
            why: "a credential in it is of the other profile",
        })
    }
}

impl VerifiedPresentation {
    /// Who presents.
    #[must_use]
    pub fn holder(&self) -> &Did {
        &self.holder
    }

    /// The credentials, in the presentation's order.
    #[must_use]
    pub fn credentials(&self) -> &[VerifiedCredential] {
        &self.credentials
    }

    /// How it is written down.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// `exp`, UTC milliseconds since 1970.
    #[must_use]
    pub fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }

    /// Absolute DID URL of the holder's key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Thumbprint of the holder's key.
    #[must_use]
    pub fn key_thumbprint(&self) -> &Thumbprint {
        &self.key
    }

    /// The exact token, as evidence.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// When the presentation has a `jti`: to be kept and refused when seen again. One that came as the answer to our own query,
    /// over a connection that we opened, is fresh without it.
    #[must_use]
    pub fn replay_key(&self) -> Option<ReplayKey> {
        let jti = self.jti.as_deref()?;
        Some(ReplayKey::new(
            "herleid/1 presentation",
            &[self.holder.as_str(), jti],
            self.expires_at_ms.saturating_add(self.leeway_ms),
        ))
    }
}
