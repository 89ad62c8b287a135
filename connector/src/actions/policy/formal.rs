//! The examples of the W3C's draft of the formal semantics: a policy, an evaluation request and a compliance report, all JSON-LD.
//!
//! The examples contradict themselves in four places. A case is judged as it stands first; only where it differs then is it judged
//! again with these errata, which its line shows.

use super::{Case, read};
use herleid_policies::odrl::{
    self, Ask, Deontic, Evaluation, Graph, Leniencies, Performance, Quantity, Reading, RuleReport, Term, World,
};
use herleid_policies::{Outcome, Truth};
use herleid_vocab::time::parse_rfc3339_ms;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What the examples say in one place, what they mean by it in another, and why we think so.
const ERRATA: [(&str, &str, &str); 2] = [
    (
        "http://example.com/party/billie1",
        "http://example.com/party/billie",
        "the request asks for `billie1`, the agreement is with `billie`",
    ),
    (
        "https://dbpedia.org/resource/Euro",
        "http://dbpedia.org/resource/Euro",
        "the payment is in `https:` euros, the policy asks for `http:` ones",
    ),
];

/// Besides: `{"@id": "1000", "@type": "xsd:integer"}`, an IRI with a datatype, which JSON-LD does not have.
const ID_FOR_VALUE: &str = "the value stands in `@id`, where JSON-LD has it in `@value`";

/// A left operand of the examples that no profile defines.
const DAY_OF_WEEK: &str = "ex:dayOfWeek";

/// A time without a zone may lie this far either side.
const WIDEST_MS: u64 = 14 * 3_600_000;

/// Folders within each other.
const MAX_DEPTH: usize = 6;

/// Every case of the folder: each folder with an evaluation request, the policy beside or above it.
///
/// # Errors
/// When a folder cannot be listed.
pub(super) fn run(folder: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    look(folder, &[], 0, &mut cases)?;
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn look(folder: &Path, above: &[PathBuf], depth: usize, cases: &mut Vec<Case>) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("`{}` lies too deep", folder.display()));
    }
    let entries = std::fs::read_dir(folder).map_err(|e| format!("`{}`: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|e| e.to_string())?.path());
    }
    paths.sort();
    let named = |start: &str| -> Vec<PathBuf> {
        let fits = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            name.starts_with(start) && name.ends_with(".json")
        };
        paths.iter().filter(fits).cloned().collect()
    };
    let mut policies = named("policy");
    policies.extend(above.iter().cloned());
    let (requests, reports) = (named("evaluationrequest"), named("compliancereport"));
    if !requests.is_empty() || !reports.is_empty() {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let case = match (
            policies.first(),
            requests.as_slice(),
            reports.as_slice(),
            named("state"),
        ) {
            (Some(policy), [request], [report], states) if states.len() < 2 => {
                judge(&name, policy, request, report, states.first())
            }
            _ => Err(
                "expected one policy, one evaluation request, one compliance report and at most one state".to_owned(),
            ),
        };
        cases.push(case.unwrap_or_else(|why| Case::failed(&name, why)));
    }
    for path in paths.iter().filter(|path| path.is_dir()) {
        look(path, &policies, depth + 1, cases)?;
    }
    Ok(())
}

fn json(path: &Path) -> Result<Value, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = read(path).map_err(|why| format!("`{name}`: {why}"))?;
    serde_json::from_str(&text).map_err(|e| format!("`{name}`: {e}"))
}

fn judge(name: &str, policy: &Path, request: &Path, report: &Path, state: Option<&PathBuf>) -> Result<Case, String> {
    let (graph, root) = Graph::of_json(&json(policy)?).map_err(|why| why.to_string())?;
    let reading = Reading {
        operands: [DAY_OF_WEEK.to_owned()].into(),
        ..Reading::default()
    };
    let policy = odrl::read(&graph, &root, &reading).map_err(|why| why.to_string())?;
    let (request, report) = (json(request)?, json(report)?);
    let state = state.map(|state| json(state)).transpose()?;
    let mut case = Case {
        name: name.to_owned(),
        differences: Vec::new(),
        notes: Vec::new(),
        lenient: Vec::new(),
        evaluation: Value::Null,
    };
    let mut corrected = (request.clone(), state.clone(), Vec::new());
    corrected.0 = correct(corrected.0, &mut corrected.2);
    corrected.1 = corrected.1.map(|state| correct(state, &mut corrected.2));
    for (request, state, notes) in [(request, state, Vec::new()), corrected] {
        let evaluations = evaluations(&policy, &request, state.as_ref());
        case.differences = match &evaluations {
            Ok(evaluations) => {
                case.evaluation = evaluations.first().map(Evaluation::to_json).unwrap_or_default();
                evaluations
                    .iter()
                    .flat_map(|evaluation| differences(&report, evaluation))
                    .collect()
            }
            Err(why) => vec![why.clone()],
        };
        case.differences.dedup();
        case.notes = notes;
        if case.differences.is_empty() {
            break;
        }
    }
    Ok(case)
}

