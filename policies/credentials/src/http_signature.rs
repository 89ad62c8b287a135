//! Signed requests: HTTP Message Signatures (RFC 9421) with Digest Fields (RFC 9530), as the data plane uses them.
//!
//! Covered are always `@method` and `@target-uri`, and each of `content-digest`, `traceparent`, `herleid-transaction`,
//! `herleid-agreement`, `herleid-segment` and `range` that the request has; parameters are `created`, `nonce`, `alg` and `keyid`. The verifier also refuses what the
//! RFC leaves open: several signatures, repeated fields, component parameters, and one of those fields present without being covered.
//! The exact signature base is returned on both sides; it is evidence.

mod base;
mod digest;
#[cfg(test)]
mod rfc9421_tests;
mod structured;
mod verify;

use crate::keys::{KeyError, SIGNATURE_BYTES, SigningKey};
use base::SignatureInput;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::HeaderMap;
use std::fmt;
use structured::StructuredError;

pub use base::SignatureBase;
pub use digest::ContentDigest;
pub use verify::{Expected, UnverifiedRequest, VerifiedRequest, parse};

/// What a signature covers, as far as the request has it; the first two always.
pub const COMPONENTS: [&str; 8] = [
    "@method",
    "@target-uri",
    "content-digest",
    "traceparent",
    "herleid-transaction",
    "herleid-agreement",
    "herleid-segment",
    "range",
];

/// The label of our signatures.
const LABEL: &str = "herleid";
/// Fields longer than this are not read: eight component names and four parameters take some 700 bytes.
const MAX_FIELD_BYTES: usize = 8 << 10;

/// Why a request cannot be signed, or its signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpSignatureError {
    /// A field that must be there is not.
    #[error("the request has no field `{field}`")]
    MissingField {
        /// Its name.
        field: String,
    },
    /// A field stands twice: which one counts, readers would judge differently.
    #[error("the request has the field `{field}` more than once; expected it once")]
    RepeatedField {
        /// Its name.
        field: String,
    },
    /// A field's value is too long or has characters other than printable ASCII.
    #[error("the value of the field `{field}` is refused: expected printable ASCII of at most 8192 bytes")]
    FieldValue {
        /// Its name.
        field: String,
    },
    /// Not a structured field (RFC 9651) of the form needed.
    #[error("the field `{field}` is refused: {source}")]
    Structured {
        /// Its name.
        field: &'static str,
        /// What the parser says.
        source: StructuredError,
    },
    /// Not exactly one signature with one input.
    #[error("expected one signature, under one label in `signature-input` and `signature`")]
    NotOneSignature,
    /// A component that is not understood, has parameters or stands twice.
    #[error("the covered component `{component}` is refused: {why}")]
    Component {
        /// Its name, cut off at 80 characters.
        component: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A parameter is missing, malformed or not understood.
    #[error("the signature parameter `{parameter}` is refused: {why}")]
    Parameter {
        /// Its name, cut off at 80 characters.
        parameter: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The target is not an absolute http(s) URL in normal form.
    #[error(
        "`{uri}` cannot be signed as target: expected an absolute http(s) URL in normal form, without user name and fragment"
    )]
    TargetUri {
        /// The target, cut off at 200 characters.
        uri: String,
    },
    /// Something that has to be covered is not.
    #[error("the signature does not cover `{component}`")]
    NotCovered {
        /// The component.
        component: String,
    },
    /// `alg` is not the key's.
    #[error("the signature says algorithm `{found}`, its key is for `{expected}`")]
    Algorithm {
        /// `alg`, cut off at 80 characters.
        found: String,
        /// The key's algorithm.
        expected: &'static str,
    },
    /// Made too long ago.
    #[error("the signature was made {age_ms} ms ago; expected at most {limit_ms}")]
    TooOld {
        /// Its age, milliseconds.
        age_ms: u64,
        /// The oldest accepted, milliseconds.
        limit_ms: u64,
    },
    /// Made in the future.
    #[error("the signature says it was made {ahead_ms} ms from now; check both clocks")]
    InTheFuture {
        /// How far ahead, milliseconds.
        ahead_ms: u64,
    },
    /// `Content-Digest` has no `sha-256`.
    #[error("`content-digest` has no `sha-256`")]
    NoSha256,
    /// The body is not the one that was digested.
    #[error("the body does not have the digest that `content-digest` says")]
    WrongDigest,
    /// The signature does not verify.
    #[error("the request's signature is refused: {source}")]
    Signature {
        /// What the key says.
        source: KeyError,
    },
}

