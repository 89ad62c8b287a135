//! Policies of every construct of ODRL 2.2, made at random.

use crate::generated;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

pub(crate) const NUMBERS: [&str; 6] = [
    "count",
    "payAmount",
    "percentage",
    "absoluteSize",
    "relativeSize",
    "resolution",
];
pub(crate) const LENGTHS: [&str; 4] = ["elapsedTime", "delayPeriod", "meteredTime", "timeInterval"];
pub(crate) const NAMES: [&str; 15] = [
    "spatial",
    "spatialCoordinates",
    "language",
    "industry",
    "recipient",
    "product",
    "media",
    "fileFormat",
    "device",
    "system",
    "systemDevice",
    "deliveryChannel",
    "unitOfCount",
    "virtualLocation",
    "purpose",
];
pub(crate) const ANYTHING: [&str; 7] = [
    "version",
    "absolutePosition",
    "absoluteSpatialPosition",
    "absoluteTemporalPosition",
    "relativePosition",
    "relativeSpatialPosition",
    "relativeTemporalPosition",
];
pub(crate) const PLACES: [&str; 4] = ["urn:zeeland", "urn:nl", "urn:eu", "urn:mars"];
pub(crate) const ASSETS: [&str; 3] = ["urn:x", "urn:c", "urn:d"];
pub(crate) const PARTIES: [&str; 3] = ["urn:alice", "urn:team", "urn:all"];
pub(crate) const DUTIES: [&str; 3] = ["urn:duty:0", "urn:duty:1", "urn:duty:2"];
/// Actions of ODRL, old names among them, and those that the policies define.
pub(crate) const ACTIONS: [&str; 12] = [
    "use",
    "use",
    "use",
    "odrl:use",
    "odrl:distribute",
    "read",
    "reproduce",
    "transfer",
    "copy",
    "urn:act:peek",
    "urn:act:leak",
    "urn:act:both",
];
const ORDER: [&str; 6] = ["eq", "neq", "lt", "lteq", "gt", "gteq"];
const MANY: [&str; 3] = ["isAnyOf", "isNoneOf", "isAllOf"];

pub(crate) fn one_of(all: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    select(all)
}

pub(crate) fn number() -> impl Strategy<Value = Value> {
    select(vec![
        json!(0),
        json!(1),
        json!(2),
        json!(3),
        json!({"@value": "1.50", "@type": "xsd:decimal"}),
        json!({"@value": "-1", "@type": "xsd:decimal"}),
        json!({"@value": "2.00000000000000001", "@type": "xsd:decimal"}),
    ])
}

pub(crate) fn length() -> impl Strategy<Value = Value> {
    one_of(&["P1M", "P30D", "PT1H", "P12M", "P1Y"]).prop_map(|text| json!({"@value": text, "@type": "xsd:duration"}))
}

fn moment() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"@value": "2020-06-17T15:00:00Z", "@type": "xsd:dateTime"}),
        json!({"@value": "2020-06-17T15:00:00.000000001Z", "@type": "xsd:dateTime"}),
        json!({"@value": "2020-06-17T15:00:00", "@type": "xsd:dateTime"}),
        json!({"@value": "2020-06-17Z", "@type": "xsd:date"}),
        json!({"@value": "2021-01-01", "@type": "xsd:date"}),
        json!({"@value": "1960-01-01Z", "@type": "xsd:date"}),
    ])
}

fn comparison(left: &str, operator: &str, right: &Value) -> Value {
    json!({"leftOperand": left, "operator": operator, "rightOperand": right})
}

