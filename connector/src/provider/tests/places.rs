//! Room for runs: who takes it, for how long, and what it costs somebody for whom there is none.

use super::runs::{Asker, Runs};
use super::*;
use crate::http::Refusal;
use crate::models::sandbox::Output;
use crate::models::sandbox::{Place, Sandbox, SandboxError, Slot};
use crate::provider::run::NotRun;
use axum::Router;
use axum::routing::get;
use herleid_credentials::did_document::LogService;
use herleid_ledger::note::Signer;
use std::io::Write as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A consumer whose server gives its DID document at once, and of its data never a byte.
struct Trickling {
    asker: Asker,
    href: String,
    /// Told each time that somebody asks for the data.
    reached: mpsc::UnboundedReceiver<()>,
    server: JoinHandle<()>,
}

impl Trickling {
    async fn set(runs: &Runs) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let did: Did = format!("did:web:localhost%3A{port}").parse().unwrap();
        let origin = format!("localhost:{port}/log/1");
        let log = Signer::ed25519(&origin, ed25519_dalek::SigningKey::from_bytes(&[9; 32])).unwrap();
        let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(9));
        let document = DidDocument::builder(&did)
            .key("key-1", &key.public_key(), &[Relationship::CapabilityInvocation])
            .log(&LogService::new(&origin, &log.verifier().to_string()).unwrap())
            .build()
            .unwrap();
        let document = document.bytes().to_vec();
        let (reaches, reached) = mpsc::unbounded_channel();
        let router: Router = Router::new()
            .route("/.well-known/did.json", get(|| async move { document }))
            .route(
                "/data/rain",
                get(|| async move {
                    let _ = reaches.send(());
                    std::future::pending::<()>().await;
                }),
            );
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let key_id = format!("{did}#key-1");
        Self {
            asker: runs.agree(9, did, key, key_id).await,
            href: format!("http://localhost:{port}/data/rain"),
            reached,
            server,
        }
    }
}

/// The sandbox; where the walls cannot be built it says so and gives `None`, as the tests of the walls themselves do.
async fn walls(runs: &Runs) -> Option<&Sandbox> {
    match runs.scene.node.sandbox().await {
        Ok(sandbox) => Some(sandbox),
        Err(error @ SandboxError::NotPossible { .. }) => {
            let line = format!("SKIPPED room for runs: {error}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// All places that are free at this moment.
fn free(sandbox: &Sandbox) -> Vec<Place> {
    std::iter::from_fn(|| sandbox.place().ok()).collect()
}

/// A slot for each of these places, all of which must be free.
async fn slots(sandbox: &Sandbox, places: &[Place]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for place in places {
        slots.push(sandbox.slot(place, Duration::ZERO).await.unwrap());
    }
    slots
}

fn refused(answer: Result<Vec<Output>, NotRun>) -> Refusal {
    match answer {
        Err(NotRun::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// There is no room, for a reason that says this.
fn busy(answer: Result<Vec<Output>, NotRun>, why: &str) {
    let refusal = refused(answer);
    let found = (refusal.status(), refusal.code());
    assert_eq!(found, (StatusCode::SERVICE_UNAVAILABLE, "busy"), "{refusal:?}");
    assert!(refusal.detail().contains(why), "expected `{why}`: {}", refusal.detail());
}

#[tokio::test]
async fn a_second_consumer_gets_a_place_while_the_inputs_of_the_first_trickle() {
    let runs = Runs::set(20_000).await;
    let Some(sandbox) = walls(&runs).await else { return };
    let node = &runs.scene.node;
    let mut slow = Trickling::set(&runs).await;
    let other = runs.asker(1).await;
    let mut fetching = Vec::new();
    for n in 1..=2 {
        let asking = runs.asking(&slow.asker, &transaction(n), Some(&slow.href)).await;
        fetching.push(tokio::spawn(asking.run(node.clone())));
        let reached = tokio::time::timeout(Duration::from_secs(30), slow.reached.recv()).await;
        reached.unwrap().unwrap();
    }
    let third = runs.asking(&slow.asker, &transaction(3), Some(&slow.href)).await;
    busy(third.run(node.clone()).await, "inputs of other runs of yours");

    // Somebody else has two of the four places; who waits for inputs has none of the others.
    let mut held = free(sandbox);
    assert_eq!(held.len(), 4);
    held.truncate(2);
    assert!(fetching.iter().all(|task| !task.is_finished()));
    let quick = runs.asking(&other, &transaction(4), None).await;
    quick.run(node.clone()).await.unwrap();
    assert_eq!(runs.scene.kinds(&transaction(4)), [Kind::RunStarted, Kind::RunFinished]);
    assert_eq!(runs.standing(&slow.asker), (0, 0, 0));
    for task in fetching {
        // The log must not lose its directory while somebody has it.
        task.abort();
        drop(task.await);
    }
    slow.server.abort();
}

#[tokio::test]
async fn a_run_for_which_there_is_no_room_costs_nothing() {
    let runs = Runs::set(200).await;
    let Some(sandbox) = walls(&runs).await else { return };
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    let size = node.ledger.size();
    let mut places = free(sandbox);
    assert_eq!(places.len(), 4, "two that run and two that wait");
    let without_place = runs.asking(&asker, &transaction(1), None).await;
    busy(without_place.run(node.clone()).await, "all these places are taken");

    places.truncate(2);
    let _slots = slots(sandbox, &places).await;
    let without_slot = runs.asking(&asker, &transaction(1), None).await;
    busy(without_slot.run(node.clone()).await, "none of them ended within 200 ms");
    assert_eq!(free(sandbox).len(), 2, "its place is given back");
    assert_eq!(runs.standing(&asker), (0, 0, 0));
    assert_eq!(node.ledger.size(), size, "nothing is recorded");
}

#[tokio::test]
async fn what_ends_while_a_run_waits_is_seen_before_it_starts() {
    let runs = Runs::set(20_000).await;
    let Some(sandbox) = walls(&runs).await else { return };
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    let places = [sandbox.place().unwrap(), sandbox.place().unwrap()];
    let slots = slots(sandbox, &places).await;
    let asking = runs.asking(&asker, &transaction(1), None).await;
    let waiting = tokio::spawn(asking.run(node.clone()));
    // One of the two places that are left is its own when it waits for a slot.
    for _ in 0..1_000 {
        if free(sandbox).len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(free(sandbox).len(), 1);

    let key = AgreementEntry::key(&asker.agreement, Side::Provider);
    let mut agreement: AgreementEntry = node.state.get(&key).unwrap().unwrap();
    agreement.terminated = Some("the project is over".to_owned());
    node.state.write(vec![set(key, &agreement).unwrap()]).unwrap();
    drop(slots);
    let refusal = refused(waiting.await.unwrap());
    assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
    assert!(
        refusal.detail().contains("has ended: the project is over"),
        "{refusal:?}"
    );
    assert_eq!(runs.standing(&asker), (0, 0, 0));
    assert_eq!(runs.scene.records(Term::Kind(Kind::Denied)).len(), 1);
}
