use super::client;
use super::error::{Code, ControlError};
use super::progress::Progress;
use super::protocol::{self, Command, Line, Pull, PullAnswer, Status, Unit};
use super::server::serve;
use super::socket::{ControlSocket, SocketError, path_in};
use crate::net::server::CancellationToken;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const TRANSACTION: &str = "0192f0c1-2b3c-7d4e-8f50-112233445566";

async fn handler(command: String, body: Value, progress: Progress) -> Result<Value, ControlError> {
    match command.as_str() {
        "pull" => {
            let pull: Pull = protocol::read(body)?;
            for done in [0, 500, 1000] {
                progress.step("pull", done, Some(1000), Unit::Bytes);
            }
            progress
                .note(
                    "pull-kept",
                    BTreeMap::from([("agreement".to_owned(), json!(pull.agreement))]),
                )
                .await;
            protocol::answer::<Pull>(&PullAnswer {
                transaction: TRANSACTION.parse().unwrap(),
                path: PathBuf::from("/tmp/a\nb"),
                bytes: 1000,
                sha256: "00".repeat(32),
                blake3: "11".repeat(32),
                index: 7,
            })
        }
        "negotiate" => Err(ControlError::new(Code::Refused, "the purpose is not allowed")
            .what("odrl:purpose `dpv:Marketing`")
            .expected("`dpv:PublicBenefit`")
            .next("state another purpose with `--purpose`")),
        "dossier" => panic!("a bug in the handler"),
        other => Err(ControlError::new(Code::Usage, format!("no `{other}`"))),
    }
}

struct Service {
    storage: TempDir,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let storage = tempfile::tempdir().unwrap();
        let socket = ControlSocket::open(storage.path()).await.unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve(socket, handler, stop.clone()));
        Self { storage, stop, running }
    }

    fn socket(&self) -> PathBuf {
        path_in(self.storage.path())
    }

    async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
        assert!(
            !path_in(self.storage.path()).exists(),
            "the socket is removed at the end"
        );
    }
}

fn pull() -> Pull {
    Pull {
        agreement: "urn:uuid:a".to_owned(),
        purpose: None,
        legal_basis: None,
        area_of_use: None,
        out: None,
        resource: None,
    }
}

#[tokio::test]
async fn a_command_reports_progress_and_notes_and_then_its_result() {
    let service = Service::start().await;
    let mut seen = Vec::new();
    let answer = client::command(&service.socket(), &pull(), |line| seen.push(line.clone()))
        .await
        .unwrap();
    assert_eq!(answer.bytes, 1000);
    assert_eq!(
        answer.path,
        Path::new("/tmp/a\nb"),
        "a line feed inside a value does not end the line"
    );
    assert_eq!(seen.len(), 4);
    assert!(matches!(&seen[1], Line::Progress(step) if step.done == 500 && step.total == Some(1000)));
    assert!(matches!(&seen[3], Line::Note(note) if note.key == "pull-kept" && note.args["agreement"] == "urn:uuid:a"));
    service.end().await;
}

#[tokio::test]
async fn a_refusal_arrives_with_all_its_parts() {
    let service = Service::start().await;
    let error = client::call(&service.socket(), "negotiate", &json!({}), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::Refused);
    assert_eq!(error.what.as_deref(), Some("odrl:purpose `dpv:Marketing`"));
    assert_eq!(error.expected.as_deref(), Some("`dpv:PublicBenefit`"));
    assert_eq!(error.next.as_deref(), Some("state another purpose with `--purpose`"));
    service.end().await;
}

#[tokio::test]
async fn a_handler_that_panics_gives_an_error_and_the_service_goes_on() {
    let service = Service::start().await;
    let error = client::call(&service.socket(), "dossier", &json!({}), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::Failed);
    assert!(client::command(&service.socket(), &pull(), |_| {}).await.is_ok());
    service.end().await;
}

#[tokio::test]
async fn unknown_members_and_unusable_requests_are_usage_errors() {
    let service = Service::start().await;
    let socket = service.socket();
    let error = client::call(&socket, "pull", &json!({"agreement": "a", "purpos": "b"}), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::Usage);
    assert!(error.what.unwrap().contains("purpos"));
    let error = client::call(&socket, "PULL", &json!({}), |_| {}).await.unwrap_err();
    assert_eq!(error.code, Code::Usage);
    let huge = json!({"agreement": "a".repeat(2 << 20)});
    let error = client::call(&socket, "pull", &huge, |_| {}).await.unwrap_err();
    assert_eq!(error.code, Code::Usage, "{error:?}");
    service.end().await;
}

