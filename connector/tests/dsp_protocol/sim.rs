//! Two ends and a network between them that loses, repeats and reorders; ends that stop and start again from what they stored.

use crate::common::{NOW, bytes};
use herleid::dsp::Role;
use herleid::dsp::error::{Answer, Family, Refusal, pids_in, reason_in};
use herleid::dsp::message::Received;
use herleid::dsp::outbox::{Attempt, Effect, Notice, judge};
use herleid::dsp::path::Endpoint;
use herleid::dsp::process::{Event, Outcome, Process, Protocol, step};
use serde_json::Value;

mod protocols;

pub use protocols::{Simulated, participant, pid};

/// What the network does with one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Arrives,
    Lost,
    AnswerLost,
}

/// One thing that may happen.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    Decide {
        by: Role,
        pick: u8,
    },
    Attempt {
        by: Role,
        fate: Fate,
    },
    /// A copy of an earlier message turns up.
    Replay {
        pick: u8,
    },
    Restart {
        of: Role,
    },
    GiveUp {
        by: Role,
    },
}

/// One end.
pub struct End<P: Protocol> {
    pub process: Option<Process<P>>,
    /// States that both were known to share, as this end was told.
    pub history: Vec<P::State>,
}

/// Both ends and what passed between them.
pub struct World<P: Simulated> {
    pub consumer: End<P>,
    pub provider: End<P>,
    /// Whether messages keep their `@id`.
    ids: bool,
    passed: Vec<(Role, String, Value)>,
    decisions: u32,
}

impl<P: Simulated> World<P> {
    pub fn new(opened_by: Role, ids: bool) -> Self {
        let end = || End {
            process: None,
            history: Vec::new(),
        };
        let mut world = Self {
            consumer: end(),
            provider: end(),
            ids,
            passed: Vec::new(),
            decisions: 0,
        };
        let (process, effects) = P::open(opened_by).unwrap();
        world.take(opened_by, process, &effects);
        world
    }

    pub fn end(&mut self, role: Role) -> &mut End<P> {
        match role {
            Role::Consumer => &mut self.consumer,
            Role::Provider => &mut self.provider,
        }
    }

    pub fn process(&mut self, role: Role) -> Option<Process<P>> {
        self.end(role).process.clone()
    }

    /// Takes over a new state; returns the answer if there is one.
    fn take(&mut self, role: Role, process: Process<P>, effects: &[Effect<P>]) -> Option<Answer> {
        let end = self.end(role);
        let mut answer = None;
        let changed = end.process.as_ref() != Some(&process);
        assert_eq!(
            changed,
            effects.first() == Some(&Effect::Persist),
            "a change is made durable first, and only a change: {effects:?}"
        );
        for effect in effects {
            match effect {
                Effect::Answer(given) => assert!(answer.replace(given.clone()).is_none(), "one answer"),
                Effect::Notify(Notice::Moved { to, .. }) => end.history.push(*to),
                Effect::Send(_) | Effect::Ask(_) => {
                    assert_eq!(
                        Some(effect),
                        process.unsettled().as_ref(),
                        "what is sent is what a restart would send"
                    );
                }
                Effect::Persist | Effect::Settled(_) | Effect::Notify(Notice::Refused { .. }) => {}
            }
        }
        end.process = Some(process);
        answer
    }

    pub fn run(&mut self, op: Op) {
        match op {
            Op::Decide { by, pick } => self.decide(by, pick),
            Op::Attempt { by, fate } => self.attempt(by, fate),
            Op::Replay { pick } => {
                if self.ids && !self.passed.is_empty() {
                    let (to, path, body) = self.passed[usize::from(pick) % self.passed.len()].clone();
                    self.arrive(to, &path, &body);
                }
            }
            Op::Restart { of } => {
                if let Some(process) = self.process(of) {
                    let again = Process::from_bytes(&process.to_bytes().unwrap()).unwrap();
                    assert_eq!(again, process);
                    self.end(of).process = Some(again);
                }
            }
            Op::GiveUp { by } => self.give_up(by),
        }
    }

