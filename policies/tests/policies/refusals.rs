//! What is not understood is refused by name, and denies with the same message.
use crate::common::{APP, KNMI, agreement, atom, request, use_if};
use herleid_policies::{Document, Outcome, Policy, ProblemKind, Reason, reevaluate};
use serde_json::{Value, json};

/// Asserts that the policy is refused for `term` and that evaluating it denies with the same message.
pub(crate) fn refused(policy: &Value, kind: ProblemKind, term: &str) -> String {
    let error = match Policy::parse(policy) {
        Err(error) => error,
        Ok(_) => panic!("should not be understood: {policy}"),
    };
    let problems = error.problems().expect("a list of problems");
    let found = problems
        .listed()
        .iter()
        .find(|problem| problem.kind == kind && problem.term == term);
    let problem = found.unwrap_or_else(|| panic!("expected {kind:?} of `{term}`, found: {error}"));
    assert!(!problem.advice.is_empty());
    let document = Document::read(policy);
    let decision = document.decide(&request(), &crate::common::log_kept());
    assert_eq!(decision.outcome(), Outcome::Deny);
    assert_eq!(decision.record().reason, Reason::NotUnderstood);
    let recorded: Vec<&str> = decision
        .record()
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert!(recorded.contains(&problem.to_string().as_str()), "{recorded:?}");
    assert_eq!(
        document.would_grant(&request(), &crate::common::log_kept()).outcome(),
        Outcome::Deny
    );
    assert_eq!(reevaluate(policy, &decision.record().to_json()).unwrap(), decision);
    error.to_string()
}

pub(crate) fn permission(rule: Value) -> Value {
    agreement(json!([rule]), json!([]))
}

#[test]
fn unknown_operand_operator_and_action() {
    let message = refused(
        &use_if(json!([atom("partner", "eq", json!("gold"))])),
        ProblemKind::UnknownOperand,
        "partner",
    );
    assert!(message.contains("/permission/0/constraint/0/leftOperand"), "{message}");
    refused(
        &use_if(json!([atom("percentage", "eq", json!("urn:x"))])),
        ProblemKind::UnknownOperand,
        "percentage",
    );
    refused(
        &use_if(json!([atom("dateTime", "term-lteq", json!("2026-01-01Z"))])),
        ProblemKind::UnknownOperator,
        "term-lteq",
    );
    refused(
        &permission(json!({"action": "frobnicate"})),
        ProblemKind::UnknownAction,
        "frobnicate",
    );
    refused(
        &permission(json!({"action": "https://example.org/use"})),
        ProblemKind::UnknownAction,
        "https://example.org/use",
    );
    let message = refused(
        &permission(json!({"action": "odrl:share"})),
        ProblemKind::UnknownAction,
        "odrl:share",
    );
    assert!(message.contains("`distribute`"), "{message}");
}

#[test]
fn one_unknown_condition_denies_although_another_permission_would_hold() {
    let policy = agreement(
        json!([{"action": "use"}, {"action": "use", "constraint": [atom("partner", "eq", json!("gold"))]}]),
        json!([]),
    );
    refused(&policy, ProblemKind::UnknownOperand, "partner");
}

#[test]
fn what_the_protocol_drops() {
    let refined =
        json!([{"rdf:value": {"@id": "odrl:print"}, "refinement": [atom("dateTime", "lt", json!("2026-01-01Z"))]}]);
    refused(
        &permission(json!({"action": refined})),
        ProblemKind::DroppedByProtocol,
        "refinement",
    );
    let mut unit = atom("count", "lteq", json!(5));
    unit["unit"] = json!("urn:unit");
    refused(&use_if(json!([unit])), ProblemKind::DroppedByProtocol, "unit");
    for (member, value) in [
        ("conflict", json!("perm")),
        ("odrl:conflict", json!({"@id": "odrl:prohibit"})),
        ("inheritFrom", json!("urn:uuid:parent")),
    ] {
        let mut policy = permission(json!({"action": "use"}));
        policy[member] = value;
        refused(
            &policy,
            ProblemKind::DroppedByProtocol,
            member.trim_start_matches("odrl:"),
        );
    }
    refused(
        &permission(json!({"action": "use", "duty": [{"action": "odrl:inform", "consequence": []}]})),
        ProblemKind::DroppedByProtocol,
        "consequence",
    );
    let mut reference = atom("purpose", "eq", json!("urn:x"));
    reference["rightOperandReference"] = json!("urn:list");
    refused(
        &use_if(json!([reference])),
        ProblemKind::DroppedByProtocol,
        "rightOperandReference",
    );
}

