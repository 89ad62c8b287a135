//! The contract of the durable log, through its public API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../rig/mod.rs"]
mod rig;

mod bounded;
mod closed;
mod cosigning;
mod damage;
mod erasing;
mod fatal;
mod formats;
mod lineage;
mod lineage_erased;
mod lineage_stored;
mod nothing;
mod numbers;
mod opening;
mod oracle;
mod reading;
mod records;
mod snapshots;
mod terms;
mod witnessing;
