//! The token within an answer: signed data (RFC 5652) with one signer, whose certificate is named in what it signs.

use super::{SHA256, TimestampError, digest, form};
use cms::cert::CertificateChoices;
use cms::cert::x509::TbsCertificate;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedAttributes, SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Choice, Decode as _, DecodeValue, Encode as _, Sequence};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, aws_lc_rs as algorithms};
use x509_tsp::TstInfo;

/// What the content is (RFC 5652, section 5.1; RFC 3161, section 2.4.2).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// Signed attributes (RFC 5652, section 11; RFC 5035, section 3).
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// `id-kp-timeStamping`, 1.3.6.1.5.5.7.3.8, as it stands in a certificate (RFC 3161, section 2.3).
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// `ESSCertIDv2` (RFC 5035, section 4).
#[derive(Sequence)]
struct NamedCertificate {
    #[asn1(optional = "true")]
    algorithm: Option<cms::cert::x509::spki::AlgorithmIdentifierOwned>,
    hash: OctetString,
    #[asn1(optional = "true")]
    issuer_serial: Option<Any>,
}

/// `SigningCertificateV2` (RFC 5035, section 3): the signer's own certificate first.
#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<NamedCertificate>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// A token whose signature and certificate are good.
pub(super) struct Signed {
    pub(super) info: TstInfo,
    pub(super) authority: String,
}

/// Checks signature, signed attributes and certificate of a token.
pub(super) fn open(token: &ContentInfo, trusted: &[TrustAnchor<'static>]) -> Result<Signed, TimestampError> {
    let part = form("the token");
    let wrong = |why: &str| TimestampError::Form {
        what: "the token",
        why: why.to_owned(),
    };
    if token.content_type != SIGNED_DATA {
        return Err(wrong("it is not signed data"));
    }
    let signed: SignedData = token.content.decode_as().map_err(&part)?;
    if signed.encap_content_info.econtent_type != TST_INFO {
        return Err(wrong("what is signed is not a time stamp"));
    }
    let content = signed.encap_content_info.econtent.ok_or_else(|| wrong("it is empty"))?;
    let content = content.decode_as::<OctetString>().map_err(&part)?;
    let info = TstInfo::from_der(content.as_bytes()).map_err(&part)?;
    // Exactly one signature: the authority's (RFC 3161, section 2.4.2).
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err(wrong("it has not exactly one signature"));
    };
    let attributes = signer.signed_attrs.as_ref().ok_or(TimestampError::Attribute {
        attribute: "content-type",
    })?;
    let said: ObjectIdentifier = attribute(attributes, CONTENT_TYPE, "content-type")?;
    let sum: OctetString = attribute(attributes, MESSAGE_DIGEST, "message-digest")?;
    if said != TST_INFO || sum.as_bytes() != digest(&signer.digest_alg.oid, content.as_bytes())? {
        return Err(TimestampError::Signature);
    }
    let named: SigningCertificate = attribute(attributes, SIGNING_CERTIFICATE_V2, "signing-certificate-v2")?;

    let mut certificates = Vec::new();
    for choice in signed.certificates.iter().flat_map(|set| set.0.iter()) {
        if let CertificateChoices::Certificate(certificate) = choice {
            let der = CertificateDer::from(certificate.to_der().map_err(&part)?);
            certificates.push((der, &certificate.tbs_certificate));
        }
    }
    let own = named.certificates.first().ok_or(TimestampError::Attribute {
        attribute: "signing-certificate-v2",
    })?;
    let algorithm = own.algorithm.as_ref().map_or(SHA256, |algorithm| algorithm.oid);
    let mut signers = Vec::new();
    for (certificate, said) in &certificates {
        if digest(&algorithm, certificate)? == own.hash.as_bytes() && names(&signer.sid, said) {
            signers.push((certificate, said));
        }
    }
    let Some((certificate, said)) = signers.pop() else {
        return Err(wrong("the certificate that it names is not in it"));
    };
    let authority = said.subject.to_string();
    let untrusted = |why: webpki::Error| TimestampError::Untrusted {
        authority: authority.clone(),
        why: why.to_string(),
    };
    let chain: Vec<CertificateDer<'_>> = certificates.iter().map(|(der, _)| der.clone()).collect();
    let checked = EndEntityCert::try_from(certificate).map_err(untrusted)?;
    let seconds = info.gen_time.to_unix_duration().as_secs();
    let then = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let path = checked.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        trusted,
        &chain,
        then,
        KeyUsage::required(TIME_STAMPING),
        None,
        None,
    );
    path.map_err(untrusted)?;
    // What is signed is the set of attributes, under its own tag (RFC 5652, section 5.4).
    let message = attributes.to_der().map_err(&part)?;
    if !signs(&checked, signer, &message) {
        return Err(TimestampError::Signature);
    }
    Ok(Signed { info, authority })
}

/// Whether the signer's own, unsigned name is that of the certificate; by the key's identifier it says no more than the signed one.
fn names(signer: &SignerIdentifier, certificate: &TbsCertificate) -> bool {
    match signer {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            named.issuer == certificate.issuer && named.serial_number == certificate.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(_) => true,
    }
}

/// The one value of an attribute that stands there once.
fn attribute<'a, T>(
    attributes: &'a SignedAttributes,
    oid: ObjectIdentifier,
    name: &'static str,
) -> Result<T, TimestampError>
where
    T: Choice<'a> + DecodeValue<'a>,
{
    let absent = TimestampError::Attribute { attribute: name };
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let (Some(attribute), None) = (found.next(), found.next()) else {
        return Err(absent);
    };
    let [value] = attribute.values.as_slice() else {
        return Err(absent);
    };
    value.decode_as().map_err(form("a signed attribute"))
}

/// Whether the certificate's key made the signature, with RSA or ECDSA over the digest that the signer names.
fn signs(certificate: &EndEntityCert<'_>, signer: &SignerInfo, message: &[u8]) -> bool {
    let candidates: [&dyn SignatureVerificationAlgorithm; 3] = match signer.digest_alg.oid {
        super::SHA256 => [
            algorithms::RSA_PKCS1_2048_8192_SHA256,
            algorithms::ECDSA_P256_SHA256,
            algorithms::ECDSA_P384_SHA256,
        ],
        super::SHA384 => [
            algorithms::RSA_PKCS1_2048_8192_SHA384,
            algorithms::ECDSA_P256_SHA384,
            algorithms::ECDSA_P384_SHA384,
        ],
        super::SHA512 => [
            algorithms::RSA_PKCS1_2048_8192_SHA512,
            algorithms::ECDSA_P256_SHA512,
            algorithms::ECDSA_P384_SHA512,
        ],
        _ => return false,
    };
    // Only one of them is for this key.
    let mut candidates = candidates.into_iter();
    candidates.any(|algorithm| {
        let signature = signer.signature.as_bytes();
        certificate.verify_signature(algorithm, message, signature).is_ok()
    })
}
