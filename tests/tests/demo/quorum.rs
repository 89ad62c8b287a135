//! Several witnesses of which some must cosign: one is dead, and the logs grow all the time.

use herleid_tests::connector::{Connector, RAIN, decide, good};
use herleid_tests::machine::{free_port, until};
use herleid_tests::process::told;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two logs under the same witnesses.
struct Watched {
    _folder: tempfile::TempDir,
    provider: Connector,
    consumer: Connector,
    witnesses: Vec<Connector>,
}

impl Watched {
    fn set(witnesses: usize, quorum: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            let port = free_port();
            (Connector::new(folder.path().join(name), port, port), port)
        };
        let (mut provider, _) = made("provider");
        let (mut consumer, _) = made("consumer");
        let known: Vec<String> = [&provider, &consumer]
            .map(|log| {
                let (origin, key) = (&log.made["origin"], &log.made["log_key"]);
                format!("{{ origin = {origin}, verifier_key = {key} }}")
            })
            .into();
        let (mut cosigning, mut named) = (Vec::new(), Vec::new());
        for n in 0..witnesses {
            let (mut witness, port) = made(&format!("witness{n}"));
            witness.set("witness", &format!("enabled = true\nlogs = [{}]", known.join(", ")));
            witness.start();
            named.push(format!(
                "{{ verifier_key = {}, url = \"http://localhost:{port}/witness\" }}",
                witness.made["witness_key"]
            ));
            cosigning.push(witness);
        }
        let trust = format!("witnesses = [{}]\nquorum = {quorum}", named.join(", "));
        for log in [&mut provider, &mut consumer] {
            log.set("trust", &trust);
            log.start();
        }
        Self {
            _folder: folder,
            provider,
            consumer,
            witnesses: cosigning,
        }
    }

    /// A decision that rests on a pull.
    fn decided(&self, case: &str) {
        self.provider.publish("rain", RAIN);
        let agreed = good(&self.consumer.run(&["negotiate", &self.provider.did, "rain"]));
        let pulled = good(&self.consumer.run(&["pull", agreed["agreement"].as_str().unwrap()]));
        let transaction = pulled["transaction"].as_str().unwrap();
        good(&self.consumer.run(&decide(case, transaction)));
    }

    fn dossier(&self, case: &str, name: &str) -> std::process::Output {
        let out = self.consumer.directory.join(name);
        self.consumer.run(&["dossier", case, "--out", out.to_str().unwrap()])
    }

    fn witnessed(&self) -> u64 {
        good(&self.consumer.run(&["status"]))["witnessed_size"]
            .as_u64()
            .unwrap()
    }
}

#[test]
fn enough_witnesses_cosign_and_a_dossier_is_made_while_one_is_dead_and_the_log_grows() {
    for (witnesses, quorum) in [(3, 2), (4, 3)] {
        let mut watched = Watched::set(witnesses, quorum);
        watched.witnesses[0].kill();
        watched.decided("Z2026-1");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _stops = Stops(&stop);
            scope.spawn(|| {
                for n in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    watched.consumer.publish(&format!("grows-{n}"), b"1");
                }
            });
            let mut sizes = BTreeSet::new();
            until("five sizes are witnessed", PATIENCE, || {
                sizes.insert(watched.witnessed());
                if sizes.len() > 5 {
                    Ok(())
                } else {
                    Err(format!("{sizes:?}"))
                }
            });
            for name in ["one.zip", "two.zip", "three.zip"] {
                let made = watched.dossier("Z2026-1", name);
                assert!(made.status.success(), "{quorum} of {witnesses}: {}", told(&made));
            }
        });
    }
}

#[test]
fn a_dossier_that_cannot_be_made_names_the_witnesses_that_do_not_answer() {
    let mut watched = Watched::set(3, 2);
    watched.decided("Z2026-1");
    watched.witnesses[0].kill();
    watched.witnesses[2].kill();
    let refused = watched.dossier("Z2026-1", "one.zip");
    assert_eq!(refused.status.code(), Some(7), "{}", told(&refused));
    let (said, name) = (told(&refused), |n: usize| {
        let key: &Value = &watched.witnesses[n].made["witness_key"];
        key.as_str().unwrap().split('+').next().unwrap().to_owned()
    });
    assert!(said.contains("witnessed by 2 of 3 witnesses"), "{said}");
    for dead in [0, 2] {
        assert!(said.contains(&format!("`{}` fails since", name(dead))), "{said}");
    }
    assert!(!said.contains(&format!("`{}`", name(1))), "{said}");
    // One that comes back is enough.
    watched.witnesses[2].start();
    let made = watched.dossier("Z2026-1", "one.zip");
    assert!(made.status.success(), "{}", told(&made));
}

/// Ends the growing, also when an assertion fails.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
