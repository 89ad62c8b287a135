//! Nothing of what was erased in a log that is over is left in any file of it, and it still verifies.

use super::*;
use crate::ledger::strip::tests::*;
use std::fs;
use std::path::PathBuf;

/// A log that is over, and the one that continues it.
struct Two {
    folder: tempfile::TempDir,
    over: Ledger,
    next: Ledger,
    markers: Vec<(&'static str, Vec<u8>)>,
}

impl Two {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("one");
        let ledger = sample(&dir);
        ledger
            .put_state_blocking(vec![("pull/3".to_owned(), Some(b"what the pull was about".to_vec()))])
            .unwrap();
        let mut markers = markers(&ledger);
        markers.push(("state", b"what the pull was about".to_vec()));
        drop(ledger);
        let next = Ledger::open(second(folder.path())).unwrap();
        // Numbers of the two have nothing to do with each other.
        for n in 20..23 {
            next.append_blocking(draft(n)).unwrap();
        }
        Self {
            over: Ledger::open_closed(options(&dir, 4)).unwrap(),
            folder,
            next,
            markers,
        }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("one")
    }

    fn said(&self) -> BTreeMap<u64, Vec<SectionName>> {
        let all = self.next.entombed(self.over.origin()).unwrap();
        all.into_iter().map(|one| (one.index, one.sections)).collect()
    }

    /// The same with the log that is over opened anew.
    fn reopened(self) -> Self {
        Self {
            over: Ledger::open_closed(options(&self.dir(), 6)).unwrap(),
            ..self
        }
    }

    /// The same with other bytes in the place of a record of it.
    fn damaged(self, index: u64) -> Self {
        let shared = to_strip(&options(&self.dir(), 8), &self.dir().join("keys")).unwrap();
        let mut batch = shared.log.batch();
        batch.put(Part::Records, &index.to_be_bytes(), b"other bytes").unwrap();
        batch.write_synced().unwrap();
        drop(shared);
        self.reopened()
    }

    fn strip(&self) -> Result<bool, LedgerError> {
        let said = self.said();
        let state = [("pull/3".to_owned(), None)];
        self.over.strip_closed(&options(&self.dir(), 5), &said, &said, &state)
    }

    fn check(&self) {
        assert_eq!(left(&self.dir(), &self.markers), [""; 0]);
        let record = self.over.record(TARGET).unwrap();
        assert_eq!(record.sections().keys().collect::<Vec<_>>(), [&SectionName::Envelope]);
        assert_eq!(record.macs().len(), 4);
        assert_eq!(self.over.by_digest(&linked_by(TARGET)).unwrap(), [0; 0]);
        assert_eq!(self.over.by_digest(&linked_by(TARGET + 1)).unwrap(), [TARGET + 1]);
        assert_eq!(self.over.get("pull/3").unwrap(), None);
        assert!(!self.over.is_unburied().unwrap() && !self.over.still_holds(&self.said()).unwrap());
        // What it shows is what was signed, and what is gone is gone by what the other log says.
        let audited = self.over.verify_all_but(&self.said(), |_, _| {}).unwrap();
        assert_eq!((audited.size, audited.erased_sections), (12, 3));
        let error = self.over.verify_all(|_, _| {}).unwrap_err().to_string();
        assert!(error.contains("record 3") && error.contains("neither"), "{error}");
        assert_eq!(self.next.verify_all(|_, _| {}).unwrap().erased_sections, 0);
        assert!(!self.next.is_unburied().unwrap());
    }
}

fn second(folder: &Path) -> Options {
    Options {
        origin: "knmi.example/log/2".to_owned(),
        ..options(&folder.join("two"), 7)
    }
}

