//! Every state, every sender, every message: what is allowed leads where the protocol says, and all else is refused in the protocol's
//! own words and changes nothing.

use crate::sim::{Simulated, World};
use crate::spec::{Spec, Validators};
use herleid::dsp::Role::{self, Consumer, Provider};
use herleid::dsp::error::Refusal;
use herleid::dsp::negotiation::{Contract, Kind, State};
use herleid::dsp::outbox::Effect;
use herleid::dsp::process::Protocol;
use herleid::dsp::transfer::{self, DataTransfer};

/// How a state is reached, by whose messages.
type Way<P> = (<P as Protocol>::State, &'static [(Role, <P as Protocol>::Kind)]);
/// A transition: state, sender, message, next state.
type Transition<P> = (
    <P as Protocol>::State,
    Role,
    <P as Protocol>::Kind,
    <P as Protocol>::State,
);

const NEGOTIATION_STATES: [Way<Contract>; 7] = [
    (State::Requested, &[]),
    (State::Offered, &[(Provider, Kind::Offer)]),
    (State::Accepted, &[(Provider, Kind::Offer), (Consumer, Kind::Accepted)]),
    (State::Agreed, &[(Provider, Kind::Agreement)]),
    (
        State::Verified,
        &[(Provider, Kind::Agreement), (Consumer, Kind::Verification)],
    ),
    (
        State::Finalized,
        &[
            (Provider, Kind::Agreement),
            (Consumer, Kind::Verification),
            (Provider, Kind::Finalized),
        ],
    ),
    (State::Terminated, &[(Consumer, Kind::Termination)]),
];

/// All that is allowed; written out once more, from the protocol's diagram and text, not from the code.
const NEGOTIATION_TABLE: [Transition<Contract>; 17] = [
    (State::Requested, Provider, Kind::Offer, State::Offered),
    (State::Requested, Provider, Kind::Agreement, State::Agreed),
    (State::Requested, Provider, Kind::Termination, State::Terminated),
    (State::Requested, Consumer, Kind::Termination, State::Terminated),
    (State::Offered, Consumer, Kind::Request, State::Requested),
    (State::Offered, Consumer, Kind::Accepted, State::Accepted),
    (State::Offered, Consumer, Kind::Termination, State::Terminated),
    (State::Offered, Provider, Kind::Termination, State::Terminated),
    (State::Accepted, Provider, Kind::Agreement, State::Agreed),
    (State::Accepted, Provider, Kind::Termination, State::Terminated),
    (State::Accepted, Consumer, Kind::Termination, State::Terminated),
    (State::Agreed, Consumer, Kind::Verification, State::Verified),
    (State::Agreed, Consumer, Kind::Termination, State::Terminated),
    (State::Agreed, Provider, Kind::Termination, State::Terminated),
    (State::Verified, Provider, Kind::Finalized, State::Finalized),
    (State::Verified, Provider, Kind::Termination, State::Terminated),
    (State::Verified, Consumer, Kind::Termination, State::Terminated),
];

const TRANSFER_STATES: [Way<DataTransfer>; 5] = [
    (transfer::State::Requested, &[]),
    (transfer::State::Started, &[(Provider, transfer::Kind::Start)]),
    (
        transfer::State::Suspended,
        &[
            (Provider, transfer::Kind::Start),
            (Consumer, transfer::Kind::Suspension),
        ],
    ),
    (
        transfer::State::Completed,
        &[
            (Provider, transfer::Kind::Start),
            (Provider, transfer::Kind::Completion),
        ],
    ),
    (transfer::State::Terminated, &[(Provider, transfer::Kind::Termination)]),
];

const TRANSFER_TABLE: [Transition<DataTransfer>; 13] = [
    (
        transfer::State::Requested,
        Provider,
        transfer::Kind::Start,
        transfer::State::Started,
    ),
    (
        transfer::State::Requested,
        Provider,
        transfer::Kind::Termination,
        transfer::State::Terminated,
    ),
    (
        transfer::State::Requested,
        Consumer,
        transfer::Kind::Termination,
        transfer::State::Terminated,
    ),
    (
        transfer::State::Started,
        Provider,
        transfer::Kind::Suspension,
        transfer::State::Suspended,
    ),
    (
        transfer::State::Started,
        Consumer,
        transfer::Kind::Suspension,
        transfer::State::Suspended,
    ),
    (
        transfer::State::Started,
        Provider,
        transfer::Kind::Completion,
        transfer::State::Completed,
    ),
    (
        transfer::State::Started,
        Consumer,
        transfer::Kind::Completion,
        transfer::State::Completed,
    ),
    (
        transfer::State::Started,
        Provider,
        transfer::Kind::Termination,
        transfer::State::Terminated,
    ),
    (
        transfer::State::Started,
        Consumer,
        transfer::Kind::Termination,
        transfer::State::Terminated,
    ),
    (
        transfer::State::Suspended,
        Provider,
        transfer::Kind::Start,
        transfer::State::Started,
    ),
    (
        transfer::State::Suspended,
        Consumer,
        transfer::Kind::Start,
        transfer::State::Started,
    ),
    (
        transfer::State::Suspended,
        Provider,
        transfer::Kind::Termination,
        transfer::State::Terminated,
    ),
    (
        transfer::State::Suspended,
        Consumer,
        transfer::Kind::Termination,
        transfer::State::Terminated,
    ),
];

/// Tries all of it; `skip` names the one message that cannot be made (a second opening request of a transfer).
fn check<P: Simulated>(
    states: &[Way<P>],
    table: &[Transition<P>],
    skip: impl Fn(P::Kind) -> bool,
    schemas: Option<&Validators>,
) -> (usize, usize) {
    let (mut allowed, mut refused) = (0, 0);
    for &(state, way) in states {
        for sender in [Consumer, Provider] {
            for &kind in P::KINDS.iter().filter(|&&kind| !skip(kind)) {
                let expected = table
                    .iter()
                    .find(|row| (row.0, row.1, row.2) == (state, sender, kind))
                    .map(|row| row.3);
                // With a new id and without one: neither may let through what the table refuses.
                for id in [Some("urn:uuid:new"), None] {
                    let mut world = World::<P>::after(way);
                    assert_eq!(world.states(), (Some(state), Some(state)));
                    let receiver = sender.other();
                    let before = world.process(receiver);
                    let message = world.message(sender, kind, id);
                    let what = format!("{kind} from the {sender} in {state}");
                    match (world.receive(receiver, message), expected) {
                        (Ok(effects), Some(next)) => {
                            assert_eq!(world.state(receiver), next, "{what}");
                            let Some(Effect::Answer(answer)) = effects.iter().find(|e| matches!(e, Effect::Answer(_)))
                            else {
                                panic!("{what}: no answer in {effects:?}")
                            };
                            assert_eq!(
                                (answer.status, answer.body["state"].as_str()),
                                (200, Some(next.to_string().as_str()))
                            );
                            schemas.inspect(|s| s.demand_own_type(&answer.body));
                        }
                        (Err(refusal), None) => {
                            assert_eq!(world.process(receiver), before, "{what}");
                            refused_properly(&world.process(receiver).unwrap(), &refusal, schemas);
                        }
                        (result, _) => panic!("{what}: expected {expected:?}, got {result:?}"),
                    }
                }
                // The same table binds our own decisions.
                let mut world = World::<P>::after(way);
                let decided = world.decide_on(sender, kind);
                assert_eq!(
                    decided.is_ok(),
                    expected.is_some(),
                    "decision: {kind} of the {sender} in {state}: {decided:?}"
                );
                *(if expected.is_some() { &mut allowed } else { &mut refused }) += 1;
            }
        }
    }
    (allowed, refused)
}

fn refused_properly<P: Protocol>(
    process: &herleid::dsp::process::Process<P>,
    refusal: &Refusal,
    schemas: Option<&Validators>,
) {
    assert!(matches!(refusal, Refusal::InvalidTransition { .. }), "{refusal}");
    let pids = process.pids().unwrap();
    let answer = refusal.answer(P::FAMILY, &pids);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["consumerPid"], pids.consumer.as_str());
    assert_eq!(answer.body["providerPid"], pids.provider.as_str());
    let reason = answer.body["reason"][0].as_str().unwrap();
    assert!(
        reason.contains(&process.state().to_string()) && reason.contains("possible: "),
        "{reason}"
    );
    schemas.inspect(|s| s.demand_own_type(&answer.body));
}

