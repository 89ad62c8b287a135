//! Ready-made policies: the files of `policies/odrl`, built in, each with the places that whoever publishes it has to fill in.
//!
//! A place is a text such as `{until}` where a value belongs. A policy with a place left open is no policy: nothing is published with
//! a date or a party that somebody else once gave as an example.

use crate::explain::Language;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One ready-made policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    name: &'static str,
    written: &'static str,
}

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        &[$(Ready { name: $name, written: include_str!(concat!("../odrl/", $name, ".json")) }),+]
    };
}

/// In order of their names.
const ALL: &[Ready] = built_in![
    "accredited-models",
    "all-but-named",
    "archive-transfer",
    "area-members",
    "area-parties",
    "consent-first",
    "counted",
    "counted-volume",
    "delete-after-use",
    "emergency-services",
    "environmental-impact",
    "free-for-public-bodies",
    "government-only",
    "inform-first",
    "metered-period",
    "no-onward-sharing",
    "non-commercial",
    "objection-and-appeal",
    "omgevingsplan",
    "omgevingswet",
    "on-behalf-of-municipality",
    "one-recipient",
    "open-data",
    "open-data-any-connector",
    "open-data-from",
    "pay-per-use",
    "permit-case",
    "pilot",
    "pilot-model-service",
    "public-health",
    "public-task",
    "research",
    "research-or-partners",
    "roads-and-traffic",
    "single-use",
    "statistics",
    "supervision",
    "used-in-area",
    "water-emergency",
    "woo-disclosure",
    "woo-request",
];

/// What is put in the open places: values by the name of the place. More than one value where a list of them belongs.
pub type Given = BTreeMap<String, Vec<String>>;

/// Why a policy with open places could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Places that nothing was given for.
    #[error("nothing is given for {}", quoted(.names))]
    Missing {
        /// Their names.
        names: Vec<String>,
    },
    /// Values for places that the policy does not have.
    #[error("the policy has no open place {}; it has {}", quoted(.names), quoted(.has))]
    Unknown {
        /// The names given.
        names: Vec<String>,
        /// Those that it has.
        has: Vec<String>,
    },
    /// Several values where one belongs.
    #[error("one value belongs in `{name}`, {found} are given")]
    Several {
        /// Name of the place.
        name: String,
        /// How many.
        found: usize,
    },
}

fn quoted(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// All of them, by name.
#[must_use]
pub fn all() -> &'static [Ready] {
    ALL
}

/// The one with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Ready> {
    ALL.iter().find(|ready| ready.name == name)
}

impl Ready {
    /// Its name: that of its file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The file: an offer in JSON, with comments in both languages.
    #[must_use]
    pub fn written(&self) -> &'static str {
        self.written
    }

    /// The file, read. Texts for people are still in it.
    #[must_use]
    pub fn offer(&self) -> Value {
        // Tests read each; `Null` is no policy and permits nothing.
        serde_json::from_str(self.written).unwrap_or_default()
    }

    /// What it says, in a few words.
    #[must_use]
    pub fn title(&self, language: Language) -> String {
        self.text("dct:title", language)
    }

    /// What it says, and what it does not see to.
    #[must_use]
    pub fn description(&self, language: Language) -> String {
        self.text("dct:description", language)
    }

    fn text(&self, member: &str, language: Language) -> String {
        let offer = self.offer();
        let text = offer.get(member).and_then(Value::as_str).unwrap_or_default();
        in_language(text, language)
    }

    /// The places to fill in, each with what belongs there, in order of their names.
    #[must_use]
    pub fn places(&self, language: Language) -> Vec<(String, String)> {
        let offer = self.offer();
        let meaning = |name: &String| {
            let notes = offer.get("skos:note").and_then(|notes| notes.get(name));
            in_language(notes.and_then(Value::as_str).unwrap_or_default(), language)
        };
        let names = places(&offer).into_iter();
        names.map(|name| (name.clone(), meaning(&name))).collect()
    }
}

/// A text for people stands in English and then, after a slash between spaces, in Dutch.
fn in_language(text: &str, language: Language) -> String {
    let (english, dutch) = text.split_once(" / ").unwrap_or((text, text));
    match language {
        Language::English => english.to_owned(),
        Language::Dutch => dutch.to_owned(),
    }
}

/// The name of the place that a text stands for: `{until}`.
fn place(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(name)
}

/// What only speaks to people is left as it is.
fn is_note(member: &str) -> bool {
    matches!(crate::terms::name(member), crate::terms::Name::Note)
}

