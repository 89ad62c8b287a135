//! The data plane's own access tokens: signed by the provider for itself, for minutes, bound to the consumer's key.
//!
//! A JWT access token in the manner of RFC 9068 (`typ` `at+jwt`), whose confirmation claim (RFC 7800, RFC 9449 section 6.1) names the key
//! that must sign each request: a stolen token is of no use without it.

use crate::claims::{self, Claims, Now};
use crate::fault::TokenFault;
use crate::jose::{self, MAX_HEADER_TOKEN_BYTES, UnverifiedJws};
use crate::keys::{KeyError, PublicKey, SigningKey, Thumbprint};
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The longest that a token may be valid, in milliseconds: five minutes.
pub const MAX_LIFETIME_MS: u64 = 5 * 60 * 1000;

/// The `typ` of an access token (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";

/// Why an access token is refused, or cannot be minted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// Not a token, not of the type `at+jwt`, its signature does not verify, or a claim is missing, malformed, or does not hold
    /// here and now.
    #[error("the access token is refused: {0}")]
    Token(#[from] TokenFault),
    /// `cnf.jkt` is missing or no thumbprint.
    #[error("the access token is refused: it is bound to no key (`cnf.jkt`): {0}")]
    Unbound(KeyError),
    /// `kid` is not the provider's key.
    #[error("the access token names the key `{found}`; expected `{expected}`")]
    OtherKey {
        /// `kid`, cut off at 200 characters, or `absent`.
        found: String,
        /// The provider's key.
        expected: String,
    },
    /// `iss` is somebody else.
    #[error("the access token is by `{found}`, not by `{expected}`")]
    WrongIssuer {
        /// `iss`.
        found: Did,
        /// The provider.
        expected: Did,
    },
    /// The request was signed with another key than the token is bound to.
    #[error("the access token is bound to the key `{bound}`, but the request was signed with `{found}`")]
    KeyMismatch {
        /// `cnf.jkt`.
        bound: Thumbprint,
        /// The request's key.
        found: Thumbprint,
    },
}

/// What an access token gives, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The provider, `iss`.
    pub issuer: Did,
    /// Base URL of the provider's data plane, `aud`.
    pub audience: String,
    /// The consumer, `sub`.
    pub subject: Did,
    /// Thumbprint of the consumer's key that must sign each request, `cnf.jkt`.
    pub key: Thumbprint,
    /// The transfer process (`providerPid`).
    pub transfer: String,
    /// The agreement's id, as the Dataspace Protocol carries it.
    pub agreement: String,
    /// The dataset's id.
    pub dataset: String,
    /// The dataset's version.
    pub version: String,
}

/// What the data plane expects of a token.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The provider's own DID.
    pub issuer: &'a Did,
    /// Absolute DID URL of the provider's signing key.
    pub key_id: &'a str,
    /// That key.
    pub key: &'a PublicKey,
    /// Base URL of this data plane.
    pub audience: &'a str,
    /// The key that signed the request: [`VerifiedRequest::key_thumbprint`](crate::http_signature::VerifiedRequest::key_thumbprint).
    pub request_key: &'a Thumbprint,
    /// The verifier's time.
    pub now: Now,
}

/// An access token that holds for the request at hand. Only [`verify`] makes one.
#[derive(Debug, Clone)]
pub struct AccessToken {
    grant: Grant,
    jti: String,
    expires_at_ms: u64,
}

/// Signs an access token. `jti` as from [`jose::fresh_id`]; instants are cut off to the second.
///
/// # Errors
/// [`ClaimError::Lifetime`](crate::ClaimError::Lifetime) for less than a second or more than [`MAX_LIFETIME_MS`].
pub fn mint(
    key: &SigningKey,
    key_id: &str,
    grant: &Grant,
    jti: &str,
    issued_at_ms: u64,
    lifetime_ms: u64,
) -> Result<String, AccessTokenError> {
    let (issued_at, expires_at) = claims::lifetime(issued_at_ms, lifetime_ms, MAX_LIFETIME_MS)?;
    let claims = json!({
        "iss": grant.issuer.as_str(), "aud": grant.audience, "sub": grant.subject.as_str(), "jti": jti,
        "iat": issued_at, "exp": expires_at, "cnf": {"jkt": grant.key.as_str()},
        "transfer": grant.transfer, "agreement": grant.agreement, "dataset": grant.dataset, "version": grant.version,
    });
    Ok(jose::sign(key, key_id, TYPE, None, &claims)?)
}

