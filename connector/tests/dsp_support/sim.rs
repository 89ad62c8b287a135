//! Two ends and a network between them that loses, repeats and reorders; ends that stop and start again from what they stored.

use super::{NOW, agreement, bytes, cause, consumer, id, offer, provider};
use herleid::dsp::Role;
use herleid::dsp::error::{Answer, Family, Refusal, pids_in, reason_in};
use herleid::dsp::id::Id;
use herleid::dsp::message::{ContractNegotiation, DataAddress, Message as _, Pids, Received, TransferProcess};
use herleid::dsp::negotiation::{self, Contract};
use herleid::dsp::outbox::{Attempt, Effect, Notice, judge};
use herleid::dsp::path::Endpoint;
use herleid::dsp::process::{Event, Outcome, Process, Protocol, step};
use herleid::dsp::transfer::{self, DataTransfer};
use serde_json::Value;

type Opened<P> = Result<(Process<P>, Vec<Effect<P>>), Refusal>;

/// What the simulation needs to know of a protocol.
pub trait Simulated: Protocol {
    fn parse(endpoint: &Endpoint, body: &[u8]) -> Received<Self::Message>;
    fn open(role: Role) -> Opened<Self>;
    fn opened(own_pid: Id, from: Id, received: &Received<Self::Message>) -> Opened<Self>;
    fn decision(process: &Process<Self>, kind: Self::Kind, number: u32) -> Self::Decision;
    fn answer_in(body: &Value) -> (Pids, Self::State);
}

impl Simulated for Contract {
    fn parse(endpoint: &Endpoint, body: &[u8]) -> Received<Self::Message> {
        match endpoint {
            Endpoint::OpenNegotiation(post) | Endpoint::NegotiationMessage(_, post) => {
                negotiation::Message::parse(*post, body).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    fn open(role: Role) -> Opened<Self> {
        match role {
            Role::Consumer => negotiation::request(pid(role), provider(), offer("0"), NOW),
            Role::Provider => negotiation::offer(pid(role), consumer(), offer("0"), NOW),
        }
    }

    fn opened(own_pid: Id, from: Id, received: &Received<Self::Message>) -> Opened<Self> {
        negotiation::opened(own_pid, from, received, NOW)
    }

    fn decision(process: &Process<Self>, kind: Self::Kind, number: u32) -> Self::Decision {
        use negotiation::{Decide, Kind};
        match kind {
            Kind::Request => Decide::CounterRequest(offer(&number.to_string())),
            Kind::Offer => Decide::Offer(offer(&number.to_string())),
            Kind::Accepted => Decide::Accept,
            Kind::Agreement => Decide::Agree(agreement(process.standing_offer())),
            Kind::Verification => Decide::Verify,
            Kind::Finalized => Decide::Finalize,
            Kind::Termination => Decide::Terminate(cause()),
        }
    }

    fn answer_in(body: &Value) -> (Pids, Self::State) {
        let answer = ContractNegotiation::from_value(body).unwrap().into_message();
        (answer.pids, answer.state)
    }
}

impl Simulated for DataTransfer {
    fn parse(endpoint: &Endpoint, body: &[u8]) -> Received<Self::Message> {
        let post = match endpoint {
            Endpoint::OpenTransfer => None,
            Endpoint::TransferMessage(_, post) => Some(*post),
            other => panic!("{other:?}"),
        };
        transfer::Message::parse(post, body).unwrap()
    }

    fn open(_role: Role) -> Opened<Self> {
        transfer::request(
            pid(Role::Consumer),
            provider(),
            id("urn:agreement:1"),
            "HttpData-PULL",
            None,
            NOW,
        )
    }

    fn opened(own_pid: Id, from: Id, received: &Received<Self::Message>) -> Opened<Self> {
        transfer::opened(own_pid, from, received, NOW)
    }

    fn decision(process: &Process<Self>, kind: Self::Kind, number: u32) -> Self::Decision {
        use transfer::{Decide, Kind};
        let address = || DataAddress::http_bearer("https://knmi.example/data", &number.to_string());
        match kind {
            Kind::Request => panic!("a transfer is not requested twice"),
            Kind::Start => Decide::Start((process.role() == Role::Provider).then(address)),
            Kind::Suspension => Decide::Suspend(cause()),
            Kind::Completion => Decide::Complete,
            Kind::Termination => Decide::Terminate(cause()),
        }
    }

    fn answer_in(body: &Value) -> (Pids, Self::State) {
        let answer = TransferProcess::from_value(body).unwrap().into_message();
        (answer.pids, answer.state)
    }
}

pub fn pid(role: Role) -> Id {
    match role {
        Role::Consumer => id("urn:uuid:32541fe6-c580-409e-85a8-8a9a32fbe833"),
        Role::Provider => id("urn:uuid:a343fcbf-99fc-4ce8-8e9b-148c97605aab"),
    }
}

pub fn participant(role: Role) -> Id {
    match role {
        Role::Consumer => consumer().id,
        Role::Provider => provider().id,
    }
}

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

    fn process(&mut self, role: Role) -> Option<Process<P>> {
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

    fn give_up(&mut self, by: Role) {
        let Some(process) = self.process(by) else { return };
        let Some(Effect::Send(send)) = process.unsettled() else {
            return;
        };
        // What ends a process at the other end is never given up while it may have arrived; neither is what opened it.
        let ends = process.underway().is_some_and(|kind| {
            !P::is_termination(kind) && ["FINALIZED", "Completion"].iter().any(|k| kind.to_string().contains(k))
        });
        if send.opens || ends {
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
                self.passed.push((by.other(), send.path, body));
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
