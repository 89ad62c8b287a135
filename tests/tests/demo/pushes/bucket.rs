//! Pushes into a bucket of a real S3 server.

use super::meanwhile::records;
use super::{
    address, at_most_one_outstanding, data, holds_the_secret, push, refused, scene, trace, transfers, wait_for,
};
use herleid_tests::connector::good;
use herleid_tests::lying_proxy::LyingProxy;
use herleid_tests::machine::free_port;
use herleid_tests::s3::{ACCESS_KEY, S3, SECRET};
use serde_json::{Value, json};

/// An S3 server with a bucket, and the address of an object in it.
fn bucket(port: u16, name: &str) -> Value {
    let properties = [
        ("region", "us-east-1"),
        ("bucketName", name),
        ("objectName", "in/rain.bin"),
        ("accessKeyId", ACCESS_KEY),
        ("secretAccessKey", SECRET),
    ];
    address("AmazonS3", &format!("http://127.0.0.1:{port}"), &properties)
}

#[test]
fn a_bucket_gets_the_object_and_both_logs_say_the_same() {
    let server = S3::start();
    let port = server.port;
    server.good("PUT", "/rain", b"");
    let (scene, agreement) = scene(&format!("http://127.0.0.1:{port}"), "attempts = 1");
    refused(
        &push(&scene, &agreement, &bucket(port, "other")).output().unwrap(),
        "no such bucket",
    );
    let answer = scene.agree("large");
    let answer = good(&push(&scene, &answer, &bucket(port, "rain")).output().unwrap());
    let seen = &answer["seen"];
    assert_eq!(
        (&seen["bytes"], &seen["transaction"]),
        (&json!(data().len()), &answer["transaction"]),
        "{answer}"
    );
    assert!(std::fs::read(seen["path"].as_str().unwrap()).unwrap() == data());
    let head = server.good("HEAD", "/rain/in/rain.bin", b"");
    assert!(head.contains(&format!("Content-Length: {}", data().len())), "{head}");
    let transaction = answer["transaction"].as_str().unwrap();
    for end in [&scene.provider, &scene.consumer] {
        assert!(trace(end, transaction).contains(seen["sha256"].as_str().unwrap()));
    }
    let mut scene = scene;
    at_most_one_outstanding(&mut scene);
    let agreement = scene.agree("rain");
    for _ in 0..2 {
        // The first is acknowledged, or the second would be refused.
        good(&push(&scene, &agreement, &bucket(port, "rain")).output().unwrap());
    }
    wait_for(|| transfers(&scene.provider, "STARTED").is_empty().then_some(()));
    for end in [&mut scene.provider, &mut scene.consumer] {
        end.kill();
        assert!(!holds_the_secret(end), "it is kept longer than it is needed");
        end.start();
    }
}

#[test]
fn a_bucket_that_cannot_be_read_back_is_looked_into_again() {
    let server = S3::start();
    server.good("PUT", "/rain", b"");
    let port = free_port();
    let before = LyingProxy::start(port, server.port);
    before.lie_about("GET /rain/in/rain.bin", |answer| {
        answer.head.clear();
        answer.cut(0);
    });
    let (mut scene, _) = scene(&format!("http://127.0.0.1:{port}"), "attempts = 1");
    let agreement = scene.agree("rain");
    // What was pushed is there: it is not given up with the connection.
    refused(
        &push(&scene, &agreement, &bucket(port, "rain")).output().unwrap(),
        "looked into again",
    );
    assert!(scene.payloads().is_empty());
    scene.consumer.kill();
    assert!(holds_the_secret(&scene.consumer), "it could not look again");
    before.lie_about("GET", |_| {});
    scene.consumer.start();
    wait_for(|| {
        let said = std::fs::read_to_string(scene.consumer.log()).unwrap();
        said.contains("a push has come").then_some(())
    });
    assert_eq!(scene.payloads().len(), 1);
    scene.consumer.kill();
    assert!(
        !holds_the_secret(&scene.consumer),
        "it is kept longer than it is needed"
    );
    assert_eq!(records(&scene.consumer, "pull-received").len(), 1);
    scene.consumer.start();
}
