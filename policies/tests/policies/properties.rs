//! Properties over generated policies, requests and facts. A failure prints its seed.

use crate::common::{APP, KNMI, NOW, RAIN, atom, expanded, prefixed};
use crate::generated::{Known, any_json, constraint, damaged, facts, known, policy, request, rule, shuffled};
use herleid_policies::{Acceptance, Document, Facts, Policy, PolicyKind, Request, reevaluate};
use herleid_vocab::json;
use proptest::prelude::*;
use serde_json::{Value, json};

/// How many cases are tried: as many as `PROPTEST_CASES` says (`make fuzz`).
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig::with_cases(asked.map_or(400, |text| text.parse().expect("PROPTEST_CASES is a number")))
}

/// Whatever came: a decision, a record that the log can hold, and the same decision again from the record.
fn judged(json: &Value, request: &Request, facts: &Facts) -> Result<bool, TestCaseError> {
    let document = Document::read(json);
    for decision in [document.decide(request, facts), document.would_grant(request, facts)] {
        let record = decision.record().to_json();
        let bytes =
            json::section_bytes(&json!({"decision": record})).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let section = json::parse_section(&bytes).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let kept: Value =
            serde_json::from_slice(document.bytes()).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let again = reevaluate(&kept, &section["decision"]).map_err(|why| TestCaseError::fail(why.to_string()))?;
        prop_assert_eq!(again, decision);
    }
    Ok(document.decide(request, facts).is_permit())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn spelling_and_order_change_nothing(json in policy(), seed in 0_u64..1000, request in request(), known in known()) {
        let policy = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let facts = facts(&policy, &known);
        let decision = policy.decide(&request, &facts);
        for other in [prefixed(&json), expanded(&json), shuffled(&json, seed), policy.document().clone()] {
            let read = Policy::parse(&other).map_err(|why| TestCaseError::fail(format!("{why}: {other}")))?;
            prop_assert_eq!(read.document(), policy.document());
            prop_assert_eq!(read.decide(&request, &facts), decision.clone());
        }
    }

    #[test]
    fn another_prohibition_never_permits_more(
        json in policy(), forbidding in rule(false, false), request in request(), known in known(),
    ) {
        let before = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let mut stricter = json;
        match stricter.get_mut("prohibition").and_then(Value::as_array_mut) {
            Some(rules) => rules.push(forbidding),
            None => stricter["prohibition"] = json!([forbidding]),
        }
        let after = Policy::parse(&stricter).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let facts = facts(&before, &known);
        prop_assert!(before.decide(&request, &facts).is_permit() || !after.decide(&request, &facts).is_permit());
    }

    #[test]
    fn knowing_less_never_permits_more(json in policy(), request in request(), known in known()) {
        let policy = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let facts = facts(&policy, &known);
        for about in ["purpose", "recipient", "spatial", "count", "volume", "size", "paid", "spent", "legalBasis", "areaOfUse", "counterpartyLog", "duty"] {
            let less = policy.decide(&request, &facts.clone().without(about)).is_permit();
            prop_assert!(!less || policy.decide(&request, &facts).is_permit(), "without {}", about);
        }
    }

    #[test]
    fn showing_fewer_areas_never_permits_more(json in policy(), request in request(), known in known(), left_out in any::<u8>()) {
        let policy = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let shown = known.areas.iter().enumerate().filter(|(place, _)| left_out & (1 << place) == 0);
        let fewer = Known { areas: shown.map(|(_, area)| area.clone()).collect(), ..known.clone() };
        let permits = |known: &Known| policy.decide(&request, &facts(&policy, known)).is_permit();
        prop_assert!(!permits(&fewer) || permits(&known), "{:?}", fewer.areas);
    }

    #[test]
    fn another_condition_on_every_permission_never_permits_more(
        json in policy(), condition in constraint(), request in request(), known in known(),
    ) {
        let before = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let mut stricter = json;
        for rule in stricter["permission"].as_array_mut().into_iter().flatten() {
            match rule.get_mut("constraint").and_then(Value::as_array_mut) {
                Some(constraints) => constraints.push(condition.clone()),
                None => rule["constraint"] = json!([condition]),
            }
        }
        let after = Policy::parse(&stricter).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let permits = |policy: &Policy| policy.decide(&request, &facts(policy, &known)).is_permit();
        prop_assert!(permits(&before) || !permits(&after));
    }

    #[test]
    fn an_offer_would_grant_what_its_agreement_grants(json in policy(), known in known(), request in request()) {
        let mut offer = json;
        offer["@type"] = json!("Offer");
        for member in ["assigner", "assignee"] {
            offer.as_object_mut().map(|map| map.remove(member));
        }
        let offer = Policy::parse(&offer).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let acceptance = Acceptance {
            id: "urn:uuid:a", assigner: &request.assigner, assignee: &request.assignee, target: RAIN, made_ms: None,
        };
        let agreement = offer.agree(&acceptance).map_err(|why| TestCaseError::fail(why.to_string()))?;
        agreement.check_made_of(&offer).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let credit = Some(known.credit.unwrap_or_default());
        // Of an offer it is presumed, and an agreement rests on what is known.
        let fulfilled = Some(known.fulfilled.unwrap_or(false));
        let known = Known { used: Some(0), delivered: Some(0), credit, fulfilled, ..known };
        let would = offer.would_grant(&request, &facts(&offer, &known));
        prop_assert_eq!(would.is_permit(), agreement.decide(&request, &facts(&agreement, &known)).is_permit());
        prop_assert!(!offer.decide(&request, &facts(&offer, &known)).is_permit());
    }

    #[test]
    fn every_decision_can_be_reached_again(json in policy(), request in request(), known in known()) {
        let policy = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        judged(&json, &request, &facts(&policy, &known))?;
    }

    #[test]
    fn a_denial_says_why(json in policy(), request in request(), known in known()) {
        let policy = Policy::parse(&json).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let decision = policy.decide(&request, &facts(&policy, &known));
        prop_assert_eq!(decision.is_permit(), decision.record().failing.is_empty());
        prop_assert_eq!(decision.is_permit(), decision.record().granted_by.is_some());
    }

    #[test]
    fn no_damage_makes_it_panic_or_lose_a_rule_or_grant_without_a_permission(
        json in policy(), steps in proptest::collection::vec(any::<u32>(), 1..8), with in any_json(), spelling in 0..3,
        request in request(),
    ) {
        let spelled = match spelling { 0 => json, 1 => prefixed(&json), _ => expanded(&json) };
        let damaged = damaged(&spelled, steps, &with);
        crate::kept::nothing_is_lost(&damaged)?;
        if judged(&damaged, &request, &Facts::none())? {
            let policy = Policy::parse(&damaged).map_err(|why| TestCaseError::fail(why.to_string()))?;
            prop_assert!(!policy.permissions().is_empty() && policy.kind() != PolicyKind::Offer);
        }
    }

    #[test]
    fn no_json_makes_it_panic(json in any_json(), request in request()) {
        judged(&json, &request, &Facts::none())?;
    }
}

