//! A run that was made after all, and that the dossier does not show: the other end's count, asked for apart, gives it away.

use crate::verdicts;
use herleid_tests::connector::{decide, good, run};
use herleid_tests::process::{Service, herleid, mortal, told};
use std::path::{Path, PathBuf};
use std::process::Output;

/// The demonstration's parties, started again from what it left. The witness first: a log asks it before it signs.
const PARTIES: [&str; 6] = ["witness", "issuer", "knmi", "municipality", "water-board", "app"];

pub(crate) struct Running {
    _services: Vec<Service>,
}

impl Running {
    pub(crate) fn start(root: &Path) -> Self {
        Self {
            _services: PARTIES.map(|party| start(root, party)).into(),
        }
    }
}

/// Starts one of the parties.
pub(crate) fn start(root: &Path, party: &str) -> Service {
    let mut command = mortal(herleid());
    command.arg("--config").arg(configuration(root, party)).arg("serve");
    let service = Service::start(command, &root.join(party).join("again.log"));
    service.unwrap_or_else(|ended| panic!("{party}: {}", told(&ended)))
}

pub(crate) fn configuration(root: &Path, party: &str) -> PathBuf {
    root.join(party).join("herleid.toml")
}

pub(crate) fn at(root: &Path, party: &str, arguments: &[&str]) -> Output {
    let configuration = configuration(root, party);
    let mut all = vec!["--json", "--config", configuration.to_str().unwrap()];
    all.extend(arguments);
    run(&all)
}

#[test]
fn a_run_that_the_other_end_counted_and_the_dossier_leaves_out_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let demo = run(&["demo", "--directory", root.to_str().unwrap()]);
    assert!(demo.status.success(), "{}", told(&demo));
    let dossier = root.join("dossier.zip");
    let _running = Running::start(&root);

    // Anchors asked for again, with nothing done since, still fit.
    assert_eq!(verdicts(&dossier, Some(&anchors(&root, "before"))), (0, 0));

    let agreed = good(&at(&root, "app", &["agreements"]));
    let agreement = |dataset: &str| {
        let all = agreed["agreements"].as_array().unwrap();
        let found = all.iter().find(|a| a["dataset"].as_str().unwrap().contains(dataset));
        // That of the pilot is over, and says so.
        let closed = all
            .iter()
            .find(|a| a["dataset"].as_str().unwrap().contains("neerslag-proef"));
        assert!(
            closed.unwrap()["closed"].as_str().unwrap().contains("Refused"),
            "{agreed}"
        );
        assert_eq!(found.unwrap()["closed"].as_str(), None, "{agreed}");
        found.unwrap_or_else(|| panic!("{dataset}: {agreed}"))["agreement"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let pulled = |dataset: &str| {
        let answer = good(&at(&root, "app", &["pull", &agreement(dataset)]));
        answer["transaction"].as_str().unwrap().to_owned()
    };
    let (rain, sewer) = (
        format!("rain={}", pulled("neerslag-uur")),
        format!("sewer={}", pulled("riool")),
    );
    let model = agreement("sewer-storage-pump");
    good(&at(
        &root,
        "app",
        &[
            "run",
            &model,
            "--input",
            &rain,
            "--input",
            &sewer,
            "--set",
            "pump_mm_per_h=2.5",
        ],
    ));
    assert_eq!(verdicts(&dossier, Some(&anchors(&root, "after"))), (3, 3));

    // Another case, decided on data as they came, without a model.
    let (_, transaction) = rain.split_once('=').unwrap();
    good(&at(&root, "app", &decide("Z2026-002", transaction)));
    let second = root.join("second.zip");
    good(&at(
        &root,
        "app",
        &["dossier", "Z2026-002", "--out", second.to_str().unwrap()],
    ));
    // Who asks the water board hears of three runs of its model, and that this case does not rest on them.
    let (second, all) = (second.to_str().unwrap(), anchors(&root, "second"));
    let counted = run(&["verify", second, "--anchors", all.to_str().unwrap()]);
    assert_eq!(counted.status.code(), Some(3), "{}", told(&counted));
    assert_eq!(
        told(&counted).matches("that this case does not rest on").count(),
        3,
        "{}",
        told(&counted)
    );
    assert!(told(&counted).contains("MISSING (3)"), "{}", told(&counted));
}

/// What every party states of itself now, put together.
pub(crate) fn anchors(root: &Path, name: &str) -> PathBuf {
    let statement = |party: &str| root.join(party).join(format!("{name}.json"));
    for party in PARTIES {
        good(&at(
            root,
            party,
            &["anchors", "--out", statement(party).to_str().unwrap()],
        ));
    }
    let out = root.join(format!("{name}.json"));
    let statements: Vec<String> = PARTIES.map(|p| statement(p).display().to_string()).to_vec();
    let mut arguments = vec!["anchors"];
    for statement in &statements {
        arguments.extend(["--merge", statement]);
    }
    arguments.extend(["--out", out.to_str().unwrap()]);
    let merged = run(&arguments);
    assert!(merged.status.success(), "{}", told(&merged));
    out
}
