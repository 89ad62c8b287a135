//! What is recorded of a run: that it started, and its one end.

use super::again::unended;
use super::interrupted::{OpenRun, open_key};
use super::{Asked, Sent, output_value, result_bytes};
use crate::deciding::Decided;
use crate::http::Refusal;
use crate::identity::Lost;
use crate::models::sandbox::Output;
use crate::node::Node;
use crate::provider::{outstanding, stream};
use crate::state::{Side, set};
use axum::http::StatusCode;
use herleid_ledger::AppendError;
use herleid_ledger::handover::{Content, Phase};
use herleid_ledger::record::{Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What of a reason is recorded and told, in characters.
const REASON_CHARS: usize = 2_000;

impl Asked<'_> {
    /// Durable before the program runs; takes its place among what is outstanding, and leaves a mark until the run's end.
    pub(in crate::provider) async fn record_started(
        &self,
        node: &Node,
        sent: &Sent,
        decided: &Decided,
    ) -> Result<(), Refusal> {
        let consumer = &self.agreement.other;
        let transaction = self.access.transaction().to_owned();
        let facts = json!({"transaction": transaction, "decision": decided.record()});
        let same = Sha256::digest(sent.exchange.to_string());
        let open = OpenRun {
            agreement: self.agreement.id.clone(),
            consumer: consumer.clone(),
            model: self.model.model.clone(),
            version: self.model.version.clone(),
        };
        let (key, value) = set(open_key(consumer, &transaction), &open).map_err(|e| Refusal::internal(&e))?;
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
            .stream(stream(&self.agreement))
            .stream(StreamKey::Model {
                model: self.model.model.clone(),
                consumer: consumer.clone(),
            })
            .once(format!("run/{consumer}/{transaction}"), same.into())
            .term(Term::Transaction(transaction))
            .term(Term::Agreement(self.agreement.id.clone()))
            .term(Term::Model(self.model.model.clone()))
            .term(Term::Party(consumer.clone()))
            .put(key, value);
        for document in self.access.evidence() {
            draft = draft.evidence(document);
        }
        let draft = outstanding::reserve(node, decided.reserve(draft), &self.agreement.id);
        match node.append(draft).await {
            Ok(recorded) if recorded.replayed() => Err(unended(node, self.access)),
            Ok(_) => {
                // Set once: nothing starts twice.
                let _ = self.places.set(decided.decision.reservations().to_vec());
                Ok(())
            }
            Err(e @ (AppendError::Conflict { .. } | AppendError::Exhausted { .. })) => {
                let waiting = outstanding::refusal(node, &self.agreement.id, &e);
                let waiting = waiting.or_else(|| crate::payments::refusal(&self.agreement.id, &e));
                Err(waiting.unwrap_or_else(|| Refusal::denied(&e)))
            }
            Err(e) => Err(Refusal::internal(&e)),
        }
    }

    /// Records the outputs. On an error nothing is recorded, and the run has not ended.
    pub(in crate::provider) async fn record_finished(
        &self,
        node: &Node,
        ran: &[Output],
        environment: Value,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let (agreement, consumer, transaction) = (&self.agreement.id, &self.agreement.other, self.access.transaction());
        let (mut outputs, mut stored) = (Vec::new(), Vec::new());
        let draft = Draft::new(Kind::RunFinished, self.trace);
        for output in ran {
            let digests = node.payloads.put(&output.bytes)?;
            outputs.push(output_value(&output.name, &output.media_type, &digests));
            stored.push(digests);
        }
        let bytes = result_bytes(&outputs)?;
        let content = Content::digest(node.entropy.bytes32(), &bytes, "application/json");
        let exchange = self
            .exchange(node, Phase::RunResult, content.mac(), content.bytes)
            .ok_or("the transaction is not a UUID")?;
        let draft = draft
            .exchanged(&exchange, &content)
            .section(SectionName::Run, self.run_section("finished", &outputs, environment))
            .stream(stream(&self.agreement))
            .once(end_key(consumer, transaction), Sha256::digest("finished").into())
            .term(Term::Transaction(transaction.to_owned()))
            .term(Term::Agreement(self.agreement.id.clone()))
            .term(Term::Model(self.model.model.clone()))
            .put(open_key(consumer, transaction), None);
        let draft = outstanding::wait(node, draft, agreement, transaction, consumer)?;
        node.append_keeping(draft, stored).await?;
        Ok(())
    }

    /// Records that there are no outputs, and gives what the consumer is told.
    pub(in crate::provider) async fn record_failed(
        &self,
        node: &Node,
        status: StatusCode,
        reason: &str,
        environment: Value,
    ) -> Refusal {
        let reason: String = reason.chars().take(REASON_CHARS).collect();
        let mut run = self.run_section("failed", &[], environment);
        if let Some(members) = run.as_object_mut() {
            members.insert("reason".to_owned(), json!(reason));
        }
        let (agreement, consumer, transaction) = (&self.agreement.id, &self.agreement.other, self.access.transaction());
        let draft = failed(run, agreement, consumer, transaction, self.trace);
        let places = self.places.get().map(Vec::as_slice).unwrap_or_default();
        let draft = crate::payments::give_back(draft, places);
        let because = self.ended.get().map(Lost::evidence).unwrap_or_default();
        let draft = because.into_iter().fold(draft, Draft::evidence);
        match node.append(draft.put(open_key(consumer, transaction), None)).await {
            Ok(_) => Refusal::new(status, "run-failed", &reason),
            Err(e) => Refusal::internal(&e),
        }
    }
}

/// The record of a run without outputs. There is nothing to send a receipt for, so its place is given back; the mark of the open
/// run is for whoever appends it to remove.
pub(super) fn failed(run: Value, agreement: &str, consumer: &Did, transaction: &str, trace: &str) -> Draft {
    Draft::new(Kind::RunFailed, trace)
        .section(SectionName::Run, run)
        .stream(StreamKey::Agreement {
            agreement: agreement.to_owned(),
            side: Side::Provider.into(),
            other: consumer.clone(),
        })
        .once(end_key(consumer, transaction), Sha256::digest("failed").into())
        .term(Term::Transaction(transaction.to_owned()))
        .term(Term::Agreement(agreement.to_owned()))
        .release(outstanding::counter(agreement), 1)
}

/// A run ends once: finished or failed.
fn end_key(consumer: &Did, transaction: &str) -> String {
    format!("run-end/{consumer}/{transaction}")
}
