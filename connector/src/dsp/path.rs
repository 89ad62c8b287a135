//! Endpoints of the HTTPS binding: which one a request means, and the path that a message goes to.
//!
//! Paths are relative to the base of the version (provider) or to the `callbackAddress`; the same paths serve both roles here, and
//! which role is meant follows from the process. Process and dataset ids are one percent-encoded segment.

use super::error::Family;
use super::id::Id;
use std::fmt::Write;

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST catalog/request`; by GET, the links of its pages.
    Catalog,
    /// `GET catalog/datasets/:id`.
    Dataset(Id),
    /// `GET negotiations/:pid`.
    Negotiation(Id),
    /// `POST negotiations/request` or `negotiations/offers`: opens a negotiation.
    OpenNegotiation(NegotiationPost),
    /// `POST negotiations/:pid/...`.
    NegotiationMessage(Id, NegotiationPost),
    /// `GET transfers/:pid`.
    Transfer(Id),
    /// `POST transfers/request`: opens a transfer.
    OpenTransfer,
    /// `POST transfers/:pid/...`.
    TransferMessage(Id, TransferPost),
}

/// What is posted to a negotiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NegotiationPost {
    /// A contract request.
    Request,
    /// A contract offer.
    Offer,
    /// A contract agreement.
    Agreement,
    /// A verification.
    Verification,
    /// An event.
    Event,
    /// A termination.
    Termination,
}

/// What is posted to a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferPost {
    /// A start.
    Start,
    /// A completion.
    Completion,
    /// A suspension.
    Suspension,
    /// A termination.
    Termination,
}

impl Endpoint {
    /// The endpoint of `method` and `path` (below the base, as it stands in the request line, still percent-encoded, without query);
    /// one slash at either end does not matter. `None`: there is no such endpoint.
    #[must_use]
    pub fn find(method: &str, path: &str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        Some(match (method, segments.as_slice()) {
            ("POST" | "GET", ["catalog", "request"]) => Self::Catalog,
            ("GET", ["catalog", "datasets", id]) => Self::Dataset(decode(id)?),
            ("GET", ["negotiations", pid]) => Self::Negotiation(decode(pid)?),
            ("POST", ["negotiations", "request"]) => Self::OpenNegotiation(NegotiationPost::Request),
            ("POST", ["negotiations", "offers"]) => Self::OpenNegotiation(NegotiationPost::Offer),
            ("POST", ["negotiations", pid, rest @ ..]) => {
                let post = match rest {
                    ["request"] => NegotiationPost::Request,
                    ["offers"] => NegotiationPost::Offer,
                    ["agreement"] => NegotiationPost::Agreement,
                    ["agreement", "verification"] => NegotiationPost::Verification,
                    ["events"] => NegotiationPost::Event,
                    ["termination"] => NegotiationPost::Termination,
                    _ => return None,
                };
                Self::NegotiationMessage(decode(pid)?, post)
            }
            ("GET", ["transfers", pid]) => Self::Transfer(decode(pid)?),
            ("POST", ["transfers", "request"]) => Self::OpenTransfer,
            ("POST", ["transfers", pid, last]) => {
                let post = match *last {
                    "start" => TransferPost::Start,
                    "completion" => TransferPost::Completion,
                    "suspension" => TransferPost::Suspension,
                    "termination" => TransferPost::Termination,
                    _ => return None,
                };
                Self::TransferMessage(decode(pid)?, post)
            }
            _ => return None,
        })
    }

    /// Which part of the protocol, and with it which error message.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Catalog | Self::Dataset(_) => Family::Catalog,
            Self::Negotiation(_) | Self::OpenNegotiation(_) | Self::NegotiationMessage(..) => Family::Negotiation,
            Self::Transfer(_) | Self::OpenTransfer | Self::TransferMessage(..) => Family::Transfer,
        }
    }
}

/// Path of the catalogue.
pub const CATALOG: &str = "catalog/request";

/// Path of one dataset.
#[must_use]
pub fn dataset(id: &Id) -> String {
    format!("catalog/datasets/{}", encode(id))
}

/// Path of a process at the end that calls it `pid`.
pub(super) fn process(family: Family, pid: &Id) -> String {
    format!("{}/{}", collection(family), encode(pid))
}

/// Path for a message: to the process that the receiver calls `pid`, or to where processes are opened.
pub(super) fn message(family: Family, pid: Option<&Id>, segment: &str) -> String {
    match pid {
        Some(pid) => format!("{}/{segment}", process(family, pid)),
        None => format!("{}/{segment}", collection(family)),
    }
}

fn collection(family: Family) -> &'static str {
    match family {
        Family::Catalog => "catalog",
        Family::Negotiation => "negotiations",
        Family::Transfer => "transfers",
    }
}

/// One path segment (RFC 3986, 3.3). Only unreserved characters and `:` stay, so a peer's id cannot reach another path.
fn encode(id: &Id) -> String {
    let mut segment = String::with_capacity(id.as_str().len());
    for byte in id.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

fn decode(segment: &str) -> Option<Id> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, after @ ..] = rest {
        rest = if *first == b'%' {
            let [high, low, after @ ..] = after else { return None };
            let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
            bytes.push(digit(high)? << 4 | digit(low)?);
            after
        } else {
            bytes.push(*first);
            after
        };
    }
    String::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }

    #[test]
    fn ids_survive_the_path_and_reach_no_other() {
        for text in [
            "urn:uuid:32541fe6",
            "a/b",
            "../x",
            "ä%2F",
            "a?b#c",
            "did:web:h%3A1",
            "+ü\u{1F600}",
        ] {
            let path = message(Family::Negotiation, Some(&id(text)), "events");
            assert_eq!(
                Endpoint::find("POST", &path),
                Some(Endpoint::NegotiationMessage(id(text), NegotiationPost::Event)),
                "{path}"
            );
            assert_eq!(
                Endpoint::find("GET", &dataset(&id(text))),
                Some(Endpoint::Dataset(id(text)))
            );
        }
        for path in [
            "negotiations/%",
            "negotiations/%2",
            "negotiations/%zz",
            "negotiations/%ff",
            "negotiations/%2e%2E",
            "negotiations//",
        ] {
            assert_eq!(Endpoint::find("GET", path), None, "{path}");
        }
    }

    #[test]
    fn every_endpoint_of_the_binding_is_there() {
        let pid = || id("p");
        for (method, path, endpoint) in [
            ("POST", "/catalog/request", Endpoint::Catalog),
            ("GET", "/catalog/datasets/p", Endpoint::Dataset(pid())),
            ("GET", "/negotiations/p", Endpoint::Negotiation(pid())),
            (
                "POST",
                "/negotiations/request",
                Endpoint::OpenNegotiation(NegotiationPost::Request),
            ),
            (
                "POST",
                "/negotiations/offers/",
                Endpoint::OpenNegotiation(NegotiationPost::Offer),
            ),
            (
                "POST",
                "negotiations/p/request",
                Endpoint::NegotiationMessage(pid(), NegotiationPost::Request),
            ),
            (
                "POST",
                "negotiations/p/offers/",
                Endpoint::NegotiationMessage(pid(), NegotiationPost::Offer),
            ),
            (
                "POST",
                "negotiations/p/agreement",
                Endpoint::NegotiationMessage(pid(), NegotiationPost::Agreement),
            ),
            (
                "POST",
                "negotiations/p/agreement/verification",
                Endpoint::NegotiationMessage(pid(), NegotiationPost::Verification),
            ),
            (
                "POST",
                "negotiations/p/events",
                Endpoint::NegotiationMessage(pid(), NegotiationPost::Event),
            ),
            (
                "POST",
                "negotiations/p/termination",
                Endpoint::NegotiationMessage(pid(), NegotiationPost::Termination),
            ),
            ("GET", "transfers/p", Endpoint::Transfer(pid())),
            ("POST", "transfers/request", Endpoint::OpenTransfer),
            (
                "POST",
                "transfers/p/start",
                Endpoint::TransferMessage(pid(), TransferPost::Start),
            ),
            (
                "POST",
                "transfers/p/completion",
                Endpoint::TransferMessage(pid(), TransferPost::Completion),
            ),
            (
                "POST",
                "transfers/p/suspension",
                Endpoint::TransferMessage(pid(), TransferPost::Suspension),
            ),
            (
                "POST",
                "transfers/p/termination",
                Endpoint::TransferMessage(pid(), TransferPost::Termination),
            ),
        ] {
            assert_eq!(Endpoint::find(method, path), Some(endpoint), "{method} {path}");
        }
        for (method, path) in [
            ("PUT", "catalog/request"),
            ("POST", "transfers/p"),
            ("DELETE", "negotiations/p"),
            ("POST", ""),
            ("GET", "/"),
        ] {
            assert_eq!(Endpoint::find(method, path), None, "{method} {path}");
        }
    }
}
