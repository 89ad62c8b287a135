//! Programs of models, fetched for dossiers.

use super::pull::{Source, fetch};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::dsp::catalog::HTTP_PULL;
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, RunEntry, Side};
use std::sync::Arc;

/// Brings the program of a run here, for a dossier, by a pull of its own under the agreement about the model.
///
/// # Errors
/// When its holder does not give it away.
pub(crate) async fn program_of(node: &Arc<Node>, run: &RunEntry) -> Result<(), Failure> {
    if node.payloads.path(&run.program)?.exists() {
        return Ok(());
    }
    let trace = fresh_trace(node);
    let agreement: AgreementEntry = node
        .state
        .get(&AgreementEntry::key(&run.agreement, Side::Consumer))?
        .ok_or_else(|| Failure::missing(format!("the agreement `{}` is not here", run.agreement)))?;
    let access = node
        .negotiator
        .start_transfer(node, &agreement, HTTP_PULL, agreement.purpose.as_deref())
        .await?;
    let source = Source {
        provider: agreement.other.clone(),
        log: agreement.other_log.clone(),
        base: access.base(),
        url: access.endpoint.clone(),
        token: access.token.clone(),
        agreement: agreement.id.clone(),
        dataset: agreement.target.clone(),
        version: Some(run.version.clone()),
        sha256: Some(run.program.clone()),
        transaction: node.fresh_id(),
        limit_bytes: node.config.limits.payload_bytes,
    };
    let (progress, _nobody) = Progress::channel();
    let fetched = fetch(node, &source, &progress, &trace).await;
    node.negotiator.complete_transfer(node, &access).await;
    fetched.map(|_| ())
}
