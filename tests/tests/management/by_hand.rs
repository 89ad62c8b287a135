//! A person decides at the command line: every step of a negotiation, and what is refused.

use crate::{Managed, Pair};
use herleid_tests::connector::{good, run};
use herleid_tests::management::Told;
use herleid_tests::process::told;
use serde_json::{Value, json};

/// Rules that leave these states of `role` to a person.
fn left_to_a_person(folder: &tempfile::TempDir, role: &str, states: &[&str]) -> String {
    let file = folder.path().join(format!("{role}.toml"));
    let rules = states
        .iter()
        .map(|state| format!("[[negotiation]]\nrole = \"{role}\"\nstate = \"{state}\"\ndecide = \"person\"\n"));
    std::fs::write(&file, rules.collect::<String>()).unwrap();
    format!("file = \"{}\"", file.display())
}

fn pair(provider: &[&str], consumer: &[&str]) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let (of_provider, of_consumer) = (
        left_to_a_person(&folder, "provider", provider),
        left_to_a_person(&folder, "consumer", consumer),
    );
    let pair = Pair {
        provider: Managed::start(&folder, "provider", &[("decisions", &of_provider)]),
        consumer: Managed::start(&folder, "consumer", &[("decisions", &of_consumer)]),
        _folder: folder,
    };
    pair.provider.publish("rain");
    pair
}

/// The negotiation that has come to this state.
fn comes_to(state: &str, events: &mut Told) -> String {
    let kind = format!("eu.herleid.negotiation.{state}");
    let event = events.until(|event| event["type"] == kind.as_str());
    event["subject"].as_str().unwrap().to_owned()
}

fn decide(end: &Managed, step: &str, id: &str) -> Value {
    good(&end.connector.run(&["negotiation", step, id]))
}

/// Refused with this exit code, in words that hold `expected`.
fn refused(end: &Managed, arguments: &[&str], code: i32, expected: &[&str]) {
    let output = end.connector.run(&[&["negotiation"][..], arguments].concat());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(&output));
    for words in expected {
        assert!(
            told(&output).contains(words),
            "{arguments:?}: `{words}`: {}",
            told(&output)
        );
    }
}

#[test]
fn every_step_of_a_negotiation_can_be_taken_by_a_person() {
    let pair = pair(&["REQUESTED", "ACCEPTED", "VERIFIED"], &["OFFERED", "AGREED"]);
    let (provider, consumer) = (&pair.provider, &pair.consumer);
    let (mut at_provider, mut at_consumer) = (provider.api.listen("0.0"), consumer.api.listen("0.0"));
    pair.ask();
    let theirs = comes_to("requested", &mut at_provider);
    // Nothing has been decided yet: the consumer has nothing to decide but to end it.
    let listed = good(&consumer.connector.run(&["negotiations"]));
    let ours = listed["negotiations"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&listed["waiting"], &listed["negotiations"][0]["who"]),
        (&json!(0), &json!("counterparty"))
    );
    refused(
        consumer,
        &["agree", &ours],
        5,
        &["REQUESTED", "decide one of: terminate"],
    );
    refused(consumer, &["accept", &ours], 5, &["REQUESTED"]);

    decide(provider, "offer", &theirs);
    comes_to("offered", &mut at_consumer);
    let waiting = good(&consumer.connector.run(&["negotiation", "show", &ours]));
    assert_eq!(
        (&waiting["negotiation"]["who"], &waiting["negotiation"]["possible"]),
        (&json!("person"), &json!(["accept", "counter", "terminate"]))
    );
    assert_eq!(
        (&waiting["policy"], &waiting["offer"]["target"]),
        (&json!("permits use"), &json!("rain"))
    );
    decide(consumer, "counter", &ours);
    comes_to("requested", &mut at_provider);
    decide(provider, "offer", &theirs);
    comes_to("offered", &mut at_consumer);
    decide(consumer, "accept", &ours);
    comes_to("accepted", &mut at_provider);
    decide(provider, "agree", &theirs);
    comes_to("agreed", &mut at_consumer);
    decide(consumer, "verify", &ours);
    comes_to("verified", &mut at_provider);
    decide(provider, "finalize", &theirs);
    // On record and shown at once: in which order that is told does not matter.
    at_consumer.until(|event| event["type"] == "eu.herleid.agreement-concluded");
    let over = good(&consumer.connector.run(&["negotiation", "show", &ours]));
    assert_eq!(
        (&over["negotiation"]["state"], &over["negotiation"]["possible"]),
        (&json!("FINALIZED"), &json!([]))
    );
    let agreement = over["agreement"].as_str().unwrap();
    good(&consumer.connector.run(&["pull", agreement]));
    refused(consumer, &["terminate", &ours], 5, &["FINALIZED", "it is over"]);
}

