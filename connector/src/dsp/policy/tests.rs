use super::*;

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn offer(rules: &Value) -> Result<Offer, MessageError> {
    let mut json = json!({"@id": "o", "@type": "Offer", "target": "d"});
    for (name, value) in rules.as_object().unwrap() {
        json[name] = value.clone();
    }
    Offer::try_from(json)
}

fn agreed(offer: &Offer) -> Agreement {
    Agreement::from_offer(offer, &id("a"), &id("p"), &id("c"), 0)
}

#[test]
fn an_agreement_made_from_an_offer_is_as_negotiated() {
    let offer = offer(&json!({
        "profile": "urn:profile",
        "permission": [{"action": "use", "constraint": [{"leftOperand": "count", "operator": "lteq", "rightOperand": "3"}]}],
        "prohibition": [{"action": "distribute"}],
    }))
    .unwrap();
    let agreement = agreed(&offer);
    assert_eq!(agreement.check(&offer, &id("p"), &id("c")), Ok(()));
    // It reads back as an agreement, so it is whole.
    assert_eq!(Agreement::try_from(agreement.as_value().clone()), Ok(agreement));
}

#[test]
fn another_party_target_or_rule_is_a_mismatch_that_is_named() {
    let one = offer(&json!({"permission": [{"action": "use"}]})).unwrap();
    let more = offer(&json!({"permission": [{"action": "use"}, {"action": "distribute"}]})).unwrap();
    let forbidding = offer(&json!({"permission": [{"action": "use"}], "prohibition": [{"action": "print"}]})).unwrap();
    let member = |agreement: &Agreement, offer: &Offer, p: &str, c: &str| {
        agreement.check(offer, &id(p), &id(c)).unwrap_err().member
    };
    assert_eq!(member(&agreed(&more), &one, "p", "c"), "permission");
    assert_eq!(member(&agreed(&one), &forbidding, "p", "c"), "prohibition");
    assert_eq!(member(&agreed(&one), &one, "x", "c"), "assigner");
    assert_eq!(member(&agreed(&one), &one, "p", "x"), "assignee");
    let mut other = one.clone();
    other.target = id("other");
    assert_eq!(member(&agreed(&one), &other, "p", "c"), "target");
}

#[test]
fn what_json_ld_sees_as_equal_is_equal_and_sequences_keep_their_order() {
    let atom = |n: &str| json!({"leftOperand": n, "operator": "eq", "rightOperand": "x"});
    let both = |a: Value, b: Value| {
        let (a, b) = (offer(&a).unwrap(), offer(&b).unwrap());
        agreed(&a).check(&b, &id("p"), &id("c")).is_ok()
    };
    assert!(both(
        json!({"permission": [{"action": "use", "constraint": [atom("a"), atom("b")]}]}),
        json!({"permission": [{"@type": "Permission", "action": "use", "constraint": [atom("b"), atom("a")], "duty": []}]}),
    ));
    assert!(both(
        json!({"permission": [{"action": "use"}], "profile": "urn:p"}),
        json!({"permission": [{"action": "use", "constraint": []}], "profile": ["urn:p"]}),
    ));
    let typed = |kind: Value| {
        json!({"permission": [{"action": "use", "constraint": [{"leftOperand": "count", "operator": "lteq",
            "rightOperand": {"@value": "1", "@type": kind}}]}]})
    };
    assert!(both(typed(json!("xsd:integer")), typed(json!("xsd:integer"))));
    for other in [json!([]), json!("xsd:string"), json!(["xsd:integer", "xsd:string"])] {
        assert!(!both(typed(json!("xsd:integer")), typed(other)));
    }
    let sequence =
        |a, b| json!({"permission": [{"action": "use", "constraint": [{"andSequence": [atom(a), atom(b)]}]}]});
    assert!(both(sequence("a", "b"), sequence("a", "b")));
    assert!(!both(sequence("a", "b"), sequence("b", "a")));
}

