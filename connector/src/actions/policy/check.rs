//! `policy check`: is it understood, where not, and who sees to each of its conditions.

use super::lines::{line_of, lines};
use super::understood;
use crate::cli::arguments::CheckPolicyArguments;
use crate::cli::policies;
use crate::cli::show::clean;
use crate::cli::text::{Language, text};
use crate::cli::{Context, Outcome};
use crate::control::error::{Code, ControlError};
use herleid_policies::odrl::{self, Graph, Reading, Term};
use herleid_policies::{
    Action, Constraint, EnforcedBy, Moment, Policy, PolicyError, PolicyKind, Problem, Rule, RuleKind,
};
use herleid_vocab::terms::ODRL;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// Lints a policy that is to be published, or an agreement or a Set as a peer sends it. Not understood is a verdict.
pub(super) fn check(context: &Context, arguments: &CheckPolicyArguments) -> Result<Outcome, ControlError> {
    let source = policies::read(context, &arguments.policy, &arguments.places)?;
    let shown = clean(&source.shown);
    Ok(match understood(&source.json) {
        Ok(policy) => good(context.language, &shown, &policy),
        Err(error) => bad(context.language, &shown, &source.written, &source.json, &error),
    })
}

fn good(language: Language, file: &str, policy: &Policy) -> Outcome {
    let kind = policy.kind().name();
    let mut said = vec![text(language, "cli-policy-good", &[("file", file), ("kind", kind)])];
    let (mut conditions, mut duties) = (Vec::new(), Vec::new());
    let groups = [policy.permissions(), policy.prohibitions(), policy.obligations()];
    for rule in groups.into_iter().flatten() {
        rule_lines(language, rule, 0, &mut said, &mut conditions, &mut duties);
    }
    Outcome {
        text: said.join("\n"),
        json: json!({
            "understood": true,
            "kind": kind,
            "sha256": policy.digest().hex(),
            "conditions": conditions,
            "duties": duties,
            "problems": [],
        }),
        verdict: None,
    }
}

fn rule_lines(
    language: Language,
    rule: &Rule,
    depth: usize,
    said: &mut Vec<String>,
    conditions: &mut Vec<Value>,
    duties: &mut Vec<Value>,
) {
    let margin = "  ".repeat(depth);
    let mut named = format!("{margin}{} {}", rule.kind().member(), rule.action().name());
    if let RuleKind::Obligation | RuleKind::Duty = rule.kind() {
        let (key, code) = match (rule.kind(), rule.seen_to_by()) {
            (RuleKind::Duty, _) if rule.price().is_some() => ("cli-policy-price-provider", "provider"),
            (RuleKind::Duty, _) if rule.is_stated_first() => ("cli-policy-duty-first", "provider"),
            // Nothing reports of what else has to be done before a permission holds.
            (RuleKind::Duty, _) | (_, EnforcedBy::Declared) => ("cli-policy-duty-declared", "declared"),
            (_, EnforcedBy::ConsumerConnector) => ("cli-policy-duty-consumer", "consumer-connector"),
            (_, EnforcedBy::Provider) => ("cli-policy-duty-provider", "provider"),
        };
        named = format!("{named}: {}", text(language, key, &[]));
        duties.push(json!({
            "at": rule.at(),
            "rule": rule.kind().member(),
            "obligation": rule.id(),
            "action": rule.action().name(),
            "due": rule.deadline().map(Moment::text),
            "enforcedBy": code,
        }));
    }
    said.push(named);
    for constraint in rule.constraints() {
        constraint_lines(language, rule.action(), constraint, depth + 1, said, conditions);
    }
    for duty in rule.duties() {
        rule_lines(language, duty, depth + 1, said, conditions, duties);
    }
}

fn constraint_lines(
    language: Language,
    action: Action,
    constraint: &Constraint,
    depth: usize,
    said: &mut Vec<String>,
    conditions: &mut Vec<Value>,
) {
    let margin = "  ".repeat(depth);
    match constraint {
        Constraint::Atomic(atomic) => {
            let operand = atomic.operand();
            let enforced_by = match operand.enforced_by() {
                // What somebody else passes on, this end never sees.
                EnforcedBy::Provider if action.to_others() => EnforcedBy::ConsumerConnector,
                by => by,
            };
            let (key, code) = match enforced_by {
                EnforcedBy::Provider => ("cli-policy-by-provider", "provider"),
                EnforcedBy::ConsumerConnector => ("cli-policy-by-consumer", "consumer-connector"),
                EnforcedBy::Declared => ("cli-policy-declared", "declared"),
            };
            let right = atomic.right().texts();
            let compared = format!("{} {} {}", operand.name(), atomic.operator().name(), right.join(", "));
            said.push(format!("{margin}{}: {}", clean(&compared), text(language, key, &[])));
            conditions.push(json!({
                "at": atomic.at(),
                "leftOperand": operand.name(),
                "operator": atomic.operator().name(),
                "rightOperand": right,
                "enforcedBy": code,
            }));
        }
        Constraint::Logical { logic, parts, .. } => {
            said.push(format!("{margin}{}", logic.name()));
            for part in parts {
                constraint_lines(language, action, part, depth + 1, said, conditions);
            }
        }
    }
}

