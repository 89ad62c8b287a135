//! Before a model is asked: its description, the agreements under which inputs may travel, and access for its holder to fetch them.

mod onward;
#[cfg(test)]
mod tests;

use self::onward::{Refused, grant, weigh};
use super::Asking;
use crate::commands::Failure;
use crate::control::protocol::{Input, Run};
use crate::models::process::{Content as InputContent, InputValue, Pin, Process};
use crate::node::{Node, fresh_trace};
use crate::payloads::Kept;
use crate::state::{AgreementEntry, PullEntry, RunEntry, Side, digest_bytes};
use herleid_ledger::record::Kind;
use herleid_vocab::json::Limits;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// How long an input that is passed on may be fetched: the run begins at once.
pub(super) const ONWARD_MS: u64 = 5 * 60_000;

pub(super) async fn prepare(node: &Node, request: Run) -> Result<Asking, Failure> {
    let trace = fresh_trace(node);
    let agreement = consumer_agreement(node, &request.agreement)?;
    // Before anything is asked for: a run that one end alone records proves nothing.
    crate::consumer::log_under(&agreement, "a run")?;
    let description = description(node, &agreement, &trace).await?;
    let process = Process::parse(&description)
        .map_err(|e| Failure::untrusted(format!("the model's description is refused: {e}")))?;
    let mut values = BTreeMap::new();
    let mut onward = Map::new();
    let mut kept = Vec::new();
    for (name, input) in &request.inputs {
        let (value, token) = match input {
            Input::Transaction(transaction) => pass_on(node, &transaction.to_string(), &agreement, &trace).await?,
            Input::File(path) => file(node, path, &agreement, &mut kept, &trace).await?,
        };
        values.insert(name.clone(), value);
        if let Some(token) = token {
            onward.insert(name.clone(), json!(token));
        }
    }
    let parameters = request
        .parameters
        .iter()
        .map(|(name, text)| (name.clone(), typed(&process, name, text)))
        .collect::<Map<_, _>>();
    let (body, read) = process
        .request(&values, &parameters, request.seed, &Limits::MESSAGE)
        .map_err(Failure::usage)?;
    let inputs = read
        .run_inputs(&process)
        .ok_or_else(|| Failure::failed("an input has no digests"))?;
    Ok(Asking {
        agreement,
        process,
        request: read,
        body,
        inputs,
        onward,
        transaction: node.fresh_id(),
        case: request.case,
        trace,
        kept: Arc::new(kept),
    })
}

/// A parameter as typed on the command line: of the type that the model declares, if the text can be read so; else as text,
/// which the model's description then refuses by name.
fn typed(process: &Process, name: &str, text: &str) -> Value {
    let parameter = process.model().parameters().iter().find(|p| p.name() == name);
    let as_text = Value::String(text.to_owned());
    let Some(parameter) = parameter.filter(|p| p.check(&as_text).is_err()) else {
        return as_text;
    };
    serde_json::from_str(text)
        .ok()
        .filter(|value| parameter.check(value).is_ok())
        .unwrap_or(as_text)
}

fn consumer_agreement(node: &Node, id: &str) -> Result<AgreementEntry, Failure> {
    let entry: Option<AgreementEntry> = node.state.get(&AgreementEntry::key(id, Side::Consumer))?;
    entry.ok_or_else(|| {
        Failure::missing(format!(
            "there is no agreement `{id}` in which this connector is the consumer"
        ))
        .next("`herleid agreements` lists them")
    })
}

async fn description(node: &Node, agreement: &AgreementEntry, trace: &str) -> Result<Vec<u8>, Failure> {
    let headers = node.message_headers(&agreement.other, None, trace)?;
    let base = crate::dsp_shell::base_url(&agreement.other_base);
    let url = format!("{base}/processes/{}", agreement.target);
    let answer = node.client.get_json(&url, headers).await.and_then(|r| r.success())?;
    Ok(answer.body.to_vec())
}

/// A file: one of our own, or what was pulled under an agreement, which goes on to hold for it.
async fn file(
    node: &Node,
    path: &Path,
    model: &AgreementEntry,
    kept: &mut Vec<Kept>,
    trace: &str,
) -> Result<(InputValue, Option<String>), Failure> {
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|e| Failure::missing(format!("`{}` cannot be read: {e}", path.display())))?;
    let pin = Pin::of(&bytes);
    let pulls = had(node, &pin.sha256)?;
    if !pulls.is_empty() {
        return pass_on_any(node, path, pulls, model, trace).await;
    }
    refuse_what_was_had(node, path, &pin)?;
    kept.push(node.payloads.put(&bytes)?);
    let content = InputContent::Inline(bytes.into());
    Ok((
        InputValue {
            pin: Some(pin),
            content,
        },
        None,
    ))
}

