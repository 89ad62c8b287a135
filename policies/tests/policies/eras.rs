//! Decisions of every era (`docs/vectors/eras`, a file each, made by the evaluator of then): what was not understood then, what was, and
//! what would come out otherwise today. Each has to follow from its policy for ever.

use crate::common::{APP, KNMI, NOW, RAIN, agreement, use_if};
use herleid_policies::{Document, DutyState, EnforcedBy, Facts, Mismatch, Outcome, Policy, Request, Rule, reevaluate};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors/eras")
}

/// Number and lines of each era, in order.
fn eras() -> Vec<(u32, Vec<Value>)> {
    let number = |path: &Path| path.file_stem()?.to_str()?.parse().ok();
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut eras: Vec<(u32, Vec<Value>)> = files
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            (number(&path).unwrap(), lines.collect())
        })
        .collect();
    eras.sort_by_key(|(number, _)| *number);
    eras
}

/// The tables that are decided by now.
fn tables_now() -> String {
    let request = Request::new(APP, KNMI, RAIN, NOW);
    Document::read(&json!({}))
        .decide(&request, &Facts::none())
        .record()
        .tables
        .clone()
}

fn seen_to_by(fact: &Value) -> EnforcedBy {
    serde_json::from_value(fact["enforcedBy"].clone()).unwrap()
}

