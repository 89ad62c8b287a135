//! Writing a dossier's zip: the same files in the same order give the same bytes.

use super::layout::{End, Header, Method};
use super::manifest::{Listed, sha256};
use super::{
    ArchiveError, FileName, MANIFEST, MANIFEST_PROOF, MANIFEST_SIGNATURE, MAX_ENTRIES, MAX_UNPACKED_BYTES, Manifest,
    ManifestError, ManifestHead,
};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom, Write};

/// Files up to this length are held in memory and deflated when that makes them smaller; longer ones are stored as they
/// pass, so that memory stays constant: 8 MiB.
const DEFLATE_UP_TO_BYTES: u64 = 8 << 20;
/// Deflated only up to this ratio, half of what readers accept for a whole dossier.
const MAX_WRITTEN_RATIO: usize = 100;
const BUFFER_BYTES: usize = 64 << 10;

/// Why a dossier could not be written. Nothing written before is of use then: discard the output.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Reading a file or writing the output failed.
    #[error("writing the dossier failed: {0}")]
    Io(#[from] std::io::Error),
    /// A name that no dossier can hold, or that is taken.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The manifest could not be made.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// More files than a zip without zip64 can count.
    #[error("a dossier holds at most {MAX_ENTRIES} files")]
    TooMany,
    /// More bytes than a dossier holds.
    #[error("`{name}` makes the dossier larger than 4 GiB; leave data out and say so in missing.json")]
    TooLarge {
        /// The file that did not fit.
        name: String,
    },
}

/// A dossier being written. Files go to the output at once, in the order in which they are added.
#[derive(Debug)]
pub struct DossierWriter<W> {
    out: Zip<W>,
    head: ManifestHead,
    files: BTreeMap<FileName, Listed>,
}

impl<W: Write + Seek> DossierWriter<W> {
    /// Begins at the output's position 0, which must be its end.
    pub const fn new(out: W, head: ManifestHead) -> Self {
        Self {
            out: Zip {
                out,
                headers: Vec::new(),
                folded: BTreeSet::new(),
                offset: 0,
                unpacked: 0,
            },
            head,
            files: BTreeMap::new(),
        }
    }

    /// Adds a file whose content is at hand.
    ///
    /// # Errors
    /// When the name is refused or taken, the dossier is full, or writing fails.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        self.add_reader(name, content).map(|_| ())
    }

    /// Adds a file from a reader, in constant memory; gives its SHA-256 and length in bytes.
    ///
    /// # Errors
    /// As [`DossierWriter::add`], and when reading fails.
    pub fn add_reader(&mut self, name: &str, content: impl Read) -> Result<([u8; 32], u64), WriteError> {
        let file = FileName::parse(name.as_bytes())?;
        if [MANIFEST, MANIFEST_SIGNATURE, MANIFEST_PROOF].contains(&name) {
            return Err(ArchiveError::Name {
                name: name.to_owned(),
                why: "it is a manifest file, which only `finish` and `seal` write",
            }
            .into());
        }
        let listed = self.out.write(&file, content)?;
        self.files.insert(file, listed);
        Ok((listed.sha256, listed.bytes))
    }

    /// The files so far, by name, as the manifest will list them.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Listed)> {
        self.files.iter().map(|(name, listed)| (name.as_str(), listed))
    }

    /// Makes and writes the manifest: no file can be added any more, and the manifest can be signed and logged.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<Unsigned<W>, WriteError> {
        let Self { mut out, head, files } = self;
        let manifest = Manifest { head, files }.to_bytes()?;
        out.write(&FileName::parse(MANIFEST.as_bytes())?, manifest.as_slice())?;
        Ok(Unsigned { out, manifest })
    }
}

/// A dossier that lacks its signature and its place in the log.
#[derive(Debug)]
pub struct Unsigned<W> {
    out: Zip<W>,
    manifest: Vec<u8>,
}

impl<W: Write + Seek> Unsigned<W> {
    /// SHA-256 of the manifest: what the `disclosed` record's `manifest` says.
    #[must_use]
    pub fn manifest_digest(&self) -> [u8; 32] {
        sha256(&self.manifest)
    }

    /// The manifest itself.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest
    }

    /// The text that the party's log key signs as a note.
    #[must_use]
    pub fn text_to_sign(&self) -> String {
        super::signed_text(&self.manifest_digest())
    }

    /// Adds the signed note and the handed-over `disclosed` record, closes the zip and gives the output back, flushed.
    ///
    /// # Errors
    /// When writing fails.
    pub fn seal(mut self, signature_note: &[u8], proof_record: &[u8]) -> Result<W, WriteError> {
        self.out
            .write(&FileName::parse(MANIFEST_SIGNATURE.as_bytes())?, signature_note)?;
        self.out
            .write(&FileName::parse(MANIFEST_PROOF.as_bytes())?, proof_record)?;
        self.out.close()
    }
}

