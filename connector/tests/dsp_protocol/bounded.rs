//! What a peer writes with few bytes must not take many here: one answer would end the process for everybody.

use crate::common::bytes;
use herleid::dsp::catalog::Catalogue;
use serde_json::{Value, json};

/// 128 times the longest page that is taken (4 MiB): as values, an array of zeros has 16 times its bytes, and grows by doubling.
const MOST_MIB: u64 = 512;
/// A page of 4 MiB holds tens of thousands; with these, what is copied for each takes gigabytes already.
const DISTRIBUTIONS: usize = 2_000;

/// The most memory that this process has had, in MiB: of all its tests together.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
}

fn catalogue(members: Value) -> Value {
    let mut made = json!({
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@id": "c", "@type": "Catalog", "participantId": "p",
    });
    made.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    made
}

fn service(beside: &str, value: &Value) -> Value {
    json!([{"@id": "s", "@type": "DataService", "endpointURL": "https://h.example", beside: value}])
}

fn dataset(id: &str, distributions: Vec<Value>) -> Value {
    json!({"@id": id, "hasPolicy": [{"@id": "o", "permission": [{"action": "use"}]}], "distribution": distributions})
}

fn by_name() -> Value {
    json!({"format": "f", "accessService": "s"})
}

/// Reads it, and writes each of its datasets as an agreement keeps it.
fn read(page: &Value) -> (Catalogue, Vec<String>) {
    let body = bytes(page);
    assert!(body.len() <= 4 << 20, "{} bytes are no page", body.len());
    let (read, ignored) = Catalogue::parse(&body).unwrap();
    for resource in read.resources() {
        assert!(resource.to_json().is_object());
    }
    (read, ignored.into_iter().map(|ignored| ignored.why).collect())
}

#[test]
fn a_short_answer_takes_little_memory() {
    let many = || vec![by_name(); DISTRIBUTIONS];
    let zeros = json!(vec![0; 32_000]);
    let standards = json!(vec!["a"; 20_000]);
    let first = |member: &str, value: Value| {
        let mut all = many();
        all[0][member] = value;
        all
    };
    for (what, page) in [
        (
            "one service for all distributions of a dataset",
            json!({"service": service("dct:description", &zeros), "dataset": [dataset("d", many())]}),
        ),
        (
            "one service for many datasets",
            json!({"service": service("dct:description", &json!("x".repeat(60_000))),
                "dataset": (0..20_000).map(|n| dataset(&n.to_string(), vec![by_name()])).collect::<Vec<_>>()}),
        ),
        (
            "a service that conforms to everything",
            json!({"service": service("dct:conformsTo", &standards), "dataset": [dataset("d", many())]}),
        ),
        (
            "a media type that is repeated for each distribution",
            json!({"service": service("dct:title", &json!("t")),
                "dataset": [dataset("d", first("dcat:mediaType", json!({"@id": "x".repeat(1 << 20)})))]}),
        ),
    ] {
        let (catalogue, ignored) = read(&catalogue(page));
        assert!(!catalogue.resources().is_empty(), "{what}: {ignored:?}");
        assert!(peak_mib() < MOST_MIB, "{what}: {} MiB", peak_mib());
    }
}

#[test]
fn what_is_passed_over_is_named_a_hundred_times_and_then_counted() {
    // As deep as can be: each place is told from the top.
    let inner = json!({"dataset": vec![0; 1_800_000]});
    let nested = (0..25).fold(inner, |inner, _| json!({"catalog": inner}));
    let (_, ignored) = read(&catalogue(nested));
    assert!(peak_mib() < MOST_MIB, "{} MiB", peak_mib());
    assert_eq!(ignored.len(), 101, "{:?}", ignored.first());
    assert_eq!(ignored[100], "1799900 more parts are passed over");
}
