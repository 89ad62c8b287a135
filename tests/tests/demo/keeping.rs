//! What is kept has a bound, and which keys were ours is kept too.

use crate::doctor::refused;
use herleid_tests::connector::{Connector, good};
use herleid_tests::machine::free_port;
use serde_json::{Value, json};

fn connector(folder: &tempfile::TempDir) -> Connector {
    let port = free_port();
    Connector::new(folder.path().join("one"), port, port)
}

#[test]
fn a_change_of_the_key_that_signs_for_the_participant_is_recorded_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    let size = |connector: &Connector| good(&connector.run(&["status"]))["size"].as_u64().unwrap();
    connector.start();
    assert_eq!(size(&connector), 1);
    connector.kill();
    let other = Connector::new(folder.path().join("other"), free_port(), free_port());
    std::fs::copy(
        other.directory.join("keys/identity.pem"),
        connector.directory.join("keys/identity.pem"),
    )
    .unwrap();
    for _ in 0..2 {
        connector.start();
        assert_eq!(size(&connector), 2);
        let record = format!("{}/1", connector.made["origin"].as_str().unwrap());
        let traced = good(&connector.run(&["trace", &record])).to_string();
        assert!(traced.contains("key-changed"), "{traced}");
        // The document that others see from then on is evidence.
        assert_eq!(good(&connector.run(&["doctor"]))["documents"], json!(1));
        connector.kill();
    }
}

#[test]
fn what_would_make_evidence_larger_than_it_may_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.set("limits", "evidence_bytes = 16777216");
    connector.start();
    let policy = |n: usize| {
        let recipients: Vec<String> = (0..200)
            .map(|m| format!("did:web:party-{n:03}-{m:05}.example"))
            .collect();
        let one = |_: usize| {
            json!({"action": "use", "constraint": [
                {"leftOperand": "odrl:recipient", "operator": "isAnyOf", "rightOperand": recipients},
            ]})
        };
        let permissions: Vec<Value> = (0..100).map(one).collect();
        json!({"@type": "Offer", "permission": permissions}).to_string()
    };
    let data = folder.path().join("data");
    std::fs::write(&data, b"1 2 3").unwrap();
    let publish = |n: usize| connector.publish_under(&[data.to_str().unwrap()], &format!("d{n}"), &policy(n));
    let mut kept = 0;
    let said = loop {
        let output = publish(kept);
        if !output.status.success() {
            break refused(&output);
        }
        kept += 1;
        assert!(kept < 40, "more than it may be");
    };
    assert!(kept > 5, "{kept}");
    assert!(
        said.contains("limits.evidence_bytes") && said.contains("16777216"),
        "{said}"
    );
    let size = good(&connector.run(&["doctor"]))["size"].as_u64().unwrap();
    assert_eq!(size, kept as u64 + 1);
}
