//! What a person sees at a command's end.

mod answers;
mod doctor;
mod duties;
mod erasing;
mod exports;
mod keeping;
mod negotiations;
mod payments;
mod plain;
mod reconcile;
mod retention;
mod table;
mod tree;

pub use answers::Shown;
pub use plain::{clean, size, when};
pub use table::Table;
pub use tree::tree;
