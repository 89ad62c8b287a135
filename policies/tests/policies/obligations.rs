//! Obligations: what ends with their date, what a report of them changes, and which may be published.

use crate::common::{APP, KNMI, NOW, RAIN, agreement, atom, log_kept, request};
use crate::generated::{facts, known, policy, request as requested};
use herleid_policies::difference::{Aspect, Case, Gap, difference};
use herleid_policies::{
    Audience, Decision, DutyState, EnforcedBy, Explanation, Facts, Fixer, Language, Obstacle, Policy, Reason,
    reevaluate,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The day before the request, and the day after it.
const PAST: &str = "2020-06-16Z";
const AHEAD: &str = "2020-06-18Z";

fn obliged(action: &str, constraints: Value) -> Value {
    let mut policy = agreement(json!([{"action": "use"}]), json!([]));
    policy["obligation"] = json!([{"action": action, "constraint": constraints}]);
    policy
}

fn by(day: &str) -> Value {
    json!([atom("odrl:dateTime", "lteq", json!(day))])
}

fn decide(policy: &Value, state: Option<DutyState>) -> Decision {
    let policy = Policy::parse(policy).unwrap();
    let id = policy.obligations()[0].id().to_owned();
    let facts = match state {
        Some(state) => log_kept().with_duty(&id, state, "ledger", EnforcedBy::Declared, NOW),
        None => log_kept(),
    };
    let decision = policy.decide(&request(), &facts);
    assert_eq!(
        policy.judge(&request(), &facts),
        decision.record().reason,
        "judged as it is recorded"
    );
    let again = reevaluate(policy.document(), &decision.record().to_json()).unwrap();
    assert_eq!(again, decision);
    decision
}

#[test]
fn nothing_is_granted_to_who_is_past_the_date_of_an_obligation() {
    for action in ["odrl:delete", "odrl:inform", "odrl:attribute"] {
        assert!(decide(&obliged(action, by(AHEAD)), None).is_permit(), "{action}");
        let late = decide(&obliged(action, by(PAST)), None);
        assert_eq!(late.record().reason, Reason::ObligationBroken, "{action}");
        let [failing] = late.record().failing.as_slice() else {
            panic!("expected one: {:?}", late.record().failing)
        };
        assert_eq!(failing.obstacle, Obstacle::Obligation);
        assert!(failing.required.contains(&PAST.to_owned()), "{failing:?}");
    }
}

#[test]
fn of_several_obligations_those_are_told_whose_date_is_past_and_only_where_nothing_else_is_in_the_way() {
    let mut policy = obliged("odrl:inform", by(PAST));
    let other = json!({"action": "odrl:delete", "constraint": by(AHEAD)});
    policy["obligation"].as_array_mut().unwrap().push(other);
    let late = decide(&policy, None);
    let told: Vec<Obstacle> = late.record().failing.iter().map(|failing| failing.obstacle).collect();
    assert_eq!(told, [Obstacle::Obligation], "{:?}", late.record().failing);
    assert!(late.record().failing[0].required.contains(&PAST.to_owned()));
    // The time of the permission has passed too.
    policy["permission"][0]["constraint"] = by(PAST);
    let over = decide(&policy, None);
    assert_eq!(over.record().reason, Reason::NotGranted);
    let told = over.record().failing.iter().map(|failing| failing.obstacle);
    assert!(
        !told.clone().any(|one| one == Obstacle::Obligation),
        "{:?}",
        told.collect::<Vec<_>>()
    );
}

#[test]
fn what_was_done_is_no_longer_in_the_way_but_what_was_to_be_deleted_is_not_given_again() {
    let done = Some(DutyState::Fulfilled);
    assert!(decide(&obliged("odrl:inform", by(PAST)), done).is_permit());
    let deleted = decide(&obliged("odrl:delete", by(PAST)), done);
    assert_eq!(deleted.record().reason, Reason::ObligationBroken);
    assert_eq!(deleted.record().failing[0].fixed_by, Fixer::NewAgreement);
    assert!(decide(&obliged("odrl:delete", by(AHEAD)), done).is_permit());
    assert!(!decide(&obliged("odrl:inform", by(PAST)), Some(DutyState::NotSet)).is_permit());
}

#[test]
fn what_is_said_to_be_broken_is_and_without_a_date_nothing_else_is() {
    let never = obliged("odrl:inform", json!([]));
    for state in [None, Some(DutyState::NotSet), Some(DutyState::Fulfilled)] {
        assert!(decide(&never, state).is_permit(), "{state:?}");
    }
    for policy in [never, obliged("odrl:inform", by(AHEAD))] {
        let broken = decide(&policy, Some(DutyState::Violated));
        assert_eq!(broken.record().reason, Reason::ObligationBroken);
    }
}

#[test]
fn a_date_that_may_have_passed_has_passed() {
    // Midnight without a zone is within 14 hours of the request.
    let doubtful = obliged("odrl:inform", json!([atom("odrl:dateTime", "lt", json!("2020-06-18"))]));
    assert_eq!(decide(&doubtful, None).record().reason, Reason::ObligationBroken);
    let choice = |first: &str, second: &str| {
        let parts = [first, second].map(|day| atom("odrl:dateTime", "lteq", json!(day)));
        obliged("odrl:inform", json!([{"or": parts}]))
    };
    assert!(
        decide(&choice(PAST, AHEAD), None).is_permit(),
        "the later one is not past"
    );
    assert!(!decide(&choice(PAST, PAST), None).is_permit());
    let both =
        json!([{"and": [atom("odrl:dateTime", "lteq", json!(PAST)), atom("odrl:dateTime", "lteq", json!(AHEAD))]}]);
    assert!(!decide(&obliged("odrl:inform", both), None).is_permit());
    let not_due = json!([
        atom("odrl:dateTime", "gteq", json!(AHEAD)),
        atom("odrl:dateTime", "lteq", json!(PAST))
    ]);
    assert!(
        decide(&obliged("odrl:inform", not_due), None).is_permit(),
        "it is not due yet"
    );
}

#[test]
fn an_obligation_of_somebody_else_or_about_something_else_binds_nobody_here() {
    for (member, value) in [("assignee", "did:web:other.example"), ("target", "urn:example:other")] {
        let mut policy = json!({"@type": "Set", "@id": "urn:s", "permission": [{"action": "use"}],
            "obligation": [{"action": "odrl:inform", "constraint": by(PAST)}]});
        policy["obligation"][0][member] = json!(value);
        assert!(decide(&policy, None).is_permit(), "{member}");
        policy["obligation"][0][member] = json!(if member == "target" { RAIN } else { APP });
        assert!(!decide(&policy, None).is_permit(), "{member}");
    }
}

#[test]
fn a_refusal_names_it_in_both_languages_and_who_can_see_to_it() {
    let told = |action: &str, language| {
        let decision = decide(&obliged(action, by(PAST)), None);
        let audience = Audience::of(decision.record(), APP);
        assert_eq!(audience, Audience::Addressee);
        Explanation::of(decision.record(), language, audience).to_string()
    };
    for (action, language, parts) in [
        (
            "odrl:delete",
            Language::English,
            ["past its date", "had to be deleted by", PAST, "new agreement"],
        ),
        (
            "odrl:delete",
            Language::Dutch,
            ["over de datum", "zijn verwijderd op", PAST, "nieuwe overeenkomst"],
        ),
        (
            "odrl:inform",
            Language::English,
            ["past its date", "`inform`", PAST, "can still do it"],
        ),
        (
            "odrl:inform",
            Language::Dutch,
            ["over de datum", "`inform`", PAST, "alsnog"],
        ),
    ] {
        let text = told(action, language);
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn an_offer_is_weighed_with_its_obligations_and_keeps_their_names() {
    let offer = |day: &str| {
        let json = json!({"@type": "Offer", "@id": "urn:o", "permission": [{"action": "use"}],
            "obligation": [{"action": "odrl:delete", "constraint": by(day)}]});
        Policy::parse_for_offer(&json).unwrap()
    };
    assert!(offer(AHEAD).would_grant(&request(), &log_kept()).is_permit());
    assert!(!offer(PAST).would_grant(&request(), &log_kept()).is_permit());
    let acceptance = herleid_policies::Acceptance {
        id: "urn:uuid:a",
        assigner: KNMI,
        assignee: APP,
        target: RAIN,
        made_ms: None,
    };
    let agreement = offer(AHEAD).agree(&acceptance).unwrap();
    assert_eq!(agreement.obligations()[0].id(), offer(AHEAD).obligations()[0].id());
    assert_eq!(agreement.obligations()[0].deadline().unwrap().text(), AHEAD);
    agreement.check_made_of(&offer(AHEAD)).unwrap();
}

#[test]
fn what_nothing_follows_up_is_not_published() {
    let published = |obligation: Value| {
        let json =
            json!({"@type": "Offer", "@id": "urn:o", "permission": [{"action": "use"}], "obligation": [obligation]});
        assert!(Policy::parse(&json).is_ok(), "understood: {json}");
        Policy::parse_for_offer(&json)
    };
    for good in [
        json!({"action": "odrl:delete", "constraint": by(AHEAD)}),
        json!({"action": "odrl:delete", "constraint": [atom("odrl:dateTime", "lt", json!("2020-06-18T00:00:00+02:00"))]}),
        json!({"action": "odrl:inform", "constraint": by(AHEAD)}),
        json!({"action": "odrl:inform"}),
    ] {
        assert!(published(good.clone()).is_ok(), "{good}");
    }
    for (bad, term) in [
        (json!({"action": "odrl:delete"}), "odrl:delete"),
        (
            json!({"action": "odrl:compensate", "constraint": by(AHEAD)}),
            "odrl:compensate",
        ),
        (
            json!({"action": "odrl:delete", "constraint": by("2020-06-18")}),
            "2020-06-18",
        ),
        (
            json!({"action": "odrl:inform", "constraint": by("2020-06-18T10:00:00")}),
            "2020-06-18T10:00:00",
        ),
        (
            json!({"action": "odrl:inform", "constraint": [atom("odrl:recipient", "eq", json!(KNMI))]}),
            "recipient",
        ),
        (
            json!({"action": "odrl:delete", "constraint": [atom("odrl:dateTime", "gteq", json!(AHEAD))]}),
            "odrl:delete",
        ),
        (
            json!({"action": "odrl:inform", "constraint": [atom("odrl:dateTime", "gteq", json!(AHEAD))]}),
            "constraint",
        ),
        (
            json!({"action": "odrl:inform", "constraint": [{"or": by(AHEAD)}]}),
            "constraint",
        ),
        (
            json!({"action": "odrl:inform", "constraint": [atom("odrl:purpose", "eq", json!("dpv:Marketing"))]}),
            "constraint",
        ),
    ] {
        let error = published(bad.clone()).expect_err("should not be published");
        let terms: Vec<&str> = error
            .problems()
            .unwrap()
            .listed()
            .iter()
            .map(|p| p.term.as_str())
            .collect();
        assert!(terms.contains(&term), "{bad}: {terms:?}");
    }
    let unknown = json!({"@type": "Offer", "@id": "urn:o", "permission": [{"action": "use"}], "obligation": [{"action": "odrl:forget"}]});
    assert!(Policy::parse(&unknown).is_err(), "an action that nobody knows");
}

#[test]
fn two_policies_differ_from_the_date_of_an_obligation_on() {
    let free = Policy::parse(&agreement(json!([{"action": "use"}]), json!([]))).unwrap();
    let bound = Policy::parse(&obliged("odrl:delete", by(AHEAD))).unwrap();
    let found = difference(&bound, &free);
    assert_eq!(
        found.gaps,
        [Gap::Obligation],
        "what has to be done is not compared, and that is said"
    );
    assert!(found.less.is_empty());
    let [region] = found.more.as_slice() else {
        panic!("{found:?}")
    };
    // From the end of the day.
    let ends = Case::Times(1_592_524_800_000, None);
    let times: Vec<_> = region.parts.iter().filter(|part| part.aspect == Aspect::Time).collect();
    assert!(times.len() == 1 && times[0].cases == [ends], "{region:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn another_obligation_never_permits_more_nor_does_knowing_less_of_it(
        json in policy(),
        action in prop::sample::select(vec!["odrl:delete", "odrl:inform", "odrl:attribute"]),
        day in prop::sample::select(vec![PAST, "2020-06-17Z", "2020-06-17", AHEAD]),
        state in prop::sample::select(vec![None, Some(DutyState::Fulfilled), Some(DutyState::NotSet), Some(DutyState::Violated)]),
        request in requested(),
        known in known(),
    ) {
        let before = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let mut bound = json;
        bound["obligation"] = json!([{"action": action, "constraint": by(day)}]);
        let after = Policy::parse(&bound).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let unknown = facts(&before, &known);
        let told = match state {
            Some(state) => unknown.clone().with_duty(after.obligations()[0].id(), state, "ledger", EnforcedBy::Declared, NOW),
            None => unknown.clone(),
        };
        let permits = |policy: &Policy, facts: &Facts| policy.decide(&request, facts).is_permit();
        prop_assert!(permits(&before, &unknown) || !permits(&after, &told), "an obligation gave something");
        // That it was broken takes away; of all else, less known is no more permitted.
        if state != Some(DutyState::Violated) {
            prop_assert!(permits(&after, &told) || !permits(&after, &unknown));
        }
        prop_assert_eq!(after.judge(&request, &told), after.decide(&request, &told).record().reason);
    }
}
