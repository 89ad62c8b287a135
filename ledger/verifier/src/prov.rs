//! PROV-JSON (W3C member submission, 24 April 2013) of a case: data as entities, pulls and runs as activities, parties and
//! people as agents.

use crate::case::{Case, Run};
use herleid_ledger::exchange::Subject;
use herleid_vocab::json::{self, JsonError};
use herleid_vocab::terms::{HERLEID, PROV};
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Map, Value, json};

/// A document under construction: PROV-JSON keeps each kind of statement in a map of its own.
#[derive(Default)]
struct Document(Map<String, Value>);

impl Document {
    fn put(&mut self, kind: &str, id: &str, attributes: Value) {
        let statements = self.0.entry(kind).or_insert_with(|| json!({}));
        if let Value::Object(statements) = statements {
            statements.insert(id.to_owned(), attributes);
        }
    }

    /// A statement that needs no name of its own: its blank node is numbered.
    fn relate(&mut self, kind: &str, attributes: Value) {
        let count = self.0.get(kind).and_then(Value::as_object).map_or(0, Map::len);
        self.put(kind, &format!("_:{kind}{count}"), attributes);
    }

    fn agent(&mut self, case: &Case, did: &str) {
        let label = case.name_of(did);
        self.put(
            "agent",
            did,
            json!({"prov:type": {"$": "prov:Organization", "type": "prov:QUALIFIED_NAME"}, "prov:label": label}),
        );
    }

    fn data(&mut self, sha256: &str, label: &str, media_type: &str) {
        let id = format!("sha256:{sha256}");
        self.put(
            "entity",
            &id,
            json!({"prov:label": label, "herleid:mediaType": media_type}),
        );
    }
}

/// `prov.json`, in RFC 8785 form: the same case gives the same bytes.
///
/// # Errors
/// When a text has no form in JSON, which no section that was parsed has.
pub fn json(case: &Case) -> Result<Vec<u8>, JsonError> {
    let mut document = Document::default();
    document.0.insert(
        "prefix".to_owned(),
        json!({"prov": PROV, "herleid": HERLEID, "did": "did:", "uuid": "urn:uuid:", "sha256": format!("{HERLEID}sha256/"),
            "leaf": format!("{HERLEID}leaf/")}),
    );
    for pull in case.pulls.values() {
        let id = format!("uuid:{}", pull.transaction);
        let (subject, version) = match &pull.subject {
            Subject::Dataset { dataset, version } => (dataset, version),
            Subject::Model { model, version } => (model, version),
        };
        let mut attributes = json!({"prov:type": {"$": "herleid:Pull", "type": "prov:QUALIFIED_NAME"},
            "prov:label": case.title_of(subject, version), "herleid:agreement": pull.agreement, "herleid:version": version});
        if let (Some(at), Some(attributes)) = (pull.recorded_ms, attributes.as_object_mut()) {
            attributes.insert("prov:startTime".to_owned(), format_rfc3339_ms(at).into());
        }
        document.put("activity", &id, attributes);
        for (did, role) in [
            (&pull.provider, "herleid:provider"),
            (&pull.consumer, "herleid:consumer"),
        ] {
            document.agent(case, did.as_str());
            document.relate(
                "wasAssociatedWith",
                json!({"prov:activity": id, "prov:agent": did.as_str(), "prov:role": role}),
            );
        }
        if let Some(sha256) = &pull.sha256 {
            document.data(
                sha256,
                case.title_of(subject, version),
                pull.media_type.as_deref().unwrap_or_default(),
            );
            document.relate(
                "used",
                json!({"prov:activity": id, "prov:entity": format!("sha256:{sha256}")}),
            );
        }
    }
    for run in case.runs.values() {
        self::run(&mut document, case, run);
    }
    decision(&mut document, case);
    json::canonical(&Value::Object(document.0))
}

