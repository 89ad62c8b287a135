//! Whether an answer of the management API is one that its OpenAPI document describes: the status, the media type, and every member.

use crate::management::Reply;
use serde_json::Value;

/// The operation that the document has for a request, the one with the most words of its own first; `None` where it describes nothing.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let asked: Vec<&str> = path.split('?').next()?.split('/').collect();
    let is_parameter = |part: &str| part.starts_with('{');
    let paths = document["paths"].as_object()?.iter();
    let fitting = paths.filter(|(template, _)| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == asked.len()
            && parts
                .iter()
                .zip(&asked)
                .all(|(part, asked)| is_parameter(part) || part == asked)
    });
    let (_, item) =
        fitting.min_by_key(|(template, _)| template.split('/').filter(|part| is_parameter(part)).count())?;
    item.get(method.to_ascii_lowercase())
}

/// Whether the document describes this answer.
///
/// # Errors
/// How it departs from what is described.
pub(crate) fn check(document: &Value, method: &str, path: &str, reply: &Reply) -> Result<(), String> {
    let Some(operation) = operation(document, method, path) else {
        return Ok(());
    };
    let responses = &operation["responses"];
    let described = match responses.get(reply.status.to_string()) {
        Some(described) => described,
        None if reply.status >= 400 => &responses["default"],
        None => return Err(format!("the status {} is not described", reply.status)),
    };
    let Some(content) = described["content"].as_object() else {
        return match reply.body.as_str() {
            "" => Ok(()),
            body => Err(format!("no body is described, and there is one: {body}")),
        };
    };
    let media_type = reply.head.lines().find_map(|line| line.strip_prefix("content-type: "));
    let media_type = media_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let Some(described) = content.get(media_type) else {
        return Err(format!("the media type `{media_type}` is not described"));
    };
    if !media_type.ends_with("json") {
        return Ok(());
    }
    let body: Value = serde_json::from_str(&reply.body).map_err(|e| e.to_string())?;
    let mut schema = described["schema"].clone();
    if schema.is_object() {
        schema["components"] = document["components"].clone();
    }
    let validator = jsonschema::validator_for(&schema).map_err(|e| e.to_string())?;
    let wrong: Vec<String> = validator
        .iter_errors(&body)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("{wrong:?} in {body}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(status: u16, media_type: &str, body: &str) -> Reply {
        Reply {
            status,
            head: format!("http/1.1 {status} x\r\ncontent-type: {media_type}"),
            body: body.to_owned(),
        }
    }

    #[test]
    fn an_answer_that_is_described_otherwise_is_found() {
        let begun = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Begun"}}});
        let problem =
            json!({"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
        let text = json!({"type": "string"});
        let closed = |name: &str| json!({"type": "object", "properties": {name: text}, "required": [name], "additionalProperties": false});
        let document = json!({
            "paths": {
                "/transfers": {"post": {"responses": {"202": {"content": begun}, "default": problem}}},
                "/transfers/{pid}": {"delete": {"responses": {"204": {}, "default": problem}}},
                "/transfers/all": {"delete": {"responses": {"202": {"content": begun}, "default": problem}}},
            },
            "components": {"schemas": {"Begun": closed("pid"), "Problem": closed("title")}},
        });
        let json = "application/json";
        for (method, path, reply) in [
            ("POST", "/transfers?x=1", reply(202, json, r#"{"pid": "a"}"#)),
            (
                "POST",
                "/transfers",
                reply(409, "application/problem+json; charset=utf-8", r#"{"title": "no"}"#),
            ),
            ("DELETE", "/transfers/a", reply(204, "", "")),
            ("DELETE", "/transfers/all", reply(202, json, r#"{"pid": "a"}"#)),
            // Of what is not there nothing is said.
            ("POST", "/elsewhere", reply(404, "text/plain", "no")),
            ("PUT", "/transfers", reply(405, "", "")),
        ] {
            assert_eq!(check(&document, method, path, &reply), Ok(()), "{method} {path}");
        }
        for (method, path, reply, why) in [
            ("POST", "/transfers", reply(200, json, r#"{"pid": "a"}"#), "status 200"),
            ("POST", "/transfers", reply(202, json, "{}"), "pid"),
            ("POST", "/transfers", reply(202, json, r#"{"pid": 1}"#), "/pid"),
            (
                "POST",
                "/transfers",
                reply(202, json, r#"{"pid": "a", "more": 1}"#),
                "more",
            ),
            ("POST", "/transfers", reply(202, "text/html", "a"), "media type"),
            (
                "POST",
                "/transfers",
                reply(409, json, r#"{"title": "no"}"#),
                "media type",
            ),
            (
                "POST",
                "/transfers",
                reply(409, "application/problem+json", "{}"),
                "title",
            ),
            ("DELETE", "/transfers/a", reply(204, json, r#"{"pid": "a"}"#), "no body"),
        ] {
            let found = check(&document, method, path, &reply).unwrap_err();
            assert!(found.contains(why), "{method} {path}: expected `{why}`: {found}");
        }
    }
}
