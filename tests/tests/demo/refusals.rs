//! What a service does with a port in use, a second process, a broken configuration, a participant that is not admitted.

use crate::scene::Scene;
use herleid_tests::connector::{Connector, good, serve};
use herleid_tests::machine::free_port;
use herleid_tests::process::{herleid, mortal, told};
use std::net::TcpListener;
use std::process::Output;

/// A connector in a directory that goes with the test.
fn connector() -> (tempfile::TempDir, Connector) {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let connector = Connector::new(folder.path().join("connector"), port, port);
    (folder, connector)
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let connector = Connector::new(folder.path().join("connector"), port, port);
    let output = serve(&connector.directory).output().unwrap();
    assert_eq!(output.status.code(), Some(8), "{}", told(&output));
    assert!(told(&output).contains(&port.to_string()), "{}", told(&output));
}

#[test]
fn a_second_process_on_one_directory_is_refused_and_the_first_goes_on() {
    let (_folder, mut connector) = connector();
    connector.start();
    let second = serve(&connector.directory)
        .env("HERLEID_LISTEN__ADDRESS", format!("127.0.0.1:{}", free_port()))
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(8), "{}", told(&second));
    let storage = connector.storage().display().to_string();
    let said = told(&second);
    assert!(
        said.contains("another `herleid serve` is running on")
            && said.contains(&storage)
            && said.contains("stop that one first"),
        "{said}"
    );
    good(&connector.run(&["status"]));
}

#[test]
fn a_misspelt_key_names_the_right_one() {
    let (_folder, connector) = connector();
    let file = connector.directory.join("herleid.toml");
    let configuration = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, configuration.replacen("public_url", "publik_url", 1)).unwrap();
    let output = serve(&connector.directory).output().unwrap();
    assert_eq!(output.status.code(), Some(9), "{}", told(&output));
    assert!(told(&output).contains("public_url"), "{}", told(&output));
}

#[test]
fn shortcuts_need_the_flag() {
    let (_folder, connector) = connector();
    let mut command = mortal(herleid());
    let output = command
        .arg("--config")
        .arg(connector.directory.join("herleid.toml"))
        .arg("serve")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(9), "{}", told(&output));
    assert!(told(&output).contains("development"), "{}", told(&output));
}

#[test]
fn a_participant_left_out_of_trust_peers_is_dealt_with_in_neither_direction() {
    let mut scene = Scene::set();
    good(&scene.pull());
    let (nobody, consumer) = (
        "peers = []",
        format!("peers = [{{ did = \"{}\" }}]", scene.consumer.did),
    );
    // The agreement is from before the configuration was narrowed, and stands.
    narrow(&mut scene.provider, nobody);
    assert_not_admitted(&scene.pull());
    narrow(&mut scene.provider, &consumer);
    good(&scene.pull());
    narrow(&mut scene.consumer, nobody);
    assert_not_admitted(&scene.pull());
}

/// The connector again, with these lines under `[trust]`.
fn narrow(connector: &mut Connector, lines: &str) {
    connector.kill();
    connector.set("trust", lines);
    connector.start();
}

fn assert_not_admitted(output: &Output) {
    assert!(!output.status.success(), "{}", told(output));
    assert!(told(output).contains("trust.peers"), "{}", told(output));
}

#[test]
fn mock_identity_asks_for_no_credential_and_is_seen() {
    let mut scene = Scene::set();
    let catalogue = |scene: &Scene| scene.consumer.run(&["catalog", &scene.provider.did]);
    let rewritten = |scene: &mut Scene, from: &str, to: &str| {
        let file = scene.provider.directory.join("herleid.toml");
        let configuration = std::fs::read_to_string(&file).unwrap();
        assert!(configuration.contains(from), "{configuration}");
        scene.provider.kill();
        std::fs::write(&file, configuration.replace(from, to)).unwrap();
        scene.provider.start();
    };
    let member = r#"required_credentials = ["MembershipCredential"]"#;
    rewritten(&mut scene, "required_credentials = []", member);
    let refused = catalogue(&scene);
    assert_eq!(refused.status.code(), Some(5), "{}", told(&refused));
    assert!(told(&refused).contains("MembershipCredential"), "{}", told(&refused));
    rewritten(
        &mut scene,
        "plain_http = true",
        "plain_http = true\nmock_identity = true",
    );
    good(&catalogue(&scene));
    let status = scene.provider.run(&["status"]);
    assert!(
        told(&status).contains("development shortcuts are on"),
        "{}",
        told(&status)
    );
}
