//! Self-issued ID tokens (DCP 1.0, "Self-Issued ID Tokens"): a participant says who it is, to one verifier, for a few minutes.
//!
//! The signing key must have the `capabilityInvocation` relationship. DCP 1.0.1 names that one alone; `authentication`, which
//! some implementations accept here, is for presentations.

use crate::claims::{self, ClaimError, Claims, Now};
use crate::did_document::{DidDocument, Relationship};
use crate::fault::{TokenFault, signed_by};
use crate::jose::{self, MAX_HEADER_TOKEN_BYTES, UnverifiedJws};
use crate::keys::{SigningKey, Thumbprint};
use crate::replay::ReplayKey;
use herleid_vocab::did::Did;
use serde_json::json;
use std::fmt;

/// The longest that a token may be valid, from `iat` to `exp`, in milliseconds: 15 minutes. It bounds what a replay store holds.
pub const MAX_LIFETIME_MS: u64 = 15 * 60 * 1000;

/// Why a self-issued token is refused, or cannot be minted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiTokenError {
    /// Not a token, not signed by a key of its subject for this use, or a claim (`exp`, `jti`, `aud`, ...) is missing, malformed,
    /// or does not hold here and now.
    #[error("the self-issued token is refused: {0}")]
    Token(#[from] TokenFault),
    /// It has the claim `vc` or `vp`: a credential or a presentation of VC 1.1, which has the same `typ` and the same registered
    /// claims, is not taken for a token.
    #[error("the self-issued token is refused: it has the claim `{claim}` of a credential or a presentation")]
    OtherKind {
        /// `vc` or `vp`.
        claim: &'static str,
    },
    /// `iss` is not `sub`: somebody speaks for somebody else.
    #[error("the self-issued token is refused: `iss` is `{issuer}` but `sub` is `{subject}`; expected the same DID")]
    IssuerIsNotSubject {
        /// `iss`.
        issuer: Did,
        /// `sub`.
        subject: Did,
    },
    /// The document given is not that of `sub`.
    #[error("the self-issued token is of `{subject}`, but the DID document is of `{document}`")]
    OtherDocument {
        /// `sub`.
        subject: Did,
        /// The document's id.
        document: Did,
    },
}

/// What a token to be minted says. Not printable: `token` is a secret between two parties.
#[derive(Clone, Copy)]
pub struct SelfIssued<'a> {
    /// Who speaks: `iss` and `sub`.
    pub subject: &'a Did,
    /// The one verifier: `aud`.
    pub audience: &'a Did,
    /// Unique number, see [`jose::fresh_id`].
    pub jti: &'a str,
    /// `iat`, UTC milliseconds since 1970; cut off to the second.
    pub issued_at_ms: u64,
    /// From `iat` to `exp`, milliseconds, at least 1,000 and at most [`MAX_LIFETIME_MS`]; cut off to the second.
    pub lifetime_ms: u64,
    /// Access token for our Credential Service, or the one that the other end gave us (DCP 1.0, "Verifiable Presentation
    /// Access Token").
    pub token: Option<&'a str>,
    /// What the subject says it wants to do, an IRI: a claim of ours, `purpose`, which DCP lets a token have. Declared, not proved.
    pub purpose: Option<&'a str>,
    /// Why that is lawful, an IRI: `legalBasis`, likewise.
    pub legal_basis: Option<&'a str>,
    /// For which area it is, an IRI: `areaOfUse`, likewise.
    pub area_of_use: Option<&'a str>,
}

/// What the verifier expects.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The verifier's own DID.
    pub audience: &'a Did,
    /// The verifier's time.
    pub now: Now,
}

/// A participant that has proved who it is. Only [`verify`] makes one; the caller still has to refuse a [`ReplayKey`] seen before.
#[derive(Clone)]
pub struct Authenticated {
    did: Did,
    jti: String,
    expires_at_ms: u64,
    leeway_ms: u64,
    token: Option<String>,
    purpose: Option<String>,
    legal_basis: Option<String>,
    area_of_use: Option<String>,
    key_id: String,
    key: Thumbprint,
}

/// Signs a self-issued token. `key_id` is the absolute DID URL of a key with `capabilityInvocation` in the subject's document.
///
/// # Errors
/// [`ClaimError::Lifetime`] for a lifetime under a second or over the limit.
pub fn mint(key: &SigningKey, key_id: &str, says: &SelfIssued<'_>) -> Result<String, SiTokenError> {
    let (issued_at, expires_at) = claims::lifetime(says.issued_at_ms, says.lifetime_ms, MAX_LIFETIME_MS)?;
    let mut claims = json!({
        "iss": says.subject.as_str(), "sub": says.subject.as_str(), "aud": says.audience.as_str(),
        "jti": says.jti, "iat": issued_at, "exp": expires_at,
    });
    if let Some(claims) = claims.as_object_mut() {
        let optional = [
            ("token", says.token),
            ("purpose", says.purpose),
            ("legalBasis", says.legal_basis),
            ("areaOfUse", says.area_of_use),
        ];
        claims.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))),
        );
    }
    Ok(jose::sign(key, key_id, "JWT", None, &claims)?)
}

