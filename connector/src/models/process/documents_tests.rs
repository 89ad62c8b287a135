//! The documents against the standard's own schemas, and the ways back from them.

use super::results::{document, parse_document};
use super::*;
use crate::models::package::ModelPackage;
use crate::models::sandbox::Output;
use herleid_vocab::json::{self, Limits};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn process() -> Process {
    let package = ModelPackage::from_toml(include_str!("../../../../tests/models/model.toml")).unwrap();
    Process::new(package.model().clone(), &[7; 32])
}

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// A validator for one schema of the bundled OpenAPI document of OGC API - Processes.
fn schema(test: &str, name: &str) -> Option<jsonschema::Validator> {
    let path = herleid_vocab::reference::find(test, "spec/ogcapi-processes/ogcapi-processes.bundled.json")?;
    let mut bundle = value(&std::fs::read(path).unwrap());
    // Waiver: in this bundle the name `schema` was taken by the schema of a *feature* (required `properties`), so that no
    // JSON Schema of a string would pass as the schema of an input; version 1.0 allows any OpenAPI 3.0 schema object there.
    assert_eq!(
        bundle["components"]["schemas"]["schema"]["required"],
        json!(["type", "properties"])
    );
    bundle["components"]["schemas"]["schema"] = json!({"type": "object"});
    let root = json!({"$ref": format!("#/components/schemas/{name}"), "components": bundle["components"]});
    Some(jsonschema::validator_for(&root).unwrap())
}

#[test]
fn the_documents_are_valid() {
    let base = "https://waterboard.example";
    let process = process();
    for (name, document) in [
        ("landingPage", landing(base, "Models", "Models of the water board")),
        ("confClasses", conformance()),
        ("processList", process_list(base, [&process])),
        ("processSummary", process.summary(base)),
        ("process", value(&process.document().unwrap())),
        (
            "exception",
            ProcessError::Missing {
                names: vec!["rain".into()],
            }
            .exception("/"),
        ),
    ] {
        let Some(validator) = schema("the_documents_are_valid", name) else {
            return;
        };
        let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert!(!validator.is_valid(&json!(7)), "the schema of {name} refuses something");
    }
}

