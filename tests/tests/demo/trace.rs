//! Where something came from, as a tree and as PROV-O.

use crate::scene::Scene;
use herleid_tests::connector::good;
use herleid_tests::process::text;

#[test]
fn a_pull_is_traced_to_its_provider_and_answers_sparql() {
    let scene = Scene::set();
    let pulled = good(&scene.pull());
    let sha256 = pulled["sha256"].as_str().unwrap();
    let tree = good(&scene.consumer.run(&["trace", sha256]));
    let pull = &tree["tree"]["children"][0];
    assert_eq!(
        (pull["kind"].as_str(), pull["verified"].as_bool()),
        (Some("pull"), Some(true)),
        "{tree}"
    );
    let receipt = &pull["children"][0];
    assert_eq!(
        (receipt["kind"].as_str(), receipt["verified"].as_bool()),
        (Some("receipt"), Some(true)),
        "{tree}"
    );

    let query = "SELECT ?data ?who WHERE { ?pull <http://www.w3.org/ns/prov#used> ?data . ?data <http://www.w3.org/ns/prov#wasAttributedTo> ?who }";
    let answer = good(&scene.consumer.run(&["trace", sha256, "--sparql", query]));
    let bindings = answer["sparql"]["results"]["bindings"].as_array().unwrap();
    assert_eq!(bindings.len(), 1, "{answer}");
    assert_eq!(
        bindings[0]["data"]["value"].as_str(),
        Some(format!("urn:sha256:{sha256}").as_str())
    );
    assert!(
        bindings[0]["who"]["value"]
            .as_str()
            .unwrap()
            .starts_with("did:web:localhost%3A")
    );

    let change = scene
        .consumer
        .run(&["trace", sha256, "--sparql", "DELETE WHERE { ?s ?p ?o }"]);
    assert_eq!(change.status.code(), Some(2), "{}", text(&change.stderr));
    let nothing = scene.consumer.run(&["trace", "no-such-case"]);
    assert_eq!(nothing.status.code(), Some(3), "{}", text(&nothing.stderr));
}

#[test]
fn what_rests_on_a_dataset_is_shown_at_its_provider_with_who_was_not_asked() {
    let scene = Scene::set();
    let pulled = good(&scene.pull());
    let tree = good(&scene.provider.run(&["trace", "rain", "--down"]));
    let published = &tree["tree"]["children"][0];
    assert_eq!(published["kind"], "dataset-published", "{tree}");
    let pull = &published["children"][0];
    assert_eq!(
        (
            pull["kind"].as_str(),
            pull["digest"].as_str(),
            pull["verified"].as_bool()
        ),
        (Some("pull"), pulled["sha256"].as_str(), Some(true)),
        "{tree}"
    );
    let elsewhere = &pull["children"][0];
    assert_eq!(
        (elsewhere["party"].as_str(), elsewhere["asked"]["state"].as_str()),
        (Some(scene.consumer.did.as_str()), Some("not-asked")),
        "{tree}"
    );
    let summary = &tree["tree"]["summary"];
    assert_eq!((&summary["found"], &summary["shown"]), (&2.into(), &2.into()), "{tree}");
    assert_eq!(summary["parties"]["shown"][0], scene.consumer.did.as_str());

    // At the other end it came from elsewhere; and one at a time.
    let received = good(&scene.consumer.run(&["trace", pulled["transaction"].as_str().unwrap()]));
    assert_eq!(
        received["tree"]["children"][0]["children"][0]["asked"]["state"],
        "not-asked"
    );
    let one = good(&scene.provider.run(&["trace", "rain", "--down", "--limit", "1"]));
    assert_eq!(one["tree"]["children"][0]["hidden"], 1, "{one}");
    let both = scene.provider.run(&["trace", "rain", "--down", "--sparql", "ASK {}"]);
    assert_eq!(both.status.code(), Some(2), "{}", text(&both.stderr));
}
