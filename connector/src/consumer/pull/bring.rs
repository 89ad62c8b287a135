//! One pull under an agreement of ours: access is asked for, used and given back; asked for anew when it ends before the pull does.

use super::fetch::{Coming, Stop, attempts};
use super::kept::{self, InHand};
use super::{Source, finish, one_sided};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::dsp::catalog::HTTP_PULL;
use crate::dsp_shell::Access;
use crate::node::Node;
use crate::state::{AgreementEntry, Declares, PullEntry};
use std::sync::Arc;
use url::Url;

/// How often access is asked for in one pull without anything having come in between.
const IN_VAIN: usize = 2;

/// What a pull under an agreement of ours is to bring; version and digest, when they are known beforehand.
pub(in crate::consumer) struct Wanted<'a> {
    pub(in crate::consumer) agreement: &'a AgreementEntry,
    pub(in crate::consumer) declares: &'a Declares,
    pub(in crate::consumer) version: Option<String>,
    pub(in crate::consumer) sha256: Option<String>,
    /// Path and query of an API.
    pub(in crate::consumer) resource: Option<&'a str>,
}

/// Pulls in a transaction of its own, or goes on with one that broke off: what has come is not fetched again, and counts once.
pub(in crate::consumer) async fn bring(
    node: &Arc<Node>,
    wanted: Wanted<'_>,
    progress: &Progress,
    trace: &str,
) -> Result<(PullEntry, u64), Failure> {
    let agreement = wanted.agreement;
    let log = match (agreement.other_log.clone(), wanted.resource) {
        (Some(log), _) => log,
        (None, None) => return one_sided::bring(node, &wanted, progress, trace).await,
        (None, Some(_)) => {
            let text = format!(
                "`{}` keeps no log, and answers of an API come with a receipt; leave --resource out",
                agreement.other
            );
            return Err(Failure::usage(text));
        }
    };
    let key = kept::key(&agreement.id, wanted.declares);
    // Answers of an API have no parts, and what is to be a certain version may not go on with another one.
    let goes_on = wanted.resource.is_none() && wanted.version.is_none() && wanted.sha256.is_none();
    let before = if goes_on { kept::find(node, &key)? } else { None };
    let before = before.and_then(|kept| Some((InHand::take(&kept.transaction)?, kept)));
    let (transaction, in_hand) = match &before {
        Some((_, kept)) => (kept.transaction.clone(), None),
        None => {
            let fresh = node.fresh_id();
            let in_hand = InHand::take(&fresh);
            (fresh, in_hand)
        }
    };
    let mut source = Source {
        provider: agreement.other.clone(),
        log,
        base: String::new(),
        url: String::new(),
        token: String::new(),
        agreement: agreement.id.clone(),
        dataset: agreement.target.clone(),
        version: wanted.version.clone(),
        sha256: wanted.sha256.clone(),
        transaction,
        limit_bytes: node.config.limits.payload_bytes,
        run_input: false,
        kept: None,
    };
    // Somebody else who pulls the same has the key.
    let is_free = before.is_some() || kept::find(node, &key)?.is_none();
    let mut coming = if goes_on && is_free {
        source.kept = Some(key);
        Coming::going_on(node, &source, before.as_ref().map(|(_, kept)| kept))?
    } else {
        Coming::new(node)?
    };
    let (mut access, mut in_vain) = (access(node, &wanted).await?, 0);
    loop {
        source.base = access.base();
        source.url = address(&access.endpoint, wanted.resource)?;
        source.token.clone_from(&access.token);
        let had = coming.bytes();
        let stopped = match attempts(node, &mut source, &mut coming, progress, trace).await {
            Ok(()) => {
                let pulled = finish::finish(node, &source, coming, trace).await;
                node.negotiator.complete_transfer(node, &access).await;
                drop((before, in_hand));
                return pulled;
            }
            Err(stopped) => stopped,
        };
        in_vain = if coming.bytes() > had { 0 } else { in_vain + 1 };
        let failure = match stopped {
            Stop::Access(failure) => failure,
            Stop::Final(failure) => {
                node.negotiator.complete_transfer(node, &access).await;
                coming.leave(node, &source)?;
                return Err(failure);
            }
        };
        // Held back for now: it goes on with the same access when it goes on.
        if let Some(again) = node
            .negotiator
            .after_suspension(node, &access, coming.bytes() > 0)
            .await?
        {
            access = again;
            continue;
        }
        node.negotiator.complete_transfer(node, &access).await;
        if coming.bytes() == 0 || in_vain >= IN_VAIN {
            coming.leave(node, &source)?;
            return Err(failure);
        }
        access = self::access(node, &wanted).await?;
    }
}

async fn access(node: &Arc<Node>, wanted: &Wanted<'_>) -> Result<Access, Failure> {
    let format = HTTP_PULL;
    node.negotiator
        .start_transfer(node, wanted.agreement, format, wanted.declares)
        .await
}

/// Where it is fetched: the address that was given, and what is wanted within it.
fn address(endpoint: &str, resource: Option<&str>) -> Result<String, Failure> {
    let Some(resource) = resource else {
        return Ok(endpoint.to_owned());
    };
    let within = format!("{}/", endpoint.trim_end_matches('/'));
    let url = Url::parse(&format!("{within}{resource}"));
    match url {
        Ok(url) if url.as_str().starts_with(&within) && url.fragment().is_none() => Ok(url.into()),
        _ => Err(Failure::usage(format!(
            "`{resource}` cannot be asked for; expected a path and query such as `collections/rain/items?limit=10`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_lies_within_what_was_given() {
        let endpoint = "https://a.example/data/g";
        assert_eq!(address(endpoint, None).unwrap(), endpoint);
        let full = address(endpoint, Some("collections/rain/items?limit=1&bbox=1,2")).unwrap();
        assert_eq!(full, "https://a.example/data/g/collections/rain/items?limit=1&bbox=1,2");
        for resource in ["../h", "a/../../h", "a#b", "%2e%2e/h"] {
            assert!(address(endpoint, Some(resource)).is_err(), "{resource}");
        }
    }
}
