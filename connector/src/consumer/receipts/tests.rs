use super::*;
use crate::config::Config;
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use crate::node::{Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::Side;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::rim::FixedClock;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

const NOW_MS: u64 = 1_800_000_000_000;
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const AGREED: &str = "urn:uuid:0b9c4b1e-6a39-4f0e-9f38-6c7f3f0c7d11";
const CONFIGURATION: &str = r#"
[participant]
did = "did:web:localhost%3A7101"
name = "Delft"
[listen]
public_url = "http://localhost:7101"
[ledger]
origin = "localhost:7101/log/1"
[identity]
required_credentials = []
[network]
allow_private_addresses = true
[development]
plain_http = true
"#;

/// Answers `POST /receipts` as it is told to, with 200 when it is told nothing, and keeps of which transactions receipts came.
#[derive(Clone, Default)]
struct Provider {
    answers: Arc<Mutex<VecDeque<u16>>>,
    came: Arc<Mutex<Vec<Vec<u8>>>>,
}

async fn take(State(provider): State<Provider>, body: Bytes) -> StatusCode {
    let message: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(message["agreement"], AGREED);
    let came = message["receipts"].as_array().unwrap().iter().map(|receipt| {
        let exchange = receipt["opened"]["exchange"]["text"].as_str().unwrap();
        let exchange: Value = serde_json::from_str(exchange).unwrap();
        let transaction = exchange["transaction"].as_str().unwrap();
        u8::from_str_radix(&transaction[transaction.len() - 2..], 16).unwrap()
    });
    provider.came.lock().unwrap().push(came.collect());
    let status = provider.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

/// A connector that receives from a provider.
struct Scene {
    node: Arc<Node>,
    clock: Arc<FixedClock>,
    provider: Provider,
    did: Did,
    base: String,
    // Last: a log that is still open must not lose its directory.
    _directory: tempfile::TempDir,
}

/// The n-th transaction of a test.
fn transaction(n: u8) -> String {
    format!("0192f0c1-2b3c-7d4e-8f50-1122334455{n:02x}")
}

impl Scene {
    /// Sets the scene, with what the provider will answer.
    async fn set(answers: &[u16]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        let path = directory.path().join("herleid.toml");
        let configuration = Config::read(&path, CONFIGURATION, std::iter::empty(), true).unwrap();
        let mut node = open(configuration).unwrap();
        let clock = Arc::new(FixedClock::new(NOW_MS));
        Arc::get_mut(&mut node).unwrap().clock = clock.clone();

        let provider = Provider::default();
        provider.answers.lock().unwrap().extend(answers);
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_address().port();
        let router = Router::new()
            .route("/receipts", post(take))
            .with_state(provider.clone());
        let security = Security::PlainForDevelopment;
        tokio::spawn(listener.serve(security, router, ServerLimits::default(), CancellationToken::new()));
        Self {
            node,
            clock,
            provider,
            did: format!("did:web:127.0.0.1%3A{port}").parse().unwrap(),
            base: format!("http://127.0.0.1:{port}"),
            _directory: directory,
        }
    }

    /// Records that something was received in the n-th transaction, for which a receipt is owed.
    async fn record(&self, n: u8) {
        let content = Content::digest([3; 32], b"rain", "text/plain");
        let exchange = Exchange {
            transaction: transaction(n).parse().unwrap(),
            segment: 1,
            phase: Phase::Pull,
            agreement: AGREED.to_owned(),
            provider: self.did.clone(),
            consumer: self.node.did.clone(),
            subject: Subject::Dataset {
                dataset: "rain".to_owned(),
                version: "1".to_owned(),
            },
            from: 0,
            to: content.bytes,
            content: content.mac(),
        };
        let (key, value) = owe(&self.node, &self.did, AGREED, &transaction(n), &self.base, 1).unwrap();
        let draft = Draft::new(Kind::PullReceived, TRACE)
            .section(SectionName::Exchange, exchange.to_value())
            .section(SectionName::Content, content.to_value())
            .stream(StreamKey::Agreement {
                agreement: AGREED.to_owned(),
                side: Side::Consumer.into(),
                other: self.did.clone(),
            })
            .evidence(Document {
                role: "receipt".to_owned(),
                media_type: "application/json".to_owned(),
                bytes: b"{}".to_vec(),
            })
            .term(Term::Transaction(transaction(n)))
            .put(key, value);
        self.node.append(draft).await.unwrap();
    }

    /// Records the same, and sends the receipt, as a pull does.
    async fn receive(&self, n: u8) {
        self.record(n).await;
        deliver(&self.node, &self.did, &transaction(n), TRACE).await;
    }

    /// One round, after so long.
    async fn round(&self, after_ms: u64) {
        self.clock.advance(after_ms);
        resend(&self.node, TRACE).await.unwrap();
    }

    /// The transactions of which receipts came, message by message.
    fn came(&self) -> Vec<Vec<u8>> {
        self.provider.came.lock().unwrap().clone()
    }

    fn owed(&self) -> Vec<Owed> {
        let owed = self.node.state.scan::<Owed>(OWED).unwrap();
        owed.into_iter().map(|(_, owed)| owed).collect()
    }

    fn pauses(&self) -> usize {
        self.node.ledger.scan(PAUSES).unwrap().len()
    }
}

#[tokio::test]
async fn what_was_taken_is_owed_no_more() {
    let scene = Scene::set(&[]).await;
    scene.receive(1).await;
    scene.round(IN_HAND_MS).await;
    assert_eq!(scene.came(), [vec![1_u8]]);
    assert_eq!((scene.owed(), scene.pauses()), (Vec::new(), 0));
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_after_a_while() {
    let scene = Scene::set(&[503, 503]).await;
    scene.receive(1).await;
    assert_eq!((scene.owed().len(), scene.pauses()), (1, 1));
    scene.round(pause_ms(1) - 1).await;
    assert_eq!(scene.came(), [vec![1_u8]], "the provider is left alone");
    scene.round(1).await;
    assert_eq!(scene.came(), [vec![1_u8], vec![1]]);
    scene.round(pause_ms(2) - 1).await;
    assert_eq!(scene.came().len(), 2, "for longer each time");
    scene.round(1).await;
    assert_eq!(scene.came(), [vec![1_u8], vec![1], vec![1]]);
    assert_eq!((scene.owed(), scene.pauses()), (Vec::new(), 0));
}

#[tokio::test]
async fn what_was_not_taken_rides_along_with_the_next_receipt() {
    let scene = Scene::set(&[503]).await;
    scene.receive(1).await;
    scene.receive(2).await;
    assert_eq!(scene.came(), [vec![1_u8], vec![2, 1]]);
    assert_eq!((scene.owed(), scene.pauses()), (Vec::new(), 0));
}

#[tokio::test]
async fn what_somebody_is_sending_nobody_else_sends_until_that_has_taken_too_long() {
    let scene = Scene::set(&[]).await;
    scene.record(1).await;
    scene.receive(2).await;
    scene.round(0).await;
    assert_eq!(scene.came(), [vec![2_u8]]);
    // Whoever was sending it did not come to its end.
    scene.round(IN_HAND_MS).await;
    assert_eq!(scene.came(), [vec![2_u8], vec![1]]);
    assert!(scene.owed().is_empty());
}

#[tokio::test]
async fn a_receipt_that_is_refused_holds_up_no_other_and_is_given_up_in_the_end() {
    let mut answers: Vec<u16> = vec![503, 400, 400, 200];
    answers.extend([400; MOST_REFUSALS as usize]);
    let scene = Scene::set(&answers).await;
    scene.receive(1).await;
    scene.receive(2).await;
    assert_eq!(scene.owed().len(), 2);
    // Neither of them goes with another one any more.
    scene.round(0).await;
    assert_eq!(scene.came(), [vec![1_u8], vec![2, 1], vec![1], vec![2]]);
    assert_eq!(scene.owed().len(), 1);
    // The refusal of both together says nothing of either.
    for times in 3..=MOST_REFUSALS + 1 {
        assert_eq!(scene.owed()[0].refused, times - 1);
        scene.round(LONGEST_MS).await;
    }
    assert_eq!((scene.owed(), scene.pauses()), (Vec::new(), 0));
    let sent = scene.came().len();
    scene.round(LONGEST_MS).await;
    assert_eq!(scene.came().len(), sent);
}

#[tokio::test]
async fn a_receipt_over_which_the_provider_fails_holds_up_no_other_and_is_never_given_up() {
    let mut answers: Vec<u16> = vec![503, 500, 500, 200];
    answers.extend([500; MOST_REFUSALS as usize]);
    answers.push(400);
    let scene = Scene::set(&answers).await;
    scene.receive(1).await;
    scene.receive(2).await;
    scene.round(0).await;
    assert_eq!(scene.came(), [vec![1_u8], vec![2, 1], vec![1], vec![2]]);
    for _ in 0..MOST_REFUSALS {
        scene.round(LONGEST_MS).await;
    }
    assert_eq!(scene.owed().len(), 1);
    // One rejection after all these faults is one.
    scene.round(LONGEST_MS).await;
    assert_eq!(scene.owed().len(), 1);
    scene.round(LONGEST_MS).await;
    assert!(scene.owed().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_holds_nothing_else_up() {
    let scene = Scene::set(&[503]).await;
    scene.receive(1).await;
    let damaged = format!("{OWED}did:web:a.example/{AGREED}/1");
    let change = vec![(damaged.clone(), Some(b"?".to_vec()))];
    scene.node.state.write(change).unwrap();
    scene.clock.advance(pause_ms(1));
    let error = resend(&scene.node, TRACE).await.unwrap_err().to_string();
    assert!(error.contains(&damaged), "{error}");
    assert_eq!(scene.came(), [vec![1_u8], vec![1]]);
}

#[test]
fn pauses_grow_and_are_bounded() {
    assert_eq!([1, 2, 3].map(pause_ms), [60_000, 120_000, 240_000]);
    assert_eq!([10, u32::MAX].map(pause_ms), [LONGEST_MS; 2]);
    assert!(is_over(5, 5) && !is_over(6, 5));
    assert!(is_over(LONGEST_MS + 2, 1), "a clock that was ahead holds nothing up");
}

#[test]
fn a_message_is_of_one_agreement_and_one_address_and_no_longer_than_it_may_be() {
    let owed = |agreement: &str, base: &str, n: usize, refused: u32| Owed {
        provider: "did:web:them.example".parse().unwrap(),
        agreement: agreement.to_owned(),
        transaction: n.to_string(),
        base: base.to_owned(),
        from_ms: 0,
        refused,
        rejected: 0,
        segments: 1,
    };
    let mut all: Vec<Owed> = (0..=MOST_IN_ONE).map(|n| owed("a", "x", n, 0)).collect();
    all.push(owed("b", "x", 0, 0));
    all.push(owed("a", "y", 0, 0));
    all.push(owed("a", "x", 99, 1));
    let lengths: Vec<usize> = messages(all).iter().map(Vec::len).collect();
    assert_eq!(lengths, [MOST_IN_ONE, 1, 1, 1]);
    let alone = vec![owed("a", "x", 1, 1), owed("a", "x", 2, 1), owed("a", "x", 3, 0)];
    assert_eq!(messages(alone).len(), 3);
}
