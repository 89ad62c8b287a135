//! Verifiable credentials as signed tokens: the profiles `vc20-bssl/jwt` (VC Data Model 2.0 secured by JOSE, W3C VC-JOSE-COSE) and
//! `vc11-sl2021/jwt` (VC Data Model 1.1, section 6.3.1) of DCP 1.0, never mixed.
//!
//! Credentials are read as plain JSON. Contexts that redefine terms in place are refused, since a reader of JSON and a reader of
//! JSON-LD would then understand different things. `credentialSchema`, `evidence` and `termsOfUse` are checked for their form
//! and otherwise not acted upon. A `credentialStatus` is checked against the lists that are at hand ([`StatusLists`]); one that cannot be
//! denies. A credential must end by itself: a list that nobody serves any more says nothing.

mod claimed;
mod issue;
pub(crate) mod shape;
mod statement;
mod status;
mod trust;

use crate::claims::Now;
use crate::did_document::{DidDocument, Relationship};
use crate::fault::{TokenFault, signed_by};
use crate::jose::{JoseError, MAX_BODY_TOKEN_BYTES, UnverifiedJws};
use herleid_vocab::did::Did;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Map, Value};
use statement::Statement;
use std::collections::BTreeSet;
use std::fmt;

pub use claimed::Claimed;
pub use issue::{NewCredential, issue};
pub use shape::ShapeError;
pub use status::{Purpose, StatusEntry, StatusList, StatusLists};
pub use trust::TrustedIssuers;

/// JSON-LD context of VC Data Model 2.0 (section 4.3).
pub const VC20_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
/// JSON-LD context of VC Data Model 1.1 (section 4.1).
pub const VC11_CONTEXT: &str = "https://www.w3.org/2018/credentials/v1";
/// Media type of a credential secured by JOSE (VC-JOSE-COSE, section 6.1).
pub const VC_JWT_MEDIA_TYPE: &str = "application/vc+jwt";
/// The type that every credential has and that says nothing.
pub const VERIFIABLE_CREDENTIAL: &str = "VerifiableCredential";

/// How a credential or a presentation is written down (DCP 1.0, "DCP Profile Definitions").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// VC Data Model 2.0, JOSE, bitstring status list.
    Vc20Jose,
    /// VC Data Model 1.1, JWT, status list 2021.
    Vc11Jwt,
}

impl Profile {
    /// The alias that DCP gives it.
    #[must_use]
    pub const fn alias(self) -> &'static str {
        match self {
            Self::Vc20Jose => "vc20-bssl/jwt",
            Self::Vc11Jwt => "vc11-sl2021/jwt",
        }
    }
}

