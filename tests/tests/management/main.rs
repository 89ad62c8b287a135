//! The management API as its callers use it: the real binary, over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod by_hand;
mod client;
/// Where what is shared with the conformance kit looks for it.
#[cfg(test)]
mod connector {
    pub(crate) use crate::scene::free_port;
}
mod ending;
#[allow(
    dead_code,
    reason = "shared with the tests of the conformance kit, which use more of it"
)]
#[path = "../conformance/http.rs"]
mod http;
#[allow(
    dead_code,
    reason = "shared with the tests of the demonstration, which use more of it"
)]
#[path = "../demo/lying_proxy.rs"]
mod lying_proxy;
mod one_sided;
mod pushing;
mod receiver;
#[allow(
    dead_code,
    reason = "shared with the tests of the demonstration, which use more of it"
)]
#[path = "../demo/receiving.rs"]
mod receiving;
mod refusals;
#[allow(
    dead_code,
    reason = "shared with the tests of the demonstration, which use more of it"
)]
#[path = "../demo/scene.rs"]
mod scene;
mod signed;
mod told;
mod trusting;
mod work;

use client::Api;
use scene::{Connector, free_port};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};

/// The binary that was built beside these tests.
fn herleid() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let mut folders = tests.ancestors();
    let folder = folders
        .find(|p| p.ends_with("debug") || p.ends_with("release"))
        .unwrap();
    let binary = folder.join("herleid");
    assert!(
        binary.exists(),
        "`{}` is not built: cargo build -p herleid",
        binary.display()
    );
    binary
}

fn run(arguments: &[&str]) -> Output {
    Command::new(herleid())
        .args(arguments)
        .env("HERLEID_LANG", "en")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A connector with a management API.
struct Managed {
    connector: Connector,
    api: Api,
}

impl Managed {
    /// Made and started; `lines` stand in its configuration, each under its section.
    fn start(folder: &tempfile::TempDir, name: &str, lines: &[(&str, &str)]) -> Self {
        let (port, management) = (free_port(), free_port());
        let mut connector = Connector::new(folder.path().join(name), port, port);
        let files = connector.directory.join("files");
        std::fs::create_dir(&files).unwrap();
        connector.set(
            "management",
            &format!("address = \"127.0.0.1:{management}\"\npublish_from = [\"files\"]"),
        );
        for (section, line) in lines {
            connector.set(section, line);
        }
        connector.start();
        let token = std::fs::read_to_string(connector.directory.join("keys/management.token")).unwrap();
        Self {
            api: Api::new(management, token.trim()),
            connector,
        }
    }

    /// Publishes a dataset for everybody through the API.
    fn publish(&self, id: &str) -> Value {
        let file = self.connector.directory.join("files").join(id);
        std::fs::write(&file, scene::RAIN).unwrap();
        let policy = json!({"@type": "Offer", "permission": [{"action": "use"}]});
        let body = json!({"source": {"file": file}, "id": id, "title": "Rain", "description": "Gauge 310", "theme": ["ENVI"], "policy": policy});
        self.api.post("/datasets", &body).good(201)
    }
}

/// A provider with a dataset, and a consumer.
struct Pair {
    provider: Managed,
    consumer: Managed,
    _folder: tempfile::TempDir,
}

impl Pair {
    fn start(of_provider: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = Self {
            provider: Managed::start(&folder, "provider", of_provider),
            consumer: Managed::start(&folder, "consumer", &[]),
            _folder: folder,
        };
        pair.provider.publish("rain");
        pair
    }

    /// Asks for an agreement about the dataset.
    fn ask(&self) -> Value {
        let body = json!({"counterparty": self.provider.connector.did, "dataset": "rain"});
        self.consumer.api.post("/negotiations", &body).good(202)
    }

    /// Comes to an agreement about the dataset, and says which.
    fn agree(&self) -> String {
        let mut told = self.consumer.api.listen("0.0");
        let pid = self.ask()["pid"].as_str().unwrap().to_owned();
        // On record at both ends: the provider records before it declares the agreement in force.
        let event = told.until(|event| event["type"] == "eu.herleid.agreement-concluded");
        let negotiation = self.consumer.api.get(&format!("/negotiations/{pid}")).good(200);
        assert_eq!(
            (&negotiation["state"], &negotiation["due"]),
            (&json!("FINALIZED"), &Value::Null)
        );
        assert_eq!(negotiation["agreement"], event["data"]["agreement"]);
        event["data"]["agreement"].as_str().unwrap().to_owned()
    }
}
