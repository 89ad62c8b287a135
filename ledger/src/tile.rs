//! Tiles and entry bundles of C2SP tlog-tiles: their paths, their widths and their bytes.

use std::fmt;
use std::str::FromStr;

/// Hashes in a full tile and entries in a full bundle (C2SP tlog-tiles, "Merkle Tree").
pub const FULL_WIDTH: u16 = 256;

/// Bytes of an entry (docs/log-format.md, section 1).
pub const ENTRY_BYTES: usize = 33;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Hashes of complete subtrees of `256^level` leaves; 0 to 63.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// Names one tile: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TilePath {
    level: Level,
    index: u64,
    width: u16,
}

/// A path or a bundle that is not of the form that C2SP tlog-tiles gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The path is not one of a tile.
    #[error(
        "`{path}` is not the path of a tile: {why}; expected `tile/<level>/<index>[.p/<width>]` or `tile/entries/...`, as in `tile/0/x001/x234/067.p/5`"
    )]
    Path {
        /// The path as found, cut off at 80 characters.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A bundle does not consist of entries of 33 bytes, each after its length.
    #[error("the entry bundle breaks off or has an entry of another length than 33 bytes, at byte {at}")]
    Bundle {
        /// Offset of the entry's length.
        at: usize,
    },
}

impl TilePath {
    /// Names the tile `index` of `level` with `width` hashes or entries, 256 for a full one.
    ///
    /// # Errors
    /// When the level is above 63 or the width is not 1 to 256.
    pub fn new(level: Level, index: u64, width: u16) -> Result<Self, TileError> {
        let tile = Self { level, index, width };
        let why = match level {
            Level::Hashes(64..) => "the level is above 63",
            _ if width == 0 || width > FULL_WIDTH => "the width is not 1 to 256",
            _ => return Ok(tile),
        };
        Err(TileError::Path {
            path: tile.to_string(),
            why,
        })
    }

    /// What the tile holds.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Its place within the level, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Its hashes or entries, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether a tree of `size` leaves has this many hashes at this place.
    #[must_use]
    pub fn within(&self, size: u64) -> bool {
        let level = match self.level {
            Level::Hashes(level) => level,
            Level::Entries => 0,
        };
        let hashes = hashes_at(level, size);
        let end = u128::from(self.index) * 256 + u128::from(self.width);
        end <= u128::from(hashes)
    }
}

/// Number of hashes at `level` for a tree of `size` leaves: `floor(size / 256^level)`.
#[must_use]
pub fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::Hashes(level) => write!(f, "tile/{level}/")?,
            Level::Entries => f.write_str("tile/entries/")?,
        }
        // Groups of three digits, most significant first; u64::MAX has seven.
        let digits = self.index.to_string();
        let padded = format!("{:0>width$}", digits, width = digits.len().div_ceil(3) * 3);
        let groups = padded.len() / 3;
        for (place, digit) in padded.chars().enumerate() {
            if place % 3 == 0 {
                if place > 0 {
                    f.write_str("/")?;
                }
                if place / 3 + 1 < groups {
                    f.write_str("x")?;
                }
            }
            write!(f, "{digit}")?;
        }
        if self.width == FULL_WIDTH {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width)
        }
    }
}

impl FromStr for TilePath {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        parse(path).map_err(|why| TileError::Path {
            path: path.chars().take(80).collect(),
            why,
        })
    }
}

fn parse(path: &str) -> Result<TilePath, &'static str> {
    let rest = path.strip_prefix("tile/").ok_or("it does not start with `tile/`")?;
    let (level, rest) = rest.split_once('/').ok_or("it has no index")?;
    let level = match level {
        "entries" => Level::Entries,
        number => match decimal(number) {
            Some(number @ 0..=63) => Level::Hashes(number as u8),
            _ => return Err("the level is neither `entries` nor a number from 0 to 63"),
        },
    };
    let (index, width) = match rest.split_once(".p/") {
        None => (rest, FULL_WIDTH),
        Some((index, width)) => match decimal(width) {
            Some(width @ 1..=255) => (index, width as u16),
            _ => return Err("the width after `.p/` is not a number from 1 to 255"),
        },
    };
    let mut number = 0u64;
    let mut groups = index.split('/').peekable();
    let mut leading = true;
    while let Some(group) = groups.next() {
        let digits = match groups.peek() {
            Some(_) => group
                .strip_prefix('x')
                .ok_or("all groups but the last begin with `x`")?,
            None => group,
        };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err("the index is not in groups of three digits");
        }
        if leading && groups.peek().is_some() && digits == "000" {
            return Err("the index begins with an empty group");
        }
        leading = false;
        let value: u64 = digits.parse().map_err(|_| "the index is not a number")?;
        number = number
            .checked_mul(1000)
            .and_then(|n| n.checked_add(value))
            .ok_or("the index is larger than any log")?;
    }
    TilePath::new(level, number, width).map_err(|_| "the level or the width is out of range")
}

/// A number without sign or leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    if plain { text.parse().ok() } else { None }
}

/// Bytes of an entry bundle: each entry after its length as u16 big-endian (C2SP tlog-tiles, "Log entries").
#[must_use]
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8; ENTRY_BYTES]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(&(ENTRY_BYTES as u16).to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}

/// Reads an entry bundle of one of our logs.
///
/// # Errors
/// Names the byte where the bundle breaks off or an entry has another length than 33.
pub fn parse_bundle(bytes: &[u8]) -> Result<Vec<[u8; ENTRY_BYTES]>, TileError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let wrong = TileError::Bundle {
            at: bytes.len() - rest.len(),
        };
        let Some((length, after)) = rest.split_first_chunk::<2>() else {
            return Err(wrong);
        };
        let Some((entry, after)) = after.split_first_chunk::<ENTRY_BYTES>() else {
            return Err(wrong);
        };
        if usize::from(u16::from_be_bytes(*length)) != ENTRY_BYTES {
            return Err(wrong);
        }
        entries.push(*entry);
        rest = after;
    }
    Ok(entries)
}
