//! Duties: what stands in the way of a permission, when it is due, and what its deadline means.

use crate::common::{NOW, agreement, atom, read, request};
use herleid_policies::{Decision, DutyState, EnforcedBy, Obstacle, Policy};
use serde_json::{Value, json};

/// An agreement whose one permission asks to inform somebody, under this condition.
fn informing(condition: &Value) -> Value {
    let duty = json!([{"action": "odrl:inform", "constraint": [condition]}]);
    agreement(json!([{"action": "use", "duty": duty}]), json!([]))
}

fn decide(policy: &Value, state: Option<DutyState>) -> Decision {
    let policy = Policy::parse(policy).unwrap();
    let duty = policy.permissions()[0].duties()[0].id().to_owned();
    let facts = match state {
        Some(state) => crate::common::log_kept().with_duty(&duty, state, "ledger", EnforcedBy::Provider, NOW),
        None => crate::common::log_kept(),
    };
    policy.decide(&request(), &facts)
}

#[test]
fn a_duty_stands_in_the_way_until_it_is_fulfilled() {
    let policy = agreement(
        json!([{"action": "use", "duty": [{"action": "odrl:inform"}]}]),
        json!([]),
    );
    assert!(decide(&policy, Some(DutyState::Fulfilled)).is_permit());
    for state in [Some(DutyState::NotSet), Some(DutyState::Violated), None] {
        let decision = decide(&policy, state);
        let [failing] = decision.record().failing.as_slice() else {
            panic!("expected one: {:?}", decision.record().failing)
        };
        assert_eq!(failing.obstacle, Obstacle::Duty);
    }
}

#[test]
fn a_duty_that_is_not_due_yet_does_not_stand_in_the_way() {
    for condition in [
        atom("dateTime", "gteq", json!("2021-01-01Z")),
        atom("dateTime", "gt", json!("2021-01-01Z")),
        atom("dateTime", "eq", json!("2021-01-01Z")),
        json!({"and": [atom("dateTime", "gteq", json!("2021-01-01Z")), atom("dateTime", "lt", json!("2022-01-01Z"))]}),
    ] {
        assert!(decide(&informing(&condition), None).is_permit(), "{condition}");
    }
    let other = atom("dateTime", "gteq", json!("2020-01-01Z"));
    assert!(!decide(&informing(&other), None).is_permit(), "due since January");
}

#[test]
fn a_duty_does_not_lapse_with_its_deadline() {
    let begun = atom("dateTime", "gteq", json!("2019-01-01Z"));
    for end in ["2020-01-01Z", "2021-01-01Z"] {
        let (before, until) = (atom("dateTime", "lt", json!(end)), atom("dateTime", "lteq", json!(end)));
        for condition in [
            before.clone(),
            until.clone(),
            json!({"and": [begun, before]}),
            json!({"or": [until, before]}),
            json!({"xone": [begun, before]}),
        ] {
            let policy = informing(&condition);
            assert!(
                !decide(&policy, None).is_permit(),
                "missed or not yet done: {condition}"
            );
            assert!(!decide(&policy, Some(DutyState::Violated)).is_permit(), "{condition}");
            assert!(decide(&policy, Some(DutyState::Fulfilled)).is_permit(), "{condition}");
        }
    }
    let that_day = informing(&atom("dateTime", "eq", json!("2020-01-01Z")));
    assert!(!decide(&that_day, None).is_permit(), "the day has passed");
}

#[test]
fn the_trace_still_says_whether_a_condition_holds() {
    let policy = informing(&atom("dateTime", "lt", json!("2020-01-01Z")));
    let decision = read(&policy).decide(&request(), &crate::common::log_kept());
    let value = |at: &str| {
        let step = decision.record().trace.iter().find(|step| step.at == at).unwrap();
        step.value
    };
    use herleid_policies::Truth::{False, Unknown};
    assert_eq!(value("/permission/0/duty/0/constraint/0"), False);
    assert_eq!(
        value("/permission/0/duty/0"),
        Unknown,
        "nobody knows that it was fulfilled"
    );
}

#[test]
fn a_duty_fulfilled_for_one_permission_is_not_fulfilled_for_another() {
    let policy = agreement(
        json!([
            {"action": "odrl:read", "duty": [{"action": "odrl:compensate"}]},
            {"action": "odrl:distribute", "duty": [{"action": "odrl:compensate"}]},
        ]),
        json!([]),
    );
    let policy = Policy::parse(&policy).unwrap();
    let ids: Vec<&str> = policy.permissions().iter().map(|rule| rule.duties()[0].id()).collect();
    assert_ne!(ids[0], ids[1]);
}

fn offered(permission: Value) -> Result<Policy, String> {
    let offer = json!({"@type": "Offer", "@id": "urn:o", "permission": [permission]});
    Policy::parse_for_offer(&offer).map_err(|error| error.to_string())
}

