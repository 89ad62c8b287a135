//! What is whole and true is verified; what is not anchored is not believed.

use crate::judge::{Case, has_python, judge, judge_one, script};
use crate::world::{Lie, World};
use herleid_verifier::{Check, Language, Verdict};
use serde_json::json;
use std::process::Command;

#[test]
fn an_honest_dossier_is_verified() {
    let world = World::new("real", Lie::None);
    let judged = judge_one("honest", world.dossier(), Some(world.anchors()));
    let english = judged.report.text(Language::English);
    assert_eq!(judged.report.verdict, Verdict::Verified, "{english}");
    let unchecked: Vec<Check> = judged
        .report
        .of(Verdict::NotChecked)
        .map(|element| element.check)
        .collect();
    assert_eq!(unchecked, [Check::Text; 3], "{english}");
    for said in [
        "1 pull(s) between them: App builder",
        "6 exchange(s) of runs",
        "computer of their own",
    ] {
        assert!(english.contains(said), "{said}: {english}");
    }
    assert!(
        judged
            .report
            .text(Language::Nederlands)
            .starts_with("Oordeel: GEVERIFIEERD (0)")
    );
    for check in [
        Check::Record,
        Check::Receipt,
        Check::Exchange,
        Check::Run,
        Check::Input,
        Check::Output,
        Check::Policy,
        Check::Request,
        Check::Credential,
    ] {
        assert!(
            judged
                .report
                .of(Verdict::Verified)
                .any(|element| element.check == check),
            "{check:?}"
        );
    }
}

/// What lies in an order that is not the usual one, and is true.
#[test]
fn what_looks_odd_and_is_true_is_verified() {
    let cases = [Lie::SteppedClock, Lie::LateId].map(|lie| {
        let world = World::new("real", lie);
        Case::new(format!("{lie:?}"), world.dossier(), Some(world.anchors()))
    });
    let judged = judge(cases.into());
    for judged in &judged {
        let text = judged.report.text(Language::English);
        assert_eq!(judged.report.verdict, Verdict::Verified, "{text}");
        for check in [Check::Request, Check::Credential, Check::Input] {
            let unchecked = judged.report.of(Verdict::NotChecked).filter(|one| one.check == check);
            assert_eq!(unchecked.count(), 0, "{check:?}: {text}");
        }
    }
    let text = judged[0].report.text(Language::English);
    assert!(text.contains("the clock of did:web:app.example was set back"), "{text}");
}

#[test]
fn a_record_may_be_as_long_as_a_log_hands_over() {
    let world = World::new("real", Lie::None);
    let with = |spaces: usize| {
        let mut files = world.files();
        let record = files.get_mut("records/1/3.json").unwrap();
        record.resize(record.len() + spaces, b' ');
        Case::new(spaces.to_string(), world.seal(&files), Some(world.anchors()))
    };
    let judged = judge(vec![with(17 << 20), with(32 << 20)]);
    let text = judged[0].report.text(Language::English);
    assert_eq!(judged[0].report.verdict, Verdict::Verified, "{text}");
    judged[1].expect(Verdict::Failed, "records/1/3.json");
}

