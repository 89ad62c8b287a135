//! Parts of a version: segments of one transaction, which counts once; and pulls that break off because their access ends.

use super::*;
use crate::payloads::Payloads;
use crate::provider::access::Access;
use crate::provider::{acknowledge, pull};
use axum::body::HttpBody as _;
use axum::http::header;
use base64::Engine as _;
use futures_util::FutureExt as _;
use herleid_ledger::exchange::{Content, Exchange};

/// From where the second segment goes.
const HALF: usize = 5 << 20;

fn rest() -> String {
    format!("bytes={HALF}-")
}

async fn bytes(response: Response) -> Vec<u8> {
    to_bytes(response.into_body(), 16 << 20).await.unwrap().to_vec()
}

fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    value
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

impl Scene {
    /// The first bytes of a pull, then the connection breaks.
    async fn broken(&self, transaction: &str) {
        drop(self.begun(transaction).await);
        self.recorded(transaction, Kind::PullAborted).await;
    }

    /// A request for the whole that was let in, and not yet decided on.
    async fn let_in(&self, transaction: &str) -> Access {
        let (node, path) = (&self.node, format!("/data/{GRANT}"));
        let says = [
            ("authorization", format!("Bearer {}", self.token)),
            (access::TRANSACTION, transaction.to_owned()),
            (access::AGREEMENT, AGREED.to_owned()),
            ("traceparent", TRACE.to_owned()),
        ];
        let headers = signed(node, &self.key, &self.key_id, &Method::GET, &path, &says);
        let access = access::check(node, Some(GRANT), &Method::GET, &path, &headers, b"").await;
        access.unwrap()
    }

    /// Permitted and recorded; nothing of it was sent.
    async fn opened(&self, access: &Access) -> pull::Opened {
        let plan = pull::plan(&self.node, access, &HeaderMap::new(), "", None).unwrap();
        pull::open_planned(&self.node, access, &plan, TRACE).await.unwrap()
    }

    /// A pull of which the first bytes have come.
    pub(super) async fn begun(&self, transaction: &str) -> (Body, usize) {
        let mut body = self.ask(transaction, 0).await.into_body();
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await;
        let first = frame.unwrap().unwrap().into_data().unwrap();
        assert!(!first.is_empty());
        (body, first.len())
    }

