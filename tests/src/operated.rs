//! A connector whose operator asks for everything through its management API.

use crate::connector::{self, good};
use crate::http::{Answer, Caller};
use crate::machine::{free_port, until};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running connector; it ends with this.
pub struct Operated {
    connector: connector::Connector,
    port: u16,
    management: Caller,
}

/// A connector that is made and not yet started: its peers may have to know it first.
pub struct Made {
    connector: connector::Connector,
    port: u16,
}

impl Made {
    /// Made by `herleid init`.
    pub fn new(directory: &Path) -> Self {
        let port = free_port();
        Self {
            connector: connector::Connector::new(directory.to_owned(), port, port),
            port,
        }
    }

    /// Started, with a mock identity and with `development` in that section (TOML); `decisions` (if not empty) is the script of
    /// decisions.
    pub fn start(mut self, development: &str, decisions: &str) -> Operated {
        let (directory, management) = (&self.connector.directory, free_port());
        let script = directory.join("decisions.toml");
        std::fs::write(&script, decisions).unwrap();
        for (section, lines) in [
            ("management", format!("address = \"127.0.0.1:{management}\"")),
            ("decisions", format!("file = \"{}\"", script.display())),
            ("development", format!("mock_identity = true\n{development}")),
        ] {
            self.connector.set(section, &lines);
        }
        self.connector.start();
        let authorization = format!("Bearer {}", self.connector.management_token());
        Operated {
            port: self.port,
            management: Caller::new(management, &[("Authorization", &authorization)]),
            connector: self.connector,
        }
    }
}

impl Operated {
    pub fn did(&self) -> &str {
        &self.connector.did
    }

    /// From the start of its process until everything answered.
    pub fn started_in(&self) -> Duration {
        self.connector.started_in
    }

    /// Its versioned base.
    pub fn base(&self) -> String {
        format!("http://localhost:{}/dsp/2025-1", self.port)
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.connector.service().id()
    }

    /// What it has said on standard error.
    pub fn log(&self) -> String {
        self.connector.service().said()
    }

    /// Offers `contents` as the dataset `id` under one permission.
    pub fn offer(&self, id: &str, contents: &[u8], permission: &Value) {
        let policy = json!({"@type": "Offer", "permission": [permission]});
        self.connector.offer(id, contents, &policy.to_string());
    }

    /// A command of its operator, and what it answered.
    pub fn run(&self, arguments: &[&str]) -> Value {
        good(&self.connector.run(arguments))
    }

    /// Looks something up through the management API.
    pub fn get(&self, path: &str) -> Answer {
        self.management.get(&format!("/management/v1{path}"))
    }

    /// Asks for something to be done through the management API.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.management.post(&format!("/management/v1{path}"), body)
    }

    /// Begins a negotiation or a transfer; its process id here.
    pub fn begin(&self, kind: &str, body: &Value) -> String {
        let begun = self.post(&format!("/{kind}"), body);
        assert_eq!(begun.status, 202, "{kind}: {}", begun.text());
        begun.good(kind)["pid"].as_str().unwrap().to_owned()
    }

    /// A person's decision about one.
    pub fn decide(&self, kind: &str, pid: &str, decision: &str) {
        let body = json!({"decide": decision, "reason": "enough"});
        let answer = self.post(&format!("/{kind}/{}/decision", encoded(pid)), &body);
        answer.good(decision);
    }

    /// The state of one.
    pub fn state(&self, kind: &str, pid: &str) -> Value {
        self.get(&format!("/{kind}/{}", encoded(pid))).good(kind)["state"].clone()
    }

    /// One of ours, once it is in one of these states and no message of ours is on its way.
    pub fn reaches(&self, kind: &str, pid: &str, states: &[&str]) -> Value {
        until(&format!("{kind} {pid} is {states:?} here"), PATIENCE, || {
            let found = self.get(&format!("/{kind}/{}", encoded(pid))).good(kind);
            let reached = found["underway"].is_null() && states.iter().any(|state| found["state"] == *state);
            if reached { Ok(found) } else { Err(found) }
        })
    }

    /// The one here that the other end knows as `peer_pid`.
    pub fn known_as(&self, kind: &str, peer_pid: &str) -> Value {
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
