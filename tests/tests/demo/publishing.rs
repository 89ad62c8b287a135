//! What is refused before it is recorded: an offer that could not be shown, kept or enforced would stand in the log for ever.

use crate::scene::Scene;
use herleid_tests::connector::{DESCRIBED, good};
use herleid_tests::process::told;
use serde_json::{Value, json};

/// Tries to publish `id` under `policy`, and says what came of it.
fn publish(scene: &Scene, id: &str, policy: &Value, more: &[&str]) -> std::process::Output {
    let (file, offer) = (scene.folder.path().join(id), scene.folder.path().join("tried.json"));
    std::fs::write(&file, format!("{id} {more:?}")).unwrap();
    std::fs::write(&offer, policy.to_string()).unwrap();
    let (file, offer) = (file.to_str().unwrap(), offer.to_str().unwrap());
    let mut arguments = vec!["publish", file, "--id", id, "--policy", offer];
    arguments.extend(DESCRIBED);
    arguments.extend(more);
    scene.provider.run(&arguments)
}

/// The datasets that the consumer sees.
fn catalogue(scene: &Scene) -> Vec<String> {
    let answer = good(&scene.consumer.run(&["catalog", &scene.provider.did]));
    let entries = answer["datasets"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let mut ids: Vec<String> = entries.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn an_offer_that_cannot_be_shown_is_refused_and_the_catalogue_stands() {
    let scene = Scene::set();
    let named = json!({"@type": "Offer", "@id": "urn:offer:1", "permission": [{"action": "use"}]});
    good(&publish(&scene, "one", &named, &[]));
    let aimed = json!({"@type": "Offer", "target": "elsewhere", "permission": [{"action": "use"}]});
    for (id, policy) in [("two", &named), ("three", &aimed)] {
        let refused = publish(&scene, id, policy, &[]);
        assert_eq!(refused.status.code(), Some(5), "{id}: {}", told(&refused));
        assert!(told(&refused).contains("catalogue"), "{id}: {}", told(&refused));
    }
    // Without an identifier of its own the offer gets one from the dataset.
    let plain = json!({"@type": "Offer", "permission": [{"action": "use"}]});
    for id in ["two", "three"] {
        good(&publish(&scene, id, &plain, &[]));
    }
    assert_eq!(catalogue(&scene), ["one", "rain", "three", "two"]);
}

#[test]
fn a_version_never_changes() {
    let scene = Scene::set();
    let plain = json!({"@type": "Offer", "permission": [{"action": "use"}]});
    good(&publish(&scene, "one", &plain, &["--version", "1"]));
    std::fs::write(scene.folder.path().join("other"), "other bytes").unwrap();
    let offer = scene.folder.path().join("tried.json");
    let file = scene.folder.path().join("other");
    let arguments = [
        "publish",
        file.to_str().unwrap(),
        "--id",
        "one",
        "--version",
        "1",
        "--policy",
        offer.to_str().unwrap(),
    ];
    let refused = scene.provider.run(&[&arguments[..], &DESCRIBED].concat());
    assert_eq!(refused.status.code(), Some(5), "{}", told(&refused));
    assert!(told(&refused).contains("a version never changes"), "{}", told(&refused));
    // The same bytes under another offer are another matter.
    let narrower = json!({"@type": "Offer", "@id": "urn:offer:2", "permission": [{"action": "use", "constraint": [
        {"leftOperand": "count", "operator": "lteq", "rightOperand": {"@value": "3", "@type": "xsd:integer"}}]}]});
    good(&publish(&scene, "one", &narrower, &["--version", "1"]));
    assert_eq!(catalogue(&scene), ["one", "rain"]);
}

/// What a withdrawal brings back must fit as well.
#[test]
fn an_offer_of_an_older_version_is_not_given_to_another_dataset() {
    let scene = Scene::set();
    let offer = |id: &str| json!({"@type": "Offer", "@id": id, "permission": [{"action": "use"}]});
    good(&publish(&scene, "one", &offer("urn:offer:x"), &["--version", "1"]));
    good(&publish(&scene, "one", &offer("urn:offer:y"), &["--version", "2"]));
    let refused = publish(&scene, "two", &offer("urn:offer:x"), &[]);
    assert_eq!(refused.status.code(), Some(5), "{}", told(&refused));
    assert!(told(&refused).contains("urn:offer:x"), "{}", told(&refused));
    good(
        &scene
            .provider
            .run(&["withdraw", "one", "--version", "2", "--reason", "too early"]),
    );
    assert_eq!(catalogue(&scene), ["one", "rain"]);
}

/// A ready-made policy by its name, and the question what it would give today and in another year.
#[test]
fn a_ready_made_policy_is_published_by_name_and_tried_as_published() {
    let scene = Scene::set();
    let file = scene.folder.path().join("sewer");
    std::fs::write(&file, "pipes").unwrap();
    let publish = |more: &[&str]| {
        let what = [
            "publish",
            file.to_str().unwrap(),
            "--id",
            "sewer",
            "--policy",
            "permit-case",
        ];
        scene.provider.run(&[&what[..], &DESCRIBED, more].concat())
    };
    let until = ["--set", "until=2099-06-30+02:00"];
    let refused = publish(&until);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("authority"), "{}", told(&refused));
    let authority = format!("authority={}", scene.consumer.did);
    good(&publish(&[&until[..], &["--set", &authority]].concat()));

    let permit = "purpose:OmgevingswetOmgevingsvergunning";
    let tried = |more: &[&str]| {
        let what = ["policy", "try", "--dataset", "sewer", "--who", &scene.consumer.did];
        scene.provider.run(&[&what[..], more].concat())
    };
    let answer = good(&tried(&["--purpose", permit]));
    assert_eq!(answer["permits"], true, "{answer}");
    let onward = [
        "--purpose",
        permit,
        "--action",
        "distribute",
        "--recipient",
        &scene.consumer.did,
    ];
    good(&tried(&onward));
    for (more, because) in [
        (&["--purpose", "dpv:Marketing"][..], "Marketing"),
        (
            &["--purpose", permit, "--time", "2100-01-01T00:00:00Z"][..],
            "2099-06-30+02:00",
        ),
    ] {
        let refused = tried(more);
        assert_eq!(refused.status.code(), Some(5), "{}", told(&refused));
        assert!(told(&refused).contains(because), "{}", told(&refused));
    }
    good(&scene.provider.run(&["withdraw", "sewer", "--reason", "decided"]));
    assert_eq!(tried(&[]).status.code(), Some(3));
}
