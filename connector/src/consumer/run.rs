//! `run`: has a model of another holder compute, on inputs that travel under their own agreements.

mod failed;
mod outcome;
mod prepare;

use super::{Say, signed_headers};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Run, RunAnswer};
use crate::dsp::catalog::PROCESSES;
use crate::http::{EXCHANGE, ONWARD};
use crate::models::limits;
use crate::models::process::{ExecuteRequest, Process, parse_document};
use crate::net::client::CallLimits;
use crate::node::Node;
use crate::payloads::Kept;
use crate::provider::run::request_bytes;
use crate::state::{AgreementEntry, Side};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::json::Limits;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// For the inputs that the holder fetches before the program starts: as long as it has access to them.
const INPUTS: Duration = Duration::from_millis(prepare::ONWARD_MS);
/// For what stands in the results beside the outputs: at most 256 names and media types of less than 4 KiB together.
const AROUND_OUTPUTS_BYTES: u64 = 256 * (4 << 10);
/// How often the holder is asked in vain, before a run of which the answer was lost is given up.
const IN_VAIN: u32 = 5;
/// Between two of these, twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Everything known before the model is asked.
struct Asking {
    agreement: AgreementEntry,
    process: Process,
    request: ExecuteRequest,
    body: Vec<u8>,
    inputs: Value,
    onward: Map<String, Value>,
    transaction: String,
    case: Option<String>,
    trace: String,
    /// Inputs that came as files: no erasure takes them away before the run is recorded.
    kept: Arc<Vec<Kept>>,
}

/// The command.
///
/// # Errors
/// When an agreement does not permit it, or the holder refuses, lies or is down.
pub async fn command(node: Arc<Node>, request: Run, _progress: Progress) -> Result<RunAnswer, Failure> {
    let asking = prepare::prepare(&node, request).await?;
    let (exchange, content) = asking.request_exchange(&node)?;
    // Access first: whoever gets none has asked for nothing yet, and has nothing to account for.
    let access = node
        .negotiator
        .start_transfer(&node, &asking.agreement, PROCESSES, &asking.agreement.declares)
        .await?;
    let ran = match asking.record_requested(&node, &exchange, &content).await {
        Ok(()) => asking.ask(&node, &access, &exchange, &content).await,
        Err(unrecorded) => Err(unrecorded),
    };
    node.negotiator.complete_transfer(&node, &access).await;
    match ran {
        Ok(outputs) => asking.receive(&node, &access.base(), outputs).await,
        Err(failure) => {
            // What the holder says of it, if it says anything: a run that it counts, and of which nothing is shown, reads like one
            // that is kept back.
            if let Err(error) = asking.record_failed(&node, &access.base()).await {
                tracing::warn!(%error, "how the run ended could not be recorded");
            }
            Err(failure)
        }
    }
}

impl Asking {
    fn exchange(&self, node: &Node, phase: Phase, content: &Content) -> Result<Exchange, Failure> {
        Ok(Exchange {
            transaction: self.transaction.parse().map_err(Failure::failed)?,
            segment: 1,
            phase,
            agreement: self.agreement.id.clone(),
            provider: self.agreement.other.clone(),
            consumer: node.did.clone(),
            subject: Subject::Model {
                model: self.process.model().id().to_owned(),
                version: self.process.model().version().to_owned(),
            },
            from: 0,
            to: content.bytes,
            content: content.mac(),
        })
    }

    /// The exchange of the request: we compose it, the model's holder recomputes it.
    fn request_exchange(&self, node: &Node) -> Result<(Exchange, Content), Failure> {
        let bytes = request_bytes(&self.inputs, self.request.parameters())?;
        let content = Content::digest(node.entropy.bytes32(), &bytes, "application/json");
        Ok((self.exchange(node, Phase::RunRequest, &content)?, content))
    }

    fn stream(&self) -> StreamKey {
        StreamKey::Agreement {
            agreement: self.agreement.id.clone(),
            side: Side::Consumer.into(),
            other: self.agreement.other.clone(),
        }
    }

    fn run_section(&self, status: &str, outputs: &[Value]) -> Value {
        json!({
            "transaction": self.transaction, "agreement": self.agreement.id, "model": self.process.model().id(),
            "version": self.process.model().version(), "inputs": self.inputs, "outputs": outputs, "seed": self.request.seed(),
            "status": status, "environment": {}, "program": self.process.program_sha256(), "case": self.case,
        })
    }

    fn draft(&self, kind: Kind) -> Draft {
        let draft = Draft::new(kind, self.trace.clone())
            .stream(self.stream())
            .term(Term::Transaction(self.transaction.clone()))
            .term(Term::Agreement(self.agreement.id.clone()))
            .term(Term::Model(self.process.model().id().to_owned()))
            .term(Term::Party(self.agreement.other.clone()));
        match &self.case {
            Some(case) => draft.term(Term::Case(case.clone())),
            None => draft,
        }
    }

    async fn record_requested(&self, node: &Node, exchange: &Exchange, content: &Content) -> Result<(), Failure> {
        let draft = self
            .draft(Kind::RunRequested)
            .exchanged(exchange, content)
            .section(SectionName::Run, self.run_section("requested", &[]))
            .section(
                SectionName::Parameters,
                Value::Object(self.request.parameters().clone()),
            )
            .evidence(Document {
                role: "process".to_owned(),
                media_type: "application/json".to_owned(),
                bytes: self.process.document().map_err(Failure::failed)?,
            });
        node.append_keeping(draft, Arc::clone(&self.kept)).await?;
        Ok(())
    }

