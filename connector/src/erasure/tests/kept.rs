//! What the connector keeps of runs, receipts, and what a dossier says of runs that were erased.

use super::*;
use crate::dossier::other_runs;
use crate::state::{OutputEntry, RunEntry};
use herleid_ledger::At;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::Document;

mod ordered;
mod published;

const RUN: &str = "0192f0c1-2b3c-7d4e-8f50-112233445566";
const CASE: &str = "Z1";

impl Scene {
    fn exchange(&self, phase: Phase, content: &Content) -> Value {
        let exchange = Exchange {
            transaction: RUN.parse().unwrap(),
            segment: 1,
            phase,
            agreement: AGREEMENT.to_owned(),
            provider: "did:web:app.example".parse().unwrap(),
            consumer: self.node.did.clone(),
            subject: Subject::Model {
                model: "urn:sewer".to_owned(),
                version: "1".to_owned(),
            },
            from: 0,
            to: content.bytes,
            content: content.mac(),
        };
        exchange.to_value()
    }

    fn of_run(&self, kind: Kind, phase: Phase, status: &str, outputs: &Value) -> Draft {
        let content = Content::digest([7; 32], status.as_bytes(), "application/json");
        let run = json!({
            "transaction": RUN, "agreement": AGREEMENT, "model": "urn:sewer", "version": "1", "inputs": [{"name": "rain"}],
            "outputs": outputs, "seed": 1, "status": status, "environment": {}, "program": "cd".repeat(32), "case": CASE,
        });
        Draft::new(kind, fresh_trace(&self.node))
            .section(SectionName::Exchange, self.exchange(phase, &content))
            .section(SectionName::Content, content.to_value())
            .section(SectionName::Run, run)
            .stream(StreamKey::Agreement {
                agreement: AGREEMENT.to_owned(),
                side: Side::Consumer,
                other: "did:web:app.example".parse().unwrap(),
            })
            .term(Term::Transaction(RUN.to_owned()))
            .term(Term::Agreement(AGREEMENT.to_owned()))
            .term(Term::Case(CASE.to_owned()))
    }

    /// A run of a model for the case, as it is asked for and recorded: the request and the end.
    async fn ran(&self) -> [u64; 2] {
        let process = Document {
            role: "process".to_owned(),
            media_type: "application/json".to_owned(),
            bytes: b"{}".to_vec(),
        };
        let requested = self
            .of_run(Kind::RunRequested, Phase::RunRequest, "requested", &json!([]))
            .section(SectionName::Parameters, json!({"depth": 3}))
            .evidence(process);
        let requested = self.node.append(requested).await.unwrap().index();
        // The other end's record would say the same.
        let opened = [SectionName::Exchange, SectionName::Content];
        let receipts = [&opened[..], &opened[..1]].map(|opened| {
            let handed = self.node.ledger.hand_over(requested, opened, None, At::Latest);
            handed.unwrap().to_bytes().unwrap()
        });
        let kept = self.node.payloads.put(b"levels").unwrap();
        let entry = RunEntry {
            transaction: RUN.to_owned(),
            agreement: AGREEMENT.to_owned(),
            provider: "did:web:app.example".parse().unwrap(),
            model: "urn:sewer".to_owned(),
            version: "1".to_owned(),
            program: "cd".repeat(32),
            outputs: vec![OutputEntry {
                name: "levels".to_owned(),
                media_type: "text/csv".to_owned(),
                digests: kept.digests().clone(),
            }],
            case: Some(CASE.to_owned()),
            inputs: json!([{"name": "rain"}]),
            parameters: json!({"depth": 3}),
            model_stream: Some(("0192f0c1-2b3c-7d4e-8f50-112233445577".to_owned(), 4)),
        };
        let (key, value) = set(RunEntry::key(RUN), &entry).unwrap();
        let outputs = json!([{"name": "levels", "sha256": kept.sha256}]);
        let mut received = self
            .of_run(Kind::RunReceived, Phase::RunResult, "finished", &outputs)
            .stream(StreamKey::Case { case: CASE.to_owned() })
            .put(key, value);
        for bytes in receipts {
            received = received.evidence(Document {
                role: "receipt".to_owned(),
                media_type: "application/json".to_owned(),
                bytes,
            });
        }
        [requested, self.node.append(received).await.unwrap().index()]
    }

    fn run(&self) -> RunEntry {
        self.node.state.get(&RunEntry::key(RUN)).unwrap().unwrap()
    }

    async fn erased(&self, what: Meant, sections: &[&str]) -> ErasureLine {
        let line = self.propose(what, sections).await.unwrap();
        self.approve(&line.id, 2).await.unwrap()
    }
}

#[tokio::test]
async fn of_a_run_only_that_goes_which_the_records_named_said() {
    let scene = Scene::set(2);
    let [requested, received] = scene.ran().await;
    let before = scene.run();
    // The end of it is held, and says what came out and went in.
    let held = scene.hold(Hold::Add {
        what: Meant::Records(vec![received]),
        reason: "appeal 26/1234".to_owned(),
        person: token(1),
    });
    let held = held.await.unwrap().holds.remove(0).id;
    scene
        .erased(Meant::Records(vec![requested]), &["run", "parameters"])
        .await;
    let after = scene.run();
    assert_eq!((&after.outputs, &after.inputs), (&before.outputs, &before.inputs));
    assert_eq!(after.parameters, json!({}), "only the request said those");
    assert!(scene.has_payload(b"levels"));

    let (id, person) = (held, token(1));
    scene.hold(Hold::Remove { id, person }).await.unwrap();
    scene.erased(Meant::Records(vec![received]), &["run"]).await;
    let after = scene.run();
    assert_eq!((after.outputs.len(), &after.inputs), (0, &json!([])));
    assert_eq!(after.model_stream, before.model_stream);
    assert!(!scene.has_payload(b"levels"));
}

