//! The management API as its callers use it: the real binary, over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod at_most;
mod by_hand;
mod counted;
mod duties;
mod ending;
#[allow(
    dead_code,
    reason = "shared with the tests of the conformance kit, which use more of it"
)]
#[path = "../conformance/http.rs"]
mod http;
mod one_sided;
mod paid;
mod pushing;
mod receiver;
#[allow(
    dead_code,
    reason = "shared with the tests of the demonstration, which use more of it"
)]
#[path = "../demo/receiving.rs"]
mod receiving;
mod refusals;
mod revoked;
mod signed;
mod silent;
mod stated_first;
mod told;
mod trusting;
mod webhook;
mod work;

use herleid_tests::connector::{Connector, RAIN};
use herleid_tests::machine::free_port;
use herleid_tests::management::Api;
use serde_json::{Value, json};

/// A connector with a management API.
struct Managed {
    connector: Connector,
    api: Api,
}

impl Managed {
    /// Made and started; `lines` stand in its configuration, each under its section.
    fn start(folder: &tempfile::TempDir, name: &str, lines: &[(&str, &str)]) -> Self {
        let port = free_port();
        Self::start_at(folder, name, lines, port, port)
    }

    /// Listens on `port`, others reach it at `public`.
    fn start_at(folder: &tempfile::TempDir, name: &str, lines: &[(&str, &str)], port: u16, public: u16) -> Self {
        let management = free_port();
        let mut connector = Connector::new(folder.path().join(name), port, public);
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
        Self {
            api: Api::new(management, &connector.management_token()),
            connector,
        }
    }

    /// Publishes a dataset for everybody through the API.
    fn publish(&self, id: &str) -> Value {
        self.publish_bytes(id, RAIN)
    }

    fn publish_bytes(&self, id: &str, bytes: &[u8]) -> Value {
        let file = self.connector.directory.join("files").join(id);
        std::fs::write(&file, bytes).unwrap();
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

    /// The provider, started anew, may push to the consumer at this address.
    fn allow_pushes(&mut self, base: &str) {
        let provider = &mut self.provider.connector;
        let consumer = &self.consumer.connector.did;
        let line = format!("allow = [{{ did = \"{consumer}\", to = \"{base}\", internal = true }}]");
        provider.set("push", &line);
        provider.kill();
        provider.start();
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
