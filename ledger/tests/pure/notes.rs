//! Notes and keys against `signed_note`.

use ed25519_dalek::SigningKey;
use herleid_ledger::note::{Algorithm, MAX_SIGNATURES, NoteError, SignatureLine, SignedNote, Signer, Verifier};
use proptest::prelude::*;
use signed_note::{Note, StandardVerifier, VerifierList};

// The example of C2SP signed-note.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn signer(name: &str, seed: u8) -> Signer {
    Signer::ed25519(name, SigningKey::from_bytes(&[seed; 32])).unwrap()
}

fn their_verdict(note: &[u8], vkeys: &[String]) -> bool {
    let verifiers = vkeys
        .iter()
        .map(|vkey| -> Box<dyn signed_note::Verifier> { Box::new(StandardVerifier::new(vkey).unwrap()) });
    let list = VerifierList::new(verifiers.collect());
    Note::from_bytes(note).is_ok_and(|note| note.verify(&list).is_ok())
}

fn our_verdict(note: &[u8], vkeys: &[String]) -> bool {
    let known: Vec<Verifier> = vkeys.iter().map(|vkey| vkey.parse().unwrap()).collect();
    SignedNote::parse(note).is_ok_and(|note| note.verify(&known).is_ok())
}

#[test]
fn the_example_of_the_specification_verifies() {
    let verifier = Verifier::parse(VKEY).unwrap();
    assert_eq!(verifier.to_string(), VKEY);
    assert_eq!(
        (verifier.name(), verifier.algorithm()),
        ("example.com/foo", Algorithm::Ed25519)
    );
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_string(), NOTE);
    let verified = note.verify(&[verifier]).unwrap();
    assert_eq!((verified[0].name(), verified[0].id()), ("example.com/foo", 0x530d_903a));
    assert_eq!(verified[0].time_s(), None);
}

#[test]
fn malformed_verifier_keys_are_refused() {
    let wrong = [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example com+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        // Type 0x02 and an identity point under type 0x01.
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ];
    for vkey in wrong {
        assert!(matches!(Verifier::parse(vkey), Err(NoteError::Vkey { .. })), "{vkey}");
    }
}

#[test]
fn malformed_notes_are_refused_by_both() {
    let line = NOTE.rsplit_once("\n\n").unwrap().1;
    let wrong = [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        format!("text\n{line}"),
        format!("text\n\n{}", line.trim_end()),
        format!("text\n\n\n{line}\n"),
        format!("te\txt\n\n{line}"),
        format!("text\r\n\n{line}"),
        "text\n\n— name with spaces AAAAAAA=\n".to_owned(),
        "text\n\n— name+plus AAAAAAA=\n".to_owned(),
        "text\n\n— name AAAA\n".to_owned(),
        "text\n\n- name AAAAAAA=\n".to_owned(),
        "text\n\n— name AAAAAAA\n".to_owned(),
    ];
    for note in wrong {
        assert!(SignedNote::parse(note.as_bytes()).is_err(), "{note:?}");
        assert!(Note::from_bytes(note.as_bytes()).is_err(), "{note:?}");
    }
    assert!(SignedNote::parse(&[0xff, b'\n']).is_err());
    assert!(SignedNote::parse(&vec![b'a'; 300 * 1024]).is_err());
}

#[test]
fn sixteen_signatures_are_accepted_and_bounds_hold() {
    let text = "many\n";
    let lines = |count: usize| -> Vec<SignatureLine> {
        (0..count)
            .map(|n| signer(&format!("k{n}"), n as u8).sign(text, 0))
            .collect()
    };
    let verifiers: Vec<Verifier> = (0..16u8)
        .map(|n| signer(&format!("k{n}"), n).verifier().clone())
        .collect();
    let note = SignedNote::new(text, lines(16)).unwrap();
    let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read.verify(&verifiers).unwrap().len(), 16);
    assert!(SignedNote::new(text, lines(MAX_SIGNATURES)).is_ok());
    assert!(SignedNote::new(text, lines(MAX_SIGNATURES + 1)).is_err());
    assert!(SignedNote::new(text, Vec::new()).is_err());
    assert!(SignedNote::new("no newline", lines(1)).is_err());
    let full = SignedNote::new(text, lines(MAX_SIGNATURES)).unwrap();
    assert!(full.with(signer("more", 200).sign(text, 0)).is_err());
}

