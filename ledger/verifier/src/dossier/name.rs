//! Names of files in a dossier: safe to unpack on every system, and the same file on every system.

use super::ArchiveError;
use std::fmt;

/// Longest name: what common file systems hold, and enough for a folder and 64 hex digits.
pub const MAX_NAME_BYTES: usize = 255;

/// A name that passed the rules of docs/dossier-format.md.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// Checks the bytes of a name.
    ///
    /// # Errors
    /// Says which rule the name breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let refuse = |why| {
            Err(ArchiveError::Name {
                name: bytes.escape_ascii().to_string().chars().take(300).collect(),
                why,
            })
        };
        if bytes.is_empty() {
            return refuse("it is empty");
        }
        if bytes.len() > MAX_NAME_BYTES {
            return refuse("it is longer than 255 bytes");
        }
        if !bytes.iter().all(|b| (0x20..0x7f).contains(b)) {
            return refuse("it is not printable ASCII");
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return refuse("it is not printable ASCII");
        };
        if text.starts_with('/') {
            return refuse("it starts with `/`");
        }
        if text.ends_with('/') {
            return refuse("it is a directory");
        }
        if text.contains("..") {
            return refuse("it contains `..`");
        }
        if text.contains(['\\', ':']) {
            return refuse("it contains `\\` or `:`");
        }
        if text.split('/').any(|part| part.is_empty() || part == ".") {
            return refuse("it has an empty part or a part `.`");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What decides whether two names collide where letters' case does not count.
    pub(super) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a..b",
            "a\\b",
            "C:x",
            "a/",
            "a//b",
            "./a",
            "a/./b",
            "a\nb",
            "\u{e9}",
            "a\u{7f}",
        ] {
            assert!(FileName::parse(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(FileName::parse(&[b'a'; 256]).is_err());
        assert!(FileName::parse(b"\xff").is_err());
    }

    #[test]
    fn names_of_the_format_pass() {
        for name in ["manifest.json.tlog-proof", "records/1/0.json", "a b"] {
            assert_eq!(FileName::parse(name.as_bytes()).unwrap().as_str(), name);
        }
    }
}
