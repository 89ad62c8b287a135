//! What a selection list says: what falls due, what stays for another's sake, and that proposing is all that is done.

use super::*;
use crate::control::protocol::{Retention, RetentionAnswer, RetentionLine, RetentionState};
use crate::state::{AgreementEntry, Side as OwnSide};

const RULES: &str = "[retention]\nlist = \"Selectielijst 2020\"\nrules = [\n\
    {category = \"11.1\", activity = \"https://a.example/12\", of = \"case\", named = \"Z*\", keep = \"0d\"},\n\
    {category = \"11.2\", activity = \"https://a.example/13\", of = \"case\", named = \"*-LONG\", keep = \"7y\"},\n\
    {category = \"11.3\", activity = \"https://a.example/14\", of = \"case\", named = \"B*\", keep = \"permanent\"},\n\
    {category = \"5.3\", activity = \"https://a.example/20\", of = \"agreement\", named = \"rain\", keep = \"0d\"},\n\
    {category = \"20.1\", activity = \"https://a.example/31\", of = \"denial\", named = \"*\", keep = \"1d\"}]\n";

impl Scene {
    fn ruled(rules: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        Self {
            node: opened(directory.path(), &format!("{}{rules}", configuration(2, "person"))),
            directory,
        }
    }

    async fn retention(&self, request: Retention) -> Result<RetentionAnswer, String> {
        let answer = retention(self.node.clone(), request, Progress::channel().0).await;
        answer.map_err(|error| {
            let error = crate::control::error::ControlError::from(error);
            format!("{error}; {}", error.next.clone().unwrap_or_default())
        })
    }

    /// What is planned of each, by name.
    async fn planned(&self, on_ms: Option<u64>) -> Vec<RetentionLine> {
        self.retention(Retention::Plan { on_ms }).await.unwrap().lines
    }

    async fn applied(&self) -> RetentionAnswer {
        let (complete_days, person) = (30, token(1));
        self.retention(Retention::Apply { complete_days, person })
            .await
            .unwrap()
    }

    /// Of the agreement's records one is due, and one stays for the sake of something; what is proposed then.
    async fn one_due_and_one_kept_for(&self, why: &str) -> Vec<String> {
        let lines = self.planned(None).await;
        let line = of(&lines, AGREEMENT);
        assert_eq!(
            (line.state, line.records, line.kept),
            (RetentionState::Due, 1, 1),
            "{line:?}"
        );
        assert_eq!(line.why.as_deref(), Some(why));
        let applied = self.applied().await;
        assert_eq!(applied.proposals.len(), 2, "{applied:?}");
        applied.proposals
    }

    async fn decides(&self, case: &str, transaction: &str) -> u64 {
        let facts = json!({
            "case": case, "title": "t", "legalBasis": [], "choices": "", "streams": [],
            "reliesOn": [{"transaction": transaction, "output": null, "sha256": "ab".repeat(32)}],
        });
        let draft = Draft::new(Kind::DecisionMade, fresh_trace(&self.node))
            .section(SectionName::Facts, facts)
            .section(SectionName::People, json!({"author": {"name": "A. de Wit"}}))
            .stream(StreamKey::Case { case: case.to_owned() })
            .term(Term::Case(case.to_owned()))
            .term(Term::Transaction(transaction.to_owned()));
        self.node.append(draft).await.unwrap().index()
    }

    /// The agreement of the pulls, over or not.
    async fn agreed(&self, terminated: Option<&str>) {
        let entry = AgreementEntry {
            id: AGREEMENT.to_owned(),
            side: OwnSide::Consumer,
            other: "did:web:app.example".parse().unwrap(),
            agreement: json!({"@type": "Agreement", "permission": [{"action": "use"}]}),
            sha256: "ab".repeat(32),
            target: "rain".to_owned(),
            declares: Default::default(),
            other_log: None,
            other_base: "http://localhost".to_owned(),
            dataset: None,
            terminated: terminated.map(str::to_owned),
        };
        let change = set(AgreementEntry::key(AGREEMENT, OwnSide::Consumer), &entry).unwrap();
        self.node.ledger.put_state(vec![change]).await.unwrap();
    }

    /// The service stopped, and started again under other rules.
    fn under(self, rules: &str) -> Self {
        let Self { node, directory } = self;
        drop(node);
        Self {
            node: opened(directory.path(), &format!("{}{rules}", configuration(2, "person"))),
            directory,
        }
    }
}

fn of<'a>(lines: &'a [RetentionLine], name: &str) -> &'a RetentionLine {
    let found = lines.iter().find(|line| line.name == name);
    found.unwrap_or_else(|| panic!("{name} is not in {lines:?}"))
}

