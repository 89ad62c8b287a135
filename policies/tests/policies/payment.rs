//! What a use costs: read, published, taken from what was paid, and told.

use crate::common::{APP, KNMI, NOW, RAIN, agreement, atom, log_kept, request};
use herleid_policies::{
    Acceptance, Amount, Audience, Decision, Document, EURO, Explanation, Facts, Fixer, Language, Obstacle, Outcome,
    Policy, Reason, paid_counter, reevaluate,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(crate) fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

pub(crate) fn price(right: &Value) -> Value {
    json!({"leftOperand": "odrl:payAmount", "operator": "eq", "rightOperand": right, "odrl:unit": {"@id": EURO}})
}

/// A permission to use something that costs so much.
pub(crate) fn paid_use(right: &Value) -> Value {
    json!({"action": "use", "duty": [{"action": "odrl:compensate", "constraint": [price(right)]}]})
}

pub(crate) fn costing(text: &str) -> Policy {
    Policy::parse(&agreement(json!([paid_use(&json!(text))]), json!([]))).unwrap()
}

pub(crate) fn credit(policy: &Policy, paid: &str, spent: &str) -> Facts {
    log_kept().with_credit(&policy.account().unwrap(), amount(paid), amount(spent), "ledger", NOW)
}

pub(crate) fn taken(decision: &Decision) -> Vec<(u64, u64)> {
    decision
        .reservations()
        .iter()
        .map(|one| (one.amount, one.at_most))
        .collect()
}

#[test]
fn a_use_takes_its_price_from_what_was_paid_and_never_more() {
    for (price, paid, spent, permits) in [
        ("0.25", "25.00", "0", true),
        ("0.25", "25.00", "24.75", true),
        ("0.25", "25.00", "24.750001", false),
        ("0.25", "0.25", "0", true),
        ("0.25", "0.24", "0", false),
        ("0.000001", "0.01", "0.009999", true),
        ("0.000001", "0.01", "0.01", false),
        // Three tenths are three tenths: in binary fractions they are less than one and two of them.
        ("0.1", "0.30", "0.2", true),
        ("0.3", "0.30", "0", true),
        ("9007199254.740991", "9007199254.740991", "0", true),
        ("9007199254.740991", "9007199254.740991", "0.000001", false),
        // More taken than was paid, which nothing does: nothing is left.
        ("0.25", "1", "2", false),
    ] {
        let policy = costing(price);
        let decision = policy.decide(&request(), &credit(&policy, paid, spent));
        let label = format!("{price} of {paid}, {spent} taken");
        assert_eq!(decision.is_permit(), permits, "{label}");
        let expected = (amount(price).millionths(), amount(paid).millionths());
        assert_eq!(
            taken(&decision),
            if permits { vec![expected] } else { Vec::new() },
            "{label}"
        );
        if permits {
            let [place] = decision.reservations() else {
                panic!("{label}")
            };
            assert_eq!(Some(&place.counter), policy.account().as_ref());
            assert_ne!(place.counter, paid_counter(&place.counter));
        }
    }
}

#[test]
fn what_is_not_known_of_the_credit_denies_and_is_for_the_holder_to_say() {
    let policy = costing("0.25");
    let known = credit(&policy, "1", "0");
    assert!(policy.decide(&request(), &known).is_permit());
    for about in ["paid", "spent"] {
        let decision = policy.decide(&request(), &known.clone().without(about));
        let [failing] = decision.record().failing.as_slice() else {
            panic!("{about}")
        };
        assert_eq!(
            (failing.obstacle, failing.fixed_by),
            (Obstacle::Duty, Fixer::Holder),
            "{about}"
        );
        assert!(failing.shown.is_empty());
    }
    // Another account's money is no money, nor is somebody's word that it was paid.
    let other = log_kept().with_credit("urn:uuid:other#credit/EUR", amount("9"), Amount::NOTHING, "ledger", NOW);
    assert!(!policy.decide(&request(), &other).is_permit());
    let duty = policy.permissions()[0].duties()[0].id().to_owned();
    let said = log_kept().with_duty(
        &duty,
        herleid_policies::DutyState::Fulfilled,
        "said so",
        herleid_policies::EnforcedBy::Declared,
        NOW,
    );
    assert!(!policy.decide(&request(), &said).is_permit());
}

#[test]
fn a_denial_says_what_it_costs_what_is_left_and_who_can_pay() {
    let policy = costing("0.25");
    let decision = policy.decide(&request(), &credit(&policy, "10.00", "9.90"));
    let record = decision.record();
    assert_eq!((record.outcome, record.reason), (Outcome::Deny, Reason::NotGranted));
    let [failing] = record.failing.as_slice() else {
        panic!("{record:?}")
    };
    assert_eq!(failing.operand.as_deref(), Some("payAmount"));
    assert_eq!(
        (failing.required.as_slice(), failing.shown.as_slice()),
        (&["0.25".to_owned()][..], &["0.10".to_owned()][..])
    );
    assert_eq!(failing.fixed_by, Fixer::Asker);
    for (language, says) in [
        (
            Language::English,
            ["costs `0.25` euros", "Left of what was paid: `0.10` euros", "can pay"],
        ),
        (
            Language::Dutch,
            ["kost `0.25` euro", "Over van wat is betaald: `0.10` euro", "betalen"],
        ),
    ] {
        for audience in [Audience::Holder, Audience::Addressee] {
            let text = Explanation::of(record, language, audience).to_string();
            for part in says {
                assert!(text.contains(part), "expected `{part}`: {text}");
            }
        }
        let stranger = Explanation::of(record, language, Audience::Stranger).to_string();
        assert!(!stranger.contains("0.25") && !stranger.contains("0.10"), "{stranger}");
    }
    assert!(reevaluate(policy.document(), &record.to_json()).is_ok());
}

#[test]
fn of_two_permissions_the_cheapest_that_holds_is_taken() {
    let (dear, cheap, free) = (
        paid_use(&json!("2")),
        paid_use(&json!("1.50")),
        json!({"action": "use"}),
    );
    let decide = |permissions: Value, paid: &str| {
        let policy = Policy::parse(&agreement(permissions, json!([]))).unwrap();
        let facts = credit(&policy, paid, "0");
        policy.decide(&request(), &facts)
    };
    for permissions in [json!([dear, cheap]), json!([cheap, dear])] {
        assert_eq!(taken(&decide(permissions.clone(), "5")), [(1_500_000, 5_000_000)]);
        assert_eq!(taken(&decide(permissions.clone(), "1.60")), [(1_500_000, 1_600_000)]);
        assert!(!decide(permissions, "1.49").is_permit());
    }
    assert_eq!(taken(&decide(json!([cheap, free]), "5")), []);
    assert_eq!(taken(&decide(json!([cheap, free]), "0")), []);
    // A count is spared by what costs nothing of it, and money by a count.
    let counted = json!({"action": "use", "constraint": [atom("count", "lteq", json!(1))]});
    let policy = Policy::parse(&agreement(json!([counted, cheap]), json!([]))).unwrap();
    let [counter] = policy.counters().try_into().unwrap();
    let facts = |used| credit(&policy, "5", "0").with_count(&counter, used, "ledger", NOW);
    assert_eq!(taken(&policy.decide(&request(), &facts(0))), [(1, 1)]);
    assert_eq!(taken(&policy.decide(&request(), &facts(1))), [(1_500_000, 5_000_000)]);
}

#[test]
fn a_use_its_bytes_and_its_price_are_taken_together() {
    let mut rule = paid_use(&json!("0.50"));
    rule["constraint"] = json!([
        atom("count", "lteq", json!(3)),
        atom("https://w3id.org/herleid/ns#volume", "lteq", json!(100)),
    ]);
    let policy = Policy::parse(&agreement(json!([rule]), json!([]))).unwrap();
    let [counter] = policy.counters().try_into().unwrap();
    let facts = credit(&policy, "2", "1")
        .with_count(&counter, 2, "ledger", NOW)
        .with_volume(&counter, 40, "ledger", NOW)
        .with_size(60, "version", NOW);
    let decision = policy.decide(&request(), &facts);
    assert_eq!(taken(&decision), [(1, 3), (60, 100), (500_000, 2_000_000)]);
}

#[test]
fn an_offer_is_weighed_as_it_would_be_for_who_pays() {
    let mut offer = agreement(json!([paid_use(&json!("0.25"))]), json!([]));
    offer["@type"] = json!("Offer");
    for member in ["assigner", "assignee", "target"] {
        offer.as_object_mut().unwrap().remove(member);
    }
    let offer = Policy::parse(&offer).unwrap();
    let would = offer.would_grant(&request(), &log_kept());
    assert!(would.is_permit());
    let paid = would.record().facts.iter().find(|fact| fact.about == "paid").unwrap();
    assert!(paid.source.contains("before the first use"), "{}", paid.source);
    assert!(reevaluate(offer.document(), &would.record().to_json()).is_ok());
    let acceptance = Acceptance {
        id: "urn:uuid:a",
        assigner: KNMI,
        assignee: APP,
        target: RAIN,
        made_ms: None,
    };
    let agreed = offer.agree(&acceptance).unwrap();
    assert_eq!(agreed.permissions()[0].price(), Some(amount("0.25")));
    // The agreement itself rests on what is known.
    assert!(!agreed.decide(&request(), &log_kept()).is_permit());
    assert!(
        agreed
            .decide(&request(), &agreed.before_first_use(log_kept(), "assumed", NOW))
            .is_permit()
    );
    assert!(
        !agreed
            .decide(
                &request(),
                &agreed.before_first_use(credit(&agreed, "0", "0"), "assumed", NOW)
            )
            .is_permit()
    );
}

/// As somebody would reckon with whole millionths, looking at one permission after the other.
fn reckoned(prices: &[Option<u64>], paid: Option<u64>, spent: Option<u64>) -> Option<u64> {
    let mut best: Option<u64> = None;
    for price in prices {
        let cost = price.unwrap_or(0);
        let holds = match (price, paid, spent) {
            (None, ..) => true,
            (Some(price), Some(paid), Some(spent)) => paid.saturating_sub(spent) >= *price,
            _ => false,
        };
        if holds && best.is_none_or(|best| cost < best) {
            best = Some(cost);
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn compiled_and_reckoned_by_hand_agree(
        // Of several prices of a permission a use costs the sum.
        prices in prop::collection::vec(prop::collection::btree_set(0_u64..40, 0..4), 1..5),
        paid in prop::option::weighted(0.9, 0_u64..60),
        spent in prop::option::weighted(0.9, 0_u64..60),
        cents in any::<bool>(),
    ) {
        let unit = if cents { 10_000 } else { 1 };
        let text = |units: u64| Amount::of_millionths(units * unit).to_string();
        let rule = |prices: &BTreeSet<u64>| {
            let duties: Vec<Value> = prices.iter().map(|price| paid_use(&json!(text(*price)))["duty"][0].clone()).collect();
            match duties.is_empty() {
                true => json!({"action": "use"}),
                false => json!({"action": "use", "duty": duties}),
            }
        };
        let rules: Vec<Value> = prices.iter().map(rule).collect();
        let sum = |prices: &BTreeSet<u64>| (!prices.is_empty()).then(|| prices.iter().sum());
        let prices: Vec<Option<u64>> = prices.iter().map(sum).collect();
        let json = agreement(json!(rules), json!([]));
        let policy = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let mut facts = log_kept();
        if let Some(account) = policy.account() {
            let known = |units: Option<u64>| Amount::of_millionths(units.unwrap_or(0) * unit);
            facts = facts.with_credit(&account, known(paid), known(spent), "ledger", NOW);
            for (about, units) in [("paid", paid), ("spent", spent)] {
                if units.is_none() {
                    facts = facts.without(about);
                }
            }
        }
        let decision = Document::read(&json).decide(&request(), &facts);
        let cost = reckoned(&prices, paid, spent);
        prop_assert_eq!(decision.is_permit(), cost.is_some());
        let expected: Vec<(u64, u64)> = match cost {
            Some(cost) if cost > 0 => vec![(cost * unit, paid.unwrap_or(0) * unit)],
            _ => Vec::new(),
        };
        prop_assert_eq!(taken(&decision), expected);
        prop_assert_eq!(reevaluate(policy.document(), &decision.record().to_json()).map_err(|why| TestCaseError::fail(why.to_string()))?, decision);
    }
}

#[test]
fn what_costs_nothing_takes_nothing() {
    for text in ["0", "0.00"] {
        let policy = costing(text);
        let decision = policy.decide(&request(), &credit(&policy, "1", "0"));
        assert!(decision.is_permit(), "{text}: {:?}", decision.record().failing);
        assert_eq!(taken(&decision), [], "{text}");
    }
}
