//! What a process does whose calls are to fail, and which calls it makes.

use crate::inject::{Injector, Mode, Point};
use crate::judge::Said;
use crate::matrix::words;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Of one kind of call at one place in one phase, at most this many fail, evenly spread, and those beside a rare call.
const OF_A_KIND: usize = 24;

/// What the child does, on what it finds.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// How often a log was opened, worked in and closed before.
    pub(crate) before: usize,
    records: usize,
    document_bytes: usize,
    /// Whether the records are erased again, and how.
    pub(crate) erases: Erases,
}

/// What a work has to do with erasing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Erases {
    No,
    /// Records are appended and erased.
    Yes,
    /// A process that did so was killed: opening finishes it.
    Finishes,
}

pub(crate) const WORKS: [Work; 5] = [
    // Everything is made for the first time.
    Work {
        name: "new",
        before: 0,
        records: 8,
        document_bytes: 600,
        erases: Erases::No,
    },
    // Opening writes what lay in the write-ahead logs into tables, for the fourth time, and four are compacted.
    Work {
        name: "grown",
        before: 4,
        records: 8,
        document_bytes: 600,
        erases: Erases::No,
    },
    // Small documents fill a part of the store (8 MiB): a new write-ahead log, a new table, while records are appended.
    Work {
        name: "filled",
        before: 1,
        records: 150,
        document_bytes: 60 << 10,
        erases: Erases::No,
    },
    // What is erased leaves the stores, the folder of documents and the files.
    Work {
        name: "erased",
        before: 1,
        records: 4,
        document_bytes: 600,
        erases: Erases::Yes,
    },
    // The tombstones are durable, and some of what they erase is gone: the rest goes while the log is opened.
    Work {
        name: "finished",
        before: 1,
        records: 4,
        document_bytes: 600,
        erases: Erases::Finishes,
    },
];

impl Work {
    pub(crate) fn arguments(&self, disk: &Path) -> Vec<String> {
        let log = disk.join("knmi").display().to_string();
        match self.erases {
            Erases::No => {}
            Erases::Yes => return vec!["erasing".to_owned(), log, self.records.to_string()],
            Erases::Finishes => return vec!["erasing".to_owned(), log, "0".to_owned()],
        }
        ["steady".to_owned(), log]
            .into_iter()
            .chain([self.records, self.document_bytes].map(|n| n.to_string()))
            .collect()
    }
}

/// A work, the log it begins with, and the calls it makes.
pub(crate) struct Prepared {
    pub(crate) work: &'static Work,
    /// The log, for the child to work in a copy of.
    pub(crate) original: PathBuf,
    pub(crate) said: Said,
    pub(crate) points: Vec<Point>,
}

impl Prepared {
    pub(crate) fn new(work: &'static Work, injector: &Injector, area: &Path) -> Self {
        let original = area.join(work.name);
        let mut said = Said::default();
        fs::create_dir_all(original.join("disk")).unwrap();
        for _ in 0..work.before {
            let before = Work {
                records: 8,
                document_bytes: 600,
                erases: Erases::No,
                ..*work
            };
            let ran = injector.run(&original, &before.arguments(&original.join("disk")), None);
            assert!(ran.output.status.success(), "{}", words(&ran.output.stderr));
            said.read(&ran.output.stdout);
        }
        if work.erases == Erases::Finishes {
            let erases = Work {
                erases: Erases::Yes,
                ..*work
            };
            let ran = injector.run(
                &original,
                &erases.arguments(&original.join("disk")),
                Some((&first_to_go(), Mode::Killed)),
            );
            assert!(
                ran.has("killed"),
                "no document was removed: {}",
                words(&ran.output.stderr)
            );
            said.read(&ran.output.stdout);
        }
        let copy = area.join("listed");
        crate::rig::copy(&original.join("disk"), &copy.join("disk"));
        let ran = injector.run(&copy, &work.arguments(&copy.join("disk")), None);
        assert!(ran.output.status.success(), "{}", words(&ran.output.stderr));
        fs::remove_dir_all(&copy).unwrap();
        Self {
            work,
            original: original.join("disk"),
            said,
            points: chosen(work, ran.points()),
        }
    }
}

/// The first large document that is removed: the tombstones are durable then, and nothing is rewritten yet.
fn first_to_go() -> Point {
    Point {
        phase: "erasing".to_owned(),
        call: "unlink".to_owned(),
        place: "knmi/evidence/#/#".to_owned(),
        n: 1,
    }
}

/// RocksDB's notes for people, of which nothing is ever read.
fn is_notes(point: &Point) -> bool {
    point.place.contains("/LOG")
}

/// All calls, or of a kind that is made very often a part.
fn chosen(work: &Work, points: Vec<Point>) -> Vec<Point> {
    // Appending is what the other works do.
    let is_other = |point: &Point| match work.erases {
        Erases::No => false,
        Erases::Yes => matches!(point.phase.as_str(), "opening" | "appending"),
        Erases::Finishes => matches!(point.phase.as_str(), "appending"),
    };
    let points = points.into_iter().filter(|point| !is_notes(point) && !is_other(point));
    let points: Vec<Point> = points.collect();
    let kind = |point: &Point| (point.phase.clone(), point.call.clone(), point.place.clone());
    let mut of_a_kind: HashMap<_, usize> = HashMap::new();
    for point in &points {
        *of_a_kind.entry(kind(point)).or_default() += 1;
    }
    let is_rare = |point: &Point| of_a_kind[&kind(point)] <= OF_A_KIND;
    let wanted = |(at, point): (usize, &Point)| {
        let step = of_a_kind[&kind(point)].div_ceil(OF_A_KIND);
        let beside = points[at.saturating_sub(2)..points.len().min(at + 3)]
            .iter()
            .any(is_rare);
        let is_wanted = is_rare(point) || beside && point.call != "mkdir" || (point.n as usize).is_multiple_of(step);
        is_wanted.then(|| point.clone())
    };
    points.iter().enumerate().filter_map(wanted).collect()
}

/// How a call fails in this work.
pub(crate) fn modes(work: &Work, point: &Point) -> Vec<Mode> {
    let killed = (work.erases != Erases::No).then_some(Mode::Killed);
    Mode::of(&point.call).iter().copied().chain(killed).collect()
}
