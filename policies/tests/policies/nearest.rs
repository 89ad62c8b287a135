//! Of several permissions of which none holds, a refusal tells of the one that who asks can come nearest to alone.

use crate::common::{APP, BOARD, DPV, NOW, OURS, agreement, atom, log_kept, request};
use crate::generated;
use herleid_policies::{Amount, Decision, EURO, Facts, Fixer, Obstacle, Policy, reevaluate};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// The price of one use.
fn costs(amount: &str) -> Value {
    let price = json!({"leftOperand": "odrl:payAmount", "operator": "eq", "rightOperand": amount,
        "odrl:unit": {"@id": EURO}});
    json!({"action": "odrl:compensate", "constraint": [price]})
}

fn purpose() -> Value {
    atom("odrl:purpose", "isA", json!(format!("{OURS}Omgevingswet")))
}

fn recipient() -> Value {
    atom("odrl:recipient", "eq", json!(BOARD))
}

fn day(operator: &str, day: &str) -> Value {
    atom("odrl:dateTime", operator, json!(day))
}

fn permission(constraints: Value, duties: Value) -> Value {
    let mut rule = json!({"action": "use"});
    for (member, value) in [("constraint", constraints), ("duty", duties)] {
        if value != json!([]) {
            rule[member] = value;
        }
    }
    rule
}

/// What somebody shows of whom only the purpose and the recipient are known, and they are others than any permission here asks for.
fn shown() -> Facts {
    log_kept()
        .with_purpose([format!("{DPV}Marketing").as_str()], "stated", NOW)
        .with_recipient(APP, "token", NOW)
}

fn paid(paid: &str, spent: &str) -> Facts {
    let (paid, spent) = (paid.parse::<Amount>().unwrap(), spent.parse().unwrap());
    shown().with_credit("urn:uuid:agreement#credit/EUR", paid, spent, "ledger", NOW)
}

/// A name, permissions, what is known, and what is told.
type Case = (&'static str, Vec<Value>, Facts, &'static [&'static str]);

fn cases() -> Vec<Case> {
    let (free, none) = (|constraints: Value| permission(constraints, json!([])), || json!([]));
    let counted = free(json!([atom("odrl:count", "lteq", json!(3))]));
    let both = || free(json!([purpose(), recipient()]));
    let used_up = Policy::parse(&agreement(json!([counted]), none())).unwrap().counters();
    vec![
        (
            "a count that is used up, or pay and state another purpose",
            vec![counted, permission(json!([purpose()]), json!([costs("0.25")]))],
            paid("1.00", "1.00").with_count(&used_up[0], 3, "ledger", NOW),
            &["purpose", "payAmount"],
        ),
        (
            "another purpose, or pay",
            vec![free(json!([purpose()])), permission(none(), json!([costs("0.25")]))],
            paid("1.00", "1.00"),
            &["payAmount"],
        ),
        (
            "another purpose, or another recipient at a price that is paid",
            vec![
                free(json!([purpose()])),
                permission(json!([recipient()]), json!([costs("1.00")])),
            ],
            paid("25.00", "0"),
            &["purpose"],
        ),
        (
            "a day that is past, or another purpose and another recipient",
            vec![free(json!([{"or": [
                {"and": [purpose(), recipient()]}, day("lteq", "2020-01-01Z"),
            ]}]))],
            shown(),
            &["purpose", "recipient"],
        ),
        (
            "for somebody else, or another purpose and another action",
            vec![
                json!({"action": "use", "assignee": BOARD}),
                json!({"action": "odrl:distribute", "constraint": [purpose()]}),
            ],
            shown(),
            &["action", "purpose"],
        ),
        (
            "a day that comes, or another purpose",
            vec![free(json!([day("gteq", "2021-01-01Z")])), free(json!([purpose()]))],
            shown(),
            &["dateTime"],
        ),
        (
            "two prices, or another purpose and another recipient",
            vec![permission(none(), json!([costs("1.00"), costs("2.00")])), both()],
            paid("1.00", "0"),
            &["payAmount"],
        ),
        (
            "a duty that nobody sees, or another purpose and another recipient",
            vec![permission(none(), json!([{"action": "odrl:anonymize"}])), both()],
            shown(),
            &["purpose", "recipient"],
        ),
        (
            "a price of which nobody knows what was paid, or another purpose and another recipient",
            vec![permission(none(), json!([costs("0.25")])), both()],
            shown(),
            &["purpose", "recipient"],
        ),
        (
            "a statement, or another purpose and another recipient",
            vec![permission(none(), json!([{"action": "odrl:inform"}])), both()],
            shown(),
            &["duty"],
        ),
    ]
}

fn policy(permissions: &[Value]) -> Value {
    let mut policy = agreement(json!(permissions), json!([]));
    // Each permission says whom it is for, where they differ in that.
    if permissions.iter().any(|rule| rule.get("assignee").is_some()) {
        policy["@type"] = json!("Set");
        policy.as_object_mut().unwrap().remove("assignee");
    }
    policy
}

/// Operands, and where there is none what stood in the way.
fn told(decision: &Decision) -> Vec<String> {
    let name = |obstacle: Obstacle| json!(obstacle).as_str().unwrap().to_owned();
    let failing = decision.record().failing.iter();
    failing
        .map(|one| one.operand.clone().unwrap_or_else(|| name(one.obstacle)))
        .collect()
}

#[test]
fn of_several_permissions_one_is_told_of() {
    for (name, mut permissions, facts, expected) in cases() {
        for _ in 0..2 {
            let policy = policy(&permissions);
            let decision = Policy::parse(&policy).unwrap().decide(&request(), &facts);
            assert!(!decision.is_permit(), "{name}");
            assert_eq!(told(&decision), expected, "{name}");
            reevaluate(&policy, &decision.record().to_json()).unwrap_or_else(|why| panic!("{name}: {why}"));
            // In whatever order they were written.
            permissions.reverse();
        }
    }
}

/// Whether who asks can see to all of it alone, or only has to wait.
fn is_for_the_asker(decision: &Decision) -> bool {
    let mut failing = decision.record().failing.iter();
    failing.all(|one| matches!(one.fixed_by, Fixer::Asker | Fixer::Time))
}

/// Each permission is asked by itself: where one could be opened by who asks alone, nothing is told that others have to see to.
#[test]
fn what_the_asker_can_clear_alone_is_told_before_what_it_cannot() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let drawn = proptest::collection::vec(generated::rule(true, true), 2..4);
    let (mut opened, mut with_others) = (0, 0);
    for _ in 0..4000 {
        let permissions = drawn.new_tree(&mut runner).unwrap().current();
        let whole = Policy::parse(&agreement(json!(permissions), json!([]))).unwrap();
        let facts = generated::facts(&whole, &generated::known().new_tree(&mut runner).unwrap().current());
        let decision = whole.decide(&request(), &facts);
        if decision.is_permit() {
            continue;
        }
        let alone = permissions.iter().map(|rule| {
            let one = Policy::parse(&agreement(json!([rule]), json!([]))).unwrap();
            is_for_the_asker(&one.decide(&request(), &facts))
        });
        let alone: Vec<bool> = alone.collect();
        if alone.contains(&true) {
            opened += 1;
            with_others += usize::from(alone.contains(&false));
            assert!(
                is_for_the_asker(&decision),
                "{:?} of {}",
                decision.record().failing,
                whole.document()
            );
        }
    }
    assert!(opened > 300 && with_others > 200, "{opened} {with_others}");
}
