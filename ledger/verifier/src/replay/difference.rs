//! How two outputs differ, for people to judge.

use herleid_vocab::json;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// How many differing members are listed of one output; the count says whether there are more.
const MEMBERS_SHOWN: usize = 20;
/// How many bytes are quoted from the first difference on.
const EXCERPT_BYTES: usize = 48;
/// How many characters are quoted of a differing member's value.
const VALUE_CHARS: usize = 120;

/// Where two byte strings part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RawDifference {
    /// Length recorded, in bytes.
    pub recorded_bytes: usize,
    /// Length replayed, in bytes.
    pub replayed_bytes: usize,
    /// Offset of the first differing byte; the shorter length where one is the beginning of the other.
    pub at: usize,
    /// The recorded bytes from there on, as text, shortened.
    pub recorded: String,
    /// The replayed bytes from there on, as text, shortened.
    pub replayed: String,
    /// For JSON: the members that differ in value, the first twenty.
    pub members: Vec<MemberDifference>,
    /// For JSON: how many members differ in value.
    pub members_differing: usize,
}

/// One member of a JSON document that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberDifference {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// The recorded value, shortened; `None` where it is absent.
    pub recorded: Option<String>,
    /// The replayed value, shortened; `None` where it is absent.
    pub replayed: Option<String>,
}

/// Where `recorded` and `replayed` part; with `values`, also which members of the two JSON documents differ.
pub(super) fn raw_difference(recorded: &[u8], replayed: &[u8], values: Option<(&Value, &Value)>) -> RawDifference {
    let at = recorded.iter().zip(replayed).take_while(|(a, b)| a == b).count();
    let quote = |bytes: &[u8]| {
        let end = bytes.len().min(at.saturating_add(EXCERPT_BYTES));
        String::from_utf8_lossy(bytes.get(at..end).unwrap_or_default()).into_owned()
    };
    let mut members = Members::default();
    if let Some((then, now)) = values {
        members.walk(&mut String::new(), Some(then), Some(now));
    }
    RawDifference {
        recorded_bytes: recorded.len(),
        replayed_bytes: replayed.len(),
        at,
        recorded: quote(recorded),
        replayed: quote(replayed),
        members: members.shown,
        members_differing: members.count,
    }
}

#[derive(Default)]
struct Members {
    shown: Vec<MemberDifference>,
    count: usize,
}

impl Members {
    fn walk(&mut self, pointer: &mut String, then: Option<&Value>, now: Option<&Value>) {
        match (then, now) {
            (Some(Value::Object(then)), Some(Value::Object(now))) => {
                let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
                for name in names {
                    let step = name.replace('~', "~0").replace('/', "~1");
                    self.step(pointer, &step, then.get(name), now.get(name));
                }
            }
            (Some(Value::Array(then)), Some(Value::Array(now))) => {
                for index in 0..then.len().max(now.len()) {
                    self.step(pointer, &index.to_string(), then.get(index), now.get(index));
                }
            }
            // By canonical text, so that `1.0` and `1` are one value here as they are under `jcs`.
            _ if then.map(text) != now.map(text) => {
                self.count += 1;
                if self.shown.len() < MEMBERS_SHOWN {
                    let quote = |value: Option<&Value>| {
                        value.map(|value| value.to_string().chars().take(VALUE_CHARS).collect())
                    };
                    self.shown.push(MemberDifference {
                        pointer: pointer.clone(),
                        recorded: quote(then),
                        replayed: quote(now),
                    });
                }
            }
            _ => {}
        }
    }

    fn step(&mut self, pointer: &mut String, step: &str, then: Option<&Value>, now: Option<&Value>) {
        let before = pointer.len();
        pointer.push('/');
        pointer.push_str(step);
        self.walk(pointer, then, now);
        pointer.truncate(before);
    }
}

fn text(value: &Value) -> Vec<u8> {
    json::canonical(value).unwrap_or_else(|_| value.to_string().into_bytes())
}
