//! `policy`: what needs no running connector. Policies to start from, checked, tried and compared before they are published; decisions
//! explained; suites of others run.

mod check;
mod compared;
mod diff;
mod explain;
mod folder;
mod formal;
mod lines;
mod listing;
mod suite;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_commands;
#[cfg(test)]
mod tests_of_trying;
mod trying;
mod turtle;

pub(crate) use check::check_offer;

use crate::cli::arguments::{PolicyAction, SuiteArguments};
use crate::cli::show::clean;
use crate::cli::text::text;
use crate::cli::{Context, Outcome};
use crate::control::error::{Code, ControlError};
use herleid_policies::odrl::{Leniencies, Leniency};
use herleid_policies::terms::PURPOSE;
use herleid_policies::{Failing, Policy, PolicyError, PolicyKind};
use herleid_vocab::terms::DPV;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;

/// Does what `policy` was asked to.
pub(super) fn policy(context: &Context, action: &PolicyAction) -> Result<Outcome, ControlError> {
    match action {
        PolicyAction::List(_) => Ok(listing::list(context)),
        PolicyAction::Show(a) => listing::show(context, a),
        PolicyAction::Purposes(a) => Ok(listing::purposes(context, a)),
        PolicyAction::Check(a) => check::check(context, a),
        PolicyAction::Try(a) => trying::try_policy(context, a),
        PolicyAction::Diff(a) => diff::diff(context, a),
        PolicyAction::Explain(a) => explain::explain(context, a),
        PolicyAction::Suite(a) => suite(context, a),
    }
}

/// A policy has at most half a megabyte of text; a suite's largest file is a third of one.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// What an offer is called that has no name of its own; publishing names it after its dataset.
const NAMELESS: &str = "urn:herleid:policy";

/// Reads a policy as it would be used: an offer as publishing reads it, what is none as it is read when a peer sends it.
fn understood(json: &Value) -> Result<Policy, PolicyError> {
    match Policy::parse(json) {
        Ok(policy) if policy.kind() != PolicyKind::Offer => Ok(policy),
        _ => Policy::parse_own_offer(json, NAMELESS),
    }
}

/// The rule that stood in the way, as `permission use`.
fn rule_named(policy: &Policy, failing: &Failing) -> Option<String> {
    let rule = policy.rules().find(|rule| Some(rule.id()) == failing.rule.as_deref())?;
    Some(format!("{} {}", rule.kind().member(), rule.action().name()))
}

/// A purpose as it is typed: with the prefix that policies may write.
fn short(iri: &str) -> String {
    let names = [(PURPOSE, "purpose:"), (DPV, "dpv:")];
    let mut short = names
        .iter()
        .filter_map(|(namespace, prefix)| Some((prefix, iri.strip_prefix(namespace)?)));
    short
        .next()
        .map_or_else(|| iri.to_owned(), |(prefix, name)| format!("{prefix}{name}"))
}

/// A text file of bounded size.
fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let read = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text);
    match read.map_err(|e| e.to_string())? as u64 {
        0..=MAX_FILE_BYTES => Ok(text),
        _ => Err(format!("it has more than {MAX_FILE_BYTES} bytes")),
    }
}

/// What came of one case. One that cannot be read has failed.
struct Case {
    name: String,
    /// Every way in which it differs from what is expected; none is a pass.
    differences: Vec<String>,
    /// What had to be read otherwise than it stands there, and what was not used.
    notes: Vec<String>,
    /// Leniencies without which it would have come out otherwise.
    lenient: Vec<Leniency>,
    /// How every node came out; `Null` where it came to no evaluation.
    evaluation: Value,
}

impl Case {
    fn failed(name: &str, why: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            differences: vec![why.into()],
            notes: Vec::new(),
            lenient: Vec::new(),
            evaluation: Value::Null,
        }
    }

    fn line(&self) -> String {
        let mut also: Vec<String> = self
            .lenient
            .iter()
            .map(|leniency| format!("lenient: {}", leniency.name()))
            .collect();
        also.extend(self.notes.iter().cloned());
        let also = if also.is_empty() {
            String::new()
        } else {
            format!(" ({})", also.join("; "))
        };
        if self.differences.is_empty() {
            format!("passed {}{also}", self.name)
        } else {
            format!("FAILED {}{also}: {}", self.name, self.differences.join("; "))
        }
    }

    fn json(&self) -> Value {
        json!({
            "case": self.name,
            "passed": self.differences.is_empty(),
            "differences": self.differences,
            "notes": self.notes,
            "leniencies": self.lenient.iter().map(|leniency| leniency.name()).collect::<Vec<_>>(),
            "evaluation": self.evaluation,
        })
    }
}

/// Runs the cases of a folder, which is laid out as the ODRL test suite is or as the examples of the formal semantics are.
fn suite(context: &Context, arguments: &SuiteArguments) -> Result<Outcome, ControlError> {
    let folder = &arguments.directory;
    let missing = |why: String| {
        let message = format!("no suite can be read in `{}`", folder.display());
        ControlError::new(Code::Missing, message).what(why).expected(
            "a folder with `test_cases`, `policies`, `requests` and `sotw`, or one with evaluation requests in JSON",
        )
    };
    let (name, leniencies, cases) = if folder.join("test_cases").is_dir() {
        let leniencies = if arguments.strict {
            Leniencies::strict()
        } else {
            Leniencies::suite()
        };
        let cases = suite::run(folder, &leniencies).map_err(missing)?;
        ("odrl-suite", leniencies, cases)
    } else {
        let cases = formal::run(folder).map_err(missing)?;
        ("odrl-formal-semantics", Leniencies::strict(), cases)
    };
    if cases.is_empty() {
        return Err(missing("it has no cases".to_owned()));
    }
    let failed = cases.iter().filter(|case| !case.differences.is_empty()).count();
    let passed = cases.len() - failed;
    let mut lines: Vec<String> = cases.iter().map(|case| clean(&case.line())).collect();
    let on: Vec<&str> = leniencies.iter().map(Leniency::name).collect();
    if !on.is_empty() {
        lines.push(text(
            context.language,
            "cli-policy-lenient",
            &[("names", &on.join(", "))],
        ));
    }
    lines.push(format!("{name}: {passed} passed, {failed} failed"));
    Ok(Outcome {
        text: lines.join("\n"),
        json: json!({
            "suite": name,
            "passed": passed,
            "failed": failed,
            "leniencies": on,
            "cases": cases.iter().map(Case::json).collect::<Vec<_>>(),
        }),
        verdict: (failed > 0).then_some(Code::Failed),
    })
}
