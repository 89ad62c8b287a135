//! Logs that have to be read to know whether they continue: over HTTP, as their tiles are served.

use super::*;
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use axum::Router;
use axum::extract::{Path as UrlPath, State as Served};
use axum::http::StatusCode;
use axum::routing::get;
use herleid_ledger::fork::{Fork, ForkError, MAX_BYTES};
use herleid_ledger::tile::{Level, TilePath};
use std::sync::Mutex as Shared;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Serves the tiles of one log, true or altered.
#[derive(Clone)]
struct Site {
    origin: String,
    log: Arc<Shared<Option<Ledger>>>,
    alters: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
}

async fn tile(Served(site): Served<Site>, UrlPath(path): UrlPath<String>) -> Result<Vec<u8>, StatusCode> {
    let path: TilePath = format!("tile/{path}").parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let Level::Hashes(level) = path.level() else {
        return Err(StatusCode::NOT_FOUND);
    };
    site.asked.fetch_add(1, Ordering::SeqCst);
    let log = site.log.lock().unwrap().clone().unwrap();
    let bytes = log.tile(level, path.index(), path.width()).unwrap();
    let mut bytes = bytes.ok_or(StatusCode::NOT_FOUND)?;
    if site.alters.load(Ordering::SeqCst) {
        bytes.iter_mut().for_each(|byte| *byte ^= 1);
    }
    Ok(bytes)
}

impl Site {
    async fn start() -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let site = Self {
            origin: format!("127.0.0.1:{}/log/1", listener.local_address().port()),
            log: Arc::default(),
            alters: Arc::default(),
            asked: Arc::default(),
        };
        let router = Router::new()
            .route("/log/1/tile/{*path}", get(tile))
            .with_state(site.clone());
        let security = Security::PlainForDevelopment;
        tokio::spawn(listener.serve(security, router, ServerLimits::default(), CancellationToken::new()));
        site
    }

    fn serves(&self, log: &Ledger) {
        *self.log.lock().unwrap() = Some(log.clone());
    }

    /// Lets go of the log, before its directory goes.
    fn ends(&self) {
        *self.log.lock().unwrap() = None;
    }
}

/// A scene in which `before` pulls of a log at `site` have been accepted.
async fn known(site: &Site, before: usize) -> (Scene, Ledger, LogIdentity) {
    let scene = Scene::new();
    let log = seeded(&scene.directory.path().join("theirs"), &site.origin, 3, 3);
    let theirs = identity(&log, THEM);
    for _ in 0..before {
        let seen = scene.peers.seen_size(&theirs).unwrap();
        let handed = served(&log, THEM, "a", "a", seen).await;
        scene.peers.accept(&theirs, &handed).await.unwrap();
    }
    site.serves(&log);
    (scene, log, theirs)
}

/// One or two pulls before: the tree known has a power of two of leaves, which no proof repeats, and another number.
const BEFORE: [usize; 2] = [1, 2];

#[tokio::test]
async fn tiles_that_nobody_signed_prove_no_lie() {
    for before in BEFORE {
        let site = Site::start().await;
        let (scene, log, theirs) = known(&site, before).await;
        let size = log.size();
        // Without a proof: the tiles are asked for one.
        let handed = served(&log, THEM, "a", "a", 0).await;
        site.alters.store(true, Ordering::SeqCst);
        let error = scene.peers.accept(&theirs, &handed).await.unwrap_err();
        assert!(matches!(error, ReceiptError::Unproved { .. }), "{error}");
        assert!(error.is_passing() && error.to_string().contains("tiles"), "{error}");
        assert_eq!((scene.lies().len(), scene.forks()), (0, 0));
        assert_eq!(scene.peers.seen_size(&theirs).unwrap(), size);
        site.alters.store(false, Ordering::SeqCst);
        scene.peers.accept(&theirs, &handed).await.unwrap();
        assert_eq!(scene.peers.seen_size(&theirs).unwrap(), size + 1);
        site.ends();
    }
}

#[tokio::test]
async fn tiles_that_were_signed_and_contradict_what_was_known_prove_a_fork() {
    for before in BEFORE {
        let site = Site::start().await;
        let (scene, log, theirs) = known(&site, before).await;
        // The same key, and another history, which has grown past what is known.
        let other = seeded(&scene.directory.path().join("other"), &site.origin, 3, 9);
        let mut handed = served(&other, THEM, "a", "a", 0).await;
        while other.size() <= log.size() {
            handed = served(&other, THEM, "a", "a", 0).await;
        }
        // The history that is known has no tiles of the other one. That is no proof, but it is seen.
        let error = scene.peers.accept(&theirs, &handed).await.unwrap_err();
        assert!(matches!(error, ReceiptError::Unproved { .. }), "{error}");
        assert_eq!((scene.lies().len(), scene.forks()), (0, 0));
        let suspected = scene.suspicions();
        assert_eq!(suspected.len(), 1);
        assert_eq!(
            (suspected[0].known_size, suspected[0].shown_size),
            (log.size(), other.size())
        );
        site.serves(&other);
        let error = scene.peers.accept(&theirs, &handed).await.unwrap_err();
        assert!(matches!(error, ReceiptError::Lie(Lie::LogForked { .. })), "{error}");
        assert_eq!((scene.lies().len(), scene.forks()), (1, 1));
        // What is kept proves it without the tiles, to anybody who has the key.
        site.ends();
        let lie = scene.lies().remove(0);
        let shown = HandedOver::parse(lie.handed_over.as_bytes()).unwrap().checkpoint;
        let notes = [lie.known.unwrap(), shown];
        proves(&notes, lie.beginning.as_deref(), log.verifier());
        let index = scene.ours.by_term(&Term::Kind(Kind::WitnessConflict)).unwrap()[0];
        let (notes, beginning) = scene.recorded(index);
        proves(&notes, beginning.as_deref(), log.verifier());
        let fork = Fork::read([notes[0].as_bytes(), notes[1].as_bytes()], None, log.verifier());
        assert!(matches!(fork, Err(ForkError::NoBeginning { .. })), "{fork:?}");
    }
}

