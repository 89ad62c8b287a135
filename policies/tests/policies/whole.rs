//! ODRL 2.2 whole: constructs that a connector does not enforce, judged.

use crate::common::NOW;
use herleid_policies::compiled::Program;
use herleid_policies::odrl::{
    self, Ask, Decimal, Deontic, Evaluation, Graph, Leniencies, Performance, Quantity, Reading, Term, Value, World,
};
use herleid_policies::{DutyState, Outcome, PolicyError, ProblemKind, Reason, Truth};
use serde_json::{Value as Json, json};

pub(crate) fn set(rules: Json) -> Json {
    let mut policy = json!({"@type": "Set", "@id": "urn:p"});
    policy
        .as_object_mut()
        .unwrap()
        .extend(rules.as_object().unwrap().clone());
    policy
}

pub(crate) fn read_with(json: &Json, leniencies: Leniencies) -> Result<odrl::Policy, PolicyError> {
    let (graph, root) = Graph::of_json(json)?;
    let reading = Reading {
        leniencies,
        ..Reading::default()
    };
    odrl::read(&graph, &root, &reading)
}

pub(crate) fn read(json: &Json) -> odrl::Policy {
    read_with(json, Leniencies::strict()).unwrap()
}

pub(crate) fn refused(json: &Json) -> (ProblemKind, String) {
    let error = read_with(json, Leniencies::strict()).expect_err(&json.to_string());
    let problem = &error.problems().unwrap().listed()[0];
    (problem.kind, problem.term.clone())
}

pub(crate) fn ask() -> Ask {
    Ask::new("odrl:print", Some("urn:alice"), Some("urn:x"))
}

pub(crate) fn judge(policy: &Json, ask: &Ask, world: &World) -> Evaluation {
    both(&read(policy), ask, world, &Leniencies::strict())
}

/// What the plain evaluator says, and the one that decides with it, at every node.
pub(crate) fn both(policy: &odrl::Policy, ask: &Ask, world: &World, leniencies: &Leniencies) -> Evaluation {
    let plain = policy.evaluate(ask, world, leniencies);
    let program = Program::of(policy, leniencies);
    let compiled = program.evaluate(ask, world);
    assert_eq!((compiled.outcome, compiled.reason), (plain.outcome, plain.reason));
    assert_eq!(program.judge(ask, world), plain.reason);
    if plain.reason != Reason::UnknownAction {
        assert_eq!(compiled.rules, plain.rules);
    }
    plain
}

pub(crate) fn permits(policy: &Json, ask: &Ask, world: &World) -> bool {
    judge(policy, ask, world).outcome == Outcome::Permit
}

fn constrained(left: &str, operator: &str, right: Json) -> Json {
    set(json!({"permission": [{"action": "print", "constraint": [
        {"leftOperand": left, "operator": operator, "rightOperand": right}]}]}))
}

fn number(text: &str, unit: Option<&str>) -> Quantity {
    Quantity::number(Decimal::parse(text).unwrap(), unit)
}

#[test]
fn a_refinement_looks_at_the_request_and_its_unit_has_to_be_the_same() {
    let policy = set(
        json!({"permission": [{"action": [{"rdf:value": {"@id": "odrl:print"}, "refinement": [
        {"leftOperand": "resolution", "operator": "lteq", "rightOperand": {"@value": "1200", "@type": "xsd:integer"}, "unit": "urn:dpi"}]}]}]}),
    );
    let world = World::at(NOW);
    for (value, unit, expected) in [
        ("1000", Some("urn:dpi"), Truth::True),
        ("1200.0", Some("urn:dpi"), Truth::True),
        ("1200.01", Some("urn:dpi"), Truth::False),
        ("1000", None, Truth::Unknown),
        ("1000", Some("urn:lpi"), Truth::Unknown),
    ] {
        let evaluation = judge(&policy, &ask().with("resolution", number(value, unit)), &world);
        assert_eq!(evaluation.rules[0].active, expected, "{value} {unit:?}");
    }
    // What the world says is not how the action is done.
    let world = world.with("resolution", None, number("1000", Some("urn:dpi")));
    assert!(!permits(&policy, &ask(), &world));
}

