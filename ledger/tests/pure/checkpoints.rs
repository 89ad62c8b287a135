//! Checkpoints and cosignatures.

use ed25519_dalek::{Signature, SigningKey};
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody, CheckpointError};
use herleid_ledger::merkle::empty_root;
use herleid_ledger::note::{NoteError, SignedNote, Signer, Verifier};
use proptest::prelude::*;

const ORIGIN: &str = "knmi.example/log/1";

fn log(seed: u8) -> Signer {
    Signer::ed25519(ORIGIN, SigningKey::from_bytes(&[seed; 32])).unwrap()
}

fn witness(name: &str, seed: u8) -> Signer {
    Signer::cosigner(name, SigningKey::from_bytes(&[seed; 32])).unwrap()
}

fn body(size: u64) -> CheckpointBody {
    let origin = ORIGIN.to_owned();
    let root = [7; 32];
    CheckpointBody { origin, size, root }
}

#[test]
fn other_forms_are_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let good = format!("example.com/behind-the-sofa\n20852163\n{root}\n");
    assert_eq!(CheckpointBody::parse(&good).unwrap().to_string(), good);
    for text in [
        String::new(),
        format!("o\n1\n{root}"),
        format!("\n1\n{root}\n"),
        format!("o\n01\n{root}\n"),
        format!("o\n+1\n{root}\n"),
        format!("o\n-1\n{root}\n"),
        format!("o\n\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        format!("o\n9007199254740992\n{root}\n"),
        "o\n1\n\n".to_owned(),
        "o\n1\nAAAA\n".to_owned(),
        format!("o\n1\n{root}\nextension\n"),
        format!("o\n1\n{root}\n\n"),
        format!("o\n1\n{}\n", root.replace('=', "")),
    ] {
        assert!(
            matches!(CheckpointBody::parse(&text), Err(CheckpointError::Form { .. })),
            "{text:?}"
        );
    }
    assert_eq!(
        CheckpointBody::parse(&format!("o\n0\n{root}\n")),
        Err(CheckpointError::EmptyRoot)
    );
    let empty = CheckpointBody {
        root: empty_root(),
        ..body(0)
    };
    assert_eq!(CheckpointBody::parse(&empty.to_string()).unwrap(), empty);
}

#[test]
fn only_the_log_named_in_it_can_sign_it() {
    let signed = body(5).sign(&log(1)).unwrap();
    let read = SignedNote::parse(signed.note().to_string().as_bytes()).unwrap();
    assert_eq!(Checkpoint::verify(read.clone(), log(1).verifier()).unwrap(), signed);
    assert!(matches!(
        Checkpoint::verify(read.clone(), log(2).verifier()),
        Err(CheckpointError::Note(NoteError::Unsigned { .. }))
    ));
    let other = Signer::ed25519("other.example/log/1", SigningKey::from_bytes(&[1; 32])).unwrap();
    assert!(matches!(
        Checkpoint::verify(read, other.verifier()),
        Err(CheckpointError::Origin { .. })
    ));
    assert!(matches!(body(5).sign(&other), Err(CheckpointError::Origin { .. })));
    assert!(matches!(
        body(5).sign(&witness(ORIGIN, 1)),
        Err(CheckpointError::KeyType { .. })
    ));
}

#[test]
fn a_cosignature_is_that_of_the_specification() {
    let checkpoint = body(5).sign(&log(1)).unwrap();
    let witness = witness("witness.example/w1", 9);
    let line = witness.sign(checkpoint.note().text(), 1_679_315_147);
    // C2SP tlog-cosignature, "Ed25519 signed message", made by hand.
    let message = format!("cosignature/v1\ntime 1679315147\n{}", checkpoint.body());
    let encoded = line.to_string();
    let encoded = encoded.rsplit_once(' ').unwrap().1;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap();
    assert_eq!(bytes[..4], witness.verifier().id().to_be_bytes());
    assert_eq!(bytes[4..12], 1_679_315_147u64.to_be_bytes());
    let signature = Signature::from_slice(&bytes[12..]).unwrap();
    let key = witness.verifier().public_key();
    key.verify_strict(message.as_bytes(), &signature).unwrap();

    let cosigned = checkpoint.with(line).unwrap();
    let vkey: Verifier = witness.verifier().to_string().parse().unwrap();
    let seen = cosigned.cosignatures(&[vkey]).unwrap();
    assert_eq!(
        (seen[0].witness(), seen[0].time_s()),
        ("witness.example/w1", 1_679_315_147)
    );
    // The log's own signature still stands.
    Checkpoint::verify(cosigned.note().clone(), log(1).verifier()).unwrap();
}

