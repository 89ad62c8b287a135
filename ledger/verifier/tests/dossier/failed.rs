//! A run that failed has an end, by its provider's own record; nothing more is asked of it.

use crate::judge::judge_one;
use crate::log::{Draft, TestLog};
use crate::world::{Lie, World};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use herleid_verifier::{Check, Language, Verdict};

/// Index of the record by which a log tells that a run failed.
fn failure(log: &TestLog) -> usize {
    let is_failure = |index: &usize| log.section(*index, S::Envelope)["kind"] == "run-failed";
    (0..log.entries.len()).find(is_failure).unwrap()
}

#[test]
fn a_run_that_failed_leaves_a_dossier_verified() {
    let world = World::new("real", Lie::FailedRun);
    let own = world.app.section(failure(&world.app), S::Evidence);
    assert_eq!(own["documents"].as_array().unwrap().len(), 2);
    let board = &world.board;
    let index = failure(board);
    let mut with_record = world.files();
    let record = board.hand_over(index, &S::ALL, &world.witnessed(board), None);
    with_record.insert(format!("records/3/{index}.json"), record.to_bytes().unwrap());
    for (name, files) in [("receipt", world.files()), ("receipt and record", with_record)] {
        let judged = judge_one(name, world.seal(&files), Some(world.anchors()));
        let text = judged.report.text(Language::English);
        assert_eq!(judged.report.verdict, Verdict::Verified, "{name}: {text}");
        let mut runs = judged
            .report
            .of(Verdict::Verified)
            .filter(|element| element.check == Check::Run);
        let failed = runs.find(|element| element.subject == world.runs[1]).unwrap();
        let reason = failed.reason.as_ref().unwrap().text(Language::English);
        assert!(reason.contains("(failed)"), "{reason}");
    }
}

/// Only the ends of a run can say that it failed.
#[test]
fn a_failure_that_a_stranger_tells_fails() {
    let mut world = World::new("real", Lie::None);
    let mut run = world.app.section(world.app.entries.len() - 2, S::Run);
    run["status"] = "failed".into();
    run["outputs"] = serde_json::json!([]);
    run["reason"] = "the program stopped".into();
    let draft = Draft {
        sections: vec![(S::Run, run)],
        streams: vec![(S::StreamAgreement, "none of its own".to_owned())],
        ..Draft::default()
    };
    let index = world.knmi.append(Kind::RunFailed, draft);
    let mut files = world.files();
    let record = world
        .knmi
        .hand_over(index, &S::ALL, &world.witnessed(&world.knmi), None);
    files.insert(format!("records/2/{index}.json"), record.to_bytes().unwrap());
    judge_one("stranger", world.seal(&files), Some(world.anchors()))
        .expect(Verdict::Failed, "neither its provider nor its consumer");
}
