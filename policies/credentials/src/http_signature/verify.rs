use super::base::{SignatureBase, SignatureInput};
use super::structured::{self, Member};
use super::{COMPONENTS, ContentDigest, HttpSignatureError, Request, cut, needed_field, one_field};
use crate::claims::Now;
use crate::keys::{PublicKey, SIGNATURE_BYTES, Thumbprint};
use crate::replay::ReplayKey;

/// What the verifier expects of a signature.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Components that must be covered beside `@method` and `@target-uri`, as in [`COMPONENTS`].
    pub required: &'a [&'a str],
    /// The verifier's time.
    pub now: Now,
    /// How old a signature may be, milliseconds.
    pub max_age_ms: u64,
}

/// A signed request taken apart, **not verified**: it says which key to fetch.
#[derive(Debug, Clone)]
pub struct UnverifiedRequest<'a> {
    request: Request<'a>,
    input: SignatureInput,
    signature: [u8; SIGNATURE_BYTES],
}

/// A request whose signature holds. Only [`UnverifiedRequest::verify`] makes one; the caller still has to refuse a [`ReplayKey`] seen
/// before.
#[derive(Debug, Clone)]
pub struct VerifiedRequest {
    base: SignatureBase,
    signature: [u8; SIGNATURE_BYTES],
    key: Thumbprint,
    expires_at_ms: u64,
}

/// Takes a signed request apart.
///
/// # Errors
/// [`HttpSignatureError`] unless it has exactly one signature, written in the one canonical way.
pub fn parse<'a>(request: Request<'a>) -> Result<UnverifiedRequest<'a>, HttpSignatureError> {
    let input_field = needed_field(request.headers, "signature-input")?;
    let signature_field = needed_field(request.headers, "signature")?;
    let (label, input) = one_member("signature-input", input_field)?;
    let (signature_label, signature) = one_member("signature", signature_field)?;
    let input = SignatureInput::from_member(input)?;
    let signature = match signature {
        Member::Bytes(bytes) if signature_label == label => {
            bytes.try_into().map_err(|_| HttpSignatureError::NotOneSignature)?
        }
        _ => return Err(HttpSignatureError::NotOneSignature),
    };
    input.check_parameters()?;
    // What was signed is the serialised form; a field that says the same in another way is refused.
    if input_field != format!("{label}={}", input.serialised()) {
        return Err(HttpSignatureError::Parameter {
            parameter: "@signature-params".to_owned(),
            why: "it is not written in the canonical way (RFC 9651, section 4.1)",
        });
    }
    Ok(UnverifiedRequest {
        request,
        input,
        signature,
    })
}

fn one_member(field: &'static str, value: &str) -> Result<(String, Member), HttpSignatureError> {
    let members = structured::dictionary(value).map_err(|source| HttpSignatureError::Structured { field, source })?;
    let mut members = members.into_iter();
    match (members.next(), members.next()) {
        (Some(member), None) => Ok(member),
        _ => Err(HttpSignatureError::NotOneSignature),
    }
}

/// The one member of a dictionary that must have the key `label`.
pub(super) fn single_member(label: &str, value: &str) -> Result<Member, HttpSignatureError> {
    match one_member("signature-input", value)? {
        (found, member) if found == label => Ok(member),
        _ => Err(HttpSignatureError::NotOneSignature),
    }
}

