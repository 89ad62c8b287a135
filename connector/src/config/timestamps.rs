//! The section `[timestamps]`: who stamps this log's checkpoints.

use super::base_url::BaseUrl;
use super::error::ConfigError;
use super::keys::Kind;
use super::parse::member;
use super::raw::RawConfig;
use std::path::PathBuf;

/// Section `[timestamps]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Timestamps {
    /// Who is asked; none: no checkpoint is stamped.
    pub authorities: Vec<TimeAuthority>,
    /// Seconds between two stamps of one authority.
    pub every_s: u64,
}

/// A time authority (RFC 3161).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TimeAuthority {
    /// Where it is asked.
    pub url: BaseUrl,
    /// Certificates (PEM) that its own must lead to.
    pub certificate: PathBuf,
}

impl RawConfig {
    pub(super) fn timestamps(&self, plain_http: bool) -> Result<Timestamps, ConfigError> {
        let path = "timestamps.authorities";
        self.once(path, "url")?;
        let authorities = self.tables(path, |item| {
            let url = |text: &str| BaseUrl::parse(text, plain_http);
            let file = member(path, item, "certificate", Kind::Path, |text| Some(text.to_owned()))?;
            Ok(TimeAuthority {
                url: member(path, item, "url", Kind::Url, url)?,
                certificate: self.resolve(&file),
            })
        })?;
        Ok(Timestamps {
            authorities,
            every_s: self.whole("timestamps.every_s")?,
        })
    }
}
