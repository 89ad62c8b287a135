//! Ledgers are held against each other from time to time without anybody asking, and what came of it is kept.

use super::agreement;
use crate::commands::Failure;
use crate::control::protocol::{AgreementReconciled, Reconciled};
use crate::node::Node;
use crate::state::{AgreementEntry, Change, set};
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What came of the last time lies under `reconciled/<peer>/<side>/<agreement>`.
const RECONCILED: &str = "reconciled/";

/// The last time that an agreement was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    /// With whom.
    peer: Did,
    /// When the last attempt began, Unix milliseconds; or when it was found out that there is something to look at.
    attempted_ms: u64,
    /// Whether the last attempt that ended did not get to the end.
    is_unfinished: bool,
    /// What was found the last time that something was: a peer that is caught and then does not answer any more stays caught.
    found: Option<Found>,
    /// By how much its clock was ahead of this one then, at least and at most, in milliseconds.
    #[serde(default)]
    clock_ahead_ms: [Option<i64>; 2],
}

/// What an attempt came to that found something out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    /// When, Unix milliseconds.
    at_ms: u64,
    /// What.
    verdict: Reconciled,
}

impl Last {
    fn met(peer: &Did, at_ms: u64) -> Self {
        Self {
            peer: peer.clone(),
            attempted_ms: at_ms,
            is_unfinished: false,
            found: None,
            clock_ahead_ms: [None; 2],
        }
    }

    /// The same after an attempt that came to this.
    fn after(mut self, verdict: Reconciled, clock_ahead_ms: [Option<i64>; 2], at_ms: u64) -> Self {
        self.is_unfinished = verdict == Reconciled::Unfinished;
        if !self.is_unfinished {
            self.clock_ahead_ms = clock_ahead_ms;
            self.found = Some(Found { at_ms, verdict });
        }
        self
    }
}

fn key(entry: &AgreementEntry) -> String {
    format!("{RECONCILED}{}/{}/{}", entry.other, entry.side.as_str(), entry.id)
}

fn last(node: &Node, entry: &AgreementEntry) -> Result<Last, Failure> {
    let known = node.state.get(&key(entry))?;
    Ok(known.unwrap_or_else(|| Last::met(&entry.other, 0)))
}

/// Keeps that an attempt begins: one that fails here, or is cut short, must not be the next again.
///
/// # Errors
/// When it cannot be written.
pub(super) async fn begin(node: &Node, entry: &AgreementEntry) -> Result<(), Failure> {
    let begun = Last {
        attempted_ms: node.now_ms(),
        ..last(node, entry)?
    };
    Ok(node.ledger.put_state(vec![set(key(entry), &begun)?]).await?)
}

/// Keeps what came of it; of an agreement in a log that `is_over` not that it is unfinished: without being asked nobody compares it again, so that
/// nothing would take that back.
///
/// # Errors
/// When it cannot be written.
pub(super) async fn keep(
    node: &Node,
    entry: &AgreementEntry,
    told: &AgreementReconciled,
    is_over: bool,
) -> Result<(), Failure> {
    let verdict = told.verdict;
    if verdict == Reconciled::Differs {
        tracing::error!(peer = %entry.other, agreement = entry.id, "this ledger and the peer's differ; `herleid reconcile` says in what");
    }
    let mut after = last(node, entry)?.after(verdict, told.clock_ahead_ms, node.now_ms());
    after.is_unfinished &= !is_over;
    Ok(node.ledger.put_state(vec![set(key(entry), &after)?]).await?)
}

/// How often it is looked whether it is time.
const ROUND: Duration = Duration::from_secs(60);
/// Peers that are asked at once: one that is slow keeps three others from nothing.
const AT_ONCE: usize = 4;
/// After so long no further agreement with a peer is begun; the rest has its turn after those of others.
const TURN_MS: u64 = 600_000;

/// Goes on for as long as the service runs; who asks slowly keeps nothing else waiting.
pub(crate) async fn rounds(node: Arc<Node>) {
    let every_s = node.config.reconcile.every_s;
    if every_s == 0 {
        return;
    }
    let mut interval = tokio::time::interval(ROUND.min(Duration::from_secs(every_s)));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut turns, mut busy) = (JoinSet::new(), HashMap::new());
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            Some(ended) = turns.join_next_with_id(), if !turns.is_empty() => {
                let id = match &ended {
                    Ok((id, ())) => *id,
                    Err(broken) => broken.id(),
                };
                busy.remove(&id);
                if let Err(error) = ended {
                    tracing::error!(%error, "a comparison of ledgers broke off");
                }
            }
        }
        let peers = match due(&node, &busy.values().cloned().collect()).await {
            Ok(peers) => peers,
            Err(error) => {
                tracing::error!(%error, "it could not be found out which ledgers to compare");
                continue;
            }
        };
        for (peer, entries) in peers.into_iter().take(AT_ONCE.saturating_sub(turns.len())) {
            let started = turns.spawn(turn(node.clone(), entries));
            busy.insert(started.id(), peer);
        }
    }
}

