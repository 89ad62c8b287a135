//! What was pulled under an agreement, passed on to the holder of a model: whether its agreement permits that, and access to fetch it.

use super::{ONWARD_MS, consumer_agreement};
use crate::commands::Failure;
use crate::deciding::{self, Asker, DISTRIBUTE, Decided};
use crate::models::process::{Content as InputContent, InputValue, Pin};
use crate::node::Node;
use crate::provider::grants;
use crate::state::{AgreementEntry, GrantEntry, GrantPurpose, PullEntry, set};
use serde_json::json;

/// A pull that may be passed on.
pub(super) struct Permitted {
    pull: PullEntry,
    agreement: AgreementEntry,
}

/// Why one may not be.
pub(super) enum Refused {
    /// By its policy, which is recorded.
    Decided {
        /// The pull.
        pull: Box<PullEntry>,
        /// What was decided.
        decided: Box<Decided>,
    },
    /// For anything else.
    Otherwise(Failure),
}

impl<T: Into<Failure>> From<T> for Refused {
    fn from(failure: T) -> Self {
        Self::Otherwise(failure.into())
    }
}

impl Refused {
    /// The same for whoever asked; a denial is recorded first.
    pub(super) async fn recorded(self, node: &Node, model: &AgreementEntry, trace: &str) -> Failure {
        let (pull, decided) = match self {
            Self::Decided { pull, decided } => (pull, decided),
            Self::Otherwise(failure) => return failure,
        };
        let facts = json!({
            "what": "pass-on", "party": model.other.as_str(), "transaction": pull.transaction, "agreement": pull.agreement, "decision": decided.record(),
        });
        if let Err(error) = grants::record_denial(node, facts, None, &decided, trace).await {
            return Failure::failed(error);
        }
        Failure::refused(format!(
            "`{}` may not be passed on to `{}`: {}",
            pull.dataset,
            model.other,
            decided.refusal(&node.did)
        ))
        .next("agree with its holder on an offer that permits `distribute` to that recipient")
    }
}

/// Whether a pull may be passed on. Nothing is recorded of it yet.
///
/// # Errors
/// Why not.
pub(super) fn weigh(node: &Node, pull: PullEntry, model: &AgreementEntry) -> Result<Permitted, Refused> {
    let agreement = consumer_agreement(node, &pull.agreement)?;
    crate::consumer::log_under(&agreement, "a recorded run on this input")?;
    if let Some(why) = &agreement.terminated {
        let why = format!(
            "agreement `{}` has ended, and what was had under it is not passed on: {why}",
            agreement.id
        );
        return Err(Failure::refused(why)
            .next("pull it again under an agreement that stands")
            .into());
    }
    // At the data it is decided again, on how much that is.
    let asker = Asker::presumed(&model.other).delivering_nothing();
    let asker = asker.declaring(&agreement.declares);
    let decided = deciding::under_agreement(node, &agreement, DISTRIBUTE, &asker)?;
    match decided.is_permit() {
        true => Ok(Permitted { pull, agreement }),
        false => Err(Refused::Decided {
            pull: Box::new(pull),
            decided: Box::new(decided),
        }),
    }
}

/// Gives the model's holder access to it, for a while.
///
/// # Errors
/// When the holder's keys cannot be found out, or nothing can be written.
pub(super) async fn grant(
    node: &Node,
    permitted: Permitted,
    model: &AgreementEntry,
) -> Result<(InputValue, Option<String>), Failure> {
    let Permitted { pull, agreement } = permitted;
    let recipient = node.documents.resolve(&model.other).await?;
    let onward = node.fresh_id();
    let grant = GrantEntry {
        id: node.fresh_id(),
        kind: GrantPurpose::Onward,
        agreement: pull.agreement.clone(),
        consumer: model.other.clone(),
        subject: pull.dataset.clone(),
        version: Some(pull.version.clone()),
        digests: Some(pull.digests.clone()),
        media_type: Some(pull.media_type.clone()),
        transaction: Some(onward.clone()),
        source: Some(pull.transaction.clone()),
        bearer_sha256: None,
        push: false,
        declares: agreement.declares.clone(),
        until_ms: node.now_ms() + ONWARD_MS,
        closed: None,
    };
    let token = grants::token(node, &grant, &recipient, None).map_err(Failure::failed)?;
    node.state.write(vec![set(GrantEntry::key(&grant.id), &grant)?])?;
    let pin = Pin {
        dataset: Some(pull.dataset),
        version: Some(pull.version),
        agreement: Some(pull.agreement),
        transaction: Some(onward),
        sha256: pull.digests.sha256,
        blake3: pull.digests.blake3,
        bytes: pull.digests.bytes,
    };
    let href = format!("{}/data/{}", node.public_url, grant.id);
    Ok((
        InputValue {
            content: InputContent::Reference { href },
            pin: Some(pin),
        },
        Some(token),
    ))
}
