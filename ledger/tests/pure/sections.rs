//! Section keys, MACs, encryption at rest, and the sections both ends share.

use crate::entries;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use herleid_ledger::exchange::{Content, Exchange, ExchangeError, Phase, Subject, content_mac};
use herleid_ledger::handover::entry;
use herleid_ledger::section::{Place, RootKey, SectionName};
use herleid_vocab::json;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// HMAC written out from RFC 2104, to check the crate's use of another one.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 64);
    let pad = |byte: u8| -> Vec<u8> {
        let mut block = key.to_vec();
        block.resize(64, 0);
        block.iter().map(|b| b ^ byte).collect()
    };
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).into()
}

/// HKDF-SHA256 for one block without salt, written out from RFC 5869.
fn hkdf(key: &[u8], info: &str) -> [u8; 32] {
    let extracted = hmac(&[0; 32], key);
    hmac(&extracted, &[info.as_bytes(), &[1]].concat())
}

#[test]
fn keys_and_macs_are_those_of_the_format() {
    let root = RootKey::from_bytes([5; 32]);
    assert_eq!(*root.keys().mac_key().expose(), hkdf(&[5; 32], "herleid/1 mac"));
    assert_eq!(*root.keys().enc_key(), hkdf(&[5; 32], "herleid/1 enc"));
    let mac = root.keys().mac_key().mac(b"{}");
    assert_eq!(mac, hmac(&hkdf(&[5; 32], "herleid/1 mac"), b"{}"));
    assert!(root.keys().mac_key().verifies(b"{}", &mac));
    assert!(!root.keys().mac_key().verifies(b"{ }", &mac));
    assert_eq!(
        format!("{root:?} {:?}", root.keys().mac_key()),
        "RootKey(..) MacKey(..)"
    );
}

