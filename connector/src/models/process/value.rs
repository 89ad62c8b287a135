//! One value of an execute request: a file by link or by value, or a literal (18-062r2, section 7.11.2.2).

use super::execute::{Content, InputValue, PIN};
use super::{Pin, exception::shorten};
use crate::models::package::Port;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herleid_vocab::json;
use serde_json::Value;

/// A link, or a value with its media type; a bare value would leave open which bytes were meant.
pub(super) fn input(port: &Port, value: Value) -> Result<InputValue, String> {
    let Value::Object(mut members) = value else {
        return Err("expected a link `{\"href\", \"type\"}` or a value `{\"value\", \"mediaType\"}`".to_owned());
    };
    let pin = match members.remove(PIN) {
        None => None,
        Some(pin) => Some(
            serde_json::from_value::<Pin>(pin)
                .map_err(|e| format!("`{PIN}`: {e}"))?
                .checked()?,
        ),
    };
    let allowed: &[&str] = match (members.contains_key("href"), members.contains_key("value")) {
        (true, false) => &["href", "type", "rel", "hreflang", "title"],
        (false, true) => &["value", "mediaType", "encoding"],
        _ => return Err("expected one of `href` and `value`".to_owned()),
    };
    if let Some(unknown) = members.keys().find(|member| !allowed.contains(&member.as_str())) {
        return Err(format!(
            "it has the member `{}`; expected `{}`",
            shorten(unknown),
            allowed.join("`, `")
        ));
    }
    if let Some(other) = members
        .get("type")
        .or(members.get("mediaType"))
        .filter(|found| **found != port.media_type.as_str())
    {
        return Err(format!("its media type is {other}; expected `{}`", port.media_type));
    }
    match (members.remove("href"), members.remove("value")) {
        (Some(Value::String(href)), None) => Ok(InputValue {
            content: Content::Reference { href },
            pin,
        }),
        (None, Some(value)) => {
            let bytes = inline(port, value, members.get("encoding"))?;
            if let Some(pin) = &pin {
                pin.check(&bytes)?;
                // Nothing shows it: where a value comes from can be followed only for what is fetched there.
                if let Some(member) = pin.provenance() {
                    return Err(format!(
                        "it comes as a value, but `{PIN}` gives it a `{member}`; expected null, or a link to where it comes from"
                    ));
                }
            }
            let pin = pin.or_else(|| Some(Pin::of(&bytes)));
            Ok(InputValue {
                content: Content::Inline(bytes.into()),
                pin,
            })
        }
        _ => Err("its `href` is not a string".to_owned()),
    }
}

/// The bytes that a value stands for: base64 text decoded; a JSON document in RFC 8785 form.
fn inline(port: &Port, value: Value, encoding: Option<&Value>) -> Result<Vec<u8>, String> {
    match (encoding.map(Value::as_str), value) {
        (Some(Some("base64")), Value::String(text)) => STANDARD
            .decode(text)
            .map_err(|e| format!("its value is not base64: {e}")),
        (Some(Some("base64")), _) => Err("its encoding is `base64`, but its value is not a string".to_owned()),
        (Some(_), _) => Err("its encoding is unknown; expected `base64` or none".to_owned()),
        (None, value) if super::results::is_json(&port.media_type) => {
            json::canonical(&value).map_err(|e| e.to_string())
        }
        (None, _) => Err(format!(
            "a value of type `{}` needs `\"encoding\": \"base64\"`",
            port.media_type
        )),
    }
}

/// A scalar as it is, or as `{"value": ...}`.
pub(super) fn literal(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(mut members) if members.len() == 1 => {
            members.remove("value").ok_or_else(|| not_literal().to_owned())
        }
        Value::Object(_) | Value::Array(_) => Err(not_literal().to_owned()),
        scalar => Ok(scalar),
    }
}

fn not_literal() -> &'static str {
    "expected the value itself, or `{\"value\": ...}`"
}
