//! Parameters: what values one takes, and its default.
//!
//! A value is recorded as it is given, on both sides, so each value has one spelling: decimals are strings without
//! superfluous zeros, and never JSON numbers, whose digits beyond the sixteenth a reader may drop.

pub use super::decimal::Decimal;
use super::decimal::MAX_DIGITS;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Largest integer parameter: 2^53 - 1, as in every section of the log.
pub const MAX_INTEGER: u64 = herleid_vocab::json::MAX_INTEGER;
/// Most characters of a text parameter that sets no bound of its own.
const MAX_TEXT_CHARS: usize = 4_096;

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A decimal string such as `"0.7"`.
    Decimal {
        /// Most digits after the point.
        decimals: usize,
        /// Least value.
        minimum: Option<Decimal>,
        /// Largest value.
        maximum: Option<Decimal>,
    },
    /// A JSON integer from 0 to 2^53 - 1.
    Integer {
        /// Least value.
        minimum: u64,
        /// Largest value.
        maximum: u64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of a list of strings.
    Choice {
        /// The list, without repetition.
        values: Vec<String>,
    },
    /// Any string.
    Text {
        /// Most characters.
        max_chars: usize,
    },
}

/// A parameter of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub(crate) raw: RawParameter,
    pub(crate) kind: Kind,
}

/// A parameter as a package writes it (docs/models.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawParameter {
    pub(crate) name: String,
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimals: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minimum: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maximum: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_chars: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<Value>,
}

impl RawParameter {
    /// Checks the declaration, its default included.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(self) -> Result<Parameter, String> {
        let kind = self.kind()?;
        let parameter = Parameter { raw: self, kind };
        if let Some(default) = &parameter.raw.default {
            parameter.check(default).map_err(|why| format!("its default: {why}"))?;
        }
        Ok(parameter)
    }

    fn kind(&self) -> Result<Kind, String> {
        let given = [
            ("decimals", self.decimals.is_some()),
            ("minimum", self.minimum.is_some()),
            ("maximum", self.maximum.is_some()),
            ("values", self.values.is_some()),
            ("max_chars", self.max_chars.is_some()),
        ];
        let only = |allowed: &[&str]| match given.iter().find(|(name, given)| *given && !allowed.contains(name)) {
            Some((name, _)) => Err(format!("`{name}` does not go with type `{}`", self.kind)),
            None => Ok(()),
        };
        match self.kind.as_str() {
            "decimal" => {
                only(&["decimals", "minimum", "maximum"])?;
                let decimals = self
                    .decimals
                    .ok_or("type `decimal` needs `decimals`, the most digits after the point")?;
                if decimals > MAX_DIGITS {
                    return Err(format!("`decimals` is {decimals}; expected at most {MAX_DIGITS}"));
                }
                let bound = |value: &Option<Value>| value.as_ref().map(Decimal::from_value).transpose();
                let (minimum, maximum) = (bound(&self.minimum)?, bound(&self.maximum)?);
                if minimum.is_some() && maximum.is_some() && minimum > maximum {
                    return Err("its minimum is above its maximum".to_owned());
                }
                Ok(Kind::Decimal {
                    decimals,
                    minimum,
                    maximum,
                })
            }
            "integer" => {
                only(&["minimum", "maximum"])?;
                let bound = |value: &Option<Value>, otherwise| match value {
                    None => Ok(otherwise),
                    Some(value) => integer(value),
                };
                let (minimum, maximum) = (bound(&self.minimum, 0)?, bound(&self.maximum, MAX_INTEGER)?);
                if minimum > maximum {
                    return Err("its minimum is above its maximum".to_owned());
                }
                Ok(Kind::Integer { minimum, maximum })
            }
            "boolean" => only(&[]).map(|()| Kind::Boolean),
            "choice" => {
                only(&["values"])?;
                let values = self.values.clone().unwrap_or_default();
                let distinct: std::collections::BTreeSet<_> = values.iter().collect();
                if values.is_empty() || distinct.len() != values.len() {
                    return Err("type `choice` needs `values`, a list of strings without repetition".to_owned());
                }
                Ok(Kind::Choice { values })
            }
            "text" => {
                only(&["max_chars"])?;
                let max_chars = self.max_chars.unwrap_or(MAX_TEXT_CHARS);
                if !(1..=MAX_TEXT_CHARS).contains(&max_chars) {
                    return Err(format!("`max_chars` is {max_chars}; expected 1 to {MAX_TEXT_CHARS}"));
                }
                Ok(Kind::Text { max_chars })
            }
            other => Err(format!(
                "type `{other}`; expected `decimal`, `integer`, `boolean`, `choice` or `text`"
            )),
        }
    }
}

