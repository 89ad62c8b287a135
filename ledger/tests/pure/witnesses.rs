//! The witness protocol, both sides against each other, and every refusal of C2SP tlog-witness.

use crate::{Leaves, entries};
use ed25519_dalek::SigningKey;
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::merkle::{Hash, consistency_proof, empty_root, leaf_hash, root_at};
use herleid_ledger::note::{SignedNote, Signer, Verifier};
use herleid_ledger::witness::{Answer, Persist, Request, Response, SIZE_TYPE, WitnessError, parse_response, respond};
use proptest::prelude::*;

const NOW_MS: u64 = 1_679_315_147_123;

fn log(origin: &str, seed: u8) -> Signer {
    Signer::ed25519(origin, SigningKey::from_bytes(&[seed; 32])).unwrap()
}

fn witness() -> Signer {
    Signer::cosigner("witness.example/w", SigningKey::from_bytes(&[9; 32])).unwrap()
}

fn leaves(count: u64) -> Leaves {
    Leaves(entries(count).iter().map(|entry| leaf_hash(entry)).collect())
}

fn checkpoint(leaves: &Leaves, size: u64, signer: &Signer) -> Checkpoint {
    let body = CheckpointBody {
        origin: signer.verifier().name().to_owned(),
        size,
        root: root_at(leaves, size).unwrap(),
    };
    body.sign(signer).unwrap()
}

/// A witness with its state, as a server keeps it.
#[derive(Default)]
struct State(Option<(u64, Hash)>);

impl State {
    fn ask(&mut self, known: &[Verifier], request: &[u8]) -> Response {
        let response = respond(&witness(), |_| self.0, known, request, NOW_MS);
        if let Some(Persist { size, root, .. }) = &response.persist {
            assert_eq!(response.status, 200);
            self.0 = Some((*size, *root));
        }
        response
    }
}

#[test]
fn a_growing_log_is_cosigned_step_by_step() {
    let tree = leaves(40);
    let signer = log("a.example/log/1", 1);
    let known = [signer.verifier().clone()];
    let mut state = State::default();
    let mut old = 0;
    for size in [0, 1, 1, 2, 7, 8, 39, 40] {
        let checkpoint = checkpoint(&tree, size, &signer);
        let proof = consistency_proof(&tree, old, size).unwrap();
        let request = Request::new(old, proof, &checkpoint).unwrap();
        assert_eq!(Request::parse(&request.to_bytes()).unwrap(), request);
        let response = state.ask(&known, &request.to_bytes());
        assert_eq!(response.status, 200, "{}", response.body);
        let body = response.body.as_bytes();
        let answer = parse_response(200, body, &checkpoint, witness().verifier()).unwrap();
        let Answer::Cosigned(lines) = answer else {
            panic!("{answer:?}")
        };
        let cosigned = checkpoint.with(lines[0].clone()).unwrap();
        let seen = cosigned.cosignatures(&[witness().verifier().clone()]).unwrap();
        assert_eq!(seen[0].time_s(), NOW_MS / 1000);
        old = size;
    }
}

