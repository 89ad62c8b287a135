//! Crossing messages, refusals, lost outcomes and the store, one by one.

use crate::common::{NOW, id, offer, provider};
use crate::sim::{Fate, World, participant, pid};
use herleid::dsp::Role::{self, Consumer, Provider};
use herleid::dsp::error::Refusal;
use herleid::dsp::message::{Cause, DataAddress, Pids};
use herleid::dsp::negotiation::{self, Contract, Kind, Negotiation, State};
use herleid::dsp::outbox::{Effect, Notice, Send};
use herleid::dsp::process::{Event, Outcome, StoredError, step};
use herleid::dsp::transfer::{self, DataTransfer, Transfer};

type Negotiating = World<Contract>;
type Transferring = World<DataTransfer>;

fn send_of<P: herleid::dsp::process::Protocol>(effects: &[Effect<P>]) -> Option<&Send> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(send) => Some(send),
        _ => None,
    })
}

fn offered() -> Negotiating {
    World::after(&[(Provider, Kind::Offer)])
}

#[test]
fn both_may_end_it_at_once() {
    let mut world = offered();
    for role in [Consumer, Provider] {
        world.decide_on(role, Kind::Termination).unwrap();
        assert_eq!(world.state(role), State::Terminated);
    }
    world.settle();
    assert_eq!(world.states(), (Some(State::Terminated), Some(State::Terminated)));
    // The end is final: a termination that is none of these is refused.
    let more = world.message(Consumer, Kind::Termination, Some("urn:m:9"));
    assert!(matches!(
        world.receive(Provider, more),
        Err(Refusal::InvalidTransition { .. })
    ));
}

#[test]
fn a_finalization_on_its_way_is_not_undone_by_the_consumer() {
    let mut world = Negotiating::after(&[(Provider, Kind::Agreement), (Consumer, Kind::Verification)]);
    world.decide_on(Provider, Kind::Finalized).unwrap();
    assert!(world.process(Provider).unwrap().in_force().is_some());
    let termination = world.message(Consumer, Kind::Termination, Some("urn:m:1"));
    assert!(matches!(
        world.receive(Provider, termination),
        Err(Refusal::InvalidTransition { .. })
    ));
    assert!(matches!(
        world.decide_on(Provider, Kind::Termination),
        Err(Refusal::Underway { .. })
    ));
    world.settle();
    assert_eq!(world.states(), (Some(State::Finalized), Some(State::Finalized)));
}

#[test]
fn of_crossing_transfer_messages_the_more_final_one_counts() {
    use transfer::{Kind, State};
    for (consumer, provider, expected) in [
        (Kind::Completion, Kind::Suspension, State::Completed),
        (Kind::Suspension, Kind::Completion, State::Completed),
        (Kind::Suspension, Kind::Suspension, State::Suspended),
        (Kind::Completion, Kind::Completion, State::Completed),
        (Kind::Termination, Kind::Completion, State::Terminated),
        (Kind::Completion, Kind::Termination, State::Terminated),
    ] {
        for first in [Consumer, Provider] {
            let mut world = Transferring::after(&[(Provider, Kind::Start)]);
            world.decide_on(Consumer, consumer).unwrap();
            world.decide_on(Provider, provider).unwrap();
            world.attempt(first, Fate::Arrives);
            world.settle();
            assert_eq!(
                world.states(),
                (Some(expected), Some(expected)),
                "{consumer} {provider} {first}"
            );
        }
    }
}

#[test]
fn of_two_starts_the_providers_counts_with_its_address() {
    use transfer::Kind;
    for first in [Consumer, Provider] {
        let mut world = Transferring::after(&[(Provider, Kind::Start), (Provider, Kind::Suspension)]);
        world.decide_on(Consumer, Kind::Start).unwrap();
        world.decide_on(Provider, Kind::Start).unwrap();
        world.attempt(first, Fate::Arrives);
        world.settle();
        let of = |world: &mut Transferring, role| world.process(role).unwrap().address().cloned();
        let at_consumer = of(&mut world, Consumer);
        assert_eq!(at_consumer.as_ref().and_then(DataAddress::authorization), Some("4"));
        assert_eq!(at_consumer, of(&mut world, Provider));
    }
}

