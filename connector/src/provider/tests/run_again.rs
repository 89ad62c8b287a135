//! A run whose answer was lost, asked for again.

use super::runs::{Runs, finished};
use super::*;
use crate::provider::run::NotRun;

#[tokio::test]
async fn the_same_run_again_gives_what_it_came_to_and_counts_once() {
    let runs = Runs::set(1_000).await;
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    finished(&runs, &asker).await;
    let size = node.ledger.size();
    for _ in 0..4 {
        let again = runs.asking(&asker, &transaction(1), None).await;
        let outputs = again.run(node.clone()).await.unwrap();
        assert_eq!((outputs.len(), outputs[0].name.as_str()), (1, "result"));
        assert_eq!(&outputs[0].bytes[..], RAIN);
    }
    assert_eq!((runs.standing(&asker), node.ledger.size()), ((1, 1, 0), size));
    // Also where all the agreement gives is used up; then no other is.
    for n in 2..=3 {
        let asking = runs.asking(&asker, &transaction(n), None).await;
        let failed = asking.start(node).await;
        failed
            .record_failed(node, StatusCode::UNPROCESSABLE_ENTITY, "exit code 1", json!({}))
            .await;
    }
    assert_eq!(runs.standing(&asker).0, 3);
    let another = runs.asking(&asker, &transaction(4), None).await;
    let Err(NotRun::Refused(refusal)) = another.run(node.clone()).await else {
        panic!("a fourth was run");
    };
    assert!(refusal.detail().contains("Used before: `3`"), "{}", refusal.detail());
    let again = runs.asking(&asker, &transaction(1), None).await;
    assert!(again.run(node.clone()).await.is_ok());
}

#[tokio::test]
async fn a_run_that_was_made_gives_nothing_any_more_to_who_may_not_have_it() {
    // Another one under the same transaction.
    let runs = Runs::set(1_000).await;
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    finished(&runs, &asker).await;
    let mut other = runs.asking(&asker, &transaction(1), None).await;
    other.sent.exchange["to"] = json!(7);
    let refused = |answer: Result<_, NotRun>| match answer {
        Err(NotRun::Refused(refusal)) => refusal.detail().to_owned(),
        Err(NotRun::Request(error)) => panic!("{error}"),
        Ok(_) => panic!("it was given"),
    };
    let why = refused(other.run(node.clone()).await);
    assert!(why.contains("was another run before"), "{why}");
    // The agreement has ended.
    let key = AgreementEntry::key(&asker.agreement, Side::Provider);
    let standing: AgreementEntry = node.state.get(&key).unwrap().unwrap();
    let ended = AgreementEntry {
        terminated: Some("over".to_owned()),
        ..standing.clone()
    };
    node.state.write(vec![set(key.clone(), &ended).unwrap()]).unwrap();
    let again = runs.asking(&asker, &transaction(1), None).await;
    let why = refused(again.run(node.clone()).await);
    assert!(why.contains("has ended"), "{why}");
    node.state.write(vec![set(key, &standing).unwrap()]).unwrap();
    // The output is erased.
    let path = node.payloads.path(&Digests::of(RAIN).sha256).unwrap();
    std::fs::remove_file(path).unwrap();
    let again = runs.asking(&asker, &transaction(1), None).await;
    let why = refused(again.run(node.clone()).await);
    assert!(why.contains("not here any more") && why.contains("receipts"), "{why}");
}

#[tokio::test]
async fn a_run_is_given_again_under_the_access_it_was_made_under_and_while_it_goes_on_waited_for() {
    let runs = Runs::set(1_000).await;
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    let asking = runs.asking(&asker, &transaction(1), None).await;
    let asked = asking.start(node).await;
    let refused = |answer: Result<_, NotRun>| match answer {
        Err(NotRun::Refused(refusal)) => (refusal.status(), refusal.detail().to_owned()),
        _ => panic!("it was given"),
    };
    let again = runs.asking(&asker, &transaction(1), None).await;
    let (status, why) = refused(again.run(node.clone()).await);
    assert!(
        status == StatusCode::SERVICE_UNAVAILABLE && why.contains("ask again"),
        "{why}"
    );
    drop(asked);
    let runs = Runs::set(1_000).await;
    let (node, mut asker) = (&runs.scene.node, runs.asker(1).await);
    finished(&runs, &asker).await;
    // Another access under the same agreement: it may be for another purpose, at another price.
    runs.another_access(&mut asker, "run-other").await;
    let again = runs.asking(&asker, &transaction(1), None).await;
    let (status, why) = refused(again.run(node.clone()).await);
    assert!(
        status == StatusCode::FORBIDDEN && why.contains("under another access"),
        "{why}"
    );
}

