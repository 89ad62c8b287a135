//! This end decides.

use super::{Ended, Process, Protocol};
use crate::dsp::error::Refusal;
use crate::dsp::message::Cause;
use crate::dsp::outbox::{Effect, Notice};

impl<P: Protocol> Process<P> {
    /// Whether this end may send a message of `kind` now: it is possible in the state, and nothing is on its way.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, kind: P::Kind) -> Result<(), Refusal> {
        if !self.possible().contains(&kind) {
            return Err(self.impossible(self.role, kind));
        }
        if self.pending.is_some() && !P::is_termination(kind) {
            return Err(self.underway_error(kind));
        }
        Ok(())
    }

    pub(super) fn decide(&mut self, decision: P::Decision, now_ms: u64) -> Result<Vec<Effect<P>>, Refusal> {
        let kind = P::decided(&decision);
        if P::is_termination(kind) {
            return self.decide_to_end(decision, now_ms);
        }
        if P::is_terminal(self.state) {
            return Err(self.impossible(self.role, kind));
        }
        let (None, Some(pids)) = (&self.pending, self.pids()) else {
            return Err(self.underway_error(kind));
        };
        let to = P::next(Some(self.state), self.role, kind).ok_or_else(|| self.impossible(self.role, kind))?;
        let message = P::compose(pids, decision);
        P::examine(self, self.role, &message)?;
        self.changed_ms = now_ms;
        if P::is_terminal(to) {
            // What this end needed to come here, and what is secret of it, is needed no more, however long the message takes.
            P::close(&mut self.facts);
        }
        let send = self.send(message, to);
        Ok(vec![Effect::Persist, send])
    }

    fn decide_to_end(&mut self, decision: P::Decision, now_ms: u64) -> Result<Vec<Effect<P>>, Refusal> {
        let kind = P::decided(&decision);
        if P::is_terminal(self.state) {
            return Err(self.impossible(self.role, kind));
        }
        // The message on its way may already have ended the process at the other end (FINALIZED, COMPLETED); what has ended
        // cannot be terminated, so its outcome is awaited.
        if self.pending.as_ref().is_some_and(|pending| P::is_terminal(pending.to)) {
            return Err(self.underway_error(kind));
        }
        // The ids do not matter here: the termination itself is composed where it is sent.
        let cause = P::cause(&P::compose(self.pids_or_nil(), decision)).cloned();
        Ok(self.end(cause.unwrap_or_default(), now_ms))
    }

    /// Ends the process from this end, whatever is on its way.
    pub(super) fn end(&mut self, cause: Cause, now_ms: u64) -> Vec<Effect<P>> {
        let before = self.state;
        self.state = P::TERMINATED;
        self.changed_ms = now_ms;
        P::close(&mut self.facts);
        self.ended = Some(Ended {
            by: self.role,
            cause: cause.clone(),
        });
        let mut effects = vec![Effect::Persist];
        // Without the other end's process id no termination can be addressed. The message that opens the process stays on its way:
        // its answer brings the id, and then the termination follows, so that the other end is not left waiting.
        if let Some(pids) = self.pids() {
            effects.extend(self.pending.take().map(|pending| Effect::Settled(pending.key)));
            effects.push(self.send(P::termination(pids, cause), P::TERMINATED));
        } else if let Some(pending) = &mut self.pending {
            // What is secret in it is needed no more. Whoever has had it whole refuses this as another message, and learns from its own
            // next message that the process has ended.
            P::strip(&mut pending.message);
        }
        effects.push(Effect::Notify(Notice::Moved {
            from: Some(before),
            to: P::TERMINATED,
            by: self.role,
        }));
        effects
    }

    fn underway_error(&self, kind: P::Kind) -> Refusal {
        Refusal::Underway {
            message: kind.to_string(),
            underway: self
                .underway()
                .map_or_else(|| "nothing".to_owned(), |kind| kind.to_string()),
        }
    }
}
