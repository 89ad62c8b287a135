//! Time stamps (RFC 3161): what an authority is asked, and what its answer proves, checked without a network.
//!
//! An answer is kept as it came, so that `openssl ts -verify` reads it too. It counts only if the authority's certificate leads to one
//! that was named beforehand, was valid at the stamped time, and is for time stamping; and if it names its certificate by SHA-2
//! (RFC 5816), which not every old authority does. What the parsers do not take (times in fractions of a second, encodings that are not DER) is refused.

mod error;
mod token;

pub use error::TimestampError;

use der::asn1::{Int, Null, ObjectIdentifier, OctetString};
use der::{Any, Decode as _, Encode as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion};

/// Longest answer that is read: a token with a chain of certificates has some 10 KiB.
pub const MAX_RESPONSE_BYTES: usize = 64 << 10;

/// Media type of a question (RFC 3161, section 3.4).
pub const QUERY_TYPE: &str = "application/timestamp-query";

/// SHA-256, -384 and -512 (RFC 8017, appendix B.1).
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

fn form(what: &'static str) -> impl Fn(der::Error) -> TimestampError {
    move |why| TimestampError::Form {
        what,
        why: why.to_string(),
    }
}

fn digest(algorithm: &ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>, TimestampError> {
    match *algorithm {
        SHA256 => Ok(Sha256::digest(bytes).to_vec()),
        SHA384 => Ok(Sha384::digest(bytes).to_vec()),
        SHA512 => Ok(Sha512::digest(bytes).to_vec()),
        other => Err(TimestampError::Algorithm {
            found: other.to_string(),
        }),
    }
}

/// The certificates that an authority's own must lead to.
#[derive(Debug, Clone)]
pub struct Authorities(Vec<TrustAnchor<'static>>);

impl Authorities {
    /// Reads certificates in PEM: of the authority's issuer, or its own if that is signed by itself.
    ///
    /// # Errors
    /// When there is none, or one cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TimestampError> {
        let wrong = |why: String| TimestampError::Authority { why };
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
            let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|e| wrong(e.to_string()))?;
            anchors.push(anchor.to_owned());
        }
        if anchors.is_empty() {
            return Err(wrong("it holds no certificate in PEM".to_owned()));
        }
        Ok(Self(anchors))
    }
}

/// What a time stamp proves: these bytes were there then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// When, in UTC milliseconds since 1970, by the authority's clock.
    pub time_ms: u64,
    /// Subject of the authority's certificate.
    pub authority: String,
    /// Serial number that the authority gave it, in hex.
    pub serial: String,
}

/// What an authority is asked: to stamp the SHA-256 of `data`, and to send its certificate along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    nonce: [u8; 8],
    bytes: Vec<u8>,
}

impl Question {
    /// A question with a fresh `nonce`: an answer to it is an answer to no other.
    ///
    /// # Errors
    /// None that depends on the data.
    pub fn new(data: &[u8], mut nonce: [u8; 8]) -> Result<Self, TimestampError> {
        // An integer in its shortest form, above zero: the first byte is neither 0 nor has its highest bit set.
        if let Some(first) = nonce.first_mut() {
            *first = *first & 0x3f | 0x40;
        }
        let made = form("the question");
        let request = TimeStampReq {
            version: TspVersion::V1,
            message_imprint: MessageImprint {
                hash_algorithm: cms::cert::x509::spki::AlgorithmIdentifier {
                    oid: SHA256,
                    parameters: Some(Any::from(Null)),
                },
                hashed_message: OctetString::new(Sha256::digest(data).to_vec()).map_err(&made)?,
            },
            req_policy: None,
            nonce: Some(Int::new(&nonce).map_err(&made)?),
            cert_req: true,
            extensions: None,
        };
        let bytes = request.to_der().map_err(&made)?;
        Ok(Self { nonce, bytes })
    }

    /// The body of the request, of type [`QUERY_TYPE`].
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Checks an answer to this question: all that [`verify`] checks, and that it answers this one.
    ///
    /// # Errors
    /// Names the check that failed.
    pub fn answered(&self, response: &[u8], data: &[u8], trusted: &Authorities) -> Result<Stamp, TimestampError> {
        let (stamp, nonce) = checked(response, data, trusted)?;
        if nonce.as_deref() != Some(&self.nonce) {
            return Err(TimestampError::Nonce);
        }
        Ok(stamp)
    }
}

/// Checks that `response`, as an authority sent it (RFC 3161, `TimeStampResp`), stamps `data`.
///
/// # Errors
/// Names the check that failed.
pub fn verify(response: &[u8], data: &[u8], trusted: &Authorities) -> Result<Stamp, TimestampError> {
    checked(response, data, trusted).map(|(stamp, _)| stamp)
}

fn checked(response: &[u8], data: &[u8], trusted: &Authorities) -> Result<(Stamp, Option<Vec<u8>>), TimestampError> {
    if response.len() > MAX_RESPONSE_BYTES {
        return Err(TimestampError::Form {
            what: "the answer",
            why: format!("it has more than {MAX_RESPONSE_BYTES} bytes"),
        });
    }
    let response = TimeStampResp::from_der(response).map_err(form("the answer"))?;
    let status = response.status.status as u32;
    // 0 granted, 1 granted with changes (RFC 3161, section 2.4.2).
    let token = response.time_stamp_token.filter(|_| status <= 1);
    let token = token.ok_or(TimestampError::Refused { status })?;
    let signed = token::open(&token, &trusted.0)?;
    let imprint = &signed.info.message_imprint;
    if digest(&imprint.hash_algorithm.oid, data)? != imprint.hashed_message.as_bytes() {
        return Err(TimestampError::OtherData);
    }
    let nonce = signed.info.nonce.as_ref().map(|nonce| nonce.as_bytes().to_vec());
    let time_ms = u64::try_from(signed.info.gen_time.to_unix_duration().as_millis()).unwrap_or(u64::MAX);
    let stamp = Stamp {
        time_ms,
        authority: signed.authority,
        serial: hex::encode(signed.info.serial_number.as_bytes()),
    };
    Ok((stamp, nonce))
}