/// The open places of a policy, by name.
#[must_use]
pub fn places(policy: &Value) -> BTreeSet<String> {
    fn look(value: &Value, depth: usize, found: &mut BTreeSet<String>) {
        // Deeper than any policy that is read.
        if depth > crate::limits::MAX_DEPTH {
            return;
        }
        match value {
            Value::String(text) => found.extend(place(text).map(str::to_owned)),
            Value::Array(items) => items.iter().for_each(|item| look(item, depth + 1, found)),
            Value::Object(members) => {
                let values = members.iter().filter(|(name, _)| !is_note(name));
                values.for_each(|(_, value)| look(value, depth + 1, found));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    look(policy, 0, &mut found);
    found
}

/// The policy with every open place filled in, with values as they are: nothing that is given can become a rule or a member.
///
/// # Errors
/// When a place stays open, a value has no place, or there are several values where one belongs.
pub fn fill(policy: &Value, given: &Given) -> Result<Value, FillError> {
    let places = places(policy);
    let is_given = |name: &String| given.get(name).is_some_and(|values| !values.is_empty());
    let names: Vec<String> = given.keys().filter(|name| !places.contains(*name)).cloned().collect();
    if !names.is_empty() {
        let has = places.into_iter().collect();
        return Err(FillError::Unknown { names, has });
    }
    let names: Vec<String> = places.iter().filter(|name| !is_given(name)).cloned().collect();
    if !names.is_empty() {
        return Err(FillError::Missing { names });
    }
    if places.is_empty() {
        return Ok(policy.clone());
    }
    filled(policy, given)
}

fn values<'a>(value: &Value, given: &'a Given) -> Option<(&'a String, &'a Vec<String>)> {
    given.get_key_value(place(value.as_str()?)?)
}

fn filled(value: &Value, given: &Given) -> Result<Value, FillError> {
    if let Some((name, values)) = values(value, given) {
        return match values.as_slice() {
            [only] => Ok(Value::from(only.as_str())),
            several => Err(FillError::Several {
                name: name.clone(),
                found: several.len(),
            }),
        };
    }
    match value {
        Value::Array(items) => {
            let mut out = Vec::new();
            for item in items {
                match values(item, given) {
                    Some((_, values)) => out.extend(values.iter().map(|value| Value::from(value.as_str()))),
                    None => out.push(filled(item, given)?),
                }
            }
            Ok(Value::Array(out))
        }
        Value::Object(members) => {
            let mut out = Map::new();
            for (name, member) in members {
                let member = if is_note(name) {
                    member.clone()
                } else {
                    filled(member, given)?
                };
                out.insert(name.clone(), member);
            }
            Ok(Value::Object(out))
        }
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn given(pairs: &[(&str, &[&str])]) -> Given {
        let values = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        pairs.iter().map(|(name, v)| ((*name).to_owned(), values(v))).collect()
    }

    #[test]
    fn a_value_takes_the_place_as_it_is_and_nothing_else() {
        let policy =
            json!({"a": "{x}", "dct:title": "{x}", "list": ["{x}", "{y}", "x"], "no": "{x} ", "deep": {"b": "{y}"}});
        assert_eq!(places(&policy), ["x".to_owned(), "y".to_owned()].into());
        let filled = fill(&policy, &given(&[("x", &["1"]), ("y", &["\"}], {y}"])])).unwrap();
        let evil = "\"}], {y}";
        assert_eq!(
            filled,
            json!({"a": "1", "dct:title": "{x}", "list": ["1", evil, "x"], "no": "{x} ", "deep": {"b": evil}})
        );
    }

    #[test]
    fn several_values_belong_in_a_list() {
        let list = json!({"list": ["{x}"]});
        let two = given(&[("x", &["1", "2"])]);
        assert_eq!(fill(&list, &two).unwrap(), json!({"list": ["1", "2"]}));
        let error = fill(&json!({"one": "{x}"}), &two).unwrap_err();
        assert_eq!(error.to_string(), "one value belongs in `x`, 2 are given");
    }

    #[test]
    fn a_place_left_open_and_a_value_without_a_place_are_refused() {
        let policy = json!({"a": "{x}", "b": "{y}"});
        let why = |given: &Given| fill(&policy, given).unwrap_err().to_string();
        assert_eq!(why(&given(&[])), "nothing is given for `x`, `y`");
        assert_eq!(why(&given(&[("x", &["1"]), ("y", &[])])), "nothing is given for `y`");
        assert_eq!(
            why(&given(&[("x", &["1"]), ("z", &["1"])])),
            "the policy has no open place `z`; it has `x`, `y`"
        );
        let none = fill(&json!({"a": 1}), &given(&[("z", &["1"])])).unwrap_err();
        assert_eq!(none.to_string(), "the policy has no open place `z`; it has none");
        assert_eq!(fill(&json!({"a": 1}), &given(&[])).unwrap(), json!({"a": 1}));
    }
}
