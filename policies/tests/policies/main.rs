//! Tests of the whole crate, in one program so that it is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod before;
mod common;
mod compiled;
mod compiled_cases;
mod compiled_generated;
mod compiled_spelling;
mod compiled_worlds;
mod decisions;
mod denied;
mod difference;
mod difference_areas;
mod docs;
mod duties;
mod eras;
mod examples;
mod explanations;
mod generated;
mod kept;
mod limits;
mod obligations;
mod one_sided;
mod plain;
mod properties;
mod published;
mod ready_made;
mod refusals;
mod spelling;
mod suite;
mod volume;
mod whole;
mod whole_properties;
mod whole_reading;
