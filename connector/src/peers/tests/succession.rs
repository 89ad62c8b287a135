//! A participant's next log: believed only as the proven successor of the one that is known.

use super::*;
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use crate::peers::SuccessionError;
use axum::Router;
use axum::extract::{Path as UrlPath, State as Served};
use axum::http::StatusCode;
use axum::routing::get;
use std::sync::Mutex as Shared;

/// Shows each log's record `continued`, by the log's number.
#[derive(Clone)]
struct Site {
    host: String,
    shown: Arc<Shared<HashMap<String, Vec<u8>>>>,
}

async fn shown(Served(site): Served<Site>, UrlPath(number): UrlPath<String>) -> Result<Vec<u8>, StatusCode> {
    let shown = site.shown.lock().unwrap();
    let found = shown.get(&number).cloned().ok_or(StatusCode::NOT_FOUND)?;
    if found.is_empty() {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(found)
}

impl Site {
    async fn start() -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let site = Self {
            host: format!("127.0.0.1:{}", listener.local_address().port()),
            shown: Arc::default(),
        };
        let router = Router::new()
            .route("/log/{number}/continued", get(shown))
            .with_state(site.clone());
        let security = Security::PlainForDevelopment;
        tokio::spawn(listener.serve(security, router, ServerLimits::default(), CancellationToken::new()));
        site
    }

    fn did(&self) -> String {
        format!("did:web:{}", self.host.replace(':', "%3A"))
    }

    fn origin(&self, number: u32) -> String {
        format!("{}/log/{number}", self.host)
    }

    /// The log with this number under `key`, and how it is named; its record 1 says that it continues `previous`.
    fn log(&self, scene: &Scene, number: u32, key: u8, previous: Option<(u32, Option<&str>)>) -> LogIdentity {
        let folder = scene.directory.path().join(format!("{number}-{key}"));
        let log = seeded(&folder, &self.origin(number), key, u64::from(number));
        if let Some((previous, note)) = previous {
            let facts = json!({"previousOrigin": self.origin(previous), "previousCheckpoint": note, "lost": "unknown"});
            let draft = Draft::new(Kind::Continued, TRACE).section(SectionName::Facts, facts);
            let index = log.append_blocking(draft).unwrap().index();
            let open = [SectionName::Envelope, SectionName::Facts];
            let handed = log.hand_over(index, &open, None, At::Latest).unwrap();
            let mut shown = self.shown.lock().unwrap();
            shown.insert(number.to_string(), handed.to_bytes().unwrap());
        }
        identity(&log, &self.did())
    }
}

fn unproved(result: Result<(), SuccessionError>, expected: &str) {
    let error = result.unwrap_err();
    assert!(
        matches!(error, SuccessionError::Unproved { .. }) && !error.is_passing(),
        "{error}"
    );
    assert!(error.to_string().contains(expected), "expected `{expected}`: {error}");
}

#[tokio::test]
async fn a_successor_is_believed_and_then_the_old_log_no_more() {
    let (scene, site) = (Scene::new(), Site::start().await);
    let first = site.log(&scene, 1, 3, None);
    scene.peers.take_for_its_log(&first).await.unwrap();
    scene.peers.take_for_its_log(&first).await.unwrap();
    let second = site.log(&scene, 2, 3, Some((1, None)));
    scene.peers.take_for_its_log(&second).await.unwrap();
    // What it showed is remembered: it has to go on from there.
    assert_eq!(scene.peers.seen_size(&second).unwrap(), 2);
    unproved(scene.peers.take_for_its_log(&first).await, "does not come after it");
    scene.peers.take_for_its_log(&second).await.unwrap();
}

#[tokio::test]
async fn successors_are_followed_back_to_the_log_that_is_known() {
    let (scene, site) = (Scene::new(), Site::start().await);
    let first = site.log(&scene, 1, 3, None);
    scene.peers.take_for_its_log(&first).await.unwrap();
    site.log(&scene, 2, 3, Some((1, None)));
    let fourth = site.log(&scene, 4, 3, Some((2, None)));
    scene.peers.take_for_its_log(&fourth).await.unwrap();
}

