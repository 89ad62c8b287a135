//! A catalogue of several pages, as its consumer sees it, and the metadata file as its holder writes it.

use crate::scene::Scene;
use herleid_tests::connector::{DESCRIBED, good};
use herleid_tests::lying_proxy::Answer;
use herleid_tests::process::told;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// A peer that does not say how many datasets it has, and always leads on: to a page of 3 MiB with the same dataset.
#[test]
fn a_catalogue_without_end_is_read_as_far_as_it_is_wanted_and_fits() {
    let scene = Scene::set();
    let asked = Arc::new(AtomicUsize::new(0));
    let endless = |bytes: usize| {
        let asked = asked.clone();
        asked.store(0, Ordering::SeqCst);
        let mut first = None;
        let answer = move |answer: &mut Answer| {
            let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
            // Only the first is asked for as its own connector knows it.
            let first = first.get_or_insert_with(|| answer.body.clone());
            let mut page: Value = serde_json::from_slice(first).unwrap();
            answer.head[0] = "HTTP/1.1 200 OK".to_owned();
            page.as_object_mut()
                .unwrap()
                .retain(|name, _| !name.ends_with("totalItems"));
            // Each has one dataset more, and the same one over and over where bytes are what counts.
            if bytes == 0 {
                page["dataset"][0]["@id"] = Value::from(format!("d{number}"));
            }
            page["nobody-reads-this"] = Value::from("x".repeat(bytes));
            answer.body = page.to_string().into_bytes();
            answer.drop_header("link");
            // It comes to an end all the same, so that whoever follows it says what it read.
            if number < 60 {
                answer
                    .head
                    .push(format!("link: <?continuationToken={number}>; rel=\"next\""));
            }
        };
        scene.proxy.lie_about("POST /dsp/2025-1/catalog/request", answer);
    };
    let read = |limit: &str| {
        let answer = good(&scene.consumer.run(&["catalog", &scene.provider.did, "--limit", limit]));
        (
            answer["total"].clone(),
            answer["more"].clone(),
            asked.load(Ordering::SeqCst),
        )
    };
    endless(0);
    assert_eq!(read("5"), (Value::from(5), Value::from(true), 5));
    // 64 MiB are read of a catalogue, and no more.
    endless(3 << 20);
    assert_eq!(read("0"), (Value::from(1), Value::from(true), 22));
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