/// The pulls that brought exactly these bytes, one for each agreement, the newest first. What was had under an agreement stays that, also
/// when it comes back as a file; only who changes it makes something that nobody can tell from a file of its own.
fn had(node: &Node, sha256: &str) -> Result<Vec<PullEntry>, Failure> {
    let pulls = node.state.scan::<PullEntry>("pull/")?;
    let mut same: Vec<PullEntry> = pulls
        .into_iter()
        .map(|(_, pull)| pull)
        .filter(|pull| pull.digests.sha256 == sha256)
        .collect();
    // Transactions of later have later names (UUID version 7).
    same.sort_by(|one, other| other.transaction.cmp(&one.transaction));
    let mut agreements = BTreeSet::new();
    same.retain(|pull| agreements.insert(pull.agreement.clone()));
    Ok(same)
}

/// Refuses bytes that came from somebody, as a record of this connector says, though what it was had under no longer stands: the agreement ended
/// with a log that is over, or what was had was deleted. What a run gave is given by that run's transaction. What was used in a run is no less one's
/// own for that; and of what was erased nothing says any more that it was had.
fn refuse_what_was_had(node: &Node, path: &Path, pin: &Pin) -> Result<(), Failure> {
    let refused = |why: String| {
        Failure::refused(format!(
            "`{}` is not given as a file of one's own: {why}",
            path.display()
        ))
    };
    let by_transaction =
        "give a pull or a run by its transaction, where its agreement stands; pull it again where it does not";
    if let Some(why) = node.unreadable.first() {
        return Err(refused(format!(
            "a log of this connector that is over cannot be read, and may say that it was had from somebody: {why}"
        ))
        .next(by_transaction));
    }
    let digest = digest_bytes(&pin.sha256).ok_or_else(|| Failure::failed("a digest is none"))?;
    for log in std::iter::once(&node.ledger).chain(&node.previous) {
        let origin = log.origin();
        if !log.has_lineage()? {
            return Err(refused(format!(
                "`{origin}`, a log of this connector that is over, was written by an older version and has no index of digests, so nothing says whether it was had from somebody"
            ))
            .next(by_transaction));
        }
        for index in log.made_by(&digest)? {
            // What cannot be told is not taken for one's own.
            let is_had = |kind: Kind| {
                matches!(
                    kind,
                    Kind::PullReceived | Kind::OneSidedPullReceived | Kind::RunReceived
                )
            };
            if log.record(index)?.kind().is_none_or(is_had) {
                return Err(refused(format!(
                    "record {index} of `{origin}` says that it was had from somebody"
                ))
                .next(by_transaction));
            }
        }
    }
    Ok(())
}

/// Passes a file on that is what these pulls brought, under the newest of their agreements that permits it. That some do not is recorded only where
/// none does: a record says what came of a request.
async fn pass_on_any(
    node: &Node,
    path: &Path,
    pulls: Vec<PullEntry>,
    model: &AgreementEntry,
    trace: &str,
) -> Result<(InputValue, Option<String>), Failure> {
    let mut refused: Vec<(PullEntry, Refused)> = Vec::new();
    for pull in pulls {
        match weigh(node, pull.clone(), model) {
            Ok(permitted) => return grant(node, permitted, model).await,
            Err(why) => refused.push((pull, why)),
        }
    }
    let mut told = None;
    for (pull, why) in refused {
        let why = why.recorded(node, model, trace).await;
        told = told.or(Some(why.about(format!(
            "`{}` is what was pulled under agreement `{}` (transaction {})",
            path.display(),
            pull.agreement,
            pull.transaction
        ))));
    }
    Err(told.unwrap_or_else(|| Failure::failed("a file that was pulled is one that nothing brought")))
}

/// Prepares an input of an earlier pull to be fetched by the model's holder, if its agreement permits that.
async fn pass_on(
    node: &Node,
    transaction: &str,
    model: &AgreementEntry,
    trace: &str,
) -> Result<(InputValue, Option<String>), Failure> {
    let Some(pull) = node.state.get::<PullEntry>(&PullEntry::key(transaction))? else {
        if node.state.get::<RunEntry>(&RunEntry::key(transaction))?.is_some() {
            return Err(
                Failure::failed("passing the output of a run on to another model is not built yet")
                    .next(
                        "if your agreement about that model lets you pass its outputs on, give what you made of them as a file of your own: \
                         that you may is then declared, and seen to by nobody",
                    ),
            );
        }
        return Err(Failure::missing(format!(
            "no pull {transaction} stands in this connector's ledger"
        )));
    };
    match weigh(node, pull, model) {
        Ok(permitted) => grant(node, permitted, model).await,
        Err(why) => Err(why.recorded(node, model, trace).await),
    }
}
