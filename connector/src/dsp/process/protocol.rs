//! The interface between the machinery and the two protocols.

use super::Process;
use crate::dsp::Role;
use crate::dsp::error::{Family, Refusal};
use crate::dsp::id::Id;
use crate::dsp::message::{Cause, Pids, ProcessMessage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::{Debug, Display};

/// What makes a negotiation a negotiation and a transfer a transfer.
pub trait Protocol: Debug + Clone + PartialEq + Eq + 'static {
    /// The states.
    type State: Copy + Eq + Debug + Display + Serialize + DeserializeOwned;
    /// The kinds of messages that the state machine tells apart.
    type Kind: Copy + Eq + Debug + Display + Serialize + DeserializeOwned + 'static;
    /// The messages.
    type Message: Clone + Eq + Debug + Serialize + DeserializeOwned;
    /// The decisions of this end.
    type Decision: Clone + Debug;
    /// What is known besides the state.
    type Facts: Clone + Eq + Debug + Serialize + DeserializeOwned;

    /// Which error messages and paths.
    const FAMILY: Family;
    /// The state after a termination.
    const TERMINATED: Self::State;
    /// All kinds.
    const KINDS: &'static [Self::Kind];

    /// The table: where a message of `kind` from `sender` leads in `state` (`None`: before the process exists).
    fn next(state: Option<Self::State>, sender: Role, kind: Self::Kind) -> Option<Self::State>;
    /// Whether nothing follows.
    fn is_terminal(state: Self::State) -> bool;
    /// Which of two crossing messages counts: the one that ranks higher. Equal ranks are for two messages that say the same.
    fn rank(sender: Role, kind: Self::Kind) -> u8;
    /// Whether `kind` asks for something, so that a second one is never taken for a repeat of the first without its `@id`.
    fn is_request(kind: Self::Kind) -> bool;
    /// Whether `kind` ends the process.
    fn is_termination(kind: Self::Kind) -> bool;

    /// The kind of a message.
    fn kind(message: &Self::Message) -> Self::Kind;
    /// The message, whatever its type.
    fn part(message: &Self::Message) -> &dyn ProcessMessage;
    /// The process id of `end` in a message; missing in one that opens a process, for the receiver's end.
    fn pid(message: &Self::Message, end: Role) -> Option<&Id> {
        Self::part(message).pid(end)
    }
    /// Why, if the message says so.
    fn cause(message: &Self::Message) -> Option<&Cause> {
        Self::part(message).cause()
    }
    /// The message as JSON with `id` as `@id`.
    fn json(message: &Self::Message, id: &str) -> Value {
        Self::part(message).json(id)
    }
    /// The answer that says where the process stands.
    fn answer(pids: &Pids, state: Self::State) -> Value;
    /// Last segments of the path for a kind of message.
    fn segment(kind: Self::Kind) -> &'static str;

    /// The kind of message that a decision leads to.
    fn decided(decision: &Self::Decision) -> Self::Kind;
    /// The message that a decision leads to.
    fn compose(pids: Pids, decision: Self::Decision) -> Self::Message;
    /// A termination.
    fn termination(pids: Pids, cause: Cause) -> Self::Message;
    /// The decision to end the process.
    fn terminate(cause: Cause) -> Self::Decision;

    /// Checks a message, ours or the other end's, against what is known.
    ///
    /// # Errors
    /// When it contradicts it.
    fn examine(process: &Process<Self>, sender: Role, message: &Self::Message) -> Result<(), Refusal>;
    /// Takes over what a message brings, once it counts.
    fn apply(facts: &mut Self::Facts, sender: Role, message: &Self::Message);
    /// Forgets what nobody needs after the end (tokens).
    fn close(facts: &mut Self::Facts);
    /// Forgets the same in a message of ours that stays on its way after the end.
    fn strip(_message: &mut Self::Message) {}
}
