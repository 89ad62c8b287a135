//! What a connector enforces beside ODRL 2.2 whole, on generated policies; and what must hold of any policy.

use crate::common::{KNMI, NOW, RAIN};
use crate::generated;
use crate::plain;
use crate::whole::both;
use herleid_policies::odrl::{self, Ask, Decimal, Graph, Leniencies, Leniency, Quantity, Reading, World};
use herleid_policies::{DutyState, Outcome, Policy};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn read(json: &Value) -> odrl::Policy {
    let (graph, root) = Graph::of_json(json).unwrap();
    odrl::read(&graph, &root, &Reading::default()).unwrap_or_else(|why| panic!("{why}: {json}"))
}

/// A condition on any operand, by any operator.
fn any_condition() -> impl Strategy<Value = Value> {
    let order = || select(vec!["eq", "neq", "lt", "lteq", "gt", "gteq"]);
    let name = || {
        select(vec![
            "eq", "neq", "isA", "isPartOf", "hasPart", "isAnyOf", "isNoneOf", "isAllOf",
        ])
    };
    let place = || select(vec!["urn:nl", "urn:eu", "urn:zeeland"]);
    let leaf = prop_oneof![
        generated::simple(),
        (order(), 0_u64..4).prop_map(|(operator, number)| json!({
            "leftOperand": "payAmount", "operator": operator, "rightOperand": number, "unit": "urn:euro"})),
        (order(), 0_u64..4).prop_map(|(operator, number)| json!({
            "leftOperand": "count", "operator": operator, "rightOperand": number})),
        (order(), select(vec!["P1M", "P30D", "PT1H"])).prop_map(|(operator, text)| json!({
            "leftOperand": "elapsedTime", "operator": operator, "rightOperand": {"@value": text, "@type": "xsd:duration"}})),
        (name(), place()).prop_map(|(operator, place)| json!({
            "leftOperand": "spatial", "operator": operator, "rightOperand": place})),
        order().prop_map(|operator| json!({
            "leftOperand": "event", "operator": operator, "rightOperand": {"@id": "urn:fair"}})),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        (
            select(vec!["and", "or", "xone", "andSequence"]),
            prop::collection::vec(inner, 1..4),
        )
            .prop_map(|(logic, parts)| json!({ logic: parts }))
    })
}

fn any_rule(duties: &'static str) -> impl Strategy<Value = Value> {
    (
        select(vec!["use", "distribute", "read", "reproduce"]),
        prop::collection::vec(any_condition(), 0..2),
        prop::option::weighted(0.3, any_condition()),
        prop::option::weighted(0.3, select(vec!["urn:c", "urn:example:rain"])),
        prop::option::weighted(0.3, prop::collection::vec(any_condition(), 0..2)),
    )
        .prop_map(move |(action, conditions, refinement, target, duty)| {
            let mut rule = json!({"action": action, "constraint": conditions});
            if let Some(refinement) = refinement {
                rule["action"] = json!({"rdf:value": {"@id": format!("odrl:{action}")}, "refinement": [refinement]});
            }
            if let Some(target) = target {
                rule["target"] = json!({"@id": target});
            }
            if let Some(conditions) = duty {
                rule[duties] = json!([{"@id": "urn:duty", "action": "inform", "constraint": conditions}]);
            }
            rule
        })
}

fn whole_policy() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(any_rule("duty"), 1..3),
        prop::collection::vec(any_rule("remedy"), 0..3),
        select(vec![json!([]), json!("perm"), json!("prohibit"), json!(["perm", "invalid"])]),
    )
        .prop_map(|(mut permissions, mut prohibitions, conflict)| {
            // One duty with one name says one thing: each gets a name of its own.
            for (index, rule) in permissions.iter_mut().chain(&mut prohibitions).enumerate() {
                for member in ["duty", "remedy"] {
                    if let Some(duty) = rule.pointer_mut(&format!("/{member}/0/@id")) {
                        *duty = json!(format!("urn:duty:{index}"));
                    }
                }
            }
            json!({"@type": "Set", "@id": "urn:p", "conflict": conflict, "permission": permissions, "prohibition": prohibitions})
        })
}

