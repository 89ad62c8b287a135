//! The Dataspace Protocol core, against the protocol's schemas, against itself, and against nonsense.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(unreachable_pub, reason = "nothing outside of a test crate can reach anything")]

mod bounded;
mod catalog;
mod common;
mod converge;
mod fuzz;
mod process;
mod refused;
mod repeats;
mod samples;
mod schemas;
mod sim;
mod spec;
mod table;
