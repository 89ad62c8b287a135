//! The connector: the real binary, with a directory and a configuration of its own.

use crate::edc::PATIENCE;
use crate::http::{Answer, Caller};
use crate::machine::{free_port, until};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A running connector; it ends with this.
pub(crate) struct Connector {
    directory: PathBuf,
    port: u16,
    /// From the start of its process until everything answers.
    pub(crate) started_in: Duration,
    management: Caller,
    child: Child,
}

impl Drop for Connector {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed then.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// A connector that is made and not yet started: its peers may have to know it first.
pub(crate) struct Made {
    directory: PathBuf,
    port: u16,
    management: u16,
}

impl Made {
    /// Made by `herleid init`.
    pub(crate) fn new(directory: &Path) -> Self {
        let made = Self {
            directory: directory.to_owned(),
            port: free_port(),
            management: free_port(),
        };
        let output = command(directory)
            .args(["init", "--name", "Herleid beside EDC", "--did", &did(made.port)])
            .args(["--listen", &format!("127.0.0.1:{}", made.port)])
            .args([
                "--public-url",
                &format!("http://localhost:{}", made.port),
                "--directory",
            ])
            .arg(directory)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", told(&output));
        made
    }

    /// Started with `more` in its configuration (TOML), in which `decisions` (if not empty) is the script of decisions.
    pub(crate) fn start(self, development: &str, decisions: &str) -> Connector {
        let file = self.directory.join("herleid.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut configuration: toml::Table = text.parse().unwrap();
        let script = self.directory.join("decisions.toml");
        std::fs::write(&script, decisions).unwrap();
        let ours = format!(
            "[network]\nallow_private_addresses = true\n[management]\naddress = \"127.0.0.1:{}\"\n[decisions]\nfile = \"{}\"\n\
             [identity]\nrequired_credentials = []\n[development]\nplain_http = true\nmock_identity = true\n{development}",
            self.management,
            script.display()
        );
        configuration.extend(ours.parse::<toml::Table>().unwrap());
        std::fs::write(&file, configuration.to_string()).unwrap();
        let log = self.directory.join("connector.log");
        let began = Instant::now();
        let mut child = command(&self.directory)
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let started_in = began.elapsed();
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(
            line.starts_with("ready "),
            "the connector does not start: {line}{}",
            said()
        );
        let token = std::fs::read_to_string(self.directory.join("keys/management.token")).unwrap();
        let authorization = format!("Bearer {}", token.trim());
        Connector {
            directory: self.directory,
            port: self.port,
            started_in,
            management: Caller::new(self.management, &[("Authorization", &authorization)]),
            child,
        }
    }
}

impl Connector {
    pub(crate) fn did(&self) -> String {
        did(self.port)
    }

    /// Its versioned base.
    pub(crate) fn base(&self) -> String {
        format!("http://localhost:{}/dsp/2025-1", self.port)
    }

    /// Process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("connector.log")).unwrap_or_default()
    }

    /// Offers `contents` as the dataset `id` under one permission.
    pub(crate) fn offer(&self, id: &str, contents: &[u8], permission: &Value) {
        let (data, policy) = (self.directory.join("data"), self.directory.join("offer.json"));
        std::fs::write(&data, contents).unwrap();
        std::fs::write(
            &policy,
            json!({"@type": "Offer", "permission": [permission]}).to_string(),
        )
        .unwrap();
        let (data, policy) = (data.to_str().unwrap(), policy.to_str().unwrap());
        self.run(&[
            "publish",
            data,
            "--id",
            id,
            "--title",
            id,
            "--description",
            id,
            "--theme",
            "ENVI",
            "--policy",
            policy,
        ]);
    }

    /// A command of its operator, and what it answered.
    pub(crate) fn run(&self, arguments: &[&str]) -> Value {
        let output = command(&self.directory).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Looks something up through the management API.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.management.get(&format!("/management/v1{path}"))
    }

    /// Asks for something to be done through the management API.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.management.post(&format!("/management/v1{path}"), body)
    }

    /// Begins a negotiation or a transfer; its process id here.
    pub(crate) fn begin(&self, kind: &str, body: &Value) -> String {
        let begun = self.post(&format!("/{kind}"), body);
        assert_eq!(begun.status, 202, "{kind}: {}", begun.text());
        begun.good(kind)["pid"].as_str().unwrap().to_owned()
    }

    /// A person's decision about one.
    pub(crate) fn decide(&self, kind: &str, pid: &str, decision: &str) {
        let body = json!({"decide": decision, "reason": "enough"});
        let answer = self.post(&format!("/{kind}/{}/decision", encoded(pid)), &body);
        answer.good(decision);
    }

    /// The state of one.
    pub(crate) fn state(&self, kind: &str, pid: &str) -> Value {
        self.get(&format!("/{kind}/{}", encoded(pid))).good(kind)["state"].clone()
    }

    /// One of ours, once it is in one of these states and no message of ours is on its way.
    pub(crate) fn reaches(&self, kind: &str, pid: &str, states: &[&str]) -> Value {
        until(&format!("{kind} {pid} is {states:?} here"), PATIENCE, || {
            let found = self.get(&format!("/{kind}/{}", encoded(pid))).good(kind);
            let reached = found["underway"].is_null() && states.iter().any(|state| found["state"] == *state);
            if reached { Ok(found) } else { Err(found) }
        })
    }

    /// The one here that the other end knows as `peer_pid`.
    pub(crate) fn known_as(&self, kind: &str, peer_pid: &str) -> Value {
        until(&format!("one of the {kind} here is {peer_pid} there"), PATIENCE, || {
            let all = self.get(&format!("/{kind}?limit=100")).good(kind);
            let items = all["items"].as_array().unwrap();
            let found = items.iter().find(|item| item["peer_pid"] == peer_pid).cloned();
            found.ok_or_else(|| all.to_string())
        })
    }
}

/// A process id as one segment of a path.
fn encoded(pid: &str) -> String {
    pid.replace(':', "%3A")
}

fn did(port: u16) -> String {
    format!("did:web:localhost%3A{port}")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// The binary that was built beside this program.
pub(crate) fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let binary = this.ancestors().nth(2).unwrap().join("herleid");
    assert!(
        binary.exists(),
        "`{}` is not built: cargo build -p herleid",
        binary.display()
    );
    binary
}

/// A command of it.
fn command(directory: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["--development", "--json", "--config"])
        .arg(directory.join("herleid.toml"))
        .env("HERLEID_LANG", "en");
    command
}
