//! The rules file and the answer of a webhook, whatever they hold.

use super::file::parse;
use super::tests::asked;
use super::webhook::read;
use super::{Decider, Handlers, NegotiationAction, TransferAction};
use crate::fuzzing::{cases, damaged, lines};
use herleid_vocab::json::{self, Limits};
use proptest::prelude::*;
use std::time::Duration;

const RULES: &str = "[[negotiation]]\nrole = \"provider\"\ndataset = \"sewer-*\"\nstate = \"REQUESTED\"\ndecide = \"person\"\n\
                     [[negotiation]]\npeer = \"did:web:app.example\"\nsent = 1\nafter_ms = 3600000\ndecide = \"webhook\"\n\
                     [[transfer]]\nstate = \"STARTED\"\ndecide = \"suspend\"\nreason = \"not now\"\n\
                     [webhook]\nurl = \"https://decisions.example/herleid\"\n";
const NAMES: &[&str] = &[
    "negotiation",
    "transfer",
    "webhook",
    "url",
    "role",
    "state",
    "dataset",
    "peer",
    "sent",
    "after_ms",
    "decide",
    "reason",
];

const ANSWERS: &[&str] = &[
    r#"{"decide": "agree", "reason": "as agreed by telephone"}"#,
    r#"{"decide": "start"}"#,
    r#"{"decide": null, "reason": null}"#,
    r#"{"decide": ["agree"]}"#,
    r#"{"decide": {"agree": null}}"#,
    r#"["agree", "as agreed by telephone"]"#,
    r#"{"decide": "terminate", "decide": "agree"}"#,
];

/// Whatever is decided was said in so many words; all else is no decision.
fn decided(text: &str) {
    let Ok(value) = json::parse(text.as_bytes(), &Limits::MESSAGE) else {
        return;
    };
    let said = value.get("decide").and_then(|said| said.as_str()).map(str::to_owned);
    match read::<NegotiationAction>(value.clone()) {
        Ok(answer) => assert_eq!(answer.decide.map(|action| action.name().to_owned()), said, "{text:?}"),
        Err(why) => assert!(why.contains("its answer is not"), "{text:?}"),
    }
    if let Ok(answer) = read::<TransferAction>(value) {
        let action = answer.decide.map(|action| serde_json::to_value(action).unwrap());
        assert_eq!(action, said.map(serde_json::Value::from), "{text:?}");
    }
}

/// Either it is refused in words, or its rules hold what is said of every rules file.
fn judged(text: &str) -> Option<Handlers> {
    let handlers = match parse(text, false) {
        Ok(handlers) => handlers,
        Err(why) => {
            assert!(!why.trim().is_empty(), "{text:?}");
            return None;
        }
    };
    for dataset in ["rain", "sewer-1", ""] {
        let Ok(dataset) = dataset.parse::<crate::dsp::id::Id>() else {
            continue;
        };
        let process = asked(dataset.as_str());
        let ruling = handlers.negotiation(&process);
        assert!(ruling.after <= Duration::from_secs(3_600), "{text:?}");
        match ruling.decider {
            Decider::Rule(action) => assert!(process.possible().contains(&action.kind()), "{text:?}"),
            Decider::Webhook => assert!(handlers.webhook().is_some(), "{text:?}"),
            Decider::Policy | Decider::Person | Decider::Hold => {}
        }
    }
    if let Some(url) = handlers.webhook() {
        assert_eq!(url.scheme(), "https", "{text:?}");
        assert!(url.has_host() && url.password().is_none(), "{text:?}");
    }
    Some(handlers)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn damaged_answers_of_a_webhook_never_panic_nor_decide(text in damaged(ANSWERS)) {
        decided(&text);
    }

    #[test]
    fn made_up_answers_of_a_webhook_never_panic_nor_decide(text in "(\\{|\\}|\\[|\"decide\"|\"reason\"|:|,|\"agree\"|\"Agree\"|\"start\"|null|true|1|\\PC){0,10}") {
        decided(&text);
        decided(&format!("{{\"decide\":{text}}}"));
    }

    #[test]
    fn damaged_rules_never_panic(text in damaged(&[RULES])) {
        judged(&text);
    }

    #[test]
    fn made_up_rules_never_panic(text in lines(NAMES)) {
        judged(&text);
    }

    #[test]
    fn a_rule_of_known_words_never_panics_and_is_read(
        role in prop::sample::select(vec!["provider", "consumer"]),
        decide in prop::sample::select(vec!["policy", "person", "hold", "agree", "terminate", "counter"]),
        dataset in "[a-z-]{1,12}\\*?",
        after in 0..=3_600_000u64,
    ) {
        let text = format!("[[negotiation]]\nrole = {role:?}\ndataset = {dataset:?}\nafter_ms = {after}\ndecide = {decide:?}\n");
        prop_assert!(judged(&text).is_some(), "{}", text);
    }
}