impl UnverifiedRequest<'_> {
    /// `keyid`, not verified: whose key to resolve.
    ///
    /// # Errors
    /// [`HttpSignatureError::Parameter`] when it is missing.
    pub fn key_id(&self) -> Result<&str, HttpSignatureError> {
        self.input.text("keyid")
    }

    /// Verifies the signature under `key`, which the caller resolved from [`UnverifiedRequest::key_id`], and the body against
    /// `Content-Digest`. A body needs one.
    ///
    /// # Errors
    /// [`HttpSignatureError`], a variant a cause.
    pub fn verify(
        self,
        key: &PublicKey,
        expected: &Expected<'_>,
        body: &[u8],
    ) -> Result<VerifiedRequest, HttpSignatureError> {
        self.check_coverage(expected.required, body)?;
        let algorithm = self.input.text("alg")?;
        if algorithm != key.algorithm().http_name() {
            return Err(HttpSignatureError::Algorithm {
                found: cut(algorithm, 80),
                expected: key.algorithm().http_name(),
            });
        }
        let base = self.input.base(&self.request)?;
        key.verify(base.as_bytes(), &self.signature)
            .map_err(|source| HttpSignatureError::Signature { source })?;

        let created_ms = self.check_times(expected)?;
        if let Some(field) = one_field(self.request.headers, "content-digest")?
            && ContentDigest::parse(field)? != ContentDigest::of(body)
        {
            return Err(HttpSignatureError::WrongDigest);
        }
        Ok(VerifiedRequest {
            base: SignatureBase::parse(&base)?,
            signature: self.signature,
            key: key.thumbprint(),
            expires_at_ms: created_ms
                .saturating_add(expected.max_age_ms)
                .saturating_add(expected.now.leeway_ms),
        })
    }

    /// What has to be covered: method and target; what the verifier asks for; the digest of a body; and every field of ours that
    /// the request has, or somebody could add it on the way.
    fn check_coverage(&self, required: &[&str], body: &[u8]) -> Result<(), HttpSignatureError> {
        let always = ["@method", "@target-uri"];
        let digest = (!body.is_empty()).then_some("content-digest");
        let present = COMPONENTS
            .iter()
            .copied()
            .filter(|name| self.request.headers.contains_key(*name));
        let needed = always
            .into_iter()
            .chain(required.iter().copied())
            .chain(digest)
            .chain(present);
        for component in needed {
            if !self.input.covered.iter().any(|covered| covered == component) {
                return Err(HttpSignatureError::NotCovered {
                    component: component.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Checks `created` (required) and `expires` (if present); returns `created`.
    fn check_times(&self, expected: &Expected<'_>) -> Result<u64, HttpSignatureError> {
        let now = expected.now;
        let created_ms = self.input.instant_ms("created")?.ok_or(HttpSignatureError::Parameter {
            parameter: "created".to_owned(),
            why: "it is missing",
        })?;
        if now.is_before(created_ms) {
            return Err(HttpSignatureError::InTheFuture {
                ahead_ms: created_ms.saturating_sub(now.now_ms),
            });
        }
        let expires_ms = self.input.instant_ms("expires")?;
        let over_age = now.is_at_or_after(created_ms.saturating_add(expected.max_age_ms));
        if over_age || expires_ms.is_some_and(|expires_ms| now.is_at_or_after(expires_ms)) {
            return Err(HttpSignatureError::TooOld {
                age_ms: now.now_ms.saturating_sub(created_ms),
                limit_ms: expires_ms
                    .map_or(expected.max_age_ms, |expires_ms| expires_ms.saturating_sub(created_ms))
                    .min(expected.max_age_ms),
            });
        }
        Ok(created_ms)
    }
}

impl VerifiedRequest {
    /// What was signed, as evidence: the text, the covered values, `created`, `nonce`, `keyid`.
    #[must_use]
    pub fn base(&self) -> &SignatureBase {
        &self.base
    }

    /// The signature's 64 bytes, as evidence.
    #[must_use]
    pub fn signature(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.signature
    }

    /// Thumbprint of the key that signed, to be compared with the access token's.
    #[must_use]
    pub fn key_thumbprint(&self) -> &Thumbprint {
        &self.key
    }

    /// To be kept until the signature is too old to be accepted, leeway included, and refused when seen again.
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        ReplayKey::new(
            "herleid/1 http-signature",
            &[self.key.as_str(), self.base.nonce()],
            self.expires_at_ms,
        )
    }
}
