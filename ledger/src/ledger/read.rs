//! Reading the log: records, proofs, tiles, and records handed over.

use super::recent::KnownTree;
use super::{Ledger, Shared};
use crate::checkpoint::Checkpoint;
use crate::digits::hex_text;
use crate::error::LedgerError;
use crate::handover::{ConsistencyText, FORMAT, HandedOver, entry};
use crate::merkle::{self, Hash, Nodes as _, leaf_hash};
use crate::section::{Opened, Place, RootKey, SectionKeys, SectionMac, SectionName};
use crate::store::codec::{Row, StoredSection};
use crate::store::rocks::Part;
use crate::store::tiles::{self, StoredTree};
use crate::tile::{Level, TilePath, bundle};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herleid_vocab::json;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use uuid::Uuid;

/// Under which checkpoint a record is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The latest: there at once.
    Latest,
    /// The latest that enough witnesses cosigned: a dossier needs it.
    Cosigned,
}

/// A record as it lies in the log, decrypted for its owner. Sections that were erased are missing from `sections`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    index: u64,
    id: Uuid,
    leaf: Hash,
    macs: BTreeMap<SectionName, SectionMac>,
    sections: BTreeMap<SectionName, Vec<u8>>,
}

impl StoredRecord {
    /// Place in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Id of the record.
    #[must_use]
    pub const fn id(&self) -> &Uuid {
        &self.id
    }

    /// Leaf hash.
    #[must_use]
    pub const fn leaf(&self) -> &Hash {
        &self.leaf
    }

    /// MACs of all its sections, erased ones too.
    #[must_use]
    pub const fn macs(&self) -> &BTreeMap<SectionName, SectionMac> {
        &self.macs
    }

    /// Bytes of its sections.
    #[must_use]
    pub const fn sections(&self) -> &BTreeMap<SectionName, Vec<u8>> {
        &self.sections
    }

    /// A section, parsed; `None` when it is not there or was erased.
    #[must_use]
    pub fn value(&self, name: SectionName) -> Option<Value> {
        json::parse_section(self.sections.get(&name)?).ok()
    }
}

impl Shared {
    /// A record's row and its MACs, as they are stored: nothing is checked.
    pub(crate) fn row(&self, index: u64) -> Result<(Row, BTreeMap<SectionName, SectionMac>), LedgerError> {
        let stored = self.log.get(Part::Records, &index.to_be_bytes())?;
        let row = stored.as_deref().and_then(Row::decode);
        let row = row.ok_or_else(|| {
            let expected = format!("a row of sections with {}", self.said_of(index));
            self.corrupt(format!("record {index}"), expected, "none, or other bytes")
        })?;
        let macs = row.sections.iter().map(|section| (section.name, section.mac)).collect();
        Ok((row, macs))
    }

    /// A record's row, its MACs and its leaf hash, in the tree of the first `size` records: the MACs are those that the leaf
    /// commits to.
    fn committed(&self, index: u64, size: u64) -> Result<(Row, BTreeMap<SectionName, SectionMac>, Hash), LedgerError> {
        let (row, macs) = self.row(index)?;
        let leaf = leaf_hash(&entry(&macs));
        let committed = StoredTree::new(&self.log, size).node(0, index)?;
        if committed != leaf {
            return Err(self.other_leaf(index, &committed, &leaf));
        }
        Ok((row, macs, leaf))
    }

