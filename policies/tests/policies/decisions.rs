//! Single decisions, one rule of the semantics each.

use crate::common::{APP, BOARD, DPV, KNMI, NOW, OURS, RAIN, agreement, atom, purpose, read, request, use_if};
use herleid_policies::{
    Action, Decision, Document, EnforcedBy, Failing, Fixer, Mode, Obstacle, Outcome, Policy, Reason, Truth,
};
use serde_json::{Value, json};

fn only_failing(decision: &Decision) -> &Failing {
    match decision.record().failing.as_slice() {
        [only] => only,
        other => panic!("expected one: {other:?}"),
    }
}

#[test]
fn an_expired_date_denies() {
    let document = read(&use_if(json!([atom(
        "dateTime",
        "lteq",
        json!("2020-06-17T14:59:59Z")
    )])));
    let decision = document.decide(&request(), &crate::common::log_kept());
    assert_eq!(decision.record().reason, Reason::NotGranted);
    let failing = only_failing(&decision);
    assert_eq!(
        (failing.operand.as_deref(), failing.operator.as_deref()),
        (Some("dateTime"), Some("lteq"))
    );
    assert_eq!(failing.at, "/permission/0/constraint/0");
    assert_eq!(failing.required, ["2020-06-17T14:59:59Z"]);
    assert_eq!(failing.shown, ["2020-06-17T15:00:00.000Z"]);
    assert_eq!(failing.fixed_by, Fixer::NewAgreement);
    let earlier = herleid_policies::Request {
        now_ms: NOW - 1000,
        ..request()
    };
    assert!(document.decide(&earlier, &crate::common::log_kept()).is_permit());
    let not_yet = read(&use_if(json!([atom("dateTime", "gteq", json!("2020-06-18Z"))])));
    assert_eq!(
        only_failing(&not_yet.decide(&request(), &crate::common::log_kept())).fixed_by,
        Fixer::Time
    );
}

#[test]
fn a_purpose_must_fall_under_what_is_asked() {
    let document = read(&use_if(json!([atom(
        "purpose",
        "isA",
        json!(format!("{OURS}Omgevingswet"))
    )])));
    assert!(
        document
            .decide(&request(), &purpose(&format!("{OURS}OmgevingswetHemelwater")))
            .is_permit()
    );
    let wrong = document.decide(&request(), &purpose(&format!("{DPV}DirectMarketing")));
    assert_eq!(only_failing(&wrong).value, Truth::False);
    assert_eq!(only_failing(&wrong).shown, [format!("{DPV}DirectMarketing")]);
    assert_eq!(only_failing(&wrong).fixed_by, Fixer::Asker);
    let broader = document.decide(&request(), &purpose(&format!("{DPV}PublicBenefit")));
    assert_eq!(
        only_failing(&broader).value,
        Truth::Unknown,
        "a broader purpose may or may not be meant"
    );
    let silent = document.decide(&request(), &crate::common::log_kept());
    assert_eq!(only_failing(&silent).value, Truth::Unknown);
    assert!(only_failing(&silent).shown.is_empty());
    let both = crate::common::log_kept().with_purpose(["purpose:Omgevingswet", "dpv:Marketing"], "stated", NOW);
    assert!(
        !document.decide(&request(), &both).is_permit(),
        "a second purpose does not ride along"
    );
}

#[test]
fn a_recipient_must_be_named() {
    let document = read(&use_if(json!([atom("recipient", "isAnyOf", json!([APP, BOARD]))])));
    let to = |did: &str| document.decide(&request(), &crate::common::log_kept().with_recipient(did, "token", NOW));
    assert!(to(BOARD).is_permit());
    assert_eq!(only_failing(&to("did:web:other.example")).value, Truth::False);
    assert_eq!(
        only_failing(&document.decide(&request(), &crate::common::log_kept())).fixed_by,
        Fixer::Holder
    );
}