/// The facts of a record, as they were given.
fn facts(record: &Value) -> Facts {
    let said = record["facts"].as_array().unwrap().iter();
    said.fold(Facts::none(), |facts, fact| {
        let values: Vec<&str> = fact["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_str().unwrap())
            .collect();
        let (source, at) = (fact["source"].as_str().unwrap(), fact["at"].as_u64().unwrap());
        let number = || values[0].parse().unwrap();
        match (fact["about"].as_str().unwrap(), fact["of"].as_str()) {
            ("dateTime", None) => facts,
            ("purpose", None) => facts.with_purpose(values, source, at),
            ("recipient", None) => facts.with_recipient(values[0], source, at),
            ("spatial", None) => facts.with_area(values, source, at),
            ("counterpartyLog", None) => {
                facts.with_counterparty_log(values == [herleid_policies::LOG_KEPT], source, at)
            }
            ("size", None) => facts.with_size(number(), source, at),
            ("count", Some(counter)) => facts.with_count(counter, number(), source, at),
            ("volume", Some(rule)) => facts.with_volume(rule, number(), source, at),
            ("legalBasis", None) => facts.with_legal_basis(values[0], source, at),
            ("areaOfUse", None) => facts.with_area_of_use(values[0], source, at),
            ("paid", Some(account)) => {
                let spent = record["facts"].as_array().unwrap().iter();
                let mut spent = spent.filter(|fact| fact["about"] == "spent" && fact["of"] == account);
                let spent = spent.next().unwrap()["values"][0].as_str().unwrap();
                facts.with_credit(account, values[0].parse().unwrap(), spent.parse().unwrap(), source, at)
            }
            ("duty", Some(duty)) => {
                let state = match values[0] {
                    "fulfilled" => DutyState::Fulfilled,
                    "violated" => DutyState::Violated,
                    _ => DutyState::NotSet,
                };
                facts.with_duty(duty, state, source, seen_to_by(fact), at)
            }
            // Given with what was paid.
            ("spent", Some(_)) => facts,
            other => panic!("a fact about {other:?}: say here how it is given"),
        }
    })
}

/// What the newest era adds to the cases of the one before, for the file that is written for it.
fn more() -> Vec<(Value, Request, Facts)> {
    let request = Request::new(APP, KNMI, RAIN, NOW);
    let known = || Facts::none().with_counterparty_log(true, "the agreement", NOW);
    let under = |duties: Value| agreement(json!([{"action": "use", "duty": duties}]), json!([]));
    let informing = under(json!([{"action": "odrl:inform"}]));
    let unseen = under(json!([{"action": "odrl:anonymize"}, {"action": "odrl:inform"}]));
    let stated = |policy: &Value, state: DutyState| {
        let policy = Policy::parse(policy).unwrap();
        let duties = policy.permissions().iter().flat_map(Rule::duties);
        let stated = duties.filter(|duty| duty.is_stated_first());
        stated.fold(known(), |facts, duty| {
            facts.with_duty(duty.id(), state, "statement", EnforcedBy::Provider, NOW)
        })
    };
    let (past, marketing) = (
        json!({"leftOperand": "odrl:dateTime", "operator": "gteq", "rightOperand": "2019-01-01Z"}),
        json!({"leftOperand": "odrl:purpose", "operator": "isA", "rightOperand": "https://w3id.org/dpv#Marketing"}),
    );
    let forbidding = agreement(
        json!([{"action": "use"}]),
        json!([{"action": "use", "constraint": [past, marketing]}]),
    );
    let direct = "https://w3id.org/dpv#DirectMarketing";
    let cases = [
        (informing.clone(), stated(&informing, DutyState::Fulfilled)),
        (informing.clone(), stated(&informing, DutyState::NotSet)),
        (unseen.clone(), stated(&unseen, DutyState::Fulfilled)),
        (forbidding, known().with_purpose([direct], "stated", NOW)),
    ];
    cases.map(|(policy, facts)| (policy, request.clone(), facts)).to_vec()
}

/// The lines of an era that has none yet: the cases of the one before it, decided as they are now.
fn written(before: &[Value]) -> String {
    let line = |policy: &Value, request: &Request, facts: &Facts, would: bool| {
        let document = Document::read(policy);
        let decision = match would {
            true => document.would_grant(request, facts),
            false => document.decide(request, facts),
        };
        format!("{}\n", json!({"policy": policy, "record": decision.record().to_json()}))
    };
    let again = before.iter().map(|case| {
        let record = &case["record"];
        let request: Request = serde_json::from_value(record["request"].clone()).unwrap();
        line(
            &case["policy"],
            &request,
            &facts(record),
            record["mode"] == "would-grant",
        )
    });
    let more = more().into_iter();
    again
        .chain(more.map(|(policy, request, facts)| line(&policy, &request, &facts, false)))
        .collect()
}

#[test]
fn the_newest_era_has_vectors() {
    let eras = eras();
    let (number, last) = eras.last().unwrap();
    let now = tables_now();
    if last.iter().any(|case| case["record"]["tables"] == *now) {
        return;
    }
    let path = folder().join(format!("{}.jsonl", number + 1));
    assert!(
        std::env::var_os("HERLEID_WRITE_VECTORS").is_some(),
        "decisions are made with tables {now}, of which no file in docs/vectors/eras has any; a new era needs {}: look at what changed, \
         then HERLEID_WRITE_VECTORS=1 cargo test -p herleid-policies --test policies -- eras",
        path.display()
    );
    std::fs::write(path, written(last)).unwrap();
}

#[test]
fn every_decision_of_every_era_is_reached_again() {
    let (eras, now) = (eras(), tables_now());
    assert!(
        eras.iter()
            .map(|(number, _)| *number)
            .eq(3..3 + u32::try_from(eras.len()).unwrap())
    );
    for (number, lines) in eras {
        let tables: BTreeSet<&str> = lines
            .iter()
            .map(|line| line["record"]["tables"].as_str().unwrap())
            .collect();
        assert_eq!(tables.len(), 1, "era {number}");
        let mut kinds = BTreeSet::new();
        for (line, case) in lines.iter().enumerate() {
            let (record, at) = (
                &case["record"],
                format!("docs/vectors/eras/{number}.jsonl, line {}", line + 1),
            );
            let again = reevaluate(&case["policy"], record).unwrap_or_else(|why| panic!("{at}: {why}"));
            // Whoever has the bytes that were kept as evidence, and not the policy as it was spelled, reaches the same.
            let mut written = again.record().to_json();
            written["engine"] = record["engine"].clone();
            for (mine, theirs) in written["problems"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .zip(record["problems"].as_array().unwrap())
            {
                kinds.insert(mine["kind"].as_str().unwrap().to_owned());
                if record["tables"] != *now {
                    mine["message"] = theirs["message"].clone();
                }
            }
            written["tables"] = record["tables"].clone();
            assert_eq!(
                &written, record,
                "{at}: if words have changed on purpose, they belong to a new era, since records of this one hold those of before"
            );
        }
        for kind in [
            "unknown-operand",
            "unknown-type",
            "unknown-action",
            "unknown-operator",
            "not-enforceable",
            "right-operand",
        ] {
            assert!(kinds.contains(kind), "era {number} has none that is {kind}");
        }
    }
}

#[test]
fn another_wording_is_no_alteration_and_another_problem_is_one() {
    let (mut older, mut newest) = (0, 0);
    let now = tables_now();
    for case in eras().into_iter().flat_map(|(_, lines)| lines) {
        let record = &case["record"];
        if record["problems"].as_array().unwrap().is_empty() || record["reason"] != "not-understood" {
            continue;
        }
        let altered = |member: &str| {
            let mut record = record.clone();
            record["problems"][0][member] = json!("/other");
            reevaluate(&case["policy"], &record)
        };
        for member in ["at", "kind", "term"] {
            assert!(matches!(altered(member), Err(Mismatch::Result { .. })), "{member}");
        }
        if record["tables"] == *now {
            newest += 1;
            assert!(matches!(altered("message"), Err(Mismatch::Result { .. })));
        } else {
            older += 1;
            assert_eq!(altered("message").unwrap().outcome(), Outcome::Deny);
        }
    }
    assert!(older > 100 && newest > 30, "{older} {newest}");
}

#[test]
fn what_a_version_that_is_not_known_here_read_otherwise_is_told_as_that() {
    // It may have understood `partner`, and have kept another form of the policy.
    let policy = use_if(json!([{"leftOperand": "partner", "operator": "eq", "rightOperand": "x"}]));
    let request = Request::new(APP, KNMI, RAIN, NOW);
    let decision = Document::read(&policy).decide(&request, &Facts::none());
    let mut record = decision.record().to_json();
    record["tables"] = json!("00".repeat(32));
    record["engine"] = json!("herleid-policies/9.9.9");
    for (member, value) in [("sha256", json!("ab".repeat(32))), ("kind", json!("Agreement"))] {
        let mut record = record.clone();
        record["policy"][member] = value;
        let told = reevaluate(&policy, &record).unwrap_err();
        assert!(
            matches!(&told, Mismatch::Tables { member, .. } if member == "policy"),
            "{told}"
        );
        assert!(told.to_string().contains("herleid-policies/9.9.9"), "{told}");
    }
    let mut of_now = decision.record().to_json();
    of_now["policy"]["sha256"] = json!("ab".repeat(32));
    assert!(matches!(reevaluate(&policy, &of_now), Err(Mismatch::Policy { .. })));
}
