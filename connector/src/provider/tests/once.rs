//! A request counts once: that it was used is durable before anything is answered, whatever the answer is.

use super::*;

/// A signed request that can be sent again.
struct Sent {
    path: String,
    headers: HeaderMap,
}

impl Sent {
    fn of(scene: &Scene, transaction: &str, more: &[(&'static str, &str)]) -> Self {
        let path = format!("/data/{GRANT}");
        let mut says = vec![
            ("authorization", format!("Bearer {}", scene.token)),
            (access::TRANSACTION, transaction.to_owned()),
            (access::AGREEMENT, AGREED.to_owned()),
            ("traceparent", TRACE.to_owned()),
        ];
        says.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let headers = signed(&scene.node, &scene.key, &scene.key_id, &Method::GET, &path, &says);
        Self { path, headers }
    }

    async fn to(&self, scene: &Scene) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers.clone();
        crate::http::router(scene.node.clone()).oneshot(request).await.unwrap()
    }

    /// Sent for the first time: the status, and how many requests are known as used at the moment of the answer's head.
    async fn first(&self, scene: &Scene) -> (StatusCode, usize) {
        let response = self.to(scene).await;
        let (status, kept) = (response.status(), kept(scene));
        to_bytes(response.into_body(), 16 << 20).await.unwrap();
        (status, kept)
    }

    async fn is_refused_as_used(&self, scene: &Scene) {
        let size = scene.node.ledger.size();
        let response = self.to(scene).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(
            String::from_utf8_lossy(&body).contains("was received before"),
            "{body:?}"
        );
        assert_eq!(scene.node.ledger.size(), size, "nothing is recorded of it");
    }
}

/// Everything below a folder, as it is at this moment.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl Scene {
    /// The same connector as it starts again after a `kill -9` at this moment: from the files as they are, with nothing closed or written out.
    /// Gives the one that goes on.
    fn killed(&mut self) -> (Arc<Node>, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        copy(self._directory.path(), directory.path());
        let mut node = open(configuration(directory.path())).unwrap();
        Arc::get_mut(&mut node).unwrap().clock = self.clock.clone();
        let before = std::mem::replace(&mut self.node, node);
        (before, std::mem::replace(&mut self._directory, directory))
    }
}

/// Waits until what serves has let go of the connector, a moment after the last byte.
async fn let_go(node: &Arc<Node>) {
    let is_alone = async {
        while Arc::strong_count(node) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_alone).await.unwrap();
}

fn kept(scene: &Scene) -> usize {
    scene.node.ledger.scan("token/").unwrap().len()
}

/// A transaction whose name is none of version 7.
const NO_TIME_IN_IT: &str = "0192f0c1-2b3c-4d4e-8f50-112233445501";

#[tokio::test]
async fn a_request_is_known_as_used_when_it_is_answered_and_after_a_stop() {
    let scene = Scene::set(1).await;
    let first = transaction(1);
    let over = format!("bytes={}-", DATA.len());
    let all = [
        // Recorded, in one commit with its use.
        (Sent::of(&scene, &first, &[]), StatusCode::OK),
        // Recorded before: nothing is written for it but its use.
        (Sent::of(&scene, &first, &[]), StatusCode::OK),
        // The policy refuses.
        (Sent::of(&scene, &transaction(2), &[]), StatusCode::FORBIDDEN),
        // Nobody can give it.
        (
            Sent::of(&scene, &transaction(3), &[("range", &over)]),
            StatusCode::RANGE_NOT_SATISFIABLE,
        ),
        // A part, which has a record of its own kind.
        (
            Sent::of(&scene, &first, &[("range", "bytes=0-9"), (access::SEGMENT, "2")]),
            StatusCode::PARTIAL_CONTENT,
        ),
        (Sent::of(&scene, NO_TIME_IN_IT, &[]), StatusCode::BAD_REQUEST),
    ];
    for (place, (sent, status)) in all.iter().enumerate() {
        assert_eq!(sent.first(&scene).await, (*status, place + 1), "request {place}");
        sent.is_refused_as_used(&scene).await;
    }
    let_go(&scene.node).await;
    let scene = scene.reopened();
    assert_eq!(kept(&scene), all.len());
    for (sent, _) in &all {
        sent.is_refused_as_used(&scene).await;
    }
}

#[tokio::test]
async fn of_one_request_that_comes_twice_at_once_one_is_answered() {
    let scene = Scene::set(9).await;
    let sent = Sent::of(&scene, &transaction(1), &[]);
    let answers = futures_util::future::join_all((0..8).map(|_| sent.to(&scene))).await;
    let given = answers
        .iter()
        .filter(|answer| answer.status() == StatusCode::OK)
        .count();
    let refused = answers
        .iter()
        .filter(|answer| answer.status() == StatusCode::UNAUTHORIZED)
        .count();
    assert_eq!((given, refused), (1, 7));
    assert_eq!((scene.used(), kept(&scene)), (1, 1));
}

#[tokio::test]
async fn a_refusal_that_is_recorded_is_recorded_once_for_a_request() {
    let scene = Scene::set(0).await;
    let sent = Sent::of(&scene, &transaction(1), &[]);
    assert_eq!(sent.first(&scene).await, (StatusCode::FORBIDDEN, 1));
    let denied = scene.records(Term::Kind(Kind::Denied)).len();
    assert_eq!(denied, 1);
    sent.is_refused_as_used(&scene).await;
    assert_eq!(scene.records(Term::Kind(Kind::Denied)).len(), denied);
}

/// Neither is there without the other, whenever the process ends: no request is answered twice, and none is used up of which nobody knows why.
#[tokio::test]
async fn after_a_kill_a_request_is_known_as_used_with_the_pull_that_it_opened() {
    let mut scene = Scene::set(1).await;
    let id = transaction(1);
    let opened = |scene: &Scene| scene.records(Term::Transaction(id.clone())).len();
    let sent = Sent::of(&scene, &id, &[]);

    // Killed before the request came: it is as good as new.
    let (before, folder) = scene.killed();
    assert_eq!((kept(&scene), opened(&scene)), (0, 0));
    let_go(&before).await;
    drop((before, folder));

    // Killed when the head of the answer leaves, and nothing else has.
    let answer = sent.to(&scene).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let (before, folder) = scene.killed();
    assert_eq!((kept(&scene), opened(&scene), scene.used()), (1, 1, 1));
    sent.is_refused_as_used(&scene).await;
    // Signed afresh it is the same pull, and takes no second place.
    let again = Sent::of(&scene, &id, &[]);
    assert_eq!(again.first(&scene).await, (StatusCode::OK, 2));
    assert_eq!((opened(&scene), scene.used()), (1, 1));

    // Killed when a refusal leaves.
    let refused = Sent::of(&scene, &transaction(2), &[]);
    assert_eq!(refused.first(&scene).await, (StatusCode::FORBIDDEN, 3));
    let_go(&scene.node).await;
    let (second, second_folder) = scene.killed();
    for sent in [&sent, &again, &refused] {
        sent.is_refused_as_used(&scene).await;
    }

    drop(to_bytes(answer.into_body(), 16 << 20).await);
    for (node, folder) in [(before, folder), (second, second_folder)] {
        let_go(&node).await;
        drop((node, folder));
    }
}
