//! The results (18-062r2, section 7.11.4) as one document from which the exact bytes of every output come back.

use super::Process;
use crate::models::sandbox::Output;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herleid_vocab::json::{self, JsonError, Limits};
use serde_json::{Map, Value, json};

/// Why results cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// Not JSON, or too long.
    #[error("the results cannot be read: {0}")]
    Syntax(#[from] JsonError),
    /// An output is not what the process description says.
    #[error("output `{name}` of the results: {why}")]
    Output {
        /// The output.
        name: String,
        /// What was found and what was expected.
        why: String,
    },
}

/// Whether a media type is JSON (RFC 6839, section 3.1, for the suffix).
pub(crate) fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

/// The results document, RFC 8785: each output that was asked for, with its media type.
///
/// An output that is JSON in RFC 8785 form stands in it as JSON; any other as base64, because only its bytes have the digest
/// that is recorded.
///
/// # Errors
/// When an output has no canonical form, which it has.
pub fn document(outputs: &[Output], requested: &[String]) -> Result<Vec<u8>, JsonError> {
    let mut members = Map::new();
    for output in outputs.iter().filter(|output| requested.contains(&output.name)) {
        let value = match canonical_json(output) {
            Some(value) => json!({"value": value, "mediaType": output.media_type}),
            None => {
                json!({"value": STANDARD.encode(&output.bytes), "encoding": "base64", "mediaType": output.media_type})
            }
        };
        members.insert(output.name.clone(), value);
    }
    json::canonical(&Value::Object(members))
}

fn canonical_json(output: &Output) -> Option<Value> {
    if !is_json(&output.media_type) {
        return None;
    }
    // Two levels less than a message: the output is wrapped in two objects.
    let limits = Limits {
        max_bytes: output.bytes.len(),
        max_depth: Limits::MESSAGE.max_depth - 2,
    };
    let value = json::parse(&output.bytes, &limits).ok()?;
    (json::canonical(&value).ok()? == output.bytes).then_some(value)
}

/// Reads a results document of at most `limits`: the bytes of each output that was asked for, in the model's order.
///
/// # Errors
/// Names the output that is missing, was not asked for, or has another media type than the process description gives it.
pub fn parse_document(
    process: &Process,
    requested: &[String],
    bytes: &[u8],
    limits: &Limits,
) -> Result<Vec<(String, Vec<u8>)>, ResultError> {
    let wrong = |name: &str, why: String| ResultError::Output {
        name: super::exception::shorten(name),
        why,
    };
    let Value::Object(mut members) = json::parse(bytes, limits)? else {
        return Err(wrong("/", "the results are not an object".to_owned()));
    };
    let mut read = Vec::new();
    for port in process
        .model()
        .outputs()
        .iter()
        .filter(|port| requested.contains(&port.name))
    {
        let refuse = |why: &str| wrong(&port.name, why.to_owned());
        let Some(Value::Object(mut member)) = members.remove(&port.name) else {
            return Err(refuse("it is missing, or not an object"));
        };
        if member.remove("mediaType") != Some(Value::from(port.media_type.as_str())) {
            return Err(wrong(
                &port.name,
                format!("its media type is not `{}`", port.media_type),
            ));
        }
        let (value, encoding) = (member.remove("value"), member.remove("encoding"));
        if let Some(unknown) = member.keys().next() {
            return Err(wrong(
                &port.name,
                format!("it has an unknown member `{}`", super::exception::shorten(unknown)),
            ));
        }
        let content = match (value, encoding) {
            (Some(Value::String(text)), Some(Value::String(encoding))) if encoding == "base64" => STANDARD
                .decode(text)
                .map_err(|e| wrong(&port.name, format!("its value is not base64: {e}")))?,
            (Some(value), None) if is_json(&port.media_type) => json::canonical(&value)?,
            _ => {
                return Err(refuse(
                    "expected `value` as JSON, or as base64 with `\"encoding\": \"base64\"`",
                ));
            }
        };
        read.push((port.name.clone(), content));
    }
    match members.keys().next() {
        Some(name) => Err(wrong(name, "it was not asked for".to_owned())),
        None => Ok(read),
    }
}