#[test]
fn a_person_sees_what_waits_and_is_told_why_something_is_not_possible() {
    let pair = pair(&["REQUESTED"], &[]);
    let provider = &pair.provider;
    let mut at_provider = provider.api.listen("0.0");
    let mut at_consumer = pair.consumer.api.listen("0.0");
    pair.ask();
    let first = comes_to("requested", &mut at_provider);
    pair.ask();
    let second = comes_to("requested", &mut at_provider);

    let listed = good(&provider.connector.run(&["negotiations", "--limit", "1"]));
    assert_eq!((&listed["total"], &listed["waiting"]), (&json!(2), &json!(2)));
    let lines = listed["negotiations"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["id"]), (1, &json!(second)), "the newest first");
    let shown = |language: &str| {
        let config = provider.connector.directory.join("herleid.toml");
        let config = config.to_str().unwrap();
        let output = run(&[
            "--config",
            config,
            "--lang",
            language,
            "--development",
            "negotiations",
            "--limit",
            "1",
        ]);
        assert!(output.status.success(), "{}", told(&output));
        told(&output)
    };
    let english = shown("en");
    assert!(
        english.contains("1 of 2; `--limit 0` shows all\n2 wait for a person"),
        "{english}"
    );
    assert!(english.contains("WAITS FOR A PERSON"), "{english}");
    assert!(shown("nl").contains("WACHT OP EEN MENS"), "{}", shown("nl"));

    for id in ["urn:uuid:01a202e6-8a6d-7a8e-92db-5883f7358b51", "not an identifier"] {
        for step in ["show", "agree", "terminate"] {
            let next = "`herleid negotiations --limit 0` lists them all";
            refused(provider, &[step, id], 3, &["there is no negotiation", next]);
        }
    }
    let possible = "decide one of: offer, agree, terminate";
    for step in ["finalize", "accept", "counter", "verify"] {
        refused(
            provider,
            &[step, &first],
            5,
            &["not possible in state REQUESTED", possible],
        );
    }
    refused(
        provider,
        &["agree", &first, "--reason", "we like you"],
        2,
        &["only when the negotiation is ended"],
    );
    refused(
        provider,
        &["show", &first, "--reason", "x"],
        2,
        &["leave `--reason` out"],
    );
    refused(provider, &["shout", &first], 2, &["shout", "terminate"]);
    refused(provider, &["agree"], 2, &["still needed"]);
    // Nothing of that has changed anything.
    let state = good(&provider.connector.run(&["negotiation", "show", &first]));
    assert_eq!(state["negotiation"]["state"], "REQUESTED");

    good(
        &provider
            .connector
            .run(&["negotiation", "terminate", &first, "--reason", "not this year"]),
    );
    let at_other = comes_to("terminated", &mut at_consumer);
    let ended = good(&pair.consumer.connector.run(&["negotiation", "show", &at_other]));
    assert_eq!(ended["ended"], "provider: not this year (code declined)");
    comes_to("terminated", &mut at_provider);
    refused(provider, &["agree", &first], 5, &["TERMINATED", "it is over"]);
    // What waits comes before what is over, however old it is.
    let listed = good(&provider.connector.run(&["negotiations"]));
    assert_eq!(
        (
            &listed["waiting"],
            &listed["negotiations"][0]["id"],
            &listed["negotiations"][1]["who"]
        ),
        (&json!(1), &json!(second), &Value::Null)
    );
}

#[test]
fn a_person_does_not_overrule_the_policy() {
    let pair = pair(&["REQUESTED"], &[]);
    let closed = r#"{"@type": "Offer", "permission": [{"action": "use", "constraint": [{"leftOperand": "dateTime",
        "operator": "lt", "rightOperand": {"@value": "2020-01-01T00:00:00Z", "@type": "xsd:dateTime"}}]}]}"#;
    let file = pair.provider.connector.directory.join("files/past");
    std::fs::write(&file, "x").unwrap();
    let published = pair
        .provider
        .connector
        .publish_under(&[file.to_str().unwrap()], "past", closed);
    good(&published);
    let mut at_provider = pair.provider.api.listen("0.0");
    let asked = json!({"counterparty": pair.provider.connector.did, "dataset": "past"});
    pair.consumer.api.post("/negotiations", &asked).good(202);
    let id = comes_to("requested", &mut at_provider);
    decide(&pair.provider, "agree", &id);
    comes_to("terminated", &mut at_provider);
    let ended = good(&pair.provider.connector.run(&["negotiation", "show", &id]));
    assert!(ended["ended"].as_str().unwrap().contains("policy-denied"), "{ended}");
    assert_eq!(ended.get("agreement"), None);
}
