//! Whether two checkpoints of one log are of one history: asked of its tiles, and recorded where they are not.

use crate::foreign_log::{ForeignLog, ForeignLogError};
use crate::net::server::CancellationToken;
use crate::node::Node;
use crate::state::StateError;
use crate::witnessing::{WitnessService, WitnessingError};
use herleid_ledger::AppendError;
use herleid_ledger::checkpoint::{Checkpoint, CheckpointError};
use herleid_ledger::fork::{Beginning, MEDIA_TYPE, ROLE};
use herleid_ledger::note::Verifier;
use herleid_ledger::record::{Document, Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::witness::Conflict;
use herleid_vocab::did::Did;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// More than are kept of one log.
const OF_ONE_LOG: usize = 64;
/// How often it is looked whether anything can be told by now.
const ROUND: Duration = Duration::from_secs(60);
/// Most rounds after which a log is asked again that could not be: an hour.
pub(crate) const MOST_ROUNDS: u32 = 60;
/// Which conflicts of our witness stand in the log.
const RECORDED: &str = "conflict-recorded/";

/// What the tiles of a log say of two of its checkpoints.
pub(crate) enum Compared {
    /// The larger one's tree begins with the smaller one's.
    OneHistory,
    /// It does not: it begins with this, unless both have one size.
    Forked(Option<Beginning>),
}

/// Compares two checkpoints of one log that its key has signed. Nobody has signed the tiles: they count only where they lead to the root of
/// the larger one.
///
/// # Errors
/// When the tiles cannot be had, or are others: nothing is known then.
pub(crate) async fn compare(
    log: &ForeignLog,
    one: &Checkpoint,
    other: &Checkpoint,
) -> Result<Compared, ForeignLogError> {
    let (old, new) = if one.size() < other.size() {
        (one, other)
    } else {
        (other, one)
    };
    if old.size() == new.size() {
        return Ok(match old.root() == new.root() {
            true => Compared::OneHistory,
            false => Compared::Forked(None),
        });
    }
    let begins = log.beginning(old.size(), new.size(), new.root()).await?;
    Ok(match begins.root == *old.root() {
        true => Compared::OneHistory,
        false => Compared::Forked(Some(begins)),
    })
}

/// Two histories of a log, to be recorded (`witness-conflict`).
pub(crate) struct Found<'a> {
    pub(crate) origin: &'a str,
    pub(crate) party: Option<&'a Did>,
    /// Two signed notes.
    pub(crate) notes: [String; 2],
    /// What the larger tree begins with, where their sizes differ.
    pub(crate) beginning: Option<String>,
    /// It is recorded once under this name.
    pub(crate) name: String,
}

impl Found<'_> {
    pub(crate) fn draft(self, trace: String) -> Draft {
        let document = |role: &str, text: String| Document {
            role: role.to_owned(),
            media_type: MEDIA_TYPE.to_owned(),
            bytes: text.into_bytes(),
        };
        let facts = match self.party {
            Some(party) => json!({"origin": self.origin, "party": party.as_str()}),
            None => json!({"origin": self.origin}),
        };
        let mut draft = Draft::new(Kind::WitnessConflict, trace)
            .section(SectionName::Facts, facts)
            .once(
                format!("witness-conflict/{}", self.name),
                Sha256::digest(&self.name).into(),
            );
        if let Some(party) = self.party {
            draft = draft.term(Term::Party(party.clone()));
        }
        for note in self.notes {
            draft = draft.evidence(document("checkpoint", note));
        }
        match self.beginning {
            Some(beginning) => draft.evidence(document(ROLE, beginning)),
            None => draft,
        }
    }
}

