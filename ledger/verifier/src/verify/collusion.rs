//! Who would have had to act together for what was verified to be false all the same, and what nobody can find out.

use super::exchanges::Joined;
use super::keys::Keys;
use super::logs::Log;
use super::reason::Reason;
use super::verdict::Collusion;
use herleid_ledger::exchange::Phase;
use std::collections::{BTreeMap, BTreeSet};

/// What no verification can find out, whatever the verdict.
pub(super) fn undetectable() -> Vec<Reason> {
    vec![
        Reason::UnloggedRuns,
        Reason::FalseSource,
        Reason::BothEnds,
        Reason::UnseenTail,
    ]
}

/// One line for each kind of claim and set of parties.
pub(super) fn who(joined: &[Joined<'_>], logs: &BTreeMap<u64, Log>, keys: &Keys<'_>) -> Vec<Collusion> {
    let name = |did: &str| match keys.anchors.and_then(|anchors| anchors.party(did)) {
        Some(party) => format!("{} ({did})", party.name),
        None => did.to_owned(),
    };
    let mut counts: BTreeMap<(&'static str, BTreeSet<String>), u64> = BTreeMap::new();
    for exchange in joined.iter().filter(|exchange| exchange.is_whole) {
        let kind = match exchange.exchange.phase {
            Phase::Pull => "pull",
            Phase::RunRequest | Phase::RunResult => "run",
        };
        let ends = [&exchange.exchange.provider, &exchange.exchange.consumer];
        let who = ends.iter().map(|did| name(did.as_str())).collect();
        *counts.entry((kind, who)).or_default() += 1;
    }
    let mut found: Vec<Collusion> = counts
        .into_iter()
        .map(|((kind, who), count)| Collusion {
            claim: match kind {
                "pull" => Reason::FalsePulls { count },
                _ => Reason::FalseRuns { count },
            },
            who: who.into_iter().collect(),
        })
        .collect();
    for log in logs.values().filter(|log| !log.witnesses.is_empty()) {
        let witnesses = log.witnesses.iter().cloned();
        found.push(Collusion {
            claim: Reason::RewrittenLog {
                origin: log.key.name().to_owned(),
            },
            who: std::iter::once(name(log.did.as_str())).chain(witnesses).collect(),
        });
    }
    found
}
