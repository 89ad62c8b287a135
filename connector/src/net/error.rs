//! What can go wrong on the network, kept apart so that a person knows who must act.

use super::address::Rule;
use crate::control::error::Code;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Why a request to another host gave no usable answer. Hosts are `name` or `name:port`; never a path or a query, which may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not a URL that may be called.
    #[error("`{url}` cannot be called: {why}; expected `https://<host>[:<port>]/...` without user name or password")]
    Url {
        /// As given, cut at its first `?`.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Plain HTTP outside of development.
    #[error("`{host}` is to be called over `{scheme}`: only `https` is used (plain `http` only with `--development`)")]
    Scheme {
        /// Host of the URL.
        host: String,
        /// Scheme found.
        scheme: String,
    },
    /// The address guard refused.
    #[error(
        "`{host}` leads to {address}, {}, which this connector does not call: if that is a peer of yours, set \
         `allow_private_addresses` in `[network]` of herleid.toml, otherwise have the peer publish a public address", rule.words()
    )]
    ForbiddenAddress {
        /// Host of the URL.
        host: String,
        /// The address that the name led to.
        address: IpAddr,
        /// The rule.
        rule: Rule,
    },
    /// The name has no address.
    #[error("`{host}` has no address ({why}): check the spelling and this machine's DNS")]
    NameNotFound {
        /// Host of the URL.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// Nobody listens, or the connection broke.
    #[error("`{host}` is down or cannot be reached: {why}")]
    Down {
        /// Host of the URL.
        host: String,
        /// What the operating system or HTTP said.
        why: String,
    },
    /// A time limit passed.
    #[error("`{host}` is too slow: {phase} took longer than {limit_ms} ms")]
    Slow {
        /// Host of the URL.
        host: String,
        /// What was waited for.
        phase: Phase,
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The TLS handshake failed.
    #[error("`{host}` did not prove that it is `{host}`: {fault}")]
    Tls {
        /// Host of the URL.
        host: String,
        /// In what way.
        fault: TlsFault,
    },
    /// An answer that sends us elsewhere; never followed, or a peer could send us past the guard.
    #[error(
        "`{host}` answered with a redirect ({status}) to `{to}`; redirects are not followed: use the right address"
    )]
    Redirect {
        /// Host of the URL.
        host: String,
        /// 3xx.
        status: u16,
        /// Scheme, host and path of the `Location`, at most 200 characters.
        to: String,
    },
    /// Not a 2xx answer, where the caller asked for one.
    #[error("`{host}` answered with HTTP status {status}: {excerpt}")]
    Status {
        /// Host of the URL.
        host: String,
        /// HTTP status as it came, never relabelled.
        status: u16,
        /// First 500 characters of the body, without control characters.
        excerpt: String,
    },
    /// The body is longer than allowed; reading stopped there.
    #[error("`{host}` sent more than the {limit_bytes} bytes that are read of such an answer")]
    TooBig {
        /// Host of the URL.
        host: String,
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The connection ended before the body did, or what came is not HTTP.
    #[error("the answer of `{host}` broke off or is not HTTP: {why}")]
    Broken {
        /// Host of the URL.
        host: String,
        /// What HTTP said.
        why: String,
    },
    /// The body is not the JSON that was asked for.
    #[error("the answer of `{host}` cannot be used: {why}")]
    NotJson {
        /// Host of the URL.
        host: String,
        /// What and where.
        why: herleid_vocab::json::JsonError,
    },
}

