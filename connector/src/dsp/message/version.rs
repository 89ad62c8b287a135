//! The version document at `/.well-known/dspace-version` (common requirements, "Exposure of Versions";
//! `common/protocol-version-schema.json`). It has neither `@context` nor `@type`.

use super::super::VERSION;
use super::super::node::{MessageError, Node};
use herleid_vocab::json::{self, Limits};
use serde_json::{Map, Value, json};

/// How an endpoint is secured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// For example `DCP`.
    pub protocol: String,
    /// For example `1.0`.
    pub version: String,
    /// For example `vc20-bssl/jwt`.
    pub profile: Vec<String>,
}

/// The only binding that the protocol defines, and that we speak.
const BINDING: &str = "HTTPS";

/// One version that a connector speaks over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// For example `2025-1`.
    pub version: String,
    /// Absolute path to be appended to the root.
    pub path: String,
    /// Groups the endpoints of one service.
    pub service_id: Option<String>,
    /// For example `did:web`.
    pub identifier_type: Option<String>,
    /// How it is secured.
    pub auth: Option<Auth>,
}

/// The versions that a connector speaks; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionDocument {
    versions: Vec<Version>,
}

impl VersionDocument {
    /// The document of a connector whose 2025-1 endpoints lie under `path`, secured by the Decentralized Claims Protocol 1.0.
    #[must_use]
    pub fn ours(path: &str, service_id: &str, profiles: &[&str]) -> Self {
        Self {
            versions: vec![Version {
                version: VERSION.to_owned(),
                path: path.to_owned(),
                service_id: Some(service_id.to_owned()),
                identifier_type: Some("did:web".to_owned()),
                auth: Some(Auth {
                    protocol: "DCP".to_owned(),
                    version: "1.0".to_owned(),
                    profile: profiles.iter().map(|&p| p.to_owned()).collect(),
                }),
            }],
        }
    }

    /// Parses a peer's document; versions over bindings that we do not know are passed over.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let value = json::parse(bytes, &Limits::MESSAGE)?;
        let node = Node::root(&value)?;
        node.require("protocolVersions")?;
        let mut versions = Vec::new();
        for version in node.children("protocolVersions", true)? {
            if version.text("binding")? == BINDING {
                versions.push(read_version(&version)?);
            }
        }
        if versions.is_empty() {
            return Err(node.form(
                "protocolVersions",
                "an array with at least one version over the binding `HTTPS`",
            ));
        }
        Ok(Self { versions })
    }

    /// The document as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let versions: Vec<Value> = self.versions.iter().map(version_json).collect();
        json!({ "protocolVersions": versions })
    }
}

fn read_version(node: &Node<'_>) -> Result<Version, MessageError> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let path = node.text("path")?;
    if !path.starts_with('/') || path.starts_with("//") || path.contains(['?', '#', '\\']) {
        return Err(node.form("path", "an absolute path of a URL"));
    }
    let auth = match node.get("auth") {
        None => None,
        Some(_) => Some(read_auth(&node.child("auth")?)?),
    };
    Ok(Version {
        version: node.text("version")?.to_owned(),
        path: path.to_owned(),
        service_id: owned(node.text_if_there("serviceId")?),
        identifier_type: owned(node.text_if_there("identifierType")?),
        auth,
    })
}

fn read_auth(node: &Node<'_>) -> Result<Auth, MessageError> {
    let profile = node
        .array_if_there("profile", false)?
        .unwrap_or_default()
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| node.form("profile", "an array of strings"))?;
    Ok(Auth {
        protocol: node.text("protocol")?.to_owned(),
        version: node.text("version")?.to_owned(),
        profile,
    })
}

fn version_json(version: &Version) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("version", json!(version.version));
    put("path", json!(version.path));
    put("binding", json!(BINDING));
    if let Some(id) = &version.service_id {
        put("serviceId", json!(id));
    }
    if let Some(kind) = &version.identifier_type {
        put("identifierType", json!(kind));
    }
    if let Some(auth) = &version.auth {
        put(
            "auth",
            json!({"protocol": auth.protocol, "version": auth.version, "profile": auth.profile}),
        );
    }
    Value::Object(members)
}
