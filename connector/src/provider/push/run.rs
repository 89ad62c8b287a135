//! One push from its order to its end: attempts with pauses that grow, held back with its transfer, completed or ended.

use super::attempt::{self, Failed};
use super::{Entry, is_going};
use crate::dsp::id::Id;
use crate::dsp::message::Cause;
use crate::dsp::process::Event;
use crate::dsp::transfer::{DataTransfer, Decide, Transfer};
use crate::node::Node;
use crate::provider::pull::{self, Abort, Opened};
use crate::state::{AgreementEntry, GrantEntry, Side};
use std::sync::Arc;
use std::time::Duration;

/// The first pause; doubled each time.
const FIRST_MS: u64 = 1_000;
/// The longest.
const LONGEST_MS: u64 = 300_000;
/// How long it takes at most until it is known in the state why access has ended.
const SOON: Duration = Duration::from_secs(2);
/// How long a push waits until it is looked again whether the credentials that it rests on hold.
const WAIT: Duration = Duration::from_secs(5);
/// A pause is looked up from so often, so that what ends meanwhile does not wait for it.
const LOOK: Duration = Duration::from_millis(500);

/// How a push stands.
enum Stands {
    /// There is none any more.
    Gone,
    /// Its transfer is over.
    Over(Box<(Entry, Transfer)>),
    /// Its transfer is held back, or a message of ours is on its way.
    Held,
    /// It goes on.
    Goes(Box<(Entry, Transfer, GrantEntry)>),
}

fn stands(node: &Node, pid: &Id) -> Result<Stands, String> {
    let entry: Option<Entry> = node.state.get(&Entry::key(pid.as_str())).map_err(|e| e.to_string())?;
    let Some(entry) = entry else { return Ok(Stands::Gone) };
    let process = node
        .negotiator
        .load::<DataTransfer>(node, pid)
        .map_err(|e| e.to_string())?;
    let Some(process) = process else {
        return Ok(Stands::Gone);
    };
    if process.possible().is_empty() {
        return Ok(Stands::Over(Box::new((entry, process))));
    }
    let grant: Option<GrantEntry> = node
        .state
        .get(&GrantEntry::key(pid.as_str()))
        .map_err(|e| e.to_string())?;
    Ok(match grant {
        Some(grant) if is_going(&process) && grant.closed.is_none() => Stands::Goes(Box::new((entry, process, grant))),
        Some(_) => Stands::Held,
        None => Stands::Gone,
    })
}

/// Carries a push through, in a task of its own. `opened`: as its order was just recorded; `None` after a stop.
pub(super) async fn run(node: Arc<Node>, pid: Id, opened: Option<Arc<Opened>>, trace: String) {
    if !node.pushing.take(pid.as_str()) {
        node.pushing.started(pid.as_str());
        return;
    }
    // The transfer of a peer without log is started in a commit that is still on its way.
    let there = node.negotiator.wait_for(|| match stands(&node, &pid) {
        Ok(Stands::Gone) => None,
        _ => Some(()),
    });
    let there = there.await.is_ok();
    node.pushing.started(pid.as_str());
    if there && let Err(why) = carry(&node, &pid, opened, &trace).await {
        tracing::error!(%why, %pid, "a push cannot go on; it is taken up at the next start");
    }
    node.pushing.leave(pid.as_str());
}