impl Parameter {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.raw.name
    }

    /// What people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.raw.title
    }

    /// The unit of its value, as the package writes it.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.raw.unit.as_deref()
    }

    /// What values it takes.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The value it has when a request does not name it; without one it must be named.
    #[must_use]
    pub fn default(&self) -> Option<&Value> {
        self.raw.default.as_ref()
    }

    /// Checks a value against the declaration.
    ///
    /// # Errors
    /// Says what was found and what was expected; does not repeat the parameter's name.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match &self.kind {
            Kind::Decimal {
                decimals,
                minimum,
                maximum,
            } => {
                let found = Decimal::from_value(value)?;
                if found.decimals > *decimals {
                    return Err(format!(
                        "`{}` has {} decimals; expected at most {decimals}",
                        found.text, found.decimals
                    ));
                }
                if minimum.as_ref().is_some_and(|least| found < *least) {
                    return Err(out_of_bounds(&found, minimum.as_ref(), maximum.as_ref()));
                }
                if maximum.as_ref().is_some_and(|most| found > *most) {
                    return Err(out_of_bounds(&found, minimum.as_ref(), maximum.as_ref()));
                }
                Ok(())
            }
            Kind::Integer { minimum, maximum } => {
                let found = integer(value)?;
                if (minimum..=maximum).contains(&&found) {
                    Ok(())
                } else {
                    Err(format!("`{found}` is out of bounds; expected {minimum} to {maximum}"))
                }
            }
            Kind::Boolean if value.is_boolean() => Ok(()),
            Kind::Boolean => Err(format!("{} is not a boolean; expected `true` or `false`", shown(value))),
            Kind::Choice { values } => match value.as_str() {
                Some(text) if values.iter().any(|one| one == text) => Ok(()),
                _ => Err(format!(
                    "{} is not in the list; expected one of `{}`",
                    shown(value),
                    values.join("`, `")
                )),
            },
            Kind::Text { max_chars } => match value.as_str() {
                Some(text) if text.chars().count() <= *max_chars => Ok(()),
                Some(_) => Err(format!("it is longer than {max_chars} characters")),
                None => Err(format!("{} is not a string", shown(value))),
            },
        }
    }

    /// The declaration as JSON Schema, as OGC API - Processes wants it (1.0, section 7.10: `schema` of an input).
    ///
    /// Bounds of a decimal are strings, which JSON Schema cannot compare; they stand in `x-herleid-...` members.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = match &self.kind {
            Kind::Decimal {
                decimals,
                minimum,
                maximum,
            } => {
                let sign = if minimum.as_ref().is_some_and(|least| !least.is_negative()) {
                    ""
                } else {
                    "-?"
                };
                let tail = match decimals {
                    0 => String::new(),
                    some => format!(r"(\.[0-9]{{0,{}}}[1-9])?", some - 1),
                };
                let mut schema = json!({"type": "string", "pattern": format!("^{sign}(0|[1-9][0-9]*){tail}$")});
                for (name, bound) in [("x-herleid-minimum", minimum), ("x-herleid-maximum", maximum)] {
                    if let (Some(bound), Some(members)) = (bound, schema.as_object_mut()) {
                        members.insert(name.to_owned(), Value::from(bound.text.as_str()));
                    }
                }
                schema
            }
            Kind::Integer { minimum, maximum } => json!({"type": "integer", "minimum": minimum, "maximum": maximum}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Choice { values } => json!({"type": "string", "enum": values}),
            Kind::Text { max_chars } => json!({"type": "string", "maxLength": max_chars}),
        };
        if let Some(members) = schema.as_object_mut() {
            if let Some(default) = &self.raw.default {
                members.insert("default".to_owned(), default.clone());
            }
            if let Some(unit) = &self.raw.unit {
                members.insert("x-ogc-unit".to_owned(), Value::from(unit.as_str()));
            }
        }
        schema
    }
}

fn out_of_bounds(found: &Decimal, minimum: Option<&Decimal>, maximum: Option<&Decimal>) -> String {
    let bounds = match (minimum, maximum) {
        (Some(least), Some(most)) => format!("{} to {}", least.text, most.text),
        (Some(least), None) => format!("at least {}", least.text),
        (None, Some(most)) => format!("at most {}", most.text),
        (None, None) => String::new(),
    };
    format!("`{}` is out of bounds; expected {bounds}", found.text)
}

fn integer(value: &Value) -> Result<u64, String> {
    match value.as_u64() {
        Some(found) if found <= MAX_INTEGER => Ok(found),
        _ => Err(format!("{} is not an integer from 0 to 2^53 - 1", shown(value))),
    }
}

pub(super) fn shown(value: &Value) -> String {
    let text: String = value.to_string().chars().take(48).collect();
    format!("`{text}`")
}

#[cfg(test)]
#[path = "parameter_tests.rs"]
mod tests;
