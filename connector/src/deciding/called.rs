//! A participant that messages call by another name than its DID.

use super::{Asker, USE, under_agreement};
use crate::config::Config;
use crate::node::{Node, Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::{AgreementEntry, Side};
use herleid_policies::{LOG_KEPT, LOG_NONE};
use herleid_vocab::did::Did;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

fn node(directory: &Path) -> Arc<Node> {
    let text = "[participant]\ndid = \"did:web:knmi.example\"\nname = \"KNMI\"\n\
                [listen]\npublic_url = \"http://knmi.example\"\n\
                [ledger]\norigin = \"knmi.example/log/1\"\n\
                [development]\nplain_http = true\n\
                token_peers = [{ did = \"did:web:app.example\", name = \"APP\", address = \"http://app.example\", token = \"t\" }]\n";
    Secrets::make(&directory.join("keys"), &SystemEntropy).unwrap();
    open(Config::read(&directory.join("herleid.toml"), text, std::iter::empty(), true).unwrap()).unwrap()
}

/// The agreement has the name, whoever asks is known by the DID: they are the same participant, and nobody else is.
#[test]
fn an_agreement_holds_for_whom_it_calls_by_another_name() {
    let directory = tempfile::tempdir().unwrap();
    let node = node(directory.path());
    let both = json!({"leftOperand": "https://w3id.org/herleid/ns#counterpartyLog", "operator": "isAnyOf",
        "rightOperand": [LOG_KEPT, LOG_NONE]});
    for (side, name, permitted) in [
        (Side::Provider, "APP", true),
        (Side::Consumer, "APP", true),
        (Side::Provider, "OTHER", false),
        (Side::Consumer, "OTHER", false),
    ] {
        let (assigner, assignee) = match side {
            Side::Provider => (node.did.as_str(), name),
            Side::Consumer => (name, node.did.as_str()),
        };
        let app: Did = "did:web:app.example".parse().unwrap();
        let agreement = AgreementEntry {
            id: "urn:agreement:1".to_owned(),
            side,
            other: app.clone(),
            agreement: json!({"@type": "Agreement", "@id": "urn:agreement:1", "target": "rain", "assigner": assigner,
                "assignee": assignee, "permission": [{"action": "use", "constraint": [both]}]}),
            sha256: format!("{side:?} {name}"),
            target: "rain".to_owned(),
            purpose: None,
            other_log: None,
            other_base: "http://app.example".to_owned(),
            dataset: None,
            terminated: None,
        };
        let asker = match side {
            Side::Provider => Asker::by_token(&app, None),
            Side::Consumer => Asker::ourselves(&node.did, None),
        };
        let decided = under_agreement(&node, &agreement, USE, &asker).unwrap();
        assert_eq!(decided.is_permit(), permitted, "{side:?} {name}: {}", decided.record());
    }
}
