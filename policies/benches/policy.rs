//! How fast a decision is: `make bench-policy`.
//!
//! The same requests under the same policies: decided by the evaluator that connectors enforce (a decision alone, and one with its
//! record), and by the plain one that it is held against. What others need for them stands in `target/bench/cedar.json` and
//! `target/bench/eye.json` when they ran before. Prints a table and writes `target/bench/policy.json` and `target/bench/policy.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use herleid_policies::odrl::{self, Ask, Graph, Leniencies, Reading, World};
use herleid_policies::{Facts, Outcome, Policy, Reason, Request};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

const PROVIDER: &str = "did:web:knmi.example";
const CONSUMER: &str = "did:web:app.example";
const ASSET: &str = "urn:example:rain";
const OURS: &str = "https://w3id.org/herleid/purpose#";
const DPV: &str = "https://w3id.org/dpv#";
/// 2024-06-12T10:00:00Z, a Wednesday.
const WEDNESDAY: u64 = 1_718_186_400_000;
/// 2024-06-16T10:00:00Z, a Sunday.
const SUNDAY: u64 = 1_718_532_000_000;
/// 2028-06-12T10:00:00Z.
const LATE: u64 = 1_844_416_800_000;

/// One request under a policy, and what has to come out.
struct Question {
    request: Request,
    facts: Facts,
    expected: Reason,
}

struct Case {
    name: &'static str,
    policy: Value,
    questions: Vec<Question>,
}

fn question(assignee: &str, purpose: &str, now_ms: u64, expected: Reason) -> Question {
    Question {
        request: Request::new(assignee, PROVIDER, ASSET, now_ms),
        facts: Facts::none()
            .with_recipient(assignee, "access token", now_ms)
            .with_purpose([purpose], "stated", now_ms)
            .with_counterparty_log(true, "agreement", now_ms),
        expected,
    }
}

fn agreement(permissions: &Value, prohibitions: &Value) -> Value {
    json!({"@type": "Agreement", "@id": "urn:uuid:bench", "target": ASSET, "assigner": PROVIDER, "assignee": CONSUMER,
        "permission": permissions, "prohibition": prohibitions})
}

fn atom(left: &str, operator: &str, right: &Value) -> Value {
    json!({"leftOperand": format!("odrl:{left}"), "operator": operator, "rightOperand": right})
}

/// For tasks under one law until a date; nothing is passed on.
fn purpose_and_time() -> Case {
    let until = json!({"@value": "2027-12-31T23:59:59+01:00", "@type": "xsd:dateTime"});
    let law = format!("{OURS}Omgevingswet");
    let narrower = format!("{OURS}OmgevingswetHemelwater");
    let marketing = format!("{DPV}Marketing");
    Case {
        name: "purpose and time",
        policy: agreement(
            &json!([{"action": "use", "constraint": [
                atom("purpose", "isA", &json!(law)),
                atom("dateTime", "lteq", &until)]}]),
            &json!([{"action": "odrl:distribute"}]),
        ),
        questions: vec![
            question(CONSUMER, &narrower, WEDNESDAY, Reason::Granted),
            question(CONSUMER, &marketing, WEDNESDAY, Reason::NotGranted),
            question(CONSUMER, &narrower, LATE, Reason::NotGranted),
            question("did:web:other.example", &narrower, WEDNESDAY, Reason::NotGranted),
        ],
    }
}

/// One of twenty named recipients, and one that is forbidden.
fn recipients() -> Case {
    let mut named: Vec<String> = (0..19).map(|n| format!("did:web:waterschap-{n}.example")).collect();
    named.push(CONSUMER.to_owned());
    Case {
        name: "twenty recipients",
        policy: agreement(
            &json!([{"action": "use", "constraint": [atom("recipient", "isAnyOf", &json!(named))]}]),
            &json!([{"action": "use", "constraint": [atom("recipient", "eq", &json!("did:web:barred.example"))]}]),
        ),
        questions: vec![
            question(CONSUMER, OURS, WEDNESDAY, Reason::Granted),
            question("did:web:barred.example", OURS, WEDNESDAY, Reason::NotGranted),
        ],
    }
}

/// From 9 to 17 on each of the 262 weekdays of 2024, as policy 20 of the ODRL test suite has it.
fn intervals() -> Case {
    let day = |n: u64| {
        let ms = 1_704_067_200_000 + n * 86_400_000;
        let text = herleid_vocab::time::format_rfc3339_ms(ms);
        let at = |clock: &str| json!({"@value": format!("{}T{clock}", &text[..10]), "@type": "xsd:dateTime"});
        json!({"and": [atom("dateTime", "gt", &at("09:00:00.000Z")), atom("dateTime", "lt", &at("17:00:00.000Z"))]})
    };
    // 1 January 2024 was a Monday, and the year had 366 days.
    let weekdays: Vec<Value> = (0..366).filter(|n| n % 7 < 5).map(day).collect();
    assert_eq!(weekdays.len(), 262);
    Case {
        name: "262 intervals",
        policy: agreement(
            &json!([{"action": "use", "constraint": [{"or": weekdays}]}]),
            &json!([]),
        ),
        questions: vec![
            question(CONSUMER, OURS, WEDNESDAY, Reason::Granted),
            // Every interval has to be looked at.
            question(CONSUMER, OURS, SUNDAY, Reason::NotGranted),
        ],
    }
}

