//! Obligations of this end: done, stated, refused, listed.

use super::*;
use crate::control::protocol::{Actor, HoldLine, Meant};

#[tokio::test]
async fn what_this_connector_keeps_is_deleted_and_stated_unless_it_is_held_or_had_otherwise() {
    let scene = Scene::set();
    let entry = scene.agree(Side::Consumer, &[("odrl:delete", Some(&day(NOW_MS + DAY_MS)))]);
    let mut other = entry.clone();
    other.id = "urn:other".to_owned();
    let change = set(AgreementEntry::key("urn:other", Side::Consumer), &other).unwrap();
    scene.node.state.write(vec![change]).unwrap();
    let mine = scene.delivered(Kind::OneSidedPullReceived, "t1", b"rain", AGREED).await;
    let shared = scene.delivered(Kind::OneSidedPullReceived, "t2", b"wind", AGREED).await;
    scene
        .delivered(Kind::OneSidedPullReceived, "t3", b"wind", "urn:other")
        .await;

    let hold = HoldLine {
        id: "h1".to_owned(),
        what: Meant::Agreement(AGREED.to_owned()),
        reason: "appeal 26/1234".to_owned(),
        by: Actor {
            id: "p1".to_owned(),
            name: "A. de Wit".to_owned(),
        },
        since_ms: NOW_MS,
    };
    scene.node.state.write(vec![set("hold/h1", &hold).unwrap()]).unwrap();
    let held = scene.fulfil("delete", "gone").await.unwrap_err();
    assert!(held.contains("appeal 26/1234"), "{held}");
    assert!(scene.node.payloads.read(&mine).is_ok() && scene.line(&entry, "delete").statement.is_none());
    scene.node.state.write(vec![("hold/h1".to_owned(), None)]).unwrap();

    for (statement, obligation, said) in [
        (" ", "delete", "is empty"),
        ("bell \u{7}", "delete", "cannot be shown"),
        ("gone", "forget", "there is no obligation `forget`"),
    ] {
        let refused = scene.fulfil(obligation, statement).await.unwrap_err();
        assert!(refused.contains(said), "{said}: {refused}");
    }
    let size = scene.node.ledger.size();
    let line = scene.fulfil("delete", "deleted after the assessment").await.unwrap();
    let statement = line.statement.unwrap();
    assert_eq!(
        (line.state, statement.removed, statement.kept, statement.transactions),
        (DutyStanding::Stated, 1, 1, 2)
    );
    assert!(statement.undelivered.is_some(), "nobody is there to take it");
    assert!(scene.node.payloads.read(&mine).is_err(), "it is gone");
    assert_eq!(
        scene.node.payloads.read(&shared).unwrap(),
        b"wind",
        "it is had otherwise, too"
    );
    for (transaction, is_there) in [("t1", false), ("t2", false), ("t3", true)] {
        let pull: Option<PullEntry> = scene.node.state.get(&PullEntry::key(transaction)).unwrap();
        assert_eq!(pull.is_some(), is_there, "{transaction}");
    }
    let facts = scene
        .node
        .ledger
        .record(size)
        .unwrap()
        .value(SectionName::Facts)
        .unwrap();
    assert_eq!(
        (&facts["transactions"], &facts["by"], &facts["statement"]),
        (
            &json!(["t1", "t2"]),
            &json!(scene.node.did.as_str()),
            &json!("deleted after the assessment")
        )
    );
    assert_eq!(
        (&facts["kept"], &facts["keptTransactions"], &facts["until"]),
        (&json!(1), &json!(["t2"]), &json!(size)),
        "what stayed is not said to be deleted"
    );
    let twice = scene.fulfil("delete", "again").await.unwrap_err();
    assert!(twice.contains("already"), "{twice}");
    // It is not tried at every round.
    let tried = || Stated::find(&scene.node, &entry, &line.obligation).unwrap().unwrap();
    let before = tried();
    deliver::all(&scene.node).await.unwrap();
    assert_eq!((before.failures, tried().failures), (1, 1));
    scene.clock.advance(DAY_MS);
    deliver::all(&scene.node).await.unwrap();
    assert_eq!(tried().failures, 2);
    let warnings = warnings(&scene.node).unwrap();
    assert!(
        warnings.iter().any(|warning| warning.contains("was not taken yet")),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn only_who_is_obliged_can_state_it() {
    let scene = Scene::set();
    scene.agree(Side::Provider, &[("odrl:inform", None)]);
    let refused = scene.fulfil("inform", "told").await.unwrap_err();
    assert!(refused.contains("only that can state"), "{refused}");
    let entry = scene.agree(
        Side::Consumer,
        &[("odrl:inform", None), ("odrl:inform", Some(&day(NOW_MS + DAY_MS)))],
    );
    let several = scene.fulfil("inform", "told").await.unwrap_err();
    assert!(several.contains("2 obligations"), "{several}");
    let name = scene.line(&entry, "inform").obligation;
    let line = scene.fulfil(&name, "told").await.unwrap();
    assert_eq!(line.statement.unwrap().enforced_by, "declared");
    let missing = super::fulfil(
        scene.node.clone(),
        Duty::Fulfil {
            agreement: "urn:none".to_owned(),
            obligation: "inform".to_owned(),
            statement: "told".to_owned(),
        },
        Progress::channel().0,
    );
    assert!(
        missing
            .await
            .unwrap_err()
            .to_string()
            .contains("no agreement `urn:none`")
    );
    let mut silent = entry;
    silent.other_log = None;
    silent.id = "urn:silent".to_owned();
    let change = set(AgreementEntry::key("urn:silent", Side::Consumer), &silent).unwrap();
    scene.node.state.write(vec![change]).unwrap();
    let request = Duty::Fulfil {
        agreement: "urn:silent".to_owned(),
        obligation: name,
        statement: "told".to_owned(),
    };
    let refused = super::fulfil(scene.node.clone(), request, Progress::channel().0).await;
    assert!(refused.unwrap_err().to_string().contains("keeps no log"));
}

#[tokio::test]
async fn obligations_are_listed_with_how_many_there_are() {
    let scene = Scene::set();
    let due = day(NOW_MS + 30 * DAY_MS);
    scene.agree(Side::Provider, &[("odrl:delete", Some(&due)), ("odrl:inform", None)]);
    let asked = |agreement: Option<&str>, limit| Duties {
        agreement: agreement.map(str::to_owned),
        limit,
    };
    let one = list(scene.node.clone(), asked(None, Some(1)), Progress::channel().0)
        .await
        .unwrap();
    assert_eq!(
        (one.total, one.duties.len(), one.duties[0].action.as_str()),
        (2, 1, "delete"),
        "what is due first"
    );
    let none = list(scene.node.clone(), asked(Some("urn:none"), None), Progress::channel().0).await;
    assert!(none.unwrap_err().to_string().contains("urn:none"));
}
