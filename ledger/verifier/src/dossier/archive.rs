//! Reading a dossier's zip.

use super::inflate::unpack;
use super::layout::{CENTRAL_BYTES, END_BYTES, END_SIGNATURE, End, Header, LOCAL_SIGNATURE, read_central};
use super::{ArchiveError, FileName, MAX_ENTRIES, MAX_NAME_BYTES, MAX_RATIO, MAX_UNPACKED_BYTES, RATIO_FREE_BYTES};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};

/// A zip whose whole structure has been checked; contents are checked as they are read.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    headers: BTreeMap<String, Header>,
}

/// One file of the archive, as its headers describe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its length, unpacked, in bytes.
    pub bytes: u64,
}

/// Both digests of a file's content and its length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256 (FIPS 180-4).
    pub sha256: [u8; 32],
    /// BLAKE3, 32 bytes.
    pub blake3: [u8; 32],
    /// Length in bytes.
    pub bytes: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Checks the structure of the whole file: end record, central directory, every local header, names, sizes. Nothing
    /// is unpacked, and memory depends on the number of entries only.
    ///
    /// # Errors
    /// Says which structure was found where, and what was expected.
    pub fn open(mut reader: R) -> Result<Self, ArchiveError> {
        let bytes = reader.seek(SeekFrom::End(0))?;
        let end = read_end(&mut reader, bytes)?;
        let list = read_directory(&mut reader, end)?;
        let unpacked = list.iter().map(|header| u64::from(header.unpacked)).sum();
        let limit = MAX_UNPACKED_BYTES.min(RATIO_FREE_BYTES.saturating_add(bytes.saturating_mul(MAX_RATIO)));
        if unpacked > limit {
            return Err(ArchiveError::Bomb {
                unpacked,
                packed: bytes,
                limit,
            });
        }
        refuse_collisions(&list)?;
        for header in &list {
            check_local(&mut reader, header)?;
        }
        let headers = list
            .into_iter()
            .map(|header| (header.name.to_string(), header))
            .collect();
        Ok(Self { reader, headers })
    }

    /// The files, in the order of their names.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.headers.values().map(|header| Entry {
            name: header.name.as_str(),
            bytes: u64::from(header.unpacked),
        })
    }

    /// Whether there is a file of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Unpacks one file into `sink`, piece by piece.
    ///
    /// # Errors
    /// When there is no such file, it is damaged, or reading or `sink` fails.
    pub fn stream(
        &mut self,
        name: &str,
        sink: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), ArchiveError> {
        let header = self
            .headers
            .get(name)
            .ok_or_else(|| ArchiveError::Absent { name: name.to_owned() })?;
        self.reader.seek(SeekFrom::Start(header.content_offset()))?;
        unpack(&mut self.reader, header, sink)
    }

    /// One file as a whole; refused before reading when it is longer than `limit` bytes.
    ///
    /// # Errors
    /// As [`Archive::stream`], and when the file is too long.
    pub fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, ArchiveError> {
        if let Some(header) = self.headers.get(name)
            && u64::from(header.unpacked) > limit
        {
            return Err(ArchiveError::TooLong {
                name: name.to_owned(),
                bytes: u64::from(header.unpacked),
                limit,
            });
        }
        let mut content = Vec::new();
        self.stream(name, &mut |piece| {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(content)
    }

    /// Writes one file to `out`, as when a model is unpacked to be run again.
    ///
    /// # Errors
    /// As [`Archive::stream`].
    pub fn copy_to(&mut self, name: &str, out: &mut dyn Write) -> Result<(), ArchiveError> {
        self.stream(name, &mut |piece| out.write_all(piece))
    }

    /// Both digests of one file, in constant memory.
    ///
    /// # Errors
    /// As [`Archive::stream`].
    pub fn digests(&mut self, name: &str) -> Result<Digests, ArchiveError> {
        let (mut sha256, mut blake3, mut bytes) = (Sha256::new(), blake3::Hasher::new(), 0);
        self.stream(name, &mut |piece| {
            sha256.update(piece);
            blake3.update(piece);
            bytes += piece.len() as u64;
            Ok(())
        })?;
        Ok(Digests {
            sha256: sha256.finalize().into(),
            blake3: *blake3.finalize().as_bytes(),
            bytes,
        })
    }
}

fn read_end<R: Read + Seek>(reader: &mut R, bytes: u64) -> Result<End, ArchiveError> {
    let mut start = Vec::new();
    reader.seek(SeekFrom::Start(0))?;
    reader.by_ref().take(4).read_to_end(&mut start)?;
    if start != LOCAL_SIGNATURE && start != END_SIGNATURE {
        return Err(ArchiveError::NotArchive { bytes });
    }
    // As far as other readers would look for the end record: a comment has at most 65,535 bytes.
    let window = bytes.min(END_BYTES as u64 + 0xffff);
    let mut tail = Vec::new();
    reader.seek(SeekFrom::Start(bytes - window))?;
    reader.by_ref().take(window).read_to_end(&mut tail)?;
    let Some(last) = tail.last_chunk::<END_BYTES>() else {
        return Err(ArchiveError::Truncated { bytes });
    };
    if !last.starts_with(&END_SIGNATURE) {
        return Err(match end_within(&tail, bytes - window) {
            Some(after) => ArchiveError::AfterEnd { bytes: after },
            None => ArchiveError::Truncated { bytes },
        });
    }
    let at = bytes - END_BYTES as u64;
    let end = End::read(last);
    if end.entries == u16::MAX || end.directory_bytes == u32::MAX || end.directory_offset == u32::MAX {
        return Err(ArchiveError::Zip64);
    }
    if end.bytes() != last.as_slice() {
        return Err(structure(
            at,
            "the end record has a comment, another disk, or two counts",
        ));
    }
    if u64::from(end.directory_offset) + u64::from(end.directory_bytes) != at {
        return Err(structure(
            at,
            "the central directory does not end where the end record begins",
        ));
    }
    let longest = usize::from(end.entries) * (CENTRAL_BYTES + MAX_NAME_BYTES);
    if usize::from(end.entries) > MAX_ENTRIES || u64::from(end.directory_bytes) > longest as u64 {
        return Err(structure(at, "the central directory is longer than its entries can be"));
    }
    Ok(end)
}

/// How many bytes follow the last end record in `tail` that fits its own place (a stored file may hold another zip).
fn end_within(tail: &[u8], tail_offset: u64) -> Option<u64> {
    let last = tail.len().checked_sub(END_BYTES)?;
    (0..last).rev().find_map(|at| {
        let record = tail.get(at..)?.first_chunk::<END_BYTES>()?;
        let end = End::read(record);
        let place = u64::from(end.directory_offset) + u64::from(end.directory_bytes);
        (record.starts_with(&END_SIGNATURE) && place == tail_offset + at as u64)
            .then(|| (tail.len() - at - END_BYTES) as u64)
    })
}

const fn structure(at: u64, why: &'static str) -> ArchiveError {
    ArchiveError::Structure { at, why }
}

/// The entries in the order in which they stand, which is one after the other from byte 0 on.
fn read_directory<R: Read + Seek>(reader: &mut R, end: End) -> Result<Vec<Header>, ArchiveError> {
    let start = u64::from(end.directory_offset);
    let mut directory = Vec::new();
    reader.seek(SeekFrom::Start(start))?;
    reader
        .by_ref()
        .take(u64::from(end.directory_bytes))
        .read_to_end(&mut directory)?;
    let (mut rest, mut next, mut list) = (directory.as_slice(), 0u64, Vec::new());
    for _ in 0..end.entries {
        let at = start + (directory.len() - rest.len()) as u64;
        let Some((fixed, after)) = rest.split_first_chunk::<CENTRAL_BYTES>() else {
            return Err(structure(at, "the central directory is cut off"));
        };
        let raw = read_central(fixed).map_err(|why| structure(at, why))?;
        let Some((name, after)) = after.split_at_checked(usize::from(raw.name_length)) else {
            return Err(structure(at, "the central directory is cut off"));
        };
        let header = Header {
            name: FileName::parse(name)?,
            method: raw.method,
            crc32: raw.crc32,
            packed: raw.packed,
            unpacked: raw.unpacked,
            offset: raw.offset,
        };
        let written = header.central();
        if rest.get(..written.len()) != Some(written.as_slice()) {
            return Err(structure(
                at,
                "the entry has flags, a time, attributes, an extra field or a comment; dossiers have none",
            ));
        }
        if u64::from(header.offset) != next {
            return Err(structure(at, "the entry does not begin where the one before it ends"));
        }
        if header.method == super::layout::Method::Stored && header.packed != header.unpacked {
            return Err(structure(at, "a stored entry has two lengths"));
        }
        next += header.span();
        list.push(header);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(structure(start, "the central directory has bytes after its last entry"));
    }
    if next != start {
        return Err(structure(
            start,
            "bytes stand between the last entry and the central directory",
        ));
    }
    Ok(list)
}

/// Two names that differ in case only, and a file where another name has a folder, cannot both be unpacked everywhere.
fn refuse_collisions(list: &[Header]) -> Result<(), ArchiveError> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let collision = |first: &str, second: &str| ArchiveError::Collision {
        first: first.to_owned(),
        second: second.to_owned(),
    };
    for header in list {
        if let Some(first) = seen.insert(header.name.folded(), header.name.as_str()) {
            return Err(collision(first, header.name.as_str()));
        }
    }
    for header in list {
        let folded = header.name.folded();
        for (at, _) in folded.match_indices('/') {
            if let Some(first) = folded.get(..at).and_then(|folder| seen.get(folder)) {
                return Err(collision(first, header.name.as_str()));
            }
        }
    }
    Ok(())
}

fn check_local<R: Read + Seek>(reader: &mut R, header: &Header) -> Result<(), ArchiveError> {
    let expected = header.local();
    let mut found = Vec::with_capacity(expected.len());
    reader.seek(SeekFrom::Start(u64::from(header.offset)))?;
    reader.by_ref().take(expected.len() as u64).read_to_end(&mut found)?;
    if found == expected {
        Ok(())
    } else {
        Err(ArchiveError::Damaged {
            name: header.name.to_string(),
            why: "its local header and the central directory disagree",
        })
    }
}