#[test]
fn without_anchors_nothing_is_trusted_and_the_fingerprints_are_shown() {
    let world = World::new("real", Lie::None);
    let judged = judge_one("no anchors", world.dossier(), None);
    judged.expect(Verdict::Untrusted, "app.example/log/1: no anchors were given");
    assert_eq!(judged.report.fingerprints.len(), 3);
    let rust: Vec<&str> = judged
        .report
        .fingerprints
        .iter()
        .map(|print| print.fingerprint.as_str())
        .collect();
    if let Some(script) = &judged.script {
        let python: Vec<&str> = script["fingerprints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["fingerprint"].as_str().unwrap())
            .collect();
        assert_eq!(rust, python);
    }
    assert!(judged.report.text(Language::Nederlands).contains("Bel elke partij"));
}

#[test]
fn a_dossier_by_an_impostor_is_untrusted() {
    let (world, impostor) = (World::new("real", Lie::None), World::new("impostor", Lie::None));
    let judged = judge_one("impostor", impostor.dossier(), Some(world.anchors()));
    judged.expect(
        Verdict::Untrusted,
        "app.example/log/1: the anchors have another key for this log",
    );
    assert_eq!(judged.report.of(Verdict::Failed).count(), 0);
    assert_eq!(judged.report.fingerprints.len(), 3);
}

#[test]
fn anchors_that_do_not_fit_give_untrusted() {
    let world = World::new("real", Lie::None);
    let dossier = world.dossier();
    let changed = |name: &str, pointer: &str, value: serde_json::Value| {
        let mut anchors = world.anchors();
        *anchors.pointer_mut(pointer).unwrap() = value;
        Case::new(name, dossier.clone(), Some(anchors))
    };
    let stranger = World::new("stranger", Lie::None).anchors();
    let cases = vec![
        changed("1 of the 2 witnesses", "/quorum", json!(2)),
        changed(
            "none of them from outside the case",
            "/witnesses/0/outside",
            json!(false),
        ),
        changed("0 of the 1 witnesses", "/witnesses", stranger["witnesses"].clone()),
        changed("did not count", "/parties/0/logs/0/until", json!(1_592_400_005_000_u64)),
        changed(
            "app.example/log/1: the anchors do not know this log",
            "/parties/0/logs",
            json!([]),
        ),
        changed(
            "another",
            "/parties/2/logs/0",
            stranger["parties"][2]["logs"][0].clone(),
        ),
    ];
    for judged in judge(cases) {
        judged.expect(Verdict::Untrusted, &judged.name);
    }
}

#[test]
fn the_script_ends_with_the_verdicts_exit_code() {
    if !has_python() {
        return;
    }
    let world = World::new("real", Lie::None);
    let folder = tempfile::tempdir().unwrap();
    let (dossier, anchors) = (folder.path().join("case.zip"), folder.path().join("anchors.json"));
    std::fs::write(&dossier, world.dossier()).unwrap();
    std::fs::write(&anchors, world.anchors().to_string()).unwrap();
    let run = |arguments: &[&std::ffi::OsStr]| Command::new("python3").arg(script()).args(arguments).output().unwrap();
    let (dossier, anchors, flag) = (
        dossier.as_os_str(),
        anchors.as_os_str(),
        std::ffi::OsStr::new("--anchors"),
    );
    let verified = run(&[dossier, flag, anchors]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let text = String::from_utf8(verified.stdout).unwrap();
    assert!(
        text.starts_with("Verdict: VERIFIED (0)") && text.contains("Not checked here"),
        "{text}"
    );
    let json = run(&[dossier, flag, anchors, std::ffi::OsStr::new("--json")]);
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&json.stdout).unwrap()["verdict"],
        "verified"
    );
    assert_eq!(run(&[dossier]).status.code(), Some(4));
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(
        run(&[dossier, flag, dossier]).status.code(),
        Some(2),
        "a zip is no anchors"
    );
    assert_eq!(run(&[std::ffi::OsStr::new("no-such.zip")]).status.code(), Some(2));
    assert_eq!(run(&[anchors]).status.code(), Some(1), "anchors are no zip");
}

/// The vectors are what Rust reproduces in the ledger's tests; here the script makes them anew.
#[test]
fn the_script_reproduces_the_byte_vectors() {
    if !has_python() {
        return;
    }
    let make = script()
        .ancestors()
        .nth(3)
        .unwrap()
        .join("docs/vectors/make_vectors.py");
    let output = Command::new("python3")
        .arg("-B")
        .arg(make)
        .arg("--check")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_clock_that_ran_ahead_is_noted() {
    let mut world = World::new("real", Lie::None);
    let files = world.files();
    assert!(
        judge_one("in time", world.seal(&files), Some(world.anchors()))
            .report
            .notes
            .is_empty()
    );
    // The witness's clock stands an hour before the log's.
    world.app.now_ms -= 3_600_000;
    let late = judge_one("late", world.dossier(), Some(world.anchors()));
    assert_eq!(late.report.verdict, Verdict::Verified);
    let text = late.report.text(Language::English);
    assert!(text.contains("Note: records/1/0.json is dated"), "{text}");
}
