//! The lineage index: one entry for each record with all that it is linked by, and the ways back to it.
//!
//! It is read without the key-encryption key. So what can be guessed (a digest of known bytes, a dataset, a case) stands there as a
//! short keyed hash; transactions and streams have random ids and stand there as they are.

use crate::record::{Kind, Links, Subject};
use crate::section::{RootKey, SectionName};
use crate::store::codec::Reader;
use serde_json::Value;
use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Keyed hash of what is linked: 96 bits, so that two things of one log do not meet by chance.
pub(crate) type Ref = [u8; 12];

/// What keys the hashes: from a secret that lies wrapped by the key-encryption key.
pub(crate) struct LinkKey(Zeroizing<[u8; 32]>);

impl LinkKey {
    pub(crate) fn from_root(root: &RootKey) -> Self {
        Self(Zeroizing::new(blake3::derive_key(
            "herleid 2026-11-22 lineage index",
            root.expose(),
        )))
    }

    /// Tag, then each part with its length: no two things have the same bytes.
    fn hash(&self, tag: u8, parts: &[&[u8]]) -> Ref {
        let mut bytes = vec![tag];
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        let hash = blake3::keyed_hash(&self.0, &bytes);
        hash.as_bytes().first_chunk().copied().unwrap_or_default()
    }

    pub(crate) fn digest(&self, digest: &[u8; 32]) -> Ref {
        self.hash(1, &[digest])
    }

    pub(crate) fn subject(&self, subject: &Subject) -> Ref {
        self.hash(2, &[subject.id.as_bytes(), subject.version.as_bytes()])
    }

    pub(crate) fn case(&self, case: &str) -> Ref {
        self.hash(3, &[case.as_bytes()])
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey")
    }
}

/// What a record is to something that it is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Role {
    /// It came with the record, or out of it.
    Made = 1,
    /// It left with it, and was there before.
    Given = 2,
    /// The record rests on it.
    Used = 3,
}

/// Key of a record's entry.
pub(crate) fn linked_key(index: u64) -> Vec<u8> {
    [b"n".as_slice(), &index.to_be_bytes()].concat()
}

/// What all records share that are anything to this.
pub(crate) fn ref_prefix(of: &Ref) -> Vec<u8> {
    [b"x".as_slice(), of].concat()
}

/// What all records share that are this to it.
pub(crate) fn role_prefix(of: &Ref, role: Role) -> Vec<u8> {
    [b"x".as_slice(), of, &[role as u8]].concat()
}

/// What all records share that used what this transaction brought.
pub(crate) fn user_prefix(transaction: &Uuid) -> Vec<u8> {
    [b"y".as_slice(), transaction.as_bytes()].concat()
}

/// One thing used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UsedRef {
    pub(crate) transaction: Option<Uuid>,
    pub(crate) digests: Vec<Ref>,
}

/// Sections that place a record in streams, in the order of the entry's flags.
const STREAMS: [SectionName; 3] = [
    SectionName::StreamAgreement,
    SectionName::StreamModel,
    SectionName::StreamCase,
];

/// A record's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) kind: Kind,
    pub(crate) at_ms: u64,
    pub(crate) transaction: Option<Uuid>,
    /// Streams of the agreement, the model service, the case.
    pub(crate) streams: [Option<Uuid>; 3],
    pub(crate) subject: Option<Ref>,
    pub(crate) case: Option<Ref>,
    pub(crate) made: Vec<Ref>,
    pub(crate) used: Vec<UsedRef>,
}

impl Linked {
    /// The entry, but for what only its place in the log gives: time and streams.
    pub(crate) fn new(kind: Kind, links: &Links, key: &LinkKey) -> Self {
        let hashed = |digests: &[[u8; 32]]| digests.iter().map(|digest| key.digest(digest)).collect();
        Self {
            kind,
            at_ms: 0,
            transaction: links.transaction,
            streams: [None; 3],
            subject: links.subject.as_ref().map(|subject| key.subject(subject)),
            case: links.case.as_ref().map(|case| key.case(case)),
            made: hashed(&links.made),
            used: links
                .used
                .iter()
                .map(|used| UsedRef {
                    transaction: used.transaction,
                    digests: hashed(&used.digests),
                })
                .collect(),
        }
    }

