//! What others say they have erased, and telling them.

use super::*;
use crate::erasure::tests::{AGREEMENT, Scene};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn notice(agreement: &str, transactions: &[&str], ground: &str) -> Notice {
    let transactions = transactions.iter().map(|id| (*id).to_owned()).collect();
    Notice {
        exchanges: BTreeMap::from([(agreement.to_owned(), transactions)]),
        ground: ground.to_owned(),
        complete_by_ms: 1,
    }
}

/// The agreement that the scene's pulls are under, with somebody who cannot be reached.
fn agree(scene: &Scene, other: &Did) {
    let entry = AgreementEntry {
        id: AGREEMENT.to_owned(),
        side: Side::Consumer,
        other: other.clone(),
        agreement: Value::Null,
        sha256: "ab".repeat(32),
        target: "rain".to_owned(),
        declares: Default::default(),
        other_log: None,
        other_base: String::new(),
        dataset: None,
        terminated: None,
    };
    let change = set(AgreementEntry::key(AGREEMENT, Side::Consumer), &entry).unwrap();
    scene.node.state.write(vec![change]).unwrap();
}

#[tokio::test]
async fn what_the_other_end_says_is_recorded_once_and_nobody_elses_word_is() {
    let scene = Scene::set(0);
    let [app, stranger] = ["did:web:app.example", "did:web:stranger.example"].map(|did| did.parse::<Did>().unwrap());
    scene.pulled("t1", b"rain").await;
    agree(&scene, &app);
    let size = scene.node.ledger.size();
    let refusals = [
        (&stranger, notice(AGREEMENT, &["t1"], "avg-17"), StatusCode::NOT_FOUND),
        (&app, notice("urn:other", &["t1"], "avg-17"), StatusCode::NOT_FOUND),
        (&app, notice(AGREEMENT, &["t2", "t3"], "avg-17"), StatusCode::NOT_FOUND),
        (&app, notice(AGREEMENT, &["t1"], "whim"), StatusCode::BAD_REQUEST),
        (&app, notice(AGREEMENT, &[], "avg-17"), StatusCode::BAD_REQUEST),
    ];
    for (caller, notice, expected) in refusals {
        let refused = take(&scene.node, caller, notice.clone()).await.unwrap_err();
        assert_eq!(refused.status(), expected, "{notice:?}");
    }
    assert_eq!((scene.node.ledger.size(), all(&scene.node).unwrap().len()), (size, 0));

    // Nobody outside waits for what may take minutes.
    let busy = scene.node.erasing.lock().await;
    let refused = take(&scene.node, &app, notice(AGREEMENT, &["t1"], "avg-17")).await;
    assert_eq!(refused.unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(busy);
    // What is not known here keeps what is from being recorded as little as what was told before.
    for expected in [1, 0] {
        let taken = take(&scene.node, &app, notice(AGREEMENT, &["t0", "t1", "t2"], "avg-17")).await;
        assert_eq!(taken.unwrap(), expected);
    }
    assert_eq!(scene.node.ledger.size(), size + 1);
    let heard = all(&scene.node).unwrap();
    assert_eq!(
        (heard[0].by.as_str(), heard[0].transaction.as_str()),
        (app.as_str(), "t1")
    );
    let said = scene
        .node
        .ledger
        .record(size)
        .unwrap()
        .value(SectionName::Facts)
        .unwrap();
    assert_eq!(
        (&said["what"], &said["after"][0]["ground"]),
        (&json!("erasure.told"), &json!("avg-17"))
    );
}

#[tokio::test]
async fn who_cannot_be_reached_is_told_later_and_not_at_every_round() {
    let scene = Scene::set(0);
    let tell = Tell {
        to: "did:web:app.example".parse().unwrap(),
        url: "http://127.0.0.1:1/erasures".to_owned(),
        notice: notice(AGREEMENT, &["t1"], "avg-17"),
        told_ms: None,
        failures: 0,
        from_ms: 0,
    };
    let key = format!("{TELL}p1/{}", tell.to);
    scene.node.state.write(vec![set(&key, &tell).unwrap()]).unwrap();
    for _ in 0..2 {
        let before = scene.node.now_ms();
        deliver(&scene.node).await.unwrap();
        let after = scene.node.state.get::<Tell>(&key).unwrap().unwrap();
        assert_eq!((after.failures, after.told_ms), (1, None));
        assert!(after.from_ms > before, "it waits");
    }
    let shown = recipients(&scene.node, "p1").unwrap();
    assert_eq!((shown.len(), shown[0].told_ms), (1, None));
}

#[tokio::test]
async fn one_who_does_not_answer_keeps_nobody_else_waiting() {
    let scene = Scene::set(0);
    let asked = Arc::new(tokio::sync::Barrier::new(2));
    let mut changes = Vec::new();
    for name in ["app", "other"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = asked.clone();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // Neither answers before the other one has been asked, too.
            asked.wait().await;
            let mut heard = Vec::new();
            while !heard.ends_with(b"}") {
                assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
            }
            let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        });
        let tell = Tell {
            to: format!("did:web:{name}.example").parse().unwrap(),
            url: format!("http://localhost:{port}/erasures"),
            notice: notice(AGREEMENT, &["t1"], "avg-17"),
            told_ms: None,
            failures: 0,
            from_ms: 0,
        };
        changes.push(set(format!("{TELL}p1/{}", tell.to), &tell).unwrap());
    }
    scene.node.state.write(changes).unwrap();
    deliver(&scene.node).await.unwrap();
    let shown = recipients(&scene.node, "p1").unwrap();
    assert_eq!(shown.iter().filter(|one| one.told_ms.is_some()).count(), 2, "{shown:?}");
}
