//! What all of Herleid shares and depends on nothing of ours: strict JSON, identifiers, times, terms, and the two things
//! that library code never takes for itself, a clock and randomness.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod did;
pub mod json;
pub mod reference;
pub mod rim;
pub mod skos;
pub mod terms;
pub mod time;
