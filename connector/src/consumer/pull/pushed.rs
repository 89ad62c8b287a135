//! `push`: has the provider send the data to an endpoint or bucket of ours, instead of fetching it.
//!
//! Its order is signed, and recorded by the provider, as the request of a pull. Our own record says what we have seen ourselves: what lies
//! in a bucket is read back and checked against the provider's receipts, as what was fetched is. What went to an endpoint has not been
//! seen here; then nothing is recorded, and no receipt is given.

mod seen;

use super::fetch::pause;
use super::refusal;
use crate::commands::Failure;
use crate::consumer::{Say, signed_headers};
use crate::control::error::Code;
use crate::control::progress::Progress;
use crate::control::protocol::{Push, PushAnswer};
use crate::dsp::catalog::{HTTP_PUSH, S3_PUSH};
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::{Cause, DataAddress};
use crate::dsp::node::Node as Members;
use crate::dsp::process::Event;
use crate::dsp::transfer::{DataTransfer, Decide, State, Transfer};
use crate::dsp_shell::Access;
use crate::node::{Node, fresh_trace};
use crate::provider::push::Target;
use crate::state::{AgreementEntry, Side, set};
use bytes::Bytes;
use herleid_vocab::did::Did;
use http::Method;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What all keys begin with.
const PREFIX: &str = "pushed/";
/// How often an order is given, or a bucket looked into, before that is given up: with the pauses of a pull, about 40 seconds.
const IN_VAIN: u32 = 9;

/// How long it may take until the end of a push is known here whose order is refused, though an earlier one may have been taken.
const SOON: Duration = Duration::from_secs(60);
/// How often a bucket is looked into anew that could not be read after a push that is complete.
const AGAIN: Duration = Duration::from_secs(300);
/// And for how long: then what lets into it is forgotten, unread.
const AT_MOST_MS: u64 = 24 * 3_600_000;

/// A push that was asked for and is not over.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    pid: String,
    agreement: String,
    /// In which transaction it is ordered.
    transaction: String,
    /// The bucket, to be read back; forgotten with the entry. `None`: an endpoint, which gives nothing back.
    bucket: Option<DataAddress>,
    /// An order was on its way before this connector stopped: it may have been taken.
    #[serde(default)]
    ordering: bool,
    ordered: bool,
    /// The push is complete and its bucket could not be reached: until when it is looked into again, Unix milliseconds.
    #[serde(default)]
    look_until_ms: Option<u64>,
}

fn key(pid: &Id) -> String {
    format!("{PREFIX}{pid}")
}

/// Remembers that a push is asked for, before it is.
///
/// # Errors
/// When the address is not understood, or the state cannot be written.
pub(crate) async fn expect(node: &Node, pid: &Id, agreement: &AgreementEntry, to: &DataAddress) -> Result<(), Failure> {
    let expected = Expected {
        pid: pid.to_string(),
        agreement: agreement.id.clone(),
        transaction: node.fresh_id(),
        bucket: (format_of(to) == S3_PUSH).then(|| to.clone()),
        ordering: false,
        ordered: false,
        look_until_ms: None,
    };
    node.ledger.put_state(vec![set(key(pid), &expected)?]).await?;
    Ok(())
}

/// The format in which what is at an address is had.
fn format_of(to: &DataAddress) -> &'static str {
    if to.endpoint_type == "AmazonS3" {
        S3_PUSH
    } else {
        HTTP_PUSH
    }
}

/// The command.
///
/// # Errors
/// When the provider refuses or fails, or what lies in the bucket is not what it recorded.
pub(crate) async fn command(node: Arc<Node>, request: Push, progress: Progress) -> Result<PushAnswer, Failure> {
    let agreement: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(&request.agreement, Side::Consumer))?;
    let agreement = agreement.ok_or_else(|| {
        Failure::missing(format!(
            "there is no agreement `{}` in which this connector is the consumer",
            request.agreement
        ))
        .next("`herleid agreements` lists them")
    })?;
    let shape = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("the address is not understood: {why}")).next("docs/transfers.md shows one of each kind")
    };
    let to = Members::at(&request.to, "/to".to_owned()).and_then(|members| DataAddress::read(&members));
    let to = to.map_err(|e| shape(&e))?;
    let format = format_of(&to);
    Target::read(format, Some(&to)).map_err(|e| shape(&e))?;
    let declares = request.declares().or(&agreement.declares);
    let negotiator = &node.negotiator;
    let pid = negotiator
        .begin_transfer(&node, &agreement, format, None, Some(to), &declares)
        .await?;
    // In a task of its own: whoever asked may go away, and the push goes on.
    let (following, of) = (node.clone(), pid.clone());
    let followed = tokio::spawn(async move { follow(&following, &of, &progress).await });
    followed.await.map_err(Failure::failed)?
}

