//! What negotiations and transfers have in common.
//!
//! **A process** has two ends; each holds the state that both are known to share, and at most one message of its own that is on its
//! way. The state changes when a message arrives, or when the other end has acknowledged ours: "transitions to a state in response to
//! an acknowledged message" (contract negotiation protocol, introduction). Only a termination takes effect at once.
//!
//! **Repeats.** Delivery is at least once, so messages come twice. One with an `@id` seen before is answered as before, without
//! effect, if it is the same, and refused if it is another. One without `@id` counts as a repeat only if it equals an earlier one *and*
//! could not be a new message in this state, so that nothing that the protocol demands to be refused is let through; a second
//! counter-request in REQUESTED never counts as a repeat without its `@id`. A request that opens a process is known by its process id.
//!
//! **Crossing.** While our message is on its way, one of the other end may arrive. If it fits the state that ours leads to, ours has
//! arrived. If it only fits the state before, both are on their way: the one of higher rank counts, and both ends rank alike.
//!
//! **Refused.** If the other end refuses our message, an earlier attempt may have reached it all the same. It is asked where it
//! stands ([`super::outbox::Ask`]): there, the message counts; at the old state, it does not, and the process is ended for that reason
//! ([`FollowUp::End`]); anywhere else the process is ended at once, as the protocol demands when states differ.

mod decide;
mod deliver;
mod follow;
mod protocol;
mod receive;
mod store;

pub use deliver::Outcome;
pub use follow::{FollowUp, follow_up};
pub use protocol::Protocol;
pub use store::StoredError;

use super::Role;
use super::error::{Answer, Refusal, unknown_pids};
use super::id::{Address, Id};
use super::message::{Cause, Pids, Received};
use super::outbox::{Ask, Effect, Key, Notice, Send};
use super::path;
use receive::Seen;
use serde::{Deserialize, Serialize};

/// State of a protocol.
pub type State<P> = <P as Protocol>::State;

/// One negotiation or transfer at one end; the whole of what has to be durable, the message on its way included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct Process<P: Protocol> {
    format: store::Format,
    role: Role,
    own_pid: Id,
    peer_pid: Option<Id>,
    peer: Id,
    address: Address,
    state: P::State,
    facts: P::Facts,
    pending: Option<Pending<P>>,
    ended: Option<Ended>,
    seen: Vec<Seen<P>>,
    sent: u32,
    /// Steps that were kept, whatever they changed.
    #[serde(default)]
    steps: u64,
    created_ms: u64,
    changed_ms: u64,
}

/// Our message that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
struct Pending<P: Protocol> {
    key: Key,
    message: P::Message,
    to: P::State,
    /// Set once the other end refused it: now it is asked where it stands.
    refused: Option<String>,
}

/// Who ended a process and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Who.
    pub by: Role,
    /// Why.
    pub cause: Cause,
}

/// Something that happens to a process.
#[derive(Debug, Clone)]
pub enum Event<P: Protocol> {
    /// A message came in.
    Received {
        /// The authenticated sender.
        from: Id,
        /// What it says.
        message: Received<P::Message>,
    },
    /// This end decided.
    Decided(P::Decision),
    /// It became known what happened to a message of ours.
    Delivery {
        /// Which.
        key: Key,
        /// What.
        outcome: Outcome<P>,
    },
}

/// The next state and what to do; the old state is left as it is.
///
/// # Errors
/// A refusal changes nothing. For a received message, [`Refusal::answer`] makes the HTTP answer of it.
pub fn step<P: Protocol>(
    process: &Process<P>,
    event: Event<P>,
    now_ms: u64,
) -> Result<(Process<P>, Vec<Effect<P>>), Refusal> {
    let mut next = process.clone();
    let effects = match event {
        Event::Received { from, message } => next.receive(&from, &message, now_ms)?,
        Event::Decided(decision) => next.decide(decision, now_ms)?,
        Event::Delivery { key, outcome } => next.deliver(&key, outcome, now_ms)?,
    };
    if effects.iter().any(|effect| matches!(effect, Effect::Persist)) {
        next.steps = next.steps.saturating_add(1);
    }
    Ok((next, effects))
}

