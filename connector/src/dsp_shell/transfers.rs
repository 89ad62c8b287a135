//! Transfers: under an agreement of ours, access is given for as long as the policy holds; to others, asked for and given back.

use super::{Context, Due, Kept, ended, fresh_pid, internal, peer};
use crate::commands::Failure;
use crate::deciding::{self, Asker};
use crate::dsp::Role;
use crate::dsp::catalog::{HTTP_PULL, PROCESSES};
use crate::dsp::error::Refusal;
use crate::dsp::id::{Id, excerpt};
use crate::dsp::message::{Cause, DataAddress, TransferRequest};
use crate::dsp::process::{Event, Process};
use crate::dsp::transfer::{self, DataTransfer, Decide, Direction, State, Transfer};
use crate::node::{Node, fresh_trace};
use crate::provider::grants;
use crate::state::{AgreementEntry, Change, Digests, GrantEntry, GrantPurpose, ModelEntry, Side, VersionEntry, set};
use herleid_ledger::record::StreamKey;
use herleid_vocab::did::Did;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::json;
use std::sync::Arc;

/// How long a grant lasts at most; its tokens last five minutes, and a transfer can be asked for again.
const GRANT_MS: u64 = 3_600_000;

/// Access that another end has given us.
#[derive(Debug, Clone)]
pub struct Access {
    /// Where.
    pub endpoint: String,
    /// With which token.
    pub token: String,
    pid: Id,
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

    fn is_due(process: &Process<Self>) -> bool {
        // Access that was given is looked at now and then: whoever never gives it back must not keep it open for ever.
        let looked_at = matches!(process.state(), State::Requested | State::Started | State::Suspended);
        process.role() == Role::Provider && looked_at && process.underway().is_none()
    }

