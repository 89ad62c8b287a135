//! Making what was deleted from a store leave its files. RocksDB only marks what is deleted: the bytes stay in its write-ahead log and in
//! its tables until these are rewritten for another reason, which may be never.

use super::codec::UNUSED;
use super::rocks::{Part, Rocks, store_error};
use crate::error::LedgerError;
use rocksdb::{BottommostLevelCompaction, CompactOptions, FlushOptions, LiveFile};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

/// What is to be rewritten: a part, and its keys from the first to the last of these; all of them where none is named.
pub(crate) type Touched = (Part, Option<(Vec<u8>, Vec<u8>)>);

/// RocksDB removes files from threads of its own and offers no event to wait for: looked at so often, with this pause.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);
/// So often what came meanwhile is rewritten as well.
const ROUNDS: u32 = 4;
/// A table may be moved down as it is, once for each level at most, before it is rewritten.
const LEVELS: u32 = 7;

/// Files that may hold what was deleted, by name: each of them has to go.
#[derive(Debug, Default)]
struct Held {
    /// Write-ahead logs.
    logs: BTreeSet<String>,
    /// Tables in use that have some of the keys.
    tables: BTreeSet<String>,
    /// Tables that are not in use, or not yet: a compaction that was under way may have written the keys anew.
    others: BTreeSet<String>,
}

