//! A witness whose writes fail: what it told to have cosigned it remembers, and after a failure it tells nothing more.

use crate::Outcome;
use crate::inject::{Injector, Mode, Point, promises_nothing};
use crate::matrix::{names, shuffle, words};
use crate::rig::{ORIGIN, fresh_seed, witness};
use ed25519_dalek::SigningKey;
use herleid_ledger::WitnessStore;
use herleid_ledger::checkpoint::CheckpointBody;
use herleid_ledger::merkle::{self, Hash, Nodes, consistency_proof};
use herleid_ledger::note::Signer;
use herleid_ledger::witness::{Request, Response, respond};
use herleid_vocab::rim::SeededEntropy;
use std::path::Path;
use std::time::{Duration, Instant};

/// What `make test` spends on it.
const TIME_BOX: Duration = Duration::from_secs(10);
/// Checkpoints that a child has cosigned.
const COUNT: u64 = 6;
/// After a failure so many more are asked for: none may be answered.
const AFTER: u64 = 3;

/// One of two histories of the log that is witnessed.
struct History(u8);

impl Nodes for History {
    type Error = String;

    fn node(&self, level: u8, index: u64) -> Result<Hash, String> {
        if level == 0 {
            return Ok(merkle::leaf_hash(&[&[self.0][..], &index.to_be_bytes()].concat()));
        }
        let [left, right] = [0, 1].map(|side| self.node(level - 1, index * 2 + side));
        Ok(merkle::node_hash(&left?, &right?))
    }
}

impl History {
    fn root(&self, size: u64) -> Hash {
        merkle::root_at(self, size).unwrap()
    }
}

/// As a witness's server does it: `None` when nothing was answered.
fn ask(store: &WitnessStore, history: &History, old: u64, size: u64) -> Result<Response, String> {
    let log = Signer::ed25519(ORIGIN, SigningKey::from_bytes(&[1; 32])).unwrap();
    let root = history.root(size);
    let body = CheckpointBody {
        origin: ORIGIN.to_owned(),
        size,
        root,
    };
    let proof = consistency_proof(history, old, size).unwrap();
    let request = Request::new(old, proof, &body.sign(&log).unwrap()).unwrap().to_bytes();
    let last = store.last(ORIGIN).map_err(|e| e.to_string())?;
    let stored = |_: &str| last.map(|seen| (seen.size, seen.root));
    let response = respond(
        &witness(0),
        stored,
        &[log.verifier().clone()],
        &request,
        1_592_400_000_000,
    );
    store.keep(&response).map_err(|e| e.to_string())?;
    Ok(response)
}

fn seen(store: &WitnessStore) -> u64 {
    store.last(ORIGIN).unwrap().map_or(0, |seen| seen.size)
}

/// The child: cosigns, and says so.
pub(crate) fn run(dir: &Path) {
    let store = match WitnessStore::open(dir) {
        Ok(store) => store,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(3);
        }
    };
    println!("opened");
    let mut old = seen(&store);
    for _ in 0..COUNT {
        let size = old + 1;
        match ask(&store, &History(0), old, size) {
            Ok(response) => {
                assert_eq!(response.status, 200);
                println!("ack cosigned {size}");
            }
            Err(error) => {
                eprintln!("{error}");
                for more in size..size + AFTER {
                    let answer = ask(&store, &History(0), old, more);
                    assert!(answer.is_err(), "{answer:?} after a write that failed");
                }
                assert!(store.failed().is_some());
                std::process::exit(4);
            }
        }
        old = size;
    }
    println!("done");
    drop(store);
    println!("closed");
}

/// What was told before is remembered, whatever the disk did, and nothing else is cosigned than what continues it.
fn judge(dir: &Path, told: u64) {
    let store = WitnessStore::open(dir).unwrap_or_else(|error| panic!("it does not open again: {error}"));
    let size = seen(&store);
    assert!(size >= told, "{told} records were cosigned, {size} are remembered");
    if size > 0 {
        assert_eq!(store.last(ORIGIN).unwrap().unwrap().root, History(0).root(size));
        for old in [0, size] {
            let forked = ask(&store, &History(1), old, size + 1).unwrap();
            assert!(matches!(forked.status, 409 | 422), "{}", forked.status);
        }
    }
    assert_eq!(ask(&store, &History(0), size, size + 1).unwrap().status, 200);
}