#[tokio::test]
async fn the_handler_runs_to_its_end_when_the_person_goes_away() {
    let storage = tempfile::tempdir().unwrap();
    let socket = ControlSocket::open(storage.path()).await.unwrap();
    let stop = CancellationToken::new();
    let (begun, gone, ended) = (
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
        Arc::new(AtomicBool::new(false)),
    );
    let inside = (Arc::clone(&begun), Arc::clone(&gone), Arc::clone(&ended));
    let slow = move |_: String, _: Value, progress: Progress| {
        let (begun, gone, ended) = inside.clone();
        async move {
            begun.notify_one();
            gone.notified().await;
            // Notes to nobody do not hold the handler up.
            for _ in 0..1000 {
                progress.note("still-here", BTreeMap::new()).await;
            }
            ended.store(true, Ordering::SeqCst);
            Ok(json!({}))
        }
    };
    let running = tokio::spawn(serve(socket, slow, stop.clone()));
    let path = path_in(storage.path());
    let asking = tokio::spawn(async move { client::call(&path, "status", &json!({}), |_| {}).await });
    begun.notified().await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    // Even a service that is told to stop lets it end first.
    stop.cancel();
    gone.notify_one();
    running.await.unwrap();
    assert!(ended.load(Ordering::SeqCst));
}

#[tokio::test]
async fn without_a_service_the_error_says_how_to_start_it() {
    let storage = tempfile::tempdir().unwrap();
    let error = client::command(&path_in(storage.path()), &Status {}, |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::NotRunning);
    assert!(error.next.unwrap().contains("herleid serve"));
}

#[tokio::test]
async fn the_socket_is_for_its_owner_alone() {
    let storage = tempfile::tempdir().unwrap();
    let socket = ControlSocket::open(storage.path()).await.unwrap();
    let found = std::fs::symlink_metadata(socket.path()).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let mut left: Vec<_> = std::fs::read_dir(storage.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["herleid.sock", "herleid.sock.lock"], "nothing else stays behind");
}

/// What another program says to and hears from a socket: perl is on every Debian.
const CALLER: &str = r#"use IO::Socket::UNIX; $SIG{PIPE} = 'IGNORE'; $| = 1;
my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "no connection: $!";
print "connected\n";
print $s "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
print while <$s>;"#;

