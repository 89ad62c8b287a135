use super::{Ran, herleid, herleid_in};
use crate::cli::actions::{Actions, Context, Outcome, Unplugged};
use crate::cli::arguments::VerifyArguments;
use crate::control::error::{Code, ControlError};
use crate::control::progress::Progress;
use crate::control::protocol::Unit;
use crate::control::server::serve;
use crate::control::socket::ControlSocket;
use crate::net::server::CancellationToken;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const TRANSACTION: &str = "0192f0c1-2b3c-7d4e-8f50-112233445566";

/// A service that answers what it is told to and remembers what it was asked.
struct Service {
    storage: TempDir,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    runtime: Runtime,
}

impl Service {
    fn answering(answer: Result<Value, ControlError>) -> Self {
        let storage = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let handler = move |command: String, body: Value, progress: Progress| {
            heard.lock().unwrap().push((command, body));
            let answer = answer.clone();
            async move {
                for done in 0..=1000 {
                    progress.step("pull", done, Some(1000), Unit::Bytes);
                    // Lets the lines out, so that none has to be left out for want of room.
                    tokio::task::yield_now().await;
                }
                progress
                    .note("cli-shown-all", BTreeMap::from([("total".to_owned(), json!(3))]))
                    .await;
                answer
            }
        };
        let socket = runtime.block_on(ControlSocket::open(storage.path())).unwrap();
        runtime.spawn(serve(socket, handler, CancellationToken::new()));
        Self {
            storage,
            asked,
            runtime,
        }
    }

    fn herleid(&self, arguments: &[&str]) -> Ran {
        herleid(&At(self.storage.path().to_owned()), arguments)
    }

    fn asked(self) -> (String, Value) {
        drop(self.runtime);
        let mut asked = self.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        asked.remove(0)
    }
}

/// Actions that know only where the service is.
struct At(PathBuf);

impl Actions for At {
    fn storage(&self, _: &Context) -> Result<PathBuf, ControlError> {
        Ok(self.0.clone())
    }
}

fn pulled() -> Value {
    json!({"transaction": TRANSACTION, "path": "/data/rain.csv", "bytes": 2048, "sha256": "aa", "blake3": "bb", "index": 7})
}

