//! Keys and values of the log's store, format 5. Integers are big-endian, so that keys sort as numbers.

use crate::merkle::{Frontier, Hash};
use crate::section::{SectionMac, SectionName};
use std::convert::Infallible;
use uuid::Uuid;

/// Newest format of the stores that this version reads and writes. Since 4 a tombstone can be about another log: an older version would take it
/// for one of this log.
pub(crate) const FORMAT: u64 = 5;

/// Key of the store's description.
pub(crate) const META: &[u8] = b"m";
/// Key of the head.
pub(crate) const HEAD: &[u8] = b"h";
/// Key of the latest checkpoint that a quorum of witnesses cosigned.
pub(crate) const COSIGNED: &[u8] = b"w";
/// Key of the latest checkpoint signed (in the store of keys).
pub(crate) const SIGNED: &[u8] = b"p";

/// Key of how far erasures are finished: those of all tombstones below this record number (in both stores).
pub(crate) const FINISHED: &[u8] = b"f";

/// Key of how far they are carried out in the log's store, where files may still hold it: those of all tombstones below this number.
pub(crate) const STRIPPED: &[u8] = b"x";

/// A key that nothing is ever kept under.
pub(crate) const UNUSED: &[u8] = b"\0";

/// What all graves share.
pub(crate) const GRAVES: &[u8] = b"g";

/// Key of what a tombstone erases.
pub(crate) fn grave_key(tombstone: u64) -> Vec<u8> {
    [GRAVES, &tombstone.to_be_bytes()].concat()
}

/// Key of a stream's state.
pub(crate) fn stream_key(stored_key: &str) -> Vec<u8> {
    prefixed(b's', stored_key)
}

/// Key of a counter.
pub(crate) fn counter_key(name: &str) -> Vec<u8> {
    prefixed(b'c', name)
}

/// Key of a once-key.
pub(crate) fn once_key(name: &str) -> Vec<u8> {
    prefixed(b'o', name)
}

/// Key of a piece of a caller's state.
pub(crate) fn state_key(name: &str) -> Vec<u8> {
    prefixed(b'k', name)
}

/// Key of a record's section keys (in the store of keys).
pub(crate) fn wrapped_key(id: &Uuid) -> Vec<u8> {
    [b"r".as_slice(), id.as_bytes()].concat()
}

fn prefixed(tag: u8, name: &str) -> Vec<u8> {
    let mut key = vec![tag];
    key.extend_from_slice(name.as_bytes());
    key
}

/// Key under which a term leads to a record: the term's own key, then the index.
pub(crate) fn term_key(term: &[u8], index: u64) -> Vec<u8> {
    [b"t".as_slice(), term, &index.to_be_bytes()].concat()
}

/// What all records of a term share.
pub(crate) fn term_prefix(term: &[u8]) -> Vec<u8> {
    [b"t".as_slice(), term].concat()
}

/// Key under which a document in evidence leads to a record that lists it.
pub(crate) fn document_key(digest: &[u8; 32], index: u64) -> Vec<u8> {
    [document_prefix(digest).as_slice(), &index.to_be_bytes()].concat()
}

/// What all records that list a document share.
pub(crate) fn document_prefix(digest: &[u8; 32]) -> Vec<u8> {
    [b"e".as_slice(), digest].concat()
}

/// Key under which a leaf hash leads to its index.
pub(crate) fn leaf_key(leaf: &Hash) -> Vec<u8> {
    [b"l".as_slice(), leaf].concat()
}

/// Number of a section name in the store. Never changed, never used again for another.
pub(crate) const fn code(name: SectionName) -> u8 {
    match name {
        SectionName::Envelope => 1,
        SectionName::StreamAgreement => 2,
        SectionName::StreamModel => 3,
        SectionName::StreamCase => 4,
        SectionName::Exchange => 5,
        SectionName::Content => 6,
        SectionName::Run => 7,
        SectionName::Parameters => 8,
        SectionName::People => 9,
        SectionName::Facts => 10,
        SectionName::Evidence => 11,
        SectionName::Private => 12,
    }
}

pub(crate) fn put_name(to: &mut Vec<u8>, name: SectionName) {
    to.push(code(name));
}

/// Takes values off the front of stored bytes.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn name(&mut self) -> Option<SectionName> {
        let found = self.byte()?;
        SectionName::ALL.into_iter().find(|name| code(*name) == found)
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// A section as it is stored; the sealed bytes are gone when it was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredSection {
    pub(crate) name: SectionName,
    pub(crate) mac: SectionMac,
    pub(crate) sealed: Option<Vec<u8>>,
}

/// Bytes of a section in a row, besides the sealed ones.
pub(crate) const ROW_SECTION_BYTES: usize = 1 + 32 + 1 + 4;

/// Begins a row, with room for so many bytes of sections.
pub(crate) fn begin_row(id: &Uuid, bytes: usize) -> Vec<u8> {
    let mut row = Vec::with_capacity(16 + bytes);
    row.extend_from_slice(id.as_bytes());
    row
}

/// Adds a section, the sealed bytes of which `seal` appends.
pub(crate) fn put_section<E>(
    row: &mut Vec<u8>,
    name: SectionName,
    mac: &SectionMac,
    seal: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    put_name(row, name);
    row.extend_from_slice(mac);
    row.push(1);
    let at = row.len();
    row.extend_from_slice(&[0; 4]);
    seal(row)?;
    // A section has at most 2^20 bytes and a tag of 16.
    let length = (row.len() - at - 4) as u32;
    if let Some(place) = row.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) sections: Vec<StoredSection>,
}

