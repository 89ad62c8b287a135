//! Opens the management API's port, and serves.

use super::{Api, BASE, events, router, token::Token};
use crate::config::{Config, TlsFiles};
use crate::net::error::{ServerError, TlsError};
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use crate::net::tls;
use crate::node::{Node, SecretsError};
use crate::rim::SystemEntropy;
use std::net::SocketAddr;
use std::sync::Arc;

/// Why the management API cannot be had. The service does not start without it: whoever switched it on relies on it.
#[derive(Debug, thiserror::Error)]
pub enum ManagementError {
    /// Its port.
    #[error("the management API: {0}")]
    Listen(#[from] ServerError),
    /// The certificate.
    #[error("the management API: {0}")]
    Tls(#[from] TlsError),
    /// Its token.
    #[error("the management API: {0}")]
    Token(#[from] SecretsError),
    /// No certificate for an address that others can reach.
    #[error(
        "the management API would listen on `{0}` without encryption, and its token could be read on the way; set `listen.tls_certificate` and `listen.tls_key`, or give `management.address` a loopback address such as 127.0.0.1:7199"
    )]
    Plain(SocketAddr),
}

/// How connections to `address` are secured: with the service's certificate, unless nobody but this machine reaches it.
fn security(address: SocketAddr, tls: Option<&TlsFiles>, plain_http: bool) -> Result<Security, ManagementError> {
    match tls {
        _ if address.ip().is_loopback() => Ok(Security::PlainOnLoopback),
        Some(files) => Ok(Security::Tls(tls::server_config(&files.certificate, &files.key)?)),
        None if plain_http => Ok(Security::PlainForDevelopment),
        None => Err(ManagementError::Plain(address)),
    }
}

/// The management API's port, with what is needed to open it; nothing is served yet.
pub struct Door {
    listener: Listener,
    security: Security,
    token: Token,
}

impl Door {
    /// Binds the address that the configuration gives it; `None` when it gives none.
    ///
    /// # Errors
    /// Why the management API cannot be had.
    pub async fn bind(config: &Config) -> Result<Option<Self>, ManagementError> {
        let Some(management) = &config.management else {
            return Ok(None);
        };
        let address = management.address;
        let plain_http = config.development.as_ref().is_some_and(|d| d.plain_http);
        let security = security(address, config.listen.tls.as_ref(), plain_http)?;
        Ok(Some(Self {
            listener: Listener::bind(address).await?,
            security,
            token: Token::of(&config.keys.directory, &SystemEntropy)?,
        }))
    }

    /// Serves until `stop` is cancelled.
    pub async fn serve(self, node: Arc<Node>, stop: CancellationToken) {
        let scheme = match self.security {
            Security::Tls(_) => "https",
            Security::PlainForDevelopment | Security::PlainOnLoopback => "http",
        };
        tracing::info!(address = %format!("{scheme}://{}{BASE}/", self.listener.local_address()), "the management API answers");
        // A handful of people and programs, not the world.
        let limits = ServerLimits {
            connections: 128,
            ..ServerLimits::default()
        };
        let webhooks = match events::Webhooks::start(node.clone(), stop.clone()) {
            Ok(webhooks) => webhooks,
            Err(error) => {
                // Half of an API would look like a whole one.
                tracing::error!(%error, "the management API's subscriptions cannot be read; the service stops");
                stop.cancel();
                return;
            }
        };
        let api = Arc::new(Api {
            node,
            webhooks,
            token: self.token,
            events: events::Streams::default(),
            stop: stop.clone(),
        });
        self.listener.serve(self.security, router(api), limits, stop).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_reach_is_encrypted_or_not_opened() {
        let files = TlsFiles {
            certificate: "there-is-none.pem".into(),
            key: "there-is-none.key".into(),
        };
        for address in ["127.0.0.1:7199", "[::1]:7199", "127.9.9.9:7199"] {
            let address = address.parse().unwrap();
            assert!(matches!(
                security(address, Some(&files), false),
                Ok(Security::PlainOnLoopback)
            ));
            assert!(matches!(security(address, None, false), Ok(Security::PlainOnLoopback)));
        }
        for address in ["0.0.0.0:7199", "[::]:7199", "10.0.0.1:7199", "192.0.2.1:7199"] {
            let address = address.parse().unwrap();
            // With a certificate it is used, so one that cannot be read is an error; it never falls back to none.
            assert!(matches!(
                security(address, Some(&files), true),
                Err(ManagementError::Tls(_))
            ));
            assert!(matches!(security(address, None, false), Err(ManagementError::Plain(_))));
            assert!(matches!(
                security(address, None, true),
                Ok(Security::PlainForDevelopment)
            ));
        }
    }
}
