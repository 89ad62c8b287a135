//! Messages that come twice, for the wrong process, or from somebody else.

use crate::common::{NOW, id, offer, provider};
use crate::sim::{World, participant, pid};
use herleid::dsp::Role::{Consumer, Provider};
use herleid::dsp::error::{Family, Refusal, unknown_pids};
use herleid::dsp::message::{ContractRequest, Message as _};
use herleid::dsp::negotiation::{Contract, Kind};
use herleid::dsp::outbox::Effect;
use herleid::dsp::process::{Event, Protocol as _, step};
use herleid::dsp::transfer::{self, DataTransfer};

type Negotiating = World<Contract>;
type Transferring = World<DataTransfer>;

fn offered() -> Negotiating {
    World::after(&[(Provider, Kind::Offer)])
}

#[test]
fn a_repeat_is_answered_as_before_and_has_no_second_effect() {
    let mut world = offered();
    let accept = world.message(Consumer, Kind::Accepted, Some("urn:m:1"));
    let first = world.receive(Provider, accept.clone()).unwrap();
    let again = world.receive(Provider, accept.clone()).unwrap();
    let [Effect::Answer(answer)] = again.as_slice() else {
        panic!("{again:?}")
    };
    assert!(first.contains(&Effect::Answer(answer.clone())));
    // Also after the process has moved on.
    world.decide_on(Provider, Kind::Agreement).unwrap();
    let later = world.receive(Provider, accept).unwrap();
    assert!(matches!(later.as_slice(), [Effect::Answer(_)]), "{later:?}");
}

#[test]
fn a_message_id_stands_for_one_message() {
    let mut world = offered();
    let request = world.message(Consumer, Kind::Request, Some("urn:m:1"));
    world.receive(Provider, request).unwrap();
    let other = ContractRequest {
        consumer_pid: pid(Consumer),
        provider_pid: Some(pid(Provider)),
        callback: None,
        offer: offer("another"),
    };
    let other = world.received(Provider, other.to_json(None), Some("urn:m:1"));
    let refusal = world.receive(Provider, other).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::ReusedMessageId {
            id: "urn:m:1".to_owned()
        }
    );
    assert_eq!(refusal.status(), 400);
}

#[test]
fn a_second_counter_request_is_refused_unless_it_is_the_same_message() {
    // The conformance kit's CN:03-04: equal content, another message id (or, as other peers, none).
    for (first, second) in [
        (Some("urn:m:1"), Some("urn:m:2")),
        (None, None),
        (Some("urn:m:1"), None),
    ] {
        let mut world = offered();
        let request = world.message(Consumer, Kind::Request, first);
        world.receive(Provider, request).unwrap();
        let request = world.message(Consumer, Kind::Request, second);
        let refusal = world.receive(Provider, request).unwrap_err();
        assert!(
            matches!(refusal, Refusal::InvalidTransition { .. }),
            "{first:?} {second:?}: {refusal}"
        );
    }
    let mut world = offered();
    for _ in 0..2 {
        let request = world.message(Consumer, Kind::Request, Some("urn:m:1"));
        world.receive(Provider, request).unwrap();
    }
}

#[test]
fn without_an_id_a_repeat_is_known_by_its_content_and_only_where_nothing_else_can_be_meant() {
    let mut world = offered();
    for round in 0..2 {
        let accept = world.message(Consumer, Kind::Accepted, None);
        let effects = world.receive(Provider, accept).unwrap();
        assert_eq!(effects.contains(&Effect::Persist), round == 0);
    }
    // A second suspension after a new start is a new suspension, though it says the same.
    let mut world = Transferring::after(&[(Provider, transfer::Kind::Start)]);
    for _ in 0..2 {
        let suspension = world.message(Consumer, transfer::Kind::Suspension, None);
        assert!(world.receive(Provider, suspension).unwrap().contains(&Effect::Persist));
        let start = world.message(Consumer, transfer::Kind::Start, None);
        assert!(world.receive(Provider, start).unwrap().contains(&Effect::Persist));
    }
}

#[test]
fn the_request_that_opens_is_known_by_its_process_id() {
    let mut world = Negotiating::after(&[(Provider, Kind::Offer)]);
    let opening = |offered| ContractRequest {
        consumer_pid: pid(Consumer),
        provider_pid: None,
        callback: Some(provider().callback),
        offer: offer(offered),
    };
    // Made anew, with another message id: still the same request.
    let again = world.received(Provider, opening("0").to_json(None), Some("urn:m:other"));
    let effects = world.receive(Provider, again).unwrap();
    let [Effect::Answer(answer)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (answer.status, answer.body["providerPid"].as_str()),
        (201, Some(pid(Provider).as_str()))
    );
    let other = world.received(Provider, opening("1").to_json(None), None);
    assert_eq!(
        world.receive(Provider, other).unwrap_err(),
        Refusal::ReusedPid {
            pid: pid(Consumer).to_string()
        }
    );
}

#[test]
fn another_party_is_told_what_is_told_of_the_unknown() {
    let mut world = offered();
    let message = world.message(Consumer, Kind::Accepted, None);
    let process = world.process(Provider).unwrap();
    let from = id("did:web:somebody.example");
    let refusal = step(
        &process,
        Event::Received {
            from: from.clone(),
            message,
        },
        NOW,
    )
    .unwrap_err();
    assert_eq!((&refusal, refusal.status()), (&Refusal::NotFound, 404));
    assert_eq!(process.status(&from), Err(Refusal::NotFound));
    assert!(process.status(&participant(Consumer)).is_ok());
    assert_eq!(
        refusal.answer(Family::Negotiation, &process.pids().unwrap()),
        Refusal::NotFound.answer(Family::Negotiation, &unknown_pids())
    );
}

#[test]
fn a_message_for_another_process_is_refused() {
    let mut world = offered();
    let mut json = negotiation_message(&mut world, Kind::Accepted);
    json["consumerPid"] = "urn:uuid:other".into();
    let message = world.received(Provider, json, None);
    assert!(matches!(
        world.receive(Provider, message).unwrap_err(),
        Refusal::WrongPid { .. }
    ));
}

fn negotiation_message(world: &mut Negotiating, kind: Kind) -> serde_json::Value {
    let message = world.message(Consumer, kind, None);
    Contract::json(message.message(), "x")
}

#[test]
fn an_agreement_about_another_dataset_is_refused() {
    let mut world = Negotiating::after(&[]);
    let message = world.message(Provider, Kind::Agreement, None);
    let mut json = Contract::json(message.message(), "x");
    json["agreement"]["target"] = "urn:dataset:other".into();
    let message = world.received(Consumer, json, None);
    let refusal = world.receive(Consumer, message).unwrap_err();
    assert_eq!((refusal.code(), refusal.status()), ("policy-mismatch", 400));
}