#[test]
fn a_count_is_reserved_and_runs_out() {
    for (operator, limit, at_most) in [("lteq", 10, 10), ("lt", 11, 10), ("eq", 1, 1)] {
        let policy = Policy::parse(&use_if(json!([atom("count", operator, json!(limit))]))).unwrap();
        let [counter] = policy.counters().try_into().unwrap();
        assert!(counter.starts_with("urn:uuid:agreement#permission-"), "{counter}");
        let used = |n: u64| {
            policy.decide(
                &request(),
                &crate::common::log_kept().with_count(&counter, n, "ledger", NOW),
            )
        };
        let last = used(at_most - 1);
        assert!(last.is_permit(), "{operator}");
        let [reservation] = last.reservations() else {
            panic!("one reservation")
        };
        assert_eq!((&reservation.counter, reservation.at_most), (&counter, at_most));
        assert_eq!(Some(&reservation.rule), last.record().granted_by.as_ref());
        let exhausted = used(at_most);
        assert_eq!(exhausted.outcome(), Outcome::Deny);
        assert!(exhausted.reservations().is_empty());
        assert_eq!(only_failing(&exhausted).shown, [at_most.to_string()]);
        let unknown = policy.decide(&request(), &crate::common::log_kept());
        assert_eq!(only_failing(&unknown).value, Truth::Unknown);
        assert!(!used(u64::MAX).is_permit());
    }
}

#[test]
fn the_lowest_of_several_counts_binds_and_an_uncounted_permission_spares_the_counter() {
    let policy = use_if(json!([atom("count", "lteq", json!(5)), {"and": [atom("count", "lt", json!(4))]}]));
    assert_eq!(Policy::parse(&policy).unwrap().permissions()[0].at_most(), Some(3));
    let both = agreement(
        json!([
            {"action": "use", "constraint": [atom("count", "lteq", json!(5))]},
            {"action": "use", "constraint": [atom("purpose", "eq", json!(format!("{DPV}PublicBenefit")))]},
        ]),
        json!([]),
    );
    let policy = Policy::parse(&both).unwrap();
    let [counter] = policy.counters().try_into().unwrap();
    let facts = purpose(&format!("{DPV}PublicBenefit")).with_count(&counter, 0, "ledger", NOW);
    assert!(policy.decide(&request(), &facts).reservations().is_empty());
    assert_eq!(
        policy
            .decide(&request(), &facts.without("purpose"))
            .reservations()
            .len(),
        1
    );
}

#[test]
fn use_does_not_reach_third_parties() {
    let document = read(&agreement(json!([{"action": "use"}]), json!([])));
    let asked =
        |document: &Document, action: &str| document.decide(&request().for_action(action), &crate::common::log_kept());
    for action in [
        "use",
        "odrl:read",
        "http://www.w3.org/ns/odrl/2/execute",
        "display",
        "derive",
        "aggregate",
    ] {
        assert!(asked(&document, action).is_permit(), "{action}");
    }
    let passed_on = asked(&document, "odrl:distribute");
    assert_eq!(only_failing(&passed_on).obstacle, Obstacle::Action);
    let named = read(&agreement(json!([{"action": ["use", "odrl:distribute"]}]), json!([])));
    assert!(asked(&named, "distribute").is_permit());
    let forbidden = read(&agreement(
        json!([{"action": "odrl:distribute"}]),
        json!([{"action": "use"}]),
    ));
    assert_eq!(asked(&forbidden, "distribute").record().reason, Reason::Conflict);
}

#[test]
fn a_prohibition_of_a_part_of_what_is_asked_applies() {
    let forbidding = |action: &str| read(&agreement(json!([{"action": "use"}]), json!([{"action": action}])));
    for part in [
        "odrl:reproduce",
        "odrl:read",
        "odrl:execute",
        "odrl:derive",
        "odrl:display",
    ] {
        let decision = forbidding(part).decide(&request(), &crate::common::log_kept());
        assert_eq!(decision.record().reason, Reason::Conflict, "{part}");
        assert_eq!(only_failing(&decision).obstacle, Obstacle::Prohibition);
        assert!(!only_failing(&decision).required.is_empty());
    }
    for outward in ["odrl:distribute", "odrl:sell", "odrl:grantUse"] {
        assert!(
            forbidding(outward)
                .decide(&request(), &crate::common::log_kept())
                .is_permit(),
            "passing on is no part of use: {outward}"
        );
    }
    let printing = forbidding("odrl:print").decide(&request().for_action("odrl:read"), &crate::common::log_kept());
    assert!(printing.is_permit(), "neither is a part of the other");
}

