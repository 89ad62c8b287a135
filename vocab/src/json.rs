//! JSON as it crosses a border: parsed strictly and within limits, written in RFC 8785 form.
//!
//! Two parsers that disagree about one text are a forgery waiting to happen, so what is ambiguous (duplicate names, lone
//! surrogates, trailing bytes) is refused here, once, for every message and every section of the log.

mod section;
#[cfg(test)]
mod vectors;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// How much of a text is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest text, in bytes.
    pub max_bytes: usize,
    /// Deepest nesting of arrays and objects; a scalar has depth 0.
    pub max_depth: usize,
}

impl Limits {
    /// A protocol message: 1 MiB, 32 levels.
    pub const MESSAGE: Self = Self {
        max_bytes: 1 << 20,
        max_depth: 32,
    };
    /// A section of a record (docs/log-format.md, section 2): 1 MiB, 32 levels.
    pub const SECTION: Self = Self {
        max_bytes: 1 << 20,
        max_depth: 32,
    };
}

/// Largest integer of a section: 2^53 - 1, the last that every JSON reader keeps exactly (RFC 8785, appendix D).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why a text or a value is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text is longer than allowed.
    #[error("the JSON text has {found} bytes, at most {limit} are read")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not JSON, nested too deeply, a duplicate name, or trailing bytes.
    #[error("not acceptable as JSON: {why}")]
    Syntax {
        /// What, and where.
        why: String,
    },
    /// The value cannot stand in a section of the log.
    #[error("`{path}` cannot stand in a section of the log: {why}")]
    Section {
        /// JSON pointer of the offending member.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The bytes are JSON, but not in the one form that RFC 8785 gives.
    #[error("the bytes are not in RFC 8785 form: they differ from it at byte {at}")]
    NotCanonical {
        /// Offset of the first difference.
        at: usize,
    },
}

/// Parses one JSON text strictly: UTF-8, no duplicate names, nothing after it, within `limits`.
///
/// # Errors
/// Says what was found and where.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, JsonError> {
    if bytes.len() > limits.max_bytes {
        return Err(JsonError::TooLong {
            found: bytes.len(),
            limit: limits.max_bytes,
        });
    }
    let syntax = |e: serde_json::Error| JsonError::Syntax { why: e.to_string() };
    // Depth is counted by `Strict`, below serde_json's own bound of 128.
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict {
        depth_left: limits.max_depth,
    }
    .deserialize(&mut reader)
    .map_err(syntax)?;
    reader.end().map_err(syntax)?;
    Ok(value)
}

/// The RFC 8785 form of a value.
///
/// # Errors
/// When a number has no such form.
pub fn canonical(value: &Value) -> Result<Vec<u8>, JsonError> {
    // What could stand in a section has one writer, and the general one takes many times as long.
    section::write(value).or_else(|_| general(value))
}

fn general(value: &Value) -> Result<Vec<u8>, JsonError> {
    serde_json_canonicalizer::to_vec(value).map_err(|e| JsonError::Syntax { why: e.to_string() })
}

/// The bytes of a section: checks that `value` is an object within the subset of docs/log-format.md section 2, and writes it.
///
/// # Errors
/// Names the member that cannot stand in a section.
pub fn section_bytes(value: &Value) -> Result<Vec<u8>, JsonError> {
    let bytes = section::write(value)?;
    if bytes.len() > Limits::SECTION.max_bytes {
        return Err(JsonError::TooLong {
            found: bytes.len(),
            limit: Limits::SECTION.max_bytes,
        });
    }
    Ok(bytes)
}

/// Appends a text as it stands in a section, for one who writes the members of a section in their order himself.
pub fn put_text(to: &mut Vec<u8>, text: &str) {
    section::put_text(to, text);
}

/// Appends a number as it stands in a section, where it is at most [`MAX_INTEGER`].
pub fn put_number(to: &mut Vec<u8>, number: u64) {
    section::put_number(to, number);
}