/// Under which id the sender of an opening message has the process; `None` when the message opens none.
#[must_use]
pub fn opener_pid<P: Protocol>(message: &P::Message) -> Option<&Id> {
    let opens = |end: &Role| P::next(None, *end, P::kind(message)).is_some();
    let opener = [Role::Consumer, Role::Provider].into_iter().find(opens)?;
    P::pid(message, opener)
}

/// What is needed to open a process, besides its message.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) role: Role,
    pub(super) own_pid: Id,
    pub(super) peer: Id,
    pub(super) address: Address,
    pub(super) now_ms: u64,
}

impl<P: Protocol> Process<P> {
    fn new(opening: Opening, state: P::State, facts: P::Facts) -> Self {
        Self {
            format: store::Format,
            role: opening.role,
            own_pid: opening.own_pid,
            peer_pid: None,
            peer: opening.peer,
            address: opening.address,
            state,
            facts,
            pending: None,
            ended: None,
            seen: Vec::new(),
            sent: 0,
            steps: 0,
            created_ms: opening.now_ms,
            changed_ms: opening.now_ms,
        }
    }

    /// Opens a process from this end.
    pub(super) fn open(
        opening: Opening,
        message: P::Message,
        facts: P::Facts,
    ) -> Result<(Self, Vec<Effect<P>>), Refusal> {
        let kind = P::kind(&message);
        let state = P::next(None, opening.role, kind).ok_or_else(|| Refusal::NotAnOpening {
            message: kind.to_string(),
        })?;
        let mut process = Self::new(opening, state, facts);
        let send = process.send(message, state);
        Ok((process, vec![Effect::Persist, send]))
    }

    /// Takes up a process that the other end opened.
    pub(super) fn opened(
        opening: Opening,
        received: &Received<P::Message>,
        facts: P::Facts,
    ) -> Result<(Self, Vec<Effect<P>>), Refusal> {
        let message = received.message();
        let kind = P::kind(message);
        let (role, sender) = (opening.role, opening.role.other());
        let not_an_opening = || Refusal::NotAnOpening {
            message: kind.to_string(),
        };
        let state = P::next(None, sender, kind).ok_or_else(not_an_opening)?;
        let (Some(peer_pid), None) = (P::pid(message, sender), P::pid(message, role)) else {
            return Err(not_an_opening());
        };
        let mut process = Self::new(opening, state, facts);
        process.peer_pid = Some(peer_pid.clone());
        process.remember(kind, received.stamp(), state);
        let effects = vec![
            Effect::Persist,
            Effect::Answer(process.standing(201)),
            Effect::Notify(Notice::Moved {
                from: None,
                to: state,
                by: sender,
            }),
        ];
        Ok((process, effects))
    }

    /// Which end this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Our process id.
    #[must_use]
    pub fn own_pid(&self) -> &Id {
        &self.own_pid
    }

    /// The other end's process id, once known. Together with [`Process::peer`] it finds a process by the request that opened it.
    #[must_use]
    pub fn peer_pid(&self) -> Option<&Id> {
        self.peer_pid.as_ref()
    }

    /// The participant at the other end.
    #[must_use]
    pub fn peer(&self) -> &Id {
        &self.peer
    }

    /// The state that both ends are known to share.
    #[must_use]
    pub fn state(&self) -> P::State {
        self.state
    }

    /// The kind of our message that is on its way, if there is one.
    #[must_use]
    pub fn underway(&self) -> Option<P::Kind> {
        self.pending.as_ref().map(|pending| P::kind(&pending.message))
    }

    /// Who ended it and why, once it was terminated.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// How many messages this end has sent, the opening one included; each counts once, however often it is tried.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// When it was opened, UTC milliseconds.
    #[must_use]
    pub fn created_ms(&self) -> u64 {
        self.created_ms
    }

    /// Whether nothing can follow and nothing is on its way.
    #[must_use]
    pub fn is_over(&self) -> bool {
        P::is_terminal(self.state) && self.pending.is_none()
    }