#[test]
fn a_pull_does_not_start_without_an_address() {
    let mut world = Transferring::after(&[]);
    let process = world.process(Provider).unwrap();
    let start = Event::Decided(transfer::Decide::Start(None));
    assert_eq!(step(&process, start, NOW).unwrap_err(), Refusal::AddressMissing);
}

#[test]
fn data_may_flow_from_the_providers_start_to_its_suspension() {
    use transfer::Kind;
    let mut world = Transferring::after(&[]);
    let open = |world: &mut Transferring, role: Role| world.process(role).unwrap().is_open();
    assert!(!open(&mut world, Provider));
    world.decide_on(Provider, Kind::Start).unwrap();
    // The consumer may come before its acknowledgement.
    assert!(open(&mut world, Provider) && !open(&mut world, Consumer));
    world.settle();
    assert!(open(&mut world, Consumer));
    world.decide_on(Provider, Kind::Suspension).unwrap();
    assert!(!open(&mut world, Provider));
}

#[test]
fn why_a_transfer_is_suspended_is_known_at_both_ends_until_it_goes_on() {
    use transfer::Kind;
    let mut world = Transferring::after(&[(Provider, Kind::Start), (Consumer, Kind::Suspension)]);
    for role in [Consumer, Provider] {
        let process = world.process(role).unwrap();
        let suspended = process.suspended().unwrap();
        assert_eq!(
            (suspended.by, suspended.cause.text()),
            (Consumer, "no longer needed (code 7)".to_owned())
        );
    }
    world.decide_on(Provider, Kind::Start).unwrap();
    world.settle();
    for role in [Consumer, Provider] {
        assert_eq!(world.process(role).unwrap().suspended(), None);
    }
}

#[test]
fn an_offer_that_overtakes_the_answer_to_our_request_shows_that_the_request_arrived() {
    let mut world = Negotiating::new(Consumer, true);
    world.attempt(Consumer, Fate::AnswerLost);
    let offer = world.message(Provider, Kind::Offer, Some("urn:m:1"));
    let effects = world.receive(Consumer, offer).unwrap();
    let moves: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Notify(Notice::Moved { from, to, by }) => Some((*from, *to, *by)),
            _ => None,
        })
        .collect();
    assert_eq!(
        moves,
        [
            (None, State::Requested, Consumer),
            (Some(State::Requested), State::Offered, Provider)
        ]
    );
    let process = world.process(Consumer).unwrap();
    assert_eq!((process.peer_pid(), process.unsettled()), (Some(&pid(Provider)), None));
}

