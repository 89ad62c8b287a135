//! The one outbound HTTP client: every DID document, status list, protocol message and pull goes through it.
//!
//! `https` only (plain `http` in development), no redirects, no proxy from the environment, no compression; the address
//! connected to passes the [`AddressGuard`]; connecting, the whole exchange and each pause are limited in time, and what
//! is read in bytes. A peer can be down, slow, hostile or mistaken, and the caller can tell which.

use super::address::AddressGuard;
pub use super::answer::{Response, Streaming};
use super::error::{ClientError, Phase, TlsError};
use super::fault;
use super::tls;
use bytes::Bytes;
use futures_util::stream::StreamExt;
use http::{HeaderMap, Method, StatusCode, header};
use rustls::pki_types::DnsName;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;
use url::{Host, Url};

/// How long and how much the client waits for and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Finding the name, connecting and the TLS handshake.
    pub connect: Duration,
    /// A whole exchange of messages, from call to last byte.
    pub total: Duration,
    /// The longest pause between two parts of an answer.
    pub idle: Duration,
    /// A whole stream, from call to last byte.
    pub stream_total: Duration,
    /// Bytes of an answer that is not a stream.
    pub body_bytes: u64,
}

impl Default for ClientLimits {
    /// A message is at most 1 MiB to the parser; 4 MiB leaves room for catalogues and says "too big" instead of "broken".
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
            idle: Duration::from_secs(20),
            stream_total: Duration::from_secs(24 * 3600),
            body_bytes: 4 << 20,
        }
    }
}

/// What the configuration says about outbound calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientSettings {
    /// PEM files of the authorities to trust; empty: those of this machine.
    pub ca_files: Vec<PathBuf>,
    /// Trust this machine's authorities beside `ca_files`; without files they are trusted anyway.
    pub system_authorities_too: bool,
    /// Allow loopback, private and link-local addresses (a demonstration on one machine, peers inside one network).
    pub allow_private_addresses: bool,
    /// Allow plain `http`; the caller sees to it that `--development` was given.
    pub plain_http_for_development: bool,
    /// Time and size limits.
    pub limits: ClientLimits,
}

/// How long and how much one call may take whose answer is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// From call to last byte.
    pub total: Duration,
    /// Bytes of an answer that says that it worked; an explanation of a failure is read as a message is.
    pub body_bytes: u64,
}

/// The guarded client; cheap to clone, connections are kept and shared.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    pub(super) http: reqwest::Client,
    /// Waits for the beginning of an answer as long as the whole call may last.
    pub(super) patient: reqwest::Client,
    guard: AddressGuard,
    plain_http: bool,
    pub(super) limits: ClientLimits,
}

