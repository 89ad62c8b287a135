//! A run of a model of ours: decided, its inputs pulled, recorded before the program starts and after it ends.

mod again;
mod asked;
mod inputs;
mod interrupted;
mod record;

pub use interrupted::close_interrupted;
pub(crate) use interrupted::going_on;

use super::access::Access;
use super::kind_of;
use crate::http::Refusal;
use crate::identity::{Lapse, Lost};
use crate::models::process::{ExecuteRequest, Process, ProcessError};
use crate::models::sandbox::{Failure, Job, JobInput, Output, Run, Sandbox, SandboxError, Slot};
use crate::node::Node;
use crate::peers::same_exchange;
use crate::state::{AgreementEntry, Digests, ModelEntry};
use axum::http::StatusCode;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject, content_mac};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{LedgerError, StoredRecord};
use herleid_policies::Reservation;
use herleid_vocab::did::Did;
use herleid_vocab::json;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What the consumer sends beside the request of OGC API - Processes.
pub struct Sent {
    /// The consumer's `exchange` of phase `run-request`.
    pub exchange: Value,
    /// Its `content`.
    pub content: Value,
    /// Tokens for the inputs that it passes on, by input name.
    pub onward: BTreeMap<String, String>,
}

/// Outputs of a run, recorded on this side.
pub struct Ran {
    /// The outputs.
    pub outputs: Vec<Output>,
}

/// Why there are no outputs.
#[derive(Debug)]
pub enum NotRun {
    /// The request is not one that the model takes.
    Request(ProcessError),
    /// Anything else.
    Refused(Refusal),
}

impl From<Refusal> for NotRun {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What was asked for, understood.
pub(super) struct Asked<'a> {
    access: &'a Access,
    agreement: AgreementEntry,
    model: ModelEntry,
    process: Arc<Process>,
    request: ExecuteRequest,
    run_inputs: Value,
    /// The places that it has in the counters of the policy, once it has started.
    places: OnceLock<Vec<Reservation>>,
    /// Why it was ended while it ran, if it was.
    ended: OnceLock<Lost>,
    trace: &'a str,
}

/// Runs `model` as the request asks; of a run that was made, what it came to is given again. Whoever calls it lets it come to its end, also when the consumer has gone: what has
/// started has an end, and that is recorded.
///
/// What takes time comes before what is scarce: the inputs are fetched before the run has a place, and it has a slot before
/// anything of it is recorded, so that neither a slow consumer nor a long queue holds or costs anybody anything.
///
/// # Errors
/// The refusal that the consumer is told; a denial and a failed run are recorded first. Of a run for which there is no room
/// nothing is recorded.
pub async fn execute(
    node: &Node,
    access: &Access,
    model: &str,
    body: &[u8],
    sent: &Sent,
    trace: &str,
) -> Result<(Ran, ExecuteRequest), NotRun> {
    // Before anything else is done for it: a repeat must not make this end fetch the inputs again.
    let before = || started(node, &access.grant().consumer, access.transaction());
    if let Some(before) = before().map_err(|e| Refusal::internal(&e))? {
        return again::given(node, access, (model, body), sent, &before, trace).await;
    }
    let mut asked = Asked::read(node, access, model, body, trace).await?;
    asked.decide(node).await?;
    asked.check_exchange(node, sent)?;
    let sandbox = node.sandbox().await.map_err(|e| Refusal::internal(&e))?;
    // Only a look: when all places are taken now, nothing is fetched in vain.
    drop(sandbox.place().map_err(|e| busy(&e))?);
    let inputs = asked.bring_inputs(node, sent).await?;
    let place = sandbox.place().map_err(|e| busy(&e))?;
    // No longer than the access holds: it would be refused after the wait, and not only put off.
    let holds_ms = access.grant().until_ms.saturating_sub(node.now_ms());
    let patience = Duration::from_millis(asked.process.model().limits().wall_ms.min(holds_ms));
    let slot = sandbox.slot(&place, patience).await.map_err(|e| busy(&e))?;
    // How long that took was for the consumer and for other runs to say. What is recorded is decided on what holds now.
    asked.look_again(node).await?;
    // Meanwhile the same request may have been run: decided once more, it would be denied where its one use is gone.
    if let Some(before) = before().map_err(|e| Refusal::internal(&e))? {
        return again::given(node, access, (model, body), sent, &before, trace).await;
    }
    let decided = asked.decide(node).await?;
    asked.record_started(node, sent, &decided).await?;
    let ran = asked.run(node, sandbox, slot, inputs).await?;
    // Kept until the end is recorded: outputs lie in memory until then.
    drop(place);
    Ok((ran, asked.request))
}

