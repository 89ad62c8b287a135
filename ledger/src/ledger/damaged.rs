//! What is told of damage: where it lies, which record it is about, and what the tree says of that record.

use super::Shared;
use crate::error::LedgerError;
use crate::merkle::{Hash, Nodes as _};
use crate::store::tiles::StoredTree;

impl Shared {
    /// The MACs of a record's row are not those that the tree commits to.
    pub(super) fn other_leaf(&self, index: u64, expected: &Hash, found: &Hash) -> LedgerError {
        self.corrupt(
            format!("record {index}"),
            format!(
                "the MACs that its leaf commits to, with leaf hash {}",
                hex::encode(expected)
            ),
            format!("others, with leaf hash {}", hex::encode(found)),
        )
    }

    /// What the tree says of a record, in an error.
    pub(super) fn said_of(&self, index: u64) -> String {
        match StoredTree::new(&self.log, self.published().size()).node(0, index) {
            Ok(leaf) => format!("leaf hash {}", hex::encode(leaf)),
            Err(_) => "a leaf hash that cannot be read either".to_owned(),
        }
    }

    /// The same error, naming the record that was to be read and what the tree says of it: RocksDB knows its files alone, the store of keys an id.
    pub(super) fn of_record(&self, index: u64, error: LedgerError) -> LedgerError {
        let named = format!("record {index}");
        match error {
            LedgerError::Store { dir, what, message } => LedgerError::Store {
                dir,
                what,
                message: format!("{message} (where {named} was to be read, with {})", self.said_of(index)),
            },
            LedgerError::Corrupt {
                dir,
                what,
                expected,
                found,
            } if !what.contains(&named) => LedgerError::Corrupt {
                dir,
                what: format!("{what}, of {named} with {},", self.said_of(index)),
                expected,
                found,
            },
            // The key that opens all others opens the store: this one row was altered.
            LedgerError::WrongKek { dir } => LedgerError::Corrupt {
                dir,
                what: format!("a wrapped section key of {named} with {}", self.said_of(index)),
                expected: "one that the key-encryption key opens, as it does others".to_owned(),
                found: "other bytes".to_owned(),
            },
            other => other,
        }
    }
}
