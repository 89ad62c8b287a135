//! What has to stay for another's sake: a record can belong to several, and the longest time counts.

use super::units::Unit;
use crate::commands::Failure;
use crate::config::RetentionOf;
use crate::dossier::closure::rests_on;
use crate::node::Node;
use std::collections::BTreeMap;

/// For whose sake each record stays, of those `units` that stay. A case that stays keeps the transactions that it rests on, whoever else they belong to; not
/// all that was done under the same agreement, of which its dossier says that it is gone.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn by<'a>(node: &Node, units: impl Iterator<Item = &'a Unit>) -> Result<BTreeMap<u64, String>, Failure> {
    let mut protected = BTreeMap::new();
    for unit in units {
        let what = format!("{} {}", unit.of.as_str(), unit.name);
        let records: Vec<u64> = match unit.of {
            RetentionOf::Case => rests_on(&node.ledger, unit.records.iter().copied().collect())?
                .into_keys()
                .collect(),
            RetentionOf::Agreement | RetentionOf::Denial => unit.records.clone(),
        };
        for index in records {
            protected.entry(index).or_insert_with(|| what.clone());
        }
    }
    Ok(protected)
}