    /// When it last changed, UTC milliseconds.
    #[must_use]
    pub fn changed_ms(&self) -> u64 {
        self.changed_ms
    }

    pub(super) fn facts(&self) -> &P::Facts {
        &self.facts
    }

    /// What this end may send now (terminations included), given that nothing is on its way.
    #[must_use]
    pub fn possible(&self) -> Vec<P::Kind> {
        self.possible_for(self.role)
    }

    /// Both process ids, once known.
    #[must_use]
    pub fn pids(&self) -> Option<Pids> {
        self.peer_pid.as_ref().map(|_| self.pids_or_nil())
    }

    /// What a GET of this process by `from` is answered with. As long as the other end's process id is not known here, the nil UUID
    /// stands for it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when `from` is not the other end.
    pub fn status(&self, from: &Id) -> Result<Answer, Refusal> {
        if *from == self.peer {
            Ok(self.standing(200))
        } else {
            Err(Refusal::NotFound)
        }
    }

    /// What is still to be done for the message on its way: after a restart, the outbox is filled with this.
    #[must_use]
    pub fn unsettled(&self) -> Option<Effect<P>> {
        let pending = self.pending.as_ref()?;
        Some(match (&pending.refused, &self.peer_pid) {
            (Some(_), Some(pid)) => Effect::Ask(Ask {
                key: pending.key.clone(),
                peer: self.peer.clone(),
                to: self.address.clone(),
                path: path::process(P::FAMILY, pid),
            }),
            _ => {
                let kind = P::kind(&pending.message);
                let receiver = P::pid(&pending.message, self.role.other());
                Effect::Send(Send {
                    key: pending.key.clone(),
                    peer: self.peer.clone(),
                    to: self.address.clone(),
                    path: path::message(P::FAMILY, receiver, P::segment(kind)),
                    body: P::json(&pending.message, pending.key.as_str()),
                    opens: receiver.is_none(),
                })
            }
        })
    }

    /// The state that our message leads to, if one is on its way; else the state. After the end nothing leads anywhere, although
    /// the message that opened the process may still be on its way.
    pub(super) fn heading(&self) -> P::State {
        match &self.pending {
            Some(pending) if !P::is_terminal(self.state) => pending.to,
            _ => self.state,
        }
    }

    fn possible_for(&self, sender: Role) -> Vec<P::Kind> {
        let heading = self.heading();
        P::KINDS
            .iter()
            .copied()
            .filter(|&kind| P::next(Some(heading), sender, kind).is_some())
            .collect()
    }

    fn impossible(&self, sender: Role, kind: P::Kind) -> Refusal {
        let possible: Vec<String> = self.possible_for(sender).iter().map(ToString::to_string).collect();
        Refusal::InvalidTransition {
            message: kind.to_string(),
            sender,
            state: self.heading().to_string(),
            possible: if possible.is_empty() {
                "nothing".to_owned()
            } else {
                possible.join(", ")
            },
        }
    }

    fn standing(&self, status: u16) -> Answer {
        let body = P::answer(&self.pids_or_nil(), self.state);
        Answer { status, body }
    }

    fn pids_or_nil(&self) -> Pids {
        let mut pids = unknown_pids();
        let (own, peer) = match self.role {
            Role::Consumer => (&mut pids.consumer, &mut pids.provider),
            Role::Provider => (&mut pids.provider, &mut pids.consumer),
        };
        *own = self.own_pid.clone();
        if let Some(pid) = &self.peer_pid {
            *peer = pid.clone();
        }
        pids
    }

    fn send(&mut self, message: P::Message, to: P::State) -> Effect<P> {
        self.sent = self.sent.saturating_add(1);
        let pending = Pending {
            key: Key::new(&self.own_pid, self.sent),
            message,
            to,
            refused: None,
        };
        let effect = self.pending.insert(pending).key.clone();
        // The same function serves the first attempt and the refill after a restart, so the two cannot differ.
        self.unsettled().unwrap_or(Effect::Settled(effect))
    }
}
