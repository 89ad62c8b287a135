//! The section `[erasure]`: who may have something erased. It takes two of them, each with a token that only they have.

use super::error::ConfigError;
use super::keys::Kind;
use super::parse::member;
use super::raw::RawConfig;
use super::value::Found;
use crate::state::digest_bytes;
use std::path::PathBuf;

/// Section `[erasure]`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Erasure {
    /// Who; no two with one identifier, one name or one token.
    pub people: Vec<Person>,
    /// Where each erasure is listed besides, for backups that do not know it; `None`: nowhere.
    pub register: Option<PathBuf>,
}

/// One of `erasure.people`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who they are, whatever they are called: it never changes, and is given to nobody else.
    pub id: String,
    /// What they are called in records.
    pub name: String,
    /// SHA-256 of their token.
    pub token_sha256: [u8; 32],
}

impl RawConfig {
    pub(super) fn erasure(&self) -> Result<Erasure, ConfigError> {
        let path = "erasure.people";
        // One person under two names would be two people to us.
        self.once(path, "id")?;
        self.once(path, "name")?;
        self.once(path, "token_sha256")?;
        let person = |item: &Found| {
            Ok(Person {
                id: member(path, item, "id", Kind::Text, |text| Some(text.trim().to_owned()))?,
                name: member(path, item, "name", Kind::Text, |text| Some(text.trim().to_owned()))?,
                token_sha256: member(path, item, "token_sha256", Kind::Digest, digest_bytes)?,
            })
        };
        Ok(Erasure {
            people: self.tables(path, person)?,
            register: self
                .get("erasure.register")
                .as_ref()
                .and_then(Found::text)
                .map(|text| self.resolve(text)),
        })
    }
}
