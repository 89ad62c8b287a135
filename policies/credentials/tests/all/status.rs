//! Bitstring status lists: what they say of a credential, and what is no list.

use crate::credential::good;
use crate::party::{MINUTE_MS, NOW_MS, Party, altered, at, holder, issuer, now, payload, trusting};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use flate2::Compression;
use flate2::write::GzEncoder;
use herleid_credentials::Now;
use herleid_credentials::credential::{
    self, Claimed, CredentialError, Expected, Purpose, StatusList, StatusLists, TrustedIssuers,
};
use herleid_credentials::keys::Algorithm;
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::Arc;

pub(crate) const LIST: &str = "https://issuer.example/status/1";
const BYTES: usize = 16 << 10;

pub(crate) fn status_entry(purpose: &str, index: u64) -> Value {
    json!({
        "id": format!("{LIST}#{index}"), "type": "BitstringStatusListEntry", "statusPurpose": purpose,
        "statusListIndex": index.to_string(), "statusListCredential": LIST,
    })
}

fn encoded(bits: &[u8]) -> String {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bits).unwrap();
    format!("u{}", BASE64_URL_SAFE_NO_PAD.encode(packed.finish().unwrap()))
}

/// A list of so many bytes in which these bits are set.
fn list(bytes: usize, set: &[usize]) -> Value {
    let mut bits = vec![0; bytes];
    for index in set {
        bits[index / 8] |= 0x80 >> (index % 8);
    }
    json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"], "id": LIST, "issuer": issuer().did,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "validFrom": "2020-06-17T14:00:00Z", "validUntil": "2020-06-17T16:00:00Z",
        "credentialSubject": {"id": format!("{LIST}#list"), "type": "BitstringStatusList", "statusPurpose": "revocation",
                              "encodedList": encoded(&bits)},
    })
}

fn read(claims: &Value) -> Result<StatusList, CredentialError> {
    StatusList::verify(&issuer().sign("vc+jwt", claims), LIST, &issuer().document, now())
}

fn lists(claims: &Value) -> StatusLists {
    let mut lists = StatusLists::none();
    lists.add(Arc::new(read(claims).unwrap()));
    lists
}

fn with_status(index: u64) -> String {
    let claims = altered(
        &payload(&good()),
        "/credentialStatus",
        status_entry("revocation", index),
    );
    issuer().sign("vc+jwt", &claims)
}

fn verify(token: &str, lists: &StatusLists, now: Now) -> Result<(), CredentialError> {
    let issuer = issuer();
    let expected = Expected {
        issuer_document: &issuer.document,
        trusted: &trusting(&issuer),
        holder: &holder().did,
        now,
    };
    let verified = credential::verify_with(token, &expected, lists).map(drop);
    // What was verified before comes to the same when it is looked at again.
    let again = Claimed::read(token).unwrap().stands(&trusting(&issuer), lists, now);
    assert_eq!(verified, again);
    verified
}

#[test]
fn a_credential_holds_until_its_bit_is_set() {
    let set = lists(&list(BYTES, &[0, 9, 131_071]));
    for (index, is_set) in [
        (0, true),
        (1, false),
        (7, false),
        (8, false),
        (9, true),
        (10, false),
        (131_070, false),
        (131_071, true),
    ] {
        let found = verify(&with_status(index), &set, now());
        let expected = is_set.then(|| CredentialError::TakenBack {
            how: Purpose::Revocation,
            list: LIST.to_owned(),
            index,
        });
        assert_eq!(found.err(), expected, "{index}");
    }
    let beyond = verify(&with_status(131_072), &set, now()).unwrap_err().to_string();
    assert!(beyond.contains("shorter than"), "{beyond}");
    // Of a list that is over nothing is known.
    let late = verify(&with_status(1), &set, at(NOW_MS + 61 * MINUTE_MS));
    let late = late.unwrap_err().to_string();
    assert!(late.contains("it is not valid at this time"), "{late}");
}

#[test]
fn a_list_for_another_purpose_says_nothing() {
    let mut claims = list(BYTES, &[]);
    claims["credentialSubject"]["statusPurpose"] = json!("suspension");
    let other = verify(&with_status(1), &lists(&claims), now()).unwrap_err().to_string();
    assert!(other.contains("another purpose"), "{other}");
    claims["credentialSubject"]["statusPurpose"] = json!(["suspension", "revocation"]);
    assert_eq!(verify(&with_status(1), &lists(&claims), now()), Ok(()));
    // Each entry has to hold.
    let mut both = payload(&good());
    both["credentialStatus"] = json!([status_entry("revocation", 1), status_entry("suspension", 2)]);
    let both = issuer().sign("vc+jwt", &both);
    assert_eq!(verify(&both, &lists(&claims), now()), Ok(()));
    let mut held = list(BYTES, &[2]);
    held["credentialSubject"]["statusPurpose"] = json!(["suspension", "revocation"]);
    let held = verify(&both, &lists(&held), now()).unwrap_err().to_string();
    assert!(held.contains("was suspended by its issuer"), "{held}");
}

#[test]
fn a_credential_has_few_statuses_for_each_may_have_to_be_fetched() {
    let at_hand = lists(&list(BYTES, &[]));
    let with = |entries: u64| {
        let mut claims = payload(&good());
        claims["credentialStatus"] = (1..=entries).map(|index| status_entry("revocation", index)).collect();
        verify(&issuer().sign("vc+jwt", &claims), &at_hand, now())
    };
    assert_eq!(with(4), Ok(()));
    let many = with(5).unwrap_err().to_string();
    assert!(many.contains("5 entries, of which at most 4"), "{many}");
}