impl Row {
    /// `id (16), then per section: name (1), MAC (32), 0 if erased, else 1, length (4), sealed bytes`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let sealed = self.sections.iter().filter_map(|section| section.sealed.as_ref());
        let bytes: usize = sealed.map(Vec::len).sum();
        let mut row = begin_row(&self.id, self.sections.len() * ROW_SECTION_BYTES + bytes);
        for section in &self.sections {
            match &section.sealed {
                None => {
                    put_name(&mut row, section.name);
                    row.extend_from_slice(&section.mac);
                    row.push(0);
                }
                Some(sealed) => {
                    let written: Result<(), Infallible> = put_section(&mut row, section.name, &section.mac, |row| {
                        row.extend_from_slice(sealed);
                        Ok(())
                    });
                    let Ok(()) = written;
                }
            }
        }
        row
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let id = Uuid::from_bytes(reader.array()?);
        let mut sections = Vec::new();
        while !reader.is_at_end() {
            let name = reader.name()?;
            let mac = reader.array()?;
            let sealed = match reader.byte()? {
                0 => None,
                1 => {
                    let length = u32::from_be_bytes(reader.array()?);
                    Some(reader.bytes(length as usize)?.to_vec())
                }
                _ => return None,
            };
            sections.push(StoredSection { name, mac, sealed });
        }
        Some(Self { id, sections })
    }
}

/// What a tombstone erases, readable without any key: a store that was restored must know it before it opens a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grave {
    pub(crate) target: u64,
    pub(crate) sections: Vec<SectionName>,
}

impl Grave {
    /// `record (8), names (1 each)`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut grave = self.target.to_be_bytes().to_vec();
        self.sections.iter().for_each(|name| put_name(&mut grave, *name));
        grave
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let target = reader.number()?;
        let mut sections = Vec::new();
        while !reader.is_at_end() {
            sections.push(reader.name()?);
        }
        Some(Self { target, sections })
    }
}

/// The end of the log: all that appending needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) frontier: Frontier,
    pub(crate) recorded_at_ms: u64,
}

impl Head {
    /// `size (8), recordedAt of the last record (8), root (32), edge (32 each)`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut head = self.frontier.size().to_be_bytes().to_vec();
        head.extend_from_slice(&self.recorded_at_ms.to_be_bytes());
        head.extend_from_slice(&self.frontier.root());
        head.extend(self.frontier.edge().iter().flatten());
        head
    }

    /// The head and the root that was written with it.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, Hash)> {
        let mut reader = Reader(bytes);
        let size = reader.number()?;
        let recorded_at_ms = reader.number()?;
        let root = reader.array()?;
        let mut edge = Vec::new();
        while !reader.is_at_end() {
            edge.push(reader.array()?);
        }
        let frontier = Frontier::new(size, edge).ok()?;
        Some((
            Self {
                frontier,
                recorded_at_ms,
            },
            root,
        ))
    }
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamPlace {
    /// Id of the stream, allotted at random.
    pub id: Uuid,
    /// Number of the record, from 1.
    pub n: u64,
    /// Leaf hash of the record with this number.
    pub leaf: Hash,
}

impl StreamPlace {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.id.as_bytes().as_slice(), &self.n.to_be_bytes(), &self.leaf].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let id = Uuid::from_bytes(reader.array()?);
        let place = Self {
            id,
            n: reader.number()?,
            leaf: reader.array()?,
        };
        reader.is_at_end().then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    #[test]
    fn what_is_stored_is_read_back_and_nothing_shorter() {
        let row = Row {
            id: Uuid::from_u128(7),
            sections: SectionName::ALL
                .into_iter()
                .map(|name| StoredSection {
                    name,
                    mac: leaf_hash(name.as_str().as_bytes()),
                    sealed: (name != SectionName::People).then(|| name.as_str().as_bytes().to_vec()),
                })
                .collect(),
        };
        let bytes = row.encode();
        assert_eq!(Row::decode(&bytes).unwrap(), row);
        let whole_sections = (0..bytes.len()).filter(|cut| Row::decode(&bytes[..*cut]).is_some());
        // A row cut between two sections still reads as one; the entry over the MAC map finds that.
        assert_eq!(whole_sections.count(), SectionName::ALL.len());

        let mut frontier = Frontier::default();
        for n in 0..13u8 {
            frontier.append(leaf_hash(&[n]), |_, _, _| {});
        }
        let head = Head {
            recorded_at_ms: 5,
            frontier,
        };
        let bytes = head.encode();
        let root = head.frontier.root();
        assert_eq!(Head::decode(&bytes).unwrap(), (head, root));
        assert!((0..bytes.len()).all(|cut| Head::decode(&bytes[..cut]).is_none()));

        let place = StreamPlace {
            id: Uuid::from_u128(1),
            n: 3,
            leaf: [9; 32],
        };
        assert_eq!(StreamPlace::decode(&place.encode()).unwrap(), place);
        assert!(StreamPlace::decode(&[0; 55]).is_none() && StreamPlace::decode(&[0; 57]).is_none());

        let grave = Grave {
            target: 7,
            sections: vec![SectionName::Content, SectionName::People],
        };
        assert_eq!(Grave::decode(&grave.encode()).unwrap(), grave);
        assert!(Grave::decode(&[0; 7]).is_none() && Grave::decode(&[0; 9]).is_none());
    }

    #[test]
    fn codes_of_sections_differ() {
        let codes: std::collections::BTreeSet<u8> = SectionName::ALL.into_iter().map(code).collect();
        assert_eq!(codes.len(), SectionName::ALL.len());
    }
}
