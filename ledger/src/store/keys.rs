//! The roots of the sections' keys, wrapped by the key-encryption key, in a store of their own: it can be backed up for a
//! shorter time than the log, so that what is erased does not come back from a backup.

use crate::error::LedgerError;
use crate::seal::seal_extended;
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
/// Of a section in a row: its name, its nonce, its wrapped root.
const ENTRY_BYTES: usize = 1 + NONCE_BYTES + WRAPPED_BYTES;

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

    /// [`Self::open`] for reading alone.
    pub(crate) fn open_to_read(dir: &Path, kek: Zeroizing<[u8; 32]>) -> Result<Self, LedgerError> {
        let rocks = Rocks::open_to_read(dir, &[Part::State])?;
        Ok(Self { rocks, kek })
    }

    pub(crate) const fn rocks(&self) -> &Rocks {
        &self.rocks
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
        let sealed = seal_extended(&self.kek, &nonce, &place.associated_data(), root.expose());
        Ok([nonce.as_slice(), &sealed.ok_or_else(|| self.wrong_kek())?].concat())
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
            let cipher = XChaCha20Poly1305::new(&(*self.kek).into());
            let opened = Zeroizing::new(cipher.decrypt(&XNonce::from(nonce), payload).ok()?);
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
        let mut row = Vec::with_capacity(roots.len() * ENTRY_BYTES);
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

    /// A record's row without the keys of these sections; `None` when it has none of them. Where the row is damaged and has more than the
    /// `staying` keys, what may be one that goes does: an erased key must not be left, and the roots of such a row cannot be read anyway.
    pub(crate) fn without(
        &self,
        id: &Uuid,
        erased: &[SectionName],
        staying: usize,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        let row = self.rocks.get(Part::State, &wrapped_key(id))?.unwrap_or_default();
        Ok(row_without(&row, erased, staying))
    }

    /// The roots of a record's sections that were not erased.
    pub(crate) fn roots(&self, origin: &str, id: &Uuid) -> Result<Vec<(SectionName, RootKey)>, LedgerError> {
        let row = self.rocks.get(Part::State, &wrapped_key(id))?;
        let damaged = |found: &str| {
            self.rocks.suspect();
            LedgerError::Corrupt {
                dir: self.rocks.dir().to_owned(),
                what: format!("the row of section keys of record `{id}`"),
                expected: "one wrapped key for each section".to_owned(),
                found: found.to_owned(),
            }
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

fn row_without(row: &[u8], erased: &[SectionName], staying: usize) -> Option<Vec<u8>> {
    let name_of = |entry: &[u8]| match entry.len() {
        ENTRY_BYTES => Reader(entry).name(),
        _ => None,
    };
    let found: Vec<_> = row.chunks(ENTRY_BYTES).map(name_of).collect();
    let goes = |name: &SectionName| erased.contains(name);
    let rest = found.iter().filter(|name| !name.as_ref().is_some_and(goes)).count();
    let stays = |name: &Option<SectionName>| match name {
        Some(name) => !goes(name),
        None => rest <= staying,
    };
    let kept = row.chunks(ENTRY_BYTES).zip(&found).filter(|(_, name)| stays(name));
    let kept: Vec<u8> = kept.flat_map(|(entry, _)| entry).copied().collect();
    (kept.len() < row.len()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_an_erased_key_does_not_stay_in_a_damaged_row() {
        let entry = |name: SectionName, byte: u8| {
            let mut entry = Vec::new();
            put_name(&mut entry, name);
            entry.extend([byte; ENTRY_BYTES - 1]);
            entry
        };
        let (facts, people) = (entry(SectionName::Facts, 1), entry(SectionName::People, 2));
        let mut unknown = people.clone();
        unknown[0] = 255;
        let cut_off = people[..40].to_vec();
        let without = |row: &[&[u8]], erased: &[SectionName], staying| row_without(&row.concat(), erased, staying);
        let gone = [SectionName::People];
        assert_eq!(without(&[&facts, &people], &gone, 1), Some(facts.clone()));
        assert_eq!(without(&[&facts], &[SectionName::Private], 1), None);
        assert_eq!(without(&[], &gone, 0), None);
        for damaged in [&unknown, &cut_off] {
            // It may be the one that is to go; or it is not, since as many are there as stay.
            assert_eq!(without(&[&facts, damaged], &gone, 1), Some(facts.clone()));
            assert_eq!(without(&[&facts, damaged], &gone, 2), None);
            let both = [facts.clone(), damaged.clone()].concat();
            assert_eq!(without(&[&facts, &people, damaged], &gone, 2), Some(both));
        }
    }
}
