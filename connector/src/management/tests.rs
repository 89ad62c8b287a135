use super::operations::{self, Operation};
use super::{openapi, page};
use crate::messages::Language;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What OpenAPI 3.1.0 demands of the parts that are used here (sections 4.8.1 to 4.8.17).
fn shape_of_a_document() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["openapi", "info", "paths", "components", "security", "servers"],
        "properties": {
            "openapi": {"pattern": "^3\\.1\\.\\d+$"},
            "info": {"required": ["title", "version"], "properties": {"license": {"required": ["name"]}}},
            "servers": {"type": "array", "minItems": 1, "items": {"required": ["url"]}},
            "security": {"type": "array", "items": {"$ref": "#/$defs/security"}},
            "paths": {
                "type": "object", "minProperties": 1, "additionalProperties": false,
                "patternProperties": {"^/": {
                    "type": "object", "minProperties": 1, "additionalProperties": false,
                    "properties": {"get": {"$ref": "#/$defs/operation"}, "post": {"$ref": "#/$defs/operation"}, "delete": {"$ref": "#/$defs/operation"}},
                }},
            },
            "components": {"properties": {
                "schemas": {"type": "object", "propertyNames": {"pattern": "^[a-zA-Z0-9._-]+$"}, "additionalProperties": {"$ref": "#/$defs/schema"}},
                "securitySchemes": {"additionalProperties": {"required": ["type", "scheme"]}},
            }},
        },
        "$defs": {
            "operation": {
                "type": "object", "required": ["operationId", "summary", "responses", "tags"], "additionalProperties": false,
                "properties": {
                    "operationId": {"type": "string", "pattern": "^[a-z][a-zA-Z]+$"},
                    "summary": {"type": "string", "minLength": 10, "pattern": "[^.]$"},
                    "tags": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
                    "parameters": {"type": "array", "uniqueItems": true, "items": {
                        "required": ["name", "in", "schema", "description"],
                        "properties": {"in": {"enum": ["query", "path"]}, "description": {"minLength": 5}, "schema": {"$ref": "#/$defs/schema"}},
                        "if": {"properties": {"in": {"const": "path"}}}, "then": {"properties": {"required": {"const": true}}},
                    }},
                    "requestBody": {"required": ["content"], "properties": {"content": {"$ref": "#/$defs/content"}}},
                    "responses": {
                        "type": "object", "minProperties": 2, "additionalProperties": false, "required": ["default"],
                        "patternProperties": {"^([1-5]\\d\\d|default)$": {
                            "required": ["description"], "properties": {"content": {"$ref": "#/$defs/content"}},
                        }},
                    },
                    "security": {"type": "array", "items": {"$ref": "#/$defs/security"}},
                },
            },
            "content": {"type": "object", "minProperties": 1, "additionalProperties": {"required": ["schema"], "properties": {"schema": {"$ref": "#/$defs/schema"}}}},
            "schema": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
            "security": {"type": "object", "additionalProperties": {"type": "array"}},
        },
    })
}

