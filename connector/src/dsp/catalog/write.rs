//! The model as JSON.

use super::{Catalogue, Content, Distribution, Resource, ResourceKind, Service, Text};
use crate::dsp::context;
use herleid_vocab::terms::HERLEID;
use serde_json::{Map, Value, json};

/// Namespace of SPDX 2, whose checksums DCAT 3 uses.
pub(super) const SPDX: &str = "http://spdx.org/rdf/terms#";
/// Media types as IRIs, as DCAT wants them.
pub(super) const MEDIA_TYPES: &str = "https://www.iana.org/assignments/media-types/";
/// Local name in our vocabulary of what a model service is.
pub(super) const MODEL_SERVICE: &str = "ModelService";
/// Local name in our vocabulary of a BLAKE3 digest: DCAT-AP allows one SPDX checksum, and that is the SHA-256.
pub(super) const BLAKE3: &str = "blake3";
const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const MEDIA_TYPE_CLASS: &str = "http://purl.org/dc/terms/MediaType";
const STANDARD_CLASS: &str = "http://purl.org/dc/terms/Standard";

impl Catalogue {
    /// The catalogue as a message. Without resources there is no `dataset` (an empty array is against the schema).
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = envelope(self);
        add(&mut members, &self.more);
        if !self.resources.is_empty() {
            let datasets = self.resources.iter().map(|r| Value::Object(whole(r)));
            members.insert("dataset".to_owned(), datasets.collect());
        }
        Value::Object(members)
    }
}

/// The catalogue without its datasets, as far as the model goes.
pub(super) fn envelope(catalogue: &Catalogue) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("@context", context::ours());
    put("@id", json!(catalogue.id));
    put("@type", json!("Catalog"));
    put("participantId", json!(catalogue.participant));
    if let Some(title) = &catalogue.title {
        put("dct:title", text(title));
    }
    if !catalogue.services.is_empty() {
        let services = catalogue.services.iter().map(|service| whole_service(service));
        put("service", services.collect());
    }
    members
}

/// What else is said; what it says takes the place of what was said shortly.
fn add(members: &mut Map<String, Value>, more: &Map<String, Value>) {
    members.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
}

impl Resource {
    /// The resource as a member of a catalogue.
    #[must_use]
    pub fn to_member(&self) -> Value {
        Value::Object(whole(self))
    }

    /// The resource as a message of its own.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = whole(self);
        members.insert("@context".to_owned(), context::ours());
        Value::Object(members)
    }
}

/// A resource with all that is said of it.
fn whole(resource: &Resource) -> Map<String, Value> {
    let mut members = dataset(resource);
    let distributions = resource.distributions.iter().map(|d| {
        let mut members = distribution(d, resource);
        if let Some(through) = &d.service {
            members.insert("accessService".to_owned(), whole_service(through));
        }
        add(&mut members, &d.more);
        Value::Object(members)
    });
    members.insert("distribution".to_owned(), distributions.collect());
    add(&mut members, &resource.more);
    members
}

fn whole_service(of: &Service) -> Value {
    let mut members = service(of);
    add(&mut members, &of.more);
    Value::Object(members)
}

/// A resource without its distributions, as far as the model goes.
pub(super) fn dataset(resource: &Resource) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("@id", json!(resource.id));
    put("@type", json!("Dataset"));
    let about = &resource.description;
    if let Some(title) = &about.title {
        put("dct:title", text(title));
    }
    if let Some(description) = &about.description {
        put("dct:description", text(description));
    }
    if let Some(publisher) = &about.publisher {
        put("dct:publisher", json!({ "@id": publisher }));
    }
    if let Some(licence) = &about.licence {
        put("dct:license", json!({ "@id": licence }));
    }
    if let Some(version) = &about.version {
        put("dcat:version", json!(version));
    }
    if resource.kind == ResourceKind::ModelService {
        let labels =
            json!([{"@value": "modelservice", "@language": "nl"}, {"@value": "model service", "@language": "en"}]);
        let kind = json!({
            "@id": format!("{HERLEID}{MODEL_SERVICE}"), "@type": format!("{SKOS}Concept"), format!("{SKOS}prefLabel"): labels,
        });
        put("dct:type", kind);
        // Of a model, what has a digest is the program, whichever way it is reached.
        checksums(&resource.content, &mut put);
    }
    put(
        "hasPolicy",
        resource.offers.iter().map(|offer| offer.as_value().clone()).collect(),
    );
    members
}

/// A distribution without its service, as far as the model goes.
pub(super) fn distribution(distribution: &Distribution, of: &Resource) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("@type", json!("Distribution"));
    put("format", json!(distribution.format));
    if of.kind == ResourceKind::Dataset {
        if let Some(media_type) = &of.content.media_type {
            let iri = format!("{MEDIA_TYPES}{media_type}");
            put("dcat:mediaType", json!({ "@id": iri, "@type": MEDIA_TYPE_CLASS }));
        }
        if let Some(bytes) = of.content.bytes {
            let kind = format!("{XSD}nonNegativeInteger");
            put("dcat:byteSize", json!({ "@value": bytes.to_string(), "@type": kind }));
        }
        checksums(&of.content, &mut put);
    }
    members
}

/// A data service, as far as the model goes.
pub(super) fn service(service: &Service) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("@id", json!(service.id));
    put("@type", json!("DataService"));
    put("endpointURL", json!(service.endpoint));
    if service.conforms_to.is_empty() {
        // How EDC marks a connector.
        put("endpointDescription", json!("dspace:connector"));
    } else {
        let iris = service.conforms_to.iter();
        let standards = iris.map(|iri| json!({ "@id": iri, "@type": STANDARD_CLASS }));
        put("dct:conformsTo", standards.collect());
    }
    members
}

fn checksums(content: &Content, put: &mut impl FnMut(&str, Value) -> Option<Value>) {
    if let Some(digest) = &content.sha256 {
        let algorithm = format!("{SPDX}checksumAlgorithm_sha256");
        let checksum = json!({
            "@type": format!("{SPDX}Checksum"),
            format!("{SPDX}algorithm"): { "@id": algorithm, "@type": format!("{SPDX}ChecksumAlgorithm") },
            format!("{SPDX}checksumValue"): { "@value": digest, "@type": format!("{XSD}hexBinary") },
        });
        put(&format!("{SPDX}checksum"), checksum);
    }
    if let Some(digest) = &content.blake3 {
        put(&format!("{HERLEID}{BLAKE3}"), json!(digest));
    }
}

fn text(text: &Text) -> Value {
    match &text.language {
        None => json!(text.text),
        Some(language) => json!({ "@value": text.text, "@language": language }),
    }
}
