//! What is appended is there, proved, and readable.

use crate::rig::{ORIGIN, START_MS, TRACE, agreement, case, note, open, options, terminated};
use herleid_ledger::handover::HandoverError;
use herleid_ledger::merkle::{empty_root, leaf_hash, verify_inclusion};
use herleid_ledger::record::{Document, Draft, DraftError, Kind, NotBefore, RuleError, Side, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, At, Ledger, LedgerError, WitnessPolicy};
use herleid_vocab::rim::FixedClock;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

#[test]
fn a_new_log_begins_with_itself() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    assert_eq!((ledger.size(), ledger.origin()), (1, ORIGIN));
    let record = ledger
        .hand_over(0, &[SectionName::Envelope, SectionName::Facts], Some(0), At::Latest)
        .unwrap();
    let verified = record.verify(ledger.verifier()).unwrap();
    let envelope = verified.section(SectionName::Envelope).unwrap();
    assert_eq!(envelope["kind"], "log-opened");
    assert_eq!(envelope["party"], "did:web:knmi.example");
    assert_eq!(envelope["development"], true);
    assert_eq!(envelope["recordedAt"], START_MS);
    assert_eq!(envelope["prior"], json!([]));
    let expected = json!({
        "did": "did:web:knmi.example",
        "origin": ORIGIN,
        "verifierKey": ledger.verifier().to_string(),
        "format": 1,
        "witnessPolicy": {"quorum": 0, "witnesses": []},
    });
    assert_eq!(verified.section(SectionName::Facts), Some(&expected));
    let brought = Draft::new(Kind::LogOpened, TRACE).section(SectionName::Facts, expected);
    assert!(matches!(ledger.append_blocking(brought), Err(AppendError::LogOpened)));
}

#[test]
fn every_record_comes_with_its_proof_and_can_be_handed_over() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let mut known = ledger.checkpoint();
    for n in 1..40u64 {
        let recorded = ledger.append_blocking(terminated(&format!("urn:a{n}"))).unwrap();
        assert_eq!((recorded.index(), recorded.replayed()), (n, false));
        let checkpoint = recorded.checkpoint();
        verify_inclusion(
            recorded.leaf(),
            n,
            checkpoint.size(),
            recorded.proof(),
            checkpoint.root(),
        )
        .unwrap();
        assert_eq!(ledger.checkpoint().as_ref(), checkpoint);

        let open = [SectionName::Facts, SectionName::Envelope, SectionName::StreamAgreement];
        let handed_over = ledger.hand_over(n, &open, Some(known.size()), At::Latest).unwrap();
        let verified = handed_over.verify(ledger.verifier()).unwrap();
        verified.extends(&known).unwrap();
        assert_eq!(verified.leaf(), *recorded.leaf());
        assert_eq!(
            verified.section(SectionName::Facts).unwrap()["agreement"],
            format!("urn:a{n}")
        );
        let envelope = verified.section(SectionName::Envelope).unwrap();
        assert_eq!(envelope["id"], recorded.id().to_string());
        assert_eq!(recorded.id().get_version_num(), 7);
        known = ledger.checkpoint();
    }
    // The first record under the last checkpoint, and the last without anything opened.
    let first = ledger.hand_over(0, &[], None, At::Latest).unwrap();
    assert!(first.verify(ledger.verifier()).unwrap().opened().is_empty());
    assert!(matches!(
        ledger.hand_over(40, &[], None, At::Latest),
        Err(LedgerError::NoRecord { index: 40, size: 40 })
    ));
    assert!(matches!(
        ledger.hand_over(1, &[SectionName::People], None, At::Latest),
        Err(LedgerError::NoSection {
            index: 1,
            section: SectionName::People
        })
    ));
    assert!(matches!(
        ledger.hand_over(1, &[], Some(41), At::Latest),
        Err(LedgerError::NoSize { .. })
    ));
}

#[test]
fn a_record_handed_over_by_another_log_is_not_believed() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ledger = open(one.path(), 1);
    let other_key = herleid_ledger::Options {
        signing_key: ed25519_dalek::SigningKey::from_bytes(&[9; 32]),
        ..options(two.path(), 2)
    };
    let other = Ledger::open(other_key).unwrap();
    let record = other.hand_over(0, &[], None, At::Latest).unwrap();
    assert!(matches!(
        record.verify(ledger.verifier()),
        Err(HandoverError::Checkpoint(_))
    ));
}

