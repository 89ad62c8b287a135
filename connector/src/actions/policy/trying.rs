//! `policy try`: would this party get this dataset, then, for that? Nothing is recorded and nothing is asked of anybody else.

mod facts;
mod published;

use super::{rule_named, understood};
use crate::cli::arguments::TryArguments;
use crate::cli::policies::{self, spoken};
use crate::cli::show::clean;
use crate::cli::text::text;
use crate::cli::{Context, Outcome};
use crate::control::error::{Code, ControlError};
use facts::Asked;
use herleid_policies::{
    Amount, Audience, Decision, Explanation, Outcome as Decided, Policy, PolicyError, PolicyKind, is_account,
};
use serde_json::{Value, json};

/// Weighs each policy that was named; one that permits is enough.
pub(super) fn try_policy(context: &Context, arguments: &TryArguments) -> Result<Outcome, ControlError> {
    let asked = Asked::of(context, arguments)?;
    let named: Vec<(String, Value)> = match (&arguments.policy, &arguments.dataset) {
        (Some(policy), _) => {
            let source = policies::read(context, policy, &arguments.places)?;
            vec![(source.shown, source.json)]
        }
        (None, Some(dataset)) => published::offers(context, dataset)?,
        // The grammar wants one of them; refuse rather than choose, should it ever not.
        (None, None) => return Err(ControlError::new(Code::Usage, "expected a policy, or --dataset")),
    };
    let mut said = Vec::new();
    let mut answers = Vec::new();
    let mut permits = false;
    for (name, json) in &named {
        let answer = match understood(json) {
            Ok(policy) => {
                asked.check(&policy)?;
                weighed(context, &policy, &asked)
            }
            Err(error) => not_understood(context, name, &error),
        };
        permits |= answer.verdict.is_none();
        if named.len() > 1 {
            said.push(format!("{}:", clean(name)));
        }
        said.push(answer.text);
        answers.push(json!({"policy": name, "answer": answer.json}));
    }
    Ok(Outcome {
        text: said.join("\n"),
        json: json!({"permits": permits, "answers": answers}),
        verdict: (!permits).then_some(Code::Refused),
    })
}

/// What is not understood permits nothing.
fn not_understood(context: &Context, name: &str, error: &PolicyError) -> Outcome {
    let why = clean(&error.to_string());
    let values = [("policy", name), ("why", why.as_str())];
    Outcome {
        text: text(context.language, "cli-try-not-understood", &values),
        json: json!({"outcome": "deny", "reason": "not-understood", "why": error.to_string()}),
        verdict: Some(Code::Refused),
    }
}

fn weighed(context: &Context, policy: &Policy, asked: &Asked) -> Outcome {
    let request = asked.request(context, policy);
    let facts = asked.facts(context, policy, &request);
    let decision = match policy.kind() {
        PolicyKind::Offer => policy.would_grant(&request, &facts),
        PolicyKind::Set | PolicyKind::Agreement => policy.decide(&request, &facts),
    };
    let record = decision.record();
    let explanation = Explanation::of(record, spoken(context.language), Audience::Holder);
    let mut lines = vec![explanation.headline.clone()];
    let mut points = Vec::new();
    // The record gives what failed in the order of the explanation's points; an action or a policy that is not understood has none.
    let failing = record.failing.iter().map(Some).chain(std::iter::repeat(None));
    for (point, failing) in explanation.points.iter().zip(failing) {
        let rule = failing.and_then(|failing| rule_named(policy, failing));
        let before = rule.as_ref().map(|rule| format!("{rule}: ")).unwrap_or_default();
        let shown = point
            .shown
            .as_ref()
            .map(|shown| format!(" {shown}"))
            .unwrap_or_default();
        lines.push(clean(&format!("- {before}{}{shown} {}", point.condition, point.remedy)));
        points.push(json!({
            "rule": rule,
            "at": point.at,
            "condition": point.condition,
            "shown": point.shown,
            "remedy": point.remedy,
            "failing": failing,
        }));
    }
    lines.extend(counted(context, &decision));
    lines.push(text(context.language, "cli-try-known", &[]));
    lines.extend(explanation.facts.iter().map(|fact| clean(&format!("  {fact}"))));
    let denied = record.outcome == Decided::Deny;
    Outcome {
        text: lines.join("\n"),
        json: json!({
            "outcome": record.outcome,
            "reason": record.reason,
            "headline": explanation.headline,
            "points": points,
            "record": record.to_json(),
        }),
        verdict: denied.then_some(Code::Refused),
    }
}

/// Which places a permit would take.
fn counted(context: &Context, decision: &Decision) -> Vec<String> {
    let places = decision.reservations().iter();
    places
        .map(|place| {
            let most = place.at_most.to_string();
            if is_account(&place.counter) {
                let euros = |millionths| Amount::of_millionths(millionths).to_string();
                let (price, paid) = (euros(place.amount), euros(place.at_most));
                return text(context.language, "cli-try-price", &[("price", &price), ("paid", &paid)]);
            }
            match place.amount {
                1 => text(context.language, "cli-try-counted", &[("most", &most)]),
                bytes => text(
                    context.language,
                    "cli-try-volume",
                    &[("bytes", &bytes.to_string()), ("most", &most)],
                ),
            }
        })
        .collect()
}