#[test]
fn members_nobody_defined() {
    refused(
        &permission(json!({"action": "use", "constraints": []})),
        ProblemKind::UnknownMember,
        "constraints",
    );
    refused(
        &permission(json!({"action": "use", "ex:only": "weekdays"})),
        ProblemKind::UnknownMember,
        "ex:only",
    );
    refused(
        &agreement(json!([{"action": "use"}]), json!([{"action": "use", "duty": []}])),
        ProblemKind::UnknownMember,
        "duty",
    );
    let mut constraint = atom("dateTime", "lt", json!("2026-01-01Z"));
    constraint["status"] = json!("done");
    refused(&use_if(json!([constraint])), ProblemKind::DroppedByProtocol, "status");
    let mut policy = permission(json!({"action": "use"}));
    policy["permissions"] = json!([]);
    refused(&policy, ProblemKind::UnknownMember, "permissions");
}

#[test]
fn operands_take_only_what_has_a_meaning_for_them() {
    for (left, operator, right) in [
        ("purpose", "lt", json!("urn:x")),
        ("recipient", "isA", json!(APP)),
        ("dateTime", "isAnyOf", json!("2026-01-01Z")),
        ("count", "gt", json!(1)),
        ("count", "neq", json!(1)),
    ] {
        refused(
            &use_if(json!([atom(left, operator, right)])),
            ProblemKind::OperatorForOperand,
            operator,
        );
    }
    for (left, operator, right, term) in [
        ("dateTime", "lt", json!("soon"), "soon"),
        ("dateTime", "lt", json!(2026), "2026"),
        (
            "dateTime",
            "lt",
            json!({"@value": "2026-01-01Z", "@type": "xsd:dateTime"}),
            "2026-01-01Z",
        ),
        ("dateTime", "lt", json!({"@id": "2026-01-01Z"}), "2026-01-01Z"),
        ("purpose", "eq", json!("research"), "research"),
        ("purpose", "eq", json!("_:b0"), "_:b0"),
        ("purpose", "eq", json!(true), "true"),
        ("purpose", "eq", json!(["urn:a", "urn:b"]), "rightOperand"),
        ("purpose", "isAnyOf", json!([]), "rightOperand"),
        (
            "recipient",
            "eq",
            json!("https://example.org/app"),
            "https://example.org/app",
        ),
        ("count", "lteq", json!(-1), "-1"),
        ("count", "lteq", json!(1.5), "1.5"),
        ("count", "lteq", json!("+5"), "+5"),
        ("count", "lteq", json!("05"), "05"),
        ("count", "lteq", json!({"@value": "5.0", "@type": "xsd:decimal"}), "5.0"),
        ("count", "lteq", json!("9007199254740992"), "9007199254740992"),
    ] {
        refused(
            &use_if(json!([atom(left, operator, right)])),
            ProblemKind::RightOperand,
            term,
        );
    }
    refused(
        &use_if(json!([atom(
            "purpose",
            "eq",
            json!({"@value": "urn:x", "@language": "nl"})
        )])),
        ProblemKind::UnknownMember,
        "@language",
    );
}

#[test]
fn a_count_must_bind_in_any_case() {
    let count = atom("count", "lteq", json!(5));
    let other = atom("recipient", "eq", json!(APP));
    refused(
        &use_if(json!([{"or": [count, other]}])),
        ProblemKind::NotEnforceable,
        "count",
    );
    refused(
        &agreement(
            json!([{"action": "use"}]),
            json!([{"action": "use", "constraint": [count]}]),
        ),
        ProblemKind::NotEnforceable,
        "count",
    );
    assert!(Policy::parse(&use_if(json!([{"and": [count, other]}]))).is_ok());
}

#[test]
fn a_policy_says_what_it_is_and_about_whom() {
    let without = |member: &str| {
        let mut policy = permission(json!({"action": "use"}));
        policy.as_object_mut().unwrap().remove(member);
        policy
    };
    for member in ["@type", "@id", "target", "assigner", "assignee"] {
        refused(&without(member), ProblemKind::Missing, member);
    }
    refused(&without("permission"), ProblemKind::Missing, "permission");
    refused(&permission(json!({})), ProblemKind::Missing, "action");
    refused(
        &use_if(json!([{"leftOperand": "dateTime", "operator": "lt"}])),
        ProblemKind::Missing,
        "rightOperand",
    );
    refused(&use_if(json!([{"and": []}])), ProblemKind::Missing, "and");
    let with = |member: &str, value: Value| {
        let mut policy = permission(json!({"action": "use"}));
        policy[member] = value;
        policy
    };
    refused(&with("@type", json!("Request")), ProblemKind::UnknownType, "Request");
    refused(
        &with("@type", json!(["Offer", "Agreement"])),
        ProblemKind::Contradiction,
        "@type",
    );
    refused(
        &with("profile", json!("https://test.com/profile")),
        ProblemKind::UnknownProfile,
        "https://test.com/profile",
    );
    refused(
        &with("@context", json!("https://evil.example/context")),
        ProblemKind::UnknownContext,
        "https://evil.example/context",
    );
    refused(
        &with("@context", json!({"use": "https://evil.example/"})),
        ProblemKind::UnknownContext,
        "use",
    );
    refused(
        &with("@context", json!({"odrl": "https://evil.example/"})),
        ProblemKind::UnknownContext,
        "odrl",
    );
    refused(
        &with("odrl:permission", json!([{"action": "use"}])),
        ProblemKind::Contradiction,
        "permission",
    );
    refused(&with("assignee", json!("_:b0")), ProblemKind::WrongShape, "_:b0");
    refused(
        &with("assignee", json!({"@id": APP, "@type": "PartyCollection"})),
        ProblemKind::UnknownType,
        "PartyCollection",
    );
    refused(
        &permission(json!({"action": "use", "assignee": KNMI})),
        ProblemKind::Contradiction,
        "assignee",
    );
    refused(
        &permission(json!({"action": "use", "@type": "Prohibition"})),
        ProblemKind::UnknownType,
        "Prohibition",
    );
    for not_an_object in [json!(null), json!("policy"), json!([]), json!([1, 2]), json!(7)] {
        assert!(Policy::parse(&not_an_object).is_err());
        assert!(
            !Document::read(&not_an_object)
                .decide(&request(), &crate::common::log_kept())
                .is_permit()
        );
    }
}