    /// The entry with its place in the log.
    pub(crate) fn placed(mut self, at_ms: u64, stream: impl Fn(SectionName) -> Option<Uuid>) -> Self {
        self.at_ms = at_ms;
        self.streams = STREAMS.map(stream);
        self
    }

    /// The entry of a record whose sections these are.
    pub(crate) fn of<'a>(
        kind: Kind,
        at_ms: u64,
        section: impl Fn(SectionName) -> Option<&'a Value>,
        key: &LinkKey,
    ) -> Self {
        let stream = |name| Uuid::try_parse(section(name)?.get("id")?.as_str()?).ok();
        Self::new(kind, &Links::of(kind, &section), key).placed(at_ms, stream)
    }

    /// Whether what it made was there before: it left with this record.
    pub(crate) const fn gives(&self) -> bool {
        matches!(
            self.kind,
            Kind::PullOpened | Kind::PullServed | Kind::OneSidedPullOpened
        )
    }

    /// The keys that lead back to the record, besides that of its entry.
    pub(crate) fn ways_back(&self, index: u64) -> Vec<Vec<u8>> {
        let at = index.to_be_bytes();
        let to = |prefix: Vec<u8>| [prefix.as_slice(), &at].concat();
        let made = if self.gives() { Role::Given } else { Role::Made };
        let of_case = if self.kind == Kind::DecisionMade {
            Role::Used
        } else {
            Role::Made
        };
        let made = self.made.iter().map(|digest| role_prefix(digest, made));
        let case = self.case.iter().map(|case| role_prefix(case, of_case));
        let used = self.used.iter().flat_map(|used| {
            let digests = used.digests.iter().map(|digest| role_prefix(digest, Role::Used));
            digests.chain(used.transaction.iter().map(user_prefix))
        });
        made.chain(case).chain(used).map(to).collect()
    }

    /// `kind (1), time (8), flags (1), then what they say is there: transaction (16), streams (16 each), subject (12), case (12); count (2)
    /// of what was made, 12 each; count (2) of what was used, each: flags (1), transaction (16) if there is one, digests (12 each)`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = vec![code(self.kind)];
        to.extend_from_slice(&self.at_ms.to_be_bytes());
        let [agreement, model, case] = self.streams;
        let present = [
            self.transaction.is_some(),
            agreement.is_some(),
            model.is_some(),
            case.is_some(),
            self.subject.is_some(),
            self.case.is_some(),
        ];
        to.push(present.iter().rev().fold(0, |flags, is| flags << 1 | u8::from(*is)));
        for id in [self.transaction, agreement, model, case].iter().flatten() {
            to.extend_from_slice(id.as_bytes());
        }
        for hash in [self.subject, self.case].iter().flatten() {
            to.extend_from_slice(hash);
        }
        // A section has at most 2^20 bytes and a digest there takes 66 of them, so 16 bits count them.
        to.extend_from_slice(&(self.made.len() as u16).to_be_bytes());
        to.extend(self.made.iter().flatten());
        to.extend_from_slice(&(self.used.len() as u16).to_be_bytes());
        for used in &self.used {
            to.push((used.digests.len() as u8) << 1 | u8::from(used.transaction.is_some()));
            if let Some(id) = used.transaction {
                to.extend_from_slice(id.as_bytes());
            }
            to.extend(used.digests.iter().flatten());
        }
        to
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let found = reader.byte()?;
        let kind = *Kind::ALL.iter().find(|kind| code(**kind) == found)?;
        let at_ms = reader.number()?;
        let flags = reader.byte()?;
        let has = |bit: u8| flags >> bit & 1 == 1;
        let mut ids = [None; 4];
        for (bit, id) in (0..).zip(&mut ids) {
            if has(bit) {
                *id = Some(Uuid::from_bytes(reader.array()?));
            }
        }
        let mut hashes = [None; 2];
        for (bit, hash) in (4..).zip(&mut hashes) {
            if has(bit) {
                *hash = Some(reader.array()?);
            }
        }
        let ([transaction, streams @ ..], [subject, case]) = (ids, hashes);
        let mut made = Vec::new();
        for _ in 0..u16::from_be_bytes(reader.array()?) {
            made.push(reader.array()?);
        }
        let mut used = Vec::new();
        for _ in 0..u16::from_be_bytes(reader.array()?) {
            let flags = reader.byte()?;
            let transaction = match flags & 1 {
                1 => Some(Uuid::from_bytes(reader.array()?)),
                _ => None,
            };
            let mut digests = Vec::new();
            for _ in 0..flags >> 1 {
                digests.push(reader.array()?);
            }
            used.push(UsedRef { transaction, digests });
        }
        reader.is_at_end().then_some(Self {
            kind,
            at_ms,
            transaction,
            streams,
            subject,
            case,
            made,
            used,
        })
    }
}

