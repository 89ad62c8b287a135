//! Whom an agreement would be with: the log and the address that its DID document names.

use super::{Due, Kept, peer_base};
use crate::commands::Failure;
use crate::control::error::Code;
use crate::dsp::error::Refusal;
use crate::dsp::message::Cause;
use crate::node::Node;
use crate::state::LogIdentity;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};

/// What keeps this end from going on with a process.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// It may pass: it is tried again later.
    Passing(Refusal),
    /// It lasts: the process is ended, and the other end told why.
    Lasting(Cause),
}

impl From<Refusal> for Obstacle {
    fn from(refusal: Refusal) -> Self {
        Self::Passing(refusal)
    }
}

impl Obstacle {
    /// What is due because of it.
    pub(super) fn due<P: Kept>(self) -> Result<Option<Due<P>>, Refusal> {
        match self {
            Self::Passing(refusal) => Err(refusal),
            Self::Lasting(cause) => Ok(Some(Due::decide(P::terminate(cause)))),
        }
    }

    /// The refusal of the message that it keeps from being taken. Whoever sent it learns what lasts and is for them to mend; what
    /// could not be fetched, and from where, stands in our own log alone.
    pub(super) fn refusal(self) -> Refusal {
        match self {
            Self::Passing(internal @ Refusal::Internal { .. }) => internal,
            Self::Passing(refusal) => {
                tracing::warn!(why = %refusal, "an agreement could not be put on record when it was declared to be in force");
                let why = "the agreement could not be put on record yet".to_owned();
                Refusal::Unavailable { why }
            }
            Self::Lasting(cause) => Refusal::Unusable { why: cause.text() },
        }
    }

    /// A peer that cannot be reached may be reached later; what its document lacks or claims wrongly is for the peer to mend, and to
    /// ask again.
    fn of(failure: &Failure, code: &str) -> Self {
        match failure.code() {
            // An answer that is no answer (a 503, a document cut off) may be right the next time.
            Code::Unreachable | Code::Busy | Code::Failed => Self::Passing(Refusal::Unavailable {
                why: failure.to_string(),
            }),
            _ => Self::Lasting(Cause::new(code, &failure.to_string())),
        }
    }
}

/// The other end of an agreement, as far as both must know it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterparty {
    /// Its log; `None` for a one-sided peer.
    pub(super) log: Option<LogIdentity>,
    /// Where it speaks the Dataspace Protocol (versioned base).
    pub(super) base: String,
}

impl Counterparty {
    /// The log and the address of `did`. Asked for before anything is agreed: an agreement with somebody who has none of them could
    /// neither be recorded nor used.
    ///
    /// # Errors
    /// When its document cannot be had (passing), or names no log of its own or no catalogue (lasting).
    pub(super) async fn of(node: &Node, did: &Did) -> Result<Self, Obstacle> {
        let log = if node.is_one_sided(did) {
            None
        } else {
            let log = crate::consumer::log_of(node, did).await;
            Some(log.map_err(|e| Obstacle::of(&e, "no-log"))?)
        };
        let base = peer_base(node, did).await;
        let base = base.map_err(|e| Obstacle::of(&e, "no-catalogue"))?;
        Ok(Self { log, base })
    }
}

/// Whether the log `origin` lies on the host of `did`: what a `did:web` says of itself is only as good as its host, so it cannot say
/// anything of a log on another one. A `did:key` has no host.
pub(crate) fn lies_on_own_host(did: &Did, origin: &str) -> bool {
    fn host(address: &str) -> &str {
        address.split('/').next().unwrap_or_default()
    }
    match did.web_document_url() {
        Some(url) => {
            let address = url.split_once("://").map_or(url.as_str(), |(_, address)| address);
            host(address).eq_ignore_ascii_case(host(origin))
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::negotiation::{Contract, Decide};

    #[test]
    fn a_log_on_another_host_is_nobodys_own() {
        let own = |did: &str, origin: &str| lies_on_own_host(&did.parse().unwrap(), origin);
        assert!(own("did:web:localhost%3A7101", "localhost:7101/log/1"));
        assert!(own("did:web:knmi.example", "knmi.example/log/2"));
        assert!(own("did:web:host.example:knmi", "host.example/log/1"));
        for (did, origin) in [
            ("did:web:localhost%3A7101", "localhost:7102/log/1"),
            ("did:web:localhost%3A7101", "localhost/log/1"),
            ("did:web:knmi.example", "knmi.example:7101/log/1"),
            ("did:web:knmi.example", "knmi.example.evil.example/log/1"),
            ("did:web:knmi.example", "evil.example/knmi.example/log/1"),
            ("did:web:knmi.example", ""),
        ] {
            assert!(!own(did, origin), "{did} {origin}");
        }
        assert!(own(
            "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
            "any.example/log/1"
        ));
    }

    #[test]
    fn what_may_pass_is_waited_for_and_what_lasts_ends_the_process_with_its_reason() {
        let passing = Obstacle::of(&Failure::unreachable("`a.example` is down"), "no-log");
        assert!(matches!(passing.due::<Contract>(), Err(Refusal::Unavailable { .. })));
        let lasting = Obstacle::of(&Failure::untrusted("it keeps no log"), "no-log");
        let Ok(Some(due)) = lasting.due::<Contract>() else {
            panic!("nothing is due")
        };
        let expected = Decide::Terminate(Cause::new("no-log", "it keeps no log"));
        assert_eq!(due.decision, Some(expected));
    }
}
