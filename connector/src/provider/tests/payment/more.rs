//! What a use costs that goes on under a dearer rule, an answer of an API, and a push.

use super::*;
use crate::provider::tests::answers::measured;
use crate::provider::tests::held::FREE_UNTIL_MS;

#[tokio::test]
async fn a_use_that_goes_on_under_a_dearer_rule_takes_what_that_costs_more() {
    let mut scene = Scene::costs("0.25").await;
    let until = herleid_vocab::time::format_rfc3339_ms(FREE_UNTIL_MS);
    let early = json!({"leftOperand": "dateTime", "operator": "lt", "rightOperand": {"@value": until, "@type": "xsd:dateTime"}});
    scene.policy["permission"] = json!([
        {"action": "use", "constraint": [early], "duty": [priced("0.25")]},
        {"action": "use", "duty": [priced("1.00")]},
    ]);
    scene.give_access().await;
    scene.paid("1.20", "invoice 1").await;
    scene.given(&transaction(1)).await;
    scene.given(&transaction(2)).await;
    assert_eq!(scene.stands().await, stands("0.50", "0.70"));
    scene.clock.set(FREE_UNTIL_MS);
    // 0.75 more, and 0.70 is left: nothing leaves, and nothing is taken.
    scene
        .refused(&transaction(1), StatusCode::FORBIDDEN, "no permission lets")
        .await;
    assert_eq!(scene.stands().await, stands("0.50", "0.70"));
    scene.paid("0.05", "invoice 2").await;
    for _ in 0..2 {
        scene.given(&transaction(1)).await;
        assert_eq!(scene.stands().await, stands("1.25", "0.00"));
    }
    scene
        .refused(&transaction(2), StatusCode::FORBIDDEN, "no permission lets")
        .await;
}

#[tokio::test]
async fn an_answer_of_an_api_is_paid_once_and_none_is_given_for_nothing() {
    let (mut scene, gauges) = Scene::of_an_api(9).await;
    let key = AgreementEntry::key(AGREED, Side::Provider);
    scene.policy["permission"] = json!([{"action": "use", "duty": [priced("0.25")]}]);
    let entry = AgreementEntry {
        agreement: scene.policy.clone(),
        sha256: herleid_policies::Document::read(&scene.policy).digest().hex(),
        ..scene.node.state.get(&key).unwrap().unwrap()
    };
    scene.node.state.write(vec![set(key, &entry).unwrap()]).unwrap();
    scene
        .resource_refused(&transaction(1), "/a", None, "of what was paid")
        .await;
    assert_eq!(gauges.asked(), 0, "nothing is asked for who may not have it");
    scene.paid("0.30", "invoice 1").await;
    let first = scene.resource(&transaction(2), "/a", None).await;
    assert_eq!(first, (StatusCode::OK, measured(1)));
    for (path, why) in [
        ("/a", "in a transaction of its own"),
        ("/b", "another part of the dataset"),
    ] {
        scene.resource_refused(&transaction(2), path, None, why).await;
    }
    scene
        .resource_refused(&transaction(3), "/b", None, "of what was paid")
        .await;
    assert_eq!((gauges.asked(), scene.stands().await), (1, stands("0.25", "0.05")));
}

#[tokio::test]
async fn a_push_is_paid_once_and_another_place_pays_for_itself() {
    let scene = Scene::costs("0.25").await;
    let grant = scene.is_for(None, true);
    let refused = scene.ordered(&grant, &transaction(1)).await.err().unwrap();
    assert!(
        refused.0 == StatusCode::FORBIDDEN && refused.1.contains("of what was paid"),
        "{refused:?}"
    );
    scene.paid("0.45", "invoice 1").await;
    for _ in 0..2 {
        assert!(scene.ordered(&grant, &transaction(2)).await.unwrap().leave(1));
        assert_eq!(scene.stands().await, stands("0.25", "0.20"));
    }
    let elsewhere = GrantEntry {
        id: "grant-2".to_owned(),
        ..grant
    };
    let refused = scene.ordered(&elsewhere, &transaction(2)).await.err().unwrap();
    assert_eq!(refused.0, StatusCode::CONFLICT);
    let refused = scene.ordered(&elsewhere, &transaction(3)).await.err().unwrap();
    assert!(refused.1.contains("of what was paid"), "{refused:?}");
    assert_eq!(scene.stands().await, stands("0.25", "0.20"));
}