#[test]
fn what_is_erased_in_a_log_that_is_over_is_in_no_file_of_it() {
    let two = Two::new();
    let names: Vec<&str> = two.markers.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        left(&two.dir(), &two.markers),
        names,
        "what is looked for is there before"
    );
    let (size, root) = (two.over.size(), *two.over.checkpoint().root());
    let numbers = two.next.entomb(&two.over, &erasure()).unwrap();
    assert_eq!(numbers, [4]);
    let tombstone = two.next.record(4).unwrap();
    let facts = tombstone.value(SectionName::Facts).unwrap();
    assert_eq!(
        (&facts["index"], &facts["log"]),
        (
            &json!(TARGET),
            &json!({"origin": "knmi.example/log/1", "size": size, "root": hex::encode(root)})
        )
    );
    let leaf = *two.over.record(TARGET).unwrap().leaf();
    let entombed = two.next.entombed("knmi.example/log/1").unwrap();
    assert_eq!((entombed.len(), entombed[0].leaf, entombed[0].tombstone), (1, leaf, 4));
    assert_eq!(two.next.entombed("knmi.example/log/3").unwrap(), []);
    assert!(two.over.still_holds(&two.said()).unwrap());
    let held = two.over.record(TARGET + 1).unwrap();

    assert!(two.strip().unwrap());
    two.check();
    assert_eq!(*two.over.checkpoint().root(), root, "nothing was signed anew");
    assert_eq!(two.over.record(TARGET + 1).unwrap(), held);
    let again = two.next.entomb(&two.over, &erasure()).unwrap_err().to_string();
    assert!(again.contains("erased before"), "{again}");
    // Once more, and after it was opened anew.
    assert!(two.strip().unwrap());
    let two = two.reopened();
    two.check();
    // Not even the lists of tables have anything, and the next one is as good.
    for (name, marker) in &two.markers {
        assert!(!is_on_disk(&two.dir(), marker), "{name}");
    }
    let next = TARGET + 2;
    let mut other = erasure();
    other.targets[0].index = next;
    two.next.entomb(&two.over, &other).unwrap();
    assert!(two.strip().unwrap());
    assert_eq!(two.over.record(next).unwrap().sections().len(), 1);
    two.over.verify_all_but(&two.said(), |_, _| {}).unwrap();
}

#[test]
fn what_an_older_copy_brings_back_is_removed_again() {
    for stores in [&["keys"][..], &["evidence"], &["log"], &["log", "keys", "evidence"]] {
        let two = Two::new();
        let backup = tempfile::tempdir().unwrap();
        let place = |of: &Path, store: &str| of.join(store);
        for store in stores {
            copy(&place(&two.dir(), store), &place(backup.path(), store));
        }
        // Another one before it, so that what is counted differs from what was counted when it was copied.
        let mut first = erasure();
        first.targets[0].index = TARGET + 3;
        two.next.entomb(&two.over, &first).unwrap();
        assert!(two.strip().unwrap());
        two.next.entomb(&two.over, &erasure()).unwrap();
        assert!(two.strip().unwrap());
        for store in stores {
            fs::remove_dir_all(place(&two.dir(), store)).unwrap();
            copy(&place(backup.path(), store), &place(&two.dir(), store));
        }
        assert_ne!(left(&two.dir(), &two.markers), [""; 0], "{stores:?}");
        let two = Two {
            over: Ledger::open_closed_apart(options(&two.dir(), 6), &two.dir().join("keys"), &two.said()).unwrap(),
            ..two
        };
        assert_eq!(two.over.record(TARGET).unwrap().sections().len(), 1, "it is not shown");
        assert!(two.over.is_unburied().unwrap() || two.over.still_holds(&two.said()).unwrap());
        assert!(two.strip().unwrap(), "{stores:?}");
        assert_eq!(left(&two.dir(), &two.markers), [""; 0], "{stores:?}");
        two.over.verify_all_but(&two.said(), |_, _| {}).unwrap();
    }
}