/// To the stream itself, where `deploy/build/test.sh` counts it: the test runner swallows what a passing test prints.
fn skipped(why: &str) {
    let line = format!("SKIPPED another user is turned away: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

#[tokio::test]
async fn another_user_is_turned_away_even_where_the_file_lets_him_in() {
    let service = Service::start().await;
    let socket = service.socket();
    if std::fs::metadata(&socket).unwrap().uid() != 0 {
        skipped("only root can call as another user");
        return;
    }
    // As careless as an administrator can be: everybody may open the file.
    std::fs::set_permissions(service.storage.path(), Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    let call = async |user: u32| {
        let mut perl = tokio::process::Command::new("perl");
        perl.arg("-e")
            .arg(CALLER)
            .arg(&socket)
            .current_dir("/")
            .uid(user)
            .gid(user);
        let Ok(called) = perl.output().await else { return None };
        assert!(called.stderr.is_empty(), "{}", String::from_utf8_lossy(&called.stderr));
        Some(String::from_utf8(called.stdout).unwrap())
    };
    let Some(root) = call(0).await else {
        skipped("there is no perl here");
        return;
    };
    assert!(root.starts_with("connected\nHTTP/1.1 405"), "{root}");
    let nobody = call(65534).await.unwrap();
    assert_eq!(nobody, "connected\n", "not one byte for another user");
    service.end().await;
}

#[tokio::test]
async fn a_second_service_on_the_same_storage_is_refused_and_harms_nothing() {
    let service = Service::start().await;
    let error = ControlSocket::open(service.storage.path()).await.unwrap_err();
    assert!(matches!(error, SocketError::InUse { .. }), "{error}");
    assert!(
        client::command(&service.socket(), &pull(), |_| {}).await.is_ok(),
        "the first still answers"
    );
    // Even when somebody removed the lock file by hand.
    std::fs::remove_file(service.storage.path().join("herleid.sock.lock")).unwrap();
    let error = ControlSocket::open(service.storage.path()).await.unwrap_err();
    assert!(matches!(error, SocketError::InUse { .. }), "{error}");
    service.end().await;
}

#[tokio::test]
async fn a_stale_socket_of_a_crashed_service_is_replaced() {
    let storage = tempfile::tempdir().unwrap();
    // What a crash leaves: a socket file that nobody listens to, and half a nursery.
    drop(std::os::unix::net::UnixListener::bind(path_in(storage.path())).unwrap());
    std::fs::create_dir(storage.path().join(".sock")).unwrap();
    let socket = ControlSocket::open(storage.path()).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(serve(socket, handler, stop.clone()));
    assert!(client::command(&path_in(storage.path()), &pull(), |_| {}).await.is_ok());
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_socket_is_left_alone() {
    let storage = tempfile::tempdir().unwrap();
    std::fs::write(path_in(storage.path()), b"somebody's notes").unwrap();
    let error = ControlSocket::open(storage.path()).await.unwrap_err();
    assert!(matches!(error, SocketError::NotASocket { .. }), "{error}");
    assert_eq!(std::fs::read(path_in(storage.path())).unwrap(), b"somebody's notes");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_named() {
    let storage = tempfile::tempdir().unwrap();
    let deep = storage.path().join("d".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    let error = ControlSocket::open(&deep).await.unwrap_err();
    assert!(
        matches!(error, SocketError::PathTooLong { bytes, .. } if bytes > 120),
        "{error}"
    );
}

#[test]
fn lines_have_the_documented_form() {
    let line = |text: &str| serde_json::from_str::<Line>(text).unwrap();
    let texts = [
        r#"{"progress":{"step":"pull","done":123,"total":456,"unit":"bytes"}}"#,
        r#"{"note":{"key":"k","args":{}}}"#,
        r#"{"result":{"any":1}}"#,
        r#"{"error":{"code":"not-running","message":"m","what":"w","expected":"e","next":"n"}}"#,
    ];
    for text in texts {
        assert_eq!(serde_json::to_string(&line(text)).unwrap(), text);
    }
    assert!(serde_json::from_str::<Line>(r#"{"progress":{"step":"s","done":1,"unit":"bytes","x":1}}"#).is_err());
    assert!(serde_json::from_str::<Line>(r#"{"error":{"code":"odd","message":"m"}}"#).is_err());
}

#[test]
fn codes_have_their_own_names_and_exit_codes() {
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
    let mut exits: Vec<u8> = Code::ALL.iter().map(|c| c.exit_code()).collect();
    exits.dedup();
    assert_eq!(exits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 130]);
}

#[test]
fn every_request_survives_the_way_there_and_back() {
    fn round<C: Command + PartialEq + std::fmt::Debug>(request: Value) {
        let read: C = protocol::read(request.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), request, "{}", C::NAME);
        let mut more = request;
        more.as_object_mut().unwrap().insert("unheardOf".to_owned(), json!(1));
        assert!(
            protocol::read::<C>(more).is_err(),
            "{} accepts unknown members",
            C::NAME
        );
    }
    round::<protocol::Publish>(json!({"source": {"file": "/a"}, "id": "i", "title": "t", "policy": {}}));
    round::<protocol::Publish>(json!({"source": {"model": "/m"}, "id": "i", "policy": {}, "licence": "l"}));
    round::<protocol::Withdraw>(json!({"id": "i", "reason": "r"}));
    let about = json!({"action": "issue", "subject": "did:web:a.example", "types": ["T"], "claims": {"a": 1}, "valid_days": 30});
    round::<protocol::Credential>(about);
    round::<protocol::Credential>(json!({"action": "add", "jwt": "a.b.c"}));
    round::<protocol::Credential>(json!({"action": "list"}));
    round::<protocol::Catalog>(json!({"peer": "knmi"}));
    round::<protocol::Negotiate>(json!({"peer": "knmi", "dataset": "d"}));
    round::<protocol::Agreements>(json!({}));
    round::<protocol::Pull>(json!({"agreement": "a", "out": "/x"}));
    let inputs = json!({"rain": {"transaction": TRANSACTION}, "sewer": {"file": "/s"}});
    round::<protocol::Run>(json!({"agreement": "a", "inputs": inputs, "parameters": {"d": "0.9"}, "seed": 3}));
    round::<protocol::Decide>(
        json!({"case": "c", "title": "t", "legal_basis": ["i"], "relies_on": [{"transaction": TRANSACTION, "output": "o"}],
        "author": "a", "role": "r", "organisation": "o", "choices": "c"}),
    );
    round::<protocol::Trace>(json!({"what": "w"}));
    round::<protocol::Trace>(json!({"what": "w", "direction": "down", "depth": 3, "limit": 5}));
    round::<protocol::Dossier>(json!({"case": "c", "out": "/o"}));
    round::<Status>(json!({}));
    assert!(protocol::read::<protocol::Withdraw>(json!({"id": "i"})).is_err());
    let upper =
        json!({"agreement": "a", "inputs": {"r": {"transaction": TRANSACTION.to_uppercase()}}, "parameters": {}});
    assert!(protocol::read::<protocol::Run>(upper).is_err());
}
