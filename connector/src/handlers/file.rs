//! The script file: TOML, rules in order.

use super::{Decider, Handlers, NegotiationAction, Pattern, Rule, Ruling, TransferAction};
use crate::dsp::Role;
use crate::dsp::{negotiation, transfer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest that a rule may wait: an hour. Whoever waits longer wants a person.
const LONGEST_MS: u64 = 3_600_000;

/// Why the script file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HandlersError {
    /// It cannot be read.
    #[error("the decisions file `{path}` cannot be read: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is not what is expected.
    #[error("the decisions file `{path}` is not understood: {why}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What, and on which line.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    negotiation: Vec<RawRule<negotiation::State>>,
    #[serde(default)]
    transfer: Vec<RawRule<transfer::State>>,
    webhook: Option<RawWebhook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWebhook {
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "S: DeserializeOwned")]
struct RawRule<S> {
    role: Option<Role>,
    state: Option<S>,
    dataset: Option<String>,
    peer: Option<String>,
    sent: Option<u32>,
    #[serde(default)]
    after_ms: u64,
    decide: String,
    reason: Option<String>,
}

pub(super) fn load(path: &Path, plain_http: bool) -> Result<Handlers, HandlersError> {
    let text = std::fs::read_to_string(path).map_err(|e| HandlersError::Read {
        path: path.to_owned(),
        why: e.to_string(),
    })?;
    parse(&text, plain_http).map_err(|why| HandlersError::Content {
        path: path.to_owned(),
        why,
    })
}

pub(super) fn parse(text: &str, plain_http: bool) -> Result<Handlers, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    let webhook = file.webhook.map(|w| address(&w.url, plain_http)).transpose()?;
    let negotiations = rules::<_, NegotiationAction>("negotiation", file.negotiation)?;
    let transfers = rules::<_, TransferAction>("transfer", file.transfer)?;
    let asks = negotiations.iter().any(|r| r.ruling.decider == Decider::Webhook)
        || transfers.iter().any(|r| r.ruling.decider == Decider::Webhook);
    if asks && webhook.is_none() {
        return Err("a rule decides by `webhook`, but there is no `[webhook]` with a `url`".to_owned());
    }
    Ok(Handlers {
        negotiations,
        transfers,
        webhook,
    })
}

fn address(text: &str, plain_http: bool) -> Result<url::Url, String> {
    let url = url::Url::parse(text).map_err(|e| format!("`webhook.url` is not an address: {e}"))?;
    let fits = url.scheme() == "https" || plain_http && url.scheme() == "http";
    let plain = url.username().is_empty() && url.password().is_none();
    if fits && plain && url.has_host() {
        Ok(url)
    } else {
        Err(format!(
            "`webhook.url` is `{text}`; expected an `https://` address without user and password"
        ))
    }
}

fn rules<S, A: DeserializeOwned>(section: &str, raw: Vec<RawRule<S>>) -> Result<Vec<Rule<S, A>>, String> {
    let numbered = raw.into_iter().enumerate();
    let read = |(index, raw): (usize, RawRule<S>)| {
        let wrong = |why: String| format!("rule {} of `[[{section}]]`: {why}", index + 1);
        if raw.after_ms > LONGEST_MS {
            return Err(wrong(format!(
                "`after_ms` is {}; expected at most {LONGEST_MS} (an hour)",
                raw.after_ms
            )));
        }
        Ok(Rule {
            role: raw.role,
            state: raw.state,
            dataset: pattern(raw.dataset).map_err(wrong)?,
            peer: pattern(raw.peer).map_err(wrong)?,
            sent: raw.sent,
            ruling: Ruling {
                decider: decider(&raw.decide, section).map_err(wrong)?,
                after: Duration::from_millis(raw.after_ms),
                reason: raw.reason,
            },
        })
    };
    numbered.map(read).collect()
}

/// An empty text, or one with a star elsewhere than at its end, would fit nothing or not what was meant.
fn pattern(text: Option<String>) -> Result<Option<Pattern>, String> {
    match text {
        Some(text) if text.is_empty() || text.trim_end_matches('*').contains('*') || text.ends_with("**") => Err(
            format!("`{text}` is not a condition; expected an identifier, or its beginning and one `*`"),
        ),
        text => Ok(text.map(Pattern)),
    }
}

fn decider<A: DeserializeOwned>(text: &str, section: &str) -> Result<Decider<A>, String> {
    Ok(match text {
        "policy" => Decider::Policy,
        "person" => Decider::Person,
        "webhook" => Decider::Webhook,
        "hold" => Decider::Hold,
        action => Decider::Rule(serde_json::from_value(action.into()).map_err(|_| {
            let actions = if section == "transfer" {
                "start, suspend, complete, terminate"
            } else {
                "offer, agree, finalize, accept, counter, verify, terminate"
            };
            format!("`decide` is `{action}`; expected one of policy, person, webhook, hold, {actions}")
        })?),
    })
}