#[test]
fn what_a_statement_meets_may_be_published_and_all_else_is_refused_with_what_to_write_instead() {
    for action in ["inform", "obtainConsent", "attribute", "acceptTracking", "reviewPolicy"] {
        for of in ["use", "odrl:distribute"] {
            let policy = offered(json!({"action": of, "duty": [{"action": format!("odrl:{action}")}]})).unwrap();
            assert!(policy.permissions()[0].duties()[0].is_stated_first(), "{action}");
        }
        // A day would be one of an obligation, and any other condition one of the permission.
        let by = atom("dateTime", "lteq", json!("2027-01-01Z"));
        let error =
            offered(json!({"action": "use", "duty": [{"action": format!("odrl:{action}"), "constraint": [by]}]}));
        assert!(
            error
                .as_ref()
                .is_err_and(|error| error.contains("no condition of its own")),
            "{error:?}"
        );
    }
    for (action, says) in [
        ("delete", "`odrl:delete` with `odrl:dateTime` `lteq` a day"),
        ("nextPolicy", "prohibition of `odrl:distribute`"),
        ("distribute", "permission of `odrl:distribute`"),
        ("grantUse", "permission of `odrl:distribute`"),
        ("anonymize", "publish them as they may be used"),
        ("watermark", "publish them as they may be used"),
        ("archive", "a statement comes first"),
        ("print", "a statement comes first"),
    ] {
        let error = offered(json!({"action": "use", "duty": [{"action": format!("odrl:{action}")}]})).unwrap_err();
        assert!(
            error.contains(says) && error.contains(&format!("odrl:{action}")),
            "expected `{says}`: {error}"
        );
    }
}

#[test]
fn an_offer_is_weighed_as_if_it_were_stated_and_the_agreement_is_not() {
    let offer = offered(json!({"action": "use", "duty": [{"action": "odrl:obtainConsent"}]})).unwrap();
    let would = offer.would_grant(&request(), &crate::common::log_kept());
    assert!(would.is_permit());
    let presumed = would.record().facts.iter().find(|fact| fact.about == "duty").unwrap();
    assert_eq!(
        (presumed.enforced_by, presumed.values.as_slice()),
        (EnforcedBy::Declared, &["fulfilled".to_owned()][..])
    );
    assert!(presumed.source.contains("before the first use"));
    let mut agreed = offer.document().clone();
    agreed["@type"] = json!("Set");
    agreed["target"] = json!(crate::common::RAIN);
    let agreed = Policy::parse(&agreed).unwrap();
    let facts = crate::common::log_kept();
    assert!(!agreed.decide(&request(), &facts).is_permit());
    assert!(
        agreed
            .decide(&request(), &agreed.before_first_use(facts.clone(), "assumed", NOW))
            .is_permit()
    );
    // What is known stays as it is, and what no statement meets stays unmet.
    let duty = agreed.permissions()[0].duties()[0].id().to_owned();
    let open = facts.with_duty(&duty, DutyState::NotSet, "ledger", EnforcedBy::Provider, NOW);
    assert!(
        !agreed
            .decide(&request(), &agreed.before_first_use(open, "assumed", NOW))
            .is_permit()
    );
    let other = Policy::parse(&agreement(
        json!([{"action": "use", "duty": [{"action": "odrl:anonymize"}]}]),
        json!([]),
    ))
    .unwrap();
    let facts = other.before_first_use(crate::common::log_kept(), "assumed", NOW);
    assert!(!other.decide(&request(), &facts).is_permit());
}

#[test]
fn who_is_refused_is_told_how_to_state_it() {
    use herleid_policies::{Audience, Explanation, Language};
    let of = |action: &str, language: Language| {
        let policy = agreement(json!([{"action": "use", "duty": [{"action": action}]}]), json!([]));
        let decision = read(&policy).decide(&request(), &crate::common::log_kept());
        Explanation::of(decision.record(), language, Audience::Addressee).to_string()
    };
    for (language, said) in [(Language::English, "state so"), (Language::Dutch, "verklaren")] {
        let text = of("odrl:inform", language);
        assert!(
            text.contains("`inform`") && text.contains(said) && text.contains("herleid duty fulfil"),
            "{text}"
        );
    }
    // Of what no statement meets nobody is told that it could see to it: it would, and be refused for ever.
    for (language, said) in [
        (Language::English, "only a new agreement"),
        (Language::Dutch, "alleen een nieuwe overeenkomst"),
    ] {
        for action in ["odrl:anonymize", "odrl:compensate", "odrl:nextPolicy"] {
            let text = of(action, language);
            assert!(text.contains(said), "{text}");
            assert!(
                !text.contains("herleid duty fulfil") && !text.contains("can see to this"),
                "{text}"
            );
        }
    }
}
