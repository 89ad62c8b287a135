//! Identifiers and addresses as they stand in messages: bounded, and safe to put into a path or a line of a log.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// An identifier that the protocol carries: a process id, an offer, an agreement, a dataset, a participant.
///
/// The schemas say only "string", and real peers send bare UUIDs and names, so no IRI syntax is demanded. What is refused would
/// break something here: an empty text, spaces and control characters (logs), `.` and `..` (paths).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Id(String);

/// Three base64 parts of 255 bytes and two colons are 3 * 340 + 2 = 1,022 characters: the longest offer id that EDC makes.
const MAX_ID_BYTES: usize = 1024;

/// A base URL and a path beyond this would be refused by common servers as well.
const MAX_ADDRESS_BYTES: usize = 2048;

/// Why a text is not an identifier or not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be used as {what}: {why}")]
pub struct IdError {
    text: String,
    what: &'static str,
    why: &'static str,
}

/// At most 80 characters of a peer's text, control characters replaced: enough to recognise it, too little to flood a log.
#[must_use]
pub fn excerpt(text: &str) -> String {
    const CHARS: usize = 80;
    let mut short: String = text
        .chars()
        .take(CHARS)
        .map(|c| if c.is_control() || c == '`' { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(CHARS).is_some() {
        short.push('…');
    }
    short
}

impl Id {
    /// One of our own constants, which a test checks.
    pub(super) fn constant(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The identifier as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let why = if text.is_empty() {
            "it is empty"
        } else if text.len() > MAX_ID_BYTES {
            "it is longer than 1024 bytes"
        } else if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            "it has a space or a control character"
        } else if matches!(text, "." | "..") {
            "it would change the meaning of a path"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(IdError {
            text: excerpt(text),
            what: "an identifier",
            why,
        })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Where a peer receives messages: an absolute `http` or `https` URL without user, query or fragment, kept without its last slash.
///
/// Whether plain `http`, loopback or a private range may be called at all is for the one guarded client to decide.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// The URL without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of `path` (without a leading slash) below this address (HTTPS binding: with or without a trailing slash).
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}/{path}", self.0)
    }
}

impl FromStr for Address {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let refuse = |why| {
            Err(IdError {
                text: excerpt(text),
                what: "an address",
                why,
            })
        };
        if text.len() > MAX_ADDRESS_BYTES {
            return refuse("it is longer than 2048 bytes");
        }
        // The URL parser drops tabs and newlines and turns `\` into `/`: two readings of one text are one too many.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return refuse("it has a space, a control character or a backslash");
        }
        let Ok(url) = url::Url::parse(text) else {
            return refuse("it is not an absolute URL");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("its scheme is neither https nor http");
        }
        if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
            return refuse("it has no host, or carries a user name or password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("it has a query or a fragment, so no path can be added to it");
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_real_peers_are_accepted() {
        for text in [
            "urn:uuid:32541fe6-c580-409e-85a8-8a9a32fbe833",
            "32541fe6-c580-409e-85a8-8a9a32fbe833",
            "TCK_PARTICIPANT",
            "CD123:ACN0102:456",
            "did:web:knmi.example%3A7101",
            "MQ==:cmFpbg==:Zm9v",
        ] {
            assert_eq!(text.parse::<Id>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn identifiers_that_would_break_a_path_or_a_log_are_refused() {
        for text in ["", ".", "..", "a b", "a\nb", "a\u{0}", "\u{a0}"] {
            assert!(text.parse::<Id>().is_err(), "{text:?}");
        }
        assert!("a".repeat(1024).parse::<Id>().is_ok());
        assert!("a".repeat(1025).parse::<Id>().is_err());
    }

    #[test]
    fn addresses_lose_their_last_slash_and_nothing_else() {
        let address = |text: &str| text.parse::<Address>().map(|a| a.to_string());
        assert_eq!(
            address("https://consumer.example/cb/").unwrap(),
            "https://consumer.example/cb"
        );
        assert_eq!(address("https://consumer.example").unwrap(), "https://consumer.example");
        assert_eq!(
            "http://localhost:8083/"
                .parse::<Address>()
                .unwrap()
                .join("negotiations/a"),
            "http://localhost:8083/negotiations/a"
        );
        for text in [
            "",
            "/cb",
            "consumer.example/cb",
            "ftp://consumer.example",
            "file:///etc/passwd",
            "https://user:pass@consumer.example",
            "https://consumer.example/?a=b",
            "https://consumer.example/#x",
            "https://consumer.example\\@evil.example",
            "https://consumer.example/a b",
            "javascript:alert(1)",
            "data:text/plain,x",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(excerpt("a\nb"), "a\u{fffd}b");
        assert_eq!(excerpt(&"x".repeat(500)).chars().count(), 81);
    }
}
