//! Sections kept closed: a record may keep them, and then what they would show is missing.

use crate::build::Files;
use crate::judge::{judge_here, judge_one};
use crate::log::all_but;
use crate::world::{Lie, World};
use herleid_ledger::section::SectionName as S;
use herleid_verifier::Verdict;

/// The app's records of that kind, by index.
pub fn of_kind(world: &World, kind: &str) -> Vec<usize> {
    let all = 0..world.app.entries.len();
    all.filter(|index| world.app.section(*index, S::Envelope)["kind"] == kind)
        .collect()
}

/// The files of the dossier in which these records of the app keep a section closed.
pub fn files_without(world: &World, closed: &[(usize, S)]) -> Files {
    let mut files = world.files();
    let checkpoint = world.witnessed(&world.app);
    for (index, section) in closed {
        let record = world
            .app
            .hand_over(*index, &all_but(&S::ALL, *section), &checkpoint, None);
        files.insert(format!("records/1/{index}.json"), record.to_bytes().unwrap());
    }
    files
}

fn without(world: &World, closed: &[(usize, S)]) -> Vec<u8> {
    world.seal(&files_without(world, closed))
}

/// The last number of a stream leaves no gap: only that it is there and closed tells of it.
#[test]
fn a_number_that_is_not_opened_is_missing() {
    let world = World::new("real", Lie::None);
    let last = *of_kind(&world, "pull-acknowledged").last().unwrap();
    let dossier = without(&world, &[(last, S::StreamAgreement)]);
    judge_one("closed number", dossier, Some(world.anchors()))
        .expect_here(Verdict::Missing, "hides how many there are");
}

#[test]
fn a_receipt_without_its_number_is_missing_it() {
    let world = World::new("real", Lie::StrippedNumber);
    judge_one("stripped number", world.dossier(), Some(world.anchors()))
        .expect_here(Verdict::Missing, "`stream-model` of ");
}

#[test]
fn outputs_that_no_opened_content_binds_are_missing() {
    let world = World::new("real", Lie::StrippedContent);
    let last = *of_kind(&world, "run-received").last().unwrap();
    // The app still opens its own: one copy that fits is enough.
    let judged = judge_here("one end", &world.dossier(), &world.anchors());
    assert_eq!(judged.report.verdict, Verdict::Verified);
    judge_here("no end", &without(&world, &[(last, S::Content)]), &world.anchors())
        .expect_here(Verdict::Missing, "no opened `content`");
}

#[test]
fn a_run_of_which_only_the_exchange_is_opened_is_not_shown() {
    let world = World::new("real", Lie::None);
    let (requested, received) = (of_kind(&world, "run-requested")[1], of_kind(&world, "run-received")[1]);
    let dossier = without(&world, &[(requested, S::Run), (received, S::Run)]);
    judge_here("closed run", &dossier, &world.anchors()).expect_here(
        Verdict::Missing,
        "run 2 of 3 of `urn:example:sewer` is counted, and not shown",
    );
}

#[test]
fn a_decision_without_its_author_is_missing_them() {
    let world = World::new("real", Lie::None);
    let dossier = without(&world, &[(world.decision, S::People)]);
    judge_one("no author", dossier, Some(world.anchors())).expect_here(Verdict::Missing, "who decided is not opened");
}
