//! Copies of one record: what one keeps closed another may open, and together they are judged like one that opens all.

use crate::judge::judge_one;
use crate::log::{Draft, all_but};
use crate::withheld::{files_without, of_kind};
use crate::world::{Lie, World};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use herleid_verifier::{Check, Language, Verdict};
use serde_json::json;

/// The run and the exchange that it stands with are opened by two copies of one record.
#[test]
fn inputs_are_checked_whichever_copy_opens_the_exchange() {
    let mut world = World::new("real", Lie::None);
    let indices = ["run-requested", "run-received"].map(|kind| of_kind(&world, kind)[1]);
    let app = &world.app;
    let documents = indices.map(|index| ("receipt", app.receipt_by(index, &[S::Exchange], &app.signer)));
    let facts = json!({"transaction": world.runs[1], "verdict": "identical"});
    let draft = Draft {
        sections: vec![(S::Facts, facts)],
        documents: documents.into(),
        ..Draft::default()
    };
    world.app.append(Kind::Replayed, draft);
    let files = files_without(&world, &indices.map(|index| (index, S::Exchange)));
    let judged = judge_one("two copies", world.seal(&files), Some(world.anchors()));
    let text = judged.report.text(Language::English);
    assert_eq!(judged.report.verdict, Verdict::Verified, "{text}");
    let inputs = judged.report.of(Verdict::Verified);
    assert_eq!(inputs.filter(|element| element.check == Check::Input).count(), 3);
    if let Some(listed) = judged.listed_by_script("verified") {
        assert_eq!(listed.iter().filter(|line| line.starts_with("input ")).count(), 3);
    }
}

/// The number of a run and the exchange that tells which run it is are opened by two copies of one record.
#[test]
fn a_number_counts_a_run_that_another_copy_names() {
    let world = World::new("real", Lie::StrippedExchange);
    let (board, index) = (&world.board, world.last_started);
    let mut files = world.files();
    let open = all_but(&S::ALL, S::StreamModel);
    let record = board.hand_over(index, &open, &world.witnessed(board), None);
    files.insert(format!("records/3/{index}.json"), record.to_bytes().unwrap());
    let evidence = board.section(index, S::Evidence);
    for document in evidence["documents"].as_array().unwrap() {
        let sha256 = document["sha256"].as_str().unwrap();
        files.insert(format!("evidence/{sha256}"), board.documents[sha256].clone());
    }
    let judged = judge_one("number and exchange", world.seal(&files), Some(world.anchors()));
    let text = judged.report.text(Language::English);
    assert_eq!(judged.report.verdict, Verdict::Verified, "{text}");
}

/// A decision can claim more numbers than anybody wants to read; both name the same ones.
#[test]
fn claimed_numbers_are_named_up_to_a_bound() {
    let world = World::new("real", Lie::ManyStreams);
    let judged = judge_one("many streams", world.dossier(), Some(world.anchors()));
    assert_eq!(judged.report.verdict, Verdict::Missing);
    let missing = judged.report.of(Verdict::Missing);
    let here: Vec<&str> = missing.map(|element| element.subject.as_str()).collect();
    assert_eq!(here.len(), 10_000 + 150);
    if let Some(script) = &judged.script {
        let elements = script["elements"].as_array().unwrap().iter();
        let missing = elements.filter(|element| element["verdict"] == "missing");
        let there: Vec<&str> = missing.map(|element| element["subject"].as_str().unwrap()).collect();
        assert_eq!(here, there);
    }
}
