//! Two ends whose clocks are apart.

use crate::faults::Clock;
use crate::reconcile::reconcile;
use crate::scene::Scene;
use herleid_tests::connector::{Connector, good};
use herleid_tests::process::{herleid, mortal, told};
use serde_json::{Value, json};

#[test]
fn clocks_that_are_apart_are_said_by_how_much_at_both_ends() {
    let mut scene = Scene::set();
    let clock = Clock::made(scene.folder.path());
    // Within what tokens and requests allow.
    clock.step(8);
    scene.provider.kill();
    scene.provider.start_with(|service| clock.of(service));
    good(&scene.pull());
    let bounds = |said: &Value| said["agreements"][0]["clock_ahead_ms"].clone();
    let (code, at_consumer) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!(
        (code, &at_consumer["verdict"]),
        (Some(0), &json!("same")),
        "{at_consumer:#}"
    );
    let least = bounds(&at_consumer)[0].as_i64().unwrap();
    assert!((1_000..=8_000).contains(&least), "{at_consumer:#}");
    let (_, at_provider) = reconcile(&scene.provider, &scene.consumer);
    let most = bounds(&at_provider)[1].as_i64().unwrap();
    assert!((-8_000..=-1_000).contains(&most), "{at_provider:#}");
    let read = |at: &Connector, of: &str| {
        let mut command = mortal(herleid());
        command
            .args(["--development", "--config"])
            .arg(at.directory.join("herleid.toml"));
        told(&command.args(["reconcile", of]).output().unwrap())
    };
    let (ahead, behind) = (
        read(&scene.consumer, &scene.provider.did),
        read(&scene.provider, &scene.consumer.did),
    );
    assert!(ahead.contains("ms ahead of this one"), "{ahead}");
    assert!(behind.contains("ms behind this one"), "{behind}");
    // And by `status`, whoever has asked, or nobody.
    for (at, expected) in [
        (&scene.consumer, "ms ahead of this one"),
        (&scene.provider, "ms behind this one"),
    ] {
        let status = good(&at.run(&["status"]));
        let warned = status["warnings"].as_array().unwrap().iter();
        let warned: Vec<&str> = warned
            .filter_map(Value::as_str)
            .filter(|said| said.contains(expected))
            .collect();
        assert_eq!(warned.len(), 1, "{status:#}");
    }
}