impl ClientError {
    /// What kind of failure it is, in words that may be told to anybody: no address, no status, nothing of what came back.
    /// Whoever chose the URL could otherwise look around by it in our network.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Url { .. } | Self::Scheme { .. } | Self::ForbiddenAddress { .. } => "its address may not be called",
            Self::NameNotFound { .. } | Self::Down { .. } | Self::Slow { .. } | Self::Tls { .. } => {
                "its host could not be reached safely"
            }
            Self::Redirect { .. }
            | Self::Status { .. }
            | Self::TooBig { .. }
            | Self::Broken { .. }
            | Self::NotJson { .. } => "its host gave no usable answer",
        }
    }

    /// Whether the same call may work in a while, with nothing changed by anybody: the host is down or slow, or says itself that
    /// it is not the request's fault, or not the moment.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::NameNotFound { .. } | Self::Down { .. } | Self::Slow { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Url { .. }
            | Self::Scheme { .. }
            | Self::ForbiddenAddress { .. }
            | Self::Tls { .. }
            | Self::Redirect { .. }
            | Self::TooBig { .. }
            | Self::NotJson { .. } => false,
        }
    }

    /// Which kind of failure it is for whoever gave a command that needed the answer.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Url { .. } => Code::Usage,
            Self::Scheme { .. } | Self::ForbiddenAddress { .. } => Code::Configuration,
            Self::NameNotFound { .. } | Self::Down { .. } | Self::Slow { .. } => Code::Unreachable,
            Self::Tls { .. } => Code::Untrusted,
            Self::Redirect { .. }
            | Self::Status { .. }
            | Self::TooBig { .. }
            | Self::Broken { .. }
            | Self::NotJson { .. } => Code::Failed,
        }
    }
}

/// What was being waited for when a time limit passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Finding the name, connecting, the TLS handshake.
    Connect,
    /// The whole exchange.
    Total,
    /// The next byte.
    Idle,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Total => "the whole answer",
            Self::Idle => "the next part of the answer",
        })
    }
}

/// In what way a certificate failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// No trusted authority stands behind it.
    #[error(
        "its certificate is not from an authority that this connector trusts; add its CA file to `tls_ca` in `[trust]` of herleid.toml if it should be"
    )]
    UnknownIssuer,
    /// Another name stands in it.
    #[error("its certificate is for another name")]
    WrongName,
    /// Its time is over.
    #[error("its certificate has expired")]
    Expired,
    /// Its time has not begun.
    #[error("its certificate is not valid yet (or this machine's clock is behind)")]
    NotYetValid,
    /// Withdrawn by its authority.
    #[error("its certificate was revoked")]
    Revoked,
    /// Anything else.
    #[error("the TLS handshake failed: {0}")]
    Other(String),
}

/// Why TLS or the client could not be set up from what the configuration names.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file could not be read.
    #[error("the {what} `{path}` cannot be read: {source}")]
    Read {
        /// Certificate, key or CA file.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// From the operating system.
        source: std::io::Error,
    },
    /// The file holds none, or is not PEM.
    #[error("the {what} `{path}` is not usable: {why}; expected PEM text (`-----BEGIN ...-----`)")]
    Content {
        /// Certificate, key or CA file.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Certificate and key are no pair, or of a kind that TLS 1.2 and 1.3 do not know.
    #[error("the certificate `{certificate}` and the key `{key}` cannot be used together: {why}")]
    Pair {
        /// Path of the certificate chain.
        certificate: PathBuf,
        /// Path of the key.
        key: PathBuf,
        /// What rustls said.
        why: String,
    },
    /// No roots, or a setting that the client cannot have.
    #[error(
        "the outbound HTTPS client cannot be set up: {why}; name the authorities' files in `tls_ca` of `[trust]`, or install this \
         machine's own (Debian: package `ca-certificates`)"
    )]
    Client {
        /// What the client library said.
        why: String,
    },
}

/// Why the server could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Somebody else listens there.
    #[error(
        "port {} of `{}` is in use by another program: stop that one (`ss -ltnp 'sport = :{}'` shows it) or set another `address` in `[listen]` of herleid.toml",
        address.port(), address.ip(), address.port()
    )]
    PortInUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// Ports below 1024 are for the administrator.
    #[error(
        "port {} of `{}` may not be used by this user: choose a port from 1024 on, or give the program the capability CAP_NET_BIND_SERVICE",
        address.port(), address.ip()
    )]
    NotPermitted {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The machine does not have that address.
    #[error("this machine has no address `{}`: set `address` in `[listen]` to one that `ip address` shows, or to 0.0.0.0", address.ip())]
    NoSuchAddress {
        /// The address asked for.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// From the operating system.
        source: std::io::Error,
    },
}
