//! A policy as it is named on the command line: a file, or a ready-made one, with what belongs in its open places.

use super::actions::Context;
use super::arguments::SetArguments;
use super::ask::text_file;
use super::text::text;
use crate::control::error::{Code, ControlError};
use herleid_policies::ready::{self, FillError, Given, Ready};
use serde_json::Value;
use std::path::Path;

/// A policy that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// What was typed.
    pub shown: String,
    /// The text, before anything was filled in.
    pub written: String,
    /// The policy, filled in.
    pub json: Value,
}

/// Reads the policy that was named. A name of a ready-made policy is that one, unless a file is called so too: then neither.
///
/// # Errors
/// When there is no such file, it is no JSON, a place stays open, or something is given for a place that is not there.
pub fn read(context: &Context, policy: &Path, places: &SetArguments) -> Result<Source, ControlError> {
    let found = open(context, policy)?;
    let json = fill(context, &found.json, &given(places), &found.shown)?;
    Ok(Source { json, ..found })
}

/// As [`read`], with the places still open.
///
/// # Errors
/// When there is no such file, or it is no JSON.
pub fn open(context: &Context, policy: &Path) -> Result<Source, ControlError> {
    let shown = policy.display().to_string();
    if let Some(ready) = policy.to_str().and_then(ready::find) {
        if policy.exists() {
            let message = text(context.language, "cli-policy-both", &[("name", &shown)]);
            return Err(ControlError::new(Code::Usage, message));
        }
        return Ok(Source {
            shown,
            written: ready.written().to_owned(),
            json: ready.offer(),
        });
    }
    let is_bare = policy
        .to_str()
        .is_some_and(|text| !text.contains(['/', '.']) && text != "-");
    let written = text_file(context, policy).map_err(|error| match is_bare {
        true => error.next(text(context.language, "cli-policy-see-list", &[])),
        false => error,
    })?;
    let json = herleid_vocab::json::parse(written.as_bytes(), &herleid_vocab::json::Limits::MESSAGE).map_err(|e| {
        let message = text(context.language, "cli-file-not-json", &[("path", &shown)]);
        ControlError::new(Code::Usage, message).what(e.to_string())
    })?;
    Ok(Source { shown, written, json })
}

/// The text of a file of bounded size; `-` is the standard input.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn written(context: &Context, path: &Path) -> Result<String, ControlError> {
    text_file(context, path)
}

/// What was given, by place.
#[must_use]
pub fn given(places: &SetArguments) -> Given {
    let mut given = Given::new();
    for (place, value) in &places.set {
        given.entry(place.clone()).or_default().push(value.clone());
    }
    given
}

/// Fills in a policy, saying in the reader's language what is missing.
///
/// # Errors
/// As [`ready::fill`].
pub fn fill(context: &Context, policy: &Value, given: &Given, shown: &str) -> Result<Value, ControlError> {
    ready::fill(policy, given).map_err(|error| {
        let language = context.language;
        let list = |names: &[String]| {
            names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let message = match &error {
            FillError::Missing { names } => text(
                language,
                "cli-policy-open",
                &[("policy", shown), ("places", &list(names))],
            ),
            FillError::Unknown { names, .. } => text(
                language,
                "cli-policy-no-place",
                &[("policy", shown), ("places", &list(names))],
            ),
            FillError::Several { name, .. } => text(language, "cli-policy-several", &[("place", name)]),
        };
        let refused = ControlError::new(Code::Usage, message);
        match &error {
            FillError::Missing { names } => {
                let meant = ready::find(shown).map_or_else(String::new, |ready| meanings(context, ready, names));
                let typed: Vec<String> = names.iter().map(|name| format!("--set {name}=...")).collect();
                let refused = refused.next(text(language, "cli-policy-set", &[("options", &typed.join(" "))]));
                if meant.is_empty() {
                    refused
                } else {
                    refused.expected(meant)
                }
            }
            FillError::Unknown { has, .. } if !has.is_empty() => refused.expected(list(has)),
            _ => refused,
        }
    })
}

fn meanings(context: &Context, ready: &Ready, names: &[String]) -> String {
    let places = ready.places(spoken(context.language)).into_iter();
    let wanted = places.filter(|(name, _)| names.contains(name));
    wanted
        .map(|(name, meaning)| format!("`{name}`: {meaning}"))
        .collect::<Vec<_>>()
        .join("; ")
}

/// The language, as the policies crate calls it.
#[must_use]
pub const fn spoken(language: super::text::Language) -> herleid_policies::Language {
    match language {
        super::text::Language::English => herleid_policies::Language::English,
        super::text::Language::Dutch => herleid_policies::Language::Dutch,
    }
}
