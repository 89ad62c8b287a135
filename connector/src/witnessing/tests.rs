//! Witnesses that answer over HTTP, each in its own way, and a log that grows meanwhile.

mod ends;

use super::*;
use crate::net::client::GuardedClient;
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use crate::net::tests::plain_client;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Served;
use axum::http::StatusCode;
use axum::routing::post;
use ed25519_dalek::SigningKey;
use herleid_ledger::note::Signer;
use herleid_ledger::record::{Draft, Kind};
use herleid_ledger::section::SectionName;
use herleid_ledger::witness::Request;
use herleid_ledger::{Ledger, Options, WitnessPolicy, WitnessStore};
use herleid_vocab::rim::{Clock as _, FixedClock, SeededEntropy};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const NOW_MS: u64 = 1_800_000_000_000;
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ORIGIN: &str = "us.example/log/1";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a witness behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Answers,
    /// Takes the connection and says nothing.
    Hangs,
    /// Is not there.
    Refuses,
}

fn key(n: u8) -> Signer {
    let name = format!("w{n}.example/witness");
    Signer::cosigner(&name, SigningKey::from_bytes(&[100 + n; 32])).unwrap()
}

fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn ledger(dir: &Path, seed: u64, quorum: usize, witnesses: u8) -> Ledger {
    Ledger::open(Options {
        dir: dir.to_owned(),
        origin: ORIGIN.to_owned(),
        party: "did:web:us.example".parse().unwrap(),
        development: true,
        signing_key: log_key(),
        kek: [7; 32],
        clock: Arc::new(FixedClock::new(NOW_MS)),
        entropy: Arc::new(SeededEntropy::new(seed)),
        witness_policy: WitnessPolicy::new(quorum, (0..witnesses).map(|n| key(n).verifier().clone()).collect())
            .unwrap(),
        on_fatal: herleid_ledger::fatal_abort,
    })
    .unwrap()
}

async fn grow(ledger: &Ledger) {
    let facts = json!({"transaction": "x", "verdict": "identical"});
    let draft = Draft::new(Kind::Replayed, TRACE).section(SectionName::Facts, facts);
    ledger.append(draft).await.unwrap();
}

/// What a witness's server holds.
struct Site {
    service: WitnessService,
    ledger: Ledger,
    /// How often somebody else shows it a newer checkpoint just before it reads ours.
    overtaken: AtomicU64,
    asked: watch::Sender<u64>,
}

/// Shows the witness the newest checkpoint, as anybody can: checkpoint and tiles are public.
async fn overtake(site: &Site) {
    for _ in 0..3 {
        grow(&site.ledger).await;
    }
    let newest = site.ledger.checkpoint();
    let old = site.service.last(ORIGIN).unwrap();
    let log = Signer::ed25519(ORIGIN, log_key()).unwrap();
    let read = |note: String| herleid_ledger::checkpoint::Checkpoint::verify_bytes(note.as_bytes(), log.verifier());
    let old = old.map_or(0, |note| read(note).unwrap().size());
    let proof = site.ledger.consistency(old, newest.size()).unwrap();
    let request = Request::new(old, proof, &newest).unwrap().to_bytes();
    assert_eq!(site.service.add_checkpoint(&request).unwrap().status, 200);
}

async fn add_checkpoint(Served(site): Served<Arc<Site>>, body: Bytes) -> (StatusCode, String) {
    let left = site.overtaken.load(Ordering::SeqCst);
    if left > 0 {
        site.overtaken.store(left - 1, Ordering::SeqCst);
        overtake(&site).await;
    }
    let answer = site.service.add_checkpoint(&body).unwrap();
    site.asked.send_modify(|asked| *asked += 1);
    (StatusCode::from_u16(answer.status).unwrap(), answer.body)
}

/// A log, its witnesses, and the asking of them.
struct World {
    ledger: Ledger,
    sites: Vec<Arc<Site>>,
    /// What is bound and says nothing.
    _mute: Vec<tokio::net::TcpListener>,
    witnesses: Vec<Witness>,
    grown: watch::Sender<u64>,
    asked: watch::Sender<u64>,
    standings: Standings,
    directory: tempfile::TempDir,
}