#[test]
fn a_record_reads_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let prior = *ledger.append_blocking(note("before")).unwrap().leaf();
    let draft = note("x")
        .section(
            SectionName::Private,
            json!({"remark": "é€🌧", "n": 9_007_199_254_740_991_u64}),
        )
        .prior(prior)
        .stream(case("Z-1"))
        .stream(agreement("urn:a", Side::Consumer))
        .not_before(NotBefore {
            origin: "app.example/log/1".into(),
            size: 7,
            root: empty_root(),
            note: [5; 32],
        });
    let recorded = ledger.append_blocking(draft).unwrap();
    let record = ledger.record(recorded.index()).unwrap();
    assert_eq!(
        (record.id(), record.leaf(), record.index()),
        (recorded.id(), recorded.leaf(), recorded.index())
    );
    let names: Vec<&str> = record.sections().keys().map(|name| name.as_str()).collect();
    assert_eq!(
        names,
        ["envelope", "facts", "private", "stream-agreement", "stream-case"]
    );
    let expected = json!({
        "v": 1,
        "id": recorded.id().to_string(),
        "kind": "replayed",
        "party": "did:web:knmi.example",
        "recordedAt": recorded.recorded_at_ms(),
        "trace": TRACE,
        "development": true,
        "prior": [hex::encode(prior)],
        "notBefore": {
            "origin": "app.example/log/1",
            "size": 7,
            "root": hex::encode(empty_root()),
            "note": hex::encode([5; 32]),
        },
    });
    assert_eq!(record.value(SectionName::Envelope), Some(expected));
    assert_eq!(record.value(SectionName::Private).unwrap()["remark"], "é€🌧");
    let case = recorded.streams().get(SectionName::StreamCase).unwrap();
    let stored = record.value(SectionName::StreamCase).unwrap();
    assert_eq!(stored, json!({"id": case.id.to_string(), "n": 1, "prev": null}));
    assert_eq!(case.id.get_version_num(), 4);
    assert!(matches!(ledger.record(99), Err(LedgerError::NoRecord { .. })));
}

#[test]
fn records_are_found_by_term_and_leaf() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let transaction = |id: &str| Term::Transaction(id.to_owned());
    let first = ledger
        .append_blocking(note("1").term(transaction("t")).term(Term::Digest([1; 32])))
        .unwrap();
    let second = ledger
        .append_blocking(note("2").term(transaction("t")).prior(*first.leaf()))
        .unwrap();
    let third = ledger
        .append_blocking(note("3").term(transaction("t2")).prior(*first.leaf()))
        .unwrap();
    let by = |term: Term| ledger.by_term(&term).unwrap();
    assert_eq!(by(transaction("t")), [first.index(), second.index()]);
    assert_eq!(by(transaction("t2")), [third.index()]);
    assert_eq!(by(transaction("")), [0u64; 0]);
    assert_eq!(by(Term::Agreement("t".into())), [0u64; 0]);
    assert_eq!(by(Term::Digest([1; 32])), [first.index()]);
    assert_eq!(by(Term::RunOutput([1; 32])), [0u64; 0]);
    assert_eq!(by(Term::RestsOn(*first.leaf())), [second.index(), third.index()]);
    assert_eq!(ledger.by_leaf(second.leaf()).unwrap(), Some(second.index()));
    assert_eq!(ledger.by_leaf(&leaf_hash(b"none")).unwrap(), None);
}

/// Tables know of which transactions they have something: none may be passed over, and none taken for another one.
#[test]
fn records_are_found_by_transaction_in_tables_of_every_age() {
    let dir = tempfile::tempdir().unwrap();
    let transaction = |n: u64| Term::Transaction(format!("01932c07-2000-7000-8000-{n:012}"));
    let mut expected: Vec<Vec<u64>> = vec![Vec::new(); 9];
    // Each start writes what the one before had in memory into a table of its own.
    for start in 1..=5 {
        let ledger = open(dir.path(), start);
        // Of even transactions there is something in every table, of odd ones in one or two.
        for n in [0, 2, 4, start, 8] {
            let recorded = ledger.append_blocking(note("x").term(transaction(n))).unwrap();
            expected[n as usize].push(recorded.index());
        }
        for (n, indices) in expected.iter().enumerate() {
            assert_eq!(
                ledger.by_term(&transaction(n as u64)).unwrap(),
                *indices,
                "{n} after {start}"
            );
        }
        assert_eq!(ledger.by_term(&transaction(9)).unwrap(), [0u64; 0]);
        assert_eq!(
            ledger.by_term(&Term::Transaction("01932c07".into())).unwrap(),
            [0u64; 0]
        );
    }
}

