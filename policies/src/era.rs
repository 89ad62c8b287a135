//! The tables and the reading of them under which a decision was made. A log keeps decisions for ever; whatever is changed here later, each
//! has to come out again as it did, so every set of tables that decisions were recorded with is kept, by its digest.
//!
//! A new era is a variant at the end, which is what is decided by from then on; a comparison where it decides otherwise than those before
//! (`self >= Era::Six`); the digest of its tables in the test below, and decisions of it in `docs/vectors/eras`. Tests ask for both.
//! Also words belong to an era: a record holds those of a policy that was not understood.

use crate::action::Action;
use crate::area;
use crate::basis;
use crate::canonical::sha256;
use crate::model::Digest;
use crate::operand;
use crate::purpose;
use crate::terms::PURPOSE;
use herleid_vocab::terms::DPV;
use std::sync::OnceLock;

/// One set of tables, and how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Era {
    /// Five purposes of our own; purposes of which neither is the broader were apart; a party of whose log nothing is said kept one.
    Three,
    /// The scheme of purposes; two below which the same one lies are not apart.
    Four,
    /// A party of whose log nothing is said may keep none.
    Five,
    /// Nothing is granted to who is past the date of an obligation.
    Six,
    /// Nobody is known not to be for an area.
    Seven,
    /// What a use costs is taken from what was paid beforehand; legal bases, and areas of use, are operands.
    Eight,
    /// A refusal names first what who asks can clear alone. What is decided now.
    #[default]
    Nine,
}

/// A purpose, what is one step broader, and its law.
pub(crate) type Row = (String, Vec<String>, String);

/// Our own purposes of [`Era::Three`]: name, what is broader (a DPV name or, with `:`, one of ours), the law.
const OURS_THREE: [(&str, &[&str], &str); 5] = [
    ("Omgevingswet", &["LegalCompliance", "PublicBenefit"], "BWBR0037885"),
    (
        "OmgevingswetHemelwater",
        &[":Omgevingswet"],
        "BWBR0037885, artikel 2.16",
    ),
    (
        "OmgevingswetOmgevingsplan",
        &[":Omgevingswet", "PublicPolicyMaking"],
        "BWBR0037885, artikel 2.4",
    ),
    (
        "OmgevingswetOmgevingsvergunning",
        &[":Omgevingswet"],
        "BWBR0037885, artikel 5.1",
    ),
    (
        "OmgevingswetWatersysteem",
        &[":Omgevingswet"],
        "BWBR0037885, artikel 2.17",
    ),
];

