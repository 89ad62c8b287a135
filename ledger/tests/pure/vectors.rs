//! The byte vectors of `docs/vectors`, made by an independent implementation in Python.

use crate::Leaves;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::handover::{HandedOver, HandoverError, content_mac, entry};
use herleid_ledger::merkle::{
    Hash, consistency_proof, inclusion_proof, leaf_hash, root_at, verify_consistency, verify_inclusion,
};
use herleid_ledger::note::{Algorithm, SignedNote, Signer, Verifier};
use herleid_ledger::section::{Place, RootKey, SectionName};
use herleid_vocab::json::parse_section;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

fn vectors() -> Value {
    let vectors: Value = serde_json::from_str(include_str!("../../../docs/vectors/log-format.json")).unwrap();
    assert_eq!(vectors["format"], "herleid-log-vectors/1");
    vectors
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let items = value.as_array().unwrap();
    assert!(!items.is_empty());
    items.iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

fn hash(value: &Value) -> Hash {
    bytes(value).try_into().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn keys_macs_and_ciphertexts() {
    for section in list(&vectors()["sections"]) {
        let root = RootKey::from_bytes(hash(&section["root"]));
        let plain = text(&section["text"]).as_bytes();
        assert_eq!(*root.keys().mac_key().expose(), hash(&section["mac_key"]));
        assert_eq!(*root.keys().enc_key(), hash(&section["enc_key"]));
        assert_eq!(root.keys().mac_key().mac(plain), hash(&section["mac"]));
        let associated = String::from_utf8(bytes(&section["at_rest"]["associated_data"])).unwrap();
        let parts: Vec<&str> = associated.split('\0').collect();
        let name: SectionName = text(&section["name"]).parse().unwrap();
        let place = Place {
            origin: parts[0],
            record: parts[1],
            name,
        };
        assert_eq!(parts[2], name.as_str());
        let sealed = root.keys().seal(&place, plain).unwrap();
        assert_eq!(sealed, bytes(&section["at_rest"]["ciphertext"]));
        assert_eq!(root.keys().open(&place, &sealed).unwrap(), plain);
    }
}

#[test]
fn what_is_a_section() {
    let vectors = vectors();
    for accepted in list(&vectors["sections_accepted"]) {
        parse_section(&bytes(&accepted["hex"])).unwrap();
    }
    for refused in list(&vectors["sections_refused"]) {
        assert!(parse_section(&bytes(&refused["hex"])).is_err(), "{}", refused["why"]);
    }
}

#[test]
fn entries_and_contents() {
    let vectors = vectors();
    for vector in list(&vectors["entries"]) {
        let macs = vector["macs"].as_object().unwrap().iter();
        let macs: BTreeMap<SectionName, Hash> = macs.map(|(name, mac)| (name.parse().unwrap(), hash(mac))).collect();
        let entry = entry(&macs);
        assert_eq!(entry[..], bytes(&vector["entry"]));
        assert_eq!(entry[1..], Sha256::digest(text(&vector["jcs"]))[..]);
        assert_eq!(leaf_hash(&entry), hash(&vector["leaf"]));
    }
    for vector in list(&vectors["contents"]) {
        let length = number(&vector["bytes"]);
        let payload: Vec<u8> = match text(&vector["payload"]) {
            "bytes i mod 251, i from 0" => (0..length).map(|i| (i % 251) as u8).collect(),
            itself => itself.as_bytes().to_vec(),
        };
        assert_eq!(payload.len() as u64, length);
        let digests = (*blake3::hash(&payload).as_bytes(), Sha256::digest(&payload).into());
        assert_eq!(digests, (hash(&vector["blake3"]), hash(&vector["sha256"])));
        let mac = content_mac(&hash(&vector["salt"]), &digests.0, &digests.1, length);
        assert_eq!(mac, hash(&vector["content"]));
    }
}

#[test]
fn the_tree_and_its_proofs() {
    let vectors = vectors();
    let tree = &vectors["tree"];
    let leaves: Vec<Hash> = list(&tree["entries"]).map(|entry| leaf_hash(&bytes(entry))).collect();
    assert_eq!(leaves, hashes(&tree["leaves"]));
    let leaves = Leaves(leaves);
    for (size, root) in tree["roots"].as_object().unwrap() {
        assert_eq!(root_at(&leaves, size.parse().unwrap()).unwrap(), hash(root));
    }
    let inclusion = |vector: &Value| {
        let (index, size) = (number(&vector["index"]), number(&vector["size"]));
        let proof = hashes(&vector["proof"]);
        verify_inclusion(&hash(&vector["leaf"]), index, size, &proof, &hash(&vector["root"]))
    };
    for vector in list(&tree["inclusion"]) {
        inclusion(vector).unwrap();
        let made = inclusion_proof(&leaves, number(&vector["index"]), number(&vector["size"])).unwrap();
        assert_eq!(made, hashes(&vector["proof"]));
    }
    let consistency = |vector: &Value| {
        let (old, new) = (hash(&vector["old_root"]), hash(&vector["new_root"]));
        let proof = hashes(&vector["proof"]);
        verify_consistency(number(&vector["from"]), number(&vector["to"]), &proof, &old, &new)
    };
    for vector in list(&tree["consistency"]) {
        consistency(vector).unwrap();
        let made = consistency_proof(&leaves, number(&vector["from"]), number(&vector["to"])).unwrap();
        assert_eq!(made, hashes(&vector["proof"]));
    }
    let refused = &vectors["tree_refused"];
    for vector in list(&refused["inclusion"]) {
        assert!(inclusion(vector).is_err(), "{}", vector["why"]);
    }
    for vector in list(&refused["consistency"]) {
        assert!(consistency(vector).is_err(), "{}", vector["why"]);
    }
}

fn signing_key(value: &Value) -> SigningKey {
    let key = SigningKey::from_bytes(&hash(&value["seed"]));
    assert_eq!(key.verifying_key().as_bytes(), &hash(&value["public"]));
    key
}

#[test]
fn signatures() {
    let vectors = vectors();
    // Through a verifier where the message can be a note's text, and directly where it cannot.
    let verify = |vector: &Value| {
        let key = VerifyingKey::from_bytes(&hash(&vector["public"])).ok()?;
        Verifier::new("any.example", Algorithm::Ed25519, key).ok()?;
        let signature = Signature::from_slice(&bytes(&vector["signature"])).ok()?;
        key.verify_strict(&bytes(&vector["message"]), &signature).ok()
    };
    for vector in list(&vectors["ed25519"]["accepted"]) {
        assert!(verify(vector).is_some(), "{}", vector["what"]);
    }
    for vector in list(&vectors["ed25519"]["refused"]) {
        assert!(verify(vector).is_none(), "{}", vector["why"]);
    }
}

#[test]
fn notes() {
    let vectors = vectors();
    let notes = &vectors["notes"];
    let log = Signer::ed25519(text(&notes["log"]["name"]), signing_key(&notes["log"])).unwrap();
    assert_eq!(log.verifier().to_string(), text(&notes["log"]["vkey"]));
    let witness = Signer::cosigner(text(&notes["witness"]["name"]), signing_key(&notes["witness"])).unwrap();
    assert_eq!(witness.verifier().to_string(), text(&notes["witness"]["vkey"]));
    let body = CheckpointBody {
        origin: text(&notes["origin"]).to_owned(),
        size: number(&notes["size"]),
        root: hash(&notes["root"]),
    };
    assert_eq!(body.to_string(), text(&notes["text"]));
    let signed = body.sign(&log).unwrap();
    assert_eq!(signed.note().to_string(), text(&notes["signed"]));
    let line = witness.sign(signed.note().text(), number(&notes["cosigned_at"]));
    let cosigned = signed.with(line).unwrap();
    assert_eq!(cosigned.note().to_string(), text(&notes["cosigned"]));
    let seen = cosigned.cosignatures(&[witness.verifier().clone()]).unwrap();
    assert_eq!(seen[0].time_s(), number(&notes["cosigned_at"]));
    let empty = Checkpoint::verify_bytes(text(&notes["empty"]).as_bytes(), log.verifier()).unwrap();
    assert_eq!(empty.size(), 0);

    for vector in list(&vectors["notes_refused"]) {
        let key = Verifier::parse(text(&vector["verifierKey"])).unwrap();
        let note = SignedNote::parse(text(&vector["note"]).as_bytes());
        let believed = note.is_ok_and(|note| match key.algorithm() {
            Algorithm::Ed25519 => Checkpoint::verify(note, &key).is_ok(),
            Algorithm::CosignatureV1 => Checkpoint::verify(note, log.verifier())
                .and_then(|checkpoint| checkpoint.cosignatures(std::slice::from_ref(&key)))
                .is_ok_and(|cosigned| !cosigned.is_empty()),
        });
        assert!(!believed, "{}", vector["why"]);
    }
    for vector in list(&vectors["verifier_keys_refused"]) {
        let parsed = Verifier::parse(text(&vector["verifierKey"]));
        // A witness's key is a verifier key of ours, but no log's.
        let refused = match &parsed {
            Err(_) => true,
            Ok(key) => Checkpoint::verify(signed_note(notes), key).is_err(),
        };
        assert!(refused, "{}", vector["why"]);
    }
}

fn signed_note(notes: &Value) -> SignedNote {
    SignedNote::parse(text(&notes["signed"]).as_bytes()).unwrap()
}

#[test]
fn records() {
    let vectors = vectors();
    let read = |vector: &Value| {
        let key = Verifier::parse(text(&vector["verifierKey"])).unwrap();
        let bytes = serde_json::to_vec(&vector["record"]).unwrap();
        HandedOver::parse(&bytes).and_then(|record| record.verify(&key))
    };
    let log = Signer::ed25519("knmi.example/log/1", signing_key(&vectors["notes"]["log"])).unwrap();
    let mut with_consistency = 0;
    for vector in list(&vectors["records"]) {
        let verified = read(vector).unwrap();
        assert_eq!(verified.leaf(), hash(&vector["leaf"]), "{}", vector["what"]);
        if let Some(consistency) = vector["record"].get("consistency") {
            let size = number(&consistency["from"]);
            let root = hash(&vectors["tree"]["roots"][size.to_string()]);
            let origin = verified.origin().to_owned();
            let known = CheckpointBody { origin, size, root }.sign(&log).unwrap();
            verified.extends(&known).unwrap();
            with_consistency += 1;
        }
    }
    assert!(with_consistency > 0);
    for vector in list(&vectors["records_refused"]) {
        assert!(read(vector).is_err(), "{}", vector["why"]);
    }
    // Keys of another length, in place of the right one of a record that is otherwise right.
    for vector in list(&vectors["keys_refused"]) {
        let mut record = vectors["records"][0].clone();
        let opened = record["record"]["opened"].as_object_mut().unwrap();
        let (name, section) = opened.iter_mut().next().unwrap();
        let expected = HandoverError::BadKeyLength {
            section: name.parse().unwrap(),
            found: bytes(&vector["hex"]).len(),
        };
        section["key"] = vector["hex"].clone();
        assert_eq!(read(&record), Err(expected));
    }
}