    fn decide(&mut self, by: Role, pick: u8) {
        let Some(process) = self.process(by) else { return };
        let mut kinds = process.possible();
        // Most runs should get somewhere.
        if pick < 240 {
            kinds.retain(|&kind| !P::is_termination(kind));
        }
        if kinds.is_empty() {
            return;
        }
        self.decisions += 1;
        let kind = kinds[usize::from(pick) % kinds.len()];
        let decision = P::decision(&process, kind, self.decisions);
        match step(&process, Event::Decided(decision), NOW) {
            Ok((next, effects)) => {
                assert!(self.take(by, next, &effects).is_none());
            }
            Err(refusal) => assert!(process.underway().is_some(), "{kind} was possible: {refusal}"),
        }
    }

    /// Both ends in the state that these decisions lead to, everything delivered.
    pub fn after(decisions: &[(Role, P::Kind)]) -> Self {
        let mut world = Self::new(Role::Consumer, true);
        world.settle();
        for &(by, kind) in decisions {
            world.decide_on(by, kind).unwrap();
            world.settle();
        }
        world
    }

    /// One end decides on a message of this kind.
    pub fn decide_on(&mut self, by: Role, kind: P::Kind) -> Result<(), Refusal> {
        let process = self.process(by).unwrap();
        self.decisions += 1;
        let decision = P::decision(&process, kind, self.decisions);
        let (next, effects) = step(&process, Event::Decided(decision), NOW)?;
        self.take(by, next, &effects);
        Ok(())
    }

    /// A message of `kind` from `sender`, as it would be posted, with `id` as its `@id` if one is given.
    pub fn message(&mut self, sender: Role, kind: P::Kind, id: Option<&str>) -> Received<P::Message> {
        let process = self.process(sender).unwrap();
        let pids = process.pids().unwrap();
        let json = P::json(&P::compose(pids, P::decision(&process, kind, 0)), id.unwrap_or("x"));
        self.received(sender.other(), json, id)
    }

    /// The message as its endpoint at `to` reads it.
    pub fn received(&mut self, to: Role, mut json: Value, id: Option<&str>) -> Received<P::Message> {
        let members = json.as_object_mut().unwrap();
        match id {
            Some(id) => drop(members.insert("@id".to_owned(), Value::from(id))),
            None => drop(members.remove("@id")),
        }
        let kind = json["@type"].as_str().unwrap();
        let kind = P::KINDS
            .iter()
            .copied()
            .find(|k| k.to_string().starts_with(kind))
            .unwrap();
        let own = self.process(to).unwrap().own_pid().clone();
        let collection = if P::FAMILY == Family::Transfer {
            "transfers"
        } else {
            "negotiations"
        };
        let endpoint = Endpoint::find("POST", &format!("{collection}/{own}/{}", P::segment(kind))).unwrap();
        P::parse(&endpoint, &bytes(&json))
    }

    /// A message arrives at `to`; its effects.
    pub fn receive(&mut self, to: Role, message: Received<P::Message>) -> Result<Vec<Effect<P>>, Refusal> {
        let process = self.process(to).unwrap();
        let from = participant(to.other());
        let (next, effects) = step(&process, Event::Received { from, message }, NOW)?;
        self.take(to, next, &effects);
        Ok(effects)
    }

    /// News of the message that `of` has on its way; its effects.
    pub fn news(&mut self, of: Role, outcome: Outcome<P>) -> Result<Vec<Effect<P>>, Refusal> {
        let process = self.process(of).unwrap();
        let key = match process.unsettled() {
            Some(Effect::Send(send)) => send.key,
            Some(Effect::Ask(ask)) => ask.key,
            other => panic!("nothing is on its way: {other:?}"),
        };
        let (next, effects) = step(&process, Event::Delivery { key, outcome }, NOW)?;
        self.take(of, next, &effects);
        Ok(effects)
    }

    pub fn state(&mut self, of: Role) -> P::State {
        self.process(of).unwrap().state()
    }