/// That the policy would be refused when it is published, with its lines; the service that publishes sees none, only the policy.
///
/// # Errors
/// Everything that is not understood or must not be published.
pub(crate) fn check_offer(context: &Context, source: &policies::Source, id: &str) -> Result<(), ControlError> {
    let Err(error) = Policy::parse_own_offer(&source.json, &format!("{id}#offer")) else {
        return Ok(());
    };
    let found = bad(
        context.language,
        &clean(&source.shown),
        &source.written,
        &source.json,
        &error,
    );
    let refused = ControlError::new(Code::Refused, "the policy cannot be offered");
    Err(refused
        .what(found.text)
        .next("change the policy; docs/policies.md says what is understood"))
}

fn bad(language: Language, file: &str, written: &str, json: &Value, error: &PolicyError) -> Outcome {
    let found = lines(written);
    let (listed, more) = match error.problems() {
        Some(problems) => (problems.listed(), problems.more()),
        None => (&[][..], 0),
    };
    let is_canonical = matches!(error, PolicyError::NotForOffer(_));
    let mut said = vec![text(language, "cli-policy-bad", &[("file", file)])];
    let mut problems = Vec::new();
    for problem in listed {
        let line = if is_canonical {
            line_of_term(written, &problem.term).unwrap_or_else(|| line_of(&found, ""))
        } else {
            place(&found, problem)
        };
        let kind = match language {
            Language::English => problem.kind.english(),
            Language::Dutch => problem.kind.dutch(),
        };
        said.push(clean(&format!(
            "{file}:{line}: `{}`: {kind}: {}",
            problem.term, problem.advice
        )));
        problems.push(json!({
            "line": line,
            "at": problem.at,
            "kind": problem.kind.code(),
            "term": problem.term,
            "advice": problem.advice,
        }));
    }
    if more > 0 {
        said.push(text(language, "cli-policy-more", &[("more", &more.to_string())]));
    }
    let is_odrl = is_good_odrl(json);
    if is_odrl {
        said.push(text(language, "cli-policy-whole", &[]));
    }
    Outcome {
        text: said.join("\n"),
        json: json!({"understood": false, "goodOdrl": is_odrl, "problems": problems, "more": more}),
        verdict: Some(Code::Failed),
    }
}

fn place(lines: &BTreeMap<String, usize>, problem: &Problem) -> usize {
    line_of(lines, &problem.at)
}

/// What must not be published is named by its place in the canonical form, which has no lines; it is looked for by its term.
fn line_of_term(written: &str, term: &str) -> Option<usize> {
    let local = term.rsplit(['#', '/', ':']).next().filter(|local| local.len() > 2);
    let with = |needle: &str| {
        written
            .lines()
            .position(|line| line.contains(needle))
            .map(|index| index + 1)
    };
    // Whole first: another value may begin with it.
    with(&format!("\"{term}\""))
        .or_else(|| with(term))
        .or_else(|| with(local?))
}

/// Whether ODRL 2.2 itself makes sense of it, so that what is refused is what a connector cannot see to or a peer would lose.
fn is_good_odrl(json: &Value) -> bool {
    let Ok((mut graph, root)) = Graph::of_json(json) else {
        return false;
    };
    // What says no type is published as an offer.
    if graph.types(&root).is_empty() {
        graph.insert(&root, TYPE, Term::Node(format!("{ODRL}{}", PolicyKind::Offer.name())));
    }
    odrl::read(&graph, &root, &Reading::default()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_looked_for_whole_before_it_is_looked_for_as_a_part() {
        let written = "{\n  \"until\": \"2026-12-31+01:00\",\n  \"from\": \"2026-12-31\"\n}";
        assert_eq!(line_of_term(written, "2026-12-31"), Some(3));
        assert_eq!(line_of_term(written, "https://example.org/ns#until"), Some(2));
        assert_eq!(line_of_term(written, "2026-12"), Some(2));
    }
}
