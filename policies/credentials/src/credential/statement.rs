use super::shape::{self, ShapeError, V11, V20};
use super::status::{self, StatusEntry, StatusLists};
use super::{CredentialError, Profile, VERIFIABLE_CREDENTIAL};
use crate::claims::{Claims, Now};
use herleid_vocab::did::Did;
use serde_json::{Map, Value};

/// What a credential says, whichever way it is written down.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) id: Option<String>,
    pub(super) issuer: Did,
    /// `credentialSubject.id` as written.
    pub(super) subject: Option<String>,
    pub(super) subjects: usize,
    /// All but `VerifiableCredential`.
    pub(super) types: Vec<String>,
    pub(super) claims: Map<String, Value>,
    pub(super) valid_from_ms: Option<u64>,
    pub(super) valid_until_ms: Option<u64>,
    /// Where it stands whether it was taken back; or the type of a status that cannot be checked.
    pub(super) statuses: Result<Vec<StatusEntry>, String>,
}

impl Statement {
    /// Reads and checks the form of a token's payload.
    pub(super) fn read(payload: &Map<String, Value>, profile: Profile) -> Result<Self, CredentialError> {
        let statement = match profile {
            Profile::Vc20Jose => Self::read_vc20(payload)?,
            Profile::Vc11Jwt => Self::read_vc11(payload)?,
        };
        match (statement.valid_from_ms, statement.valid_until_ms) {
            (Some(from), Some(until)) if from >= until => {
                Err(ShapeError::new("validUntil", "the end of its validity is not after the beginning").into())
            }
            _ => Ok(statement),
        }
    }

    fn read_vc20(payload: &Map<String, Value>) -> Result<Self, CredentialError> {
        if payload.contains_key("issuanceDate") || payload.contains_key("expirationDate") {
            return Err(CredentialError::MixedProfiles {
                why: "`issuanceDate` and `expirationDate` are members of VC 1.1",
            });
        }
        shape::credential(payload, &V20)?;
        let mut statement = Self::common(payload, Profile::Vc20Jose)?;
        statement.valid_from_ms = shape::instant(payload, "validFrom")?;
        statement.valid_until_ms = shape::instant(payload, "validUntil")?;
        // Registered claims may be present (VC-JOSE-COSE, section 3.1.3); what they say must then be the same.
        let token = Claims(payload);
        let same = |claim, own: Option<&str>, member| match token.optional_text(claim)? {
            Some(text) if Some(text) != own => Err(CredentialError::Contradiction { claim, member }),
            _ => Ok(()),
        };
        same("iss", Some(statement.issuer.as_str()), "issuer")?;
        same("sub", statement.subject.as_deref(), "credentialSubject.id")?;
        same("jti", statement.id.as_deref(), "id")?;
        token.optional_instant_ms("iat")?;
        statement.narrow(token.optional_instant_ms("nbf")?, token.optional_instant_ms("exp")?);
        Ok(statement)
    }

    /// VC Data Model 1.1, section 6.3.1, "JSON Web Token": the registered claims are said outside, the rest in `vc`.
    fn read_vc11(payload: &Map<String, Value>) -> Result<Self, CredentialError> {
        let Some(inner) = payload.get("vc").and_then(Value::as_object) else {
            return Err(ShapeError::new("vc", "expected an object").into());
        };
        if inner.contains_key("validFrom") || inner.contains_key("validUntil") {
            return Err(CredentialError::MixedProfiles {
                why: "`validFrom` and `validUntil` are members of VC 2.0",
            });
        }
        let token = Claims(payload);
        let issuer = token.did("iss")?;
        let mut credential = inner.clone();
        if let Some(written) = shape::id_of(inner, "issuer")?
            && written != issuer.as_str()
        {
            return Err(CredentialError::Contradiction {
                claim: "iss",
                member: "vc.issuer",
            });
        }
        credential.insert("issuer".to_owned(), Value::String(issuer.as_str().to_owned()));
        shape::credential(&credential, &V11)?;
        let mut statement = Self::common(&credential, Profile::Vc11Jwt)?;
        if let Some(subject) = token.optional_text("sub")? {
            match &statement.subject {
                Some(written) if written != subject => {
                    return Err(CredentialError::Contradiction {
                        claim: "sub",
                        member: "vc.credentialSubject.id",
                    });
                }
                _ => statement.subject = Some(subject.to_owned()),
            }
        }
        // Section 6.3.1: a `jti` that is present is the id.
        if let Some(id) = token.optional_text("jti")? {
            statement.id = Some(id.to_owned());
        }
        statement.valid_from_ms = shape::instant(inner, "issuanceDate")?;
        statement.valid_until_ms = shape::instant(inner, "expirationDate")?;
        token.optional_instant_ms("iat")?;
        statement.narrow(token.optional_instant_ms("nbf")?, token.optional_instant_ms("exp")?);
        if statement.valid_from_ms.is_none() {
            return Err(
                ShapeError::new("issuanceDate", "expected the claim `nbf` or the member `issuanceDate`").into(),
            );
        }
        Ok(statement)
    }