#[test]
fn two_conditions_in_one_object_are_not_guessed_at() {
    let mut both = atom("dateTime", "lt", json!("2026-01-01Z"));
    both["or"] = json!([atom("recipient", "eq", json!(APP))]);
    refused(&use_if(json!([both])), ProblemKind::Contradiction, "constraint");
    let two = json!({"or": [atom("recipient", "eq", json!(APP))], "and": [atom("recipient", "eq", json!(KNMI))]});
    refused(&use_if(json!([two])), ProblemKind::Contradiction, "constraint");
    for (member, value) in [("rightOperand", json!("x")), ("operator", json!("eq"))] {
        let mut both = json!({"and": [atom("recipient", "eq", json!(APP))]});
        both[member] = value;
        refused(&use_if(json!([both])), ProblemKind::Contradiction, "constraint");
    }
}

#[test]
fn an_empty_member_is_not_an_absent_one() {
    let typed = |datatype: Value| {
        let right = json!({"@value": "2019-01-01T00:00:00Z", "@type": datatype});
        use_if(json!([atom("dateTime", "lt", right)]))
    };
    refused(&typed(json!([])), ProblemKind::WrongShape, "@type");
    refused(&typed(json!([[]])), ProblemKind::WrongShape, "[...]");
    refused(
        &typed(json!(["xsd:dateTime", "xsd:string"])),
        ProblemKind::WrongShape,
        "@type",
    );
    assert!(Policy::parse(&typed(json!(["xsd:dateTime"]))).is_ok());
    let mut untyped = atom("dateTime", "lt", json!("2019-01-01Z"));
    untyped["@type"] = json!([]);
    refused(&use_if(json!([untyped])), ProblemKind::Missing, "@type");
    for member in ["action", "target", "assigner", "assignee"] {
        let mut rule = json!({"action": "use"});
        rule[member] = json!([]);
        refused(&permission(rule), ProblemKind::Missing, member);
    }
    let emptied = agreement(json!([{"action": "use"}]), json!([{"action": []}]));
    refused(&emptied, ProblemKind::Missing, "action");
    let spared = agreement(
        json!([{"action": "use", "duty": [{"odrl:action": []}]}]),
        json!([{"action": "odrl:distribute"}]),
    );
    refused(&spared, ProblemKind::Missing, "odrl:action");
    for (member, value) in [("@type", json!([])), ("target", json!([])), ("action", json!([]))] {
        let mut policy = permission(json!({"action": "use"}));
        policy[member] = value;
        refused(&policy, ProblemKind::Missing, member);
    }
    let mut nothing = permission(json!({"action": "use", "constraint": [], "duty": []}));
    nothing["prohibition"] = json!([]);
    nothing["profile"] = json!([]);
    assert!(Policy::parse(&nothing).is_ok(), "no rules and no conditions are none");
}

#[test]
fn an_action_of_the_request_that_is_unknown_denies_and_is_named() {
    let document = Document::read(&permission(json!({"action": "use"})));
    let decision = document.decide(&request().for_action("frobnicate"), &crate::common::log_kept());
    assert_eq!(decision.record().reason, Reason::UnknownAction);
    assert_eq!(decision.record().problems[0].term, "frobnicate");
    assert!(
        document
            .decide(&request().for_action("odrl:read"), &crate::common::log_kept())
            .is_permit()
    );
}

#[test]
fn lists_and_types_stand_only_where_they_mean_something() {
    let rule = json!({"action": "use"});
    let listed = agreement(json!([{"@list": [rule]}]), json!([]));
    refused(&listed, ProblemKind::UnknownMember, "@list");
    for datatype in ["dateTime", "odrl:dateTime"] {
        let right = json!({"@value": "2026-01-01T00:00:00Z", "@type": datatype});
        refused(
            &use_if(json!([atom("dateTime", "lt", right)])),
            ProblemKind::UnknownType,
            datatype,
        );
    }
    let mut policy = permission(rule);
    policy["@type"] = json!("xsd:Agreement");
    refused(&policy, ProblemKind::UnknownType, "xsd:Agreement");
}
