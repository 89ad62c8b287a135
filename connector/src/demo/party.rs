//! One party of the demonstration: its directory, its configuration, its process, its control socket.

use crate::catalogue::Metadata;
use crate::control::client;
use crate::control::protocol::Line;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::DemoError;
use crate::rim::SystemEntropy;
use herleid_vocab::rim::Entropy as _;

/// A running party.
pub(super) struct Party {
    /// Short name, also the name of its directory.
    pub(super) name: &'static str,
    /// Its identifier.
    pub(super) did: String,
    /// Its directory.
    pub(super) directory: PathBuf,
    /// Its public address.
    pub(super) url: String,
    child: Option<Child>,
}

/// A port that nobody listens on at this moment, below the range from which outgoing connections are given theirs
/// (32,768 and up on Linux): one of those could take it before the party does.
///
/// # Errors
/// When a hundred tries find none.
pub(super) fn free_port() -> Result<u16, DemoError> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    for _ in 0..100 {
        let mut random = [0u8; 2];
        SystemEntropy.fill(&mut random);
        let port = FIRST + u16::from_be_bytes(random) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    let why = format!("none of a hundred ports from {FIRST} to {} is free", FIRST + COUNT);
    Err(DemoError::Setup {
        what: "a free port",
        why,
    })
}

impl Party {
    /// A party that has a directory and an address, and is not running yet.
    #[must_use]
    pub(super) fn new(root: &Path, name: &'static str, port: u16) -> Self {
        Self {
            name,
            did: format!("did:web:localhost%3A{port}"),
            directory: root.join(name),
            url: format!("https://localhost:{port}"),
            child: None,
        }
    }

    /// The origin of its log.
    #[must_use]
    pub(super) fn origin(&self) -> String {
        format!("{}/log/1", self.url.trim_start_matches("https://"))
    }

    /// Where its configuration lies.
    #[must_use]
    pub(super) fn config(&self) -> PathBuf {
        self.directory.join("herleid.toml")
    }

    /// Starts `herleid serve` as a process of its own and waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends before; its last words are passed on.
    pub(super) fn start(&mut self, program: &Path) -> Result<(), DemoError> {
        let fail = |why: String| DemoError::Start { name: self.name, why };
        let log = std::fs::File::create(self.directory.join("serve.log")).map_err(|e| fail(e.to_string()))?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            // What overrides the configuration of whoever runs the demonstration must not override six others.
            if name.to_string_lossy().starts_with("HERLEID_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .arg("--config")
            .arg(self.config())
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|e| fail(e.to_string()))?;
        let Some(stdout) = child.stdout.take() else {
            return Err(fail("its output cannot be read".to_owned()));
        };
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        self.child = Some(child);
        match read {
            Ok(_) if line.starts_with("ready ") => Ok(()),
            _ => {
                let log = std::fs::read_to_string(self.directory.join("serve.log")).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(5).collect();
                Err(DemoError::Start {
                    name: self.name,
                    why: tail.into_iter().rev().collect::<Vec<_>>().join("\n"),
                })
            }
        }
    }

    /// Asks the running process to do `command`; notes and progress go to `seen`.
    ///
    /// # Errors
    /// What the process answers.
    pub(super) async fn call(&self, command: &str, body: Value) -> Result<Value, DemoError> {
        let socket = self.directory.join("storage").join("herleid.sock");
        let answer = client::call(&socket, command, &body, |_: &Line| {}).await;
        answer.map_err(|error| DemoError::Command {
            name: self.name,
            command: command.to_owned(),
            error: Box::new(error),
        })
    }

    /// Publishes the file at `path` under `offer`.
    ///
    /// # Errors
    /// What the process answers.
    pub(super) async fn publish(
        &self,
        path: &Path,
        dataset: &str,
        metadata: &Metadata,
        offer: Value,
    ) -> Result<Value, DemoError> {
        let body = json!({
            "source": {"file": path}, "id": dataset, "metadata": metadata, "media_type": "application/json", "policy": offer,
        });
        self.call("publish", body).await
    }

    /// Negotiates an agreement with `peer` about `dataset`; gives its id.
    ///
    /// # Errors
    /// What the process answers.
    pub(super) async fn negotiate(&self, peer: &Self, dataset: &str, purpose: &str) -> Result<String, DemoError> {
        let answer = self
            .call(
                "negotiate",
                json!({"peer": peer.did, "dataset": dataset, "purpose": purpose}),
            )
            .await?;
        super::text(&answer, "/agreement")
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The demonstration is over, or failed: nothing may be left running. What is acknowledged is durable.
            let _already_gone = child.kill();
            let _status = child.wait();
        }
    }
}
