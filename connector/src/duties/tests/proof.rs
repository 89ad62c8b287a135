//! What a statement of deletion has to come after, and what is not deleted for it.

use super::*;

const UNFINISHED: &str = "0192f0c1-2b3c-7d4e-8f50-112233445566";

fn due() -> String {
    day(NOW_MS + DAY_MS)
}

#[tokio::test]
async fn a_statement_covers_nothing_that_its_log_has_a_receipt_of_after_it() {
    let scene = Scene::set();
    let entry = scene.agree(Side::Provider, &[("odrl:delete", Some(&due()))]);
    let line = scene.line(&entry, "delete");
    let refused = async |handed: &HandedOver, said: &str| {
        let size = scene.node.ledger.size();
        let refusal = scene.takes(&line.obligation, handed).await.unwrap_err();
        assert_eq!(refusal.status(), StatusCode::CONFLICT, "{}", refusal.detail());
        assert!(refusal.detail().contains(said), "{said}: {}", refusal.detail());
        assert_eq!(scene.node.ledger.size(), size, "{said}");
        assert_eq!(scene.line(&entry, "delete").state, DutyStanding::DueSoon, "{said}");
    };
    // Recorded before the pull, with the transaction chosen before it.
    let early = scene.states(&line, &["t1"], |_| ()).await;
    scene.delivered(Kind::OneSidedPullOpened, "t1", b"rain", AGREED).await;
    refused(&early, "no receipt of yours").await;
    scene.acknowledged(&["t1"]).await;
    refused(&early, "does not stand before").await;
    // What it had between the look at its log and the statement is not covered either.
    let between = scene.states(&line, &["t1"], |stated| stated.until -= 1).await;
    refused(&between, "does not stand before").await;
    let second = scene.states(&line, &["t1"], |_| ()).await;
    scene.takes(&line.obligation, &second).await.unwrap();
    assert_eq!(scene.line(&entry, "delete").state, DutyStanding::Fulfilled);

    // Given once more: neither the old ones, nor a new one before the receipt.
    let third = scene.states(&line, &["t1", "t3"], |_| ()).await;
    scene.delivered(Kind::OneSidedPullOpened, "t3", b"wind", AGREED).await;
    refused(&early, "does not stand before").await;
    refused(&third, "no receipt of yours").await;
    scene.acknowledged(&["t3"]).await;
    refused(&third, "does not stand before").await;
    let fourth = scene.states(&line, &["t1", "t3"], |_| ()).await;
    scene.takes(&line.obligation, &fourth).await.unwrap();
    assert_eq!(scene.line(&entry, "delete").state, DutyStanding::Fulfilled);

    // Each is taken once, also where nothing had left in between, so that no receipt tells.
    let given_up = async |transaction: &str| {
        scene
            .delivered(Kind::OneSidedPullOpened, transaction, b"hail", AGREED)
            .await;
        let key = crate::provider::pull::released_key(&scene.other, transaction);
        scene.node.state.write(vec![(key, Some(Vec::new()))]).unwrap();
    };
    given_up("t4").await;
    let fifth = scene.states(&line, &["t1", "t3"], |_| ()).await;
    scene.takes(&line.obligation, &fifth).await.unwrap();
    given_up("t5").await;
    refused(&fourth, "was taken before").await;
}

#[tokio::test]
async fn a_statement_says_up_to_where_it_goes_and_what_stayed() {
    let scene = Scene::set();
    let entry = scene.agree(Side::Provider, &[("odrl:delete", Some(&due()))]);
    let line = scene.line(&entry, "delete");
    let size = scene.node.ledger.size();
    let ahead = scene.states(&line, &["t1"], |stated| stated.until += 1).await;
    let unnamed = scene.states(&line, &["t1"], |stated| stated.kept = 1).await;
    for (handed, said) in [(ahead, "`until`"), (unnamed, "`keptTransactions`")] {
        let refusal = scene.takes(&line.obligation, &handed).await.unwrap_err();
        assert_eq!(refusal.status(), StatusCode::BAD_REQUEST, "{}", refusal.detail());
        assert!(refusal.detail().contains(said), "{said}: {}", refusal.detail());
    }
    assert_eq!(scene.node.ledger.size(), size);
    assert_eq!(scene.line(&entry, "delete").state, DutyStanding::DueSoon);
}

#[tokio::test]
async fn a_transaction_that_is_stated_to_be_deleted_is_not_given_again() {
    let scene = Scene::set();
    let entry = scene.agree(Side::Provider, &[("odrl:delete", Some(&due()))]);
    let line = scene.line(&entry, "delete");
    let again = |transaction| check_repeated(&scene.node, &entry, &scene.other, transaction);
    scene.delivered(Kind::OneSidedPullOpened, "t1", b"rain", AGREED).await;
    scene.acknowledged(&["t1"]).await;
    again("t1").unwrap();
    let handed = scene.states(&line, &["t1"], |_| ()).await;
    scene.takes(&line.obligation, &handed).await.unwrap();
    let refusal = again("t1").unwrap_err();
    assert_eq!(refusal.status(), StatusCode::CONFLICT, "{}", refusal.detail());
    assert!(refusal.detail().contains("use a new one"), "{}", refusal.detail());
    again("t2").unwrap();
    scene.delivered(Kind::OneSidedPullOpened, "t2", b"rain", AGREED).await;
    again("t2").unwrap();
    assert!(again("t1").is_err(), "also when it was reopened by another one");
}