#[tokio::test]
async fn a_log_that_just_begins_anew_is_refused() {
    let (scene, site) = (Scene::new(), Site::start().await);
    let first = site.log(&scene, 1, 3, None);
    scene.peers.take_for_its_log(&first).await.unwrap();
    // It says of no log that it continues it.
    let second = site.log(&scene, 2, 3, None);
    unproved(scene.peers.take_for_its_log(&second).await, "continues no other log");
    // It is under a key that the known log never had: whoever has the host alone proves nothing.
    let other_key = site.log(&scene, 2, 4, Some((1, None)));
    unproved(scene.peers.take_for_its_log(&other_key).await, "another key");
    // It continues another log than the known one: the record that is shown for that is under another key.
    let third = site.log(&scene, 3, 3, Some((2, None)));
    unproved(scene.peers.take_for_its_log(&third).await, "signature");
    // The same log under another key, without a word.
    let same = site.log(&scene, 1, 4, None);
    unproved(scene.peers.take_for_its_log(&same).await, "another key");
    // What was known before is still what is known.
    scene.peers.take_for_its_log(&first).await.unwrap();
}

#[tokio::test]
async fn another_record_than_continued_proves_nothing() {
    let (scene, site) = (Scene::new(), Site::start().await);
    let first = site.log(&scene, 1, 3, None);
    scene.peers.take_for_its_log(&first).await.unwrap();
    let second = site.log(&scene, 2, 3, None);
    let log = seeded(&scene.directory.path().join("2-3"), &site.origin(2), 3, 2);
    let open = [SectionName::Envelope, SectionName::Facts];
    let handed = log.hand_over(0, &open, None, At::Latest).unwrap().to_bytes().unwrap();
    site.shown.lock().unwrap().insert("2".to_owned(), handed);
    unproved(scene.peers.take_for_its_log(&second).await, "log-opened");
    site.shown.lock().unwrap().insert("2".to_owned(), b"{}".to_vec());
    assert!(scene.peers.take_for_its_log(&second).await.is_err());
}

#[tokio::test]
async fn a_proof_that_cannot_be_had_now_may_be_had_later() {
    let (scene, site) = (Scene::new(), Site::start().await);
    let first = site.log(&scene, 1, 3, None);
    scene.peers.take_for_its_log(&first).await.unwrap();
    let second = site.log(&scene, 2, 3, Some((1, None)));
    let proof = site.shown.lock().unwrap().insert("2".to_owned(), Vec::new()).unwrap();
    let error = scene.peers.take_for_its_log(&second).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    site.shown.lock().unwrap().insert("2".to_owned(), proof);
    scene.peers.take_for_its_log(&second).await.unwrap();
}

#[tokio::test]
async fn a_successor_names_no_other_history_of_the_old_log_than_was_seen() {
    let (scene, site) = (Scene::new(), Site::start().await);
    let first = site.log(&scene, 1, 3, None);
    let log = seeded(&scene.directory.path().join("1-3"), &site.origin(1), 3, 1);
    let handed = served(&log, &site.did(), "a", "a", 0).await;
    scene.peers.accept(&first, &handed).await.unwrap();
    scene.peers.take_for_its_log(&first).await.unwrap();
    // As many records, and others.
    let forked = seeded(&scene.directory.path().join("forked"), &site.origin(1), 3, 77);
    served(&forked, &site.did(), "a", "a", 0).await;
    let note = forked.checkpoint().note().to_string();
    let second = site.log(&scene, 2, 3, Some((1, Some(&note))));
    unproved(
        scene.peers.take_for_its_log(&second).await,
        "not the one that was seen here",
    );
    let note = log.checkpoint().note().to_string();
    let third = site.log(&scene, 3, 3, Some((1, Some(&note))));
    scene.peers.take_for_its_log(&third).await.unwrap();
}
