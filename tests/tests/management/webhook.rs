//! A program behind a webhook decides; where it gives no decision, nothing happens.

use crate::Pair;
use crate::receiver::Hook;
use herleid_tests::machine::until;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// A provider whose `what` (`negotiation` or `transfer`) are decided by a program when they are asked for.
fn pair(folder: &tempfile::TempDir, what: &str, hook: &Hook) -> Pair {
    let rules = folder.path().join("decisions.toml");
    let text = format!(
        "[[{what}]]\nrole = \"provider\"\nstate = \"REQUESTED\"\ndecide = \"webhook\"\n[webhook]\nurl = \"{}\"\n",
        hook.url
    );
    std::fs::write(&rules, text).unwrap();
    Pair::start(&[("decisions", &format!("file = \"{}\"", rules.display()))])
}

#[test]
fn a_program_that_fails_or_does_not_answer_in_its_words_decides_nothing() {
    let answers = [
        (503, "{\"decide\": \"agree\"}"),
        (200, "{\"decide\": null}"),
        (200, "\"agree\""),
        (200, "{\"decide\": \"agree\", \"really\": true}"),
        (200, "{\"decide\": \"suspend\"}"),
        (200, "agree"),
        (302, ""),
        (204, ""),
        // Its own word, at the wrong time.
        (200, "{\"decide\": \"finalize\"}"),
        (200, "{\"decide\": \"agree\"}"),
    ];
    let hook = Hook::wavering(&answers);
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(&folder, "negotiation", &hook);
    let mut told = pair.consumer.api.listen("0.0");
    let pid = pair.ask()["pid"].as_str().unwrap().to_owned();
    let mut said = BTreeMap::new();
    for (number, (status, answer)) in answers.into_iter().enumerate() {
        let asked = hook.until("eu.herleid.negotiation.decision-needed");
        // What came before has changed nothing, and the program is asked the same again.
        assert_eq!(asked.answered, status);
        let data = &asked.event["data"];
        assert_eq!(
            (&data["state"], &data["role"], &data["counterparty"]),
            (
                &json!("REQUESTED"),
                &json!("provider"),
                &json!(pair.consumer.connector.did)
            ),
            "before {status} {answer}"
        );
        assert_eq!(asked.event["subject"], data["pid"]);
        if number + 1 == answers.len() {
            break;
        }
        // An answer that says nothing is not yet one, and leaves no word.
        let word = match (status, answer) {
            (204, _) | (_, "{\"decide\": null}") => None,
            (_, "{\"decide\": \"finalize\"}") => Some("a decision came too late"),
            _ => Some("it will be tried again"),
        };
        if let Some(word) = word {
            let words = said.entry(word).or_insert(0);
            *words += 1;
            until("the answer was looked at, and is none", Duration::from_secs(60), || {
                let log = std::fs::read_to_string(pair.provider.connector.log()).unwrap();
                if log.matches(word).count() == *words {
                    Ok(())
                } else {
                    Err(log)
                }
            });
        }
        // What is recorded now comes after whatever the answer led to.
        pair.provider.publish(&format!("after-{number}"));
        let shown = pair.provider.api.get("/negotiations").good(200);
        assert_eq!(shown["items"][0]["state"], "REQUESTED", "after {status} {answer}");
        // A start asks at once what would otherwise wait for its pause.
        pair.provider.connector.kill();
        pair.provider.connector.start();
    }
    told.until(|event| event["type"] == "eu.herleid.agreement-concluded");
    let ended = pair.consumer.api.get(&format!("/negotiations/{pid}")).good(200);
    assert_eq!(ended["state"], "FINALIZED");
}

#[test]
fn a_program_starts_one_transfer_and_ends_another_with_its_reason() {
    let answers = [
        (200, "{\"decide\": \"start\"}"),
        (
            200,
            "{\"decide\": \"terminate\", \"reason\": \"the pumps are being repaired\"}",
        ),
    ];
    let hook = Hook::wavering(&answers);
    let folder = tempfile::tempdir().unwrap();
    let pair = pair(&folder, "transfer", &hook);
    let agreement = pair.agree();
    let mut told = pair.consumer.api.listen("0.0");
    let asked = json!({"agreement": agreement, "format": "HttpData-PULL"});

    let begin = || {
        let begun = pair.consumer.api.post("/transfers", &asked).good(202);
        begun["pid"].as_str().unwrap().to_owned()
    };
    let started = begin();
    let question = hook.until("eu.herleid.transfer.decision-needed");
    assert_eq!(
        (&question.event["data"]["state"], &question.event["data"]["agreement"]),
        (&json!("REQUESTED"), &json!(agreement))
    );
    told.until(|event| event["type"] == "eu.herleid.transfer.started" && event["subject"] == started.as_str());

    let ended = begin();
    hook.until("eu.herleid.transfer.decision-needed");
    told.until(|event| event["type"] == "eu.herleid.transfer.terminated" && event["subject"] == ended.as_str());
    let shown = pair.consumer.api.get(&format!("/transfers/{ended}")).good(200);
    assert_eq!(shown["ended"]["by"], "provider");
    assert!(
        shown["access"]
            .as_str()
            .unwrap()
            .contains("the pumps are being repaired"),
        "{shown:#}"
    );
    let other = pair.consumer.api.get(&format!("/transfers/{started}")).good(200);
    assert_eq!(other["state"], "STARTED");
}
