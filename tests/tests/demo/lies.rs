//! A provider that lies is caught by its consumer, each lie by its name, and nothing of what it sent is kept.

use crate::scene::Scene;
use herleid_tests::connector::{Connector, DESCRIBED, RAIN, good};
use herleid_tests::process::told;
use rocksdb::{DB, Options};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

#[test]
fn each_lie_about_one_pull_has_its_name_and_leaves_nothing() {
    let scene = Scene::set();
    scene.proxy.lie(|answer| answer.drop_header("herleid-receipt"));
    scene.caught("receipt withheld");
    scene.proxy.lie(|answer| answer.body[3] ^= 1);
    scene.caught("exchange altered");
    scene.proxy.lie(|answer| {
        let receipt = answer.header("herleid-receipt").unwrap().to_owned();
        answer.drop_header("herleid-receipt");
        // The first letter of the base64 of `{"`: it is no record any more.
        answer.head.push(format!("herleid-receipt: f{}", &receipt[1..]));
    });
    scene.caught("receipt invalid");
    assert_eq!(
        scene.payloads(),
        Vec::<PathBuf>::new(),
        "nothing that did not verify was kept"
    );

    let seen: Arc<Mutex<Option<String>>> = Arc::default();
    let keep = seen.clone();
    scene
        .proxy
        .lie(move |answer| *keep.lock().unwrap() = answer.header("herleid-receipt").map(str::to_owned));
    let honest = good(&scene.pull());
    assert_eq!(honest["bytes"].as_u64(), Some(RAIN.len() as u64));
    // A true receipt, but of another pull.
    scene.proxy.lie(move |answer| {
        answer.drop_header("herleid-receipt");
        answer
            .head
            .push(format!("herleid-receipt: {}", seen.lock().unwrap().as_ref().unwrap()));
    });
    scene.caught("exchange altered");
    assert_eq!(scene.payloads().len(), 1);
}

#[test]
fn a_provider_that_goes_back_to_an_older_log_is_caught_as_a_fork() {
    let mut scene = Scene::set();
    let copy = scene.folder.path().join("copy");
    scene.provider.copied(&copy);
    good(&scene.pull());
    // The operator restores the copy: the record of that pull is gone from its log, and another takes its place.
    scene.provider.put_back(&copy);
    scene.provider.start();
    // Of a shorter log nothing can be continued; one that has grown past it again has no proof to show.
    scene.caught("log forked");
    for id in ["snow", "hail", "fog", "dew"] {
        scene.provider.publish(id, id.as_bytes());
    }
    scene.caught("log forked");
}

#[test]
fn a_provider_that_gives_a_number_twice_is_caught() {
    let mut scene = Scene::set();
    good(&scene.pull());
    let before = streams(&mut scene.provider, &[]);
    good(&scene.pull());
    // The operator sets its sequencer back by one pull. The log only grows, so every checkpoint continues the one before
    // it: what shows is that the next pull gets the number, and the predecessor, of the one that was just made.
    let after = streams(&mut scene.provider, &before);
    assert_ne!(before, after, "a pull takes a number");
    scene.caught("number reused");
}

/// A consumer that asks for our offer in words of its own, in which the limit says nothing any more.
#[test]
fn an_offer_asked_for_in_other_words_is_not_agreed_to() {
    let scene = Scene::set();
    let once = r#"{"@type": "Offer", "permission": [{"action": "use", "constraint": [{"leftOperand": "count", "operator": "lteq",
        "rightOperand": {"@value": "1", "@type": "xsd:integer"}}]}]}"#;
    let offer = scene.folder.path().join("once.json");
    std::fs::write(&offer, once).unwrap();
    let (data, policy) = (scene.folder.path().join("data"), offer.to_str().unwrap());
    std::fs::write(&data, "snow").unwrap();
    let data = data.to_str().unwrap();
    good(
        &scene
            .provider
            .run(&[&["publish", data, "--id", "snow", "--policy", policy][..], &DESCRIBED].concat()),
    );
    for (from, to) in [
        (r#""@type":"xsd:integer""#, r#""@type":[]"#),
        (r#""@value":"1""#, r#""@value":"1000""#),
        (r#""leftOperand":"odrl:count""#, r#""leftOperand":"odrl:spatial""#),
    ] {
        scene.proxy.lie_about("GET /dsp/2025-1/catalog", move |answer| {
            let body = String::from_utf8(answer.body.clone()).unwrap();
            assert!(body.contains(from), "{body}");
            answer.body = body.replace(from, to).into_bytes();
        });
        let refused = scene.consumer.run(&["negotiate", &scene.provider.did, "snow"]);
        assert_eq!(refused.status.code(), Some(5), "{to}: {}", told(&refused));
        assert!(told(&refused).contains("policy-mismatch"), "{to}: {}", told(&refused));
    }
    scene.proxy.lie(|_| {});
    let agreed = good(&scene.consumer.run(&["negotiate", &scene.provider.did, "snow"]));
    let agreement = agreed["agreement"].as_str().unwrap();
    good(&scene.consumer.run(&["pull", agreement]));
    let again = scene.consumer.run(&["pull", agreement]);
    assert_eq!(again.status.code(), Some(5), "{}", told(&again));
}

/// The provider's counters of streams as they lie on its disk, after `set` was written over them; it is stopped meanwhile.
pub(crate) fn streams(provider: &mut Connector, set: &[(Vec<u8>, Vec<u8>)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    provider.kill();
    let path = provider.storage().join("log");
    let parts = DB::list_cf(&Options::default(), &path).unwrap();
    let store = DB::open_cf(&Options::default(), &path, parts).unwrap();
    let found = store.prefix_iterator(b"s").map(Result::unwrap);
    let found = found.take_while(|(key, _)| key.starts_with(b"s"));
    let found = found.map(|(key, value)| (key.into_vec(), value.into_vec())).collect();
    for (key, value) in set {
        store.put(key, value).unwrap();
    }
    drop(store);
    provider.start();
    found
}
