//! Keys of the lineage index.

use super::{Ref, Role};
use crate::record::Term;
use crate::store::codec::{term_key, term_prefix};
use uuid::Uuid;

/// Key of a record's entry.
pub(crate) fn linked_key(index: u64) -> Vec<u8> {
    [b"n".as_slice(), &index.to_be_bytes()].concat()
}

/// What all records share that are this to it.
pub(crate) fn role_prefix(of: &Ref, role: Role) -> Vec<u8> {
    [b"x".as_slice(), of, &[role as u8]].concat()
}

/// What all records share that used what this transaction brought.
pub(crate) fn user_prefix(transaction: &Uuid) -> Vec<u8> {
    [b"y".as_slice(), transaction.as_bytes()].concat()
}

/// What all records share that name this transaction, as caller's terms do. With a value: the entry of a record of this transaction.
pub(crate) fn transaction_prefix(transaction: &Uuid) -> Vec<u8> {
    term_prefix(&transaction_term(transaction))
}

/// Key by which a transaction leads to a record that names it.
pub(crate) fn transaction_key(transaction: &Uuid, index: u64) -> Vec<u8> {
    term_key(&transaction_term(transaction), index)
}

fn transaction_term(transaction: &Uuid) -> Vec<u8> {
    Term::Transaction(transaction.hyphenated().to_string()).stored_key()
}

/// How a transaction's term begins: its tag, and the length of its text.
pub(super) const TRANSACTION_TERM: [u8; 9] = [5, 0, 0, 0, 0, 0, 0, 0, 36];

/// The part of a key that a look-up gives in full, if it is a key that is looked up by the thousand: tables know these parts, so that most
/// of those that do not have one are not read. Changed, it needs another [`PREFIXES`].
pub(crate) fn looked_up(key: &[u8]) -> Option<&[u8]> {
    let length = match key {
        // Tag, hash, role.
        [b'x', ..] => 1 + 12 + 1,
        // Tag, transaction.
        [b'y', ..] => 1 + 16,
        // Tag, tag of the term, length, transaction as text.
        [b't', 5, 0, 0, 0, 0, 0, 0, 0, 36, ..] => 1 + 1 + 8 + 36,
        _ => return None,
    };
    key.get(..length)
}

/// Name of the rule above: a table that was written by another rule is read in full.
pub(crate) const PREFIXES: &str = "herleid lineage 1";
