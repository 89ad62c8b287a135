//! A catalogue tried without a network: a connector in this process, asked by a participant whose document stands in its identifier.

mod fuzz;
mod limits;
mod pages;
mod publishing;
mod queries;
mod shapes;

use crate::commands;
use crate::config::Config;
use crate::control::error::ControlError;
use crate::control::progress::Progress;
use crate::node::{Node, Secrets, open};
use crate::rim::SystemEntropy;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::jose;
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_credentials::si_token::{self, SelfIssued};
use herleid_vocab::did::Did;
use herleid_vocab::rim::SeededEntropy;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt as _;

/// A connector and somebody who asks it.
pub(crate) struct Desk {
    pub(crate) node: Arc<Node>,
    pub(crate) asker: Did,
    key: SigningKey,
    key_id: String,
    directory: tempfile::TempDir,
}

/// An answer over HTTP.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The address that a link leads to, from its path on.
    fn link(&self, relation: &str) -> Option<String> {
        let wanted = format!("rel=\"{relation}\"");
        let links = self
            .headers
            .get_all(header::LINK)
            .into_iter()
            .map(|l| l.to_str().unwrap());
        let found = links.filter(|l| l.ends_with(&wanted)).collect::<Vec<_>>();
        let target = found.first()?.split_once('<').unwrap().1.split_once('>').unwrap().0;
        Some(target.strip_prefix("http://localhost:7101").unwrap().to_owned())
    }
}

fn configuration(directory: &Path, catalogue: &str) -> Config {
    let text = format!(
        "[participant]\ndid = \"did:web:localhost%3A7101\"\nname = \"Waterschap Noord\"\n\
         [listen]\npublic_url = \"http://localhost:7101\"\n[ledger]\norigin = \"localhost:7101/log/1\"\n\
         [identity]\nrequired_credentials = []\n[catalogue]\n{catalogue}\n[development]\nplain_http = true\n"
    );
    Config::read(&directory.join("herleid.toml"), &text, std::iter::empty(), true).unwrap()
}

impl Desk {
    pub(crate) fn open(catalogue: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        let node = open(configuration(directory.path(), catalogue)).unwrap();
        let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(7));
        let asker = key.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&asker).unwrap();
        let (key_id, _) = document.keys_for(Relationship::CapabilityInvocation).next().unwrap();
        Self {
            key_id: key_id.to_owned(),
            node,
            asker,
            key,
            directory,
        }
    }

    /// The same connector after a stop.
    fn reopened(self, catalogue: &str) -> Self {
        let Self { node, directory, .. } = self;
        drop(Arc::into_inner(node).unwrap());
        let node = open(configuration(directory.path(), catalogue)).unwrap();
        Self {
            node,
            directory,
            ..self
        }
    }

    async fn command(&self, command: &str, body: Value) -> Result<Value, ControlError> {
        let (progress, _lines) = Progress::channel();
        commands::handle(self.node.clone(), command.to_owned(), body, progress).await
    }

    /// Publishes some bytes for everybody, with what else `more` says.
    async fn publish(&self, id: &str, more: Value) -> Result<Value, ControlError> {
        let file = self.directory.path().join("data.csv");
        std::fs::write(&file, format!("what is in {id}\n")).unwrap();
        let mut body = json!({
            "source": {"file": file}, "id": id,
            "policy": {"@type": "Offer", "permission": [{"action": "use"}]},
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.command("publish", body).await
    }

    async fn published(&self, id: &str, more: Value) {
        self.publish(id, more).await.unwrap_or_else(|e| panic!("{id}: {e}"));
    }

    fn authorization(&self) -> String {
        let jti = jose::fresh_id(&SystemEntropy);
        let says = SelfIssued {
            subject: &self.asker,
            audience: &self.node.did,
            jti: &jti,
            issued_at_ms: self.node.now_ms(),
            lifetime_ms: 60_000,
            token: None,
            purpose: None,
            legal_basis: None,
            area_of_use: None,
        };
        let token = si_token::mint(&self.key, &self.key_id, &says).unwrap();
        format!("Bearer {token}")
    }

    /// Asks; without `known`, as nobody in particular.
    pub(crate) async fn ask(&self, method: Method, path: &str, says: &[(&str, &str)], body: &str, known: bool) -> Told {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in says {
            request = request.header(*name, *value);
        }
        if known {
            request = request.header(header::AUTHORIZATION, self.authorization());
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = crate::http::router(self.node.clone()).oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        Told {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(body, 64 << 20).await.unwrap().to_vec(),
        }
    }

    /// Requests the catalogue at `path`, which may be a link.
    async fn catalogue_at(&self, path: &str, filter: &[Value]) -> Told {
        let mut message = json!({
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage",
        });
        if !filter.is_empty() {
            message["filter"] = filter.into();
        }
        let says = [("content-type", "application/json")];
        self.ask(Method::POST, path, &says, &message.to_string(), true).await
    }

    async fn catalogue(&self, filter: &[Value]) -> Told {
        self.catalogue_at("/dsp/2025-1/catalog/request", filter).await
    }

    /// The identifiers of what fits, in their order.
    async fn found(&self, filter: &[Value]) -> Vec<String> {
        ids(&self.catalogue(filter).await)
    }

    async fn sparql(&self, query: &str, accept: &str) -> Told {
        let says = [("content-type", "application/sparql-query"), ("accept", accept)];
        self.ask(Method::POST, "/sparql", &says, query, true).await
    }
}

fn ids(told: &Told) -> Vec<String> {
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    let datasets = told.json()["dataset"].as_array().cloned().unwrap_or_default();
    datasets.iter().map(|d| d["@id"].as_str().unwrap().to_owned()).collect()
}

/// What it takes to publish, in short.
fn short(title: &str) -> Value {
    json!({"title": title, "description": format!("Wat {title} is"), "theme": ["ENVI"]})
}

/// A description with every property there is.
fn full() -> Value {
    let file = include_str!("rain.toml");
    let metadata = super::Metadata::from_toml(file).unwrap();
    json!({ "metadata": metadata })
}
