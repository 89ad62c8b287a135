//! An evaluation beside the report that a suite expects: states of rules, their names, and the state of each constraint. Whole
//! graphs are not compared; not even the suite's own evaluator gives the very triples of its reports.

use herleid_policies::odrl::{Deontic, DutyReport, Evaluation, Graph, RuleReport, Term};
use herleid_policies::{Reason, RuleKind, Truth};
use std::collections::BTreeSet;

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

/// Whether the evaluator that decides comes to what the plain one does. A case in which it does not has failed.
///
/// # Errors
/// What each says.
pub(super) fn agree(plain: &Evaluation, compiled: &Evaluation) -> Result<(), String> {
    let is_unknown = plain.reason == Reason::UnknownAction;
    // Of an action that nobody knows, the one that decides says nothing more.
    let rules = |evaluation: &Evaluation| {
        if is_unknown {
            Vec::new()
        } else {
            evaluation.rules.clone()
        }
    };
    if plain.reason == compiled.reason && rules(plain) == rules(compiled) {
        return Ok(());
    }
    Err(format!(
        "the two evaluators differ, which is a fault in them: plain {}, compiled {}",
        plain.to_json(),
        compiled.to_json()
    ))
}

/// What came of a comparison.
#[derive(Default)]
pub(super) struct Told<'a> {
    /// Everything in which the evaluations differ from the expected report.
    pub(super) differences: Vec<String>,
    /// How the report had to be read.
    pub(super) notes: Vec<String>,
    /// Premises that are named, and of which nothing is said.
    undescribed: BTreeSet<&'a str>,
}

/// Compares the evaluations of a request's rules with the expected report.
pub(super) fn compared<'a>(
    graph: &'a Graph,
    report: &str,
    (policy, request): (&str, &str),
    evaluations: &[(String, Evaluation)],
) -> Told<'a> {
    let mut told = Told::default();
    let found = &mut told.differences;
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
    let mut judgements = Vec::new();
    for rule_report in &reports {
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
                judgements.push((*rule_report, ours));
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
    for (rule_report, ours) in &judgements {
        rule_differences(graph, rule_report, ours, &mut told.differences);
        premises(graph, rule_report, ours, &mut told, 0);
    }
    if !told.undescribed.is_empty() {
        match (judgements.as_slice(), reports.len()) {
            ([(_, ours)], 1) => instead(graph, ours, &mut told),
            _ => told.differences.push(format!(
                "premises are named and described nowhere, and nobody can say of which of {} rules: {:?}",
                reports.len(),
                told.undescribed
            )),
        }
    }
    told
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

fn premises<'a>(graph: &'a Graph, report: &str, ours: &RuleReport, told: &mut Told<'a>, depth: usize) {
    if depth > MAX_DEPTH {
        let without_end = "the expected reports lie in each other without end".to_owned();
        return told.differences.push(without_end);
    }
    for premise in nodes(graph, report, "premiseReport") {
        if graph.says(premise) {
            compare(graph, premise, ours, told, depth);
        } else {
            told.undescribed.insert(premise);
        }
    }
}

/// One premise beside what came out, and those within it.
fn compare<'a>(graph: &'a Graph, premise: &str, ours: &RuleReport, told: &mut Told<'a>, depth: usize) {
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
        let unknown = format!("`{premise}` is no report that is known: {types:?}");
        return told.differences.push(unknown);
    };
    let is = match value {
        Some(Truth::True) => "Satisfied",
        Some(Truth::False) => "Unsatisfied",
        Some(Truth::Unknown) => "unknown",
        None => "not there",
    };
    let expected = state(graph, premise, "satisfactionState").unwrap_or("no state");
    if expected != is {
        told.differences
            .push(format!("{what} of `{}` is {is}, expected {expected}", ours.rule));
    }
    premises(graph, premise, ours, told, depth + 1);
}

/// Premises that the file describes and nothing in it leads to.
fn loose(graph: &Graph) -> Vec<&str> {
    let led_to: BTreeSet<&str> = graph
        .subjects()
        .flat_map(|subject| nodes(graph, subject, "premiseReport"))
        .collect();
    ["TargetReport", "PartyReport", "ActionReport", "ConstraintReport"]
        .iter()
        .flat_map(|local| graph.of_type(&format!("{REPORT}{local}")))
        .filter(|report| !led_to.contains(report))
        .collect()
}

/// Premises that are named and described nowhere stand for as many that are described and named nowhere: a suite's file whose
/// identifiers were drawn anew in one place and not in the other. Each of those is compared, and there must be as many.
fn instead<'a>(graph: &'a Graph, ours: &RuleReport, told: &mut Told<'a>) {
    let loose = loose(graph);
    for premise in &loose {
        compare(graph, premise, ours, told, 0);
    }
    let named = &told.undescribed;
    if named.len() == loose.len() {
        told.notes.push(format!(
            "{} of the reports that the expected report names are described nowhere; as many that it does not name were compared instead",
            loose.len()
        ));
    } else {
        let first = named.first().copied().unwrap_or_default();
        told.differences.push(format!(
            "`{first}` and what else is named without being described, {} reports in all, cannot stand for the {} that are described without being named",
            named.len(),
            loose.len()
        ));
    }
}
