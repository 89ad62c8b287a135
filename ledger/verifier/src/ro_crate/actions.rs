//! Runs as actions of the profile: the workflow, its tools and steps, and who did what with which values.

use super::{Graph, WORKFLOW, own, references, time};
use crate::case::{Case, Relied, Run};
use crate::dossier::ManifestHead;
use serde_json::{Map, Value, json};

const ENGINE: &str = "https://w3id.org/herleid";
const LANGUAGE: &str = "https://www.w3.org/submissions/2013/SUBM-prov-json-20130424/";

/// Describes everything that was done; gives the ids that the root mentions.
pub(super) fn describe(graph: &mut Graph, case: &Case, head: &ManifestHead) -> Vec<String> {
    let (mut tools, mut steps, mut controls, mut mentioned) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    organisation(graph, case, head.party.as_str());
    for (position, run) in case.runs.values().enumerate() {
        let (action, step, control) = (
            format!("#run-{}", run.transaction),
            format!("#step-{}", run.transaction),
            format!("#control-{}", run.transaction),
        );
        let tool = tool(graph, case, run);
        self::run(graph, case, run, &action, &tool);
        graph.put(
            &step,
            json!({"@type": "HowToStep", "name": case.title_of(&run.model, &run.version), "position": (position + 1).to_string(), "workExample": {"@id": tool}}),
        );
        graph.put(
            &control,
            json!({"@type": "ControlAction", "name": format!("run of {}", run.model), "instrument": {"@id": step}, "object": {"@id": action}}),
        );
        if !tools.contains(&tool) {
            tools.push(tool);
        }
        steps.push(step);
        controls.push(control);
        mentioned.push(action);
    }
    mentioned.push(workflow(graph, case, head, &tools, &steps, &controls));
    if !controls.is_empty() {
        mentioned.push("#orchestration".to_owned());
    }
    mentioned
}

