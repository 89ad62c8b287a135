//! ODRL 2.2 whole: what is read, what is inherited, which leniencies there are; and what is refused by name.

use crate::common::{NOW, ODRL};
use crate::whole::{ask, both, judge, permits, read, read_with, refused, set};
use herleid_policies::odrl::{self, Ask, Graph, Leniencies, Leniency, Reading, Term, World};
use herleid_policies::{Document, DutyState, Outcome, Policy, ProblemKind, Reason, Request};
use serde_json::{Value as Json, json};

#[test]
fn actions_of_a_profile_are_what_they_are_included_in() {
    let policy = |action: &str| {
        set(json!({"permission": [{"action": action}], "prohibition": [
            {"action": {"@id": "urn:sample", "includedIn": "reproduce", "implies": "inform"}, "assignee": "urn:nobody"}]}))
    };
    let sample = Ask::new("urn:sample", Some("urn:alice"), Some("urn:x"));
    for (action, expected) in [
        ("reproduce", true),
        ("use", true),
        ("urn:sample", true),
        ("print", false),
    ] {
        assert_eq!(permits(&policy(action), &sample, &World::at(NOW)), expected, "{action}");
    }
    let implied = set(
        json!({"permission": [{"action": "use"}], "prohibition": [{"action": "inform"},
        {"action": {"@id": "urn:sample", "includedIn": "reproduce", "implies": "inform"}, "assignee": "urn:nobody"}]}),
    );
    assert_eq!(judge(&implied, &sample, &World::at(NOW)).reason, Reason::Conflict);
    // A policy cannot make an action of ODRL a part of another.
    let sold = set(
        json!({"permission": [{"action": "use"}, {"action": {"@id": "sell", "includedIn": "use"}, "assignee": "urn:nobody"}]}),
    );
    let sell = Ask::new("sell", Some("urn:alice"), Some("urn:x"));
    assert!(!permits(&sold, &sell, &World::at(NOW)));
    assert_eq!(
        judge(&policy("use"), &Ask::new("urn:unheard", None, None), &World::at(NOW)).reason,
        Reason::UnknownAction
    );
    let outward = set(
        json!({"permission": [{"action": "use"}, {"action": {"@id": "urn:post", "includedIn": "distribute"}, "assignee": "urn:nobody"}]}),
    );
    assert!(
        !permits(
            &outward,
            &Ask::new("urn:post", Some("urn:alice"), None),
            &World::at(NOW)
        ),
        "it serves others"
    );
}

#[test]
fn rules_are_inherited_and_circles_are_named() {
    let with_parent = |parent: Json| {
        let (mut graph, root) = Graph::of_json(
            &json!({"@type": "Set", "@id": "urn:p", "inheritFrom": "urn:parent", "conflict": "perm",
            "permission": [{"@id": "urn:own", "action": "print"}]}),
        )
        .unwrap();
        graph.extend(&Graph::of_json(&parent).unwrap().0);
        odrl::read(&graph, &root, &Reading::default())
    };
    let parent =
        json!({"@type": "Set", "@id": "urn:parent", "prohibition": [{"@id": "urn:theirs", "action": "print"}]});
    let policy = with_parent(parent).unwrap();
    assert_eq!(policy.inherited, ["urn:parent".to_owned()].into());
    assert_eq!(policy.rules.len(), 2);
    let strategies = json!({"@type": "Set", "@id": "urn:parent", "conflict": "prohibit", "prohibition": [{"@id": "urn:theirs", "action": "print"}]});
    let voided = both(
        &with_parent(strategies).unwrap(),
        &ask(),
        &World::at(NOW),
        &Leniencies::strict(),
    );
    assert_eq!(voided.reason, Reason::Conflict, "two strategies");
    let circle = json!({"@type": "Set", "@id": "urn:parent", "inheritFrom": "urn:p", "permission": [{"@id": "urn:t", "action": "use"}]});
    let error = with_parent(circle).unwrap_err().to_string();
    assert!(error.contains("urn:p > urn:parent > urn:p"), "{error}");
    let lonely = json!({"@type": "Set", "@id": "urn:p", "inheritFrom": "urn:gone", "permission": [{"action": "use"}]});
    assert_eq!(refused(&lonely), (ProblemKind::Missing, "inheritFrom".to_owned()));
}

#[test]
fn an_offer_never_grants() {
    let mut policy = set(json!({"permission": [{"action": "print"}]}));
    policy["@type"] = json!("Offer");
    assert_eq!(judge(&policy, &ask(), &World::at(NOW)).reason, Reason::OnlyAnOffer);
    policy["@type"] = json!("Agreement");
    assert_eq!(refused(&policy).0, ProblemKind::Missing);
}