/// The same with the errata, each noted.
fn correct(value: Value, notes: &mut Vec<String>) -> Value {
    let mut note = |why: &str| {
        let note = format!("erratum: {why}");
        if !notes.contains(&note) {
            notes.push(note);
        }
    };
    match value {
        Value::String(text) => match ERRATA.iter().find(|(said, ..)| *said == text) {
            Some((_, meant, why)) => {
                note(why);
                Value::String((*meant).to_owned())
            }
            None => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(|item| correct(item, notes)).collect(),
        Value::Object(mut map) => {
            let is_literal = map
                .get("@type")
                .and_then(Value::as_str)
                .is_some_and(|t| t.starts_with("xsd:"));
            if let (true, Some(text)) = (is_literal, map.get("@id").cloned()) {
                note(ID_FOR_VALUE);
                map.remove("@id");
                map.insert("@value".to_owned(), text);
            }
            map.into_iter()
                .map(|(name, member)| (name, correct(member, notes)))
                .collect()
        }
        other => other,
    }
}

/// The evaluation of a request, and the same for the earliest and the latest moment that its time may stand for.
fn evaluations(policy: &odrl::Policy, request: &Value, state: Option<&Value>) -> Result<Vec<Evaluation>, String> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let action = text("evaluatedAction").ok_or("the request names no action")?;
    let mut ask = Ask::new(action, text("evaluatedParty"), text("evaluatedTarget"));
    let mut world = World::default();
    let parameters = match request.get("requestParameters") {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    };
    let mut times = vec![None];
    for parameter in parameters {
        let feature = parameter
            .get("describesFeature")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let value = parameter.get("value").and_then(|value| value.get("@value"));
        let value = value.and_then(Value::as_str);
        match (feature, value) {
            ("sotw:CurrentXSDDateTime", Some(time)) => {
                times = moments(time)?;
                let day = weekday(time)?;
                world = world.with_name(DAY_OF_WEEK, &day);
            }
            ("http://dbpedia.org/resource/Dots_per_inch", Some(number)) => {
                let number = Term::literal(number, None);
                ask = ask.with("resolution", Quantity::read("resolution", &number, Some(feature))?);
            }
            // As it stands it says no value: nothing is known then.
            ("http://dbpedia.org/resource/Dots_per_inch", None) => {}
            (other, _) => return Err(format!("the request's parameter `{other}` is not read")),
        }
    }
    if let Some(state) = state {
        world.performances.push(payment(state)?);
    }
    let judged = times.into_iter().map(|now_ms| {
        let mut world = world.clone();
        world.now_ms = now_ms;
        policy.evaluate(&ask, &world, &Leniencies::strict())
    });
    Ok(judged.collect())
}

/// A moment with a zone; or without one the moment in UTC, and either end of what it may be.
fn moments(time: &str) -> Result<Vec<Option<u64>>, String> {
    let expected = || format!("`{time}` is no time");
    if let Ok(now_ms) = parse_rfc3339_ms(time) {
        return Ok(vec![Some(now_ms)]);
    }
    let utc = parse_rfc3339_ms(&format!("{time}Z")).map_err(|_| expected())?;
    let all = [utc, utc.saturating_sub(WIDEST_MS), utc.saturating_add(WIDEST_MS)];
    Ok(all.into_iter().map(Some).collect())
}

/// The day of the week of a time as it is written, in English.
fn weekday(time: &str) -> Result<String, String> {
    let form = time::format_description::well_known::Iso8601::DATE;
    let day = time.get(..10).and_then(|day| time::Date::parse(day, &form).ok());
    day.map(|day| day.weekday().to_string())
        .ok_or_else(|| format!("`{time}` begins with no day"))
}

