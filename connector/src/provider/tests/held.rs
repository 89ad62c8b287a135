//! What a transaction has in the counters: as much as what permits it takes, whichever permission that is; and what it is about stays so.

use super::super::access::Access;
use super::super::pull;
use super::*;
use crate::state::Declares;

/// When the permission that does not count ends.
pub(super) const FREE_UNTIL_MS: u64 = NOW_MS + 60_000;

impl Scene {
    /// Free until a moment; besides, so many uses.
    async fn free_or_counted(at_most: u64) -> Self {
        let mut scene = Self::set(at_most).await;
        let until = herleid_vocab::time::format_rfc3339_ms(FREE_UNTIL_MS);
        let free = json!({"leftOperand": "dateTime", "operator": "lt", "rightOperand": {"@value": until, "@type": "xsd:dateTime"}});
        let counted = json!({"leftOperand": "count", "operator": "lteq", "rightOperand": at_most});
        scene.policy["permission"] = json!([
            {"action": "use", "constraint": [free]},
            {"action": "use", "constraint": [counted]},
        ]);
        scene.give_access().await;
        scene
    }

    /// Asks for a part; the status, and how much came.
    async fn part(&self, transaction: &str, range: &str) -> (StatusCode, usize) {
        let response = self.ask_for(transaction, 0, "", &[("range", range)]).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), 16 << 20).await.unwrap();
        (status, if status.is_success() { body.len() } else { 0 })
    }

    /// From now on access is for that.
    pub(super) fn is_for(&self, purpose: Option<&str>, push: bool) -> GrantEntry {
        let grant = GrantEntry {
            declares: Declares::purpose(purpose.map(str::to_owned)),
            push,
            ..self.grant(Some(Digests::of(DATA)))
        };
        let change = set(GrantEntry::key(GRANT), &grant).unwrap();
        self.node.state.write(vec![change]).unwrap();
        grant
    }

    pub(super) async fn ordered(
        &self,
        grant: &GrantEntry,
        transaction: &str,
    ) -> Result<pull::Opened, (StatusCode, String)> {
        let evidence = ["signature-base", "signature", "access-token"].map(|role| Document {
            role: role.to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: role.as_bytes().to_vec(),
        });
        let access = Access::pushed(grant.clone(), transaction.to_owned(), false, evidence.to_vec());
        let plan = pull::plan(&self.node, &access, &HeaderMap::new(), "", None).unwrap();
        let opened = pull::open_planned(&self.node, &access, &plan, TRACE).await;
        opened.map_err(|refusal| (refusal.status(), refusal.detail().to_owned()))
    }
}

#[tokio::test]
async fn a_further_segment_takes_the_place_that_its_own_permission_counts() {
    let scene = Scene::free_or_counted(1).await;
    for n in 1..=2 {
        assert_eq!(
            scene.part(&transaction(n), "bytes=0-0").await,
            (StatusCode::PARTIAL_CONTENT, 1)
        );
    }
    assert_eq!(scene.used(), 0);
    scene.clock.set(FREE_UNTIL_MS);
    let rest = (StatusCode::PARTIAL_CONTENT, DATA.len() - 1);
    assert_eq!(scene.part(&transaction(1), "bytes=1-").await, rest);
    assert_eq!(scene.used(), 1);
    // It is used up, also for who has begun, however often it is asked.
    for _ in 0..2 {
        assert_eq!(
            scene.part(&transaction(2), "bytes=1-").await,
            (StatusCode::FORBIDDEN, 0)
        );
        assert_eq!(
            scene.part(&transaction(3), "bytes=0-0").await,
            (StatusCode::FORBIDDEN, 0)
        );
    }
    // Who has a place has it once.
    assert_eq!(
        scene.part(&transaction(1), "bytes=2-").await.0,
        StatusCode::PARTIAL_CONTENT
    );
    assert_eq!(scene.used(), 1);
}

