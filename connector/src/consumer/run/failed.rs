//! A run without outputs: what its holder says of that is recorded here as well.

use super::Asking;
use crate::commands::Failure;
use crate::node::Node;
use crate::provider::run::request_bytes;
use herleid_ledger::handover::{HandedOver, Phase, VerifiedRecord};
use herleid_ledger::record::{Document, Kind};
use herleid_ledger::section::SectionName;
use serde_json::{Value, json};

impl Asking {
    /// Records that the run failed, with the holder's records of its start and of its end as evidence. Without both nothing is
    /// recorded: it did not start, or may still go on.
    ///
    /// # Errors
    /// When the holder gives no receipts, or others than of what was asked.
    pub(super) async fn record_failed(&self, node: &Node, base: &str) -> Result<(), Failure> {
        let receipts = self.receipts(node, base).await?;
        let Some(ended) = receipts.iter().find_map(|(_, record)| self.failed(record)) else {
            return Ok(());
        };
        let started = receipts
            .iter()
            .map(|(_, record)| record)
            .find(|r| phase(r) == Some(Phase::RunRequest));
        let Some(started) = started else { return Ok(()) };
        let bytes = request_bytes(&self.inputs, self.request.parameters())?;
        self.check_exchange(node, started, Phase::RunRequest, &bytes)?;
        let mut run = self.run_section("failed", &[]);
        if let Some(members) = run.as_object_mut() {
            members.insert("reason".to_owned(), json!(ended));
        }
        let mut draft = self.draft(Kind::RunFailed).section(SectionName::Run, run);
        for (handed, _) in &receipts {
            draft = draft.evidence(as_evidence(handed)?);
        }
        node.append(draft).await?;
        Ok(())
    }

    /// The reason, if this is the holder's record of the failure of this very run.
    fn failed(&self, record: &VerifiedRecord) -> Option<String> {
        let run = record.section(SectionName::Run)?;
        let own = self.run_section("failed", &[]);
        let same = ["transaction", "agreement", "model", "version", "inputs", "status"];
        let is_this = same.iter().all(|member| run.get(member) == own.get(member));
        is_this.then(|| run.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned())
    }
}

fn phase(record: &VerifiedRecord) -> Option<Phase> {
    record.exchange()?.ok().map(|exchange| exchange.phase)
}

/// A receipt as evidence.
pub(super) fn as_evidence(handed: &HandedOver) -> Result<Document, Failure> {
    Ok(Document {
        role: "receipt".to_owned(),
        media_type: "application/json".to_owned(),
        bytes: handed.to_bytes().map_err(Failure::failed)?,
    })
}
