//! The execute request (18-062r2, section 7.11), read strictly and written in one form.

use super::exception::{ProcessError, closest, shorten};
use super::value::{input, literal};
use super::{Pin, Process};
use crate::models::package::SEED;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use herleid_vocab::json::{self, Limits};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Members of an execute request in version 1.0.
const MEMBERS: [&str; 4] = ["inputs", "outputs", "response", "subscriber"];
/// Member of an input that carries its [`Pin`].
pub(super) const PIN: &str = "x-herleid";

/// Where an input's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In the request.
    Inline(Bytes),
    /// At an address, which has not been looked at.
    Reference {
        /// The address as it was given; who follows it has to guard that.
        href: String,
    },
}

/// One input of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputValue {
    /// Where its bytes are.
    pub content: Content,
    /// Where they come from and their digests. Checked against inline content; a reference is still to be checked.
    pub pin: Option<Pin>,
}

/// How the results are to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseForm {
    /// The bytes of the one output that was asked for, as the body.
    Raw,
    /// All that was asked for, in one JSON document.
    Document,
}

/// A request that names what the model has, all that it needs, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecuteRequest {
    inputs: BTreeMap<String, InputValue>,
    parameters: Map<String, Value>,
    seed: Option<u64>,
    outputs: Vec<String>,
    response: ResponseForm,
}

impl ExecuteRequest {
    /// Every input of the model, by name.
    #[must_use]
    pub fn inputs(&self) -> &BTreeMap<String, InputValue> {
        &self.inputs
    }

    /// Every parameter of the model, those that took their default included: what the section `parameters` records.
    #[must_use]
    pub fn parameters(&self) -> &Map<String, Value> {
        &self.parameters
    }

    /// The seed; `None` for a model that uses none.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// The outputs that were asked for, in the model's order.
    #[must_use]
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// How the results are to be given back.
    #[must_use]
    pub fn response(&self) -> ResponseForm {
        self.response
    }

    /// `run.inputs` in the model's order (docs/log-format.md, section 6); `None` while an input has no pin.
    #[must_use]
    pub fn run_inputs(&self, process: &Process) -> Option<Value> {
        let inputs = process.model().inputs().iter();
        inputs
            .map(|port| {
                Some(
                    self.inputs
                        .get(&port.name)?
                        .pin
                        .as_ref()?
                        .recorded(&port.name, &port.media_type),
                )
            })
            .collect()
    }
}

