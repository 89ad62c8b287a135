//! The signed provenance log: records made of sections, a C2SP tile log over them, checkpoints and witnesses.
//!
//! The pure part ([`merkle`], [`tile`], [`note`], [`checkpoint`], [`section`], [`exchange`], [`record`], [`handover`],
//! [`witness`], [`fork`], [`proof`], [`cose`]) touches neither disk nor socket nor clock; an auditor needs nothing else. [`Ledger`] is the durable log,
//! [`WitnessStore`] the memory of a witness for others.
//! The byte-level rules stand in `docs/log-format.md`.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod cose;
mod digits;
mod error;
pub mod exchange;
pub mod fork;
pub mod handover;
mod ledger;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod record;
mod seal;
mod secret;
pub mod section;
mod sha;
mod store;
pub mod tile;
pub mod witness;

pub use error::{AppendError, LedgerError};
pub use ledger::{Activity, Bounds, Direction, Edge, Follows, Lineage};
pub use ledger::{
    At, Audited, Entombed, EraseError, Erased, Erasure, Exported, Ground, Ledger, Options, Places, Recorded,
    StoredRecord, Target, UnknownGround, WitnessPolicy, fatal_abort,
};
pub use store::codec::StreamPlace;
pub use store::witnessed::{Page, WitnessStore};
