//! A peer's catalogue, read into the model. Tolerant: what cannot be used is passed over and named, so that one odd dataset does not hide
//! the others. What is taken over is checked as strictly as in a message: nobody negotiates about an offer that was half understood.

use super::write::{self, BLAKE3, MEDIA_TYPES, MODEL_SERVICE, SPDX};
use super::{Catalogue, Content, Description, Distribution, Resource, ResourceKind, Service, Text, is_digest};
use crate::dsp::context;
use crate::dsp::node::{MessageError, Node};
use crate::dsp::policy::CatalogueOffer;
use herleid_vocab::json::{self, Limits};
use herleid_vocab::terms::{DCAT, DCT, HERLEID};
use serde_json::{Map, Value};

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

/// What else a peer says of one thing is kept up to so many bytes: it lies beside the agreement as evidence.
const MORE_BYTES: usize = 64 * 1024;

/// Dublin Core terms: prefix in the protocol's context, and namespace.
const DUBLIN: (&str, &str) = ("dct:", DCT);
/// DCAT: prefix in the protocol's context, and namespace.
const CATALOG: (&str, &str) = ("dcat:", DCAT);

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
        Ok((catalogue, reader.ignored))
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
        Ok((resource, reader.ignored))
    }
}

struct Reader {
    services: Vec<Service>,
    resources: Vec<Resource>,
    ignored: Vec<Ignored>,
}

impl Reader {
    /// Contexts that are not known are named, not refused: only terms of the protocol's protected context and absolute IRIs are read,
    /// whose meaning no other context can change.
    fn new(node: &Node<'_>) -> Result<Self, MessageError> {
        let foreign = context::read(node.get("@context"))?.0;
        let why = |context| format!("the context `{context}` is not known here; its terms are not read");
        Ok(Self {
            services: Vec::new(),
            resources: Vec::new(),
            ignored: foreign
                .into_iter()
                .map(|context| Ignored { why: why(context) })
                .collect(),
        })
    }

    fn ignore(&mut self, error: &MessageError) {
        self.ignored.push(Ignored { why: error.to_string() });
    }

