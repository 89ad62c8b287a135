//! A trace of 10,000 nodes: one decision, 99 runs on which it rests, 9,900 pulls on which they rest, spread evenly over the whole log.

use crate::ours::Ours;
use herleid_ledger::exchange::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::{Draft, Kind, Side, StreamKey};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Bounds, Direction};
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;
use uuid::Uuid;

const RUNS: u64 = 99;
const INPUTS: u64 = 100;
/// The decision, its runs, their pulls.
pub(crate) const NODES: u64 = 1 + RUNS + RUNS * INPUTS;
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const AGREED: &str = "urn:uuid:0197b7a0-0000-7000-8000-000000000000";

/// What tracing took.
pub(crate) struct Traced {
    /// Found: 10,000, if the log has as many pulls.
    pub(crate) nodes: u64,
    /// By a log that was just opened, so that nothing of its index is in its own cache.
    pub(crate) first_ms: f64,
    /// The median of ten more.
    pub(crate) again_ms: f64,
}

fn run(id: Uuid, inputs: &[(Uuid, String)]) -> Draft {
    let content = Content {
        salt: [9; 32],
        blake3: [1; 32],
        sha256: [2; 32],
        bytes: 1,
        media_type: "application/json".to_owned(),
    };
    let (provider, consumer): (Did, Did) = (
        "did:web:water.example".parse().unwrap(),
        "did:web:knmi.example".parse().unwrap(),
    );
    let exchange = Exchange {
        transaction: id,
        segment: 1,
        phase: Phase::RunRequest,
        agreement: AGREED.to_owned(),
        provider: provider.clone(),
        consumer,
        subject: Subject::Model {
            model: "sewer".to_owned(),
            version: "1".to_owned(),
        },
        from: 0,
        to: 1,
        content: content.mac(),
    };
    let inputs: Vec<Value> = inputs
        .iter()
        .map(|(pull, sha256)| json!({"name": "rain", "transaction": pull.hyphenated().to_string(), "sha256": sha256}))
        .collect();
    let run = json!({"transaction": id.hyphenated().to_string(), "agreement": AGREED, "model": "sewer", "version": "1", "inputs": inputs,
        "outputs": [], "seed": 1, "status": "requested", "environment": {}, "case": null});
    Draft::new(Kind::RunRequested, TRACE)
        .exchanged(&exchange, &content)
        .section(SectionName::Run, run)
        .section(SectionName::Parameters, json!({}))
        .stream(StreamKey::Agreement {
            agreement: AGREED.to_owned(),
            side: Side::Consumer,
            other: provider,
        })
}

fn decision(runs: &[Uuid]) -> Draft {
    let relies_on: Vec<Value> = runs
        .iter()
        .map(|run| json!({"transaction": run.hyphenated().to_string(), "output": "water", "sha256": ""}))
        .collect();
    Draft::new(Kind::DecisionMade, TRACE)
        .section(
            SectionName::Facts,
            json!({"case": "Z-1", "title": "Storage", "legalBasis": ["x:y"], "reliesOn": relies_on, "choices": "", "streams": []}),
        )
        .section(
            SectionName::People,
            json!({"author": {"name": "A. de Wit", "role": "advisor", "organisation": "Vlissingen"}}),
        )
        .stream(StreamKey::Case { case: "Z-1".to_owned() })
}

/// Adds the runs and the decision to a log of pulls, opens it again when it is at rest, and traces the decision.
pub(crate) fn traced(log: &mut Ours) -> Traced {
    let ledger = log.ledger();
    let step = (ledger.size() / (RUNS * INPUTS)).max(1);
    // The first is no pull.
    let pulls: Vec<(Uuid, String)> = (1..ledger.size())
        .step_by(step as usize)
        .take((RUNS * INPUTS) as usize)
        .map(|index| {
            let record = ledger.record(index).unwrap();
            let exchange = record.value(SectionName::Exchange).unwrap();
            let content = record.value(SectionName::Content).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (
                text(&exchange["transaction"]).parse().unwrap(),
                text(&content["sha256"]),
            )
        })
        .collect();
    let ids: Vec<Uuid> = pulls
        .chunks(INPUTS as usize)
        .enumerate()
        .map(|(number, inputs)| {
            let id = Uuid::parse_str(&format!("0192f0c1-2b3c-7d4e-8f50-{number:012x}")).unwrap();
            ledger.append_blocking(run(id, inputs)).unwrap();
            id
        })
        .collect();
    let start = BTreeSet::from([ledger.append_blocking(decision(&ids)).unwrap().index()]);
    drop(ledger);
    log.at_rest();
    log.reopened_ms();
    let ledger = log.ledger();
    let bounds = Bounds {
        depth: 48,
        activities: 100_000,
    };
    let mut nodes = 0;
    let mut times: Vec<f64> = (0..11)
        .map(|_| {
            let began = Instant::now();
            let found = ledger.lineage(&start, Direction::Up, bounds).unwrap();
            let took = began.elapsed().as_secs_f64() * 1000.0;
            nodes = found.activities.len() as u64;
            assert_eq!(nodes, 1 + ids.len() as u64 + pulls.len() as u64, "each once");
            took
        })
        .collect();
    let first_ms = times.remove(0);
    times.sort_by(f64::total_cmp);
    Traced {
        nodes,
        first_ms,
        again_ms: times[times.len() / 2],
    }
}
