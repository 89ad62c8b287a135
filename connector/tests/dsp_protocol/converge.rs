//! Both ends against each other through lost, repeated and late messages, crossing decisions and restarts: in the end they agree.

use crate::sim::{Fate, Op, Simulated, World};
use herleid::dsp::Role;
use herleid::dsp::negotiation::Contract;
use herleid::dsp::process::Protocol;
use herleid::dsp::transfer::DataTransfer;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Consumer), Just(Role::Provider)]
}

fn op() -> impl Strategy<Value = Op> {
    let fate = prop_oneof![3 => Just(Fate::Arrives), 1 => Just(Fate::Lost), 2 => Just(Fate::AnswerLost)];
    prop_oneof![
        12 => (role(), any::<u8>()).prop_map(|(by, pick)| Op::Decide { by, pick }),
        16 => (role(), fate).prop_map(|(by, fate)| Op::Attempt { by, fate }),
        4 => any::<u8>().prop_map(|pick| Op::Replay { pick }),
        2 => role().prop_map(|of| Op::Restart { of }),
        1 => role().prop_map(|by| Op::GiveUp { by }),
    ]
}

/// Runs `cases` random histories (or PROPTEST_CASES, if that is more) and returns how often each final state was reached.
fn explore<P: Simulated>(cases: u32, openers: impl Strategy<Value = Role>) -> BTreeMap<String, u32> {
    let reached = RefCell::new(BTreeMap::new());
    let mut runner = TestRunner::new(Config {
        cases: cases.max(Config::default().cases),
        failure_persistence: None,
        ..Config::default()
    });
    let histories = (openers, prop::collection::vec(op(), 0..80), prop::bool::weighted(0.7));
    let result = runner.run(&histories, |(opener, ops, ids)| {
        let mut world = World::<P>::new(opener, ids);
        for op in ops {
            world.run(op);
        }
        world.settle();
        let (consumer, provider) = world.states();
        prop_assert_eq!(consumer, provider);
        let (consumer, provider) = (&world.consumer, &world.provider);
        let ended = |end: &crate::sim::End<P>| end.process.as_ref().and_then(|p| p.ended().cloned());
        if ids {
            // With ids nothing is ever in doubt.
            for end in [consumer, provider] {
                prop_assert!(
                    ended(end).is_none_or(|e| e.cause.code.as_deref() != Some("states-differ")),
                    "{:?}",
                    ended(end)
                );
            }
            let state = consumer.process.as_ref().unwrap().state();
            if state != P::TERMINATED {
                // Both saw the same states in the same order, each once: no message had its effect twice.
                prop_assert_eq!(&consumer.history, &provider.history);
            }
        }
        prop_assert_eq!(ended(consumer).is_some(), ended(provider).is_some());
        *reached
            .borrow_mut()
            .entry(consumer.process.as_ref().unwrap().state().to_string())
            .or_insert(0) += 1;
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    reached.into_inner()
}

#[test]
fn negotiations_converge_or_terminate() {
    let reached = explore::<Contract>(6_000, role());
    for state in [
        "REQUESTED",
        "OFFERED",
        "ACCEPTED",
        "AGREED",
        "VERIFIED",
        "FINALIZED",
        "TERMINATED",
    ] {
        assert!(
            reached.get(state).is_some_and(|&n| n > 50),
            "{state} is hardly reached: {reached:?}"
        );
    }
}

#[test]
fn transfers_converge_or_terminate() {
    let reached = explore::<DataTransfer>(6_000, Just(Role::Consumer));
    for state in ["REQUESTED", "STARTED", "SUSPENDED", "COMPLETED", "TERMINATED"] {
        assert!(
            reached.get(state).is_some_and(|&n| n > 50),
            "{state} is hardly reached: {reached:?}"
        );
    }
}

#[test]
fn agreements_are_the_same_at_both_ends() {
    let picks = [0u8, 0, 0, 0, 0, 0, 0, 0];
    for opener in [Role::Consumer, Role::Provider] {
        let mut world = World::<Contract>::new(opener, true);
        for pick in picks {
            for by in [Role::Provider, Role::Consumer] {
                world.settle();
                // The last kind before the termination: agree rather than offer, accept rather than counter.
                let possible = world.end(by).process.as_ref().map_or(0, |p| p.possible().len());
                if possible > 1 {
                    let pick = pick + u8::try_from(possible).unwrap() - 2;
                    world.run(Op::Decide { by, pick });
                }
            }
        }
        world.settle();
        let (consumer, provider) = (world.consumer.process.unwrap(), world.provider.process.unwrap());
        assert_eq!(consumer.state().name(), "FINALIZED");
        assert!(consumer.in_force().is_some());
        assert_eq!(consumer.in_force(), provider.in_force());
        consumer
            .agreement_as_negotiated(&crate::common::id(crate::common::CONSUMER))
            .unwrap();
        provider
            .agreement_as_negotiated(&crate::common::id(crate::common::PROVIDER))
            .unwrap();
        assert!(
            consumer
                .agreement_as_negotiated(&crate::common::id("someone-else"))
                .is_err()
        );
        assert!(consumer.is_over() && provider.is_over());
        assert!(Contract::is_terminal(consumer.state()));
    }
}
