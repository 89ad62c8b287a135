//! Addresses in the configuration to which paths are added.

use std::fmt;

/// An address to which paths are added: scheme and host, perhaps port and path, without a final `/`, user, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads an address; `http://` only if `plain_http`. `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str, plain_http: bool) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let scheme = url.scheme() == "https" || (plain_http && url.scheme() == "http");
        let bare =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        // The parser lower-cases hosts and drops default ports; what is compared later must be written in one form only.
        let written_so = url.as_str().strip_suffix('/').unwrap_or(url.as_str()) == text;
        (scheme && bare && written_so && url.has_host()).then(|| Self(text.to_owned()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
