//! Policies, requests and facts made at random, and ways to spell, shuffle and damage them.

use crate::common::{APP, BOARD, DPV, KNMI, NOW, OURS, RAIN, atom};
use herleid_policies::{Amount, EURO, Facts, LOG_KEPT, LOG_NONE, Policy, Request};
use herleid_vocab::terms::HERLEID;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

pub(crate) fn purposes() -> impl Strategy<Value = String> {
    select(vec![
        format!("{OURS}Omgevingswet"),
        format!("{OURS}OmgevingswetHemelwater"),
        format!("{DPV}PublicBenefit"),
        format!("{DPV}Marketing"),
        format!("{DPV}DirectMarketing"),
        "urn:example:unheard-of".to_owned(),
    ])
}

/// Three municipalities.
pub(crate) fn areas() -> impl Strategy<Value = String> {
    select(vec!["gm0718", "gm0717", "gm0664"])
        .prop_map(|code| format!("https://identifier.overheid.nl/tooi/id/gemeente/{code}"))
}

pub(crate) fn parties() -> impl Strategy<Value = String> {
    select(vec![APP.to_owned(), BOARD.to_owned(), KNMI.to_owned()])
}

pub(crate) fn simple() -> impl Strategy<Value = Value> {
    let time = (
        select(vec!["eq", "neq", "lt", "lteq", "gt", "gteq"]),
        select(vec![
            json!({"@value": "2020-06-17T15:00:00Z", "@type": "xsd:dateTime"}),
            json!({"@value": "2020-06-17T15:00:00", "@type": "xsd:dateTime"}),
            json!({"@value": "2019-01-01Z", "@type": "xsd:date"}),
            json!({"@value": "2021-01-01", "@type": "xsd:date"}),
        ]),
    );
    let one = (select(vec!["eq", "neq", "isA", "isPartOf", "hasPart"]), purposes());
    let many = (
        select(vec!["isAnyOf", "isNoneOf", "isAllOf"]),
        proptest::collection::btree_set(purposes(), 2..4),
    );
    prop_oneof![
        time.prop_map(|(operator, right)| atom("odrl:dateTime", operator, right)),
        one.prop_map(|(operator, iri)| atom("odrl:purpose", operator, json!(iri))),
        many.prop_map(|(operator, iris)| atom("odrl:purpose", operator, json!(iris))),
        (select(vec!["eq", "neq", "isAnyOf", "isNoneOf"]), parties()).prop_map(|(operator, did)| atom(
            "odrl:recipient",
            operator,
            json!(did)
        )),
        (
            select(vec!["eq", "neq", "isPartOf", "hasPart", "isAnyOf", "isNoneOf"]),
            areas()
        )
            .prop_map(|(operator, area)| atom("odrl:spatial", operator, json!(area))),
        (
            select(vec!["isAnyOf", "isNoneOf"]),
            proptest::collection::btree_set(areas(), 2..3)
        )
            .prop_map(|(operator, areas)| atom("odrl:spatial", operator, json!(areas))),
    ]
}

/// A condition on what ODRL has no operand for.
pub(crate) fn own() -> impl Strategy<Value = Value> {
    let logs = select(vec![json!([LOG_KEPT]), json!([LOG_NONE]), json!([LOG_KEPT, LOG_NONE])]);
    prop_oneof![
        2 => logs.prop_map(|logs| atom(&format!("{HERLEID}counterpartyLog"), "isAnyOf", logs)),
        1 => (select(vec!["eq", "isA", "isAnyOf"]), bases())
            .prop_map(|(operator, basis)| atom(&format!("{HERLEID}legalBasis"), operator, json!(basis))),
        1 => (select(vec!["eq", "isPartOf", "isAnyOf"]), areas())
            .prop_map(|(operator, area)| atom(&format!("{HERLEID}areaOfUse"), operator, json!(area))),
    ]
}

/// Legal bases: of the scheme, broader and narrower, and laws.
pub(crate) fn bases() -> impl Strategy<Value = String> {
    select(vec![
        "https://w3id.org/herleid/legal-basis#PubliekeTaak",
        "https://w3id.org/herleid/legal-basis#OpenbaarGezag",
        "https://w3id.org/dpv/legal/eu/gdpr#A6-1-a",
        "https://wetten.overheid.nl/jci1.3:c:BWBR0037885",
        "https://wetten.overheid.nl/jci1.3:c:BWBR0037885&artikel=5.1",
    ])
    .prop_map(str::to_owned)
}

pub(crate) fn constraint() -> impl Strategy<Value = Value> {
    simple().prop_recursive(3, 12, 3, |inner| {
        (
            select(vec!["and", "or", "xone", "andSequence"]),
            proptest::collection::vec(inner, 1..4),
        )
            .prop_map(|(logic, parts)| json!({ logic: parts }))
    })
}