#[test]
fn the_document_is_one_of_openapi_3_1() {
    let document = openapi::document();
    let shape = jsonschema::validator_for(&shape_of_a_document()).unwrap();
    let wrong: Vec<String> = shape
        .iter_errors(&document)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The check can fail: a document with a path that is none, or a schema that is none.
    let mut bad = document.clone();
    bad["components"]["schemas"]["Problem"] = json!({"type": "text"});
    assert!(!shape.is_valid(&bad));
    bad = document;
    bad["paths"]["status"] = json!({});
    assert!(!shape.is_valid(&bad));
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn everything_that_is_served_is_described_once_and_nothing_else_is() {
    let document = openapi::document();
    let all = operations::all();
    let described: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert_eq!(described, all.len(), "two operations have one path and method");
    let ids: BTreeSet<&str> = all.iter().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), all.len(), "two operations have one name");
    for operation in &all {
        let item = &document["paths"][operation.path][operation.method.as_str()];
        assert_eq!(item["operationId"], operation.id);
        let named: Vec<&str> = item["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["name"].as_str().unwrap())
            .collect();
        let expected: Vec<&str> = openapi::parameters(operation.path)
            .chain(operation.query.iter().map(|(name, _)| *name))
            .collect();
        assert_eq!(named, expected, "{}", operation.id);
        // What changes something has a body, or ends something.
        let is_post = operation.method == operations::Method::Post;
        assert_eq!(item["requestBody"].is_object(), is_post, "{}", operation.id);
    }
    let mut all = Vec::new();
    references(&document, &mut all);
    assert!(all.len() > 40, "{}", all.len());
    for reference in all {
        let found = document.pointer(reference.strip_prefix('#').unwrap());
        assert!(found.is_some_and(Value::is_object), "`{reference}` leads nowhere");
    }
}

#[test]
fn only_what_shows_nothing_of_the_connector_is_answered_without_the_token() {
    let open: Vec<&str> = operations::all()
        .iter()
        .filter(|operation: &&Operation| operation.public)
        .map(|o| o.path)
        .collect();
    assert_eq!(open, ["/openapi.json", "/"]);
    let document = openapi::document();
    assert_eq!(document["paths"]["/status"]["get"].get("security"), None);
    assert_eq!(document["security"], json!([{"token": []}]));
    assert_eq!(document["paths"]["/openapi.json"]["get"]["security"], json!([]));
}

#[test]
fn the_page_shows_every_operation_and_needs_nothing_from_elsewhere() {
    for language in Language::ALL {
        let html = page::html(&openapi::document(), language);
        assert!(html.starts_with(&format!("<!doctype html><html lang=\"{}\">", language.code())));
        for operation in operations::all() {
            assert_eq!(
                html.matches(&format!("<section id=\"{}\">", operation.id)).count(),
                1,
                "{}",
                operation.id
            );
            assert!(html.contains(&format!("href=\"#{}\"", operation.id)));
        }
        for foreign in ["<script", "<link", "<img", "src=", "@import", "url(", "<iframe"] {
            assert!(!html.contains(foreign), "{foreign}");
        }
        assert!(!html.contains("management-page-"), "a sentence is missing");
        // Opened and closed alike: a page that is cut off in the middle is hard to read with a screen reader.
        for tag in ["section", "details", "table", "main", "nav", "pre", "code", "ul"] {
            let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}

#[test]
fn the_page_is_in_the_language_that_is_asked_for() {
    let asked = |value: &'static str| {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("accept-language", value.parse().unwrap());
        page::language(&headers)
    };
    assert_eq!(asked("nl-NL,nl;q=0.9,en;q=0.8"), Language::Dutch);
    assert_eq!(asked("fr, en;q=0.5"), Language::English);
    assert_eq!(asked("*"), Language::English);
    assert_eq!(page::language(&axum::http::HeaderMap::new()), Language::English);
}

#[test]
fn the_documentation_lists_every_request_and_no_other() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/management-api.md");
    let text = std::fs::read_to_string(file).unwrap();
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next());
    let listed: Vec<&str> = rows.filter(|row| row.contains(" /")).collect();
    let all = operations::all();
    let mut served: Vec<String> = all
        .iter()
        .map(|o| format!("{} {}", o.method.as_str().to_uppercase(), o.path))
        .collect();
    let mut listed: Vec<String> = listed.into_iter().map(str::to_owned).collect();
    served.sort();
    listed.sort();
    assert_eq!(listed, served);
    for operation in &all {
        for (filter, _) in operation
            .query
            .iter()
            .filter(|(name, _)| !["limit", "after"].contains(name))
        {
            assert!(
                text.contains(&format!("`{filter}`")) || text.contains(&format!("?{filter}=")),
                "`{filter}` is not named"
            );
        }
    }
}