#[test]
fn every_message_in_every_state_of_a_negotiation() {
    let schemas = Spec::load("every_message_in_every_state_of_a_negotiation (schemas of answers only)")
        .map(|spec| spec.validators());
    let counts = check::<Contract>(&NEGOTIATION_STATES, &NEGOTIATION_TABLE, |_| false, schemas.as_ref());
    assert_eq!(counts, (17, 7 * 2 * 7 - 17));
}

#[test]
fn every_message_in_every_state_of_a_transfer() {
    let schemas = Spec::load("every_message_in_every_state_of_a_transfer (schemas of answers only)")
        .map(|spec| spec.validators());
    let request = |kind| kind == transfer::Kind::Request;
    let counts = check::<DataTransfer>(&TRANSFER_STATES, &TRANSFER_TABLE, request, schemas.as_ref());
    assert_eq!(counts, (13, 5 * 2 * 4 - 13));
}

#[test]
fn only_openings_open() {
    for &kind in Kind::ALL {
        for sender in [Consumer, Provider] {
            let opens = matches!((sender, kind), (Consumer, Kind::Request) | (Provider, Kind::Offer));
            assert_eq!(Contract::next(None, sender, kind).is_some(), opens, "{sender} {kind}");
        }
    }
    for &kind in transfer::Kind::ALL {
        for sender in [Consumer, Provider] {
            let opens = (sender, kind) == (Consumer, transfer::Kind::Request);
            assert_eq!(
                DataTransfer::next(None, sender, kind).is_some(),
                opens,
                "{sender} {kind}"
            );
        }
    }
}
