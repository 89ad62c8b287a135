//! Bytes that are counted: a delivery is taken whole before it begins, what leaves again is taken again, and there are never more than were agreed.

use super::*;

const LENGTH: u64 = DATA.len() as u64;

impl Scene {
    /// Under the agreement so many bytes may leave, and no more.
    async fn limits(at_most: u64) -> Self {
        let mut scene = Self::set(9).await;
        scene.policy["permission"][0]["constraint"] = json!([
            {"leftOperand": "https://w3id.org/herleid/ns#volume", "operator": "lteq", "rightOperand": at_most}
        ]);
        scene.give_access().await;
        scene
    }

    /// How many bytes the agreement counts as delivered.
    fn delivered(&self) -> u64 {
        let document = herleid_policies::Document::read(&self.policy);
        let [(_, counter)] = document.policy().unwrap().volumes().try_into().unwrap();
        self.node.ledger.counter(&counter).unwrap()
    }
}

#[tokio::test]
async fn a_delivery_is_taken_whole_and_the_same_again_is_taken_again() {
    let scene = Scene::limits(3 * LENGTH + LENGTH / 2).await;
    scene.given(&transaction(1)).await;
    assert_eq!(scene.delivered(), LENGTH);
    scene.given(&transaction(1)).await;
    assert_eq!(scene.delivered(), 2 * LENGTH);
    scene.given(&transaction(2)).await;
    assert_eq!(scene.delivered(), 3 * LENGTH);
    let why = format!("Delivered before: `{}` bytes; now: `{LENGTH}`", 3 * LENGTH);
    scene.refused(&transaction(3), StatusCode::FORBIDDEN, &why).await;
    let why = format!("Delivered before: `{LENGTH}` bytes; now: `{}`", 3 * LENGTH);
    scene.refused(&transaction(1), StatusCode::FORBIDDEN, &why).await;
    // The records say what was taken, and come out the same when they are decided again.
    let records = scene.records(Term::Transaction(transaction(1)));
    let kinds: Vec<Kind> = records.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Kind::PullOpened, Kind::PullOpened]);
    assert_eq!(scene.records(Term::Kind(Kind::Denied)).len(), 2);
    for (n, (_, opened)) in records.iter().take(2).enumerate() {
        let decision = opened.value(SectionName::Facts).unwrap()["decision"].clone();
        // What the transaction has in all.
        assert_eq!(decision["reservations"][0]["amount"], (n as u64 + 1) * LENGTH);
        herleid_policies::reevaluate(&scene.policy, &decision).unwrap();
    }
}

#[tokio::test]
async fn what_never_left_is_given_back_whole_and_what_left_in_part_leaves_the_rest_to_go_on_with() {
    let scene = Scene::limits(LENGTH).await;
    drop(scene.ask(&transaction(1), 0).await);
    scene.recorded(&transaction(1), Kind::PullAborted).await;
    assert_eq!(scene.delivered(), 0);
    let (body, _) = scene.begun(&transaction(2)).await;
    drop(body);
    scene.recorded(&transaction(2), Kind::PullAborted).await;
    assert_eq!(scene.delivered(), LENGTH);
    scene.refused(&transaction(3), StatusCode::FORBIDDEN, "bytes").await;
    // Whole once more it would be too much; from where it ended on it is not.
    scene.refused(&transaction(2), StatusCode::FORBIDDEN, "bytes").await;
    let records = scene.records(Term::Transaction(transaction(2)));
    let left = records[1].1.value(SectionName::Facts).unwrap()["bytesSent"]
        .as_u64()
        .unwrap();
    for (range, status) in [
        (format!("bytes={}-", left - 1), StatusCode::FORBIDDEN),
        (format!("bytes={left}-"), StatusCode::PARTIAL_CONTENT),
        (format!("bytes={}-", LENGTH - 1), StatusCode::FORBIDDEN),
    ] {
        let response = scene.ask_for(&transaction(2), 0, "", &[("range", &range)]).await;
        assert_eq!(response.status(), status, "{range}");
        let body = to_bytes(response.into_body(), 16 << 20).await.unwrap();
        if status.is_success() {
            assert_eq!(body.len() as u64, LENGTH - left);
        }
    }
    assert_eq!(scene.delivered(), LENGTH);
}

#[tokio::test]
async fn segments_that_overlap_are_counted_as_often_as_they_leave() {
    let scene = Scene::limits(2 * LENGTH).await;
    let (half, mut came) = (LENGTH / 2, 0);
    for n in 0..6 {
        let range = format!("bytes=0-{}", half - 1);
        let response = scene.ask_for(&transaction(1), 0, "", &[("range", &range)]).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), 16 << 20).await.unwrap();
        assert_eq!(status.is_success(), n < 4, "{n}: {status}");
        came += if status.is_success() { body.len() as u64 } else { 0 };
        assert_eq!(
            scene.delivered(),
            came.max(LENGTH),
            "of a part the whole is taken first"
        );
    }
    // So is a segment that is asked for again.
    let again = [("range", "bytes=0-4194303"), ("herleid-segment", "1")];
    let response = scene.ask_for(&transaction(1), 0, "", &again).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!((came, scene.delivered()), (2 * LENGTH, 2 * LENGTH));
}

#[tokio::test]
async fn of_a_part_the_whole_is_taken_and_the_rest_of_it_is_free() {
    let scene = Scene::limits(LENGTH).await;
    let part = |range: &'static str| [("range", range)];
    let response = scene.ask_for(&transaction(1), 0, "", &part("bytes=0-9")).await;
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(to_bytes(response.into_body(), 16 << 20).await.unwrap().len(), 10);
    assert_eq!(scene.delivered(), LENGTH);
    let response = scene.ask_for(&transaction(1), 0, "", &part("bytes=10-")).await;
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        to_bytes(response.into_body(), 16 << 20).await.unwrap().len(),
        DATA.len() - 10
    );
    let response = scene.ask_for(&transaction(2), 0, "", &part("bytes=0-9")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(scene.delivered(), LENGTH);
}

#[tokio::test]
async fn of_many_at_once_no_more_bytes_leave_than_were_agreed() {
    // Bytes for one and a half; of the agreement's outstanding there may be two.
    let scene = Scene::limits(LENGTH + LENGTH / 2).await;
    let all: Vec<String> = (1..=40).map(transaction).collect();
    let answers = futures_util::future::join_all(all.iter().map(|transaction| scene.pull(transaction))).await;
    let given = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    assert_eq!((given, scene.delivered()), (1, LENGTH));
}

#[tokio::test]
async fn a_use_and_its_bytes_are_counted_together() {
    let mut scene = Scene::set(9).await;
    scene.policy["permission"][0]["constraint"] = json!([
        {"leftOperand": "count", "operator": "lteq", "rightOperand": 2},
        {"leftOperand": "https://w3id.org/herleid/ns#volume", "operator": "lt", "rightOperand": LENGTH + 1},
    ]);
    scene.give_access().await;
    scene.given(&transaction(1)).await;
    assert_eq!((scene.used(), scene.delivered()), (1, LENGTH));
    scene.refused(&transaction(2), StatusCode::FORBIDDEN, "bytes").await;
    assert_eq!((scene.used(), scene.delivered()), (1, LENGTH));
}
