//! Who decides about negotiations and transfers: policies alone, or rules of a script file that leave it to a person or a webhook, or say
//! themselves what is to be done. What a rule, a person or a webhook decides still has to be granted by the policy: none of them can do
//! more than policies allow, each can do less.

mod file;
mod webhook;

pub use file::HandlersError;
pub(crate) use webhook::ask;

use crate::dsp::Role;
use crate::dsp::negotiation::{self, Negotiation};
use crate::dsp::transfer::{self, Transfer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// What this end of a negotiation can be told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NegotiationAction {
    /// Provider: answer a request with the offer of ours that it is about.
    Offer,
    /// Provider: agree.
    Agree,
    /// Provider: declare the agreement in force.
    Finalize,
    /// Consumer: accept the provider's offer.
    Accept,
    /// Consumer: answer the provider's offer with what was asked for at first.
    Counter,
    /// Consumer: confirm the agreement.
    Verify,
    /// Either: end it.
    Terminate,
}

impl NegotiationAction {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Offer,
        Self::Agree,
        Self::Finalize,
        Self::Accept,
        Self::Counter,
        Self::Verify,
        Self::Terminate,
    ];

    /// As it is written in a rule, at the command line and in the management API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Agree => "agree",
            Self::Finalize => "finalize",
            Self::Accept => "accept",
            Self::Counter => "counter",
            Self::Verify => "verify",
            Self::Terminate => "terminate",
        }
    }

    /// The kind of message that it leads to.
    #[must_use]
    pub const fn kind(self) -> negotiation::Kind {
        use negotiation::Kind;
        match self {
            Self::Offer => Kind::Offer,
            Self::Agree => Kind::Agreement,
            Self::Finalize => Kind::Finalized,
            Self::Accept => Kind::Accepted,
            Self::Counter => Kind::Request,
            Self::Verify => Kind::Verification,
            Self::Terminate => Kind::Termination,
        }
    }
}

/// What this end of a transfer can be told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransferAction {
    /// Let data flow, for the first time or again.
    Start,
    /// Hold it back for now.
    Suspend,
    /// All of it is through.
    Complete,
    /// End it.
    Terminate,
}

impl TransferAction {
    /// The kind of message that it leads to.
    #[must_use]
    pub const fn kind(self) -> transfer::Kind {
        use transfer::Kind;
        match self {
            Self::Start => Kind::Start,
            Self::Suspend => Kind::Suspension,
            Self::Complete => Kind::Completion,
            Self::Terminate => Kind::Termination,
        }
    }
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider<A> {
    /// The policy alone.
    Policy,
    /// Somebody, at the command line or the management API.
    Person,
    /// The address that the script names.
    Webhook,
    /// Nobody: this end waits.
    Hold,
    /// The rule itself.
    Rule(A),
}

impl<A> Decider<A> {
    /// Who decides, in a word.
    #[must_use]
    pub const fn who(&self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Rule(_) => "rule",
            Self::Webhook => "webhook",
            Self::Person => "person",
            Self::Hold => "nobody",
        }
    }
}

/// What holds for a process in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling<A> {
    /// Who decides.
    pub decider: Decider<A>,
    /// How long this end waits before it acts.
    pub after: Duration,
    /// Why, for the other end.
    pub reason: Option<String>,
}

impl<A> Ruling<A> {
    const fn policy() -> Self {
        Self {
            decider: Decider::Policy,
            after: Duration::ZERO,
            reason: None,
        }
    }
}

/// One rule of the script: where all its conditions hold, it says who decides.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule<S, A> {
    role: Option<Role>,
    state: Option<S>,
    dataset: Option<Pattern>,
    peer: Option<Pattern>,
    sent: Option<u32>,
    ruling: Ruling<A>,
}

/// A text, or the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern(String);

impl Pattern {
    fn fits(&self, text: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => text.starts_with(beginning),
            None => self.0 == text,
        }
    }
}

/// What a rule is compared with.
struct Case<'a, S> {
    role: Role,
    state: S,
    dataset: &'a str,
    peer: &'a str,
    sent: u32,
}

impl<S: Copy + PartialEq, A> Rule<S, A> {
    fn fits(&self, case: &Case<'_, S>) -> bool {
        self.role.is_none_or(|role| role == case.role)
            && self.state.is_none_or(|state| state == case.state)
            && self.sent.is_none_or(|sent| sent == case.sent)
            && self.dataset.as_ref().is_none_or(|dataset| dataset.fits(case.dataset))
            && self.peer.as_ref().is_none_or(|peer| peer.fits(case.peer))
    }
}

/// The rules of a connector; without any, policies decide alone.
#[derive(Debug, Clone, Default)]
pub struct Handlers {
    negotiations: Vec<Rule<negotiation::State, NegotiationAction>>,
    transfers: Vec<Rule<transfer::State, TransferAction>>,
    webhook: Option<url::Url>,
}

impl Handlers {
    /// Reads a script file.
    ///
    /// # Errors
    /// What is wrong with it, and on which line.
    pub fn load(path: &Path, plain_http: bool) -> Result<Self, HandlersError> {
        file::load(path, plain_http)
    }

    /// Who decides about a negotiation in its state. A rule whose own decision is not possible in that state does not fit.
    #[must_use]
    pub fn negotiation(&self, process: &Negotiation) -> Ruling<NegotiationAction> {
        let case = Case {
            role: process.role(),
            state: process.state(),
            dataset: process.standing_offer().target().as_str(),
            peer: process.peer().as_str(),
            sent: process.sent(),
        };
        let possible = process.possible();
        let fits = |rule: &&Rule<_, NegotiationAction>| match rule.ruling.decider {
            Decider::Rule(action) if !possible.contains(&action.kind()) => false,
            _ => rule.fits(&case),
        };
        let rule = self.negotiations.iter().find(fits);
        rule.map_or(Ruling::policy(), |rule| rule.ruling.clone())
    }

    /// Who decides about a transfer of `dataset` in its state.
    #[must_use]
    pub fn transfer(&self, process: &Transfer, dataset: &str) -> Ruling<TransferAction> {
        let case = Case {
            role: process.role(),
            state: process.state(),
            dataset,
            peer: process.peer().as_str(),
            sent: process.sent(),
        };
        let possible = process.possible();
        let fits = |rule: &&Rule<_, TransferAction>| match rule.ruling.decider {
            Decider::Rule(action) if !possible.contains(&action.kind()) => false,
            _ => rule.fits(&case),
        };
        let rule = self.transfers.iter().find(fits);
        rule.map_or(Ruling::policy(), |rule| rule.ruling.clone())
    }

    /// Whether any rule is about transfers, so that a transfer's dataset need not be looked up when none is.
    #[must_use]
    pub fn rule_transfers(&self) -> bool {
        !self.transfers.is_empty()
    }

    /// Where a webhook is asked.
    #[must_use]
    pub const fn webhook(&self) -> Option<&url::Url> {
        self.webhook.as_ref()
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
