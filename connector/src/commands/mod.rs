//! The commands of a running connector, as the control socket hands them over. Each answers only with what is durable.

mod agreements;
mod anchors;
mod catalog;
mod credential;
mod decide;
mod described;
pub(crate) mod doctor;
mod exports;
mod failure;
mod negotiations;
mod offered;
mod publish;
mod status;
mod summary;
mod trace;
mod transfers;

pub(crate) use agreements::{chosen_offer, line as agreement_line};
pub(crate) use doctor::{STEP, answer, failure, wrong};
pub use failure::Failure;
pub(crate) use negotiations::{Turn, counterparty, named, possible, turn};
pub(crate) use summary::{open_until, permits_until, summary};

use crate::control::error::{Code, ControlError};
use crate::control::progress::Progress;
use crate::control::protocol as p;
use crate::node::Node;
use serde_json::Value;
use std::sync::Arc;

/// Carries out one command.
///
/// # Errors
/// What a person is told: what failed, what was expected, what to do next.
pub async fn handle(node: Arc<Node>, command: String, body: Value, progress: Progress) -> Result<Value, ControlError> {
    macro_rules! dispatch {
        ($($request:ty => $function:expr),+ $(,)?) => {
            match command.as_str() {
                $(<$request as p::Command>::NAME => {
                    let answer = $function(node, p::read::<$request>(body)?, progress).await.map_err(ControlError::from)?;
                    p::answer::<$request>(&answer)
                })+
                other => Err(ControlError::new(Code::Usage, format!("`{other}` is not a command of this version"))
                    .expected("the commands that `herleid --help` lists, from the same version as the running service")),
            }
        };
    }
    dispatch! {
        p::Publish => publish::publish,
        p::Withdraw => publish::withdraw,
        p::Credential => credential::credential,
        p::Catalog => catalog::catalog,
        p::Negotiate => agreements::negotiate,
        p::Negotiations => negotiations::list,
        p::Negotiation => negotiations::negotiation,
        p::Agreements => agreements::list,
        p::Duties => crate::duties::list,
        p::Duty => crate::duties::fulfil,
        p::Payment => crate::payments::payment,
        p::Payments => crate::payments::list,
        p::Pull => crate::consumer::pull::command,
        p::Push => crate::consumer::pull::pushed::command,
        p::Transfers => transfers::list,
        p::Transfer => transfers::step,
        p::Run => crate::consumer::run::command,
        p::Decide => decide::decide,
        p::Trace => trace::trace,
        p::Dossier => crate::dossier::command,
        p::Anchors => anchors::anchors,
        p::LedgerExport => exports::export,
        p::Erase => crate::erasure::erase,
        p::Hold => crate::erasure::hold,
        p::Status => status::status,
        p::Doctor => doctor::doctor,
        p::Reconcile => crate::reconcile::command,
        p::Backup => crate::backup::backup,
        p::Retention => crate::erasure::retention,
        p::Offered => offered::offered,
    }
}
