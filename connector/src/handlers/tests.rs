use super::file::parse;
use super::*;
use crate::dsp::negotiation::{Peer, request};
use crate::dsp::policy::Offer;
use serde_json::json;

/// A negotiation of ours as the consumer, about `dataset`.
pub(super) fn asked(dataset: &str) -> Negotiation {
    let offer = json!({"@id": "urn:offer:1", "@type": "Offer", "target": dataset, "permission": [{"action": "use"}]});
    let peer = Peer {
        id: "did:web:knmi.example".parse().unwrap(),
        address: "https://knmi.example/dsp/2025-1".parse().unwrap(),
        callback: "https://app.example/dsp/2025-1".parse().unwrap(),
    };
    let own = "urn:uuid:c".parse().unwrap();
    request(own, peer, Offer::try_from(offer).unwrap(), 0).unwrap().0
}

fn decider(rules: &str, dataset: &str) -> Decider<NegotiationAction> {
    parse(rules, false).unwrap().negotiation(&asked(dataset)).decider
}

#[test]
fn the_first_rule_that_fits_decides_and_without_one_the_policy() {
    let rules = r#"
        [[negotiation]]
        dataset = "rain"
        decide = "person"
        [[negotiation]]
        dataset = "ra*"
        role = "consumer"
        state = "REQUESTED"
        sent = 1
        peer = "did:web:knmi.example"
        decide = "hold"
        [[negotiation]]
        role = "provider"
        decide = "terminate"
    "#;
    assert_eq!(decider(rules, "rain"), Decider::Person);
    assert_eq!(decider(rules, "radar"), Decider::Hold);
    assert_eq!(decider(rules, "sewer"), Decider::Policy);
    assert_eq!(decider("", "rain"), Decider::Policy);
    for no_longer in [
        "sent = 2",
        "state = \"OFFERED\"",
        "peer = \"did:web:knmi\"",
        "role = \"provider\"",
    ] {
        let rule = format!("[[negotiation]]\n{no_longer}\ndecide = \"hold\"\n");
        assert_eq!(decider(&rule, "rain"), Decider::Policy, "{no_longer}");
    }
}

#[test]
fn a_rule_whose_decision_is_not_possible_does_not_fit() {
    let both = "[[negotiation]]\ndecide = \"verify\"\n[[negotiation]]\ndecide = \"terminate\"\nreason = \"no\"\nafter_ms = 5\n";
    let ruling = parse(both, false).unwrap().negotiation(&asked("rain"));
    assert_eq!(ruling.decider, Decider::Rule(NegotiationAction::Terminate));
    assert_eq!(
        (ruling.reason.as_deref(), ruling.after),
        (Some("no"), Duration::from_millis(5))
    );
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let hook = "\n[[transfer]]\ndecide = \"webhook\"\n";
    for (text, says) in [
        (
            "[[negotiation]]\ndecide = \"yes\"\n",
            "rule 1 of `[[negotiation]]`: `decide` is `yes`",
        ),
        (
            "[[transfer]]\ndecide = \"agree\"\n",
            "start, suspend, complete, terminate",
        ),
        ("[[transfer]]\nstate = \"OFFERED\"\ndecide = \"hold\"\n", "line 2"),
        ("[[negotiation]]\ndecide = \"hold\"\nwhen = 3\n", "unknown field `when`"),
        ("[[negotiation]]\nstate = \"OFFERED\"\n", "missing field `decide`"),
        (
            "[[negotiation]]\ndataset = \"\"\ndecide = \"hold\"\n",
            "`` is not a condition",
        ),
        (
            "[[negotiation]]\ndataset = \"a*b\"\ndecide = \"hold\"\n",
            "`a*b` is not a condition",
        ),
        (
            "[[negotiation]]\ndecide = \"hold\"\nafter_ms = 3600001\n",
            "`after_ms` is 3600001",
        ),
        (hook, "there is no `[webhook]`"),
        (
            &format!("[webhook]\nurl = \"http://a.example\"{hook}"),
            "expected an `https://` address",
        ),
        (
            &format!("[webhook]\nurl = \"https://u:p@a.example\"{hook}"),
            "without user and password",
        ),
    ] {
        let why = parse(text, false).unwrap_err();
        assert!(why.contains(says), "{text}: {why}");
    }
    assert!(parse(&format!("[webhook]\nurl = \"http://a.example\"{hook}"), true).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Handlers::load(Path::new("/nowhere/decisions.toml"), false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("`/nowhere/decisions.toml` cannot be read"), "{error}");
}