#[test]
fn a_sealed_section_opens_only_in_its_place() {
    let root = RootKey::from_bytes([5; 32]);
    let place = Place {
        origin: "knmi.example/log/1",
        record: "0190-record",
        name: SectionName::Facts,
    };
    assert_eq!(place.associated_data(), b"knmi.example/log/1\x000190-record\x00facts");
    let sealed = root.keys().seal(&place, br#"{"a":1}"#).unwrap();
    let cipher = chacha20poly1305::ChaCha20Poly1305::new(&(*root.keys().enc_key()).into());
    let expected = Payload {
        msg: br#"{"a":1}"#,
        aad: b"knmi.example/log/1\x000190-record\x00facts",
    };
    assert_eq!(sealed, cipher.encrypt(&Default::default(), expected).unwrap());
    assert_eq!(root.keys().open(&place, &sealed).unwrap(), br#"{"a":1}"#);

    let name = SectionName::People;
    assert!(root.keys().open(&Place { name, ..place }, &sealed).is_err());
    let record = "0190-recorf";
    assert!(root.keys().open(&Place { record, ..place }, &sealed).is_err());
    let origin = "knmi.example/log/2";
    assert!(root.keys().open(&Place { origin, ..place }, &sealed).is_err());
    assert!(RootKey::from_bytes([6; 32]).keys().open(&place, &sealed).is_err());
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        assert!(root.keys().open(&place, &flipped).is_err());
    }
}

#[test]
fn section_names_sort_as_their_text_and_no_others_are_read() {
    let texts: Vec<&str> = SectionName::ALL.iter().map(|name| name.as_str()).collect();
    assert!(texts.is_sorted());
    let mut names = SectionName::ALL.to_vec();
    names.sort();
    assert_eq!(names, SectionName::ALL);
    for name in SectionName::ALL {
        assert_eq!(name.as_str().parse::<SectionName>().unwrap(), name);
    }
    for text in ["", "Facts", "facts ", "stream", "streams-agreement"] {
        assert!(text.parse::<SectionName>().is_err(), "{text}");
    }
}

#[test]
fn an_entry_is_the_digest_of_the_canonical_map() {
    let all: BTreeMap<SectionName, [u8; 32]> = SectionName::ALL
        .iter()
        .zip(entries(12))
        .map(|(name, entry)| (*name, Sha256::digest(entry).into()))
        .collect();
    for taken in 0..=all.len() {
        let macs: BTreeMap<SectionName, [u8; 32]> = all.iter().take(taken).map(|(n, m)| (*n, *m)).collect();
        let members = macs
            .iter()
            .map(|(name, mac)| (name.to_string(), Value::String(hex::encode(mac))));
        let canonical = json::canonical(&Value::Object(members.collect())).unwrap();
        let entry = entry(&macs);
        assert_eq!(entry[0], 1);
        assert_eq!(entry[1..], Sha256::digest(canonical)[..]);
    }
}

fn exchange() -> Exchange {
    Exchange {
        transaction: "01725b5e-8a00-7000-8000-000000000001".parse().unwrap(),
        segment: 1,
        phase: Phase::Pull,
        agreement: "urn:uuid:a".to_owned(),
        provider: "did:web:knmi.example".parse().unwrap(),
        consumer: "did:web:app.example".parse().unwrap(),
        subject: Subject::Dataset {
            dataset: "rain".to_owned(),
            version: "1".to_owned(),
        },
        from: 0,
        to: 3,
        content: Content::digest([9; 32], b"abc", "text/csv").mac(),
    }
}

#[test]
fn content_is_committed_to_as_the_format_says() {
    let content = Content::digest([9; 32], b"abc", "text/csv");
    let blake3 = *blake3::hash(b"abc").as_bytes();
    let sha256: [u8; 32] = Sha256::digest(b"abc").into();
    let message = [&blake3[..], &sha256[..], &[0, 0, 0, 0, 0, 0, 0, 3]].concat();
    assert_eq!(content.mac(), hmac(&[9; 32], &message));
    assert_eq!(content.mac(), content_mac(&[9; 32], &blake3, &sha256, 3));
    let bytes = json::section_bytes(&content.to_value()).unwrap();
    assert_eq!(Content::parse(&bytes).unwrap(), content);
}

#[test]
fn an_exchange_is_the_same_bytes_at_both_ends() {
    let ours = exchange();
    let bytes = ours.to_bytes().unwrap();
    let read = Exchange::parse(&bytes).unwrap();
    assert_eq!(read, ours);
    assert_eq!(read.to_bytes().unwrap(), bytes);
    let model = Subject::Model {
        model: "sewer".to_owned(),
        version: "2".to_owned(),
    };
    let run = Exchange {
        subject: model,
        phase: Phase::RunRequest,
        ..exchange()
    };
    assert_eq!(Exchange::parse(&run.to_bytes().unwrap()).unwrap(), run);
}

#[test]
fn an_exchange_with_any_member_wrong_is_refused_by_name() {
    let good = exchange().to_value();
    for (pointer, value) in [
        ("transaction", json!("01725b5e-8a00-4000-8000-000000000001")),
        ("transaction", json!("01725B5E-8A00-7000-8000-000000000001")),
        ("segment", json!(0)),
        ("segment", json!("1")),
        ("phase", json!("push")),
        ("agreement", json!("")),
        ("provider", json!("knmi")),
        ("consumer", json!(null)),
        ("consumer", good["provider"].clone()),
        ("subject", json!({"dataset": "rain"})),
        ("subject", json!({"dataset": "rain", "version": "1", "model": "x"})),
        ("subject", json!({"dataset": "rain", "version": "1", "extra": 1})),
        ("subject", json!({"dataset": "rain", "version": 1})),
        ("range", json!([0])),
        ("range", json!([3, 0])),
        ("range", json!([0, 3, 4])),
        ("range", json!("0-3")),
        ("bytes", json!(4)),
        ("content", json!("00")),
        ("extra", json!(1)),
    ] {
        let mut wrong = good.clone();
        wrong[pointer] = value;
        match Exchange::from_value(wrong) {
            Err(ExchangeError::Member { member, .. }) => {
                let inner = ["version", "model", "extra", "dataset"].contains(&member.as_str()) && pointer == "subject";
                assert!(member == pointer || inner, "{pointer}: {member}");
            }
            other => panic!("{pointer}: {other:?}"),
        }
    }
    for member in good.as_object().unwrap().keys() {
        let mut wrong = good.clone();
        wrong.as_object_mut().unwrap().remove(member);
        assert!(Exchange::from_value(wrong).is_err(), "without {member}");
    }
    let spaced = serde_json::to_vec_pretty(&good).unwrap();
    assert!(matches!(Exchange::parse(&spaced), Err(ExchangeError::Json(_))));
}
