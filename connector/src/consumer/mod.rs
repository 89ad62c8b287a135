//! What this end takes: data and runs of others, checked and recorded before anybody here gets to use them.

pub mod program;
pub mod pull;
pub(crate) mod receipts;
pub mod run;

use crate::commands::Failure;
use crate::node::Node;
use crate::peers::SuccessionError;
use crate::state::{AgreementEntry, LogIdentity};
use herleid_vocab::did::Did;
use http::{HeaderMap, HeaderName, Method, header};

/// The log that `did` names in its DID document.
///
/// # Errors
/// When the document cannot be had, names no log (a one-sided peer that the configuration does not name), claims one on another host
/// than its own, or names another one than it is known by that is not proved to continue it.
pub async fn log_of(node: &Node, did: &Did) -> Result<LogIdentity, Failure> {
    let document = node.documents.resolve(did).await?;
    let log = document.document().log().map_err(|e| {
        Failure::untrusted(format!("`{did}` keeps no log that this connector can check: {e}")).next(
            "name it under `trust.one_sided` to deal with it all the same; nothing exchanged with it is decision-grade",
        )
    })?;
    if !crate::dsp_shell::lies_on_own_host(did, log.origin()) {
        return Err(Failure::untrusted(format!(
            "`{did}` names the log `{}`, which does not lie on the host of that identifier; expected a log of its own, `<host>[:<port>]/log/<number>`",
            log.origin()
        )));
    }
    let log = LogIdentity {
        did: did.clone(),
        origin: log.origin().to_owned(),
        verifier_key: log.verifier_key().to_owned(),
    };
    match node.peers.take_for_its_log(&log).await {
        Ok(()) => Ok(log),
        Err(error) if error.is_passing() => Err(Failure::unreachable(error)),
        Err(SuccessionError::State(error)) => Err(error.into()),
        Err(error) => Err(Failure::untrusted(error)),
    }
}

/// The log of the other end of an agreement, where what is asked for needs one.
///
/// # Errors
/// When the other end keeps none.
pub(crate) fn log_under<'a>(agreement: &'a AgreementEntry, what: &str) -> Result<&'a LogIdentity, Failure> {
    agreement.other_log.as_ref().ok_or_else(|| {
        Failure::refused(format!(
            "{what} is not possible with `{}`: it keeps no log, so nothing exchanged with it can be proved by the other end",
            agreement.other
        ))
        .next("deal with a participant that keeps a log, or use the data outside recorded runs and decisions")
    })
}

/// What a data-plane request says of itself.
pub(crate) struct Say<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a str,
    pub(crate) token: &'a str,
    pub(crate) transaction: &'a str,
    pub(crate) agreement: &'a str,
    pub(crate) trace: &'a str,
    pub(crate) seen: u64,
    pub(crate) body: &'a [u8],
    /// From which byte on, of what is asked for in part.
    pub(crate) from: Option<u64>,
}

/// The headers of a data-plane request: the provider's token, and our signature (RFC 9421) over what it says.
pub(crate) fn signed_headers(node: &Node, say: &Say<'_>) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| -> Result<(), Failure> {
        headers.insert(HeaderName::from_static(name), crate::node::header(value)?);
        Ok(())
    };
    put("authorization", &format!("Bearer {}", say.token))?;
    put(crate::provider::access::TRANSACTION, say.transaction)?;
    put(crate::provider::access::AGREEMENT, say.agreement)?;
    put("traceparent", say.trace)?;
    put(crate::provider::access::SEEN, &say.seen.to_string())?;
    if let Some(from) = say.from {
        put("range", &format!("bytes={from}-"))?;
    }
    if !say.body.is_empty() {
        put("content-type", "application/json")?;
    }
    node.sign_request(say.method, say.url, &mut headers, say.body)?;
    headers.insert(header::ACCEPT, header::HeaderValue::from_static("*/*"));
    Ok(headers)
}
