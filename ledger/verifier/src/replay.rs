//! Comparing what a model gave when it was recorded with what it gives now.
//!
//! The verdict is the reader's, so how outputs may be made alike is a closed list that this crate owns ([`Canonicalisation`]):
//! a model's publisher can name an entry, not bring one. The raw difference is shown even where the canonical forms agree.

use herleid_vocab::json::{self, Limits};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

mod difference;

use difference::raw_difference;
pub use difference::{MemberDifference, RawDifference};

/// What is read of an output to canonicalise it: 256 MiB, the most that a model service may give, and 64 levels.
const OUTPUT_LIMITS: Limits = Limits {
    max_bytes: 1 << 28,
    max_depth: 64,
};

/// How outputs may be made alike before they are compared: the whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Canonicalisation {
    /// Not at all: only equal bytes are identical.
    None,
    /// JSON in RFC 8785 form: white space, the order of members and the spelling of numbers do not count.
    Jcs,
}

impl fmt::Display for Canonicalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Jcs => "jcs",
        })
    }
}

impl std::str::FromStr for Canonicalisation {
    type Err = CompareError;

    fn from_str(text: &str) -> Result<Self, CompareError> {
        match text {
            "none" => Ok(Self::None),
            "jcs" => Ok(Self::Jcs),
            _ if text.starts_with("tolerance") => Err(CompareError::ToleranceNotBuilt { text: shorten(text) }),
            _ => Err(CompareError::UnknownCanonicalisation { text: shorten(text) }),
        }
    }
}

/// Why nothing can be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// Not in the closed list.
    #[error("`{text}` is not a canonicalisation that this verifier knows; it knows `none` and `jcs`")]
    UnknownCanonicalisation {
        /// What was named.
        text: String,
    },
    /// Declared tolerances cannot be compared yet, and are not taken for equality or difference.
    #[error("`{text}`: comparing within a declared tolerance is not built in this version; use `none` or `jcs`")]
    ToleranceNotBuilt {
        /// What was named.
        text: String,
    },
    /// The bytes at hand are not the recorded ones.
    #[error(
        "the bytes at hand for output `{name}` have SHA-256 {found}, the record says {recorded}: nothing was compared"
    )]
    NotTheRecorded {
        /// The output.
        name: String,
        /// Hex digest of the bytes at hand.
        found: String,
        /// Hex digest in the record.
        recorded: String,
    },
    /// A name stands twice on one side.
    #[error("output `{name}` stands twice among the {side} outputs")]
    Twice {
        /// The output.
        name: String,
        /// `recorded` or `replayed`.
        side: &'static str,
    },
}

/// An output as the log has it.
#[derive(Debug, Clone, Copy)]
pub struct RecordedOutput<'a> {
    /// Its name in the model's description.
    pub name: &'a str,
    /// Its SHA-256, 64 lower-case hex digits, from the record.
    pub sha256: &'a str,
    /// Its bytes, where they are at hand; without them only equal digests can be established.
    pub bytes: Option<&'a [u8]>,
}

/// An output of the run that was made to compare.
#[derive(Debug, Clone, Copy)]
pub struct ReplayedOutput<'a> {
    /// Its name in the model's description.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// How one output, or all of them together, came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Equal to the byte.
    Identical,
    /// Equal in a canonical form; the bytes differ.
    IdenticalAfter {
        /// The canonical form.
        canonicalisation: Canonicalisation,
        /// How the bytes differ; `None` in a verdict over all outputs.
        #[serde(skip_serializing_if = "Option::is_none")]
        raw: Option<RawDifference>,
    },
    /// Not equal.
    Different {
        /// What differs, in words.
        why: String,
        /// How the bytes differ, where both are at hand.
        #[serde(skip_serializing_if = "Option::is_none")]
        raw: Option<RawDifference>,
    },
    /// There is nothing to compare, because the model could not be run.
    CannotRerun {
        /// Why.
        why: String,
    },
}

impl Verdict {
    /// Whether this says that the recorded result came out again.
    #[must_use]
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Identical | Self::IdenticalAfter { .. })
    }
}

/// One output of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputComparison {
    /// The output.
    pub name: String,
    /// SHA-256 in the record, hex; `None` where the record has no such output.
    pub recorded_sha256: Option<String>,
    /// SHA-256 of what came out now, hex; `None` where nothing came out under that name.
    pub replayed_sha256: Option<String>,
    /// How it came out.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// A whole comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Each output, by name.
    pub outputs: Vec<OutputComparison>,
    /// The least of the outputs' verdicts.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Comparison {
    /// The comparison of a model that could not be run again.
    #[must_use]
    pub fn cannot_rerun(why: impl Into<String>) -> Self {
        Self {
            outputs: Vec::new(),
            verdict: Verdict::CannotRerun { why: why.into() },
        }
    }
}

