//! The grounds on which something is erased: a closed list, so that a tombstone says the same to everybody.

use std::fmt;
use std::str::FromStr;

/// Why something may, or must, be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// A person asked for it (AVG, article 17).
    Avg17,
    /// It is not needed any longer (AVG, article 5, first paragraph, under e).
    Avg5,
    /// A selection list says so (Archiefwet).
    Archiefwet,
    /// A court or a supervisor ordered it.
    CourtOrder,
    /// An agreement obliges to it.
    Agreement,
}

/// A ground that is not in the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no ground for erasing; expected one of: avg-17, avg-5, archiefwet, court-order, agreement (docs/erasure.md)"
)]
pub struct UnknownGround(pub String);

impl Ground {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Avg17,
        Self::Avg5,
        Self::Archiefwet,
        Self::CourtOrder,
        Self::Agreement,
    ];

    /// As it stands in a tombstone.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avg17 => "avg-17",
            Self::Avg5 => "avg-5",
            Self::Archiefwet => "archiefwet",
            Self::CourtOrder => "court-order",
            Self::Agreement => "agreement",
        }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ground {
    type Err = UnknownGround;

    fn from_str(text: &str) -> Result<Self, UnknownGround> {
        let known = Self::ALL.into_iter().find(|ground| ground.as_str() == text);
        known.ok_or_else(|| UnknownGround(text.chars().take(80).collect()))
    }
}
