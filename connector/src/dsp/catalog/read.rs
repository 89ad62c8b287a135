//! A peer's catalogue, read into the model. Tolerant: what cannot be used is passed over and named, so that one odd dataset does not hide
//! the others. What is taken over is checked as strictly as in a message: nobody negotiates about an offer that was half understood.

mod terms;

use super::write::{self, MODEL_SERVICE};
use super::{Catalogue, Description, Distribution, Resource, ResourceKind, Service};
use crate::dsp::context;
use crate::dsp::node::{MessageError, Node};
use crate::dsp::policy::CatalogueOffer;
use herleid_vocab::json::{self, Limits};
use herleid_vocab::terms::HERLEID;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use terms::{CATALOG, DUBLIN, content, iris, text, weight};

/// Part of a peer's catalogue that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Why, and where.
    pub why: String,
}

/// 10,000 datasets of 1,600 bytes, the most that one page is expected to hold.
const CATALOGUE: Limits = Limits {
    max_bytes: 16 << 20,
    max_depth: 32,
};

/// What else a peer says of one thing is kept up to so many bytes, as it lies in memory: it lies beside the agreement as evidence.
const MORE_BYTES: usize = 64 * 1024;
/// Ways to get one dataset that are kept: each is written with its service, so 100 * 2 * `MORE_BYTES` are 13 MB.
const MOST_DISTRIBUTIONS: usize = 100;
/// What a data service conforms to: so many standards, each an IRI as long as an address may be (64 KiB).
const MOST_STANDARDS: usize = 32;
const STANDARD_BYTES: usize = 2048;
/// Parts passed over that are named; further ones are counted, or a list of nothing would fill the memory and the log.
const MOST_NAMED: usize = 100;

impl Catalogue {
    /// Parses a peer's catalogue; datasets of catalogues within it are taken along. The second value names what was passed over.
    ///
    /// # Errors
    /// When it is no catalogue at all, or it cannot be said whose it is.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Vec<Ignored>), MessageError> {
        let value = json::parse(bytes, &CATALOGUE)?;
        let node = Node::root(&value)?;
        let mut reader = Reader::new(&node)?;
        node.typed("Catalog")?;
        reader.services_of(&node);
        reader.resources_of(&node);
        let mut catalogue = Self {
            id: node.id("@id")?,
            participant: node.id("participantId")?,
            title: text(&node, DUBLIN, "title"),
            services: std::mem::take(&mut reader.services),
            resources: std::mem::take(&mut reader.resources),
            more: Map::new(),
        };
        catalogue.more = reader.more(&node, write::envelope(&catalogue));
        Ok((catalogue, reader.ignored()))
    }
}

impl Resource {
    /// Parses a peer's answer about one dataset.
    ///
    /// # Errors
    /// When it is no dataset, or has no offer or distribution that can be used.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Vec<Ignored>), MessageError> {
        let value = json::parse(bytes, &CATALOGUE)?;
        let node = Node::root(&value)?;
        let mut reader = Reader::new(&node)?;
        let resource = reader.resource(&node)?;
        Ok((resource, reader.ignored()))
    }
}

struct Reader {
    services: Vec<Arc<Service>>,
    /// The first service of each name: what names it shares it, however often it is named.
    by_id: HashMap<String, Arc<Service>>,
    resources: Vec<Resource>,
    ignored: Vec<Ignored>,
    /// How many more were passed over.
    unnamed: usize,
}

/// The objects of a member that should be an array and may be a single object; one after the other, since a list of places may be much
/// longer than the list itself.
fn each<'a>(node: &Node<'a>, name: &str) -> impl Iterator<Item = Result<Node<'a>, MessageError>> {
    let place = node.place(name);
    let (several, single) = match node.get(name) {
        None => (&[][..], None),
        Some(Value::Array(items)) => (items.as_slice(), None),
        Some(single) => (&[][..], Some(Node::at(single, place.clone()))),
    };
    let numbered = several.iter().enumerate();
    single
        .into_iter()
        .chain(numbered.map(move |(i, item)| Node::at(item, format!("{place}/{i}"))))
}

impl Reader {
    /// Contexts that are not known are named, not refused: only terms of the protocol's protected context and absolute IRIs are read,
    /// whose meaning no other context can change.
    fn new(node: &Node<'_>) -> Result<Self, MessageError> {
        let foreign = context::read(node.get("@context"))?.0;
        let mut reader = Self {
            services: Vec::new(),
            by_id: HashMap::new(),
            resources: Vec::new(),
            ignored: Vec::new(),
            unnamed: 0,
        };
        for context in foreign {
            reader.pass_over(&format!(
                "the context `{context}` is not known here; its terms are not read"
            ));
        }
        Ok(reader)
    }

    fn pass_over(&mut self, why: &dyn std::fmt::Display) {
        if self.ignored.len() < MOST_NAMED {
            self.ignored.push(Ignored { why: why.to_string() });
        } else {
            self.unnamed += 1;
        }
    }

    /// What was passed over.
    fn ignored(mut self) -> Vec<Ignored> {
        if self.unnamed > 0 {
            let why = format!("{} more parts are passed over", self.unnamed);
            self.ignored.push(Ignored { why });
        }
        self.ignored
    }

    fn services_of(&mut self, catalogue: &Node<'_>) {
        for found in each(catalogue, "service") {
            match found.and_then(|node| self.service(&node)) {
                Ok(service) => {
                    let service = Arc::new(service);
                    let id = service.id.as_str().to_owned();
                    self.by_id.entry(id).or_insert_with(|| Arc::clone(&service));
                    self.services.push(service);
                }
                Err(error) => self.pass_over(&error),
            }
        }
        // Bounded by the 32 levels of the JSON limits. What is no catalogue is named with the datasets.
        for inner in each(catalogue, "catalog").flatten() {
            self.services_of(&inner);
        }
    }

