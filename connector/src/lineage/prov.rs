//! PROV-O of a set of records, in an oxigraph store in memory, and SPARQL over it.

use crate::commands::Failure;
use crate::dossier::closure::kind;
use herleid_ledger::StoredRecord;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::terms::{HERLEID, PROV};
use herleid_vocab::time::format_rfc3339_ms;
use oxigraph::model::vocab::{rdf, xsd};
use oxigraph::model::{GraphName, Literal, NamedNode, Quad, Term};
use oxigraph::sparql::results::{QueryResultsFormat, QueryResultsSerializer};
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;

/// Answers `query` over the PROV-O of `records`: SPARQL 1.1 Query Results JSON, or N-Triples as text for CONSTRUCT.
///
/// # Errors
/// When the query is not understood, or changes something.
pub fn sparql(records: &BTreeMap<u64, StoredRecord>, query: &str) -> Result<Value, Failure> {
    let store = Store::new().map_err(Failure::failed)?;
    for record in records.values() {
        for quad in quads(records, record) {
            store.insert(&quad).map_err(Failure::failed)?;
        }
    }
    let prepared = SparqlEvaluator::new()
        .parse_query(query)
        .map_err(|e| Failure::usage(format!("the query is not understood: {e}")))?;
    let results = prepared
        .on_store(&store)
        .execute()
        .map_err(|e| Failure::usage(format!("the query cannot be answered: {e}")))?;
    match results {
        QueryResults::Solutions(solutions) => {
            let serializer = QueryResultsSerializer::from_format(QueryResultsFormat::Json);
            let mut writer = serializer
                .serialize_solutions_to_writer(Vec::new(), solutions.variables().to_vec())
                .map_err(Failure::failed)?;
            for solution in solutions {
                writer
                    .serialize(&solution.map_err(Failure::failed)?)
                    .map_err(Failure::failed)?;
            }
            let bytes = writer.finish().map_err(Failure::failed)?;
            serde_json::from_slice(&bytes).map_err(Failure::failed)
        }
        QueryResults::Boolean(answer) => Ok(serde_json::json!({"head": {}, "boolean": answer})),
        QueryResults::Graph(triples) => {
            let mut lines = Vec::new();
            for triple in triples {
                lines.push(format!("{} .", triple.map_err(Failure::failed)?));
            }
            Ok(Value::String(lines.join("\n")))
        }
    }
}

struct Graph(Vec<Quad>);

fn node(iri: &str) -> Option<NamedNode> {
    NamedNode::new(iri).ok()
}

fn prov(name: &str) -> Option<NamedNode> {
    node(&format!("{PROV}{name}"))
}

impl Graph {
    fn add(&mut self, subject: Option<&NamedNode>, predicate: Option<NamedNode>, object: Option<impl Into<Term>>) {
        if let (Some(subject), Some(predicate), Some(object)) = (subject, predicate, object) {
            self.0
                .push(Quad::new(subject.clone(), predicate, object, GraphName::DefaultGraph));
        }
    }

    fn label(&mut self, subject: Option<&NamedNode>, text: &str) {
        self.add(
            subject,
            node("http://www.w3.org/2000/01/rdf-schema#label"),
            (!text.is_empty()).then(|| Literal::new_simple_literal(text)),
        );
    }

    fn entity(&mut self, sha256: &str, label: &str) -> Option<NamedNode> {
        let entity = node(&format!("urn:sha256:{sha256}"));
        self.add(entity.as_ref(), Some(rdf::TYPE.into_owned()), prov("Entity"));
        self.label(entity.as_ref(), label);
        entity
    }

    fn agent(&mut self, did: &str) -> Option<NamedNode> {
        let agent = node(did);
        self.add(agent.as_ref(), Some(rdf::TYPE.into_owned()), prov("Agent"));
        agent
    }
}

