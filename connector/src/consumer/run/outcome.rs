//! After a model has run: the holder's receipts are checked against what was asked and what came, and only then is it recorded.

use super::Asking;
use super::failed::as_evidence;
use crate::commands::Failure;
use crate::consumer::{log_of, log_under, receipts};
use crate::control::protocol::{OutputLine, RunAnswer};
use crate::node::Node;
use crate::payloads::Kept;
use crate::peers::same_exchange;
use crate::provider::access::SEEN;
use crate::provider::run::{output_value, request_bytes, result_bytes};
use crate::state::{Digests, OutputEntry, RunEntry, set};
use herleid_ledger::handover::{Content, HandedOver, Phase, VerifiedRecord};
use herleid_ledger::record::{Kind, StreamKey};
use herleid_ledger::section::SectionName;
use serde_json::Value;

impl Asking {
    /// Checks the holder's receipts against what we asked and got, records it, and only then gives the outputs out.
    pub(super) async fn receive(
        self,
        node: &Node,
        base: &str,
        outputs: Vec<(String, Vec<u8>)>,
    ) -> Result<RunAnswer, Failure> {
        let mut kept = Vec::new();
        for (name, bytes) in &outputs {
            let media_type = self
                .process
                .model()
                .outputs()
                .iter()
                .find(|p| p.name == *name)
                .map_or("application/octet-stream", |p| p.media_type.as_str());
            kept.push(OutputEntry {
                name: name.clone(),
                media_type: media_type.to_owned(),
                digests: Digests::of(bytes),
            });
        }
        let values: Vec<Value> = kept
            .iter()
            .map(|o| output_value(&o.name, &o.media_type, &o.digests))
            .collect();
        let given = self.receipts(node, base).await?;
        let (started, finished) = self.check_receipts(node, &given, &values)?;
        // Trust in the holder may have been withdrawn since it was asked.
        node.admit(&self.agreement.other).map_err(Failure::refused)?;
        let stored = outputs.iter().map(|(_, bytes)| node.payloads.put(bytes));
        // Until they are recorded no erasure takes them away.
        let stored = stored.collect::<Result<Vec<_>, _>>()?;
        let model_stream = started
            .section(SectionName::StreamModel)
            .and_then(|s| Some((s.get("id")?.as_str()?.to_owned(), s.get("n")?.as_u64()?)));
        let entry = RunEntry {
            transaction: self.transaction.clone(),
            agreement: self.agreement.id.clone(),
            provider: self.agreement.other.clone(),
            model: self.process.model().id().to_owned(),
            version: self.process.model().version().to_owned(),
            program: self.process.program_sha256().to_owned(),
            outputs: kept.clone(),
            case: self.case.clone(),
            inputs: self.inputs.clone(),
            parameters: Value::Object(self.request.parameters().clone()),
            model_stream,
        };
        let index = self
            .record_received(node, base, (&given, &finished), &values, &entry, stored)
            .await?;
        receipts::deliver(node, &self.agreement.other, &self.transaction, &self.trace).await;
        let mut lines = Vec::new();
        for output in kept {
            lines.push(OutputLine {
                path: node.payloads.path(&output.digests.sha256)?,
                name: output.name,
                sha256: output.digests.sha256,
                bytes: output.digests.bytes,
            });
        }
        let transaction = self.transaction.parse().map_err(Failure::failed)?;
        Ok(RunAnswer {
            transaction,
            model: entry.model,
            version: entry.version,
            outputs: lines,
            index,
        })
    }

    /// The holder's receipts, each verified against its log and everything that it said before.
    pub(super) async fn receipts(&self, node: &Node, base: &str) -> Result<Vec<(HandedOver, VerifiedRecord)>, Failure> {
        let known = log_under(&self.agreement, "a run")?;
        let log = match known.did == self.agreement.other {
            true => known.clone(),
            false => log_of(node, &self.agreement.other).await?,
        };
        let seen = node.peers.seen_size(&log).map_err(Failure::failed)?;
        let mut headers = node.message_headers(&self.agreement.other, None, &self.trace)?;
        headers.insert(SEEN, crate::node::header(&seen.to_string())?);
        let url = format!("{base}/receipts/{}", self.transaction);
        let answer = node.client.get_json(&url, headers).await.and_then(|r| r.success());
        let withheld = |why: &dyn std::fmt::Display| {
            Failure::untrusted(format!(
                "receipt withheld: `{}` ran the model but gives no receipt for transaction {}: {why}",
                self.agreement.other, self.transaction
            ))
        };
        let answer = answer.map_err(|e| withheld(&e))?.json().map_err(|e| withheld(&e))?;
        let mut receipts = Vec::new();
        for value in answer.get("receipts").and_then(Value::as_array).into_iter().flatten() {
            let handed = HandedOver::from_value(value.clone()).map_err(|e| withheld(&e))?;
            let record = node.peers.accept(&log, &handed).await.map_err(Failure::untrusted)?;
            receipts.push((handed, record));
        }
        Ok(receipts)
    }

