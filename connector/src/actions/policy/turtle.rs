//! Turtle, by the parser that the catalogue's queries have, as the triples that a policy is read from.

use herleid_policies::odrl::{Graph, Term};
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{NamedOrBlankNode, Term as Parsed};

/// The triples of a text. Nothing is fetched.
pub(super) fn turtle(text: &str) -> Result<Graph, String> {
    let mut graph = Graph::new();
    for quad in RdfParser::from_format(RdfFormat::Turtle).for_slice(text) {
        let quad = quad.map_err(|e| e.to_string())?;
        let subject = match &quad.subject {
            NamedOrBlankNode::NamedNode(node) => node.as_str().to_owned(),
            NamedOrBlankNode::BlankNode(node) => format!("_:{}", node.as_str()),
        };
        let object = match &quad.object {
            Parsed::NamedNode(node) => Term::Node(node.as_str().to_owned()),
            Parsed::BlankNode(node) => Term::Node(format!("_:{}", node.as_str())),
            Parsed::Literal(literal) => Term::literal(literal.value(), Some(literal.datatype().as_str())),
        };
        graph.insert(&subject, quad.predicate.as_str(), object);
    }
    Ok(graph)
}
