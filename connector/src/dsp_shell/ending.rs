//! The end of an agreement by this end: recorded, and everything under it closed, in one commit. A finalized negotiation cannot be
//! terminated any more (contract negotiation protocol, "State Machine"), so the other end learns of it from its transfers.

use super::steps::{kept, note};
use super::{Kept, Negotiator, concluding, key, rounds};
use crate::commands::Failure;
use crate::dsp::Role;
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::Cause;
use crate::dsp::outbox::Effect;
use crate::dsp::process::{self, Event};
use crate::dsp::transfer::{DataTransfer, Decide, Kind, Transfer};
use crate::journal::Noted;
use crate::node::Node;
use crate::state::{AgreementEntry, Change, GrantEntry, Side, set};
use std::sync::Arc;

/// What the end of an agreement came to.
#[derive(Debug)]
pub struct EndedAgreement {
    /// The agreement, with the reason.
    pub agreement: AgreementEntry,
    /// The transfers that ended with it.
    pub transfers: Vec<Id>,
    /// Index of the record in the log.
    pub index: u64,
}

/// The code of the reason for which transfers end with their agreement.
const ENDED: &str = "agreement-ended";

/// A transfer that ends with its agreement: not durable yet.
struct Ending {
    process: Transfer,
    effects: Vec<Effect<DataTransfer>>,
    noted: Noted,
}

impl Negotiator {
    /// Ends the agreement `id` in which this end stands on `side`, for a reason that is recorded and that the other end reads.
    ///
    /// # Errors
    /// When there is none, it has ended already, or the log cannot be written; nothing has changed then.
    pub async fn end_agreement(
        &self,
        node: &Arc<Node>,
        id: &str,
        side: Side,
        reason: &str,
    ) -> Result<EndedAgreement, Failure> {
        let (node, id, reason) = (Arc::clone(node), id.to_owned(), reason.to_owned());
        // In a task of its own: who asked may go away between the commit and the messages that follow from it.
        let ending = async move { node.negotiator.ended(&node, &id, side, &reason).await };
        tokio::spawn(ending).await.map_err(Failure::failed)?
    }

    async fn ended(&self, node: &Arc<Node>, id: &str, side: Side, reason: &str) -> Result<EndedAgreement, Failure> {
        let failed = |refusal: Refusal| Failure::failed(refusal);
        // Of two that end it at once the second finds it ended.
        let _turn = self.turns.take(AgreementEntry::key(id, side)).await;
        let entry: Option<AgreementEntry> = node.state.get(&AgreementEntry::key(id, side))?;
        let entry = entry.ok_or_else(|| Failure::missing(format!("there is no agreement `{id}` here")))?;
        if let Some(why) = &entry.terminated {
            return Err(Failure::refused(format!(
                "the agreement `{id}` has ended already: {why}"
            )));
        }
        let (agreement, draft) = concluding::ended(node, entry, reason);
        let why = agreement.terminated.clone().unwrap_or_default();
        let mut changes: Vec<Change> = vec![set(AgreementEntry::key(id, side), &agreement)?];
        let mut endings = Vec::new();
        let mut turns = Vec::new();
        for found in open_under(node, &agreement).map_err(failed)? {
            // No step of the transfer comes between. Nobody else holds the turns of two of them, so nobody waits for us in a circle.
            turns.push(self.turns.take(key::<DataTransfer>(found.own_pid())).await);
            let now = self.load::<DataTransfer>(node, found.own_pid()).map_err(failed)?;
            let Some(transfer) = now.filter(|transfer| transfer.may(Kind::Termination).is_ok()) else {
                continue;
            };
            endings.push(end_transfer(node, &transfer, &why, &mut changes).map_err(failed)?);
        }
        // Last, so that every grant says why it closed, also those that no transfer stands behind.
        close_grants(node, &agreement, &why, &mut changes)?;
        let put = |draft: herleid_ledger::record::Draft, (key, value): &Change| draft.put(key.clone(), value.clone());
        let recorded = node.append(changes.iter().fold(draft, put)).await?;
        if recorded.replayed() {
            // Of a record that was there before nothing else is written.
            node.state.write(changes)?;
        }
        // What is being sent under it breaks off.
        node.giving
            .close_agreement(id, &format!("the agreement has ended: {why}"));
        let mut transfers = Vec::new();
        for Ending {
            process,
            effects,
            noted,
        } in endings
        {
            drop(noted);
            transfers.push(process.own_pid().clone());
            self.carry_out(node, process, effects);
        }
        drop(turns);
        // What was opened after the first look, and may have been granted before the agreement ended. The data plane refuses it already.
        for late in open_under(node, &agreement).map_err(failed)? {
            let decided = Event::Decided(Decide::Terminate(Cause::new(ENDED, &why)));
            match self.step::<DataTransfer>(node, late.own_pid(), decided).await {
                Ok(_) => transfers.push(late.own_pid().clone()),
                Err(error) => {
                    tracing::info!(%error, pid = %late.own_pid(), "a transfer went on before it could be ended with its agreement")
                }
            }
        }
        self.tell();
        Ok(EndedAgreement {
            agreement,
            transfers,
            index: recorded.index(),
        })
    }
}

/// The transfers under an agreement that are not at their end.
fn open_under(node: &Node, agreement: &AgreementEntry) -> Result<Vec<Transfer>, Refusal> {
    let role = match agreement.side {
        Side::Provider => Role::Provider,
        Side::Consumer => Role::Consumer,
    };
    let open = rounds::open_processes::<DataTransfer>(node, &format!("open/{}", DataTransfer::PREFIX))?;
    let is_under = |transfer: &Transfer| {
        transfer.role() == role
            && transfer.agreement().as_str() == agreement.id
            && node.did_of(transfer.peer()).is_ok_and(|peer| peer == agreement.other)
            && transfer.may(Kind::Termination).is_ok()
    };
    Ok(open.into_iter().filter(is_under).collect())
}

/// Ends a transfer, and adds what is to be written of it to `changes`.
fn end_transfer(node: &Node, transfer: &Transfer, why: &str, changes: &mut Vec<Change>) -> Result<Ending, Refusal> {
    let cause = Cause::new(ENDED, why);
    let decided = Event::Decided(Decide::Terminate(cause));
    let (process, effects) = process::step(transfer, decided, node.now_ms())?;
    changes.extend(kept(node, &process, DataTransfer::is_due(node, &process))?);
    let noted = note(node, &process, &effects, changes)?;
    Ok(Ending {
        process,
        effects,
        noted,
    })
}

/// Closes what is open under the agreement: of the data plane, which looks at grants, and of those who were given none by a transfer.
fn close_grants(node: &Node, agreement: &AgreementEntry, why: &str, changes: &mut Vec<Change>) -> Result<(), Failure> {
    for (key, mut grant) in node.state.scan::<GrantEntry>("grant/")? {
        let ours = match agreement.side {
            Side::Provider => grant.consumer == agreement.other,
            // What was passed on under an agreement in which we are the consumer is given by us to others.
            Side::Consumer => grant.kind == crate::state::GrantPurpose::Onward,
        };
        if ours && grant.agreement == agreement.id && grant.closed.is_none() {
            grant.closed = Some(format!("the agreement has ended: {why}"));
            changes.push(set(key, &grant)?);
        }
    }
    Ok(())
}
