//! Denials: the first ones in full, the rest counted, and nothing left of an hour that is over.

use super::*;

const HOUR_MS: u64 = 3_600_000;

fn facts(scene: &Scene) -> Value {
    json!({"what": "run", "party": scene.consumer.as_str()})
}

async fn refuse(scene: &Scene) {
    grants::record_refusal(&scene.node, facts(scene), None, "the agreement has ended", TRACE)
        .await
        .unwrap();
}

fn counts(scene: &Scene) -> Vec<u64> {
    let denied = scene.records(Term::Kind(Kind::Denied)).into_iter();
    let facts = denied.map(|(_, record)| record.value(SectionName::Facts).unwrap());
    facts.map(|facts| facts["count"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn of_denials_at_once_none_is_lost_and_none_counted_twice() {
    let scene = Scene::set(1).await;
    let denials = (0..25).map(|_| refuse(&scene));
    futures_util::future::join_all(denials).await;
    assert_eq!(counts(&scene), [1_u64; 20]);
    scene.clock.advance(HOUR_MS);
    // The next one of the party and the round come at once: one of them records what was counted.
    let flush = async { grants::flush_denials(&scene.node, TRACE).await.unwrap() };
    tokio::join!(refuse(&scene), flush);
    let mut counted = counts(&scene);
    counted.sort_unstable();
    assert_eq!((counted.len(), counted.pop()), (22, Some(5)));
}

#[tokio::test]
async fn a_tally_that_has_nothing_to_tell_goes_when_its_hour_is_over() {
    let scene = Scene::set(1).await;
    refuse(&scene).await;
    assert_eq!(scene.node.ledger.scan("denials/").unwrap().len(), 1);
    grants::flush_denials(&scene.node, TRACE).await.unwrap();
    assert_eq!(scene.node.ledger.scan("denials/").unwrap().len(), 1, "the hour goes on");
    scene.clock.advance(HOUR_MS);
    grants::flush_denials(&scene.node, TRACE).await.unwrap();
    assert!(scene.node.ledger.scan("denials/").unwrap().is_empty());
    assert_eq!(counts(&scene), [1_u64]);
}