/// Times of one call, in ns: of batches that take long enough to be told apart.
fn samples_ns(mut call: impl FnMut(), batch: u32, samples: usize) -> Vec<f64> {
    for _ in 0..batch {
        call();
    }
    let mut taken = Vec::with_capacity(samples);
    for _ in 0..samples {
        let from = Instant::now();
        for _ in 0..batch {
            call();
        }
        taken.push(from.elapsed().as_secs_f64() * 1e9 / f64::from(batch));
    }
    taken
}

fn middle(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Medians over the questions of a case, each asked as often as the others.
struct Row {
    name: &'static str,
    decision_ns: f64,
    slowest_question_ns: f64,
    recorded_ns: f64,
    plain_ns: f64,
    read_us: f64,
}

fn measure(case: &Case) -> Row {
    let policy = Policy::parse(&case.policy).unwrap();
    let (graph, root) = Graph::of_json(policy.document()).unwrap();
    let reading = Reading::default();
    let plain = odrl::read(&graph, &root, &reading).unwrap();
    let (mut decided, mut recorded, mut plainly) = (Vec::new(), Vec::new(), Vec::new());
    let mut slowest = 0.0_f64;
    for question in &case.questions {
        let Question {
            request,
            facts,
            expected,
        } = question;
        assert_eq!(policy.judge(request, facts), *expected, "{}", case.name);
        assert_eq!(policy.decide(request, facts).record().reason, *expected);
        let mut ask = Ask::new(&request.action, Some(&request.assignee), Some(&request.target));
        ask.assigner = Some(request.assigner.clone());
        let mut world = World::at(request.now_ms);
        for (about, of) in [("purpose", "purpose"), ("recipient", "recipient")] {
            for fact in facts.iter().filter(|fact| fact.about == about) {
                world = fact
                    .values
                    .iter()
                    .fold(world, |world, value| world.with_name(of, value));
            }
        }
        let strict = Leniencies::strict();
        let outcome = plain.evaluate(&ask, &world, &strict).outcome;
        assert_eq!(outcome == Outcome::Permit, *expected == Reason::Granted);
        let one = samples_ns(
            || {
                black_box(policy.judge(black_box(request), black_box(facts)));
            },
            200,
            2000,
        );
        slowest = slowest.max(middle(one.clone()));
        decided.extend(one);
        recorded.extend(samples_ns(
            || drop(black_box(policy.decide(black_box(request), black_box(facts)))),
            20,
            200,
        ));
        plainly.extend(samples_ns(
            || drop(black_box(plain.evaluate(black_box(&ask), black_box(&world), &strict))),
            20,
            200,
        ));
    }
    let read = samples_ns(|| drop(black_box(Policy::parse(black_box(&case.policy)))), 2, 50);
    Row {
        name: case.name,
        decision_ns: middle(decided),
        slowest_question_ns: slowest,
        recorded_ns: middle(recorded),
        plain_ns: middle(plainly),
        read_us: middle(read) / 1000.0,
    }
}

/// What another program left: medians in ns by the name of the case.
fn others(directory: &std::path::Path, file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(directory.join(file)).ok()?;
    serde_json::from_str(&text).ok()
}

fn main() {
    let directory =
        std::env::var_os("HERLEID_BENCH_OUT").map_or_else(|| "target/bench".into(), std::path::PathBuf::from);
    std::fs::create_dir_all(&directory).unwrap();
    let rows: Vec<Row> = [purpose_and_time(), recipients(), intervals()]
        .iter()
        .map(measure)
        .collect();
    let (cedar, eye) = (others(&directory, "cedar.json"), others(&directory, "eye.json"));
    let of = |other: &Option<Value>, name: &str| other.as_ref().and_then(|all| all["ns"][name].as_f64());
    // Policies as people write them; the one of 262 intervals is told apart.
    let small = &rows[..2];
    let decision_ns = middle(small.iter().map(|row| row.decision_ns).collect());
    let ratios: Vec<f64> = small
        .iter()
        .filter_map(|row| Some(of(&cedar, row.name)? / row.decision_ns))
        .collect();
    let ratio_cedar = (ratios.len() == small.len()).then(|| ratios.iter().copied().fold(f64::INFINITY, f64::min));
    let cases: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"case": row.name, "decision_ns": row.decision_ns, "slowest_question_ns": row.slowest_question_ns,
                "recorded_ns": row.recorded_ns, "plain_ns": row.plain_ns, "read_us": row.read_us,
                "cedar_ns": of(&cedar, row.name), "eye_ns": of(&eye, row.name)})
        })
        .collect();
    let report = json!({
        "decision_median_ns": decision_ns,
        "big_policy_us": rows[2].slowest_question_ns / 1000.0,
        "ratio_cedar": ratio_cedar,
        "cedar": cedar.as_ref().map(|all| all["version"].clone()),
        "eye": eye.as_ref().map(|all| all["version"].clone()),
        "cases": cases,
    });
    std::fs::write(directory.join("policy.json"), format!("{report:#}\n")).unwrap();
    let mut table = String::from(
        "| policy | decision, ns | slowest request, ns | with its record, ns | plain evaluator, ns | read and compiled, us | cedar-policy, ns | EYE rules, ns |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in &rows {
        let other = |all| of(all, row.name).map_or_else(|| "not run".to_owned(), |ns| format!("{ns:.0}"));
        writeln!(
            table,
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {} |",
            row.name,
            row.decision_ns,
            row.slowest_question_ns,
            row.recorded_ns,
            row.plain_ns,
            row.read_us,
            other(&cedar),
            other(&eye)
        )
        .unwrap();
    }
    std::fs::write(directory.join("policy.md"), &table).unwrap();
    println!("{table}");
    println!("{report:#}");
}
