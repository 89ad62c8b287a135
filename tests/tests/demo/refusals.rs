//! What a service does with a port in use, a second process, a broken configuration.

use crate::lies::{Scene, good};
use crate::{herleid, run, text};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A connector made by `herleid init`, under plain HTTP so that it needs no certificate: development, and said so in every record.
pub(crate) fn init(directory: &Path, port: u16, public_port: u16) {
    let did = format!("did:web:localhost%3A{public_port}");
    let address = format!("127.0.0.1:{port}");
    let url = format!("http://localhost:{public_port}");
    let made = run(&[
        "--development",
        "init",
        "--did",
        &did,
        "--name",
        "Test",
        "--listen",
        &address,
        "--public-url",
        &url,
        "--directory",
        directory.to_str().unwrap(),
    ]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let file = directory.join("herleid.toml");
    let mut configuration = std::fs::read_to_string(&file).unwrap();
    configuration.push_str("\n[development]\nplain_http = true\n");
    configuration = configuration.replace("#[development]", "").replace(
        "#required_credentials = [\"MembershipCredential\"]",
        "required_credentials = []",
    );
    std::fs::write(&file, configuration).unwrap();
}

pub(crate) fn serve(directory: &Path) -> Command {
    let mut command = Command::new(herleid());
    command
        .arg("--development")
        .arg("--config")
        .arg(directory.join("herleid.toml"))
        .arg("serve");
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("HERLEID_LANG", "en")
        .env("HERLEID_NETWORK__ALLOW_PRIVATE_ADDRESSES", "true");
    command
}

pub(crate) fn started(directory: &Path) -> Child {
    let mut child = serve(directory).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    if !line.starts_with("ready ") {
        let output = child.wait_with_output().unwrap();
        panic!("{line}{}", text(&output.stderr));
    }
    child
}

/// A free port below the range from which outgoing connections are given theirs, which could take it first.
pub(crate) fn free_port() -> u16 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let random = || 10_000 + u16::try_from(RandomState::new().build_hasher().finish() % 10_000).unwrap();
    std::iter::repeat_with(random)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    init(folder.path(), port, port);
    let output = serve(folder.path()).output().unwrap();
    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains(&port.to_string()),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_second_process_on_one_directory_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    init(folder.path(), port, port);
    let mut first = started(folder.path());
    let second = serve(folder.path())
        .env("HERLEID_LISTEN__ADDRESS", format!("127.0.0.1:{}", free_port()))
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(
        text(&second.stderr).contains("another process"),
        "{}",
        text(&second.stderr)
    );
    let file = folder.path().join("herleid.toml");
    let status = run(&["--development", "--config", file.to_str().unwrap(), "--json", "status"]);
    assert!(status.status.success(), "{}", text(&status.stderr));
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn a_misspelt_key_names_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    init(folder.path(), port, port);
    let file = folder.path().join("herleid.toml");
    let configuration = std::fs::read_to_string(&file)
        .unwrap()
        .replacen("public_url", "publik_url", 1);
    std::fs::write(&file, configuration).unwrap();
    let output = serve(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(9));
    assert!(text(&output.stderr).contains("public_url"), "{}", text(&output.stderr));
}

#[test]
fn shortcuts_need_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    init(folder.path(), port, port);
    let output = Command::new(herleid())
        .arg("--config")
        .arg(folder.path().join("herleid.toml"))
        .arg("serve")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(9));
    assert!(text(&output.stderr).contains("development"), "{}", text(&output.stderr));
}

#[test]
fn a_participant_left_out_of_trust_peers_is_dealt_with_in_neither_direction() {
    let mut scene = Scene::set();
    good(&scene.pull());
    let (nobody, consumer) = ("[]", format!("[{{ did = \"{}\" }}]", scene.consumer_did()));
    // The agreement is from before the configuration was narrowed, and stands.
    scene.provider_admits(nobody);
    assert_not_admitted(&scene.pull());
    scene.provider_admits(&consumer);
    good(&scene.pull());
    scene.consumer_admits(nobody);
    assert_not_admitted(&scene.pull());
}

fn assert_not_admitted(output: &Output) {
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("trust.peers"), "{told}");
}
