//! What people and programs have done through the management API: negotiations and transfers begun without waiting for their end,
//! and decided by hand.

use super::negotiations::{self, By};
use super::{Context, Kept, Negotiator, counterparty::Obstacle, fresh_pid, internal, peer, rounds, transfers};
use crate::commands::Failure;
use crate::consumer::pull::pushed;
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::DataAddress;
use crate::dsp::negotiation::{self, Contract};
use crate::dsp::policy::Offer;
use crate::dsp::process::Process;
use crate::dsp::transfer::{self, DataTransfer};
use crate::handlers::{NegotiationAction, TransferAction};
use crate::node::Node;
use crate::state::{AgreementEntry, Declares};
use herleid_vocab::did::Did;
use serde_json::Value;
use std::sync::Arc;

impl Negotiator {
    /// Asks `counterparty` for an agreement under its `offer`, as the consumer. Nothing is waited for but that the request is durable.
    /// `address` is its versioned base; left out: as its DID document says.
    ///
    /// # Errors
    /// When this participant is not dealt with, its address or document cannot be had, or the state cannot be written.
    pub async fn begin_negotiation(
        &self,
        node: &Arc<Node>,
        counterparty: &Did,
        address: Option<&str>,
        offer: Offer,
        declares: &Declares,
    ) -> Result<Id, Failure> {
        let base = match address {
            Some(address) => address.to_owned(),
            None => super::peer_base(node, counterparty).await?,
        };
        self.open_negotiation(node, counterparty, &base, offer, declares, None)
            .await
    }

    /// The same, with what the catalogue said of the dataset.
    ///
    /// # Errors
    /// As [`Self::begin_negotiation`].
    pub(crate) async fn open_negotiation(
        &self,
        node: &Arc<Node>,
        counterparty: &Did,
        base: &str,
        offer: Offer,
        declares: &Declares,
        dataset: Option<Value>,
    ) -> Result<Id, Failure> {
        let standing = node.trust.standing();
        // Before anything is begun: a message that may not be sent would be tried for hours.
        node.admit(counterparty).map_err(Failure::refused)?;
        let pid = fresh_pid(node);
        let peer = peer(node, counterparty, base).map_err(Failure::usage)?;
        let asked = Some(offer.as_value().clone());
        let opened = negotiation::request(pid.clone(), peer, offer, node.now_ms()).map_err(Failure::failed)?;
        let document = match node.is_one_sided(counterparty) {
            true => None,
            false => Some(node.documents.resolve(counterparty).await?),
        };
        let did_document = document.map(|d| String::from_utf8_lossy(d.document().bytes()).into_owned());
        let context = Context {
            declares: declares.clone(),
            did_document,
            dataset,
            asked,
            ..Context::default()
        };
        self.open(node, opened, context, standing)
            .await
            .map_err(Failure::failed)?;
        Ok(pid)
    }

    /// Asks for access under an agreement in which we are the consumer: a push if `push_to` says where to, else a pull. `address` is
    /// the provider's versioned base; left out: where the agreement was negotiated. Whoever begins a push has it followed
    /// ([`pushed::begin`]).
    ///
    /// # Errors
    /// When this participant is not dealt with, an address is none, or the state cannot be written.
    pub async fn begin_transfer(
        &self,
        node: &Arc<Node>,
        agreement: &AgreementEntry,
        format: &str,
        address: Option<&str>,
        push_to: Option<DataAddress>,
        declares: &Declares,
    ) -> Result<Id, Failure> {
        let standing = node.trust.standing();
        // Before anything is begun: a message that may not be sent would be tried for hours.
        node.admit(&agreement.other).map_err(Failure::refused)?;
        // The other end may not know that this end has ended it.
        if let Some(why) = &agreement.terminated {
            return Err(
                Failure::refused(format!("the agreement `{}` has ended: {why}", agreement.id))
                    .next("negotiate a new one"),
            );
        }
        let pid = fresh_pid(node);
        let base = address.unwrap_or(&agreement.other_base);
        let peer = peer(node, &agreement.other, base).map_err(Failure::usage)?;
        let id: Id = agreement.id.parse().map_err(Failure::usage)?;
        if let Some(to) = &push_to {
            // First: a push that nobody follows would never be ordered.
            pushed::expect(node, &pid, agreement, to).await?;
        }
        let opened =
            transfer::request(pid.clone(), peer, id, format, push_to, node.now_ms()).map_err(Failure::failed)?;
        let context = Context {
            declares: declares.clone(),
            ..Context::default()
        };
        self.open(node, opened, context, standing)
            .await
            .map_err(Failure::failed)?;
        Ok(pid)
    }

    /// Does what a person decided about a negotiation, as far as policies grant it.
    ///
    /// # Errors
    /// When there is none, it is not this end's turn, or the decision is not possible in its state; nothing has changed then.
    pub async fn decide_negotiation(
        &self,
        node: &Arc<Node>,
        pid: &Id,
        action: NegotiationAction,
        reason: Option<&str>,
    ) -> Result<(), Refusal> {
        let process = self.load::<Contract>(node, pid)?.ok_or(Refusal::NotFound)?;
        process.may(action.kind())?;
        let due = negotiations::carry(node, &process, action, reason, By::Person).await;
        let due = due.map(Some).or_else(Obstacle::due::<Contract>)?;
        self.perform::<Contract>(node, process, due).await
    }

    /// Does what a person decided about a transfer, as far as policies grant it.
    ///
    /// # Errors
    /// As [`Self::decide_negotiation`].
    pub async fn decide_transfer(
        &self,
        node: &Arc<Node>,
        pid: &Id,
        action: TransferAction,
        reason: Option<&str>,
    ) -> Result<(), Refusal> {
        let process = self.load::<DataTransfer>(node, pid)?.ok_or(Refusal::NotFound)?;
        process.may(action.kind())?;
        let due = transfers::carry(node, &process, action, reason).await?;
        self.perform::<DataTransfer>(node, process, Some(due)).await
    }

    /// All processes of a protocol, finished ones included, oldest identifier first.
    ///
    /// # Errors
    /// When the state cannot be read at all; a process that cannot be read is named in the log and passed over.
    pub fn all<P: Kept>(&self, node: &Node) -> Result<Vec<Process<P>>, Refusal> {
        let found = node.ledger.scan(P::PREFIX);
        let found = found.map_err(|e| internal(&format!("`{}`: {e}", P::PREFIX)))?;
        Ok(found
            .into_iter()
            .filter_map(|(key, bytes)| rounds::readable(&key, &bytes))
            .collect())
    }
}
