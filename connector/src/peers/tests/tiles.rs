//! Logs that have to be read to know whether they continue: over HTTP, as their tiles are served.

use super::*;
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use axum::Router;
use axum::extract::{Path as UrlPath, State as Served};
use axum::http::StatusCode;
use axum::routing::get;
use herleid_ledger::tile::{Level, TilePath};
use std::sync::Mutex as Shared;
use std::sync::atomic::{AtomicBool, Ordering};

/// Serves the tiles of one log, true or altered.
#[derive(Clone)]
struct Site {
    origin: String,
    log: Arc<Shared<Option<Ledger>>>,
    alters: Arc<AtomicBool>,
}

async fn tile(Served(site): Served<Site>, UrlPath(path): UrlPath<String>) -> Result<Vec<u8>, StatusCode> {
    let path: TilePath = format!("tile/{path}").parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let Level::Hashes(level) = path.level() else {
        return Err(StatusCode::NOT_FOUND);
    };
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
        // The history that is known has no tiles of the other one.
        let error = scene.peers.accept(&theirs, &handed).await.unwrap_err();
        assert!(matches!(error, ReceiptError::Unproved { .. }), "{error}");
        assert_eq!((scene.lies().len(), scene.forks()), (0, 0));
        site.serves(&other);
        let error = scene.peers.accept(&theirs, &handed).await.unwrap_err();
        assert!(matches!(error, ReceiptError::Lie(Lie::LogForked { .. })), "{error}");
        assert_eq!((scene.lies().len(), scene.forks()), (1, 1));
        site.ends();
    }
}
