//! Who is measured: two connectors, or two EDCs, that negotiate with each other.

use crate::PAYLOAD;
use herleid_tests::edc::{Edc, Pace};
use herleid_tests::http;
use herleid_tests::machine::{resident_mib, until};
use herleid_tests::operated::{Made, Operated};
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Negotiations before anything is measured: EDC's virtual machine compiles what it uses often only after a while.
const WARM: usize = 200;
/// Negotiations that are measured.
const MEASURED: usize = 400;
/// Callers that begin them, each over a connection of its own.
const CALLERS: usize = 4;
/// Negotiations that are measured one by one.
const ALONE: usize = 5;
/// How long all of them may take together.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is asked how many are done.
const EVERY: Duration = Duration::from_millis(100);

/// Who.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// Ours; every step on disk before it is answered.
    Herleid,
    /// EDC in memory, as it is delivered.
    EdcDelivered,
    /// EDC in memory, whose state machines look a hundred times a second.
    EdcTuned,
}

/// What was found out about one pair in one round.
pub(crate) struct Measured {
    pub(crate) negotiations_per_s: f64,
    pub(crate) alone_ms: f64,
    pub(crate) rss_mib: f64,
    pub(crate) startup_ms: f64,
    /// Negotiations that ended otherwise than finalized, although everybody agreed.
    pub(crate) lost: f64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} negotiations/s, {:.0} ms for one alone, {:.0} MiB resident, ready after {:.0} ms, {} negotiations lost",
            self.negotiations_per_s, self.alone_ms, self.rss_mib, self.startup_ms, self.lost
        )
    }
}

/// Two that negotiate: the consumer begins, and says how many are finalized.
trait Pair: Sync {
    /// Begins one; what it is called.
    fn begin(&self) -> String;
    /// Whether this one has ended.
    fn is_done(&self, id: &str) -> bool;
    /// Whether `count` in all have ended.
    fn are_done(&self, count: usize) -> bool;
    /// How many of `total` are finalized.
    fn finalized(&self, total: usize) -> usize;
    /// Process ids of both.
    fn ids(&self) -> [u32; 2];
    /// Time from the start of each process until it was ready.
    fn started_in(&self) -> [Duration; 2];
}

impl Contender {
    /// In the order in which they take their turns.
    pub(crate) const ALL: [Self; 3] = [Self::Herleid, Self::EdcDelivered, Self::EdcTuned];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Herleid => "Herleid",
            Self::EdcDelivered => "EDC, as delivered",
            Self::EdcTuned => "EDC, looking every 10 ms",
        }
    }

    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Herleid => "herleid",
            Self::EdcDelivered => "delivered",
            Self::EdcTuned => "tuned",
        }
    }

    pub(crate) fn measure(self, folder: &Path) -> Measured {
        match self {
            Self::Herleid => measure(&Ours::start(folder)),
            Self::EdcDelivered => measure(&Edcs::start(folder, Pace::Delivered)),
            Self::EdcTuned => measure(&Edcs::start(folder, Pace::Tuned)),
        }
    }
}

fn measure(pair: &impl Pair) -> Measured {
    let _warm = all(pair, WARM, WARM);
    let mut alone: Vec<f64> = (0..ALONE).map(|_| one(pair)).collect();
    alone.sort_by(f64::total_cmp);
    let total = WARM + ALONE + MEASURED;
    let taken = all(pair, MEASURED, total);
    let of_both = |values: [f64; 2]| f64::midpoint(values[0], values[1]);
    Measured {
        negotiations_per_s: MEASURED as f64 / taken.as_secs_f64(),
        alone_ms: alone[ALONE / 2],
        rss_mib: of_both(pair.ids().map(resident_mib)),
        startup_ms: of_both(pair.started_in().map(|time| time.as_secs_f64() * 1_000.0)),
        lost: (total - pair.finalized(total)) as f64,
    }
}

