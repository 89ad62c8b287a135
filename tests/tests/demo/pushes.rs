//! Pushes: to an HTTP endpoint that takes, refuses, breaks off or hangs, and to a real S3 server; each under a policy that allows one use.

mod again;
mod bucket;
mod meanwhile;
mod quiet;

use crate::receiving::{Act, Endpoint};
use crate::scene::Scene;
use herleid_tests::connector::{Connector, good};
use herleid_tests::machine::{free_port, wait_for};
use herleid_tests::process::told;
use quiet::{TWICE_FAILED, holds_the_secret, stays_quiet};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Output, Stdio};

/// Once, and no more.
const ONCE: &str = r#"{"@type": "Offer", "permission": [{"action": "use",
    "constraint": [{"leftOperand": "count", "operator": "lteq", "rightOperand": 1}]}]}"#;
/// What lets in to where the data goes.
const SECRET: &str = herleid_tests::s3::SECRET;

/// More than fits between the two, and more than two parts of an upload.
fn data() -> Vec<u8> {
    (0..24_000_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// A scene with a large dataset, an agreement about it, and a provider that may push below `base`.
fn scene(base: &str, more: &str) -> (Scene, String) {
    let mut scene = Scene::set();
    let lines = format!(
        "allow = [{{ did = \"{}\", to = \"{base}\", internal = true }}]\n{more}",
        scene.consumer.did
    );
    scene.provider.set("push", &lines);
    scene.provider.kill();
    scene.provider.start();
    let file = scene.provider.directory.join("large.bin");
    std::fs::write(&file, data()).unwrap();
    good(&scene.provider.publish_under(&[file.to_str().unwrap()], "large", ONCE));
    let agreement = scene.agree("large");
    (scene, agreement)
}

fn address(kind: &str, endpoint: &str, properties: &[(&str, &str)]) -> Value {
    let properties = properties.iter();
    let properties = properties.map(|(name, value)| json!({"@type": "EndpointProperty", "name": name, "value": value}));
    let properties: Vec<Value> = properties.collect();
    let mut address = json!({"@type": "DataAddress", "endpointType": kind, "endpoint": endpoint});
    if !properties.is_empty() {
        address["endpointProperties"] = json!(properties);
    }
    address
}

/// An HTTP endpoint.
fn http(endpoint: &str) -> Value {
    let shown = [("authorization", SECRET), ("authType", "bearer"), ("method", "PUT")];
    address("https://w3id.org/idsa/v4.1/HTTP", endpoint, &shown)
}

/// Has the data pushed there.
fn push(scene: &Scene, agreement: &str, to: &Value) -> Command {
    let file = scene.folder.path().join("to.json");
    std::fs::write(&file, to.to_string()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    scene
        .consumer
        .command(&["push", agreement, "--to", file.to_str().unwrap()])
}

fn pushing(scene: &Scene, agreement: &str, to: &Value) -> Child {
    let mut command = push(scene, agreement, to);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// It is refused, for this reason, which shows nothing that is secret.
fn refused(output: &Output, why: &str) {
    assert!(!output.status.success(), "{}", told(output));
    assert!(told(output).contains(why), "expected `{why}`: {}", told(output));
    assert!(
        !told(output).contains(SECRET) && !told(output).contains("hidden"),
        "{}",
        told(output)
    );
}

/// The pushes of a connector that are in a state: their ids.
fn transfers(connector: &Connector, state: &str) -> Vec<String> {
    let listed = good(&connector.run(&["transfers", "--limit", "0"]));
    assert!(!listed.to_string().contains(SECRET));
    let all = listed["transfers"].as_array().unwrap().iter();
    let wanted = all.filter(|one| one["state"] == state && one["format"].as_str().unwrap().ends_with("-PUSH"));
    wanted.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// What a connector's log says of a transaction.
fn trace(connector: &Connector, transaction: &str) -> String {
    let output = connector.run(&["trace", transaction]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(!told(&output).contains(SECRET));
    told(&output)
}

/// From now on one push or pull may wait for its receipt.
fn at_most_one_outstanding(scene: &mut Scene) {
    scene.provider.set("limits", "outstanding_per_agreement = 1");
    scene.provider.kill();
    scene.provider.start();
}

/// It was the one use that is allowed.
fn counted(scene: &Scene, agreement: &str) {
    let again = scene.consumer.run(&["pull", agreement]);
    assert_eq!(again.status.code(), Some(5), "{}", told(&again));
    assert!(told(&again).contains("times used"), "{}", told(&again));
}

#[test]
fn an_endpoint_gets_the_data_with_its_digest_and_what_lets_in() {
    let endpoint = Endpoint::start(&[]);
    let (scene, agreement) = scene(&format!("{}/in", endpoint.base), "");
    let formats = good(
        &scene
            .consumer
            .run(&["catalog", &scene.provider.did, "--format", "HttpData-PUSH"]),
    );
    assert_eq!(formats["total"], 2, "{formats}");
    let answer = good(
        &push(
            &scene,
            &agreement,
            &http(&format!("{}/in/rain?sig={SECRET}", endpoint.base)),
        )
        .output()
        .unwrap(),
    );
    // What went elsewhere was not seen here: there is no record and no receipt.
    assert!(
        answer.get("seen").is_none() && !answer.to_string().contains(SECRET),
        "{answer}"
    );
    let came = endpoint.next();
    assert!(came.whole && came.body == data(), "other bytes came");
    assert!(
        came.head.starts_with(&format!("PUT /in/rain?sig={SECRET} ")),
        "{}",
        came.head
    );
    assert_eq!(came.header("authorization"), Some(&*format!("Bearer {SECRET}")));
    let transaction = answer["transaction"].as_str().unwrap();
    assert_eq!(came.header("herleid-transaction"), Some(transaction));
    assert!(came.header("content-digest").unwrap().starts_with("sha-256=:"));
    assert!(trace(&scene.provider, transaction).contains(transaction));
    let traced = scene.consumer.run(&["trace", transaction]);
    assert_eq!(traced.status.code(), Some(3), "{}", told(&traced));
    for end in [&scene.provider, &scene.consumer] {
        wait_for(|| transfers(end, "COMPLETED").pop());
    }
    assert!(endpoint.is_quiet());
    counted(&scene, &agreement);

    // No receipt comes of what was not seen: it stays outstanding.
    let mut scene = scene;
    at_most_one_outstanding(&mut scene);
    let (agreement, to) = (scene.agree("rain"), http(&format!("{}/in", endpoint.base)));
    good(&push(&scene, &agreement, &to).output().unwrap());
    refused(
        &push(&scene, &agreement, &to).output().unwrap(),
        "wait for your receipts",
    );
}

#[test]
fn a_connection_that_breaks_is_tried_again_and_counts_once() {
    let endpoint = Endpoint::start(&[Act::Break(1 << 20), Act::Take(503)]);
    let (scene, agreement) = scene(&endpoint.base, "");
    good(&push(&scene, &agreement, &http(&endpoint.base)).output().unwrap());
    let came = [endpoint.next(), endpoint.next(), endpoint.next()];
    assert_eq!(came.each_ref().map(|one| one.whole), [false, true, true]);
    assert!(came[2].body == data());
    let transactions = came
        .each_ref()
        .map(|one| one.header("herleid-transaction").unwrap().to_owned());
    assert!(transactions[0] == transactions[1] && transactions[1] == transactions[2]);
    counted(&scene, &agreement);
}

#[test]
fn a_receiver_that_refuses_ends_the_push_at_once() {
    let [first, second] = TWICE_FAILED;
    let endpoint = Endpoint::start(&[Act::Refuse(403), first, second]);
    let (scene, agreement) = scene(&endpoint.base, "");
    refused(
        &push(&scene, &agreement, &http(&endpoint.base)).output().unwrap(),
        "HTTP status 403",
    );
    assert!(!endpoint.next().whole);
    for end in [&scene.provider, &scene.consumer] {
        wait_for(|| transfers(end, "TERMINATED").pop());
    }
    stays_quiet(&scene, &endpoint);
}

#[test]
fn a_receiver_that_says_nothing_or_redirects_ends_it_after_so_many_attempts() {
    let endpoint = Endpoint::start(&[Act::Silence, Act::Take(307)]);
    let mut made = scene(&endpoint.base, "attempts = 2");
    made.0.provider.set("network", "request_timeout_ms = 2000");
    made.0.provider.kill();
    made.0.provider.start();
    let (scene, agreement) = made;
    // A redirect would lead past the list: it is not followed.
    refused(
        &push(&scene, &agreement, &http(&endpoint.base)).output().unwrap(),
        "the receiver could not be called: its host gave no usable answer",
    );
    assert!(endpoint.next().whole && endpoint.next().whole && endpoint.is_quiet());

    let endpoint_of_nobody = format!("http://127.0.0.1:{}", free_port());
    let lines = format!(
        "allow = [{{ did = \"{}\", to = \"{endpoint_of_nobody}\", internal = true }}]\nattempts = 2",
        scene.consumer.did
    );
    let mut scene = scene;
    scene.provider.set("push", &lines);
    scene.provider.kill();
    scene.provider.start();
    let agreement = scene.agree("large");
    let failed = push(&scene, &agreement, &http(&endpoint_of_nobody)).output().unwrap();
    refused(&failed, "its host could not be reached safely (tried 2 times)");
    // Nothing has left, so it is not the one use.
    good(&scene.consumer.run(&["pull", &agreement]));
}

#[test]
fn a_provider_that_is_killed_starts_the_push_again() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20)]);
    let (mut scene, agreement) = scene(&endpoint.base, "");
    let child = pushing(&scene, &agreement, &http(&endpoint.base));
    endpoint.stopped();
    scene.provider.kill();
    assert!(holds_the_secret(&scene.provider), "it could not go on");
    endpoint.go_on();
    assert!(!endpoint.next().whole);
    assert_eq!(transfers(&scene.consumer, "COMPLETED").len(), 0);
    scene.provider.start();
    good(&child.wait_with_output().unwrap());
    let came = endpoint.next();
    assert!(came.whole && came.body == data());
    wait_for(|| transfers(&scene.provider, "COMPLETED").pop());
    counted(&scene, &agreement);
    for end in [&mut scene.provider, &mut scene.consumer] {
        end.kill();
        assert!(!holds_the_secret(end), "it is kept longer than it is needed");
        end.start();
    }
}

#[test]
fn a_push_that_is_held_back_breaks_off_and_goes_on_when_it_may() {
    let [first, second] = TWICE_FAILED;
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20), first, second]);
    let (scene, agreement) = scene(&endpoint.base, "");
    let child = pushing(&scene, &agreement, &http(&endpoint.base));
    endpoint.stopped();
    let open = transfers(&scene.provider, "STARTED");
    good(
        &scene
            .provider
            .run(&["transfer", "suspend", &open[0], "--reason", "gauge under repair"]),
    );
    wait_for(|| transfers(&scene.consumer, "SUSPENDED").pop());
    endpoint.go_on();
    assert!(!endpoint.next().whole, "it went on while it was held back");
    wait_for(|| transfers(&scene.provider, "SUSPENDED").pop());
    stays_quiet(&scene, &endpoint);
    good(&scene.provider.run(&["transfer", "resume", &open[0]]));
    good(&child.wait_with_output().unwrap());
    assert!(endpoint.next().body == data());
    counted(&scene, &agreement);
}