#[tokio::test]
async fn each_is_judged_by_the_rule_that_keeps_it_longest() {
    let scene = Scene::ruled(RULES);
    for case in ["Z1", "Z-LONG", "B1", "X1"] {
        scene.decides(case, "t9").await;
    }
    scene.agreed(None).await;
    scene.pulled("t1", b"rain").await;
    let lines = scene.planned(None).await;
    for (name, state, category) in [
        ("Z1", RetentionState::Due, "11.1"),
        ("Z-LONG", RetentionState::Kept, "11.2"),
        ("B1", RetentionState::Permanent, "11.3"),
        ("X1", RetentionState::Unruled, ""),
        (AGREEMENT, RetentionState::Open, "5.3"),
    ] {
        let line = of(&lines, name);
        assert_eq!((line.state, line.category.as_str()), (state, category), "{line:?}");
    }
    assert_eq!(of(&lines, "Z1").kinds, [("decision-made".to_owned(), 1)].into());
    let long = of(&lines, "Z-LONG").clone();
    assert!(long.due_ms.unwrap() > scene.node.now_ms() + 6 * 365 * 24 * 3_600_000);
    assert_eq!((of(&lines, "B1").due_ms, of(&lines, "X1").due_ms), (None, None));
    // What will be due by then.
    let lines = scene.planned(long.due_ms).await;
    assert_eq!(of(&lines, "Z-LONG").state, RetentionState::Due);
    assert_eq!(of(&lines, "B1").state, RetentionState::Permanent);
}

/// What a record belongs to stands in it, for whoever looks at it when the configuration is another one.
#[tokio::test]
async fn a_record_names_the_activity_whose_rule_keeps_it_longest() {
    let scene = Scene::ruled(RULES);
    scene.agreed(None).await;
    let (short, long, none) = (
        scene.decides("Z1", "t9").await,
        scene.decides("Z-LONG", "t9").await,
        scene.decides("X1", "t9").await,
    );
    let pulled = scene.pulled("t1", b"rain").await;
    let denied = Draft::new(Kind::Denied, fresh_trace(&scene.node)).section(
        SectionName::Facts,
        json!({"what": "pull", "party": "did:web:app.example", "decision": {"reason": "r"}}),
    );
    let denied = scene.node.append(denied).await.unwrap().index();
    let activity = |index: u64| {
        let envelope = scene.node.ledger.record(index).unwrap().value(SectionName::Envelope);
        envelope.unwrap().get("activity").cloned()
    };
    for (index, expected) in [
        (short, Some("https://a.example/12")),
        (long, Some("https://a.example/13")),
        (none, None),
        (pulled, Some("https://a.example/20")),
        (denied, Some("https://a.example/31")),
    ] {
        assert_eq!(activity(index), expected.map(|text| json!(text)), "record {index}");
    }
    assert!(scene.node.ledger.verify_all(|_, _| {}).is_ok());
}

#[tokio::test]
async fn what_is_due_stays_as_long_as_something_that_is_not_rests_on_it() {
    let scene = Scene::ruled(RULES);
    let (first, second) = (scene.pulled("t1", b"rain").await, scene.pulled("t2", b"sun").await);
    scene.decides("Z1", "t1").await;
    scene.decides("Z-LONG", "t2").await;
    scene.agreed(Some("over")).await;
    let proposals = scene.one_due_and_one_kept_for("case Z-LONG").await;
    // The first record is proposed alone, the other end's share of it with it; nothing is erased by that.
    assert!(scene.facts(first).is_some());
    for id in &proposals {
        scene.approve(id, 1).await.unwrap_err();
        scene.approve(id, 2).await.unwrap();
    }
    assert!(scene.facts(first).is_none() && scene.facts(second).is_some());
    assert!(!scene.has_payload(b"rain") && scene.has_payload(b"sun"));
    let tombstones = scene.node.ledger.by_term(&Term::Kind(Kind::Erased)).unwrap();
    let said: Vec<Value> = tombstones.into_iter().filter_map(|index| scene.facts(index)).collect();
    assert!(said.iter().all(|facts| facts["ground"] == "archiefwet"));
    let authority = json!("Selectielijst 2020, 5.3 (https://a.example/20)");
    assert!(said.iter().any(|facts| facts["authority"] == authority), "{said:?}");
    // What is gone is not in the plan any more; what is needed still is.
    let lines = scene.planned(None).await;
    assert!(lines.iter().all(|line| line.name != "Z1"), "{lines:?}");
    assert_eq!(of(&lines, AGREEMENT).state, RetentionState::Needed);
    assert!(scene.applied().await.proposals.is_empty());
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
}

