//! The catalogue as RDF: from the JSON that goes over the protocol to triples.
//!
//! Read are the names that we write, with the meaning that the protocol's context gives them. In one point DCAT-AP asks for more than
//! that context says: the addresses of data services are IRIs, not texts, and formats and left operands are terms of a vocabulary, where
//! plain JSON-LD would make them relative to nothing.

use super::Describer;
use super::describe::expanded;
use herleid_vocab::terms::{DCAT, DCT, HERLEID, ODRL};
use oxigraph::io::{JsonLdProfileSet, RdfFormat, RdfSerializer};
use oxigraph::model::vocab::{rdf, rdfs, xsd};
use oxigraph::model::{BlankNode, GraphName, Literal, NamedNode, NamedOrBlankNode, Quad, Term};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

const DSPACE: &str = "https://w3id.org/dspace/2025/1/";

/// What the value of a name is.
#[derive(Clone, Copy)]
enum Kind {
    /// A thing; a text is its identifier.
    Thing,
    /// A term of ODRL.
    Term,
    /// The format of a distribution.
    Format,
    /// As it stands.
    Any,
}

fn term(name: &str) -> Option<(String, Kind)> {
    let dcat = |local: &str, kind| Some((format!("{DCAT}{local}"), kind));
    let odrl = |local: &str, kind| Some((format!("{ODRL}{local}"), kind));
    match name {
        "participantId" => Some((format!("{DSPACE}participantId"), Kind::Thing)),
        "service" | "dataset" | "distribution" | "accessService" | "endpointURL" | "endpointDescription" => {
            dcat(name, Kind::Thing)
        }
        "format" => Some((format!("{DCT}format"), Kind::Format)),
        "hasPolicy" | "permission" | "prohibition" | "obligation" | "duty" | "constraint" | "profile" | "target"
        | "assigner" | "assignee" | "and" | "or" | "xone" | "andSequence" | "refinement" | "consequence" | "remedy" => {
            odrl(name, Kind::Thing)
        }
        "action" | "operator" | "leftOperand" => odrl(name, Kind::Term),
        "rightOperand" => odrl(name, Kind::Any),
        other if other.contains(':') => Some((expanded(other), Kind::Any)),
        // Not a name that we write.
        _ => None,
    }
}

fn class(name: &str) -> String {
    match name {
        "Catalog" | "Dataset" | "Distribution" | "DataService" => format!("{DCAT}{name}"),
        other if other.contains(':') => expanded(other),
        other => format!("{ODRL}{other}"),
    }
}

/// Triples of one document.
pub(super) struct Triples<'a> {
    about: &'a Describer,
    pub(super) quads: Vec<Quad>,
}

impl<'a> Triples<'a> {
    pub(super) fn new(about: &'a Describer) -> Self {
        Self {
            about,
            quads: Vec::new(),
        }
    }

    fn add(&mut self, subject: &NamedOrBlankNode, predicate: NamedNode, object: impl Into<Term>) {
        let quad = Quad::new(subject.clone(), predicate, object, GraphName::DefaultGraph);
        self.quads.push(quad);
    }

    /// The IRI of what has this identifier; `None` if it can have none.
    pub(super) fn iri(&self, id: &str) -> Option<NamedNode> {
        let id = match id.split_once(':') {
            Some(("dspace", local)) => format!("{DSPACE}{local}"),
            _ => self.about.dataset_iri(id),
        };
        NamedNode::new(id).ok()
    }

    /// Adds an object and all that is in it; gives its node.
    pub(super) fn node(&mut self, members: &Map<String, Value>) -> NamedOrBlankNode {
        let named = members.get("@id").and_then(Value::as_str).and_then(|id| self.iri(id));
        let subject = named.map_or_else(|| BlankNode::default().into(), NamedOrBlankNode::from);
        for (name, value) in members {
            if name == "@type" {
                for class in texts(value).filter_map(|t| NamedNode::new(class(t)).ok()) {
                    self.add(&subject, rdf::TYPE.into_owned(), class);
                }
            } else if let Some((iri, kind)) = term(name)
                && let Ok(predicate) = NamedNode::new(iri)
            {
                self.values(&subject, &predicate, kind, value);
            }
        }
        subject
    }

    fn values(&mut self, subject: &NamedOrBlankNode, predicate: &NamedNode, kind: Kind, value: &Value) {
        if let Value::Array(items) = value {
            for item in items {
                self.values(subject, predicate, kind, item);
            }
        } else if let Some(object) = self.object(kind, value) {
            self.add(subject, predicate.clone(), object);
        }
    }