/// The one payment of a state of the world.
fn payment(state: &Value) -> Result<Performance, String> {
    let payment = state.get("context").unwrap_or(state);
    let text = |name: &str| payment.get(name).and_then(Value::as_str);
    let (Some("pay:Payment"), Some(duty)) = (text("@type"), text("conditionId")) else {
        return Err("the state of the world has no payment for a condition".to_owned());
    };
    let amount = payment
        .get("pay:netAmount")
        .and_then(|amount| amount.get("@value"))
        .and_then(Value::as_str);
    let amount = Term::literal(amount.ok_or("the payment has no amount")?, None);
    let quantity = Quantity::read("payAmount", &amount, text("pay:currency"))?;
    Ok(Performance::of(duty).with("payAmount", quantity))
}

/// Everything in which an evaluation differs from the expected report.
fn differences(report: &Value, evaluation: &Evaluation) -> Vec<String> {
    let mut found = Vec::new();
    let mut compared = false;
    for part in report
        .as_object()
        .into_iter()
        .flat_map(|map| map.values())
        .filter(|part| part.is_object())
    {
        let text = |name: &str| part.get(name).and_then(Value::as_str);
        match text("@type") {
            Some("report:ruleReport") => {
                let rule = text("report:rule").unwrap_or_default();
                let Some(ours) = evaluation.rule(rule) else {
                    found.push(format!("there is no rule `{rule}` in the policy"));
                    continue;
                };
                compared = true;
                rule_differences(&text, ours, evaluation.outcome, &mut found);
            }
            Some("report:ConstraintReport") => constraint_differences(&text, evaluation, &mut found),
            Some("report:ConditionReport" | "report:ActionReport") => duty_differences(&text, evaluation, &mut found),
            Some("xsd:dateTime") | None => {}
            Some(other) => found.push(format!("`{other}` is no report that is known")),
        }
    }
    if !compared {
        found.push("the expected report says nothing of any rule".to_owned());
    }
    found
}

type Said<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// In the draft a permission is active when its own conditions hold, and permits when the request fits it as well.
fn rule_differences(text: Said<'_>, ours: &RuleReport, outcome: Outcome, found: &mut Vec<String>) {
    let active = if ours.conditions == Truth::True {
        "report:Active"
    } else {
        "report:Inactive"
    };
    let control = if ours.takes_effect() && outcome == Outcome::Permit {
        "report:Permit"
    } else {
        "report:Deny"
    };
    for (name, is) in [("report:activationState", active), ("report:controlState", control)] {
        match text(name) {
            Some(expected) if expected == is => {}
            expected => found.push(format!(
                "`{}` is {is}, expected {}",
                ours.rule,
                expected.unwrap_or("no state")
            )),
        }
    }
}

fn constraint_differences(text: Said<'_>, evaluation: &Evaluation, found: &mut Vec<String>) {
    let constraint = text("report:constraint").unwrap_or_default();
    let of_duties = evaluation
        .rules
        .iter()
        .flat_map(|rule| &rule.duties)
        .flat_map(|duty| &duty.nodes);
    let mut nodes = evaluation.rules.iter().flat_map(|rule| &rule.nodes).chain(of_duties);
    let is = match nodes.find(|node| node.node == constraint).map(|node| node.satisfied) {
        Some(Truth::True) => "report:Satisfied",
        Some(Truth::False) => "report:Not-Satisfied",
        Some(Truth::Unknown) => "unknown",
        None => "not there",
    };
    let expected = text("report:satisfactionState").unwrap_or("no state");
    if is != expected {
        found.push(format!("`{constraint}` is {is}, expected {expected}"));
    }
}

fn duty_differences(text: Said<'_>, evaluation: &Evaluation, found: &mut Vec<String>) {
    // Each of these policies has one duty; the reports name it by one property or the other, or name its action.
    let Some(duty) = evaluation.rules.iter().flat_map(|rule| &rule.duties).next() else {
        return found.push("there is no duty in the policy".to_owned());
    };
    let deontic = match duty.deontic {
        Deontic::NotSet => "report:Not-set",
        Deontic::Fulfilled => "report:Fulfilled",
        Deontic::Violated => "report:Violated",
    };
    let performed = if duty.performed == Truth::True {
        "report:Performed"
    } else {
        "report:Unperformed"
    };
    let due = if duty.due == Truth::True {
        "report:Active"
    } else {
        "report:Inactive"
    };
    for (name, is) in [
        ("report:deonticState", deontic),
        ("report:performanceState", performed),
        ("report:activationState", due),
    ] {
        match text(name) {
            // C11 has the state of a constraint here, `Satisfied`, which says nothing of a duty.
            None | Some("report:Satisfied") => {}
            Some(expected) if expected == is => {}
            Some(expected) => found.push(format!("the duty `{}` is {is}, expected {expected}", duty.rule)),
        }
    }
}
