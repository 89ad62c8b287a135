//! Obligations between two connectors: reminded of, done, stated, proved; and what is overdue denies.

use crate::{Managed, Pair};
use herleid_tests::connector::good;
use herleid_tests::process::told;
use herleid_vocab::rim::Clock as _;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Value, json};
use std::path::PathBuf;

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// A moment so long from now, as a policy writes it.
fn in_ms(ms: u64) -> String {
    format_rfc3339_ms(herleid::rim::SystemClock.now_ms() + ms)
}

/// Publishes a dataset with an obligation by a moment.
fn lend(provider: &Managed, id: &str, action: &str, by: &str) {
    let due = json!({"leftOperand": "odrl:dateTime", "operator": "lteq", "rightOperand": by});
    let policy = json!({"@type": "Offer", "permission": [{"action": "use"}],
        "obligation": [{"action": action, "constraint": [due]}]});
    provider.connector.offer(id, id.as_bytes(), &policy.to_string());
}

fn agree(pair: &Pair, id: &str) -> String {
    let negotiated = pair
        .consumer
        .connector
        .run(&["negotiate", &pair.provider.connector.did, id]);
    good(&negotiated)["agreement"].as_str().unwrap().to_owned()
}

/// The one obligation under an agreement.
fn duty(end: &Managed, agreement: &str) -> Value {
    let list = end.api.get(&format!("/duties?agreement={agreement}")).good(200);
    assert_eq!((&list["total"], &list["shown"]), (&json!(1), &json!(1)), "{list}");
    // The commands of the same machine see the same.
    let listed = good(&end.connector.run(&["duties", "--agreement", agreement]));
    assert_eq!((&listed["duties"], &listed["total"]), (&list["items"], &json!(1)));
    list["items"][0].clone()
}

fn warned(end: &Managed, of: &str) -> bool {
    let status = good(&end.connector.run(&["status"]));
    let warnings = status["warnings"].as_array().unwrap();
    warnings.iter().any(|warning| warning.as_str().unwrap().contains(of))
}

