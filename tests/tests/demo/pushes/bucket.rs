//! Pushes into a bucket of a real S3 server.

use super::{
    SECRET, address, at_most_one_outstanding, data, holds_the_secret, push, refused, scene, trace, transfers, wait_for,
};
use crate::sources::{call, started, tool};
use herleid_tests::connector::good;
use herleid_tests::machine::free_port;
use herleid_tests::process::mortal;
use serde_json::{Value, json};

/// An S3 server with a bucket, and the address of an object in it.
fn bucket(port: u16, name: &str) -> Value {
    let properties = [
        ("region", "us-east-1"),
        ("bucketName", name),
        ("objectName", "in/rain.bin"),
        ("accessKeyId", "a"),
        ("secretAccessKey", SECRET),
    ];
    address("AmazonS3", &format!("http://127.0.0.1:{port}"), &properties)
}

#[test]
fn a_bucket_gets_the_object_and_both_logs_say_the_same() {
    let Some(program) = tool("moto_server", "a bucket gets the object") else {
        return;
    };
    let port = free_port();
    let mut command = mortal(program);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let server = started(command, port, "/");
    assert_eq!(call(server.port, "PUT", "/rain", b"").unwrap().0, 200);
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
    let (status, head) = call(server.port, "HEAD", "/rain/in/rain.bin", b"").unwrap();
    assert!(
        status == 200 && head.contains(&format!("Content-Length: {}", data().len())),
        "{head}"
    );
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
