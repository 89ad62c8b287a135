//! Time stamps that OpenSSL made (`openssl ts -reply`; the one with a server's certificate with `openssl cms`), as our verifier reads them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use herleid_verifier::timestamp::{Authorities, Question, Stamp, TimestampError, verify};

const DATA: &[u8] = include_bytes!("vectors/data.txt");
const RSA: &[u8] = include_bytes!("vectors/rsa.tsr");
const EC: &[u8] = include_bytes!("vectors/ec.tsr");

fn trusted() -> Authorities {
    Authorities::from_pem(include_bytes!("vectors/ca.pem")).unwrap()
}

#[test]
fn stamps_by_rsa_and_by_ecdsa_are_read() {
    for (response, authority) in [(RSA, "CN=Test clock rsa"), (EC, "CN=Test clock ec")] {
        let stamp = verify(response, DATA, &trusted()).unwrap();
        assert_eq!(stamp.authority, authority);
        assert!(stamp.time_ms > 1_700_000_000_000, "{stamp:?}");
    }
}

#[test]
fn no_bit_of_a_stamp_can_be_changed_into_another_stamp() {
    for response in [RSA, EC] {
        let honest = verify(response, DATA, &trusted()).unwrap();
        let mut refused = 0;
        for at in 0..response.len() * 8 {
            let mut changed = response.to_vec();
            changed[at / 8] ^= 1 << (at % 8);
            // Some bits are signed by nobody, such as the authority's words about its answer: then it says what it said.
            match verify(&changed, DATA, &trusted()) {
                Ok(stamp) => assert_eq!(stamp, honest, "bit {at}"),
                Err(_) => refused += 1,
            }
        }
        assert!(
            refused > response.len() * 8 * 95 / 100,
            "{refused} of {}",
            response.len() * 8
        );
        for length in 0..response.len() {
            verify(&response[..length], DATA, &trusted()).unwrap_err();
        }
    }
}

#[test]
fn a_stamp_of_other_bytes_is_refused() {
    assert_eq!(verify(RSA, b"other", &trusted()), Err(TimestampError::OtherData));
    assert_eq!(verify(RSA, &DATA[1..], &trusted()), Err(TimestampError::OtherData));
}

#[test]
fn an_authority_that_is_not_trusted_is_refused_also_under_the_same_name() {
    let others = Authorities::from_pem(include_bytes!("vectors/other-ca.pem")).unwrap();
    let refused = verify(RSA, DATA, &others);
    assert!(matches!(refused, Err(TimestampError::Untrusted { .. })), "{refused:?}");
}

#[test]
fn a_certificate_for_something_else_stamps_nothing() {
    let refused = verify(include_bytes!("vectors/tls.tsr"), DATA, &trusted());
    assert!(
        matches!(&refused, Err(TimestampError::Untrusted { authority, .. }) if authority == "CN=Test clock tls"),
        "{refused:?}"
    );
}

#[test]
fn a_certificate_that_is_named_by_sha_1_alone_is_refused() {
    let refused = verify(include_bytes!("vectors/sha1.tsr"), DATA, &trusted());
    let attribute = "signing-certificate-v2";
    assert_eq!(refused, Err(TimestampError::Attribute { attribute }));
}

#[test]
fn a_refusal_is_no_stamp() {
    let refused = verify(include_bytes!("vectors/refused.tsr"), DATA, &trusted());
    assert_eq!(refused, Err(TimestampError::Refused { status: 2 }));
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let question = Question::new(DATA, [7; 8]).unwrap();
    assert_eq!(question.answered(RSA, DATA, &trusted()), Err(TimestampError::Nonce));
    let again = Question::new(DATA, [8; 8]).unwrap();
    assert_ne!(question.bytes(), again.bytes());
}

#[test]
fn certificates_that_are_none_are_refused() {
    for wrong in [
        &b""[..],
        b"not PEM",
        DATA,
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let refused = Authorities::from_pem(wrong);
        assert!(matches!(refused, Err(TimestampError::Authority { .. })), "{refused:?}");
    }
}

#[test]
fn what_is_too_long_to_be_an_answer_is_not_parsed() {
    let refused: Result<Stamp, _> = verify(&vec![0x30; 70_000], DATA, &trusted());
    assert!(matches!(refused, Err(TimestampError::Form { .. })), "{refused:?}");
}
