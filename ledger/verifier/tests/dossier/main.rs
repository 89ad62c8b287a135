//! Whole dossiers: honest ones, altered ones, and those of parties that lie. Each is judged twice, by this crate and by
//! `verify.py`, which must come to the same exit code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod arrays;
mod build;
mod copies;
mod dids;
mod erasures;
mod failed;
mod flips;
mod forgeries;
mod honest;
mod hostile;
mod identity;
mod judge;
mod lie;
mod lies;
mod log;
mod pieces;
mod runs;
mod segments;
mod texts;
mod withheld;
mod world;
mod zip;
