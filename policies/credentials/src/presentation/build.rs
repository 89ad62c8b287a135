use super::{MAX_CREDENTIALS, MAX_LIFETIME_MS, PresentationError};
use crate::claims;
use crate::credential::{Profile, ShapeError, VC_JWT_MEDIA_TYPE, VC11_CONTEXT, VC20_CONTEXT};
use crate::jose;
use crate::keys::SigningKey;
use herleid_vocab::did::Did;
use serde_json::{Value, json};

/// A presentation to be signed.
#[derive(Debug, Clone, Copy)]
pub struct NewPresentation<'a> {
    /// Who presents.
    pub holder: &'a Did,
    /// The one verifier.
    pub audience: &'a Did,
    /// Unique number, see [`jose::fresh_id`].
    pub jti: &'a str,
    /// The verifier's nonce, if it gave one.
    pub nonce: Option<&'a str>,
    /// `iat`, UTC milliseconds since 1970; cut off to the second.
    pub issued_at_ms: u64,
    /// From `iat` to `exp`, milliseconds, at least 1,000 and at most [`MAX_LIFETIME_MS`]; cut off to the second.
    pub lifetime_ms: u64,
    /// The credentials' tokens, all of `profile`.
    pub credentials: &'a [&'a str],
    /// How it is written down; that of the credentials.
    pub profile: Profile,
}

/// Signs a presentation. `key_id` is the absolute DID URL of a key in the holder's `authentication`.
///
/// # Errors
/// [`ClaimError::Lifetime`](crate::ClaimError::Lifetime), [`PresentationError::Token`] for more than [`MAX_CREDENTIALS`].
pub fn build(key: &SigningKey, key_id: &str, new: &NewPresentation<'_>) -> Result<String, PresentationError> {
    if new.credentials.len() > MAX_CREDENTIALS {
        return Err(ShapeError::new("verifiableCredential", "expected at most 16 credentials").into());
    }
    let (issued_at, expires_at) = claims::lifetime(new.issued_at_ms, new.lifetime_ms, MAX_LIFETIME_MS)?;
    let mut token = json!({
        "iss": new.holder.as_str(), "aud": new.audience.as_str(), "jti": new.jti, "iat": issued_at, "exp": expires_at,
    });
    let mut put = |name: &str, value: Value| {
        if let Some(members) = token.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if let Some(nonce) = new.nonce {
        put("nonce", json!(nonce));
    }
    let (media_type, content_type) = match new.profile {
        Profile::Vc20Jose => {
            let envelopes: Vec<Value> = new.credentials.iter().map(|credential| envelope(credential)).collect();
            put("@context", json!([VC20_CONTEXT]));
            put("type", json!(["VerifiablePresentation"]));
            put("holder", json!(new.holder.as_str()));
            put("verifiableCredential", json!(envelopes));
            ("vp+jwt", Some("vp"))
        }
        Profile::Vc11Jwt => {
            put("sub", json!(new.holder.as_str()));
            put(
                "vp",
                json!({
                    "@context": [VC11_CONTEXT], "type": ["VerifiablePresentation"],
                    "verifiableCredential": new.credentials,
                }),
            );
            ("JWT", None)
        }
    };
    Ok(jose::sign(key, key_id, media_type, content_type, &token)?)
}

/// A signed credential as an `EnvelopedVerifiableCredential` (VC Data Model 2.0, section 4.13.2).
fn envelope(credential: &str) -> Value {
    json!({
        "@context": VC20_CONTEXT, "type": "EnvelopedVerifiableCredential",
        "id": format!("data:{VC_JWT_MEDIA_TYPE},{credential}"),
    })
}
