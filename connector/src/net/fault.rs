//! From what reqwest, hyper and rustls say to [`ClientError`]: one place, so that "down", "slow" and "forbidden" never mix.

use super::address::{AddressGuard, Rule};
use super::client::{ClientLimits, resolve};
use super::error::{ClientError, Phase, TlsFault};
use http::{HeaderMap, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::CertificateError;
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use url::Url;

/// Why a name gave no address to connect to.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum ResolveFault {
    #[error("{address} is {}", rule.words())]
    Forbidden { address: IpAddr, rule: Rule },
    #[error("{why}")]
    NotFound { why: String },
}

/// The resolver that reqwest asks for every name that is not an address already.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuardedResolver(pub(super) AddressGuard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0;
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let addresses = resolve(name, guard).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// All errors behind `error`, outermost first, looking also inside [`io::Error`] (whose `source` skips what it wraps).
fn chain<'e>(error: &'e (dyn Error + 'static)) -> Vec<&'e (dyn Error + 'static)> {
    let mut found: Vec<&'e (dyn Error + 'static)> = Vec::new();
    let mut next = Some(error);
    // Sixteen levels are more than any of these libraries nest; the bound keeps a cycle from hanging us.
    while let (Some(current), true) = (next, found.len() < 16) {
        found.push(current);
        next = match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => current.source(),
        };
    }
    found
}

fn find<'e, T: Error + 'static>(chain: &[&'e (dyn Error + 'static)]) -> Option<&'e T> {
    chain.iter().find_map(|e| e.downcast_ref::<T>())
}

/// What the innermost error says: the part that a person can act on.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

pub(super) fn slow(host: &str, phase: Phase, limit: Duration) -> ClientError {
    ClientError::Slow {
        host: host.to_owned(),
        phase,
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The named error for what reqwest reports about `host`.
pub(super) fn classify(host: &str, error: &reqwest::Error, limits: &ClientLimits) -> ClientError {
    let chain = chain(error);
    let host = host.to_owned();
    if let Some(fault) = find::<ResolveFault>(&chain) {
        return match fault.clone() {
            ResolveFault::Forbidden { address, rule } => ClientError::ForbiddenAddress { host, address, rule },
            ResolveFault::NotFound { why } => ClientError::NameNotFound { host, why },
        };
    }
    if let Some(tls) = find::<rustls::Error>(&chain) {
        return ClientError::Tls {
            host,
            fault: tls_fault(tls),
        };
    }
    let why = innermost(error);
    if error.is_timeout() {
        return if error.is_connect() {
            slow(&host, Phase::Connect, limits.connect)
        } else {
            slow(&host, Phase::Idle, limits.idle)
        };
    }
    if error.is_connect() || find::<io::Error>(&chain).is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
        return ClientError::Down { host, why };
    }
    ClientError::Broken { host, why }
}

fn tls_fault(error: &rustls::Error) -> TlsFault {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return TlsFault::Other(error.to_string());
    };
    match fault {
        // A bad signature is an impostor who took the name of an authority, but has not its key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFault::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFault::WrongName,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
        CertificateError::Revoked => TlsFault::Revoked,
        other => TlsFault::Other(other.to_string()),
    }
}

/// Where a redirect points, without query and fragment, which may hold secrets.
pub(super) fn location(headers: &HeaderMap) -> String {
    let Some(text) = headers.get(header::LOCATION).and_then(|v| v.to_str().ok()) else {
        return "nowhere".to_owned();
    };
    let bare = match Url::parse(text) {
        Ok(mut url) => {
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        }
        Err(_) => text.split(['?', '#']).next().unwrap_or_default().to_owned(),
    };
    bare.chars().take(200).collect()
}

/// The beginning of a body for a message: at most 500 characters, control characters as spaces.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body)
        .chars()
        .take(500)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.trim().is_empty() {
        "no explanation".to_owned()
    } else {
        text
    }
}
