//! How it stands with each of our witnesses, for whoever looks at the status.

use super::{Witness, WitnessingError};
use herleid_ledger::checkpoint::Checkpoint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How it stands with one witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WitnessStanding {
    /// Name of its key.
    pub name: String,
    /// Records that it cosigned last; none when no cosignature of its own is kept here.
    pub size: Option<u64>,
    /// When, Unix milliseconds, by its own clock.
    pub cosigned_ms: Option<u64>,
    /// Since when it has not answered as it should, Unix milliseconds; none when it did the last time.
    pub failing_since_ms: Option<u64>,
    /// What it said, or what happened, the last time.
    pub why: Option<String>,
}

/// The standing of all witnesses; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Standings(Arc<Mutex<BTreeMap<String, WitnessStanding>>>);

impl Standings {
    /// What the checkpoint kept last tells of `witnesses`, before any of them was asked.
    #[must_use]
    pub fn of(witnesses: &[Witness], kept: Option<&Checkpoint>) -> Self {
        let standings = Self::default();
        for witness in witnesses {
            standings.change(witness, |standing| standing.take(witness, kept));
        }
        standings
    }

    fn change(&self, witness: &Witness, change: impl FnOnce(&mut WitnessStanding)) {
        let name = witness.verifier.name().to_owned();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(name.clone()).or_insert(WitnessStanding {
            name,
            size: None,
            cosigned_ms: None,
            failing_since_ms: None,
            why: None,
        }));
    }

    /// Notes what became of asking `witness` at `now_ms`.
    pub fn heard(&self, witness: &Witness, answer: &Result<Checkpoint, WitnessingError>, now_ms: u64) {
        self.change(witness, |standing| match answer {
            Ok(cosigned) => {
                standing.take(witness, Some(cosigned));
                (standing.failing_since_ms, standing.why) = (None, None);
            }
            Err(error) => {
                standing.failing_since_ms = standing.failing_since_ms.or(Some(now_ms));
                standing.why = Some(error.to_string());
            }
        });
    }

    /// Notes that it answered as it should, though it cosigned nothing.
    pub fn answers(&self, witness: &Witness) {
        self.change(witness, |standing| {
            (standing.failing_since_ms, standing.why) = (None, None);
        });
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<WitnessStanding> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
}

impl WitnessStanding {
    fn take(&mut self, witness: &Witness, cosigned: Option<&Checkpoint>) {
        let Some(cosigned) = cosigned else { return };
        // Checked when it was taken; a line that does not verify counts for none.
        let lines = cosigned
            .cosignatures(std::slice::from_ref(&witness.verifier))
            .unwrap_or_default();
        if let Some(line) = lines.first() {
            self.size = Some(cosigned.size());
            self.cosigned_ms = Some(line.time_s().saturating_mul(1000));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herleid_ledger::checkpoint::CheckpointBody;
    use herleid_ledger::note::Signer;

    fn witness(signer: &Signer) -> Witness {
        Witness {
            verifier: signer.verifier().clone(),
            url: "http://localhost:1/witness".to_owned(),
        }
    }

    #[test]
    fn a_witness_that_fails_is_shown_with_what_it_cosigned_before_and_since_when_it_fails() {
        let log = Signer::ed25519("a.example/log/1", ed25519_dalek::SigningKey::from_bytes(&[1; 32])).unwrap();
        let cosigner = Signer::cosigner("w.example/witness", ed25519_dalek::SigningKey::from_bytes(&[2; 32])).unwrap();
        let body = CheckpointBody {
            origin: "a.example/log/1".to_owned(),
            size: 7,
            root: [3; 32],
        };
        let checkpoint = body.sign(&log).unwrap();
        let line = cosigner.sign(checkpoint.note().text(), 1_800_000_000);
        let cosigned = checkpoint.clone().with(line).unwrap();
        let witness = witness(&cosigner);

        let standings = Standings::of(std::slice::from_ref(&witness), None);
        assert_eq!(standings.all()[0].size, None);
        standings.heard(&witness, &Ok(cosigned.clone()), 5);
        let down = || {
            Err(WitnessingError::Unreachable {
                name: "w.example/witness".to_owned(),
                why: "down".to_owned(),
            })
        };
        standings.heard(&witness, &down(), 10);
        standings.heard(&witness, &down(), 20);
        let standing = standings.all().remove(0);
        assert_eq!(
            (standing.size, standing.cosigned_ms),
            (Some(7), Some(1_800_000_000_000))
        );
        assert_eq!(standing.failing_since_ms, Some(10));
        assert!(standing.why.unwrap().contains("down"));
        standings.heard(&witness, &Ok(cosigned.clone()), 30);
        assert_eq!(standings.all()[0].failing_since_ms, None);
        // What the log kept is told from the first moment on.
        let kept = Standings::of(&[witness], Some(&cosigned));
        assert_eq!(kept.all()[0].size, Some(7));
    }
}