#[test]
fn what_is_lent_until_a_day_is_reminded_of_deleted_and_proved() {
    let mut pair = Pair::start(&[]);
    lend(&pair.provider, "lent", "odrl:delete", &in_ms(DAY_MS));
    let agreement = agree(&pair, "lent");
    // Before anybody looks, both are told that the day is near.
    for end in [&pair.provider, &pair.consumer] {
        let mut events = end.api.listen("0.0");
        let reminder = events.until(|event| event["type"] == "eu.herleid.obligation.due-soon");
        assert_eq!(
            (
                &reminder["subject"],
                &reminder["data"]["action"],
                &reminder["data"]["whose"]
            ),
            (&json!(agreement), &json!("delete"), &json!(pair.consumer.connector.did))
        );
        assert_eq!(duty(end, &agreement)["state"], "due-soon");
        assert!(warned(end, "has to `delete`"));
    }
    let pulled = good(&pair.consumer.connector.run(&["pull", &agreement]));
    let payload = PathBuf::from(pulled["path"].as_str().unwrap());
    assert_eq!(std::fs::read(&payload).unwrap(), b"lent");

    // Only who is obliged can state it, of an obligation that there is, in words.
    let states = |end: &Managed, obligation: &str, text: &str| {
        end.connector
            .run(&["duty", "fulfil", &agreement, obligation, "--statement", text])
    };
    for (end, obligation, text, code, said) in [
        (&pair.provider, "delete", "gone", 5, "only that can state"),
        (&pair.consumer, "inform", "gone", 3, "there is no obligation `inform`"),
        (&pair.consumer, "delete", " ", 2, "the statement is empty"),
    ] {
        let refused = states(end, obligation, text);
        assert_eq!(refused.status.code(), Some(code), "{}", told(&refused));
        assert!(told(&refused).contains(said), "{}", told(&refused));
    }
    assert!(payload.exists());

    let mut at_provider = pair.provider.api.listen("0.0");
    let done = good(&states(&pair.consumer, "delete", "deleted after the assessment"));
    assert_eq!(
        (
            &done["state"],
            &done["statement"]["removed"],
            &done["statement"]["transactions"]
        ),
        (&json!("fulfilled"), &json!(1), &json!(1)),
        "{done}"
    );
    assert!(!payload.exists(), "the bytes are gone");
    let event = at_provider.until(|event| event["type"] == "eu.herleid.deletion-stated");
    assert_eq!(event["subject"], agreement);
    let proved = duty(&pair.provider, &agreement);
    assert_eq!(
        (
            &proved["state"],
            &proved["statement"]["text"],
            &proved["statement"]["late"]
        ),
        (
            &json!("fulfilled"),
            &json!("deleted after the assessment"),
            &json!(false)
        )
    );
    assert_eq!(proved["statement"]["enforced_by"], "consumer-connector");
    assert_eq!(proved["statement"]["record"], event["data"]["index"]);
    assert!(!warned(&pair.provider, "has to `delete`") && !warned(&pair.consumer, "has to `delete`"));
    let twice = states(&pair.consumer, "delete", "again");
    assert_eq!(twice.status.code(), Some(5), "{}", told(&twice));

    // What is had again before the day has to be deleted again; a restart forgets nothing of it.
    good(&pair.consumer.connector.run(&["pull", &agreement]));
    for end in [&mut pair.provider, &mut pair.consumer] {
        end.connector.kill();
        end.connector.start();
        assert_eq!(duty(end, &agreement)["state"], "due-soon");
    }
    let body = json!({"agreement": agreement, "obligation": "delete", "statement": "deleted once more"});
    let done = pair.consumer.api.post("/duties/fulfilment", &body).good(200);
    assert_eq!(
        (&done["state"], &done["statement"]["transactions"]),
        (&json!("fulfilled"), &json!(2))
    );
    assert!(!payload.exists());
    let all = pair.provider.api.get("/duties?state=fulfilled&side=provider").good(200);
    assert_eq!(
        (&all["total"], &all["items"][0]["statement"]["transactions"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(pair.provider.api.get("/duties?state=overdue").good(200)["total"], 0);
    pair.provider.api.get("/duties?state=late").problem(400);
    for end in [&pair.provider, &pair.consumer] {
        let checked = end.connector.run(&["doctor"]);
        assert!(checked.status.success(), "{}", told(&checked));
    }
}

#[test]
fn what_is_overdue_denies_and_what_was_to_be_told_is_made_good_late() {
    let pair = Pair::start(&[]);
    let soon = in_ms(40_000);
    lend(&pair.provider, "lent", "odrl:delete", &soon);
    lend(&pair.provider, "reported", "odrl:inform", &soon);
    let agreements = ["lent", "reported"].map(|id| agree(&pair, id));
    let mut events = pair.provider.api.listen("0.0");
    for _ in &agreements {
        events.until(|event| event["type"] == "eu.herleid.obligation.overdue");
    }
    for agreement in &agreements {
        let denied = pair.consumer.connector.run(&["pull", agreement]);
        assert_eq!(denied.status.code(), Some(5), "{}", told(&denied));
        assert!(told(&denied).contains("past its date"), "{}", told(&denied));
        assert_eq!(duty(&pair.provider, agreement)["state"], "overdue");
    }
    assert!(warned(&pair.provider, "had to `delete`") && warned(&pair.provider, "had to `inform`"));
    for (agreement, action) in agreements.iter().zip(["delete", "inform"]) {
        let stated = ["duty", "fulfil", agreement, action, "--statement", "late, and sorry"];
        let line = good(&pair.consumer.connector.run(&stated));
        for line in [line, duty(&pair.provider, agreement)] {
            assert_eq!(
                (&line["state"], &line["statement"]["late"]),
                (&json!("fulfilled"), &json!(true)),
                "{line}"
            );
        }
    }
    let [lent, reported] = &agreements;
    assert!(
        !pair.consumer.connector.run(&["pull", lent]).status.success(),
        "its day is over"
    );
    good(&pair.consumer.connector.run(&["pull", reported]));
}
