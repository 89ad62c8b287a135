//! What is not drawn is told: records that lead nowhere, and ends that were erased.

use super::*;

#[tokio::test]
async fn what_leads_nowhere_is_counted_and_told_where_the_trace_begins() {
    let scene = Scene::set();
    let denied = [1, 2].map(|_| {
        let facts =
            json!({"what": "pull", "party": "did:web:app.example", "count": 1, "first": 1, "last": 1, "reasons": []});
        scene.add(Draft::new(Kind::Denied, TRACE).section(SectionName::Facts, facts))
    });
    let all = "2020-01-01T00:00:00Z/2999-01-01T00:00:00Z";
    // Where nothing leads anywhere, it is what there is to see, with the log's own first record.
    let tree = scene.tree(json!({"what": all})).await;
    let shown = (tree["children"].as_array().unwrap().len(), &tree["summary"]["aside"]);
    assert_eq!(shown, (3, &Value::Null), "{tree}");
    // One more record makes none of them disappear.
    scene.add(received(transaction(1), 1));
    let tree = scene.tree(json!({"what": all})).await;
    assert_eq!(tree["children"].as_array().unwrap().len(), 1, "{tree}");
    let aside = tree["summary"]["aside"].as_array().unwrap();
    let told = aside.iter().find(|one| one["kind"] == "denied").unwrap();
    assert_eq!(told["records"], json!({"found": 2, "shown": denied}), "{tree}");
}

#[tokio::test]
async fn of_a_run_whose_end_was_erased_it_is_said_that_it_was() {
    let scene = Scene::set();
    let run = Run {
        id: transaction(1),
        case: None,
        inputs: &[],
        outputs: &[],
    };
    scene.add(run.requested());
    let label = async || {
        let tree = scene.tree(json!({"what": transaction(1).to_string()})).await;
        assert_eq!(tree["summary"]["runs"], 1, "{tree}");
        tree["children"][0]["label"].as_str().unwrap().to_owned()
    };
    assert!(
        label().await.contains("no end of it is recorded here"),
        "{}",
        label().await
    );
    let section = json!({"transaction": transaction(1).to_string(), "agreement": AGREED, "model": "sewer", "version": "1",
        "inputs": [], "outputs": [], "seed": 1, "status": "failed", "reason": "out of memory", "environment": {}, "case": null});
    let failed = Draft::new(Kind::RunFailed, TRACE)
        .section(SectionName::Run, section)
        .stream(agreement(AGREED, Side::Consumer))
        .term(Term::Transaction(transaction(1).to_string()));
    let index = scene.add(failed);
    assert!(label().await.contains("out of memory"), "{}", label().await);
    scene.erases(index, SectionName::Run);
    let said = label().await;
    assert!(
        said.contains(&format!("how it ended was erased here (record {index})")),
        "{said}"
    );
}