impl GuardedClient {
    /// Sets the client up; reads the CA files.
    ///
    /// # Errors
    /// A CA file is missing or unusable, or this machine has no roots of its own.
    pub fn new(settings: &ClientSettings) -> Result<Self, TlsError> {
        let guard = AddressGuard {
            allow_private: settings.allow_private_addresses,
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|e| TlsError::Client {
                why: fault::innermost(&e),
            })
        };
        Ok(Self {
            http: build(builder(settings, guard)?.read_timeout(settings.limits.idle))?,
            patient: build(builder(settings, guard)?)?,
            guard,
            plain_http: settings.plain_http_for_development,
            limits: settings.limits,
        })
    }

    /// `GET` with `Accept: application/json` unless `headers` say otherwise.
    ///
    /// # Errors
    /// See [`ClientError`]; a status that is no redirect is not an error here ([`Response::success`]).
    pub async fn get_json(&self, url: &str, headers: HeaderMap) -> Result<Response, ClientError> {
        self.message(Method::GET, url, headers, Bytes::new()).await
    }

    /// `POST` of `body` with `Content-Type` and `Accept: application/json` unless `headers` say otherwise.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn post_json(&self, url: &str, mut headers: HeaderMap, body: Bytes) -> Result<Response, ClientError> {
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert(header::HeaderValue::from_static("application/json"));
        self.message(Method::POST, url, headers, body).await
    }

    /// Any method; the answer is read whole.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn message(
        &self,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, ClientError> {
        headers
            .entry(header::ACCEPT)
            .or_insert(header::HeaderValue::from_static("application/json"));
        let terms = Terms {
            http: &self.http,
            total: self.limits.total,
            bytes: self.limits.body_bytes,
        };
        self.open(terms, method, url, headers, some(body)).await?.whole().await
    }

    /// Sends a body that is made while it leaves; until the answer begins, only a whole stream's time bounds the waiting: whoever makes
    /// the body sees whether it is taken. `headers` say how long it is, if that is known.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn send_stream(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: reqwest::Body,
    ) -> Result<Streaming, ClientError> {
        let terms = Terms {
            http: &self.patient,
            total: self.limits.stream_total,
            // Who sends asks for the status: a long answer says it as well as a short one. What is read of it has the usual limit.
            bytes: u64::MAX,
        };
        let mut answer = self.open(terms, method, url, headers, Some(body)).await?;
        answer.limit_bytes = self.limits.body_bytes;
        Ok(answer)
    }

    /// How long an exchange of messages may take.
    #[must_use]
    pub fn message_time(&self) -> Duration {
        self.limits.total
    }

    /// `POST` whose answer may be long, and long in coming: the other end computes before it says anything. Until the answer
    /// begins only `within.total` bounds the waiting; afterwards its pauses are bounded too.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn post_within(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        within: CallLimits,
    ) -> Result<Response, ClientError> {
        let terms = Terms {
            http: &self.patient,
            total: within.total,
            bytes: within.body_bytes,
        };
        let mut answer = self.open(terms, Method::POST, url, headers, some(body)).await?;
        if answer.status.is_success() {
            answer.limits.body_bytes = within.body_bytes;
        }
        answer.whole().await
    }

    /// `GET` whose answer is read in parts, at most `limit_bytes` of it.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn get_stream(&self, url: &str, headers: HeaderMap, limit_bytes: u64) -> Result<Streaming, ClientError> {
        let terms = Terms {
            http: &self.http,
            total: self.limits.stream_total,
            bytes: limit_bytes,
        };
        self.open(terms, Method::GET, url, headers, None).await
    }

    pub(super) async fn open(
        &self,
        terms: Terms<'_>,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<reqwest::Body>,
    ) -> Result<Streaming, ClientError> {
        let (time_limit, limit_bytes) = (terms.total, terms.bytes);
        let (url, host) = self.admit(url)?;
        let mut deadline = Box::pin(sleep(time_limit));
        let mut request = terms.http.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let sent = tokio::select! {
            sent = request.send() => sent,
            () = deadline.as_mut() => return Err(fault::slow(&host, Phase::Total, time_limit)),
        };
        let response = sent.map_err(|e| fault::classify(&host, &e, &self.limits))?;
        if response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED {
            return Err(ClientError::Redirect {
                host,
                status: response.status().as_u16(),
                to: fault::location(response.headers()),
            });
        }
        let stated_bytes = response.content_length();
        if stated_bytes.is_some_and(|stated| stated > limit_bytes) {
            return Err(ClientError::TooBig { host, limit_bytes });
        }
        Ok(Streaming {
            status: response.status(),
            headers: response.headers().clone(),
            stated_bytes,
            host,
            body: response.bytes_stream().boxed(),
            deadline,
            time_limit,
            limits: self.limits,
            limit_bytes,
            read: 0,
        })
    }

    /// The URL, if it may be called at all. A literal address is checked here, since no resolver is asked for it.
    pub(super) fn admit(&self, text: &str) -> Result<(Url, String), ClientError> {
        let refuse = |why: String| ClientError::Url {
            url: text
                .split(['?', '#'])
                .next()
                .unwrap_or_default()
                .chars()
                .take(200)
                .collect(),
            why,
        };
        let url = Url::parse(text).map_err(|e| refuse(e.to_string()))?;
        let Some(parsed) = url.host() else {
            return Err(refuse("it names no host".to_owned()));
        };
        let host = match url.port() {
            Some(port) => format!("{parsed}:{port}"),
            None => parsed.to_string(),
        };
        if !(url.scheme() == "https" || (self.plain_http && url.scheme() == "http")) {
            let scheme = url.scheme().to_owned();
            return Err(ClientError::Scheme { host, scheme });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ClientError::Url {
                url: host,
                why: "it holds a user name or a password".to_owned(),
            });
        }
        let literal = match parsed {
            Host::Ipv4(v4) => Some(IpAddr::V4(v4)),
            Host::Ipv6(v6) => Some(IpAddr::V6(v6)),
            Host::Domain(name) if url.scheme() == "https" && DnsName::try_from(name).is_err() => {
                return Err(refuse(
                    "its host is not a name that a certificate can be for".to_owned(),
                ));
            }
            Host::Domain(_) => None,
        };
        if let Some(address) = literal {
            self.guard
                .check(address)
                .map_err(|rule| ClientError::ForbiddenAddress {
                    host: host.clone(),
                    address,
                    rule,
                })?;
        }
        Ok((url, host))
    }
}

/// A body, if there is one.
fn some(body: Bytes) -> Option<reqwest::Body> {
    (!body.is_empty()).then(|| body.into())
}

/// By which connections a call is made, and within what.
pub(super) struct Terms<'a> {
    pub(super) http: &'a reqwest::Client,
    pub(super) total: Duration,
    pub(super) bytes: u64,
}

/// What both kinds of connections have in common.
fn builder(settings: &ClientSettings, guard: AddressGuard) -> Result<reqwest::ClientBuilder, TlsError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("herleid/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // A proxy would connect for us, past the guard; the environment does not get to decide that.
        .no_proxy()
        .https_only(!settings.plain_http_for_development)
        .dns_resolver(fault::GuardedResolver(guard))
        .connect_timeout(settings.limits.connect)
        .pool_idle_timeout(Duration::from_secs(10));
    Ok(if settings.system_authorities_too {
        builder.tls_certs_merge(tls::extra_authorities(&settings.ca_files)?)
    } else if settings.ca_files.is_empty() {
        builder
    } else {
        builder.tls_backend_preconfigured(tls::client_config(&settings.ca_files)?)
    })
}

/// Resolves with the system's resolver and hands on only what the guard lets through, so that the address checked is the
/// address connected to.
pub(super) async fn resolve(name: String, guard: AddressGuard) -> Result<Vec<SocketAddr>, fault::ResolveFault> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0))
        .await
        .map_err(|e| fault::ResolveFault::NotFound { why: e.to_string() })?
        .collect();
    let mut allowed = Vec::new();
    let mut refused = None;
    for address in found {
        match guard.check(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(rule) => refused = Some((address.ip(), rule)),
        }
    }
    match (allowed.is_empty(), refused) {
        (false, _) => Ok(allowed),
        (true, Some((address, rule))) => Err(fault::ResolveFault::Forbidden { address, rule }),
        (true, None) => Err(fault::ResolveFault::NotFound {
            why: "the resolver gave no address".to_owned(),
        }),
    }
}
