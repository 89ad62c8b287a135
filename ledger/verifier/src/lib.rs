//! The auditor's part: dossiers, offline verification, and what people read of it. Opens no socket, reads no clock.
//!
//! [`dossier`] reads and writes the one form of zip, [`anchors`] what the auditor knows from elsewhere, [`verify`] gives every
//! element of a dossier its verdict, and [`case`] is what the records tell. `docs/dossier-format.md` describes the files.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod anchors;
pub mod case;
pub mod dossier;
mod object;
pub mod prov;
pub mod replay;
pub mod report;
pub mod ro_crate;
pub mod timestamp;
mod verify;

pub use verify::{
    Check, Collusion, Element, Explained, Fingerprint, Language, Reason, Report, StatedBy, Verdict, Verified, Why,
    verify,
};

/// 32 bytes from 64 lower-case hex digits.
pub(crate) fn hex32(text: &str) -> Option<[u8; 32]> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
