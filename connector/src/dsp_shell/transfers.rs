//! Transfers: under an agreement of ours, access is given for as long as the policy holds; to others, asked for and given back.

mod giving;

use super::{Due, Kept, ended, internal};
use crate::commands::Failure;
use crate::dsp::Role;
use crate::dsp::catalog::{HTTP_PULL, HTTP_PUSH, PROCESSES, S3_PUSH};
use crate::dsp::error::Refusal;
use crate::dsp::id::{Id, excerpt};
use crate::dsp::message::{Cause, DataAddress, TransferRequest};
use crate::dsp::process::{Event, Process};
use crate::dsp::transfer::{DataTransfer, Decide, Direction, State, Transfer};
use crate::handlers::{self, Decider, Ruling, TransferAction};
use crate::node::Node;
use crate::provider::push;
use crate::state::{AgreementEntry, Change, Declares, GrantEntry, Side, set};
use giving::start;
use herleid_ledger::record::Draft;
use herleid_vocab::did::Did;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Access that another end has given us.
#[derive(Debug, Clone)]
pub struct Access {
    /// Where.
    pub endpoint: String,
    /// With which token.
    pub token: String,
    pub(crate) pid: Id,
}

impl Access {
    /// Base URL of the connector that gave it.
    #[must_use]
    pub fn base(&self) -> String {
        let end = self.endpoint.find("://").map_or(0, |n| n + 3);
        let host = self
            .endpoint
            .get(end..)
            .and_then(|rest| rest.find('/'))
            .map_or(self.endpoint.len(), |n| end + n);
        self.endpoint.get(..host).unwrap_or_default().to_owned()
    }
}

impl Kept for DataTransfer {
    const PREFIX: &'static str = "transfer/";

    fn is_due(node: &Node, process: &Process<Self>) -> bool {
        is_due_under(process, || ruling(node, process).decider)
    }

    async fn due(node: Arc<Node>, process: Process<Self>) -> Result<Option<Due<Self>>, Refusal> {
        if !Self::is_due(&node, &process) {
            return Ok(None);
        }
        match expired(&node, &process)? {
            Some(over) => Ok(Some(over)),
            None => decided(&node, &process).await,
        }
    }

    async fn to_record(_node: Arc<Node>, _process: Process<Self>) -> Result<Option<Due<Self>>, Refusal> {
        Ok(None)
    }

