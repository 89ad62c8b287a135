//! Many kills on one directory.

use crate::child::{Ack, examine, examine_states};
use crate::judge::Said;
use crate::rig::{agreement, fresh_seed, running_options};
use crate::{Outcome, checked, this_binary};
use herleid_ledger::Ledger;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::merkle::verify_consistency;
use herleid_ledger::record::Side;
use herleid_vocab::rim::{Entropy, SeededEntropy};
use std::io::{BufRead, BufReader, Read as _};
use std::process::Stdio;

/// In `make test`, and in `make faults`.
const ROUNDS: [usize; 2] = [20, 300];

pub(crate) fn check() -> Outcome {
    let seed = fresh_seed();
    println!("crash seed {seed}");
    let random = SeededEntropy::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut all = Said::default();
    let mut known: Option<Checkpoint> = None;
    let rounds = ROUNDS[usize::from(crate::all())];
    let mut killed_while_appending = 0;
    for round in 0..rounds {
        // Killed after this many acknowledgements: sometimes while the log is being opened, sometimes well into its work.
        let wanted = match round % 5 {
            0 => 0,
            _ => usize::from(random.bytes32()[0]),
        };
        let mut child = this_binary()
            .args(["append", &dir.path().display().to_string(), "6", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut heard, mut acknowledged) = (Vec::new(), 0);
        let mut line = String::new();
        while acknowledged < wanted && lines.read_line(&mut line).unwrap() > 0 {
            acknowledged += usize::from(Ack::parse(&line).is_some());
            heard.append(&mut std::mem::take(&mut line).into_bytes());
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            status.code(),
            None,
            "round {round}: the child ended by itself: {status}"
        );
        // What was printed before the kill lies in the pipe still.
        lines.read_to_end(&mut heard).unwrap();
        let mut said = Said::default();
        said.read(&heard);
        crate::injected(1);
        killed_while_appending += usize::from(!said.acks.is_empty());

        let ledger = Ledger::open(running_options(dir.path())).unwrap_or_else(|error| panic!("round {round}: {error}"));
        checked(|| {
            examine(&ledger, &said.acks);
            examine_states(&ledger, &said.states);
        });
        let now = ledger.checkpoint().as_ref().clone();
        if let Some(before) = &known {
            let proof = ledger.consistency(before.size(), now.size()).unwrap();
            verify_consistency(before.size(), now.size(), &proof, before.root(), now.root()).unwrap();
        }
        known = Some(now);
        all.acks.append(&mut said.acks);
        all.states.append(&mut said.states);
    }
    let ledger = Ledger::open(running_options(dir.path())).unwrap();
    examine(&ledger, &all.acks);
    examine_states(&ledger, &all.states);
    assert!(
        killed_while_appending >= rounds / 2,
        "only {killed_while_appending} kills hit a working log"
    );
    let stream = ledger.stream(&agreement("urn:a", Side::Provider)).unwrap().unwrap();
    println!(
        "{} acknowledged, {} writes of state, {} kept, {} in one stream without a gap",
        all.acks.len(),
        all.states.len(),
        ledger.size(),
        stream.n
    );
    Outcome::Passed
}
