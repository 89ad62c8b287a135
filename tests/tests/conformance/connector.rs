//! The connector under test: the real binary, with a directory and a configuration of its own.

use crate::http::{self, Answer};
use crate::names::{self, DID, NAME, TOKEN};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// The namespace of our terms.
const NS: &str = "https://w3id.org/herleid/ns#";

/// A running connector; it ends with this.
pub(crate) struct Connector {
    directory: PathBuf,
    pub(crate) outside: Outside,
    pub(crate) management: Management,
    _process: Process,
}

/// Where others reach it.
#[derive(Clone, Copy)]
pub(crate) struct Outside {
    port: u16,
}

/// Its management API, as its operator reaches it.
#[derive(Clone)]
pub(crate) struct Management {
    port: u16,
    authorization: String,
}

/// Ended with this, also when a test fails.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed then.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl Connector {
    /// Makes a connector in `directory` that knows the kit at `kit_port` and decides by the kit's script, and waits until it answers.
    /// What it has to say goes to the file `log`.
    pub(crate) fn start(directory: &Path, kit_port: u16, log: &Path) -> Self {
        let (port, management_port) = (free_port(), free_port());
        init(directory, port);
        configure(directory, management_port, kit_port);
        let mut process = Process(
            command(directory)
                .arg("serve")
                .stdout(Stdio::piped())
                .stderr(File::create(log).unwrap())
                .spawn()
                .unwrap(),
        );
        let mut line = String::new();
        let mut out = BufReader::new(process.0.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let said = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(
            line.starts_with("ready "),
            "the connector does not start: {line}{}",
            said()
        );
        let token = std::fs::read_to_string(directory.join("keys/management.token")).unwrap();
        Self {
            directory: directory.to_owned(),
            outside: Outside { port },
            management: Management {
                port: management_port,
                authorization: format!("Bearer {}", token.trim()),
            },
            _process: process,
        }
    }

    /// Offers a dataset to everybody, under the offer that the kit asks for. A participant without a log, as the kit plays one, is not
    /// part of everybody unless the permission says so.
    pub(crate) fn publish(&self, dataset: &str) {
        let (data, offer) = (self.directory.join("data"), self.directory.join("offer.json"));
        std::fs::write(&data, format!("what is in {dataset}\n")).unwrap();
        let everybody = json!({"leftOperand": format!("{NS}counterpartyLog"), "operator": "isAnyOf", "rightOperand": [format!("{NS}logKept"), format!("{NS}logNone")]});
        let permission = json!([{"action": "use", "constraint": [everybody]}]);
        let terms = json!({"@type": "Offer", "@id": names::offer(dataset), "permission": permission});
        std::fs::write(&offer, terms.to_string()).unwrap();
        let output = command(&self.directory)
            .arg("publish")
            .arg(&data)
            .args([
                "--id",
                dataset,
                "--title",
                dataset,
                "--description",
                "for the conformance kit",
                "--theme",
                "ENVI",
                "--policy",
            ])
            .arg(&offer)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{dataset}: {}", String::from_utf8_lossy(&said));
    }
}

impl Outside {
    pub(crate) fn did(self) -> String {
        did(self.port)
    }

    pub(crate) fn root(self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Sends a message of the protocol, as the participant that the kit plays.
    pub(crate) fn message(self, path: &str, body: &Value) -> std::io::Result<Answer> {
        http::post(self.port, &format!("{}{path}", names::DSP_PATH), TOKEN, body)
    }
}

impl Management {
    /// Asks for something to be done.
    pub(crate) fn post(&self, path: &str, body: &Value) -> std::io::Result<Answer> {
        let path = format!("/management/v1{path}");
        http::post(self.port, &path, &self.authorization, body)
    }

    /// Looks something up.
    pub(crate) fn get(&self, path: &str) -> std::io::Result<Answer> {
        http::get(self.port, &format!("/management/v1{path}"), &self.authorization)
    }
}

fn did(port: u16) -> String {
    format!("did:web:localhost%3A{port}")
}

/// A command of the binary that was built beside these tests.
fn command(directory: &Path) -> Command {
    let tests = std::env::current_exe().unwrap();
    let folders = tests.ancestors().nth(2).unwrap();
    let binary = folders.join("herleid");
    assert!(
        binary.exists(),
        "`{}` is not built: cargo build -p herleid",
        binary.display()
    );
    let mut command = Command::new(binary);
    command
        .args(["--development", "--json", "--config"])
        .arg(directory.join("herleid.toml"))
        .env("HERLEID_LANG", "en");
    command
}

fn init(directory: &Path, port: u16) {
    let output = command(directory)
        .args(["init", "--name", "Under test", "--did", &did(port)])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--public-url", &format!("http://localhost:{port}"), "--directory"])
        .arg(directory)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// What differs from a configuration as it is made: the kit speaks plain HTTP on this machine, and is known by its token.
fn configure(directory: &Path, management_port: u16, kit_port: u16) {
    let file = directory.join("herleid.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut configuration: toml::Table = text.parse().unwrap();
    let decisions = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/decisions.toml");
    let ours: toml::Table = format!(
        r#"
        [network]
        allow_private_addresses = true
        [management]
        address = "127.0.0.1:{management_port}"
        [decisions]
        file = "{}"
        [development]
        plain_http = true
        mock_identity = true
        token_peers = [{{ did = "{DID}", name = "{NAME}", address = "http://localhost:{kit_port}", token = "{TOKEN}" }}]
        "#,
        decisions.display()
    )
    .parse()
    .unwrap();
    configuration.extend(ours);
    std::fs::write(&file, configuration.to_string()).unwrap();
}

/// A free port below the range from which outgoing connections are given theirs, which could take it first. Given once.
pub(crate) fn free_port() -> u16 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let first = || AtomicU16::new(u16::try_from(RandomState::new().build_hasher().finish() % 10_000).unwrap());
    let next = || 10_000 + NEXT.get_or_init(first).fetch_add(1, Ordering::Relaxed) % 10_000;
    std::iter::repeat_with(next)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