/// There is no room for the run; a while later there may be.
fn busy(why: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", why)
}

/// The record of the start of a run, however that ended. Consumers choose their transactions, and two may have chosen the same:
/// whose a record is, its exchange says. Where that was erased it cannot be said, and the record's key keeps it from running twice.
fn started(node: &Node, consumer: &Did, transaction: &str) -> Result<Option<StoredRecord>, LedgerError> {
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let stored = node.ledger.record(index)?;
        let is_of_consumer = || {
            let exchange = stored.value(SectionName::Exchange).unwrap_or_default();
            exchange.get("consumer").and_then(Value::as_str) == Some(consumer.as_str())
        };
        if kind_of(&stored) == Some(Kind::RunStarted) && is_of_consumer() {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

impl Asked<'_> {
    fn exchange(&self, node: &Node, phase: Phase, content: [u8; 32], bytes: u64) -> Option<Exchange> {
        Some(Exchange {
            transaction: self.access.transaction().parse().ok()?,
            segment: 1,
            phase,
            agreement: self.agreement.id.clone(),
            provider: node.did.clone(),
            consumer: self.agreement.other.clone(),
            subject: Subject::Model {
                model: self.model.model.clone(),
                version: self.model.version.clone(),
            },
            from: 0,
            to: bytes,
            content,
        })
    }

    /// Recomputes the consumer's exchange from its request, and refuses a difference.
    fn check_exchange(&self, node: &Node, sent: &Sent) -> Result<(), Refusal> {
        let content = Content::from_value(sent.content.clone()).map_err(|e| Refusal::malformed(&e))?;
        let bytes = request_bytes(&self.run_inputs, self.request.parameters()).map_err(|e| Refusal::malformed(&e))?;
        let own = Content::digest(content.salt, &bytes, &content.media_type);
        if own != content {
            return Err(Refusal::malformed(
                &"exchange altered: `content` is not of the inputs and parameters of this request, defaults included",
            ));
        }
        let mac = content_mac(&own.salt, &own.blake3, &own.sha256, own.bytes);
        let expected = self
            .exchange(node, Phase::RunRequest, mac, own.bytes)
            .ok_or_else(|| Refusal::malformed(&"the transaction is not a UUID"))?;
        same_exchange(self.agreement.other.as_str(), &sent.exchange, &expected.to_value())
            .map_err(|lie| Refusal::malformed(&lie))
    }

    fn run_section(&self, status: &str, outputs: &[Value], environment: Value) -> Value {
        json!({
            "transaction": self.access.transaction(), "agreement": self.agreement.id, "model": self.model.model, "version": self.model.version,
            "inputs": self.run_inputs, "outputs": outputs, "seed": self.request.seed(), "status": status, "environment": environment,
            "program": self.model.program, "case": null,
        })
    }

    /// Runs what was recorded as started. Whatever becomes of it is recorded before it is told.
    async fn run(&self, node: &Node, sandbox: &Sandbox, slot: Slot, inputs: Vec<JobInput>) -> Result<Ran, Refusal> {
        let program = match node.payloads.path(&self.model.program) {
            Ok(program) => program,
            Err(error) => return Err(self.broke_off(node, &error.to_string(), json!({})).await),
        };
        let job = Job {
            // Not the transaction: two consumers may have chosen the same one, and a job directory is used once.
            id: node.fresh_id(),
            process: self.process.clone(),
            program,
            inputs,
            parameters: self.request.parameters().clone(),
            seed: self.request.seed(),
        };
        let run = match sandbox.prepare_in(slot, job).await {
            Ok(prepared) => {
                let ends = async {
                    let lost = self.until_over(node).await;
                    let why = lost.why.clone();
                    // It ends once.
                    drop(self.ended.set(lost));
                    why
                };
                sandbox.run_until(prepared, node.clock.as_ref(), ends).await
            }
            Err(error) => Err(error),
        };
        match run {
            Ok(Run {
                outcome: Ok(outputs),
                environment,
                ..
            }) => self.finish(node, outputs, environment).await,
            // It has run in part, and that is recorded; nothing of it leaves.
            Ok(Run {
                outcome: Err(Failure::Stopped { why }),
                environment,
                ..
            }) => Err(self.record_failed(node, self.ended_as(), &why, environment).await),
            Ok(Run {
                outcome: Err(failure),
                environment,
                stderr_tail,
                ..
            }) => {
                let reason = format!("{failure}; its last words: {stderr_tail}");
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Err(self.record_failed(node, status, &reason, environment).await)
            }
            // What the consumer sent does not fit; that much it may know.
            Err(error @ (SandboxError::Job { .. } | SandboxError::Input { .. })) => {
                let (status, reason) = (StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
                Err(self.record_failed(node, status, &reason, json!({})).await)
            }
            Err(error) => Err(self.broke_off(node, &error.to_string(), json!({})).await),
        }
    }

    /// What whoever asked is told of a run that was ended: that it has lost its access, or that this cannot be found out now.
    fn ended_as(&self) -> StatusCode {
        match self.ended.get().map(|lost| lost.how) {
            Some(Lapse::Unknown) => StatusCode::SERVICE_UNAVAILABLE,
            Some(Lapse::Over | Lapse::Suspended) | None => StatusCode::FORBIDDEN,
        }
    }

    /// Records the outputs, if whoever asked may still have them.
    pub(in crate::provider) async fn finish(
        &self,
        node: &Node,
        outputs: Vec<Output>,
        environment: Value,
    ) -> Result<Ran, Refusal> {
        match self.is_over(node).await {
            Ok(None) => {}
            // Withdrawn while the program ran. It has run, and that is recorded; nothing of it leaves.
            Ok(Some(lost)) => {
                let why = lost.why.clone();
                drop(self.ended.set(lost));
                return Err(self.record_failed(node, self.ended_as(), &why, environment).await);
            }
            Err(error) => return Err(self.broke_off(node, &error, environment).await),
        }
        match self.record_finished(node, &outputs, environment.clone()).await {
            Ok(()) => Ok(Ran { outputs }),
            Err(error) => {
                let error = error.to_string();
                Err(self.broke_off(node, &error, environment).await)
            }
        }
    }

    /// Records that this end failed. The cause goes to the operator's log: it may name files of this machine.
    async fn broke_off(&self, node: &Node, cause: &str, environment: Value) -> Refusal {
        let transaction = self.access.transaction();
        tracing::error!(%transaction, %cause, "a run broke off");
        let reason = "the model could not be run here; the operator finds the cause in the connector's log";
        self.record_failed(node, StatusCode::INTERNAL_SERVER_ERROR, reason, environment)
            .await
    }
}

/// An entry of `run.outputs`.
#[must_use]
pub fn output_value(name: &str, media_type: &str, digests: &Digests) -> Value {
    json!({"name": name, "sha256": digests.sha256, "blake3": digests.blake3, "bytes": digests.bytes, "mediaType": media_type})
}

/// The content of phase `run-request` (docs/log-format.md, section 5).
///
/// # Errors
/// When it has no canonical form.
pub fn request_bytes(inputs: &Value, parameters: &Map<String, Value>) -> Result<Vec<u8>, json::JsonError> {
    json::canonical(&json!({"inputs": inputs, "parameters": parameters}))
}

/// The content of phase `run-result`.
///
/// # Errors
/// When it has no canonical form.
pub fn result_bytes(outputs: &[Value]) -> Result<Vec<u8>, json::JsonError> {
    json::canonical(&json!({"outputs": outputs}))
}
