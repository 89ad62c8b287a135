//! A run of a model of ours: decided, its inputs pulled, recorded before the program starts and after it ends.

use super::access::Access;
use super::pull::outstanding_key;
use crate::consumer::pull::{fetch, onward_source};
use crate::control::progress::Progress;
use crate::deciding::{self, Asker, Decided, USE};
use crate::http::Refusal;
use crate::models::process::{Content as InputContent, ExecuteRequest, Process};
use crate::models::sandbox::{InputSource, Job, JobInput, Output, Run};
use crate::node::Node;
use crate::peers::same_exchange;
use crate::state::{AgreementEntry, Digests, GrantPurpose, ModelEntry, Side, digest_bytes};
use herleid_ledger::AppendError;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject, content_mac};
use herleid_ledger::record::{Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::json::{self, Limits};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
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

struct Asked<'a> {
    access: &'a Access,
    agreement: AgreementEntry,
    model: ModelEntry,
    process: Arc<Process>,
    request: ExecuteRequest,
    run_inputs: Value,
    trace: &'a str,
}

/// Runs `model` as the request asks.
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
) -> Result<(Ran, ExecuteRequest), Refusal> {
    let internal = |e: &dyn std::fmt::Display| Refusal::internal(e);
    let grant = access.grant();
    if grant.kind != GrantPurpose::Run || grant.subject != model {
        return Err(Refusal::not_found(&format!("this access is not for running `{model}`")));
    }
    let agreement: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(&grant.agreement, Side::Provider))
        .map_err(|e| internal(&e))?;
    let agreement = agreement.ok_or_else(|| internal(&"a grant refers to an agreement that is not here"))?;
    if let Some(why) = &agreement.terminated {
        return Err(Refusal::denied(&format!(
            "agreement `{}` has ended: {why}",
            agreement.id
        )));
    }
    let entry = current_model(node, model)?;
    let description = node
        .ledger
        .evidence(&digest_bytes(&entry.process).unwrap_or_default())
        .map_err(|e| internal(&e))?;
    let description =
        description.ok_or_else(|| internal(&"the description of a published model is not in the evidence store"))?;
    let process = Arc::new(Process::parse(&description).map_err(|e| internal(&e))?);
    // Checked when it was published; the configuration may have been narrowed since.
    node.config
        .models
        .sandbox
        .allow(process.model().limits())
        .map_err(|e| Refusal::denied(&format!("`{model}` does not run here now: {e}")))?;
    let request = process
        .parse_request(body, &Limits::MESSAGE)
        .map_err(|e| Refusal::malformed(&e))?;
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

    let asker = Asker {
        did: &grant.consumer,
        purpose: grant.purpose.as_deref(),
    };
    let decided = deciding::under_agreement(node, &asked.agreement, USE, &asker).map_err(|e| internal(&e))?;
    if !decided.is_permit() {
        let facts = json!({"what": "run", "party": grant.consumer.as_str(), "transaction": access.transaction(), "agreement": grant.agreement, "decision": decided.record()});
        super::grants::record_denial(node, facts, Some(asked.stream()), &decided, trace)
            .await
            .map_err(|e| internal(&e))?;
        return Err(Refusal::denied(&decided.refusal(&grant.consumer)));
    }
    asked.check_exchange(node, sent)?;
    let inputs = asked.bring_inputs(node, sent).await?;
    asked.record_started(node, sent, &decided).await?;
    asked.run(node, inputs).await.map(|ran| (ran, asked.request))
}

/// The newest version of a model that is not withdrawn.
fn current_model(node: &Node, model: &str) -> Result<ModelEntry, Refusal> {
    let mut entries = node
        .state
        .scan::<ModelEntry>(&format!("model/{model}/"))
        .map_err(|e| Refusal::internal(&e))?;
    entries.retain(|(_, e)| e.withdrawn.is_none());
    entries.sort_by_key(|(_, e)| e.published_ms);
    entries
        .pop()
        .map(|(_, e)| e)
        .ok_or_else(|| Refusal::denied(&format!("`{model}` was withdrawn")))
}

