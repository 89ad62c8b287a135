//! What another party is told, and what not.

use super::*;
use crate::control::protocol::{Question, Towards};
use crate::http::Refusal;
use crate::lineage::{Asking, answer};
use herleid_ledger::handover::HandedOver;
use std::collections::{BTreeMap, BTreeSet};

impl Scene {
    /// The answer to the other end of the agreement under which everything is, about the n-th transaction, with some of it changed.
    async fn told(&self, n: u16, direction: Towards, change: impl FnOnce(&mut Question)) -> Result<Value, Refusal> {
        let mut question = Question {
            transaction: transaction(n),
            agreement: AGREED.to_owned(),
            side: crate::state::Side::Consumer,
            other: "did:web:app.example".parse().unwrap(),
        };
        change(&mut question);
        let asking = Asking {
            direction,
            hops: 0,
            via: BTreeSet::new(),
        };
        answer(&self.node, question, &asking, None, TRACE.to_owned()).await
    }
}

#[tokio::test]
async fn it_is_told_kinds_and_cases_and_no_people_parameters_or_texts() {
    let scene = Scene::set();
    let (rain, decisions) = scene.two_cases();
    let size = scene.node.ledger.size();
    let answer = scene.told(1, Towards::Down, |_| ()).await.unwrap();
    let nodes = answer["nodes"].as_array().unwrap();
    let of = |kind: &str| -> Vec<&Value> {
        let nodes = nodes.iter().map(|placed| &placed["node"]);
        nodes.filter(|node| node["kind"] == kind).collect()
    };
    let labels: Vec<&str> = of("decision")
        .iter()
        .map(|node| node["label"].as_str().unwrap())
        .collect();
    // By the output of the run that each rests on.
    assert_eq!(labels, ["water: Z-1", "water: Z-2"]);
    assert_eq!((of("pull").len(), of("run").len()), (1, 2));
    assert!(of("parameters").is_empty());
    // The same trace for ourselves has all of that.
    let own = scene.tree(json!({"what": "Z-1"})).await.to_string();
    for known in ["A. de Wit", "advisor", "Storage", "storage = 7"] {
        assert!(own.contains(known), "{known}: {own}");
        assert!(!answer.to_string().contains(known), "{known}: {answer}");
    }

    // Each record of ours is proved, with nothing but its envelope opened.
    let mut kinds = BTreeMap::new();
    for record in answer["records"].as_array().unwrap() {
        let handed = HandedOver::from_value(record.clone()).unwrap();
        let verified = handed.verify(scene.node.ledger.verifier()).unwrap();
        let opened: Vec<SectionName> = verified.opened().keys().copied().collect();
        assert_eq!(opened, [SectionName::Envelope]);
        let envelope = verified.section(SectionName::Envelope).unwrap();
        kinds.insert(verified.index(), envelope["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds[&rain], "pull-received");
    assert!(decisions.iter().all(|index| kinds[index] == "decision-made"));

    // And that it was told is on record, with what.
    assert_eq!(scene.node.ledger.size(), size + 1);
    let facts = scene
        .node
        .ledger
        .record(size)
        .unwrap()
        .value(SectionName::Facts)
        .unwrap();
    assert_eq!(facts["to"], "did:web:app.example");
    let purpose = format!("lineage of transaction {}: what rests on it", transaction(1));
    assert_eq!(facts["purpose"], purpose.as_str());
    assert_eq!(facts["leaves"].as_array().unwrap().len(), kinds.len());
}

#[tokio::test]
async fn a_transaction_of_others_is_not_told_from_one_that_is_not_there() {
    let scene = Scene::set();
    scene.two_cases();
    let size = scene.node.ledger.size();
    let refused = [
        scene.told(99, Towards::Up, |_| ()).await,
        scene
            .told(1, Towards::Up, |asked| asked.agreement = "urn:other".to_owned())
            .await,
        scene
            .told(1, Towards::Up, |asked| asked.side = crate::state::Side::Provider)
            .await,
        scene
            .told(1, Towards::Up, |asked| {
                asked.other = "did:web:else.example".parse().unwrap()
            })
            .await,
    ];
    let refused = refused.map(Result::unwrap_err);
    assert!(refused.iter().all(|refusal| *refusal == refused[0]), "{refused:?}");
    assert_eq!(refused[0].status(), 404);
    assert_eq!(scene.node.ledger.size(), size, "nothing was told");
}