#[test]
fn a_refinement_of_an_asset_looks_at_the_asset() {
    let policy = set(
        json!({"permission": [{"action": "print", "target": {"@type": "AssetCollection", "source": "urn:archive",
        "refinement": [{"leftOperand": "absoluteSize", "operator": "lt", "rightOperand": 5}]}}]}),
    );
    let world = World::at(NOW).with_part("urn:x", "urn:archive");
    assert!(!permits(&policy, &ask(), &world), "of unknown size");
    assert!(permits(
        &policy,
        &ask(),
        &world.clone().with_value_of("urn:x", "absoluteSize", number("4", None))
    ));
    assert!(!permits(
        &policy,
        &ask(),
        &world.with_value_of("urn:x", "absoluteSize", number("5", None))
    ));
}

#[test]
fn a_collection_matches_its_own_name_and_its_members_not_its_source() {
    let policy = set(json!({"permission": [{"action": "print",
        "target": {"@id": "urn:c", "@type": "AssetCollection", "source": "urn:s"},
        "assignee": {"@id": "urn:team", "@type": "PartyCollection"}}]}));
    let world = World::at(NOW).with_part("urn:alice", "urn:team");
    assert!(permits(&policy, &ask(), &world.clone().with_part("urn:x", "urn:c")));
    let nested = world.clone().with_part("urn:x", "urn:d").with_part("urn:d", "urn:c");
    assert!(permits(&policy, &ask(), &nested), "a collection of collections");
    assert!(
        !permits(&policy, &ask(), &world.clone().with_part("urn:x", "urn:s")),
        "the source"
    );
    assert!(
        permits(&policy, &Ask::new("print", Some("urn:alice"), Some("urn:c")), &world),
        "itself"
    );
    let mut closed = world;
    assert_eq!(judge(&policy, &ask(), &closed).rules[0].target, Some(Truth::Unknown));
    closed.is_complete = true;
    assert_eq!(judge(&policy, &ask(), &closed).rules[0].target, Some(Truth::False));
}

#[test]
fn a_request_that_names_nothing_fits_no_rule_that_names_something() {
    let policy = set(json!({"permission": [{"action": "print", "target": "urn:x", "assignee": "urn:alice"}]}));
    for (world, expected) in [
        (World::at(NOW), Truth::Unknown),
        (World::at(NOW).complete(), Truth::False),
    ] {
        let report = &judge(&policy, &Ask::new("print", None, None), &world).rules[0];
        assert_eq!((report.target, report.assignee), (Some(expected), Some(expected)));
    }
}

#[test]
fn a_prohibition_on_a_collection_applies_to_who_may_be_in_it() {
    let rules = json!({"permission": [{"action": "print"}],
        "prohibition": [{"action": "print", "assignee": {"@id": "urn:team", "@type": "PartyCollection"}}]});
    assert_eq!(
        judge(&set(rules.clone()), &ask(), &World::at(NOW)).reason,
        Reason::Conflict
    );
    let mut closed = World::at(NOW);
    closed.is_complete = true;
    assert!(permits(&set(rules), &ask(), &closed));
}

#[test]
fn each_strategy_settles_a_conflict_and_several_void_the_policy() {
    for (conflict, reason) in [
        (json!([]), Reason::Conflict),
        (json!("invalid"), Reason::Conflict),
        (json!("perm"), Reason::Granted),
        (json!("prohibit"), Reason::Prohibited),
        (json!(["perm", "prohibit"]), Reason::Conflict),
    ] {
        let rules =
            json!({"conflict": conflict, "permission": [{"action": "print"}], "prohibition": [{"action": "print"}]});
        assert_eq!(judge(&set(rules), &ask(), &World::at(NOW)).reason, reason, "{conflict}");
    }
    let harmless = json!({"conflict": ["perm", "prohibit"], "permission": [{"action": "print"}]});
    assert!(
        permits(&set(harmless), &ask(), &World::at(NOW)),
        "no conflict, so nothing to settle"
    );
}