#[test]
fn an_altered_record_is_found_out() {
    let json = crate::common::use_if(json!([atom("purpose", "eq", json!("urn:x"))]));
    let document = Document::read(&json);
    let request = Request::new(APP, KNMI, RAIN, NOW);
    let facts = Facts::none().with_purpose(["urn:y"], "stated", NOW);
    let record = document.decide(&request, &facts).record().to_json();
    let altered = |pointer: &str, value: Value| {
        let mut record = record.clone();
        *record.pointer_mut(pointer).unwrap() = value;
        reevaluate(&json, &record).expect_err(pointer).to_string()
    };
    let said = altered("/outcome", json!("permit"));
    // It was made with the tables of this version: no other engine could come to anything else.
    assert!(said.contains("`outcome`") && !said.contains("tables"), "{said}");
    assert!(altered("/trace/0/value", json!("true")).contains("`trace`"));
    assert!(altered("/failing", json!([])).contains("`failing`"));
    assert!(altered("/reservations", json!([{"rule": "r", "counter": "c", "atMost": 1}])).contains("`reservations`"));
    assert!(altered("/facts/1/values/0", json!("urn:x")).contains("comes out differently"));
    assert!(altered("/policy/sha256", json!("00")).contains("SHA-256"));
    assert!(altered("/format", json!("herleid-decision/2")).contains("herleid-decision/1"));
    let mut other = json.clone();
    other["permission"][0]["action"] = json!("odrl:read");
    assert!(reevaluate(&other, &record).is_err());
    let mut added = record.clone();
    added["comment"] = json!("x");
    assert!(reevaluate(&json, &added).is_err());
    let mut by_others = record.clone();
    by_others["engine"] = json!("herleid-policies/9.9.9");
    by_others["tables"] = json!("00");
    assert!(
        reevaluate(&json, &by_others).is_ok(),
        "another engine that came to the same"
    );
    by_others["outcome"] = json!("permit");
    assert!(
        reevaluate(&json, &by_others)
            .unwrap_err()
            .to_string()
            .contains("herleid-policies/9.9.9")
    );
}

#[test]
fn the_largest_record_fits_in_a_section() {
    use herleid_policies::limits;
    let did = |n: usize| format!("did:web:{}{n}.example", "p".repeat(200));
    let others: Vec<String> = (0..limits::MAX_RIGHT_VALUES).map(did).collect();
    let mut constraints: Vec<Value> = vec![atom("purpose", "eq", json!(format!("urn:{}", "x".repeat(2000)))); 150];
    constraints.push(atom("recipient", "isAnyOf", json!(others)));
    let mut nested = json!({"xone": vec![atom("purpose", "eq", json!("urn:x")); 1800]});
    for _ in 1..limits::MAX_NESTING {
        nested = json!({"andSequence": [nested]});
    }
    constraints.push(nested);
    let mut permissions = vec![json!({"action": "use", "constraint": constraints})];
    permissions.extend(vec![json!({"action": "odrl:distribute"}); limits::MAX_RULES - 1]);
    let policy = crate::common::agreement(json!(permissions), json!([]));
    Policy::parse(&policy).unwrap();
    let purposes: Vec<String> = (0..40).map(|n| format!("urn:{n}{}", "y".repeat(2000))).collect();
    let facts = Facts::none().with_purpose(purposes.iter().map(String::as_str), &"s".repeat(9000), NOW);
    let long = "z".repeat(1_000_000);
    let decision = Document::read(&policy).decide(&Request::new(&long, &long, &long, u64::MAX), &facts);
    assert!(!decision.is_permit());
    let bytes = json::section_bytes(&decision.record().to_json()).unwrap();
    assert!(
        bytes.len() < 900_000,
        "room for the rest of the section: {}",
        bytes.len()
    );
    let nonsense: Value = (0..2000)
        .map(|n| (format!("{}{n}", "n".repeat(200)), json!(1)))
        .collect();
    let decision = Document::read(&nonsense).decide(&Request::new(&long, &long, &long, 0).for_action(&long), &facts);
    assert!(json::section_bytes(&decision.record().to_json()).is_ok());
}
