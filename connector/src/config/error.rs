//! What can be wrong with a configuration, and how that is said.

use super::keys::Kind;
use super::value::{Found, Place, Shape};
use crate::catalogue::words::THEMES;
use crate::messages::{Language, Messages};
use std::fmt;

/// Why a configuration is refused. Names the file and line or the environment variable, the key, what was expected, what was
/// found, and what to do. `Display` is English; [`ConfigError::text`] speaks the reader's language.
#[derive(Debug)]
pub struct ConfigError {
    place: Place,
    problem: Box<Problem>,
}

#[derive(Debug)]
pub(super) enum Problem {
    Unreadable(std::io::Error),
    Syntax(String),
    UnknownSection {
        key: String,
        nearest: String,
    },
    UnknownKey {
        key: String,
        nearest: String,
    },
    UnknownVariable {
        nearest: String,
    },
    NotText {
        expected: Expected,
    },
    Missing {
        section: String,
        key: String,
        variable: String,
        expected: Expected,
    },
    Wrong {
        key: String,
        shape: Shape,
        expected: Expected,
    },
}

/// What should have stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    Kind(Kind),
    Section(String),
    KeyOfLog(String),
    Once,
    QuorumAtMost(usize),
    OriginOf(String),
    WitnessedLogs,
    NoTls,
    NoDevelopment,
    Licence,
    Themes,
    Email,
    Page,
    Iri,
    Name,
    Keep,
}

impl ConfigError {
    pub(super) fn new(place: Place, problem: Problem) -> Self {
        Self {
            place,
            problem: Box::new(problem),
        }
    }

    pub(super) fn wrong(key: &str, found: &Found, expected: Expected) -> Self {
        let problem = Problem::Wrong {
            key: key.to_owned(),
            shape: found.shape.clone(),
            expected,
        };
        Self::new(found.place.clone(), problem)
    }

    /// The error in the language of `messages`.
    #[must_use]
    pub fn text(&self, messages: &Messages) -> String {
        let place = self.place.text(messages);
        let place = place.as_str();
        match self.problem.as_ref() {
            Problem::Unreadable(why) => {
                messages.text("config-unreadable", &[("place", place), ("why", &why.to_string())])
            }
            Problem::Syntax(why) => messages.text("config-syntax", &[("place", place), ("why", why)]),
            Problem::UnknownSection { key, nearest } => messages.text(
                "config-unknown-section",
                &[("place", place), ("key", key), ("nearest", nearest)],
            ),
            Problem::UnknownKey { key, nearest } => messages.text(
                "config-unknown-key",
                &[("place", place), ("key", key), ("nearest", nearest)],
            ),
            Problem::UnknownVariable { nearest } => {
                messages.text("config-unknown-variable", &[("place", place), ("nearest", nearest)])
            }
            Problem::NotText { expected } => messages.text(
                "config-not-text",
                &[("place", place), ("expected", &expected.text(messages))],
            ),
            Problem::Missing {
                section,
                key,
                variable,
                expected,
            } => messages.text(
                "config-missing",
                &[
                    ("place", place),
                    ("section", section),
                    ("key", key),
                    ("variable", variable),
                    ("expected", &expected.text(messages)),
                ],
            ),
            Problem::Wrong { key, shape, expected } => messages.text(
                "config-wrong",
                &[
                    ("place", place),
                    ("key", key),
                    ("found", &shape.text(messages)),
                    ("expected", &expected.text(messages)),
                ],
            ),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Messages::shared(Language::English)))
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.problem.as_ref() {
            Problem::Unreadable(why) => Some(why),
            _ => None,
        }
    }
}

impl Expected {
    pub(super) fn text(&self, messages: &Messages) -> String {
        match self {
            Self::Kind(kind) => kind.expected(messages),
            Self::Section(section) => messages.text("config-expect-section", &[("section", section)]),
            Self::KeyOfLog(origin) => messages.text("config-expect-log-key", &[("origin", origin)]),
            Self::Once => messages.text("config-expect-once", &[]),
            Self::QuorumAtMost(max) => messages.text("config-expect-quorum", &[("max", &max.to_string())]),
            Self::OriginOf(did) => messages.text("config-expect-own-origin", &[("did", did)]),
            Self::WitnessedLogs => messages.text("config-expect-logs", &[]),
            Self::NoTls => messages.text("config-expect-no-tls", &[]),
            Self::NoDevelopment => messages.text("config-expect-development", &[]),
            Self::Licence => messages.text("config-expect-licence", &[]),
            Self::Themes => messages.text("config-expect-themes", &[("themes", &THEMES.all())]),
            Self::Email => messages.text("config-expect-email", &[]),
            Self::Page => messages.text("config-expect-page", &[]),
            Self::Iri => messages.text("config-expect-iri", &[]),
            Self::Name => messages.text("config-expect-name", &[]),
            Self::Keep => messages.text("config-expect-keep", &[]),
        }
    }
}

impl Kind {
    /// What a value of this kind looks like, in the language of `messages`.
    #[must_use]
    pub fn expected(&self, messages: &Messages) -> String {
        match self {
            Self::Text => messages.text("config-expect-text", &[]),
            Self::Did => messages.text("config-expect-did", &[]),
            Self::Address => messages.text("config-expect-address", &[]),
            Self::Url => messages.text("config-expect-https", &[]),
            Self::Origin => messages.text("config-expect-origin", &[]),
            Self::Digest => messages.text("config-expect-digest", &[]),
            Self::LogKey => messages.text("config-expect-log-key", &[("origin", "<origin>")]),
            Self::WitnessKey => messages.text("config-expect-witness-key", &[]),
            Self::Path => messages.text("config-expect-path", &[]),
            Self::Paths => messages.text("config-expect-paths", &[]),
            Self::Texts => messages.text("config-expect-texts", &[]),
            Self::Whole(min, max) => messages.text(
                "config-expect-whole",
                &[("min", &min.to_string()), ("max", &max.to_string())],
            ),
            Self::Switch => messages.text("config-expect-switch", &[]),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
                messages.text("config-expect-choice", &[("choices", &words.join(", "))])
            }
            Self::Tables(members) => {
                let names: Vec<String> = members.iter().map(|(name, _)| format!("`{name}`")).collect();
                messages.text("config-expect-tables", &[("members", &names.join(", "))])
            }
        }
    }
}
