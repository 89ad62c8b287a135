//! The evaluator that decides, beside the plain one that it is held against, on policies of every construct; and what must hold
//! of any policy.

use crate::compiled_generated::{condition, policy, prohibition};
use crate::compiled_worlds::{ask, leniencies, world};
use crate::generated::shuffled;
use herleid_policies::Reason;
use herleid_policies::compiled::Program;
use herleid_policies::odrl::{self, Ask, Evaluation, Graph, Leniencies, Reading, World};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

/// How many cases are tried: as many as `PROPTEST_CASES` says (`make fuzz`).
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.map_or(512, |text| text.parse().expect("PROPTEST_CASES is a number")),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn read(json: &Value, leniencies: &Leniencies) -> odrl::Policy {
    let (graph, root) = Graph::of_json(json).unwrap_or_else(|why| panic!("{why}: {json}"));
    let reading = Reading {
        leniencies: leniencies.clone(),
        ..Reading::default()
    };
    odrl::read(&graph, &root, &reading).unwrap_or_else(|why| panic!("{why}: {json}"))
}

fn compiled(json: &Value) -> Program {
    Program::of(&read(json, &Leniencies::strict()), &Leniencies::strict())
}

fn permits(policy: &Value, ask: &Ask, world: &World) -> bool {
    compiled(policy).judge(ask, world) == Reason::Granted
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn compiled_and_plain_come_to_the_same_at_every_node_and_never_panic(json in policy(), ask in ask(), world in world(), lenient in leniencies()) {
        let policy = read(&json, &lenient);
        let plain = policy.evaluate(&ask, &world, &lenient);
        let program = Program::of(&policy, &lenient);
        let compiled = program.evaluate(&ask, &world);
        prop_assert_eq!((compiled.outcome, compiled.reason), (plain.outcome, plain.reason), "{}", json);
        prop_assert_eq!(program.judge(&ask, &world), plain.reason, "{}", json);
        // Of an action that nobody knows nothing is said.
        if plain.reason != Reason::UnknownAction {
            let plain = Evaluation { made_a_difference: Vec::new(), ..plain };
            prop_assert_eq!(compiled.rules, plain.rules, "{}", json);
        }
    }

    #[test]
    fn adding_a_prohibition_never_permits_more(json in policy(), more in prohibition(), ask in ask(), world in world()) {
        let mut with = json.clone();
        with["prohibition"].as_array_mut().unwrap().push(more);
        prop_assert!(permits(&json, &ask, &world) || !permits(&with, &ask, &world), "{}", with);
    }

    #[test]
    fn another_condition_on_every_permission_never_permits_more(json in policy(), more in condition(), ask in ask(), world in world()) {
        let mut with = json.clone();
        for rule in with["permission"].as_array_mut().unwrap() {
            rule["constraint"].as_array_mut().unwrap().push(more.clone());
        }
        prop_assert!(permits(&json, &ask, &world) || !permits(&with, &ask, &world), "{}", with);
    }

    #[test]
    fn making_an_operand_unknown_never_permits_more(json in policy(), ask in ask(), world in world(),
        operand in select(vec!["dateTime", "count", "payAmount", "spatial", "recipient", "purpose", "elapsedTime", "version"])) {
        let less = world.clone().without(operand);
        prop_assert!(permits(&json, &ask, &world) || !permits(&json, &ask, &less), "{} without {}", json, operand);
    }

    #[test]
    fn the_order_of_rules_never_matters(json in policy(), ask in ask(), world in world(), seed in 0_u64..8) {
        let other = shuffled(&json, seed);
        prop_assert_eq!(compiled(&json).judge(&ask, &world), compiled(&other).judge(&ask, &world), "{}", other);
    }
}

/// What is generated has to come out in every way, or the properties above would say little.
#[test]
fn generated_cases_come_out_in_every_way() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..1500 {
        let (json, ask, world) = (policy(), ask(), world()).new_tree(&mut runner).unwrap().current();
        *seen
            .entry(format!("{:?}", compiled(&json).judge(&ask, &world)))
            .or_default() += 1;
    }
    for reason in [
        "Granted",
        "NotGranted",
        "Prohibited",
        "Conflict",
        "OnlyAnOffer",
        "UnknownAction",
    ] {
        assert!(seen.get(reason).is_some_and(|count| *count >= 5), "{reason}: {seen:?}");
    }
}