/// Why what was found could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    /// What is remembered of others.
    #[error(transparent)]
    State(#[from] StateError),
    /// What our witness remembers.
    #[error(transparent)]
    Witness(#[from] WitnessingError),
    /// A checkpoint that is kept is none.
    #[error("a checkpoint that this witness keeps is not believed any more: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Our own log.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Looks again as long as the service runs. Apart from all else that is looked at from time to time: how long tiles take is up to others.
pub(crate) async fn keep_looking(node: Arc<Node>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(ROUND);
    // A look that took long is followed by a round's rest, and not by those that were missed.
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        tokio::select! {
            () = stop.cancelled() => return,
            looked = look_again(&node) => if let Err(error) = looked {
                tracing::error!(%error, "what could not be told from a fork could not be looked at");
            }
        }
    }
}

/// Looks again at what could not be told from a fork, and records what our witness found.
///
/// # Errors
/// When what is remembered cannot be read or written.
async fn look_again(node: &Arc<Node>) -> Result<(), LookError> {
    let (own, doubts) = tokio::join!(node.peers.look_again(), settle_all(node));
    // What is proved is recorded whatever else could not be looked at.
    record_conflicts(node).await?;
    own?;
    doubts
}

/// Asks the tiles of each log that our witness has doubts about, if it is its turn.
async fn settle_all(node: &Arc<Node>) -> Result<(), LookError> {
    let Some(witness) = &node.witness else { return Ok(()) };
    let (mut doubts, mut unread) = (Vec::new(), Ok(()));
    for key in witness.log_keys() {
        match witness.doubts_of(key.name(), OF_ONE_LOG) {
            Ok(found) => {
                let found = found.conflicts.into_iter().map(|doubt| (key, doubt));
                doubts.push((key.name().to_owned(), found.collect()));
            }
            // It keeps no other log from being asked.
            Err(error) => unread = Err(error.into()),
        }
    }
    let settle = |(key, doubt)| settle(node, witness, doubt, key);
    node.doubting.turns(doubts, settle).await;
    unread
}

/// Asks the tiles of a log that showed our witness a checkpoint with a bad proof: it may be of another history, or somebody else sent a good
/// checkpoint with a bad proof. `false` where nothing could be found out.
async fn settle(
    node: &Arc<Node>,
    witness: &Arc<WitnessService>,
    doubt: Conflict,
    key: &Verifier,
) -> Result<bool, LookError> {
    let refused = Checkpoint::verify_bytes(doubt.refused.as_bytes(), key)?;
    // What was cosigned since extends what was cosigned then. The longer it is, the less depends on tiles of the other history.
    let latest = witness.last(&doubt.origin)?.unwrap_or_else(|| doubt.cosigned.clone());
    let cosigned = Checkpoint::verify_bytes(latest.as_bytes(), key)?;
    let reader = ForeignLog::new(node.client.clone(), node.scheme, &doubt.origin);
    let beginning = match compare(&reader, &cosigned, &refused).await {
        Err(error) => {
            tracing::debug!(origin = %doubt.origin, %error, "still not known to have one history");
            return Ok(false);
        }
        Ok(Compared::OneHistory) => None,
        Ok(Compared::Forked(beginning)) => Some(beginning),
    };
    let doubt = Conflict {
        cosigned: latest,
        ..doubt
    };
    let witness = witness.clone();
    let settled = tokio::task::spawn_blocking(move || witness.settle(&doubt, refused.root(), beginning)).await;
    match settled {
        Ok(settled) => {
            settled?;
            Ok(true)
        }
        Err(error) => Err(WitnessingError::Ledger(error.to_string()).into()),
    }
}

/// Records, once a log, that it showed our witness two histories: the witness's own memory is in no backup.
///
/// # Errors
/// When the memory cannot be read, or our log takes nothing.
pub(crate) async fn record_conflicts(node: &Arc<Node>) -> Result<(), LookError> {
    let Some(witness) = &node.witness else { return Ok(()) };
    for key in witness.log_keys() {
        let place = format!("{RECORDED}{}", key.name());
        if node.state.get::<bool>(&place)?.is_some() {
            continue;
        }
        let conflicts = witness.conflicts_of(key.name(), OF_ONE_LOG)?.conflicts;
        let Some(conflict) = conflicts.into_iter().find(|conflict| conflict.check(key).is_ok()) else {
            continue;
        };
        let found = Found {
            origin: &conflict.origin,
            party: None,
            notes: [conflict.cosigned, conflict.refused],
            beginning: conflict.beginning,
            name: format!("witness/{}", conflict.origin),
        };
        let draft = found.draft(crate::node::fresh_traceparent(node.entropy.as_ref()));
        node.append(draft.put(place, Some(b"true".to_vec()))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
