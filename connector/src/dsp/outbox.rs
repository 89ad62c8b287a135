//! What the state machines ask of the shell, and the rules for sending.
//!
//! Delivery is at least once: a message is stored with the state that sent it, tried until its outcome is known, and carries its
//! idempotency key as `@id`, so that a receiver can tell a repeat from a new message. Ours does (see [`super::process`]); so does EDC.

use super::id::{Address, Id};
use super::process::{Protocol, State};
use super::{Role, error::Answer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// Idempotency key of one message: our process id and a number, for ever unique. It is also the message's `@id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    pub(super) fn new(own_pid: &Id, number: u32) -> Self {
        Self(format!("{own_pid}#{number}"))
    }

    /// The key as it stands in the message.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One message to be POSTed. `Debug` leaves out the message, which may carry a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Send {
    /// Under which its outcome is reported back.
    pub key: Key,
    /// For whom: the audience of the token that goes with it.
    pub peer: Id,
    /// Base URL of the receiver.
    pub to: Address,
    /// Path below it, without a leading slash.
    pub path: String,
    /// The message.
    pub body: Value,
    /// Whether it opens a negotiation or a transfer: answered with 201 and a body that has the other end's process id.
    pub opens: bool,
}

impl fmt::Debug for Send {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.body.get("@type").and_then(Value::as_str).unwrap_or_default();
        write!(f, "Send({kind} {} to {})", self.key, self.to.join(&self.path))
    }
}

/// One GET of the other end's state, after it refused a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The message that was refused; its outcome is what this settles.
    pub key: Key,
    /// Whom to ask.
    pub peer: Id,
    /// Base URL.
    pub to: Address,
    /// Path below it, without a leading slash.
    pub path: String,
}

/// Something the handlers (policy, script, person, webhook) may want to act upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice<P: Protocol> {
    /// The process went on; both ends know it.
    Moved {
        /// From where; nothing when the process began.
        from: Option<State<P>>,
        /// To where.
        to: State<P>,
        /// Whose message it was.
        by: Role,
    },
    /// The other end refused our message. Unless it has ended the process with that, the state is what it was, and another decision
    /// than the one refused is due ([`super::process::follow_up`]).
    Refused {
        /// Which message.
        kind: P::Kind,
        /// In the other end's words.
        reason: String,
    },
}

/// What the shell does after a step, in this order. Nothing behind [`Effect::Persist`] happens before the new state is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<P: Protocol> {
    /// Make the new state durable. A step without it has changed nothing.
    Persist,
    /// The message with this key needs no further attempt.
    Settled(Key),
    /// Answer the request that brought the message.
    Answer(Answer),
    /// Send, until the outcome is known, and report it.
    Send(Send),
    /// Ask the other end where it stands, and report it.
    Ask(Ask),
    /// Tell the handlers.
    Notify(Notice<P>),
}

/// What to do after an attempt to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The other end has it.
    Delivered,
    /// The other end will not have it.
    Refused,
    /// Try again after a while.
    Retry,
}

/// How often 404 and 409 are taken for "not yet": a peer may register its handler only after its answer (the conformance kit does), or
/// answer 409 until it has taken down our last answer or while it works on the process itself (EDC does both). With the delays of
/// [`backoff_ms`] five attempts span seven seconds.
const PATIENCE: u32 = 5;

/// What the status of an answer means for the message, after `attempts` attempts (this one included). No answer at all is
/// [`Attempt::Retry`].
#[must_use]
pub fn judge(status: u16, attempts: u32) -> Attempt {
    match status {
        200..=299 => Attempt::Delivered,
        404 | 409 if attempts < PATIENCE => Attempt::Retry,
        // Timeout, too early, too many requests: about the moment, not about the message.
        408 | 425 | 429 => Attempt::Retry,
        500..=599 => Attempt::Retry,
        // Redirects are not followed: an answer that sends a token elsewhere is a refusal.
        _ => Attempt::Refused,
    }
}

/// Milliseconds to wait before the next attempt: half a second, doubled each time up to five minutes, of which `random` (0 to
/// 65,535, drawn by the shell) takes away up to a half so that peers do not come back all at once.
#[must_use]
pub fn backoff_ms(attempts: u32, random: u16) -> u64 {
    const FIRST_MS: u64 = 500;
    const LONGEST_MS: u64 = 300_000;
    let doubled = FIRST_MS.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    let full = doubled.min(LONGEST_MS);
    full - full * u64::from(random) / (2 * 65_536)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_bounded_and_spread() {
        assert_eq!(backoff_ms(1, 0), 500);
        assert_eq!(backoff_ms(2, 0), 1_000);
        assert_eq!(backoff_ms(4, 0), 4_000);
        assert_eq!(backoff_ms(u32::MAX, 0), 300_000);
        assert!(backoff_ms(1, u16::MAX) > 250);
        assert!(backoff_ms(30, u16::MAX) >= 150_000);
        let patience: u64 = (1..PATIENCE).map(|n| backoff_ms(n, 0)).sum();
        assert_eq!(patience, 7_500);
    }

    #[test]
    fn only_answers_about_the_message_refuse_it() {
        assert_eq!(judge(200, 1), Attempt::Delivered);
        assert_eq!(judge(201, 1), Attempt::Delivered);
        assert_eq!(judge(404, 1), Attempt::Retry);
        assert_eq!(judge(404, 5), Attempt::Refused);
        assert_eq!(judge(409, 4), Attempt::Retry);
        assert_eq!(judge(409, 5), Attempt::Refused);
        assert_eq!(judge(503, 99), Attempt::Retry);
        assert_eq!(judge(429, 99), Attempt::Retry);
        assert_eq!(judge(400, 1), Attempt::Refused);
        assert_eq!(judge(302, 1), Attempt::Refused);
        assert_eq!(judge(401, 1), Attempt::Refused);
    }
}
