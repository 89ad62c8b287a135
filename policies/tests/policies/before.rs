//! Records of before: decisions of every kind, recorded by the evaluator that was replaced (`docs/vectors/decisions.jsonl`). They
//! have to follow from their policies as ever, to the last member.

use herleid_policies::reevaluate;
use serde_json::Value;

#[test]
fn records_of_the_evaluator_before_are_decided_again_to_the_last_member() {
    let text = include_str!("../../../docs/vectors/decisions.jsonl");
    let mut reasons = std::collections::BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        let record = &line["record"];
        let again = reevaluate(&line["policy"], record).unwrap_or_else(|why| panic!("line {}: {why}", number + 1));
        reasons.insert(record["reason"].as_str().unwrap().to_owned());
        let mut written = again.record().to_json();
        for member in ["engine", "tables"] {
            written[member] = record[member].clone();
        }
        assert_eq!(&written, record, "line {}", number + 1);
    }
    let all = [
        "conflict",
        "granted",
        "not-granted",
        "not-understood",
        "only-an-offer",
        "unknown-action",
    ];
    assert!(reasons.iter().map(String::as_str).eq(all), "{reasons:?}");
}
