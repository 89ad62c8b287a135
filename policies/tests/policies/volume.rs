//! Bytes that are counted: what a delivery takes, and when it is too much.

use crate::common::{APP, NOW, agreement, atom, log_kept, read, request, use_if};
use crate::refusals::refused;
use herleid_policies::{Facts, Fixer, Policy, ProblemKind};
use serde_json::{Value, json};

const VOLUME: &str = "https://w3id.org/herleid/ns#volume";

fn limited(operator: &str, limit: u64) -> Policy {
    Policy::parse(&use_if(json!([atom(VOLUME, operator, json!(limit))]))).unwrap()
}

fn delivered(policy: &Policy, before: u64, size: u64) -> Facts {
    let [(rule, counter)] = policy.volumes().try_into().unwrap();
    assert_eq!(counter, format!("{rule}/bytes"));
    log_kept()
        .with_volume(&rule, before, "ledger", NOW)
        .with_size(size, "version", NOW)
}

#[test]
fn a_delivery_is_permitted_whole_or_not_at_all_and_takes_its_bytes() {
    for (operator, limit) in [("lteq", 100), ("lt", 101)] {
        let policy = limited(operator, limit);
        for (before, size, permits) in [
            (0, 100, true),
            (0, 101, false),
            (40, 60, true),
            (40, 61, false),
            (100, 0, true),
            (100, 1, false),
            (u64::from(u32::MAX), u64::MAX, false),
        ] {
            let decision = policy.decide(&request(), &delivered(&policy, before, size));
            assert_eq!(decision.is_permit(), permits, "{operator} {limit}: {before} and {size}");
            let taken: Vec<(u64, u64)> = decision
                .reservations()
                .iter()
                .map(|one| (one.amount, one.at_most))
                .collect();
            let expected = if permits && size > 0 {
                vec![(size, 100)]
            } else {
                Vec::new()
            };
            assert_eq!(taken, expected);
            if !permits {
                assert_eq!(decision.record().failing[0].fixed_by, Fixer::NewAgreement);
            }
        }
    }
}

#[test]
fn what_is_not_known_of_a_delivery_denies() {
    let policy = limited("lteq", 100);
    let known = delivered(&policy, 0, 1);
    assert!(policy.decide(&request(), &known).is_permit());
    for about in ["size", "volume"] {
        let decision = policy.decide(&request(), &known.clone().without(about));
        assert!(!decision.is_permit(), "{about}");
        assert_eq!(decision.record().failing[0].fixed_by, Fixer::Holder, "{about}");
    }
    // Under an offer nothing was delivered, and the size has to be known all the same.
    let mut offer = use_if(json!([atom(VOLUME, "lteq", json!(100))]));
    offer["@type"] = json!("Offer");
    let offer = read(&offer);
    assert!(!offer.would_grant(&request(), &log_kept()).is_permit());
    assert!(
        offer
            .would_grant(&request(), &log_kept().with_size(100, "version", NOW))
            .is_permit()
    );
    assert!(
        !offer
            .would_grant(&request(), &log_kept().with_size(101, "version", NOW))
            .is_permit()
    );
}

#[test]
fn a_use_and_its_bytes_are_taken_together() {
    let both = json!([atom("count", "lteq", json!(2)), atom(VOLUME, "lteq", json!(100))]);
    let policy = Policy::parse(&use_if(both)).unwrap();
    let [counter] = policy.counters().try_into().unwrap();
    let used = |used: u64| delivered(&policy, 0, 60).with_count(&counter, used, "ledger", NOW);
    let decision = policy.decide(&request(), &used(1));
    let taken: Vec<u64> = decision.reservations().iter().map(|one| one.amount).collect();
    assert_eq!(taken, [1, 60]);
    // One use is written as ever.
    let record = decision.record().to_json();
    assert_eq!(record["reservations"][0].get("amount"), None);
    assert_eq!(record["reservations"][1]["amount"], 60);
    assert!(!policy.decide(&request(), &used(2)).is_permit());
}

#[test]
fn a_volume_must_bind_in_any_case_and_be_a_whole_number() {
    let volume = atom(VOLUME, "lteq", json!(5));
    let other = atom("recipient", "eq", json!(APP));
    refused(
        &use_if(json!([{"or": [volume, other]}])),
        ProblemKind::NotEnforceable,
        "volume",
    );
    let forbidding = agreement(
        json!([{"action": "use"}]),
        json!([{"action": "use", "constraint": [volume]}]),
    );
    refused(&forbidding, ProblemKind::NotEnforceable, "volume");
    for operator in ["eq", "gt", "isAnyOf"] {
        refused(
            &use_if(json!([atom(VOLUME, operator, json!(5))])),
            ProblemKind::OperatorForOperand,
            operator,
        );
    }
    for (right, term) in [(json!("5 GB"), "5 GB"), (json!(-1), "-1"), (json!("5.0"), "5.0")] {
        refused(
            &use_if(json!([atom(VOLUME, "lteq", right)])),
            ProblemKind::RightOperand,
            term,
        );
    }
    let never: Value = json!({"@type": "Offer", "@id": "urn:o", "permission": [
        {"action": "use", "constraint": [atom(VOLUME, "lt", json!(1))]}]});
    let error = Policy::parse_for_offer(&never).unwrap_err().to_string();
    assert!(error.contains("not even for one byte"), "{error}");
}
