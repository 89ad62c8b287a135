//! Herleid: a data-space connector with a signed provenance ledger built in.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod cli;
pub mod config;
pub mod control;
pub mod dsp;
pub mod messages;
pub mod models;
pub mod net;
pub mod rim;