    fn object(&mut self, kind: Kind, value: &Value) -> Option<Term> {
        match (kind, value) {
            (_, Value::Object(members)) => match members.get("@value") {
                Some(value) => literal(value, members),
                None => Some(self.node(members).into()),
            },
            (Kind::Thing, Value::String(id)) => self.iri(id).map(Term::from),
            (Kind::Term, Value::String(name)) => {
                let iri = if name.contains(':') {
                    name.clone()
                } else {
                    format!("{ODRL}{name}")
                };
                NamedNode::new(iri).ok().map(Term::from)
            }
            (Kind::Format, Value::String(name)) => {
                let node: NamedOrBlankNode = NamedNode::new(format!("{HERLEID}{name}")).ok()?.into();
                if let Ok(class) = NamedNode::new(format!("{DCT}MediaTypeOrExtent")) {
                    self.add(&node, rdf::TYPE.into_owned(), class);
                }
                self.add(&node, rdfs::LABEL.into_owned(), Literal::new_simple_literal(name));
                Some(node.into())
            }
            (_, other) => literal(other, &Map::new()),
        }
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let one = value.as_str().into_iter();
    one.chain(value.as_array().into_iter().flatten().filter_map(Value::as_str))
}

/// A literal with its language or datatype.
fn literal(value: &Value, members: &Map<String, Value>) -> Option<Term> {
    let said = |name: &str| members.get(name).and_then(Value::as_str);
    let made = match value {
        Value::String(text) => match (said("@language"), said("@type")) {
            (Some(language), _) => Literal::new_language_tagged_literal(text, language).ok()?,
            (None, Some(kind)) => Literal::new_typed_literal(text, NamedNode::new(expanded(kind)).ok()?),
            (None, None) => Literal::new_simple_literal(text),
        },
        Value::Bool(truth) => Literal::from(*truth),
        Value::Number(number) if number.is_f64() => Literal::new_typed_literal(number.to_string(), xsd::DOUBLE),
        Value::Number(number) => Literal::new_typed_literal(number.to_string(), xsd::INTEGER),
        _ => return None,
    };
    Some(made.into())
}

/// In which form RDF is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFormat {
    /// Turtle.
    Turtle,
    /// JSON-LD, its context in it.
    JsonLd,
}

impl DocumentFormat {
    fn rdf(self) -> RdfFormat {
        match self {
            Self::Turtle => RdfFormat::Turtle,
            Self::JsonLd => RdfFormat::JsonLd {
                profile: JsonLdProfileSet::empty(),
            },
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Turtle => "text/turtle; charset=utf-8",
            Self::JsonLd => "application/ld+json",
        }
    }
}

/// The prefixes of what is written.
const PREFIXES: [(&str, &str); 12] = [
    ("adms", "http://www.w3.org/ns/adms#"),
    ("dcat", DCAT),
    ("dct", DCT),
    ("dqv", "http://www.w3.org/ns/dqv#"),
    ("dspace", DSPACE),
    ("foaf", "http://xmlns.com/foaf/0.1/"),
    ("herleid", HERLEID),
    ("odrl", ODRL),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("spdx", "http://spdx.org/rdf/terms#"),
    ("vcard", "http://www.w3.org/2006/vcard/ns#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// A serializer that knows our prefixes.
pub(super) fn serializer(format: RdfFormat) -> RdfSerializer {
    PREFIXES
        .iter()
        .fold(RdfSerializer::from_format(format), |serializer, (name, iri)| {
            // All of them are IRIs; without a prefix the IRI would be written in full.
            serializer.clone().with_prefix(*name, *iri).unwrap_or(serializer)
        })
}

/// A catalogue, or anything else that we write as JSON, as an RDF document.
///
/// # Errors
/// When it cannot be written.
pub fn document(about: &Describer, json: &Value, format: DocumentFormat) -> Result<Vec<u8>, std::io::Error> {
    let mut triples = Triples::new(about);
    if let Some(members) = json.as_object() {
        triples.node(members);
    }
    let mut quads = triples.quads;
    // What several datasets say alike (their publisher, their themes) is said once.
    let mut seen = HashSet::new();
    quads.retain(|quad| seen.insert(quad.clone()));
    // What is said of one thing stands together, in the order in which the things are first spoken of.
    let mut order = HashMap::new();
    for quad in &quads {
        let next = order.len();
        order.entry(quad.subject.clone()).or_insert(next);
    }
    quads.sort_by_key(|quad| order.get(&quad.subject).copied());
    let mut writer = serializer(format.rdf()).for_writer(Vec::new());
    for quad in &quads {
        writer.serialize_quad(quad)?;
    }
    writer.finish()
}