#[test]
fn requests_and_results_are_valid() {
    let test = "requests_and_results_are_valid";
    let (Some(execute), Some(results)) = (schema(test, "execute-workflow"), schema(test, "results")) else {
        return;
    };
    let content = |text: &'static str| Content::Inline(bytes::Bytes::from_static(text.as_bytes()));
    let inputs = [
        (
            "rain".to_owned(),
            InputValue {
                content: content("{}"),
                pin: None,
            },
        ),
        (
            "sewer".to_owned(),
            InputValue {
                content: Content::Reference {
                    href: "https://x.example/".into(),
                },
                pin: None,
            },
        ),
    ];
    let (request, _) = process()
        .request(&inputs.into(), &serde_json::Map::new(), None, &Limits::MESSAGE)
        .unwrap();
    let errors: Vec<String> = execute.iter_errors(&value(&request)).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let answer = value(&document(&[output(b"{\"a\":1}", "application/json")], &["result".to_owned()]).unwrap());
    let errors: Vec<String> = results.iter_errors(&answer).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn the_landing_page_leads_everywhere() {
    let page = landing("https://w.example", "T", "D");
    let rels: Vec<&str> = page["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| link["rel"].as_str().unwrap())
        .collect();
    assert_eq!(
        rels,
        [
            "self",
            "service-desc",
            "http://www.opengis.net/def/rel/ogc/1.0/conformance",
            "http://www.opengis.net/def/rel/ogc/1.0/processes"
        ]
    );
    let api = api_definition("T");
    assert_eq!(api["openapi"], "3.0.3");
    assert!(
        api["paths"]["/processes/{processID}/execution"]["post"]["requestBody"]["required"]
            .as_bool()
            .unwrap()
    );
    assert_eq!(
        api["paths"]["/processes/{processID}"]["parameters"][0]["name"],
        "processID"
    );
}

#[test]
fn a_description_says_what_the_package_says_and_reads_back() {
    let process = process();
    let bytes = process.document().unwrap();
    let document = value(&bytes);
    assert_eq!(document["inputs"]["storage_mm"]["schema"]["default"], "7");
    assert_eq!(document["inputs"]["storage_mm"]["minOccurs"], 0);
    assert_eq!(document["inputs"]["rain"]["minOccurs"], 1);
    assert_eq!(document["x-herleid"]["program"], format!("sha256:{}", "07".repeat(32)));
    assert_eq!(document["links"][0]["href"], "sewer-storage-pump/execution");
    assert_eq!(Process::parse(&bytes).unwrap(), process);
}

#[test]
fn a_description_that_contradicts_itself_is_refused() {
    let good = String::from_utf8(process().document().unwrap()).unwrap();
    for (from, to) in [
        // What a person reads in the standard's part, and what would be recorded from ours.
        (r#""default":"7","pattern""#, r#""default":"9","pattern""#),
        (r#""default":"0.7","description""#, r#""default":"0.9","description""#),
        ("sewer-storage-pump/execution", "other/execution"),
        ("sha256:0707", "sha256:07"),
        (r#""id":"sewer-storage-pump","#, r#""id":"sewer","#),
        ("x-herleid\":", "x-harleid\":"),
        (r#""links""#, r#"  "links""#),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(Process::parse(good.replacen(from, to, 1).as_bytes()).is_err(), "{from}");
    }
}

fn output(bytes: &[u8], media_type: &str) -> Output {
    Output {
        name: "result".to_owned(),
        media_type: media_type.to_owned(),
        bytes: bytes.to_vec().into(),
        sha256: Sha256::digest(bytes).into(),
        blake3: blake3::hash(bytes).into(),
    }
}

#[test]
fn results_bring_back_the_exact_bytes() {
    let asked = ["result".to_owned()];
    for (bytes, inline) in [
        (&b"{\"a\":[1,\"x\"]}"[..], true),
        (b"{\"a\": 1}", false),
        (b"{\"a\":1}\n", false),
        (b"{\"a\":1.0}", false),
        (b"not JSON at all \xff", false),
        (b"", false),
    ] {
        let document = document(&[output(bytes, "application/json")], &asked).unwrap();
        assert_eq!(
            value(&document)["result"].get("encoding").is_none(),
            inline,
            "{document:?}"
        );
        let read = parse_document(&process(), &asked, &document, &Limits::MESSAGE).unwrap();
        assert_eq!(read, [("result".to_owned(), bytes.to_vec())]);
    }
    // As deep as a message may be once it is wrapped.
    let deep = ["[".repeat(31), "]".repeat(31)].concat();
    let document = document(&[output(deep.as_bytes(), "application/json")], &asked).unwrap();
    assert_eq!(
        parse_document(&process(), &asked, &document, &Limits::MESSAGE).unwrap()[0].1,
        deep.as_bytes()
    );
}

#[test]
fn results_that_are_not_what_was_asked_for_are_refused() {
    let asked = ["result".to_owned()];
    let good = json!({"result": {"value": 1, "mediaType": "application/json"}});
    assert!(parse_document(&process(), &asked, &json::canonical(&good).unwrap(), &Limits::MESSAGE).is_ok());
    for (bad, expected) in [
        (json!({}), "it is missing"),
        (json!([]), "not an object"),
        (json!({"result": 1}), "not an object"),
        (json!({"result": {"value": 1, "mediaType": "text/csv"}}), "media type"),
        (json!({"result": {"value": 1}}), "media type"),
        (
            json!({"result": {"value": 1, "mediaType": "application/json", "encoding": "base64"}}),
            "expected `value`",
        ),
        (
            json!({"result": {"value": "%", "mediaType": "application/json", "encoding": "base64"}}),
            "not base64",
        ),
        (
            json!({"result": {"value": 1, "mediaType": "application/json", "href": "x"}}),
            "unknown member `href`",
        ),
        (
            json!({"result": {"value": 1, "mediaType": "application/json"}, "more": {}}),
            "not asked for",
        ),
    ] {
        let found = parse_document(&process(), &asked, bad.to_string().as_bytes(), &Limits::MESSAGE).unwrap_err();
        assert!(found.to_string().contains(expected), "{found}");
    }
}