impl Asked<'_> {
    fn stream(&self) -> StreamKey {
        StreamKey::Agreement {
            agreement: self.agreement.id.clone(),
            side: Side::Provider.into(),
            other: self.agreement.other.clone(),
        }
    }

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

    /// Every input's bytes: inline ones as they came, others by a pull of their own, recorded at both ends.
    async fn bring_inputs(&self, node: &Node, sent: &Sent) -> Result<Vec<JobInput>, Refusal> {
        let mut inputs = Vec::new();
        for port in self.process.model().inputs() {
            let Some(value) = self.request.inputs().get(&port.name) else {
                continue;
            };
            let Some(pin) = &value.pin else { continue };
            let source = match &value.content {
                InputContent::Inline(bytes) => InputSource::Bytes(bytes.clone()),
                InputContent::Reference { href } => self.pull_input(node, &port.name, href, sent).await?,
            };
            inputs.push(JobInput {
                name: port.name.clone(),
                source,
                sha256: pin.sha256.clone(),
            });
        }
        Ok(inputs)
    }

    async fn pull_input(&self, node: &Node, name: &str, href: &str, sent: &Sent) -> Result<InputSource, Refusal> {
        let input = self
            .run_inputs
            .as_array()
            .and_then(|all| all.iter().find(|i| i.get("name").and_then(Value::as_str) == Some(name)));
        let input = input.ok_or_else(|| Refusal::malformed(&format!("input `{name}` says nothing of its digests")))?;
        let token = sent
            .onward
            .get(name)
            .ok_or_else(|| Refusal::malformed(&format!("no token came for input `{name}`")))?;
        let source = onward_source(node, &self.agreement.other, href, token, input)
            .await
            .map_err(|e| Refusal::malformed(&e))?;
        let (progress, _nobody) = Progress::channel();
        let pulled = fetch(node, &source, &progress, self.trace).await;
        let (entry, _) = pulled.map_err(|e| Refusal::denied(&format!("input `{name}` could not be brought: {e}")))?;
        node.payloads
            .path(&entry.digests.sha256)
            .map(InputSource::File)
            .map_err(|e| Refusal::internal(&e))
    }

    fn run_section(&self, status: &str, outputs: &[Value], environment: Value) -> Value {
        json!({
            "transaction": self.access.transaction(), "agreement": self.agreement.id, "model": self.model.model, "version": self.model.version,
            "inputs": self.run_inputs, "outputs": outputs, "seed": self.request.seed(), "status": status, "environment": environment,
            "program": self.model.program, "case": null,
        })
    }

    async fn record_started(&self, node: &Node, sent: &Sent, decided: &Decided) -> Result<(), Refusal> {
        let transaction = self.access.transaction().to_owned();
        let facts = json!({"transaction": transaction, "decision": decided.record()});
        let same = Sha256::digest(sent.exchange.to_string());
        let mut draft = Draft::new(Kind::RunStarted, self.trace)
            .section(SectionName::Facts, facts)
            .section(SectionName::Exchange, sent.exchange.clone())
            .section(SectionName::Content, sent.content.clone())
            .section(
                SectionName::Run,
                self.run_section("started", &[], json!({"published": self.model.environment})),
            )
            .section(
                SectionName::Parameters,
                Value::Object(self.request.parameters().clone()),
            )
            .stream(self.stream())
            .stream(StreamKey::Model {
                model: self.model.model.clone(),
                consumer: self.agreement.other.clone(),
            })
            .once(format!("run/{transaction}"), same.into())
            .term(Term::Transaction(transaction))
            .term(Term::Agreement(self.agreement.id.clone()))
            .term(Term::Model(self.model.model.clone()))
            .term(Term::Party(self.agreement.other.clone()));
        for input in self.run_inputs.as_array().into_iter().flatten() {
            if let Some(digest) = input.get("sha256").and_then(Value::as_str).and_then(digest_bytes) {
                draft = draft.term(Term::RunInput(digest));
            }
        }
        for document in self.access.evidence() {
            draft = draft.evidence(document);
        }
        match node.append(decided.reserve(draft)).await {
            // The program has side effects on nobody, but its run is counted and numbered: it is not repeated silently.
            Ok(recorded) if recorded.replayed() => Err(Refusal::denied(&format!(
                "transaction {} was run before; ask for its receipts, or use a new transaction",
                self.access.transaction()
            ))),
            Ok(_) => Ok(()),
            Err(e @ (AppendError::Conflict { .. } | AppendError::Exhausted { .. })) => Err(Refusal::denied(&e)),
            Err(e) => Err(Refusal::internal(&e)),
        }
    }

    async fn run(&self, node: &Node, inputs: Vec<JobInput>) -> Result<Ran, Refusal> {
        let program = node
            .payloads
            .path(&self.model.program)
            .map_err(|e| Refusal::internal(&e))?;
        let job = Job {
            id: self.access.transaction().to_owned(),
            process: self.process.clone(),
            program,
            inputs,
            parameters: self.request.parameters().clone(),
            seed: self.request.seed(),
        };
        let sandbox = node.sandbox().await.map_err(|e| Refusal::internal(&e))?;
        let run = match sandbox.prepare(job).await {
            Ok(prepared) => sandbox.run(prepared, node.clock.as_ref()).await,
            Err(error) => Err(error),
        };
        match run {
            Ok(Run {
                outcome: Ok(outputs),
                environment,
                ..
            }) => self.record_finished(node, outputs, environment).await,
            Ok(Run {
                outcome: Err(failure),
                environment,
                stderr_tail,
                ..
            }) => {
                self.record_failed(node, &format!("{failure}; its last words: {stderr_tail}"), environment)
                    .await
            }
            Err(error) => self.record_failed(node, &error.to_string(), json!({})).await,
        }
    }

    async fn record_failed(&self, node: &Node, reason: &str, environment: Value) -> Result<Ran, Refusal> {
        let mut run = self.run_section("failed", &[], environment);
        let reason: String = reason.chars().take(2000).collect();
        if let Some(members) = run.as_object_mut() {
            members.insert("reason".to_owned(), json!(reason));
        }
        let draft = Draft::new(Kind::RunFailed, self.trace)
            .section(SectionName::Run, run)
            .stream(self.stream())
            .term(Term::Transaction(self.access.transaction().to_owned()))
            .term(Term::Agreement(self.agreement.id.clone()));
        node.append(draft).await.map_err(|e| Refusal::internal(&e))?;
        Err(Refusal::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "run-failed",
            &reason,
        ))
    }

    async fn record_finished(&self, node: &Node, ran: Vec<Output>, environment: Value) -> Result<Ran, Refusal> {
        let internal = |e: &dyn std::fmt::Display| Refusal::internal(e);
        let mut outputs = Vec::new();
        let mut draft = Draft::new(Kind::RunFinished, self.trace);
        for output in &ran {
            let digests: Digests = node.payloads.put(&output.bytes).map_err(|e| internal(&e))?;
            draft = draft.term(Term::RunOutput(digest_bytes(&digests.sha256).unwrap_or_default()));
            outputs.push(output_value(&output.name, &output.media_type, &digests));
        }
        let bytes = result_bytes(&outputs).map_err(|e| internal(&e))?;
        let content = Content::digest(node.entropy.bytes32(), &bytes, "application/json");
        let exchange = self
            .exchange(node, Phase::RunResult, content.mac(), content.bytes)
            .ok_or_else(|| internal(&"no exchange"))?;
        let transaction = self.access.transaction().to_owned();
        let draft = draft
            .section(SectionName::Exchange, exchange.to_value())
            .section(SectionName::Content, content.to_value())
            .section(SectionName::Run, self.run_section("finished", &outputs, environment))
            .stream(self.stream())
            .term(Term::Transaction(transaction.clone()))
            .term(Term::Agreement(self.agreement.id.clone()))
            .term(Term::Model(self.model.model.clone()))
            .put(
                outstanding_key(&self.agreement.id, &transaction),
                Some(node.now_ms().to_be_bytes().to_vec()),
            );
        node.append(draft).await.map_err(|e| internal(&e))?;
        Ok(Ran { outputs: ran })
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
