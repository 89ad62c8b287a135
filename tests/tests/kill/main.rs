//! Two real connectors that negotiate and transfer while one or both are killed, again and again, and the wire between them breaks: both
//! ends come to the same end of everything, and nothing that was shown is ever lost or taken back.
//!
//! What happens when is drawn from a seed, which is printed; when it happens is up to the machine, so a seed narrows a failure down
//! and does not always bring it back. `KILL_SEED` gives one, `KILL_SECONDS` how long it goes on (`make kill`: ten minutes).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod end;
mod history;
mod random;
mod wire;

use end::{End, Kind};
use history::History;
use random::Random;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};
use wire::Wires;

/// How long ends are killed when nothing else is said.
const USUAL_S: u64 = 20;
/// How long an end may have nothing to say until it is killed all the same.
const SILENCE: Duration = Duration::from_millis(300);
/// How long what is left over may take, once nobody is killed any more, before somebody is started anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// Starts after the last kill. What could not be looked up because the other end was down is tried again after two minutes, or at a
/// start: the test takes the start.
const STARTS: usize = 8;

/// What is asked for: a dataset and its offer. The provider agrees to the first, answers a request for the second with an offer of its own,
/// and has not got the third, so that asking for it ends with a termination.
const WANTED: [(&str, &str); 3] = [
    ("rain", "rain#offer"),
    ("levels", "levels#offer"),
    ("rain", "rain#none"),
];

/// How the provider comes to make an offer.
const RULES: &str =
    "[[negotiation]]\nrole = \"provider\"\ndataset = \"levels\"\nstate = \"REQUESTED\"\ndecide = \"offer\"\n";

struct World {
    provider: End,
    consumer: End,
    wires: Wires,
    history: History,
    random: Random,
    /// Negotiations that the consumer said it has begun.
    begun: BTreeSet<String>,
    /// Transfers that the consumer said it has begun.
    transferring: BTreeSet<String>,
    _folder: tempfile::TempDir,
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|e| panic!("{name}: {e}")))
}

impl World {
    fn set(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random::new(seed);
        let wires = Wires::new(random.split());
        let mut provider = End::new(folder.path(), "provider", &wires);
        let mut consumer = End::new(folder.path(), "consumer", &wires);
        provider.rule(RULES);
        provider.connector.start();
        consumer.connector.start();
        provider.connector.publish("rain", b"51.3 mm\n");
        provider.connector.publish("levels", b"2.1 m\n");
        Self {
            provider,
            consumer,
            wires,
            history: History::default(),
            random,
            begun: BTreeSet::new(),
            transferring: BTreeSet::new(),
            _folder: folder,
        }
    }

    /// Something that the people of one end do. It may fail, since either end may be dead by then; what was answered with yes counts.
    fn acts(&mut self) {
        let at_consumer = self.random.below(3) > 0;
        let (own, other) = if at_consumer {
            (&self.consumer, &self.provider)
        } else {
            (&self.provider, &self.consumer)
        };
        match self.random.below(8) {
            // So few are ended that most come to an agreement.
            0 => {
                if let Some(pid) = self.random.one_of(&own.unfinished(Kind::Negotiation)) {
                    own.decide(Kind::Negotiation, pid, "terminate");
                }
            }
            1 | 2 => {
                if let Some(pid) = self.random.one_of(&own.unfinished(Kind::Transfer)) {
                    let decision = ["suspend", "start", "complete", "terminate"][self.random.below(4)];
                    own.decide(Kind::Transfer, pid, decision);
                }
            }
            3 | 4 => {
                let agreements: Vec<String> = self.history.agreements().map(str::to_owned).collect();
                if let Some(agreement) = self.random.one_of(&agreements) {
                    let body = json!({"agreement": agreement, "format": "HttpData-PULL"});
                    self.transferring.extend(self.consumer.begin(Kind::Transfer, &body));
                }
            }
            _ => {
                let provider = if at_consumer { other } else { own };
                let (dataset, offer) = WANTED[self.random.below(WANTED.len())];
                let offer =
                    json!({"@type": "Offer", "@id": offer, "target": dataset, "permission": [{"action": "use"}]});
                let body = json!({"counterparty": provider.connector.did, "address": provider.base(), "offer": offer});
                self.begun.extend(self.consumer.begin(Kind::Negotiation, &body));
            }
        }
    }

    /// Looks at both ends as their people see them.
    fn look(&mut self) {
        for end in [&self.provider, &self.consumer] {
            for kind in Kind::ALL {
                if let Some(all) = end.all(kind) {
                    self.history.saw(end, kind, &all);
                }
            }
        }
    }

    /// One or both ends are killed at some moment of what they do with each other, and started again.
    fn round(&mut self) {
        for _ in 0..=self.random.below(4) {
            self.acts();
        }
        let exchanges = self.random.below(40);
        for exchange in 0..exchanges {
            if !self.wires.has_moved(SILENCE) {
                break;
            }
            if exchange % 16 == 7 {
                self.look();
            }
        }
        let victims = self.random.below(3);
        let (provider, consumer) = (&mut self.provider.connector, &mut self.consumer.connector);
        if victims != 1 {
            provider.kill();
        }
        if victims != 0 {
            consumer.kill();
        }
        // The one that is started first finds the other one down.
        let both = [(victims != 1, provider), (victims != 0, consumer)];
        let order = if self.random.below(2) == 0 { [0, 1] } else { [1, 0] };
        let mut both = both.map(Some);
        for at in order {
            if let Some((true, victim)) = both[at].take() {
                victim.start();
            }
        }
        self.look();
    }

