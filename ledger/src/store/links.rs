//! The lineage index: one entry for each record with all that it is linked by, and the ways back to it.
//!
//! A trace goes from transaction to transaction, and these are time-ordered (UUIDv7). So the entry of a record of a transaction lies under
//! its transaction, where one look-up reads all records of it, and the record's number leads there.
//!
//! It is read without the key-encryption key. So what can be guessed (a digest of known bytes, a dataset, a case) stands there as a
//! short keyed hash; transactions and streams have random ids and stand there as they are.

mod keys;
mod numbered;

pub(crate) use keys::{PREFIXES, linked_key, looked_up, role_prefix, transaction_key, transaction_prefix, user_prefix};
pub(crate) use numbered::Numbered;

use crate::record::{Kind, Links, Subject};
use crate::section::{RootKey, SectionName};
use crate::store::codec::Reader;
use keys::TRANSACTION_TERM;
use numbered::UNDER;
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
        let mut bytes = Vec::with_capacity(1 + parts.iter().map(|part| 8 + part.len()).sum::<usize>());
        bytes.push(tag);
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        self.hash_bytes(&bytes)
    }

    fn hash_bytes(&self, bytes: &[u8]) -> Ref {
        let hash = blake3::keyed_hash(&self.0, bytes);
        hash.as_bytes().first_chunk().copied().unwrap_or_default()
    }

    /// The same of something that a record is not found by, as a whole.
    fn whole(&self, tag: u8, what: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[tag]);
        hasher.update(&(what.len() as u64).to_be_bytes());
        *hasher.update(what).finalize().as_bytes()
    }

    /// What makes two drafts with one once-key the same.
    pub(crate) fn once(&self, digest: &[u8; 32]) -> [u8; 32] {
        self.whole(4, digest)
    }

    /// What the owner of the log keeps beside it.
    pub(crate) fn blinded(&self, what: &[u8]) -> [u8; 32] {
        self.whole(5, what)
    }

    /// As [`Self::hash`] with the tag 1.
    pub(crate) fn digest(&self, digest: &[u8; 32]) -> Ref {
        let mut bytes = [0; 1 + 8 + 32];
        let (head, to) = bytes.split_at_mut(1 + 8);
        head.copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0, 32]);
        to.copy_from_slice(digest);
        self.hash_bytes(&bytes)
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
    fn placed(mut self, at_ms: u64, stream: impl Fn(SectionName) -> Option<Uuid>) -> Self {
        self.set_place(at_ms, stream);
        self
    }

    /// Gives the entry its place in the log.
    pub(crate) fn set_place(&mut self, at_ms: u64, stream: impl Fn(SectionName) -> Option<Uuid>) {
        self.at_ms = at_ms;
        self.streams = STREAMS.map(stream);
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
        let mut ways = Vec::new();
        self.each_way(&index.to_be_bytes(), |way| ways.push(way.concat()));
        ways
    }

    /// Calls `put(key in parts)` for each of these.
    fn each_way(&self, at: &[u8; 8], mut put: impl FnMut(&[&[u8]])) {
        let mut role = |of: &Ref, role: Role| put(&[b"x", of, &[role as u8], at]);
        let made = if self.gives() { Role::Given } else { Role::Made };
        self.made.iter().for_each(|digest| role(digest, made));
        let of_case = if self.kind == Kind::DecisionMade {
            Role::Used
        } else {
            Role::Made
        };
        self.case.iter().for_each(|case| role(case, of_case));
        let digests = self.used.iter().flat_map(|used| &used.digests);
        digests.for_each(|digest| role(digest, Role::Used));
        let transactions = self.used.iter().filter_map(|used| used.transaction.as_ref());
        transactions.for_each(|transaction| put(&[b"y", transaction.as_bytes(), at]));
    }

    /// All that leads to the record: keys, and what lies under them.
    pub(crate) fn rows(&self, index: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rows = Vec::new();
        self.each_row(index, &mut Vec::new(), |key, value| {
            rows.push((key.concat(), value.to_vec()))
        });
        rows
    }

    /// Calls `put(key in parts, value)` for each of these; `entry` is room for the record's entry.
    pub(crate) fn each_row(&self, index: u64, entry: &mut Vec<u8>, mut put: impl FnMut(&[&[u8]], &[u8])) {
        let at = index.to_be_bytes();
        self.each_way(&at, |way| put(way, &[]));
        entry.clear();
        self.encode_onto(entry);
        match &self.transaction {
            None => put(&[b"n", &at], entry),
            Some(transaction) => {
                put(
                    &[b"n", &at],
                    &Numbered::of_transaction(self.kind, self.at_ms, transaction),
                );
                let mut text = Uuid::encode_buffer();
                let text = transaction.hyphenated().encode_lower(&mut text).as_bytes();
                put(&[b"t", &TRANSACTION_TERM, text, &at], entry);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut entry = Vec::new();
        self.encode_onto(&mut entry);
        entry
    }

    /// `kind (1), time (8), flags (1), then what they say is there: transaction (16), streams (16 each), subject (12), case (12); count (2)
    /// of what was made, 12 each; count (2) of what was used, each: flags (1), transaction (16) if there is one, digests (12 each)`.
    fn encode_onto(&self, to: &mut Vec<u8>) {
        to.push(code(self.kind));
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
        to.extend_from_slice(self.made.as_flattened());
        to.extend_from_slice(&(self.used.len() as u16).to_be_bytes());
        for used in &self.used {
            to.push((used.digests.len() as u8) << 1 | u8::from(used.transaction.is_some()));
            if let Some(id) = used.transaction {
                to.extend_from_slice(id.as_bytes());
            }
            to.extend_from_slice(used.digests.as_flattened());
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let kind = of_code(reader.byte()?)?;
        let at_ms = reader.number()?;
        let flags = reader.byte()?;
        if flags & UNDER != 0 {
            return None;
        }
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

fn of_code(found: u8) -> Option<Kind> {
    Kind::ALL.iter().find(|kind| code(**kind) == found).copied()
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
mod tests;