#[test]
fn each_refusal_has_its_status_and_changes_nothing() {
    let tree = leaves(20);
    let signer = log("a.example/log/1", 1);
    let known = [signer.verifier().clone()];
    let at = |size| checkpoint(&tree, size, &signer);
    let proof = |from, to| consistency_proof(&tree, from, to).unwrap();
    let ask = |request: &Request| {
        let mut state = State(Some((8, root_at(&tree, 8).unwrap())));
        let response = state.ask(&known, &request.to_bytes());
        assert_eq!(response.persist.is_some(), response.status == 200);
        response
    };
    let right = Request::new(8, proof(8, 20), &at(20)).unwrap();
    assert_eq!(ask(&right).status, 200);

    let stale = ask(&Request::new(7, proof(7, 20), &at(20)).unwrap());
    assert_eq!(
        (stale.status, stale.body.as_str(), stale.content_type),
        (409, "8\n", SIZE_TYPE)
    );
    assert_eq!(ask(&Request::new(0, vec![], &at(20)).unwrap()).status, 409);
    assert_eq!(ask(&Request::new(21, vec![], &at(20)).unwrap()).status, 400);
    assert_eq!(ask(&Request::new(8, proof(7, 20), &at(20)).unwrap()).status, 422);
    assert_eq!(ask(&Request::new(8, vec![], &at(20)).unwrap()).status, 422);
    // The state stands at 8: going back to a smaller tree is asked with a stale size.
    assert_eq!(ask(&Request::new(5, vec![], &at(5)).unwrap()).status, 409);

    let other_origin = checkpoint(&tree, 20, &log("b.example/log/1", 1));
    assert_eq!(ask(&Request::new(8, proof(8, 20), &other_origin).unwrap()).status, 404);
    let other_key = checkpoint(&tree, 20, &log("a.example/log/1", 2));
    assert_eq!(ask(&Request::new(8, proof(8, 20), &other_key).unwrap()).status, 403);
    let mut spoiled = right.clone();
    let line = at(19).note().signatures()[0].clone();
    spoiled.note = SignedNote::new(spoiled.note.text(), vec![line]).unwrap();
    assert_eq!(ask(&spoiled).status, 403);

    let mut fresh = State::default();
    let with_proof = Request::new(0, proof(8, 20), &at(20)).unwrap();
    assert_eq!(fresh.ask(&known, &with_proof.to_bytes()).status, 422);
    let false_empty = SignedNote::new(
        "a.example/log/1\n0\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        vec![signer.sign("a.example/log/1\n0\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", 0)],
    );
    let mut empty = right;
    (empty.old, empty.proof, empty.note) = (0, vec![], false_empty.unwrap());
    assert_eq!(fresh.ask(&known, &empty.to_bytes()).status, 422);
    assert_eq!(fresh.0, None);
}

#[test]
fn a_log_about_to_begin_learns_what_was_seen_of_its_origin() {
    let signer = log("a.example/log/1", 1);
    let known = [signer.verifier().clone()];
    let empty = Checkpoint::empty(&signer).unwrap();
    let question = Request::new(0, vec![], &empty).unwrap().to_bytes();
    let ask = |state: &mut State| {
        let response = state.ask(&known, &question);
        parse_response(response.status, response.body.as_bytes(), &empty, witness().verifier()).unwrap()
    };
    let tree = leaves(8);
    let mut seen = State(Some((8, root_at(&tree, 8).unwrap())));
    assert_eq!(ask(&mut seen), Answer::Stale { size: 8 });
    assert_eq!(seen.0, Some((8, root_at(&tree, 8).unwrap())));
    // Nothing seen: the empty tree is cosigned, however often, and every first checkpoint still fits.
    let mut nothing = State::default();
    for _ in 0..2 {
        assert!(matches!(ask(&mut nothing), Answer::Cosigned(_)));
    }
    let first = Request::new(0, vec![], &checkpoint(&tree, 1, &signer)).unwrap();
    assert_eq!(nothing.ask(&known, &first.to_bytes()).status, 200);
}

#[test]
fn two_histories_of_one_size_are_kept_as_proof() {
    let tree = leaves(8);
    let forked = Leaves(entries(8).iter().map(|entry| leaf_hash(&entry[1..])).collect());
    let signer = log("a.example/log/1", 1);
    let mut state = State(Some((8, root_at(&tree, 8).unwrap())));
    let request = Request::new(8, vec![], &checkpoint(&forked, 8, &signer)).unwrap();
    let response = state.ask(&[signer.verifier().clone()], &request.to_bytes());
    assert_eq!(response.status, 422);
    let conflict = response.conflict.unwrap();
    assert_eq!((conflict.size, conflict.root), (8, root_at(&forked, 8).unwrap()));
    // Asked with a stale size the answer is another, the proof of two histories the same.
    let stale = Request::new(0, vec![], &checkpoint(&forked, 8, &signer)).unwrap();
    let response = state.ask(&[signer.verifier().clone()], &stale.to_bytes());
    assert_eq!((response.status, response.conflict), (409, Some(conflict)));
    assert_eq!(state.0, Some((8, root_at(&tree, 8).unwrap())));
}

