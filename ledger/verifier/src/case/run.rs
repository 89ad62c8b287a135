//! Sections as typed values: the members that docs/log-format.md section 6 names; others are left aside.

use serde::Deserialize;
use serde_json::Value;

/// An input of a run, in `run.inputs`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunInput {
    /// The model's name for it.
    pub name: String,
    /// Dataset; none when it is of no published one.
    pub dataset: Option<String>,
    /// Version of the dataset.
    pub version: Option<String>,
    /// Agreement under which it was obtained.
    pub agreement: Option<String>,
    /// Transaction of the pull that brought it to the party that ran; none when it is that party's own.
    pub transaction: Option<String>,
    /// SHA-256, hex.
    pub sha256: String,
    /// BLAKE3, hex.
    pub blake3: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Media type.
    pub media_type: String,
}

/// An output of a run, in `run.outputs`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFile {
    /// The model's name for it.
    pub name: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// BLAKE3, hex.
    pub blake3: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Media type.
    pub media_type: String,
}

/// An output of a run.
pub type Output = RunFile;

/// A `run` section.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RunSection {
    /// Transaction.
    pub transaction: String,
    /// Agreement.
    pub agreement: String,
    /// Model service.
    pub model: String,
    /// Its version.
    pub version: String,
    /// Inputs.
    pub inputs: Vec<RunInput>,
    /// Outputs.
    pub outputs: Vec<RunFile>,
    /// Seed.
    #[serde(default)]
    pub seed: Value,
    /// Status.
    pub status: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// Environment.
    #[serde(default)]
    pub environment: Value,
    /// Program.
    pub program: Option<String>,
    /// Case.
    pub case: Option<String>,
}

/// What a decision relies on: an output of a run, or data as they were delivered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Relied {
    /// Transaction of the run or the pull.
    pub transaction: String,
    /// Name of the output; none when it is what a pull brought.
    pub output: Option<String>,
    /// Its SHA-256, hex.
    pub sha256: String,
}

/// `facts` of a `decision-made`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionFacts {
    /// Case number.
    pub case: String,
    /// Title.
    pub title: String,
    /// Legal basis: IRIs.
    pub legal_basis: Vec<String>,
    /// Outputs and deliveries relied on.
    pub relies_on: Vec<Relied>,
    /// What people chose, and why.
    pub choices: String,
}

/// `people.author`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Author {
    /// Name.
    pub name: String,
    /// In what role.
    pub role: String,
    /// For whom.
    pub organisation: String,
}