#[test]
fn what_is_broken_off_is_not_shown_and_is_finished_later() {
    let two = Two::new();
    two.next.entomb(&two.over, &erasure()).unwrap();
    let said = two.said();
    // What goes is written down, and nothing is removed yet.
    let shared = to_strip(&options(&two.dir(), 8), &two.dir().join("keys")).unwrap();
    let mut batch = shared.log.batch();
    let grave = Grave {
        target: TARGET,
        sections: said[&TARGET].clone(),
    };
    batch.put(Part::State, &grave_key(12), &grave.encode()).unwrap();
    batch.write_synced().unwrap();
    // Nobody else writes there meanwhile.
    let refused = two.strip().unwrap_err();
    assert!(matches!(refused, LedgerError::InUse { .. }), "{refused}");
    drop(shared);
    let over = Ledger::open_closed(options(&two.dir(), 9)).unwrap();
    assert_eq!(over.record(TARGET).unwrap().sections().len(), 1);
    assert!(over.is_unburied().unwrap());
    drop(over);
    assert!(two.strip().unwrap());
    two.check();
}

#[test]
fn a_log_that_goes_on_is_not_stripped_by_what_another_says() {
    let two = Two::new();
    let error = two
        .next
        .strip_closed(&second(two.folder.path()), &two.said(), &two.said(), &[]);
    assert!(error.unwrap_err().to_string().contains("not a log that is over"));
    let error = two
        .over
        .strip_closed(&second(two.folder.path()), &two.said(), &two.said(), &[]);
    assert!(error.unwrap_err().to_string().contains("another one"));
    let never = Erasure {
        targets: vec![crate::ledger::Target {
            index: 0,
            sections: BTreeSet::new(),
            counterparty: None,
        }],
        ..erasure()
    };
    let error = two.next.entomb(&two.over, &never).unwrap_err().to_string();
    assert!(error.contains("log-opened"), "{error}");
    assert_eq!(two.next.size(), 4, "nothing was written");
}

/// The same log as it lies there, with entries of its index taken away that say who lists these documents.
fn forget_lists(two: &Two, digests: &[[u8; 32]]) {
    let shared = to_strip(&options(&two.dir(), 8), &two.dir().join("keys")).unwrap();
    let mut batch = shared.log.batch();
    for digest in digests {
        let mut found = Vec::new();
        shared
            .log
            .scan(
                Part::Index,
                &crate::store::codec::document_prefix(digest),
                |index, _| {
                    found.push(u64::from_be_bytes(index.try_into().unwrap()));
                    true
                },
            )
            .unwrap();
        assert!(!found.is_empty());
        for index in found {
            batch
                .delete(Part::Index, &crate::store::codec::document_key(digest, index))
                .unwrap();
        }
    }
    batch.write_synced().unwrap();
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).into()
}

#[test]
fn a_document_that_the_index_does_not_know_and_a_record_lists_stays() {
    let two = Two::new();
    let (large, shared) = (random(3_000 + TARGET + 1, 90_000), random(4_000, 900));
    // Of a record that stays: one of its own, and one that what goes lists too.
    forget_lists(&two, &[sha256(&large), sha256(&shared)]);
    let lost = random(77, 90_000);
    let name = hex::encode(sha256(&lost));
    let stray = two.dir().join("evidence").join(&name[..2]).join(&name);
    // Of a record that is lost.
    fs::write(&stray, &lost).unwrap();
    let two = two.reopened();
    two.next.entomb(&two.over, &erasure()).unwrap();
    assert!(two.strip().unwrap());
    assert_eq!(left(&two.dir(), &two.markers), [""; 0]);
    for bytes in [&large, &shared] {
        assert_eq!(two.over.evidence(&sha256(bytes)).unwrap().as_ref(), Some(bytes));
    }
    assert_eq!(fs::read(&stray).unwrap(), lost);
}

#[test]
fn what_is_damaged_keeps_nothing_else_there_and_is_said() {
    let two = Two::new();
    let damaged = TARGET + 2;
    let mut both = erasure();
    both.targets.push(crate::ledger::Target {
        index: damaged,
        ..both.targets[0].clone()
    });
    two.next.entomb(&two.over, &both).unwrap();
    assert!(!two.over.is_unclear(&two.said()).unwrap());
    let two = two.damaged(damaged);
    assert!(two.over.is_unclear(&two.said()).unwrap());
    assert!(!two.strip().unwrap(), "it is not known of all of it");
    assert_eq!(left(&two.dir(), &two.markers), [""; 0], "what could be read is gone");
    assert!(two.over.is_unclear(&two.said()).unwrap());
    assert!(two.over.is_unburied().unwrap());
    // However often it is tried, it is written down once.
    let graves = || two.over.shared().graves(0).unwrap();
    let written = graves();
    assert!(!two.strip().unwrap());
    assert_eq!(graves(), written);
}

