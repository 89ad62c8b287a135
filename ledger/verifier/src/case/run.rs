//! Sections as typed values: the members that docs/log-format.md section 6 names; others are left aside.

use crate::object::{object, objects};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The status of a run that gave its outputs.
pub(crate) const FINISHED: &str = "finished";
/// The status of a run that gave none.
pub(crate) const FAILED: &str = "failed";

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
    #[serde(deserialize_with = "objects")]
    pub inputs: Vec<RunInput>,
    /// Outputs.
    #[serde(deserialize_with = "objects")]
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

impl RunSection {
    /// Reads a `run` section: every input and every output has a name of its own, and there are none of the latter before it
    /// has finished. Of two outputs of one name a decision could rely on either.
    pub(crate) fn read(section: &Value) -> Option<Self> {
        let run: Self = object(section.clone()).ok()?;
        let inputs = run.inputs.iter().map(|input| input.name.as_str());
        let outputs = run.outputs.iter().map(|output| output.name.as_str());
        let is_form = all_differ(inputs) && all_differ(outputs) && (run.status == FINISHED || run.outputs.is_empty());
        is_form.then_some(run)
    }
}

fn all_differ<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
    let mut seen = BTreeSet::new();
    names.all(|name| seen.insert(name))
}

/// How far a status is along.
pub(crate) fn rank(status: &str) -> u8 {
    match status {
        "requested" => 0,
        "started" => 1,
        FAILED => 2,
        _ => 3,
    }
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
    #[serde(deserialize_with = "objects")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_has_one_form() {
        let file = |name: &str| json!({"name": name, "sha256": "", "blake3": "", "bytes": 1, "mediaType": "text/csv"});
        let run = |status: &str, inputs: Value, outputs: Value| {
            json!({"transaction": "t", "agreement": "a", "model": "m", "version": "1", "inputs": inputs, "outputs": outputs,
                "status": status})
        };
        let two = json!([file("a"), file("b")]);
        assert!(RunSection::read(&run(FINISHED, two.clone(), two.clone())).is_some());
        let twice = json!([file("a"), file("a")]);
        for wrong in [
            run(FINISHED, two.clone(), twice.clone()),
            run(FINISHED, twice, two.clone()),
            run(FAILED, two.clone(), two.clone()),
            run(FINISHED, two.clone(), json!([["a", "", "", 1, "text/csv"]])),
            run(
                FINISHED,
                json!([["a", null, null, null, null, "", "", 1, "text/csv"]]),
                two.clone(),
            ),
            json!(["t", "a", "m", "1", [], [], null, FAILED, null, null, null, null]),
        ] {
            assert!(RunSection::read(&wrong).is_none(), "{wrong}");
        }
    }
}
