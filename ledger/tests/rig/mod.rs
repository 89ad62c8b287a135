//! What the tests of the durable log share: options, drafts, a clock that runs.
#![allow(dead_code)]

pub(crate) mod linked;

use ed25519_dalek::SigningKey;
use herleid_ledger::note::Signer;
use herleid_ledger::record::{Draft, Kind, Side, StreamKey};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, Options, WitnessPolicy, fatal_abort};
use herleid_vocab::did::Did;
use herleid_vocab::rim::{Clock, FixedClock, SeededEntropy};
use rocksdb::{DB, Options as RocksOptions};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
pub(crate) const ORIGIN: &str = "knmi.example/log/1";
pub(crate) const START_MS: u64 = 1_592_400_000_000;

/// The machine's clock, for child processes that are restarted.
pub(crate) struct RunningClock;

impl Clock for RunningClock {
    fn now_ms(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
    }
}

/// Different at every call, so that no two runs on one directory draw the same ids.
pub(crate) fn fresh_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 ^ u64::from(std::process::id()) << 32
}

pub(crate) fn witness(number: u8) -> Signer {
    let key = SigningKey::from_bytes(&[100 + number; 32]);
    Signer::cosigner(&format!("witness.example/w{number}"), key).unwrap()
}

/// Options with a fixed clock; the seed decides ids and keys.
pub(crate) fn options(dir: &Path, seed: u64) -> Options {
    Options {
        dir: dir.to_owned(),
        origin: ORIGIN.to_owned(),
        party: "did:web:knmi.example".parse().unwrap(),
        development: true,
        signing_key: SigningKey::from_bytes(&[1; 32]),
        kek: [2; 32],
        clock: Arc::new(FixedClock::new(START_MS)),
        entropy: Arc::new(SeededEntropy::new(seed)),
        witness_policy: WitnessPolicy::none(),
        on_fatal: fatal_abort,
    }
}

pub(crate) fn open(dir: &Path, seed: u64) -> Ledger {
    Ledger::open(options(dir, seed)).unwrap()
}

/// Options of a process that may be killed and started again.
pub(crate) fn running_options(dir: &Path) -> Options {
    Options {
        clock: Arc::new(RunningClock),
        ..options(dir, fresh_seed())
    }
}

pub(crate) fn case(name: &str) -> StreamKey {
    StreamKey::Case { case: name.to_owned() }
}

pub(crate) fn agreement(id: &str, side: Side) -> StreamKey {
    StreamKey::Agreement {
        agreement: id.to_owned(),
        side,
        other: "did:web:app.example".parse().unwrap(),
    }
}

/// Whose log it is.
pub(crate) fn us() -> Did {
    "did:web:knmi.example".parse().unwrap()
}

/// A small draft without streams.
pub(crate) fn note(text: &str) -> Draft {
    Draft::new(Kind::Replayed, TRACE).section(SectionName::Facts, json!({"transaction": text, "verdict": "identical"}))
}

/// A small draft in a stream.
pub(crate) fn terminated(id: &str) -> Draft {
    Draft::new(Kind::AgreementTerminated, TRACE)
        .section(SectionName::Facts, json!({"agreement": id, "reason": "over"}))
        .stream(agreement(id, Side::Provider))
}

/// Alters one row of a log, bypassing it.
pub(crate) fn alter(dir: &Path, part: &str, key: &[u8], change: impl FnOnce(&mut Vec<u8>)) {
    let log = dir.join("log");
    let parts = DB::list_cf(&RocksOptions::default(), &log).unwrap();
    let db = DB::open_cf(&RocksOptions::default(), &log, parts).unwrap();
    let cf = db.cf_handle(part).unwrap();
    let mut value = db.get_cf(cf, key).unwrap().unwrap();
    change(&mut value);
    db.put_cf(cf, key, value).unwrap();
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
