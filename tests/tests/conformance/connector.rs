//! The connector under test: the real binary, with a directory and a configuration of its own.

use crate::http::{self, Answer};
use crate::names::{self, DID, NAME, TOKEN};
use herleid_tests::connector;
use herleid_tests::machine::free_port;
use serde_json::{Value, json};
use std::path::Path;

/// The namespace of our terms.
const NS: &str = "https://w3id.org/herleid/ns#";

/// A running connector; it ends with this.
pub(crate) struct Connector {
    connector: connector::Connector,
    pub(crate) outside: Outside,
    pub(crate) management: Management,
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

impl Connector {
    /// Makes a connector in `directory` that knows the kit at `kit_port` and decides by the kit's script, and waits until it answers.
    pub(crate) fn start(directory: &Path, kit_port: u16) -> Self {
        let (port, management) = (free_port(), free_port());
        let mut connector = connector::Connector::new(directory.to_owned(), port, port);
        let decisions = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/decisions.toml");
        // The kit speaks plain HTTP on this machine, and is known by its token.
        let kit = format!(
            "mock_identity = true\n\
             token_peers = [{{ did = \"{DID}\", name = \"{NAME}\", address = \"http://localhost:{kit_port}\", token = \"{TOKEN}\" }}]"
        );
        connector.set("management", &format!("address = \"127.0.0.1:{management}\""));
        connector.set("decisions", &format!("file = \"{}\"", decisions.display()));
        connector.set("development", &kit);
        connector.start();
        Self {
            outside: Outside { port },
            management: Management {
                port: management,
                authorization: format!("Bearer {}", connector.management_token()),
            },
            connector,
        }
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        self.connector.service().said()
    }

    /// Offers a dataset to everybody, under the offer that the kit asks for. A participant without a log, as the kit plays one, is not
    /// part of everybody unless the permission says so.
    pub(crate) fn publish(&self, dataset: &str) {
        let everybody = json!({"leftOperand": format!("{NS}counterpartyLog"), "operator": "isAnyOf", "rightOperand": [format!("{NS}logKept"), format!("{NS}logNone")]});
        let permission = json!([{"action": "use", "constraint": [everybody]}]);
        let terms = json!({"@type": "Offer", "@id": names::offer(dataset), "permission": permission});
        let contents = format!("what is in {dataset}\n");
        self.connector.offer(dataset, contents.as_bytes(), &terms.to_string());
    }
}

impl Outside {
    pub(crate) fn did(self) -> String {
        format!("did:web:localhost%3A{}", self.port)
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
