//! What this end does when the other one will not have its messages: it never sends the same again and again.

use crate::common::{NOW, offer, provider};
use crate::sim::{Simulated, World, pid};
use herleid::dsp::Role::{self, Consumer, Provider};
use herleid::dsp::message::{ContractOffer, ContractRequest, Pids, Verification};
use herleid::dsp::negotiation::{Contract, Kind, Message, State};
use herleid::dsp::outbox::Effect;
use herleid::dsp::process::{Event, FollowUp, Outcome, follow_up, opener_pid, step};
use herleid::dsp::transfer::{self, DataTransfer};

/// `by` decides on a message of `kind`, the other end refuses it for good and stays where it is: what follows.
fn refused<P: Simulated>(world: &mut World<P>, by: Role, kind: P::Kind) -> FollowUp {
    let before = world.state(by);
    world.decide_on(by, kind).unwrap();
    let effects = world.news(by, Outcome::Refused("HTTP 409: no".to_owned())).unwrap();
    assert_eq!(
        follow_up(&world.process(by).unwrap(), &effects),
        FollowUp::Nothing,
        "it is asked first"
    );
    let effects = world.news(by, Outcome::PeerState(Some(before))).unwrap();
    assert_eq!(world.state(by), before);
    follow_up(&world.process(by).unwrap(), &effects)
}

/// `by` does what follows a refusal; also its termination is refused. It comes to rest at the end.
fn ends<P: Simulated>(world: &mut World<P>, by: Role, follows: FollowUp, about: &str) {
    let FollowUp::End(cause) = follows else {
        panic!("{about}: {follows:?}")
    };
    let said = cause.text();
    assert!(said.contains(about) && said.contains("HTTP 409: no"), "{said}");
    let (process, effects) = step(&world.process(by).unwrap(), Event::Decided(P::terminate(cause)), NOW).unwrap();
    assert_eq!(process.state(), P::TERMINATED);
    assert_eq!(process.ended().map(|ended| ended.by), Some(by));
    let sent = effects.iter().find_map(|effect| match effect {
        Effect::Send(send) => Some(send),
        _ => None,
    });
    assert_eq!(sent.unwrap().body["code"], "refused");
    world.end(by).process = Some(process);
    let effects = world.news(by, Outcome::Refused("HTTP 400: no".to_owned())).unwrap();
    let process = world.process(by).unwrap();
    assert_eq!(follow_up(&process, &effects), FollowUp::Nothing);
    assert!(process.is_over());
}

#[test]
fn a_refused_decision_of_a_negotiation_ends_it() {
    let agreed = [(Provider, Kind::Agreement)];
    let verified = [(Provider, Kind::Agreement), (Consumer, Kind::Verification)];
    for (way, by, kind) in [
        (&[][..], Provider, Kind::Agreement),
        (&agreed[..], Consumer, Kind::Verification),
        (&verified[..], Provider, Kind::Finalized),
    ] {
        let mut world = World::<Contract>::after(way);
        let follows = refused(&mut world, by, kind);
        ends(&mut world, by, follows, &kind.to_string());
    }
}

#[test]
fn a_refused_decision_of_a_transfer_ends_it() {
    let started = [(Provider, transfer::Kind::Start)];
    for (way, by, kind) in [
        (&[][..], Provider, transfer::Kind::Start),
        (&started[..], Consumer, transfer::Kind::Completion),
    ] {
        let mut world = World::<DataTransfer>::after(way);
        let follows = refused(&mut world, by, kind);
        ends(&mut world, by, follows, &kind.to_string());
    }
}

#[test]
fn an_agreement_that_the_other_end_has_ended_meanwhile_is_not_decided_about_again() {
    let mut world = World::<Contract>::after(&[]);
    world.decide_on(Provider, Kind::Agreement).unwrap();
    world
        .news(Provider, Outcome::Refused("HTTP 400: over".to_owned()))
        .unwrap();
    let effects = world
        .news(Provider, Outcome::PeerState(Some(State::Terminated)))
        .unwrap();
    // Told as a move to its end, of which there is nothing to end.
    assert_eq!(follow_up(&world.process(Provider).unwrap(), &effects), FollowUp::Decide);
    assert_eq!(world.state(Provider), State::Terminated);
}

#[test]
fn what_the_other_end_sends_is_looked_at_and_its_repeat_is_not() {
    let mut world = World::<Contract>::after(&[(Provider, Kind::Agreement)]);
    let verification = world.message(Consumer, Kind::Verification, Some("urn:m:1"));
    for expected in [FollowUp::Decide, FollowUp::Nothing] {
        let effects = world.receive(Provider, verification.clone()).unwrap();
        assert_eq!(follow_up(&world.process(Provider).unwrap(), &effects), expected);
    }
}

#[test]
fn why_a_message_could_not_be_delivered_is_kept() {
    let mut world = World::<Contract>::after(&[]);
    world.decide_on(Provider, Kind::Agreement).unwrap();
    world
        .news(Provider, Outcome::Refused("it may not be called".to_owned()))
        .unwrap();
    world.news(Provider, Outcome::GaveUp).unwrap();
    let ended = world.process(Provider).unwrap().ended().cloned().unwrap();
    assert_eq!(
        (ended.by, ended.cause.code.as_deref()),
        (Provider, Some("undeliverable"))
    );
    assert!(ended.cause.text().contains("it may not be called"), "{ended:?}");
}

#[test]
fn an_opening_is_known_by_the_id_of_its_sender() {
    let request = Message::Request(ContractRequest {
        consumer_pid: pid(Consumer),
        provider_pid: None,
        callback: Some(provider().callback),
        offer: offer("0"),
    });
    assert_eq!(opener_pid::<Contract>(&request), Some(&pid(Consumer)));
    let uninvited = Message::Offer(ContractOffer {
        provider_pid: pid(Provider),
        consumer_pid: None,
        callback: Some(provider().callback),
        offer: offer("0"),
    });
    assert_eq!(opener_pid::<Contract>(&uninvited), Some(&pid(Provider)));
    let pids = Pids {
        consumer: pid(Consumer),
        provider: pid(Provider),
    };
    assert_eq!(
        opener_pid::<Contract>(&Message::Verification(Verification { pids })),
        None
    );
}
