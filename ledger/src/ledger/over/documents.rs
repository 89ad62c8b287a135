//! Documents of a log that is over. Nobody has held its index against its records, as is done when a log that goes on is opened: where the index
//! lacks an entry, a document of a record that still stands would look as if nobody listed it, and nothing brings it back. So a document goes only
//! where neither the index nor a record says that it stays.

use crate::error::LedgerError;
use crate::ledger::Shared;
use crate::ledger::bury::Marks;
use crate::ledger::strip::Plan;
use crate::ledger::upgrade::{documents, undamaged};
use crate::section::SectionName;
use std::collections::BTreeSet;

/// What records list by their own sections.
struct Listed {
    digests: BTreeSet<[u8; 32]>,
    /// Whether all of them could be read.
    is_all: bool,
}

impl Shared {
    /// Removes large documents that only records list that go, and leaves in `plan` no other. Before anything else is removed of the records:
    /// broken off, they still say what it is.
    pub(in crate::ledger) fn remove_documents(&self, plan: &mut Plan, marks: &Marks) -> Result<(), LedgerError> {
        let came_back = came_back(plan, marks);
        let is_open = marks.evidence < plan.below;
        if plan.unlisted.is_empty() && !came_back {
            return if is_open {
                self.evidence.finish(plan.below)
            } else {
                Ok(())
            };
        }
        let listed = self.listed_but(&plan.without_evidence())?;
        plan.unlisted.retain(|digest| !listed.digests.contains(digest));
        if !is_open {
            return Ok(());
        }
        self.evidence.remove(&plan.unlisted)?;
        if came_back {
            if !listed.is_all {
                // One that cannot be read may list any of them.
                plan.is_unclear = true;
                return Ok(());
            }
            let gone: BTreeSet<[u8; 32]> = plan.unlisted.iter().copied().collect();
            self.evidence.sweep(|digest| {
                let stays = self.lists(digest, |_| true)? || listed.digests.contains(digest);
                Ok(stays && !gone.contains(digest))
            })?;
        }
        self.evidence.finish(plan.below)
    }

    /// Whether documents that came back cannot be told from those that stay, since a record cannot be read that may list any of them.
    pub(super) fn cannot_look_through(&self, plan: &Plan, marks: &Marks) -> Result<bool, LedgerError> {
        Ok(came_back(plan, marks) && !self.listed_but(&plan.without_evidence())?.is_all)
    }

    /// Removes what drafts had brought when the last process of this log ended, and no record lists. Where a record cannot be read, which may
    /// list it, it stays, with its note.
    pub(super) fn settle_drafts(&self) -> Result<(), LedgerError> {
        if !self.evidence.has_brought() {
            return Ok(());
        }
        let listed = self.listed_but(&BTreeSet::new())?;
        if !listed.is_all {
            return Ok(());
        }
        self.evidence
            .settle_brought(|digest| Ok(listed.digests.contains(digest) || self.lists(digest, |_| true)?))
    }

    /// What all other records than these list.
    fn listed_but(&self, gone: &BTreeSet<u64>) -> Result<Listed, LedgerError> {
        let mut listed = Listed {
            digests: BTreeSet::new(),
            is_all: true,
        };
        for index in (0..self.published().size()).filter(|index| !gone.contains(index)) {
            match undamaged(documents(self, index))? {
                Some(digests) => listed.digests.extend(digests),
                None => listed.is_all = false,
            }
        }
        Ok(listed)
    }
}

/// Whether the folder of documents is older than the rest: what it brings back of records that are bare already they do not name.
fn came_back(plan: &Plan, marks: &Marks) -> bool {
    marks.evidence < marks.stripped.min(plan.below)
}

impl Plan {
    /// Records that list nothing any more.
    fn without_evidence(&self) -> BTreeSet<u64> {
        let bared = self.records.iter();
        let bared = bared.filter(|(_, bared)| bared.erased.contains(&SectionName::Evidence));
        bared.map(|(index, _)| *index).collect()
    }
}