/// The zip under construction.
#[derive(Debug)]
struct Zip<W> {
    out: W,
    headers: Vec<Header>,
    /// Names in lower case, and the folders they imply with a `/` at the end.
    folded: BTreeSet<String>,
    offset: u64,
    unpacked: u64,
}

impl<W: Write + Seek> Zip<W> {
    fn take_name(&mut self, name: &FileName) -> Result<(), WriteError> {
        let folded = name.folded();
        let folders = folded.match_indices('/').filter_map(|(at, _)| folded.get(..at));
        let taken = self.folded.contains(&folded)
            || self.folded.contains(&format!("{folded}/"))
            || folders.clone().any(|folder| self.folded.contains(folder));
        if taken {
            return Err(ArchiveError::Collision {
                first: name.to_string(),
                second: name.to_string(),
            }
            .into());
        }
        let folders: Vec<String> = folders.map(|folder| format!("{folder}/")).collect();
        self.folded.extend(folders);
        self.folded.insert(folded);
        Ok(())
    }

    fn write(&mut self, name: &FileName, mut content: impl Read) -> Result<Listed, WriteError> {
        if self.headers.len() == MAX_ENTRIES {
            return Err(WriteError::TooMany);
        }
        self.take_name(name)?;
        let mut head = Vec::new();
        content.by_ref().take(DEFLATE_UP_TO_BYTES + 1).read_to_end(&mut head)?;
        let mut header = Header {
            name: name.clone(),
            method: Method::Stored,
            crc32: 0,
            packed: 0,
            unpacked: 0,
            offset: self.position(self.offset, name)?,
        };
        let listed = if head.len() as u64 <= DEFLATE_UP_TO_BYTES {
            self.write_small(&mut header, &head)?
        } else {
            self.write_long(&mut header, head.as_slice().chain(content))?
        };
        self.unpacked += listed.bytes;
        self.offset += header.span();
        if self.unpacked > MAX_UNPACKED_BYTES {
            return Err(WriteError::TooLarge { name: name.to_string() });
        }
        self.headers.push(header);
        Ok(listed)
    }

    fn position(&self, offset: u64, name: &FileName) -> Result<u32, WriteError> {
        // One below the mark of zip64.
        match u32::try_from(offset) {
            Ok(position) if position < u32::MAX => Ok(position),
            _ => Err(WriteError::TooLarge { name: name.to_string() }),
        }
    }

    fn write_small(&mut self, header: &mut Header, content: &[u8]) -> Result<Listed, WriteError> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content)?;
        let deflated = encoder.finish()?;
        let worth = deflated.len() < content.len() && content.len() <= deflated.len() * MAX_WRITTEN_RATIO;
        let packed = if worth { deflated.as_slice() } else { content };
        let mut crc = Crc::new();
        crc.update(content);
        header.method = if worth { Method::Deflated } else { Method::Stored };
        header.crc32 = crc.sum();
        header.packed = self.position(packed.len() as u64, &header.name)?;
        header.unpacked = self.position(content.len() as u64, &header.name)?;
        self.out.write_all(&header.local())?;
        self.out.write_all(packed)?;
        Ok(Listed {
            sha256: sha256(content),
            bytes: content.len() as u64,
        })
    }

    /// Writes the content first and its header, which holds the digest's and the length's results, afterwards.
    fn write_long(&mut self, header: &mut Header, mut content: impl Read) -> Result<Listed, WriteError> {
        self.out.write_all(&header.local())?;
        let (mut crc, mut digest, mut bytes) = (Crc::new(), Sha256::new(), 0u64);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let n = content.read(&mut buffer)?;
            let piece = buffer.get(..n).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            bytes += piece.len() as u64;
            self.position(self.offset.saturating_add(bytes), &header.name)?;
            crc.update(piece);
            digest.update(piece);
            self.out.write_all(piece)?;
        }
        header.crc32 = crc.sum();
        header.packed = self.position(bytes, &header.name)?;
        header.unpacked = header.packed;
        self.out.seek(SeekFrom::Start(u64::from(header.offset)))?;
        self.out.write_all(&header.local())?;
        self.out.seek(SeekFrom::Start(self.offset + header.span()))?;
        Ok(Listed {
            sha256: digest.finalize().into(),
            bytes,
        })
    }

    fn close(mut self) -> Result<W, WriteError> {
        let name = FileName::parse(MANIFEST.as_bytes())?;
        let directory_offset = self.position(self.offset, &name)?;
        let mut directory = Vec::new();
        for header in &self.headers {
            directory.extend_from_slice(&header.central());
        }
        let end = End {
            // At most `MAX_ENTRIES`, checked as they were written.
            entries: u16::try_from(self.headers.len()).map_err(|_| WriteError::TooMany)?,
            directory_bytes: self.position(directory.len() as u64, &name)?,
            directory_offset,
        };
        self.out.write_all(&directory)?;
        self.out.write_all(&end.bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}