    /// Every negotiation and every transfer comes to its end, at both ends.
    fn ends(&mut self) {
        self.wires.mend();
        for start in 0..STARTS {
            let given_up = Instant::now() + PATIENCE;
            while Instant::now() < given_up {
                for pid in self.consumer.unfinished(Kind::Transfer) {
                    // Suspended ones cannot be completed.
                    if !self.consumer.decide(Kind::Transfer, &pid, "complete") {
                        self.consumer.decide(Kind::Transfer, &pid, "terminate");
                    }
                }
                self.look();
                if [&self.provider, &self.consumer]
                    .iter()
                    .all(|end| Kind::ALL.iter().all(|kind| end.unfinished(*kind).is_empty()))
                {
                    return;
                }
                // Until something has happened between them, or for a moment.
                self.wires.has_moved(SILENCE);
            }
            let late = if start % 2 == 0 {
                &mut self.consumer
            } else {
                &mut self.provider
            };
            late.connector.kill();
            late.connector.start();
        }
        let left: Vec<String> = [&self.provider, &self.consumer]
            .iter()
            .flat_map(|end| Kind::ALL.iter().flat_map(|kind| end.shown_unfinished(*kind)))
            .collect();
        panic!("what does not come to its end: {left:#?}");
    }
}

/// What the two ends say of one process each, in order of the consumer's identifiers: each has exactly one at the other end.
fn pairs(world: &World, kind: Kind) -> Vec<(Value, Value)> {
    let at_provider = world.provider.all(kind).unwrap();
    let at_consumer = world.consumer.all(kind).unwrap();
    let mut pairs = Vec::new();
    for ours in at_consumer {
        let theirs: Vec<&Value> = at_provider
            .iter()
            .filter(|one| one["peer_pid"] == ours["pid"])
            .collect();
        match theirs[..] {
            [theirs] => {
                assert_eq!(ours["peer_pid"], theirs["pid"]);
                pairs.push((ours, theirs.clone()));
            }
            // The consumer ended it before the provider had heard of it.
            [] => assert_eq!(
                (&ours["state"], &ours["peer_pid"]),
                (&json!("TERMINATED"), &Value::Null),
                "{ours:#}"
            ),
            _ => panic!("the provider has it more than once: {theirs:#?}"),
        }
    }
    assert_eq!(
        pairs.len(),
        at_provider.len(),
        "the provider has some that the consumer does not know"
    );
    pairs
}

#[test]
fn both_ends_come_to_the_same_end_however_often_they_are_killed() {
    let seed = from_environment("KILL_SEED").unwrap_or_else(random::fresh_seed);
    let lasts = Duration::from_secs(from_environment("KILL_SECONDS").unwrap_or(USUAL_S));
    println!("KILL_SEED={seed}");
    let mut world = World::set(seed);
    let until = Instant::now() + lasts;
    let mut rounds = 0;
    while Instant::now() < until {
        world.round();
        rounds += 1;
    }
    world.ends();

    let mut ended = std::collections::BTreeMap::<String, usize>::new();
    for kind in Kind::ALL {
        for (ours, theirs) in pairs(&world, kind) {
            let shown = world.history.of(&[&ours["pid"], &theirs["pid"]]);
            assert_eq!(ours["state"], theirs["state"], "{ours:#}\n{theirs:#}\n{shown:#?}");
            // Of a negotiation that ended while the agreement was on its way, only one end may know how that was called.
            if kind == Kind::Transfer || ours["state"] == "FINALIZED" {
                assert_eq!(
                    ours["agreement"], theirs["agreement"],
                    "{ours:#}\n{theirs:#}\n{shown:#?}"
                );
            }
            *ended.entry(format!("{} {}", kind.name(), ours["state"])).or_default() += 1;
        }
    }
    for (kind, pids) in [(Kind::Negotiation, &world.begun), (Kind::Transfer, &world.transferring)] {
        let known: BTreeSet<String> = world.consumer.pids(kind);
        assert!(
            pids.is_subset(&known),
            "begun, and not there: {:?}",
            pids.difference(&known)
        );
    }
    let agreements: Vec<String> = world.history.agreements().map(str::to_owned).collect();
    for agreement in &agreements {
        let [ours, theirs] =
            [&world.consumer, &world.provider].map(|end| end.agreement(agreement).expect("it is on record"));
        for member in ["agreement", "sha256", "ended"] {
            assert_eq!(ours[member], theirs[member], "{agreement}");
        }
    }
    println!("{rounds} rounds of kills, {} agreements: {ended:?}", agreements.len());
    println!("shown: {:?}", world.history.counted());
    // A run in which nothing came about, or nothing was ended, has shown nothing.
    assert!(
        !agreements.is_empty() && ended.keys().any(|end| end.contains("negotiation \"TERMINATED\"")),
        "{ended:?}"
    );
    for end in [&mut world.provider, &mut world.consumer] {
        end.connector.kill();
    }
    let checks = [&world.provider, &world.consumer].map(End::check_log);
    thread::scope(|scope| {
        for check in checks {
            scope.spawn(check);
        }
    });
}
