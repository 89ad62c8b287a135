//! Signed tokens: JSON Web Signature in compact form (RFC 7515) with `EdDSA` (RFC 8037) and `ES256` (RFC 7518), and no other.
//!
//! The algorithm is taken from the key, never from the token: `alg` is compared, so `none`, the HMAC family and a confusion of
//! the two kinds of key cannot arise. Keys inside a header (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.

use crate::keys::{Algorithm, KeyError, PublicKey, SIGNATURE_BYTES, SigningKey, Thumbprint};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use herleid_vocab::json::{self, JsonError, Limits};
use herleid_vocab::rim::Entropy;
use serde_json::{Map, Value, json};
use std::fmt;

/// The longest token that travels in a header: HTTP servers commonly read 16 KiB of header lines.
pub const MAX_HEADER_TOKEN_BYTES: usize = 16 << 10;

/// The longest token that travels in a body. A presentation of sixteen credentials of 8 KiB, each encoded twice in base64
/// (16 x 8 KiB x 16/9 = 228 KiB), fits.
pub const MAX_BODY_TOKEN_BYTES: usize = 256 << 10;

/// The longest status list: 8,388,608 bits that cannot be packed, encoded twice in base64 (1 MiB x 16/9 = 1.8 MiB), fit.
pub const MAX_LIST_TOKEN_BYTES: usize = 2 << 20;

/// Why a token is refused before its claims are looked at, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The token is longer than allowed.
    #[error("the token has {found} bytes, at most {limit} are read")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not three base64url parts with points between.
    #[error("not a compact JWS: {why}")]
    NotCompact {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Header or payload is not acceptable JSON.
    #[error("the token's {part} is refused: {source}")]
    Json {
        /// `header` or `payload`.
        part: &'static str,
        /// What the parser says.
        source: JsonError,
    },
    /// A header member is missing, malformed or not understood.
    #[error("the token's header member `{member}` is refused: {why}")]
    Header {
        /// The member's name.
        member: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `alg` is none of the two, or not that of the key.
    #[error("the token says algorithm `{found}`; expected {expected}")]
    Algorithm {
        /// The token's `alg`, cut off at 80 characters.
        found: String,
        /// What would be accepted.
        expected: &'static str,
    },
    /// `typ` is another kind of token.
    #[error("the token's type is `{found}`; expected {expected}")]
    Type {
        /// The token's `typ`, or `absent`, cut off at 80 characters.
        found: String,
        /// What would be accepted.
        expected: &'static str,
    },
    /// The signature does not verify.
    #[error("the token's signature is refused: {source}")]
    Signature {
        /// What the key says.
        source: KeyError,
    },
}

/// A token taken apart, **not verified**: what it says may serve to find the key, and for nothing else.
#[derive(Clone)]
pub struct UnverifiedJws<'a> {
    header: Header,
    claims: Map<String, Value>,
    signing_input: &'a str,
    signature: [u8; SIGNATURE_BYTES],
}

impl fmt::Debug for UnverifiedJws<'_> {
    /// The header alone: claims may hold another token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedJws({:?})", self.header)
    }
}

/// A token whose signature has been checked; only [`UnverifiedJws::verify`] makes one.
#[derive(Clone)]
pub struct VerifiedJws {
    header: Header,
    claims: Map<String, Value>,
    key: Thumbprint,
}

impl fmt::Debug for VerifiedJws {
    /// The header alone: claims may hold another token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedJws({:?})", self.header)
    }
}

#[derive(Debug, Clone)]
struct Header {
    algorithm: Algorithm,
    key_id: Option<String>,
    media_type: Option<String>,
    content_type: Option<String>,
}

