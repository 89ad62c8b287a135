//! Pulls: asked for again, broken off, and refused.

use super::*;
use crate::provider::access::RECEIPT;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[tokio::test]
async fn the_same_pull_again_is_free_and_another_one_is_not() {
    let scene = Scene::set(1).await;
    let mut receipts = Vec::new();
    for _ in 0..2 {
        let answer = scene.ask(&transaction(1), 0).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let receipt = URL_SAFE_NO_PAD.decode(&answer.headers()[RECEIPT]).unwrap();
        receipts.push(HandedOver::parse(&receipt).unwrap());
        assert_eq!(to_bytes(answer.into_body(), DATA.len()).await.unwrap(), DATA);
    }
    // The same record, and the same proof.
    assert_eq!(receipts[0].index, receipts[1].index);
    assert_eq!(receipts[0].opened, receipts[1].opened);
    scene
        .refused(&transaction(2), StatusCode::FORBIDDEN, "times used")
        .await;
    assert_eq!((scene.used(), scene.outstanding()), (1, 1));
    assert_eq!(scene.kinds(&transaction(1)), [Kind::PullOpened]);
}

#[tokio::test]
async fn what_is_outstanding_is_counted_once_and_refuses_no_repeat() {
    let scene = Scene::set(9).await;
    scene.given(&transaction(1)).await;
    scene.given(&transaction(2)).await;
    let refused = "wait for your receipts";
    scene.refused(&transaction(3), StatusCode::FORBIDDEN, refused).await;
    scene.given(&transaction(1)).await;
    assert_eq!((scene.used(), scene.outstanding()), (2, 2));
}

#[tokio::test]
async fn of_several_pulls_at_once_no_more_are_given_than_may_be_outstanding() {
    let scene = Scene::set(9).await;
    let all: Vec<String> = (1..=6).map(transaction).collect();
    let pulls = all.iter().map(|transaction| scene.pull(transaction));
    let answers = futures_util::future::join_all(pulls).await;
    let given = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    assert_eq!((given, scene.outstanding(), scene.used()), (2, 2, 2));
}

#[tokio::test]
async fn a_pull_of_which_nothing_left_gives_its_places_back_once_and_is_over() {
    let scene = Scene::set(1).await;
    // The consumer goes before the first byte.
    drop(scene.ask(&transaction(1), 0).await);
    scene.recorded(&transaction(1), Kind::PullAborted).await;
    let records = scene.records(Term::Transaction(transaction(1)));
    let facts = records[1].1.value(SectionName::Facts).unwrap();
    assert_eq!(facts["bytesSent"], 0);
    assert_eq!((scene.used(), scene.outstanding()), (0, 0));
    // Its place is somebody else's now: given once more it would be one too many.
    scene
        .refused(&transaction(1), StatusCode::CONFLICT, "use a new one")
        .await;
    scene.given(&transaction(2)).await;
    scene
        .refused(&transaction(3), StatusCode::FORBIDDEN, "times used")
        .await;
    assert_eq!(scene.kinds(&transaction(1)), [Kind::PullOpened, Kind::PullAborted]);
}

#[tokio::test]
async fn a_repeat_that_breaks_off_gives_nothing_back_and_is_recorded_once() {
    let scene = Scene::set(1).await;
    scene.given(&transaction(1)).await;
    for _ in 0..2 {
        drop(scene.ask(&transaction(1), 0).await);
        scene.recorded(&transaction(1), Kind::PullAborted).await;
    }
    scene.given(&transaction(1)).await;
    assert_eq!(scene.kinds(&transaction(1)), [Kind::PullOpened, Kind::PullAborted]);
    assert_eq!((scene.used(), scene.outstanding()), (1, 1));
}

#[tokio::test]
async fn who_has_seen_more_of_the_log_than_there_is_gets_nothing_recorded() {
    let scene = Scene::set(1).await;
    let size = scene.node.ledger.size();
    let response = scene.ask(&transaction(1), size + 3).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let said = format!("you have seen {} records, this log has {size}", size + 3);
    assert!(String::from_utf8_lossy(&body).contains(&said), "{body:?}");
    assert_eq!((scene.node.ledger.size(), scene.used()), (size, 0));
    let response = scene.ask(&transaction(1), size).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(to_bytes(response.into_body(), 16 << 20).await.unwrap(), DATA);
}
