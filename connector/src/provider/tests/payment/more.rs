//! What a use costs that goes on under a dearer rule, an answer of an API, a push, and a run.

use super::*;
use crate::provider::run::close_interrupted;
use crate::provider::tests::answers::measured;
use crate::provider::tests::held::FREE_UNTIL_MS;
use crate::provider::tests::runs::{Runs, finished};
use herleid_ledger::{Erasure, Ground, Target};

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

/// A stop as well as a failure: what was taken for it is there again, and the count of it stays.
#[tokio::test]
async fn a_run_that_comes_to_nothing_costs_nothing() {
    let mut runs = Runs::set(1_000).await;
    let asker = runs.asker(1).await;
    let key = AgreementEntry::key(&asker.agreement, Side::Provider);
    let mut entry: AgreementEntry = runs.scene.node.state.get(&key).unwrap().unwrap();
    entry.agreement["permission"][0]["duty"] = json!([priced("2.00")]);
    entry.sha256 = herleid_policies::Document::read(&entry.agreement).digest().hex();
    runs.scene.node.state.write(vec![set(key, &entry).unwrap()]).unwrap();
    let received = PaymentKind::Received;
    runs.scene
        .money_under(&asker.agreement, received, "4.00", "invoice 1")
        .await
        .unwrap();
    let document = herleid_policies::Document::read(&entry.agreement);
    let policy = document.policy().unwrap();
    let counters = policy.counters();
    let [count] = counters
        .iter()
        .filter(|counter| policy.account().as_ref() != Some(counter))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let standing = async |runs: &Runs| {
        let account = runs.scene.account_under(&asker.agreement).await;
        let used = runs.scene.node.ledger.counter(count).unwrap();
        (used, account.taken, account.left)
    };
    let are = |count: u64, taken: &str, left: &str| (count, taken.to_owned(), left.to_owned());
    finished(&runs, &asker).await;
    assert_eq!(standing(&runs).await, are(1, "2.00", "2.00"));
    let failing = runs.asking(&asker, &transaction(2), None).await;
    let started = failing.start(&runs.scene.node).await;
    assert_eq!(standing(&runs).await, are(2, "4.00", "0.00"));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    started
        .record_failed(&runs.scene.node, status, "exit code 1", json!({}))
        .await;
    drop(started);
    assert_eq!(standing(&runs).await, are(2, "2.00", "2.00"));
    runs.asking(&asker, &transaction(3), None)
        .await
        .start(&runs.scene.node)
        .await;
    assert_eq!(standing(&runs).await, are(3, "4.00", "0.00"));
    runs.scene = runs.scene.reopened();
    assert_eq!(close_interrupted(&runs.scene.node, TRACE).await.unwrap(), 1);
    assert_eq!(standing(&runs).await, are(3, "2.00", "2.00"));
}

/// What is paid after the end is for nothing; what was recorded before it is told again.
#[tokio::test]
async fn a_payment_that_was_recorded_is_told_again_also_when_the_agreement_has_ended() {
    let scene = Scene::costs("1").await;
    let before = scene.paid("5.00", "invoice 1").await;
    let key = AgreementEntry::key(AGREED, Side::Provider);
    let mut entry: AgreementEntry = scene.node.state.get(&key).unwrap().unwrap();
    entry.terminated = Some("over".to_owned());
    scene.node.state.write(vec![set(key, &entry).unwrap()]).unwrap();
    let again = scene.paid("5.00", "Invoice 1").await;
    assert_eq!((again.again, again.payment.record), (true, before.payment.record));
    let refused = scene
        .money(PaymentKind::Received, "5.00", "invoice 2")
        .await
        .unwrap_err();
    assert!(refused.contains("has ended"), "{refused}");
    let account = scene.account().await;
    assert_eq!((account.payments.len(), account.unlisted.as_str()), (1, "0.00"));
}

/// A reference may name a person, and is erased like anything else: the sum of what was paid stays, and the rest is told apart.
#[tokio::test]
async fn what_an_erased_payment_was_still_counts_and_is_told_apart() {
    let scene = Scene::costs("1").await;
    let first = scene.paid("5.00", "invoice of a person").await;
    scene.paid("2.50", "invoice 2").await;
    assert_eq!(scene.account().await.unlisted, "0.00");
    let erasure = Erasure {
        trace: TRACE.to_owned(),
        targets: vec![Target {
            index: first.payment.record.unwrap(),
            sections: [SectionName::Facts].into(),
            counterparty: None,
        }],
        ground: Ground::Avg17,
        authority: "request 2026-1".to_owned(),
        complete_by_ms: scene.node.now_ms(),
        facts: serde_json::Map::new(),
        state: Vec::new(),
    };
    scene.node.ledger.erase(erasure).unwrap();
    let account = scene.account().await;
    assert_eq!(
        (account.paid.as_str(), account.payments.len(), account.unlisted.as_str()),
        ("7.50", 1, "5.00")
    );
}
