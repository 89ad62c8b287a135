//! The roots of the sections' keys, wrapped by the key-encryption key, in a store of their own: it can be backed up for a
//! shorter time than the log, so that what is erased does not come back from a backup.

use crate::error::LedgerError;
use crate::section::{Place, RootKey, SectionName};
use crate::store::codec::{Reader, put_name, wrapped_key};
use crate::store::rocks::{Part, Rocks};
use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use herleid_vocab::rim::Entropy;
use std::path::Path;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) const NONCE_BYTES: usize = 24;
const WRAPPED_BYTES: usize = 32 + 16;

/// The store of wrapped keys.
pub(crate) struct Keys {
    rocks: Rocks,
    kek: Zeroizing<[u8; 32]>,
}

impl Keys {
    pub(crate) fn open(dir: &Path, kek: Zeroizing<[u8; 32]>, log_dir: &Path) -> Result<Self, LedgerError> {
        let rocks = Rocks::open(dir, &[Part::State], log_dir)?;
        Ok(Self { rocks, kek })
    }

    pub(crate) const fn rocks(&self) -> &Rocks {
        &self.rocks
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.kek).into())
    }

    fn wrong_kek(&self) -> LedgerError {
        LedgerError::WrongKek {
            dir: self.rocks.dir().to_owned(),
        }
    }

    /// Wraps one root for its place: a random nonce of 24 bytes, then the sealed root.
    pub(crate) fn wrap(
        &self,
        place: &Place<'_>,
        root: &RootKey,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, LedgerError> {
        let mut nonce = [0u8; NONCE_BYTES];
        entropy.fill(&mut nonce);
        let aad = place.associated_data();
        let payload = Payload {
            msg: root.expose(),
            aad: &aad,
        };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        Ok([nonce.as_slice(), &sealed.map_err(|_| self.wrong_kek())?].concat())
    }

    /// Undoes [`Self::wrap`].
    pub(crate) fn unwrap(&self, place: &Place<'_>, wrapped: &[u8]) -> Result<RootKey, LedgerError> {
        let mut reader = Reader(wrapped);
        let opened = reader.array::<NONCE_BYTES>().and_then(|nonce| {
            let aad = place.associated_data();
            let payload = Payload {
                msg: reader.0,
                aad: &aad,
            };
            let opened = Zeroizing::new(self.cipher().decrypt(&XNonce::from(nonce), payload).ok()?);
            <[u8; 32]>::try_from(opened.as_slice()).ok()
        });
        opened.map(RootKey::from_bytes).ok_or_else(|| self.wrong_kek())
    }

    /// The row for a record: per section its name and its wrapped root.
    pub(crate) fn row(
        &self,
        origin: &str,
        record: &str,
        roots: &[(SectionName, RootKey)],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, LedgerError> {
        let mut row = Vec::with_capacity(roots.len() * (1 + NONCE_BYTES + WRAPPED_BYTES));
        for (name, root) in roots {
            put_name(&mut row, *name);
            let place = Place {
                origin,
                record,
                name: *name,
            };
            row.extend_from_slice(&self.wrap(&place, root, entropy)?);
        }
        Ok(row)
    }

    /// A record's row without the keys of these sections; `None` when it has none of them.
    pub(crate) fn without(&self, id: &Uuid, erased: &[SectionName]) -> Result<Option<Vec<u8>>, LedgerError> {
        let row = self.rocks.get(Part::State, &wrapped_key(id))?.unwrap_or_default();
        let mut kept = Vec::new();
        let mut reader = Reader(&row);
        while let Some((name, wrapped)) = reader.name().zip(reader.bytes(NONCE_BYTES + WRAPPED_BYTES)) {
            if !erased.contains(&name) {
                put_name(&mut kept, name);
                kept.extend_from_slice(wrapped);
            }
        }
        if !reader.is_at_end() {
            return Err(LedgerError::Corrupt {
                dir: self.rocks.dir().to_owned(),
                what: format!("the row of section keys of record `{id}`"),
                expected: "one wrapped key for each section".to_owned(),
                found: "other bytes".to_owned(),
            });
        }
        Ok((kept.len() < row.len()).then_some(kept))
    }

    /// The roots of a record's sections that were not erased.
    pub(crate) fn roots(&self, origin: &str, id: &Uuid) -> Result<Vec<(SectionName, RootKey)>, LedgerError> {
        let row = self.rocks.get(Part::State, &wrapped_key(id))?;
        let damaged = |found: &str| LedgerError::Corrupt {
            dir: self.rocks.dir().to_owned(),
            what: format!("the row of section keys of record `{id}`"),
            expected: "one wrapped key for each section".to_owned(),
            found: found.to_owned(),
        };
        let row = row.ok_or_else(|| damaged("missing"))?;
        let record = id.hyphenated().to_string();
        let mut reader = Reader(&row);
        let mut roots = Vec::new();
        while !reader.is_at_end() {
            let name = reader.name().ok_or_else(|| damaged("unreadable"))?;
            let wrapped = reader
                .bytes(NONCE_BYTES + WRAPPED_BYTES)
                .ok_or_else(|| damaged("cut off"))?;
            let place = Place {
                origin,
                record: &record,
                name,
            };
            roots.push((name, self.unwrap(&place, wrapped)?));
        }
        Ok(roots)
    }
}
