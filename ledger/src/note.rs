//! C2SP signed-note: a text, a blank line, and signature lines; the keys that make and check them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

mod key;
pub use key::{Algorithm, Signer, Verifier, key_id, name_allowed};

/// Most signature lines that a note may have. C2SP asks for 16 at least; 64 leaves room for every witness and key change.
pub const MAX_SIGNATURES: usize = 64;

/// Longest note: 64 lines of 3,300 bytes (an ML-DSA-44 cosignature of 2,432 bytes in base64, a long name) are 211,200
/// bytes, which leaves 50,000 for the text.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;

/// Why a note or a key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The text is not a signed note.
    #[error("not a signed note: {why}")]
    Form {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A signature line is not of the form `— <name> <base64>`.
    #[error("signature line {line} of the note is not `— <name> <base64 of key id and signature>`")]
    SignatureLine {
        /// Counted from 1.
        line: usize,
    },
    /// A verifier key is not of the form that C2SP gives.
    #[error("`{vkey}` is not a verifier key: {why}; expected `<name>+<8 hex digits>+<base64>`")]
    Vkey {
        /// The key as found, cut off at 120 characters.
        vkey: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A name that no key can have.
    #[error("`{name}` cannot name a key: expected a text without spaces, control characters and `+`")]
    Name {
        /// The name as found.
        name: String,
    },
    /// A signature by a known key does not verify.
    #[error("the signature of `{name}` (key {id:08x}) does not verify: the note was altered, or signed by another key")]
    BadSignature {
        /// Name of the key.
        name: String,
        /// Id of the key.
        id: u32,
    },
    /// No line is by a known key.
    #[error("the note has no signature by {expected}")]
    Unsigned {
        /// The keys that were looked for.
        expected: String,
    },
}

const fn form(why: &'static str) -> NoteError {
    NoteError::Form { why }
}

/// One line below a note: who signed, and the bytes, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SignatureLine {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

impl SignatureLine {
    /// Reads `— <name> <base64>`, without a newline.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (id, bytes) = decoded.split_first_chunk::<4>()?;
        if !name_allowed(name) || bytes.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }

    /// Whether the line claims to be by this key. The signature is not checked.
    pub(crate) fn is_by(&self, verifier: &Verifier) -> bool {
        self.name == verifier.name() && self.id == verifier.id()
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(f, "— {} {}", self.name, STANDARD.encode(bytes))
    }
}

/// A signature that was checked: which of the known keys made it, and when it says it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    name: String,
    id: u32,
    time_s: Option<u64>,
}

impl VerifiedSignature {
    /// Name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Seconds since 1970, for a cosignature.
    #[must_use]
    pub const fn time_s(&self) -> Option<u64> {
        self.time_s
    }
}

/// A note as parsed: a text and signature lines, nothing checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<SignatureLine>,
}

impl SignedNote {
    /// A note over `text` with these lines.
    ///
    /// # Errors
    /// When the text does not end in a newline, holds control characters, or there are no lines or too many.
    pub fn new(text: &str, signatures: Vec<SignatureLine>) -> Result<Self, NoteError> {
        if !text.ends_with('\n') {
            return Err(form("the text does not end in a newline"));
        }
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(form("it holds a control character"));
        }
        match signatures.len() {
            0 => Err(form("it has no signature")),
            1..=MAX_SIGNATURES => Ok(Self {
                text: text.to_owned(),
                signatures,
            }),
            _ => Err(form("it has more than 64 signatures")),
        }
    }

    /// Reads a note.
    ///
    /// # Errors
    /// When it is not one, or is longer than [`MAX_NOTE_BYTES`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(form("it is longer than 256 KiB"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| form("it is not UTF-8"))?;
        // The text itself may hold empty lines: the last one separates.
        let at = note
            .rfind("\n\n")
            .ok_or(form("it has no blank line before its signatures"))?;
        let (text, rest) = note.split_at(at + 1);
        let lines = rest
            .strip_prefix('\n')
            .and_then(|lines| lines.strip_suffix('\n'))
            .ok_or(form("its last line does not end in a newline"))?;
        let mut signatures = Vec::new();
        for (place, line) in lines.split('\n').enumerate() {
            if place == MAX_SIGNATURES {
                return Err(form("it has more than 64 signatures"));
            }
            let parsed = SignatureLine::parse(line).ok_or(NoteError::SignatureLine { line: place + 1 })?;
            signatures.push(parsed);
        }
        Self::new(text, signatures)
    }

    /// The text, which ends in a newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, unchecked, in their order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// The same note with `line` added, unless exactly that line is there already.
    ///
    /// # Errors
    /// When the note has [`MAX_SIGNATURES`] lines.
    pub fn with(mut self, line: SignatureLine) -> Result<Self, NoteError> {
        if !self.signatures.contains(&line) {
            self.signatures.push(line);
        }
        Self::new(&self.text, self.signatures)
    }

    /// The same note with one line for each of the `known` keys that signed it: the earliest of its own lines and `more`.
    /// Every line by a known key is checked; lines by other keys are left out, since they could fill the note up.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub(crate) fn merged(&self, more: &[SignatureLine], known: &[Verifier]) -> Result<Self, NoteError> {
        let lines = self.earliest(self.signatures.iter().chain(more), known)?;
        Self::new(&self.text, lines.into_iter().map(|(line, _)| line.clone()).collect())
    }

    /// Checks every line by one of the `known` keys, and gives each key's earliest; lines by other keys are left aside.
    ///
    /// # Errors
    /// When any line by a known key fails, and when there is no line by a known key.
    pub fn verify(&self, known: &[Verifier]) -> Result<Vec<VerifiedSignature>, NoteError> {
        let lines = self.earliest(self.signatures.iter(), known)?;
        let verified = lines.into_iter().map(|(line, time_s)| VerifiedSignature {
            name: line.name.clone(),
            id: line.id,
            time_s,
        });
        Ok(verified.collect())
    }

    /// Each known key's earliest line, checked, with its time. A cosignature says "this was there by then", so of two by one
    /// key the earlier says more, and the later nothing that the earlier does not.
    fn earliest<'a>(
        &self,
        lines: impl Iterator<Item = &'a SignatureLine>,
        known: &[Verifier],
    ) -> Result<Vec<(&'a SignatureLine, Option<u64>)>, NoteError> {
        let mut earliest: Vec<(&'a SignatureLine, Option<u64>)> = Vec::new();
        for line in lines {
            let Some(verifier) = known.iter().find(|verifier| line.is_by(verifier)) else {
                continue;
            };
            let time_s = verifier
                .check(&self.text, &line.bytes)
                .ok_or_else(|| NoteError::BadSignature {
                    name: line.name.clone(),
                    id: line.id,
                })?;
            match earliest.iter_mut().find(|(kept, _)| kept.is_by(verifier)) {
                Some(kept) if time_s < kept.1 => *kept = (line, time_s),
                Some(_) => {}
                None => earliest.push((line, time_s)),
            }
        }
        if earliest.is_empty() {
            let names: Vec<String> = known
                .iter()
                .map(|key| format!("`{}` (key {:08x})", key.name(), key.id()))
                .collect();
            let expected = if names.is_empty() {
                "a known key".to_owned()
            } else {
                names.join(" or ")
            };
            return Err(NoteError::Unsigned { expected });
        }
        Ok(earliest)
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