/// Follows a push that was begun and that nobody waits for.
pub(crate) fn begin(node: &Arc<Node>, pid: Id) {
    let node = node.clone();
    tokio::spawn(async move {
        match follow(&node, &pid, &Progress::nowhere()).await {
            Ok(_) => tracing::info!(%pid, "a push has come"),
            Err(why) => tracing::warn!(%why, %pid, "a push did not come, or not as it should"),
        }
    });
}

/// Goes on following what a stop interrupted.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn resume(node: &Arc<Node>) -> Result<(), Failure> {
    for (_, expected) in node.state.scan::<Expected>(PREFIX)? {
        begin(node, expected.pid.parse().map_err(Failure::failed)?);
    }
    Ok(())
}

/// Orders the push, waits for its end and looks at what came. However that goes, what lets into the bucket is forgotten then.
async fn follow(node: &Arc<Node>, pid: &Id, progress: &Progress) -> Result<PushAnswer, Failure> {
    let followed = followed(node, pid, progress).await;
    if let Err(why) = &followed
        && why.code() == Code::Unreachable
        && look_again(node, pid).await?
    {
        return followed.map_err(|why| {
            why.next("nothing has to be done: the bucket is looked into again, every five minutes for a day (`herleid trace`)")
        });
    }
    node.ledger.put_state(vec![(key(pid), None)]).await?;
    if let Err(why) = &followed {
        end(node, pid, why).await;
    }
    followed
}

/// What a push has brought lies in our bucket, though that cannot be reached now: whether it is looked into again later. Without what
/// lets into it nobody here would ever see it.
async fn look_again(node: &Arc<Node>, pid: &Id) -> Result<bool, Failure> {
    let process = node
        .negotiator
        .load::<DataTransfer>(node, pid)
        .map_err(Failure::failed)?;
    let expected: Option<Expected> = node.state.get(&key(pid))?;
    let (Some(process), Some(expected)) = (process, expected) else {
        return Ok(false);
    };
    let now_ms = node.now_ms();
    let until_ms = expected.look_until_ms.unwrap_or(now_ms.saturating_add(AT_MOST_MS));
    if process.state() != State::Completed || expected.bucket.is_none() || until_ms <= now_ms {
        return Ok(false);
    }
    let kept = Expected {
        look_until_ms: Some(until_ms),
        ..expected
    };
    node.ledger.put_state(vec![set(key(pid), &kept)?]).await?;
    let (node, pid) = (node.clone(), pid.clone());
    tokio::spawn(async move {
        tokio::time::sleep(AGAIN).await;
        begin(&node, pid);
    });
    Ok(true)
}

