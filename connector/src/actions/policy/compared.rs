//! An evaluation beside the report that a suite expects: states of rules, their names, and the state of each constraint. Whole
//! graphs are not compared; not even the suite's own evaluator gives the very triples of its reports.

use herleid_policies::odrl::{Deontic, DutyReport, Evaluation, Graph, RuleReport, Term};
use herleid_policies::{RuleKind, Truth};

/// Namespace of compliance reports.
pub(super) const REPORT: &str = "https://w3id.org/force/compliance-report#";

/// Reports within reports.
const MAX_DEPTH: usize = 16;

fn nodes<'a>(graph: &'a Graph, subject: &str, local: &str) -> Vec<&'a str> {
    let objects = graph.objects(subject, &format!("{REPORT}{local}"));
    objects.iter().filter_map(Term::node).collect()
}

/// The state that a report says, without its namespace.
fn state<'a>(graph: &'a Graph, subject: &str, local: &str) -> Option<&'a str> {
    let found = nodes(graph, subject, local);
    found.first().map(|iri| iri.strip_prefix(REPORT).unwrap_or(iri))
}

/// Everything in which the evaluations of a request's rules differ from the expected report.
pub(super) fn differences(
    graph: &Graph,
    report: &str,
    (policy, request): (&str, &str),
    evaluations: &[(String, Evaluation)],
) -> Vec<String> {
    let mut found = Vec::new();
    for (local, expected) in [("policy", policy), ("policyRequest", request)] {
        if nodes(graph, report, local) != [expected] {
            found.push(format!("the expected report is not about the {local} `{expected}`"));
        }
    }
    let reports = nodes(graph, report, "ruleReport");
    if reports.is_empty() {
        found.push("the expected report says nothing of any rule".to_owned());
    }
    let mut listed = Vec::new();
    for rule_report in reports {
        let Some(rule) = nodes(graph, rule_report, "rule").first().copied() else {
            found.push("a report on a rule does not say on which".to_owned());
            continue;
        };
        let asked = nodes(graph, rule_report, "ruleRequest").first().copied();
        let mut judged = evaluations
            .iter()
            .filter(|(name, _)| asked.is_none_or(|asked| asked == name));
        let ours = judged.find_map(|(name, evaluation)| Some((name, evaluation.rule(rule)?)));
        match ours {
            Some((name, ours)) => {
                listed.push((name.as_str(), rule));
                rule_differences(graph, rule_report, ours, &mut found);
            }
            None => found.push(format!("there is no rule `{rule}` in the policy, or no such request")),
        }
    }
    for (name, evaluation) in evaluations {
        for ours in evaluation.rules.iter().filter(|ours| ours.takes_effect()) {
            if !listed.contains(&(name.as_str(), ours.rule.as_str())) {
                found.push(format!("`{}` takes effect, and no report is expected on it", ours.rule));
            }
        }
    }
    found
}

fn kind_of(graph: &Graph, report: &str) -> Option<&'static str> {
    let types = graph.types(report);
    let known = [
        "PermissionReport",
        "ProhibitionReport",
        "ObligationReport",
        "DutyReport",
    ];
    known
        .into_iter()
        .find(|local| types.contains(&format!("{REPORT}{local}").as_str()))
}

fn rule_differences(graph: &Graph, report: &str, ours: &RuleReport, found: &mut Vec<String>) {
    let expected_kind = kind_of(graph, report);
    let fits = matches!(
        (expected_kind, ours.kind),
        (Some("PermissionReport"), RuleKind::Permission)
            | (Some("ProhibitionReport"), RuleKind::Prohibition)
            | (Some("ObligationReport" | "DutyReport"), RuleKind::Obligation)
    );
    let rule = &ours.rule;
    if !fits {
        found.push(format!(
            "`{rule}` is a {}, the report expects {expected_kind:?}",
            ours.kind.member()
        ));
    }
    let active = state(graph, report, "activationState");
    let deontic = state(graph, report, "deonticState");
    if active.is_none() && deontic.is_none() {
        found.push(format!("the expected report on `{rule}` says no state"));
    }
    if let Some(expected) = active {
        let is = if ours.takes_effect() { "Active" } else { "Inactive" };
        if expected != is {
            found.push(format!("`{rule}` is {is}, expected {expected}"));
        }
    }
    if let (RuleKind::Obligation, Some(itself)) = (ours.kind, ours.duties.first()) {
        duty_differences(graph, report, itself, found);
    } else if state(graph, report, "attemptState").is_some_and(|expected| expected != "Attempted") {
        found.push(format!(
            "the request attempts the action of `{rule}`, which is not expected"
        ));
    }
    for duty_report in nodes(graph, report, "conditionReport") {
        // One that only the state of the world describes is what was known, not what is to come out.
        let named = nodes(graph, duty_report, "rule");
        if let Some(duty) = ours.duties.iter().find(|duty| named.contains(&duty.rule.as_str())) {
            duty_differences(graph, duty_report, duty, found);
        }
    }
    premises(graph, report, ours, found, 0);
}

fn duty_differences(graph: &Graph, report: &str, duty: &DutyReport, found: &mut Vec<String>) {
    if let Some(expected) = state(graph, report, "deonticState") {
        let expected: String = expected.to_lowercase().replace(['-', '_'], "");
        let is = match duty.deontic {
            Deontic::NotSet => ["notset", "nonset"],
            Deontic::Fulfilled => ["fulfilled"; 2],
            Deontic::Violated => ["violated"; 2],
        };
        if !is.contains(&expected.as_str()) {
            found.push(format!(
                "the duty `{}` is {}, expected {expected}",
                duty.rule,
                duty.deontic.name()
            ));
        }
    }
    if let Some(expected) = state(graph, report, "performanceState") {
        let is = match duty.performed {
            Truth::True => "Performed",
            // That nobody saw it done is either to the suite.
            Truth::Unknown if expected == "Unknown" => "Unknown",
            Truth::False | Truth::Unknown => "Unperformed",
        };
        if !is.eq_ignore_ascii_case(expected) {
            found.push(format!("the duty `{}` is {is}, expected {expected}", duty.rule));
        }
    }
}

fn premises(graph: &Graph, report: &str, ours: &RuleReport, found: &mut Vec<String>, depth: usize) {
    if depth > MAX_DEPTH {
        return found.push("the expected reports lie in each other without end".to_owned());
    }
    for premise in nodes(graph, report, "premiseReport") {
        let types = graph.types(premise);
        let is = |local: &str| types.contains(&format!("{REPORT}{local}").as_str());
        let constraint = nodes(graph, premise, "constraint").first().copied().unwrap_or_default();
        let (what, value) = if is("TargetReport") {
            ("the target", ours.target)
        } else if is("PartyReport") {
            ("the party", ours.assignee.or(ours.assigner))
        } else if is("ActionReport") {
            ("the action", ours.action)
        } else if is("ConstraintReport") {
            let node = ours.nodes.iter().find(|node| node.node == constraint);
            (constraint, node.map(|node| node.satisfied))
        } else {
            found.push(format!("`{premise}` is no report that is known: {types:?}"));
            continue;
        };
        let is = match value {
            Some(Truth::True) => "Satisfied",
            Some(Truth::False) => "Unsatisfied",
            Some(Truth::Unknown) => "unknown",
            None => "not there",
        };
        let expected = state(graph, premise, "satisfactionState").unwrap_or("no state");
        if expected != is {
            found.push(format!("{what} of `{}` is {is}, expected {expected}", ours.rule));
        }
        premises(graph, premise, ours, found, depth + 1);
    }
}
