//! A record's row while its sections are sealed into it, one after the other: first those of the caller, then those that the log makes.

use crate::handover::entry_of;
use crate::section::{NotAuthentic, SectionKeys, SectionMac, SectionName};
use crate::store::codec::{ROW_SECTION_BYTES, begin_row, put_section};
use crate::tile::ENTRY_BYTES;
use uuid::Uuid;

/// Bytes of a section's tag, besides its own.
const TAG_BYTES: usize = 16;

/// Some sections of a record as they are stored, and what the record's entry says of them.
pub(crate) struct SealedRow {
    bytes: Vec<u8>,
    macs: Vec<(SectionName, SectionMac)>,
}

impl SealedRow {
    /// Of a record that will have so many sections of so many bytes together.
    pub(crate) fn of(id: &Uuid, sections: usize, bytes: usize) -> Self {
        Self {
            bytes: begin_row(id, sections * (ROW_SECTION_BYTES + TAG_BYTES) + bytes),
            macs: Vec::with_capacity(sections),
        }
    }

    /// Adds the section `name`, of which this is the associated data.
    pub(crate) fn add(
        &mut self,
        name: SectionName,
        keys: &SectionKeys,
        associated: &[u8],
        section: &[u8],
    ) -> Result<(), NotAuthentic> {
        let mac = keys.mac_key().mac(section);
        put_section(&mut self.bytes, name, &mac, |row| {
            keys.seal_onto(row, associated, section)
        })?;
        self.macs.push((name, mac));
        Ok(())
    }

    /// The record's entry in the log, once all of its sections are there.
    pub(crate) fn entry(&mut self, room: &mut Vec<u8>) -> [u8; ENTRY_BYTES] {
        self.macs.sort_unstable_by_key(|(name, _)| *name);
        entry_of(self.macs.iter().map(|(name, mac)| (*name, mac)), room)
    }

    /// The MACs of its sections so far.
    pub(crate) fn macs(&self) -> &[(SectionName, SectionMac)] {
        &self.macs
    }

    /// The row so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
