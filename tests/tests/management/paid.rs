//! Uses that cost something, between two real connectors: paid for, taken, refused, seen by both ends, and the same after a stop.

use crate::Pair;
use herleid_tests::connector::{RAIN, good};
use herleid_tests::process::told;
use serde_json::{Value, json};
use std::process::Output;

/// A pair with a dataset whose uses cost so much, and their agreement about it.
fn agreed(price: &str) -> (Pair, String) {
    let pair = Pair::start(&[]);
    let file = pair.provider.connector.directory.join("files").join("snow");
    std::fs::write(&file, RAIN).unwrap();
    let price = json!({"leftOperand": "odrl:payAmount", "operator": "eq", "rightOperand": price, "odrl:unit": {"@id": "http://dbpedia.org/resource/Euro"}});
    let duty = json!({"action": "odrl:compensate", "constraint": [price]});
    let policy = json!({"@type": "Offer", "permission": [{"action": "use", "duty": [duty]}]});
    let body = json!({"source": {"file": file}, "id": "snow", "title": "Snow", "description": "Gauge 310", "theme": ["ENVI"], "policy": policy});
    pair.provider.api.post("/datasets", &body).good(201);
    let provider = pair.provider.connector.did.clone();
    let agreed = good(&pair.consumer.connector.run(&["negotiate", &provider, "snow"]));
    let agreement = agreed["agreement"].as_str().unwrap().to_owned();
    (pair, agreement)
}

fn pull(pair: &Pair, agreement: &str) -> Output {
    pair.consumer.connector.run(&["pull", agreement])
}

fn pay(pair: &Pair, agreement: &str, amount: &str, reference: &str) -> Output {
    let paid = [
        "payment",
        "record",
        agreement,
        "--amount",
        amount,
        "--currency",
        "EUR",
        "--reference",
        reference,
    ];
    pair.provider.connector.run(&paid)
}

fn refused(output: &Output, why: &str) {
    let said = told(output);
    assert!(
        !output.status.success() && said.contains(why),
        "expected `{why}`: {said}"
    );
}

/// What both ends say of the money; they have to say the same.
fn account(pair: &Pair, agreement: &str) -> Value {
    let [ours, theirs] = [&pair.provider, &pair.consumer].map(|end| good(&end.connector.run(&["payments", agreement])));
    for member in ["paid", "taken", "left", "prices", "currency"] {
        assert_eq!(ours[member], theirs[member], "{member}");
    }
    assert_eq!(
        (&ours["side"], &theirs["side"]),
        (&json!("provider"), &json!("consumer"))
    );
    let seen = |account: &Value| {
        let list = account["payments"].as_array().unwrap().clone();
        list.into_iter()
            .map(|line| {
                [
                    line["kind"].clone(),
                    line["amount"].clone(),
                    line["reference"].clone(),
                    line["recorded_ms"].clone(),
                ]
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(seen(&ours), seen(&theirs));
    let told = pair
        .provider
        .api
        .get(&format!("/payments?agreement={agreement}"))
        .good(200);
    assert_eq!(told, ours);
    ours
}

#[test]
fn a_use_is_paid_for_beforehand_and_both_ends_see_what_is_left() {
    let (mut pair, agreement) = agreed("0.25");
    // Agreed, open to look at, and nothing is given before it is paid for.
    for why in ["costs `0.25` euros", "Left of what was paid: `0.00` euros", "can pay"] {
        refused(&pull(&pair, &agreement), why);
    }
    let unpaid = account(&pair, &agreement);
    assert_eq!((&unpaid["left"], &unpaid["payments"]), (&json!("0.00"), &json!([])));

    // Only who is paid can say so, of an agreement that costs something, in money.
    let at_consumer = [
        "payment",
        "record",
        &agreement,
        "--amount",
        "5.00",
        "--currency",
        "EUR",
        "--reference",
        "x",
    ];
    refused(&pair.consumer.connector.run(&at_consumer), "only that can record it");
    refused(&pay(&pair, &agreement, "0.001", "x"), "part of a cent");
    refused(&pay(&pair, "urn:uuid:none", "1.00", "x"), "there is no agreement");
    let body = |currency: &str| json!({"kind": "received", "agreement": agreement, "amount": "0.10", "currency": currency, "reference": "by API"});
    pair.provider.api.post("/payments", &body("USD")).problem(400);

    let paid = good(&pay(&pair, &agreement, "0.50", "invoice 1"));
    assert_eq!(
        (&paid["left"], &paid["again"]),
        (&json!("0.50"), &json!(false)),
        "{paid}"
    );
    assert_eq!(good(&pay(&pair, &agreement, "0.50", "invoice 1"))["again"], json!(true));
    good(&pull(&pair, &agreement));
    pair.provider.connector.kill();
    pair.provider.connector.start();
    good(&pull(&pair, &agreement));
    refused(&pull(&pair, &agreement), "costs `0.25` euros");
    let spent = account(&pair, &agreement);
    assert_eq!(
        (&spent["paid"], &spent["taken"], &spent["left"]),
        (&json!("0.50"), &json!("0.50"), &json!("0.00"))
    );

    let by_api = pair.provider.api.post("/payments", &body("EUR")).good(201);
    assert_eq!(by_api["left"], "0.10");
    refused(&pull(&pair, &agreement), "Left of what was paid: `0.10` euros");
    good(&pay(&pair, &agreement, "0.40", "invoice 2"));
    good(&pull(&pair, &agreement));
    let back = [
        "payment",
        "return",
        &agreement,
        "--amount",
        "0.25",
        "--currency",
        "EUR",
        "--reference",
        "credit note",
    ];
    assert_eq!(good(&pair.provider.connector.run(&back))["left"], "0.00");
    let last = account(&pair, &agreement);
    assert_eq!(last["payments"].as_array().unwrap().len(), 4, "{last}");
    assert_eq!((&last["paid"], &last["taken"]), (&json!("1.00"), &json!("1.00")));
}

#[test]
fn never_more_is_given_than_was_paid_for_however_often_it_is_killed_while_many_ask() {
    let (mut pair, agreement) = agreed("0.30");
    // Four, and a cent too little for the fifth.
    good(&pay(&pair, &agreement, "1.49", "invoice 1"));
    let mut given = 0;
    for _ in 0..4 {
        let consumer = &pair.consumer.connector;
        let provider = &mut pair.provider.connector;
        given += std::thread::scope(|scope| {
            let asking: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| consumer.run(&["pull", &agreement]).status.success()))
                .collect();
            provider.kill();
            provider.start();
            asking
                .into_iter()
                .map(|one| u32::from(one.join().unwrap()))
                .sum::<u32>()
        });
        assert!(given <= 4, "{given}");
    }
    // What is left, nobody has had; once it is all taken, nothing is given any more.
    while pull(&pair, &agreement).status.success() {
        given += 1;
        assert!(given <= 4, "{given}");
    }
    let account = account(&pair, &agreement);
    assert_eq!(
        (&account["taken"], &account["left"]),
        (&json!("1.20"), &json!("0.29")),
        "{given} were given"
    );
}