/// The last size that was told.
fn told(stdout: &[u8]) -> u64 {
    let text = words(stdout);
    let whole = text.rsplit_once('\n').map(|(whole, _)| whole).unwrap_or_default();
    let sizes = whole.lines().filter_map(|line| line.strip_prefix("ack cosigned "));
    sizes.filter_map(|size| size.parse().ok()).max().unwrap_or(0)
}

fn inject(injector: &Injector, original: &Path, area: &Path, point: &Point, mode: Mode) -> bool {
    let disk = area.join("disk");
    crate::rig::copy(original, &disk);
    let dir = disk.join("knmi").join("witness");
    let before = seen(&WitnessStore::open(&dir).unwrap());
    let _ = std::fs::remove_dir_all(&disk);
    crate::rig::copy(original, &disk);
    let arguments = ["witness".to_owned(), dir.display().to_string()];
    let ran = injector.run(area, &arguments, Some((point, mode)));
    let message = words(&ran.output.stderr);
    let Some(place) = ran.fired() else {
        assert!(ran.output.status.success(), "nothing failed, and yet: {message}");
        return false;
    };
    match mode {
        Mode::Cut => ran.cut_power(),
        Mode::Lost if matches!(point.call.as_str(), "fsync" | "fdatasync") => ran.drop_unsynced(&place),
        _ => {}
    }
    crate::injected(1);
    crate::checked(|| judge(&dir, before.max(told(&ran.output.stdout))));
    match ran.code() {
        0 => {
            let is_room = point.phase == "opening" && point.call == "open" && point.place.ends_with("/#.log");
            assert!(
                ran.was_closing() || promises_nothing(&point.call) || point.is_in_background() || is_room,
                "it went on; {} cosigned after",
                ran.acknowledged_after()
            );
        }
        3 | 4 => {
            names(&message, &disk, &place);
            assert!(
                ran.acknowledged_after() == 0 || point.is_in_background(),
                "{} cosigned after the failure: {message}",
                ran.acknowledged_after()
            );
        }
        other => panic!("ended with {other}: {message}"),
    }
    true
}

pub(crate) fn check() -> Outcome {
    let area = crate::fast_folder();
    let injector = match Injector::compile(area.path()) {
        Ok(injector) => injector,
        Err(why) => return Outcome::Skipped(why),
    };
    // Twice before, so that opening reads what an earlier process wrote.
    let original = area.path().join("original");
    let dir = original.join("disk").join("knmi").join("witness");
    std::fs::create_dir_all(dir.parent().unwrap()).unwrap();
    let arguments = ["witness".to_owned(), dir.display().to_string()];
    for _ in 0..2 {
        let ran = injector.run(&original, &arguments, None);
        assert!(ran.output.status.success(), "{}", words(&ran.output.stderr));
    }
    let listed = area.path().join("listed");
    crate::rig::copy(&original.join("disk"), &listed.join("disk"));
    let within = listed.join("disk").join("knmi").join("witness").display().to_string();
    let ran = injector.run(&listed, &["witness".to_owned(), within], None);
    let points = ran.points().into_iter().filter(|point| !point.place.contains("/LOG"));
    let mut faults: Vec<(Point, Mode)> = points
        .flat_map(|point| Mode::of(&point.call).iter().map(move |mode| (point.clone(), *mode)))
        .collect();
    let syncs = faults
        .iter()
        .filter(|(point, _)| point.phase == "appending" && point.call.ends_with("sync"));
    assert!(syncs.count() >= COUNT as usize, "not every checkpoint was synced");
    let seed = fresh_seed();
    println!("witness seed {seed}");
    if !crate::all() {
        shuffle(&mut faults, &SeededEntropy::new(seed));
    }
    let (began, mut happened, listed) = (Instant::now(), 0, faults.len());
    for (point, mode) in &faults {
        if !crate::all() && began.elapsed() > TIME_BOX {
            break;
        }
        let one = area.path().join("one");
        let _ = std::fs::remove_dir_all(&one);
        println!("witness: {point} {mode:?}");
        happened += usize::from(inject(&injector, &original.join("disk"), &one, point, *mode));
    }
    println!("witness: {happened} of {listed} faults");
    assert!(happened > 0);
    Outcome::Passed
}