#[test]
fn of_two_lists_the_later_one_is_known() {
    let claims = list(BYTES, &[]);
    let order = |pointer: &str, time: &str| read(&altered(&claims, pointer, json!(time))).unwrap().age_order();
    let first = order("/validFrom", "2020-06-17T13:00:00Z");
    let longer = order("/validUntil", "2020-06-17T17:00:00Z");
    assert!(first < read(&claims).unwrap().age_order() && read(&claims).unwrap().age_order() < longer);
    let held = read(&claims).unwrap();
    assert!(held.is_valid(now()) && !held.is_valid(at(NOW_MS + 61 * MINUTE_MS)));
}

#[test]
fn what_is_no_list_of_this_issuer_at_this_address_is_refused() {
    let claims = list(BYTES, &[]);
    let good = read(&claims).unwrap();
    assert_eq!(
        (good.list(), good.ttl_ms(), good.token().is_empty()),
        (LIST, None, false)
    );
    let why = |pointer: &str, value: Value| read(&altered(&claims, pointer, value)).unwrap_err().to_string();
    let subject = "/credentialSubject";
    for (pointer, value, expected) in [
        (
            "/id".to_owned(),
            json!("https://issuer.example/status/2"),
            "not the address",
        ),
        ("/id".to_owned(), Value::Null, "not the address"),
        (
            "/type".to_owned(),
            json!(["VerifiableCredential"]),
            "no `BitstringStatusListCredential`",
        ),
        (
            "/credentialStatus".to_owned(),
            status_entry("revocation", 1),
            "has a status itself",
        ),
        (subject.to_owned(), json!([{"type": "a"}, {"type": "b"}]), "its subject"),
        (format!("{subject}/type"), json!("StatusList2021"), "its subject"),
        (format!("{subject}/statusPurpose"), json!("message"), "`statusPurpose`"),
        (format!("{subject}/statusPurpose"), json!([]), "`statusPurpose`"),
        (format!("{subject}/encodedList"), json!("H4sIAAAA"), "`encodedList`"),
        (format!("{subject}/encodedList"), json!("uAAAA"), "`encodedList`"),
        (
            format!("{subject}/encodedList"),
            json!(encoded(&[0; BYTES - 1])),
            "`encodedList`",
        ),
        // A megabyte that comes to much more: it is not read to its end.
        (
            format!("{subject}/encodedList"),
            json!(encoded(&vec![0; (1 << 20) + 1])),
            "`encodedList`",
        ),
        (format!("{subject}/ttl"), json!("1000"), "`ttl`"),
        (format!("{subject}/statusSize"), json!(2), "`statusSize`"),
        (
            "/validUntil".to_owned(),
            json!("2020-06-17T14:59:00Z"),
            "was valid until",
        ),
        ("/validUntil".to_owned(), Value::Null, "it does not end"),
    ] {
        let found = why(&pointer, value);
        assert!(found.contains(expected), "{pointer}: {found}");
    }
    assert!(read(&list(1 << 20, &[])).is_ok());
    assert!(read(&altered(&claims, "/credentialSubject/statusSize", json!(1))).is_ok());
    // The largest there is, with bits that cannot be packed: it must not be refused on the day when many were taken back.
    let mut state = 1_u64;
    let noise = (0..1 << 20).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    });
    let noise: Vec<u8> = noise.collect();
    let large = altered(&claims, "/credentialSubject/encodedList", json!(encoded(&noise)));
    assert!(read(&large).is_ok(), "{:?}", read(&large));
    let kept = read(&altered(&claims, "/credentialSubject/ttl", json!(60_000))).unwrap();
    assert_eq!(kept.ttl_ms(), Some(60_000));
    // By somebody else; by nobody; of the other profile.
    let thief = Party::new("did:web:thief.example", Algorithm::Es256);
    assert!(StatusList::verify(&thief.sign("vc+jwt", &claims), LIST, &issuer().document, now()).is_err());
    assert!(StatusList::verify("a.b.c", LIST, &issuer().document, now()).is_err());
    assert!(StatusList::verify(&thief.sign("vc+jwt", &claims), LIST, &thief.document, now()).is_err());
    let theirs = altered(&claims, "/issuer", json!(thief.did));
    let theirs = StatusList::verify(&thief.sign("vc+jwt", &theirs), LIST, &thief.document, now()).unwrap();
    let mut at_hand = StatusLists::none();
    at_hand.add(Arc::new(theirs));
    assert!(at_hand.has(LIST) && at_hand.iter().count() == 1);
    let other = verify(&with_status(1), &at_hand, now()).unwrap_err().to_string();
    assert!(other.contains("by somebody else"), "{other}");
}

#[test]
fn what_was_shown_stands_no_longer_than_its_issuer_is_trusted() {
    let shown = Claimed::read(&good()).unwrap();
    assert_eq!(shown.issuer(), &issuer().did);
    assert!(shown.texts("memberOf").eq(["Zeeland"]) && shown.texts("spatial").next().is_none());
    let many = altered(
        &payload(&good()),
        "/credentialSubject/spatial",
        json!(["urn:a", 7, "urn:b"]),
    );
    let many = Claimed::read(&issuer().sign("vc+jwt", &many)).unwrap();
    assert!(many.texts("spatial").eq(["urn:a", "urn:b"]));
    let stands = |trusted: &TrustedIssuers| shown.stands(trusted, &StatusLists::none(), now());
    assert_eq!(stands(&trusting(&issuer())), Ok(()));
    assert!(shown.is_trusted_as(crate::party::TYPE, &trusting(&issuer())));
    assert!(!shown.is_trusted_as("AccreditationCredential", &trusting(&issuer())));
    assert!(matches!(
        stands(&TrustedIssuers::new()),
        Err(CredentialError::Untrusted { .. })
    ));
}