#[test]
fn leniencies_are_off_and_show_when_they_made_a_difference() {
    let any = set(json!({"permission": [{"@id": "urn:r"}]}));
    assert_eq!(refused(&any), (ProblemKind::Missing, "action".to_owned()));
    let on = Leniencies::strict()
        .with(Leniency::RuleWithoutAction)
        .with(Leniency::UnsetDutyPermits);
    let evaluation = both(&read_with(&any, on.clone()).unwrap(), &ask(), &World::at(NOW), &on);
    assert_eq!(
        (evaluation.outcome, evaluation.made_a_difference.clone()),
        (Outcome::Permit, vec![Leniency::RuleWithoutAction])
    );
    assert_eq!(
        evaluation.to_json()["leniencies"],
        json!(["rule-without-action", "unset-duty-permits"])
    );
    assert_eq!(evaluation.to_json()["madeADifference"], json!(["rule-without-action"]));
    let duty = read(&set(
        json!({"permission": [{"action": "print", "duty": [{"@id": "urn:d", "action": "inform"}]}]}),
    ));
    let lenient = Leniencies::suite();
    for (state, strict, lax) in [
        (None, false, true),
        (Some(DutyState::NotSet), false, true),
        (Some(DutyState::Violated), false, false),
        (Some(DutyState::Fulfilled), true, true),
    ] {
        let world = state
            .into_iter()
            .fold(World::at(NOW), |world, state| world.with_duty("urn:d", state));
        let outcome = |leniencies| both(&duty, &ask(), &world, leniencies).outcome == Outcome::Permit;
        assert_eq!(
            (outcome(&Leniencies::strict()), outcome(&lenient)),
            (strict, lax),
            "{state:?}"
        );
    }
    let passing_on = read(&set(json!({"permission": [{"action": "use"}]})));
    let distribute = Ask::new("distribute", None, None);
    for (leniencies, outcome) in [(Leniencies::strict(), Outcome::Deny), (lenient, Outcome::Permit)] {
        assert_eq!(
            both(&passing_on, &distribute, &World::at(NOW), &leniencies).outcome,
            outcome
        );
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    use ProblemKind::*;
    let rule = |rule: Json| set(json!({"permission": [rule]}));
    let atom = |atom: Json| rule(json!({"action": "print", "constraint": [atom]}));
    for (policy, kind, term) in [
        (
            rule(json!({"action": "print", "https://example.org/unless": "x"})),
            UnknownMember,
            "https://example.org/unless",
        ),
        (
            rule(json!({"action": "print", "remedy": [{"action": "inform"}]})),
            UnknownMember,
            "http://www.w3.org/ns/odrl/2/remedy",
        ),
        (rule(json!({"action": "urn:unheard"})), UnknownAction, "urn:unheard"),
        (
            rule(json!({"action": {"@id": "urn:a", "includedIn": "urn:a"}})),
            UnknownAction,
            "urn:a",
        ),
        (
            set(json!({"profile": "urn:profile", "permission": [{"action": "print"}]})),
            UnknownProfile,
            "urn:profile",
        ),
        (set(json!({"permission": []})), Missing, "permission"),
        (
            atom(json!({"leftOperand": "urn:mood", "operator": "eq", "rightOperand": "x"})),
            UnknownOperand,
            "urn:mood",
        ),
        (
            atom(json!({"leftOperand": "spatial", "operator": "like", "rightOperand": "x"})),
            UnknownOperator,
            "http://www.w3.org/ns/odrl/2/like",
        ),
        (
            atom(json!({"leftOperand": "spatial", "operator": "lt", "rightOperand": "x"})),
            OperatorForOperand,
            "lt",
        ),
        (
            atom(json!({"leftOperand": "payAmount", "operator": "lt", "rightOperand": "much"})),
            RightOperand,
            "much",
        ),
        (
            atom(json!({"leftOperand": "percentage", "operator": "lt", "rightOperand": [1, 2]})),
            RightOperand,
            "rightOperand",
        ),
        (
            atom(json!({"leftOperand": "spatial", "operator": "eq"})),
            RightOperand,
            "rightOperand",
        ),
        (
            atom(json!({"operator": "eq", "rightOperand": "x"})),
            Missing,
            "leftOperand",
        ),
        (atom(json!({"and": []})), Missing, "leftOperand"),
        (
            atom(
                json!({"or": [{"leftOperand": "spatial", "operator": "eq", "rightOperand": "x"}], "leftOperand": "spatial"}),
            ),
            Contradiction,
            "constraint",
        ),
        (
            json!({"@type": "Ticket", "@id": "urn:p", "permission": [{"action": "print"}]}),
            UnknownType,
            "http://www.w3.org/ns/odrl/2/Ticket",
        ),
    ] {
        assert_eq!(refused(&policy), (kind, term.to_owned()), "{policy}");
    }
    let (mut graph, root) =
        Graph::of_json(&rule(json!({"action": "print", "constraint": [{"@id": "urn:c"}]}))).unwrap();
    graph.insert("urn:c", &format!("{ODRL}and"), Term::Node("urn:c".to_owned()));
    let error = odrl::read(&graph, &root, &Reading::default()).unwrap_err();
    assert_eq!(
        error.problems().unwrap().listed()[0].kind,
        TooLarge,
        "a constraint within itself"
    );
}

#[test]
fn a_sequence_keeps_its_order_and_needs_a_list() {
    let parts = json!([{"leftOperand": "spatial", "operator": "eq", "rightOperand": "urn:a"},
        {"leftOperand": "language", "operator": "eq", "rightOperand": "nl"}]);
    for sequence in [parts.clone(), json!({"@list": parts})] {
        let policy = set(json!({"permission": [{"action": "print", "constraint": [{"andSequence": sequence}]}]}));
        let world = World::at(NOW).with_name("spatial", "urn:a");
        assert!(!permits(&policy, &ask(), &world));
        assert!(permits(&policy, &ask(), &world.with_name("language", "nl")));
    }
    let mut graph = Graph::new();
    let (rdf, odrl_iri) = ("http://www.w3.org/1999/02/22-rdf-syntax-ns#type", |local: &str| {
        format!("{ODRL}{local}")
    });
    let node = |iri: &str| Term::Node(iri.to_owned());
    graph.insert("urn:p", rdf, node(&odrl_iri("Set")));
    graph.insert("urn:p", &odrl_iri("permission"), node("urn:r"));
    graph.insert("urn:r", &odrl_iri("action"), node(&odrl_iri("print")));
    graph.insert("urn:r", &odrl_iri("constraint"), node("urn:c"));
    graph.insert("urn:c", &odrl_iri("andSequence"), node("urn:one"));
    let error = odrl::read(&graph, "urn:p", &Reading::default()).unwrap_err();
    assert_eq!(error.problems().unwrap().listed()[0].kind, ProblemKind::WrongShape);
}

/// What is understood here and cannot be seen to at a request stays refused where it would be enforced, by name.
#[test]
fn understanding_widens_nothing_that_a_connector_enforces() {
    let atom = |left: &str| json!([{"leftOperand": left, "operator": "eq", "rightOperand": "urn:nl"}]);
    let rules = [
        (
            json!({"action": {"rdf:value": {"@id": "odrl:print"}, "refinement": atom("media")}}),
            "rdf:value",
        ),
        (
            json!({"action": "print", "target": {"@id": "urn:c", "@type": "AssetCollection"}}),
            "AssetCollection",
        ),
        (
            json!({"action": "print", "assignee": {"@id": "urn:c", "@type": "PartyCollection"}}),
            "PartyCollection",
        ),
        (
            json!({"action": "print", "target": {"@id": "urn:x", "refinement": atom("language")}}),
            "refinement",
        ),
        (json!({"action": "print", "constraint": atom("language")}), "language"),
        (json!({"action": "print", "output": "urn:y"}), "output"),
        (
            json!({"action": "print", "duty": [{"action": "inform", "consequence": [{"action": "compensate"}]}]}),
            "consequence",
        ),
        (
            json!({"action": "print", "duty": [{"action": "inform", "informedParty": "urn:y"}]}),
            "informedParty",
        ),
        (
            json!({"action": "print", "constraint": [{"leftOperand": "payAmount", "operator": "eq", "rightOperand": 5, "unit": "urn:euro"}]}),
            "payAmount",
        ),
        (
            json!({"action": "print", "constraint": [{"leftOperand": "count", "operator": "gt", "rightOperand": 5}]}),
            "gt",
        ),
        (
            json!({"action": "print", "constraint": [{"leftOperand": "dateTime", "operator": "lt", "rightOperandReference": "urn:y"}]}),
            "rightOperandReference",
        ),
    ];
    let mut policies: Vec<(Json, &str)> = rules
        .map(|(rule, term)| (set(json!({"permission": [rule]})), term))
        .to_vec();
    policies.push((
        set(json!({"conflict": "perm", "permission": [{"action": "print"}]})),
        "conflict",
    ));
    policies.push((
        set(json!({"permission": [{"action": "print"}], "prohibition": [{"action": "use", "remedy": [{"action": "inform"}]}]})),
        "remedy",
    ));
    let request = Request::new("urn:alice", "urn:bob", "urn:x", NOW);
    for (mut policy, term) in policies {
        assert!(read_with(&policy, Leniencies::strict()).is_ok(), "{policy}");
        let document = Document::read(&policy);
        let decision = document.decide(&request, &crate::common::log_kept());
        assert_eq!(decision.record().reason, Reason::NotUnderstood, "{policy}");
        policy["@type"] = json!("Offer");
        let refused = Policy::parse_for_offer(&policy).unwrap_err();
        let named = |text: &str| assert!(text.contains(term), "{text}: {term}");
        named(&refused.to_string());
        let denied: Vec<&str> = decision
            .record()
            .problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        let published: Vec<String> = refused
            .problems()
            .unwrap()
            .listed()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(denied, published, "{policy}");
    }
    let child = json!({"@type": "Set", "@id": "urn:p", "inheritFrom": "urn:q", "permission": [{"action": "print"}]});
    assert!(Policy::parse(&child).unwrap_err().to_string().contains("inheritFrom"));
}