#[tokio::test]
async fn a_repeat_takes_it_too_and_is_recorded_then_and_again_after_a_stop() {
    let scene = Scene::free_or_counted(1).await;
    scene.given(&transaction(1)).await;
    scene.given(&transaction(2)).await;
    scene.given(&transaction(2)).await;
    assert_eq!(scene.kinds(&transaction(2)), [Kind::PullOpened]);
    scene.clock.set(FREE_UNTIL_MS);
    let again = transaction(1);
    let all = (0..8).map(|_| scene.given(&again));
    futures_util::future::join_all(all).await;
    assert_eq!(scene.used(), 1);
    assert_eq!(scene.kinds(&transaction(1)), [Kind::PullOpened, Kind::PullOpened]);
    let records = scene.records(Term::Transaction(transaction(1)));
    let facts = records[1].1.value(SectionName::Facts).unwrap();
    // Of one use no amount is told.
    let taken = facts["decision"]["reservations"].as_array().unwrap();
    assert_eq!((taken.len(), &taken[0]["amount"]), (1, &Value::Null));
    assert_eq!(
        (&facts["segment"], &facts["range"]),
        (&json!(1), &json!([0, DATA.len()]))
    );
    scene
        .refused(&transaction(2), StatusCode::FORBIDDEN, "times used")
        .await;
    let scene = scene.settled().await.reopened();
    scene.given(&transaction(1)).await;
    scene
        .refused(&transaction(2), StatusCode::FORBIDDEN, "times used")
        .await;
    assert_eq!((scene.used(), scene.kinds(&transaction(1)).len()), (1, 2));
}

#[tokio::test]
async fn what_is_being_sent_ends_with_its_permission_where_the_next_one_counts() {
    let scene = Scene::free_or_counted(1).await;
    let one = scene.begun(&transaction(1)).await;
    scene.clock.set(FREE_UNTIL_MS);
    let why = scene.breaks_off(&transaction(1), one).await;
    assert!(why.contains("is counted"), "{why}");
    assert_eq!(scene.used(), 0);
    assert_eq!(
        scene.part(&transaction(1), "bytes=4-").await.0,
        StatusCode::PARTIAL_CONTENT
    );
    assert_eq!(scene.used(), 1);
}

#[tokio::test]
async fn a_transaction_is_for_one_purpose() {
    let scene = Scene::set(9).await;
    let [one, other] = [
        "https://w3id.org/dpv#ScientificResearch",
        "https://w3id.org/dpv#Marketing",
    ];
    scene.is_for(Some(one), false);
    scene.given(&transaction(1)).await;
    for purpose in [Some(other), None] {
        scene.is_for(purpose, false);
        let why = "for another purpose";
        scene.refused(&transaction(1), StatusCode::CONFLICT, why).await;
        assert_eq!(scene.part(&transaction(1), "bytes=4-").await, (StatusCode::CONFLICT, 0));
    }
    scene.is_for(Some(one), false);
    scene.given(&transaction(1)).await;
    assert_eq!(
        (scene.kinds(&transaction(1)), scene.used()),
        (vec![Kind::PullOpened], 1)
    );
}

#[tokio::test]
async fn what_was_pulled_is_not_pushed_in_its_transaction_nor_the_other_way_round_nor_elsewhere() {
    let scene = Scene::set(9).await;
    scene.given(&transaction(1)).await;
    let grant = scene.is_for(None, true);
    let why = |refused: Result<pull::Opened, (StatusCode, String)>| {
        let (status, why) = refused.err().unwrap();
        assert_eq!(
            (status, why.contains("another way or place")),
            (StatusCode::CONFLICT, true),
            "{why}"
        );
    };
    why(scene.ordered(&grant, &transaction(1)).await);
    assert!(scene.ordered(&grant, &transaction(2)).await.unwrap().leave(1));
    // One transfer is one push: another one may go elsewhere.
    let elsewhere = GrantEntry {
        id: "grant-2".to_owned(),
        ..grant
    };
    why(scene.ordered(&elsewhere, &transaction(2)).await);
    scene.is_for(None, false);
    let place = "another way or place";
    scene.refused(&transaction(2), StatusCode::CONFLICT, place).await;
    assert_eq!(
        (scene.kinds(&transaction(2)), scene.used()),
        (vec![Kind::PullOpened], 2)
    );
}