    async fn due(node: Arc<Node>, process: Process<Self>) -> Result<Option<Due<Self>>, Refusal> {
        match process.state() {
            _ if !Self::is_due(&process) => Ok(None),
            State::Requested => start(&node, &process).await.map(Some),
            _ => expired(&node, &process),
        }
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
                grant.closed = closed;
                Ok(vec![set(key, &grant).map_err(|e| internal(&e))?])
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// The end of a transfer whose access has run out; `None` while it has not.
fn expired(node: &Node, process: &Transfer) -> Result<Option<Due<DataTransfer>>, Refusal> {
    let key = GrantEntry::key(process.own_pid().as_str());
    let grant: Option<GrantEntry> = node.state.get(&key).map_err(|e| internal(&e))?;
    let over = grant.filter(|grant| grant.until_ms <= node.now_ms());
    Ok(over.map(|grant| {
        let until = format_rfc3339_ms(grant.until_ms);
        refuse(
            "expired",
            &format!("access was given until {until}; request a transfer again"),
        )
    }))
}

/// Why nothing may be had under the transfer; `None` while data may flow. What this end has decided counts at once, though the other
/// end may not know it yet.
fn closed(process: &Transfer) -> Option<String> {
    if process.is_open() {
        return None;
    }
    Some(match (process.state(), process.underway()) {
        (State::Started, Some(kind)) => format!("this connector has sent its {kind}"),
        (state, _) => format!("the transfer is {state}"),
    })
}

/// Whether data can be had in the way that is asked for at all: nothing is pushed from here.
///
/// # Errors
/// [`Refusal::Format`], with what there is. Which of the formats the dataset itself has is decided when the transfer starts.
pub fn check_format(request: &TransferRequest) -> Result<(), Refusal> {
    served(&request.format, request.address.is_some())
}

fn served(format: &str, push: bool) -> Result<(), Refusal> {
    let asked = match (push, format) {
        (false, HTTP_PULL | PROCESSES) => return Ok(()),
        (false, _) => format!("the format `{}`", excerpt(format)),
        (true, _) => format!(
            "a push (a request with `dataAddress`) in the format `{}`",
            excerpt(format)
        ),
    };
    Err(Refusal::Format {
        asked,
        offered: "the formats `HttpData-PULL` and `OgcApiProcesses`, without `dataAddress`",
    })
}

fn refuse(code: &str, reason: &str) -> Due<DataTransfer> {
    Due::decide(Decide::Terminate(Cause::new(code, reason)))
}

async fn start(node: &Arc<Node>, process: &Transfer) -> Result<Due<DataTransfer>, Refusal> {
    if let Err(refusal) = served(process.format(), process.direction() == Direction::Push) {
        return Ok(refuse(refusal.code(), &refusal.to_string()));
    }
    let consumer: Did = process.peer().as_str().parse().map_err(|_| Refusal::NotFound)?;
    let entry: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(process.agreement().as_str(), Side::Provider))
        .map_err(|e| internal(&e))?;
    let Some(agreement) = entry.filter(|a| a.other == consumer) else {
        return Ok(refuse("no-agreement", "there is no such agreement with you"));
    };
    if let Some(why) = &agreement.terminated {
        return Ok(refuse("agreement-ended", &format!("the agreement has ended: {why}")));
    }
    let context = node.negotiator.context::<DataTransfer>(node, process.own_pid())?;
    let purpose = context.purpose.clone().or_else(|| agreement.purpose.clone());
    let asker = Asker::by_token(&consumer, purpose.as_deref());
    let decided = deciding::under_agreement(node, &agreement, deciding::USE, &asker).map_err(|e| internal(&e))?;
    if !decided.is_permit() {
        let stream = StreamKey::Agreement {
            agreement: agreement.id.clone(),
            side: Side::Provider.into(),
            other: consumer.clone(),
        };
        let facts = json!({"what": "transfer", "party": consumer.as_str(), "agreement": agreement.id, "decision": decided.record()});
        grants::record_denial(node, facts, Some(stream), &decided, &fresh_trace(node))
            .await
            .map_err(|e| internal(&e))?;
        return Ok(refuse("policy-denied", &decided.refusal(&consumer)));
    }
    let Some((grant, endpoint)) = grant(node, process, &agreement, &consumer, purpose)? else {
        return Ok(refuse(
            "not-published",
            "what the agreement is about is not published here any more, or not in this format",
        ));
    };
    let document = node.documents.resolve(&consumer).await.map_err(|e| internal(&e))?;
    let token = match grants::token(node, &grant, &document, context.key_id.as_deref()) {
        Ok(token) => token,
        Err(error) => return Ok(refuse("no-key", &error.to_string())),
    };
    Ok(Due {
        decision: Some(Decide::Start(Some(DataAddress::http_bearer(&endpoint, &token)))),
        changes: vec![set(GrantEntry::key(&grant.id), &grant).map_err(|e| internal(&e))?],
        record: None,
    })
}

/// What is given: the newest version, in the format asked for; `None` when there is nothing to give.
fn grant(
    node: &Node,
    process: &Transfer,
    agreement: &AgreementEntry,
    consumer: &Did,
    purpose: Option<String>,
) -> Result<Option<(GrantEntry, String)>, Refusal> {
    let id = process.own_pid().to_string();
    let target = &agreement.target;
    let mut grant = GrantEntry {
        id: id.clone(),
        kind: GrantPurpose::Pull,
        agreement: agreement.id.clone(),
        consumer: consumer.clone(),
        subject: target.clone(),
        version: None,
        digests: None,
        media_type: None,
        transaction: None,
        source: None,
        purpose,
        until_ms: node.now_ms() + GRANT_MS,
        closed: None,
    };
    let data = format!("{}/data/{id}", node.public_url);
    let mut versions = node
        .state
        .scan::<VersionEntry>(&format!("dataset/{target}/"))
        .map_err(|e| internal(&e))?;
    versions.retain(|(_, v)| v.withdrawn.is_none());
    if let Some((_, version)) = versions
        .into_iter()
        .max_by_key(|(_, v)| v.published_ms)
        .filter(|_| process.format() == HTTP_PULL)
    {
        grant.version = Some(version.version);
        grant.digests = Some(version.digests);
        grant.media_type = Some(version.media_type);
        return Ok(Some((grant, data)));
    }
    let mut models = node
        .state
        .scan::<ModelEntry>(&format!("model/{target}/"))
        .map_err(|e| internal(&e))?;
    models.retain(|(_, m)| m.withdrawn.is_none());
    let Some((_, model)) = models.into_iter().max_by_key(|(_, m)| m.published_ms) else {
        return Ok(None);
    };
    if process.format() == PROCESSES {
        grant.kind = GrantPurpose::Run;
        return Ok(Some((
            grant,
            format!("{}/processes/{target}/execution", node.public_url),
        )));
    }
    // The program itself, so that a run can be repeated; only where its licence lets it travel.
    if process.format() == HTTP_PULL && model.program_in_dossier {
        let path = node.payloads.path(&model.program).map_err(|e| internal(&e))?;
        let bytes = std::fs::metadata(path).map_err(|e| internal(&e))?.len();
        grant.version = Some(model.version);
        grant.digests = Some(Digests {
            sha256: model.program,
            blake3: model.program_blake3,
            bytes,
        });
        grant.media_type = Some("application/octet-stream".to_owned());
        return Ok(Some((grant, data)));
    }
    Ok(None)
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
        purpose: Option<&str>,
    ) -> Result<Access, Failure> {
        // Before anything is begun: a message that may not be sent would be tried for hours.
        node.admit(&agreement.other).map_err(Failure::refused)?;
        let pid = fresh_pid(node);
        let peer = peer(node, &agreement.other, &agreement.other_base).map_err(Failure::usage)?;
        let id: Id = agreement.id.parse().map_err(Failure::usage)?;
        let opened = transfer::request(pid.clone(), peer, id, format, None, node.now_ms()).map_err(Failure::failed)?;
        let context = Context {
            purpose: purpose.map(str::to_owned),
            ..Context::default()
        };
        self.open(node, opened, &context).await.map_err(Failure::failed)?;
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

#[cfg(test)]
mod tests;