/// Tokens that are kept in mind: 32 bytes each.
const MOST_KNOWN: usize = 4_096;

/// Tokens whose signature was found right. One token comes with every request of a transfer, and what was signed does not come to be signed
/// otherwise; only [`verify_known`] adds to it, and it answers no other question than that about the signature.
#[derive(Default)]
pub struct Known(Mutex<HashSet<[u8; 32]>>);

impl Known {
    /// What a token and a key are known by.
    fn name(token: &str, key: &PublicKey) -> [u8; 32] {
        let mut digest = Sha256::new();
        // A thumbprint has one length, so no two pairs come to the same bytes.
        digest.update(key.thumbprint().as_str());
        digest.update(token);
        digest.finalize().into()
    }

    fn names(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        // A panic while it was held leaves at worst a missing entry.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, name: [u8; 32]) {
        let mut names = self.names();
        // Forgotten, one is verified once more.
        if names.len() >= MOST_KNOWN {
            names.clear();
        }
        names.insert(name);
    }
}

/// Verifies that `token` is the provider's own, for this data plane, still valid, and bound to the key of the request.
///
/// # Errors
/// [`AccessTokenError`], a variant a cause.
pub fn verify(token: &str, expected: &Expected<'_>) -> Result<AccessToken, AccessTokenError> {
    verify_known(token, expected, &Known::default())
}

/// The same, without verifying the signature of a token anew that is `known`; everything else is checked each time.
///
/// # Errors
/// As [`verify`].
pub fn verify_known(token: &str, expected: &Expected<'_>, known: &Known) -> Result<AccessToken, AccessTokenError> {
    let jws = UnverifiedJws::parse(token, MAX_HEADER_TOKEN_BYTES)?;
    jws.check_type(&[Some(TYPE)], "`at+jwt`")?;
    if jws.key_id() != Some(expected.key_id) {
        return Err(AccessTokenError::OtherKey {
            found: jws.key_id().unwrap_or("absent").chars().take(200).collect(),
            expected: expected.key_id.to_owned(),
        });
    }
    let name = Known::name(token, expected.key);
    let is_known = known.names().contains(&name);
    let jws = if is_known {
        jws.verified_before(expected.key)?
    } else {
        let jws = jws.verify(expected.key)?;
        known.keep(name);
        jws
    };
    let claims = Claims(jws.claims());

    let issuer = claims.did("iss")?;
    if &issuer != expected.issuer {
        return Err(AccessTokenError::WrongIssuer {
            found: issuer,
            expected: expected.issuer.clone(),
        });
    }
    claims.check_audience(expected.audience)?;
    let expires_at_ms = claims.check_times(expected.now, MAX_LIFETIME_MS)?;
    let key: Thumbprint = claims
        .0
        .get("cnf")
        .and_then(|cnf| cnf.get("jkt"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .parse()
        .map_err(AccessTokenError::Unbound)?;
    if &key != expected.request_key {
        return Err(AccessTokenError::KeyMismatch {
            bound: key,
            found: expected.request_key.clone(),
        });
    }
    Ok(AccessToken {
        grant: Grant {
            issuer,
            audience: expected.audience.to_owned(),
            subject: claims.did("sub")?,
            key,
            transfer: claims.text("transfer")?.to_owned(),
            agreement: claims.text("agreement")?.to_owned(),
            dataset: claims.text("dataset")?.to_owned(),
            version: claims.text("version")?.to_owned(),
        },
        jti: claims.text("jti")?.to_owned(),
        expires_at_ms,
    })
}

impl AccessToken {
    /// What is granted, and to whom.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The token's unique number. A token serves many requests; it is the requests' signatures that count once.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// `exp`, UTC milliseconds since 1970.
    #[must_use]
    pub fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }
}