impl<'a> UnverifiedJws<'a> {
    /// Takes `token` apart, strictly: size, base64url without padding or stray bits, JSON without duplicate names.
    ///
    /// # Errors
    /// [`JoseError`], by the part that is wrong.
    pub fn parse(token: &'a str, max_bytes: usize) -> Result<Self, JoseError> {
        if token.len() > max_bytes {
            return Err(JoseError::TooLong {
                found: token.len(),
                limit: max_bytes,
            });
        }
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return Err(JoseError::NotCompact {
                why: "expected three parts with a point between each",
            });
        };
        let header = Header::parse(&decode(header)?)?;
        let limits = Limits {
            max_bytes: max_bytes.max(Limits::MESSAGE.max_bytes),
            ..Limits::MESSAGE
        };
        let claims = object(&decode(payload)?, "payload", &limits)?;
        let signature = decode(signature)?.try_into().map_err(|_| JoseError::NotCompact {
            why: "the signature is not 64 bytes",
        })?;
        let signing_input = token.rsplit_once('.').map_or(token, |(input, _)| input);
        Ok(Self {
            header,
            claims,
            signing_input,
            signature,
        })
    }

    /// The key that the token names, not verified.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.header.key_id.as_deref()
    }

    /// The `cty` of the header, not verified.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header.content_type.as_deref()
    }

    /// What the token says, **not verified**: fit to find out whose key to fetch, and for nothing else.
    #[must_use]
    pub fn unverified_claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Whether `typ` is `expected`; an `application/` before it is passed over, as is case (RFC 7515, section 4.1.9).
    #[must_use]
    pub fn has_type(&self, expected: &str) -> bool {
        self.header
            .media_type
            .as_deref()
            .is_some_and(|found| same_media_type(found, expected))
    }

    /// Checks that `typ` is one of `accepted`; `None` among them stands for an absent `typ`.
    ///
    /// # Errors
    /// [`JoseError::Type`] with `expected` as its text.
    pub fn check_type(&self, accepted: &[Option<&str>], expected: &'static str) -> Result<(), JoseError> {
        let found = self.header.media_type.as_deref();
        let good = accepted.iter().any(|accepted| match (found, accepted) {
            (Some(found), Some(accepted)) => same_media_type(found, accepted),
            (None, None) => true,
            _ => false,
        });
        if good {
            Ok(())
        } else {
            Err(JoseError::Type {
                found: cut(found.unwrap_or("absent")),
                expected,
            })
        }
    }

    /// Checks the signature under `key`, whose kind decides the algorithm.
    ///
    /// # Errors
    /// [`JoseError::Algorithm`] when `alg` is not the key's, [`JoseError::Signature`].
    pub fn verify(self, key: &PublicKey) -> Result<VerifiedJws, JoseError> {
        self.check_algorithm(key)?;
        key.verify(self.signing_input.as_bytes(), &self.signature)
            .map_err(|source| JoseError::Signature { source })?;
        Ok(self.verified(key))
    }

    /// The same of a token whose every byte was verified under `key` before; whoever calls this has kept that in mind.
    ///
    /// # Errors
    /// [`JoseError::Algorithm`].
    pub(crate) fn verified_before(self, key: &PublicKey) -> Result<VerifiedJws, JoseError> {
        self.check_algorithm(key)?;
        Ok(self.verified(key))
    }

    fn check_algorithm(&self, key: &PublicKey) -> Result<(), JoseError> {
        if self.header.algorithm != key.algorithm() {
            return Err(JoseError::Algorithm {
                found: self.header.algorithm.jose_name().to_owned(),
                expected: match key.algorithm() {
                    Algorithm::EdDsa => "`EdDSA`, the algorithm of the key that it names",
                    Algorithm::Es256 => "`ES256`, the algorithm of the key that it names",
                },
            });
        }
        Ok(())
    }

    fn verified(self, key: &PublicKey) -> VerifiedJws {
        VerifiedJws {
            header: self.header,
            claims: self.claims,
            key: key.thumbprint(),
        }
    }
}

impl VerifiedJws {
    /// What was signed.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The `kid` of the header, which the signature covers.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.header.key_id.as_deref()
    }

    /// The `cty` of the header.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header.content_type.as_deref()
    }

    /// The thumbprint of the key under which the signature verified.
    #[must_use]
    pub fn key_thumbprint(&self) -> &Thumbprint {
        &self.key
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, JoseError> {
        let members = object(bytes, "header", &Limits::MESSAGE)?;
        if members.contains_key("crit") {
            // RFC 7515, section 4.1.11: what is critical and not understood must be refused; we understand no extension.
            return Err(JoseError::Header {
                member: "crit",
                why: "no critical extension is understood here",
            });
        }
        let algorithm = match text(&members, "alg")? {
            Some(name) if name == Algorithm::EdDsa.jose_name() => Algorithm::EdDsa,
            Some(name) if name == Algorithm::Es256.jose_name() => Algorithm::Es256,
            found => {
                return Err(JoseError::Algorithm {
                    found: cut(found.as_deref().unwrap_or("absent")),
                    expected: "`EdDSA` or `ES256`",
                });
            }
        };
        Ok(Self {
            algorithm,
            key_id: text(&members, "kid")?,
            media_type: text(&members, "typ")?,
            content_type: text(&members, "cty")?,
        })
    }
}

/// Signs `claims` (an object) as a compact JWS with `alg`, `kid`, `typ` and, if given, `cty` in its header.
///
/// # Errors
/// [`JoseError::Json`] when the claims cannot be written, [`JoseError::NotCompact`] when they are no object.
pub fn sign(
    key: &SigningKey,
    key_id: &str,
    media_type: &str,
    content_type: Option<&str>,
    claims: &Value,
) -> Result<String, JoseError> {
    if !claims.is_object() {
        return Err(JoseError::NotCompact {
            why: "the claims are not an object",
        });
    }
    let mut header = json!({"alg": key.algorithm().jose_name(), "kid": key_id, "typ": media_type});
    if let (Some(content_type), Some(members)) = (content_type, header.as_object_mut()) {
        members.insert("cty".to_owned(), json!(content_type));
    }
    let encode = |value: &Value, part| match json::canonical(value) {
        Ok(bytes) => Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes)),
        Err(source) => Err(JoseError::Json { part, source }),
    };
    let mut token = format!("{}.{}", encode(&header, "header")?, encode(claims, "payload")?);
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&BASE64_URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

/// A fresh identifier of 128 random bits in base64url, fit for a `jti` or a nonce.
#[must_use]
pub fn fresh_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0u8; 16];
    entropy.fill(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(part: &str) -> Result<Vec<u8>, JoseError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JoseError::NotCompact {
        why: "a part is not base64url without padding",
    })
}

fn object(bytes: &[u8], part: &'static str, limits: &Limits) -> Result<Map<String, Value>, JoseError> {
    match json::parse(bytes, limits) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(JoseError::NotCompact {
            why: "the header or the payload is not a JSON object",
        }),
        Err(source) => Err(JoseError::Json { part, source }),
    }
}

fn text(members: &Map<String, Value>, member: &'static str) -> Result<Option<String>, JoseError> {
    match members.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JoseError::Header {
            member,
            why: "it is not a string",
        }),
    }
}

fn same_media_type(found: &str, expected: &str) -> bool {
    let bare = |text: &str| {
        let lower = text.to_ascii_lowercase();
        lower.strip_prefix("application/").map(str::to_owned).unwrap_or(lower)
    };
    bare(found) == bare(expected)
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
