//! What the configuration and what was added come to.

use super::{Added, List};
use crate::config::Trust;
use herleid_credentials::credential::TrustedIssuers;
use herleid_vocab::did::Did;
use std::collections::BTreeSet;

/// What holds at this moment.
pub(super) struct Holding {
    pub(super) issuers: TrustedIssuers,
    pub(super) peers: Option<BTreeSet<Did>>,
    pub(super) one_sided: BTreeSet<Did>,
    pub(super) added: Vec<Added>,
}

impl Holding {
    pub(super) fn of(configured: &Trust, added: Vec<Added>) -> Self {
        let of_list = |list: List| added.iter().filter(move |one| one.list == list);
        let mut issuers = TrustedIssuers::new();
        let named = configured
            .issuers
            .iter()
            .map(|i| (&i.did, i.types.iter().collect::<Vec<_>>()));
        for (did, types) in named.chain(of_list(List::Issuers).map(|one| (&one.did, one.types.iter().collect()))) {
            for kind in types {
                issuers.trust(did.clone(), kind);
            }
        }
        let dids = |list: List| of_list(list).map(|one| one.did.clone());
        Self {
            issuers,
            // Without a list everybody is dealt with, and an entry must not make it a list of one.
            peers: configured
                .peers
                .as_ref()
                .map(|peers| peers.iter().cloned().chain(dids(List::Peers)).collect()),
            one_sided: configured
                .one_sided
                .iter()
                .cloned()
                .chain(dids(List::OneSided))
                .collect(),
            added,
        }
    }

    /// Whether all of it holds.
    pub(super) fn says(&self, list: List, did: &Did, types: &BTreeSet<String>) -> bool {
        match list {
            List::Issuers => types.iter().all(|kind| self.issuers.is_trusted(did, kind)),
            List::Peers => self.peers.as_ref().is_some_and(|peers| peers.contains(did)),
            List::OneSided => self.one_sided.contains(did),
        }
    }
}