    /// The objects of a member that should be an array and may be a single object.
    fn each<'a>(&mut self, node: &Node<'a>, name: &str) -> Vec<Node<'a>> {
        let place = node.place(name);
        let items: Vec<(String, &'a Value)> = match node.get(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(i, item)| (format!("{place}/{i}"), item))
                .collect(),
            Some(single) => vec![(place, single)],
        };
        let mut nodes = Vec::with_capacity(items.len());
        for (at, item) in items {
            match Node::at(item, at) {
                Ok(node) => nodes.push(node),
                Err(error) => self.ignore(&error),
            }
        }
        nodes
    }

    fn services_of(&mut self, catalogue: &Node<'_>) {
        for node in self.each(catalogue, "service") {
            match self.service(&node) {
                Ok(service) => self.services.push(service),
                Err(error) => self.ignore(&error),
            }
        }
        // Bounded by the 32 levels of the JSON limits.
        for inner in self.each(catalogue, "catalog") {
            self.services_of(&inner);
        }
    }

    fn resources_of(&mut self, catalogue: &Node<'_>) {
        for node in self.each(catalogue, "dataset") {
            match self.resource(&node) {
                Ok(resource) => self.resources.push(resource),
                Err(error) => self.ignore(&error),
            }
        }
        for inner in self.each(catalogue, "catalog") {
            self.resources_of(&inner);
        }
    }

    fn resource(&mut self, node: &Node<'_>) -> Result<Resource, MessageError> {
        node.typed_if_there("Dataset")?;
        let id = node.id("@id")?;
        let mut offers = Vec::new();
        for offer in self.each(node, "hasPolicy") {
            match CatalogueOffer::read(&offer) {
                Ok(offer) => offers.push(offer),
                Err(error) => self.ignore(&error),
            }
        }
        let nodes = self.each(node, "distribution");
        let mut distributions = Vec::new();
        let mut read = Vec::new();
        for distribution in &nodes {
            match self.distribution(distribution) {
                Ok(made) => {
                    distributions.push(made);
                    read.push(distribution);
                }
                Err(error) => self.ignore(&error),
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
        let written: Vec<_> = made
            .distributions
            .iter()
            .map(|d| write::distribution(d, &made))
            .collect();
        let of_each: Vec<_> = read.iter().zip(written).map(|(node, w)| self.more(node, w)).collect();
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
        let more: Map<String, Value> = others.map(|(name, value)| (name.clone(), value.clone())).collect();
        let bytes: usize = more
            .iter()
            .map(|(name, value)| name.len() + value.to_string().len())
            .sum();
        if bytes <= MORE_BYTES {
            return more;
        }
        let why = format!(
            "{}: what is said beside what the protocol needs has {bytes} bytes; at most {MORE_BYTES} are kept",
            node.place("")
        );
        self.ignored.push(Ignored { why });
        Map::new()
    }

    fn service(&mut self, node: &Node<'_>) -> Result<Service, MessageError> {
        node.typed_if_there("DataService")?;
        let mut made = Service {
            id: node.id("@id")?,
            endpoint: node.address("endpointURL")?,
            conforms_to: iris(node, DUBLIN, "conformsTo"),
            more: Map::new(),
        };
        made.more = self.more(node, write::service(&made));
        Ok(made)
    }

    fn distribution(&mut self, node: &Node<'_>) -> Result<Distribution, MessageError> {
        let service = match node.require("accessService")? {
            Value::String(id) => self.services.iter().find(|service| service.id.as_str() == id).cloned(),
            _ => Some(self.service(&node.child("accessService")?)?),
        };
        if service.is_none() {
            self.ignore(&node.form("accessService", "a data service of this catalogue"));
        }
        Ok(Distribution {
            format: node.text("format")?.to_owned(),
            service,
            more: Map::new(),
        })
    }
}

fn content(node: &Node<'_>) -> Content {
    let mut content = Content {
        media_type: iris(node, CATALOG, "mediaType")
            .first()
            .map(|iri| iri.strip_prefix(MEDIA_TYPES).unwrap_or(iri).to_owned()),
        bytes: values(node, CATALOG, "byteSize")
            .first()
            .and_then(|value| number(value)),
        ..Content::default()
    };
    for checksum in values(node, ("spdx:", SPDX), "checksum") {
        let Ok(checksum) = Node::at(checksum, String::new()) else {
            continue;
        };
        let algorithm = iris(&checksum, ("spdx:", SPDX), "algorithm")
            .into_iter()
            .next()
            .unwrap_or_default();
        let digest = text(&checksum, ("spdx:", SPDX), "checksumValue")
            .map(|t| t.text)
            .filter(|d| is_digest(d));
        if algorithm.ends_with("checksumAlgorithm_sha256") {
            content.sha256 = digest;
        } else if algorithm.ends_with("checksumAlgorithm_blake3") {
            // As builds before 22 November 2026 write it.
            content.blake3 = digest;
        }
    }
    let own = text(node, ("herleid:", HERLEID), BLAKE3).map(|t| t.text);
    content.blake3 = own.filter(|d| is_digest(d)).or(content.blake3);
    content
}

/// The values of a property, under its prefixed name or its IRI; one value is a list of one.
fn values<'a>(node: &Node<'a>, (prefix, namespace): (&str, &str), name: &str) -> Vec<&'a Value> {
    let found = node
        .get(&format!("{prefix}{name}"))
        .or_else(|| node.get(&format!("{namespace}{name}")));
    match found {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(single) => vec![single],
    }
}

fn iris(node: &Node<'_>, vocabulary: (&str, &str), name: &str) -> Vec<String> {
    values(node, vocabulary, name)
        .into_iter()
        .filter_map(|value| value.as_str().or_else(|| value.get("@id")?.as_str()))
        .map(str::to_owned)
        .collect()
}

fn text(node: &Node<'_>, vocabulary: (&str, &str), name: &str) -> Option<Text> {
    values(node, vocabulary, name).into_iter().find_map(|value| {
        let text = value.as_str().or_else(|| value.get("@value")?.as_str())?;
        Some(Text {
            text: text.to_owned(),
            language: value.get("@language").and_then(Value::as_str).map(str::to_owned),
        })
    })
}

fn number(value: &Value) -> Option<u64> {
    let value = value.get("@value").unwrap_or(value);
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
