//! The documents that say what there is: landing page, conformance, list, description, API definition.

use crate::models::package::{Model, PackageError, Port, RawModel, SEED, to_value};
use herleid_vocab::json;
use serde_json::{Map, Value, json};

/// The conformance classes that hold here (18-062r2, section 7.4): core, JSON, process description, OpenAPI 3.0.
pub const CONFORMANCE: [&str; 4] = [
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/ogc-process-description",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/oas30",
];
/// Link relation of the conformance declaration.
const REL_CONFORMANCE: &str = "http://www.opengis.net/def/rel/ogc/1.0/conformance";
/// Link relation of the list of processes.
const REL_PROCESSES: &str = "http://www.opengis.net/def/rel/ogc/1.0/processes";
/// Link relation of the place to execute a process at.
const REL_EXECUTE: &str = "http://www.opengis.net/def/rel/ogc/1.0/execute";
/// Member of a description that carries what OGC has no place for.
const EXTENSION: &str = "x-herleid";

/// A published model: a checked description, and the digest of the program that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    model: Model,
    program_sha256: String,
}

impl Process {
    /// The process of a model whose program has this SHA-256.
    #[must_use]
    pub fn new(model: Model, program_sha256: &[u8; 32]) -> Self {
        Self {
            model,
            program_sha256: hex::encode(program_sha256),
        }
    }

    /// Reads a process description that a Herleid published, and checks that its OGC part says what its own part says.
    ///
    /// # Errors
    /// When it is not JSON, carries no or a wrong model description, or is not byte for byte what [`Process::document`]
    /// makes of that description.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackageError> {
        let syntax = |why: String| PackageError::Syntax { why };
        let mut value = json::parse(bytes, &json::Limits::MESSAGE).map_err(|e| syntax(e.to_string()))?;
        let extension = value
            .get_mut(EXTENSION)
            .map(Value::take)
            .ok_or_else(|| syntax(format!("the process description has no member `{EXTENSION}`")))?;
        let raw: RawModel = serde_json::from_value(extension).map_err(|e| syntax(e.to_string()))?;
        let program_sha256 = Model::published_program(&raw)?;
        let process = Self {
            model: Model::checked(raw)?,
            program_sha256,
        };
        if process.document()? != bytes {
            return Err(syntax(format!(
                "the process description says something else than its member `{EXTENSION}`"
            )));
        }
        Ok(process)
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// SHA-256 of the published program, 64 lower-case hex digits.
    #[must_use]
    pub fn program_sha256(&self) -> &str {
        &self.program_sha256
    }

    /// The process description (18-062r2, section 7.10) as it is served and recorded: RFC 8785 bytes that do not depend on
    /// where they are served; its links are relative.
    ///
    /// # Errors
    /// When the description has no canonical form, which a checked one has.
    pub fn document(&self) -> Result<Vec<u8>, PackageError> {
        let mut value = self.summary_members();
        value.insert("outputTransmission".to_owned(), json!(["value"]));
        value.insert("inputs".to_owned(), Value::Object(self.inputs()));
        let outputs = self.model.outputs().iter().map(|port| {
            (
                port.name.clone(),
                json!({"title": port.title, "description": port.description, "schema": file_schema(port)}),
            )
        });
        value.insert("outputs".to_owned(), Value::Object(outputs.collect()));
        value.insert(
            "links".to_owned(),
            json!([{"href": format!("{}/execution", self.model.id()), "rel": REL_EXECUTE, "title": "Run this model"}]),
        );
        value.insert(
            EXTENSION.to_owned(),
            to_value(&self.model.published(&self.program_sha256))?,
        );
        json::canonical(&Value::Object(value)).map_err(|e| PackageError::Syntax { why: e.to_string() })
    }

    /// The process summary (18-062r2, section 7.9), for a service whose address is `base`.
    #[must_use]
    pub fn summary(&self, base: &str) -> Value {
        let mut value = self.summary_members();
        let href = format!("{base}/processes/{}", self.model.id());
        value.insert(
            "links".to_owned(),
            json!([link(&href, "self", "Description of the model")]),
        );
        Value::Object(value)
    }