/// One value by an operator of one, or several by an operator of many.
fn ordered(
    left: &'static [&'static str],
    right: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => (one_of(left), one_of(&ORDER), right.clone())
            .prop_map(|(left, operator, right)| comparison(left, operator, &right)),
        1 => (one_of(left), one_of(&MANY), prop::collection::vec(right, 1..4))
            .prop_map(|(left, operator, right)| comparison(left, operator, &json!(right))),
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    let numeric = (
        ordered(&NUMBERS, number().boxed()),
        prop::option::weighted(0.3, Just("urn:euro")),
    )
        .prop_map(|(mut comparison, unit)| {
            if let Some(unit) = unit {
                comparison["unit"] = json!(unit);
            }
            comparison
        });
    let named = (
        one_of(&NAMES),
        one_of(&["eq", "neq", "isA", "isPartOf", "hasPart"]),
        one_of(&PLACES),
    )
        .prop_map(|(left, operator, right)| comparison(left, operator, &json!(right)));
    let of_several = (one_of(&NAMES), one_of(&MANY), subsequence(&PLACES[..], 1..4))
        .prop_map(|(left, operator, right)| comparison(left, operator, &json!(right)));
    let event = (one_of(&ORDER), one_of(&["urn:fair", "urn:unheard"]))
        .prop_map(|(operator, event)| comparison("event", operator, &json!({"@id": event})));
    let operators = ORDER.iter().chain(&["isA", "isPartOf", "hasPart"]);
    let anything = (
        one_of(&ANYTHING),
        select(operators.copied().collect::<Vec<_>>()),
        prop_oneof![
            number(),
            length(),
            moment(),
            one_of(&PLACES).prop_map(|place| json!(place))
        ],
    )
        .prop_map(|(left, operator, right)| comparison(left, operator, &right));
    let elsewhere = (
        one_of(&["payAmount", "dateTime", "spatial", "purpose"]),
        one_of(&["eq", "neq"]),
        one_of(&["urn:ref:number", "urn:ref:place", "urn:ref:moment", "urn:ref:none"]),
    )
        .prop_map(|(left, operator, reference)| {
            json!({"leftOperand": left, "operator": operator, "rightOperandReference": {"@id": reference}})
        });
    prop_oneof![
        2 => generated::simple(),
        2 => ordered(&["dateTime"], moment().boxed()),
        2 => numeric,
        1 => ordered(&LENGTHS, length().boxed()),
        2 => named,
        1 => of_several,
        1 => event,
        1 => anything,
        1 => elsewhere,
    ]
}

pub(crate) fn condition() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(2, 8, 3, |inner| {
        (
            one_of(&["and", "or", "xone", "andSequence"]),
            prop::collection::vec(inner, 1..4),
        )
            .prop_map(|(logic, parts)| json!({ logic: parts }))
    })
}

fn conditions(most: usize) -> impl Strategy<Value = Vec<Value>> {
    prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(condition(), 0..=most)]
}

/// An action in one of its forms, with what a policy says of its own ones.
fn action() -> impl Strategy<Value = Value> {
    (one_of(&ACTIONS), prop::option::weighted(0.2, condition())).prop_map(|(action, refinement)| {
        let defined = match action {
            "urn:act:peek" => json!({"includedIn": "odrl:read"}),
            "urn:act:leak" => json!({"includedIn": {"@id": "urn:act:peek", "includedIn": "odrl:read"}, "implies": "distribute"}),
            "urn:act:both" => json!({"includedIn": ["odrl:read", "odrl:distribute"]}),
            _ => json!({}),
        };
        match (refinement, defined) {
            (Some(refinement), defined) if defined == json!({}) => {
                json!({"rdf:value": {"@id": format!("odrl:{}", action.trim_start_matches("odrl:"))}, "refinement": [refinement]})
            }
            (_, defined) if defined == json!({}) => json!(action),
            (_, mut defined) => {
                defined["@id"] = json!(action);
                defined
            }
        }
    })
}

/// An asset or a party, or a collection of them.
fn thing(class: &'static str) -> impl Strategy<Value = Value> {
    let names: &[&str] = if class == "Asset" { &ASSETS } else { &PARTIES };
    let refinement = prop::option::weighted(0.2, condition());
    (
        one_of(names),
        any::<bool>(),
        refinement,
        prop::option::weighted(0.2, one_of(names)),
    )
        .prop_map(move |(name, is_collection, refinement, whole)| {
            let mut thing = json!({"@id": name, "@type": class});
            if is_collection {
                thing["@type"] = json!(format!("{class}Collection"));
            }
            if let Some(refinement) = refinement {
                thing["refinement"] = json!([refinement]);
            }
            if let Some(whole) = whole.filter(|whole| *whole != name) {
                thing["partOf"] = json!(whole);
            }
            thing
        })
}

