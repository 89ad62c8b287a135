//! A backup and a restore, whichever of their calls fails: what says that it is whole is whole, and what does not begin leaves nothing that could
//! be taken for a backup, or for a log.

use crate::library;
use herleid_tests::connector::{Connector, good};
use herleid_tests::machine::free_port;
use herleid_tests::process::told;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

/// What `make test` spends on each.
const TIME_BOX: Duration = Duration::from_secs(15);

/// Of one kind of call at one place, at most this many fail, evenly spread.
const OF_A_KIND: usize = 3;

/// Published, so that its payload is in the backup.
const SAID: &[u8] = b"51.3 mm";

/// How a call can fail.
fn modes(call: &str) -> &'static [&'static str] {
    match call {
        "write" | "pwrite" | "writev" => &["lost", "kept", "nospace", "short"],
        "open" | "mkdir" | "rename" => &["lost", "kept", "nospace"],
        _ => &["lost", "kept"],
    }
}

/// A call: kind, place, and which of those.
type Point = (String, String, usize);

struct Kept {
    folder: tempfile::TempDir,
    connector: Connector,
    library: PathBuf,
    size: Value,
}

impl Kept {
    fn set() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path())?;
        fs::create_dir(folder.path().join("disk")).unwrap();
        let port = free_port();
        let mut connector = Connector::new(folder.path().join("disk/one"), port, port);
        connector.start();
        connector.publish("rain", SAID);
        let size = good(&connector.run(&["status"]))["size"].clone();
        connector.kill();
        Some(Self {
            folder,
            connector,
            library,
            size,
        })
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn parts(&self) -> [PathBuf; 2] {
        ["main", "keys"].map(|name| self.disk().join(name))
    }

    /// A command with the disk watched, and what it called.
    fn run(&self, arguments: &[&str], fault: Option<(&Point, &str)>) -> (Output, Vec<Point>, bool) {
        let (journal, kept) = (self.folder.path().join("journal"), self.folder.path().join("kept"));
        let _ = fs::remove_file(&journal);
        let _ = fs::remove_dir_all(&kept);
        fs::create_dir_all(&kept).unwrap();
        let mut command = self.connector.command(arguments);
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAULT_ROOT", self.disk())
            .env("FAULT_KEEP", &kept)
            .env("FAULT_JOURNAL", &journal);
        if let Some(((call, place, n), mode)) = fault {
            command
                .env("FAULT_MODE", mode)
                .env("FAULT_AT", format!("opening {call} {place} {n}"));
        }
        let output = command.output().unwrap();
        let journal = fs::read_to_string(&journal).unwrap_or_default();
        let points = journal.lines().filter_map(|line| {
            let mut words = line.strip_prefix("call opening ")?.split(' ');
            let (call, place, n) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
            Some((call.to_owned(), place.to_owned(), n))
        });
        let has_fired = journal.lines().any(|line| line.starts_with("fired "));
        (output, points.collect(), has_fired)
    }

    fn backup(&self, fault: Option<(&Point, &str)>) -> (Output, Vec<Point>, bool) {
        let [out, keys] = self.parts();
        self.run(
            &[
                "backup",
                "--out",
                out.to_str().unwrap(),
                "--keys",
                keys.to_str().unwrap(),
            ],
            fault,
        )
    }

    fn restore(&self, fault: Option<(&Point, &str)>) -> (Output, Vec<Point>, bool) {
        let [out, keys] = self.parts();
        let places = [
            "restore",
            "--from",
            out.to_str().unwrap(),
            "--keys",
            keys.to_str().unwrap(),
        ];
        let words = ["--without-erasures", "--nothing-since"];
        self.run(&[places.as_slice(), &words].concat(), fault)
    }

    fn doctor(&self) -> Output {
        self.connector.run(&["doctor"])
    }

    fn is_whole(&self, when: &str) {
        let doctor = good(&self.doctor());
        assert_eq!(doctor["size"], self.size, "{when}");
        let name = crate::hex_sha256(SAID);
        let payload = self.connector.storage().join("payloads").join(&name[..2]).join(&name);
        assert_eq!(fs::read(payload).unwrap_or_default(), SAID, "{when}");
    }

    fn remove(&self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Every kind of call at every place; notes that RocksDB makes for people are left out.
fn chosen(points: Vec<Point>) -> Vec<Point> {
    let points: Vec<Point> = points
        .into_iter()
        .filter(|(_, place, _)| !place.contains("/LOG") && !place.ends_with("/jobs"))
        .collect();
    let mut of_a_kind: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (call, place, _) in &points {
        *of_a_kind.entry((call, place)).or_default() += 1;
    }
    let is_chosen = |(call, place, n): &&Point| {
        let step = of_a_kind[&(call.as_str(), place.as_str())].div_ceil(OF_A_KIND);
        n.is_multiple_of(step)
    };
    points.iter().filter(is_chosen).cloned().collect()
}

/// All of them, or in `make test` as many as there is time for, spread over all.
fn each(points: Vec<Point>, mut with: impl FnMut(&Point, &'static str) -> bool) -> usize {
    let mut faults: Vec<(Point, &'static str)> = Vec::new();
    for point in chosen(points) {
        faults.extend(modes(&point.0).iter().map(|mode| (point.clone(), *mode)));
    }
    let all = std::env::var_os("FAULTS").is_some_and(|which| which == "all");
    let (began, listed) = (Instant::now(), faults.len());
    // Every so many in turn, so that whatever there is time for is of all kinds.
    let step = if all { 1 } else { 7 };
    let order = (0..step).flat_map(|first| (first..listed).step_by(step));
    let mut fired = 0;
    for at in order {
        if !all && began.elapsed() > TIME_BOX {
            break;
        }
        let (point, mode) = &faults[at];
        fired += usize::from(with(point, mode));
    }
    fired
}

fn skipped(name: &str) {
    // Written past the test runner's capture, where the count of skipped tests is made.
    let said = format!("SKIPPED {name}: `cc` is not installed\n");
    std::io::stderr().write_all(said.as_bytes()).unwrap();
}

#[test]
fn a_backup_that_says_it_is_whole_is_and_any_other_is_none_whichever_call_fails() {
    let Some(kept) = Kept::set() else {
        return skipped("a_backup_that_says_it_is_whole_is_and_any_other_is_none_whichever_call_fails");
    };
    let (storage, aside) = (kept.connector.storage(), kept.folder.path().join("aside"));
    let (output, points, _) = kept.backup(None);
    good(&output);
    let (mut whole, mut refused) = (0, 0);
    let fired = each(points, |point, mode| {
        let when = format!("{mode} {point:?}");
        kept.remove(kept.parts());
        let (output, _, has_fired) = kept.backup(Some((point, mode)));
        // The log itself has lost nothing by it.
        kept.is_whole(&when);
        fs::rename(&storage, &aside).unwrap();
        let (restored, ..) = kept.restore(None);
        match (output.status.success(), restored.status.success()) {
            (_, true) => {
                // Also where the answer was lost: what is taken for a backup is a whole one.
                kept.is_whole(&when);
                whole += 1;
            }
            (false, false) => {
                assert!(!storage.join("log/CURRENT").exists(), "{when}: {}", told(&restored));
                refused += 1;
            }
            (true, false) => panic!("{when}: it said that it was whole: {}", told(&restored)),
        }
        kept.remove([storage.clone()]);
        fs::rename(&aside, &storage).unwrap();
        has_fired
    });
    println!("{fired} failures while a backup was made: {whole} whole, {refused} none");
    assert!(fired > 0 && refused > 0, "{fired} {refused}");
}

#[test]
fn a_restore_that_says_it_is_done_is_and_any_other_can_be_done_again_whichever_call_fails() {
    let Some(kept) = Kept::set() else {
        return skipped("a_restore_that_says_it_is_done_is_and_any_other_can_be_done_again_whichever_call_fails");
    };
    let storage = kept.connector.storage();
    good(&kept.backup(None).0);
    kept.remove([storage.clone()]);
    let (output, points, _) = kept.restore(None);
    good(&output);
    let (mut done, mut again) = (0, 0);
    let fired = each(points, |point, mode| {
        let when = format!("{mode} {point:?}");
        kept.remove([storage.clone()]);
        let (output, _, has_fired) = kept.restore(Some((point, mode)));
        if output.status.success() {
            kept.is_whole(&when);
            done += 1;
            return has_fired;
        }
        // Nothing that a service would go on with, unless it is all of it.
        if kept.doctor().status.success() {
            kept.is_whole(&when);
            let aside = kept.folder.path().join("aside");
            fs::rename(&storage, &aside).unwrap();
            kept.remove([aside]);
        }
        let (second, ..) = kept.restore(None);
        assert!(second.status.success(), "{when}: {} {}", told(&output), told(&second));
        kept.is_whole(&when);
        again += 1;
        has_fired
    });
    println!("{fired} failures while a backup was restored: {done} done, {again} done again");
    assert!(fired > 0 && again > 0, "{fired} {again}");
}
