use super::statement::Statement;
use super::{CredentialError, Profile, VC20_CONTEXT, VERIFIABLE_CREDENTIAL};
use crate::jose;
use crate::keys::SigningKey;
use herleid_vocab::did::Did;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Map, Value, json};

/// Context that gives every undefined term a meaning of its own (VC Data Model 2.0, section 4.3), so that our own types and
/// claims are JSON-LD without a context that somebody would have to fetch.
const UNDEFINED_TERMS_CONTEXT: &str = "https://www.w3.org/ns/credentials/undefined-terms/v2";

/// A credential to be issued, of VC Data Model 2.0.
#[derive(Debug, Clone, Copy)]
pub struct NewCredential<'a> {
    /// Its id, a URL, for example `urn:uuid:...`.
    pub id: &'a str,
    /// Who issues it.
    pub issuer: &'a Did,
    /// Whom it is about.
    pub subject: &'a Did,
    /// Its types beside `VerifiableCredential`.
    pub types: &'a [&'a str],
    /// What it says about its subject; `id` is added.
    pub claims: &'a Map<String, Value>,
    /// UTC milliseconds since 1970.
    pub valid_from_ms: u64,
    /// UTC milliseconds since 1970. Required: until its status can be checked, a credential must end by itself.
    pub valid_until_ms: u64,
}

/// Signs a credential (VC-JOSE-COSE, section 3.1.1). `key_id` is the absolute DID URL of a key in the issuer's `assertionMethod`.
///
/// # Errors
/// [`CredentialError`] when the result would not be accepted by [`verify`](super::verify) for its form.
pub fn issue(key: &SigningKey, key_id: &str, new: &NewCredential<'_>) -> Result<String, CredentialError> {
    let mut subject = new.claims.clone();
    subject.insert("id".to_owned(), json!(new.subject.as_str()));
    let mut types = vec![VERIFIABLE_CREDENTIAL];
    types.extend(new.types.iter().filter(|own| **own != VERIFIABLE_CREDENTIAL));
    let credential = json!({
        "@context": [VC20_CONTEXT, UNDEFINED_TERMS_CONTEXT],
        "id": new.id, "type": types, "issuer": new.issuer.as_str(), "credentialSubject": subject,
        "validFrom": format_rfc3339_ms(new.valid_from_ms), "validUntil": format_rfc3339_ms(new.valid_until_ms),
    });
    if let Some(members) = credential.as_object() {
        Statement::read(members, Profile::Vc20Jose)?;
    }
    Ok(jose::sign(key, key_id, "vc+jwt", Some("vc"), &credential)?)
}
