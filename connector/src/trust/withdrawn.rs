//! What is under way when trust is withdrawn: it ends. That it has to is durable in the commit of the withdrawal, so that neither a stop nor
//! a message that is on its way leaves it open. What is opened later rests on what is trusted later, and is left alone.

use super::List;
use crate::dsp_shell::{Context, Stopped};
use crate::node::Node;
use crate::state::{Change, State, StateError, set};
use herleid_credentials::presentation;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Where it lies in the state what has still to be ended.
const PENDING: &str = "trust-withdrawn/";
/// Before the second look at what could not be ended: a message was on its way.
const PAUSE: Duration = Duration::from_secs(1);
/// Doubled after each look up to this: what cannot be read stays so until somebody comes.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);

/// Trust that was withdrawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawn {
    list: List,
    did: Did,
    /// Of an issuer: types that it is trusted for no more.
    types: BTreeSet<String>,
    /// Records in the log before the one of the withdrawal: what was opened then rests on the trust that is gone.
    log_size: u64,
}

/// A withdrawal whose consequences have still to be drawn, under a key of its own: the same trust may be given and withdrawn again
/// meanwhile.
#[derive(Debug)]
pub(crate) struct Pending {
    key: String,
    withdrawn: Withdrawn,
}

impl Pending {
    /// Of a withdrawal that is about to be recorded, while nothing can be opened.
    pub(super) fn now(node: &Node, list: List, did: Did, types: BTreeSet<String>) -> Self {
        let log_size = node.ledger.size();
        Self {
            key: format!("{PENDING}{}", node.fresh_id()),
            withdrawn: Withdrawn {
                list,
                did,
                types,
                log_size,
            },
        }
    }

    /// What makes it durable.
    pub(super) fn change(&self) -> Result<Change, StateError> {
        set(self.key.clone(), &self.withdrawn)
    }
}

fn all_pending(state: &State) -> Result<Vec<Pending>, StateError> {
    let found = state.scan::<Withdrawn>(PENDING)?.into_iter();
    Ok(found.map(|(key, withdrawn)| Pending { key, withdrawn }).collect())
}

/// Puts away the withdrawals of which everything is trusted again, as `again` says of each type.
pub(super) fn superseded(
    state: &State,
    list: List,
    did: &Did,
    again: impl Fn(&str) -> bool,
) -> Result<Vec<Change>, StateError> {
    let is_over = |one: &Withdrawn| one.list == list && one.did == *did && one.types.iter().all(|kind| again(kind));
    let over = all_pending(state)?.into_iter().filter(|one| is_over(&one.withdrawn));
    Ok(over.map(|one| (one.key, None)).collect())
}

/// Ends what rests on trust that was withdrawn; what cannot end yet ends later.
pub(crate) async fn withdraw(node: &Arc<Node>, pending: Pending) -> Stopped {
    let stopped = end(node, &pending).await;
    if stopped.left {
        tokio::spawn(end_all(node.clone(), pending));
    }
    stopped
}

/// Goes on with what a stop interrupted. It has ended when this returns, except what has to wait: nothing may be resumed before.
///
/// # Errors
/// When the state cannot be read.
pub(crate) async fn go_on(node: &Arc<Node>) -> Result<(), StateError> {
    for pending in all_pending(&node.state)? {
        withdraw(node, pending).await;
    }
    Ok(())
}

async fn end_all(node: Arc<Node>, pending: Pending) {
    let mut pause = PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        if !end(&node, &pending).await.left {
            return;
        }
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

/// One look; when nothing is left, that is remembered.
async fn end(node: &Arc<Node>, Pending { key, withdrawn }: &Pending) -> Stopped {
    let Withdrawn {
        list, did, log_size, ..
    } = withdrawn;
    if matches!(node.state.get::<Withdrawn>(key), Ok(None)) {
        // It is trusted again.
        return Stopped::default();
    }
    let why = format!("`{did}` is no longer trusted here (`{}`)", list.key());
    // What is not known of it is taken for old, and for resting on what is gone.
    let was_open = |context: Option<&Context>| context.is_none_or(|context| context.log_size <= *log_size);
    let mut stopped = match list {
        List::Peers | List::OneSided => {
            let trusted = match list {
                List::Peers => node.trust.admits(did),
                _ => node.is_one_sided(did),
            };
            if !trusted {
                node.giving.close_consumer(did, &why);
            }
            let of_it =
                |peer: Option<&Did>, context: Option<&Context>| !trusted && peer == Some(did) && was_open(context);
            node.negotiator.end_those(node, &why, of_it).await
        }
        List::Issuers => {
            // What cannot be read any more proves nothing either.
            let vouched = |token: &String| presentation::claimed_issuers(token).is_ok_and(|all| !all.contains(did));
            let of_it = |_: Option<&Did>, context: Option<&Context>| {
                was_open(context) && !context.is_some_and(|context| context.presentations.iter().all(vouched))
            };
            node.negotiator.end_those(node, &why, of_it).await
        }
    };
    if !stopped.left
        && let Err(error) = node.state.write(vec![(key.clone(), None)])
    {
        tracing::error!(%error, %did, "that everything has ended which rested on withdrawn trust could not be kept; it is looked at again");
        stopped.left = true;
    }
    stopped
}