async fn carry(node: &Arc<Node>, pid: &Id, mut opened: Option<Arc<Opened>>, trace: &str) -> Result<(), String> {
    let mut ended = None;
    loop {
        let (entry, process, grant) = match stands(node, pid)? {
            Stands::Gone => return Ok(()),
            Stands::Over(over) => {
                let (entry, process) = *over;
                // Why it broke off says more than that it is over.
                let why = ended.unwrap_or_else(|| why_over(&process));
                let abort = abort(node, &process, &entry, opened.as_ref(), &why, trace).await?;
                if let Some(abort) = abort {
                    let (draft, _held) = abort.parts();
                    node.append(draft).await.map_err(|e| e.to_string())?;
                }
                return forget(node, pid).await;
            }
            Stands::Held => {
                // Why it broke off before it was held back is not why it ends.
                ended = None;
                let held = node.negotiator.wait_for(|| match stands(node, pid) {
                    Ok(Stands::Held) => None,
                    _ => Some(()),
                });
                // After a minute it is looked again: it may be held back for days.
                held.await.unwrap_or(());
                continue;
            }
            Stands::Goes(going) => *going,
        };
        if entry.delivered {
            complete(node, pid).await;
            continue;
        }
        let now_ms = node.now_ms();
        if (1..=LONGEST_MS).contains(&entry.not_before_ms.saturating_sub(now_ms)) {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        ended = None;
        match attempt::attempt(node, &process, &grant, &entry, &mut opened, trace).await {
            Ok(()) => {
                // From now on nothing can break it off: it has been delivered, whatever becomes of the transfer.
                opened = None;
                let delivered = Entry {
                    delivered: true,
                    ..entry
                };
                node.ledger
                    .put_state(vec![delivered.kept()?])
                    .await
                    .map_err(|e| e.to_string())?;
            }
            Err(Failed::Ended(why)) => {
                if let Some(opened) = &opened {
                    opened.stop();
                }
                if still_goes(node, pid).await? {
                    // Nobody ended the transfer: its time is over, or its policy holds no longer.
                    give_up(node, &process, &entry, opened.as_ref(), ("access-ended", &why), trace).await?;
                }
                ended = Some(why);
            }
            Err(Failed::Waits(why)) => {
                tracing::info!(%why, %pid, "a push waits");
                // It is looked again soon, or at once when its transfer is ended meanwhile.
                let changes = node.negotiator.wait_for(|| match stands(node, pid) {
                    Ok(Stands::Goes(_)) => None,
                    _ => Some(()),
                });
                drop(tokio::time::timeout(WAIT, changes).await);
            }
            Err(Failed::Passing(why)) if entry.failures.saturating_add(1) < node.config.push.attempts => {
                let failures = entry.failures.saturating_add(1);
                let pause_ms = pause_ms(failures, node.entropy.bytes32());
                tracing::info!(%why, %pid, failures, pause_ms, "a push broke off; it is tried again");
                let later = Entry {
                    failures,
                    not_before_ms: node.now_ms().saturating_add(pause_ms),
                    ..entry
                };
                node.ledger
                    .put_state(vec![later.kept()?])
                    .await
                    .map_err(|e| e.to_string())?;
            }
            Err(Failed::Passing(why)) => {
                let why = format!("{why} (tried {} times)", node.config.push.attempts);
                give_up(node, &process, &entry, opened.as_ref(), ("push-failed", &why), trace).await?;
            }
            Err(Failed::Final(why)) => {
                give_up(node, &process, &entry, opened.as_ref(), ("push-failed", &why), trace).await?;
            }
        }
    }
}

/// A second, doubled each time up to five minutes, of which half is left to chance: many pushes to one receiver do not come back at once.
fn pause_ms(failures: u32, random: [u8; 32]) -> u64 {
    let most = FIRST_MS
        .saturating_mul(1 << failures.saturating_sub(1).min(20))
        .min(LONGEST_MS);
    let [one, two, ..] = random;
    most / 2 + (most / 2).saturating_mul(u64::from(u16::from_be_bytes([one, two]))) / u64::from(u16::MAX)
}

/// Whether the transfer goes on although access has ended: whoever ends it says so before that is durable.
async fn still_goes(node: &Node, pid: &Id) -> Result<bool, String> {
    let ends = node.negotiator.wait_for(|| match stands(node, pid) {
        Ok(Stands::Goes(_)) => None,
        _ => Some(()),
    });
    Ok(tokio::time::timeout(SOON, ends).await.is_err())
}

/// Why a transfer that is over ended, for the record of its push.
fn why_over(process: &Transfer) -> String {
    match process.ended() {
        Some(ended) => format!("access has ended: {}", ended.cause.text()),
        None => format!(
            "access has ended: {}",
            crate::dsp_shell::closed(process).unwrap_or_default()
        ),
    }
}

/// What is to be recorded of a push that ends; `None`: it was delivered, or nothing of it was ever recorded.
async fn abort(
    node: &Node,
    process: &Transfer,
    entry: &Entry,
    opened: Option<&Arc<Opened>>,
    why: &str,
    trace: &str,
) -> Result<Option<Abort>, String> {
    if entry.delivered {
        return Ok(None);
    }
    if let Some(opened) = opened {
        opened.stop();
        return opened
            .abort(node, why, trace)
            .await
            .map(Some)
            .map_err(|e| e.to_string());
    }
    // It was opened before a stop, and not again.
    let key = AgreementEntry::key(process.agreement().as_str(), Side::Provider);
    let agreement: Option<AgreementEntry> = node.state.get(&key).map_err(|e| e.to_string())?;
    let Some(agreement) = agreement else { return Ok(None) };
    pull::abort_of_recorded(node, &agreement, &entry.transaction, why, trace).map_err(|e| e.to_string())
}

/// Ends the transfer, and records why in the same commit; what is left to do is done when it is over.
async fn give_up(
    node: &Arc<Node>,
    process: &Transfer,
    entry: &Entry,
    opened: Option<&Arc<Opened>>,
    (code, why): (&str, &str),
    trace: &str,
) -> Result<(), String> {
    tracing::warn!(%why, "a push is given up");
    // Held until the commit: what it gives back is given back once.
    let (record, _held) = match abort(node, process, entry, opened, why, trace).await? {
        Some(abort) => {
            let (draft, held) = abort.parts();
            (Some(draft), held)
        }
        None => (None, None),
    };
    let cause = Cause::new(code, why);
    if let Err(error) = node.negotiator.end_push(node, process, cause, record).await {
        tracing::info!(%error, pid = %process.own_pid(), "the transfer of a push went on before it could be ended");
        // It is looked at again, not in a circle that takes all the time there is.
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Completes the transfer; what is left to do is done when that is known.
async fn complete(node: &Arc<Node>, pid: &Id) {
    let decided = Event::Decided(Decide::Complete);
    if let Err(error) = node.negotiator.step::<DataTransfer>(node, pid, decided).await {
        // It was held back or ended at this moment; what has been delivered stays so.
        tracing::info!(%error, %pid, "the transfer of a push that is delivered could not be completed");
        tokio::time::sleep(LOOK).await;
    }
}

async fn forget(node: &Node, pid: &Id) -> Result<(), String> {
    let forgotten = node.ledger.put_state(vec![(Entry::key(pid.as_str()), None)]).await;
    forgotten.map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_spread_and_have_an_end() {
        let (least, most) = ([0; 32], [255; 32]);
        assert_eq!((pause_ms(1, least), pause_ms(1, most)), (500, 1_000));
        assert_eq!((pause_ms(4, least), pause_ms(4, most)), (4_000, 8_000));
        for failures in [9, 40, u32::MAX] {
            assert!(
                (128_000..=LONGEST_MS).contains(&pause_ms(failures, least)),
                "{failures}"
            );
        }
        assert_eq!(pause_ms(u32::MAX, most), LONGEST_MS);
    }
}
