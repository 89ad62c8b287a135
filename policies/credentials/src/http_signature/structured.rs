//! Structured fields (RFC 9651), as much as signatures and digests need: a dictionary of byte sequences and of inner lists of
//! strings. Stricter than the RFC: a key that stands twice is refused, where the RFC lets the last one count.

use base64::prelude::{BASE64_STANDARD, Engine as _};

/// Where a field stops being what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {why}")]
pub struct StructuredError {
    at: usize,
    why: &'static str,
}

/// A bare item, as a parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Integer(u64),
    Text(String),
    Bytes(Vec<u8>),
    Token(String),
    True,
}

/// A member of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member {
    Bytes(Vec<u8>),
    InnerList {
        items: Vec<ListItem>,
        parameters: Parameters,
    },
}

/// A string of an inner list; of its parameters it is only known whether there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListItem {
    pub(super) text: String,
    pub(super) has_parameters: bool,
}

pub(super) type Parameters = Vec<(String, Item)>;

/// Parses a dictionary (RFC 9651, section 4.2.2) of at least one member.
pub(super) fn dictionary(field: &str) -> Result<Vec<(String, Member)>, StructuredError> {
    let mut parser = Parser {
        bytes: field.as_bytes(),
        at: 0,
    };
    let mut members: Vec<(String, Member)> = Vec::new();
    loop {
        let key = parser.key()?;
        if members.iter().any(|(other, _)| *other == key) {
            return parser.fail("this key stands twice");
        }
        parser.expect(b'=', "expected `=` and a value")?;
        let member = parser.member()?;
        members.push((key, member));
        parser.skip_white_space();
        if parser.peek().is_none() {
            return Ok(members);
        }
        parser.expect(b',', "expected `,` or the end")?;
        parser.skip_white_space();
    }
}

/// What is usually written, and what one text usually has, so that neither is moved while it grows.
const USUAL_BYTES: usize = 512;
const USUAL_TEXT: usize = 64;

/// Writes an inner list of strings with parameters (RFC 9651, section 4.1.1.1).
pub(super) fn write_inner_list(items: &[String], parameters: &[(String, Item)]) -> String {
    let mut written = String::with_capacity(USUAL_BYTES);
    written.push('(');
    for (place, text) in items.iter().enumerate() {
        if place > 0 {
            written.push(' ');
        }
        write_text(&mut written, text);
    }
    written.push(')');
    for (name, value) in parameters {
        written.push(';');
        written.push_str(name);
        match value {
            Item::Integer(number) => written.push_str(&format!("={number}")),
            Item::Text(text) => {
                written.push('=');
                write_text(&mut written, text);
            }
            Item::Bytes(bytes) => written.push_str(&format!("=:{}:", BASE64_STANDARD.encode(bytes))),
            Item::Token(token) => {
                written.push('=');
                written.push_str(token);
            }
            Item::True => {}
        }
    }
    written
}