#[tokio::test]
async fn a_repeat_under_another_access_is_recorded() {
    let mut scene = Scene::set(1).await;
    scene.given(&transaction(1)).await;
    let other = GrantEntry {
        id: "grant-2".to_owned(),
        ..scene.grant(Some(Digests::of(DATA)))
    };
    let change = set(GrantEntry::key(&other.id), &other).unwrap();
    scene.node.state.write(vec![change]).unwrap();
    let document = scene.node.documents.resolve(&scene.consumer).await.unwrap();
    scene.token = grants::token(&scene.node, &other, &document, None).unwrap();
    for _ in 0..2 {
        let response = scene.ask_under(&other.id, &transaction(1), 0, "", &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(to_bytes(response.into_body(), 16 << 20).await.unwrap(), DATA);
    }
    assert_eq!(scene.kinds(&transaction(1)), [Kind::PullOpened, Kind::PullOpened]);
    assert_eq!((scene.used(), scene.outstanding()), (1, 1));
}

#[tokio::test]
async fn what_an_older_version_began_goes_on_with_its_place() {
    let scene = Scene::set(1).await;
    scene.given(&transaction(1)).await;
    // It kept nothing but the records.
    let key = format!("held/{}/{}", scene.consumer, transaction(1));
    assert!(scene.node.ledger.get(&key).unwrap().is_some());
    scene.node.state.write(vec![(key.clone(), None)]).unwrap();
    scene.given(&transaction(1)).await;
    assert_eq!(
        scene.part(&transaction(1), "bytes=4-").await.0,
        StatusCode::PARTIAL_CONTENT
    );
    assert_eq!(scene.used(), 1);
    assert!(scene.node.ledger.get(&key).unwrap().is_some());
    scene
        .refused(&transaction(2), StatusCode::FORBIDDEN, "times used")
        .await;
}

impl Scene {
    /// When nothing is being sent any more: until then somebody else has the connector.
    pub(super) async fn settled(self) -> Self {
        for _ in 0..1_000 {
            if Arc::strong_count(&self.node) == 1 {
                return self;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("something is still being sent");
    }
}

#[tokio::test]
async fn a_transaction_that_is_asked_for_again_by_turns_has_an_end() {
    const OTHER: &str = "grant-2";
    let mut scene = Scene::set(1).await;
    let second = GrantEntry {
        id: OTHER.to_owned(),
        ..scene.grant(Some(Digests::of(DATA)))
    };
    let change = set(GrantEntry::key(OTHER), &second).unwrap();
    scene.node.state.write(vec![change]).unwrap();
    let document = scene.node.documents.resolve(&scene.consumer).await.unwrap();
    let token = grants::token(&scene.node, &second, &document, None).unwrap();
    let ways = [(GRANT, scene.token.clone()), (OTHER, token)];
    let mut given = 0;
    let (status, why) = loop {
        let (grant, token) = &ways[given % 2];
        scene.token.clone_from(token);
        let answer = scene.ask_under(grant, &transaction(1), 0, "", &[]).await;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 16 << 20).await.unwrap();
        if !status.is_success() {
            break (status, String::from_utf8(body.to_vec()).unwrap());
        }
        given += 1;
        assert!(given < 200, "it has no end");
    };
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(why.contains("asked for again 64 times"), "{why}");
    assert_eq!(given, 65);
    let opened = scene.kinds(&transaction(1));
    assert_eq!(opened.iter().filter(|kind| **kind == Kind::PullOpened).count(), 65);
}

#[tokio::test]
async fn what_a_transaction_was_about_goes_with_its_record_and_it_gets_nothing_more() {
    let scene = Scene::set(9).await;
    scene.given(&transaction(1)).await;
    let kept = |scene: &Scene| {
        let all = scene.node.ledger.scan("held/").unwrap();
        assert_eq!(all.len(), 1);
        String::from_utf8(all[0].1.clone()).unwrap()
    };
    let before = kept(&scene);
    assert!(before.contains("k:") && before.contains(GRANT), "{before}");
    // Nobody who has the state alone can try what it was.
    let guessed = json!([AGREED, {"dataset": DATASET, "version": "1"}]).to_string();
    assert!(!before.contains(&Digests::of(guessed.as_bytes()).sha256), "{before}");
    // Whoever read it before and writes it afterwards takes the mark away for nobody.
    let stale = scene.node.ledger.scan("held/").unwrap().remove(0);
    let changes = pull::forgotten(&scene.consumer, &transaction(1)).to_vec();
    scene.node.state.write(changes).unwrap();
    assert_eq!(scene.node.ledger.scan("held/").unwrap().len(), 0);
    scene.node.state.write(vec![(stale.0, Some(stale.1))]).unwrap();
    scene.refused(&transaction(1), StatusCode::CONFLICT, "was erased").await;
    assert_eq!(scene.used(), 1, "what was used was used");
    scene.given(&transaction(2)).await;
}