    /// Asks, and asks for the same again where the answer was lost: the holder has it run once, and gives what that came to. Whoever asked for another
    /// run would pay twice.
    async fn ask(
        &self,
        node: &Node,
        access: &crate::dsp_shell::Access,
        exchange: &Exchange,
        content: &Content,
    ) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let message = Duration::from_millis(node.config.network.request_timeout_ms);
        let within = call_limits(self.process.model().limits(), message);
        let mut last = None;
        // However often it is asked for, no longer than one answer may take.
        let asked = tokio::time::timeout(within.total, async {
            let (mut lost, mut pause) = (0, FIRST_PAUSE);
            loop {
                let failure = match self.ask_once(node, access, (exchange, content), within).await {
                    Ok(outputs) => return Ok(outputs),
                    Err(Unanswered::Refused(failure)) => return Err(failure),
                    // The holder has no room for it, and has begun nothing.
                    Err(Unanswered::Busy(failure)) if lost == 0 => return Err(failure),
                    Err(Unanswered::Lost(failure)) if lost >= IN_VAIN => return Err(failure),
                    // What was lost is still being run.
                    Err(Unanswered::Busy(failure)) => failure,
                    Err(Unanswered::Lost(failure)) => {
                        lost += 1;
                        tracing::info!(%failure, transaction = %self.transaction, "the answer to a run was lost; it is asked for again");
                        failure
                    }
                };
                last = Some(failure);
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause.saturating_mul(2));
            }
        });
        let asked = asked.await;
        asked.unwrap_or_else(|_| {
            Err(last.unwrap_or_else(|| {
                Failure::unreachable(format!(
                    "`{}` gave no answer to a run within {} s",
                    self.agreement.other,
                    within.total.as_secs()
                ))
            }))
        })
    }

    async fn ask_once(
        &self,
        node: &Node,
        access: &crate::dsp_shell::Access,
        (exchange, content): (&Exchange, &Content),
        within: CallLimits,
    ) -> Result<Vec<(String, Vec<u8>)>, Unanswered> {
        let url = &access.endpoint;
        let log = super::log_under(&self.agreement, "a run")?;
        let seen = node.peers.seen_size(log).map_err(Failure::failed)?;
        let say = Say {
            method: &Method::POST,
            url,
            token: &access.token,
            transaction: &self.transaction,
            agreement: &self.agreement.id,
            trace: &self.trace,
            seen,
            body: &self.body,
            from: None,
        };
        let mut headers = signed_headers(node, &say)?;
        let encoded = |value: &Value| crate::node::header(&URL_SAFE_NO_PAD.encode(value.to_string()));
        headers.insert(
            EXCHANGE,
            encoded(&json!({"exchange": exchange.to_value(), "content": content.to_value()}))?,
        );
        headers.insert(ONWARD, encoded(&Value::Object(self.onward.clone()))?);
        let answer = node
            .client
            .post_within(url, headers, Bytes::from(self.body.clone()), within)
            .await
            .map_err(|error| match error.is_passing() {
                true => Unanswered::Lost(error.into()),
                false => Unanswered::Refused(error.into()),
            })?;
        if !answer.status.is_success() {
            let refusal = super::pull::refusal(&self.agreement.other, log, seen, answer.status, &answer.body);
            return Err(match answer.status {
                StatusCode::SERVICE_UNAVAILABLE => Unanswered::Busy(refusal),
                // Of something in between, which does not know what came of it.
                StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => {
                    Unanswered::Lost(refusal)
                }
                _ => Unanswered::Refused(refusal),
            });
        }
        let limits = Limits {
            max_bytes: usize::try_from(within.body_bytes).unwrap_or(usize::MAX),
            ..Limits::MESSAGE
        };
        parse_document(&self.process, self.request.outputs(), &answer.body, &limits).map_err(|e| {
            let why = format!("the results of `{}` are refused: {e}", self.agreement.other);
            Unanswered::Refused(Failure::untrusted(why))
        })
    }
}

/// Why one request brought no outputs.
enum Unanswered {
    /// No answer came, or not all of it: whether it was run is not known.
    Lost(Failure),
    /// The holder says that it cannot at this moment.
    Busy(Failure),
    /// It does not, or what it gives is refused.
    Refused(Failure),
}

impl<T: Into<Failure>> From<T> for Unanswered {
    fn from(failure: T) -> Self {
        Self::Refused(failure.into())
    }
}

/// How long the holder may take over a run of a model with these limits, and how much it may send.
///
/// Beside the time for a message (`message`) and for the inputs, the program has its own, and as much again to wait for another
/// one to end. Outputs that are no canonical JSON travel as base64: four bytes for each three.
fn call_limits(model: limits::Limits, message: Duration) -> CallLimits {
    let wall = Duration::from_millis(model.wall_ms);
    CallLimits {
        total: message.saturating_add(INPUTS).saturating_add(wall).saturating_add(wall),
        body_bytes: model
            .output_bytes
            .div_ceil(3)
            .saturating_mul(4)
            .saturating_add(AROUND_OUTPUTS_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_may_take_what_its_model_may_take() {
        let hour = limits::Limits {
            wall_ms: 3_600_000,
            output_bytes: 256 << 20,
            ..limits::Limits::default()
        };
        let within = call_limits(hour, Duration::from_secs(30));
        assert_eq!(within.total, Duration::from_secs(2 * 3_600 + 300 + 30));
        // All of the outputs in base64, and what stands around them.
        assert!(within.body_bytes >= (256 << 20) / 3 * 4 + (1 << 20));
        assert!(within.body_bytes < 512 << 20);
    }
}
