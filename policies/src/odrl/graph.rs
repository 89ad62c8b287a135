//! Triples, as far as a policy needs them.

use crate::terms::XSD;
use herleid_vocab::terms::ODRL;
use std::collections::BTreeMap;

pub(crate) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// The object of a triple.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// A full IRI, or a blank node as `_:label`.
    Node(String),
    /// A literal.
    Literal {
        /// Its lexical form.
        text: String,
        /// Full IRI of its datatype; `None` for a plain text (`xsd:string`).
        datatype: Option<String>,
    },
}

impl Term {
    /// A literal; `xsd:string` is a plain text.
    #[must_use]
    pub fn literal(text: &str, datatype: Option<&str>) -> Self {
        let string = format!("{XSD}string");
        Self::Literal {
            text: text.to_owned(),
            datatype: datatype.filter(|datatype| *datatype != string).map(str::to_owned),
        }
    }

    /// The IRI or the blank node; `None` for a literal.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Node(iri) => Some(iri),
            Self::Literal { .. } => None,
        }
    }

    /// The IRI, or the lexical form.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Node(text) | Self::Literal { text, .. } => text,
        }
    }
}

/// Subject, predicate, objects: sorted, each triple once. What is not in it is not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph(BTreeMap<String, BTreeMap<String, Vec<Term>>>);

impl Graph {
    /// No triples.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a triple. IRIs in full, blank nodes as `_:label`.
    pub fn insert(&mut self, subject: &str, predicate: &str, object: Term) {
        let objects = self.0.entry(subject.to_owned()).or_default();
        let objects = objects.entry(predicate.to_owned()).or_default();
        if let Err(place) = objects.binary_search(&object) {
            objects.insert(place, object);
        }
    }

    /// Adds all triples of another graph. Blank nodes keep their labels: those of different documents must differ.
    pub fn extend(&mut self, other: &Self) {
        for (subject, predicates) in &other.0 {
            for (predicate, objects) in predicates {
                for object in objects {
                    self.insert(subject, predicate, object.clone());
                }
            }
        }
    }

    /// Every subject, sorted.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether anything is said of the node.
    #[must_use]
    pub fn says(&self, subject: &str) -> bool {
        self.0.contains_key(subject)
    }

    /// What is said of a node: predicates in full, with their objects.
    pub fn about(&self, subject: &str) -> impl Iterator<Item = (&str, &[Term])> {
        let predicates = self.0.get(subject).into_iter().flatten();
        predicates.map(|(predicate, objects)| (predicate.as_str(), objects.as_slice()))
    }

    /// Objects of a subject and a predicate (full IRIs).
    #[must_use]
    pub fn objects(&self, subject: &str, predicate: &str) -> &[Term] {
        let objects = self.0.get(subject).and_then(|predicates| predicates.get(predicate));
        objects.map(Vec::as_slice).unwrap_or_default()
    }

    /// Objects of an ODRL property, by its local name.
    pub(crate) fn odrl(&self, subject: &str, local: &str) -> &[Term] {
        self.objects(subject, &format!("{ODRL}{local}"))
    }

    /// Full IRIs of a node's types.
    #[must_use]
    pub fn types(&self, subject: &str) -> Vec<&str> {
        let types = self.objects(subject, &format!("{RDF}type"));
        types.iter().filter_map(Term::node).collect()
    }

    /// Every subject of a type (full IRI), sorted.
    #[must_use]
    pub fn of_type(&self, iri: &str) -> Vec<&str> {
        self.subjects()
            .filter(|subject| self.types(subject).contains(&iri))
            .collect()
    }

    /// Whether the node is an RDF list.
    pub(crate) fn is_list(&self, head: &str) -> bool {
        head == format!("{RDF}nil") || !self.objects(head, &format!("{RDF}first")).is_empty()
    }

    /// The items of an RDF list, in order; `None` when it is broken, goes in circles or has more than `most` items.
    pub(crate) fn list(&self, head: &str, most: usize) -> Option<Vec<&Term>> {
        let (first, rest, nil) = (format!("{RDF}first"), format!("{RDF}rest"), format!("{RDF}nil"));
        let (mut items, mut here) = (Vec::new(), head);
        while here != nil {
            let ([item], [Term::Node(next)]) = (self.objects(here, &first), self.objects(here, &rest)) else {
                return None;
            };
            items.push(item);
            if items.len() > most {
                return None;
            }
            here = next;
        }
        Some(items)
    }
}
