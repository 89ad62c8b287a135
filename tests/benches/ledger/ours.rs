//! Our side: records of 1 KiB in five sections, as a provider writes them when it has served a pull.

use crate::spent::{Spent, Threads, Who};
use herleid::rim::{SystemClock, SystemEntropy};
use herleid_ledger::exchange::{Content, Exchange, Phase, Subject};
use herleid_ledger::merkle::{Frontier, leaf_hash};
use herleid_ledger::record::{Draft, Kind, Side, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::tile::{FULL_WIDTH, parse_bundle};
use herleid_ledger::{Ledger, Options, Recorded, WitnessPolicy, fatal_abort};
use herleid_vocab::did::Did;
use herleid_vocab::rim::{Clock as _, Entropy as _};
use serde_json::json;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Builder;

/// So many callers wait for their proof at a time: as many as two batches take, so that the next one is there when one has been written.
const CALLERS: u64 = 2048;
/// Agreements in turn, each with its stream and its numbers.
const AGREEMENTS: u64 = 64;
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// The five sections of a record have this many bytes, to within an eighth.
const RECORD_BYTES: usize = 1024;

fn options(dir: &Path) -> Options {
    Options {
        dir: dir.to_owned(),
        origin: "knmi.example/log/1".to_owned(),
        party: "did:web:knmi.example".parse().unwrap(),
        development: false,
        signing_key: ed25519_dalek::SigningKey::from_bytes(&[1; 32]),
        kek: SystemEntropy.bytes32(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        witness_policy: WitnessPolicy::none(),
        on_fatal: fatal_abort,
    }
}

/// What stands in a `pull-served`: the exchange that both ends hold, its digests, what the provider knows of it.
fn draft(number: u64) -> Draft {
    let mut random = [0; 10];
    SystemEntropy.fill(&mut random);
    let transaction = Builder::from_unix_timestamp_millis(SystemClock.now_ms(), &random).into_uuid();
    // Each has bytes of its own, as most pulls do: the index is sorted by their digests.
    let of = |half: u8| {
        let mut digest = [half; 32];
        digest[8..24].copy_from_slice(transaction.as_bytes());
        digest[..8].copy_from_slice(&transaction.as_bytes()[8..]);
        digest
    };
    let content = Content {
        salt: SystemEntropy.bytes32(),
        blake3: of(3),
        sha256: of(4),
        bytes: 1024,
        media_type: "text/csv".to_owned(),
    };
    let consumer: Did = "did:web:app.example".parse().unwrap();
    let agreement = format!("urn:uuid:0197b7a0-0000-7000-8000-{:012x}", number % AGREEMENTS);
    let exchange = Exchange {
        transaction,
        segment: 1,
        phase: Phase::Pull,
        agreement: agreement.clone(),
        provider: "did:web:knmi.example".parse().unwrap(),
        consumer: consumer.clone(),
        subject: Subject::Dataset {
            dataset: "rain".to_owned(),
            version: "2020-06-17".to_owned(),
        },
        from: 0,
        to: 1024,
        content: content.mac(),
    };
    Draft::new(Kind::PullServed, TRACE)
        .exchanged(&exchange, &content)
        .section(
            SectionName::Facts,
            json!({"transaction": transaction.hyphenated().to_string(), "seen": true}),
        )
        .stream(StreamKey::Agreement {
            agreement: agreement.clone(),
            side: Side::Provider,
            other: consumer.clone(),
        })
        // The record that opened the pull. (One of this log in truth; nothing looks there when it is named.)
        .prior(SystemEntropy.bytes32())
        .once(format!("served/{consumer}/{transaction}/1"), [5; 32])
        .term(Term::Transaction(transaction.hyphenated().to_string()))
        .term(Term::Agreement(agreement))
        .term(Term::Party(consumer))
}

/// Bytes of the sections of the record at `index`.
fn bytes_of(ledger: &Ledger, index: u64) -> usize {
    let record = ledger.record(index).unwrap();
    let names = [
        SectionName::Envelope,
        SectionName::StreamAgreement,
        SectionName::Exchange,
        SectionName::Content,
        SectionName::Facts,
    ];
    names
        .map(|name| record.value(name).unwrap().to_string().len())
        .iter()
        .sum()
}

/// What appending as fast as possible gave.
pub(crate) struct Appended {
    /// Records a second, over all.
    pub(crate) per_s: f64,
    /// The same for each tenth: whether it is kept up.
    pub(crate) tenths: Vec<f64>,
    /// Bytes of the sections of one record.
    pub(crate) record_bytes: usize,
    /// Where the processor's time went.
    pub(crate) spent: Spent,
}

/// What callers were given, together.
#[derive(Default)]
struct Seen {
    /// Size of the log under the newest checkpoint, and how many different ones there were.
    newest: AtomicU64,
    batches: AtomicU64,
    hashes: AtomicU64,
}

impl Seen {
    fn see(&self, recorded: &Recorded) {
        self.hashes.fetch_add(recorded.proof().len() as u64, Ordering::Relaxed);
        let size = recorded.checkpoint().size();
        if self.newest.fetch_max(size, Ordering::Relaxed) < size {
            self.batches.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A log that is written to.
pub(crate) struct Ours {
    runtime: Runtime,
    options: Options,
    ledger: Option<Ledger>,
}

impl Ours {
    pub(crate) fn new(dir: &Path) -> Self {
        let options = options(dir);
        let ledger = Ledger::open(options.clone()).unwrap();
        Self {
            runtime: Runtime::new().unwrap(),
            options,
            ledger: Some(ledger),
        }
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger.clone().unwrap()
    }

    /// Appends `count` records; each caller has its proof, which has been verified, before it appends the next one.
    pub(crate) fn append(&self, count: u64) -> Appended {
        let before = self.ledger().size();
        let (threads, seen) = (Threads::now(), Arc::new(Seen::default()));
        let began = Instant::now();
        let tenths = (0..10).map(|_| {
            let began = Instant::now();
            let next = Arc::new(AtomicU64::new(0));
            self.runtime.block_on(async {
                let mut callers = JoinSet::new();
                for _ in 0..CALLERS {
                    let (ledger, next, seen) = (self.ledger(), next.clone(), seen.clone());
                    callers.spawn(async move {
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= count / 10 {
                                return;
                            }
                            seen.see(&ledger.append(draft(number)).await.unwrap());
                        }
                    });
                }
                while let Some(done) = callers.join_next().await {
                    done.unwrap();
                }
            });
            (count / 10) as f64 / began.elapsed().as_secs_f64()
        });
        let tenths = tenths.collect();
        let records = (count / 10 * 10) as f64;
        let (per_s, after) = (records / began.elapsed().as_secs_f64(), Threads::now());
        let each = |who| after.each(&threads, who, records);
        let spent = Spent {
            callers: each(Who::Callers),
            writer: each(Who::Writer),
            rocksdb: each(Who::RocksDb),
            batch: records / seen.batches.load(Ordering::Relaxed) as f64,
            proof: seen.hashes.load(Ordering::Relaxed) as f64 / records,
        };
        assert_eq!(self.ledger().size(), before + count / 10 * 10, "every record is there");
        let record_bytes = bytes_of(&self.ledger(), before);
        assert!(
            record_bytes.abs_diff(RECORD_BYTES) < 128,
            "a record has {record_bytes} bytes"
        );
        Appended {
            per_s,
            tenths,
            record_bytes,
            spent,
        }
    }

    /// Milliseconds from the moment a record is due until its proof is in hand, for `rate` a second over `time`, sorted. Records become due
    /// whether or not earlier ones are done.
    pub(crate) fn proof_in_hand_ms(&self, rate: u64, time: Duration) -> Vec<f64> {
        const TICK: Duration = Duration::from_millis(2);
        let ticks = time.as_millis() / TICK.as_millis();
        let each = rate * TICK.as_millis() as u64 / 1000;
        let mut waited: Vec<f64> = self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            let mut due = tokio::time::interval(TICK);
            due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
            for _ in 0..ticks {
                let due = due.tick().await.into_std();
                for number in 0..each {
                    let ledger = self.ledger();
                    tasks.spawn(async move {
                        let recorded: Recorded = ledger.append(draft(number)).await.unwrap();
                        assert!(!recorded.proof().is_empty());
                        due.elapsed().as_secs_f64() * 1000.0
                    });
                }
            }
            tasks.join_all().await
        });
        waited.sort_by(f64::total_cmp);
        waited
    }

    /// Leaves a second, on one core, from entries as they are served to the root that is signed.
    pub(crate) fn verified_per_s(&self) -> f64 {
        let ledger = self.ledger();
        let checkpoint = ledger.checkpoint();
        let size = checkpoint.size();
        let full = u64::from(FULL_WIDTH);
        // Fetched before: what is told is what checking costs, not what reading does.
        let bundles: Vec<Vec<u8>> = (0..size.div_ceil(full))
            .map(|number| {
                let width = (size - number * full).min(full) as u16;
                ledger.entries(number, width).unwrap().unwrap()
            })
            .collect();
        let began = Instant::now();
        let mut tree = Frontier::default();
        for bundle in &bundles {
            for entry in parse_bundle(bundle).unwrap() {
                tree.append(leaf_hash(&entry), |_, _, _| ());
            }
        }
        assert_eq!(tree.root(), *checkpoint.root(), "the log is what its checkpoint says");
        size as f64 / began.elapsed().as_secs_f64()
    }

    /// Milliseconds to open the log again.
    pub(crate) fn reopened_ms(&mut self) -> f64 {
        self.ledger = None;
        let began = Instant::now();
        self.ledger = Some(Ledger::open(self.options.clone()).unwrap());
        began.elapsed().as_secs_f64() * 1000.0
    }

    /// Waits until RocksDB has put its tables in order, which it goes on with for a while after millions of keys: what is measured next is a
    /// log at rest.
    pub(crate) fn at_rest(&self) {
        const QUIET: Duration = Duration::from_secs(5);
        let tables = || -> BTreeSet<OsString> {
            let files = std::fs::read_dir(self.options.dir.join("log")).unwrap();
            let names = files.map(|file| file.unwrap().file_name());
            names.filter(|name| name.to_string_lossy().ends_with(".sst")).collect()
        };
        let mut before = tables();
        for _ in 0..60 {
            std::thread::sleep(QUIET);
            let now = tables();
            if now == before {
                return;
            }
            before = now;
        }
        panic!("RocksDB still rewrites its tables after {:?}", QUIET * 60);
    }

    pub(crate) fn size(&self) -> u64 {
        self.ledger().size()
    }
}
