//! The evaluator. A policy is compiled once, when it is read: terms resolved, right operands typed, actions worked out to the set
//! of those that they reach. At a request nothing is parsed, and as good as nothing allocated.
//!
//! This is what decides at a connector ([`crate::Policy`] holds its program) and what can judge any policy of ODRL 2.2
//! ([`Program::of`]). The plain evaluator in [`crate::odrl`], which looks at every node in order and prepares nothing, is what it
//! is held against: on generated policies of every construct both come to the same, node by node.

mod actions;
mod condition;
mod duty;
mod enforced;
mod judge;
mod known;
mod program;
mod purposes;
mod report;
mod values;
mod whole;

pub(crate) use enforced::Rules;
pub(crate) use judge::Fit;
pub use program::Program;
