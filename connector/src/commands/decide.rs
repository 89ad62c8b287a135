//! `decide`: a decision, with who took it, on which outputs and on how many runs it rests.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Decide, DecideAnswer};
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, PullEntry, RunEntry, Side};
use herleid_ledger::record::{Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records the decision.
///
/// # Errors
/// When an output that it relies on is not known, or a required part is empty.
pub(super) async fn decide(node: Arc<Node>, request: Decide, _progress: Progress) -> Result<DecideAnswer, Failure> {
    for (name, value) in [
        ("case", &request.case),
        ("title", &request.title),
        ("author", &request.author),
        ("role", &request.role),
        ("organisation", &request.organisation),
    ] {
        if value.trim().is_empty() {
            return Err(Failure::usage(format!(
                "`{name}` is empty; a decision names its case, title, author, role and organisation (RVS:2024:3951)"
            )));
        }
    }
    if request.legal_basis.is_empty() || request.relies_on.is_empty() {
        return Err(Failure::usage(
            "a decision names at least one legal basis and one output that it relies on",
        ));
    }
    let mut draft = Draft::new(Kind::DecisionMade, fresh_trace(&node));
    let mut relies_on = Vec::new();
    for output in &request.relies_on {
        let transaction = output.transaction.to_string();
        let (name, sha256) = relied_on(&node, &transaction, output.output.as_deref())?;
        relies_on.push(json!({"transaction": transaction, "output": name, "sha256": sha256}));
        draft = draft.term(Term::Transaction(transaction));
    }
    let relied: Vec<String> = request.relies_on.iter().map(|o| o.transaction.to_string()).collect();
    let streams = streams(&node, &request.case, &relied)?;
    for index in node.ledger.by_term(&Term::Case(request.case.clone()))? {
        draft = draft.prior(*node.ledger.record(index)?.leaf());
    }
    let facts = json!({
        "case": request.case, "title": request.title, "legalBasis": request.legal_basis, "reliesOn": relies_on,
        "choices": request.choices, "streams": streams,
    });
    let people =
        json!({"author": {"name": request.author, "role": request.role, "organisation": request.organisation}});
    let draft = draft
        .section(SectionName::Facts, facts)
        .section(SectionName::People, people)
        .stream(StreamKey::Case {
            case: request.case.clone(),
        })
        .term(Term::Case(request.case.clone()));
    let recorded = node.append(draft).await?;
    Ok(DecideAnswer {
        record: *recorded.id(),
        index: recorded.index(),
    })
}

/// Name and SHA-256 of what is relied on.
fn relied_on(node: &Node, transaction: &str, output: Option<&str>) -> Result<(Option<String>, String), Failure> {
    if let Some(run) = node.state.get::<RunEntry>(&RunEntry::key(transaction))? {
        let names: Vec<&str> = run.outputs.iter().map(|o| o.name.as_str()).collect();
        let found = match output {
            Some(name) => run.outputs.iter().find(|o| o.name == name),
            None if run.outputs.len() == 1 => run.outputs.first(),
            None => None,
        };
        let found = found.ok_or_else(|| {
            Failure::missing(format!(
                "run {transaction} has no output `{}`; it has: {}",
                output.unwrap_or("(none named)"),
                names.join(", ")
            ))
        })?;
        return Ok((Some(found.name.clone()), found.digests.sha256.clone()));
    }
    if let Some(pull) = node.state.get::<PullEntry>(&PullEntry::key(transaction))? {
        let key = AgreementEntry::key(&pull.agreement, Side::Consumer);
        if let Some(agreement) = node.state.get::<AgreementEntry>(&key)? {
            crate::consumer::log_under(&agreement, "a decision that rests on this pull")?;
        }
        return Ok((None, pull.digests.sha256));
    }
    Err(Failure::missing(format!(
        "no run or pull {transaction} stands in this connector's ledger"
    )))
}

/// The lengths, as this end knows them, of every stream that the case rests on: whoever leaves a run or a pull out
/// contradicts them. It rests on the runs made for it, and on whatever it relies on, whichever case that was for.
fn streams(node: &Node, case: &str, relies_on: &[String]) -> Result<Vec<Value>, Failure> {
    let mut found = Streams::default();
    let key = StreamKey::Case { case: case.to_owned() };
    if let Some(stream) = node.ledger.stream(&key)? {
        let of = json!({"case": case});
        found.add("case".to_owned(), "stream-case", &stream.id.to_string(), stream.n, of);
    }
    for (_, run) in node.state.scan::<RunEntry>("run/")? {
        if run.case.as_deref() != Some(case) && !relies_on.contains(&run.transaction) {
            continue;
        }
        found.agreement(node, &run.agreement)?;
        if let Some((id, n)) = run.model_stream {
            let of = json!({"model": run.model, "consumer": node.did.as_str()});
            found.add(
                format!("model/{}/{}", run.provider, run.model),
                "stream-model",
                &id,
                n,
                of,
            );
        }
    }
    for transaction in relies_on {
        if let Some(pull) = node.state.get::<PullEntry>(&PullEntry::key(transaction))? {
            found.agreement(node, &pull.agreement)?;
        }
    }
    Ok(found.0.into_values().collect())
}

/// Each stream once, at its greatest length known.
#[derive(Default)]
struct Streams(BTreeMap<String, Value>);

impl Streams {
    fn add(&mut self, name: String, kind: &str, id: &str, n: u64, of: Value) {
        let entry = self.0.entry(name).or_insert(Value::Null);
        if entry.get("n").and_then(Value::as_u64).is_none_or(|known| known < n) {
            *entry = json!({"kind": kind, "id": id, "n": n, "of": of});
        }
    }

    fn agreement(&mut self, node: &Node, id: &str) -> Result<(), Failure> {
        let key = AgreementEntry::key(id, Side::Consumer);
        let agreement = node.state.get::<AgreementEntry>(&key)?.ok_or_else(|| {
            Failure::failed(format!(
                "the agreement `{id}` is not in the state any more, so the length of its stream cannot be attested"
            ))
        })?;
        let key = StreamKey::Agreement {
            agreement: id.to_owned(),
            side: Side::Consumer.into(),
            other: agreement.other.clone(),
        };
        if let Some(stream) = node.ledger.stream(&key)? {
            let of = json!({"agreement": id, "side": "consumer", "other": agreement.other.as_str()});
            let name = format!("agreement/{id}");
            self.add(name, "stream-agreement", &stream.id.to_string(), stream.n, of);
        }
        Ok(())
    }
}
