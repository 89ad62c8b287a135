//! What is to be done about a process after a step.

use super::{Process, Protocol};
use crate::dsp::message::Cause;
use crate::dsp::outbox::{Effect, Notice};

/// What comes after a step, when its effects are carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUp {
    /// Nothing: the other end, or news of a message of ours, is awaited.
    Nothing,
    /// The process went on: this end looks whether it is its turn.
    Decide,
    /// The other end refused for good what this end decided. From the same state the same decision would follow, and be refused again,
    /// for ever and without a pause: the process is ended instead, and the other end told why.
    End(Cause),
}

/// What comes after the step that led to `process` and had these effects.
#[must_use]
pub fn follow_up<P: Protocol>(process: &Process<P>, effects: &[Effect<P>]) -> FollowUp {
    let refused = effects.iter().find_map(|effect| match effect {
        Effect::Notify(Notice::Refused { kind, reason }) => Some((kind, reason)),
        _ => None,
    });
    let moved = |effect: &Effect<P>| matches!(effect, Effect::Notify(Notice::Moved { .. }));
    match refused {
        Some((kind, reason)) if !P::is_terminal(process.state()) => {
            FollowUp::End(Cause::new("refused", &format!("{kind} was refused: {reason}")))
        }
        _ if effects.iter().any(moved) => FollowUp::Decide,
        _ => FollowUp::Nothing,
    }
}

impl<P: Protocol> Process<P> {
    /// Whether anything has happened since it was as `seen`, also where it is back in the same state.
    #[must_use]
    pub fn has_gone_on_since(&self, seen: &Self) -> bool {
        self.steps != seen.steps
    }
}
