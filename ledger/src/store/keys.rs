//! The roots of the sections' keys, wrapped by the key-encryption key, in a store of their own: it can be backed up for a
//! shorter time than the log, so that what is erased does not come back from a backup.

use crate::error::LedgerError;
use crate::seal::{Extended, NONCE_BYTES};
use crate::section::{Associated, Place, RootKey, SectionName};
use crate::store::codec::{Reader, put_name, wrapped_key};
use crate::store::rocks::{Part, Rocks};
use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use herleid_vocab::rim::Entropy;
use std::path::Path;
use uuid::Uuid;
use zeroize::Zeroizing;

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
        let mut wrapped = Vec::with_capacity(NONCE_BYTES + WRAPPED_BYTES);
        let [first @ .., _, _, _, _, _, _, _, _] = &nonce;
        self.put_wrapped(
            &mut wrapped,
            &Extended::new(&self.kek, first),
            &nonce,
            &place.associated_data(),
            root,
        )?;
        Ok(wrapped)
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

    fn put_wrapped(
        &self,
        to: &mut Vec<u8>,
        cipher: &Extended,
        nonce: &[u8; NONCE_BYTES],
        associated: &[u8],
        root: &RootKey,
    ) -> Result<(), LedgerError> {
        to.extend_from_slice(nonce);
        let sealed = nonce
            .last_chunk()
            .and_then(|rest| cipher.seal_onto(to, rest, associated, root.expose()));
        sealed.ok_or_else(|| self.wrong_kek())
    }

    /// The row for a record: per section its name and its wrapped root. `nonce` was drawn at random for this row: it is the first section's,
    /// and each of the next ones has one that counts on from it. So none is another's, and all begin with the same 16 bytes, which make
    /// the key that wraps them all.
    pub(crate) fn row(
        &self,
        associated: &mut Associated,
        roots: &[(SectionName, RootKey)],
        mut nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, LedgerError> {
        let mut row = Vec::with_capacity(roots.len() * ENTRY_BYTES);
        let [first @ .., _, _, _, _, _, _, _, _] = &nonce;
        let cipher = Extended::new(&self.kek, first);
        for (name, root) in roots {
            put_name(&mut row, *name);
            self.put_wrapped(&mut row, &cipher, &nonce, associated.of(*name), root)?;
            if let Some(rest) = nonce.last_chunk_mut::<8>() {
                *rest = u64::from_be_bytes(*rest).wrapping_add(1).to_be_bytes();
            }
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
    fn wrapped_roots_are_read_back_and_no_two_nonces_are_alike() {
        let dir = tempfile::tempdir().unwrap();
        let kek = Zeroizing::new([9; 32]);
        let keys = Keys::open(dir.path(), kek, dir.path()).unwrap();
        let id = Uuid::from_u128(7);
        let roots: Vec<_> = (1..)
            .zip(SectionName::ALL)
            .map(|(byte, name)| (name, RootKey::from_bytes([byte; 32])))
            .collect();
        let mut associated = Associated::default();
        associated.record("origin", &id.hyphenated().to_string());
        // The last eight bytes begin at their end: they count on from zero.
        let row = keys.row(&mut associated, &roots, [0xff; NONCE_BYTES]).unwrap();
        let nonces: std::collections::BTreeSet<_> = row.chunks(ENTRY_BYTES).map(|entry| &entry[1..25]).collect();
        assert_eq!(nonces.len(), roots.len());
        let mut batch = keys.rocks().batch();
        batch.put(Part::State, &wrapped_key(&id), &row).unwrap();
        batch.write_synced().unwrap();
        let read = keys.roots("origin", &id).unwrap();
        let plain = |roots: &[(SectionName, RootKey)]| -> Vec<_> {
            roots.iter().map(|(name, root)| (*name, *root.expose())).collect()
        };
        assert_eq!(plain(&read), plain(&roots));
        assert!(keys.roots("another", &id).is_err());
    }

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
