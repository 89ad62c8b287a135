//! Orders of pushes: what is for a push is not fetched, and what is not, not ordered.

use super::super::access::Access;
use super::super::{pull, push};
use super::*;

impl Scene {
    async fn order(&self, within: &str, body: &'static str) -> (StatusCode, String) {
        let path = format!("/data/{GRANT}{within}");
        let says = [
            ("authorization", format!("Bearer {}", self.token)),
            (access::TRANSACTION, transaction(1)),
            (access::AGREEMENT, AGREED.to_owned()),
            ("traceparent", TRACE.to_owned()),
        ];
        let headers = signed(&self.node, &self.key, &self.key_id, &Method::POST, &path, &says);
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().unwrap();
        *request.headers_mut() = headers;
        let response = crate::http::router(self.node.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

#[tokio::test]
async fn a_pull_is_not_ordered_and_a_push_not_fetched() {
    let scene = Scene::set(1).await;
    let (status, said) = scene.order("", "").await;
    assert_eq!(
        (status, said.contains("not for a push")),
        (StatusCode::NOT_FOUND, true),
        "{said}"
    );
    let (status, said) = scene.order("", "{}").await;
    assert_eq!(
        (status, said.contains("no body")),
        (StatusCode::BAD_REQUEST, true),
        "{said}"
    );
    let (status, said) = scene.order("?x=1", "").await;
    assert_eq!(
        (status, said.contains("no query")),
        (StatusCode::BAD_REQUEST, true),
        "{said}"
    );

    let mut grant = scene.grant(Some(Digests::of(DATA)));
    grant.push = true;
    scene
        .node
        .state
        .write(vec![set(GrantEntry::key(GRANT), &grant).unwrap()])
        .unwrap();
    scene
        .refused(&transaction(1), StatusCode::FORBIDDEN, "for a push")
        .await;
    // Under a transfer that is not there, or not open, nothing is pushed.
    let (status, said) = scene.order("", "").await;
    assert!(!status.is_success(), "{status} {said}");
    assert_eq!((scene.used(), scene.outstanding()), (0, 0));
    assert!(scene.kinds(&transaction(1)).is_empty());
}

#[tokio::test]
async fn of_pushes_that_begin_at_once_no_more_than_eight_do() {
    let scene = Scene::set(1).await;
    let mut grant = scene.grant(Some(Digests::of(DATA)));
    grant.push = true;
    // None of them is in the state yet: each is written with the start of its transfer.
    for n in 0..8 {
        grant.id = format!("urn:uuid:push-{n}");
        assert!(push::one_sided(&scene.node, &grant).is_ok(), "{n}");
    }
    // The same one again takes no further place.
    assert!(push::one_sided(&scene.node, &grant).is_ok());
    grant.id = "urn:uuid:push-8".to_owned();
    let refused = push::one_sided(&scene.node, &grant).unwrap_err();
    assert!(refused.contains("8 pushes to you are under way"), "{refused}");
    grant.consumer = "did:web:other.example".parse().unwrap();
    assert!(push::one_sided(&scene.node, &grant).is_ok());
}

#[tokio::test]
async fn what_a_push_has_to_remember_is_written_with_its_record_or_not_at_all() {
    let scene = Scene::set(1).await;
    let mut grant = scene.grant(Some(Digests::of(DATA)));
    grant.push = true;
    let node = &scene.node;
    let open = async |n: u8, key: &str| {
        let evidence = ["signature-base", "signature", "access-token"].map(|role| Document {
            role: role.to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: role.as_bytes().to_vec(),
        });
        let evidence = evidence.to_vec();
        let access = Access::pushed(grant.clone(), transaction(n), false, evidence);
        let access = access.with((key.to_owned(), Some(b"{}".to_vec())));
        let plan = pull::plan(node, &access, &HeaderMap::new(), "", None).unwrap();
        pull::open_planned(node, &access, &plan, TRACE).await
    };
    let before = node.ledger.size();
    let opened = open(1, "push/one").await.map(|opened| opened.repeated());
    assert_eq!(opened.map_err(|refusal| refusal.detail().to_owned()), Ok(false));
    assert_eq!(node.ledger.size(), before + 1);
    assert!(node.ledger.get("push/one").unwrap().is_some());
    // The one use is taken: what is refused leaves nothing behind.
    assert!(open(2, "push/two").await.is_err());
    assert_eq!(node.ledger.get("push/two").unwrap(), None);
}
