//! Records before they are in the log: kinds, what each kind needs, and drafts (docs/log-format.md, sections 3 to 6).

mod check;
mod draft;
mod envelope;
mod error;
mod found_by;
mod keys;
mod kind;
mod links;
mod rules;

pub(crate) use check::{MAX_KEY_BYTES, SealedDraft, listed};
pub use draft::Draft;
pub(crate) use draft::Reservation;
pub(crate) use envelope::Stamp;
pub use error::{DraftError, RuleError};
pub use keys::{Document, NotBefore, Side, StreamKey, Term};
pub use kind::{Kind, UnknownKind};
#[cfg(test)]
pub(crate) use links::Used;
pub(crate) use links::{Links, Subject};
pub use rules::{Requirements, Rule};