impl World {
    async fn new(quorum: usize, manners: &[Manner]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ledger = ledger(
            &directory.path().join("log"),
            1,
            quorum,
            u8::try_from(manners.len()).unwrap(),
        );
        let (mut sites, mut mute, mut witnesses) = (Vec::new(), Vec::new(), Vec::new());
        for (n, manner) in manners.iter().enumerate() {
            let signer = key(u8::try_from(n).unwrap());
            let verifier = signer.verifier().clone();
            let port = match manner {
                Manner::Answers => {
                    let memory = WitnessStore::open(&directory.path().join(format!("witness{n}"))).unwrap();
                    let clock = Arc::new(FixedClock::new(NOW_MS));
                    let site = Arc::new(Site {
                        service: WitnessService::new(signer, vec![ledger.verifier().clone()], memory, clock),
                        ledger: ledger.clone(),
                        overtaken: AtomicU64::new(0),
                        asked: watch::Sender::new(0),
                    });
                    sites.push(site.clone());
                    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
                    let port = listener.local_address().port();
                    let router = Router::new()
                        .route("/witness/add-checkpoint", post(add_checkpoint))
                        .with_state(site);
                    let security = Security::PlainForDevelopment;
                    tokio::spawn(listener.serve(security, router, ServerLimits::default(), CancellationToken::new()));
                    port
                }
                Manner::Hangs => {
                    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let port = listener.local_addr().unwrap().port();
                    mute.push(listener);
                    port
                }
                Manner::Refuses => {
                    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                    listener.local_addr().unwrap().port()
                }
            };
            let url = format!("http://127.0.0.1:{port}/witness");
            witnesses.push(Witness { verifier, url });
        }
        Self {
            ledger,
            sites,
            _mute: mute,
            standings: Standings::of(&witnesses, None),
            witnesses,
            grown: watch::Sender::new(0),
            asked: watch::Sender::new(0),
            directory,
        }
    }

    fn asks(&self) -> JoinHandle<Result<(), WitnessingError>> {
        let told = Told {
            asked: self.asked.clone(),
            standings: self.standings.clone(),
            // Who failed is asked again when time has passed.
            clock: Arc::new(crate::rim::SystemClock),
        };
        tokio::spawn(keep_asking(
            self.ledger.clone(),
            Arc::new(plain_client()),
            self.witnesses.clone(),
            self.grown.subscribe(),
            told,
        ))
    }

    fn cosigned(&self) -> u64 {
        self.ledger.cosigned().map_or(0, |c| c.size())
    }

    /// Lets the log grow without a pause until `stop`.
    fn grows(&self, stop: Arc<AtomicBool>) -> JoinHandle<()> {
        let (ledger, grown) = (self.ledger.clone(), self.grown.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                grow(&ledger).await;
                grown.send_replace(ledger.size());
            }
        })
    }
}

