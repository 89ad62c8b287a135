//! Receipts: taken once, missed in time.

use super::*;
use crate::provider::acknowledge::{record_overdue, take};

#[tokio::test]
async fn a_receipt_is_recorded_once_and_makes_room() {
    let scene = Scene::set(9).await;
    scene.given(&transaction(1)).await;
    scene.given(&transaction(2)).await;
    let receipt = scene.receipt(&transaction(1)).await;
    let receipts = [receipt.clone(), receipt];
    let index = take(&scene.node, &scene.consumer, AGREED, &receipts, TRACE)
        .await
        .unwrap();
    assert_eq!(scene.outstanding(), 1);
    let size = scene.node.ledger.size();
    let again = take(&scene.node, &scene.consumer, AGREED, &receipts, TRACE)
        .await
        .unwrap();
    assert_eq!((again, scene.node.ledger.size()), (index, size));
    assert_eq!(scene.outstanding(), 1);
    scene.given(&transaction(3)).await;
}

#[tokio::test]
async fn what_stays_away_is_recorded_once_and_counts_until_it_comes() {
    let scene = Scene::set(9).await;
    scene.given(&transaction(1)).await;
    assert_eq!(record_overdue(&scene.node, TRACE).await.unwrap(), 0);
    scene.clock.advance(61_000);
    assert_eq!(record_overdue(&scene.node, TRACE).await.unwrap(), 1);
    assert_eq!(record_overdue(&scene.node, TRACE).await.unwrap(), 0);
    assert_eq!(
        scene.kinds(&transaction(1)),
        [Kind::PullOpened, Kind::PullUnacknowledged]
    );
    assert_eq!(scene.outstanding(), 1);
    let receipt = scene.receipt(&transaction(1)).await;
    take(&scene.node, &scene.consumer, AGREED, &[receipt], TRACE)
        .await
        .unwrap();
    assert_eq!(scene.outstanding(), 0);
    for left in ["overdue/", outstanding::PREFIX] {
        assert!(scene.node.ledger.scan(left).unwrap().is_empty(), "{left}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_holds_nothing_else_up() {
    let scene = Scene::set(9).await;
    scene.given(&transaction(1)).await;
    // Sorts before the agreement, and is looked at first.
    let damaged = outstanding::key("a", &transaction(9));
    scene
        .node
        .state
        .write(vec![(damaged.clone(), Some(b"?".to_vec()))])
        .unwrap();
    scene.clock.advance(61_000);
    let error = record_overdue(&scene.node, TRACE).await.unwrap_err().to_string();
    assert!(error.contains(&damaged), "{error}");
    assert!(scene.kinds(&transaction(1)).contains(&Kind::PullUnacknowledged));
}

#[tokio::test]
async fn receipts_that_take_their_time_hold_no_others_up() {
    // A log that lets everybody wait who asks it for a proof.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("localhost:{}/log/1", silent.local_addr().unwrap().port());
    let scene = Scene::with_log(9, &origin).await;
    scene.given(&transaction(1)).await;
    scene.given(&transaction(2)).await;
    // Neither proves that it continues the other: once the first is known, the log is asked about the second.
    let first = scene.receipt(&transaction(1)).await;
    let both = [first.clone(), scene.receipt(&transaction(2)).await];
    let mut waiting = Box::pin(take(&scene.node, &scene.consumer, AGREED, &both, TRACE));
    let soon = Duration::from_millis(500);
    assert!(tokio::time::timeout(soon, waiting.as_mut()).await.is_err());
    take(&scene.node, &scene.consumer, AGREED, &[first], TRACE)
        .await
        .unwrap();
    assert_eq!(scene.outstanding(), 1);
}