/// The chain as a whole: prospectively the file that describes it, retrospectively one action.
fn workflow(
    graph: &mut Graph,
    case: &Case,
    head: &ManifestHead,
    tools: &[String],
    steps: &[String],
    controls: &[String],
) -> String {
    graph.put(
        LANGUAGE,
        json!({"@type": "ComputerLanguage", "name": "PROV-JSON", "alternateName": "PROV-JSON", "url": {"@id": LANGUAGE}, "identifier": {"@id": LANGUAGE}}),
    );
    graph.put(
        ENGINE,
        json!({"@type": "SoftwareApplication", "name": "Herleid", "url": ENGINE, "softwareVersion": env!("CARGO_PKG_VERSION")}),
    );
    let mut more = Map::new();
    let kinds = json!(["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]);
    for (member, value) in [
        ("@type", kinds),
        ("name", json!(format!("Chain of model runs of case {}", head.case))),
        ("version", json!("1")),
        ("programmingLanguage", json!({"@id": LANGUAGE})),
        ("license", json!({"@id": "#licence"})),
        ("hasPart", references(tools.iter().map(String::as_str))),
        ("step", references(steps.iter().map(String::as_str))),
    ] {
        more.insert(member.to_owned(), value);
    }
    graph.extend(WORKFLOW, more);
    let id = "#case".to_owned();
    let decision = case.decision.as_ref();
    let relied = decision.map(|decision| decision.facts.relies_on.as_slice());
    let relied = relied.unwrap_or_default();
    // What a run gave is a result of the chain; what was only delivered went into the decision.
    let (given, delivered): (Vec<&Relied>, Vec<&Relied>) = relied.iter().partition(|relied| relied.output.is_some());
    for relied in &delivered {
        let mut more = Map::new();
        more.insert("name".to_owned(), json!(case.title_of_relied(relied)));
        graph.extend(&format!("data/{}", relied.sha256), more);
    }
    let inputs = case.runs.values().flat_map(|run| &run.inputs);
    let used = inputs
        .map(|input| &input.sha256)
        .chain(delivered.iter().map(|relied| &relied.sha256))
        .map(|sha256| format!("data/{sha256}"));
    let results = given.iter().map(|relied| format!("data/{}", relied.sha256));
    let mut action = json!({"@type": "CreateAction", "name": format!("Case {}", head.case),
        "description": decision.map_or("", |decision| &decision.facts.choices), "instrument": {"@id": WORKFLOW},
        "agent": {"@id": head.party.as_str()}, "actionStatus": "http://schema.org/CompletedActionStatus",
        "endTime": time(decision.and_then(|decision| decision.recorded_ms).unwrap_or(head.made_ms)),
        "object": present(graph, used), "result": present(graph, results)});
    if let (Some(author), Some(decision)) = (decision.and_then(|d| d.author.as_ref()), decision) {
        graph.put(
            "#author",
            json!({"@type": "Person", "name": author.name, "jobTitle": author.role, "affiliation": {"@id": decision.party.as_str()}}),
        );
        if let Some(action) = action.as_object_mut() {
            action.insert("agent".to_owned(), json!({"@id": "#author"}));
        }
    }
    graph.put(&id, action);
    if !controls.is_empty() {
        graph.put(
            "#orchestration",
            json!({"@type": "OrganizeAction", "name": "runs asked for through the connector", "instrument": {"@id": ENGINE},
                "result": {"@id": id}, "object": references(controls.iter().map(String::as_str))}),
        );
    }
    id
}

/// Only files that are in the crate may be referred to as its data.
fn present(graph: &Graph, ids: impl IntoIterator<Item = String>) -> Value {
    let mut found: Vec<String> = ids.into_iter().filter(|id| graph.0.contains_key(id)).collect();
    found.sort();
    found.dedup();
    references(found.iter().map(String::as_str))
}

fn organisation(graph: &mut Graph, case: &Case, did: &str) {
    graph.put(did, json!({"@type": "Organization", "name": case.name_of(did)}));
}

/// The model: its program when that is in the crate, else the service.
fn tool(graph: &mut Graph, case: &Case, run: &Run) -> String {
    let file = run.program.as_ref().map(|program| format!("models/{program}"));
    let id = file
        .filter(|file| graph.0.contains_key(file))
        .unwrap_or_else(|| format!("#model-{}", hex::encode(run.model.as_bytes())));
    let mut members = Map::new();
    let kinds = if id.starts_with('#') {
        json!("SoftwareApplication")
    } else {
        json!(["File", "SoftwareApplication"])
    };
    for (member, value) in [
        ("@type", kinds),
        ("name", json!(case.title_of(&run.model, &run.version))),
        ("identifier", json!(run.model)),
        ("softwareVersion", json!(run.version)),
    ] {
        members.insert(member.to_owned(), value);
    }
    if graph.0.contains_key(&id) {
        graph.extend(&id, members);
    } else {
        graph.put(&id, Value::Object(members));
    }
    id
}

fn run(graph: &mut Graph, case: &Case, run: &Run, action: &str, tool: &str) {
    let data: Vec<(String, &str, &str)> = run
        .inputs
        .iter()
        .map(|input| {
            (
                format!("data/{}", input.sha256),
                case.title_of_input(input),
                input.media_type.as_str(),
            )
        })
        .chain(run.outputs.iter().map(|output| {
            (
                format!("data/{}", output.sha256),
                output.name.as_str(),
                output.media_type.as_str(),
            )
        }))
        .collect();
    for (id, name, media_type) in &data {
        let mut more = Map::new();
        more.insert("name".to_owned(), json!(name));
        more.insert("encodingFormat".to_owned(), json!(media_type));
        graph.extend(id, more);
    }
    let mut objects: Vec<String> = run
        .inputs
        .iter()
        .map(|input| format!("data/{}", input.sha256))
        .filter(|id| graph.0.contains_key(id))
        .collect();
    for (name, value) in &run.parameters {
        let id = format!("{action}-parameter-{}", hex::encode(name.as_bytes()));
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        graph.put(&id, json!({"@type": "PropertyValue", "name": name, "value": value}));
        objects.push(id);
    }
    let results = run.outputs.iter().map(|output| format!("data/{}", output.sha256));
    let mut entity = json!({"@type": "CreateAction", "name": format!("Run of {}", case.title_of(&run.model, &run.version)),
        "description": format!("transaction {} under agreement {}, {}", run.transaction, run.agreement, own("Run")),
        "instrument": {"@id": tool}, "object": references(objects.iter().map(String::as_str)), "result": present(graph, results),
        "actionStatus": if run.status == "finished" { "http://schema.org/CompletedActionStatus" } else { "http://schema.org/FailedActionStatus" }});
    if let Some(members) = entity.as_object_mut() {
        if let Some((first, last)) = run.recorded_ms {
            members.insert("startTime".to_owned(), json!(time(first)));
            members.insert("endTime".to_owned(), json!(time(last)));
        }
        if let Some(provider) = &run.provider {
            organisation(graph, case, provider.as_str());
            members.insert("agent".to_owned(), json!({"@id": provider.as_str()}));
        }
        if let Some(reason) = &run.reason {
            members.insert("error".to_owned(), json!(reason));
        }
    }
    graph.put(action, entity);
}