#[test]
fn one_failing_known_signature_spoils_the_note_and_unknown_ones_do_not() {
    let (a, b) = (signer("a.example", 1), signer("b.example", 2));
    let text = "text\n";
    let (line_a, line_b) = (a.sign(text, 0), b.sign(text, 0));
    let wrong_b = b.sign("other\n", 0);
    let note = |lines: &[&SignatureLine]| SignedNote::new(text, lines.iter().copied().cloned().collect()).unwrap();
    let keys = |signers: &[&Signer]| -> Vec<String> { signers.iter().map(|s| s.verifier().to_string()).collect() };
    for (lines, known, expected) in [
        (vec![&line_a, &line_b], vec![&a, &b], true),
        (vec![&line_a, &wrong_b], vec![&a, &b], false),
        (vec![&line_a, &wrong_b], vec![&a], true),
        (vec![&line_b], vec![&a], false),
        (vec![&wrong_b], vec![&a], false),
    ] {
        let bytes = note(&lines).to_string();
        assert_eq!(our_verdict(bytes.as_bytes(), &keys(&known)), expected);
        assert_eq!(their_verdict(bytes.as_bytes(), &keys(&known)), expected);
    }
    // A right line cannot cover for a wrong one by the same key.
    let twice = note(&[&line_b, &wrong_b]);
    assert!(matches!(
        twice.verify(&[b.verifier().clone()]),
        Err(NoteError::BadSignature { .. })
    ));
    assert!(matches!(
        note(&[&line_b]).verify(&[a.verifier().clone()]),
        Err(NoteError::Unsigned { .. })
    ));
}

#[test]
fn the_same_name_or_id_alone_is_another_key() {
    let text = "text\n";
    let (one, two) = (signer("same.example", 1), signer("same.example", 2));
    let note = SignedNote::new(text, vec![one.sign(text, 0), two.sign("other\n", 0)]).unwrap();
    assert_eq!(note.verify(&[one.verifier().clone()]).unwrap().len(), 1);
    let cosigner = Signer::cosigner("same.example", SigningKey::from_bytes(&[1; 32])).unwrap();
    assert_ne!(cosigner.verifier().id(), one.verifier().id());
    assert!(note.verify(&[cosigner.verifier().clone()]).is_err());
}

#[test]
fn a_debug_print_never_shows_the_private_key() {
    let printed = format!("{:?}", signer("a.example", 0xAB));
    assert!(printed.contains("a.example+"), "{printed}");
    assert!(
        !printed.to_lowercase().contains("abab") && !printed.contains("171, 171"),
        "{printed}"
    );
}

proptest! {
    #[test]
    fn notes_are_read_as_signed_note_reads_them(text in "([a-z —+]{0,12}\n){1,5}", seeds in proptest::collection::btree_set(1u8..6, 1..5)) {
        let signers: Vec<Signer> = seeds.iter().map(|seed| signer(&format!("n{seed}"), *seed)).collect();
        let lines = signers.iter().map(|signer| signer.sign(&text, 0)).collect();
        let note = SignedNote::new(&text, lines).unwrap();
        let bytes = note.to_string().into_bytes();
        let ours = SignedNote::parse(&bytes).unwrap();
        prop_assert_eq!(&ours, &note);
        let theirs = Note::from_bytes(&bytes).unwrap();
        prop_assert_eq!(ours.text().as_bytes(), theirs.text());
        let vkeys: Vec<String> = signers.iter().map(|signer| signer.verifier().to_string()).collect();
        prop_assert!(our_verdict(&bytes, &vkeys) && their_verdict(&bytes, &vkeys));
    }

    #[test]
    fn a_flipped_byte_is_never_believed(at in any::<usize>(), flip in 1u8..=255) {
        let mut bytes = NOTE.as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let vkeys = [VKEY.to_owned()];
        let ours = our_verdict(&bytes, &vkeys);
        prop_assert_eq!(ours, their_verdict(&bytes, &vkeys));
        prop_assert!(!ours);
    }
}
