//! What the caller has to remember so that a message counts once.

use sha2::{Digest as _, Sha256};

/// Names a message that may be accepted once. The caller keeps `bytes` in durable storage until `expires_at_ms`, across
/// restarts, and refuses a message whose key it already has; after that instant the message is refused for its age.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReplayKey {
    bytes: [u8; 32],
    expires_at_ms: u64,
}

impl ReplayKey {
    /// `domain` keeps the kinds of message apart; the parts are joined with their lengths, so that no two lists collide.
    pub(crate) fn new(domain: &str, parts: &[&str], expires_at_ms: u64) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(&domain).chain(parts) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self {
            bytes: hash.finalize().into(),
            expires_at_ms,
        }
    }

    /// The name: SHA-256 over the kind of message, who sent it and its unique number.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// UTC milliseconds since 1970 after which the name may be forgotten; leeway for clocks is included.
    #[must_use]
    pub fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_part_ends_makes_a_difference() {
        let key = |domain: &str, parts: &[&str]| *ReplayKey::new(domain, parts, 0).bytes();
        assert_eq!(key("d", &["ab", "c"]), key("d", &["ab", "c"]));
        assert_ne!(key("d", &["ab", "c"]), key("d", &["a", "bc"]));
        assert_ne!(key("d", &["ab", "c"]), key("da", &["b", "c"]));
        assert_ne!(key("d", &["ab"]), key("d", &["ab", ""]));
    }
}