#[test]
fn an_offer_never_grants_but_can_be_weighed() {
    let offer = json!({"@type": "Offer", "@id": "urn:uuid:offer", "permission": [
        {"action": "use", "constraint": [atom("count", "lteq", json!(3))]}]});
    let document = read(&offer);
    let decided = document.decide(&request(), &crate::common::log_kept());
    assert_eq!(
        (decided.outcome(), decided.record().reason),
        (Outcome::Deny, Reason::OnlyAnOffer)
    );
    let weighed = document.would_grant(&request(), &crate::common::log_kept());
    assert!(weighed.is_permit());
    assert_eq!(weighed.record().mode, Mode::WouldGrant);
    assert!(
        weighed
            .record()
            .facts
            .iter()
            .any(|fact| fact.about == "count" && fact.source == "no agreement yet")
    );
    let agreed = read(&use_if(json!([atom("count", "lteq", json!(3))])));
    assert!(
        !agreed.would_grant(&request(), &crate::common::log_kept()).is_permit(),
        "an agreement's counter is not made up"
    );
}

#[test]
fn parties_and_asset_must_be_those_of_the_agreement() {
    let document = read(&agreement(json!([{"action": "use"}]), json!([])));
    assert!(document.decide(&request(), &crate::common::log_kept()).is_permit());
    let as_asked = |change: fn(&mut herleid_policies::Request)| {
        let mut request = request();
        change(&mut request);
        only_failing(&document.decide(&request, &crate::common::log_kept())).obstacle
    };
    assert_eq!(as_asked(|r| r.assignee = BOARD.to_owned()), Obstacle::Assignee);
    assert_eq!(as_asked(|r| r.assigner = BOARD.to_owned()), Obstacle::Assigner);
    assert_eq!(
        as_asked(|r| r.target = "urn:example:other".to_owned()),
        Obstacle::Target
    );
    assert_eq!(
        as_asked(|r| r.assignee = format!("{APP}{}", "x".repeat(5000))),
        Obstacle::Assignee
    );
    let set = read(&json!({"@type": "Set", "@id": "urn:uuid:set", "target": RAIN, "permission": [{"action": "use"}]}));
    assert!(
        set.decide(&request(), &crate::common::log_kept()).is_permit(),
        "a Set speaks to everybody"
    );
}

#[test]
fn a_prohibition_that_cannot_be_ruled_out_applies() {
    let marketing = json!([{"action": "use", "constraint": [atom("purpose", "isA", json!("dpv:Marketing"))]}]);
    let document = read(&agreement(json!([{"action": "use"}]), marketing));
    assert!(
        document
            .decide(&request(), &purpose(&format!("{OURS}Omgevingswet")))
            .is_permit()
    );
    for facts in [
        purpose(&format!("{DPV}DirectMarketing")),
        purpose("urn:example:unheard-of"),
        crate::common::log_kept(),
    ] {
        let decision = document.decide(&request(), &facts);
        assert_eq!(decision.record().reason, Reason::Conflict, "{facts:?}");
        assert_eq!(only_failing(&decision).obstacle, Obstacle::Prohibition);
    }
}

#[test]
fn a_prohibition_binds_whoever_issued_it() {
    let policy = json!({"@type": "Set", "@id": "urn:uuid:set", "target": RAIN,
        "permission": [{"action": "use"}], "prohibition": [{"action": "use", "assigner": BOARD}]});
    assert_eq!(
        read(&policy)
            .decide(&request(), &crate::common::log_kept())
            .record()
            .reason,
        Reason::Conflict
    );
}

#[test]
fn logical_constraints_follow_kleene() {
    let (yes, no) = (
        atom("dateTime", "gt", json!("2020-01-01Z")),
        atom("dateTime", "lt", json!("2020-01-01Z")),
    );
    let unknown = atom("purpose", "eq", json!("urn:x"));
    let decide = |logic: &str, parts: Value| {
        let decision = read(&use_if(json!([{ logic: parts }]))).decide(&request(), &crate::common::log_kept());
        let step = decision
            .record()
            .trace
            .iter()
            .find(|step| step.at == "/permission/0/constraint/0")
            .unwrap();
        step.value
    };
    for (logic, parts, expected) in [
        ("and", json!([yes, unknown]), Truth::Unknown),
        ("and", json!([no, unknown]), Truth::False),
        ("andSequence", json!([yes, yes]), Truth::True),
        ("or", json!([yes, unknown]), Truth::True),
        ("or", json!([no, unknown]), Truth::Unknown),
        ("xone", json!([yes, no]), Truth::True),
        ("xone", json!([yes, yes]), Truth::False),
        ("xone", json!([yes, yes, unknown]), Truth::False),
        ("xone", json!([yes, unknown]), Truth::Unknown),
        ("xone", json!([no, no]), Truth::False),
    ] {
        assert_eq!(decide(logic, parts.clone()), expected, "{logic} {parts}");
    }
}