/// Where a document lies, and its note.
fn places(two: &Two, bytes: &[u8]) -> [PathBuf; 2] {
    let (evidence, name) = (two.dir().join("evidence"), hex::encode(sha256(bytes)));
    [evidence.join(&name[..2]).join(&name), evidence.join("tmp").join(&name)]
}

#[test]
fn what_a_draft_brought_that_came_to_nothing_goes_with_what_is_erased() {
    let (lost, listed) = (random(77, 90_000), random(3_000 + TARGET + 1, 90_000));
    let killed = || {
        let two = Two::new();
        // Before its record was durable; and after that, before its note was removed.
        fs::write(&places(&two, &lost)[0], &lost).unwrap();
        for bytes in [&lost, &listed] {
            fs::write(&places(&two, bytes)[1], b"").unwrap();
        }
        two.next.entomb(&two.over, &erasure()).unwrap();
        two
    };
    let are_there = |two: &Two, bytes: &[u8]| places(two, bytes).map(|path| path.exists());
    let two = killed();
    assert!(two.strip().unwrap());
    assert_eq!(
        (are_there(&two, &lost), are_there(&two, &listed)),
        ([false; 2], [true, false])
    );
    // A record that cannot be read may list it.
    let two = killed().damaged(TARGET + 2);
    two.strip().unwrap();
    assert_eq!(are_there(&two, &lost), [true; 2]);
}

#[test]
fn a_key_that_does_not_open_keeps_nothing_else_from_going() {
    let two = Two::new();
    let damaged = TARGET + 2;
    let id = two.over.shared().row(damaged).unwrap().0.id;
    // Nobody else lists the large document of what goes, so that all others are looked at.
    two.next.entomb(&two.over, &erasure()).unwrap();
    let shared = to_strip(&options(&two.dir(), 8), &two.dir().join("keys")).unwrap();
    let key = crate::store::codec::wrapped_key(&id);
    let mut row = shared.keys.rocks().get(Part::State, &key).unwrap().unwrap();
    row[40] ^= 1;
    let mut batch = shared.keys.rocks().batch();
    batch.put(Part::State, &key, &row).unwrap();
    batch.write_synced().unwrap();
    drop(shared);
    let two = two.reopened();
    assert!(two.over.record(damaged).is_err());
    assert!(!two.over.is_unclear(&two.said()).unwrap(), "it is not among what goes");
    assert!(two.strip().unwrap());
    assert_eq!(left(&two.dir(), &two.markers), [""; 0]);
    assert!(!two.over.still_holds(&two.said()).unwrap() && !two.over.is_unburied().unwrap());
}

#[test]
fn documents_that_come_back_stay_and_are_said_to_where_a_record_cannot_be_read() {
    let two = Two::new();
    let backup = tempfile::tempdir().unwrap();
    copy(&two.dir().join("evidence"), &backup.path().join("evidence"));
    two.next.entomb(&two.over, &erasure()).unwrap();
    assert!(two.strip().unwrap());
    // An older folder of documents, and a record that may list any of them.
    fs::remove_dir_all(two.dir().join("evidence")).unwrap();
    copy(&backup.path().join("evidence"), &two.dir().join("evidence"));
    let two = two.damaged(TARGET + 2);
    assert!(two.over.is_unburied().unwrap() && two.over.is_unclear(&two.said()).unwrap());
    assert!(!two.strip().unwrap());
    assert!(two.over.is_unclear(&two.said()).unwrap());
    // Those of records that stand are all there.
    let large = random(3_000 + TARGET + 1, 90_000);
    assert_eq!(two.over.evidence(&sha256(&large)).unwrap(), Some(large));
}
