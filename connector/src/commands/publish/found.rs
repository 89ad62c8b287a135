//! What is to be published, looked at: whence it comes, and what it is at this moment.

use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{PublishSource, Unit};
use crate::node::Node;
use crate::payloads::Kept;
use crate::sources::SourceError;
use crate::state::{Digests, SourceEntry};
use herleid_vocab::json;
use serde_json::json;
use std::path::Path;

/// What a dataset version will be.
pub(super) struct Found {
    pub(super) source: SourceEntry,
    /// `None` of an API.
    pub(super) digests: Option<Digests>,
    /// Of a file: its copy, until it is recorded.
    pub(super) kept: Option<Kept>,
    /// The version, if the publisher names none.
    pub(super) version: String,
    /// The media type, if the publisher names none.
    pub(super) media_type: String,
}

/// Looks at a file, an object or an API that is to be published; a file is copied into the payload store.
///
/// # Errors
/// When it is not there or cannot be read, or the configuration does not name its source.
pub(super) async fn look(node: &Node, source: &PublishSource, progress: &Progress) -> Result<Found, Failure> {
    let mut kept = None;
    let (source, digests, name) = match source {
        PublishSource::File(path) => {
            let (payloads, from) = (node.payloads.clone(), path.clone());
            let imported = tokio::task::spawn_blocking(move || payloads.import(&from)).await;
            let copy = kept.insert(imported.map_err(Failure::failed)??);
            (SourceEntry::File, Some(copy.digests().clone()), path.clone())
        }
        PublishSource::S3 { store, key } => {
            let found = node.sources.look(store, key).await.map_err(|e| refused(&e))?;
            let pinned = SourceEntry::S3 {
                store: store.clone(),
                key: key.clone(),
                etag: found.etag,
                version: found.version,
            };
            (pinned, Some(found.digests), key.into())
        }
        PublishSource::Api { api, paths, queries } => {
            node.sources.allow(api, paths, queries).map_err(|e| refused(&e))?;
            let published = SourceEntry::Api {
                api: api.clone(),
                paths: paths.clone(),
                queries: queries.clone(),
            };
            (published, None, "answer.json".into())
        }
        PublishSource::Model(_) => return Err(Failure::usage("a model is not a dataset")),
    };
    let version = match (&digests, &source) {
        (Some(digests), _) => digests.sha256.clone(),
        // The interface is what stays the same.
        (None, source) => Digests::of(&json::canonical(&json!(source))?).sha256,
    };
    if let Some(digests) = &digests {
        progress.step("publish", digests.bytes, Some(digests.bytes), Unit::Bytes);
    }
    Ok(Found {
        source,
        digests,
        kept,
        version: version.chars().take(16).collect(),
        media_type: guess_media_type(&name).to_owned(),
    })
}

fn refused(error: &SourceError) -> Failure {
    match error {
        SourceError::Unknown(name) => Failure::missing(format!("the configuration names no source `{name}`"))
            .next("name it under `[sources]` in herleid.toml (docs/transfers.md), and start the service again"),
        SourceError::Absent(_) => Failure::missing(error),
        SourceError::NotAllowed(_) => Failure::usage(error),
        SourceError::Changed(_) | SourceError::Failed(_) => Failure::unreachable(error)
            .next("the service's log says what the source answered; see to address, name and credentials"),
    }
}

fn guess_media_type(path: &Path) -> &'static str {
    match path
        .extension()
        .and_then(|e| e.to_str())
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("json") => "application/json",
        Some("geojson") => "application/geo+json",
        Some("csv") => "text/csv",
        Some("gpkg") => "application/geopackage+sqlite3",
        Some("xml") => "application/xml",
        _ => "application/octet-stream",
    }
}
