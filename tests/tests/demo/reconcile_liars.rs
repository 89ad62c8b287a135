//! A peer that hides what it recorded is caught when the ledgers are compared; one that is only busy, cut off or slow is not accused.

use crate::reconcile::{change, reconcile, whats};
use crate::scene::Scene;
use herleid_tests::connector::good;
use herleid_tests::patience;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Closes the exchange of a record: what stays proves that it has one.
fn close(record: &mut Value) {
    record["opened"].as_object_mut().unwrap().remove("exchange");
}

/// Its number in the agreement's stream.
fn number(record: &Value) -> u64 {
    let place: Value = serde_json::from_str(record["opened"]["stream-agreement"]["text"].as_str().unwrap()).unwrap();
    place["n"].as_u64().unwrap()
}

#[test]
fn a_record_of_another_stream_fills_no_gap() {
    let scene = Scene::set();
    good(&scene.pull());
    // Another agreement with as many records.
    let other = scene.agree("rain");
    good(&scene.consumer.run(&["pull", &other]));
    let pages: Arc<Mutex<Vec<Value>>> = Arc::default();
    let keep = pages.clone();
    scene.proxy.lie_about("GET /exchanges", move |answer| {
        keep.lock().unwrap().push(serde_json::from_slice(&answer.body).unwrap());
    });
    good(
        &scene
            .consumer
            .run(&["reconcile", &scene.provider.did, "--agreement", &other]),
    );
    let decoys = pages.lock().unwrap().remove(0)["records"].clone();
    // In the place of each record with an exchange stands the one of the other agreement with its number, closed.
    scene.proxy.lie_about("GET /exchanges", move |answer| {
        change(answer, |records| {
            for record in records
                .iter_mut()
                .filter(|record| record["opened"]["exchange"].is_object())
            {
                let decoy = decoys
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|decoy| number(decoy) == number(record));
                *record = decoy.expect("as many records in the other stream").clone();
                close(record);
            }
        });
    });
    let listed = good(&scene.consumer.run(&["agreements"]));
    let ids = listed["agreements"].as_array().unwrap().iter();
    let mut ids = ids.map(|one| one["agreement"].as_str().unwrap());
    let first = ids.find(|id| *id != other).unwrap();
    let output = scene
        .consumer
        .run(&["reconcile", &scene.provider.did, "--agreement", first]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &said["verdict"]),
        (Some(1), &json!("differs")),
        "{said:#}"
    );
    let why = said["agreements"][0]["unfinished"].as_str().unwrap();
    assert!(why.starts_with("stream changed"), "{why}");
}

#[test]
fn a_peer_that_says_it_has_nothing_denies_the_agreement() {
    let scene = Scene::set();
    scene.proxy.lie_about("GET /exchanges", |answer| {
        answer.body = br#"{"n": 0, "records": [], "next": null}"#.to_vec();
    });
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(1), &json!("differs")), "{said:#}");
    assert_eq!(whats(&said["agreements"][0]), ["gap"]);
    // It stops below a number of which this end holds the receipt.
    good(&scene.pull());
    scene.proxy.lie_about("GET /exchanges", |answer| {
        let mut page: Value = serde_json::from_slice(&answer.body).unwrap();
        page["records"]
            .as_array_mut()
            .unwrap()
            .retain(|record| !record["opened"]["exchange"].is_object());
        // The last of those that are left, which concluded the agreement.
        let last = page["records"].as_array().unwrap().last().unwrap().clone();
        (page["records"], page["n"]) = (json!([last]), json!(1));
        answer.body = page.to_string().into_bytes();
    });
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(1), &json!("differs")), "{said:#}");
    assert_eq!(whats(&said["agreements"][0]), ["left-out", "gap"], "{said:#}");
}

#[test]
fn an_exchange_that_is_kept_closed_is_withheld() {
    let scene = Scene::set();
    // Given, and not received: nothing at this end would show that it was left out.
    scene.proxy.lie(|answer| answer.drop_header("herleid-receipt"));
    scene.caught("receipt withheld");
    scene.proxy.lie_about("GET /exchanges", |answer| {
        change(answer, |records| records.iter_mut().for_each(close));
    });
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(1), &json!("differs")), "{said:#}");
    assert_eq!(whats(&said["agreements"][0]), ["withheld"]);
}

