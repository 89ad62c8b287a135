//! `envelope.prior`: a record names, by leaf hash, the earlier ones of its log that it rests on; those have to be there too.

use super::explanations::Explanations;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use herleid_ledger::section::SectionName;
use serde_json::Value;
use std::collections::BTreeSet;

/// Looks for every leaf that an opened envelope names.
pub(super) fn check(records: &[Rec], explanations: &Explanations, findings: &mut Findings) {
    // Another log may hold the same MACs, and with them the same leaf.
    let present: BTreeSet<(&str, String)> = records
        .iter()
        .map(|rec| (rec.record.origin(), hex::encode(rec.leaf)))
        .collect();
    let mut reported = BTreeSet::new();
    let mut count = 0;
    for rec in records {
        let prior = rec
            .section(SectionName::Envelope)
            .and_then(|envelope| envelope.get("prior"));
        for leaf in prior
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if present.contains(&(rec.record.origin(), leaf.to_owned())) {
                count += 1;
            } else if reported.insert(leaf.to_owned()) {
                let reason = Reason::NoPrior {
                    source: rec.source.clone(),
                };
                findings.missing(Check::Prior, leaf, reason, explanations.record(leaf));
            }
        }
    }
    if reported.is_empty() && count > 0 {
        findings.verified_as(Check::Prior, "records", Reason::PriorFound { count });
    }
}