/// Why a credential is refused, or cannot be issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not a token, of another type, not signed by a key of its issuer for credentials, or a claim or a member is not what the
    /// data model says it is.
    #[error("the credential is refused: {0}")]
    Token(#[from] TokenFault),
    /// Parts of both profiles in one token.
    #[error("the credential mixes the profiles of VC 2.0 and VC 1.1: {why}")]
    MixedProfiles {
        /// What is out of place.
        why: &'static str,
    },
    /// A claim of the token and a member of the credential say different things.
    #[error("the credential contradicts itself: the claim `{claim}` and the member `{member}` differ")]
    Contradiction {
        /// The token's claim.
        claim: &'static str,
        /// The credential's member.
        member: &'static str,
    },
    /// The document given is not that of the issuer.
    #[error("the credential is by `{issuer}`, but the DID document is of `{document}`")]
    OtherDocument {
        /// Who issued it.
        issuer: Did,
        /// The document's id.
        document: Did,
    },
    /// The issuer is trusted for none of the credential's types.
    #[error("`{issuer}` is not trusted for {types}; an operator can add it to the trust list for that type")]
    Untrusted {
        /// Who issued it.
        issuer: Did,
        /// The types, joined.
        types: String,
    },
    /// The credential is about somebody else than who shows it.
    #[error("the credential is about `{subject}`, not about `{holder}` who shows it")]
    OtherSubject {
        /// `credentialSubject.id`, cut off at 80 characters, or `nobody`.
        subject: String,
        /// Who shows it.
        holder: Did,
    },
    /// The credential is about several; what holds for whom is not for us to guess.
    #[error("the credential has {found} subjects; expected one")]
    SeveralSubjects {
        /// Number of subjects.
        found: usize,
    },
    /// Before its validity.
    #[error("the credential is valid from {}, it is {}", format_rfc3339_ms(*.valid_from_ms), format_rfc3339_ms(*.now_ms))]
    NotYetValid {
        /// UTC milliseconds since 1970.
        valid_from_ms: u64,
        /// The verifier's time.
        now_ms: u64,
    },
    /// After its validity.
    #[error("the credential was valid until {}, it is {}; ask its issuer for a new one", format_rfc3339_ms(*.valid_until_ms), format_rfc3339_ms(*.now_ms))]
    Expired {
        /// UTC milliseconds since 1970.
        valid_until_ms: u64,
        /// The verifier's time.
        now_ms: u64,
    },
    /// It would hold for ever.
    #[error(
        "the credential does not end; it must end by itself (`validUntil` or `exp`): ask its issuer for one that does"
    )]
    Endless,
    /// It has a status of a kind that this version cannot check: it may have been revoked.
    #[error(
        "the credential has a status of type `{status_type}`, which cannot be checked here; a status that cannot be checked denies"
    )]
    UncheckableStatus {
        /// `credentialStatus.type`, cut off at 80 characters.
        status_type: String,
    },
    /// Its status stands in a list that is not at hand.
    #[error(
        "whether the credential was taken back stands in the status list `{list}`, which is not at hand; what is not known denies"
    )]
    StatusNotAtHand {
        /// Where the list is.
        list: String,
        /// Whose it has to be: the credential's own issuer.
        issuer: Did,
    },
    /// Its issuer took it back.
    #[error("the credential was {how} by its issuer (bit {index} of the status list `{list}`); ask its issuer")]
    TakenBack {
        /// For good, or for now.
        how: Purpose,
        /// The list that says so.
        list: String,
        /// Where in it.
        index: u64,
    },
    /// The list that it names is not one, or says nothing of it.
    #[error("the status list `{list}` is refused: {why}; a status that cannot be checked denies")]
    StatusList {
        /// Where it is.
        list: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// What the verifier expects of a credential.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer's document, resolved from [`claimed_issuer`].
    pub issuer_document: &'a DidDocument,
    /// Who is trusted for what.
    pub trusted: &'a TrustedIssuers,
    /// Who shows it; must be its subject.
    pub holder: &'a Did,
    /// The verifier's time.
    pub now: Now,
}

/// A credential that holds for its holder now. Only [`verify`] makes one.
#[derive(Clone)]
pub struct VerifiedCredential {
    statement: Statement,
    subject: Did,
    types: BTreeSet<String>,
    profile: Profile,
    key_id: String,
    token: String,
}

