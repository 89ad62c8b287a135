//! Nothing of what was erased is left in any file: looked for byte by byte, after an erasure that went well, one that was broken off at
//! each of its steps, and one whose stores came back from a backup.

use super::*;
use crate::ledger::prepare::prepare_sealed;
use crate::ledger::sequencer::{Job, Reply};
use crate::ledger::{Erasure, Ground, Target};
use crate::ledger::{Ledger, Options, WitnessPolicy, fatal_abort};
use crate::record::{Document, Draft, Kind};
use ed25519_dalek::SigningKey;
use herleid_vocab::rim::{Entropy as _, FixedClock, SeededEntropy};
use serde_json::{Map, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

pub(in crate::ledger) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
pub(in crate::ledger) const NOW_MS: u64 = 1_592_400_000_000;
/// The record that is erased.
pub(in crate::ledger) const TARGET: u64 = 3;
pub(in crate::ledger) const INDEX: &str = "digest in the index";

pub(in crate::ledger) fn open(dir: &Path, seed: u64) -> Ledger {
    Ledger::open(options(dir, seed)).unwrap()
}

pub(in crate::ledger) fn options(dir: &Path, seed: u64) -> Options {
    Options {
        dir: dir.to_owned(),
        origin: "knmi.example/log/1".to_owned(),
        party: "did:web:knmi.example".parse().unwrap(),
        development: true,
        signing_key: SigningKey::from_bytes(&[1; 32]),
        kek: [2; 32],
        clock: Arc::new(FixedClock::new(NOW_MS)),
        entropy: Arc::new(SeededEntropy::new(seed)),
        witness_policy: WitnessPolicy::none(),
        on_fatal: fatal_abort,
    }
}

/// Bytes that no compression shortens.
pub(in crate::ledger) fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    SeededEntropy::new(seed).fill(&mut bytes);
    bytes
}

pub(in crate::ledger) fn document(bytes: Vec<u8>) -> Document {
    Document {
        role: "receipt".to_owned(),
        media_type: "application/octet-stream".to_owned(),
        bytes,
    }
}

/// What a record of the sample is linked by.
pub(in crate::ledger) fn linked_by(n: u64) -> [u8; 32] {
    random(5_000 + n, 32).try_into().unwrap()
}

pub(in crate::ledger) fn draft(n: u64) -> Draft {
    let digest: [u8; 32] = random(1_000 + n, 32).try_into().unwrap();
    Draft::new(Kind::Replayed, TRACE)
        .section(
            SectionName::Facts,
            json!({"transaction": n.to_string(), "verdict": "identical", "sha256": hex::encode(linked_by(n))}),
        )
        .section(
            SectionName::Private,
            json!({"sha256": hex::encode(digest), "long": hex::encode(random(n, 300))}),
        )
        .evidence(document(random(2_000 + n, 900)))
        .evidence(document(random(3_000 + n, 90_000)))
        .evidence(document(random(4_000, 900)))
        .term(Term::Digest(digest))
}

/// A log of twelve records, part of it in tables of the lowest level, part in younger ones, part in the write-ahead log.
pub(in crate::ledger) fn sample(dir: &Path) -> Ledger {
    let ledger = open(dir, 1);
    for n in 1..6 {
        ledger.append_blocking(draft(n)).unwrap();
    }
    for rocks in [&ledger.shared().log, ledger.shared().keys.rocks()] {
        rocks.scrub(&[(Part::State, None)]).unwrap();
    }
    let all = [Part::Records, Part::Index, Part::Evidence].map(|part| (part, None));
    ledger.shared().log.scrub(&all).unwrap();
    for n in 6..9 {
        ledger.append_blocking(draft(n)).unwrap();
    }
    drop(ledger);
    let ledger = open(dir, 2);
    for n in 9..12 {
        ledger.append_blocking(draft(n)).unwrap();
    }
    ledger
}

/// What must not be found any more, by name: parts of ciphertexts, of wrapped keys, of documents, and an index entry.
pub(in crate::ledger) fn markers(ledger: &Ledger) -> Vec<(&'static str, Vec<u8>)> {
    let shared = ledger.shared();
    let (row, _) = shared.row(TARGET).unwrap();
    let mut found = Vec::new();
    for section in row.sections.iter().filter(|section| !section.name.is_made_by_the_log()) {
        let sealed = section.sealed.clone().unwrap();
        found.push(("ciphertext", sealed[sealed.len() - 20..].to_vec()));
        let keys = shared
            .keys
            .rocks()
            .get(Part::State, &wrapped_key(&row.id))
            .unwrap()
            .unwrap();
        let without = shared.keys.without(&row.id, &[section.name], 3).unwrap().unwrap();
        // The rows are equal up to the key that is missing in one of them: its name, then the nonce.
        let at = keys.iter().zip(&without).take_while(|(a, b)| a == b).count();
        let at = at - at % 73;
        found.push(("wrapped key", keys[at + 2..at + 60].to_vec()));
    }
    found.push(("small document", random(2_000 + TARGET, 900)[100..140].to_vec()));
    found.push(("large document", random(3_000 + TARGET, 90_000)[100..140].to_vec()));
    found.push((INDEX, random(1_000 + TARGET, 32)));
    let hash = shared.link_key.digest(&linked_by(TARGET));
    // Keys are stored without what the key before them begins with too.
    found.push((INDEX, hash[2..].to_vec()));
    found
}