/// Whose document has to be fetched to verify `token`. **Nothing is verified yet.**
///
/// # Errors
/// [`SiTokenError::Token`].
pub fn claimed_subject(token: &str) -> Result<Did, SiTokenError> {
    let jws = UnverifiedJws::parse(token, MAX_HEADER_TOKEN_BYTES)?;
    Ok(Claims(jws.unverified_claims()).did("sub")?)
}

/// Verifies `token` against the document that its `sub` resolves to (DCP 1.0, "Validating Self-Issued ID Tokens"; step 6, the
/// `jti`, is the caller's: [`Authenticated::replay_key`]).
///
/// # Errors
/// [`SiTokenError`], a variant a cause.
pub fn verify(token: &str, document: &DidDocument, expected: &Expected<'_>) -> Result<Authenticated, SiTokenError> {
    let jws = UnverifiedJws::parse(token, MAX_HEADER_TOKEN_BYTES)?;
    // DCP names no `typ`; other kinds of token have one of their own, and must not pass for this kind.
    jws.check_type(&[None, Some("JWT")], "`JWT`, or none")?;
    let unverified = Claims(jws.unverified_claims());
    if let Some(claim) = ["vc", "vp"].into_iter().find(|claim| unverified.has(claim)) {
        return Err(SiTokenError::OtherKind { claim });
    }
    let (issuer, subject) = (unverified.did("iss")?, unverified.did("sub")?);
    if issuer != subject {
        return Err(SiTokenError::IssuerIsNotSubject { issuer, subject });
    }
    if document.id() != &subject {
        return Err(SiTokenError::OtherDocument {
            subject,
            document: document.id().clone(),
        });
    }
    let (key_id, jws) = signed_by(jws, document, Relationship::CapabilityInvocation, None)?;
    let claims = Claims(jws.claims());

    claims.check_audience(expected.audience.as_str())?;
    let expires_at_ms = claims.check_times(expected.now, MAX_LIFETIME_MS)?;
    Ok(Authenticated {
        did: subject,
        jti: claims.text("jti")?.to_owned(),
        expires_at_ms,
        leeway_ms: expected.now.leeway_ms,
        token: match claims.has("token") {
            true => Some(opaque_token(claims)?),
            false => None,
        },
        purpose: claims.optional_text("purpose")?.map(str::to_owned),
        legal_basis: claims.optional_text("legalBasis")?.map(str::to_owned),
        area_of_use: claims.optional_text("areaOfUse")?.map(str::to_owned),
        key_id,
        key: jws.key_thumbprint().clone(),
    })
}

/// `token` is opaque and may be a JWT of some length itself.
fn opaque_token(claims: Claims<'_>) -> Result<String, ClaimError> {
    match claims.0.get("token").and_then(serde_json::Value::as_str) {
        Some(token) if !token.is_empty() => Ok(token.to_owned()),
        _ => Err(ClaimError::Malformed {
            claim: "token",
            expected: "a non-empty string",
        }),
    }
}

impl fmt::Debug for Authenticated {
    /// Without `token`, which must not get into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated")
            .field("did", &self.did)
            .field("jti", &self.jti)
            .field("expires_at_ms", &self.expires_at_ms)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Authenticated {
    /// Who it is.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// The token's unique number.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// `exp`, UTC milliseconds since 1970.
    #[must_use]
    pub fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }

    /// The access token for the subject's Credential Service, if it gave one; to be copied into our own token.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// What the subject says it wants to do: declared under its signature, not proved.
    #[must_use]
    pub fn purpose(&self) -> Option<&str> {
        self.purpose.as_deref()
    }

    /// Why that is lawful, as the subject says: declared likewise.
    #[must_use]
    pub fn legal_basis(&self) -> Option<&str> {
        self.legal_basis.as_deref()
    }

    /// For which area it is, as the subject says: declared likewise.
    #[must_use]
    pub fn area_of_use(&self) -> Option<&str> {
        self.area_of_use.as_deref()
    }

    /// Absolute DID URL of the key that signed.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Thumbprint of the key that signed.
    #[must_use]
    pub fn key_thumbprint(&self) -> &Thumbprint {
        &self.key
    }

    /// To be kept until the token can no longer be accepted, leeway included, and refused when seen again.
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        ReplayKey::new(
            "herleid/1 si-token",
            &[self.did.as_str(), &self.jti],
            self.expires_at_ms.saturating_add(self.leeway_ms),
        )
    }
}
