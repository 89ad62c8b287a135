//! Worlds, requests and leniencies for the policies of every construct, made at random.

use crate::common::NOW;
use crate::compiled_generated::{
    ACTIONS, ANYTHING, ASSETS, DUTIES, LENGTHS, NAMES, NUMBERS, PARTIES, PLACES, length, number, one_of,
};
use crate::generated;
use herleid_policies::DutyState;
use herleid_policies::odrl::{Ask, Decimal, Leniencies, Leniency, Performance, Quantity, Term, Value as Known, World};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::Value;

fn quantity(operand: &str, value: &Value) -> Quantity {
    let term = match value {
        Value::Number(number) => Term::literal(&number.to_string(), None),
        Value::Object(map) => Term::literal(map["@value"].as_str().unwrap(), None),
        other => Term::literal(other.as_str().unwrap(), None),
    };
    Quantity::read(operand, &term, None).unwrap()
}

/// What is known of left operands: of the world, of one rule, or of a thing.
fn values() -> impl Strategy<Value = Vec<(String, Quantity, u8)>> {
    let numbers = (one_of(&NUMBERS), number(), any::<bool>()).prop_map(|(operand, value, has_unit)| {
        let mut quantity = quantity(operand, &value);
        quantity.unit = has_unit.then(|| "urn:euro".to_owned());
        (operand.to_owned(), quantity)
    });
    let lengths =
        (one_of(&LENGTHS), length()).prop_map(|(operand, value)| (operand.to_owned(), quantity(operand, &value)));
    let names = (one_of(&NAMES), one_of(&PLACES))
        .prop_map(|(operand, place)| (operand.to_owned(), Quantity::plain(Known::Name(place.to_owned()))));
    let purposes = generated::purposes().prop_map(|iri| ("purpose".to_owned(), Quantity::plain(Known::Name(iri))));
    let anything = (one_of(&ANYTHING), 0_u64..3)
        .prop_map(|(operand, number)| (operand.to_owned(), Quantity::number(Decimal::from(number), None)));
    let one = prop_oneof![4 => numbers, 2 => lengths, 4 => names, 1 => purposes, 1 => anything];
    prop::collection::vec(
        (one, 0_u8..6).prop_map(|((operand, quantity), whose)| (operand, quantity, whose)),
        0..14,
    )
}

pub(crate) fn world() -> impl Strategy<Value = World> {
    let of = |all: &'static [&'static str]| prop::collection::vec((one_of(all), one_of(all)), 0..3);
    let parts = (of(&ASSETS), of(&PARTIES)).prop_map(|(assets, parties)| [assets, parties].concat());
    let states = prop::collection::vec(
        (
            one_of(&DUTIES),
            select(vec![DutyState::Fulfilled, DutyState::Violated, DutyState::NotSet]),
        ),
        0..4,
    );
    let done = prop::collection::vec((one_of(&DUTIES), any::<bool>(), number(), any::<bool>()), 0..3);
    (
        values(),
        parts,
        states,
        done,
        any::<bool>(),
        prop::option::weighted(0.9, 0_u64..3),
        any::<[bool; 3]>(),
    )
        .prop_map(|(values, parts, states, done, is_complete, later, has)| {
            let mut world = World::default();
            world.now_ms = later.map(|days| NOW + days * 86_400_000);
            world.is_complete = is_complete;
            for (part, whole) in [("urn:zeeland", "urn:nl"), ("urn:nl", "urn:eu")] {
                world = world.with_part(part, whole).with_kind(part, "urn:mars");
            }
            for (part, whole) in parts {
                world = world.with_part(part, whole);
            }
            for (operand, quantity, whose) in values {
                world = match whose {
                    0 => world.with(&operand, Some("urn:rule:0"), quantity),
                    1 => world.with_value_of("urn:x", &operand, quantity),
                    2 => world.with_value_of("urn:alice", &operand, quantity),
                    _ => world.with(&operand, None, quantity),
                };
            }
            for (duty, state) in states {
                world = world.with_duty(duty, state);
            }
            for (duty, names_party, paid, is_right_asset) in done {
                let mut performance = Performance::of(duty).with("payAmount", quantity("payAmount", &paid));
                if names_party {
                    performance
                        .parties
                        .insert("compensatedParty".to_owned(), "urn:sony".to_owned());
                }
                let asset = if is_right_asset { "urn:x" } else { "urn:other" };
                performance.parties.insert("target".to_owned(), asset.to_owned());
                world.performances.push(performance);
            }
            let [number, place, event] = has;
            if number {
                world = world.with_reference("urn:ref:number", vec![Known::Number(Decimal::from(2))]);
                world = world.with_reference(
                    "urn:ref:moment",
                    vec![Known::Moment(
                        herleid_policies::Moment::parse("2020-06-17T15:00:00Z").unwrap(),
                    )],
                );
            }
            if place {
                world = world.with_reference("urn:ref:place", vec![Known::Name("urn:nl".to_owned())]);
            }
            world.with_event("urn:fair", Some(NOW), event.then_some(NOW + 86_400_000))
        })
}

pub(crate) fn ask() -> impl Strategy<Value = Ask> {
    let some = |all: &'static [&'static str], weight| prop::option::weighted(weight, one_of(all));
    (
        prop_oneof![8 => one_of(&["use", "odrl:read", "print"]), 6 => one_of(&ACTIONS), 1 => one_of(&["urn:act:unheard", "lend"])],
        some(&PARTIES, 0.9),
        some(&ASSETS, 0.9),
        some(&PARTIES, 0.3),
        some(&ASSETS, 0.3),
        prop::collection::vec((one_of(&NUMBERS), number()), 0..3),
    )
        .prop_map(|(action, assignee, target, assigner, output, values)| {
            let mut ask = Ask::new(action, assignee, target);
            ask.assigner = assigner.map(str::to_owned);
            ask.output = output.map(str::to_owned);
            values.into_iter().fold(ask, |ask, (operand, value)| {
                ask.with(operand, quantity(operand, &value))
            })
        })
}

pub(crate) fn leniencies() -> impl Strategy<Value = Leniencies> {
    subsequence(Leniency::ALL.to_vec(), 0..=4)
        .prop_map(|some| some.into_iter().fold(Leniencies::strict(), Leniencies::with))
}
