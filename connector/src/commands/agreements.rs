//! `negotiate` and `agreements`.

use super::Failure;
use super::catalog::peer;
use super::summary::{open_until, summary};
use crate::control::progress::Progress;
use crate::control::protocol::{self, AgreementLine, AgreementList, Agreements, Negotiate, NegotiateAnswer};
use crate::deciding::{self, Asker, USE};
use crate::dsp::catalog::Resource;
use crate::dsp::id::Id;
use crate::dsp_shell::peer_resource;
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, Side};
use std::sync::Arc;

/// Comes to an agreement.
///
/// # Errors
/// When the holder refuses, with its reason.
pub(super) async fn negotiate(
    node: Arc<Node>,
    request: Negotiate,
    _progress: Progress,
) -> Result<NegotiateAnswer, Failure> {
    let provider = peer(&request.peer)?;
    let target: Id = request.dataset.parse().map_err(Failure::usage)?;
    let (resource, base) = peer_resource(&node, &provider, &fresh_trace(&node), &target).await?;
    let offer = chosen_offer(&resource, request.offer.as_deref())?;
    let agreement = node
        .negotiator
        .request_agreement(&node, &provider, &base, &resource, &offer, &request.declares())
        .await?;
    Ok(NegotiateAnswer {
        agreement: agreement.id,
        state: "FINALIZED".to_owned(),
        index: None,
    })
}

/// The offer of `resource` that is meant: the one with this id, or the only one.
///
/// # Errors
/// When there are several, and none is named.
pub(crate) fn chosen_offer(resource: &Resource, named: Option<&str>) -> Result<Id, Failure> {
    match (named, resource.offers()) {
        (Some(id), _) => id.parse().map_err(Failure::usage),
        (None, [only]) => Ok(only.id().clone()),
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|o| o.id().as_str()).collect();
            Err(Failure::usage(format!(
                "`{}` is offered in {} ways; choose one with --offer: {}",
                resource.id(),
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

/// Lists agreements.
pub(super) async fn list(node: Arc<Node>, request: Agreements, _progress: Progress) -> Result<AgreementList, Failure> {
    let entries = node.state.scan::<AgreementEntry>("agreement/")?;
    let total = entries.len() as u64;
    let most = request
        .limit
        .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let agreements = entries
        .into_iter()
        .take(most)
        .map(|(_, entry)| line(&node, entry))
        .collect::<Result<_, Failure>>()?;
    Ok(AgreementList { total, agreements })
}

/// An agreement as it is shown.
///
/// # Errors
/// When it cannot be found out whether it may be used.
pub(crate) fn line(node: &Node, entry: AgreementEntry) -> Result<AgreementLine, Failure> {
    // Terminated, or such that its policy would not grant use any more: a period that is over, a count that is used up.
    let closed = match &entry.terminated {
        Some(why) => Some(why.clone()),
        None => {
            let asker = match entry.side {
                Side::Provider => Asker::presumed(&entry.other),
                Side::Consumer => Asker::ourselves(&node.did),
            };
            let asker = asker.delivering_nothing().declaring(&entry.declares);
            let decided = deciding::under_agreement(node, &entry, USE, &asker)?;
            (!decided.is_permit()).then(|| decided.headline())
        }
    };
    Ok(AgreementLine {
        side: match entry.side {
            Side::Provider => protocol::Side::Provider,
            Side::Consumer => protocol::Side::Consumer,
        },
        policy: summary(&entry.agreement),
        open_until_ms: open_until(&entry.agreement),
        agreement: entry.id,
        other: entry.other,
        dataset: entry.target,
        closed,
    })
}