async fn followed(node: &Arc<Node>, pid: &Id, progress: &Progress) -> Result<PushAnswer, Failure> {
    let expected: Option<Expected> = node.state.get(&key(pid))?;
    let mut expected = expected.ok_or_else(|| Failure::missing(format!("no push `{pid}` was asked for")))?;
    let agreement: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(&expected.agreement, Side::Consumer))?;
    let agreement = agreement.ok_or_else(|| Failure::missing("the agreement of the push is not here any more"))?;
    let trace = fresh_trace(node);
    let mut base = crate::dsp_shell::base_url(&agreement.other_base);
    let process = until(node, pid, |state| state != State::Requested).await?;
    if let (Some(log), State::Started | State::Suspended) = (&agreement.other_log, process.state()) {
        let missing = || {
            Failure::untrusted(format!(
                "`{}` started the push without saying where it takes its order",
                agreement.other
            ))
        };
        let order = process.order().ok_or_else(missing)?;
        let access = Access {
            endpoint: order.location().ok_or_else(missing)?.to_owned(),
            token: order.authorization().ok_or_else(missing)?.to_owned(),
            pid: pid.clone(),
        };
        base = access.base();
        if !expected.ordered {
            let before = std::mem::replace(&mut expected.ordering, true);
            if !before {
                node.ledger.put_state(vec![set(key(pid), &expected)?]).await?;
            }
            if let Err((refused, unsure)) = give_order(node, log, &access, &expected, &trace).await {
                if !before && !unsure {
                    return Err(refused);
                }
                // The answer to an earlier one was lost, and the push may be over: whose access has ended is refused, too.
                let over = until(node, pid, |state| matches!(state, State::Completed | State::Terminated));
                match tokio::time::timeout(SOON, over).await {
                    Ok(Ok(process)) if process.state() == State::Completed => {}
                    _ => return Err(refused),
                }
            }
            expected.ordered = true;
            node.ledger.put_state(vec![set(key(pid), &expected)?]).await?;
        }
    }
    let process = until(node, pid, |state| matches!(state, State::Completed | State::Terminated)).await?;
    if process.state() == State::Terminated {
        return Err(crate::dsp_shell::ended(&process, "the push"));
    }
    let seen = match &expected.bucket {
        Some(bucket) => {
            Some(seen::look(node, &agreement, &expected.transaction, &base, bucket, progress, &trace).await?)
        }
        None => None,
    };
    Ok(PushAnswer {
        transfer: pid.to_string(),
        transaction: agreement.other_log.is_some().then_some(expected.transaction),
        seen,
    })
}

/// Waits until a transfer is in one of the states; its end is always one that is waited for.
async fn until(node: &Node, pid: &Id, wanted: impl Fn(State) -> bool) -> Result<Transfer, Failure> {
    loop {
        let found = node
            .negotiator
            .wait_for(|| match node.negotiator.load::<DataTransfer>(node, pid) {
                Ok(Some(process)) if wanted(process.state()) => Some(Ok(process)),
                Ok(Some(_)) => None,
                Ok(None) => Some(Err(Refusal::NotFound)),
                Err(error) => Some(Err(error)),
            });
        // How long a push takes is for the provider to say; its transfer has an end.
        if let Ok(found) = found.await {
            return found.map_err(Failure::failed);
        }
    }
}

/// Gives the order, until it is taken or refused for good. With what it failed by comes whether one of them may have been taken all the
/// same.
async fn give_order(
    node: &Node,
    log: &crate::state::LogIdentity,
    access: &Access,
    expected: &Expected,
    trace: &str,
) -> Result<(), (Failure, bool)> {
    let (mut tried, mut unsure) = (0, false);
    loop {
        let failure = match order(node, log, access, expected, trace).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        tried += 1;
        let may_pass = matches!(failure.code(), Code::Unreachable | Code::Failed);
        unsure |= may_pass;
        if tried >= IN_VAIN || !may_pass {
            return Err((failure, unsure));
        }
        tokio::time::sleep(pause(tried)).await;
    }
}

async fn order(
    node: &Node,
    log: &crate::state::LogIdentity,
    access: &Access,
    expected: &Expected,
    trace: &str,
) -> Result<(), Failure> {
    let provider: &Did = &log.did;
    let seen = node.peers.seen_size(log).map_err(Failure::failed)?;
    let say = Say {
        method: &Method::POST,
        url: &access.endpoint,
        token: &access.token,
        transaction: &expected.transaction,
        agreement: &expected.agreement,
        trace,
        seen,
        body: &[],
        from: None,
    };
    let headers = signed_headers(node, &say)?;
    let answer = node
        .client
        .message(Method::POST, &access.endpoint, headers, Bytes::new())
        .await?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(refusal(provider, log, seen, answer.status, &answer.body))
}

/// Ends a transfer that is not over, since nobody follows it any more.
async fn end(node: &Arc<Node>, pid: &Id, why: &Failure) {
    let Ok(Some(process)) = node.negotiator.load::<DataTransfer>(node, pid) else {
        return;
    };
    if process.possible().is_empty() {
        return;
    }
    let decided = Event::Decided(Decide::Terminate(Cause::new("push-failed", &why.to_string())));
    if let Err(error) = node.negotiator.step::<DataTransfer>(node, pid, decided).await {
        tracing::info!(%error, %pid, "a push that failed could not be ended");
    }
}
