//! From a published entry to what stands in the catalogue.

use super::Describer;
use super::metadata::{Metadata, Said};
use crate::dsp::catalog::{
    Content, Description, Distribution, HTTP_PULL, HTTP_PUSH, PROCESSES, PublishError, Resource, ResourceKind, S3_PUSH,
    Service, Text,
};
use crate::dsp::policy::CatalogueOffer;
use crate::state::{ModelEntry, OfferEntry, StateError, VersionEntry};
use std::sync::Arc;

/// Why our catalogue cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// An entry lacks what the protocol demands.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// An identifier or offer is not one.
    #[error("a published entry cannot stand in a catalogue: {0}")]
    Entry(String),
}

pub(super) fn entry(e: &dyn std::fmt::Display) -> CatalogueError {
    CatalogueError::Entry(e.to_string())
}

/// An entry of either kind.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A version of a dataset.
    Dataset(VersionEntry),
    /// A version of a model service.
    Model(ModelEntry),
}

impl Entry {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Dataset(v) => &v.dataset,
            Self::Model(m) => &m.model,
        }
    }

    pub(super) fn kind(&self) -> ResourceKind {
        match self {
            Self::Dataset(_) => ResourceKind::Dataset,
            Self::Model(_) => ResourceKind::ModelService,
        }
    }

    pub(super) fn offers(&self) -> &[OfferEntry] {
        match self {
            Self::Dataset(v) => &v.offers,
            Self::Model(m) => &m.offers,
        }
    }

    pub(super) fn published_ms(&self) -> u64 {
        match self {
            Self::Dataset(v) => v.published_ms,
            Self::Model(m) => m.published_ms,
        }
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        match self {
            Self::Dataset(v) => v.withdrawn.is_some(),
            Self::Model(m) => m.withdrawn.is_some(),
        }
    }

    fn version(&self) -> &str {
        match self {
            Self::Dataset(v) => &v.version,
            Self::Model(m) => &m.version,
        }
    }

    pub(super) fn key(&self) -> String {
        match self {
            Self::Dataset(v) => format!("dataset/{}/{}", v.dataset, v.version),
            Self::Model(m) => format!("model/{}/{}", m.model, m.version),
        }
    }

    /// What is said of it; of an entry that an older build wrote, what it kept.
    pub(super) fn metadata(&self) -> Metadata {
        let plain = |text: &str| (!text.is_empty()).then(|| Said::Plain(text.to_owned()));
        let mut metadata = match self {
            Self::Dataset(v) => v.metadata.clone().unwrap_or_default(),
            Self::Model(m) => m.metadata.clone().unwrap_or_default(),
        };
        let (title, description, licence) = match self {
            Self::Dataset(v) => (&v.title, v.description.as_str(), v.licence.clone()),
            Self::Model(m) => (&m.title, "", None),
        };
        metadata.title = metadata.title.or_else(|| plain(title));
        metadata.description = metadata.description.or_else(|| plain(description));
        metadata.licence = metadata.licence.or(licence);
        metadata
    }

    /// In which ways it is given; `push` says whether this connector pushes at all.
    pub(super) fn formats(&self, push: bool) -> Vec<&'static str> {
        let mut formats = match self {
            Self::Dataset(_) => vec![HTTP_PULL],
            Self::Model(m) if m.program_in_dossier => vec![PROCESSES, HTTP_PULL],
            Self::Model(_) => vec![PROCESSES],
        };
        // What can be fetched can be sent.
        if push && formats.contains(&HTTP_PULL) {
            formats.extend([HTTP_PUSH, S3_PUSH]);
        }
        formats
    }

    fn content(&self) -> Content {
        match self {
            Self::Dataset(v) => Content {
                media_type: Some(v.media_type.clone()),
                bytes: v.digests.as_ref().map(|d| d.bytes),
                sha256: v.digests.as_ref().map(|d| d.sha256.clone()),
                blake3: v.digests.as_ref().map(|d| d.blake3.clone()),
            },
            Self::Model(m) => Content {
                sha256: Some(m.program.clone()),
                ..Content::default()
            },
        }
    }
}

impl Describer {
    /// The connector as a data service.
    pub(super) fn connector(&self) -> Result<Service, CatalogueError> {
        Ok(Service {
            id: format!("{}#connector", self.did).parse().map_err(|e| entry(&e))?,
            endpoint: self.base.parse().map_err(|e| entry(&e))?,
            conforms_to: Vec::new(),
            more: serde_json::Map::new(),
        })
    }

    /// An entry as it stands in the catalogue.
    pub(super) fn resource(&self, from: &Entry) -> Result<Resource, CatalogueError> {
        let metadata = from.metadata();
        let language = self.language(&metadata);
        let text = |said: &Option<Said>| {
            let (tag, text) = said.as_ref()?.texts(&language).into_iter().next()?;
            Some(Text {
                text,
                language: Some(tag).filter(|t| !t.is_empty()),
            })
        };
        let offers = from.offers().iter();
        let offers: Vec<CatalogueOffer> = offers
            .map(|o| CatalogueOffer::try_from(o.offer.clone()).map_err(|e| entry(&e)))
            .collect::<Result<_, _>>()?;
        let description = Description {
            title: text(&metadata.title),
            description: text(&metadata.description),
            publisher: Some(self.agent_iri(self.publisher_of(&metadata))),
            licence: Some(self.licence_iri(&metadata, from)),
            version: Some(from.version().to_owned()),
        };
        let distributions = from
            .formats(self.push)
            .into_iter()
            .map(|format| {
                Ok(Distribution {
                    format: format.to_owned(),
                    service: Some(Arc::new(self.connector()?)),
                    more: self.of_distribution(from, &metadata, format),
                })
            })
            .collect::<Result<_, CatalogueError>>()?;
        let made = Resource::new(
            from.id().parse().map_err(|e| entry(&e))?,
            from.kind(),
            description,
            from.content(),
            distributions,
            offers,
        )?;
        Ok(made.with(self.of_resource(from, &metadata)))
    }
}