#[test]
fn a_log_that_was_rolled_back_differs() {
    let mut scene = Scene::set();
    let copy = scene.folder.path().join("copy");
    scene.provider.copied(&copy);
    good(&scene.pull());
    scene.provider.kill();
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(7), &json!("unfinished")), "{said:#}");
    scene.provider.put_back(&copy);
    scene.provider.start();
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(1), &json!("differs")), "{said:#}");
    let why = said["agreements"][0]["unfinished"].as_str().unwrap();
    assert!(why.starts_with("log forked"), "{why}");
}

#[test]
fn pulls_that_go_on_meanwhile_accuse_nobody() {
    let scene = Scene::set();
    std::thread::scope(|threads| {
        let pulling = threads.spawn(|| {
            for _ in 0..12 {
                good(&scene.pull());
            }
        });
        while !pulling.is_finished() {
            for (here, there) in [(&scene.provider, &scene.consumer), (&scene.consumer, &scene.provider)] {
                let (code, said) = reconcile(here, there);
                assert_eq!(code, Some(0), "{said:#}");
            }
        }
    });
}

#[test]
fn a_pull_in_segments_is_compared_segment_by_segment() {
    let scene = Scene::set();
    let large: Vec<u8> = (0..3_500_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    scene.provider.publish("large", &large);
    let agreement = scene.agree("large");
    let mut cuts = 0;
    scene.proxy.lie(move |answer| {
        cuts += 1;
        if cuts < 3 {
            answer.cut(1 << 20);
        }
    });
    good(&scene.consumer.run(&["pull", &agreement]));
    for (here, there) in [(&scene.consumer, &scene.provider), (&scene.provider, &scene.consumer)] {
        let (code, said) = reconcile(here, there);
        assert_eq!((code, &said["verdict"]), (Some(0), &json!("same")), "{said:#}");
        let agreements = said["agreements"].as_array().unwrap();
        let one = agreements
            .iter()
            .find(|one| one["agreement"] == agreement.as_str())
            .unwrap();
        assert!(one["same"].as_u64().unwrap() > 1, "{said:#}");
    }
}

#[test]
fn runs_are_compared_and_a_start_that_is_denied_shows_by_its_receipt() {
    let scene = Scene::set();
    patience::publish(&scene.provider, scene.folder.path(), patience::MODEL);
    let agreement = scene.agree("patience");
    good(&scene.consumer.run(&["run", &agreement, "--set", "seconds=0"]));
    for (here, there) in [(&scene.consumer, &scene.provider), (&scene.provider, &scene.consumer)] {
        let (code, said) = reconcile(here, there);
        assert_eq!((code, &said["verdict"]), (Some(0), &json!("same")), "{said:#}");
        let agreements = said["agreements"].as_array().unwrap();
        let one = agreements
            .iter()
            .find(|one| one["agreement"] == agreement.as_str())
            .unwrap();
        assert_eq!(one["same"], 2, "what was asked, and what came of it: {said:#}");
    }
    // One that fails: of its end there is no exchange.
    let failed = scene.consumer.run(&["run", &agreement, "--set", "seconds=13"]);
    assert!(!failed.status.success());
    assert_eq!(reconcile(&scene.consumer, &scene.provider).1["verdict"], "same");
    scene.proxy.lie_about("GET /exchanges", |answer| {
        change(answer, |records| {
            let started = records
                .iter()
                .position(|record| record["opened"]["exchange"].is_object());
            if let Some(started) = started.filter(|_| records.len() > 3) {
                records.remove(started);
            }
        });
    });
    let output = scene
        .consumer
        .run(&["reconcile", &scene.provider.did, "--agreement", &agreement]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(whats(&said["agreements"][0]), ["left-out", "gap"], "{said:#}");
}