#[test]
fn cosignatures_of_others_do_not_count_and_wrong_ones_are_refused() {
    let checkpoint = body(5).sign(&log(1)).unwrap();
    let (known, other) = (witness("w.example", 9), witness("v.example", 8));
    let keys = [known.verifier().clone()];
    assert_eq!(checkpoint.cosignatures(&keys).unwrap(), []);
    let text = checkpoint.note().text();
    let by_other = checkpoint.clone().with(other.sign(text, 1)).unwrap();
    assert_eq!(by_other.cosignatures(&keys).unwrap(), []);
    let elsewhere = body(6).sign(&log(1)).unwrap();
    let moved = checkpoint.clone().with(known.sign(elsewhere.note().text(), 1)).unwrap();
    assert!(matches!(
        moved.cosignatures(&keys),
        Err(CheckpointError::Note(NoteError::BadSignature { .. }))
    ));
    for time_s in [0, u64::MAX] {
        let timeless = checkpoint.clone().with(known.sign(text, time_s)).unwrap();
        assert!(timeless.cosignatures(&keys).is_err(), "{time_s}");
    }
    assert!(matches!(
        checkpoint.cosignatures(&[log(1).verifier().clone()]),
        Err(CheckpointError::KeyType { .. })
    ));
}

#[test]
fn of_several_cosignatures_by_one_witness_the_earliest_counts() {
    let checkpoint = body(5).sign(&log(1)).unwrap();
    let (one, two) = (witness("w.example", 9), witness("v.example", 8));
    let text = checkpoint.note().text().to_owned();
    let lines = [
        one.sign(&text, 30),
        two.sign(&text, 7),
        one.sign(&text, 10),
        one.sign(&text, 20),
    ];
    let cosigned = lines
        .into_iter()
        .fold(checkpoint, |checkpoint, line| checkpoint.with(line).unwrap());
    let keys = [two.verifier().clone(), one.verifier().clone()];
    let seen = cosigned.cosignatures(&keys).unwrap();
    let times: Vec<(&str, u64)> = seen.iter().map(|seen| (seen.witness(), seen.time_s())).collect();
    assert_eq!(times, [("w.example", 10), ("v.example", 7)]);
}

#[test]
fn an_empty_log_has_a_checkpoint_that_any_reader_takes() {
    let empty = Checkpoint::empty(&log(1)).unwrap();
    assert_eq!((empty.origin(), empty.size(), *empty.root()), (ORIGIN, 0, empty_root()));
    let note = empty.note().to_string();
    assert_eq!(
        Checkpoint::verify_bytes(note.as_bytes(), log(1).verifier()).unwrap(),
        empty
    );
    assert!(matches!(
        Checkpoint::empty(&witness("w.example", 9)),
        Err(CheckpointError::KeyType { .. })
    ));
}

proptest! {
    #[test]
    fn bodies_are_read_as_tlog_tiles_reads_them(origin in "[a-z.]{1,10}(/log/[0-9])?", size in 1u64..1 << 53, root in any::<[u8; 32]>()) {
        let body = CheckpointBody { origin, size, root };
        let text = body.to_string();
        let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
        prop_assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (body.origin.as_str(), size, root));
        prop_assert_eq!(theirs.to_bytes(), text.as_bytes());
        prop_assert_eq!(CheckpointBody::parse(&text).unwrap(), body);
    }
}