    fn about(process: &Process<Self>) -> BTreeMap<String, String> {
        let known = [
            ("agreement", process.agreement().as_str()),
            ("format", process.format()),
        ];
        known.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Access opens and closes with the process, whatever its token says: held back, given back or ended, it closes in the commit that
    /// says so, and a transfer that goes on has it again.
    fn beside(node: &Node, process: &Process<Self>) -> Result<Vec<Change>, Refusal> {
        if process.role() != Role::Provider {
            return Ok(Vec::new());
        }
        let key = GrantEntry::key(process.own_pid().as_str());
        let grant: Option<GrantEntry> = node.state.get(&key).map_err(|e| internal(&e))?;
        let closed = closed(process);
        match grant {
            Some(mut grant) if grant.closed != closed => {
                if let Some(why) = &closed {
                    // What has been decided counts at once, also for what is being sent.
                    node.giving.close(&grant.id, why);
                }
                grant.closed = closed;
                Ok(vec![set(key, &grant).map_err(|e| internal(&e))?])
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn is_due_under(process: &Transfer, decider: impl FnOnce() -> Decider<TransferAction>) -> bool {
    if process.underway().is_some() || matches!(process.state(), State::Completed | State::Terminated) {
        return false;
    }
    // Access that was given is looked at now and then: whoever never gives it back must not keep it open for ever.
    process.role() == Role::Provider || matches!(decider(), Decider::Webhook | Decider::Rule(_))
}

/// Who decides about a transfer.
fn ruling(node: &Node, process: &Transfer) -> Ruling<TransferAction> {
    if !node.handlers.rule_transfers() {
        return node.handlers.transfer(process, "");
    }
    let side = match process.role() {
        Role::Provider => Side::Provider,
        Role::Consumer => Side::Consumer,
    };
    // A transfer under an agreement that is not here has no dataset; rules that name one do not fit it.
    let key = AgreementEntry::key(process.agreement().as_str(), side);
    let entry: Option<AgreementEntry> = node.state.get(&key).unwrap_or_else(|error| {
        tracing::error!(%error, %key, "an agreement could not be read");
        None
    });
    node.handlers
        .transfer(process, entry.as_ref().map_or("", |entry| &entry.target))
}

/// What is done about a transfer: by policy, a request is started if the agreement grants it.
async fn decided(node: &Arc<Node>, process: &Transfer) -> Result<Option<Due<DataTransfer>>, Refusal> {
    let ruling = ruling(node, process);
    tokio::time::sleep(ruling.after).await;
    let (action, reason) = match ruling.decider {
        Decider::Policy => {
            let requested = process.role() == Role::Provider && process.state() == State::Requested;
            (requested.then_some(TransferAction::Start), ruling.reason)
        }
        Decider::Person | Decider::Hold => (None, None),
        Decider::Rule(action) => (Some(action), ruling.reason),
        Decider::Webhook => {
            let subject = process.own_pid().as_str();
            let data = described(process);
            let answer = handlers::ask(node, "eu.herleid.transfer.decision-needed", subject, data).await?;
            (answer.decide, answer.reason)
        }
    };
    match action {
        Some(action) => carry(node, process, action, reason.as_deref()).await.map(Some),
        None => Ok(None),
    }
}

/// What whoever decides is shown of a transfer.
fn described(process: &Transfer) -> Value {
    let possible: Vec<String> = process.possible().iter().map(ToString::to_string).collect();
    json!({
        "pid": process.own_pid(), "role": process.role(), "state": process.state(), "counterparty": process.peer(),
        "agreement": process.agreement(), "format": process.format(), "possible": possible,
    })
}

/// What doing `action` comes to: what policies do not grant ends the transfer instead.
pub(super) async fn carry(
    node: &Arc<Node>,
    process: &Transfer,
    action: TransferAction,
    reason: Option<&str>,
) -> Result<Due<DataTransfer>, Refusal> {
    let because = |otherwise: &str| Cause::new("decided", reason.unwrap_or(otherwise));
    Ok(Due::decide(match (action, process.role()) {
        (TransferAction::Start, Role::Provider) => return start(node, process).await,
        (TransferAction::Start, Role::Consumer) => Decide::Start(None),
        (TransferAction::Suspend, _) => Decide::Suspend(because("held back for now")),
        (TransferAction::Complete, _) => Decide::Complete,
        (TransferAction::Terminate, _) => Decide::Terminate(because("this connector does not go on with it")),
    }))
}

/// The end of a transfer whose access has run out, or whose agreement has ended meanwhile; `None` while it may go on.
fn expired(node: &Node, process: &Transfer) -> Result<Option<Due<DataTransfer>>, Refusal> {
    if process.role() == Role::Consumer {
        return Ok(None);
    }
    let key = GrantEntry::key(process.own_pid().as_str());
    let grant: Option<GrantEntry> = node.state.get(&key).map_err(|e| internal(&e))?;
    let Some(grant) = grant else { return Ok(None) };
    if grant.until_ms <= node.now_ms() {
        let until = format_rfc3339_ms(grant.until_ms);
        let why = format!("access was given until {until}; request a transfer again");
        return Ok(Some(refuse("expired", &why)));
    }
    let agreement: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(&grant.agreement, Side::Provider))
        .map_err(|e| internal(&e))?;
    let ended = agreement.and_then(|agreement| agreement.terminated);
    Ok(ended.map(|why| refuse("agreement-ended", &format!("the agreement has ended: {why}"))))
}

/// Why nothing may be had under the transfer; `None` while data may flow. What this end has decided counts at once, though the other
/// end may not know it yet.
#[must_use]
pub fn closed(process: &Transfer) -> Option<String> {
    if process.is_open() {
        return None;
    }
    Some(match (process.state(), process.underway()) {
        (State::Started, Some(kind)) => format!("this connector has sent its {kind}"),
        (state, _) => format!("the transfer is {state}"),
    })
}

/// Whether data can be had in the way that is asked for at all.
///
/// # Errors
/// [`Refusal::Format`], with what there is; [`Refusal::Push`], when this connector does not let it go where it is to go. Which of the
/// formats the dataset itself has is decided when the transfer starts.
pub fn check_format(node: &Node, consumer: &Did, request: &TransferRequest) -> Result<(), Refusal> {
    served(node, consumer, &request.format, request.address.as_ref())
}

fn served(node: &Node, consumer: &Did, format: &str, push_to: Option<&DataAddress>) -> Result<(), Refusal> {
    match known(format, push_to.is_some(), node.config.push.is_on())? {
        Direction::Pull => Ok(()),
        Direction::Push => {
            let target = push::Target::read(format, push_to);
            let allowed = target.and_then(|target| target.allowed(node, consumer).map(drop));
            allowed.map_err(|e| Refusal::Push { why: e.to_string() })
        }
    }
}

/// Which way a format is; with an address only those that are sent, and those only where anything is `pushed`.
fn known(format: &str, has_address: bool, pushed: bool) -> Result<Direction, Refusal> {
    let asked = match (has_address, format) {
        (false, HTTP_PULL | PROCESSES) => return Ok(Direction::Pull),
        (_, HTTP_PUSH | S3_PUSH) if pushed => return Ok(Direction::Push),
        (false, _) => format!("the format `{}`", excerpt(format)),
        (true, _) => format!(
            "a push (a request with `dataAddress`) in the format `{}`",
            excerpt(format)
        ),
    };
    let offered = if pushed {
        "the formats `HttpData-PULL` and `OgcApiProcesses`, without `dataAddress`; `HttpData-PUSH` and `AmazonS3-PUSH`, with it"
    } else {
        "the formats `HttpData-PULL` and `OgcApiProcesses`, without `dataAddress`"
    };
    Err(Refusal::Format { asked, offered })
}

fn refuse(code: &str, reason: &str) -> Due<DataTransfer> {
    Due::decide(Decide::Terminate(Cause::new(code, reason)))
}

impl super::Negotiator {
    /// Asks for access under an agreement in which we are the consumer.
    ///
    /// # Errors
    /// When the provider refuses, with its reason, or does not answer.
    pub async fn start_transfer(
        &self,
        node: &Arc<Node>,
        agreement: &AgreementEntry,
        format: &str,
        declares: &Declares,
    ) -> Result<Access, Failure> {
        let pid = self
            .begin_transfer(node, agreement, format, None, None, declares)
            .await?;
        let found = self
            .wait_for(|| {
                let process = self.load::<DataTransfer>(node, &pid).ok()??;
                match process.state() {
                    State::Terminated => Some(Err(ended(&process, "the transfer"))),
                    State::Started => Some(Ok(process.address().cloned())),
                    _ => None,
                }
            })
            .await;
        let found = match found {
            Ok(found) => found,
            Err(late) => {
                // Nobody waits for it any more: access that is given later would only lie open.
                let cause = Cause::new(
                    "timeout",
                    "whoever asked for the transfer does not wait for it any more",
                );
                let ended = self.step::<DataTransfer>(node, &pid, Event::Decided(Decide::Terminate(cause)));
                if let Err(why) = ended.await {
                    tracing::info!(%why, %pid, "a transfer that came too late could not be ended");
                }
                return Err(Failure::unreachable(late));
            }
        };
        let address = found?;
        let missing = || {
            Failure::untrusted(format!(
                "`{}` started the transfer without saying where and with which token",
                agreement.other
            ))
        };
        let address = address.ok_or_else(missing)?;
        let endpoint = address.location().ok_or_else(missing)?.to_owned();
        let token = address.authorization().ok_or_else(missing)?.to_owned();
        Ok(Access { endpoint, token, pid })
    }

    /// Ends a push of ours that was last seen as `process`, in one commit with the `record` that says why: neither can be had without the
    /// other, whenever this end stops.
    ///
    /// # Errors
    /// When it has gone on since, or its last message is on its way; nothing is written then.
    pub(crate) async fn end_push(
        &self,
        node: &Arc<Node>,
        process: &Transfer,
        cause: Cause,
        record: Option<Draft>,
    ) -> Result<(), Refusal> {
        let due = Due {
            record,
            ..Due::decide(Decide::Terminate(cause))
        };
        self.perform::<DataTransfer>(node, process.clone(), Some(due)).await
    }

    /// Gives access back. A failure is logged: the provider closes it by itself before long.
    pub async fn complete_transfer(&self, node: &Arc<Node>, access: &Access) {
        if let Err(why) = self
            .step::<DataTransfer>(node, &access.pid, Event::Decided(Decide::Complete))
            .await
        {
            tracing::info!(%why, "a transfer could not be completed");
        }
    }
}

mod going_on;
#[cfg(test)]
mod tests;