    fn resources_of(&mut self, catalogue: &Node<'_>) {
        for found in each(catalogue, "dataset") {
            match found.and_then(|node| self.resource(&node)) {
                Ok(resource) => self.resources.push(resource),
                Err(error) => self.pass_over(&error),
            }
        }
        for found in each(catalogue, "catalog") {
            match found {
                Ok(inner) => self.resources_of(&inner),
                Err(error) => self.pass_over(&error),
            }
        }
    }

    fn resource(&mut self, node: &Node<'_>) -> Result<Resource, MessageError> {
        node.typed_if_there("Dataset")?;
        let id = node.id("@id")?;
        let mut offers = Vec::new();
        for found in each(node, "hasPolicy") {
            match found.and_then(|offer| CatalogueOffer::read(&offer)) {
                Ok(offer) => offers.push(offer),
                Err(error) => self.pass_over(&error),
            }
        }
        let mut nodes = Vec::new();
        let mut read = Vec::new();
        let mut distributions = Vec::new();
        for found in each(node, "distribution").take(MOST_DISTRIBUTIONS) {
            match found {
                Ok(distribution) => nodes.push(distribution),
                Err(error) => self.pass_over(&error),
            }
        }
        let stated = node.get("distribution").and_then(Value::as_array).map_or(0, Vec::len);
        if stated > MOST_DISTRIBUTIONS {
            let place = node.place("distribution");
            self.pass_over(&format!(
                "`{place}` has {stated} items; the first {MOST_DISTRIBUTIONS} are read"
            ));
        }
        for distribution in &nodes {
            match self.distribution(distribution) {
                Ok(made) => {
                    distributions.push(made);
                    read.push(distribution);
                }
                Err(error) => self.pass_over(&error),
            }
        }
        for (what, empty) in [
            ("hasPolicy", offers.is_empty()),
            ("distribution", distributions.is_empty()),
        ] {
            if empty {
                return Err(node.form(what, "an array with at least one item that can be used"));
            }
        }
        let is_model = iris(node, DUBLIN, "type")
            .iter()
            .any(|iri| iri.strip_prefix(HERLEID) == Some(MODEL_SERVICE));
        let kind = if is_model {
            ResourceKind::ModelService
        } else {
            ResourceKind::Dataset
        };
        let described = if is_model { Some(node) } else { nodes.first() };
        let licence = iris(node, DUBLIN, "license").into_iter().next();
        let of_distribution = || nodes.iter().find_map(|d| iris(d, DUBLIN, "license").into_iter().next());
        let mut made = Resource {
            id,
            kind,
            description: Description {
                title: text(node, DUBLIN, "title"),
                description: text(node, DUBLIN, "description"),
                publisher: iris(node, DUBLIN, "publisher").into_iter().next(),
                licence: licence.or_else(of_distribution),
                version: text(node, CATALOG, "version").map(|version| version.text),
            },
            content: described.map(content).unwrap_or_default(),
            distributions,
            offers,
            more: Map::new(),
        };
        made.more = self.more(node, write::dataset(&made));
        let of_each: Vec<_> = read
            .iter()
            .zip(&made.distributions)
            .map(|(node, d)| self.more(node, write::distribution(d, &made)))
            .collect();
        for (distribution, more) in made.distributions.iter_mut().zip(of_each) {
            distribution.more = more;
        }
        Ok(made)
    }

    /// What else is said of something, beside what was `written` of it again: the members whose names no context of others can change.
    fn more(&mut self, node: &Node<'_>, written: Map<String, Value>) -> Map<String, Value> {
        let others = node.members().iter().filter(|(name, value)| {
            let firm = name.starts_with(DUBLIN.0) || name.starts_with(CATALOG.0) || name.contains("://");
            firm && written.get(*name) != Some(*value)
        });
        let others: Vec<(&String, &Value)> = others.collect();
        let bytes: usize = others.iter().map(|(name, value)| name.len() + weight(value)).sum();
        if bytes <= MORE_BYTES {
            let kept = others.into_iter();
            return kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        }
        self.pass_over(&format!(
            "{}: what is said beside what the protocol needs takes {bytes} bytes; at most {MORE_BYTES} are kept",
            node.place("")
        ));
        Map::new()
    }

    fn service(&mut self, node: &Node<'_>) -> Result<Service, MessageError> {
        node.typed_if_there("DataService")?;
        let stated = iris(node, DUBLIN, "conformsTo");
        let known = stated.len();
        let fit = stated.into_iter().filter(|iri| iri.len() <= STANDARD_BYTES);
        let conforms_to: Vec<String> = fit.take(MOST_STANDARDS).collect();
        if conforms_to.len() < known {
            let place = node.place("dct:conformsTo");
            self.pass_over(&format!(
                "`{place}`: of {known} standards, {} are kept: at most {MOST_STANDARDS}, each of at most {STANDARD_BYTES} bytes",
                conforms_to.len()
            ));
        }
        let mut made = Service {
            id: node.id("@id")?,
            endpoint: node.address("endpointURL")?,
            conforms_to,
            more: Map::new(),
        };
        made.more = self.more(node, write::service(&made));
        Ok(made)
    }

    fn distribution(&mut self, node: &Node<'_>) -> Result<Distribution, MessageError> {
        let service = match node.require("accessService")? {
            Value::String(id) => self.by_id.get(id).cloned(),
            _ => Some(Arc::new(self.service(&node.child("accessService")?)?)),
        };
        if service.is_none() {
            self.pass_over(&node.form("accessService", "a data service of this catalogue"));
        }
        Ok(Distribution {
            format: node.text("format")?.to_owned(),
            service,
            more: Map::new(),
        })
    }
}