#[test]
fn what_the_protocol_cannot_carry_is_refused() {
    let constraint = |c: Value| json!({"permission": [{"action": "use", "constraint": [c]}]});
    for (rules, said) in [
        (json!({}), "`/permission or /prohibition` is missing"),
        (
            json!({"obligation": [{"action": "inform"}]}),
            "`/permission or /prohibition` is missing",
        ),
        (json!({"permission": []}), "at least one item"),
        (json!({"permission": [{}]}), "`/permission/0/action` is missing"),
        (
            json!({"permission": [{"action": {"@id": "use"}}]}),
            "`/permission/0/action` must be a string",
        ),
        (
            json!({"permission": [{"action": "use", "target": "x"}]}),
            "its rules must not",
        ),
        (
            json!({"permission": [{"action": "use"}], "profile": 1}),
            "`/profile` must be",
        ),
        (
            constraint(json!({"leftOperand": "count", "operator": "lteq", "rightOperand": 3})),
            "a number is written as a string",
        ),
        (
            constraint(json!({"leftOperand": "count", "operator": "odrl:lteq", "rightOperand": "3"})),
            "operator",
        ),
        (constraint(json!({"and": [], "or": []})), "exactly one of"),
        (
            constraint(json!({"and": [{"or": [{}]}]})),
            "`/permission/0/constraint/0/and/0/or/0/leftOperand` is missing",
        ),
    ] {
        let error = offer(&rules).unwrap_err().to_string();
        assert!(error.contains(said), "{rules}: {error}");
    }
}

#[test]
fn a_target_stands_in_messages_and_not_in_catalogues() {
    let json = json!({"@id": "o", "@type": "Offer", "permission": [{"action": "use"}]});
    let listed = CatalogueOffer::try_from(json.clone()).unwrap();
    assert!(
        Offer::try_from(json)
            .unwrap_err()
            .to_string()
            .contains("`/target` is missing")
    );
    let offered = listed.with_target(&id("d"));
    assert_eq!(Offer::try_from(offered.as_value().clone()), Ok(offered.clone()));
    assert!(
        CatalogueOffer::try_from(offered.as_value().clone())
            .unwrap_err()
            .to_string()
            .contains("not allowed")
    );
}

fn about(operand: &Value) -> Offer {
    let constraint = json!({"leftOperand": "odrl:recipient", "operator": "isAnyOf", "rightOperand": operand});
    offer(&json!({"permission": [{"action": "use", "constraint": [constraint]}]})).unwrap()
}

#[test]
fn a_published_offer_is_known_again_as_edc_retells_it() {
    for (ours, retold) in [
        (json!("100"), json!("100")),
        (
            json!(["did:web:a.example", "did:web:b.example"]),
            json!(r#"[{"@value":"did:web:a.example"},{"@value":"did:web:b.example"}]"#),
        ),
        (
            json!({"@type": "xsd:dateTime", "@value": "2027-12-31T23:59:59+01:00"}),
            json!("2027-12-31T23:59:59+01:00"),
        ),
        (json!({"@type": "xsd:integer", "@value": 100}), json!("100")),
        (
            json!([{"@id": "https://w3id.org/a"}]),
            json!(r#"{"@id":"https://w3id.org/a"}"#),
        ),
    ] {
        assert_eq!(about(&retold).asks_for(&about(&ours)), Ok(()), "{ours} as {retold}");
    }
}

#[test]
fn another_offer_stays_another_one_however_it_is_told() {
    for (ours, asked) in [
        (json!("100"), json!("1000")),
        (json!(["a", "b"]), json!(r#"[{"@value":"a"}]"#)),
        (
            json!(["a", "b"]),
            json!(r#"[{"@value":"a"},{"@value":"b"},{"@value":"c"}]"#),
        ),
        (json!("a"), json!(r#"["a", "#)),
        (json!({"@id": "https://w3id.org/a"}), json!("https://w3id.org/a")),
        // Told twice over: EDC does that once.
        (json!(["[1]"]), json!(r#"["[\"[1]\"]"]"#)),
    ] {
        let mismatch = about(&asked).asks_for(&about(&ours)).unwrap_err();
        assert_eq!(mismatch.member, "permission", "{ours} as {asked}");
    }
    let mut elsewhere = about(&json!("a"));
    elsewhere.target = id("other");
    assert_eq!(elsewhere.asks_for(&about(&json!("a"))).unwrap_err().member, "target");
    let more = offer(&json!({"permission": [{"action": "use"}], "profile": "urn:p"})).unwrap();
    let less = offer(&json!({"permission": [{"action": "use"}]})).unwrap();
    assert_eq!(less.asks_for(&more).unwrap_err().member, "profile");
}
