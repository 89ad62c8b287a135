//! What a record's number leads to: its entry, or the transaction under which that lies.

use super::{Linked, code, of_code};
use crate::record::Kind;
use crate::store::codec::Reader;
use uuid::Uuid;

/// What lies under a record's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// Its entry.
    Whole(Linked),
    /// Its transaction, under which its entry lies.
    Under { kind: Kind, at_ms: u64, transaction: Uuid },
}

/// Flag of an entry that lies elsewhere.
pub(super) const UNDER: u8 = 1 << 7;

impl Numbered {
    /// `kind (1), time (8), flag (1), transaction (16)`.
    pub(super) fn of_transaction(kind: Kind, at_ms: u64, transaction: &Uuid) -> [u8; 26] {
        let mut numbered = [code(kind); 26];
        let (_, rest) = numbered.split_at_mut(1);
        let (at, rest) = rest.split_at_mut(8);
        at.copy_from_slice(&at_ms.to_be_bytes());
        let (flag, rest) = rest.split_at_mut(1);
        flag.fill(UNDER);
        rest.copy_from_slice(transaction.as_bytes());
        numbered
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.get(9) != Some(&UNDER) {
            // That of a transaction's record lies under the transaction alone.
            let whole = Linked::decode(bytes).filter(|linked| linked.transaction.is_none());
            return whole.map(Self::Whole);
        }
        let mut reader = Reader(bytes);
        let kind = of_code(reader.byte()?)?;
        let at_ms = reader.number()?;
        let _flag = reader.byte()?;
        let transaction = Uuid::from_bytes(reader.array()?);
        reader.is_at_end().then_some(Self::Under {
            kind,
            at_ms,
            transaction,
        })
    }

    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Whole(linked) => linked.kind,
            Self::Under { kind, .. } => *kind,
        }
    }

    pub(crate) const fn at_ms(&self) -> u64 {
        match self {
            Self::Whole(linked) => linked.at_ms,
            Self::Under { at_ms, .. } => *at_ms,
        }
    }
}

impl From<Linked> for Numbered {
    fn from(linked: Linked) -> Self {
        match linked.transaction {
            None => Self::Whole(linked),
            Some(transaction) => Self::Under {
                kind: linked.kind,
                at_ms: linked.at_ms,
                transaction,
            },
        }
    }
}
