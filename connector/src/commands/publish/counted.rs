//! What is counted before it leaves: nothing whose size nobody knows.

use crate::commands::Failure;
use crate::state::OfferEntry;
use herleid_policies::{Document, Policy};

/// Bytes are counted before they leave: where nobody knows how many there will be, such a rule refuses everything.
pub(super) fn refuse_volume(offer: &OfferEntry, what: &str) -> Result<(), Failure> {
    let document = Document::read(&offer.offer);
    let rules = document.policy().map(Policy::permissions).unwrap_or_default();
    let mut used = rules.iter().filter(|rule| rule.action().is_own_use());
    match used.find(|rule| rule.volume_at_most().is_some()) {
        None => Ok(()),
        Some(rule) => Err(Failure::refused(format!(
            "the policy cannot be offered: `{}` counts bytes (`volume`), and how large {what} nobody knows beforehand, so it would refuse every \
             request",
            rule.at()
        ))
        .next("count uses instead (`odrl:count`); docs/policies.md says more")),
    }
}
