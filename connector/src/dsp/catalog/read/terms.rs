//! Terms of DCAT and Dublin Core, as peers write them: under a prefix or as IRIs, as text, value or reference.

use super::super::write::{BLAKE3, MEDIA_TYPES, SPDX};
use super::super::{Content, Text, is_digest};
use crate::dsp::node::Node;
use herleid_vocab::terms::{DCAT, DCT, HERLEID};
use serde_json::Value;

/// Dublin Core terms: prefix in the protocol's context, and namespace.
pub(super) const DUBLIN: (&str, &str) = ("dct:", DCT);
/// DCAT: prefix in the protocol's context, and namespace.
pub(super) const CATALOG: (&str, &str) = ("dcat:", DCAT);
/// A media type stands in each distribution of its dataset: two names of 127 characters and a slash (RFC 6838, 4.2).
const MEDIA_TYPE_BYTES: usize = 255;

/// How much a value takes in memory, about: a list of zeros takes sixteen times what it has as text.
pub(super) fn weight(value: &Value) -> usize {
    let within = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| size_of::<String>() + name.len() + weight(value))
            .sum(),
    };
    size_of::<Value>() + within
}

pub(super) fn content(node: &Node<'_>) -> Content {
    let mut content = Content {
        media_type: iris(node, CATALOG, "mediaType")
            .first()
            .map(|iri| iri.strip_prefix(MEDIA_TYPES).unwrap_or(iri))
            .filter(|name| name.len() <= MEDIA_TYPE_BYTES)
            .map(str::to_owned),
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

pub(super) fn iris(node: &Node<'_>, vocabulary: (&str, &str), name: &str) -> Vec<String> {
    values(node, vocabulary, name)
        .into_iter()
        .filter_map(|value| value.as_str().or_else(|| value.get("@id")?.as_str()))
        .map(str::to_owned)
        .collect()
}

pub(super) fn text(node: &Node<'_>, vocabulary: (&str, &str), name: &str) -> Option<Text> {
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