/// Parses the bytes of a section and checks that they are exactly what [`section_bytes`] writes.
///
/// # Errors
/// As [`parse`] and [`section_bytes`], and [`JsonError::NotCanonical`].
pub fn parse_section(bytes: &[u8]) -> Result<Value, JsonError> {
    let value = parse(bytes, &Limits::SECTION)?;
    let expected = section_bytes(&value)?;
    if expected == bytes {
        Ok(value)
    } else {
        let same = expected.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        Err(JsonError::NotCanonical { at: same })
    }
}

/// Builds a [`Value`] while counting depth and refusing duplicate names, which `serde_json` itself lets pass.
struct Strict {
    depth_left: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(E::custom("arrays and objects are nested too deeply")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            match access.next_element_seed(self.deeper()?)? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        let inner = self.deeper()?.depth_left;
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "the name `{name}` stands twice in one object"
                )));
            }
            let member = access.next_value_seed(Self { depth_left: inner })?;
            members.insert(name, member);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Value, JsonError> {
        parse(
            text.as_bytes(),
            &Limits {
                max_bytes: 200,
                max_depth: 3,
            },
        )
    }

    #[test]
    fn ambiguous_texts_are_refused() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            "1 2",
            "{",
            "",
            r#""\ud800""#,
            "[[[[1]]]]",
            "01",
            "NaN",
            r#"{"a":1,}"#,
            "1e999",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(parse(b"\"\xff\"", &Limits::MESSAGE).is_err());
        assert!(matches!(
            read(&" ".repeat(201)),
            Err(JsonError::TooLong { found: 201, limit: 200 })
        ));
    }

    #[test]
    fn ordinary_texts_are_read() {
        assert_eq!(
            read(r#" {"a":[1,-2,1.5,null,true,"x"]} "#).unwrap(),
            json!({"a": [1, -2, 1.5, null, true, "x"]})
        );
        assert_eq!(read("[[[1]]]").unwrap(), json!([[[1]]]));
    }

    #[test]
    fn a_deep_text_ends_in_an_error_not_in_a_full_stack() {
        let text = "[".repeat(500_000);
        assert!(parse(text.as_bytes(), &Limits::MESSAGE).is_err());
    }

    #[test]
    fn canonical_form_follows_rfc_8785() {
        let value = json!({"\u{20ac}": "€", "b": 1.0, "a": [true, null], "1": "\u{0007}\"\\"});
        assert_eq!(
            String::from_utf8(canonical(&value).unwrap()).unwrap(),
            "{\"1\":\"\\u0007\\\"\\\\\",\"a\":[true,null],\"b\":1,\"\u{20ac}\":\"€\"}"
        );
    }

    #[test]
    fn sections_hold_only_what_every_reader_reads_alike() {
        for (value, path) in [
            (json!([1]), "/"),
            (json!({"a": 1.5}), "/a"),
            (json!({"a": [0, -1]}), "/a/1"),
            (json!({"a": 9_007_199_254_740_992_u64}), "/a"),
            (json!({"x": {"é": 1}}), "/x"),
            (json!({"": 1}), "/"),
        ] {
            match section_bytes(&value) {
                Err(JsonError::Section { path: found, .. }) => assert_eq!(found, path, "{value}"),
                other => panic!("{value}: {other:?}"),
            }
        }
        assert_eq!(
            section_bytes(&json!({"b": "é", "a": 9_007_199_254_740_991_u64})).unwrap(),
            "{\"a\":9007199254740991,\"b\":\"é\"}".as_bytes()
        );
    }

    #[test]
    fn a_section_in_another_form_is_refused_where_it_differs() {
        assert_eq!(parse_section(br#"{"a":1,"b":2}"#).unwrap(), json!({"a": 1, "b": 2}));
        assert_eq!(parse_section(br#"{"a": 1}"#), Err(JsonError::NotCanonical { at: 5 }));
        assert_eq!(
            parse_section(br#"{"b":2,"a":1}"#),
            Err(JsonError::NotCanonical { at: 2 })
        );
        assert_eq!(
            parse_section(br#"{"a":1e0}"#),
            Err(JsonError::Section {
                path: "/a".into(),
                why: "numbers are integers from 0 to 2^53 - 1; write decimals and negative numbers as strings"
            })
        );
    }
}