#[tokio::test]
async fn what_was_had_after_a_statement_keeps_it_from_being_brought() {
    let scene = Scene::set();
    let entry = scene.agree(Side::Consumer, &[("odrl:delete", Some(&due()))]);
    scene.delivered(Kind::OneSidedPullReceived, "t1", b"rain", AGREED).await;
    let line = scene.fulfil("delete", "gone").await.unwrap();
    scene.delivered(Kind::OneSidedPullReceived, "t2", b"wind", AGREED).await;
    assert_eq!(scene.line(&entry, "delete").state, DutyStanding::DueSoon);
    scene.clock.advance(DAY_MS / 2);
    deliver::all(&scene.node).await.unwrap();
    let stated = Stated::find(&scene.node, &entry, &line.obligation).unwrap().unwrap();
    assert!(stated.undelivered.unwrap().contains("state it anew"));

    // Also what was recorded between the look at the log and the statement.
    let mut stated = Stated::find(&scene.node, &entry, &line.obligation).unwrap().unwrap();
    stated.until = scene.node.ledger.size();
    scene.delivered(Kind::OneSidedPullReceived, "t3", b"hail", AGREED).await;
    let draft = stated.draft(&scene.node, &scene.node.did, &[], &[]).unwrap();
    scene.node.append(draft).await.unwrap();
    assert_eq!(scene.line(&entry, "delete").state, DutyStanding::DueSoon);
}

#[tokio::test]
async fn what_something_else_rests_on_is_neither_deleted_nor_stated() {
    let scene = Scene::set();
    let entry = scene.agree(Side::Consumer, &[("odrl:delete", Some(&due()))]);
    let rain = scene.delivered(Kind::OneSidedPullReceived, "t1", b"rain", AGREED).await;
    let refused = async |said: &str| {
        let size = scene.node.ledger.size();
        let why = scene.fulfil("delete", "gone").await.unwrap_err();
        assert!(why.contains(said), "{said}: {why}");
        assert_eq!(scene.node.payloads.read(&rain).unwrap(), b"rain", "{said}");
        assert_eq!(scene.node.ledger.size(), size, "{said}");
        assert_eq!(scene.line(&entry, "delete").state, DutyStanding::DueSoon, "{said}");
    };
    let written = |key: &str, value: Option<Value>| {
        let bytes = value.map(|value| value.to_string().into_bytes());
        scene.node.state.write(vec![(key.to_owned(), bytes)]).unwrap();
    };
    // Made one's own: as the input of a run,
    let run = json!({"transaction": "r1", "agreement": "urn:model", "provider": scene.other.as_str(), "model": "m", "version": "1",
        "program": "ab".repeat(32), "outputs": [], "case": null, "inputs": [{"name": "rain", "transaction": null, "sha256": rain}],
        "parameters": {}, "model_stream": null});
    written("run/r1", Some(run));
    refused("is an input of our own of run r1").await;
    written("run/r1", None);
    // under another agreement, which is not in force, and by a decision.
    let facts = json!({"case": "c", "title": "t", "legalBasis": [], "choices": "", "streams": [],
        "reliesOn": [{"transaction": "t1", "output": null, "sha256": rain}]});
    let under = scene
        .delivered(Kind::OneSidedPullReceived, "t2", b"rain", "urn:ended")
        .await;
    assert_eq!(under, rain);
    refused("rests on").await;
    let decision = Draft::new(Kind::DecisionMade, fresh_trace(&scene.node))
        .section(SectionName::Facts, facts)
        .section(SectionName::People, json!({"author": {"name": "A. de Wit"}}))
        .stream(StreamKey::Case { case: "c".to_owned() })
        .term(Term::Transaction("t1".to_owned()));
    scene.node.append(decision).await.unwrap();
    refused("decision in record").await;
}

#[tokio::test]
async fn what_broke_off_is_ended_before_the_date_and_removed_after_it() {
    let scene = Scene::set();
    let entry = scene.agree(Side::Consumer, &[("odrl:delete", Some(&due()))]);
    let payloads = &scene.node.payloads;
    payloads.go_on(UNFINISHED).unwrap().write(b"ra").unwrap();
    let kept =
        json!({"transaction": UNFINISHED, "etag": "e", "bytes": 4, "media_type": "text/csv", "since_ms": NOW_MS});
    let key = format!("partial-pull/{AGREED}/");
    let change = (key.clone(), Some(kept.to_string().into_bytes()));
    scene.node.state.write(vec![change]).unwrap();
    let why = scene.fulfil("delete", "gone").await.unwrap_err();
    assert!(why.contains(UNFINISHED) && why.contains("not at its end"), "{why}");
    assert_eq!(payloads.go_on(UNFINISHED).unwrap().bytes(), 2);
    scene.clock.advance(DAY_MS + 1);
    let line = scene.fulfil("delete", "gone").await.unwrap();
    assert_eq!(line.statement.unwrap().transactions, 1, "it is named");
    assert_eq!(payloads.go_on(UNFINISHED).unwrap().bytes(), 0, "the bytes are gone");
    assert!(scene.node.state.get::<Value>(&key).unwrap().is_none());
    assert_eq!(scene.line(&entry, "delete").state, DutyStanding::Stated);
}