/// Two of the same wait for a place, and the first has been run when the second gets one: that it failed would send whoever asks to a run of its own.
#[tokio::test]
async fn who_waited_while_the_same_was_run_is_told_to_ask_again() {
    let runs = Runs::set(1_000).await;
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    let late = runs.asking(&asker, &transaction(1), None).await;
    let (asked, decided) = late.decided(node).await;
    finished(&runs, &asker).await;
    let refusal = asked.record_started(node, &late.sent, &decided).await.unwrap_err();
    assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refusal.detail().contains("ask again"), "{}", refusal.detail());
    // Of one that failed there is nothing to come.
    let late = runs.asking(&asker, &transaction(2), None).await;
    let (asked, decided) = late.decided(node).await;
    let failing = runs.asking(&asker, &transaction(2), None).await;
    let failed = failing.start(node).await;
    failed
        .record_failed(node, StatusCode::UNPROCESSABLE_ENTITY, "exit code 1", json!({}))
        .await;
    let refusal = asked.record_started(node, &late.sent, &decided).await.unwrap_err();
    assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
    assert!(refusal.detail().contains("it failed"), "{}", refusal.detail());
}

/// Of the one run that is agreed on four ask at once, as who lost an answer does while it is run: one is made, and nobody is denied.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_run_asked_for_at_once_is_made_once_and_denied_to_nobody() {
    let runs = Runs::set(10_000).await;
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    let key = AgreementEntry::key(&asker.agreement, Side::Provider);
    let mut entry: AgreementEntry = node.state.get(&key).unwrap().unwrap();
    entry.agreement["permission"][0]["constraint"][0]["rightOperand"] = json!(1);
    entry.sha256 = herleid_policies::Document::read(&entry.agreement).digest().hex();
    node.state.write(vec![set(key, &entry).unwrap()]).unwrap();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let asking = runs.asking(&asker, &transaction(1), None).await;
        asked.spawn(asking.run(node.clone()));
    }
    let mut given = 0;
    for answer in asked.join_all().await {
        match answer {
            Ok(outputs) => {
                assert_eq!(&outputs[0].bytes[..], RAIN);
                given += 1;
            }
            Err(NotRun::Refused(refusal)) => {
                assert_eq!(
                    refusal.status(),
                    StatusCode::SERVICE_UNAVAILABLE,
                    "{}",
                    refusal.detail()
                );
            }
            Err(NotRun::Request(error)) => panic!("{error}"),
        }
    }
    assert!(given >= 1);
    let again = runs.asking(&asker, &transaction(1), None).await;
    assert_eq!(&again.run(node.clone()).await.unwrap()[0].bytes[..], RAIN);
    assert_eq!(runs.scene.kinds(&transaction(1)), [Kind::RunStarted, Kind::RunFinished]);
    assert_eq!(node.ledger.by_term(&Term::Kind(Kind::Denied)).unwrap(), [0u64; 0]);
}

#[tokio::test]
async fn what_a_consumer_stated_to_have_deleted_is_not_given_again() {
    let runs = Runs::set(1_000).await;
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    finished(&runs, &asker).await;
    let key = AgreementEntry::key(&asker.agreement, Side::Provider);
    let mut entry: AgreementEntry = node.state.get(&key).unwrap().unwrap();
    entry.agreement["obligation"] = json!([{"action": "delete"}]);
    let stated = json!({
        "agreement": asker.agreement, "side": Side::Provider, "other": entry.other, "obligation": "o", "action": "delete", "statement": "all",
        "stated_ms": NOW_MS, "received_ms": NOW_MS, "late": false, "enforced_by": herleid_policies::EnforcedBy::Declared, "transactions": 1,
        "removed": 1, "kept": 0, "leaf": null, "failures": 0, "from_ms": 0, "undelivered": null,
    });
    let place = format!("duty/provider/{}/o", asker.agreement);
    let changes = vec![
        set(key, &entry).unwrap(),
        (place, Some(stated.to_string().into_bytes())),
    ];
    node.state.write(changes).unwrap();
    let again = runs.asking(&asker, &transaction(1), None).await;
    let Err(NotRun::Refused(refusal)) = again.run(node.clone()).await else {
        panic!("it was given");
    };
    assert_eq!(refusal.status(), StatusCode::CONFLICT, "{}", refusal.detail());
    assert!(refusal.detail().contains("is deleted"), "{}", refusal.detail());
}