/// Number of a kind in the store. Never changed, never used again for another.
const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::LogOpened => 1,
        Kind::DatasetPublished => 2,
        Kind::ModelPublished => 3,
        Kind::DatasetWithdrawn => 4,
        Kind::ModelWithdrawn => 5,
        Kind::AgreementConcluded => 6,
        Kind::AgreementTerminated => 7,
        Kind::PullOpened => 8,
        Kind::PullServed => 9,
        Kind::PullReceived => 10,
        Kind::PullAcknowledged => 11,
        Kind::PullAborted => 12,
        Kind::PullUnacknowledged => 13,
        Kind::OneSidedPullOpened => 14,
        Kind::OneSidedPullReceived => 15,
        Kind::Denied => 16,
        Kind::RunRequested => 17,
        Kind::RunStarted => 18,
        Kind::RunFinished => 19,
        Kind::RunFailed => 20,
        Kind::RunReceived => 21,
        Kind::DecisionMade => 22,
        Kind::TrustChanged => 23,
        Kind::KeyChanged => 24,
        Kind::Continued => 25,
        Kind::Superseded => 26,
        Kind::Erased => 27,
        Kind::Disclosed => 28,
        Kind::Replayed => 29,
        Kind::DeletionStated => 30,
        Kind::WitnessConflict => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Used;

    fn key(of: u8) -> LinkKey {
        LinkKey::from_root(&RootKey::from_bytes([of; 32]))
    }

    fn full() -> Linked {
        let links = Links {
            transaction: Some(Uuid::from_u128(1)),
            subject: Some(Subject {
                id: "rain".to_owned(),
                version: "1".to_owned(),
            }),
            case: Some("Z-1".to_owned()),
            made: vec![[1; 32], [2; 32]],
            used: vec![
                Used {
                    transaction: Some(Uuid::from_u128(2)),
                    digests: vec![[3; 32]],
                },
                Used {
                    transaction: None,
                    digests: vec![[4; 32], [5; 32]],
                },
            ],
        };
        Linked::new(Kind::RunReceived, &links, &key(1)).placed(7, |name| {
            (name != SectionName::StreamModel).then(|| Uuid::from_u128(name.as_str().len() as u128))
        })
    }

    #[test]
    fn an_entry_is_read_back_and_nothing_shorter_or_longer() {
        let empty = Linked::new(Kind::Denied, &Links::default(), &key(1));
        for entry in [full(), empty] {
            let bytes = entry.encode();
            assert_eq!(Linked::decode(&bytes).unwrap(), entry);
            assert!((0..bytes.len()).all(|cut| Linked::decode(&bytes[..cut]).is_none()));
            assert!(Linked::decode(&[bytes.as_slice(), &[0]].concat()).is_none());
        }
        assert!(Linked::decode(&[99; 14]).is_none());
    }

    #[test]
    fn codes_of_kinds_differ() {
        let codes: std::collections::BTreeSet<u8> = Kind::ALL.iter().map(|kind| code(*kind)).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
    }

    #[test]
    fn the_entry_alone_leads_to_every_way_back() {
        let entry = full();
        let ways = entry.ways_back(9);
        assert_eq!(ways.len(), 2 + 1 + 3 + 1);
        assert!(ways.iter().all(|way| way.ends_with(&9u64.to_be_bytes())));
        let given = Linked {
            kind: Kind::PullServed,
            ..entry
        };
        assert_ne!(
            given.ways_back(9)[0],
            ways[0],
            "who passes something on did not make it"
        );
    }

    #[test]
    fn another_key_gives_other_hashes_and_so_does_another_thing() {
        let one = key(1);
        assert_ne!(one.digest(&[1; 32]), key(2).digest(&[1; 32]));
        assert_ne!(one.digest(&[1; 32]), one.digest(&[2; 32]));
        let of = |id: &str, version: &str| {
            one.subject(&Subject {
                id: id.to_owned(),
                version: version.to_owned(),
            })
        };
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_ne!(one.case(""), of("", ""));
    }
}
