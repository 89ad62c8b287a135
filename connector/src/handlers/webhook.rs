//! A webhook decides: it is asked with what is to be decided on, and answers with one word.

use crate::dsp::error::Refusal;
use crate::node::Node;
use herleid_vocab::time::format_rfc3339_ms;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a webhook says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound = "A: DeserializeOwned")]
pub(crate) struct Answer<A> {
    /// What to do; `None`: not yet, ask again later.
    pub(crate) decide: Option<A>,
    /// Why, for the other end.
    pub(crate) reason: Option<String>,
}

/// Asks the webhook. Whatever is not an answer is no decision: it is asked again later, and nothing happens meanwhile.
///
/// # Errors
/// [`Refusal::Unavailable`], with what is wrong.
pub(crate) async fn ask<A: DeserializeOwned + Serialize>(
    node: &Node,
    event: &str,
    subject: &str,
    data: Value,
) -> Result<Answer<A>, Refusal> {
    let unavailable = |why: String| Refusal::Unavailable {
        why: format!("the webhook that decides has not decided: {why}"),
    };
    let url = node
        .handlers
        .webhook()
        .ok_or_else(|| unavailable("none is configured".to_owned()))?;
    // A CloudEvent 1.0 in structured mode, so that it can be received by what receives our other events.
    let body = json!({
        "specversion": "1.0", "id": node.fresh_id(), "source": node.did.as_str(), "type": event, "subject": subject,
        "time": format_rfc3339_ms(node.now_ms()), "datacontenttype": "application/json", "data": data,
    });
    let (mut headers, body) = (http::HeaderMap::new(), body.to_string());
    // Signed, so that a program which acts on what it is asked can know that this connector asks.
    node.sign_webhook(url.as_str(), &mut headers, body.as_bytes())
        .map_err(|e| unavailable(e.to_string()))?;
    let sent = node.client.post_json(url.as_str(), headers, body.into()).await;
    let answer = sent.map_err(|e| unavailable(e.to_string()))?;
    if !answer.status.is_success() {
        return Err(unavailable(format!(
            "it answered with status {}",
            answer.status.as_u16()
        )));
    }
    let value = answer.json().map_err(|e| unavailable(e.to_string()))?;
    read(value).map_err(unavailable)
}

/// What a webhook says in its answer.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read<A: DeserializeOwned>(answer: Value) -> Result<Answer<A>, String> {
    // A list of values in the order of the members would be read too, and a word that stands as a member's name.
    let is_word = |said: &Value| said.is_string() || said.is_null();
    if !answer.is_object() || !answer.get("decide").is_none_or(is_word) {
        return Err(
            "its answer is not `{\"decide\": \"<action>\"}`: expected an object, and in it one word or null".to_owned(),
        );
    }
    serde_json::from_value(answer).map_err(|e| format!("its answer is not `{{\"decide\": \"<action>\"}}`: {e}"))
}
