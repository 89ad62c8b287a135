//! Answers of an API: a transaction has one of them, and nothing leaves under its record that the record does not speak of.

use super::*;
use crate::config::{BaseUrl, UpstreamApi};
use crate::net::client::ClientSettings;
use crate::sources::Sources;
use crate::state::SourceEntry;
use axum::Router;
use axum::routing::get;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An API that says something else each time that it is asked.
pub(super) struct Gauges {
    asked: Arc<AtomicU64>,
    server: JoinHandle<()>,
}

impl Gauges {
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The n-th answer: several pieces, each another one than those of other answers.
pub(super) fn measured(n: u64) -> Vec<u8> {
    format!("{n:08}").repeat(1 << 19).into_bytes()
}

impl Scene {
    /// Under the agreement an API may be asked so often.
    pub(super) async fn of_an_api(at_most: u64) -> (Self, Gauges) {
        let mut scene = Self::set(at_most).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&asked);
        let answer = move || async move { measured(counter.fetch_add(1, Ordering::SeqCst) + 1) };
        let router = Router::new().route("/{path}", get(answer));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let secret = scene._directory.path().join("gauges.headers");
        std::fs::write(&secret, "").unwrap();
        std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let api = UpstreamApi {
            name: "gauges".to_owned(),
            url: BaseUrl::parse(&format!("http://127.0.0.1:{port}"), true).unwrap(),
            internal: true,
            headers: secret,
        };
        let settings = ClientSettings {
            plain_http_for_development: true,
            ..ClientSettings::default()
        };
        let payloads = scene.node.payloads.clone();
        let sources = Sources::open(&[], &[api], &settings, &payloads, 16 << 20).unwrap();
        Arc::get_mut(&mut scene.node).unwrap().sources = sources;
        let key = format!("dataset/{DATASET}/1");
        let version = VersionEntry {
            digests: None,
            source: SourceEntry::Api {
                api: "gauges".to_owned(),
                paths: vec!["a".to_owned(), "b".to_owned()],
                queries: Vec::new(),
            },
            ..scene.node.state.get(&key).unwrap().unwrap()
        };
        let grant = scene.grant(None);
        let changes = [set(key, &version), set(GrantEntry::key(GRANT), &grant)];
        scene.node.state.write(changes.map(Result::unwrap).to_vec()).unwrap();
        (scene, Gauges { asked, server })
    }

    /// Asks for one resource; the status, and what came.
    pub(super) async fn resource(&self, transaction: &str, path: &str, segment: Option<&str>) -> (StatusCode, Vec<u8>) {
        let more: Vec<_> = segment.map(|segment| (access::SEGMENT, segment)).into_iter().collect();
        let response = self.ask_for(transaction, 0, path, &more).await;
        let status = response.status();
        (status, to_bytes(response.into_body(), 16 << 20).await.unwrap().to_vec())
    }

    /// The same, which must be refused, for a reason that says this.
    pub(super) async fn resource_refused(&self, transaction: &str, path: &str, segment: Option<&str>, why: &str) {
        let (status, body) = self.resource(transaction, path, segment).await;
        let body = String::from_utf8_lossy(&body);
        assert!(status.is_client_error(), "{path} {segment:?}: {status}");
        assert!(body.contains(why), "{path} {segment:?}: expected `{why}`: {body}");
    }
}

#[tokio::test]
async fn a_transaction_has_one_answer_of_an_api_whoever_leaves_the_segment_out() {
    let (scene, gauges) = Scene::of_an_api(1).await;
    let first = scene.resource(&transaction(1), "/a", None).await;
    assert_eq!(first, (StatusCode::OK, measured(1)));
    let another = "another part of the dataset";
    for _ in 0..2 {
        scene.resource_refused(&transaction(1), "/b", None, another).await;
        scene.resource_refused(&transaction(1), "/b", Some("1"), another).await;
        scene
            .resource_refused(&transaction(1), "/b", Some("2"), "no segments")
            .await;
        scene.resource_refused(&transaction(2), "/b", None, "times used").await;
    }
    assert_eq!((gauges.asked(), scene.used(), scene.outstanding()), (1, 1, 1));
    assert_eq!(scene.kinds(&transaction(1)), [Kind::PullOpened, Kind::PullServed]);
}

#[tokio::test]
async fn an_answer_is_not_given_again_and_no_other_one_in_its_place() {
    let (scene, gauges) = Scene::of_an_api(9).await;
    let first = scene.resource(&transaction(1), "/a", None).await;
    assert_eq!(first, (StatusCode::OK, measured(1)));
    let own = "in a transaction of its own";
    scene.resource_refused(&transaction(1), "/a", None, own).await;
    scene.resource_refused(&transaction(1), "/a", Some("1"), own).await;
    // Also after the receipt.
    let receipt = scene.receipt_of(&transaction(1), Kind::PullServed).await;
    crate::provider::acknowledge::take(&scene.node, &scene.consumer, AGREED, &[receipt], TRACE)
        .await
        .unwrap();
    scene.resource_refused(&transaction(1), "/a", Some("1"), own).await;
    assert_eq!((gauges.asked(), scene.used()), (1, 1));
    let second = scene.resource(&transaction(2), "/a", None).await;
    assert_eq!(second, (StatusCode::OK, measured(2)));
    assert_eq!((gauges.asked(), scene.used()), (2, 2));
}

#[tokio::test]
async fn of_an_answer_that_broke_off_nothing_more_leaves_in_its_transaction() {
    let (scene, gauges) = Scene::of_an_api(9).await;
    let mut body = scene.ask_for(&transaction(1), 0, "/a", &[]).await.into_body();
    let frame =
        std::future::poll_fn(|context| axum::body::HttpBody::poll_frame(std::pin::Pin::new(&mut body), context));
    assert!(!frame.await.unwrap().unwrap().into_data().unwrap().is_empty());
    let own = "in a transaction of its own";
    // While it is being sent, and when it has broken off.
    scene.resource_refused(&transaction(1), "/a", None, own).await;
    drop(body);
    scene.recorded(&transaction(1), Kind::PullAborted).await;
    scene.resource_refused(&transaction(1), "/a", None, own).await;
    assert_eq!((gauges.asked(), scene.used()), (1, 1));
    assert_eq!(scene.kinds(&transaction(1)), [Kind::PullOpened, Kind::PullAborted]);
}
