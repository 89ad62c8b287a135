//! Our catalogue from what is published, and catalogues of others.

use crate::catalogue::CatalogueError;
use crate::commands::Failure;
use crate::dsp::catalog::Resource;
use crate::dsp::id::Id;
use crate::node::Node;
use herleid_credentials::did_document::CATALOG_SERVICE;
use herleid_vocab::did::Did;

/// One published dataset or model.
///
/// # Errors
/// When the state cannot be read.
pub fn own_resource(node: &Node, id: &Id) -> Result<Option<Resource>, CatalogueError> {
    node.catalogue.resource(id.as_str())
}

/// Where `did` speaks the Dataspace Protocol: the versioned base from its DID document.
///
/// # Errors
/// When its document cannot be had or names no catalogue.
pub async fn peer_base(node: &Node, did: &Did) -> Result<String, Failure> {
    if let Some(known) = node.shortcuts.find(did) {
        return Ok(known.address.to_string());
    }
    let document = node.documents.resolve(did).await?;
    let url = document
        .document()
        .endpoint(CATALOG_SERVICE)
        .map_err(|e| Failure::missing(format!("`{did}` offers no catalogue: {e}")))?;
    Ok(url
        .as_str()
        .trim_end_matches('/')
        .trim_end_matches("/catalog")
        .to_owned())
}

/// Scheme, host and port of a versioned base: where the rest of a Herleid lives.
#[must_use]
pub fn base_url(versioned_base: &str) -> String {
    versioned_base
        .trim_end_matches('/')
        .trim_end_matches(crate::http::DSP_PATH)
        .to_owned()
}
