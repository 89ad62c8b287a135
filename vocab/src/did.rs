//! Decentralised identifiers: `did:web` (W3C CCG did:web, 2023) and `did:key` (W3C CCG did:key 0.9), the syntax alone.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A syntactically right `did:web` or `did:key`, kept as it was written; two are equal only if their bytes are. So that one
/// participant has one identifier, a `did:web` is accepted in one spelling alone: the host in lower case, its port after
/// `%3A` without leading zeros and left out where it is 443, and no path that leads back to the host's own document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Did(String);

/// A text that is not one of the identifiers Herleid resolves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a participant's identifier: {why}; expected `did:web:<host>[%3A<port>][:<path>]` or `did:key:z<base58>`"
)]
pub struct DidError {
    text: String,
    why: &'static str,
}

/// Longer identifiers would only serve to fill a log: a host name has at most 253 characters, and a path some more.
const MAX_CHARS: usize = 512;

impl Did {
    /// The identifier as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the document of a `did:web` is served (did:web method, section "Read"); `None` for a `did:key`.
    #[must_use]
    pub fn web_document_url(&self) -> Option<String> {
        let mut parts = self.0.strip_prefix("did:web:")?.split(':');
        let host = parts.next()?.replace("%3A", ":");
        let path: Vec<&str> = parts.collect();
        if path.is_empty() {
            Some(format!("https://{host}/.well-known/did.json"))
        } else {
            Some(format!("https://{host}/{}/did.json", path.join("/")))
        }
    }
}

fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_CHARS {
        return Err("it is longer than 512 characters");
    }
    if let Some(rest) = text.strip_prefix("did:web:") {
        let mut parts = rest.split(':');
        let host = parts.next().unwrap_or_default();
        if host.contains("%3a") {
            return Err("the port stands after `%3a`, which is written `%3A`");
        }
        let (name, port) = match host.split_once("%3A") {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        };
        check_host(name)?;
        if let Some(port) = port {
            check_port(port)?;
        }
        if rest.split_once(':').is_some_and(|(_, path)| path == ".well-known") {
            return Err("its path leads to the document of the host itself; leave the path out");
        }
        let segment_ok = |s: &str| {
            !s.is_empty()
                && s != "."
                && s != ".."
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if !parts.all(segment_ok) {
            return Err("a path segment is empty or has other characters than letters, digits, `.`, `_`, `-`");
        }
        Ok(())
    } else if let Some(key) = text.strip_prefix("did:key:") {
        let base58 = |b: u8| b.is_ascii_alphanumeric() && !b"0OIl".contains(&b);
        match key.strip_prefix('z') {
            Some(rest) if !rest.is_empty() && rest.bytes().all(base58) => Ok(()),
            _ => Err("the key is not multibase base58"),
        }
    } else {
        Err("its method is neither did:web nor did:key")
    }
}

fn check_host(name: &str) -> Result<(), &'static str> {
    let name_ok = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        && !name.split('.').any(str::is_empty);
    if !name_ok {
        return Err("the host is not a domain name");
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("the host has capitals; write it in lower case");
    }
    // Whoever fetches reads `127.1`, `0x7f.0.0.1` and `127.0.0.1` as one address (WHATWG URL, "ends in a number").
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.strip_prefix("0x").is_some_and(hex);
    if is_number && name.parse::<Ipv4Addr>().is_err() {
        return Err("the host is an address in another form than four decimal numbers");
    }
    Ok(())
}

fn check_port(port: &str) -> Result<(), &'static str> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(443) if digits && !port.starts_with('0') => Err("443 is the port that is meant without one; leave it out"),
        Ok(_) if digits && !port.starts_with('0') => Ok(()),
        Ok(_) if digits => Err("the port is 0 or begins with a zero; write it without leading zeros"),
        _ => Err("the port is not a number up to 65535"),
    }
}

impl FromStr for Did {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        match check(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(why) => Err(DidError {
                text: text.chars().take(80).collect(),
                why,
            }),
        }
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Did {
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
    fn a_web_identifier_says_where_its_document_is() {
        let url = |text: &str| text.parse::<Did>().unwrap().web_document_url();
        assert_eq!(
            url("did:web:knmi.example").as_deref(),
            Some("https://knmi.example/.well-known/did.json")
        );
        assert_eq!(
            url("did:web:localhost%3A7101").as_deref(),
            Some("https://localhost:7101/.well-known/did.json")
        );
        assert_eq!(
            url("did:web:vlissingen.example:water:1").as_deref(),
            Some("https://vlissingen.example/water/1/did.json")
        );
        assert_eq!(url("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"), None);
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for text in [
            "did:web:",
            "did:web:a/b",
            "did:web:a%2Fb",
            "did:web:user@host",
            "did:web:host:..",
            "did:web:host::x",
            "did:web:host%3Anone",
            "did:web:host%3A99999",
            "did:web:ho st",
            "did:web:a?b",
            "did:web:a#b",
            "did:example:1",
            "did:key:abc",
            "did:key:z0",
            "",
            "did:web:a..b",
        ] {
            assert!(text.parse::<Did>().is_err(), "{text}");
        }
        assert!(format!("did:web:{}", "a".repeat(600)).parse::<Did>().is_err());
    }

    #[test]
    fn one_document_has_one_identifier() {
        for (text, why) in [
            ("did:web:KNMI.example", "lower case"),
            ("did:web:knmi.examplE%3A8443:water", "lower case"),
            ("did:web:knmi.example%3a8443", "`%3A`"),
            ("did:web:knmi.example%3A443", "leave it out"),
            ("did:web:knmi.example%3A08443", "leading zeros"),
            ("did:web:knmi.example%3A0", "leading zeros"),
            ("did:web:knmi.example%3A+80", "up to 65535"),
            ("did:web:knmi.example%3A", "up to 65535"),
            ("did:web:knmi.example:.well-known", "leave the path out"),
            ("did:web:127.1", "four decimal numbers"),
            ("did:web:0x7f.0.0.1", "four decimal numbers"),
            ("did:web:127.0.0.0x1", "four decimal numbers"),
            ("did:web:127.0.0.01", "four decimal numbers"),
            ("did:web:2130706433", "four decimal numbers"),
        ] {
            let error = text.parse::<Did>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        for text in [
            "did:web:knmi.example",
            "did:web:knmi.example%3A8443",
            "did:web:knmi.example%3A80",
            "did:web:knmi.example:Water:1",
            "did:web:knmi.example:.well-known:a",
            "did:web:1.example",
            "did:web:127.0.0.1%3A7101",
        ] {
            assert!(text.parse::<Did>().is_ok(), "{text}");
        }
    }
}
