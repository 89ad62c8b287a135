//! What is erased links nothing any more, in either direction, and the check of the whole log agrees with that.

use crate::erasing::{erasure, target};
use crate::lineage::{FAR, trace, two_cases};
use crate::lineage_stored::to_format_2;
use crate::rig::linked::{digests, received, served, transaction};
use crate::rig::open;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_ledger::{Direction, Follows, Ledger, Lineage};
use rocksdb::{DB, IteratorMode, Options as RocksOptions};
use std::collections::BTreeSet;
use std::path::Path;

fn firsts(found: &Lineage) -> Vec<u64> {
    found.activities.iter().map(|activity| activity.first()).collect()
}

/// The keys of the lineage index that lead to this record, but for that of its entry.
fn ways_to(dir: &Path, index: u64) -> usize {
    let log = dir.join("log");
    let parts = DB::list_cf(&RocksOptions::default(), &log).unwrap();
    let db = DB::open_cf_for_read_only(&RocksOptions::default(), &log, parts, false).unwrap();
    let keys = db
        .iterator_cf(db.cf_handle("index").unwrap(), IteratorMode::Start)
        .map(|row| row.unwrap().0);
    keys.filter(|key| matches!(key[0], b'x' | b'y') && key.ends_with(&index.to_be_bytes()))
        .count()
}

#[test]
fn a_run_that_says_nothing_any_more_leads_nowhere_and_is_found_by_its_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, decisions) = two_cases(&ledger);
    // Record 2 and 3 are the first run, asked for and received; its output is the digest 11.
    let run = [2, 3];
    assert_eq!(ledger.by_digest(&digests(11).0).unwrap(), [3, decisions[0]]);
    drop(ledger);
    assert!(run.iter().all(|index| ways_to(dir.path(), *index) > 2));
    let ledger = open(dir.path(), 2);
    let gone = [SectionName::Run, SectionName::Content];
    ledger
        .erase(erasure(run.map(|index| target(index, &gone)).to_vec()))
        .unwrap();
    let check = |ledger: &Ledger| {
        ledger.verify_all(|_, _| {}).unwrap();
        let found = trace(ledger, rain, Direction::Down, FAR);
        assert_eq!(firsts(&found).len(), 3, "the other run and its decision");
        assert!(!firsts(&found).contains(&run[0]) && firsts(&found).contains(&decisions[1]));
        assert_eq!(ledger.by_digest(&digests(11).0).unwrap(), [decisions[0]]);
        assert_eq!(ledger.by_digest(&digests(11).1).unwrap(), [0u64; 0]);
        // The decision names its transaction, which the record still has; behind it nothing is known.
        let found = trace(ledger, decisions[0], Direction::Up, FAR);
        let erased = found.activities.iter().position(|activity| activity.first() == run[0]);
        let erased = erased.unwrap();
        assert_eq!(found.activities[erased].transaction, Some(transaction(2)));
        assert_eq!(
            found.activities[erased].records,
            [(2, Some(Kind::RunRequested)), (3, Some(Kind::RunReceived))]
        );
        assert!(found.edges.iter().all(|edge| edge.from != erased));
        assert!(
            found
                .edges
                .iter()
                .any(|edge| edge.to == erased && edge.by == Follows::Transaction)
        );
        assert!(!firsts(&found).contains(&rain));
    };
    check(&ledger);
    drop(ledger);
    assert_eq!(run.map(|index| ways_to(dir.path(), index)), [0, 0]);
    check(&open(dir.path(), 3));
    // And where the index is made anew, it is made of what is left.
    to_format_2(dir.path());
    check(&open(dir.path(), 4));
    assert_eq!(run.map(|index| ways_to(dir.path(), index)), [0, 0]);
}

#[test]
fn of_the_same_bytes_only_those_stay_found_that_are_still_there() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let add = |draft| ledger.append_blocking(draft).unwrap().index();
    let came = add(received(transaction(1), 1));
    let again = add(received(transaction(2), 1));
    let passed_on = add(served(transaction(3), 1));
    let up = || {
        let found = trace(&ledger, passed_on, Direction::Up, FAR);
        firsts(&found).into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(up(), BTreeSet::from([came, again, passed_on]));
    ledger
        .erase(erasure(vec![target(came, &[SectionName::Content])]))
        .unwrap();
    assert_eq!(up(), BTreeSet::from([again, passed_on]));
    assert_eq!(ledger.by_digest(&digests(1).0).unwrap(), [again, passed_on]);
    // What it was about is not erased yet, nor which transaction it was.
    assert_eq!(ledger.about(&[came], "rain", "1").unwrap(), [came]);
    ledger
        .erase(erasure(vec![
            target(came, &[SectionName::Exchange]),
            target(again, &[]),
        ]))
        .unwrap();
    assert_eq!(up(), BTreeSet::from([passed_on]));
    assert_eq!(ledger.about(&[came, again], "rain", "1").unwrap(), [0u64; 0]);
    // The record itself, its kind and its time, are.
    let found = trace(&ledger, came, Direction::Up, FAR);
    assert_eq!(found.activities[0].records, [(came, Some(Kind::PullReceived))]);
    assert_eq!(found.activities[0].transaction, None);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().erased_sections, 5);
}
