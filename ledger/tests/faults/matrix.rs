//! Every call that writes fails once, in every way it can; then the log is opened again and checked as a whole.

use crate::Outcome;
use crate::inject::{Injector, Mode, Point, promises_nothing};
use crate::judge::judge;
use crate::rig::fresh_seed;
use crate::works::{Erases, Prepared, WORKS, Work, modes};
use herleid_vocab::rim::{Entropy as _, SeededEntropy};
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// What `make test` spends on it.
const TIME_BOX: Duration = Duration::from_secs(30);

/// What `make test` spends on erasing.
const ERASING_BOX: Duration = Duration::from_secs(20);

/// What is spent on one kind of work alone.
const ONE_BOX: Duration = Duration::from_secs(180);

/// A call in the background is made a little earlier or later each time: so often is it tried to make it fail.
const TRIES: usize = 6;

pub(crate) fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The phase in which a log is closed.
const CLOSING: &str = "closing";

/// What one failed call led to.
enum Verdict {
    /// The process ended, and said which place failed; so many were acknowledged before it did.
    Ended(usize),
    /// The process went on, as it may.
    WentOn,
    /// The call was not made this time.
    NotFired,
}

/// Why a process may go on although this call failed; `None` where it must end.
fn may_go_on(work: &Work, point: &Point, was_closing: bool) -> Option<&'static str> {
    match point.call.as_str() {
        _ if was_closing => Some("all is answered and durable"),
        // Opened for `ftruncate` alone; the new one is the second.
        "open" if is_wal(point) && point.phase == "opening" && point.n == 1 && work.before > 0 => {
            Some("room that an older process did not need")
        }
        call => promises_nothing(call).then_some("nothing was promised"),
    }
}

fn is_wal(point: &Point) -> bool {
    point.place.ends_with("/#.log")
}

/// Runs one fault; panics with what is wrong.
fn inject(prepared: &Prepared, injector: &Injector, area: &Path, point: &Point, mode: Mode) -> Verdict {
    let disk = area.join("disk");
    crate::rig::copy(&prepared.original, &disk);
    let ran = injector.run(area, &prepared.work.arguments(&disk), Some((point, mode)));
    let message = words(&ran.output.stderr);
    let Some(place) = ran.fired() else {
        assert!(ran.output.status.success(), "nothing failed, and yet: {message}");
        return Verdict::NotFired;
    };
    if mode == Mode::Short {
        assert!(ran.has("refused"), "the second half of the write was never tried");
    }
    // First of all, whatever else is wrong.
    match mode {
        Mode::Cut => ran.cut_power(),
        Mode::Lost if matches!(point.call.as_str(), "fsync" | "fdatasync") => ran.drop_unsynced(&place),
        _ => {}
    }
    crate::injected(1);
    let mut said = prepared.said.clone();
    said.read(&ran.output.stdout);
    if mode != Mode::Cut {
        crate::checked(|| crate::erasing::examine_files(&said.erasures, &disk));
    }
    judge(&said, &disk);
    match ran.code() {
        0 => {
            let why = may_go_on(prepared.work, point, ran.was_closing());
            assert!(
                why.is_some(),
                "the process went on; {} acknowledged after",
                ran.acknowledged_after()
            );
            Verdict::WentOn
        }
        137 if mode == Mode::Killed && ran.has("killed") => Verdict::Ended(0),
        // Refused to open, and ended by itself.
        3 | 134 => {
            names(&message, &disk, &place);
            // RocksDB's threads write tables and their lists from what the write-ahead log keeps until those are durable. No append waits for
            // them: what is acknowledged before a failure there is known rests on the write-ahead log, and was checked like everything else.
            let after = ran.acknowledged_after();
            assert!(
                after == 0 || point.is_in_background(),
                "{after} acknowledged after the failure, which ended it: {message}"
            );
            Verdict::Ended(after)
        }
        other => panic!("ended with {other}: {message}"),
    }
}

/// The reason names the store, or the file.
pub(crate) fn names(message: &str, disk: &Path, place: &Path) {
    let within = place.strip_prefix(disk).unwrap();
    let store = within
        .components()
        .take(2)
        .fold(disk.to_owned(), |path, part| path.join(part));
    assert!(
        message.contains(&store.display().to_string()),
        "the reason does not name `{}`: {message}",
        store.display()
    );
}

/// What came of all faults, by thread, call and place.
#[derive(Default)]
struct Table(BTreeMap<(String, String, String), [usize; 4]>);

