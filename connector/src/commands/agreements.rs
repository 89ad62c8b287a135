//! `negotiate` and `agreements`.

use super::Failure;
use super::catalog::{peer, summary};
use crate::control::progress::Progress;
use crate::control::protocol::{self, AgreementLine, AgreementList, Agreements, Negotiate, NegotiateAnswer};
use crate::dsp::id::Id;
use crate::dsp_shell::peer_catalogue;
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
    let (catalogue, base) = peer_catalogue(&node, &provider, &fresh_trace(&node)).await?;
    let target: Id = request.dataset.parse().map_err(Failure::usage)?;
    let resource = catalogue.resource(&target).ok_or_else(|| {
        Failure::missing(format!("`{provider}` does not offer `{target}`"))
            .next(format!("`herleid catalog {provider}` lists what it offers"))
    })?;
    let offer = match (&request.offer, resource.offers()) {
        (Some(id), _) => id.parse().map_err(Failure::usage)?,
        (None, [only]) => only.id().clone(),
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|o| o.id().as_str()).collect();
            return Err(Failure::usage(format!(
                "`{target}` is offered in {} ways; choose one with --offer: {}",
                ids.len(),
                ids.join(", ")
            )));
        }
    };
    let agreement = node
        .negotiator
        .request_agreement(&node, &provider, &base, resource, &offer, request.purpose.as_deref())
        .await?;
    Ok(NegotiateAnswer {
        agreement: agreement.id,
        state: "FINALIZED".to_owned(),
        index: None,
    })
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
        .map(|(_, entry)| AgreementLine {
            side: match entry.side {
                Side::Provider => protocol::Side::Provider,
                Side::Consumer => protocol::Side::Consumer,
            },
            policy: summary(&entry.agreement),
            open_until_ms: open_until(&entry.agreement),
            agreement: entry.id,
            other: entry.other,
            dataset: entry.target,
            closed: entry.terminated,
        })
        .collect();
    Ok(AgreementList { total, agreements })
}

/// The earliest `dateTime` bound of the permission to use, if there is one: until then access is open.
fn open_until(agreement: &serde_json::Value) -> Option<u64> {
    let permissions = agreement.get("permission")?.as_array()?;
    let bounds = permissions
        .iter()
        .flat_map(|p| {
            p.get("constraint")
                .and_then(serde_json::Value::as_array)
                .into_iter()
                .flatten()
        })
        .filter_map(|c| {
            let operand = c.get("leftOperand")?.as_str()?;
            let operator = c.get("operator")?.as_str()?;
            let right = c.get("rightOperand")?;
            let value = right.as_str().or_else(|| right.get("@value")?.as_str())?;
            (operand.ends_with("dateTime") && (operator.ends_with("lteq") || operator.ends_with("lt")))
                .then(|| herleid_vocab::time::parse_rfc3339_ms(value).ok())?
        });
    bounds.min()
}
