//! The auditor's part: dossiers, offline verification, and what people read of it. Opens no socket, reads no clock.
//!
//! [`dossier`] reads and writes the one form of zip; `docs/dossier-format.md` describes what is in it.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod dossier;

/// 32 bytes from 64 lower-case hex digits.
pub(crate) fn hex32(text: &str) -> Option<[u8; 32]> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
