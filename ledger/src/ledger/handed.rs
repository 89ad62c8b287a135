//! A record handed over as soon as it is durable: from what it was made of, without reading it back.

use super::prepare::Prepared;
use super::{At, Ledger, Recorded};
use crate::error::LedgerError;
use crate::handover::{HandedOver, entry};
use crate::merkle::leaf_hash;
use crate::section::{Opened, SectionMac, SectionName};
use std::collections::BTreeMap;
use std::fmt;

/// What a record is handed over with.
pub(crate) struct Handed {
    /// Those of all its sections: what its leaf commits to.
    macs: BTreeMap<SectionName, SectionMac>,
    /// Sections that are opened.
    opened: Vec<(SectionName, Opened)>,
}

impl Handed {
    /// Of what was made for a record that has its place now; `None` when nothing of it is handed over.
    pub(super) fn of(spent: Box<Prepared>) -> Option<Self> {
        if spent.draft.handed_over.is_empty() {
            return None;
        }
        let macs = spent.row.macs().iter().copied().collect();
        Some(Self {
            macs,
            opened: spent.opened,
        })
    }
}

impl fmt::Debug for Handed {
    /// Without what opens a section.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opened = self.opened.iter().map(|(name, _)| name);
        f.debug_list().entries(opened).finish()
    }
}

impl Ledger {
    /// Hands over a record that was just appended, under the checkpoint in hand, with the sections that its draft named
    /// ([`crate::record::Draft::handed_over`]), which have to be `open`; `consistency_from` is a size that the reader named. One that was there
    /// before is read, and handed over under the latest checkpoint.
    ///
    /// # Errors
    /// As [`Self::hand_over`].
    pub fn hand_over_recorded(
        &self,
        recorded: &Recorded,
        open: &[SectionName],
        consistency_from: Option<u64>,
    ) -> Result<HandedOver, LedgerError> {
        let all = |handed: &&Handed| open.iter().all(|name| handed.opened.iter().any(|(of, _)| of == name));
        let Some(handed) = recorded.handed().filter(all) else {
            return self.hand_over(recorded.index(), open, consistency_from, At::Latest);
        };
        let found = leaf_hash(&entry(&handed.macs));
        if found != *recorded.leaf() {
            return Err(self.shared().other_leaf(recorded.index(), recorded.leaf(), &found));
        }
        let wanted = handed.opened.iter().filter(|(name, _)| open.contains(name));
        let opened = wanted.map(|(name, opened)| (name.to_string(), opened.clone()));
        self.handed_over(
            (recorded.index(), &handed.macs),
            opened.collect(),
            (recorded.proof(), recorded.checkpoint()),
            consistency_from,
        )
    }
}