    fn check_receipts(
        &self,
        node: &Node,
        receipts: &[(HandedOver, VerifiedRecord)],
        outputs: &[Value],
    ) -> Result<(VerifiedRecord, VerifiedRecord), Failure> {
        let peer = self.agreement.other.to_string();
        let of = |phase: &str| {
            let found = receipts.iter().find(|(_, r)| {
                r.section(SectionName::Exchange)
                    .and_then(|e| e.get("phase"))
                    .and_then(Value::as_str)
                    == Some(phase)
            });
            found.map(|(_, r)| r).ok_or_else(|| {
                Failure::untrusted(format!(
                    "receipt withheld: `{peer}` gives none of phase `{phase}` for transaction {}",
                    self.transaction
                ))
            })
        };
        let (started, finished) = (of("run-request")?, of("run-result")?);
        let altered = |what: &str| {
            Failure::untrusted(format!(
                "exchange altered: `{peer}` recorded other {what} than this end sent or received"
            ))
        };
        if started.section(SectionName::Parameters) != Some(&Value::Object(self.request.parameters().clone())) {
            return Err(altered("parameters"));
        }
        if started.section(SectionName::StreamModel).is_none() {
            return Err(Failure::untrusted(format!(
                "receipt withheld: `{peer}` does not say which number of its stream the run has"
            )));
        }
        let asked = request_bytes(&self.inputs, self.request.parameters())?;
        self.check_exchange(node, started, Phase::RunRequest, &asked)?;
        self.check_exchange(node, finished, Phase::RunResult, &result_bytes(outputs)?)?;
        Ok((started.clone(), finished.clone()))
    }

    /// Whether the holder recorded, of this phase, what this end sent or received.
    pub(super) fn check_exchange(
        &self,
        node: &Node,
        record: &VerifiedRecord,
        phase: Phase,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        let peer = self.agreement.other.to_string();
        let altered = || {
            Failure::untrusted(format!(
                "exchange altered: `{peer}` recorded other content than this end sent or received"
            ))
        };
        let content = record.section(SectionName::Content).cloned().ok_or_else(altered)?;
        let content = Content::from_value(content).map_err(|_| altered())?;
        if Content::digest(content.salt, bytes, &content.media_type) != content {
            return Err(altered());
        }
        let expected = self.exchange(node, phase, &content)?.to_value();
        let recorded = record.section(SectionName::Exchange).unwrap_or(&Value::Null);
        same_exchange(&peer, recorded, &expected).map_err(Failure::untrusted)
    }

    async fn record_received(
        &self,
        node: &Node,
        base: &str,
        (given, finished): (&[(HandedOver, VerifiedRecord)], &VerifiedRecord),
        outputs: &[Value],
        entry: &RunEntry,
        stored: Vec<Kept>,
    ) -> Result<u64, Failure> {
        let (key, value) = set(RunEntry::key(&self.transaction), entry)?;
        let (owed, receipt) = receipts::owe(
            node,
            &self.agreement.other,
            &self.agreement.id,
            &self.transaction,
            base,
            1,
        )?;
        let section = |name| finished.section(name).cloned().unwrap_or_default();
        let mut draft = self
            .draft(Kind::RunReceived)
            .section(SectionName::Exchange, section(SectionName::Exchange))
            .section(SectionName::Content, section(SectionName::Content))
            .section(SectionName::Run, self.run_section("finished", outputs))
            .put(key, value)
            .put(owed, receipt);
        for (handed, _) in given {
            draft = draft.evidence(as_evidence(handed)?);
        }
        if let Some(case) = &self.case {
            draft = draft.stream(StreamKey::Case { case: case.clone() });
        }
        Ok(node.append_keeping(draft, stored).await?.index())
    }
}
