//! The token that every request has to show, also from this machine: another user's process can reach loopback too.

use crate::node::SecretsError;
use crate::node::{make_management_token, management_token};
use herleid_vocab::rim::Entropy;
use http::{HeaderMap, header};
use std::path::Path;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The token, as it is compared.
pub(super) struct Token(Zeroizing<String>);

impl Token {
    /// The token in the keys directory; made there if this is the first start with a management API.
    ///
    /// # Errors
    /// When the file cannot be read or made, is readable by others, or holds no token.
    pub(super) fn of(keys: &Path, entropy: &dyn Entropy) -> Result<Self, SecretsError> {
        make_management_token(keys, entropy)?;
        Ok(Self(management_token(keys)?))
    }

    /// Whether the request shows this token. Compared in a time that does not depend on where the two differ: otherwise it could be
    /// guessed byte by byte.
    pub(super) fn is_shown_in(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes);
        let Some((scheme, token)) = shown.and_then(|value| value.split_at_checked(SCHEME.len())) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(SCHEME) && bool::from(token.ct_eq(self.0.as_bytes()))
    }
}

/// RFC 6750, section 2.1; the name of a scheme is compared without regard to case (RFC 9110, section 11.1).
const SCHEME: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests {
    use super::*;
    use herleid_vocab::rim::SeededEntropy;

    fn shown(token: &Token, value: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        token.is_shown_in(&headers)
    }

    #[test]
    fn only_the_whole_token_opens() {
        let keys = tempfile::tempdir().unwrap();
        let token = Token::of(keys.path(), &SeededEntropy::new(1)).unwrap();
        let right = token.0.as_str().to_owned();
        assert_eq!(right.len(), 43);
        assert!(shown(&token, Some(&format!("Bearer {right}"))));
        assert!(shown(&token, Some(&format!("bearer {right}"))));
        for wrong in [
            String::new(),
            "Bearer ".to_owned(),
            right.clone(),
            format!("Basic {right}"),
            format!("Bearer {}", &right[..42]),
            format!("Bearer {right}A"),
            format!("Bearer  {right}"),
        ] {
            assert!(!shown(&token, Some(&wrong)), "{wrong}");
        }
        assert!(!shown(&token, None));
        // The next start reads the same one.
        let again = Token::of(keys.path(), &SeededEntropy::new(2)).unwrap();
        assert!(shown(&again, Some(&format!("Bearer {right}"))));
    }
}