#[test]
fn the_failing_set_is_the_smallest() {
    let wrong = atom("dateTime", "lt", json!("2020-01-01Z"));
    let purpose_wrong = atom("purpose", "eq", json!("urn:x"));
    let nobody = atom("recipient", "eq", json!(BOARD));
    let document = read(&agreement(
        json!([
            {"action": "use", "constraint": [wrong, purpose_wrong, nobody]},
            {"action": "use", "constraint": [{"or": [{"and": [wrong, nobody]}, purpose_wrong]}]},
            {"action": "odrl:distribute"},
        ]),
        json!([]),
    ));
    let facts = purpose("urn:y").with_recipient(APP, "token", NOW);
    let decision = document.decide(&request(), &facts);
    assert_eq!(only_failing(&decision).operand.as_deref(), Some("purpose"));
}

#[test]
fn what_is_known_is_recorded_with_its_source_and_who_sees_to_it() {
    let facts = purpose("urn:x").with_recipient(APP, "access token", NOW - 5);
    let decision = read(&agreement(json!([{"action": "use"}]), json!([]))).decide(&request(), &facts);
    let record = decision.record();
    let fact = |about: &str| record.facts.iter().find(|fact| fact.about == about).unwrap();
    assert_eq!(fact("purpose").enforced_by, EnforcedBy::Declared);
    assert_eq!(
        (fact("recipient").source.as_str(), fact("recipient").at),
        ("access token", NOW - 5)
    );
    assert_eq!(fact("dateTime").values, ["2020-06-17T15:00:00.000Z"]);
    assert_eq!(record.request.action, "http://www.w3.org/ns/odrl/2/use");
    assert_eq!(record.policy.id.as_deref(), Some("urn:uuid:agreement"));
    assert_eq!(record.policy.kind.as_deref(), Some("Agreement"));
    assert_eq!(record.request.assigner, KNMI);
}

#[test]
fn a_fact_too_large_to_record_counts_as_unknown() {
    let document = read(&use_if(json!([atom("purpose", "neq", json!("dpv:Marketing"))])));
    assert!(document.decide(&request(), &purpose("dpv:PublicBenefit")).is_permit());
    let long = format!("urn:{}", "y".repeat(10_000));
    assert!(!document.decide(&request(), &purpose(&long)).is_permit());
    let many: Vec<String> = (0..1000).map(|n| format!("{DPV}PublicBenefit{n}")).collect();
    let facts = crate::common::log_kept().with_purpose(many.iter().map(String::as_str), "stated", NOW);
    let decision = document.decide(&request(), &facts);
    assert!(!decision.is_permit());
    assert!(decision.record().facts.iter().any(|fact| fact.cut));
}

#[test]
fn not_that_purpose_is_not_met_by_a_kind_of_it_nor_by_an_invented_name() {
    let document = read(&use_if(json!([atom("purpose", "neq", json!("dpv:Marketing"))])));
    for (stated, permitted) in [
        ("dpv:PublicBenefit", true),
        ("dpv:Marketing", false),
        ("dpv:DirectMarketing", false),
        ("urn:example:unheard-of", false),
    ] {
        assert_eq!(
            document.decide(&request(), &purpose(stated)).is_permit(),
            permitted,
            "{stated}"
        );
    }
}

/// What a holder decides about for somebody who only uses. Taken for it, a decision about passing on would cover what it never weighed.
#[test]
fn passing_on_is_no_use_of_ones_own() {
    let is_own = |name: &str| Action::parse(name).unwrap().is_own_use();
    for name in ["use", "reproduce", "display", "odrl:execute"] {
        assert!(is_own(name), "{name}");
    }
    for name in [
        "distribute",
        "present",
        "grantUse",
        "nextPolicy",
        "transfer",
        "sell",
        "give",
    ] {
        assert!(!is_own(name), "{name}");
    }
}