#[test]
fn after_a_refusal_the_other_end_is_asked_and_believed() {
    let refused = || Outcome::Refused("HTTP 400: no".to_owned());
    for (stands, expected) in [
        (Some(State::Offered), State::Offered),
        (Some(State::Accepted), State::Offered),
        (Some(State::Requested), State::Requested),
        (Some(State::Terminated), State::Terminated),
        (Some(State::Verified), State::Terminated),
        (None, State::Terminated),
    ] {
        let mut world = Negotiating::after(&[]);
        world.decide_on(Provider, Kind::Offer).unwrap();
        let effects = world.news(Provider, refused()).unwrap();
        let [Effect::Persist, Effect::Ask(ask)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(ask.path, format!("negotiations/{}", pid(Consumer)));
        let effects = world.news(Provider, Outcome::PeerState(stands)).unwrap();
        assert_eq!(world.state(Provider), expected, "{stands:?}");
        let told = effects
            .iter()
            .any(|e| matches!(e, Effect::Notify(Notice::Refused { .. })));
        assert_eq!(
            told,
            matches!(stands, Some(State::Requested | State::Terminated)),
            "{stands:?}: {effects:?}"
        );
        // Where the two differ, the other end is told that it is over.
        let ends = send_of(&effects).is_some_and(|send| send.body["code"] == "states-differ");
        assert_eq!(
            ends,
            matches!(stands, Some(State::Verified) | None),
            "{stands:?}: {effects:?}"
        );
    }
}

#[test]
fn a_refused_offer_leaves_the_offer_before_it_standing() {
    let mut world = Negotiating::after(&[]);
    let before = world.process(Provider).unwrap().standing_offer().clone();
    world.decide_on(Provider, Kind::Offer).unwrap();
    world.news(Provider, Outcome::Refused(String::new())).unwrap();
    world
        .news(Provider, Outcome::PeerState(Some(State::Requested)))
        .unwrap();
    let process = world.process(Provider).unwrap();
    assert_eq!((process.standing_offer(), process.underway()), (&before, None));
    world.decide_on(Provider, Kind::Agreement).unwrap();
}

#[test]
fn what_cannot_be_delivered_ends_and_the_other_end_is_told_if_it_can_be() {
    let mut world = Negotiating::after(&[]);
    world.decide_on(Provider, Kind::Offer).unwrap();
    let effects = world.news(Provider, Outcome::GaveUp).unwrap();
    assert_eq!(send_of(&effects).unwrap().body["code"], "undeliverable");
    world.settle();
    assert_eq!(world.states(), (Some(State::Terminated), Some(State::Terminated)));
}

#[test]
fn an_opening_needs_an_answer_with_our_own_id() {
    let mut world = Negotiating::new(Consumer, true);
    assert_eq!(
        world.news(Consumer, Outcome::Acknowledged(None)).unwrap_err(),
        Refusal::AnswerNeeded
    );
    let foreign = Pids {
        consumer: id("urn:uuid:other"),
        provider: id("urn:uuid:p"),
    };
    // The answer is about another process, so this one was not taken up; asking again would bring the same.
    let effects = world.news(Consumer, Outcome::Acknowledged(Some(foreign))).unwrap();
    assert_eq!((world.state(Consumer), send_of(&effects)), (State::Terminated, None));
    let ended = world.process(Consumer).unwrap().ended().cloned().unwrap();
    assert!(
        ended.by == Provider && ended.cause.text().contains("names another process id"),
        "{ended:?}"
    );
    assert!(world.process(Consumer).unwrap().is_over());
    // Refused: it never began.
    let mut world = Negotiating::new(Consumer, true);
    let effects = world
        .news(Consumer, Outcome::Refused("HTTP 403: no".to_owned()))
        .unwrap();
    assert_eq!((world.state(Consumer), send_of(&effects)), (State::Terminated, None));
    assert!(world.process(Consumer).unwrap().is_over());
}

#[test]
fn whoever_ends_before_the_other_ends_id_is_known_tells_it_once_it_is() {
    let mut world = Negotiating::new(Consumer, true);
    world.decide_on(Consumer, Kind::Termination).unwrap();
    assert_eq!(world.state(Consumer), State::Terminated);
    world.settle();
    assert_eq!(world.states(), (Some(State::Terminated), Some(State::Terminated)));
    assert_eq!(world.process(Provider).unwrap().ended().map(|e| e.by), Some(Consumer));
}

#[test]
fn late_news_changes_nothing() {
    let mut world = Negotiating::new(Consumer, true);
    let Some(Effect::Send(send)) = world.process(Consumer).unwrap().unsettled() else {
        panic!()
    };
    world.settle();
    let process = world.process(Consumer).unwrap();
    for outcome in [
        Outcome::GaveUp,
        Outcome::Refused(String::new()),
        Outcome::Acknowledged(None),
        Outcome::PeerState(None),
    ] {
        let event = Event::Delivery {
            key: send.key.clone(),
            outcome,
        };
        assert_eq!(step(&process, event, NOW + 1).unwrap(), (process.clone(), vec![]));
    }
}

#[test]
fn what_is_stored_names_its_format_and_reads_back() {
    let mut world = offered();
    let process = world.process(Provider).unwrap();
    let stored = process.to_bytes().unwrap();
    assert_eq!(Negotiation::from_bytes(&stored).unwrap(), process);
    let mut json: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!(json["format"], 1);
    json["format"] = 2.into();
    let newer = Negotiation::from_bytes(&serde_json::to_vec(&json).unwrap()).unwrap_err();
    assert_eq!(newer, StoredError::Format { found: "2".to_owned() });
    json["format"] = 1.into();
    json["surprise"] = 1.into();
    assert!(matches!(
        Negotiation::from_bytes(&serde_json::to_vec(&json).unwrap()),
        Err(StoredError::Unreadable { .. })
    ));
    assert!(matches!(
        Negotiation::from_bytes(&stored[..stored.len() - 1]),
        Err(StoredError::Unreadable { .. })
    ));
    assert!(matches!(
        Transfer::from_bytes(&stored),
        Err(StoredError::Unreadable { .. })
    ));
}

#[test]
fn tokens_are_not_printed_and_not_kept_beyond_the_end() {
    use transfer::Kind;
    let mut world = Transferring::after(&[(Provider, Kind::Start)]);
    let token = || DataAddress::http_bearer("https://knmi.example/data", "SECRET-TOKEN");
    let process = world.process(Provider).unwrap();
    let (process, _) = step(
        &process,
        Event::Decided(transfer::Decide::Suspend(Cause::default())),
        NOW,
    )
    .unwrap();
    let Some(Effect::Send(send)) = process.unsettled() else {
        panic!()
    };
    let (process, _) = step(
        &process,
        Event::Delivery {
            key: send.key,
            outcome: Outcome::Acknowledged(None),
        },
        NOW,
    )
    .unwrap();
    let (started, effects) = step(&process, Event::Decided(transfer::Decide::Start(Some(token()))), NOW).unwrap();
    assert!(send_of(&effects).unwrap().body.to_string().contains("SECRET-TOKEN"));
    assert!(!format!("{started:?}").contains("SECRET-TOKEN"));
    let (ended, _) = step(
        &started,
        Event::Decided(transfer::Decide::Terminate(Cause::default())),
        NOW,
    )
    .unwrap();
    assert!(
        !String::from_utf8(ended.to_bytes().unwrap())
            .unwrap()
            .contains("SECRET-TOKEN")
    );
    assert_eq!(ended.address(), None);
}

#[test]
fn a_request_that_ends_before_it_is_taken_up_keeps_no_key() {
    let to = Some(DataAddress::http_bearer("https://app.example/in", "SECRET-TOKEN"));
    let asked = transfer::request(pid(Consumer), provider(), id("urn:a"), "HttpData-PUSH", to, NOW);
    let decided = Event::Decided(transfer::Decide::Terminate(Cause::default()));
    let (ended, _) = step(&asked.unwrap().0, decided, NOW).unwrap();
    let stored = String::from_utf8(ended.to_bytes().unwrap()).unwrap();
    assert!(!stored.contains("SECRET-TOKEN"));
    // It stays on its way, for the other end's process id.
    let Some(Effect::Send(send)) = ended.unsettled() else {
        panic!()
    };
    assert!(send.opens && !send.body.to_string().contains("SECRET-TOKEN"));
}

#[test]
fn where_messages_go_is_below_what_the_peer_gave() {
    let (_, effects) = negotiation::request(pid(Consumer), provider(), offer("0"), NOW).unwrap();
    let send = send_of(&effects).unwrap();
    assert_eq!(
        send.to.join(&send.path),
        "https://knmi.example/dsp/2025-1/negotiations/request"
    );
    assert_eq!(send.body["@id"], send.key.as_str());
    assert_eq!(send.body["callbackAddress"], "https://app.example/callback");
    let mut world = Negotiating::after(&[(Provider, Kind::Agreement)]);
    world.decide_on(Consumer, Kind::Verification).unwrap();
    let Some(Effect::Send(send)) = world.process(Consumer).unwrap().unsettled() else {
        panic!()
    };
    let path = format!("negotiations/{}/agreement/verification", pid(Provider));
    assert_eq!((send.path, send.peer, send.opens), (path, participant(Provider), false));
}