impl Table {
    fn add(&mut self, point: &Point, column: usize, count: usize) {
        let thread = if point.is_in_background() {
            point.phase.as_str()
        } else {
            "own"
        };
        let row = (thread.to_owned(), point.call.clone(), point.place.clone());
        self.0.entry(row).or_default()[column] += count;
    }

    fn sum(&self, column: usize) -> usize {
        self.0.values().map(|row| row[column]).sum()
    }
}

/// Whichever call fails while records are appended.
pub(crate) fn check() -> Outcome {
    run(TIME_BOX, |work| work.erases == Erases::No)
}

/// Whichever call fails while something is erased, or an erasure is finished.
pub(crate) fn check_erasing() -> Outcome {
    run(ERASING_BOX, |work| work.erases != Erases::No)
}

fn run(time_box: Duration, is_meant: impl Fn(&Work) -> bool) -> Outcome {
    let all = crate::all();
    let area = crate::fast_folder();
    let injector = match Injector::compile(area.path()) {
        Ok(injector) => injector,
        Err(why) => return Outcome::Skipped(why),
    };
    let only = crate::only();
    let time_box = if only.is_some() { ONE_BOX } else { time_box };
    let prepared: Vec<Prepared> = WORKS
        .iter()
        .filter(|work| is_meant(work) && only.as_ref().is_none_or(|only| only == work.name))
        .map(|work| Prepared::new(work, &injector, area.path()))
        .collect();
    let seed = fresh_seed();
    println!("matrix seed {seed}");
    let random = SeededEntropy::new(seed);
    let mut faults: Vec<(&Prepared, &Point, Mode)> = Vec::new();
    for prepared in &prepared {
        for point in &prepared.points {
            faults.extend(
                modes(prepared.work, point)
                    .into_iter()
                    .map(|mode| (prepared, point, mode)),
            );
        }
    }
    let listed = faults.len();
    if !all {
        shuffle(&mut faults, &random);
    }
    // Said at the end, each with its fault.
    let said_at_once = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (began, mut table, mut wrong, mut not_made) = (Instant::now(), Table::default(), Vec::new(), 0);
    for (prepared, point, mode) in faults {
        if !all && began.elapsed() > time_box {
            break;
        }
        let one = area.path().join("one");
        let mut result = Ok(Verdict::NotFired);
        for _ in 0..TRIES {
            let _ = fs::remove_dir_all(&one);
            result = catch_unwind(AssertUnwindSafe(|| inject(prepared, &injector, &one, point, mode)));
            if !matches!(result, Ok(Verdict::NotFired)) {
                break;
            }
        }
        match result {
            Ok(Verdict::Ended(after)) => {
                table.add(point, 0, 1);
                table.add(point, 3, after);
            }
            Ok(Verdict::WentOn) => table.add(point, 1, 1),
            // Everything is answered and durable by then. Which file RocksDB removes before it is told to close, and which after, is a matter of
            // moments.
            Ok(Verdict::NotFired) if point.phase == CLOSING => not_made += 1,
            Ok(Verdict::NotFired) => wrong.push(format!("{}: {point} {mode:?}: was not made", prepared.work.name)),
            Err(panic) => {
                table.add(point, 2, 1);
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                wrong.push(format!(
                    "{}: {point} {mode:?}: {}",
                    prepared.work.name,
                    text.unwrap_or_default()
                ));
            }
        }
    }
    std::panic::set_hook(said_at_once);
    println!(
        "{:>6} {:>8} {:>6} {:>6}  thread, call and place",
        "ended", "went on", "WRONG", "late"
    );
    for ((thread, call, place), [ended, went_on, wrong, late]) in &table.0 {
        println!("{ended:>6} {went_on:>8} {wrong:>6} {late:>6}  {thread} {call} {place}");
    }
    println!(
        "{} of {listed} faults: {} ended the process, {} did not have to, {} wrong; {} acknowledged before a failure in RocksDB's threads was \
         known, and kept; {:.0} s",
        table.sum(0) + table.sum(1) + table.sum(2),
        table.sum(0),
        table.sum(1),
        wrong.len(),
        table.sum(3),
        began.elapsed().as_secs_f64()
    );
    let late = crate::erasing::LATE.load(std::sync::atomic::Ordering::Relaxed);
    println!("{late} times files were rewritten once more after the log was opened again");
    if not_made > 0 {
        println!("{not_made} calls of closing a log were not made when they were to fail");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    Outcome::Passed
}

pub(crate) fn shuffle<T>(items: &mut [T], random: &SeededEntropy) {
    for last in (1..items.len()).rev() {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        items.swap(last, (u64::from_le_bytes(bytes) % (last as u64 + 1)) as usize);
    }
}
