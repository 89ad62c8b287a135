//! A participant that messages call by another name than its DID; and who sees to what is passed on.

use super::{Asker, DISTRIBUTE, USE, under_agreement};
use crate::config::Config;
use crate::node::{Node, Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::{AgreementEntry, Declares, Side};
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
            declares: Default::default(),
            other_log: None,
            other_base: "http://app.example".to_owned(),
            dataset: None,
            terminated: None,
        };
        let asker = match side {
            Side::Provider => Asker::by_token(&app),
            Side::Consumer => Asker::ourselves(&node.did),
        };
        let decided = under_agreement(&node, &agreement, USE, &asker).unwrap();
        assert_eq!(decided.is_permit(), permitted, "{side:?} {name}: {}", decided.record());
    }
}

/// What this end passes on, the provider never sees: the record says so, and comes out the same when it is decided again.
#[test]
fn what_is_passed_on_is_seen_to_by_the_consumers_connector() {
    let directory = tempfile::tempdir().unwrap();
    let node = node(directory.path());
    let (owner, recipient): (Did, Did) = (
        "did:web:owner.example".parse().unwrap(),
        "did:web:model.example".parse().unwrap(),
    );
    let limit = |operand: &str, most: u64| json!({"leftOperand": operand, "operator": "lteq", "rightOperand": most});
    let policy = json!({"@type": "Agreement", "@id": "urn:agreement:2", "target": "rain", "assigner": owner.as_str(), "assignee": node.did.as_str(),
        "permission": [{"action": "distribute", "constraint": [
            limit("count", 3), limit("https://w3id.org/herleid/ns#volume", 9),
            {"leftOperand": "recipient", "operator": "eq", "rightOperand": recipient.as_str()}]}]});
    let agreement = AgreementEntry {
        id: "urn:agreement:2".to_owned(),
        side: Side::Consumer,
        other: owner,
        sha256: "passed on".to_owned(),
        agreement: policy.clone(),
        target: "rain".to_owned(),
        declares: Declares::default(),
        other_log: None,
        other_base: "http://owner.example".to_owned(),
        dataset: None,
        terminated: None,
    };
    let decide = |asker: Asker<'_>| under_agreement(&node, &agreement, DISTRIBUTE, &asker).unwrap();
    let asker = Asker::presumed(&recipient);
    let decided = decide(asker.delivering(Some(9)));
    assert!(decided.is_permit(), "{}", decided.record());
    let record = decided.record();
    for fact in record["facts"].as_array().unwrap() {
        assert_eq!(fact["enforcedBy"], "consumer-connector", "{fact}");
    }
    herleid_policies::reevaluate(&policy, &record).unwrap();
    // Who does not say how much goes gets nothing that is counted in bytes.
    assert!(!decide(asker).is_permit());
    assert!(decide(asker.delivering_nothing()).is_permit());
}
