//! Sections of records, checked and written in one pass: every record of a log goes through here several times.
//!
//! RFC 8785 is simple for what may stand in a section (docs/log-format.md, section 2): names are ASCII, so their order by UTF-16 units is
//! the order of their bytes, and there are no numbers but small integers. The tests compare this with a general implementation.

use super::{JsonError, Limits, MAX_INTEGER};
use serde_json::{Map, Value};

/// A section of usual size is written without growing its buffer.
const USUAL_BYTES: usize = 512;

pub(super) fn write(value: &Value) -> Result<Vec<u8>, JsonError> {
    let Value::Object(members) = value else {
        return Err(refused(&[], "a section is an object"));
    };
    let mut writer = Writer {
        bytes: Vec::with_capacity(USUAL_BYTES),
        path: Vec::new(),
    };
    writer.object(members, Limits::SECTION.max_depth)?;
    Ok(writer.bytes)
}

/// One step of the way to a member.
#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Place(usize),
}

struct Writer<'a> {
    bytes: Vec<u8>,
    path: Vec<Step<'a>>,
}

fn refused(path: &[Step<'_>], why: &'static str) -> JsonError {
    let steps = path.iter().map(|step| match step {
        Step::Name(name) => format!("/{name}"),
        Step::Place(place) => format!("/{place}"),
    });
    let path: String = steps.collect();
    JsonError::Section {
        path: if path.is_empty() { "/".to_owned() } else { path },
        why,
    }
}

impl<'a> Writer<'a> {
    fn value(&mut self, value: &'a Value, depth_left: usize) -> Result<(), JsonError> {
        match value {
            Value::Null => self.bytes.extend_from_slice(b"null"),
            Value::Bool(true) => self.bytes.extend_from_slice(b"true"),
            Value::Bool(false) => self.bytes.extend_from_slice(b"false"),
            Value::String(text) => put_text(&mut self.bytes, text),
            Value::Number(number) => match number.as_u64() {
                Some(n) if n <= MAX_INTEGER => put_number(&mut self.bytes, n),
                _ => {
                    let why = "numbers are integers from 0 to 2^53 - 1; write decimals and negative numbers as strings";
                    return Err(refused(&self.path, why));
                }
            },
            Value::Array(items) => self.array(items, depth_left)?,
            Value::Object(members) => self.object(members, depth_left)?,
        }
        Ok(())
    }

    fn inner(&self, depth_left: usize) -> Result<usize, JsonError> {
        let deeper = depth_left.checked_sub(1);
        deeper.ok_or_else(|| refused(&self.path, "it is nested more than 32 levels deep"))
    }

    fn array(&mut self, items: &'a [Value], depth_left: usize) -> Result<(), JsonError> {
        let inner = self.inner(depth_left)?;
        self.bytes.push(b'[');
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.bytes.push(b',');
            }
            self.path.push(Step::Place(place));
            self.value(item, inner)?;
            self.path.pop();
        }
        self.bytes.push(b']');
        Ok(())
    }

    fn object(&mut self, members: &'a Map<String, Value>, depth_left: usize) -> Result<(), JsonError> {
        let inner = self.inner(depth_left)?;
        self.bytes.push(b'{');
        // A map of `serde_json` is in this order unless a feature that any crate may turn on says otherwise.
        if members.keys().is_sorted() {
            self.members(members.iter(), inner)?;
        } else {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            self.members(sorted.into_iter(), inner)?;
        }
        self.bytes.push(b'}');
        Ok(())
    }

    fn members(
        &mut self,
        members: impl Iterator<Item = (&'a String, &'a Value)>,
        inner: usize,
    ) -> Result<(), JsonError> {
        for (place, (name, member)) in members.enumerate() {
            if name.is_empty() || !name.bytes().all(|b| (0x20..0x7f).contains(&b)) {
                return Err(refused(&self.path, "it has a member whose name is not printable ASCII"));
            }
            if place > 0 {
                self.bytes.push(b',');
            }
            put_text(&mut self.bytes, name);
            self.bytes.push(b':');
            self.path.push(Step::Name(name));
            self.value(member, inner)?;
            self.path.pop();
        }
        Ok(())
    }
}

/// A number as RFC 8785, section 3.2.2.3 writes one that is an integer.
pub(super) fn put_number(to: &mut Vec<u8>, number: u64) {
    // 2^64 has 20 digits.
    let (mut digits, mut at, mut rest) = ([0; 20], 20, number);
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    to.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// A string as RFC 8785, section 3.2.2.2 writes it: only what JSON does not allow is escaped, in the shortest way.
pub(super) fn put_text(to: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    to.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(place) = rest.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\') {
        let (plain, from) = rest.split_at(place);
        to.extend_from_slice(plain);
        let Some((escaped, after)) = from.split_first() else {
            break;
        };
        let short = match escaped {
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            b'"' | b'\\' => *escaped,
            _ => 0,
        };
        if short == 0 {
            // Below 0x20, so the first digit is 0 or 1.
            let last = HEX.get(usize::from(escaped & 0xf)).copied().unwrap_or(b'0');
            to.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (escaped >> 4), last]);
        } else {
            to.extend_from_slice(&[b'\\', short]);
        }
        rest = after;
    }
    to.extend_from_slice(rest);
    to.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::{canonical, general, section_bytes};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..=super::MAX_INTEGER).prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
            "[\\x00-\\x7f\u{80}-\u{7ff}\u{fffe}\u{1f600}]{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{1,6}", inner, 0..6).prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_a_general_implementation_writes(value in values(), name in "[ -~]{1,8}") {
            let section = json!({name: value});
            let written = general(&section).unwrap();
            prop_assert_eq!(&section_bytes(&section).unwrap(), &written);
            prop_assert_eq!(canonical(&section).unwrap(), written);
        }
    }

    #[test]
    fn every_character_below_space_is_escaped_as_rfc_8785_says() {
        let text: String = (0..0x80u8).map(char::from).collect();
        let section = json!({"t": text});
        assert_eq!(section_bytes(&section).unwrap(), general(&section).unwrap());
    }

    #[test]
    fn depth_is_bounded_where_it_was() {
        let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(section_bytes(&json!({"a": nested(31)})).is_ok());
        let error = section_bytes(&json!({"a": nested(32)})).unwrap_err().to_string();
        assert!(error.contains("32 levels") && error.contains("`/a/0/0"), "{error}");
    }
}