    /// A document in evidence, checked; `None` when there is none.
    pub(crate) fn document(&self, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, LedgerError> {
        self.evidence.get(&self.log, sha256)
    }

    /// Whether this section of a log that is over is erased, though its bytes may still lie there.
    pub(crate) fn is_masked(&self, index: u64, name: SectionName) -> bool {
        self.masked.get(&index).is_some_and(|names| names.contains(&name))
    }

    /// Decrypts one section of a row and checks its MAC; `None` when it was erased.
    pub(crate) fn open_section(
        &self,
        index: u64,
        row: &Row,
        name: SectionName,
        roots: &[(SectionName, RootKey)],
    ) -> Result<Option<(Vec<u8>, SectionKeys)>, LedgerError> {
        let stored = row.sections.iter().find(|section| section.name == name);
        let stored = stored.ok_or(LedgerError::NoSection { index, section: name })?;
        let Some(sealed) = stored.sealed.as_ref().filter(|_| !self.is_masked(index, name)) else {
            return Ok(None);
        };
        let damaged = |found: &str| {
            self.corrupt(
                format!("section `{name}` of record {index}"),
                format!("bytes with the MAC in the log, {}", hex::encode(stored.mac)),
                found,
            )
        };
        let Some((_, root)) = roots.iter().find(|(of, _)| *of == name) else {
            // Its bytes go before its key: it may have been erased since the row was read.
            let (row, _) = self.row(index)?;
            let is_erased = |section: &StoredSection| section.name == name && section.sealed.is_none();
            return match row.sections.iter().any(is_erased) {
                true => Ok(None),
                false => Err(damaged("a section without a key")),
            };
        };
        let record = row.id.hyphenated().to_string();
        let place = Place {
            origin: &self.origin,
            record: &record,
            name,
        };
        let keys = root.keys();
        let bytes = keys.open(&place, sealed).map_err(|error| damaged(&error.to_string()))?;
        if !keys.mac_key().verifies(&bytes, &stored.mac) {
            return Err(damaged("other bytes"));
        }
        Ok(Some((bytes, keys)))
    }
}

pub(super) fn base64(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

impl Ledger {
    /// Number of records under the latest checkpoint.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.shared().published().size()
    }

    /// The latest checkpoint, signed.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<Checkpoint> {
        self.shared().published()
    }

    /// The latest checkpoint that enough witnesses cosigned, with their lines.
    #[must_use]
    pub fn cosigned(&self) -> Option<Arc<Checkpoint>> {
        let shared = self.shared();
        let cosigned = shared.cosigned.read().unwrap_or_else(PoisonError::into_inner);
        cosigned.clone()
    }

    fn within(&self, index: u64) -> Result<u64, LedgerError> {
        let size = self.size();
        if index < size {
            Ok(size)
        } else {
            Err(LedgerError::NoRecord { index, size })
        }
    }