impl fmt::Debug for VerifiedCredential {
    /// Without its claims, which may be about a person, and without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedCredential")
            .field("id", &self.statement.id)
            .field("issuer", &self.statement.issuer)
            .field("types", &self.types)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// Whose document has to be fetched to verify `token`. **Nothing is verified yet.**
///
/// # Errors
/// [`CredentialError`] when the token does not even say so.
pub fn claimed_issuer(token: &str) -> Result<Did, CredentialError> {
    let jws = UnverifiedJws::parse(token, MAX_BODY_TOKEN_BYTES)?;
    let profile = profile_of(&jws)?;
    Ok(Statement::read(jws.unverified_claims(), profile)?.issuer)
}

/// Verifies a credential without a status, or refuses it: as [`verify_with`], with no list at hand.
///
/// # Errors
/// [`CredentialError`], a variant a cause.
pub fn verify(token: &str, expected: &Expected<'_>) -> Result<VerifiedCredential, CredentialError> {
    verify_with(token, expected, &StatusLists::none())
}

/// Verifies a credential: one profile, form, signature by a key in the issuer's `assertionMethod`, an issuer trusted for the type,
/// the holder as its one subject, a validity that has begun and ends, and a status that says that it was not taken back.
///
/// # Errors
/// [`CredentialError`], a variant a cause. [`CredentialError::StatusNotAtHand`] comes last of all, so that a list is fetched only for a
/// credential that a trusted issuer signed.
pub fn verify_with(
    token: &str,
    expected: &Expected<'_>,
    lists: &StatusLists,
) -> Result<VerifiedCredential, CredentialError> {
    let jws = UnverifiedJws::parse(token, MAX_BODY_TOKEN_BYTES)?;
    let profile = profile_of(&jws)?;
    let statement = Statement::read(jws.unverified_claims(), profile)?;
    if expected.issuer_document.id() != &statement.issuer {
        return Err(CredentialError::OtherDocument {
            issuer: statement.issuer,
            document: expected.issuer_document.id().clone(),
        });
    }
    let unnamed = "it is missing; expected the DID URL of the issuer's key";
    let (key_id, _) = signed_by(
        jws,
        expected.issuer_document,
        Relationship::AssertionMethod,
        Some(unnamed),
    )?;
    // From here on the statement is the issuer's; it was read from the very bytes that the signature covers.

    let types = expected.trusted.trusted_types(&statement.issuer, &statement.types);
    if types.is_empty() {
        return Err(CredentialError::Untrusted {
            types: statement.types_in_words(),
            issuer: statement.issuer,
        });
    }
    let subject = statement.subject_if_holder(expected.holder)?;
    statement.check_standing(lists, expected.now)?;
    Ok(VerifiedCredential {
        statement,
        subject,
        types,
        profile,
        key_id,
        token: token.to_owned(),
    })
}

/// Which profile a token is of, by its claims and its `typ`; both must agree.
fn profile_of(jws: &UnverifiedJws<'_>) -> Result<Profile, CredentialError> {
    let claims = jws.unverified_claims();
    if claims.contains_key("vp") {
        return Err(CredentialError::MixedProfiles {
            why: "a credential has no claim `vp`",
        });
    }
    let vc20_type = jws.has_type("vc+jwt");
    match (claims.contains_key("vc"), claims.contains_key("@context")) {
        (true, true) => Err(CredentialError::MixedProfiles {
            why: "it has both the claim `vc` of VC 1.1 and the member `@context` of VC 2.0",
        }),
        (true, false) if vc20_type => Err(CredentialError::MixedProfiles {
            why: "its type is `vc+jwt` of VC 2.0, and it has the claim `vc` of VC 1.1",
        }),
        (true, false) => {
            jws.check_type(&[None, Some("JWT")], "`JWT`, or none, for a credential of VC 1.1")?;
            Ok(Profile::Vc11Jwt)
        }
        (false, _) => {
            jws.check_type(&[Some("vc+jwt")], "`vc+jwt`")?;
            if jws.content_type().is_some_and(|cty| cty != "vc") {
                return Err(CredentialError::from(JoseError::Header {
                    member: "cty",
                    why: "expected `vc`, or none",
                }));
            }
            Ok(Profile::Vc20Jose)
        }
    }
}

impl VerifiedCredential {
    /// Its id, if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.statement.id.as_deref()
    }

    /// Who issued it.
    #[must_use]
    pub fn issuer(&self) -> &Did {
        &self.statement.issuer
    }

    /// Whom it is about, and who showed it.
    #[must_use]
    pub fn subject(&self) -> &Did {
        &self.subject
    }

    /// Those of its types that its issuer is trusted for; never `VerifiableCredential`.
    #[must_use]
    pub fn types(&self) -> &BTreeSet<String> {
        &self.types
    }

    /// What it says about its subject: the members of `credentialSubject` but `id`.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.statement.claims
    }

    /// UTC milliseconds since 1970 from which it is valid, if it says so.
    #[must_use]
    pub fn valid_from_ms(&self) -> Option<u64> {
        self.statement.valid_from_ms
    }

    /// UTC milliseconds since 1970 up to which it is valid; always known.
    #[must_use]
    pub fn valid_until_ms(&self) -> Option<u64> {
        self.statement.valid_until_ms
    }

    /// How it is written down.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Absolute DID URL of the issuer's key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The exact token, as evidence.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}