#[test]
fn every_operator_means_what_it_says() {
    let eq = |left: &str, operator: &str, right: Json, world: World| {
        judge(&constrained(left, operator, right), &ask(), &world).rules[0].active
    };
    let place = |name: &str| World::at(NOW).with_name("spatial", name);
    let (yes, no, unknown) = (Truth::True, Truth::False, Truth::Unknown);
    for (operator, right, expected) in [
        ("eq", json!("urn:nl"), yes),
        ("neq", json!("urn:nl"), no),
        ("isAnyOf", json!(["urn:be", "urn:nl"]), yes),
        ("isNoneOf", json!(["urn:be", "urn:nl"]), no),
        ("isAllOf", json!(["urn:nl"]), yes),
        ("isAllOf", json!(["urn:nl", "urn:be"]), no),
        ("isPartOf", json!("urn:eu"), unknown),
        ("isA", json!("urn:country"), unknown),
    ] {
        assert_eq!(eq("spatial", operator, right, place("urn:nl")), expected, "{operator}");
    }
    let related = place("urn:nl")
        .with_part("urn:nl", "urn:eu")
        .with_kind("urn:nl", "urn:country");
    assert_eq!(eq("spatial", "isPartOf", json!("urn:eu"), related.clone()), yes);
    assert_eq!(eq("spatial", "isA", json!("urn:country"), related.clone()), yes);
    assert_eq!(eq("spatial", "hasPart", json!("urn:eu"), related.clone()), unknown);
    assert_eq!(
        eq(
            "spatial",
            "hasPart",
            json!("urn:zeeland"),
            related.with_part("urn:zeeland", "urn:nl")
        ),
        yes
    );
    for (operator, at_9, at_10, at_11) in [
        ("lt", yes, no, no),
        ("lteq", yes, yes, no),
        ("gt", no, no, yes),
        ("gteq", no, yes, yes),
        ("eq", no, yes, no),
        ("neq", yes, no, yes),
    ] {
        for (value, expected) in [("9", at_9), ("10", at_10), ("11", at_11)] {
            let world = World::at(NOW).with("percentage", None, number(value, None));
            assert_eq!(
                eq("percentage", operator, json!(10), world),
                expected,
                "{value} {operator} 10"
            );
        }
    }
}

#[test]
fn durations_events_and_counts() {
    let lasted = |text: &str| Quantity::read("elapsedTime", &Term::literal(text, None), None).unwrap();
    let month = constrained("elapsedTime", "lteq", json!({"@value": "P1M", "@type": "xsd:duration"}));
    for (text, expected) in [("P27D", true), ("P30D", false), ("P32D", false)] {
        assert_eq!(
            permits(&month, &ask(), &World::at(NOW).with("elapsedTime", None, lasted(text))),
            expected,
            "{text}"
        );
    }
    for (operator, before, during, after) in [
        ("lt", true, false, false),
        ("eq", false, true, false),
        ("gt", false, false, true),
    ] {
        let policy = constrained("event", operator, json!({"@id": "urn:fair"}));
        for (now, expected) in [(5, before), (15, during), (25, after)] {
            let world = World::at(now).with_event("urn:fair", Some(10), Some(20));
            assert_eq!(permits(&policy, &ask(), &world), expected, "{operator} at {now}");
        }
        assert!(!permits(&policy, &ask(), &World::at(NOW)), "an event that nobody knows");
    }
    let twice = constrained("count", "lteq", json!(2));
    for (used, expected) in [(0, true), (1, true), (2, false)] {
        assert_eq!(
            permits(&twice, &ask(), &World::at(NOW).with_count(None, used)),
            expected,
            "{used}"
        );
    }
    assert!(!permits(&twice, &ask(), &World::at(NOW)), "uncounted");
}