#[test]
fn a_push_under_way_ends_when_its_transfer_or_its_version_does() {
    let [first, second] = TWICE_FAILED;
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20), Act::Stop(1 << 20), first, second]);
    let (scene, agreement) = scene(&endpoint.base, "");
    let child = pushing(&scene, &agreement, &http(&endpoint.base));
    endpoint.stopped();
    let open = transfers(&scene.provider, "STARTED");
    good(
        &scene
            .provider
            .run(&["transfer", "terminate", &open[0], "--reason", "by mistake"]),
    );
    refused(&child.wait_with_output().unwrap(), "by mistake");
    endpoint.go_on();
    assert!(!endpoint.next().whole);

    let agreement = scene.agree("large");
    let child = pushing(&scene, &agreement, &http(&endpoint.base));
    endpoint.stopped();
    good(
        &scene
            .provider
            .run(&["withdraw", "large", "--reason", "the gauge was wrong"]),
    );
    refused(&child.wait_with_output().unwrap(), "the gauge was wrong");
    endpoint.go_on();
    assert!(!endpoint.next().whole);
    stays_quiet(&scene, &endpoint);
}

#[test]
fn where_nothing_may_be_pushed_nothing_is_called() {
    let endpoint = Endpoint::start(&[]);
    let (scene, agreement) = scene(&format!("{}/in", endpoint.base), "");
    for elsewhere in ["/", "/inner", "/in/../admin", "/in/%2e%2e/admin", "/in/..%2fadmin"] {
        let to = http(&format!("{}{elsewhere}", endpoint.base));
        refused(
            &push(&scene, &agreement, &to).output().unwrap(),
            "does not lie where this connector may push to",
        );
    }
    for host in ["http://localhost:80/in", "http://169.254.169.254/in", "http://[::1]/in"] {
        refused(
            &push(&scene, &agreement, &http(host)).output().unwrap(),
            "does not lie where",
        );
    }
    // What the consumer can know itself is not even asked for.
    let to = |kind: &str, properties: &[(&str, &str)]| address(kind, &format!("{}/in", endpoint.base), properties);
    for (wrong, why) in [
        (to("Kafka", &[]), "`endpointType` is `Kafka`"),
        (to("HttpData", &[("method", "DELETE")]), "`method`"),
        (
            to("HttpData", &[("header:Host", SECRET)]),
            "`header:Host` is not understood",
        ),
        (
            to("HttpData", &[("authKey", "Host"), ("authCode", SECRET)]),
            "`authKey`",
        ),
        (to("AmazonS3", &[("bucketName", "rain")]), "`region` is missing"),
        (json!({"@type": "DataAddress"}), "endpointType"),
        (json!([SECRET]), "is not understood"),
    ] {
        let output = push(&scene, &agreement, &wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        refused(&output, why);
    }
    let mut exposed = push(&scene, &agreement, &http(&endpoint.base));
    let file = scene.folder.path().join("to.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(!exposed.output().unwrap().status.success());
    assert!(endpoint.is_quiet());
    // None of it was a use.
    good(&scene.consumer.run(&["pull", &agreement]));
}

#[test]
fn without_the_operators_word_nothing_is_pushed_and_no_such_format_shown() {
    let endpoint = Endpoint::start(&[]);
    let scene = Scene::set();
    let agreement = scene.agree("rain");
    let formats = good(
        &scene
            .consumer
            .run(&["catalog", &scene.provider.did, "--format", "HttpData-PUSH"]),
    );
    assert_eq!(formats["total"], 0, "{formats}");
    refused(
        &push(&scene, &agreement, &http(&endpoint.base)).output().unwrap(),
        "is not offered here",
    );
    assert!(endpoint.is_quiet());
}