    fn give_up(&mut self, by: Role) {
        let Some(process) = self.process(by) else { return };
        let Some(Effect::Send(send)) = process.unsettled() else {
            return;
        };
        // Left out is what no protocol can mend: giving up on what may have ended the process at the other end, on telling it that
        // this end has ended it, and on what opened it.
        let ends = |kind: P::Kind| {
            ["FINALIZED", "Completion", "Termination"]
                .iter()
                .any(|name| kind.to_string().contains(name))
        };
        if send.opens || process.underway().is_some_and(ends) {
            return;
        }
        let (next, effects) = step(
            &process,
            Event::Delivery {
                key: send.key,
                outcome: Outcome::GaveUp,
            },
            NOW,
        )
        .unwrap();
        self.take(by, next, &effects);
    }

    pub fn attempt(&mut self, by: Role, fate: Fate) {
        let Some(process) = self.process(by) else { return };
        let (key, outcome) = match process.unsettled() {
            None => return,
            Some(Effect::Send(send)) => {
                if fate == Fate::Lost {
                    return;
                }
                let mut body = send.body.clone();
                if !self.ids {
                    body.as_object_mut().unwrap().remove("@id");
                }
                let answer = self.arrive(by.other(), &send.path, &body);
                // Copies that turn up later are of messages that had their effect. One that was refused, and given up for that, may
                // have its effect late if a copy outlives the refusal: docs/dsp.md says so.
                if answer.status < 300 {
                    self.passed.push((by.other(), send.path, body));
                }
                let outcome = match judge(answer.status, 99) {
                    Attempt::Delivered => Outcome::Acknowledged(Some(P::answer_in(&answer.body).0)),
                    Attempt::Refused => Outcome::Refused(reason_in(answer.status, &bytes(&answer.body))),
                    Attempt::Retry => panic!("{answer:?}"),
                };
                assert_eq!(send.opens && answer.status < 300, answer.status == 201, "{answer:?}");
                (send.key, outcome)
            }
            Some(Effect::Ask(ask)) => {
                let Some(other) = self.process(by.other()) else {
                    panic!("asked about what was never opened")
                };
                let state = other
                    .status(&participant(by))
                    .ok()
                    .map(|answer| P::answer_in(&answer.body).1);
                (ask.key, Outcome::PeerState(state))
            }
            Some(other) => panic!("{other:?}"),
        };
        if fate != Fate::Arrives {
            return;
        }
        // The outcome comes back after the other end may have spoken again, so to the state of now.
        let process = self.process(by).unwrap();
        let (next, effects) = step(&process, Event::Delivery { key, outcome }, NOW).unwrap();
        assert!(self.take(by, next, &effects).is_none());
    }

    /// A request arrives at `to`.
    fn arrive(&mut self, to: Role, path: &str, body: &Value) -> Answer {
        let endpoint = Endpoint::find("POST", path).unwrap();
        let received = P::parse(&endpoint, &bytes(body));
        let from = participant(to.other());
        let result = match self.process(to) {
            None => P::opened(pid(to), from, &received),
            Some(process) => step(
                &process,
                Event::Received {
                    from,
                    message: received,
                },
                NOW,
            ),
        };
        match result {
            Ok((next, effects)) => self.take(to, next, &effects).unwrap(),
            Err(refusal) => {
                let family = if P::FAMILY == Family::Transfer {
                    Family::Transfer
                } else {
                    Family::Negotiation
                };
                refusal.answer(family, &pids_in(&bytes(body)))
            }
        }
    }

    /// The network behaves: everything on its way gets through, in turn.
    pub fn settle(&mut self) {
        for _ in 0..50 {
            for role in [Role::Consumer, Role::Provider] {
                self.attempt(role, Fate::Arrives);
            }
            let busy = |end: &End<P>| end.process.as_ref().is_some_and(|p| p.unsettled().is_some());
            if !busy(&self.consumer) && !busy(&self.provider) {
                return;
            }
        }
        panic!(
            "never comes to rest: {:?} {:?}",
            self.consumer.process, self.provider.process
        );
    }

    /// Both states, where both ends have the process.
    pub fn states(&self) -> (Option<P::State>, Option<P::State>) {
        let state = |end: &End<P>| end.process.as_ref().map(Process::state);
        (state(&self.consumer), state(&self.provider))
    }
}