#[test]
fn a_right_operand_elsewhere_is_never_fetched() {
    let policy = set(json!({"permission": [{"action": "print", "constraint": [
        {"leftOperand": "payAmount", "operator": "gteq", "rightOperandReference": "https://example.org/price", "unit": "urn:euro"}]}]}));
    let paid = World::at(NOW).with("payAmount", None, number("5.00", Some("urn:euro")));
    assert!(!permits(&policy, &ask(), &paid));
    let known = paid.with_reference("https://example.org/price", vec![Value::Number(Decimal::from(5))]);
    assert!(permits(&policy, &ask(), &known));
}

#[test]
fn a_consequence_is_due_once_its_duty_was_missed() {
    let policy = set(
        json!({"permission": [{"action": "print", "duty": [{"@id": "urn:d", "action": "inform",
        "consequence": [{"@id": "urn:c", "action": "compensate"}]}]}]}),
    );
    let world = |states: &[(&str, DutyState)]| {
        states
            .iter()
            .fold(World::at(NOW), |world, (duty, state)| world.with_duty(duty, *state))
    };
    use DutyState::{Fulfilled, Violated};
    for (states, expected, deontic) in [
        (vec![], false, Deontic::NotSet),
        (vec![("urn:d", Fulfilled)], true, Deontic::Fulfilled),
        (vec![("urn:d", Violated)], false, Deontic::Violated),
        (
            vec![("urn:d", Violated), ("urn:d", Fulfilled)],
            false,
            Deontic::Violated,
        ),
        (
            vec![("urn:d", Violated), ("urn:c", Fulfilled)],
            false,
            Deontic::Violated,
        ),
        (
            vec![("urn:d", Violated), ("urn:d", Fulfilled), ("urn:c", Fulfilled)],
            true,
            Deontic::Fulfilled,
        ),
    ] {
        let evaluation = judge(&policy, &ask(), &world(&states));
        assert_eq!(evaluation.outcome == Outcome::Permit, expected, "{states:?}");
        assert_eq!(evaluation.rules[0].duties[0].deontic, deontic, "{states:?}");
    }
}

#[test]
fn what_was_done_has_to_be_what_was_asked() {
    let policy = set(
        json!({"permission": [{"action": "print", "duty": [{"@id": "urn:d", "compensatedParty": "urn:sony",
        "action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": [
            {"leftOperand": "payAmount", "operator": "eq", "rightOperand": {"@value": "5.00", "@type": "xsd:decimal"}, "unit": "urn:euro"}]}]}]}]}),
    );
    let pay = |amount: &str, to: Option<&str>, duty: &str| {
        let mut done = Performance::of(duty).with("payAmount", number(amount, Some("urn:euro")));
        done.parties
            .extend(to.map(|to| ("compensatedParty".to_owned(), to.to_owned())));
        let mut world = World::at(NOW);
        world.performances.push(done);
        permits(&policy, &ask(), &world)
    };
    assert!(pay("5", Some("urn:sony"), "urn:d"));
    assert!(!pay("4.99", Some("urn:sony"), "urn:d"));
    assert!(!pay("5", Some("urn:bob"), "urn:d"));
    assert!(!pay("5", None, "urn:d"));
    assert!(!pay("5", Some("urn:sony"), "urn:other"));
}

#[test]
fn a_remedy_does_not_permit_what_is_forbidden() {
    let policy = set(json!({"permission": [{"action": "print"}],
        "prohibition": [{"action": "print", "remedy": [{"@id": "urn:r", "action": "compensate"}]}]}));
    let evaluation = judge(
        &policy,
        &ask(),
        &World::at(NOW).with_duty("urn:r", DutyState::Fulfilled),
    );
    assert_eq!(evaluation.reason, Reason::Conflict);
    let prohibition = evaluation.rules.iter().find(|rule| !rule.duties.is_empty()).unwrap();
    assert_eq!(prohibition.duties[0].deontic, Deontic::Fulfilled);
}