fn duty() -> impl Strategy<Value = Value> {
    let consequence = (conditions(1), action())
        .prop_map(|(conditions, action)| json!({"@id": "urn:consequence", "action": action, "constraint": conditions}));
    (
        one_of(&["inform", "compensate"]),
        conditions(1),
        prop::option::weighted(0.3, leaf()),
        prop::option::weighted(0.3, Just(json!("urn:sony"))),
        prop::option::weighted(0.3, thing("Asset")),
        prop::option::weighted(0.3, consequence),
    )
        .prop_map(|(action, conditions, refinement, party, target, consequence)| {
            let mut duty = json!({"action": action, "constraint": conditions});
            if let Some(refinement) = refinement {
                duty["action"] = json!({"rdf:value": {"@id": format!("odrl:{action}")}, "refinement": [refinement]});
            }
            for (member, value) in [
                ("compensatedParty", party),
                ("target", target),
                ("consequence", consequence),
            ] {
                if let Some(value) = value {
                    duty[member] = value;
                }
            }
            duty
        })
}

fn rule(duties: &'static str) -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(action(), 1..3),
        conditions(2),
        prop::option::weighted(0.3, prop::collection::vec(thing("Asset"), 1..3)),
        prop::option::weighted(0.3, thing("Party")),
        prop::option::weighted(0.2, thing("Party")),
        prop::option::weighted(0.2, thing("Asset")),
        prop::option::weighted(0.3, duty()),
    )
        .prop_map(
            move |(actions, conditions, targets, assignee, assigner, output, duty)| {
                let mut rule = json!({"action": actions, "constraint": conditions});
                let duty = duty.map(|duty| {
                    let mut duty = duty;
                    // A remedy has no consequence of its own.
                    if duties == "remedy" {
                        duty.as_object_mut().unwrap().remove("consequence");
                    }
                    json!([duty])
                });
                let members = [
                    ("target", targets.map(|targets| json!(targets))),
                    ("assignee", assignee),
                    ("assigner", assigner),
                    ("output", output),
                    (duties, duty.filter(|_| !duties.is_empty())),
                ];
                for (member, value) in members {
                    if let Some(value) = value {
                        rule[member] = value;
                    }
                }
                rule
            },
        )
}

/// A prohibition, for adding to a policy: it says nothing of actions and assets that others could rest on.
pub(crate) fn prohibition() -> impl Strategy<Value = Value> {
    (
        one_of(&["use", "read", "distribute", "transfer"]),
        conditions(2),
        prop::option::of(one_of(&ASSETS)),
    )
        .prop_map(|(action, conditions, target)| {
            let mut rule = json!({"action": action, "constraint": conditions});
            if let Some(target) = target {
                rule["target"] = json!({"@id": target});
            }
            rule
        })
}

fn conflict() -> impl Strategy<Value = Value> {
    select(vec![
        json!([]),
        json!("perm"),
        json!("prohibit"),
        json!("invalid"),
        json!(["perm", "invalid"]),
    ])
}

pub(crate) fn policy() -> impl Strategy<Value = Value> {
    let parent = (prop::collection::vec(rule(""), 1..2), prop::collection::vec(rule(""), 0..2), conflict()).prop_map(
        |(permissions, prohibitions, conflict)| {
            json!({"@type": "Set", "@id": "urn:parent", "permission": permissions, "prohibition": prohibitions, "conflict": conflict})
        },
    );
    (
        one_of(&["Set", "Set", "Set", "Set", "Set", "Set", "Set", "Offer"]),
        prop::collection::vec(rule("duty"), 1..4),
        prop::collection::vec(rule("remedy"), 0..3),
        prop::collection::vec(duty(), 0..2),
        conflict(),
        prop::option::weighted(0.3, parent),
    )
        .prop_map(
            |(kind, mut permissions, mut prohibitions, obligations, conflict, parent)| {
                for (index, rule) in permissions.iter_mut().enumerate() {
                    rule["@id"] = json!(format!("urn:rule:{index}"));
                }
                // One duty with one name says one thing: each gets a name of its own.
                for (index, rule) in permissions.iter_mut().chain(&mut prohibitions).enumerate() {
                    for (member, below) in [("duty", "/duty/0"), ("remedy", "/remedy/0")] {
                        if rule.get(member).is_some() {
                            rule.pointer_mut(below).unwrap()["@id"] = json!(format!("urn:duty:{index}"));
                        }
                        if let Some(consequence) = rule.pointer_mut(&format!("{below}/consequence")) {
                            consequence["@id"] = json!(format!("urn:consequence:{index}"));
                        }
                    }
                }
                let mut policy = json!({"@type": kind, "@id": "urn:p", "conflict": conflict,
                "permission": permissions, "prohibition": prohibitions, "obligation": obligations});
                if let Some(parent) = parent {
                    policy["inheritFrom"] = parent;
                }
                policy
            },
        )
}
