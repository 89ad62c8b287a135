//! Three-valued logic (Kleene's strong tables), so that what is not known is never taken for true.

use serde::{Deserialize, Serialize};

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// It does not.
    False,
    /// It cannot be told from the facts at hand.
    Unknown,
    /// It does.
    True,
}

impl Truth {
    /// A plain yes or no.
    #[must_use]
    pub const fn of(yes: bool) -> Self {
        if yes { Self::True } else { Self::False }
    }

    /// Both hold. Never looks at `other` when `self` is already false.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// At least one holds.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// Every one holds; true of nothing at all.
    pub(crate) fn all(values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(Self::True, Self::and)
    }

    /// At least one holds; false of nothing at all.
    pub(crate) fn any(values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(Self::False, Self::or)
    }

    /// Exactly one holds. Two that hold make it false whatever the unknown ones are.
    pub(crate) fn exactly_one(values: impl IntoIterator<Item = Self>) -> Self {
        let (mut held, mut unknown) = (0_usize, false);
        for value in values {
            match value {
                Self::True => held += 1,
                Self::Unknown => unknown = true,
                Self::False => {}
            }
        }
        match held {
            0 | 1 if unknown => Self::Unknown,
            held => Self::of(held == 1),
        }
    }

    /// Several values of one fact judged one by one: all alike gives that, a mixture gives unknown, and no value at all
    /// gives unknown. A mixture is unknown rather than false, so that it neither grants nor lifts a prohibition.
    pub(crate) fn unanimous(values: impl IntoIterator<Item = Self>) -> Self {
        let mut values = values.into_iter();
        let Some(first) = values.next() else {
            return Self::Unknown;
        };
        if values.all(|value| value == first) {
            first
        } else {
            Self::Unknown
        }
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::Unknown => Self::Unknown,
            Self::False => Self::True,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    #[test]
    fn exactly_one_agrees_with_every_completion_of_the_unknowns() {
        let every = [False, Unknown, True];
        for a in every {
            for b in every {
                for c in every {
                    let worlds = |v: Truth| {
                        if v == Unknown {
                            vec![false, true]
                        } else {
                            vec![v == True]
                        }
                    };
                    let mut seen = Vec::new();
                    for x in worlds(a) {
                        for y in worlds(b) {
                            for z in worlds(c) {
                                seen.push(u8::from(x) + u8::from(y) + u8::from(z) == 1);
                            }
                        }
                    }
                    let expected = if seen.iter().all(|s| *s) {
                        True
                    } else if seen.iter().any(|s| *s) {
                        Unknown
                    } else {
                        False
                    };
                    assert_eq!(Truth::exactly_one([a, b, c]), expected, "{a:?} {b:?} {c:?}");
                }
            }
        }
    }

    #[test]
    fn a_mixture_is_unknown() {
        assert_eq!(Truth::unanimous([True, False]), Unknown);
        assert_eq!(Truth::unanimous([]), Unknown);
        assert_eq!(Truth::unanimous([False, False]), False);
        assert_eq!(!Unknown, Unknown);
    }
}
