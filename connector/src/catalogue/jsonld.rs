//! The nodes and values that descriptions are made of, as JSON-LD.

use super::metadata::{Contact, Said, Spatial, Temporal};
use super::moments::written_moment;
use super::words::Words;
use herleid_vocab::terms::DCT;
use serde_json::{Map, Value, json};

pub(super) const FOAF: &str = "http://xmlns.com/foaf/0.1/";
pub(super) const VCARD: &str = "http://www.w3.org/2006/vcard/ns#";
pub(super) const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";
pub(super) const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub(super) const ADMS: &str = "http://www.w3.org/ns/adms#";
pub(super) const DQV: &str = "http://www.w3.org/ns/dqv#";
pub(super) const OA: &str = "http://www.w3.org/ns/oa#";
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
/// Datatype of a geometry in well-known text (OGC GeoSPARQL).
pub(super) const WKT: &str = "http://www.opengis.net/ont/geosparql#wktLiteral";

/// The JSON-LD members that a description becomes.
pub(super) type Members = Map<String, Value>;

pub(super) fn put(members: &mut Members, name: impl Into<String>, value: Value) {
    members.insert(name.into(), value);
}

pub(super) fn tagged(language: &str, text: &str) -> Value {
    if language.is_empty() {
        json!(text)
    } else {
        json!({"@value": text, "@language": language})
    }
}

pub(super) fn texts(said: &Said, language: &str) -> Value {
    said.texts(language)
        .iter()
        .map(|(tag, text)| tagged(tag, text))
        .collect()
}

/// A concept of a closed list, with its labels; of an IRI that is on none, its last part.
pub(super) fn concept(words: Words, written: &str) -> Value {
    let found = words.find(written).or_else(|| words.of_iri(written));
    let (iri, labels) = match found {
        Some(word) => (words.iri(word), json!([tagged("nl", word.nl), tagged("en", word.en)])),
        None => {
            let last = written.rsplit(['/', '#', ':']).find(|part| !part.is_empty());
            (written.to_owned(), json!(last.unwrap_or(written)))
        }
    };
    json!({"@id": iri, "@type": format!("{SKOS}Concept"), format!("{SKOS}prefLabel"): labels})
}

pub(super) fn typed(iri: &str, class: &str) -> Value {
    json!({"@id": iri, "@type": class})
}

/// A day or a moment with its datatype.
pub(super) fn moment(text: &str) -> Value {
    // An older build took, and kept, what is none.
    let text = written_moment(text).unwrap_or_else(|| text.to_owned());
    let kind = if text.len() == 10 { "date" } else { "dateTime" };
    json!({"@value": text, "@type": format!("{XSD}{kind}")})
}

pub(super) fn place(spatial: &Spatial) -> Value {
    let mut location = Members::new();
    if let Some(iri) = &spatial.iri {
        put(&mut location, "@id", json!(iri));
    }
    put(&mut location, "@type", json!(format!("{DCT}Location")));
    if let Some(name) = &spatial.name {
        put(&mut location, format!("{SKOS}prefLabel"), json!(name));
    }
    if let Some([west, south, east, north]) = spatial.bbox {
        let corners = [
            (west, south),
            (east, south),
            (east, north),
            (west, north),
            (west, south),
        ];
        let ring: Vec<String> = corners.iter().map(|(x, y)| format!("{x} {y}")).collect();
        let polygon = json!({"@value": format!("POLYGON(({}))", ring.join(",")), "@type": WKT});
        put(&mut location, "dcat:bbox", polygon);
    }
    Value::Object(location)
}

pub(super) fn period(temporal: &Temporal) -> Value {
    let mut period = Members::new();
    put(&mut period, "@type", json!(format!("{DCT}PeriodOfTime")));
    for (name, end) in [("dcat:startDate", &temporal.start), ("dcat:endDate", &temporal.end)] {
        if let Some(text) = end {
            put(&mut period, name, moment(text));
        }
    }
    Value::Object(period)
}

pub(super) fn contact(contact: &Contact) -> Value {
    let mut point = Members::new();
    put(&mut point, "@type", json!(format!("{VCARD}Kind")));
    put(&mut point, format!("{VCARD}fn"), json!(contact.name));
    if let Some(email) = &contact.email {
        put(
            &mut point,
            format!("{VCARD}hasEmail"),
            json!({"@id": format!("mailto:{email}")}),
        );
    }
    if let Some(url) = &contact.url {
        put(&mut point, format!("{VCARD}hasURL"), json!({"@id": url}));
    }
    Value::Object(point)
}
