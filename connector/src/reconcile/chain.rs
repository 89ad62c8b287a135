//! The other end's numbers in an agreement's stream, as it shows them: one stream, from its last record down to its first, each naming the one before.

use crate::peers::{Lie, Place};
use herleid_ledger::section::SectionName;

/// Why what is shown next is not taken.
#[derive(Debug)]
pub(super) enum Broken {
    /// No honest end shows it so, but nobody has signed the order: it proves nothing.
    Order(String),
    /// Two records of the log contradict each other.
    Lie(Lie),
}

/// Number of a record, its leaf hash, and that of the one before.
struct Link {
    n: u64,
    leaf: String,
    prev: Option<String>,
}

/// What has been shown so far.
pub(super) struct Chain {
    peer: String,
    /// The one stream, once something ties it to the agreement or a record was shown.
    id: Option<String>,
    /// How many records there have to be at least: one concluded the agreement, others are known by their receipts.
    least: u64,
    last: Option<Link>,
    /// Numbers that were passed over, the highest first.
    gaps: Vec<(u64, u64)>,
}

impl Chain {
    /// Nothing is shown yet; `known` is the stream's id and its highest number that is known from before.
    pub(super) fn new(peer: &str, known: Option<(String, u64)>) -> Self {
        let (id, highest) = known.unzip();
        Self {
            peer: peer.to_owned(),
            id,
            least: highest.unwrap_or_default().max(1),
            last: None,
            gaps: Vec::new(),
        }
    }

    /// The other end says that there are so many.
    pub(super) fn claims(&mut self, n: u64) {
        self.least = self.least.max(n);
    }

    /// How many there are, at least.
    pub(super) const fn total(&self) -> u64 {
        self.least
    }

    /// Numbers that were not shown.
    pub(super) fn gaps(&self) -> &[(u64, u64)] {
        &self.gaps
    }

    /// Takes the next record.
    pub(super) fn add(&mut self, place: &Place, leaf: &str) -> Result<(), Broken> {
        if let Some(id) = self.id.as_ref().filter(|id| **id != place.id) {
            return Err(Broken::Lie(Lie::StreamChanged {
                peer: self.peer.clone(),
                section: SectionName::StreamAgreement,
                first: id.clone(),
                second: place.id.clone(),
            }));
        }
        let n = place.n;
        let reused = |n: u64, first: &str| Lie::NumberReused {
            peer: self.peer.clone(),
            stream: place.id.clone(),
            n,
            first: first.to_owned(),
            second: leaf.to_owned(),
        };
        match &self.last {
            None => {
                self.least = self.least.max(n);
                self.passed_over(n, self.least.saturating_add(1));
            }
            Some(last) if last.n == n && last.leaf != leaf => return Err(Broken::Lie(reused(n, &last.leaf))),
            Some(last) if last.n <= n => {
                let text = format!("it shows number {n} after number {}, expected a lower one", last.n);
                return Err(Broken::Order(text));
            }
            Some(last) => {
                if let Some(prev) = last.prev.as_ref().filter(|prev| n + 1 == last.n && *prev != leaf) {
                    return Err(Broken::Lie(reused(n, prev)));
                }
                self.passed_over(n, last.n);
            }
        }
        self.id.get_or_insert_with(|| place.id.clone());
        self.last = Some(Link {
            n,
            leaf: leaf.to_owned(),
            prev: place.prev.clone(),
        });
        Ok(())
    }

    /// There is nothing more.
    pub(super) fn end(&mut self) {
        let lowest = self.last.as_ref().map_or(self.least.saturating_add(1), |last| last.n);
        self.passed_over(0, lowest);
    }

    /// Numbers between two that come one after the other.
    fn passed_over(&mut self, below: u64, above: u64) {
        let (first, last) = (below.saturating_add(1), above.saturating_sub(1));
        if first <= last {
            self.gaps.push((first, last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2b8e0a-7a51-4c1e-9d52-0a6a5f4f6c11";
    const OTHER: &str = "8d0f3a52-11a4-4c9e-8f5d-7b0e1d2c3f44";

    fn place(id: &str, n: u64) -> Place {
        Place {
            section: SectionName::StreamAgreement,
            id: id.to_owned(),
            n,
            prev: (n > 1).then(|| leaf(n - 1)),
            of: None,
        }
    }

    fn leaf(n: u64) -> String {
        format!("{n:064x}")
    }

    fn chain(known: Option<u64>, claimed: u64, shown: &[u64]) -> Chain {
        let mut chain = Chain::new("them", known.map(|n| (ID.to_owned(), n)));
        chain.claims(claimed);
        for n in shown {
            chain.add(&place(ID, *n), &leaf(*n)).unwrap();
        }
        chain.end();
        chain
    }

    #[test]
    fn numbers_that_are_not_shown_are_found_wherever_they_are() {
        let gaps = |known, claimed, shown: &[u64]| chain(known, claimed, shown).gaps().to_vec();
        assert_eq!(gaps(None, 3, &[3, 2, 1]), []);
        assert_eq!(gaps(None, 7, &[5, 2]), [(6, 7), (3, 4), (1, 1)]);
        assert_eq!(gaps(None, u64::MAX, &[1]), [(2, u64::MAX - 1)]);
        // What it says itself is not all that is known.
        assert_eq!(gaps(Some(5), 3, &[3, 2, 1]), [(4, 5)]);
        assert_eq!(gaps(Some(5), 0, &[]), [(1, 5)]);
        // Each end has recorded that the agreement was concluded.
        assert_eq!(gaps(None, 0, &[]), [(1, 1)]);
        assert_eq!(chain(Some(5), 3, &[3, 2, 1]).total(), 5);
        // Its log has grown since it said how many there are.
        assert_eq!(
            (gaps(None, 2, &[3, 2, 1]), chain(None, 2, &[3, 2, 1]).total()),
            (vec![], 3)
        );
    }

    #[test]
    fn a_record_of_another_stream_fills_no_gap() {
        let stranger = |chain: &mut Chain| chain.add(&place(OTHER, 1), &leaf(1)).unwrap_err();
        let mut shown = Chain::new("them", None);
        shown.add(&place(ID, 2), &leaf(2)).unwrap();
        let mut known = Chain::new("them", Some((ID.to_owned(), 2)));
        for chain in [&mut shown, &mut known] {
            let broken = stranger(chain);
            assert!(
                matches!(&broken, Broken::Lie(lie) if lie.name() == "stream changed"),
                "{broken:?}"
            );
        }
    }

    #[test]
    fn each_is_the_one_that_the_next_names() {
        let mut chain = Chain::new("them", None);
        chain.add(&place(ID, 3), &leaf(3)).unwrap();
        for (n, leaf) in [(2, leaf(9)), (3, leaf(9))] {
            let broken = chain.add(&place(ID, n), &leaf).unwrap_err();
            assert!(
                matches!(&broken, Broken::Lie(lie) if lie.name() == "number reused"),
                "{broken:?}"
            );
        }
        // The same one again, or one from further up, proves nothing: the order is not signed.
        for n in [3, 4] {
            let broken = chain.add(&place(ID, n), &leaf(n)).unwrap_err();
            assert!(matches!(broken, Broken::Order(_)), "{broken:?}");
        }
    }
}