    /// A record, decrypted, its MACs checked against the tree.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn record(&self, index: u64) -> Result<StoredRecord, LedgerError> {
        let size = self.within(index)?;
        let shared = self.shared();
        let read = || {
            let (row, macs, leaf) = shared.committed(index, size)?;
            let roots = shared.keys.roots(&shared.origin, &row.id)?;
            let mut sections = BTreeMap::new();
            for name in macs.keys() {
                if let Some((bytes, _)) = shared.open_section(index, &row, *name, &roots)? {
                    sections.insert(*name, bytes);
                }
            }
            Ok((row, macs, leaf, sections))
        };
        let (row, macs, leaf, sections) = read().map_err(|error| shared.of_record(index, error))?;
        Ok(StoredRecord {
            index,
            id: row.id,
            leaf,
            macs,
            sections,
        })
    }

    /// Inclusion proof of a record in the tree of the first `size` records.
    ///
    /// # Errors
    /// When the record is not in that tree.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        let published = self.size();
        if index >= size || size > published {
            return Err(LedgerError::NoRecord {
                index,
                size: size.min(published),
            });
        }
        merkle::inclusion_proof(&KnownTree::new(&self.shared(), size), index, size)
    }

    /// Consistency proof between two sizes of this log.
    ///
    /// # Errors
    /// When there are no such sizes.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, LedgerError> {
        let size = self.size();
        if from > to || to > size {
            return Err(LedgerError::NoSize { from, to, size });
        }
        merkle::consistency_proof(&KnownTree::new(&self.shared(), to), from, to)
    }

    /// Root of the first `size` records.
    ///
    /// # Errors
    /// When the log is smaller.
    pub fn root_at(&self, size: u64) -> Result<Hash, LedgerError> {
        let published = self.size();
        if size > published {
            let (from, to) = (size, published);
            return Err(LedgerError::NoSize {
                from,
                to,
                size: published,
            });
        }
        merkle::root_at(&StoredTree::new(&self.shared().log, size), size)
    }

    /// Hands a record over with these sections opened, its MACs checked against the tree; `consistency_from` is a size that
    /// the reader named.
    ///
    /// # Errors
    /// When there is no such record or section, it was erased, the sizes do not fit, no quorum has cosigned yet, or the record
    /// is damaged.
    pub fn hand_over(
        &self,
        index: u64,
        open: &[SectionName],
        consistency_from: Option<u64>,
        at: At,
    ) -> Result<HandedOver, LedgerError> {
        self.within(index)?;
        let checkpoint = match at {
            At::Latest => self.checkpoint(),
            At::Cosigned => {
                let cosigned = self.cosigned();
                let covered = cosigned.as_ref().map_or(0, |checkpoint| checkpoint.size());
                let cosigned = cosigned.filter(|_| index < covered);
                cosigned.ok_or(LedgerError::NotCosigned {
                    index,
                    cosigned: covered,
                })?
            }
        };
        self.hand_over_under(index, open, consistency_from, &checkpoint)
    }

    /// The same under one of this log's own checkpoints, so that records handed over together bear the same.
    ///
    /// # Errors
    /// As [`Self::hand_over`]; also when the record is not under that checkpoint.
    pub fn hand_over_under(
        &self,
        index: u64,
        open: &[SectionName],
        consistency_from: Option<u64>,
        checkpoint: &Checkpoint,
    ) -> Result<HandedOver, LedgerError> {
        let size = self.within(index)?;
        let shared = self.shared();
        let (row, macs, _) = shared.committed(index, size)?;
        let roots = shared.keys.roots(&shared.origin, &row.id)?;
        let mut opened = BTreeMap::new();
        for section in open {
            let (bytes, keys) = shared
                .open_section(index, &row, *section, &roots)?
                .ok_or(LedgerError::Erased {
                    index,
                    section: *section,
                })?;
            let text = String::from_utf8(bytes);
            let text = text.map_err(|_| {
                shared.corrupt(format!("section `{section}` of record {index}"), "UTF-8", "other bytes")
            })?;
            let key = hex::encode(keys.mac_key().expose());
            opened.insert(section.to_string(), Opened { text, key });
        }
        let proof = self.inclusion(index, checkpoint.size())?;
        self.handed_over((index, &macs), opened, (&proof, checkpoint), consistency_from)
    }

    /// A record as it travels: with the MACs that its leaf commits to, what of it is opened, and its proof under a checkpoint.
    pub(super) fn handed_over(
        &self,
        (index, macs): (u64, &BTreeMap<SectionName, SectionMac>),
        opened: BTreeMap<String, Opened>,
        (proof, checkpoint): (&[Hash], &Checkpoint),
        consistency_from: Option<u64>,
    ) -> Result<HandedOver, LedgerError> {
        let macs = macs.iter().map(|(name, mac)| (name.to_string(), hex_text(mac)));
        Ok(HandedOver {
            format: FORMAT.to_owned(),
            origin: self.origin().to_owned(),
            index,
            macs: macs.collect(),
            opened,
            proof: base64(proof),
            checkpoint: checkpoint.note().to_string(),
            consistency: self.consistency_text(consistency_from, checkpoint)?,
        })
    }

    /// That `checkpoint` extends the tree of the size that a reader named, as it travels.
    pub(super) fn consistency_text(
        &self,
        from: Option<u64>,
        checkpoint: &Checkpoint,
    ) -> Result<Option<ConsistencyText>, LedgerError> {
        let Some(from) = from else { return Ok(None) };
        let proof = base64(&self.consistency(from, checkpoint.size())?);
        Ok(Some(ConsistencyText { from, proof }))
    }

    /// Bytes of a hash tile, 32 a hash (C2SP tlog-tiles); `None` when the log is not that large. `width` is 256 for a full one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = TilePath::new(Level::Hashes(level), index, width);
        if !path.is_ok_and(|path| path.within(self.size())) {
            return Ok(None);
        }
        Ok(Some(tiles::hashes(&self.shared().log, level, index, width)?.concat()))
    }

    /// Bytes of an entry bundle (C2SP tlog-tiles); `None` when the log is not that large. `width` is 256 for a full one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn entries(&self, index: u64, width: u16) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = TilePath::new(Level::Entries, index, width);
        if !path.is_ok_and(|path| path.within(self.size())) {
            return Ok(None);
        }
        Ok(Some(bundle(&tiles::entries(&self.shared().log, index, width)?)))
    }

    /// A document by its SHA-256, checked; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or has other bytes than its name says.
    pub fn evidence(&self, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, LedgerError> {
        self.shared().document(sha256)
    }
}