#[test]
fn malformed_requests_are_answered_400() {
    let tree = leaves(3);
    let signer = log("a.example/log/1", 1);
    let good = Request::new(0, vec![], &checkpoint(&tree, 3, &signer))
        .unwrap()
        .to_bytes();
    let good = String::from_utf8(good).unwrap();
    let hash = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    for request in [
        String::new(),
        good.replace("old 0\n", "old 00\n"),
        good.replace("old 0\n", "old +0\n"),
        good.replace("old 0\n", "old -1\n"),
        good.replace("old 0\n", "new 0\n"),
        good.replace("old 0\n", "old 0\nAAAA\n"),
        good.replace("old 0\n", "old 0 \n"),
        good.replace("old 0\n\n", "old 0\n"),
        good.replace("old 0\n", &format!("old 0\n{}", hash.repeat(64))),
        good.trim_end().to_owned(),
        good.replace("\n3\n", "\n03\n"),
        good.replace("a.example/log/1\n3", "a.example/log/1\n3\nextension"),
    ] {
        let response = State::default().ask(&[signer.verifier().clone()], request.as_bytes());
        assert_eq!(response.status, 400, "{request}");
    }
    let hashes = vec![empty_root(); 64];
    assert!(Request::new(0, hashes, &checkpoint(&tree, 3, &signer)).is_err());
}

#[test]
fn a_log_believes_only_its_witness() {
    let tree = leaves(3);
    let checkpoint = checkpoint(&tree, 3, &log("a.example/log/1", 1));
    let own = witness().sign(checkpoint.note().text(), 5);
    let stranger = Signer::cosigner("witness.example/w", SigningKey::from_bytes(&[8; 32])).unwrap();
    let foreign = stranger.sign(checkpoint.note().text(), 5);
    let read = |status: u16, body: &str| parse_response(status, body.as_bytes(), &checkpoint, witness().verifier());
    let both = read(200, &format!("{foreign}\n{own}\n")).unwrap();
    assert_eq!(both, Answer::Cosigned(vec![own.clone()]));
    assert!(matches!(
        read(200, &format!("{foreign}\n")),
        Err(WitnessError::Cosignature(_))
    ));
    assert!(matches!(read(200, ""), Err(WitnessError::Response { .. })));
    assert!(matches!(
        read(200, &own.to_string()),
        Err(WitnessError::Response { .. })
    ));
    let timeless = witness().sign(checkpoint.note().text(), 0);
    assert!(read(200, &format!("{timeless}\n")).is_err());
    assert_eq!(read(409, "20852163\n").unwrap(), Answer::Stale { size: 20_852_163 });
    for body in ["", "1", "01\n", "-1\n", "1\n\n", "one\n"] {
        assert!(
            matches!(read(409, body), Err(WitnessError::Response { status: 409, .. })),
            "{body:?}"
        );
    }
    for status in [400, 403, 404, 422, 500, 302] {
        assert!(matches!(read(status, "no\u{7}\n").unwrap(), Answer::Refused { reason, .. } if reason == "no"));
    }
}

proptest! {
    #[test]
    fn whatever_is_cosigned_extends_what_was(steps in proptest::collection::vec((0u64..30, 0u64..30, any::<bool>()), 1..12)) {
        let tree = leaves(30);
        let forked = Leaves(entries(30).iter().map(|entry| leaf_hash(&entry[1..])).collect());
        let signer = log("a.example/log/1", 1);
        let mut state = State::default();
        let mut history: Vec<(u64, Hash)> = Vec::new();
        for (old, size, fork) in steps {
            let tree = if fork { &forked } else { &tree };
            let proof = consistency_proof(tree, old, size).unwrap();
            let request = Request::new(old, proof, &checkpoint(tree, size, &signer)).unwrap();
            if state.ask(&[signer.verifier().clone()], &request.to_bytes()).status == 200 {
                history.push((size, root_at(tree, size).unwrap()));
            }
        }
        let first = history.iter().find(|(size, _)| *size > 0);
        let is_fork = first.is_some_and(|(size, root)| *root == root_at(&forked, *size).unwrap());
        let tree = if is_fork { &forked } else { &tree };
        prop_assert!(history.is_sorted_by_key(|(size, _)| *size));
        for (size, root) in history {
            prop_assert_eq!(root, root_at(tree, size).unwrap());
        }
    }
}