/// Begins `count` as fast as they are taken, and waits until `total` in all have ended.
fn all(pair: &impl Pair, count: usize, total: usize) -> Duration {
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| (0..count / CALLERS).for_each(|_| drop(pair.begin())));
        }
    });
    let mut asked = Instant::now();
    until("all negotiations have ended", PATIENCE, || {
        // Asked at the same pace on both sides, and seldom: the answer costs each side something.
        if asked.elapsed() < EVERY {
            return Err("nothing yet");
        }
        asked = Instant::now();
        let done = pair.are_done(total);
        if done { Ok(began.elapsed()) } else { Err("fewer") }
    })
}

/// Begins one when nothing else is going on; milliseconds until it has ended.
fn one(pair: &impl Pair) -> f64 {
    let began = Instant::now();
    let id = pair.begin();
    until("a negotiation has ended", PATIENCE, || {
        let done = pair.is_done(&id);
        if done {
            Ok(began.elapsed().as_secs_f64() * 1_000.0)
        } else {
            Err("another state")
        }
    })
}

/// Two of ours.
struct Ours {
    provider: Operated,
    consumer: Operated,
    asked: Value,
}

impl Ours {
    fn start(folder: &Path) -> Self {
        let start = |name: &str| Made::new(&folder.join(name)).start("", "");
        let (provider, consumer) = (start("provider"), start("consumer"));
        provider.offer("urn:rain", b"rain", &json!({"action": "use"}));
        let offer = json!({
            "@type": "Offer", "@id": "urn:rain#offer", "target": "urn:rain", "permission": [{"action": "use"}],
        });
        let asked = json!({"counterparty": provider.did(), "address": provider.base(), "offer": offer});
        Self {
            provider,
            consumer,
            asked,
        }
    }
}

impl Ours {
    /// How many are in this state at the consumer.
    fn total(&self, state: &str) -> usize {
        let page = format!("/negotiations?state={state}&limit=1");
        let page = self.consumer.get(&page).good("negotiations");
        page["total"]
            .as_u64()
            .and_then(|total| total.try_into().ok())
            .unwrap_or_default()
    }
}

fn ended(state: &Value) -> bool {
    state == "FINALIZED" || state == "TERMINATED"
}

impl Pair for Ours {
    fn begin(&self) -> String {
        self.consumer.begin("negotiations", &self.asked)
    }

    fn is_done(&self, id: &str) -> bool {
        ended(&self.consumer.state("negotiations", id))
    }

    fn are_done(&self, count: usize) -> bool {
        self.total("FINALIZED") + self.total("TERMINATED") >= count
    }

    fn finalized(&self, _total: usize) -> usize {
        self.total("FINALIZED")
    }

    fn ids(&self) -> [u32; 2] {
        [self.provider.id(), self.consumer.id()]
    }

    fn started_in(&self) -> [Duration; 2] {
        [self.provider.started_in(), self.consumer.started_in()]
    }
}

/// Two EDCs.
struct Edcs {
    provider: Edc,
    consumer: Edc,
    offer: Value,
}

impl Edcs {
    fn start(folder: &Path, pace: Pace) -> Self {
        let provider = Edc::start(&folder.join("provider"), "did:web:provider.example", pace);
        let consumer = Edc::start(&folder.join("consumer"), "did:web:consumer.example", pace);
        provider.offer("rain", http::source(PAYLOAD), &json!({"action": "use"}));
        let catalogue = consumer.catalogue((&provider.did, &provider.base()));
        let offer = Edc::offer_in(&catalogue, "rain", &provider.did);
        Self {
            provider,
            consumer,
            offer,
        }
    }
}

impl Pair for Edcs {
    fn begin(&self) -> String {
        self.consumer.negotiate(&self.provider.base(), &self.offer)
    }

    fn is_done(&self, id: &str) -> bool {
        ended(&self.consumer.process("contractnegotiations", id)["state"])
    }

    fn are_done(&self, count: usize) -> bool {
        self.consumer.has_ended(count)
    }

    fn finalized(&self, total: usize) -> usize {
        self.consumer.finalized(total)
    }

    fn ids(&self) -> [u32; 2] {
        [self.provider.id(), self.consumer.id()]
    }

    fn started_in(&self) -> [Duration; 2] {
        [self.provider.started_in, self.consumer.started_in]
    }
}