/// One peer's agreements, those that have waited longest first.
async fn turn(node: Arc<Node>, entries: Vec<AgreementEntry>) {
    let began_ms = node.now_ms();
    for entry in entries {
        if node.now_ms().saturating_sub(began_ms) > TURN_MS {
            return;
        }
        if let Err(error) = agreement(&node, &entry, &node.ledger).await {
            tracing::error!(%error, peer = %entry.other, agreement = entry.id, "an agreement could not be compared");
        }
    }
}

/// Whose agreements it is time for, and which.
///
/// # Errors
/// When our own state cannot be read or written.
async fn due(node: &Node, busy: &BTreeSet<Did>) -> Result<Vec<(Did, Vec<AgreementEntry>)>, Failure> {
    let every_ms = node.config.reconcile.every_s.saturating_mul(1_000);
    let now_ms = node.now_ms();
    let (mut known, mut met) = (Vec::new(), Vec::<Change>::new());
    for (_, entry) in node.state.scan::<AgreementEntry>("agreement/")? {
        if entry.other_log.is_none() {
            continue;
        }
        match node.state.get::<Last>(&key(&entry))? {
            Some(last) => known.push((entry.other.clone(), last.attempted_ms, entry)),
            None => met.push(set(key(&entry), &Last::met(&entry.other, now_ms))?),
        }
    }
    if !met.is_empty() {
        node.ledger.put_state(met).await?;
    }
    let mut turns = in_turn(known, now_ms, every_ms);
    turns.retain(|(peer, _)| !busy.contains(peer));
    Ok(turns)
}

/// Of what was attempted when: peers with something that has waited for `every_ms`, the peer first that was attended to longest ago.
fn in_turn<T>(known: Vec<(Did, u64, T)>, now_ms: u64, every_ms: u64) -> Vec<(Did, Vec<T>)> {
    let mut peers: BTreeMap<Did, (u64, Vec<(u64, T)>)> = BTreeMap::new();
    for (peer, attempted_ms, what) in known {
        // Later than now is what a clock wrote that was ahead.
        let (is_due, at_ms) = match now_ms.checked_sub(attempted_ms) {
            Some(waited) => (waited >= every_ms, attempted_ms),
            None => (true, 0),
        };
        let (latest, waiting) = peers.entry(peer).or_default();
        *latest = at_ms.max(*latest);
        if is_due {
            waiting.push((at_ms, what));
        }
    }
    let mut peers: Vec<_> = peers
        .into_iter()
        .filter(|(_, (_, waiting))| !waiting.is_empty())
        .collect();
    peers.sort_by_key(|(_, (latest, _))| *latest);
    let in_order = |mut waiting: Vec<(u64, T)>| {
        waiting.sort_by_key(|(at_ms, _)| *at_ms);
        waiting.into_iter().map(|(_, what)| what).collect()
    };
    peers
        .into_iter()
        .map(|(peer, (_, waiting))| (peer, in_order(waiting)))
        .collect()
}

/// What `herleid status` says of a peer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Agreements in which the ledgers differed.
    pub(crate) differed: Count,
    /// Agreements that could not be compared the last time.
    pub(crate) unfinished: Count,
    /// How its clock stood to this one when that was seen last.
    pub(crate) clock: Option<Clock>,
}

/// How the clock of a peer stood to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// When that was seen, Unix milliseconds.
    pub(crate) at_ms: u64,
    /// By how much it was ahead, at least and at most, in milliseconds.
    pub(crate) ahead_ms: [Option<i64>; 2],
}

/// Clocks that are nearer than that are nobody's concern.
const APART_MS: i64 = 1_000;

