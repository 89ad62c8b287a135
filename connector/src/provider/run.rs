//! A run of a model of ours: decided, its inputs pulled, recorded before the program starts and after it ends.

mod inputs;
mod interrupted;
mod record;

pub use interrupted::close_interrupted;

use super::access::Access;
use super::{grants, kind_of, stream};
use crate::deciding::{self, Asker, USE};
use crate::http::Refusal;
use crate::models::process::{ExecuteRequest, Process, ProcessError};
use crate::models::sandbox::{Job, JobInput, Output, Run, Sandbox, SandboxError};
use crate::node::Node;
use crate::peers::same_exchange;
use crate::state::{AgreementEntry, Digests, GrantPurpose, ModelEntry, Side, digest_bytes};
use axum::http::StatusCode;
use herleid_ledger::LedgerError;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject, content_mac};
use herleid_ledger::record::{Kind, Term};
use herleid_vocab::json::{self, Limits};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

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
struct Asked<'a> {
    access: &'a Access,
    agreement: AgreementEntry,
    model: ModelEntry,
    process: Arc<Process>,
    request: ExecuteRequest,
    run_inputs: Value,
    trace: &'a str,
}

/// Runs `model` as the request asks. Whoever calls it lets it come to its end, also when the consumer has gone: what has
/// started has an end, and that is recorded.
///
/// # Errors
/// The refusal that the consumer is told; a denial and a failed run are recorded first.
pub async fn execute(
    node: &Node,
    access: &Access,
    model: &str,
    body: &[u8],
    sent: &Sent,
    trace: &str,
) -> Result<(Ran, ExecuteRequest), NotRun> {
    let internal = |e: &dyn std::fmt::Display| Refusal::internal(e);
    let grant = access.grant();
    if grant.kind != GrantPurpose::Run || grant.subject != model {
        return Err(Refusal::not_found(&format!("this access is not for running `{model}`")).into());
    }
    // Before anything else is done for it: a repeat must not make this end fetch the inputs again.
    if is_recorded(node, access.transaction()).map_err(|e| internal(&e))? {
        return Err(repeated(access).into());
    }
    let agreement: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(&grant.agreement, Side::Provider))
        .map_err(|e| internal(&e))?;
    let agreement = agreement.ok_or_else(|| internal(&"a grant refers to an agreement that is not here"))?;
    if let Some(why) = &agreement.terminated {
        let why = format!("agreement `{}` has ended: {why}", agreement.id);
        return Err(refuse(node, access, &agreement, &why, trace).await.into());
    }
    let Some(entry) = current_model(node, model)? else {
        let why = format!("`{model}` was withdrawn");
        return Err(refuse(node, access, &agreement, &why, trace).await.into());
    };
    let process = Arc::new(process(node, &entry)?);
    // Checked when it was published; the configuration may have been narrowed since.
    if let Err(e) = node.config.models.sandbox.allow(process.model().limits()) {
        let why = format!("`{model}` does not run here now: {e}");
        return Err(refuse(node, access, &agreement, &why, trace).await.into());
    }
    let request = process.parse_request(body, &Limits::MESSAGE).map_err(NotRun::Request)?;
    let run_inputs = request
        .run_inputs(&process)
        .ok_or_else(|| Refusal::malformed(&"an input by reference says nothing of its digests (`x-herleid`)"))?;
    let asked = Asked {
        access,
        agreement,
        model: entry,
        process,
        request,
        run_inputs,
        trace,
    };

    let asker = Asker::by_request_signature(&grant.consumer, grant.purpose.as_deref());
    let decided = deciding::under_agreement(node, &asked.agreement, USE, &asker).map_err(|e| internal(&e))?;
    if !decided.is_permit() {
        let facts = json!({"what": "run", "party": grant.consumer.as_str(), "transaction": access.transaction(), "agreement": grant.agreement, "decision": decided.record()});
        grants::record_denial(node, facts, Some(stream(&asked.agreement)), &decided, trace)
            .await
            .map_err(|e| internal(&e))?;
        return Err(Refusal::denied(&decided.refusal(&grant.consumer)).into());
    }
    asked.check_exchange(node, sent)?;
    let sandbox = node.sandbox().await.map_err(|e| internal(&e))?;
    let place = sandbox.place();
    let _place = place.map_err(|e| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &e))?;
    let inputs = asked.bring_inputs(node, sent).await?;
    asked.record_started(node, sent, &decided).await?;
    let ran = asked.run(node, sandbox, inputs).await?;
    Ok((ran, asked.request))
}

/// Whether a run of this transaction has started, however it ended.
fn is_recorded(node: &Node, transaction: &str) -> Result<bool, LedgerError> {
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        if kind_of(&node.ledger.record(index)?) == Some(Kind::RunStarted) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The program has side effects on nobody, but its run is counted and numbered: it is not repeated silently.
fn repeated(access: &Access) -> Refusal {
    Refusal::denied(&format!(
        "transaction {} was run before; ask for its receipts, or use a new transaction",
        access.transaction()
    ))
}

/// Records a refusal for another reason than the policy, and gives it.
async fn refuse(node: &Node, access: &Access, agreement: &AgreementEntry, why: &str, trace: &str) -> Refusal {
    let facts = json!({"what": "run", "party": agreement.other.as_str(), "transaction": access.transaction(), "agreement": agreement.id});
    match grants::record_refusal(node, facts, Some(stream(agreement)), why, trace).await {
        Ok(()) => Refusal::denied(&why),
        Err(e) => Refusal::internal(&e),
    }
}

/// The newest version of a model that is not withdrawn.
fn current_model(node: &Node, model: &str) -> Result<Option<ModelEntry>, Refusal> {
    let mut entries = node
        .state
        .scan::<ModelEntry>(&format!("model/{model}/"))
        .map_err(|e| Refusal::internal(&e))?;
    entries.retain(|(_, e)| e.withdrawn.is_none());
    entries.sort_by_key(|(_, e)| e.published_ms);
    Ok(entries.pop().map(|(_, e)| e))
}

/// The description under which a model was published.
fn process(node: &Node, entry: &ModelEntry) -> Result<Process, Refusal> {
    let digest = digest_bytes(&entry.process).unwrap_or_default();
    let description = node.ledger.evidence(&digest).map_err(|e| Refusal::internal(&e))?;
    let description = description
        .ok_or_else(|| Refusal::internal(&"the description of a published model is not in the evidence store"))?;
    Process::parse(&description).map_err(|e| Refusal::internal(&e))
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
    async fn run(&self, node: &Node, sandbox: &Sandbox, inputs: Vec<JobInput>) -> Result<Ran, Refusal> {
        let program = match node.payloads.path(&self.model.program) {
            Ok(program) => program,
            Err(error) => return Err(self.broke_off(node, &error.to_string(), json!({})).await),
        };
        let job = Job {
            id: self.access.transaction().to_owned(),
            process: self.process.clone(),
            program,
            inputs,
            parameters: self.request.parameters().clone(),
            seed: self.request.seed(),
        };
        let run = match sandbox.prepare(job).await {
            Ok(prepared) => sandbox.run(prepared, node.clock.as_ref()).await,
            Err(error) => Err(error),
        };
        match run {
            Ok(Run {
                outcome: Ok(outputs),
                environment,
                ..
            }) => match self.record_finished(node, &outputs, environment.clone()).await {
                Ok(()) => Ok(Ran { outputs }),
                Err(error) => {
                    let error = error.to_string();
                    Err(self.broke_off(node, &error, environment).await)
                }
            },
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
