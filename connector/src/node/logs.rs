//! Whose log an origin is.

use crate::dsp_shell::lies_on_own_host;
use crate::state::LogIdentity;
use herleid_vocab::did::Did;
use std::collections::{BTreeMap, BTreeSet};

/// The logs by origin. Where several participants claim one, the one whose host it lies on has it; the others are passed
/// over, and said so: a participant must not be able to put its own key in the place of another's by claiming its origin.
/// Where several share that host too, nobody has it.
pub(super) fn by_origin(logs: impl Iterator<Item = LogIdentity>) -> BTreeMap<String, LogIdentity> {
    let mut claims: BTreeMap<String, Vec<LogIdentity>> = BTreeMap::new();
    for log in logs {
        claims.entry(log.origin.clone()).or_default().push(log);
    }
    let mut found = BTreeMap::new();
    for (origin, mut claims) in claims {
        let owners: BTreeSet<Did> = claims.iter().map(|log| log.did.clone()).collect();
        if owners.len() > 1 {
            tracing::warn!(%origin, ?owners, "several participants say that this log is theirs; only the one on whose host it lies is believed");
            // A `did:key` has no host on which anything could lie.
            claims.retain(|log| log.did.web_document_url().is_some() && lies_on_own_host(&log.did, &origin));
            let owners: BTreeSet<Did> = claims.iter().map(|log| log.did.clone()).collect();
            if owners.len() > 1 {
                claims.clear();
            }
        }
        // Of one participant's claims the last counts, as ever.
        if let Some(log) = claims.pop() {
            found.insert(origin, log);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(did: &str, origin: &str) -> LogIdentity {
        LogIdentity {
            did: did.parse().unwrap(),
            origin: origin.to_owned(),
            verifier_key: format!("key of {did}"),
        }
    }

    #[test]
    fn who_claims_anothers_origin_does_not_get_it_in_either_order() {
        let (owner, thief) = (
            log("did:web:a.example%3A7101", "a.example:7101/log/1"),
            log("did:web:b.example", "a.example:7101/log/1"),
        );
        for both in [[owner.clone(), thief.clone()], [thief.clone(), owner.clone()]] {
            let found = by_origin(both.into_iter());
            assert_eq!(found.get(&owner.origin), Some(&owner));
        }
        let other = log("did:web:c.example", "a.example:7101/log/1");
        assert!(by_origin([thief.clone(), other].into_iter()).is_empty());
        let neighbour = log("did:web:a.example%3A7101:path", "a.example:7101/log/1");
        assert!(by_origin([owner, neighbour].into_iter()).is_empty());
        // Alone it has what its document says: a log may lie on another host than its owner's document.
        assert_eq!(by_origin([thief].into_iter()).len(), 1);
    }
}
