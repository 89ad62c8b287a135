//! The OpenAPI 3.1 document, made of the list of operations and the types that they take and give. Its schemas are JSON Schema 2020-12,
//! the dialect of OpenAPI 3.1 (OAS 3.1.0, section 4.8.24).

use super::operations::Operation;
use super::problem::Problem;
use super::{BASE, operations};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Where the schema of a type comes from.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The document, for an API that is reached at `server`.
pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
    let mut schemas = settings.into_generator();
    let problem = schemas.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations::all() {
        let described = describe(&operation, &mut schemas, &problem);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(members) = path.as_object_mut() {
            members.insert(operation.method.as_str().to_owned(), described);
        }
    }
    let schemas = schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Herleid management API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the people of this connector can ask of it: publish, negotiate, transfer, and be told what happens. Every list says how many there are. Every problem says what to do next.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer",
                "description": "The content of the file `management.token` in the connector's keys directory.",
            }},
        },
    })
}

fn describe(operation: &Operation, schemas: &mut SchemaGenerator, problem: &Schema) -> Value {
    let parameter = |place: &str, name: &str, about: &str| {
        let schema = match name {
            "limit" => json!({"type": "integer", "minimum": 1, "maximum": 500}),
            _ => json!({"type": "string"}),
        };
        json!({"name": name, "in": place, "required": place == "path", "description": about, "schema": schema})
    };
    let in_path = parameters(operation.path).map(|name| parameter("path", name, about(name)));
    let in_query = operation
        .query
        .iter()
        .map(|(name, about)| parameter("query", name, about));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut answer = json!({"description": operation.about});
    if let (Some(shape), Some(members)) = (operation.answer, answer.as_object_mut()) {
        members.insert(
            "content".to_owned(),
            json!({operation.media_type: {"schema": shape(schemas)}}),
        );
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.about,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": {
            operation.status.to_string(): answer,
            "default": {
                "description": "A problem: what failed, what was expected, and what to do next",
                "content": {"application/problem+json": {"schema": problem}},
            },
        },
    });
    if let (Some(shape), Some(members)) = (operation.body, described.as_object_mut()) {
        let body = json!({"required": true, "content": {"application/json": {"schema": shape(schemas)}}});
        members.insert("requestBody".to_owned(), body);
    }
    if let (true, Some(members)) = (operation.public, described.as_object_mut()) {
        members.insert("security".to_owned(), json!([]));
    }
    described
}

/// The parameters that stand in a path.
pub(super) fn parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

fn about(parameter: &str) -> &'static str {
    match parameter {
        "pid" => "This connector's identifier of the process, percent-encoded",
        _ => "Its identifier, percent-encoded",
    }
}
