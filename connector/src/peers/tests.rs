mod pages;
mod succession;
mod tiles;

use super::kept::LIES_OF_ONE;
use super::*;
use crate::net::tests::plain_client;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::{Draft, Kind, Side, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{At, Options, WitnessPolicy};
use herleid_vocab::did::Did;
use herleid_vocab::rim::{FixedClock, SeededEntropy};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const NOW_MS: u64 = 1_800_000_000_000;
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ORIGIN: &str = "them.example/log/1";
const US: &str = "did:web:us.example";
const THEM: &str = "did:web:them.example";

/// A log of its own in `directory`; the same `key` signs the same way.
pub(crate) fn ledger(directory: &Path, origin: &str, key: u8) -> Ledger {
    seeded(directory, origin, key, u64::from(key))
}

fn seeded(directory: &Path, origin: &str, key: u8, seed: u64) -> Ledger {
    let host = origin.split('/').next().unwrap().replace(':', "%3A");
    Ledger::open(Options {
        dir: directory.to_owned(),
        origin: origin.to_owned(),
        party: format!("did:web:{host}").parse().unwrap(),
        development: true,
        signing_key: ed25519_dalek::SigningKey::from_bytes(&[key; 32]),
        kek: [7; 32],
        clock: Arc::new(FixedClock::new(NOW_MS)),
        entropy: Arc::new(SeededEntropy::new(seed)),
        witness_policy: WitnessPolicy::none(),
        on_fatal: herleid_ledger::fatal_abort,
    })
    .unwrap()
}

/// Our memory, the log beside which it lies, and room for logs of others.
struct Scene {
    ours: Ledger,
    peers: Peers,
    // Last: a log that is still open must not lose its directory.
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ours = ledger(&directory.path().join("ours"), "us.example/log/1", 1);
        let peers = Peers::new(Remembering {
            ledger: ours.clone(),
            client: Arc::new(plain_client()),
            scheme: "http",
            clock: Arc::new(FixedClock::new(NOW_MS)),
            entropy: Arc::new(SeededEntropy::new(2)),
            grown: watch::Sender::new(0),
        });
        Self { ours, peers, directory }
    }

    /// A log of theirs; logs with one key and different seeds are two histories of one log.
    fn theirs(&self, folder: &str, key: u8, seed: u64) -> Ledger {
        seeded(&self.directory.path().join(folder), ORIGIN, key, seed)
    }

    fn lies(&self) -> Vec<LieEntry> {
        let state = State::new(self.ours.clone());
        let kept = state.scan::<LieEntry>(LIES).unwrap();
        kept.into_iter().map(|(_, entry)| entry).collect()
    }

    fn suspicions(&self) -> Vec<SuspicionEntry> {
        let state = State::new(self.ours.clone());
        let kept = state.scan::<SuspicionEntry>(SUSPICIONS).unwrap();
        kept.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The checkpoints that a record names as proof, and what the larger one begins with.
    fn recorded(&self, index: u64) -> (Vec<String>, Option<String>) {
        let evidence = self.ours.record(index).unwrap().value(SectionName::Evidence).unwrap();
        let of_role = |role: &str| -> Vec<String> {
            let all = evidence["documents"].as_array().unwrap().iter();
            all.filter(|document| document["role"] == role)
                .map(|document| {
                    let sha256: [u8; 32] = hex::decode(document["sha256"].as_str().unwrap())
                        .unwrap()
                        .try_into()
                        .unwrap();
                    String::from_utf8(self.ours.evidence(&sha256).unwrap().unwrap()).unwrap()
                })
                .collect()
        };
        (of_role("checkpoint"), of_role("beginning").pop())
    }

    fn forks(&self) -> usize {
        self.ours.by_term(&Term::Kind(Kind::WitnessConflict)).unwrap().len()
    }
}

fn identity(log: &Ledger, did: &str) -> LogIdentity {
    LogIdentity {
        did: did.parse().unwrap(),
        origin: log.origin().to_owned(),
        verifier_key: log.verifier().to_string(),
    }
}

/// Their record of a pull under `agreement`, in the stream of `streamed`, handed over to a reader who has seen `seen` records.
async fn served(log: &Ledger, did: &str, agreement: &str, streamed: &str, seen: u64) -> HandedOver {
    let content = Content::digest([3; 32], b"rain", "text/plain");
    let consumer: Did = US.parse().unwrap();
    let transaction = "0192f0c1-2b3c-7d4e-8f50-112233445566";
    let exchange = Exchange {
        transaction: transaction.parse().unwrap(),
        segment: 1,
        phase: Phase::Pull,
        agreement: agreement.to_owned(),
        provider: did.parse().unwrap(),
        consumer: consumer.clone(),
        subject: Subject::Dataset {
            dataset: "rain".to_owned(),
            version: "1".to_owned(),
        },
        from: 0,
        to: content.bytes,
        content: content.mac(),
    };
    let draft = Draft::new(Kind::PullServed, TRACE)
        .section(SectionName::Exchange, exchange.to_value())
        .section(SectionName::Content, content.to_value())
        .section(SectionName::Facts, json!({"transaction": transaction}))
        .stream(StreamKey::Agreement {
            agreement: streamed.to_owned(),
            side: Side::Provider,
            other: consumer,
        });
    let index = log.append(draft).await.unwrap().index();
    let open = [
        SectionName::Exchange,
        SectionName::Content,
        SectionName::StreamAgreement,
    ];
    let from = Some(seen).filter(|seen| *seen > 0);
    log.hand_over(index, &open, from, At::Latest).unwrap()
}

#[tokio::test]
async fn what_continues_the_log_is_accepted_also_twice() {
    let scene = Scene::new();
    let log = scene.theirs("theirs", 3, 3);
    let theirs = identity(&log, THEM);
    let first = served(&log, THEM, "a", "a", 0).await;
    scene.peers.accept(&theirs, &first).await.unwrap();
    let seen = scene.peers.seen_size(&theirs).unwrap();
    assert_eq!(seen, log.size());
    let second = served(&log, THEM, "a", "a", seen).await;
    scene.peers.accept(&theirs, &second).await.unwrap();
    scene.peers.accept(&theirs, &second).await.unwrap();
    assert_eq!((scene.lies().len(), scene.forks()), (0, 0));
}

#[tokio::test]
async fn whoever_claims_anothers_origin_changes_nothing_of_what_is_known_of_it() {
    let scene = Scene::new();
    let (log, forged) = (scene.theirs("theirs", 3, 3), scene.theirs("forged", 4, 4));
    let (owner, thief) = (identity(&log, THEM), identity(&forged, "did:web:thief.example"));
    // The thief is first, and its log is longer.
    let mut seen = 0;
    for _ in 0..3 {
        let handed = served(&forged, "did:web:thief.example", "a", "a", seen).await;
        scene.peers.accept(&thief, &handed).await.unwrap();
        seen = scene.peers.seen_size(&thief).unwrap();
    }
    assert_eq!(scene.peers.seen_size(&owner).unwrap(), 0);
    let honest = served(&log, THEM, "a", "a", 0).await;
    scene.peers.accept(&owner, &honest).await.unwrap();
    assert_eq!(scene.peers.seen_size(&thief).unwrap(), seen);
}

#[tokio::test]
async fn a_fork_is_kept_and_recorded_before_it_is_told() {
    let scene = Scene::new();
    let (one, other) = (scene.theirs("one", 3, 3), scene.theirs("other", 3, 9));
    let theirs = identity(&one, THEM);
    let honest = served(&one, THEM, "a", "a", 0).await;
    scene.peers.accept(&theirs, &honest).await.unwrap();
    // As many records, and another root: no proof has to be fetched to see it.
    let forked = served(&other, THEM, "a", "a", 0).await;
    for _ in 0..2 {
        let error = scene.peers.accept(&theirs, &forked).await.unwrap_err();
        assert!(matches!(error, ReceiptError::Lie(Lie::LogForked { .. })), "{error}");
    }
    let lies = scene.lies();
    assert_eq!((lies.len(), scene.forks()), (1, 1));
    assert_eq!((lies[0].lie.as_str(), lies[0].when_ms), ("log forked", NOW_MS));
    assert_eq!(lies[0].known.as_deref(), Some(honest.checkpoint.as_str()));
    let kept = HandedOver::parse(lies[0].handed_over.as_bytes()).unwrap();
    kept.verify(other.verifier()).unwrap();
    assert!(forked.opened.contains_key("content"));
    assert_eq!(
        kept.opened.keys().map(String::as_str).collect::<Vec<_>>(),
        ["exchange", "stream-agreement"],
        "no more than proves it"
    );
    // Where even the exchange is erased, the proof stays, and says of no exchange any more.
    let going = BTreeMap::from([(
        "0192f0c1-2b3c-7d4e-8f50-112233445566".to_owned(),
        BTreeSet::from([SectionName::Exchange]),
    )]);
    let state = State::new(scene.ours.clone());
    for expected in [1, 0] {
        let changes = erased(&state, &going).unwrap();
        assert_eq!(changes.len(), expected);
        if expected > 0 {
            state.write(changes).unwrap();
        }
    }
    let kept = HandedOver::parse(scene.lies()[0].handed_over.as_bytes()).unwrap();
    kept.verify(other.verifier()).unwrap();
    assert_eq!(kept.opened.keys().collect::<Vec<_>>(), ["stream-agreement"]);
    // The memory goes on from what it knew.
    assert_eq!(scene.peers.seen_size(&theirs).unwrap(), one.size());
}

#[tokio::test]
async fn a_stream_that_begins_anew_is_caught() {
    let scene = Scene::new();
    let log = scene.theirs("theirs", 3, 3);
    let theirs = identity(&log, THEM);
    let first = served(&log, THEM, "a", "a", 0).await;
    scene.peers.accept(&theirs, &first).await.unwrap();
    // The same agreement, numbered from 1 in another stream.
    let seen = scene.peers.seen_size(&theirs).unwrap();
    let anew = served(&log, THEM, "a", "b", seen).await;
    let error = scene.peers.accept(&theirs, &anew).await.unwrap_err();
    assert!(error.to_string().starts_with("stream changed"), "{error}");
    assert_eq!((scene.lies().len(), scene.forks()), (1, 0));
    // Another agreement has another stream.
    let other = served(&log, THEM, "c", "c", scene.peers.seen_size(&theirs).unwrap()).await;
    scene.peers.accept(&theirs, &other).await.unwrap();
}

#[tokio::test]
async fn a_number_that_another_record_has_is_caught_and_kept() {
    let scene = Scene::new();
    let log = scene.theirs("theirs", 3, 3);
    let theirs = identity(&log, THEM);
    let first = served(&log, THEM, "a", "a", 0).await;
    let record = scene.peers.accept(&theirs, &first).await.unwrap();
    let id = record.section(SectionName::StreamAgreement).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // As if number 2 had been seen with another leaf.
    let key = format!("peer-stream/{THEM}/{ORIGIN}/{id}/{:020}", 2);
    let leaf = "ab".repeat(32);
    let state = State::new(scene.ours.clone());
    state.write(vec![set(key, &SeenNumber { leaf }).unwrap()]).unwrap();
    let second = served(&log, THEM, "a", "a", scene.peers.seen_size(&theirs).unwrap()).await;
    let error = scene.peers.accept(&theirs, &second).await.unwrap_err();
    assert!(
        matches!(error, ReceiptError::Lie(Lie::NumberReused { n: 2, .. })),
        "{error}"
    );
    let lies = scene.lies();
    assert_eq!(
        (lies.len(), lies[0].lie.as_str(), scene.forks()),
        (1, "number reused", 0)
    );
}

#[tokio::test]
async fn a_record_says_which_one_came_before_it_also_when_that_was_not_seen() {
    let scene = Scene::new();
    let log = scene.theirs("theirs", 3, 3);
    let theirs = identity(&log, THEM);
    let first = served(&log, THEM, "a", "a", 0).await;
    let second = served(&log, THEM, "a", "a", 0).await;
    scene.peers.accept(&theirs, &second).await.unwrap();
    let place = place::read(&theirs.did, &second.verify(log.verifier()).unwrap()).unwrap();
    let key = format!("peer-stream/{THEM}/{ORIGIN}/{}/{:020}", place[0].id, 1);
    let seen: SeenNumber = State::new(scene.ours.clone()).get(&key).unwrap().unwrap();
    assert_eq!(seen.leaf, hex::encode(first.verify(log.verifier()).unwrap().leaf()));
}

#[tokio::test]
async fn what_is_kept_of_one_liar_is_bounded() {
    let scene = Scene::new();
    let log = scene.theirs("theirs", 3, 3);
    let theirs = identity(&log, THEM);
    let first = served(&log, THEM, "a", "a", 0).await;
    scene.peers.accept(&theirs, &first).await.unwrap();
    for n in 0..LIES_OF_ONE + 2 {
        let seen = scene.peers.seen_size(&theirs).unwrap();
        let anew = served(&log, THEM, "a", &format!("b{n}"), seen).await;
        assert!(scene.peers.accept(&theirs, &anew).await.is_err());
    }
    assert_eq!(scene.lies().len(), LIES_OF_ONE);
}

#[tokio::test]
async fn a_log_that_stalls_holds_up_nobody_else() {
    let scene = Scene::new();
    let slow = scene.peers.turn(&identity(&scene.theirs("slow", 3, 3), THEM));
    let _held = slow.lock().await;
    let log = scene.theirs("quick", 5, 5);
    let quick = identity(&log, "did:web:quick.example");
    let handed = served(&log, "did:web:quick.example", "a", "a", 0).await;
    scene.peers.accept(&quick, &handed).await.unwrap();
}
