//! What other programs and people read: PROV, RO-Crate and the page, of a case as its records tell it.

use crate::build::parse;
use crate::judge::NOW_MS;
use crate::log::sha256_hex;
use crate::world::{Lie, World, program};
use crate::zip::unzip;
use herleid_verifier::case::Case;
use herleid_verifier::dossier::{MANIFEST, Manifest};
use herleid_verifier::{prov, report, ro_crate, verify};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Cursor;

fn case() -> (World, Case, Manifest) {
    let world = World::new("real", Lie::None);
    let dossier = world.dossier();
    let anchors = parse(&world.anchors());
    let manifest = unzip(&dossier)
        .into_iter()
        .find(|(name, _)| name == MANIFEST)
        .unwrap()
        .1;
    let case = verify(Cursor::new(dossier), Some(&anchors), NOW_MS).case;
    (world, case, Manifest::parse(&manifest).unwrap())
}

#[test]
fn the_case_tells_where_every_input_came_from() {
    let (world, case, _) = case();
    assert_eq!(case.runs.len(), 3);
    assert_eq!(case.pulls.len(), 4);
    let run = &case.runs[&world.runs[2]];
    assert_eq!(
        (run.status.as_str(), run.parameters["storage_mm"].as_str()),
        ("finished", Some("3"))
    );
    assert_eq!(run.provider.as_ref().unwrap().as_str(), world.board.did);
    assert_eq!(run.program.as_deref(), Some(sha256_hex(program()).as_str()));
    // The board got it from the app, and the app from KNMI.
    assert_eq!(case.source_of(&run.inputs[0]).unwrap().as_str(), world.knmi.did);
    assert_eq!(case.name_of(&world.knmi.did), "KNMI");
    assert_eq!(
        case.decision.as_ref().unwrap().facts.relies_on[0].transaction,
        world.runs[2]
    );
}

#[test]
fn the_page_names_data_models_settings_and_the_one_who_decided() {
    let (_, case, manifest) = case();
    let html = report::html(&case, &[], manifest.head.made_ms);
    for said in [
        "Rain at Vlissingen",
        "KNMI",
        "storage_mm",
        "A. de Vries",
        "Sewer storage and pump",
        "Berekening 3",
    ] {
        assert!(html.contains(said), "{said}");
    }
    assert_eq!(html, report::html(&case, &[], manifest.head.made_ms));
}

#[test]
fn every_statement_of_prov_is_about_something_stated() {
    let (_, case, _) = case();
    let bytes = prov::json(&case).unwrap();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    let ids = |kind: &str| -> BTreeSet<String> { document[kind].as_object().unwrap().keys().cloned().collect() };
    let (entities, activities, agents) = (ids("entity"), ids("activity"), ids("agent"));
    assert_eq!(activities.len(), 3 + 4 + 1);
    let mut checked = 0;
    for (kind, subject, object) in [
        ("used", ("prov:activity", &activities), ("prov:entity", &entities)),
        (
            "wasGeneratedBy",
            ("prov:entity", &entities),
            ("prov:activity", &activities),
        ),
        (
            "wasAssociatedWith",
            ("prov:activity", &activities),
            ("prov:agent", &agents),
        ),
        (
            "wasInformedBy",
            ("prov:informed", &activities),
            ("prov:informant", &activities),
        ),
        (
            "wasDerivedFrom",
            ("prov:generatedEntity", &entities),
            ("prov:usedEntity", &entities),
        ),
        (
            "actedOnBehalfOf",
            ("prov:delegate", &agents),
            ("prov:responsible", &agents),
        ),
    ] {
        for statement in document[kind].as_object().unwrap().values() {
            for (member, known) in [subject, object] {
                assert!(
                    known.contains(statement[member].as_str().unwrap()),
                    "{kind} {member}: {statement}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "{checked}");
}

fn entity<'a>(graph: &'a [Value], id: &str) -> &'a Value {
    graph
        .iter()
        .find(|entity| entity["@id"] == id)
        .unwrap_or_else(|| panic!("no `{id}`"))
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) if members.len() == 1 && members.contains_key("@id") => {
            found.push(members["@id"].as_str().unwrap().to_owned());
        }
        Value::Object(members) => members.values().for_each(|member| references(member, found)),
        _ => {}
    }
}

#[test]
fn the_crate_describes_every_file_and_run_and_refers_to_nothing_else() {
    let (world, case, manifest) = case();
    let files = manifest.files.iter().map(|(name, listed)| (name.as_str(), listed));
    let bytes = ro_crate::metadata(&case, &manifest.head, files).unwrap();
    let metadata: Value = serde_json::from_slice(&bytes).unwrap();
    let graph = metadata["@graph"].as_array().unwrap();
    let ids: BTreeSet<&str> = graph.iter().map(|entity| entity["@id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), graph.len());
    let mut found = Vec::new();
    graph.iter().for_each(|entity| references(entity, &mut found));
    let outside: Vec<&String> = found.iter().filter(|id| !ids.contains(id.as_str())).collect();
    assert!(outside.iter().all(|id| id.starts_with("https://")), "{outside:?}");
    for name in manifest.files.keys().filter(|name| name.as_str() != ro_crate::NAME) {
        let listed = &manifest.files[name];
        assert_eq!(
            entity(graph, name.as_str())["sha256"],
            hex::encode(listed.sha256),
            "{name}"
        );
    }
    let root = entity(graph, "./");
    for member in [
        "name",
        "description",
        "datePublished",
        "license",
        "mainEntity",
        "hasPart",
        "conformsTo",
        "mentions",
    ] {
        assert!(!root[member].is_null(), "{member}");
    }
    let run = entity(graph, &format!("#run-{}", world.runs[0]));
    assert_eq!(run["instrument"]["@id"], format!("models/{}", sha256_hex(program())));
    assert_eq!(run["result"]["@id"], format!("data/{}", sha256_hex(&world.data[1])));
    assert_eq!(run["object"].as_array().unwrap().len(), 3, "one input, two parameters");
}