#[test]
fn evidence_is_kept_by_its_digest_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let document = |role: &str, bytes: &[u8]| Document {
        role: role.to_owned(),
        media_type: "application/json".into(),
        bytes: bytes.to_vec(),
    };
    let draft = note("x")
        .evidence(document("receipt", b"one"))
        .evidence(document("receipt", b"two"));
    let recorded = ledger.append_blocking(draft).unwrap();
    // The same document again is no error.
    ledger
        .append_blocking(note("y").evidence(document("other", b"one")))
        .unwrap();
    let digest: [u8; 32] = Sha256::digest(b"one").into();
    assert_eq!(ledger.evidence(&digest).unwrap().unwrap(), b"one");
    assert_eq!(ledger.evidence(&[0; 32]).unwrap(), None);
    let listed = ledger
        .record(recorded.index())
        .unwrap()
        .value(SectionName::Evidence)
        .unwrap();
    let expected = json!({
        "sha256": hex::encode(digest), "bytes": 3, "mediaType": "application/json", "role": "receipt",
    });
    assert_eq!(listed["documents"][0], expected);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 3);

    // A large one is a file.
    let large = vec![b'x'; (64 << 10) + 1];
    ledger
        .append_blocking(note("z").evidence(document("large", &large)))
        .unwrap();
    let digest: [u8; 32] = Sha256::digest(&large).into();
    let name = hex::encode(digest);
    let path = dir.path().join("evidence").join(&name[..2]).join(&name);
    std::fs::write(&path, b"0ne").unwrap();
    assert!(matches!(ledger.evidence(&digest), Err(LedgerError::Corrupt { .. })));
    assert!(ledger.verify_all(|_, _| {}).is_err());
    std::fs::remove_file(&path).unwrap();
    let error = ledger.verify_all(|_, _| {}).unwrap_err().to_string();
    assert!(error.contains(&name), "{error}");
}

#[test]
fn time_never_steps_back() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::new(START_MS));
    let with_clock = || herleid_ledger::Options {
        clock: Arc::clone(&clock) as _,
        witness_policy: WitnessPolicy::none(),
        ..options(dir.path(), crate::rig::fresh_seed())
    };
    let ledger = Ledger::open(with_clock()).unwrap();
    clock.set(START_MS + 500);
    let envelope = |index| ledger.record(index).unwrap().value(SectionName::Envelope).unwrap();
    let on_time = ledger.append_blocking(note("1")).unwrap();
    assert_eq!(on_time.recorded_at_ms(), START_MS + 500);
    assert!(envelope(on_time.index()).get("clockStepped").is_none());
    clock.set(START_MS - 1000);
    let stepped = ledger.append_blocking(note("2")).unwrap();
    assert_eq!(stepped.recorded_at_ms(), START_MS + 500);
    assert_eq!(envelope(stepped.index())["clockStepped"], true);
    drop(ledger);
    let ledger = Ledger::open(with_clock()).unwrap();
    let after_restart = ledger.append_blocking(note("3")).unwrap();
    assert_eq!(after_restart.recorded_at_ms(), START_MS + 500);
    ledger.verify_all(|_, _| {}).unwrap();
}

#[test]
fn a_refused_draft_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let wrong = Draft::new(Kind::Replayed, TRACE)
        .put("k", Some(b"v".to_vec()))
        .stream(case("Z"));
    let error = ledger.append_blocking(wrong).unwrap_err();
    assert!(matches!(
        error,
        AppendError::Draft(DraftError::Rule(RuleError::Missing { .. }))
    ));
    assert_eq!((ledger.size(), ledger.get("k").unwrap()), (1, None));
    assert_eq!(ledger.stream(&case("Z")).unwrap(), None);
}

#[test]
fn a_record_that_rests_on_too_many_is_refused_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let first = *ledger.append_blocking(note("first")).unwrap().leaf();
    let resting_on = |count: usize| (0..count).fold(note("x"), |draft, _| draft.prior(first));
    // The most that a draft may name: whatever the log adds to the envelope, it is still a section.
    let (mut taken, mut refused) = (1, 20_000);
    while refused - taken > 1 {
        let middle = (taken + refused) / 2;
        if resting_on(middle).check().is_ok() {
            taken = middle;
        } else {
            refused = middle;
        }
    }
    let error = ledger.append_blocking(resting_on(refused)).unwrap_err();
    assert!(
        matches!(error, AppendError::Draft(DraftError::Envelope { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("name fewer"), "{error}");
    let recorded = ledger.append_blocking(resting_on(taken)).unwrap();
    assert_eq!(recorded.index(), 2);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().size, 3);
}
