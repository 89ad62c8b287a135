//! ODRL 2.2 whole: every construct of the Information Model read, and judged node by node in the plainest way there is.
//!
//! This is the measure, not what decides at a connector. There, [`crate::Policy`] reads what a connector can see to at every
//! request and refuses the rest by name; nothing here widens that. What both read must come out alike, which is tested on
//! generated policies. The suites of others ([`crate::odrl`] is what `herleid policy suite` runs) are judged here.
//!
//! Input is a [`Graph`]: of Turtle, made by the caller, or of JSON-LD, by [`Graph::of_json`]. Nothing is fetched.

mod actions;
mod canonical;
mod compare;
mod condition;
mod duties;
mod evaluate;
mod graph;
mod json;
mod model;
mod number;
mod outcome;
mod read;
mod read_condition;
mod read_rule;
mod value;
mod world;

pub(crate) use actions::Actions;
#[cfg(test)]
pub(crate) use actions::full as full_action;
pub use graph::{Graph, Term};
pub use model::{Atomic, Condition, Parties, Policy, Rule, Thing};
pub use number::{Decimal, Duration};
pub use outcome::{Deontic, DutyReport, EVALUATION, Evaluation, NodeState, RuleReport};
pub use read::{Reading, read};
pub use value::{Quantity, Value};
pub(crate) use world::Values;
pub use world::{Ask, Leniencies, Leniency, Performance, World};
