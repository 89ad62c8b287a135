//! `policy`: what a dataset or a model service of ours is offered under, for who wants to try that.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Offered, OfferedAnswer};
use crate::node::Node;
use crate::state::{ModelEntry, OfferEntry, VersionEntry};
use std::sync::Arc;

/// The offers of the version that was published last and not withdrawn.
///
/// # Errors
/// When nothing of this name is offered.
pub(super) async fn offered(node: Arc<Node>, request: Offered, _progress: Progress) -> Result<OfferedAnswer, Failure> {
    let id = &request.id;
    let mut found: Vec<(u64, String, Vec<OfferEntry>)> = Vec::new();
    for (_, entry) in node.state.scan::<VersionEntry>(&format!("dataset/{id}/"))? {
        if entry.withdrawn.is_none() {
            found.push((entry.published_ms, entry.version, entry.offers));
        }
    }
    for (_, entry) in node.state.scan::<ModelEntry>(&format!("model/{id}/"))? {
        if entry.withdrawn.is_none() {
            found.push((entry.published_ms, entry.version, entry.offers));
        }
    }
    let newest = found.into_iter().max_by_key(|(published_ms, ..)| *published_ms);
    let (_, version, offers) = newest.ok_or_else(|| {
        Failure::missing(format!("nothing is offered under `{id}`"))
            .next("give the identifier under which it was published")
    })?;
    Ok(OfferedAnswer {
        id: id.clone(),
        version,
        offers: offers.into_iter().map(|offer| offer.offer).collect(),
    })
}