/// The PROV-O of one of `records`.
fn quads(records: &BTreeMap<u64, StoredRecord>, record: &StoredRecord) -> Vec<Quad> {
    let mut graph = Graph(Vec::new());
    let envelope = record.value(SectionName::Envelope).unwrap_or_default();
    let when = envelope.get("recordedAt").and_then(Value::as_u64).unwrap_or_default();
    let text = |value: &Value, pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let ended = Some(Literal::new_typed_literal(format_rfc3339_ms(when), xsd::DATE_TIME));
    let party = text(&envelope, "/party");
    match kind(record) {
        Some(Kind::PullReceived | Kind::PullOpened | Kind::PullServed)
            if record.value(SectionName::Exchange).is_some() =>
        {
            let (exchange, content) = (
                record.value(SectionName::Exchange).unwrap_or_default(),
                record.value(SectionName::Content).unwrap_or_default(),
            );
            let pull = node(&format!("urn:uuid:{}", text(&exchange, "/transaction")));
            graph.add(pull.as_ref(), Some(rdf::TYPE.into_owned()), prov("Activity"));
            graph.add(pull.as_ref(), prov("endedAtTime"), ended);
            let data = graph.entity(&text(&content, "/sha256"), &text(&exchange, "/subject/dataset"));
            graph.add(pull.as_ref(), prov("used"), data.clone());
            let provider = graph.agent(&text(&exchange, "/provider"));
            graph.add(data.as_ref(), prov("wasAttributedTo"), provider);
            let consumer = graph.agent(&text(&exchange, "/consumer"));
            graph.add(pull.as_ref(), prov("wasAssociatedWith"), consumer);
        }
        Some(one_sided @ (Kind::OneSidedPullOpened | Kind::OneSidedPullReceived)) => {
            let facts = record.value(SectionName::Facts).unwrap_or_default();
            let agreed = super::agreed(records, record).unwrap_or_default();
            let pull = node(&format!("urn:uuid:{}", text(&facts, "/transaction")));
            for class in [prov("Activity"), node(&format!("{HERLEID}OneSidedPull"))] {
                graph.add(pull.as_ref(), Some(rdf::TYPE.into_owned()), class);
            }
            graph.label(pull.as_ref(), "one-sided: no receipt of the other end");
            // Whether what was opened came to an end is not said here.
            let at = match one_sided {
                Kind::OneSidedPullReceived => "endedAtTime",
                _ => "startedAtTime",
            };
            graph.add(pull.as_ref(), prov(at), ended);
            let data = graph.entity(&text(&facts, "/sha256"), &text(&facts, "/dataset"));
            graph.add(pull.as_ref(), prov("used"), data.clone());
            let provider = graph.agent(&text(&agreed, "/provider"));
            graph.add(data.as_ref(), prov("wasAttributedTo"), provider);
            let consumer = graph.agent(&text(&agreed, "/consumer"));
            graph.add(pull.as_ref(), prov("wasAssociatedWith"), consumer);
        }
        Some(Kind::RunReceived | Kind::RunFinished) => {
            let run = record.value(SectionName::Run).unwrap_or_default();
            let activity = node(&format!("urn:uuid:{}", text(&run, "/transaction")));
            graph.add(activity.as_ref(), Some(rdf::TYPE.into_owned()), prov("Activity"));
            graph.label(
                activity.as_ref(),
                &format!("{} {}", text(&run, "/model"), text(&run, "/version")),
            );
            graph.add(activity.as_ref(), prov("endedAtTime"), ended);
            for input in run.get("inputs").and_then(Value::as_array).into_iter().flatten() {
                let entity = graph.entity(&text(input, "/sha256"), &text(input, "/dataset"));
                graph.add(activity.as_ref(), prov("used"), entity);
            }
            for output in run.get("outputs").and_then(Value::as_array).into_iter().flatten() {
                let entity = graph.entity(&text(output, "/sha256"), &text(output, "/name"));
                graph.add(entity.as_ref(), prov("wasGeneratedBy"), activity.clone());
            }
            let exchange = record.value(SectionName::Exchange).unwrap_or_default();
            let provider = graph.agent(&text(&exchange, "/provider"));
            graph.add(activity.as_ref(), prov("wasAssociatedWith"), provider);
        }
        Some(Kind::DecisionMade) => {
            let (facts, people) = (
                record.value(SectionName::Facts).unwrap_or_default(),
                record.value(SectionName::People).unwrap_or_default(),
            );
            let decision = node(&format!("urn:uuid:{}", text(&envelope, "/id")));
            graph.add(decision.as_ref(), Some(rdf::TYPE.into_owned()), prov("Activity"));
            graph.add(
                decision.as_ref(),
                Some(rdf::TYPE.into_owned()),
                node(&format!("{HERLEID}Decision")),
            );
            graph.label(decision.as_ref(), &text(&facts, "/title"));
            graph.add(decision.as_ref(), prov("endedAtTime"), ended);
            for output in facts.get("reliesOn").and_then(Value::as_array).into_iter().flatten() {
                let entity = graph.entity(&text(output, "/sha256"), &text(output, "/output"));
                graph.add(decision.as_ref(), prov("used"), entity);
            }
            let author = node(&format!("urn:uuid:{}#author", text(&envelope, "/id")));
            graph.add(author.as_ref(), Some(rdf::TYPE.into_owned()), prov("Person"));
            graph.label(author.as_ref(), &text(&people, "/author/name"));
            graph.add(decision.as_ref(), prov("wasAssociatedWith"), author.clone());
            let owner = graph.agent(&party);
            graph.add(author.as_ref(), prov("actedOnBehalfOf"), owner);
        }
        _ => {}
    }
    graph.0
}