/// Waits until more than `before` records are cosigned.
async fn cosigned_past(world: &World, before: u64) -> u64 {
    let mut asked = world.asked.subscribe();
    timeout(PATIENCE, async {
        while world.cosigned() <= before {
            asked.changed().await.unwrap();
        }
        world.cosigned()
    })
    .await
    .unwrap_or_else(|_| {
        let (size, standings) = (world.ledger.size(), world.standings.all());
        panic!(
            "{} of {size} records are cosigned, and no more: {standings:?}",
            world.cosigned()
        )
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quorum_is_reached_while_the_log_grows_and_a_witness_is_dead() {
    use Manner::{Answers, Hangs, Refuses};
    for (quorum, manners) in [
        (2, vec![Answers, Hangs, Answers]),
        (2, vec![Refuses, Answers, Answers]),
        (3, vec![Hangs, Answers, Answers, Answers]),
        (3, vec![Answers, Answers, Refuses, Answers]),
    ] {
        let world = World::new(quorum, &manners).await;
        let stop = Arc::new(AtomicBool::new(false));
        let growing = world.grows(stop.clone());
        let asking = world.asks();
        // Several times, and so quickly that no failure of the dead one was waited for.
        let clock = crate::rim::SystemClock;
        let begun_ms = clock.now_ms();
        let mut cosigned = 0;
        for _ in 0..5 {
            cosigned = cosigned_past(&world, cosigned).await;
        }
        let took_ms = clock.now_ms() - begun_ms;
        assert!(took_ms < 8_000, "{took_ms}");
        let counted = world.ledger.cosigned().unwrap();
        let counted = counted.cosignatures(world.ledger.witness_policy().witnesses()).unwrap();
        assert!(counted.len() >= quorum, "{counted:?}");
        stop.store(true, Ordering::SeqCst);
        growing.await.unwrap();
        // And to the last record, when it has stopped growing.
        let size = world.ledger.size();
        assert_eq!(cosigned_past(&world, size - 1).await, size);
        let dead = world
            .standings
            .all()
            .into_iter()
            .filter(|standing| standing.size.is_none());
        assert_eq!(dead.count(), 1);
        asking.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_comes_back_takes_part_again() {
    use Manner::{Answers, Refuses};
    let world = World::new(2, &[Answers, Refuses]).await;
    let asking = world.asks();
    // It fails at first: nobody is there.
    let mut asked = world.asked.subscribe();
    timeout(PATIENCE, asked.changed()).await.unwrap().unwrap();
    assert_eq!(world.cosigned(), 0);
    let other = World::new(2, &[Answers, Answers]).await;
    let port: u16 = world.witnesses[1]
        .url
        .trim_start_matches("http://127.0.0.1:")
        .trim_end_matches("/witness")
        .parse()
        .unwrap();
    let listener = Listener::bind(([127, 0, 0, 1], port).into()).await.unwrap();
    let router = Router::new()
        .route("/witness/add-checkpoint", post(add_checkpoint))
        .with_state(other.sites[1].clone());
    let security = Security::PlainForDevelopment;
    tokio::spawn(listener.serve(security, router, ServerLimits::default(), CancellationToken::new()));
    assert_eq!(cosigned_past(&world, 0).await, 1);
    asking.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_shows_a_witness_our_newer_checkpoint_first_stops_nothing() {
    use Manner::Answers;
    let world = World::new(2, &[Answers, Answers, Answers]).await;
    for site in &world.sites {
        site.overtaken.store(3, Ordering::SeqCst);
    }
    grow(&world.ledger).await;
    let asking = world.asks();
    let before = world.ledger.size();
    // Nobody tells the asking that the log has grown by what the stranger showed: the witness does.
    let cosigned = cosigned_past(&world, before).await;
    assert!(cosigned > before);
    assert!(!asking.is_finished(), "{:?}", asking.await);
    asking.abort();
    // At a start too.
    world.sites[0].overtaken.store(2, Ordering::SeqCst);
    let client: GuardedClient = plain_client();
    let cosigned = ask(&world.ledger, &client, &world.witnesses[0], 0).await.unwrap();
    assert_eq!(cosigned.size(), world.ledger.size());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_size_that_the_log_does_not_have_is_a_rollback() {
    let world = World::new(1, &[Manner::Answers]).await;
    let client: GuardedClient = plain_client();
    for _ in 0..3 {
        grow(&world.ledger).await;
    }
    ask(&world.ledger, &client, &world.witnesses[0], 0).await.unwrap();
    // The same key, and fewer records; and as many, which are others.
    let shorter = ledger(&world.directory.path().join("shorter"), 1, 1, 1);
    let error = ask(&shorter, &client, &world.witnesses[0], 0).await.unwrap_err();
    assert!(
        matches!(
            error,
            WitnessingError::Behind {
                witnessed: 4,
                own: 1,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.is_rollback() && error.is_final());
    let other = ledger(&world.directory.path().join("other"), 9, 1, 1);
    for _ in 0..5 {
        grow(&other).await;
    }
    let error = ask(&other, &client, &world.witnesses[0], 0).await.unwrap_err();
    assert!(matches!(error, WitnessingError::Inconsistent { .. }), "{error}");
}
