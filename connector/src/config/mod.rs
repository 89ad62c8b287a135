//! The configuration: one file, `herleid.toml`, and environment variables that override it.
//!
//! What can be set is listed once, in [`keys`]; everything else is refused, with the name of the nearest key, so that a
//! misspelt key cannot silently do nothing. Every error names the file and line, the key, what was expected, what was found
//! and what to do.

mod base_url;
mod catalogue;
mod development;
mod erasure;
mod error;
mod file;
#[cfg(test)]
mod given;
pub mod keys;
mod parse;
mod peers;
mod push;
mod raw;
mod retention;
mod sandbox;
mod sections;
#[cfg(test)]
mod tests;
mod timestamps;
mod value;

pub use base_url::BaseUrl;
pub use erasure::{Erasure, Person};
pub use error::ConfigError;
pub use file::{NewParticipant, commented_file};
#[cfg(test)]
pub(crate) use given::given;
pub use peers::{Lineage, Reconcile};
pub use push::{Push, PushTo};
pub use retention::{Keep, Retention, RetentionOf, RetentionRule};
pub use sandbox::{Sandbox, TooMuch};
pub use sections::{
    Catalogue, Config, Decisions, Development, Directory, Identity, Issuer, Ledger, Limits, Listen, Log, Management,
    Models, Network, Participant, PlainPeer, PlainProof, S3Source, Sources, TlsFiles, Trust, TrustedIssuer,
    TrustedWitness, UpstreamApi, WitnessOfOthers, WitnessedLog,
};
pub use timestamps::{TimeAuthority, Timestamps};

use error::Problem;
use raw::RawConfig;
use std::ffi::OsString;
use std::path::Path;
use value::Place;

impl Config {
    /// Loads the configuration at `path`, overridden by `environment` (`std::env::vars_os()`), where `HERLEID_LISTEN__ADDRESS`
    /// is the key `address` of the section `[listen]`. `development` tells whether `--development` was given.
    ///
    /// # Errors
    /// When the file cannot be read or anything in it or in the environment is not as [`keys`] says.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        development: bool,
    ) -> Result<Self, ConfigError> {
        let unreadable = |why| ConfigError::new(Place::File(path.to_owned()), Problem::Unreadable(why));
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::read(path, &text, environment, development)
    }

    /// As [`Config::load`], from a text that would stand in the file `path`; relative paths start at that file's directory.
    ///
    /// # Errors
    /// When anything in it or in the environment is not as [`keys`] says.
    pub fn read(
        path: &Path,
        text: &str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        development: bool,
    ) -> Result<Self, ConfigError> {
        RawConfig::read(path, text, environment)?.parse(development)
    }
}