#[tokio::test]
async fn a_case_does_not_keep_another_that_rests_on_the_same_pull() {
    let scene = Scene::ruled(RULES);
    let pull = scene.pulled("t1", b"rain").await;
    let decision = scene.decides("Z1", "t1").await;
    let other = scene.decides("Z-LONG", "t1").await;
    scene.agreed(Some("over")).await;
    // Nor does its dossier say anything of the other.
    let closure = crate::dossier::closure::of_case(&scene.node, "Z1").unwrap();
    assert!(closure.records.contains_key(&pull) && !closure.records.contains_key(&other));
    let lines = scene.planned(None).await;
    assert_eq!(of(&lines, "Z1").state, RetentionState::Due, "{lines:?}");
    // What both rest on stays.
    assert_eq!(of(&lines, AGREEMENT).state, RetentionState::Needed, "{lines:?}");
    let applied = scene.applied().await;
    for id in &applied.proposals {
        scene.approve(id, 2).await.unwrap();
    }
    assert!(scene.facts(decision).is_none() && scene.facts(pull).is_some());
}

#[tokio::test]
async fn what_is_not_over_any_more_is_not_approved() {
    let scene = Scene::ruled(RULES);
    let pull = scene.pulled("t1", b"rain").await;
    let decision = scene.decides("Z1", "t9").await;
    scene.agreed(Some("over")).await;
    let applied = scene.applied().await;
    let id = |name: &str| of(&applied.lines, name).why.clone().unwrap();
    let (of_pull, of_case) = (id(AGREEMENT), id("Z1"));
    // A case that is kept rests on it since.
    scene.decides("Z-LONG", "t1").await;
    let error = scene.approve(&of_pull, 2).await.unwrap_err();
    let says = [
        format!("record {pull} was over"),
        "case Z-LONG".to_owned(),
        format!("erase reject {of_pull}"),
    ];
    assert!(says.iter().all(|text| error.contains(text)), "{error}");
    assert!(scene.facts(pull).is_some() && scene.has_payload(b"rain"));
    // Or a rule keeps it for longer now, or none is about it.
    let mut scene = scene;
    for (rules, says) in [
        (
            RULES.replace("named = \"Z*\", keep = \"0d\"", "named = \"Z*\", keep = \"permanent\""),
            "kept for ever",
        ),
        (RULES.replace("named = \"Z*\"", "named = \"Y*\""), "no rule is about"),
    ] {
        scene = scene.under(&rules);
        let error = scene.approve(&of_case, 2).await.unwrap_err();
        assert!(
            error.contains(&format!("record {decision}")) && error.contains(says),
            "{error}"
        );
    }
    // What a person proposed is theirs to answer for; and what is over is approved.
    let own = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    scene.approve(&own.id, 2).await.unwrap();
    scene = scene.under(RULES);
    scene.approve(&of_case, 2).await.unwrap();
    assert!(scene.facts(decision).is_none());
}

#[tokio::test]
async fn what_an_older_version_proposed_of_a_plan_is_not_approved_once_it_is_not_over() {
    let scene = Scene::ruled(RULES);
    let pull = scene.pulled("t1", b"rain").await;
    scene.agreed(Some("over")).await;
    let applied = scene.applied().await;
    let id = of(&applied.lines, AGREEMENT).why.clone().unwrap();
    // As it wrote it: it did not say that a plan proposed this.
    let key = format!("{}{id}", entries::ERASURES);
    let mut stored: Value = serde_json::from_slice(&scene.node.ledger.get(&key).unwrap().unwrap()).unwrap();
    assert_eq!(stored.as_object_mut().unwrap().remove("is_planned"), Some(json!(true)));
    let change = (key, Some(stored.to_string().into_bytes()));
    scene.node.ledger.put_state(vec![change]).await.unwrap();
    scene.decides("Z-LONG", "t1").await;
    let error = scene.approve(&id, 2).await.unwrap_err();
    assert!(error.contains(&format!("record {pull} was over")), "{error}");
    assert!(scene.facts(pull).is_some());
}

#[tokio::test]
async fn what_is_over_is_proposed_once_also_by_two_at_the_same_time() {
    let scene = Scene::ruled(RULES);
    scene.decides("Z1", "t9").await;
    let both = tokio::join!(scene.applied(), scene.applied());
    assert_eq!(both.0.proposals.len() + both.1.proposals.len(), 1, "{both:?}");
    // Nor by one who planned before the other proposed.
    let id = both.0.proposals.first().or(both.1.proposals.first()).unwrap().clone();
    let line = scene.erase(Erase::Show { id }).await.unwrap();
    let late = ErasureLine {
        id: scene.node.fresh_id(),
        ..line
    };
    assert!(propose(&scene.node, late).await.is_err());
}

