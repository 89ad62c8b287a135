//! The one check of a kind's rules, on records of which only some sections can be read.

use herleid_ledger::record::{Kind, RuleError};
use herleid_ledger::section::SectionName as S;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A record as a reader has it: `None` is a section whose bytes are withheld or erased.
type Record = BTreeMap<S, Option<Value>>;

fn check(kind: Kind, record: &Record) -> Result<(), RuleError> {
    kind.check(|name| record.contains_key(&name), |name| record.get(&name)?.as_ref())
}

fn run(status: &str) -> Value {
    json!({
        "transaction": "t", "agreement": "a", "model": "m", "version": "1", "inputs": [], "outputs": [], "seed": 1,
        "status": status, "environment": "e", "case": null, "program": "p",
    })
}

/// A `run-received` of which everything that the check looks at is opened.
fn received() -> Record {
    let receipts = json!({"documents": [{"role": "receipt"}, {"role": "receipt"}]});
    BTreeMap::from([
        (S::Envelope, Some(json!({}))),
        (S::StreamAgreement, Some(json!({}))),
        (S::Exchange, Some(json!({"phase": "run-result"}))),
        (S::Content, Some(json!({}))),
        (S::Run, Some(run("finished"))),
        (S::Evidence, Some(receipts)),
    ])
}

fn altered(alter: impl FnOnce(&mut Record)) -> Result<(), RuleError> {
    let mut record = received();
    alter(&mut record);
    check(Kind::RunReceived, &record)
}

#[test]
fn what_is_withheld_breaks_no_rule_and_what_is_absent_does() {
    altered(|_| {}).unwrap();
    for name in received().into_keys().filter(|name| *name != S::Envelope) {
        altered(|record| drop(record.insert(name, None))).unwrap();
        assert!(altered(|record| drop(record.remove(&name))).is_err(), "{name}");
    }
}

#[test]
fn each_rule_across_sections_is_checked() {
    let kind = Kind::RunReceived;
    let for_a_case = |record: &mut Record| {
        let mut run = run("finished");
        run["case"] = json!("Z-1");
        record.insert(S::Run, Some(run));
    };
    let section = S::StreamCase;
    assert_eq!(altered(for_a_case), Err(RuleError::Missing { kind, section }));
    altered(|record| {
        for_a_case(record);
        record.insert(section, None);
    })
    .unwrap();
    assert!(matches!(
        altered(|record| drop(record.insert(S::Exchange, Some(json!({"phase": "pull"}))))),
        Err(RuleError::Value { member: "phase", .. })
    ));
    assert!(matches!(
        altered(|record| drop(record.insert(S::Run, Some(run("started"))))),
        Err(RuleError::Value { member: "status", .. })
    ));
    let one = json!({"documents": [{"role": "receipt"}, {"role": "agreement"}]});
    assert!(matches!(
        altered(|record| drop(record.insert(S::Evidence, Some(one)))),
        Err(RuleError::Role {
            expected: 2,
            found: 1,
            ..
        })
    ));
    // Not required of a `pull-opened`, but the one does not stand there without the other.
    let mut opened = BTreeMap::from([
        (S::Envelope, None),
        (S::StreamAgreement, None),
        (S::Facts, None),
        (S::Evidence, None),
        (S::Exchange, None),
    ]);
    let kind = Kind::PullOpened;
    assert_eq!(check(kind, &opened), Err(RuleError::ExchangeAlone { kind }));
    opened.insert(S::Content, None);
    check(kind, &opened).unwrap();
    let mut requested = received();
    requested.insert(S::Parameters, None);
    requested.insert(S::Exchange, None);
    for (outputs, taken) in [
        (json!([]), true),
        (json!([{"name": "flood"}]), false),
        (json!(0), false),
    ] {
        let mut run = run("requested");
        run["outputs"] = outputs;
        requested.insert(S::Run, Some(run));
        assert_eq!(check(Kind::RunRequested, &requested).is_ok(), taken);
    }
}