/// Whether any file below `dir` has these bytes. Of an open log RocksDB may remove one meanwhile, which has nothing then.
pub(in crate::ledger) fn is_on_disk(dir: &Path, marker: &[u8]) -> bool {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().any(|path| match path.is_dir() {
        true => is_on_disk(&path, marker),
        false => match fs::read(&path) {
            Ok(bytes) => bytes.windows(marker.len()).any(|window| window == marker),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => panic!("{}: {error}", path.display()),
        },
    })
}

pub(in crate::ledger) fn left(dir: &Path, markers: &[(&'static str, Vec<u8>)]) -> Vec<&'static str> {
    let is_left = |(_, marker): &&(&str, Vec<u8>)| is_on_disk(dir, marker);
    markers.iter().filter(is_left).map(|(name, _)| *name).collect()
}

pub(in crate::ledger) fn erasure() -> Erasure {
    Erasure {
        trace: TRACE.to_owned(),
        targets: vec![Target {
            index: TARGET,
            sections: BTreeSet::new(),
            counterparty: None,
        }],
        ground: Ground::Avg17,
        authority: "request 2026-17".to_owned(),
        complete_by_ms: NOW_MS + 1,
        facts: Map::new(),
        state: Vec::new(),
    }
}

/// What holds of the log once the record is erased.
pub(in crate::ledger) fn check(ledger: &Ledger) {
    let record = ledger.record(TARGET).unwrap();
    assert_eq!(record.sections().keys().collect::<Vec<_>>(), [&SectionName::Envelope]);
    assert_eq!(record.macs().len(), 4);
    assert_eq!(ledger.tombstones(record.leaf()).unwrap().len(), 1);
    let digest: [u8; 32] = random(1_000 + TARGET, 32).try_into().unwrap();
    assert_eq!(ledger.by_term(&Term::Digest(digest)).unwrap(), [0; 0]);
    assert_eq!(ledger.by_digest(&linked_by(TARGET)).unwrap(), [0; 0]);
    assert_eq!(ledger.by_digest(&linked_by(TARGET + 1)).unwrap(), [TARGET + 1]);
    // What other records list too stays.
    let shared: [u8; 32] =
        sha2::Digest::finalize(sha2::Digest::chain_update(sha2::Sha256::default(), random(4_000, 900))).into();
    assert_eq!(ledger.by_document(&shared).unwrap().len(), 10);
    assert!(ledger.evidence(&shared).unwrap().is_some());
    let audited = ledger.verify_all(|_, _| {}).unwrap();
    assert_eq!((audited.size, audited.erased_sections), (ledger.size(), 3));
}

#[test]
fn what_is_erased_is_in_no_file_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let markers = markers(&ledger);
    let names: Vec<&str> = markers.iter().map(|(name, _)| *name).collect();
    assert_eq!(left(dir.path(), &markers), names, "what is looked for is there before");
    let erased = ledger.erase(erasure()).unwrap();
    assert!(erased.is_buried, "{erased:?}");
    assert!(ledger.buried_below().unwrap() > erased.tombstones[0]);
    assert_eq!(left(dir.path(), &markers), [""; 0], "while the log is open");
    check(&ledger);
    drop(ledger);
    assert_eq!(left(dir.path(), &markers), [""; 0], "after it was closed");
    let ledger = open(dir.path(), 3);
    check(&ledger);
    let again = ledger.erase(erasure()).unwrap_err().to_string();
    assert!(again.contains("erased before"), "{again}");
    drop(ledger);
    assert_eq!(left(dir.path(), &markers), [""; 0], "after it was opened again");
}

/// The tombstone alone: as a crash leaves it that comes right after.
pub(in crate::ledger) fn entomb(ledger: &Ledger, erasure: &Erasure) -> Vec<(u64, Grave)> {
    let shared = ledger.shared();
    let (grave, record) = ledger.check_erasure(erasure).unwrap().remove(0);
    let draft = ledger.tombstone(erasure, &erasure.targets[0], &grave, &record);
    let mut sealed = draft.seal().unwrap();
    sealed.grave = Some(grave.clone());
    let prepared = prepare_sealed(&shared, sealed).unwrap();
    let (sender, receiver) = sync_channel(1);
    ledger
        .submit(Job::Tombstones(vec![prepared], Reply::Blocked(sender)))
        .unwrap();
    receiver.recv().unwrap().unwrap();
    vec![(ledger.size() - 1, grave)]
}

#[test]
fn an_erasure_that_is_broken_off_is_finished_when_the_log_is_opened() {
    for steps in 0..=4 {
        let dir = tempfile::tempdir().unwrap();
        let ledger = sample(dir.path());
        let markers = markers(&ledger);
        let graves = entomb(&ledger, &erasure());
        let shared = ledger.shared();
        let plan = shared.plan(&graves, 0).unwrap();
        let done: [&dyn Fn() -> Result<(), LedgerError>; 4] = [
            &|| shared.strip_log(&plan),
            &|| shared.evidence.remove(&plan.unlisted),
            &|| shared.evidence.finish(plan.below),
            &|| shared.strip_keys(&plan),
        ];
        done.iter().take(steps).for_each(|step| step().unwrap());
        assert_ne!(left(dir.path(), &markers), [""; 0], "{steps} steps leave something");
        drop((shared, ledger));
        let ledger = open(dir.path(), 3);
        assert_eq!(left(dir.path(), &markers), [""; 0], "{steps} steps");
        check(&ledger);
        drop(ledger);
        assert_eq!(left(dir.path(), &markers), [""; 0], "{steps} steps, and closed");
    }
}

pub(in crate::ledger) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn a_restored_backup_is_erased_again_before_the_log_serves() {
    for stores in [&["keys"][..], &["evidence"], &["keys", "evidence"]] {
        let dir = tempfile::tempdir().unwrap();
        let backup = tempfile::tempdir().unwrap();
        let ledger = sample(dir.path());
        let markers = markers(&ledger);
        entomb(&ledger, &erasure());
        drop(ledger);
        for store in stores {
            copy(&dir.path().join(store), &backup.path().join(store));
        }
        drop(open(dir.path(), 3));
        assert_eq!(left(dir.path(), &markers), [""; 0]);
        for store in stores {
            fs::remove_dir_all(dir.path().join(store)).unwrap();
            copy(&backup.path().join(store), &dir.path().join(store));
        }
        assert_ne!(left(dir.path(), &markers), [""; 0], "the backup brought something back");
        let ledger = open(dir.path(), 4);
        assert_eq!(left(dir.path(), &markers), [""; 0], "{stores:?}");
        check(&ledger);
    }
}

#[test]
fn what_is_erased_after_a_check_has_read_it_is_no_damage_and_a_wrong_entry_is() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let shared = ledger.shared();
    let before = shared.linked(TARGET).unwrap();
    ledger.erase(erasure()).unwrap();
    assert_ne!(shared.linked(TARGET).unwrap(), before);
    shared.check_links(TARGET, before.as_ref()).unwrap();
    let mut batch = shared.log.batch();
    let old = before.as_ref().unwrap().encode();
    batch
        .put(Part::Index, &crate::store::links::linked_key(TARGET), &old)
        .unwrap();
    batch.write_synced().unwrap();
    assert!(shared.check_links(TARGET, before.as_ref()).is_err());
}

#[test]
fn a_document_that_a_draft_brings_meanwhile_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let (shared, bytes) = (ledger.shared(), random(3_000 + TARGET, 90_000));
    let sealed = draft(100).evidence(document(bytes.clone())).seal().unwrap();
    let under_way = prepare_sealed(&shared, sealed).unwrap();
    drop(shared);
    let erased = ledger.erase(erasure()).unwrap();
    assert!(!erased.is_buried, "{erased:?}");
    assert!(!ledger.bury().unwrap(), "it is still under way");
    assert!(ledger.buried_below().unwrap() <= erased.tombstones[0]);
    let (sender, receiver) = sync_channel(1);
    ledger
        .submit(Job::Append(Box::new(under_way), Reply::Blocked(sender)))
        .unwrap();
    receiver.recv().unwrap().unwrap();
    let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&bytes).into();
    assert!(ledger.bury().unwrap(), "a record lists it now");
    assert!(ledger.buried_below().unwrap() > erased.tombstones[0]);
    assert_eq!(ledger.evidence(&digest).unwrap().unwrap(), bytes);
    let ledger = {
        drop(ledger);
        open(dir.path(), 3)
    };
    assert_eq!(ledger.evidence(&digest).unwrap().unwrap(), bytes);
    ledger.verify_all(|_, _| {}).unwrap();
}

#[test]
fn a_document_whose_draft_comes_to_nothing_goes_at_the_next_try() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let markers = markers(&ledger);
    let sealed = draft(100)
        .evidence(document(random(3_000 + TARGET, 90_000)))
        .seal()
        .unwrap();
    let under_way = prepare_sealed(&ledger.shared(), sealed).unwrap();
    assert!(!ledger.erase(erasure()).unwrap().is_buried);
    assert_eq!(left(dir.path(), &markers), ["large document"]);
    drop(under_way);
    assert!(ledger.bury().unwrap());
    assert_eq!(left(dir.path(), &markers), [""; 0]);
}
