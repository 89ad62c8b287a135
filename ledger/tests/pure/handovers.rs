//! Records handed over: one that is right is believed, and every single alteration has its own verdict.

use crate::{Leaves, entries};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::handover::{ConsistencyText, FORMAT, HandedOver, HandoverError, MAX_RECORD_BYTES, entry};
use herleid_ledger::merkle::{Hash, ProofError, consistency_proof, inclusion_proof, leaf_hash, root_at};
use herleid_ledger::note::Signer;
use herleid_ledger::section::{Opened, RootKey, SectionName};
use herleid_vocab::json::{Limits, parse_section};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ORIGIN: &str = "knmi.example/log/1";
const FACTS: &str = r#"{"agreement":"urn:a","reason":"over"}"#;
const INDEX: u64 = 5;
const SIZE: u64 = 11;

fn signer(seed: u8) -> Signer {
    Signer::ed25519(ORIGIN, SigningKey::from_bytes(&[seed; 32])).unwrap()
}

fn text(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

fn leaves(record: &[u8; 33]) -> Leaves {
    let mut all = entries(SIZE);
    all[INDEX as usize] = *record;
    Leaves(all.iter().map(|entry| leaf_hash(entry)).collect())
}

fn checkpoint(leaves: &Leaves, size: u64) -> Checkpoint {
    let body = CheckpointBody {
        origin: ORIGIN.to_owned(),
        size,
        root: root_at(leaves, size).unwrap(),
    };
    body.sign(&signer(1)).unwrap()
}

fn handed_over() -> (HandedOver, Leaves) {
    let root = RootKey::from_bytes([3; 32]);
    let macs = BTreeMap::from([
        (SectionName::Envelope, [8; 32]),
        (SectionName::Facts, root.keys().mac_key().mac(FACTS.as_bytes())),
    ]);
    let leaves = leaves(&entry(&macs));
    let opened = Opened {
        text: FACTS.to_owned(),
        key: hex::encode(root.keys().mac_key().expose()),
    };
    let record = HandedOver {
        format: FORMAT.to_owned(),
        origin: ORIGIN.to_owned(),
        index: INDEX,
        macs: macs
            .iter()
            .map(|(name, mac)| (name.to_string(), hex::encode(mac)))
            .collect(),
        opened: BTreeMap::from([("facts".to_owned(), opened)]),
        proof: text(&inclusion_proof(&leaves, INDEX, SIZE).unwrap()),
        checkpoint: checkpoint(&leaves, SIZE).note().to_string(),
        consistency: None,
    };
    (record, leaves)
}

#[test]
fn a_right_record_is_believed() {
    let (record, leaves) = handed_over();
    let bytes = record.to_bytes().unwrap();
    assert_eq!(HandedOver::parse(&bytes).unwrap(), record);
    let verified = record.verify(signer(1).verifier()).unwrap();
    assert_eq!((verified.origin(), verified.index()), (ORIGIN, INDEX));
    assert_eq!(verified.leaf(), leaves.0[INDEX as usize]);
    assert_eq!(verified.section(SectionName::Facts).unwrap()["reason"], "over");
    assert_eq!(verified.section(SectionName::Envelope), None);
    assert_eq!(verified.macs().len(), 2);
    assert_eq!(verified.opened()[&SectionName::Facts].text(), FACTS);
    assert!(verified.exchange().is_none());
}

/// Alters a right record and gives the verdict.
fn verdict(alter: impl FnOnce(&mut HandedOver)) -> HandoverError {
    let (mut record, _) = handed_over();
    alter(&mut record);
    record.verify(signer(1).verifier()).unwrap_err()
}

fn facts(record: &mut HandedOver) -> &mut Opened {
    record.opened.get_mut("facts").unwrap()
}

#[test]
fn each_alteration_has_its_verdict() {
    use HandoverError as E;
    let section = SectionName::Facts;
    assert!(matches!(
        verdict(|r| r.format = "herleid-record/2".into()),
        E::Format { .. }
    ));
    let unknown = verdict(|r| drop(r.macs.insert("secret".into(), "00".repeat(32))));
    assert_eq!(unknown, E::UnknownSection { name: "secret".into() });
    let unknown = verdict(|r| {
        let opened = r.opened.remove("facts").unwrap();
        r.opened.insert("factz".into(), opened);
    });
    assert_eq!(unknown, E::UnknownSection { name: "factz".into() });
    assert_eq!(
        verdict(|r| r.macs.get_mut("facts").unwrap().make_ascii_uppercase()),
        E::BadMac { section }
    );
    assert_eq!(verdict(|r| drop(r.macs.remove("facts"))), E::NotInMacs { section });
    assert_eq!(
        verdict(|r| facts(r).key.truncate(62)),
        E::BadKeyLength { section, found: 31 }
    );
    assert_eq!(
        verdict(|r| facts(r).key.push_str("00")),
        E::BadKeyLength { section, found: 33 }
    );
    assert_eq!(verdict(|r| facts(r).key.clear()), E::BadKeyLength { section, found: 0 });
    assert_eq!(
        verdict(|r| facts(r).key.replace_range(0..1, "g")),
        E::BadKey { section }
    );
    assert_eq!(verdict(|r| facts(r).key.make_ascii_uppercase()), E::BadKey { section });
    assert_eq!(verdict(|r| facts(r).key = "00".repeat(32)), E::MacMismatch { section });
    assert_eq!(
        verdict(|r| facts(r).text = FACTS.replace("over", "0ver")),
        E::MacMismatch { section }
    );
    assert_eq!(verdict(|r| drop(r.macs.remove("envelope"))), E::NoEnvelope);
    assert!(matches!(verdict(|r| r.index = 6), E::Inclusion { .. }));
    let outside = verdict(|r| r.index = SIZE);
    let error = ProofError::IndexOutside {
        index: SIZE,
        size: SIZE,
    };
    assert_eq!(outside, E::Inclusion { index: SIZE, error });
    assert!(matches!(verdict(|r| drop(r.proof.pop())), E::Inclusion { .. }));
    assert_eq!(
        verdict(|r| r.proof[1] = "AAAA".into()),
        E::ProofForm {
            member: "proof",
            place: 2
        }
    );
    assert!(matches!(
        verdict(|r| r.proof = vec![STANDARD.encode([0; 32]); 66]),
        E::ProofForm { place: 66, .. }
    ));
    assert!(matches!(
        verdict(|r| *r.macs.get_mut("envelope").unwrap() = "00".repeat(32)),
        E::Inclusion { .. }
    ));
    assert!(matches!(
        verdict(|r| r.origin = "other.example/log/1".into()),
        E::Origin { .. }
    ));
    assert!(matches!(
        verdict(|r| r.checkpoint = r.checkpoint.replace("\n11\n", "\n12\n")),
        E::Checkpoint(_)
    ));
    assert!(matches!(verdict(|r| r.checkpoint.clear()), E::Checkpoint(_)));
    let (record, _) = handed_over();
    assert!(matches!(record.verify(signer(2).verifier()), Err(E::Checkpoint(_))));
}

#[test]
fn an_opened_section_must_be_in_canonical_form() {
    for text in [
        r#"{"b":1,"a":2}"#,
        r#"{"a": 1}"#,
        "[]",
        r#"{"a":1,"a":2}"#,
        r#"{"a":0.5}"#,
    ] {
        let root = RootKey::from_bytes([3; 32]);
        let macs = BTreeMap::from([
            (SectionName::Envelope, [8; 32]),
            (SectionName::Facts, root.keys().mac_key().mac(text.as_bytes())),
        ]);
        let leaves = leaves(&entry(&macs));
        let (mut record, _) = handed_over();
        facts(&mut record).text = text.to_owned();
        record.macs = macs
            .iter()
            .map(|(name, mac)| (name.to_string(), hex::encode(mac)))
            .collect();
        record.proof = self::text(&inclusion_proof(&leaves, INDEX, SIZE).unwrap());
        record.checkpoint = checkpoint(&leaves, SIZE).note().to_string();
        let verdict = record.verify(signer(1).verifier());
        assert!(
            matches!(verdict, Err(HandoverError::SectionForm { .. })),
            "{text}: {verdict:?}"
        );
    }
}

#[test]
fn the_form_is_strict() {
    let (record, _) = handed_over();
    let good = record.to_value().unwrap();
    let mut extra = good.clone();
    extra["extra"] = json!(1);
    assert!(matches!(HandedOver::from_value(extra), Err(HandoverError::Form { .. })));
    let mut inner = good.clone();
    inner["opened"]["facts"]["root"] = json!("00");
    assert!(HandedOver::from_value(inner).is_err());
    // An array that a derived reader takes for the object, and `null` for what is absent.
    let as_array = |value: &Value| -> Value { value.as_object().unwrap().values().cloned().collect() };
    for (member, other) in [
        (
            "",
            json!([
                FORMAT,
                ORIGIN,
                INDEX,
                good["macs"],
                good["opened"],
                good["proof"],
                good["checkpoint"]
            ]),
        ),
        ("/opened/facts", as_array(&good["opened"]["facts"])),
        ("/opened/facts", json!(null)),
        ("/consistency", json!(null)),
        ("/consistency", json!([3, []])),
    ] {
        let mut altered = good.clone();
        altered["consistency"] = json!({"from": 3, "proof": []});
        assert!(HandedOver::from_value(altered.clone()).is_ok());
        *altered.pointer_mut(member).unwrap() = other;
        assert!(
            matches!(HandedOver::from_value(altered), Err(HandoverError::Form { .. })),
            "{member}"
        );
    }
    for member in good.as_object().unwrap().keys() {
        let mut less = good.clone();
        less.as_object_mut().unwrap().remove(member);
        assert!(HandedOver::from_value(less).is_err(), "{member}");
    }
    let twice = String::from_utf8(record.to_bytes().unwrap()).unwrap();
    let twice = twice.replace("\"macs\":{", "\"macs\":{\"facts\":\"00\",");
    assert!(matches!(
        HandedOver::parse(twice.as_bytes()),
        Err(HandoverError::Form { .. })
    ));
}

#[test]
fn the_longest_record_that_a_log_hands_over_is_read() {
    let (mut record, _) = handed_over();
    // Sections of 1 MiB in which every byte has to be escaped again.
    let text = format!(r#"{{"a":"{}"}}"#, r"\\".repeat((Limits::SECTION.max_bytes - 8) / 2));
    parse_section(text.as_bytes()).unwrap();
    for name in SectionName::ALL {
        let (text, key) = (text.clone(), "00".repeat(32));
        record.macs.insert(name.to_string(), "00".repeat(32));
        record.opened.insert(name.to_string(), Opened { text, key });
    }
    let bytes = record.to_bytes().unwrap();
    assert!(bytes.len() > 24_000_000 && bytes.len() <= MAX_RECORD_BYTES);
    assert_eq!(HandedOver::parse(&bytes).unwrap(), record);
}

#[test]
fn a_checkpoint_must_extend_what_the_reader_knew() {
    let (mut record, leaves) = handed_over();
    let verify = |record: &HandedOver| record.verify(signer(1).verifier()).unwrap();
    let known = |size| checkpoint(&leaves, size);
    verify(&record).extends(&known(SIZE)).unwrap();
    verify(&record).extends(&known(0)).unwrap();
    assert!(matches!(
        verify(&record).extends(&known(3)),
        Err(HandoverError::NoConsistency { known: 3, .. })
    ));
    record.consistency = Some(ConsistencyText {
        from: 3,
        proof: text(&consistency_proof(&leaves, 3, SIZE).unwrap()),
    });
    verify(&record).extends(&known(3)).unwrap();
    assert!(matches!(
        verify(&record).extends(&known(4)),
        Err(HandoverError::NoConsistency { known: 4, .. })
    ));
    // The same log key over another history.
    let forked = Leaves(entries(SIZE).iter().map(|entry| leaf_hash(&entry[1..])).collect());
    assert!(matches!(
        verify(&record).extends(&checkpoint(&forked, 3)),
        Err(HandoverError::Consistency {
            error: ProofError::OldRoot,
            ..
        })
    ));
    assert!(matches!(
        verify(&record).extends(&checkpoint(&forked, SIZE)),
        Err(HandoverError::Consistency { .. })
    ));
    record.consistency.as_mut().unwrap().from = SIZE + 1;
    assert!(matches!(
        record.verify(signer(1).verifier()),
        Err(HandoverError::Consistency { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_flipped_byte_is_believed(at in any::<usize>(), flip in 1u8..=255) {
        let (record, _) = handed_over();
        let mut bytes = record.to_bytes().unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let believed = HandedOver::parse(&bytes).and_then(|record| record.verify(signer(1).verifier()));
        prop_assert!(believed.is_err(), "byte {}: {:?}", at, String::from_utf8_lossy(&bytes));
    }
}
