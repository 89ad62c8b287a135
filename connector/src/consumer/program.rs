//! Programs of models, fetched for dossiers.

use super::pull::{Wanted, bring};
use crate::commands::Failure;
use crate::control::progress::Progress;
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
    let wanted = Wanted {
        agreement: &agreement,
        declares: &agreement.declares,
        version: Some(run.version.clone()),
        sha256: Some(run.program.clone()),
        resource: None,
    };
    let (progress, _nobody) = Progress::channel();
    bring(node, wanted, &progress, &trace).await.map(|_| ())
}
