//! The three headers of a zip (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.16), in the one form that dossiers use:
//! flags 0, version 2.0, time 1 January 1980, no attributes, no extra field, no comment.

use super::FileName;

pub(super) const LOCAL_BYTES: u64 = 30;
pub(super) const CENTRAL_BYTES: usize = 46;
pub(super) const END_BYTES: usize = 22;
pub(super) const LOCAL_SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const CENTRAL_SIGNATURE: [u8; 4] = *b"PK\x01\x02";
pub(super) const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
/// Version 2.0: the first with deflate.
const VERSION: u16 = 20;
/// 1 January 1980, 00:00: the earliest that the format can write, so that equal cases give equal bytes.
const DOS_DATE: u16 = 0x0021;

/// How an entry's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// As they are.
    Stored,
    /// RFC 1951.
    Deflated,
}

impl Method {
    const fn code(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }
}

/// What the headers say of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: FileName,
    pub(super) method: Method,
    pub(super) crc32: u32,
    pub(super) packed: u32,
    pub(super) unpacked: u32,
    /// Where the local header begins.
    pub(super) offset: u32,
}

impl Header {
    /// Bytes from the local header's first to the packed content's last.
    pub(super) fn span(&self) -> u64 {
        self.content_offset() - u64::from(self.offset) + u64::from(self.packed)
    }

    /// Where the packed content begins.
    pub(super) fn content_offset(&self) -> u64 {
        u64::from(self.offset) + LOCAL_BYTES + self.name.as_str().len() as u64
    }

    fn name_length(&self) -> u16 {
        // At most 255, by `FileName`.
        u16::try_from(self.name.as_str().len()).unwrap_or(u16::MAX)
    }

    /// The part that both headers share.
    fn shared(&self, out: &mut Vec<u8>) {
        for field in [VERSION, 0, self.method.code(), 0, DOS_DATE] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [self.crc32, self.packed, self.unpacked] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&self.name_length().to_le_bytes());
        out.extend_from_slice(&[0; 2]);
    }

    /// The local header with the name.
    pub(super) fn local(&self) -> Vec<u8> {
        let mut out = LOCAL_SIGNATURE.to_vec();
        self.shared(&mut out);
        out.extend_from_slice(self.name.as_str().as_bytes());
        out
    }

    /// The entry in the central directory with the name.
    pub(super) fn central(&self) -> Vec<u8> {
        let mut out = CENTRAL_SIGNATURE.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        self.shared(&mut out);
        // Comment length, disk, internal attributes (2 bytes each), external attributes (4).
        out.extend_from_slice(&[0; 10]);
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(self.name.as_str().as_bytes());
        out
    }
}

/// The fields of a central header that differ from entry to entry, before the name is known to be good.
pub(super) struct RawCentral {
    pub(super) method: Method,
    pub(super) crc32: u32,
    pub(super) packed: u32,
    pub(super) unpacked: u32,
    pub(super) name_length: u16,
    pub(super) offset: u32,
}

/// Reads the fixed part of a central header; what it does not read is compared once the whole is known.
pub(super) fn read_central(fixed: &[u8; CENTRAL_BYTES]) -> Result<RawCentral, &'static str> {
    if !fixed.starts_with(&CENTRAL_SIGNATURE) {
        return Err("expected an entry of the central directory");
    }
    if u16_at(fixed, 8) & 1 != 0 {
        return Err("the entry is encrypted");
    }
    if u16_at(fixed, 8) & 8 != 0 {
        return Err("the entry has a data descriptor");
    }
    let method = match u16_at(fixed, 10) {
        0 => Method::Stored,
        8 => Method::Deflated,
        _ => return Err("the entry is neither stored nor deflated"),
    };
    Ok(RawCentral {
        method,
        crc32: u32_at(fixed, 16),
        packed: u32_at(fixed, 20),
        unpacked: u32_at(fixed, 24),
        name_length: u16_at(fixed, 28),
        offset: u32_at(fixed, 42),
    })
}

/// The end record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) entries: u16,
    pub(super) directory_bytes: u32,
    pub(super) directory_offset: u32,
}

impl End {
    /// Its bytes.
    pub(super) fn bytes(self) -> Vec<u8> {
        let mut out = END_SIGNATURE.to_vec();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&self.directory_bytes.to_le_bytes());
        out.extend_from_slice(&self.directory_offset.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out
    }

    /// Reads the fields that differ; the caller compares the rest with [`End::bytes`].
    pub(super) fn read(bytes: &[u8; END_BYTES]) -> Self {
        Self {
            entries: u16_at(bytes, 10),
            directory_bytes: u32_at(bytes, 12),
            directory_offset: u32_at(bytes, 16),
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |field| u16::from_le_bytes(*field))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |field| u32::from_le_bytes(*field))
}
