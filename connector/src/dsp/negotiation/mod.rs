//! Contract negotiations: the state machine for both roles.
//!
//! | from | to | by a message of the | message |
//! |---|---|---|---|
//! | (nothing), OFFERED | REQUESTED | consumer | ContractRequestMessage |
//! | (nothing), REQUESTED | OFFERED | provider | ContractOfferMessage |
//! | OFFERED | ACCEPTED | consumer | ContractNegotiationEventMessage ACCEPTED |
//! | REQUESTED, ACCEPTED | AGREED | provider | ContractAgreementMessage |
//! | AGREED | VERIFIED | consumer | ContractAgreementVerificationMessage |
//! | VERIFIED | FINALIZED | provider | ContractNegotiationEventMessage FINALIZED |
//! | any but the last two | TERMINATED | either | ContractNegotiationTerminationMessage |
//!
//! Source: contract negotiation protocol, "State Machine". Its diagram draws fewer terminations than its text allows ("The message MAY
//! be sent at any state"); the text is followed, since refusing a termination would leave the two ends apart.

mod protocol;

pub use protocol::Contract;

use super::Role;
use super::error::Refusal;
use super::id::{Address, Id};
use super::message::{
    Cause, ContractAgreement, ContractOffer, ContractRequest, Message as _, NegotiationEvent, NegotiationTermination,
    Received, Verification,
};
use super::node::MessageError;
use super::path::NegotiationPost;
use super::policy::{Agreement, Offer};
use super::process::{self, Opening, Process};
use super::{message, outbox};
use serde::{Deserialize, Serialize};

named!(
    /// State of a contract negotiation.
    State, "one of REQUESTED, OFFERED, ACCEPTED, AGREED, VERIFIED, FINALIZED, TERMINATED" {
        /// The consumer has asked; the provider answers.
        Requested = "REQUESTED",
        /// The provider has made an offer; the consumer answers.
        Offered = "OFFERED",
        /// The consumer has accepted the offer; the provider agrees.
        Accepted = "ACCEPTED",
        /// The provider has agreed; the consumer verifies.
        Agreed = "AGREED",
        /// The consumer has verified; the provider finalizes.
        Verified = "VERIFIED",
        /// The agreement is in force.
        Finalized = "FINALIZED",
        /// Ended without an agreement in force.
        Terminated = "TERMINATED",
    }
);

named!(
    /// The kinds of messages that the state machine tells apart.
    Kind, "a message of the contract negotiation protocol" {
        /// A request or counter-request of the consumer.
        Request = "ContractRequestMessage",
        /// An offer of the provider.
        Offer = "ContractOfferMessage",
        /// The consumer accepts the offer.
        Accepted = "ContractNegotiationEventMessage ACCEPTED",
        /// The provider agrees.
        Agreement = "ContractAgreementMessage",
        /// The consumer verifies the agreement.
        Verification = "ContractAgreementVerificationMessage",
        /// The provider declares the agreement in force.
        Finalized = "ContractNegotiationEventMessage FINALIZED",
        /// Either ends the negotiation.
        Termination = "ContractNegotiationTerminationMessage",
    }
);

/// A message of a negotiation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// See [`ContractRequest`].
    Request(ContractRequest),
    /// See [`ContractOffer`].
    Offer(ContractOffer),
    /// See [`ContractAgreement`].
    Agreement(ContractAgreement),
    /// See [`Verification`].
    Verification(Verification),
    /// See [`NegotiationEvent`].
    Event(NegotiationEvent),
    /// See [`NegotiationTermination`].
    Termination(NegotiationTermination),
}

impl Message {
    /// Parses what was posted to the path of `post`.
    ///
    /// # Errors
    /// When it is not the message that belongs there, or malformed.
    pub fn parse(post: NegotiationPost, bytes: &[u8]) -> Result<Received<Self>, MessageError> {
        Ok(match post {
            NegotiationPost::Request => ContractRequest::parse(bytes)?.map(Self::Request),
            NegotiationPost::Offer => ContractOffer::parse(bytes)?.map(Self::Offer),
            NegotiationPost::Agreement => ContractAgreement::parse(bytes)?.map(Self::Agreement),
            NegotiationPost::Verification => Verification::parse(bytes)?.map(Self::Verification),
            NegotiationPost::Event => NegotiationEvent::parse(bytes)?.map(Self::Event),
            NegotiationPost::Termination => NegotiationTermination::parse(bytes)?.map(Self::Termination),
        })
    }
}

/// What this end decides. Which decision belongs to which role and state is in the table above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decide {
    /// Provider: make an offer.
    Offer(Offer),
    /// Provider: agree.
    Agree(Agreement),
    /// Consumer: accept the provider's offer.
    Accept,
    /// Consumer: answer the provider's offer with a request of one's own.
    CounterRequest(Offer),
    /// Consumer: confirm the agreement, after having checked it ([`Negotiation::agreement_as_negotiated`]).
    Verify,
    /// Provider: declare the agreement in force.
    Finalize,
    /// Either: end it.
    Terminate(Cause),
}

/// What a negotiation is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    offer: Offer,
    offered_by: Role,
    agreement: Option<Agreement>,
}