#[tokio::test]
async fn a_record_of_two_that_are_due_is_proposed_once() {
    let scene = Scene::ruled(RULES);
    let both = scene.pulled_for(Some("Z1"), "t1", b"rain").await;
    let own = scene.pulled("t2", b"sun").await;
    scene.decides("Z1", "t1").await;
    scene.agreed(Some("over")).await;
    let proposals = scene.one_due_and_one_kept_for("case Z1").await;
    for id in &proposals {
        scene.approve(id, 2).await.unwrap();
    }
    assert!(scene.facts(both).is_none() && scene.facts(own).is_none());
    assert!(scene.planned(None).await.is_empty());
}

#[tokio::test]
async fn a_case_of_which_nothing_is_left_keeps_nothing_and_one_of_which_something_is_falls_due() {
    let scene = Scene::ruled(RULES);
    scene.pulled("t1", b"rain").await;
    let erase = async |case: &str, sections: &[&str]| {
        let line = scene.propose(Meant::Case(case.to_owned()), sections).await.unwrap();
        scene.approve(&line.id, 2).await.unwrap();
    };
    scene.decides("Z-LONG", "t1").await;
    scene.decides("Z1", "t9").await;
    scene.agreed(Some("over")).await;
    assert_eq!(of(&scene.planned(None).await, AGREEMENT).state, RetentionState::Needed);
    erase("Z-LONG", &[]).await;
    erase("Z1", &["facts"]).await;
    let lines = scene.planned(None).await;
    assert!(lines.iter().all(|line| line.name != "Z-LONG"), "{lines:?}");
    assert_eq!(of(&lines, AGREEMENT).state, RetentionState::Due);
    // Its author is still named.
    assert_eq!(of(&lines, "Z1").state, RetentionState::Due, "{lines:?}");
}

#[tokio::test]
async fn what_is_held_is_not_proposed_and_what_was_proposed_is_not_proposed_again() {
    let scene = Scene::ruled(RULES);
    let decision = scene.decides("Z1", "t9").await;
    scene.decides("Z2", "t9").await;
    let held = scene
        .hold(Hold::Add {
            what: Meant::Case("Z1".to_owned()),
            reason: "appeal 26/1234".to_owned(),
            person: token(2),
        })
        .await
        .unwrap();
    let lines = scene.planned(None).await;
    let line = of(&lines, "Z1");
    assert_eq!(line.state, RetentionState::Held);
    assert!(line.why.as_ref().unwrap().contains("appeal 26/1234"), "{line:?}");
    let applied = scene.applied().await;
    assert_eq!(applied.proposals.len(), 1);
    assert_eq!(of(&applied.lines, "Z2").state, RetentionState::Proposed);
    let again = scene.applied().await;
    assert!(again.proposals.is_empty());
    assert_eq!(of(&again.lines, "Z2").why, applied.proposals.first().cloned());
    let id = held.holds[0].id.clone();
    scene.hold(Hold::Remove { id, person: token(2) }).await.unwrap();
    assert_eq!(scene.applied().await.proposals.len(), 1);
    assert!(scene.facts(decision).is_some());
}

#[tokio::test]
async fn denials_go_by_the_day_and_whoever_has_no_rules_or_no_token_gets_none() {
    let scene = Scene::ruled(RULES);
    let facts = json!({
        "what": "pull", "party": "did:web:app.example", "count": 2, "first": 1, "last": 2, "reasons": ["limit"],
    });
    let draft = Draft::new(Kind::Denied, fresh_trace(&scene.node)).section(SectionName::Facts, facts);
    scene.node.append(draft).await.unwrap();
    let lines = scene.planned(None).await;
    let line = of(&lines, "did:web:app.example").clone();
    assert_eq!((line.of.as_str(), line.state), ("denial", RetentionState::Kept));
    let later = scene.planned(line.due_ms).await;
    assert_eq!(of(&later, "did:web:app.example").state, RetentionState::Due);
    let (complete_days, person) = (30, token(3));
    let error = scene
        .retention(Retention::Apply { complete_days, person })
        .await
        .unwrap_err();
    assert!(error.contains("of nobody who is named"), "{error}");
    let none = Scene::set(2);
    let error = none.retention(Retention::Plan { on_ms: None }).await.unwrap_err();
    assert!(
        error.contains("retention.rules") && error.contains("docs/retention.md"),
        "{error}"
    );
}
