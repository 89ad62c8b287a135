//! Finding things: records by what they are about, streams, counters, the caller's own state.

use super::Ledger;
use super::place::{stored_counter, stored_once, stored_stream};
use crate::error::LedgerError;
use crate::merkle::Hash;
use crate::record::{StreamKey, Term};
use crate::section::SectionName;
use crate::store::codec::{StreamPlace, document_prefix, leaf_key, state_key, stream_key, term_prefix};
use crate::store::rocks::Part;

impl Ledger {
    /// Indices of the records with this term, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn by_term(&self, term: &Term) -> Result<Vec<u64>, LedgerError> {
        let found = self.indices(&term_prefix(&term.stored_key()))?;
        let (Term::Digest(digest) | Term::RunInput(digest) | Term::RunOutput(digest)) = term else {
            return Ok(found);
        };
        self.of_those(found, |index| self.shared().still_names(index, digest))
    }

    /// Indices of the records that list this document in `evidence.documents`, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn by_document(&self, sha256: &[u8; 32]) -> Result<Vec<u64>, LedgerError> {
        let found = self.indices(&document_prefix(sha256))?;
        self.of_those(found, |index| {
            Ok(!self.shared().is_masked(index, SectionName::Evidence))
        })
    }

    /// Those of `found` by which a record may still be found.
    fn of_those(
        &self,
        mut found: Vec<u64>,
        may: impl Fn(u64) -> Result<bool, LedgerError>,
    ) -> Result<Vec<u64>, LedgerError> {
        // In a log that goes on the erasure has removed what led there.
        if !self.shared().masked.is_empty() {
            let mut left = Vec::new();
            for index in found {
                if may(index)? {
                    left.push(index);
                }
            }
            found = left;
        }
        Ok(found)
    }

    fn indices(&self, prefix: &[u8]) -> Result<Vec<u64>, LedgerError> {
        let size = self.size();
        let mut found = Vec::new();
        self.shared().log.scan(Part::Index, prefix, |index, _| {
            // A record that is written but not yet published is not there for anybody.
            found.extend(
                <[u8; 8]>::try_from(index)
                    .ok()
                    .map(u64::from_be_bytes)
                    .filter(|index| *index < size),
            );
            true
        })?;
        Ok(found)
    }

    /// Index of the record with this leaf hash.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn by_leaf(&self, leaf: &Hash) -> Result<Option<u64>, LedgerError> {
        let stored = self.shared().log.get(Part::Index, &leaf_key(leaf))?;
        let index = stored.and_then(|index| <[u8; 8]>::try_from(index.as_slice()).ok());
        let size = self.size();
        Ok(index.map(u64::from_be_bytes).filter(|index| *index < size))
    }

    /// Index of the record that was appended with this once-key; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn by_once(&self, key: &str) -> Result<Option<u64>, LedgerError> {
        let known = stored_once(&self.shared(), key)?;
        let size = self.size();
        // A record that is written but not yet published is not there for anybody.
        Ok(known.map(|(_, index)| index).filter(|index| *index < size))
    }

    /// Where a stream stands; `None` when it has not begun.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stream(&self, key: &StreamKey) -> Result<Option<StreamPlace>, LedgerError> {
        stored_stream(&self.shared(), &key.stored_key())
    }

    /// Every case in which something was decided, by its number; also those of which everything was erased.
    ///
    /// # Errors
    /// When the store cannot be read, or holds a stream that is none.
    pub fn cases(&self) -> Result<Vec<String>, LedgerError> {
        let empty = StreamKey::Case { case: String::new() }.stored_key();
        // The beginning that all of them share: a list of the section's name and the number.
        let prefix = empty.trim_end_matches("\"\"]");
        let (mut found, mut damaged) = (Vec::new(), None);
        let shared = self.shared();
        shared.log.scan(Part::State, &stream_key(prefix), |rest, _| {
            let number = rest.strip_suffix(b"]").map(serde_json::from_slice::<String>);
            match number {
                Some(Ok(case)) => found.push(case),
                _ => damaged = Some(String::from_utf8_lossy(rest).into_owned()),
            }
            damaged.is_none()
        })?;
        match damaged {
            None => Ok(found),
            Some(rest) => Err(shared.corrupt("the name of a stream", format!("{prefix}<case number>]"), rest)),
        }
    }

    /// Where a counter stands; 0 when it never moved.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn counter(&self, key: &str) -> Result<u64, LedgerError> {
        stored_counter(&self.shared(), key)
    }

    /// A piece of the caller's own state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        self.shared().log.get(Part::State, &state_key(key))
    }

    /// A keyed hash for the caller's own state, by a key of this log that opens with the key-encryption key: of what can be guessed, and is only to
    /// be compared.
    #[must_use]
    pub fn blinded(&self, what: &[u8]) -> [u8; 32] {
        self.shared().link_key.blinded(what)
    }

    /// All pieces of the caller's own state whose key begins with `prefix`, by whole key, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, LedgerError> {
        let mut found = Vec::new();
        self.scan_each(prefix, |rest, value| {
            found.push((format!("{prefix}{rest}"), value.to_vec()))
        })?;
        Ok(found)
    }

    /// Shows the same one by one, each by what its key has after `prefix`; nothing is kept of what was shown.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn scan_each(&self, prefix: &str, mut show: impl FnMut(&str, &[u8])) -> Result<(), LedgerError> {
        self.shared().log.scan(Part::State, &state_key(prefix), |rest, value| {
            show(&String::from_utf8_lossy(rest), value);
            true
        })
    }
}
