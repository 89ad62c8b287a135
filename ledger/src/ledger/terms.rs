//! That each record is found by what it has to be found by: erasing, counting and a dossier ask the index, and what it lacks they leave out.

use super::Shared;
use crate::error::LedgerError;
use crate::record::{Kind, Term};
use crate::store::codec::{StreamPlace, stream_key, term_key, term_prefix};
use crate::store::links::Linked;
use crate::store::rocks::{Batch, Part};
use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;
use uuid::Uuid;

/// What records are found by because of the streams that they are in, by the stream's id as it stands in them.
#[derive(Debug, Default)]
pub(crate) struct StreamTerms(HashMap<Uuid, Term>);

impl StreamTerms {
    /// What a record with these links is found by. A stream whose stored end is missing is named elsewhere.
    pub(crate) fn of(&self, linked: &Linked) -> Vec<Term> {
        let by_kind = linked.kind.is_looked_for().then_some(Term::Kind(linked.kind));
        let streams = linked.streams.iter().flatten();
        by_kind
            .into_iter()
            .chain(streams.filter_map(|id| self.0.get(id).cloned()))
            .collect()
    }

    /// Writes them.
    pub(crate) fn put(&self, batch: &mut Batch<'_>, index: u64, linked: &Linked) -> Result<(), LedgerError> {
        for term in self.of(linked) {
            batch.put(Part::Index, &term_key(&term.stored_key(), index), &[])?;
        }
        Ok(())
    }
}

impl Shared {
    /// Of the streams that there are.
    pub(crate) fn stream_terms(&self) -> Result<StreamTerms, LedgerError> {
        let mut found = StreamTerms::default();
        self.log.scan(Part::State, &stream_key(""), |stored_key, place| {
            let term = std::str::from_utf8(stored_key).ok().and_then(Term::of_stream);
            if let (Some(place), Some(term)) = (StreamPlace::decode(place), term) {
                found.0.insert(place.id, term);
            }
            true
        })?;
        Ok(found)
    }

    /// That the index leads to the record by each of these.
    pub(super) fn check_terms(&self, index: u64, terms: &[Term]) -> Result<(), LedgerError> {
        for term in terms {
            if !self.log.has(Part::Index, &term_key(&term.stored_key(), index))? {
                let what = format!("the index of terms, of record {index}");
                return Err(self.corrupt(what, format!("an entry under {term:?}"), "none"));
            }
        }
        Ok(())
    }

    /// That it leads to no more records of a kind than there are: to as many as were `found` among the first `size`.
    pub(super) fn check_kinds(&self, found: &BTreeMap<Kind, u64>, size: u64) -> Result<(), LedgerError> {
        for kind in Kind::ALL.iter().copied().filter(|kind| kind.is_looked_for()) {
            let (wanted, entries) = (found.get(&kind).copied().unwrap_or(0), self.of_kind(kind, size)?);
            if entries.len() as u64 != wanted {
                let what = format!("the index of terms, of records of kind `{kind}`");
                return Err(self.corrupt(what, format!("{wanted} of {size} records"), entries.len().to_string()));
            }
        }
        Ok(())
    }

    /// The records below `size` to which the index leads by this kind.
    pub(crate) fn of_kind(&self, kind: Kind, size: u64) -> Result<Vec<u64>, LedgerError> {
        let mut found = Vec::new();
        let prefix = term_prefix(&Term::Kind(kind).stored_key());
        self.log.scan(Part::Index, &prefix, |rest, _| {
            let index = <[u8; 8]>::try_from(rest).ok().map(u64::from_be_bytes);
            found.extend(index.filter(|index| *index < size));
            true
        })?;
        Ok(found)
    }

    /// That a trace finds the record by whatever it is linked by, and by nothing else: an entry that is missing hides what rests on it.
    pub(super) fn check_links(&self, index: u64, said: Option<&Linked>) -> Result<(), LedgerError> {
        // Of what is erased in a log that is over nobody may remove what led there; it is not followed.
        if self.masked.contains_key(&index) || matches!(self.are_links(index, said), Ok(true)) {
            return Ok(());
        }
        // Something of it may have been erased since its sections were read.
        let _alone = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let said = self.links_of(index, &self.row(index)?.0)?;
        match self.are_links(index, said.as_ref())? {
            true => Ok(()),
            false => Err(self.wrong(
                index,
                "the lineage index entry",
                "what its sections say, and the ways back to it",
                "none, or another",
            )),
        }
    }

    fn are_links(&self, index: u64, said: Option<&Linked>) -> Result<bool, LedgerError> {
        if self.linked(index)?.as_ref() != said {
            return Ok(false);
        }
        for (key, value) in said.into_iter().flat_map(|linked| linked.rows(index)) {
            if self.log.get(Part::Index, &key)? != Some(value) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
