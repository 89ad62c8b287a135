//! What is kept has a bound and a time, and which keys were ours is kept too.

use crate::backups_erased::{by, people};
use crate::doctor::refused;
use herleid_tests::connector::{Connector, good};
use herleid_tests::machine::free_port;
use herleid_tests::process::{herleid, mortal, told};
use serde_json::json;

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
    connector.publish("rain", b"1 2 3");
    connector.kill();
    // As much as there may be, so that no document fits any more.
    let name = "ab".repeat(32);
    let large = connector.storage().join("evidence/ab").join(name);
    std::fs::write(&large, vec![0; 16 << 20]).unwrap();
    connector.start();
    let file = connector.directory.join("published");
    let offer = r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#;
    let publish = |connector: &Connector| connector.publish_under(&[file.to_str().unwrap()], "snow", offer);
    let said = refused(&publish(&connector));
    assert!(
        said.contains("limits.evidence_bytes") && said.contains("16777216"),
        "{said}"
    );
    assert_eq!(good(&connector.run(&["doctor"]))["size"], json!(2));
    connector.kill();
    std::fs::remove_file(&large).unwrap();
    connector.start();
    good(&publish(&connector));
}

#[test]
fn what_a_selection_list_says_is_shown_and_proposed_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut provider = connector(&folder);
    let rule = "{category = \"5.3\", activity = \"https://a.example/20\", of = \"agreement\", named = \"rain\", keep = \"KEEP\"}";
    let rules = |keep: &str| {
        format!(
            "list = \"Selectielijst 2020\"\nrules = [{}]",
            rule.replace("KEEP", keep)
        )
    };
    people(&provider, None);
    provider.set("retention", &rules("soon"));
    let output = provider.run(&["doctor"]);
    let said = told(&output);
    assert_eq!(output.status.code(), Some(9), "{said}");
    assert!(
        said.contains("retention.rules.keep") && said.contains("permanent"),
        "{said}"
    );
    provider.set("retention", &rules("0d"));
    provider.start();
    provider.publish("rain", b"1 2 3");
    let port = free_port();
    let mut consumer = Connector::new(folder.path().join("consumer"), port, port);
    consumer.start();
    let agreement = good(&consumer.run(&["negotiate", &provider.did, "rain"]))["agreement"].clone();
    good(&consumer.run(&["pull", agreement.as_str().unwrap()]));
    let plan = good(&provider.run(&["retention", "plan", "--on", "2100-01-01"]));
    let line = &plan["lines"][0];
    assert_eq!((&line["name"], &line["state"]), (&agreement, &json!("open")), "{plan}");
    assert_eq!(line["category"], "5.3", "{plan}");
    for (language, says) in [
        ("en", ["by Selectielijst 2020", "goes on"]),
        ("nl", ["volgens Selectielijst 2020", "loopt nog"]),
    ] {
        let mut command = mortal(herleid());
        command.args(["--development", "--lang", language, "--config"]);
        command
            .arg(provider.directory.join("herleid.toml"))
            .args(["retention", "plan"]);
        let shown = told(&command.output().unwrap());
        assert!(says.iter().all(|text| shown.contains(text)), "{shown}");
        assert!(!shown.contains("cli-"), "{shown}");
    }
    // Nobody proposes anything without a token, and nothing that is not over.
    assert_eq!(provider.run(&["retention", "apply"]).status.code(), Some(2));
    let applied = good(&by(&provider, 0, &["retention", "apply"]));
    assert_eq!(applied["proposals"], json!([]), "{applied}");
    assert_eq!(
        provider.run(&["retention", "plan", "--on", "soon"]).status.code(),
        Some(2)
    );
}
