//! From JSON-LD in any spelling to triples, with the meaning that ODRL's own context gives to names.

use super::graph::{Graph, RDF, Term};
use crate::problem::{PolicyError, Problem, ProblemKind, Problems, cut, limits, quoted};
use crate::terms::{self, CONTEXTS, DSPACE, Name, XSD, expand, odrl_local};
use herleid_vocab::terms::ODRL;
use serde_json::{Map, Value};

/// Properties whose values are terms of ODRL: a bare word is one.
const WORDS: [&str; 6] = ["action", "leftOperand", "operator", "conflict", "includedIn", "implies"];
/// Properties whose values are texts or numbers, unless they say otherwise.
const LITERALS: [&str; 1] = ["rightOperand"];

struct Writer {
    graph: Graph,
    problems: Vec<Problem>,
    values: usize,
}

impl Graph {
    /// The triples of one JSON-LD policy, and the name of its node (a blank one where it has no `@id`). Nodes without an
    /// `@id` are named after their place, `_:/permission/0`.
    ///
    /// # Errors
    /// What is no policy of JSON-LD that can be read without fetching its context.
    pub fn of_json(json: &Value) -> Result<(Self, String), PolicyError> {
        let mut writer = Writer {
            graph: Self::new(),
            problems: Vec::new(),
            values: 0,
        };
        // Expanded JSON-LD is an array of one.
        let root = match json {
            Value::Array(items) => items.first().filter(|_| items.len() == 1).unwrap_or(json),
            other => other,
        };
        let name = match root {
            Value::Object(map) => writer.node("", map, 0),
            _ => {
                writer.problem("", ProblemKind::WrongShape, "policy", "expected a policy object");
                String::new()
            }
        };
        match Problems::from_found(writer.problems) {
            Some(problems) => Err(PolicyError::NotUnderstood(problems)),
            None => Ok((writer.graph, name)),
        }
    }
}

impl Writer {
    fn problem(&mut self, at: &str, kind: ProblemKind, term: &str, advice: &str) {
        // One more than is listed, so that the list says that there is more.
        if self.problems.len() <= limits::MAX_PROBLEMS {
            self.problems.push(Problem {
                at: cut(at, 500),
                kind,
                term: quoted(term),
                advice: advice.to_owned(),
            });
        }
    }

    fn node(&mut self, at: &str, map: &Map<String, Value>, depth: usize) -> String {
        let id = map.iter().find(|(name, _)| terms::name(name) == Name::Keyword("@id"));
        let name = match id {
            Some((_, Value::String(text))) => expand(text),
            Some((_, Value::Object(inner))) => match inner.get("@id").and_then(Value::as_str) {
                Some(text) => expand(text),
                None => format!("_:{at}"),
            },
            Some(_) => {
                self.problem(at, ProblemKind::WrongShape, "@id", "expected a text");
                format!("_:{at}")
            }
            None => format!("_:{at}"),
        };
        if depth > limits::MAX_DEPTH {
            self.problem(at, ProblemKind::TooLarge, "policy", "it is nested too deep");
            return name;
        }
        for (written, value) in map {
            let here = format!("{at}/{}", written.replace('~', "~0").replace('/', "~1"));
            match terms::name(written) {
                Name::Note | Name::Keyword("@id") => {}
                Name::Keyword("@context") => self.context(&here, value),
                Name::Keyword("@type") => self.types(&here, &name, value),
                Name::Term(local) if local == "timestamp" => {
                    self.member(&here, &name, &format!("{DSPACE}timestamp"), value, depth);
                }
                Name::Term(local) => self.member(&here, &name, &format!("{ODRL}{local}"), value, depth),
                _ if written == "rdf:value" => self.member(&here, &name, &format!("{RDF}value"), value, depth),
                // The reader of the graph refuses it by name.
                _ => self.member(&here, &name, &expand(written), value, depth),
            }
        }
        name
    }

    fn context(&mut self, at: &str, value: &Value) {
        for item in each(value) {
            let known = match item {
                Value::String(uri) => CONTEXTS.contains(&uri.as_str()),
                Value::Object(map) => map.iter().all(|(prefix, namespace)| {
                    namespace.as_str() == Some(expand(&format!("{prefix}:")).as_str()) && prefix != "@vocab"
                }),
                _ => false,
            };
            if !known {
                let advice = "contexts are never fetched, and prefixes have the meaning built in";
                self.problem(at, ProblemKind::UnknownContext, &item.to_string(), advice);
            }
        }
    }

    fn types(&mut self, at: &str, subject: &str, value: &Value) {
        for item in each(value) {
            match item.as_str() {
                Some(text) => self
                    .graph
                    .insert(subject, &format!("{RDF}type"), Term::Node(word(text))),
                None => self.problem(at, ProblemKind::WrongShape, "@type", "expected a text"),
            }
        }
    }

