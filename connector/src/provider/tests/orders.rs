//! Orders of pushes: what is for a push is not fetched, and what is not, not ordered.

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
