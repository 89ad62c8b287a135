//! Why a file is not a dossier's archive.

/// Why a file is refused as an archive, or one of its entries as damaged.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file could not be read.
    #[error("the dossier cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is not a zip at all.
    #[error("not a dossier: expected a zip file, found {bytes} bytes that do not begin as one")]
    NotArchive {
        /// Length of the file.
        bytes: u64,
    },
    /// The end record is not there.
    #[error("the dossier is truncated: {bytes} bytes, and the end record of the zip is not among them; fetch it again")]
    Truncated {
        /// Length of the file.
        bytes: u64,
    },
    /// Something stands after the end record.
    #[error("{bytes} bytes stand after the end of the zip; a dossier has none")]
    AfterEnd {
        /// How many.
        bytes: u64,
    },
    /// The headers describe another layout than one entry after the other from the first byte on.
    #[error("the zip's structure is refused at byte {at}: {why}")]
    Structure {
        /// Offset of the header in question.
        at: u64,
        /// What was found and expected.
        why: &'static str,
    },
    /// Zip64, which a dossier does not use.
    #[error("the zip uses zip64; a dossier has at most 65534 files and 4 GiB")]
    Zip64,
    /// A name that a dossier cannot hold.
    #[error("the file name `{name}` is refused: {why}")]
    Name {
        /// The name, with everything outside printable ASCII escaped.
        name: String,
        /// Which rule it breaks.
        why: &'static str,
    },
    /// Two entries that one folder cannot hold on every system.
    #[error("the file names `{first}` and `{second}` collide")]
    Collision {
        /// The one that came first.
        first: String,
        /// The other; equal to `first` for a duplicate.
        second: String,
    },
    /// The entries claim to unpack to more than is allowed: checked before any is unpacked.
    #[error("the dossier would unpack to {unpacked} bytes from {packed}; at most {limit} are allowed")]
    Bomb {
        /// Bytes that the headers claim.
        unpacked: u64,
        /// Length of the file.
        packed: u64,
        /// Bytes allowed for a file of this length.
        limit: u64,
    },
    /// One entry's bytes do not agree with its header.
    #[error("`{name}` is damaged: {why}")]
    Damaged {
        /// The entry.
        name: String,
        /// What does not agree.
        why: &'static str,
    },
    /// A file that has to be read as a whole is longer than such a file may be.
    #[error("`{name}` has {bytes} bytes, at most {limit} are read")]
    TooLong {
        /// The entry.
        name: String,
        /// Its length.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// No entry of that name.
    #[error("`{name}` is not in the dossier")]
    Absent {
        /// The name asked for.
        name: String,
    },
}

impl ArchiveError {
    /// The entry that the refusal is about, where it is about one.
    #[must_use]
    pub fn entry(&self) -> Option<&str> {
        match self {
            Self::Name { name, .. }
            | Self::Damaged { name, .. }
            | Self::TooLong { name, .. }
            | Self::Absent { name } => Some(name),
            Self::Collision { second, .. } => Some(second),
            _ => None,
        }
    }
}