fn whole_world() -> impl Strategy<Value = World> {
    (
        prop::option::of(0_u64..4),
        prop::option::of(0_u64..4),
        prop::option::of(select(vec!["urn:nl", "urn:eu"])),
        prop::option::of(select(vec!["P27D", "P30D", "PT1H"])),
        prop::option::of(select(vec![
            DutyState::Fulfilled,
            DutyState::Violated,
            DutyState::NotSet,
        ])),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(paid, used, place, lasted, duty, is_member, is_complete)| {
            let mut world = World::at(NOW).with_event("urn:fair", Some(NOW - 5), None);
            world.is_complete = is_complete;
            world = world.with_part("urn:zeeland", "urn:nl").with_part("urn:nl", "urn:eu");
            if is_member {
                world = world.with_part(RAIN, "urn:c");
            }
            if let Some(paid) = paid {
                world = world.with(
                    "payAmount",
                    None,
                    Quantity::number(Decimal::from(paid), Some("urn:euro")),
                );
            }
            if let Some(used) = used {
                world = world.with_count(None, used);
            }
            if let Some(place) = place {
                world = world.with_name("spatial", place);
            }
            if let Some(lasted) = lasted {
                let term = odrl::Term::literal(lasted, None);
                world = world.with("elapsedTime", None, Quantity::read("elapsedTime", &term, None).unwrap());
            }
            for index in 0..4 {
                world = duty.iter().fold(world, |world, state| {
                    world.with_duty(&format!("urn:duty:{index}"), *state)
                });
            }
            world
        })
}

fn asked() -> impl Strategy<Value = Ask> {
    (select(vec!["use", "distribute", "read"]), prop::option::of(0_u64..4)).prop_map(|(action, paid)| {
        let ask = Ask::new(action, Some("urn:alice"), Some(RAIN));
        match paid {
            Some(paid) => ask.with("payAmount", Quantity::number(Decimal::from(paid), Some("urn:euro"))),
            None => ask,
        }
    })
}

fn permits(policy: &Value, ask: &Ask, world: &World) -> bool {
    both(&read(policy), ask, world, &Leniencies::strict()).outcome == Outcome::Permit
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_enforced_is_what_odrl_says(json in generated::policy(), known in generated::known(), request in generated::request()) {
        let policy = Policy::parse(&json).unwrap();
        let decision = policy.decide(&request, &generated::facts(&policy, &known));
        let plain = plain::evaluated(&policy, &request, &known).map_err(TestCaseError::fail)?;
        let record = decision.record();
        prop_assert_eq!((record.outcome, record.reason), (plain.outcome, plain.reason), "{}", json);
        for rule in policy.permissions().iter().chain(policy.prohibitions()) {
            let step = record.trace.iter().find(|step| step.at == rule.at()).unwrap();
            let report = plain.rule(&format!("_:{}", rule.at())).unwrap();
            prop_assert_eq!(step.value, report.active, "{} in {}", rule.at(), json);
        }
    }

    #[test]
    fn adding_a_prohibition_never_permits_more(policy in whole_policy(), more in any_rule("remedy"), ask in asked(), world in whole_world()) {
        let mut with = policy.clone();
        with["prohibition"].as_array_mut().unwrap().push(more);
        prop_assert!(permits(&policy, &ask, &world) || !permits(&with, &ask, &world), "{}", with);
    }

    #[test]
    fn making_an_operand_unknown_never_permits_more(policy in whole_policy(), ask in asked(), world in whole_world(),
        operand in select(vec!["dateTime", "payAmount", "count", "spatial", "elapsedTime"])) {
        let less = world.clone().without(operand);
        prop_assert!(permits(&policy, &ask, &world) || !permits(&policy, &ask, &less), "{} without {}", policy, operand);
    }

    #[test]
    fn the_order_of_rules_never_matters(policy in whole_policy(), ask in asked(), world in whole_world(), seed in 0_u64..8) {
        let judge = |policy: &Value| {
            let evaluation = both(&read(policy), &ask, &world, &Leniencies::strict());
            (evaluation.outcome, evaluation.reason)
        };
        prop_assert_eq!(judge(&policy), judge(&generated::shuffled(&policy, seed)));
    }

    #[test]
    fn a_leniency_only_ever_gives_more(policy in whole_policy(), ask in asked(), world in whole_world(), leniency in select(Leniency::ALL.to_vec())) {
        let policy = read(&policy);
        let outcome = |leniencies| both(&policy, &ask, &world, &leniencies).outcome;
        let lenient = outcome(Leniencies::strict().with(leniency));
        prop_assert!(outcome(Leniencies::strict()) == Outcome::Deny || lenient == Outcome::Permit);
    }

    #[test]
    fn reading_anything_ends_and_never_panics(json in generated::any_json()) {
        if let Ok((graph, root)) = Graph::of_json(&json) {
            let read = odrl::read(&graph, &root, &Reading { leniencies: Leniencies::suite(), ..Reading::default() });
            if let Ok(policy) = read {
                let evaluation = policy.evaluate(&Ask::new("use", Some(KNMI), Some(RAIN)), &World::default(), &Leniencies::suite());
                prop_assert_eq!(evaluation.rules.len(), policy.rules.len());
            }
        }
    }
}
