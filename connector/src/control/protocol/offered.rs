//! `policy`: what a dataset or a model service of ours is offered under.

use super::Command;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `policy`: the offers of the newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    /// Dataset or model service.
    pub id: String,
}

impl Command for Offered {
    const NAME: &'static str = "policy";
    type Answer = OfferedAnswer;
}

/// Answer to `policy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferedAnswer {
    /// Dataset or model service.
    pub id: String,
    /// The version that these are of.
    pub version: String,
    /// The offers, as they stand in the catalogue.
    pub offers: Vec<Value>,
}