    fn summary_members(&self) -> Map<String, Value> {
        let members = [
            ("id", json!(self.model.id())),
            ("version", json!(self.model.version())),
            ("title", json!(self.model.title())),
            ("description", json!(self.model.description())),
            ("jobControlOptions", json!(["sync-execute"])),
        ];
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn inputs(&self) -> Map<String, Value> {
        let files = self.model.inputs().iter().map(|port| {
            let one = json!({
                "title": port.title, "description": port.description,
                "minOccurs": 1, "maxOccurs": 1, "schema": file_schema(port),
            });
            (port.name.clone(), one)
        });
        let parameters = self.model.parameters().iter().map(|parameter| {
            let one = json!({
                "title": parameter.title(), "description": parameter.raw.description,
                "minOccurs": u8::from(parameter.default().is_none()), "maxOccurs": 1, "schema": parameter.schema(),
            });
            (parameter.name().to_owned(), one)
        });
        let seed = self.model.uses_seed().then(|| {
            let one = json!({
                "title": "Seed", "description": "What the model's random choices start from.", "minOccurs": 1, "maxOccurs": 1,
                "schema": {"type": "integer", "minimum": 0, "maximum": json::MAX_INTEGER},
            });
            (SEED.to_owned(), one)
        });
        files.chain(parameters).chain(seed).collect()
    }
}

/// A file as JSON Schema: JSON documents as they are, all else in base64.
fn file_schema(port: &Port) -> Value {
    if super::results::is_json(&port.media_type) {
        json!({"contentMediaType": port.media_type})
    } else {
        json!({"type": "string", "contentMediaType": port.media_type, "contentEncoding": "base64"})
    }
}

fn link(href: &str, rel: &str, title: &str) -> Value {
    json!({"href": href, "rel": rel, "type": super::MEDIA_TYPE, "title": title})
}

/// The landing page (18-062r2, section 7.2) of a service whose address is `base`, without a slash at its end.
#[must_use]
pub fn landing(base: &str, title: &str, description: &str) -> Value {
    let definition = json!({
        "href": format!("{base}/api"), "rel": "service-desc", "title": "Definition of this API",
        "type": "application/vnd.oai.openapi+json;version=3.0",
    });
    json!({
        "title": title,
        "description": description,
        "links": [
            link(&format!("{base}/"), "self", "This document"),
            definition,
            link(&format!("{base}/conformance"), REL_CONFORMANCE, "What this service conforms to"),
            link(&format!("{base}/processes"), REL_PROCESSES, "The models that can be run here"),
        ],
    })
}

/// The conformance declaration (18-062r2, section 7.4).
#[must_use]
pub fn conformance() -> Value {
    json!({"conformsTo": CONFORMANCE})
}

/// The list of processes (18-062r2, section 7.9), all of them on one page.
#[must_use]
pub fn process_list<'a>(base: &str, processes: impl IntoIterator<Item = &'a Process>) -> Value {
    let summaries: Vec<Value> = processes.into_iter().map(|process| process.summary(base)).collect();
    json!({"processes": summaries, "links": [link(&format!("{base}/processes"), "self", "This document")]})
}

/// The API definition (18-062r2, section 7.3), OpenAPI 3.0: the paths that this module has documents for.
#[must_use]
pub fn api_definition(title: &str) -> Value {
    let json_body = |description: &str| json!({"description": description, "content": {(super::MEDIA_TYPE): {"schema": {"type": "object"}}}});
    let exception = json!({
        "description": "An exception (RFC 7807)",
        "content": {(super::EXCEPTION_MEDIA_TYPE): {"schema": {
            "type": "object", "required": ["type"],
            "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
        }}},
    });
    let get = |id: &str, description: &str| json!({"get": {"operationId": id, "responses": {"200": json_body(description), "default": exception}}});
    let process_id = json!([{"name": "processID", "in": "path", "required": true, "schema": {"type": "string"}}]);
    let mut one = get("getProcess", "A process description");
    let mut execute = json!({"post": {
        "operationId": "execute",
        "requestBody": json_body("An execute request: `inputs`, `outputs`, `response`"),
        "responses": {"200": json_body("The results"), "default": exception},
    }});
    for path in [&mut one, &mut execute] {
        if let Some(members) = path.as_object_mut() {
            members.insert("parameters".to_owned(), process_id.clone());
        }
    }
    if let Some(body) = execute.pointer_mut("/post/requestBody").and_then(Value::as_object_mut) {
        body.insert("required".to_owned(), Value::Bool(true));
    }
    json!({
        "openapi": "3.0.3",
        "info": {"title": title, "version": "1.0.0"},
        "paths": {
            "/": get("getLandingPage", "The landing page"),
            "/conformance": get("getConformance", "The conformance declaration"),
            "/processes": get("getProcesses", "The list of processes"),
            "/processes/{processID}": one,
            "/processes/{processID}/execution": execute,
        },
    })
}
