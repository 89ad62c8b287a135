//! `catalog`: what another holder offers.

use super::Failure;
use super::summary::summary;
use crate::control::progress::Progress;
use crate::control::protocol::{Catalog, CatalogAnswer, CatalogKind, CatalogLine, OfferLine};
use crate::dsp::catalog::{Resource, ResourceKind};
use crate::dsp_shell::{Total, read_catalogue};
use crate::node::{Node, fresh_trace};
use herleid_vocab::did::Did;
use std::sync::Arc;

/// Reads the catalogue of a peer.
///
/// # Errors
/// When it refuses or does not answer.
pub(super) async fn catalog(node: Arc<Node>, request: Catalog, _progress: Progress) -> Result<CatalogAnswer, Failure> {
    let peer = peer(&request.peer)?;
    let most = request
        .limit
        .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let read = read_catalogue(&node, &peer, &fresh_trace(&node), &request.filter, most).await?;
    let datasets = read.catalogue.resources().iter().take(most).map(line).collect();
    let (total, more) = match read.total {
        Total::Known(total) => (total, false),
        Total::MoreThan(read) => (read, true),
    };
    Ok(CatalogAnswer {
        peer,
        total,
        more,
        datasets,
    })
}

/// The peer that a person named.
///
/// # Errors
/// When it is not a DID.
pub(super) fn peer(text: &str) -> Result<Did, Failure> {
    text.parse().map_err(Failure::usage)
}

fn line(resource: &Resource) -> CatalogLine {
    let description = resource.description();
    CatalogLine {
        id: resource.id().to_string(),
        kind: match resource.kind() {
            ResourceKind::Dataset => CatalogKind::Dataset,
            ResourceKind::ModelService => CatalogKind::Model,
        },
        title: description
            .title
            .as_ref()
            .map_or_else(|| resource.id().to_string(), |t| t.text.clone()),
        version: description.version.clone(),
        media_type: resource.content().media_type.clone(),
        bytes: resource.content().bytes,
        offers: resource
            .offers()
            .iter()
            .map(|o| OfferLine {
                id: o.id().to_string(),
                summary: summary(o.as_value()),
            })
            .collect(),
    }
}