impl Rocks {
    /// Rewrites what was touched and waits until the files that held it before are gone, but for the manifest ([`Self::renew_manifest`]). `false`
    /// when one still stands there, because somebody reads it or it could not be rewritten.
    pub(crate) fn scrub(&self, touched: &[Touched]) -> Result<bool, LedgerError> {
        if touched.is_empty() {
            return Ok(true);
        }
        for _ in 0..ROUNDS {
            let held = self.held(touched)?;
            self.rewrite(touched)?;
            self.rewrite_around(&held, touched)?;
            for _ in 0..LOOKS {
                if self.are_gone(&held, touched)? {
                    return Ok(true);
                }
                // No wait makes those go: they are rewritten in their turn.
                if self.came(&held, touched)? {
                    break;
                }
                std::thread::sleep(PAUSE);
            }
            if !self.came(&held, touched)? {
                self.tell(&held)?;
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Which files are still there, for whoever looks for what reads them.
    fn tell(&self, held: &Held) -> Result<(), LedgerError> {
        let (logs, tables) = (self.files(is_log)?, self.files(is_table)?);
        let tables: Vec<_> = held
            .tables
            .union(&held.others)
            .filter(|name| tables.contains(*name))
            .collect();
        let logs: Vec<_> = held.logs.intersection(&logs).collect();
        tracing::warn!(store = %self.dir().display(), ?tables, ?logs, "files hold what was deleted, or may; it is tried again");
        Ok(())
    }

    /// Whether a compaction that was under way put a table in use that may hold what was deleted: when a store is opened, one often is.
    fn came(&self, held: &Held, touched: &[Touched]) -> Result<bool, LedgerError> {
        let live = self.live()?;
        let mut in_use = live.iter().filter(|table| touches(table, touched));
        Ok(in_use.any(|table| held.others.contains(&name(table))))
    }

    /// Begins a new manifest and waits until the ones before are gone: they name the first and the last key of each table, also of those that are
    /// gone. `false` when one still stands there.
    pub(crate) fn renew_manifest(&self) -> Result<bool, LedgerError> {
        let before = self.manifests()?;
        self.turn_over()?;
        for _ in 0..LOOKS {
            if self.manifests()?.is_disjoint(&before) {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        tracing::warn!(store = %self.dir().display(), manifests = ?before, "files name what was deleted, or may; it is tried again");
        Ok(false)
    }

    /// Flushes something, also where nothing was written since: a flush would then leave write-ahead log and manifest as they are.
    fn turn_over(&self) -> Result<(), LedgerError> {
        let mut batch = self.batch();
        batch.delete(Part::State, UNUSED)?;
        batch.write_unsynced()?;
        self.flush()
    }

    /// Flushes, and tells which files hold what was deleted before.
    fn held(&self, touched: &[Touched]) -> Result<Held, LedgerError> {
        // Before the flush: others may go on writing, and the logs that they begin are none of these.
        let logs = self.files(is_log)?;
        self.turn_over()?;
        // The folder first: what becomes a table meanwhile is then among those in use.
        let mut others = self.files(is_table)?;
        let live = self.live()?;
        let tables = live.iter().filter(|table| touches(table, touched));
        let tables: BTreeSet<String> = tables.map(name).collect();
        for table in &live {
            others.remove(&name(table));
        }
        Ok(Held { logs, tables, others })
    }

    /// Rewrites tables that are still in use although all with the keys were rewritten: RocksDB leaves alone what lies around the keys and has
    /// none of them, and how a table begins and ends does not tell the two apart. Asked for by a key that it has, each is rewritten.
    fn rewrite_around(&self, held: &Held, touched: &[Touched]) -> Result<(), LedgerError> {
        for _ in 0..LEVELS {
            let live = self.live()?;
            let left = live.iter().filter(|table| held.tables.contains(&name(table)));
            let left = left.filter(|table| touches(table, touched));
            let left: Vec<Touched> = left.filter_map(first_key).collect();
            if left.is_empty() {
                return Ok(());
            }
            self.rewrite(&left)?;
        }
        Ok(())
    }

    fn rewrite(&self, touched: &[Touched]) -> Result<(), LedgerError> {
        let mut options = CompactOptions::default();
        options.set_exclusive_manual_compaction(false);
        // Without this the lowest level would be left as it is.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        for (part, keys) in touched {
            let (from, to) = keys.as_ref().map(|(from, to)| (from, to)).unzip();
            self.db.compact_range_cf_opt(self.part(*part)?, from, to, &options);
        }
        // A compaction tells nobody that it failed; this counts it.
        self.unharmed()
    }

    fn flush(&self) -> Result<(), LedgerError> {
        let mut options = FlushOptions::default();
        options.set_wait(true);
        let parts = Part::ALL.into_iter().filter_map(|part| self.part(part).ok());
        let parts: Vec<_> = parts.collect();
        let flushed = self.db.flush_cfs_opt(&parts, &options);
        flushed.map_err(|error| store_error(self.dir(), "flush", &error))
    }

    /// Whether none of these files is there any more, but for tables that turned out to have other keys.
    fn are_gone(&self, held: &Held, touched: &[Touched]) -> Result<bool, LedgerError> {
        let (logs, mut tables) = (self.files(is_log)?, self.files(is_table)?);
        for table in self.live()?.iter().filter(|table| !touches(table, touched)) {
            tables.remove(&name(table));
        }
        let is_left = |before: &BTreeSet<String>, now: &BTreeSet<String>| !before.is_disjoint(now);
        Ok(!is_left(&held.logs, &logs) && !is_left(&held.tables, &tables) && !is_left(&held.others, &tables))
    }

    fn live(&self) -> Result<Vec<LiveFile>, LedgerError> {
        let live = self.db.live_files();
        live.map_err(|error| store_error(self.dir(), "list the files of", &error))
    }

    fn manifests(&self) -> Result<BTreeSet<String>, LedgerError> {
        self.files(|name| name.starts_with("MANIFEST-"))
    }

    fn files(&self, is_wanted: impl Fn(&str) -> bool) -> Result<BTreeSet<String>, LedgerError> {
        let io = |source| LedgerError::Io {
            path: self.dir().to_owned(),
            source,
        };
        let mut found = BTreeSet::new();
        for file in fs::read_dir(self.dir()).map_err(io)? {
            let name = file.map_err(io)?.file_name().to_string_lossy().into_owned();
            if is_wanted(&name) {
                found.insert(name);
            }
        }
        Ok(found)
    }
}

fn is_log(name: &str) -> bool {
    name.ends_with(".log")
}

fn is_table(name: &str) -> bool {
    name.ends_with(".sst")
}

/// The part of a table, and a key that it surely has.
fn first_key(table: &LiveFile) -> Option<Touched> {
    let part = Part::ALL
        .into_iter()
        .find(|part| part.name() == table.column_family_name)?;
    let key = table.start_key.clone()?;
    Some((part, Some((key.clone(), key))))
}

fn name(table: &LiveFile) -> String {
    table.name.trim_start_matches('/').to_owned()
}

/// Whether a table may have any of these keys.
fn touches(table: &LiveFile, touched: &[Touched]) -> bool {
    touched.iter().any(|(part, keys)| {
        let is_apart = keys.as_ref().is_some_and(|(from, to)| {
            table.end_key.as_ref().is_some_and(|end| end < from)
                || table.start_key.as_ref().is_some_and(|start| start > to)
        });
        table.column_family_name == part.name() && !is_apart
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn open(dir: &Path) -> Rocks {
        Rocks::open(dir, &Part::ALL, dir).unwrap()
    }

    fn put(rocks: &Rocks, part: Part, key: &[u8], value: &[u8]) {
        let mut batch = rocks.batch();
        batch.put(part, key, value).unwrap();
        batch.write_synced().unwrap();
    }

    #[test]
    fn what_no_compaction_rewrote_is_not_taken_for_gone() {
        let dir = tempfile::tempdir().unwrap();
        let rocks = open(dir.path());
        put(&rocks, Part::Records, b"k", b"said");
        let touched = [(Part::Records, Some((b"k".to_vec(), b"k".to_vec())))];
        let held = rocks.held(&touched).unwrap();
        assert_eq!((held.tables.len(), held.logs.len()), (1, 1));
        // From now on every compaction ends at once, and nothing says so.
        rocks.db.cancel_all_background_work(true);
        rocks.rewrite(&touched).unwrap();
        assert!(!rocks.are_gone(&held, &touched).unwrap());
        drop(rocks);
        assert!(open(dir.path()).scrub(&touched).unwrap());
    }

    #[test]
    fn logs_and_tables_that_others_begin_meanwhile_are_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let rocks = open(dir.path());
        put(&rocks, Part::Records, b"k", b"said");
        let touched = [(Part::Records, None)];
        let held = rocks.held(&touched).unwrap();
        rocks.rewrite(&touched).unwrap();
        // Somebody writes to two parts, and one of them is flushed: two logs stand there from now on.
        put(&rocks, Part::Index, b"i", b"entry");
        put(&rocks, Part::Records, b"l", b"other");
        rocks.db.flush_cf(rocks.part(Part::Records).unwrap()).unwrap();
        assert_eq!(rocks.files(is_log).unwrap().len(), 2);
        let mut looks = 0;
        while !rocks.are_gone(&held, &touched).unwrap() {
            looks += 1;
            assert!(looks < 10_000_000, "{held:?}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_table_around_the_keys_that_has_none_of_them_goes_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let rocks = open(dir.path());
        put(&rocks, Part::Records, b"k", b"said");
        let touched = [(Part::Records, Some((b"k".to_vec(), b"k".to_vec())))];
        assert!(rocks.scrub(&touched).unwrap());
        // Its first and last key lie around those that go, and what it is asked to rewrite RocksDB does not find in it.
        put(&rocks, Part::Records, b"a", b"before");
        put(&rocks, Part::Records, b"z", b"after");
        rocks.flush().unwrap();
        let held = rocks.held(&touched).unwrap();
        assert_eq!(held.tables.len(), 2);
        assert!(rocks.scrub(&touched).unwrap());
        assert!(rocks.are_gone(&held, &touched).unwrap());
    }

    #[test]
    fn what_stood_at_the_edge_of_a_table_stands_in_no_manifest() {
        let dir = tempfile::tempdir().unwrap();
        let rocks = open(dir.path());
        put(&rocks, Part::Index, b"a digest of somebody", b"entry");
        put(&rocks, Part::Index, b"another", b"entry");
        rocks.flush().unwrap();
        let names_it = || {
            let names = rocks.manifests().unwrap().into_iter();
            let mut texts = names.map(|name| fs::read(dir.path().join(name)).unwrap());
            texts.any(|text| text.windows(10).any(|part| part == b"a digest o"))
        };
        assert!(names_it());
        let mut batch = rocks.batch();
        batch.delete(Part::Index, b"a digest of somebody").unwrap();
        batch.write_synced().unwrap();
        let key = b"a digest of somebody".to_vec();
        assert!(rocks.scrub(&[(Part::Index, Some((key.clone(), key)))]).unwrap());
        assert!(rocks.renew_manifest().unwrap());
        assert!(!names_it());
    }

    #[test]
    fn a_store_that_nobody_writes_to_any_more_is_scrubbed_again() {
        let dir = tempfile::tempdir().unwrap();
        let rocks = open(dir.path());
        put(&rocks, Part::Index, b"i", b"entry");
        for _ in 0..3 {
            assert!(rocks.scrub(&[(Part::Index, None)]).unwrap());
        }
    }
}
