//! A value as it was found: its shape, and where it stood.

use crate::messages::Messages;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::DeValue;

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A line of the file, from 1.
    Line(PathBuf, usize),
    /// The file as a whole.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl Place {
    pub(super) fn text(&self, messages: &Messages) -> String {
        match self {
            Self::Line(file, line) => {
                let (file, line) = (file.display().to_string(), line.to_string());
                messages.text("config-place-line", &[("file", &file), ("line", &line)])
            }
            Self::File(file) => messages.text("config-place-file", &[("file", &file.display().to_string())]),
            Self::Variable(name) => messages.text("config-place-variable", &[("name", name)]),
        }
    }
}

/// The shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Text(String),
    Whole(i64),
    Switch(bool),
    List(Vec<Found>),
    Table(BTreeMap<String, Found>),
    /// Only in errors: a table that lacks this member.
    TableWithout(String),
    Decimal,
    Time,
}

/// A value and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) shape: Shape,
    pub(super) place: Place,
}

/// Text of an error is kept to a line of a terminal.
const SHOWN_CHARS: usize = 80;

impl Shape {
    pub(super) fn text(&self, messages: &Messages) -> String {
        match self {
            Self::Text(text) => {
                let cut = text.chars().count() > SHOWN_CHARS;
                let shown: String = text.chars().take(SHOWN_CHARS).collect();
                format!("`{:?}`{}", shown, if cut { " ..." } else { "" })
            }
            Self::Whole(number) => format!("`{number}`"),
            Self::Switch(switch) => format!("`{switch}`"),
            Self::List(_) => messages.text("config-found-list", &[]),
            Self::Table(_) => messages.text("config-found-table", &[]),
            Self::TableWithout(member) => messages.text("config-found-table-without", &[("member", member)]),
            Self::Decimal => messages.text("config-found-decimal", &[]),
            Self::Time => messages.text("config-found-time", &[]),
        }
    }
}

/// Where the bytes of a TOML document stand.
pub(super) enum Origin<'a> {
    File(&'a Path, &'a str),
    Variable(&'a str),
}

impl Origin<'_> {
    /// The place of the byte at `offset`.
    pub(super) fn place(&self, offset: usize) -> Place {
        match self {
            Self::File(path, text) => {
                let line = 1 + text.bytes().take(offset).filter(|b| *b == b'\n').count();
                Place::Line(path.to_path_buf(), line)
            }
            Self::Variable(name) => Place::Variable((*name).to_owned()),
        }
    }

    /// A value of the document.
    pub(super) fn found(&self, value: &Spanned<DeValue<'_>>) -> Found {
        let shape = match value.get_ref() {
            DeValue::String(text) => Shape::Text(text.to_string()),
            // Hexadecimal and the like are for people; a number of more than 64 bits is too large for any key.
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).map_or(Shape::Decimal, Shape::Whole),
            DeValue::Boolean(switch) => Shape::Switch(*switch),
            DeValue::Float(_) => Shape::Decimal,
            DeValue::Datetime(_) => Shape::Time,
            DeValue::Array(items) => Shape::List(items.iter().map(|item| self.found(item)).collect()),
            DeValue::Table(members) => Shape::Table(
                members
                    .iter()
                    .map(|(name, member)| (name.get_ref().to_string(), self.found(member)))
                    .collect(),
            ),
        };
        Found {
            shape,
            place: self.place(value.span().start),
        }
    }
}
