//! Peers of one connector that keep much open.

use crate::config::Config;
use crate::dsp::error::{Answer, Refusal};
use crate::dsp::id::Id;
use crate::dsp::message::{DataAddress, Received};
use crate::dsp::outbox::Effect;
use crate::dsp::path::TransferPost;
use crate::dsp::process::{Event, Outcome, step};
use crate::dsp::transfer::{self, DataTransfer, Decide, Message, State, Transfer};
use crate::dsp_shell::{Context, Kept, Negotiator, fresh_pid, key, open_key};
use crate::node::{Node, Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::{GrantEntry, GrantPurpose, set};
use serde_json::json;
use std::sync::Arc;

const MANY: &str = "did:web:many.example";
const FEW: &str = "did:web:few.example";

/// A connector that decides about nothing by itself. Nobody is at the addresses of its peers.
fn connector(decide: &str) -> (Arc<Node>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    Secrets::make(&folder.join("keys"), &SystemEntropy).unwrap();
    std::fs::write(
        folder.join("decisions.toml"),
        format!("[[transfer]]\ndecide = \"{decide}\"\n"),
    )
    .unwrap();
    let text = "[participant]\ndid = \"did:web:localhost%3A7102\"\nname = \"One\"\n\
         [listen]\npublic_url = \"http://localhost:7102\"\n\
         [ledger]\norigin = \"localhost:7102/log/1\"\n\
         [network]\nallow_private_addresses = true\n\
         [identity]\nrequired_credentials = []\n\
         [decisions]\nfile = \"decisions.toml\"\n\
         [limits]\nopen_per_peer = 2\n\
         [development]\nplain_http = true\n";
    let file = folder.join("herleid.toml");
    let node = open(Config::read(&file, text, std::iter::empty(), true).unwrap()).unwrap();
    (node, directory)
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

/// A peer's request, under its own id.
fn request(theirs: &str) -> Received<Message> {
    let message = json!({
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "TransferRequestMessage", "consumerPid": theirs,
        "agreementId": "urn:agreement:1", "format": "HttpData-PULL", "callbackAddress": "http://127.0.0.1:9/dsp",
    });
    Message::parse(None, message.to_string().as_bytes()).unwrap()
}

/// Access that a peer has, under an id of ours.
fn started(ours: &str, peer: &str) -> Transfer {
    let opened = transfer::opened(id(ours), id(peer), &request(&format!("{ours}-theirs")), 0);
    let start = Decide::Start(Some(DataAddress::http_bearer("http://127.0.0.1:9/data", "token")));
    let (process, _) = step(&opened.unwrap().0, Event::Decided(start), 1).unwrap();
    let Some(Effect::Send(send)) = process.unsettled() else {
        panic!("nothing is sent")
    };
    let known = Event::Delivery {
        key: send.key,
        outcome: Outcome::Acknowledged(None),
    };
    step(&process, known, 2).unwrap().0
}

/// Access that has run out.
fn expired(ours: &str, peer: &str) -> GrantEntry {
    GrantEntry {
        id: ours.to_owned(),
        kind: GrantPurpose::Pull,
        agreement: "urn:agreement:1".to_owned(),
        consumer: peer.parse().unwrap(),
        subject: "rain".to_owned(),
        version: None,
        digests: None,
        media_type: None,
        transaction: None,
        source: None,
        bearer_sha256: None,
        push: false,
        declares: Default::default(),
        until_ms: 1,
        closed: None,
    }
}

#[tokio::test]
async fn access_that_has_run_out_is_ended_however_much_another_peer_keeps_open() {
    let (node, _directory) = connector("hold");
    let mut kept = Vec::new();
    let mut keep = |process: &Transfer| {
        let pid = process.own_pid();
        kept.push((key::<DataTransfer>(pid), Some(process.to_bytes().unwrap())));
        kept.push((open_key::<DataTransfer>(pid), Some(pid.as_str().as_bytes().to_vec())));
    };
    // More than a round takes up, and all of it older.
    for n in 0..100 {
        keep(&started(&format!("urn:a:{n:03}"), MANY));
    }
    keep(&started("urn:b", FEW));
    kept.push(set(GrantEntry::key("urn:b"), &expired("urn:b", FEW)).unwrap());
    node.ledger.put_state(kept).await.unwrap();

    node.negotiator.look_again(&node).unwrap();
    let ends = node.negotiator.wait_for(|| {
        let process = node
            .negotiator
            .load::<DataTransfer>(&node, &id("urn:b"))
            .unwrap()
            .unwrap();
        process.ended().map(|ended| ended.cause.code.clone())
    });
    assert_eq!(ends.await.unwrap().as_deref(), Some("expired"));
}

/// Waits until no task has the node any more.
async fn settled(node: &Arc<Node>) {
    let alone = async {
        while Arc::strong_count(node) > 1 {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), alone).await;
    waited.expect("what was begun has ended within a minute");
}

async fn asks(node: &Arc<Node>, peer: &str, theirs: &str) -> Result<Answer, Refusal> {
    let message = request(theirs);
    let opened = transfer::opened(fresh_pid(node), id(peer), &message, 0);
    let standing = node.trust.standing();
    let taken = node
        .negotiator
        .take_up::<DataTransfer>(node, id(peer), message, opened, Context::default(), standing);
    taken.await.map(Option::unwrap)
}

#[tokio::test]
async fn a_peer_has_so_many_open_and_no_more() {
    let (mut node, _directory) = connector("person");
    let first = asks(&node, MANY, "urn:one").await.unwrap();
    assert_eq!(asks(&node, MANY, "urn:two").await.unwrap().status, 201);
    let refused = asks(&node, MANY, "urn:three").await.unwrap_err();
    assert_eq!((refused.status(), refused.code()), (503, "unavailable"));
    assert!(
        refused.to_string().contains("2 transfers of yours are open here"),
        "{refused}"
    );
    // A repeat is answered as it was, and another peer does not wait for it.
    assert_eq!(asks(&node, MANY, "urn:one").await.unwrap(), first);
    assert_eq!(asks(&node, FEW, "urn:one").await.unwrap().status, 201);

    // A restart knows how many there are.
    settled(&node).await;
    let again = Arc::get_mut(&mut node).expect("nothing else is running");
    again.negotiator = Negotiator::default();
    node.negotiator.resume(&node).unwrap();
    asks(&node, MANY, "urn:three").await.unwrap_err();

    // Whoever ends one may open another one.
    let ours = id(first.body["providerPid"].as_str().unwrap());
    let process = node.negotiator.load::<DataTransfer>(&node, &ours).unwrap().unwrap();
    let message = json!({
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "TransferTerminationMessage",
        "consumerPid": "urn:one", "providerPid": ours,
    });
    let message = Message::parse(Some(TransferPost::Termination), message.to_string().as_bytes()).unwrap();
    let from = id(MANY);
    node.negotiator
        .step::<DataTransfer>(&node, process.own_pid(), Event::Received { from, message })
        .await
        .unwrap();
    let ended = node.negotiator.load::<DataTransfer>(&node, &ours).unwrap().unwrap();
    assert_eq!(ended.state(), State::Terminated);
    assert_eq!(asks(&node, MANY, "urn:three").await.unwrap().status, 201);
}

#[tokio::test]
async fn a_start_is_a_round_and_the_next_one_waits_its_time() {
    let (mut node, _directory) = connector("person");
    let asked = asks(&node, FEW, "urn:one").await.unwrap();
    settled(&node).await;
    Arc::get_mut(&mut node).expect("nothing else is running").negotiator = Negotiator::default();
    node.negotiator.resume(&node).unwrap();
    // What the start began may be over by now, or not: either way it is not begun again.
    let key = open_key::<DataTransfer>(&id(asked.body["providerPid"].as_str().unwrap()));
    let waiting = || [(FEW.to_owned(), [key.clone()].into())].into();
    let now_ms = node.now_ms();
    settled(&node).await;
    let rounds = &node.negotiator.rounds;
    assert!(rounds.take(DataTransfer::PREFIX, waiting(), now_ms).is_empty());
    let later_ms = now_ms + 600_000;
    assert_eq!(rounds.take(DataTransfer::PREFIX, waiting(), later_ms).concat(), key);
}