/// A contract negotiation at one end.
pub type Negotiation = Process<Contract>;
/// Something that happens to a negotiation.
pub type Event = process::Event<Contract>;
/// What the shell does after a step.
pub type Effect = outbox::Effect<Contract>;
/// A negotiation and what the shell does about it.
pub type Step = (Negotiation, Vec<Effect>);

pub use super::process::step;

/// Where a peer is, and where it finds us.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The participant.
    pub id: Id,
    /// Its base URL.
    pub address: Address,
    /// Our own base URL, which goes into the message as `callbackAddress`.
    pub callback: Address,
}

/// Opens a negotiation as the consumer, under the process id `own_pid`.
///
/// # Errors
/// Never, for a well-formed table; the type is that of all openings.
pub fn request(own_pid: Id, peer: Peer, offer: Offer, now_ms: u64) -> Result<Step, Refusal> {
    let message = Message::Request(ContractRequest {
        consumer_pid: own_pid.clone(),
        provider_pid: None,
        callback: Some(peer.callback.clone()),
        offer: offer.clone(),
    });
    Process::open(
        opening(Role::Consumer, own_pid, peer, now_ms),
        message,
        terms(offer, Role::Consumer),
    )
}

/// Opens a negotiation as the provider, under the process id `own_pid`.
///
/// # Errors
/// Never, for a well-formed table; the type is that of all openings.
pub fn offer(own_pid: Id, peer: Peer, offer: Offer, now_ms: u64) -> Result<Step, Refusal> {
    let message = Message::Offer(ContractOffer {
        provider_pid: own_pid.clone(),
        consumer_pid: None,
        callback: Some(peer.callback.clone()),
        offer: offer.clone(),
    });
    Process::open(
        opening(Role::Provider, own_pid, peer, now_ms),
        message,
        terms(offer, Role::Provider),
    )
}

/// Takes up a negotiation that the authenticated participant `from` opened by a request (we are the provider) or an offer (we are the
/// consumer), under the process id `own_pid`. The caller has looked first for a negotiation with the same participant and process id:
/// for that one, the message is an [`Event::Received`].
///
/// # Errors
/// When the message does not open a negotiation.
pub fn opened(own_pid: Id, from: Id, received: &Received<Message>, now_ms: u64) -> Result<Step, Refusal> {
    let (role, callback, offer) = match received.message() {
        Message::Request(request) => (Role::Provider, &request.callback, &request.offer),
        Message::Offer(offer) => (Role::Consumer, &offer.callback, &offer.offer),
        other => {
            let message = Kind::of(other).to_string();
            return Err(Refusal::NotAnOpening { message });
        }
    };
    let Some(address) = callback.clone() else {
        let message = Kind::of(received.message()).to_string();
        return Err(Refusal::NotAnOpening { message });
    };
    let opening = Opening {
        role,
        own_pid,
        peer: from,
        address,
        now_ms,
    };
    Process::opened(opening, received, terms(offer.clone(), role.other()))
}

fn opening(role: Role, own_pid: Id, peer: Peer, now_ms: u64) -> Opening {
    Opening {
        role,
        own_pid,
        peer: peer.id,
        address: peer.address,
        now_ms,
    }
}

fn terms(offer: Offer, offered_by: Role) -> Terms {
    Terms {
        offer,
        offered_by,
        agreement: None,
    }
}

impl Kind {
    /// The kind of a message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        match message {
            Message::Request(_) => Self::Request,
            Message::Offer(_) => Self::Offer,
            Message::Agreement(_) => Self::Agreement,
            Message::Verification(_) => Self::Verification,
            Message::Event(event) => match event.event {
                message::EventType::Accepted => Self::Accepted,
                message::EventType::Finalized => Self::Finalized,
            },
            Message::Termination(_) => Self::Termination,
        }
    }
}

impl Negotiation {
    /// The last offer, or request, that both ends have.
    #[must_use]
    pub fn standing_offer(&self) -> &Offer {
        &self.facts().offer
    }

    /// The agreement, once both ends have it; see [`Negotiation::in_force`].
    #[must_use]
    pub fn agreement(&self) -> Option<&Agreement> {
        self.facts().agreement.as_ref()
    }

    /// The agreement if it is in force: both have consented, and the provider has declared it. At the provider that is so from its own
    /// decision on, since the consumer may use the agreement before its acknowledgement has arrived.
    #[must_use]
    pub fn in_force(&self) -> Option<&Agreement> {
        self.agreement().filter(|_| self.heading() == State::Finalized)
    }

    /// Whether the agreement is the last offer, between `own` (our participant id) and the other end: what a consumer checks before
    /// [`Decide::Verify`].
    ///
    /// # Errors
    /// When there is no agreement yet, or it differs; the error names the member.
    pub fn agreement_as_negotiated(&self, own: &Id) -> Result<&Agreement, Refusal> {
        let agreement = self.agreement().ok_or_else(|| Refusal::NoAgreement {
            agreement: "(none yet)".to_owned(),
        })?;
        let (provider, consumer) = match self.role() {
            Role::Provider => (own, self.peer()),
            Role::Consumer => (self.peer(), own),
        };
        agreement.check(self.standing_offer(), provider, consumer)?;
        Ok(agreement)
    }
}