fn run(document: &mut Document, case: &Case, run: &Run) {
    let id = format!("uuid:{}", run.transaction);
    let mut attributes = json!({"prov:type": {"$": "herleid:Run", "type": "prov:QUALIFIED_NAME"},
        "prov:label": case.title_of(&run.model, &run.version), "herleid:model": run.model, "herleid:version": run.version,
        "herleid:status": run.status, "herleid:parameters": Value::Object(run.parameters.clone()).to_string()});
    if let (Some((first, last)), Some(attributes)) = (run.recorded_ms, attributes.as_object_mut()) {
        attributes.insert("prov:startTime".to_owned(), format_rfc3339_ms(first).into());
        attributes.insert("prov:endTime".to_owned(), format_rfc3339_ms(last).into());
    }
    document.put("activity", &id, attributes);
    for (did, role) in [(&run.provider, "herleid:provider"), (&run.consumer, "herleid:consumer")] {
        if let Some(did) = did {
            document.agent(case, did.as_str());
            document.relate(
                "wasAssociatedWith",
                json!({"prov:activity": id, "prov:agent": did.as_str(), "prov:role": role}),
            );
        }
    }
    for input in &run.inputs {
        document.data(&input.sha256, case.title_of_input(input), &input.media_type);
        let entity = format!("sha256:{}", input.sha256);
        document.relate(
            "used",
            json!({"prov:activity": id, "prov:entity": entity, "prov:role": input.name}),
        );
        if let Some(pull) = &input.transaction {
            document.relate(
                "wasInformedBy",
                json!({"prov:informed": id, "prov:informant": format!("uuid:{pull}")}),
            );
        }
        for output in &run.outputs {
            let generated = format!("sha256:{}", output.sha256);
            document.relate(
                "wasDerivedFrom",
                json!({"prov:generatedEntity": generated, "prov:usedEntity": entity, "prov:activity": id}),
            );
        }
    }
    if let Some(program) = &run.program {
        document.data(
            program,
            case.title_of(&run.model, &run.version),
            "application/octet-stream",
        );
        document.relate(
            "used",
            json!({"prov:activity": id, "prov:entity": format!("sha256:{program}"), "prov:role": "herleid:program"}),
        );
    }
    for output in &run.outputs {
        document.data(&output.sha256, &output.name, &output.media_type);
        let entity = format!("sha256:{}", output.sha256);
        document.relate(
            "wasGeneratedBy",
            json!({"prov:entity": entity, "prov:activity": id, "prov:role": output.name}),
        );
    }
}

fn decision(document: &mut Document, case: &Case) {
    let Some(decision) = &case.decision else {
        return;
    };
    let id = format!("leaf:{}", hex::encode(decision.leaf));
    document.put(
        "activity",
        &id,
        json!({"prov:type": {"$": "herleid:Decision", "type": "prov:QUALIFIED_NAME"}, "prov:label": decision.facts.title,
            "herleid:case": decision.facts.case, "herleid:legalBasis": decision.facts.legal_basis}),
    );
    document.agent(case, decision.party.as_str());
    if let Some(author) = &decision.author {
        let person = format!("{id}/author");
        let label = format!("{}, {}", author.name, author.role);
        document.put(
            "agent",
            &person,
            json!({"prov:type": {"$": "prov:Person", "type": "prov:QUALIFIED_NAME"}, "prov:label": label}),
        );
        document.relate("wasAssociatedWith", json!({"prov:activity": id, "prov:agent": person}));
        document.relate(
            "actedOnBehalfOf",
            json!({"prov:delegate": person, "prov:responsible": decision.party.as_str(), "prov:activity": id}),
        );
    } else {
        document.relate(
            "wasAssociatedWith",
            json!({"prov:activity": id, "prov:agent": decision.party.as_str()}),
        );
    }
    for relied in &decision.facts.relies_on {
        let title = case.title_of_relied(relied);
        let entity = format!("sha256:{}", relied.sha256);
        if relied.output.is_none() {
            // What a pull brought has its media type there; an output of a run has been described with the run.
            let pull = case.pulls.get(&relied.transaction);
            let media_type = pull.and_then(|pull| pull.media_type.as_deref());
            document.data(&relied.sha256, title, media_type.unwrap_or_default());
        }
        document.relate(
            "used",
            json!({"prov:activity": id, "prov:entity": entity, "prov:role": title}),
        );
        document.relate(
            "wasInformedBy",
            json!({"prov:informed": id, "prov:informant": format!("uuid:{}", relied.transaction)}),
        );
    }
}
