use super::statement::Statement;
use super::{CredentialError, StatusLists, TrustedIssuers, profile_of, shape};
use crate::claims::Now;
use crate::jose::{MAX_BODY_TOKEN_BYTES, UnverifiedJws};
use herleid_vocab::did::Did;
use std::fmt;

/// What a credential says of itself. **Nothing of it is verified here**: for one that was verified before, and may hold no longer.
#[derive(Clone)]
pub struct Claimed(Statement, String);

impl fmt::Debug for Claimed {
    /// Without its claims, which may be about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed")
            .field("issuer", &self.0.issuer)
            .field("types", &self.0.types)
            .finish_non_exhaustive()
    }
}

impl Claimed {
    /// Reads a credential that was verified when it was shown.
    ///
    /// # Errors
    /// [`CredentialError`] when it is none.
    pub fn read(token: &str) -> Result<Self, CredentialError> {
        let jws = UnverifiedJws::parse(token, MAX_BODY_TOKEN_BYTES)?;
        let profile = profile_of(&jws)?;
        Ok(Self(
            Statement::read(jws.unverified_claims(), profile)?,
            token.to_owned(),
        ))
    }

    /// The exact token, as evidence.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.1
    }

    /// Who issued it.
    #[must_use]
    pub fn issuer(&self) -> &Did {
        &self.0.issuer
    }

    /// What it says about its subject under this name: one text, or several.
    pub fn texts(&self, claim: &str) -> impl Iterator<Item = &str> {
        let said = self.0.claims.get(claim);
        shape::one_or_many(said)
            .into_iter()
            .filter_map(serde_json::Value::as_str)
    }

    /// Whether it is of this type, and its issuer is trusted for it.
    #[must_use]
    pub fn is_trusted_as(&self, credential_type: &str, trusted: &TrustedIssuers) -> bool {
        self.0.types.iter().any(|own| own == credential_type) && trusted.is_trusted(&self.0.issuer, credential_type)
    }

    /// Whether what may change about a credential is still as it has to be: its issuer is trusted for it, its validity has begun and not
    /// ended, and it was not taken back.
    ///
    /// # Errors
    /// [`CredentialError`], a variant a cause.
    pub fn stands(&self, trusted: &TrustedIssuers, lists: &StatusLists, now: Now) -> Result<(), CredentialError> {
        if trusted.trusted_types(&self.0.issuer, &self.0.types).is_empty() {
            return Err(CredentialError::Untrusted {
                types: self.0.types_in_words(),
                issuer: self.0.issuer.clone(),
            });
        }
        self.0.check_standing(lists, now)
    }
}