    fn common(credential: &Map<String, Value>, profile: Profile) -> Result<Self, CredentialError> {
        let issuer = shape::id_of(credential, "issuer")?
            .and_then(|issuer| issuer.parse().ok())
            .ok_or_else(|| ShapeError::new("issuer", "expected a did:web or did:key"))?;
        let subjects = shape::one_or_many(credential.get("credentialSubject"));
        let first = subjects.first().and_then(|subject| subject.as_object());
        let mut claims = first.cloned().unwrap_or_default();
        let subject = claims.remove("id").and_then(|id| id.as_str().map(str::to_owned));
        Ok(Self {
            id: credential.get("id").and_then(Value::as_str).map(str::to_owned),
            issuer,
            subject,
            subjects: subjects.len(),
            types: shape::types(credential)?
                .into_iter()
                .filter(|own| *own != VERIFIABLE_CREDENTIAL)
                .map(str::to_owned)
                .collect(),
            claims,
            valid_from_ms: None,
            valid_until_ms: None,
            statuses: status::entries(credential.get("credentialStatus"), profile),
        })
    }

    /// Where the token and the credential both name an instant, the narrower validity counts.
    fn narrow(&mut self, not_before_ms: Option<u64>, expires_ms: Option<u64>) {
        self.valid_from_ms = self.valid_from_ms.max(not_before_ms);
        self.valid_until_ms = match (self.valid_until_ms, expires_ms) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    pub(super) fn types_in_words(&self) -> String {
        if self.types.is_empty() {
            return "a credential without a type of its own".to_owned();
        }
        let shown: Vec<String> = self.types.iter().take(8).map(|own| format!("`{own}`")).collect();
        shown.join(", ")
    }

    pub(super) fn subject_if_holder(&self, holder: &Did) -> Result<Did, CredentialError> {
        if self.subjects != 1 {
            return Err(CredentialError::SeveralSubjects { found: self.subjects });
        }
        if self.subject.as_deref() == Some(holder.as_str()) {
            Ok(holder.clone())
        } else {
            Err(CredentialError::OtherSubject {
                subject: self.subject.as_deref().unwrap_or("nobody").chars().take(80).collect(),
                holder: holder.clone(),
            })
        }
    }

    /// What may change about a credential: its validity has begun, and ends, but has not ended; and it was not taken back.
    pub(super) fn check_standing(&self, lists: &StatusLists, now: Now) -> Result<(), CredentialError> {
        self.check_validity(now)?;
        if self.valid_until_ms.is_none() {
            return Err(CredentialError::Endless);
        }
        lists.check(self, now)
    }

    pub(super) fn check_validity(&self, now: Now) -> Result<(), CredentialError> {
        let now_ms = now.now_ms;
        match (self.valid_from_ms, self.valid_until_ms) {
            (Some(valid_from_ms), _) if now.is_before(valid_from_ms) => {
                Err(CredentialError::NotYetValid { valid_from_ms, now_ms })
            }
            (_, Some(valid_until_ms)) if now.is_at_or_after(valid_until_ms) => {
                Err(CredentialError::Expired { valid_until_ms, now_ms })
            }
            _ => Ok(()),
        }
    }
}
