//! A catalogue of several pages, as its consumer sees it, and the metadata file as its holder writes it.

use crate::scene::Scene;
use herleid_tests::connector::{DESCRIBED, good};
use herleid_tests::process::told;
use serde_json::Value;

fn ids(answer: &Value) -> Vec<&str> {
    let datasets = answer["datasets"].as_array().unwrap();
    datasets.iter().map(|d| d["id"].as_str().unwrap()).collect()
}

#[test]
fn all_pages_are_followed_and_a_part_says_of_how_many() {
    let mut scene = Scene::set();
    scene.provider.kill();
    scene.provider.set("catalogue", "page = 2");
    scene.provider.start();
    for id in ["a", "b", "c", "d"] {
        scene.provider.publish(id, id.as_bytes());
    }
    let (consumer, provider) = (&scene.consumer, scene.provider.did.as_str());
    let all = good(&consumer.run(&["catalog", provider, "--limit", "0"]));
    assert_eq!(
        (ids(&all), &all["total"]),
        (vec!["a", "b", "c", "d", "rain"], &Value::from(5))
    );
    let some = good(&consumer.run(&["catalog", provider, "--limit", "3"]));
    assert_eq!((ids(&some), &some["total"]), (vec!["a", "b", "c"], &Value::from(5)));
    let found = good(&consumer.run(&[
        "catalog", provider, "--search", "fell", "--theme", "ENVI", "--limit", "1",
    ]));
    assert_eq!((ids(&found), &found["total"]), (vec!["a"], &Value::from(5)));
    assert_eq!(
        good(&consumer.run(&["catalog", provider, "--search", "snow"]))["total"],
        0
    );
    // What stands on the last page is negotiated like any other.
    good(&consumer.run(&["negotiate", provider, "rain"]));
    let missing = consumer.run(&["negotiate", provider, "snow"]);
    assert!(
        !missing.status.success() && told(&missing).contains("does not offer `snow`"),
        "{}",
        told(&missing)
    );
    let wrong = consumer.run(&["catalog", provider, "--from", "yesterday"]);
    assert!(
        !wrong.status.success() && told(&wrong).contains("a day or a moment"),
        "{}",
        told(&wrong)
    );
}

#[test]
fn a_page_that_leads_in_a_circle_or_elsewhere_is_not_followed() {
    let mut scene = Scene::set();
    scene.provider.kill();
    scene.provider.set("catalogue", "page = 1");
    scene.provider.start();
    scene.provider.publish("snow", b"0");
    let catalogue = |scene: &Scene| scene.consumer.run(&["catalog", &scene.provider.did, "--limit", "0"]);
    good(&catalogue(&scene));
    let lead = |link: &'static str| {
        scene
            .proxy
            .lie_about("POST /dsp/2025-1/catalog/request", move |answer| {
                answer.drop_header("link");
                answer.head.push(format!("link: {link}; rel=\"next\""));
            });
    };
    lead("<https://evil.example/catalog>");
    let refused = catalogue(&scene);
    assert_eq!(refused.status.code(), Some(4), "{}", told(&refused));
    assert!(told(&refused).contains("evil.example"), "{}", told(&refused));
    lead("<?continuationToken=eyJhZnRlciI6ICIifQ>");
    let refused = catalogue(&scene);
    assert!(
        !refused.status.success() && told(&refused).contains("in a circle"),
        "{}",
        told(&refused)
    );
}

#[test]
fn a_metadata_file_is_read_where_it_is_written_and_what_is_wrong_in_it_is_said() {
    let scene = Scene::set();
    let path = |name: &str, text: &str| {
        let path = scene.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let offer = path("offer.json", r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#);
    let data = path("snow.csv", "0");
    let publish = |metadata: &str, more: &[&str]| {
        let arguments = [
            "publish",
            &data,
            "--id",
            "snow",
            "--policy",
            &offer,
            "--metadata",
            metadata,
        ];
        scene.provider.run(&[&arguments[..], more].concat())
    };
    let good_file = path(
        "snow.toml",
        "title = { nl = \"Sneeuw\", en = \"Snow\" }\ndescription = \"Wat er viel\"\ntheme = [\"ENVI\"]\n",
    );
    good(&publish(&good_file, &[]));
    let listed = good(
        &scene
            .consumer
            .run(&["catalog", &scene.provider.did, "--search", "sneeuw"]),
    );
    assert_eq!(
        (ids(&listed), &listed["datasets"][0]["title"]),
        (vec!["snow"], &Value::from("Sneeuw"))
    );
    for (file, code, says) in [
        (path("a.toml", "titel = \"Sneeuw\""), 2, "titel"),
        (path("b.toml", "title = \"Sneeuw\""), 5, "no `description`"),
        (
            path("c.toml", "title = \"Sneeuw\"\ndescription = \"x\""),
            5,
            "no `theme`",
        ),
    ] {
        let refused = publish(&file, &[]);
        assert_eq!(refused.status.code(), Some(code), "{}", told(&refused));
        assert!(told(&refused).contains(says), "{says}: {}", told(&refused));
    }
    let twice = publish(&good_file, &DESCRIBED);
    assert!(
        !twice.status.success() && told(&twice).contains("say the same thing"),
        "{}",
        told(&twice)
    );
    let absent = publish("/nowhere/snow.toml", &[]);
    assert!(
        !absent.status.success() && told(&absent).contains("/nowhere/snow.toml"),
        "{}",
        told(&absent)
    );
}