/// A request as its signature sees it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, as sent.
    pub method: &'a http::Method,
    /// The absolute target URI (RFC 9421, section 2.2.2); a server puts its own base URL before path and query.
    pub target_uri: &'a str,
    /// The fields.
    pub headers: &'a HeaderMap,
}

impl fmt::Debug for Request<'_> {
    /// Without its fields: the token in `Authorization` must not get into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method, self.target_uri)
    }
}

/// The parameters of a signature to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewSignature<'a> {
    /// `created`, UTC milliseconds since 1970; cut off to the second.
    pub created_ms: u64,
    /// `nonce`, see [`fresh_id`](crate::jose::fresh_id).
    pub nonce: &'a str,
    /// `keyid`: absolute DID URL of the key.
    pub key_id: &'a str,
    /// `tag` (RFC 9421, section 2.3), which says what the signature is for; `None` on the data plane, whose verifier refuses one, so that
    /// what was signed for something else does not count there.
    pub tag: Option<&'a str>,
}

/// A signature that has been made.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    /// Value of the field `Signature-Input`.
    pub signature_input: String,
    /// Value of the field `Signature`.
    pub signature: String,
    /// The signature's 64 bytes.
    pub signature_bytes: [u8; SIGNATURE_BYTES],
    /// The exact bytes that were signed (RFC 9421, section 2.5).
    pub base: String,
}

/// Signs a request over [`COMPONENTS`], as far as it has them. A body needs its `Content-Digest` set before.
///
/// # Errors
/// [`HttpSignatureError`] for repeated or unprintable fields, a target that is no absolute URL, parameters that cannot be written.
pub fn sign(
    key: &SigningKey,
    request: &Request<'_>,
    new: &NewSignature<'_>,
) -> Result<SignedRequest, HttpSignatureError> {
    let covered = COMPONENTS
        .iter()
        .filter(|name| name.starts_with('@') || request.headers.contains_key(**name));
    let input = SignatureInput::new(covered, new, key.algorithm())?;
    let base = input.base(request)?;
    let signature_bytes = key.sign(base.as_bytes());
    Ok(SignedRequest {
        signature_input: format!("{LABEL}={}", input.serialised()),
        signature: format!("{LABEL}=:{}:", BASE64_STANDARD.encode(signature_bytes)),
        signature_bytes,
        base,
    })
}

/// The one value of a field; `None` when absent.
fn one_field<'a>(headers: &'a HeaderMap, field: &str) -> Result<Option<&'a str>, HttpSignatureError> {
    let mut values = headers.get_all(field).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => {
            return Err(HttpSignatureError::RepeatedField {
                field: field.to_owned(),
            });
        }
    };
    // RFC 9421, section 2.1: white space around the value is not part of it.
    match value.to_str().map(str::trim) {
        Ok(text) if text.len() <= MAX_FIELD_BYTES && text.bytes().all(|b| (0x20..0x7f).contains(&b)) => Ok(Some(text)),
        _ => Err(HttpSignatureError::FieldValue {
            field: field.to_owned(),
        }),
    }
}

fn needed_field<'a>(headers: &'a HeaderMap, field: &str) -> Result<&'a str, HttpSignatureError> {
    one_field(headers, field)?.ok_or_else(|| HttpSignatureError::MissingField {
        field: field.to_owned(),
    })
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}
