//! ODRL 2.2 whole: every construct of the Information Model read, and judged node by node in the plainest way there is.
//!
//! This is the oracle and decides nothing: what does is [`crate::compiled`], and both have to come to the same at every node, which
//! is tested on generated policies and on every case that `herleid policy suite` runs. What a connector publishes and accepts is
//! narrower ([`crate::Policy`] reads what can be seen to at every request and refuses the rest by name); nothing here widens that.
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
