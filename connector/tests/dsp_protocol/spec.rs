//! The protocol's schemas and examples, which lie beside the repository and are no part of it.

use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Schemas by their path below `https://w3id.org/dspace/2025/1/`, examples by file name.
pub struct Spec {
    schemas: BTreeMap<String, Value>,
    pub examples: BTreeMap<String, Value>,
}

const BASE: &str = "https://w3id.org/dspace/2025/1/";

/// Type of a message, its schema.
const SCHEMA_OF: [(&str, &str); 22] = [
    ("CatalogRequestMessage", "catalog/catalog-request-message-schema.json"),
    ("DatasetRequestMessage", "catalog/dataset-request-message-schema.json"),
    ("Catalog", "catalog/catalog-schema.json"),
    ("Dataset", "catalog/dataset-schema.json"),
    ("CatalogError", "catalog/catalog-error-schema.json"),
    (
        "ContractRequestMessage",
        "negotiation/contract-request-message-schema.json",
    ),
    ("ContractOfferMessage", "negotiation/contract-offer-message-schema.json"),
    (
        "ContractAgreementMessage",
        "negotiation/contract-agreement-message-schema.json",
    ),
    (
        "ContractAgreementVerificationMessage",
        "negotiation/contract-agreement-verification-message-schema.json",
    ),
    (
        "ContractNegotiationEventMessage",
        "negotiation/contract-negotiation-event-message-schema.json",
    ),
    (
        "ContractNegotiationTerminationMessage",
        "negotiation/contract-negotiation-termination-message-schema.json",
    ),
    ("ContractNegotiation", "negotiation/contract-negotiation-schema.json"),
    (
        "ContractNegotiationError",
        "negotiation/contract-negotiation-error-schema.json",
    ),
    (
        "TransferRequestMessage",
        "transfer/transfer-request-message-schema.json",
    ),
    ("TransferStartMessage", "transfer/transfer-start-message-schema.json"),
    (
        "TransferSuspensionMessage",
        "transfer/transfer-suspension-message-schema.json",
    ),
    (
        "TransferCompletionMessage",
        "transfer/transfer-completion-message-schema.json",
    ),
    (
        "TransferTerminationMessage",
        "transfer/transfer-termination-message-schema.json",
    ),
    ("TransferProcess", "transfer/transfer-process-schema.json"),
    ("TransferError", "transfer/transfer-error-schema.json"),
    ("VersionDocument", "common/protocol-version-schema.json"),
    ("DidService", "common/did-service-schema.json"),
];

impl Spec {
    /// The specification, or nothing after saying that `test` is skipped.
    pub fn load(test: &str) -> Option<Self> {
        let root = herleid_vocab::reference::find(test, "spec/dsp")?;
        let mut spec = Self {
            schemas: BTreeMap::new(),
            examples: BTreeMap::new(),
        };
        for part in ["catalog", "common", "negotiation", "transfer"] {
            for (path, json) in json_files(&root.join(part)) {
                let name = path.file_name().unwrap().to_str().unwrap();
                spec.schemas.insert(format!("{part}/{name}"), repaired(json));
            }
            for (path, json) in json_files(&root.join(part).join("example")) {
                spec.examples
                    .insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), json);
            }
        }
        assert_eq!(
            (spec.schemas.len(), spec.examples.len()),
            (26, 27),
            "the specification is not whole"
        );
        Some(spec)
    }

    /// One validator for each type of message.
    pub fn validators(&self) -> Validators {
        let mut builder = Registry::new().draft(Draft::Draft201909);
        for (path, schema) in &self.schemas {
            assert_eq!(schema["$id"], format!("{BASE}{path}"));
            builder = builder.add(format!("{BASE}{path}"), schema.clone()).unwrap();
        }
        let registry = builder.prepare().unwrap();
        let build = |path: &str| {
            jsonschema::options()
                .with_draft(Draft::Draft201909)
                .with_registry(&registry)
                .build(&self.schemas[path])
                .unwrap()
        };
        Validators(SCHEMA_OF.iter().map(|(kind, path)| (*kind, build(path))).collect())
    }
}

/// Validators by type of message.
pub struct Validators(BTreeMap<&'static str, Validator>);

impl Validators {
    pub fn is_valid(&self, kind: &str, json: &Value) -> bool {
        self.0[kind].is_valid(json)
    }

    /// Fails the test when `json` is against the schema of `kind`.
    pub fn demand(&self, kind: &str, json: &Value) {
        let errors: Vec<String> = self.0[kind]
            .iter_errors(json)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{kind}: {errors:?}\n{json:#}");
    }

    /// As `demand`, with the type that the message names.
    pub fn demand_own_type(&self, json: &Value) {
        self.demand(json["@type"].as_str().unwrap_or("VersionDocument"), json);
    }
}

/// Three schemas refer to `transfer-schema.json#definitions/...`: the JSON pointer lacks its leading slash.
fn repaired(schema: Value) -> Value {
    let text = schema.to_string().replace(
        "transfer-schema.json#definitions/",
        "transfer-schema.json#/definitions/",
    );
    serde_json::from_str(&text).unwrap()
}

fn json_files(folder: &Path) -> Vec<(PathBuf, Value)> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| {
            let json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (path, json)
        })
        .collect()
}
