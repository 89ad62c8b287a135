//! Our catalogue from what is published, and catalogues of others.

use crate::commands::Failure;
use crate::dsp::catalog::{
    Catalogue, Content, Description, Distribution, HTTP_PULL, PROCESSES, PROCESSES_CONFORMANCE, PublishError, Resource,
    ResourceKind, Service, Text,
};
use crate::dsp::id::Id;
use crate::dsp::message::{CatalogRequest, Message as _};
use crate::dsp::policy::CatalogueOffer;
use crate::node::Node;
use crate::state::{ModelEntry, OfferEntry, StateError, VersionEntry};
use herleid_credentials::did_document::CATALOG_SERVICE;
use herleid_vocab::did::Did;
use std::collections::{BTreeMap, HashSet};

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

fn entry(e: &dyn std::fmt::Display) -> CatalogueError {
    CatalogueError::Entry(e.to_string())
}

fn service(node: &Node) -> Result<Service, CatalogueError> {
    Ok(Service {
        id: format!("{}#connector", node.did).parse().map_err(|e| entry(&e))?,
        endpoint: super::own_base(node).parse().map_err(|e| entry(&e))?,
        conforms_to: Vec::new(),
    })
}

fn offers(entries: &[OfferEntry]) -> Result<Vec<CatalogueOffer>, CatalogueError> {
    entries
        .iter()
        .map(|o| CatalogueOffer::try_from(o.offer.clone()).map_err(|e| entry(&e)))
        .collect()
}

fn text(value: &str) -> Option<Text> {
    (!value.is_empty()).then(|| Text {
        text: value.to_owned(),
        language: None,
    })
}

fn dataset(node: &Node, v: &VersionEntry) -> Result<Resource, CatalogueError> {
    let description = Description {
        title: text(&v.title),
        description: text(&v.description),
        publisher: Some(node.did.to_string()),
        licence: v.licence.clone(),
        version: Some(v.version.clone()),
    };
    let content = Content {
        media_type: Some(v.media_type.clone()),
        bytes: v.digests.as_ref().map(|d| d.bytes),
        sha256: v.digests.as_ref().map(|d| d.sha256.clone()),
        blake3: v.digests.as_ref().map(|d| d.blake3.clone()),
    };
    let distributions = vec![Distribution {
        format: HTTP_PULL.to_owned(),
        service: Some(service(node)?),
    }];
    let id = v.dataset.parse().map_err(|e| entry(&e))?;
    Ok(Resource::new(
        id,
        ResourceKind::Dataset,
        description,
        content,
        distributions,
        offers(&v.offers)?,
    )?)
}

fn model(node: &Node, m: &ModelEntry) -> Result<Resource, CatalogueError> {
    let description = Description {
        title: text(&m.title),
        description: None,
        publisher: Some(node.did.to_string()),
        licence: None,
        version: Some(m.version.clone()),
    };
    let content = Content {
        sha256: Some(m.program.clone()),
        ..Content::default()
    };
    let mut formats = vec![PROCESSES];
    if m.program_in_dossier {
        formats.push(HTTP_PULL);
    }
    let service = service(node)?;
    let distributions = formats
        .into_iter()
        .map(|f| Distribution {
            format: f.to_owned(),
            service: Some(service.clone()),
        })
        .collect();
    let id = m.model.parse().map_err(|e| entry(&e))?;
    Ok(Resource::new(
        id,
        ResourceKind::ModelService,
        description,
        content,
        distributions,
        offers(&m.offers)?,
    )?)
}

/// What is published and not withdrawn, newest versions only, by identifier.
#[derive(Default)]
struct Published {
    datasets: BTreeMap<String, VersionEntry>,
    models: BTreeMap<String, ModelEntry>,
}

impl Published {
    fn read(node: &Node) -> Result<Self, StateError> {
        let mut found = Self::default();
        for (_, v) in node.state.scan::<VersionEntry>("dataset/")? {
            let newer = |old: &VersionEntry| old.published_ms <= v.published_ms;
            if v.withdrawn.is_none() && found.datasets.get(&v.dataset).is_none_or(newer) {
                found.datasets.insert(v.dataset.clone(), v);
            }
        }
        for (_, m) in node.state.scan::<ModelEntry>("model/")? {
            let newer = |old: &ModelEntry| old.published_ms <= m.published_ms;
            if m.withdrawn.is_none() && found.models.get(&m.model).is_none_or(newer) {
                found.models.insert(m.model.clone(), m);
            }
        }
        Ok(found)
    }

    /// Each as it stands in a catalogue, or why it cannot.
    fn resources(&self, node: &Node) -> impl Iterator<Item = Result<Resource, CatalogueError>> {
        let datasets = self.datasets.values().map(|v| dataset(node, v));
        datasets.chain(self.models.values().map(|m| model(node, m)))
    }
}

