//! The description of this API as a page: one file, without scripts, images or anything from elsewhere.

use crate::messages::{Language, Messages};
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The language that the reader asked for, by `Accept-Language`; the order counts, weights do not.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let asked = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let locales = asked
        .split(',')
        .map(|part| part.split(';').next().unwrap_or_default().trim().to_owned());
    Language::choose(None, None, locales)
}

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color-scheme:light dark}\
pre{overflow:auto;padding:.5rem;border:1px solid #888}code{overflow-wrap:anywhere}table{border-collapse:collapse}\
th,td{border:1px solid #888;padding:.25rem .5rem;text-align:left;vertical-align:top}\
a:focus-visible,summary:focus-visible,pre:focus-visible{outline:3px solid #06c;outline-offset:2px}\
section{border-top:1px solid #888;margin-top:1.5rem}";

/// The page.
pub(super) fn html(document: &Value, language: Language) -> String {
    let messages = Messages::shared(language);
    let say = |key: &str| escaped(&messages.text(key, &[]));
    let empty = Map::new();
    let mut list = String::new();
    let mut sections = String::new();
    let mut tag = String::new();
    for (path, method, operation) in operations(document, &empty) {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
        let (id, summary) = (escaped(text("operationId")), escaped(text("summary")));
        let head = escaped(&format!("{} {path}", method.to_uppercase()));
        let of = operation
            .get("tags")
            .and_then(|tags| tags.get(0))
            .and_then(Value::as_str)
            .unwrap_or_default();
        if of != tag {
            of.clone_into(&mut tag);
            let _ = write!(sections, "<h2 lang=\"en\">{}</h2>", escaped(of));
        }
        let _ = write!(list, "<li><a href=\"#{id}\"><code>{head}</code></a></li>");
        let _ = write!(
            sections,
            "<section id=\"{id}\"><h3><code>{head}</code></h3><p lang=\"en\">{summary}</p>"
        );
        sections.push_str(&parameters(operation, &say));
        let schema = |at: &str| {
            operation
                .pointer(at)
                .map(|content| shape(document, content))
                .unwrap_or_default()
        };
        let body = schema("/requestBody/content/application~1json/schema");
        sections.push_str(&details(&say("management-page-body"), &body));
        let answers = operation.get("responses").and_then(Value::as_object).unwrap_or(&empty);
        for (status, answer) in answers.iter().filter(|(status, _)| *status != "default") {
            let content = answer
                .get("content")
                .and_then(Value::as_object)
                .and_then(|c| c.values().next());
            let content = content
                .and_then(|content| content.get("schema"))
                .map(|s| shape(document, s))
                .unwrap_or_default();
            sections.push_str(&details(
                &format!("{} {}", say("management-page-answer"), escaped(status)),
                &content,
            ));
        }
        sections.push_str("</section>");
    }
    format!(
        "<!doctype html><html lang=\"{code}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head><body><a href=\"#main\">{skip}</a><h1>{title}</h1><p>{intro}</p><p>{token}</p>\
         <pre tabindex=\"0\"><code>curl -H \"Authorization: Bearer $(cat keys/management.token)\" http://127.0.0.1:7199/management/v1/status</code></pre>\
         <nav aria-label=\"{contents}\"><h2>{contents}</h2><ul>{list}</ul></nav><main id=\"main\">{sections}</main></body></html>",
        code = language.code(),
        title = say("management-page-title"),
        skip = say("management-page-skip"),
        intro = say("management-page-intro"),
        token = say("management-page-token"),
        contents = say("management-page-contents"),
    )
}

/// The operations in the order of the document's headings.
fn operations<'a>(document: &'a Value, empty: &'a Map<String, Value>) -> Vec<(&'a str, &'a str, &'a Value)> {
    let paths = document.get("paths").and_then(Value::as_object).unwrap_or(empty);
    let mut all: Vec<(&str, &str, &Value)> = paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap_or(empty)
                .iter()
                .map(move |(method, o)| (path.as_str(), method.as_str(), o))
        })
        .collect();
    let order: Vec<&str> = super::operations::all().iter().map(|operation| operation.id).collect();
    let place = |operation: &Value| {
        order
            .iter()
            .position(|id| operation.get("operationId").and_then(Value::as_str) == Some(id))
    };
    all.sort_by_key(|(_, _, operation)| place(operation));
    all
}

fn parameters(operation: &Value, say: &impl Fn(&str) -> String) -> String {
    let parameters = operation
        .get("parameters")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if parameters.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for parameter in parameters {
        let text = |name: &str| escaped(parameter.get(name).and_then(Value::as_str).unwrap_or_default());
        let _ = write!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th><td><code>{}</code></td><td lang=\"en\">{}</td></tr>",
            text("name"),
            text("in"),
            text("description")
        );
    }
    let (caption, name) = (say("management-page-parameters"), say("management-page-name"));
    let (place, about) = (say("management-page-place"), say("management-page-about"));
    format!(
        "<table><caption>{caption}</caption><thead><tr><th scope=\"col\">{name}</th><th scope=\"col\">{place}</th><th scope=\"col\">{about}</th></tr></thead><tbody>{rows}</tbody></table>"
    )
}

fn details(summary: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!(
        "<details><summary>{summary}</summary><pre tabindex=\"0\" lang=\"en\"><code>{}</code></pre></details>",
        escaped(content)
    )
}

/// A schema with what it refers to, one level deep, as text.
fn shape(document: &Value, schema: &Value) -> String {
    let referred = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|at| document.pointer(at.trim_start_matches('#')));
    serde_json::to_string_pretty(referred.unwrap_or(schema)).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