fn proves(notes: &[String], beginning: Option<&str>, key: &Verifier) {
    let [one, other] = notes else { panic!("{notes:?}") };
    let beginning = beginning.map(str::as_bytes);
    assert!(beginning.is_some_and(|bytes| bytes.len() <= MAX_BYTES));
    Fork::read([one.as_bytes(), other.as_bytes()], beginning, key).unwrap();
}

#[tokio::test]
async fn a_fork_whose_tiles_are_withheld_is_proved_by_those_of_the_other_history_when_that_is_as_long() {
    let site = Site::start().await;
    let (scene, log, theirs) = known(&site, 2).await;
    let other = seeded(&scene.directory.path().join("other"), &site.origin, 3, 9);
    let mut handed = served(&other, THEM, "a", "a", 0).await;
    while other.size() <= log.size() {
        handed = served(&other, THEM, "a", "a", 0).await;
    }
    for _ in 0..3 {
        assert!(scene.peers.accept(&theirs, &handed).await.is_err());
    }
    scene.peers.look_again().await.unwrap();
    assert_eq!((scene.suspicions().len(), scene.lies().len()), (1, 0));
    // The log goes on as if nothing had been; the tiles of this history are served.
    while log.size() < other.size() {
        let seen = scene.peers.seen_size(&theirs).unwrap();
        let honest = served(&log, THEM, "a", "a", seen).await;
        scene.peers.accept(&theirs, &honest).await.unwrap();
    }
    let seen = scene.peers.seen_size(&theirs).unwrap();
    let honest = served(&log, THEM, "a", "a", seen).await;
    scene.peers.accept(&theirs, &honest).await.unwrap();
    scene.peers.look_again().await.unwrap();
    assert_eq!((scene.suspicions().len(), scene.lies().len(), scene.forks()), (0, 1, 1));
    site.ends();
    let lie = scene.lies().remove(0);
    assert_eq!((lie.lie.as_str(), lie.handed_over.as_str()), ("log forked", ""));
    let notes = [lie.known.unwrap(), lie.shown.unwrap()];
    proves(&notes, lie.beginning.as_deref(), log.verifier());
}

#[tokio::test]
async fn a_log_that_only_could_not_be_read_for_a_while_is_suspected_no_longer() {
    let site = Site::start().await;
    let (scene, log, theirs) = known(&site, 2).await;
    site.alters.store(true, Ordering::SeqCst);
    for n in 0..6 {
        let handed = served(&log, THEM, "a", "a", 0).await;
        let error = scene.peers.accept(&theirs, &handed).await.unwrap_err();
        assert!(error.is_passing(), "{n}: {error}");
    }
    // The first ones are kept.
    assert_eq!(scene.suspicions().len(), 4);
    // It is asked less and less often.
    let mut asked = Vec::new();
    for _ in 0..6 {
        let before = site.asked.load(Ordering::SeqCst);
        scene.peers.look_again().await.unwrap();
        asked.push(site.asked.load(Ordering::SeqCst) - before);
        assert_eq!(scene.suspicions().len(), 4);
    }
    let once = asked[0];
    assert_eq!(asked, [once, once, 0, once, 0, 0]);
    site.alters.store(false, Ordering::SeqCst);
    scene.peers.look_again().await.unwrap();
    assert_eq!((scene.suspicions().len(), scene.lies().len(), scene.forks()), (0, 0, 0));
    site.ends();
}

#[tokio::test]
async fn a_suspicion_that_cannot_be_read_keeps_no_other_from_being_settled() {
    let site = Site::start().await;
    let (scene, log, theirs) = known(&site, 2).await;
    site.alters.store(true, Ordering::SeqCst);
    let handed = served(&log, THEM, "a", "a", 0).await;
    scene.peers.accept(&theirs, &handed).await.unwrap_err();
    assert_eq!(scene.suspicions().len(), 1);
    // Before and after it, as rows come.
    let rows = ["a", "z"].map(|name| format!("{SUSPICIONS}{name}"));
    let junk = rows.clone().map(|row| (row, Some(b"junk".to_vec())));
    State::new(scene.ours.clone()).write(junk.to_vec()).unwrap();
    site.alters.store(false, Ordering::SeqCst);
    let error = scene.peers.look_again().await.unwrap_err().to_string();
    assert!(rows.iter().any(|row| error.contains(row.as_str())), "{error}");
    State::new(scene.ours.clone())
        .write(rows.map(|row| (row, None)).to_vec())
        .unwrap();
    assert_eq!((scene.suspicions().len(), scene.lies().len(), scene.forks()), (0, 0, 0));
    site.ends();
}
