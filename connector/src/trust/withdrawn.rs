//! What is under way when trust is withdrawn: it ends. That it has to is durable in the commit of the withdrawal, so that neither a stop nor
//! a message that is on its way leaves it open.

use super::List;
use crate::commands::Failure;
use crate::dsp_shell::Stopped;
use crate::node::Node;
use crate::state::{AgreementEntry, Change, Side, StateError, set};
use herleid_credentials::presentation;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Where it lies in the state what has still to be ended.
const PENDING: &str = "trust-withdrawn/";
/// Between two looks at what could not be ended because a message was on its way.
const PAUSE: Duration = Duration::from_secs(1);

/// Trust that was withdrawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawn {
    list: List,
    did: Did,
}

fn key(list: List, did: &Did) -> String {
    format!("{PENDING}{}/{did}", list.key())
}

/// The change that says that what rests on it has to end.
pub(super) fn pending(list: List, did: &Did) -> Result<Change, StateError> {
    let did = did.clone();
    set(key(list, &did), &Withdrawn { list, did })
}

/// Ends what rests on trust that was withdrawn; what cannot end yet ends later. Gives what has ended.
///
/// # Errors
/// When the state cannot be read or written.
pub(crate) async fn withdraw(node: &Arc<Node>, list: List, did: &Did) -> Result<Vec<String>, Failure> {
    let withdrawn = Withdrawn { list, did: did.clone() };
    let stopped = end(node, &withdrawn).await;
    if !stopped.as_ref().is_ok_and(|stopped| !stopped.left) {
        tokio::spawn(end_all(node.clone(), withdrawn));
    }
    Ok(stopped?.ended.iter().map(ToString::to_string).collect())
}

/// Goes on with what a stop interrupted.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn go_on(node: &Arc<Node>) -> Result<(), StateError> {
    for (_, withdrawn) in node.state.scan::<Withdrawn>(PENDING)? {
        tokio::spawn(end_all(node.clone(), withdrawn));
    }
    Ok(())
}

async fn end_all(node: Arc<Node>, withdrawn: Withdrawn) {
    loop {
        match end(&node, &withdrawn).await {
            Ok(stopped) if !stopped.left => return,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, did = %withdrawn.did, "what rests on trust that was withdrawn could not be ended; it is tried again");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One look; when nothing is left, that is remembered.
async fn end(node: &Arc<Node>, Withdrawn { list, did }: &Withdrawn) -> Result<Stopped, Failure> {
    let why = format!("`{did}` is no longer trusted here (`{}`)", list.key());
    let stopped = match list {
        List::Peers | List::OneSided => {
            let trusted = match list {
                List::Peers => node.trust.admits(did),
                _ => node.is_one_sided(did),
            };
            if !trusted {
                break_off(node, did, &why)?;
            }
            let of_it = |peer: &Did, _: &[String]| !trusted && peer == did;
            node.negotiator.end_those(node, &why, of_it).await?
        }
        List::Issuers => {
            // What cannot be read any more proves nothing either.
            let vouched = |token: &String| presentation::claimed_issuers(token).is_ok_and(|all| !all.contains(did));
            let of_it = |_: &Did, shown: &[String]| !shown.iter().all(vouched);
            node.negotiator.end_those(node, &why, of_it).await?
        }
    };
    if !stopped.left {
        node.state.write(vec![(key(*list, did), None)])?;
    }
    Ok(stopped)
}

/// Breaks off what is being sent to a participant at this moment.
fn break_off(node: &Node, did: &Did, why: &str) -> Result<(), Failure> {
    for (_, agreement) in node.state.scan::<AgreementEntry>("agreement/")? {
        if agreement.other == *did && agreement.side == Side::Provider {
            node.giving.close_agreement(&agreement.id, why);
        }
    }
    Ok(())
}