#[tokio::test]
async fn receipts_that_open_what_goes_go_too() {
    let scene = Scene::set(2);
    let [requested, received] = scene.ran().await;
    // The receipts say it, and lie with another record.
    let line = scene
        .propose(Meant::Records(vec![requested]), &["content"])
        .await
        .unwrap();
    let named: Vec<(u64, Vec<&str>)> = line
        .records
        .iter()
        .map(|record| (record.index, record.sections.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(named, [(requested, vec!["content"]), (received, vec!["evidence"])]);
    let line = scene
        .propose(Meant::Records(vec![received]), &["content"])
        .await
        .unwrap();
    assert_eq!(line.records[0].sections, ["content", "evidence"]);
    // They open nothing of these.
    let line = scene.propose(Meant::Records(vec![received]), &["run"]).await.unwrap();
    assert_eq!(line.records[0].sections, ["run"]);

    let digest = {
        let evidence = scene
            .node
            .ledger
            .record(received)
            .unwrap()
            .value(SectionName::Evidence)
            .unwrap();
        let name = evidence["documents"][0]["sha256"].as_str().unwrap().to_owned();
        crate::state::digest_bytes(&name).unwrap()
    };
    assert!(scene.node.ledger.evidence(&digest).unwrap().is_some());
    let done = scene.erased(Meant::Agreement(AGREEMENT.to_owned()), &["content"]).await;
    assert_eq!(done.is_buried, Some(true));
    assert_eq!(scene.node.ledger.evidence(&digest).unwrap(), None);
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
}

#[tokio::test]
async fn a_run_of_the_case_that_was_erased_is_not_listed_as_one_of_another() {
    let scene = Scene::set(2);
    scene.ran().await;
    scene.decided(CASE, RUN).await;
    scene.decided("Z2", "0192f0c1-2b3c-7d4e-8f50-112233445588").await;
    let others = |case: &str| {
        other_runs(&scene.node, &closure::of_case(&scene.node, case).unwrap())
            .unwrap()
            .len()
    };
    assert_eq!((others(CASE), others("Z2")), (0, 1));
    scene.erased(Meant::Case(CASE.to_owned()), &[]).await;
    assert_eq!((others(CASE), others("Z2")), (0, 1));
}

#[tokio::test]
async fn one_person_is_not_enough() {
    let scene = Scene::set(1);
    let pull = scene.pulled("t1", b"rain").await;
    let error = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap_err();
    assert!(error.contains("needs two people, and 1 are named"), "{error}");
    let (what, reason, person) = (Meant::Records(vec![pull]), "x".to_owned(), token(1));
    let error = scene.hold(Hold::Add { what, reason, person }).await.unwrap_err();
    assert!(error.contains("needs two people"), "{error}");
}

#[tokio::test]
async fn what_is_kept_of_a_pull_that_was_given_goes_with_the_record_that_opened_it() {
    let scene = Scene::set(2);
    let consumer = "did:web:app.example";
    let place = |transaction: &str| format!("held/{consumer}/{transaction}");
    let mut opened = Vec::new();
    for transaction in ["t1", "t2"] {
        let facts = json!({
            "transaction": transaction, "agreement": AGREEMENT, "decision": {}, "party": consumer, "segment": 1, "range": [0, 4],
            "subject": {"dataset": "rain", "version": "1"},
        });
        let held = json!({"about": "k:what it was about", "terms": "k:what was asked", "grant": "g", "last": 1, "bytes": 4, "counters": {"c": 1}});
        let draft = Draft::new(Kind::PullOpened, fresh_trace(&scene.node))
            .section(SectionName::Facts, facts)
            .stream(StreamKey::Agreement {
                agreement: AGREEMENT.to_owned(),
                side: Side::Provider,
                other: consumer.parse().unwrap(),
            })
            .term(Term::Transaction(transaction.to_owned()))
            .put(place(transaction), Some(held.to_string().into_bytes()));
        let shown = ["access-token", "did-document", "signature-base", "signature"].map(|role| Document {
            role: role.to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: format!("{role} {transaction}").into_bytes(),
        });
        let draft = shown.into_iter().fold(draft, Draft::evidence);
        opened.push(scene.node.append(draft).await.unwrap().index());
    }
    let kept = |transaction: &str| -> Value {
        let kept = scene.node.ledger.get(&place(transaction)).unwrap();
        kept.map_or(Value::Null, |kept| serde_json::from_slice(&kept).unwrap())
    };
    let line = scene.propose(Meant::Records(vec![opened[0]]), &[]).await.unwrap();
    scene.approve(&line.id, 2).await.unwrap();
    assert_eq!(kept("t1"), Value::Null);
    let mark = |transaction: &str| {
        scene
            .node
            .ledger
            .get(&format!("forgotten/{consumer}/{transaction}"))
            .unwrap()
    };
    assert!(mark("t1").is_some() && mark("t2").is_none());
    assert_eq!(kept("t2")["about"], json!("k:what it was about"));
}