/// Compares the outputs of a recorded run with those of a run made now.
///
/// # Errors
/// When recorded bytes do not have the recorded digest, or a name stands twice on one side.
pub fn compare(
    recorded: &[RecordedOutput<'_>],
    replayed: &[ReplayedOutput<'_>],
    canonicalisation: Canonicalisation,
) -> Result<Comparison, CompareError> {
    let mut then = BTreeMap::new();
    for output in recorded {
        if let Some(found) = output.bytes.map(hex_sha256)
            && found != output.sha256
        {
            return Err(CompareError::NotTheRecorded {
                name: output.name.to_owned(),
                found,
                recorded: shorten(output.sha256),
            });
        }
        if then.insert(output.name, output).is_some() {
            return Err(CompareError::Twice {
                name: output.name.to_owned(),
                side: "recorded",
            });
        }
    }
    let mut now = BTreeMap::new();
    for output in replayed {
        if now.insert(output.name, output.bytes).is_some() {
            return Err(CompareError::Twice {
                name: output.name.to_owned(),
                side: "replayed",
            });
        }
    }
    let names: BTreeSet<&str> = then.keys().chain(now.keys()).copied().collect();
    let outputs: Vec<_> = names
        .into_iter()
        .map(|name| {
            let (before, after) = (then.get(name), now.get(name));
            OutputComparison {
                name: name.to_owned(),
                recorded_sha256: before.map(|output| output.sha256.to_owned()),
                replayed_sha256: after.map(|bytes| hex_sha256(bytes)),
                verdict: match (before, after) {
                    (Some(before), Some(after)) => one(before, after, canonicalisation),
                    (Some(_), None) => different("it is in the record, and did not come out now"),
                    (None, _) => different("it came out now, and is not in the record"),
                },
            }
        })
        .collect();
    let verdict = overall(&outputs, canonicalisation);
    Ok(Comparison { outputs, verdict })
}

fn overall(outputs: &[OutputComparison], canonicalisation: Canonicalisation) -> Verdict {
    let unlike: Vec<&str> = outputs
        .iter()
        .filter(|output| !output.verdict.is_same())
        .map(|output| output.name.as_str())
        .collect();
    if outputs.is_empty() {
        return Verdict::CannotRerun {
            why: "neither the record nor the run has an output".to_owned(),
        };
    }
    if !unlike.is_empty() {
        return different(&format!(
            "{} of {} outputs: {}",
            unlike.len(),
            outputs.len(),
            unlike.join(", ")
        ));
    }
    if outputs.iter().all(|output| output.verdict == Verdict::Identical) {
        Verdict::Identical
    } else {
        Verdict::IdenticalAfter {
            canonicalisation,
            raw: None,
        }
    }
}

fn one(recorded: &RecordedOutput<'_>, replayed: &[u8], canonicalisation: Canonicalisation) -> Verdict {
    if hex_sha256(replayed) == recorded.sha256 {
        return Verdict::Identical;
    }
    let Some(before) = recorded.bytes else {
        return different("the digests differ, and the recorded bytes are not at hand to say how");
    };
    let documents = match canonicalisation {
        Canonicalisation::None => None,
        Canonicalisation::Jcs => Some(exact_json(before).and_then(|then| Ok((then, exact_json(replayed)?)))),
    };
    let raw = |values: Option<(&Value, &Value)>| Some(raw_difference(before, replayed, values));
    match documents {
        None => Verdict::Different {
            why: "the bytes differ".to_owned(),
            raw: raw(None),
        },
        Some(Err(why)) => Verdict::Different {
            why: format!("the bytes differ, and `jcs` does not apply: {why}"),
            raw: raw(None),
        },
        Some(Ok((then, now))) => {
            let raw = raw(Some((&then, &now)));
            match (json::canonical(&then), json::canonical(&now)) {
                (Ok(then), Ok(now)) if then == now => Verdict::IdenticalAfter { canonicalisation, raw },
                _ => Verdict::Different {
                    why: "the bytes differ, also in RFC 8785 form".to_owned(),
                    raw,
                },
            }
        }
    }
}

/// Parses JSON whose numbers all survive RFC 8785: beyond 2^53 two different integers would have one canonical form, and
/// what differs would be called identical.
fn exact_json(bytes: &[u8]) -> Result<Value, String> {
    let value = json::parse(bytes, &OUTPUT_LIMITS).map_err(|e| e.to_string())?;
    let mut waiting = vec![&value];
    while let Some(next) = waiting.pop() {
        match next {
            Value::Number(number) => {
                let exact = match (number.as_i64(), number.as_f64()) {
                    (Some(integer), _) => integer.unsigned_abs() <= json::MAX_INTEGER,
                    (None, Some(float)) => float.abs() < 9_007_199_254_740_992.0,
                    (None, None) => false,
                };
                if !exact {
                    return Err(format!(
                        "the number `{number}` is beyond 2^53, where RFC 8785 loses digits"
                    ));
                }
            }
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => waiting.extend(members.values()),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    Ok(value)
}

fn different(why: &str) -> Verdict {
    Verdict::Different {
        why: why.to_owned(),
        raw: None,
    }
}

fn hex_sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests;