fn write_text(to: &mut String, text: &str) {
    to.push('"');
    for part in text.split_inclusive(['\\', '"']) {
        match part.strip_suffix(['\\', '"']) {
            Some(plain) => {
                let escaped = part.get(plain.len()..).unwrap_or_default();
                to.push_str(plain);
                to.push('\\');
                to.push_str(escaped);
            }
            None => to.push_str(part),
        }
    }
    to.push('"');
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn fail<T>(&self, why: &'static str) -> Result<T, StructuredError> {
        Err(StructuredError { at: self.at, why })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take_if(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: u8, why: &'static str) -> Result<(), StructuredError> {
        if self.take_if(wanted) { Ok(()) } else { self.fail(why) }
    }

    fn skip_white_space(&mut self) {
        while self.take_if(b' ') || self.take_if(b'\t') {}
    }

    /// The longest run of bytes that `belongs` accepts, as text; they are all ASCII.
    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii() && belongs(**byte))
            .count();
        self.at += length;
        rest.iter().take(length).map(|byte| char::from(*byte)).collect()
    }

    /// Section 4.2.3.3.
    fn key(&mut self) -> Result<String, StructuredError> {
        if !self
            .peek()
            .is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'*')
        {
            return self.fail("expected a key in lower case");
        }
        Ok(self.run(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)))
    }

    fn member(&mut self) -> Result<Member, StructuredError> {
        match self.peek() {
            Some(b':') => {
                let bytes = self.byte_sequence()?;
                if self.peek() == Some(b';') {
                    return self.fail("parameters are not accepted here");
                }
                Ok(Member::Bytes(bytes))
            }
            Some(b'(') => self.inner_list(),
            _ => self.fail("expected `(` or `:`"),
        }
    }

    /// Section 4.2.1.2, of strings alone.
    fn inner_list(&mut self) -> Result<Member, StructuredError> {
        self.expect(b'(', "expected `(`")?;
        let mut items = Vec::new();
        loop {
            while self.take_if(b' ') {}
            if self.take_if(b')') {
                let parameters = self.parameters()?;
                return Ok(Member::InnerList { items, parameters });
            }
            let text = self.text()?;
            let has_parameters = !self.parameters()?.is_empty();
            items.push(ListItem { text, has_parameters });
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return self.fail("expected a space or `)`");
            }
        }
    }

    /// Section 4.2.3.2.
    fn parameters(&mut self) -> Result<Parameters, StructuredError> {
        let mut parameters: Parameters = Vec::new();
        while self.take_if(b';') {
            while self.take_if(b' ') {}
            let name = self.key()?;
            if parameters.iter().any(|(other, _)| *other == name) {
                return self.fail("this parameter stands twice");
            }
            let value = if self.take_if(b'=') { self.item()? } else { Item::True };
            parameters.push((name, value));
        }
        Ok(parameters)
    }

    fn item(&mut self) -> Result<Item, StructuredError> {
        match self.peek() {
            Some(b'"') => Ok(Item::Text(self.text()?)),
            Some(b':') => Ok(Item::Bytes(self.byte_sequence()?)),
            Some(byte) if byte.is_ascii_digit() => {
                let digits = self.run(|byte| byte.is_ascii_digit());
                // Section 3.3.1: at most 15 digits. Leading zeros are refused, a second way to write one number.
                if digits.len() > 15 || (digits.len() > 1 && digits.starts_with('0')) || self.peek() == Some(b'.') {
                    return self.fail("expected a whole number of at most 15 digits without leading zeros");
                }
                match digits.parse() {
                    Ok(number) => Ok(Item::Integer(number)),
                    Err(_) => self.fail("expected a whole number"),
                }
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'*' => {
                Ok(Item::Token(self.run(|byte| {
                    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
                })))
            }
            _ => self.fail("expected a whole number, a string, a token or a byte sequence"),
        }
    }

    /// Section 4.2.5.
    fn text(&mut self) -> Result<String, StructuredError> {
        self.expect(b'"', "expected a string")?;
        let mut text = String::with_capacity(USUAL_TEXT);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(escaped @ (b'"' | b'\\')) => text.push(char::from(escaped)),
                        _ => return self.fail("expected `\"` or `\\` after `\\`"),
                    }
                }
                Some(byte) if (0x20..0x7f).contains(&byte) => text.push(char::from(byte)),
                _ => return self.fail("a string does not end, or has characters other than printable ASCII"),
            }
            self.at += 1;
        }
    }

    /// Section 4.2.7; padding is required and stray bits are refused, so that bytes have one text.
    fn byte_sequence(&mut self) -> Result<Vec<u8>, StructuredError> {
        self.expect(b':', "expected `:`")?;
        let encoded = self.run(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        self.expect(b':', "a byte sequence does not end with `:`")?;
        match BASE64_STANDARD.decode(&encoded) {
            Ok(bytes) => Ok(bytes),
            Err(_) => self.fail("expected base64 with padding"),
        }
    }
}

#[cfg(test)]
mod tests;
