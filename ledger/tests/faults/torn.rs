//! A last write of which only a part, or no more than its room, reached the disk.

use crate::inject::{Injector, Mode, Point};
use crate::judge::{Said, judge};
use crate::rig::{copy, running_options};
use crate::{Outcome, fast_folder, injected};
use herleid_ledger::Ledger;
use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::{Duration, Instant};

/// What `make test` spends on one store.
const TIME_BOX: Duration = Duration::from_secs(3);

/// Records of which the last one's sync fails; it has no document.
const RECORDS: u32 = 3;

pub(crate) fn check() -> Outcome {
    let area = fast_folder();
    let injector = match Injector::compile(area.path()) {
        Ok(injector) => injector,
        Err(why) => return Outcome::Skipped(why),
    };
    for store in ["log", "keys"] {
        tear(&injector, &area.path().join(store), store);
    }
    Outcome::Passed
}

/// Tears the last write of a store's write-ahead log at every byte: what follows is gone, or reads as zeroes.
fn tear(injector: &Injector, area: &Path, store: &str) {
    let disk = area.join("disk");
    fs::create_dir_all(&disk).unwrap();
    let last = Point {
        phase: "appending".to_owned(),
        call: "fdatasync".to_owned(),
        place: format!("knmi/{store}/#.log"),
        n: RECORDS,
    };
    let log = disk.join("knmi").display().to_string();
    let arguments = ["steady".to_owned(), log, RECORDS.to_string(), "600".to_owned()];
    let ran = injector.run(area, &arguments, Some((&last, Mode::Lost)));
    let file = ran.fired().expect("the sync of the last record fails");
    let mut said = Said::default();
    said.read(&ran.output.stdout);
    // The log's first record is nobody's.
    let acknowledged = said.acks.len() as u64 + 1;
    assert_eq!(acknowledged, u64::from(RECORDS));
    let (synced, end) = (ran.synced(&file), fs::metadata(&file).unwrap().len());
    assert!(synced < end, "nothing was written to `{}`", file.display());

    let within = file.strip_prefix(&disk).unwrap();
    let (began, mut torn, mut refused) = (Instant::now(), 0, 0);
    // Far from each other first, so that a time box leaves no part of the write out.
    let length = end - synced;
    let stride = (1..length)
        .rev()
        .find(|stride| stride * 8 <= length * 5 && gcd(*stride, length) == 1);
    let stride = stride.unwrap_or(1);
    for step in 0..length {
        if !crate::all() && began.elapsed() > TIME_BOX {
            break;
        }
        let at = synced + step * stride % length;
        for zeroes in [false, true] {
            let one = area.join("one");
            copy(&disk, &one);
            let cut = OpenOptions::new().write(true).open(one.join(within)).unwrap();
            cut.set_len(at).unwrap();
            if zeroes {
                cut.set_len(end).unwrap();
            }
            injected(1);
            torn += 1;
            // Zeroes in the middle of a write look like damage to what was synced. Nothing is repaired by guessing.
            if zeroes && let Err(error) = Ledger::open(running_options(&one.join("knmi"))) {
                let error = error.to_string();
                let place = one.join("knmi").join(store).display().to_string();
                assert!(error.contains(&place) && error.contains("Corruption"), "{error}");
                refused += 1;
            } else {
                let found = judge(&said, &one);
                // Its end may be zeroes by itself.
                assert!(
                    found == acknowledged || zeroes && found == acknowledged + 1,
                    "cut at byte {at} of {synced} to {end}: {found} records"
                );
            }
            fs::remove_dir_all(&one).unwrap();
        }
    }
    println!("{store}: a last write of {length} bytes, torn {torn} times: {refused} refused, of those with zeroes");
    fs::remove_dir_all(area).unwrap();
}

const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
