//! Whole dossiers: honest ones, altered ones, and those of parties that lie. Each is judged twice, by this crate and by
//! `verify.py`, which must come to the same exit code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod build;
mod honest;
mod judge;
mod log;
mod world;
