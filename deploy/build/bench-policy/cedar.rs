//! The policies and requests of `policies/benches/policy.rs`, as Cedar has them. Writes `cedar.json` into the folder that is named.
//!
//! What has a state or three values is left out: Cedar has neither. Policies, requests and entities are read before the clock
//! runs; times are numbers, which Cedar compares faster than its own `datetime`.
use cedar_policy::{Authorizer, Context, Decision, Entities, PolicySet, Request};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Instant;

const CONSUMER: &str = "did:web:app.example";
const WEDNESDAY: u64 = 1_718_186_400_000;
const SUNDAY: u64 = 1_718_532_000_000;
const LATE: u64 = 1_844_416_800_000;

struct Case {
    name: &'static str,
    policy: String,
    /// Who, for what, when, and whether it is allowed.
    questions: Vec<(&'static str, &'static str, u64, bool)>,
}

fn scope(effect: &str, action: &str) -> String {
    format!("{effect}(principal == Party::\"{CONSUMER}\", action == Action::\"{action}\", resource == Asset::\"urn:example:rain\")")
}

fn cases() -> Vec<Case> {
    let law = "Omgevingswet";
    let mut named: Vec<String> = (0..19).map(|n| format!("\"did:web:waterschap-{n}.example\"")).collect();
    named.push(format!("\"{CONSUMER}\""));
    let day = |n: u64| {
        let midnight = 1_704_067_200_000 + n * 86_400_000;
        format!(
            "(context.now > {} && context.now < {})",
            midnight + 9 * 3_600_000,
            midnight + 17 * 3_600_000
        )
    };
    let weekdays: Vec<String> = (0..366).filter(|n| n % 7 < 5).map(day).collect();
    assert_eq!(weekdays.len(), 262);
    vec![
        Case {
            name: "purpose and time",
            // 2027-12-31T23:59:59+01:00
            policy: format!(
                "{} when {{ context.purpose in Purpose::\"{law}\" && context.now <= 1830293999000 }};\n{};",
                scope("permit", "use"),
                scope("forbid", "distribute")
            ),
            questions: vec![
                (CONSUMER, "OmgevingswetHemelwater", WEDNESDAY, true),
                (CONSUMER, "Marketing", WEDNESDAY, false),
                (CONSUMER, "OmgevingswetHemelwater", LATE, false),
                ("did:web:other.example", "OmgevingswetHemelwater", WEDNESDAY, false),
            ],
        },
        Case {
            name: "twenty recipients",
            policy: format!(
                "{} when {{ [{}].contains(context.recipient) }};\n{} when {{ context.recipient == \"did:web:barred.example\" }};",
                scope("permit", "use"),
                named.join(", "),
                scope("forbid", "use")
            ),
            questions: vec![
                (CONSUMER, "PublicBenefit", WEDNESDAY, true),
                ("did:web:barred.example", "PublicBenefit", WEDNESDAY, false),
            ],
        },
        Case {
            name: "262 intervals",
            policy: format!("{} when {{ {} }};", scope("permit", "use"), weekdays.join(" || ")),
            questions: vec![
                (CONSUMER, "PublicBenefit", WEDNESDAY, true),
                (CONSUMER, "PublicBenefit", SUNDAY, false),
            ],
        },
    ]
}

fn entities() -> Entities {
    let purpose = |name: &str, above: &[&str]| {
        let parents: Vec<Value> = above.iter().map(|name| json!({"type": "Purpose", "id": name})).collect();
        json!({"uid": {"type": "Purpose", "id": name}, "attrs": {}, "parents": parents})
    };
    let all = json!([
        purpose("OmgevingswetHemelwater", &["Omgevingswet"]),
        purpose("Omgevingswet", &["LegalCompliance", "PublicBenefit"]),
        purpose("LegalCompliance", &["FulfilmentOfObligation"]),
        purpose("FulfilmentOfObligation", &["Purpose"]),
        purpose("PublicBenefit", &["Purpose"]),
        purpose("Marketing", &["Purpose"]),
        purpose("Purpose", &[]),
    ]);
    Entities::from_json_value(all, None).unwrap()
}

fn measure(case: &Case, entities: &Entities) -> f64 {
    let policies: PolicySet = case.policy.parse().unwrap();
    let authorizer = Authorizer::new();
    let mut taken = Vec::new();
    for (who, purpose, now_ms, allowed) in &case.questions {
        let context = json!({"now": now_ms, "recipient": who, "purpose": {"__entity": {"type": "Purpose", "id": purpose}}});
        let request = Request::new(
            format!("Party::\"{who}\"").parse().unwrap(),
            "Action::\"use\"".parse().unwrap(),
            "Asset::\"urn:example:rain\"".parse().unwrap(),
            Context::from_json_value(context, None).unwrap(),
            None,
        )
        .unwrap();
        let ask = || authorizer.is_authorized(black_box(&request), black_box(&policies), black_box(entities));
        let response = ask();
        assert_eq!(response.diagnostics().errors().count(), 0, "{}", case.name);
        assert_eq!(response.decision() == Decision::Allow, *allowed, "{} {who} {purpose} {now_ms}", case.name);
        const BATCH: u32 = 20;
        for _ in 0..500 {
            let from = Instant::now();
            for _ in 0..BATCH {
                drop(black_box(ask()));
            }
            taken.push(from.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH));
        }
    }
    taken.sort_by(f64::total_cmp);
    taken[taken.len() / 2]
}

fn main() {
    let out = std::env::args().nth(1).expect("the folder to write to");
    let entities = entities();
    let mut ns = serde_json::Map::new();
    for case in cases() {
        ns.insert(case.name.to_owned(), json!(measure(&case, &entities)));
    }
    let report = json!({"version": "cedar-policy 4.14.1", "ns": ns});
    std::fs::write(format!("{out}/cedar.json"), format!("{report:#}\n")).unwrap();
    println!("{report:#}");
}
