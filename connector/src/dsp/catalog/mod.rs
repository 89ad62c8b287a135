//! The catalogue: our datasets and model services as DCAT, and a peer's catalogue read into the same model.
//!
//! A model service is negotiated like a dataset (an agreement is about exactly one `dcat:Dataset`), so it stands in the catalogue as one,
//! marked by `dct:type`; where it runs is a data service of its own, which its agreement opens.
//!
//! Written are the terms of the protocol's context, names under its prefixes `dct` and `dcat`, and absolute IRIs for everything else: so
//! that a peer that expands JSON-LD loses nothing. Sources: catalog protocol, "ACK - Catalog", "ACK - Dataset";
//! `catalog/catalog-schema.json`, `catalog/dataset-schema.json`; DCAT 3, 6.8.

mod read;
mod write;

pub use read::Ignored;

use super::id::{Address, Id};
use super::policy::CatalogueOffer;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// Format of a distribution that is fetched over HTTP, as EDC and the protocol's examples call it.
pub const HTTP_PULL: &str = "HttpData-PULL";
/// Sent to an HTTP endpoint that the consumer names; as EDC calls it.
pub const HTTP_PUSH: &str = "HttpData-PUSH";
/// Written to an object in a bucket that the consumer names; as EDC calls it.
pub const S3_PUSH: &str = "AmazonS3-PUSH";
/// Format of a model service that is run through OGC API - Processes.
pub const PROCESSES: &str = "OgcApiProcesses";
/// What a data service conforms to that runs models (OGC 18-062r2).
pub const PROCESSES_CONFORMANCE: &str = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core";

/// A text and its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// BCP 47 tag, if one was given.
    pub language: Option<String>,
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// Bytes.
    Dataset,
    /// A model that can be run.
    ModelService,
}

/// What the bytes are: of a dataset, or of the program of a model service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Media type, such as `text/csv`.
    pub media_type: Option<String>,
    /// Length in bytes.
    pub bytes: Option<u64>,
    /// Lower-case hex of the SHA-256.
    pub sha256: Option<String>,
    /// Lower-case hex of the BLAKE3 digest.
    pub blake3: Option<String>,
}

/// What people read about a resource. Of ours, title, publisher and version are always there; of a peer's, perhaps nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    /// Title.
    pub title: Option<Text>,
    /// Description.
    pub description: Option<Text>,
    /// Participant id of the publisher.
    pub publisher: Option<String>,
    /// IRI of the licence.
    pub licence: Option<String>,
    /// Version.
    pub version: Option<String>,
}

/// A data service: a connector, or where a model is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Identifier.
    pub id: Id,
    /// Base URL: of the protocol's endpoints for a connector.
    pub endpoint: Address,
    /// IRIs of what it conforms to; empty for a connector.
    pub conforms_to: Vec<String>,
    /// What else is said of it, as JSON-LD: names with a prefix of the protocol's context, and absolute IRIs.
    pub more: Map<String, Value>,
}

/// A way to get a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// Format, which a transfer request repeats.
    pub format: String,
    /// Through which connector. A peer may leave the details in its list of services, or out. Shared by all that name it, or a short answer
    /// would take as much memory as its distributions times its longest service.
    pub service: Option<Arc<Service>>,
    /// What else is said of it, as of a [`Service`].
    pub more: Map<String, Value>,
}

/// A dataset or a model service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    id: Id,
    kind: ResourceKind,
    description: Description,
    content: Content,
    distributions: Vec<Distribution>,
    offers: Vec<CatalogueOffer>,
    more: Map<String, Value>,
}

/// A catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    id: Id,
    participant: Id,
    title: Option<Text>,
    services: Vec<Arc<Service>>,
    resources: Vec<Resource>,
    more: Map<String, Value>,
}

/// Why a resource or a catalogue cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The protocol demands at least one.
    #[error("`{id}` has no {what}: the protocol demands at least one")]
    None {
        /// Of what.
        id: Id,
        /// Offer, distribution or data service.
        what: &'static str,
    },
    /// A property that everything published here has.
    #[error("`{id}` has no {property}: add it before publishing")]
    Property {
        /// Of what.
        id: Id,
        /// Which.
        property: &'static str,
    },
    /// Twice the same identifier, so that a message about it could mean either.
    #[error("the identifier `{id}` stands twice in the catalogue: each {what} needs one of its own")]
    Twice {
        /// Which.
        id: Id,
        /// Resource or offer.
        what: &'static str,
    },
    /// A digest that is none.
    #[error("`{id}`: the {algorithm} digest must be 64 lower-case hexadecimal digits")]
    Digest {
        /// Of what.
        id: Id,
        /// Which digest.
        algorithm: &'static str,
    },
}