impl Process {
    /// Reads an execute request for this model, of at most `limits`.
    ///
    /// # Errors
    /// Names what is unknown, missing, wrong or not supported.
    pub fn parse_request(&self, bytes: &[u8], limits: &Limits) -> Result<ExecuteRequest, ProcessError> {
        let mut request = object("/", json::parse(bytes, limits)?)?;
        if let Some(member) = request.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
            let nearest = closest(member, &MEMBERS);
            return Err(ProcessError::UnknownMember {
                member: shorten(member),
                nearest,
            });
        }
        if request.contains_key("subscriber") {
            return Err(not_supported(
                "subscriber",
                "callbacks are not supported; runs are synchronous",
            ));
        }
        let outputs = self.requested_outputs(request.remove("outputs"))?;
        let response = match request.remove("response") {
            // Version 1.0 makes `raw` the default (18-062r2, execute.yaml).
            None => ResponseForm::Raw,
            Some(Value::String(text)) if text == "raw" => ResponseForm::Raw,
            Some(Value::String(text)) if text == "document" => ResponseForm::Document,
            Some(_) => return Err(not_supported("response", "expected `raw` or `document`")),
        };
        if response == ResponseForm::Raw && outputs.len() > 1 {
            return Err(not_supported(
                "response",
                "`raw`, the default, is supported for one output; name one in `outputs` or ask for `document`",
            ));
        }
        let given = match request.remove("inputs") {
            None => Map::new(),
            Some(value) => object("inputs", value)?,
        };
        self.read_inputs(given, outputs, response)
    }

    fn read_inputs(
        &self,
        mut given: Map<String, Value>,
        outputs: Vec<String>,
        response: ResponseForm,
    ) -> Result<ExecuteRequest, ProcessError> {
        let model = self.model();
        let (mut inputs, mut parameters) = (BTreeMap::new(), Map::new());
        let (mut missing, mut seed) = (Vec::new(), None);
        for port in model.inputs() {
            match given.remove(&port.name) {
                Some(value) => {
                    let read = input(port, value).map_err(|why| ProcessError::Input {
                        name: port.name.clone(),
                        why,
                    })?;
                    inputs.insert(port.name.clone(), read);
                }
                None => missing.push(port.name.clone()),
            }
        }
        for parameter in model.parameters() {
            let name = parameter.name().to_owned();
            match (given.remove(&name), parameter.default()) {
                (Some(value), _) => {
                    let refuse = |why| ProcessError::Parameter {
                        name: name.clone(),
                        why,
                    };
                    let value = literal(value).map_err(refuse)?;
                    parameter.check(&value).map_err(refuse)?;
                    parameters.insert(name, value);
                }
                (None, Some(default)) => {
                    parameters.insert(name, default.clone());
                }
                (None, None) => missing.push(name),
            }
        }
        if model.uses_seed() {
            match given.remove(SEED).map(literal) {
                None => missing.push(SEED.to_owned()),
                Some(value) => {
                    let number = value
                        .as_ref()
                        .ok()
                        .and_then(Value::as_u64)
                        .filter(|seed| *seed <= json::MAX_INTEGER);
                    let why = "expected an integer from 0 to 2^53 - 1".to_owned();
                    seed = Some(number.ok_or(ProcessError::Parameter {
                        name: SEED.to_owned(),
                        why,
                    })?);
                }
            }
        }
        if let Some(name) = given.keys().next() {
            return Err(ProcessError::UnknownInput {
                name: shorten(name),
                nearest: closest(name, &self.names()),
            });
        }
        if !missing.is_empty() {
            return Err(ProcessError::Missing { names: missing });
        }
        Ok(ExecuteRequest {
            inputs,
            parameters,
            seed,
            outputs,
            response,
        })
    }

    fn names(&self) -> Vec<&str> {
        let inputs = self.model().inputs().iter().map(|port| port.name.as_str());
        inputs
            .chain(
                self.model()
                    .parameters()
                    .iter()
                    .map(crate::models::parameter::Parameter::name),
            )
            .collect()
    }

    fn requested_outputs(&self, requested: Option<Value>) -> Result<Vec<String>, ProcessError> {
        let all = self.model().outputs();
        let Some(requested) = requested else {
            return Ok(all.iter().map(|port| port.name.clone()).collect());
        };
        let requested = object("outputs", requested)?;
        if requested.is_empty() {
            return Err(not_supported("outputs", "it names none; leave it out for all of them"));
        }
        for (name, wish) in &requested {
            let Some(port) = all.iter().find(|port| port.name == *name) else {
                let known: Vec<&str> = all.iter().map(|port| port.name.as_str()).collect();
                return Err(ProcessError::UnknownOutput {
                    name: shorten(name),
                    nearest: closest(name, &known),
                });
            };
            let wish = object(&format!("outputs/{name}"), wish.clone())?;
            for (member, value) in &wish {
                let here = format!("outputs/{name}/{member}");
                let media_type = value.get("mediaType").and_then(Value::as_str);
                match member.as_str() {
                    "transmissionMode" if value == "value" => {}
                    "transmissionMode" => {
                        return Err(not_supported(&here, "outputs are given by value; expected `value`"));
                    }
                    "format"
                        if media_type == Some(port.media_type.as_str())
                            && value.as_object().is_some_and(|f| f.len() == 1) => {}
                    "format" => {
                        return Err(not_supported(
                            &here,
                            "the output has one format, that of the process description",
                        ));
                    }
                    _ => {
                        return Err(ProcessError::UnknownMember {
                            member: shorten(&here),
                            nearest: None,
                        });
                    }
                }
            }
        }
        Ok(all
            .iter()
            .map(|port| &port.name)
            .filter(|name| requested.contains_key(*name))
            .cloned()
            .collect())
    }

    /// Writes an execute request for this model, RFC 8785, and reads it back, so that who asks records what who answers reads.
    ///
    /// # Errors
    /// As [`Process::parse_request`].
    pub fn request(
        &self,
        inputs: &BTreeMap<String, InputValue>,
        parameters: &Map<String, Value>,
        seed: Option<u64>,
        limits: &Limits,
    ) -> Result<(Vec<u8>, ExecuteRequest), ProcessError> {
        let mut members = parameters.clone();
        for (name, input) in inputs {
            let media_type = self
                .model()
                .inputs()
                .iter()
                .find(|port| port.name == *name)
                .map(|port| port.media_type.as_str());
            let mut value = match &input.content {
                Content::Inline(bytes) => {
                    json!({"value": STANDARD.encode(bytes), "encoding": "base64", "mediaType": media_type})
                }
                Content::Reference { href } => json!({"href": href, "type": media_type}),
            };
            if let (Some(pin), Some(members)) = (&input.pin, value.as_object_mut()) {
                members.insert(PIN.to_owned(), json!(pin));
            }
            members.insert(name.clone(), value);
        }
        if let Some(seed) = seed {
            members.insert(SEED.to_owned(), Value::from(seed));
        }
        let bytes = json::canonical(&json!({"inputs": members, "response": "document"}))?;
        let read = self.parse_request(&bytes, limits)?;
        Ok((bytes, read))
    }
}

fn object(member: &str, value: Value) -> Result<Map<String, Value>, ProcessError> {
    let found = match value {
        Value::Object(members) => return Ok(members),
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
    };
    Err(ProcessError::WrongType {
        member: shorten(member),
        found,
        expected: "an object",
    })
}

fn not_supported(member: &str, why: &'static str) -> ProcessError {
    ProcessError::NotSupported {
        member: shorten(member),
        why,
    }
}

#[cfg(test)]
#[path = "execute_tests.rs"]
mod tests;
