//! Calls that fail in RocksDB's own threads, at the worst moments.

use crate::inject::{Injector, Mode, Point, Ran};
use crate::judge::judge;
use crate::matrix::{names, words};
use crate::works::{Prepared, WORKS};
use crate::{Outcome, fast_folder, injected};
use std::path::Path;

/// Makes the first such call of the work fail, in an area of its own.
fn fail(prepared: &Prepared, injector: &Injector, area: &Path, mode: Mode, is_it: impl Fn(&Point) -> bool) -> Ran {
    let point = prepared.points.iter().find(|point| is_it(point));
    let point = point.expect("the work makes such a call");
    let disk = area.join("disk");
    crate::rig::copy(&prepared.original, &disk);
    let ran = injector.run(area, &prepared.work.arguments(&disk), Some((point, mode)));
    let message = words(&ran.output.stderr);
    let place = ran.fired();
    let place = place.unwrap_or_else(|| panic!("{point} was not made: {message}"));
    injected(1);
    assert_eq!(ran.code(), 134, "it did not end by itself: {message}");
    names(&message, &disk, &place);
    assert!(message.contains("repair the disk, then start again"), "{message}");
    if mode == Mode::Cut {
        ran.cut_power();
    }
    let mut said = prepared.said.clone();
    said.read(&ran.output.stdout);
    judge(&said, &disk);
    ran
}

/// The sync of a new table fails, and nobody appends any more.
pub(crate) fn check_idle() -> Outcome {
    let area = fast_folder();
    let injector = match Injector::compile(area.path()) {
        Ok(injector) => injector,
        Err(why) => return Outcome::Skipped(why),
    };
    let prepared = Prepared::new(&WORKS[2], &injector, area.path());
    let idle = injector.with("FAULT_IDLE", "1".to_owned());
    fail(&prepared, &idle, &area.path().join("one"), Mode::Lost, |point| {
        point.phase == "flush" && point.call == "fdatasync" && point.place.ends_with(".sst")
    });
    Outcome::Passed
}

/// So often is a flush tried that starts while an append begins a write-ahead log: about every third syncs the folder first.
const FLUSHES: usize = 60;

/// The sync of the folder fails in a thread of RocksDB's while an append begins a write-ahead log, whose name is lost with it. The kernel tells
/// a failed sync once to each descriptor, and RocksDB hears of its thread's failure late. A flush shares the descriptor with the append, whose
/// own sync then finds nothing to do and succeeds; a compaction has another.
pub(crate) fn check_shared_folder() -> Outcome {
    let area = fast_folder();
    let injector = match Injector::compile(area.path()) {
        Ok(injector) => injector,
        Err(why) => return Outcome::Skipped(why),
    };
    let is_folder = |point: &Point| point.call == "fsync" && point.place == "knmi/log";
    let [_, grown, filled, ..] = WORKS.each_ref();
    let prepared = Prepared::new(grown, &injector, area.path());
    let one = area.path().join("one");
    let folder = one.join("disk/knmi/log");
    let meeting = injector.with("FAULT_MEET", folder.display().to_string());
    let ran = fail(&prepared, &meeting, &one, Mode::Cut, |point| {
        point.phase == "compaction" && is_folder(point)
    });
    assert!(
        ran.has("met") && ran.lost_a_name(),
        "no append began a write-ahead log meanwhile"
    );
    assert!(ran.has("told"), "nobody else was told");
    assert_eq!(ran.acknowledged_after(), 0);

    let prepared = Prepared::new(filled, &injector, area.path());
    for _ in 0..FLUSHES {
        std::fs::remove_dir_all(&one).unwrap();
        let ran = fail(&prepared, &injector, &one, Mode::Cut, |point| {
            point.phase == "flush" && is_folder(point)
        });
        if ran.lost_a_name() {
            assert!(ran.has("told"), "nobody else was told");
            assert_eq!(ran.acknowledged_after(), 0);
            return Outcome::Passed;
        }
    }
    panic!("none of {FLUSHES} flushes synced the folder before the append that began a write-ahead log");
}