    fn member(&mut self, at: &str, subject: &str, predicate: &str, value: &Value, depth: usize) {
        let items: Vec<(String, &Value)> = match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("{at}/{index}"), item))
                .collect(),
            other => vec![(at.to_owned(), other)],
        };
        // ODRL's context makes an array of `andSequence` a list; in the others it is a set.
        let is_sequence = predicate == format!("{ODRL}andSequence");
        if is_sequence && !matches!(items.as_slice(), [(_, Value::Object(map))] if map.contains_key("@list")) {
            let terms = self.terms(predicate, &items, depth);
            let head = self.list(at, &terms);
            return self.graph.insert(subject, predicate, head);
        }
        for (here, item) in &items {
            let listed = item.as_object().and_then(|map| map.get("@list"));
            let object = match listed {
                Some(Value::Array(listed)) => {
                    let listed: Vec<(String, &Value)> = listed
                        .iter()
                        .enumerate()
                        .map(|(index, item)| (format!("{here}/@list/{index}"), item))
                        .collect();
                    let terms = self.terms(predicate, &listed, depth);
                    Some(self.list(here, &terms))
                }
                _ => self.term(here, predicate, item, depth),
            };
            if let Some(object) = object {
                self.graph.insert(subject, predicate, object);
            }
        }
    }

    fn terms(&mut self, predicate: &str, items: &[(String, &Value)], depth: usize) -> Vec<Term> {
        items
            .iter()
            .filter_map(|(here, item)| self.term(here, predicate, item, depth))
            .collect()
    }

    fn list(&mut self, at: &str, items: &[Term]) -> Term {
        let mut rest = Term::Node(format!("{RDF}nil"));
        for (index, item) in items.iter().enumerate().rev() {
            let link = format!("_:{at}/link/{index}");
            self.graph.insert(&link, &format!("{RDF}first"), item.clone());
            self.graph.insert(&link, &format!("{RDF}rest"), rest);
            rest = Term::Node(link);
        }
        rest
    }

    fn term(&mut self, at: &str, predicate: &str, value: &Value, depth: usize) -> Option<Term> {
        self.values += 1;
        if self.values > limits::MAX_VALUES {
            if self.values == limits::MAX_VALUES + 1 {
                self.problem(at, ProblemKind::TooLarge, "policy", "it has too many values");
            }
            return None;
        }
        let local = predicate.strip_prefix(ODRL).unwrap_or_default();
        let is_word = WORDS.contains(&local) || predicate == format!("{RDF}value");
        let named = |text: &str| Term::Node(if is_word { word(text) } else { expand(text) });
        match value {
            Value::String(text) if LITERALS.contains(&local) || predicate.starts_with(DSPACE) => {
                Some(Term::literal(text, None))
            }
            Value::String(text) => Some(named(text)),
            Value::Number(number) => {
                let kind = if number.is_f64() { "decimal" } else { "integer" };
                Some(Term::literal(&number.to_string(), Some(&format!("{XSD}{kind}"))))
            }
            Value::Bool(yes) => Some(Term::literal(&yes.to_string(), Some(&format!("{XSD}boolean")))),
            Value::Object(map) if map.contains_key("@value") => self.literal(at, map),
            Value::Object(map) => match (map.len(), map.get("@id").and_then(Value::as_str)) {
                (1, Some(id)) => Some(named(id)),
                _ => Some(Term::Node(self.node(at, map, depth + 1))),
            },
            Value::Array(_) | Value::Null => {
                self.problem(
                    at,
                    ProblemKind::WrongShape,
                    "value",
                    "expected a text, a number or an object",
                );
                None
            }
        }
    }

    fn literal(&mut self, at: &str, map: &Map<String, Value>) -> Option<Term> {
        let datatype = match map.get("@type") {
            None => None,
            Some(Value::String(text)) => Some(expand(text)),
            Some(Value::Array(one)) => one.first().and_then(Value::as_str).map(expand),
            Some(_) => Some(String::new()),
        };
        let others = map.keys().any(|name| name != "@value" && name != "@type");
        let text = match map.get("@value") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        match text {
            Some(text) if !others => Some(Term::literal(&text, datatype.as_deref())),
            _ => {
                let advice = "expected `@value` with a text or a number, and perhaps `@type`";
                self.problem(at, ProblemKind::WrongShape, "@value", advice);
                None
            }
        }
    }
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

/// A term of ODRL in any spelling, or another IRI.
fn word(text: &str) -> String {
    match odrl_local(text) {
        Some(local) => format!("{ODRL}{local}"),
        None => expand(text),
    }
}