impl Era {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Three,
        Self::Four,
        Self::Five,
        Self::Six,
        Self::Seven,
        Self::Eight,
        Self::Nine,
    ];

    /// The one whose tables have this digest, in hex; `None` of tables that no version had.
    pub(crate) fn of(tables: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|era| era.digest().hex() == tables)
    }

    /// Stands among the tables, and changes when the same policy, request and facts come to give something else. In 2, a
    /// prohibition of a part of what is asked applies, and a duty does not lapse with its deadline; in 3, a permission that says nothing
    /// of parties without a log does not hold for them; in 4, purposes below which the same one lies are not apart; in 5, a party of whose
    /// log nothing is known may be one without; in 6, nothing is granted to who is past the date of an obligation; in 7, nobody is known not to be for an area, one area that was
    /// shown is enough, and a refusal names what is for who asks before what is for others; in 8, a duty to compensate is met by what
    /// was paid beforehand, of permissions that hold the cheapest grants, and legal bases have a table; in 9, a refusal names first what
    /// who asks can clear alone. What an era could not evaluate it does not understand either: see [`crate::operand::Operand::is_of`].
    fn semantics(self) -> String {
        format!("semantics {}", self as usize + 3)
    }

    /// Whether a party of whose log nothing is said counts as keeping one.
    pub(crate) fn presumes_a_log(self) -> bool {
        self < Self::Five
    }

    /// Whether nothing is granted to who is past the date of an obligation.
    pub(crate) fn obliges(self) -> bool {
        self >= Self::Six
    }

    /// Whether a duty to compensate says what a use costs, and is met by what was paid beforehand.
    pub(crate) fn charges(self) -> bool {
        self >= Self::Eight
    }

    /// Whether a refusal names what who asks can clear alone, or what comes with time, before what others have to see to.
    pub(crate) fn names_what_the_asker_can_do(self) -> bool {
        self >= Self::Nine
    }

    /// Whether two purposes are apart although the same one lies below both.
    pub(crate) fn tells_apart_what_is_shared(self) -> bool {
        self < Self::Four
    }

    /// Which table of purposes: eras with the same number have the same one.
    pub(crate) fn purposes(self) -> usize {
        usize::from(self >= Self::Four)
    }

    /// The purposes, in the order of the table.
    pub(crate) fn rows(self) -> Vec<Row> {
        let text = |texts: &[String]| texts.to_vec();
        let dpv = purpose::dpv().map(|(iri, broader)| (iri, broader, String::new()));
        match self.purposes() {
            0 => {
                let full = |name: &&str| match name.strip_prefix(':') {
                    Some(ours) => format!("{PURPOSE}{ours}"),
                    None => format!("{DPV}{name}"),
                };
                let ours = OURS_THREE.iter().map(|(name, above, law)| {
                    let above = above.iter().map(full).collect();
                    (format!("{PURPOSE}{name}"), above, (*law).to_owned())
                });
                dpv.chain(ours).collect()
            }
            _ => {
                let ours = herleid_vocab::skos::purposes().concepts().map(|concept| {
                    let law = concept.law().unwrap_or_default().to_owned();
                    (concept.iri().to_owned(), text(concept.broader()), law)
                });
                dpv.chain(ours).collect()
            }
        }
    }

    /// What decisions rest on, one row a line.
    fn tables(self) -> Vec<String> {
        std::iter::once(self.semantics())
            .chain(Action::table())
            .chain(purpose::table(self))
            .chain(operand::table(self))
            .chain(area::table(self))
            .chain(self.charges().then(basis::table).into_iter().flatten())
            .collect()
    }

    /// SHA-256 of its tables.
    pub(crate) fn digest(self) -> Digest {
        static DIGESTS: [OnceLock<Digest>; Era::ALL.len()] = [const { OnceLock::new() }; Era::ALL.len()];
        let work_out = || sha256(self.tables().join("\n").as_bytes());
        DIGESTS
            .get(self as usize)
            .map_or_else(work_out, |known| *known.get_or_init(work_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_decisions_were_recorded_with_are_found_by_their_digest_for_ever() {
        // These never change: logs are full of them. If one does, a table has changed that needs an era of its own.
        const PINNED: [(Era, &str); Era::ALL.len()] = [
            (
                Era::Three,
                "2c4381c0d663f974fcee48dde70c192ee92e88760e4ba13dde8046a0693bbf6a",
            ),
            (
                Era::Four,
                "09ea0dcd95adeead6cbdb76e5ed237cee6e8affb33a5829216c213efec933453",
            ),
            (
                Era::Five,
                "d50a2384ffdb40b372fe73e4c20fb5dc8b19a0df2b03c172323ed5e45402a372",
            ),
            (
                Era::Six,
                "9be56cda356456d6ecec4ee248ce93724f5fe6d4e81732c5d0b397a2e9cabdfd",
            ),
            (
                Era::Seven,
                "cb1b3337270ddb1f303d82d0990936fd93b986bc55224687a0bc838b0a5a9459",
            ),
            (
                Era::Eight,
                "e90af4fe1892c36ac90ab21bee64b78c5b46e274618010c7383084bfd6268b22",
            ),
            (
                Era::Nine,
                "1202496b41303662bac77f0fc50076e657d4a345ab5443a257a25354ad8327f1",
            ),
        ];
        for (place, (era, digest)) in PINNED.into_iter().enumerate() {
            assert_eq!((era, era as usize), (Era::ALL[place], place));
            assert_eq!(era.digest().hex(), digest, "{era:?}");
            assert_eq!(Era::of(digest), Some(era));
        }
        assert_eq!(
            Era::ALL.last(),
            Some(&Era::default()),
            "what is decided now is the last"
        );
        assert_eq!(Era::of(&"00".repeat(32)), None);
    }
}
