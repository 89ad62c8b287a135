//! A message of the other end arrives.

use super::{Ended, Process, Protocol};
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::{Received, Stamp};
use crate::dsp::outbox::{Effect, Notice};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// How many messages of the other end are remembered, besides the first. A repeat older than that cannot come from an honest
/// sender, which has at most one message on its way; 64 of about 150 bytes are 10 KiB a process at most.
const REMEMBERED: usize = 64;

/// A message of the other end that had its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub(super) struct Seen<P: Protocol> {
    kind: P::Kind,
    stamp: Stamp,
    led_to: P::State,
}

/// What a message that arrives means for ours that is on its way.
enum Fate {
    /// Ours has arrived: the other end could not have sent this otherwise.
    Arrived,
    /// Ours does not count.
    Dropped,
    /// Both say the same.
    Agreed,
}

impl<P: Protocol> Process<P> {
    pub(super) fn receive(
        &mut self,
        from: &Id,
        received: &Received<P::Message>,
        now_ms: u64,
    ) -> Result<Vec<Effect<P>>, Refusal> {
        if *from != self.peer {
            return Err(Refusal::NotFound);
        }
        let message = received.message();
        let kind = P::kind(message);
        let sender = self.role.other();
        if P::pid(message, self.role).is_none() {
            return self.opened_again(message, received.stamp());
        }
        self.check_pid(P::pid(message, self.role), Some(&self.own_pid))?;
        self.check_pid(P::pid(message, sender), self.peer_pid.as_ref())?;
        if self.is_repeat(kind, received.stamp())? {
            return Ok(vec![Effect::Answer(self.standing(200))]);
        }

        let (to, fate) = self.admit(kind)?;
        let mut effects = vec![Effect::Persist];
        if self.peer_pid.is_none() {
            self.peer_pid = P::pid(message, sender).cloned();
        }
        let mut arrived = None;
        if let Some(pending) = self.pending.take() {
            effects.push(Effect::Settled(pending.key.clone()));
            if matches!(fate, Fate::Arrived) && !P::is_termination(kind) {
                P::apply(&mut self.facts, self.role, &pending.message);
                arrived = Some(self.moved_by(&pending));
                self.state = pending.to;
            }
        }
        P::examine(self, sender, message)?;
        P::apply(&mut self.facts, sender, message);
        let before = std::mem::replace(&mut self.state, to);
        if P::is_termination(kind) && self.ended.is_none() {
            self.ended = Some(Ended {
                by: sender,
                cause: P::cause(message).cloned().unwrap_or_default(),
            });
        }
        if P::is_terminal(to) {
            P::close(&mut self.facts);
        }
        self.remember(kind, received.stamp(), to);
        self.changed_ms = now_ms;
        effects.push(Effect::Answer(self.standing(200)));
        effects.extend(arrived.map(Effect::Notify));
        if before != to {
            effects.push(Effect::Notify(Notice::Moved {
                from: Some(before),
                to,
                by: sender,
            }));
        }
        Ok(effects)
    }

    /// Where the message leads, and what that means for ours on its way.
    fn admit(&self, kind: P::Kind) -> Result<(P::State, Fate), Refusal> {
        let sender = self.role.other();
        if let Some(to) = P::next(Some(self.heading()), sender, kind) {
            return Ok((to, Fate::Arrived));
        }
        let refused = || self.impossible(sender, kind);
        let pending = self.pending.as_ref().ok_or_else(refused)?;
        let ours = P::kind(&pending.message);
        if P::is_termination(kind) && P::is_termination(ours) {
            return Ok((P::TERMINATED, Fate::Agreed));
        }
        let to = P::next(Some(self.state), sender, kind).ok_or_else(refused)?;
        match P::rank(sender, kind).cmp(&P::rank(self.role, ours)) {
            Ordering::Equal if kind == ours => Ok((to, Fate::Agreed)),
            Ordering::Greater => Ok((to, Fate::Dropped)),
            _ => Err(refused()),
        }
    }

    fn check_pid(&self, found: Option<&Id>, expected: Option<&Id>) -> Result<(), Refusal> {
        match (found, expected) {
            (Some(found), Some(expected)) if found != expected => Err(Refusal::WrongPid {
                found: found.to_string(),
                expected: expected.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// A message that opens a process, for a process that exists: a repeat of the one that opened it, or a reused process id.
    fn opened_again(&self, message: &P::Message, stamp: &Stamp) -> Result<Vec<Effect<P>>, Refusal> {
        let pid = P::pid(message, self.role.other());
        let first = self
            .seen
            .first()
            .filter(|seen| P::next(None, self.role.other(), seen.kind) == Some(seen.led_to));
        match first {
            Some(first) if pid == self.peer_pid.as_ref() && first.stamp.digest() == stamp.digest() => {
                Ok(vec![Effect::Answer(self.standing(201))])
            }
            _ => Err(Refusal::ReusedPid {
                pid: pid.map(ToString::to_string).unwrap_or_default(),
            }),
        }
    }

    fn is_repeat(&self, kind: P::Kind, stamp: &Stamp) -> Result<bool, Refusal> {
        if let Some(id) = stamp.id() {
            return match self.seen.iter().find(|seen| seen.stamp.id() == Some(id)) {
                None => Ok(false),
                Some(seen) if seen.stamp.digest() == stamp.digest() => Ok(true),
                Some(_) => Err(Refusal::ReusedMessageId { id: id.to_string() }),
            };
        }
        if P::is_request(kind) || self.admit(kind).is_ok() {
            return Ok(false);
        }
        let same = |seen: &&Seen<P>| seen.stamp.id().is_none() && seen.stamp.digest() == stamp.digest();
        // After the end only the message that led there can be a repeat; any other is an error (contract negotiation protocol,
        // "Contract Negotiation Event Message": no event after a terminal state).
        Ok(if P::is_terminal(self.state) {
            self.seen.last().is_some_and(|seen| same(&seen))
        } else {
            self.seen.iter().any(|seen| same(&seen))
        })
    }

    pub(super) fn remember(&mut self, kind: P::Kind, stamp: &Stamp, led_to: P::State) {
        if self.seen.len() > REMEMBERED {
            self.seen.remove(1);
        }
        self.seen.push(Seen {
            kind,
            stamp: stamp.clone(),
            led_to,
        });
    }
}