#[test]
fn a_pull_is_shown_to_a_person() {
    let service = Service::answering(Ok(pulled()));
    let ran = service.herleid(&["pull", "urn:uuid:a", "--out", "copy.csv"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("fetched 2.00 KiB to /data/rain.csv") && ran.out.contains(TRANSACTION),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("fetching: ") && ran.err.ends_with("3 in all\n"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.lines().count() <= 12,
        "a log file gets a line a tenth: {}",
        ran.err
    );
    let (command, body) = service.asked();
    let out = std::path::absolute("copy.csv").unwrap();
    assert_eq!(
        (command.as_str(), body),
        ("pull", json!({"agreement": "urn:uuid:a", "out": out}))
    );
}

#[test]
fn a_script_gets_one_json_object_and_silence_if_it_asks() {
    let service = Service::answering(Ok(pulled()));
    let ran = service.herleid(&["pull", "urn:uuid:a", "--json", "--quiet"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.json(), pulled());
    let service = Service::answering(Err(ControlError::new(Code::Refused, "no").expected("yes")));
    let ran = service.herleid(&["pull", "urn:uuid:a", "--json", "--quiet"]);
    assert_eq!((ran.code, ran.err.as_str()), (5, ""));
    assert_eq!(
        ran.json(),
        json!({"error": {"code": "refused", "message": "no", "expected": "yes"}})
    );
}

#[test]
fn every_kind_of_failure_has_its_exit_code() {
    for code in Code::ALL {
        let service = Service::answering(Err(ControlError::new(code, "it did not work")));
        let ran = service.herleid(&["status"]);
        assert_eq!((ran.code, ran.out.as_str()), (code.exit_code(), ""));
        assert!(ran.err.contains("herleid: it did not work"), "{}", ran.err);
    }
}

#[test]
fn a_refusal_says_what_was_found_expected_and_what_to_do() {
    let error = ControlError::new(Code::Refused, "the purpose is not allowed")
        .what("odrl:purpose `\u{1b}[2Jdpv:Marketing`")
        .expected("`dpv:PublicBenefit`")
        .next("state another purpose with `--purpose`");
    let ran = Service::answering(Err(error)).herleid(&["negotiate", "knmi", "rain", "--quiet"]);
    let expected = "herleid: the purpose is not allowed\n  found: odrl:purpose `\u{fffd}[2Jdpv:Marketing`\n  \
                    expected: `dpv:PublicBenefit`\n  what to do: state another purpose with `--purpose`\n";
    assert_eq!(ran.err, expected);
}

#[test]
fn an_error_with_a_key_is_said_in_the_readers_language() {
    let values = BTreeMap::from([("path".to_owned(), json!("/x"))]);
    let error = ControlError::new(Code::Missing, "fallback").note("cli-file-missing", values);
    let service = Service::answering(Err(error));
    assert!(service.herleid(&["status", "-q"]).err.contains("there is no file `/x`"));
    let ran = herleid_in("nl", &At(service.storage.path().to_owned()), &["status", "-q"]);
    assert!(ran.err.contains("er is geen bestand `/x`"), "{}", ran.err);
}

#[test]
fn lists_say_how_much_of_them_is_shown() {
    let line =
        json!({"id": "rain", "kind": "dataset", "title": "Rain\u{1b}[31m", "offers": [{"id": "o1", "summary": "use"}]});
    let answer = json!({"peer": "did:web:knmi.example", "total": 812, "datasets": [line]});
    let service = Service::answering(Ok(answer));
    let ran = service.herleid(&["catalog", "knmi", "--limit", "1", "-q"]);
    assert!(ran.out.ends_with("1 of 812; `--limit 0` shows all\n"), "{}", ran.out);
    assert!(ran.out.contains("Rain\u{fffd}[31m"), "{}", ran.out);
    assert_eq!(service.asked().1, json!({"peer": "knmi", "limit": 1}));
}

#[test]
fn no_list_shows_a_part_as_if_it_were_all() {
    let (did, id) = ("did:web:knmi.example", "urn:uuid:a");
    let lists = [
        (
            "negotiations",
            json!({"id": id, "side": "provider", "other": did, "dataset": "rain", "state": "REQUESTED", "who": "person",
            "what": "agree to the request, make an offer, or end it", "possible": ["offer", "agree", "terminate"]}),
        ),
        (
            "agreements",
            json!({"agreement": id, "side": "consumer", "other": did, "dataset": "rain", "policy": "permits use"}),
        ),
        (
            "transfers",
            json!({"id": id, "side": "consumer", "other": did, "agreement": id, "format": "HttpData-PULL", "state": "STARTED"}),
        ),
    ];
    for (name, line) in lists {
        for (total, said) in [(812, "1 of 812; `--limit 0` shows all"), (1, "1 in all")] {
            let mut answer = json!({"total": total, name: [line]});
            if name == "negotiations" {
                answer["waiting"] = json!(total);
            }
            let service = Service::answering(Ok(answer));
            let ran = service.herleid(&[name, "--limit", "1", "-q"]);
            assert!(ran.code == 0 && ran.out.contains(said), "{}{}", ran.out, ran.err);
            assert_eq!(service.asked(), (name.to_owned(), json!({"limit": 1})));
        }
    }
}

#[test]
fn an_answer_of_another_version_is_refused() {
    let mut answer = pulled();
    answer.as_object_mut().unwrap().insert("more".to_owned(), json!(1));
    let ran = Service::answering(Ok(answer)).herleid(&["pull", "a", "-q"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("`more`"), "{}", ran.err);
}

#[test]
fn a_run_sends_transactions_files_and_parameters() {
    let answer = json!({"transaction": TRANSACTION, "model": "m", "version": "1", "outputs": [], "index": 1});
    let service = Service::answering(Ok(answer));
    let file = service.storage.path().join("sewer.json");
    std::fs::write(&file, "{}").unwrap();
    let (rain, sewer) = (format!("rain={TRANSACTION}"), format!("sewer={}", file.display()));
    let arguments = [
        "run", "a", "--input", &rain, "--input", &sewer, "--set", "d=0.9", "--seed", "4", "-q",
    ];
    assert_eq!(service.herleid(&arguments).code, 0);
    let inputs = json!({"rain": {"transaction": TRANSACTION}, "sewer": {"file": file}});
    assert_eq!(
        service.asked().1,
        json!({"agreement": "a", "inputs": inputs, "parameters": {"d": "0.9"}, "seed": 4})
    );
}

#[test]
fn arguments_that_turn_out_wrong_never_reach_the_service() {
    let service = Service::answering(Ok(json!({})));
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let (data, policy) = (path("a.csv", b"1"), path("offer.json", b"{}"));
    let (bad, twice, binary) = (
        path("bad.json", b"{"),
        path("twice.json", b"{\"a\":1,\"a\":2}"),
        path("bin", b"\xff"),
    );
    let large = path("large", &vec![b' '; (1 << 20) + 1]);
    let missing = directory.path().join("missing").display().to_string();
    let publish = |file: &str, policy: &str| {
        service
            .herleid(&["publish", file, "--id", "i", "--title", "t", "--policy", policy])
            .code
    };
    assert_eq!(publish(&missing, &policy), 3);
    assert_eq!(publish(&data, &missing), 3);
    assert_eq!(publish(&data, &bad), 2);
    assert_eq!(publish(&data, &twice), 2);
    assert_eq!(publish(&data, &large), 2);
    assert_eq!(service.herleid(&["credential", "add", &binary]).code, 2);
    assert_eq!(service.herleid(&["run", "a", "--set", "d=1", "--set", "d=2"]).code, 2);
    assert_eq!(
        service.herleid(&["run", "a", "--input", &format!("x={missing}")]).code,
        3
    );
    assert!(service.asked.lock().unwrap().is_empty());
}

#[test]
fn without_a_service_the_exit_code_says_so() {
    let storage = tempfile::tempdir().unwrap();
    let ran = herleid(&At(storage.path().to_owned()), &["status"]);
    assert_eq!(ran.code, 6);
    assert!(ran.err.contains("herleid serve"), "{}", ran.err);
    let ran = herleid_in("nl", &At(storage.path().to_owned()), &["status"]);
    assert_eq!(ran.code, 6);
    assert!(
        ran.err.contains("hier draait geen dienst") && ran.err.contains("start haar met"),
        "{}",
        ran.err
    );
}

#[test]
fn what_is_not_built_yet_says_so_and_fails() {
    for arguments in [
        &["init", "--did", "did:web:a.example", "--name", "A"][..],
        &["serve"],
        &["verify", "a.zip"],
        &["replay", "a.zip"],
        &["demo"],
        &["status"],
    ] {
        let ran = herleid(&Unplugged, arguments);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.err.contains("not built yet"), "{}", ran.err);
    }
}

/// A verifier that finds everything as it should be, except that nobody vouches for it.
struct Doubting;

impl Actions for Doubting {
    fn verify(&self, context: &Context, arguments: &VerifyArguments) -> Result<Outcome, ControlError> {
        assert_eq!(arguments.dossier, Path::new("a.zip"));
        context.screen.say("cli-empty", &[]);
        Ok(Outcome {
            text: "untrusted".to_owned(),
            json: json!({"verdict": "untrusted"}),
            verdict: Some(Code::Untrusted),
        })
    }
}

#[test]
fn a_verdict_is_shown_and_becomes_the_exit_code() {
    let ran = herleid(&Doubting, &["verify", "a.zip"]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (4, "untrusted\n", "nothing\n")
    );
    let ran = herleid(&Doubting, &["verify", "a.zip", "--json", "-q"]);
    assert_eq!((ran.code, ran.err.as_str()), (4, ""));
    assert_eq!(ran.json(), json!({"verdict": "untrusted"}));
}
