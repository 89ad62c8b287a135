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

impl Catalogue {
    /// The catalogue as a message. Without resources there is no `dataset` (an empty array is against the schema).
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("@context", context::ours());
        put("@id", json!(self.id));
        put("@type", json!("Catalog"));
        put("participantId", json!(self.participant));
        if let Some(title) = &self.title {
            put("dct:title", text(title));
        }
        if !self.services.is_empty() {
            put("service", self.services.iter().map(service).collect());
        }
        if !self.resources.is_empty() {
            put(
                "dataset",
                self.resources.iter().map(|r| Value::Object(dataset(r))).collect(),
            );
        }
        Value::Object(members)
    }
}

impl Resource {
    /// The resource as a message of its own.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = dataset(self);
        members.insert("@context".to_owned(), context::ours());
        Value::Object(members)
    }
}

fn dataset(resource: &Resource) -> Map<String, Value> {
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
        put("dct:type", json!({ "@id": format!("{HERLEID}{MODEL_SERVICE}") }));
        // Of a model, what has a digest is the program, whichever way it is reached.
        if let Some(checksums) = checksums(&resource.content) {
            put(&format!("{SPDX}checksum"), checksums);
        }
    }
    let distributions = resource.distributions.iter().map(|d| distribution(d, resource));
    put("distribution", distributions.collect());
    put(
        "hasPolicy",
        resource.offers.iter().map(|offer| offer.as_value().clone()).collect(),
    );
    members
}

fn distribution(distribution: &Distribution, of: &Resource) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("@type", json!("Distribution"));
    put("format", json!(distribution.format));
    if let Some(through) = &distribution.service {
        put("accessService", service(through));
    }
    if of.kind == ResourceKind::Dataset {
        if let Some(media_type) = &of.content.media_type {
            put("dcat:mediaType", json!({ "@id": format!("{MEDIA_TYPES}{media_type}") }));
        }
        if let Some(bytes) = of.content.bytes {
            put("dcat:byteSize", json!(bytes));
        }
        if let Some(checksums) = checksums(&of.content) {
            put(&format!("{SPDX}checksum"), checksums);
        }
    }
    Value::Object(members)
}

fn service(service: &Service) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("@id", json!(service.id));
    put("@type", json!("DataService"));
    put("endpointURL", json!(service.endpoint));
    if service.conforms_to.is_empty() {
        // How EDC marks a connector.
        put("endpointDescription", json!("dspace:connector"));
    } else {
        let iris = service.conforms_to.iter().map(|iri| json!({ "@id": iri }));
        put("dct:conformsTo", iris.collect());
    }
    Value::Object(members)
}

fn checksums(content: &Content) -> Option<Value> {
    let of = |algorithm: &str, digest: &Option<String>| {
        digest.as_ref().map(|digest| {
            json!({
                "@type": format!("{SPDX}Checksum"),
                format!("{SPDX}algorithm"): { "@id": format!("{SPDX}checksumAlgorithm_{algorithm}") },
                format!("{SPDX}checksumValue"): digest,
            })
        })
    };
    let all: Vec<Value> = [of("sha256", &content.sha256), of("blake3", &content.blake3)]
        .into_iter()
        .flatten()
        .collect();
    (!all.is_empty()).then(|| Value::from(all))
}

fn text(text: &Text) -> Value {
    match &text.language {
        None => json!(text.text),
        Some(language) => json!({ "@value": text.text, "@language": language }),
    }
}
