//! Cases in which the evaluator that decides could go wrong without a generated policy showing it.

use crate::common::NOW;
use crate::whole::{ask, both, read, read_with, set};
use herleid_policies::compiled::Program;
use herleid_policies::odrl::{Ask, Decimal, Evaluation, Leniencies, Leniency, Value as Known, World};
use herleid_policies::{DutyState, Reason, Truth};
use serde_json::{Value, json};

fn judged(rules: Value, ask: &Ask, world: &World) -> Evaluation {
    both(&read(&set(rules)), ask, world, &Leniencies::strict())
}

fn constrained(left: &str, operator: &str, right: &Value) -> Value {
    json!({"permission": [{"action": "print", "constraint": [
        {"leftOperand": left, "operator": operator, "rightOperand": right}]}]})
}

#[test]
fn a_prohibition_by_somebody_else_is_judged_by_its_conditions() {
    let mut ask = ask();
    ask.assigner = Some("urn:bob".to_owned());
    let rules = |operator: &str| {
        json!({"permission": [{"action": "print"}], "prohibition": [{"action": "print", "assigner": "urn:carol",
            "constraint": [{"leftOperand": "dateTime", "operator": operator, "rightOperand": "2000-01-01Z"}]}]})
    };
    assert_eq!(judged(rules("lt"), &ask, &World::at(NOW)).reason, Reason::Granted);
    assert_eq!(judged(rules("gt"), &ask, &World::at(NOW)).reason, Reason::Conflict);
}

#[test]
fn a_rule_without_an_action_is_about_none_that_is_known_where_that_leniency_is_off() {
    let on = Leniencies::strict().with(Leniency::RuleWithoutAction);
    let policy = read_with(&set(json!({"permission": [{"@id": "urn:r"}]})), on.clone()).unwrap();
    let world = World::at(NOW);
    assert_eq!(both(&policy, &ask(), &world, &on).reason, Reason::Granted);
    assert_eq!(
        both(&policy, &ask(), &world, &Leniencies::strict()).reason,
        Reason::NotGranted
    );
}

#[test]
fn the_end_of_time_is_late() {
    let right = json!("2000-01-01Z");
    let end = World::at(u64::MAX);
    assert_eq!(
        judged(constrained("dateTime", "gt", &right), &ask(), &end).reason,
        Reason::Granted
    );
    assert_eq!(
        judged(constrained("dateTime", "lt", &right), &ask(), &end).reason,
        Reason::NotGranted
    );
}

#[test]
fn a_right_operand_elsewhere_that_is_nothing_or_too_much_is_unknown() {
    let rules = |operator: &str| {
        json!({"permission": [{"action": "print", "constraint": [
            {"leftOperand": "spatial", "operator": operator, "rightOperandReference": "urn:ref"}]}]})
    };
    let name = |text: &str| Known::Name(text.to_owned());
    for (operator, values, expected) in [
        ("eq", vec![], Truth::Unknown),
        ("isNoneOf", vec![], Truth::Unknown),
        ("eq", vec![name("urn:nl"), name("urn:nl")], Truth::Unknown),
        ("neq", vec![name("urn:be"), name("urn:de")], Truth::Unknown),
        ("isAnyOf", vec![name("urn:be"), name("urn:nl")], Truth::True),
        ("isNoneOf", vec![name("urn:be"), name("urn:de")], Truth::True),
        ("eq", vec![name("urn:nl")], Truth::True),
        ("eq", vec![Known::Number(Decimal::from(1))], Truth::Unknown),
    ] {
        let world = World::at(NOW)
            .with_name("spatial", "urn:nl")
            .with_reference("urn:ref", values.clone());
        assert_eq!(
            judged(rules(operator), &ask(), &world).rules[0].active,
            expected,
            "{operator} {values:?}"
        );
    }
}

#[test]
fn a_thing_of_which_nothing_is_said_is_part_of_itself_and_a_kind_of_itself() {
    let world = World::at(NOW).with_name("spatial", "urn:mars");
    for operator in ["isPartOf", "hasPart", "isA"] {
        let same = judged(constrained("spatial", operator, &json!("urn:mars")), &ask(), &world);
        assert_eq!(same.rules[0].active, Truth::True, "{operator}");
        let other = judged(constrained("spatial", operator, &json!("urn:venus")), &ask(), &world);
        assert_eq!(other.rules[0].active, Truth::Unknown, "{operator}");
        let closed = judged(
            constrained("spatial", operator, &json!("urn:venus")),
            &ask(),
            &world.clone().complete(),
        );
        assert_eq!(closed.rules[0].active, Truth::False, "{operator}");
    }
}

#[test]
fn a_way_too_long_to_follow_is_unknown() {
    let link = |n: u32| format!("urn:part:{n}");
    let world = (0..10_050).fold(World::at(NOW).complete().with_name("spatial", &link(0)), |world, n| {
        world.with_part(&link(n), &link(n + 1))
    });
    for (whole, expected) in [(9_000, Truth::True), (10_050, Truth::Unknown)] {
        let evaluation = judged(constrained("spatial", "isPartOf", &json!(link(whole))), &ask(), &world);
        assert_eq!(evaluation.rules[0].active, expected, "{whole}");
    }
}

#[test]
fn a_deadline_that_may_have_passed_is_not_missed() {
    let duty = |deadline: &str| {
        json!({"permission": [{"action": "print", "duty": [{"@id": "urn:d", "action": "inform", "constraint": [
            {"leftOperand": "dateTime", "operator": "lteq", "rightOperand": deadline}],
            "consequence": [{"@id": "urn:c", "action": "compensate"}]}]}]})
    };
    // NOW is at 15:00 in UTC, which is some time of this day somewhere.
    for (deadline, expected) in [("2020-06-17T15:00:00", "not-set"), ("2020-06-16T15:00:00Z", "violated")] {
        let evaluation = judged(duty(deadline), &ask(), &World::at(NOW));
        assert_eq!(evaluation.rules[0].duties[0].deontic.name(), expected, "{deadline}");
    }
    let done = World::at(NOW).with_duty("urn:d", DutyState::Fulfilled);
    assert_eq!(
        judged(duty("2020-06-16T15:00:00Z"), &ask(), &done).reason,
        Reason::Granted
    );
}

#[test]
fn a_compiled_policy_is_the_same_however_its_rules_are_written() {
    let one = set(json!({"permission": [{"@id": "urn:a", "action": "print"}, {"@id": "urn:b", "action": "read"}]}));
    let other =
        set(json!({"permission": [{"@id": "urn:b", "action": "odrl:read"}, {"@id": "urn:a", "action": "odrl:print"}]}));
    let strict = Leniencies::strict();
    assert_eq!(Program::of(&read(&one), &strict), Program::of(&read(&other), &strict));
}
