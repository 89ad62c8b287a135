//! It becomes known what happened to a message of ours.

use super::{Ended, Pending, Process, Protocol};
use crate::dsp::error::Refusal;
use crate::dsp::id::excerpt;
use crate::dsp::message::{Cause, Pids};
use crate::dsp::outbox::{Effect, Key, Notice};

/// What happened to a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<P: Protocol> {
    /// The other end has it. The process ids of its answer, if the answer had a body that could be read.
    Acknowledged(Option<Pids>),
    /// The other end refused it for good, in its own words.
    Refused(String),
    /// The answer to [`crate::dsp::outbox::Ask`]; `None` when it does not know the process or its answer cannot be read.
    PeerState(Option<P::State>),
    /// Nothing more is tried.
    GaveUp,
}

impl<P: Protocol> Process<P> {
    pub(super) fn deliver(&mut self, key: &Key, outcome: Outcome<P>, now_ms: u64) -> Result<Vec<Effect<P>>, Refusal> {
        let Some(pending) = self.pending.clone().filter(|pending| pending.key == *key) else {
            // Late news of a message that is settled.
            return Ok(Vec::new());
        };
        match outcome {
            Outcome::Acknowledged(pids) => self.acknowledged(pending, pids, now_ms),
            Outcome::Refused(reason) => Ok(self.refused(pending, reason, now_ms)),
            Outcome::PeerState(state) => self.peer_stands(pending, state, now_ms),
            Outcome::GaveUp => Ok(self.gave_up(pending, now_ms)),
        }
    }

    fn settle(&mut self, key: Key, now_ms: u64) -> Vec<Effect<P>> {
        self.pending = None;
        self.changed_ms = now_ms;
        vec![Effect::Persist, Effect::Settled(key)]
    }

    fn acknowledged(
        &mut self,
        pending: Pending<P>,
        pids: Option<Pids>,
        now_ms: u64,
    ) -> Result<Vec<Effect<P>>, Refusal> {
        if self.peer_pid.is_none()
            && let Err(why) = self.learn_pid(pids.ok_or(Refusal::AnswerNeeded)?)
        {
            // The answer is about some other process, now and whenever it is asked for again: this one was not taken up.
            return Ok(self.ended_by_peer(pending, Some(why), now_ms));
        }
        let mut effects = self.settle(pending.key.clone(), now_ms);
        if P::is_terminal(self.state) {
            // Ended while the opening message was on its way: now that the other end's id is known, it is told.
            if let (false, Some(pids)) = (P::is_termination(P::kind(&pending.message)), self.pids()) {
                let cause = self.ended.as_ref().map(|ended| ended.cause.clone()).unwrap_or_default();
                effects.push(self.send(P::termination(pids, cause), P::TERMINATED));
            }
            return Ok(effects);
        }
        P::apply(&mut self.facts, self.role, &pending.message);
        effects.push(Effect::Notify(self.moved_by(&pending)));
        self.state = pending.to;
        if P::is_terminal(self.state) {
            P::close(&mut self.facts);
        }
        Ok(effects)
    }

    /// What the handlers are told when our message counts.
    pub(super) fn moved_by(&self, pending: &Pending<P>) -> Notice<P> {
        let opens = P::pid(&pending.message, self.role.other()).is_none();
        Notice::Moved {
            from: if opens { None } else { Some(self.state) },
            to: pending.to,
            by: self.role,
        }
    }

    fn learn_pid(&mut self, pids: Pids) -> Result<(), String> {
        let (own, peer) = match self.role {
            crate::dsp::Role::Consumer => (pids.consumer, pids.provider),
            crate::dsp::Role::Provider => (pids.provider, pids.consumer),
        };
        if own != self.own_pid {
            return Err(format!(
                "the answer names another process id: `{}`, expected `{}`",
                excerpt(own.as_str()),
                self.own_pid
            ));
        }
        self.peer_pid = Some(peer);
        Ok(())
    }

    fn refused(&mut self, pending: Pending<P>, reason: String, now_ms: u64) -> Vec<Effect<P>> {
        let kind = P::kind(&pending.message);
        if P::is_termination(kind) {
            // "If an error is received in response to the message, the sending party MAY choose to ignore the error."
            return self.settle(pending.key, now_ms);
        }
        if self.peer_pid.is_none() {
            return self.ended_by_peer(pending, Some(reason), now_ms);
        }
        self.pending = Some(Pending {
            refused: Some(reason),
            ..pending
        });
        self.changed_ms = now_ms;
        let mut effects = vec![Effect::Persist];
        effects.extend(self.unsettled());
        effects
    }

    /// The other end has ended the process, or never took it up.
    fn ended_by_peer(&mut self, pending: Pending<P>, reason: Option<String>, now_ms: u64) -> Vec<Effect<P>> {
        let kind = P::kind(&pending.message);
        let mut effects = self.settle(pending.key, now_ms);
        let reason = reason.or(pending.refused).unwrap_or_default();
        if P::is_terminal(self.state) {
            return effects;
        }
        effects.push(Effect::Notify(Notice::Refused {
            kind,
            reason: reason.clone(),
        }));
        let before = std::mem::replace(&mut self.state, P::TERMINATED);
        P::close(&mut self.facts);
        self.ended = Some(Ended {
            by: self.role.other(),
            cause: Cause::new("refused", &reason),
        });
        effects.push(Effect::Notify(Notice::Moved {
            from: Some(before),
            to: P::TERMINATED,
            by: self.role.other(),
        }));
        effects
    }

    fn peer_stands(
        &mut self,
        pending: Pending<P>,
        state: Option<P::State>,
        now_ms: u64,
    ) -> Result<Vec<Effect<P>>, Refusal> {
        let kind = P::kind(&pending.message);
        let follows = |state| {
            let sender = self.role.other();
            P::KINDS
                .iter()
                .any(|&kind| P::next(Some(pending.to), sender, kind) == Some(state))
        };
        match state {
            Some(state) if state == pending.to => self.acknowledged(pending, None, now_ms),
            Some(state) if state == P::TERMINATED => Ok(self.ended_by_peer(pending, None, now_ms)),
            Some(state) if state == self.state => {
                let reason = pending.refused.unwrap_or_default();
                let mut effects = self.settle(pending.key, now_ms);
                effects.push(Effect::Notify(Notice::Refused { kind, reason }));
                Ok(effects)
            }
            Some(state) if follows(state) => self.acknowledged(pending, None, now_ms),
            Some(state) => {
                let why = format!(
                    "the two ends disagree: this one is at {}, the other at {state}",
                    self.state
                );
                Ok(self.end(Cause::new("states-differ", &why), now_ms))
            }
            None => {
                let why = "the other end refused a message and does not say where it stands";
                Ok(self.end(Cause::new("states-differ", why), now_ms))
            }
        }
    }

    fn gave_up(&mut self, pending: Pending<P>, now_ms: u64) -> Vec<Effect<P>> {
        let kind = P::kind(&pending.message);
        if P::is_terminal(self.state) {
            return self.settle(pending.key, now_ms);
        }
        let why = match &pending.refused {
            Some(reason) => format!("{kind} could not be delivered: {reason}"),
            None => format!("{kind} could not be delivered"),
        };
        let unknown = self.peer_pid.is_none();
        let mut effects = self.end(Cause::new("undeliverable", &why), now_ms);
        if unknown {
            self.pending = None;
            effects.insert(1, Effect::Settled(pending.key));
        }
        effects
    }
}