impl Clock {
    /// What a person should know of it, if anything.
    pub(crate) fn said(&self) -> Option<String> {
        match self.ahead_ms {
            // No two clocks that run on are that far apart in both directions.
            [Some(least), Some(most)] if least > most => {
                Some("its clock or this one was changed between two exchanges".to_owned())
            }
            [Some(least), _] if least >= APART_MS => {
                Some(format!("its clock is at least {least} ms ahead of this one"))
            }
            [_, Some(most)] if most <= -APART_MS => Some(format!(
                "its clock is at least {} ms behind this one",
                most.saturating_neg()
            )),
            _ => None,
        }
    }
}

/// How many agreements, and when the last of them was looked at, Unix milliseconds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) agreements: u64,
    pub(crate) at_ms: u64,
}

impl Count {
    fn add(&mut self, at_ms: u64) {
        self.agreements += 1;
        self.at_ms = self.at_ms.max(at_ms);
    }
}

/// What stands between this ledger and those of its peers.
///
/// # Errors
/// When our own state cannot be read.
pub(crate) fn told(node: &Node) -> Result<BTreeMap<Did, Told>, Failure> {
    let mut told: BTreeMap<Did, Told> = BTreeMap::new();
    for (_, last) in node.state.scan::<Last>(RECONCILED)? {
        let of_peer = told.entry(last.peer).or_default();
        if let Some(found) = last.found.as_ref().filter(|_| last.clock_ahead_ms != [None; 2])
            && of_peer.clock.is_none_or(|known| known.at_ms < found.at_ms)
        {
            of_peer.clock = Some(Clock {
                at_ms: found.at_ms,
                ahead_ms: last.clock_ahead_ms,
            });
        }
        if let Some(found) = last.found.filter(|found| found.verdict == Reconciled::Differs) {
            of_peer.differed.add(found.at_ms);
        }
        if last.is_unfinished {
            of_peer.unfinished.add(last.attempted_ms);
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(name: &str) -> Did {
        format!("did:web:{name}.example").parse().unwrap()
    }

    fn turns(known: &[(&str, u64, &'static str)]) -> Vec<(String, Vec<&'static str>)> {
        let known = known
            .iter()
            .map(|(peer, at_ms, what)| (did(peer), *at_ms, *what))
            .collect();
        let turns = in_turn(known, 10_000, 1_000);
        turns.into_iter().map(|(peer, what)| (peer.to_string(), what)).collect()
    }

    #[test]
    fn who_was_attended_to_longest_ago_comes_first() {
        let a = |what: &[&'static str]| (did("a").to_string(), what.to_vec());
        let b = |what: &[&'static str]| (did("b").to_string(), what.to_vec());
        assert_eq!(turns(&[]), []);
        assert_eq!(turns(&[("a", 9_500, "1")]), []);
        assert_eq!(turns(&[("a", 9_000, "1")]), [a(&["1"])]);
        // What a peer has left over waits until others had their turn: many agreements, or slow ones, keep nobody waiting.
        let known = [("a", 1_000, "1"), ("a", 9_900, "2"), ("a", 500, "3"), ("b", 8_000, "4")];
        assert_eq!(turns(&known), [b(&["4"]), a(&["3", "1"])]);
        // A clock that was ahead keeps nothing from its turn.
        assert_eq!(turns(&[("a", 20_000, "1")]), [a(&["1"])]);
    }

    #[test]
    fn only_clocks_that_are_far_apart_are_told_of() {
        let said = |least, most| {
            let clock = Clock {
                at_ms: 1,
                ahead_ms: [least, most],
            };
            clock.said().unwrap_or_default()
        };
        assert!(said(Some(1_000), None).contains("at least 1000 ms ahead"));
        assert!(said(None, Some(-2_000)).contains("at least 2000 ms behind"));
        assert!(said(Some(5), Some(-5)).contains("was changed"));
        for (least, most) in [
            (Some(999), Some(1_001)),
            (None, Some(-999)),
            (Some(-9), None),
            (None, None),
        ] {
            assert_eq!(said(least, most), "");
        }
    }

    #[test]
    fn what_was_found_is_not_forgotten_when_nobody_answers() {
        let caught = Last::met(&did("a"), 1).after(Reconciled::Differs, [Some(1), None], 2);
        let silent = caught.clone().after(Reconciled::Unfinished, [None; 2], 3);
        assert!(silent.is_unfinished);
        assert_eq!(
            (silent.found.clone(), silent.clock_ahead_ms),
            (caught.found, [Some(1), None])
        );
        let honest = silent.after(Reconciled::Same, [None; 2], 4);
        let found = Found {
            at_ms: 4,
            verdict: Reconciled::Same,
        };
        assert_eq!((honest.is_unfinished, honest.found), (false, Some(found)));
    }
}