/// What is to be published: looked at before it is recorded.
pub enum Candidate<'a> {
    /// A version of a dataset.
    Dataset(&'a VersionEntry),
    /// A version of a model service.
    Model(&'a ModelEntry),
}

/// Whether the catalogue can be made once `candidate` stands in it.
///
/// # Errors
/// What would not fit: an offer with a target, an identifier that another dataset, model or offer has.
pub fn check_candidate(node: &Node, candidate: &Candidate<'_>) -> Result<(), CatalogueError> {
    let mut published = Published::read(node)?;
    let (id, offers) = match candidate {
        Candidate::Dataset(v) => (&v.dataset, &v.offers),
        Candidate::Model(m) => (&m.model, &m.offers),
    };
    // Older versions as well: when a newer one is withdrawn they are offered again.
    for (other, taken) in offered(node)? {
        if let Some(offer) = offers.iter().find(|offer| other != *id && offer.id == taken) {
            return Err(CatalogueError::Entry(format!(
                "the offer identifier `{}` is that of an offer for `{other}`",
                offer.id
            )));
        }
    }
    match candidate {
        Candidate::Dataset(v) => {
            dataset(node, v)?;
            published.datasets.insert(v.dataset.clone(), (*v).clone());
        }
        Candidate::Model(m) => {
            model(node, m)?;
            published.models.insert(m.model.clone(), (*m).clone());
        }
    }
    let resources = published.resources(node).collect::<Result<_, _>>()?;
    catalogue(node, resources).map(drop)
}

/// Everything that can be offered. What cannot was refused when it was published; should one have got in all the same, the
/// others must not vanish with it.
fn resources(node: &Node) -> Result<Vec<Resource>, CatalogueError> {
    let published = Published::read(node)?;
    let mut seen = HashSet::new();
    let mut fits = |resource: &Resource| {
        let offers = resource.offers().iter().map(|offer| format!("offer {}", offer.id()));
        let names: Vec<String> = offers.chain([format!("resource {}", resource.id())]).collect();
        let free = names.iter().all(|name| !seen.contains(name));
        seen.extend(names);
        free
    };
    let whole = published.resources(node).filter_map(|made| match made {
        Ok(resource) if fits(&resource) => Some(resource),
        Ok(resource) => {
            let id = resource.id();
            tracing::error!(%id, "a published entry is left out of the catalogue: it has an identifier of another one");
            None
        }
        Err(error) => {
            tracing::error!(%error, "a published entry is left out of the catalogue");
            None
        }
    });
    Ok(whole.collect())
}

/// Every offer that is not withdrawn: what it is for, and its identifier.
fn offered(node: &Node) -> Result<Vec<(String, String)>, StateError> {
    let mut found = Vec::new();
    for (_, v) in node.state.scan::<VersionEntry>("dataset/")? {
        let offers = v.offers.into_iter().filter(|_| v.withdrawn.is_none());
        found.extend(offers.map(|offer| (v.dataset.clone(), offer.id)));
    }
    for (_, m) in node.state.scan::<ModelEntry>("model/")? {
        let offers = m.offers.into_iter().filter(|_| m.withdrawn.is_none());
        found.extend(offers.map(|offer| (m.model.clone(), offer.id)));
    }
    Ok(found)
}

fn catalogue(node: &Node, resources: Vec<Resource>) -> Result<Catalogue, CatalogueError> {
    let id: Id = format!("{}#catalogue", node.did).parse().map_err(|e| entry(&e))?;
    let participant: Id = node.did.as_str().parse().map_err(|e| entry(&e))?;
    let mut services = vec![service(node)?];
    services.push(Service {
        id: format!("{}#processes", node.did).parse().map_err(|e| entry(&e))?,
        endpoint: node.public_url.parse().map_err(|e| entry(&e))?,
        conforms_to: vec![PROCESSES_CONFORMANCE.to_owned()],
    });
    let title = text(&node.config.participant.name);
    Ok(Catalogue::new(id, participant, title, services, resources)?)
}

/// The catalogue as others get it.
///
/// # Errors
/// When the state cannot be read.
pub fn own_catalogue(node: &Node) -> Result<Catalogue, CatalogueError> {
    catalogue(node, resources(node)?)
}

/// One published dataset or model.
///
/// # Errors
/// When the state cannot be read.
pub fn own_resource(node: &Node, id: &Id) -> Result<Option<Resource>, CatalogueError> {
    Ok(resources(node)?.into_iter().find(|r| r.id() == id))
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

/// The catalogue of `did`, and its versioned base.
///
/// # Errors
/// When it refuses, with its reason, or does not answer.
pub async fn peer_catalogue(node: &Node, did: &Did, trace: &str) -> Result<(Catalogue, String), Failure> {
    let base = peer_base(node, did).await?;
    let headers = node.message_headers(did, None, trace)?;
    let body = CatalogRequest::default().to_json(None);
    let url = format!("{base}/{}", crate::dsp::path::CATALOG);
    let answer = node.client.post_json(&url, headers, body.to_string().into()).await?;
    let status = answer.status.as_u16();
    if !answer.status.is_success() {
        let reason = crate::dsp::error::reason_in(status, &answer.body);
        let message = format!("`{did}` refused its catalogue: {reason}");
        return Err(if status < 500 {
            Failure::refused(message)
        } else {
            Failure::failed(message)
        });
    }
    let (catalogue, ignored) = Catalogue::parse(&answer.body)
        .map_err(|e| Failure::failed(format!("the catalogue of `{did}` is not understood: {e}")))?;
    for passed_over in ignored {
        tracing::warn!(?passed_over, "part of a catalogue was passed over");
    }
    if *catalogue.participant() != node.participant_id(did).map_err(Failure::failed)? {
        return Err(Failure::untrusted(format!(
            "`{did}` served the catalogue of `{}`",
            catalogue.participant()
        )));
    }
    Ok((catalogue, base))
}