pub(crate) fn rule(with_count: bool, with_duty: bool) -> impl Strategy<Value = Value> {
    let count = prop::option::weighted(0.3, (select(vec!["lt", "lteq", "eq"]), 1_u64..4));
    // Of two prices a use costs the sum.
    let prices = proptest::collection::btree_set(select(vec!["0.25", "1.00", "2.50"]), 1..3);
    let prices = prop::option::weighted(0.15, prices);
    let volume = prop::option::weighted(0.2, (select(vec!["lt", "lteq"]), 1_u64..6));
    (
        select(vec!["use", "odrl:distribute", "odrl:read", "odrl:sell"]),
        proptest::collection::vec(constraint(), 0..3),
        (count, volume, prop::option::weighted(0.3, own())),
        (
            prop::option::weighted(0.2, proptest::collection::vec(constraint(), 0..2)),
            prices,
        ),
    )
        .prop_map(move |(action, mut constraints, (count, volume, own), (duty, prices))| {
            if let (true, Some((operator, limit))) = (with_count, count) {
                let right = json!({"@value": limit.to_string(), "@type": "xsd:integer"});
                constraints.push(atom("odrl:count", operator, right));
            }
            constraints.extend(own);
            if let (true, Some((operator, limit))) = (with_count, volume) {
                constraints.push(atom(&format!("{HERLEID}volume"), operator, json!(limit)));
            }
            let mut rule = json!({"action": action});
            if !constraints.is_empty() {
                rule["constraint"] = json!(constraints);
            }
            if let (true, Some(conditions)) = (with_duty, duty) {
                rule["duty"] = json!([{"action": "odrl:inform"}]);
                if !conditions.is_empty() {
                    rule["duty"][0]["constraint"] = json!(conditions);
                }
            }
            for price in prices.into_iter().flatten().filter(|_| with_duty) {
                let right = json!({"@value": price, "@type": "xsd:decimal"});
                let mut amount = atom("odrl:payAmount", "eq", right);
                amount["odrl:unit"] = json!({"@id": EURO});
                let duty = json!({"action": "odrl:compensate", "constraint": [amount]});
                match rule["duty"].as_array_mut() {
                    Some(duties) => duties.push(duty),
                    None => rule["duty"] = json!([duty]),
                }
            }
            rule
        })
}

/// A policy that is understood: an agreement or a Set with up to four rules of each kind.
pub(crate) fn policy() -> impl Strategy<Value = Value> {
    (
        any::<bool>(),
        proptest::collection::vec(rule(true, true), 1..4),
        proptest::collection::vec(rule(false, false), 0..3),
    )
        .prop_map(|(agreement, permissions, prohibitions)| {
            let mut policy = json!({"@type": "Set", "@id": "urn:uuid:p", "target": RAIN, "permission": permissions});
            if agreement {
                policy["@type"] = json!("Agreement");
                policy["assigner"] = json!(KNMI);
                policy["assignee"] = json!(APP);
            }
            if !prohibitions.is_empty() {
                policy["prohibition"] = json!(prohibitions);
            }
            policy
        })
}

/// What is known: purposes, a recipient, one value for all counters, and whether duties were fulfilled.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) purposes: Vec<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) areas: Vec<String>,
    pub(crate) used: Option<u64>,
    /// Bytes delivered before, and those that may leave now.
    pub(crate) delivered: Option<u64>,
    pub(crate) size: Option<u64>,
    pub(crate) basis: Option<String>,
    pub(crate) area_of_use: Option<String>,
    /// Cents paid, and cents taken of them.
    pub(crate) credit: Option<(u64, u64)>,
    pub(crate) log: Option<bool>,
    pub(crate) fulfilled: Option<bool>,
}

pub(crate) fn known() -> impl Strategy<Value = Known> {
    (
        proptest::collection::vec(purposes(), 0..3),
        prop::option::of(parties()),
        proptest::collection::vec(areas(), 0..4),
        prop::option::of(0_u64..4),
        (
            prop::option::of(bases()),
            prop::option::of(areas()),
            prop::option::of(0_u64..4),
            prop::option::of(0_u64..3),
            prop::option::of((0_u64..400, 0_u64..200)),
        ),
        prop::option::weighted(0.9, prop::bool::weighted(0.9)),
        prop::option::of(any::<bool>()),
    )
        .prop_map(
            |(purposes, recipient, areas, used, (basis, area_of_use, delivered, size, credit), log, fulfilled)| Known {
                purposes,
                recipient,
                areas,
                used,
                delivered,
                size,
                basis,
                area_of_use,
                credit,
                log,
                fulfilled,
            },
        )
}