impl Resource {
    /// A resource of ours.
    ///
    /// # Errors
    /// When something is missing that the protocol demands, or without which nobody could use it: offer, distribution with a service,
    /// title, publisher, version.
    pub fn new(
        id: Id,
        kind: ResourceKind,
        description: Description,
        content: Content,
        distributions: Vec<Distribution>,
        offers: Vec<CatalogueOffer>,
    ) -> Result<Self, PublishError> {
        let property = |property| PublishError::Property {
            id: id.clone(),
            property,
        };
        let none = |what| PublishError::None { id: id.clone(), what };
        if description
            .title
            .as_ref()
            .is_none_or(|title| title.text.trim().is_empty())
        {
            return Err(property("title"));
        }
        if description.publisher.is_none() {
            return Err(property("publisher"));
        }
        if description.version.is_none() {
            return Err(property("version"));
        }
        for (algorithm, digest) in [("SHA-256", &content.sha256), ("BLAKE3", &content.blake3)] {
            if digest.as_ref().is_some_and(|digest| !is_digest(digest)) {
                return Err(PublishError::Digest { id, algorithm });
            }
        }
        if offers.is_empty() {
            return Err(none("offer"));
        }
        if distributions.is_empty() || distributions.iter().any(|d| d.service.is_none() || d.format.is_empty()) {
            return Err(none("distribution with a format and a data service"));
        }
        Ok(Self {
            id,
            kind,
            description,
            content,
            distributions,
            offers,
            more: Map::new(),
        })
    }

    /// The same with what else is said of it, as JSON-LD; where it says what the description says, it holds.
    #[must_use]
    pub fn with(mut self, more: Map<String, Value>) -> Self {
        self.more = more;
        self
    }

    /// What else is said of it.
    #[must_use]
    pub fn more(&self) -> &Map<String, Value> {
        &self.more
    }

    /// Identifier: the target of its offers and agreements.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Dataset or model service.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// What people read.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// What the bytes are.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Ways to get it.
    #[must_use]
    pub fn distributions(&self) -> &[Distribution] {
        &self.distributions
    }

    /// Under which policies.
    #[must_use]
    pub fn offers(&self) -> &[CatalogueOffer] {
        &self.offers
    }

    /// The offer with this identifier.
    #[must_use]
    pub fn offer(&self, id: &Id) -> Option<&CatalogueOffer> {
        self.offers.iter().find(|offer| offer.id() == id)
    }
}

impl Catalogue {
    /// Our catalogue, or the page of it that a participant may see. It may be without resources, never without a data service.
    ///
    /// # Errors
    /// When there is no data service, or an identifier stands twice.
    pub fn new(
        id: Id,
        participant: Id,
        title: Option<Text>,
        services: Vec<Service>,
        resources: Vec<Resource>,
    ) -> Result<Self, PublishError> {
        if services.is_empty() {
            return Err(PublishError::None {
                id,
                what: "data service",
            });
        }
        let mut seen = HashSet::new();
        let mut offers = HashSet::new();
        for resource in &resources {
            if !seen.insert(&resource.id) {
                return Err(PublishError::Twice {
                    id: resource.id.clone(),
                    what: "resource",
                });
            }
            for offer in &resource.offers {
                if !offers.insert(offer.id()) {
                    return Err(PublishError::Twice {
                        id: offer.id().clone(),
                        what: "offer",
                    });
                }
            }
        }
        Ok(Self {
            id,
            participant,
            title,
            services: services.into_iter().map(Arc::new).collect(),
            resources,
            more: Map::new(),
        })
    }

    /// The same with what else is said of it, as JSON-LD.
    #[must_use]
    pub fn with(mut self, more: Map<String, Value>) -> Self {
        self.more = more;
        self
    }

    /// What else is said of it.
    #[must_use]
    pub fn more(&self) -> &Map<String, Value> {
        &self.more
    }

    /// Adds the next page of the same catalogue; what is there already stays as it is.
    pub fn join(&mut self, page: Self) {
        let known: HashSet<Id> = self.resources.iter().map(|r| r.id.clone()).collect();
        self.resources
            .extend(page.resources.into_iter().filter(|r| !known.contains(&r.id)));
    }

    /// Identifier.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Whose it is.
    #[must_use]
    pub fn participant(&self) -> &Id {
        &self.participant
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> Option<&Text> {
        self.title.as_ref()
    }

    /// Connectors, and where models are run.
    #[must_use]
    pub fn services(&self) -> &[Arc<Service>] {
        &self.services
    }

    /// What is in it.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The resource with this identifier.
    #[must_use]
    pub fn resource(&self, id: &Id) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == *id)
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