    /// Waits until a pull that is being sent ends, which must be before its end; gives the reason that was recorded.
    pub(super) async fn breaks_off(&self, transaction: &str, (mut body, mut came): (Body, usize)) -> String {
        // Nothing is read meanwhile, so that it is being sent until it breaks off.
        self.recorded(transaction, Kind::PullAborted).await;
        loop {
            let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await;
            match frame.expect("an end that looks like the end of the data") {
                Ok(frame) => came += frame.into_data().unwrap().len(),
                Err(_) => break,
            }
        }
        assert!(came < DATA.len());
        let records = self.records(Term::Transaction(transaction.to_owned()));
        let facts = records.last().unwrap().1.value(SectionName::Facts).unwrap();
        assert_eq!(facts["bytesSent"], came);
        facts["reason"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_whole_says_what_it_is() {
    let scene = Scene::set(1).await;
    let response = scene.ask(&transaction(1), 0).await;
    assert_eq!(response.status(), StatusCode::OK);
    let digest = hex::decode(Digests::of(DATA).sha256).unwrap();
    let digest = format!("sha-256=:{}:", base64::engine::general_purpose::STANDARD.encode(digest));
    assert_eq!(header(&response, "accept-ranges"), "bytes");
    assert_eq!(header(&response, "etag"), format!("\"{}\"", Digests::of(DATA).sha256));
    assert_eq!(header(&response, "content-digest"), digest);
    assert_eq!(header(&response, "repr-digest"), digest);
    assert_eq!(header(&response, "herleid-segment"), "1");
    assert_eq!(bytes(response).await, DATA);
}

#[tokio::test]
async fn what_broke_off_goes_on_in_the_same_transaction_and_counts_once() {
    let scene = Scene::set(1).await;
    scene.broken(&transaction(1)).await;
    let etag = format!("\"{}\"", Digests::of(DATA).sha256);
    let more = [("range", rest()), ("if-range", etag)];
    let more: Vec<(&'static str, &str)> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let response = scene.ask_for(&transaction(1), 0, "", &more).await;
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    let length = DATA.len();
    assert_eq!(
        header(&response, "content-range"),
        format!("bytes {HALF}-{}/{length}", length - 1)
    );
    assert_eq!(header(&response, "content-length"), (length - HALF).to_string());
    assert_eq!(header(&response, "herleid-receipt"), "after");
    assert_eq!(header(&response, "herleid-segment"), "2");
    assert_eq!(header(&response, "content-digest"), "");
    assert_eq!(bytes(response).await, DATA[HALF..]);
    assert_eq!((scene.used(), scene.outstanding()), (1, 1));
    let kinds = [Kind::PullOpened, Kind::PullAborted, Kind::PullOpened, Kind::PullServed];
    assert_eq!(scene.kinds(&transaction(1)), kinds);
    let records = scene.records(Term::Transaction(transaction(1)));
    assert_eq!(records[2].1.value(SectionName::Exchange), None);
    assert_eq!(
        records[2].1.value(SectionName::Facts).unwrap()["range"],
        json!([HALF, length])
    );
    let exchange = Exchange::from_value(records[3].1.value(SectionName::Exchange).unwrap()).unwrap();
    assert_eq!(
        (exchange.segment, exchange.from, exchange.to),
        (2, HALF as u64, length as u64)
    );
    let content = Content::from_value(records[3].1.value(SectionName::Content).unwrap()).unwrap();
    assert_eq!(hex::encode(content.sha256), Digests::of(&DATA[HALF..]).sha256);
    scene
        .refused(&transaction(2), StatusCode::FORBIDDEN, "times used")
        .await;
}

#[tokio::test]
async fn the_same_segment_again_has_the_old_record_and_no_other_bytes() {
    let scene = Scene::set(1).await;
    scene.given(&transaction(1)).await;
    for _ in 0..2 {
        let more = [("range", "bytes=1-2"), ("herleid-segment", "2")];
        let response = scene.ask_for(&transaction(1), 0, "", &more).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(bytes(response).await, DATA[1..3]);
    }
    let kinds = [Kind::PullOpened, Kind::PullOpened, Kind::PullServed];
    assert_eq!(scene.kinds(&transaction(1)), kinds);
    for (range, segment, status, why) in [
        ("bytes=1-3", "2", StatusCode::FORBIDDEN, "something else before"),
        ("bytes=1-3", "4", StatusCode::BAD_REQUEST, "cannot come next"),
        ("bytes=1-3", "0", StatusCode::BAD_REQUEST, "a number from 1"),
        ("bytes=1-3", "-1", StatusCode::BAD_REQUEST, "a number from 1"),
    ] {
        let more = [("range", range), ("herleid-segment", segment)];
        let response = scene.ask_for(&transaction(1), 0, "", &more).await;
        assert_eq!(response.status(), status);
        let body = String::from_utf8(bytes(response).await).unwrap();
        assert!(body.contains(why), "expected `{why}`: {body}");
    }
    assert_eq!((scene.used(), scene.outstanding()), (1, 1));
}

#[tokio::test]
async fn an_absurd_range_gets_and_records_nothing() {
    let scene = Scene::set(1).await;
    let size = scene.node.ledger.size();
    for range in ["bytes=99999999-", "bytes=5-4", "bytes=0-1,4-5", "bytes=-0", "bytes=x"] {
        let response = scene.ask_for(&transaction(1), 0, "", &[("range", range)]).await;
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(header(&response, "content-range"), format!("bytes */{}", DATA.len()));
    }
    for within in ["/admin", "?x=1", "/..%2f"] {
        let response = scene.ask_for(&transaction(1), 0, within, &[]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{within}");
    }
    assert_eq!((scene.node.ledger.size(), scene.used()), (size, 0));
    // Of another version the whole is given: what is there would not fit what is asked for.
    let more = [("range", "bytes=1-2"), ("if-range", "\"another\"")];
    let response = scene.ask_for(&transaction(1), 0, "", &more).await;
    assert_eq!(
        (response.status(), header(&response, header::CONTENT_RANGE.as_str())),
        (StatusCode::OK, String::new())
    );
    assert_eq!(bytes(response).await, DATA);
}

#[tokio::test]
async fn a_range_that_is_not_signed_is_refused() {
    let scene = Scene::set(1).await;
    let path = format!("/data/{GRANT}");
    let says = [
        ("authorization", format!("Bearer {}", scene.token)),
        (access::TRANSACTION, transaction(1)),
        (access::AGREEMENT, AGREED.to_owned()),
        ("traceparent", TRACE.to_owned()),
    ];
    let mut headers = signed(&scene.node, &scene.key, &scene.key_id, &Method::GET, &path, &says);
    headers.insert(header::RANGE, "bytes=1-2".parse().unwrap());
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = path.parse().unwrap();
    *request.headers_mut() = headers;
    let response = crate::http::router(scene.node.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_a_payload_that_changed_no_part_is_given() {
    let scene = Scene::set(1).await;
    let path = scene.node.payloads.path(&Digests::of(DATA).sha256).unwrap();
    let mut changed = DATA.to_vec();
    changed[7] = b'8';
    std::fs::write(&path, changed).unwrap();
    let response = scene.ask_for(&transaction(1), 0, "", &[("range", "bytes=1-2")]).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(
        String::from_utf8(bytes(response).await)
            .unwrap()
            .contains("has changed")
    );
    assert_eq!(scene.kinds(&transaction(1)), [Kind::PullOpened, Kind::PullAborted]);
    assert_eq!((scene.used(), scene.outstanding()), (0, 0));
    assert!(Payloads::open(path.parent().unwrap().parent().unwrap()).is_ok());
}

#[tokio::test]
async fn a_transaction_is_acknowledged_with_all_its_segments_and_is_complete_then() {
    let scene = Scene::set(1).await;
    scene.broken(&transaction(1)).await;
    let response = scene.ask_for(&transaction(1), 0, "", &[("range", &rest())]).await;
    assert_eq!(bytes(response).await, DATA[HALF..]);
    let whole = scene.receipt(&transaction(1)).await;
    let refused = acknowledge::take(
        &scene.node,
        &scene.consumer,
        AGREED,
        std::slice::from_ref(&whole),
        TRACE,
    )
    .await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("of segment 2 there is no receipt")
    );
    assert_eq!(scene.outstanding(), 1);
    let served = scene.receipt_of(&transaction(1), Kind::PullServed).await;
    acknowledge::take(&scene.node, &scene.consumer, AGREED, &[whole, served], TRACE)
        .await
        .unwrap();
    assert_eq!(scene.outstanding(), 0);
    let response = scene.ask_for(&transaction(1), 0, "", &[("range", "bytes=7-8")]).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert!(
        String::from_utf8(bytes(response).await)
            .unwrap()
            .contains("is complete")
    );
}

#[tokio::test]
async fn access_that_is_closed_breaks_off_what_is_being_sent() {
    let scene = Scene::set(9).await;
    let one = scene.begun(&transaction(1)).await;
    scene.node.giving.close(GRANT, "the transfer is SUSPENDED");
    assert_eq!(
        scene.breaks_off(&transaction(1), one).await,
        "the transfer is SUSPENDED"
    );
    let other = scene.begun(&transaction(2)).await;
    scene.node.giving.close_agreement(AGREED, "the agreement has ended");
    assert_eq!(
        scene.breaks_off(&transaction(2), other).await,
        "the agreement has ended"
    );
    assert_eq!(scene.used(), 2, "what had left counts");
}

#[tokio::test]
async fn who_is_no_longer_trusted_is_sent_nothing_more() {
    let mut scene = Scene::set(9).await;
    scene.names_the_consumer().await;
    let body = scene.begun(&transaction(1)).await;
    scene.distrusts(&scene.consumer).await;
    let why = scene.breaks_off(&transaction(1), body).await;
    assert!(why.contains("no longer trusted"), "{why}");
}

#[tokio::test]
async fn what_is_passed_on_breaks_off_when_its_recipient_is_no_longer_trusted() {
    let mut scene = Scene::set(9).await;
    // The agreement is with whose data it is; the recipient is somebody else.
    let owner: Did = "did:web:owner.example".parse().unwrap();
    let policy = json!({
        "@type": "Agreement", "@id": AGREED, "target": DATASET, "assigner": owner.as_str(), "assignee": scene.node.did.as_str(),
        "permission": [{"action": "distribute"}],
    });
    let agreement = AgreementEntry {
        side: Side::Consumer,
        other: owner.clone(),
        sha256: herleid_policies::Document::read(&policy).digest().hex(),
        agreement: policy,
        ..scene
            .node
            .state
            .get(&AgreementEntry::key(AGREED, Side::Provider))
            .unwrap()
            .unwrap()
    };
    let grant = GrantEntry {
        kind: GrantPurpose::Onward,
        ..scene.grant(Some(Digests::of(DATA)))
    };
    let changes = vec![
        set(AgreementEntry::key(AGREED, Side::Consumer), &agreement).unwrap(),
        set(GrantEntry::key(GRANT), &grant).unwrap(),
    ];
    scene.node.state.write(changes).unwrap();
    scene.names_the_consumer().await;
    scene.names(&owner).await;
    let body = scene.begun(&transaction(1)).await;
    scene.distrusts(&scene.consumer).await;
    let why = scene.breaks_off(&transaction(1), body).await;
    assert!(why.contains("no longer trusted"), "{why}");
}

#[tokio::test]
async fn a_request_that_was_let_in_just_before_trust_was_withdrawn_is_sent_nothing() {
    let mut scene = Scene::set(9).await;
    scene.names_the_consumer().await;
    let access = scene.let_in(&transaction(1)).await;
    scene.distrusts(&scene.consumer).await;
    // It was not known as being sent when everything else broke off.
    let opened = scene.opened(&access).await;
    let ended = pull::ended(&scene.node, access.grant(), &opened);
    let lost = tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap();
    assert!(lost.why.contains("trust.peers"), "{lost:?}");
    assert!(opened.leave(0));
}

#[tokio::test]
async fn access_whose_time_runs_out_breaks_off_what_is_being_sent() {
    let scene = Scene::set(9).await;
    let body = scene.begun(&transaction(1)).await;
    scene.clock.set(NOW_MS + 3_600_001);
    let why = scene.breaks_off(&transaction(1), body).await;
    assert!(why.starts_with("access was given until"), "{why}");
}

#[tokio::test]
async fn a_policy_whose_time_runs_out_breaks_off_what_is_being_sent() {
    let mut scene = Scene::set(9).await;
    let until = herleid_vocab::time::format_rfc3339_ms(NOW_MS + 60_000);
    scene.policy["permission"][0]["constraint"] = json!([{"leftOperand": "dateTime", "operator": "lt", "rightOperand": {"@value": until, "@type": "xsd:dateTime"}}]);
    scene.give_access().await;
    let body = scene.begun(&transaction(1)).await;
    scene.clock.set(NOW_MS + 60_001);
    let why = scene.breaks_off(&transaction(1), body).await;
    assert!(why.contains("dateTime") || why.contains("before"), "{why}");
}

#[tokio::test]
async fn a_policy_whose_time_ran_out_while_the_source_was_opened_sends_nothing() {
    let mut scene = Scene::set(9).await;
    let until = herleid_vocab::time::format_rfc3339_ms(NOW_MS + 60_000);
    scene.policy["permission"][0]["constraint"] = json!([{"leftOperand": "dateTime", "operator": "lt", "rightOperand": {"@value": until, "@type": "xsd:dateTime"}}]);
    scene.give_access().await;
    let access = scene.let_in(&transaction(1)).await;
    let opened = scene.opened(&access).await;
    scene.clock.set(NOW_MS + 60_000);
    // At once, before anything is sent: not at the first look, a second later.
    let lost = pull::ended(&scene.node, access.grant(), &opened)
        .now_or_never()
        .unwrap();
    assert!(lost.why.contains("dateTime") || lost.why.contains("before"), "{lost:?}");
}