pub(crate) fn facts(policy: &Policy, known: &Known) -> Facts {
    use herleid_policies::{DutyState, EnforcedBy};
    let mut facts = Facts::none();
    if !known.purposes.is_empty() {
        facts = facts.with_purpose(known.purposes.iter().map(String::as_str), "stated", NOW);
    }
    if let Some(recipient) = &known.recipient {
        facts = facts.with_recipient(recipient, "token", NOW);
    }
    if !known.areas.is_empty() {
        facts = facts.with_area(known.areas.iter().map(String::as_str), "credential", NOW);
    }
    if let Some(size) = known.size {
        facts = facts.with_size(size, "this version", NOW);
    }
    if let Some(delivered) = known.delivered {
        facts = policy.volumes().iter().fold(facts, |facts, (rule, _)| {
            facts.with_volume(rule, delivered, "ledger", NOW)
        });
    }
    if let Some(basis) = &known.basis {
        facts = facts.with_legal_basis(basis, "stated", NOW);
    }
    if let Some(area) = &known.area_of_use {
        facts = facts.with_area_of_use(area, "stated", NOW);
    }
    if let (Some((paid, spent)), Some(account)) = (known.credit, policy.account()) {
        let cents = |cents: u64| Amount::of_millionths(cents * 10_000);
        facts = facts.with_credit(&account, cents(paid), cents(spent), "ledger", NOW);
    }
    if let Some(log) = known.log {
        facts = facts.with_counterparty_log(log, "agreement", NOW);
    }
    if let Some(used) = known.used {
        facts = policy
            .counters()
            .iter()
            .fold(facts, |facts, key| facts.with_count(key, used, "ledger", NOW));
    }
    if let Some(fulfilled) = known.fulfilled {
        let state = if fulfilled {
            DutyState::Fulfilled
        } else {
            DutyState::Violated
        };
        let duties = policy.permissions().iter().flat_map(herleid_policies::Rule::duties);
        facts = duties.fold(facts, |facts, duty| {
            facts.with_duty(duty.id(), state, "ledger", EnforcedBy::Provider, NOW)
        });
    }
    facts
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    (
        select(vec!["use", "odrl:distribute", "odrl:display", "odrl:sell"]),
        parties(),
        0_u64..2,
    )
        .prop_map(|(action, assignee, later)| {
            Request::new(&assignee, KNMI, RAIN, NOW + later * 86_400_000).for_action(action)
        })
}

/// Shuffles every array that is a set.
pub(crate) fn shuffled(value: &Value, seed: u64) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| shuffled(item, seed)).collect();
            let len = items.len().max(1);
            items.rotate_left(usize::try_from(seed).unwrap_or(0) % len);
            if seed.is_multiple_of(2) {
                items.reverse();
            }
            json!(items)
        }
        Value::Object(map) => map
            .iter()
            .map(|(name, member)| {
                let member = match (name.as_str(), member) {
                    ("andSequence", Value::Array(items)) => items.iter().map(|item| shuffled(item, seed)).collect(),
                    _ => shuffled(member, seed),
                };
                (name.clone(), member)
            })
            .collect(),
        other => other.clone(),
    }
}

/// Damages one place of a JSON value.
pub(crate) fn damaged(value: &Value, mut steps: Vec<u32>, with: &Value) -> Value {
    let Some(step) = steps.pop() else { return with.clone() };
    let step = usize::try_from(step).unwrap_or(0);
    match value {
        Value::Array(items) if !items.is_empty() => {
            let mut items = items.clone();
            let index = step % items.len();
            items[index] = damaged(&items[index], steps, with);
            json!(items)
        }
        Value::Object(map) if !map.is_empty() => {
            let mut map = map.clone();
            let name = map.keys().nth(step % map.len()).unwrap().clone();
            let member = map.remove(&name).unwrap();
            match step % 7 {
                0 => {}
                1 => drop(map.insert(format!("{name}x"), member)),
                2 => drop(map.insert(format!("odrl:{name}"), member)),
                3 if name.ends_with("@type") || name.ends_with("action") => drop(map.insert(name, json!([]))),
                _ => drop(map.insert(name, damaged(&member, steps, with))),
            }
            Value::Object(map)
        }
        _ => with.clone(),
    }
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        select(vec![
            "use",
            "odrl:use",
            "dateTime",
            "eq",
            "Offer",
            "Agreement",
            "_:b",
            "2020-01-01",
            "@id"
        ])
        .prop_map(Value::from),
    ];
    let name = select(vec![
        "@id",
        "@type",
        "@context",
        "@value",
        "@list",
        "permission",
        "prohibition",
        "obligation",
        "duty",
        "action",
        "constraint",
        "leftOperand",
        "operator",
        "rightOperand",
        "and",
        "or",
        "xone",
        "andSequence",
        "target",
        "assignee",
        "assigner",
        "odrl:permission",
        "http://www.w3.org/ns/odrl/2/action",
        "profile",
        "conflict",
        "timestamp",
        "other",
    ]);
    leaf.prop_recursive(6, 64, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}
