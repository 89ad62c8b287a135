//! Real TLS on loopback, with certificates made on the spot.

mod client;
mod hostile;
mod server;
mod store;

use super::client::{ClientLimits, ClientSettings, GuardedClient, Response};
use super::error::ClientError;
use super::server::{CancellationToken, Listener, Security, ServerLimits};
use super::tls::server_config;
use axum::Router;
use http::HeaderMap;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// An authority and what it signs, as PEM files in a directory of their own.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) directory: TempDir,
    pub(super) ca_file: PathBuf,
}

/// How a leaf certificate is to be wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Right,
    OtherName,
    Expired,
    NotYetValid,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let ca_file = directory.path().join("ca.pem");
        std::fs::write(&ca_file, certificate.pem()).unwrap();
        Self {
            issuer: Issuer::new(parameters, key),
            directory,
            ca_file,
        }
    }

    /// Paths of chain and key.
    pub(super) fn issue(&self, leaf: Leaf) -> (PathBuf, PathBuf) {
        let names = match leaf {
            Leaf::OtherName => vec!["elsewhere.example".to_owned()],
            _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        };
        let mut parameters = CertificateParams::new(names).unwrap();
        match leaf {
            Leaf::Expired => {
                parameters.not_before = date_time_ymd(2019, 1, 1);
                parameters.not_after = date_time_ymd(2020, 1, 1);
            }
            Leaf::NotYetValid => {
                parameters.not_before = date_time_ymd(2090, 1, 1);
                parameters.not_after = date_time_ymd(2091, 1, 1);
            }
            Leaf::Right | Leaf::OtherName => {}
        }
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let paths = (
            self.directory.path().join("leaf.pem"),
            self.directory.path().join("leaf.key"),
        );
        std::fs::write(&paths.0, certificate.pem()).unwrap();
        std::fs::write(&paths.1, key.serialize_pem()).unwrap();
        paths
    }
}

/// A running server.
pub(super) struct Site {
    pub(super) address: SocketAddr,
    pub(super) stop: CancellationToken,
    pub(super) running: JoinHandle<()>,
}

impl Site {
    pub(super) async fn start(security: Security, router: Router, limits: ServerLimits) -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_address();
        let stop = CancellationToken::new();
        let running = tokio::spawn(listener.serve(security, router, limits, stop.clone()));
        Self { address, stop, running }
    }

    pub(super) async fn tls(authority: &Authority, leaf: Leaf, router: Router) -> Self {
        Self::start(secured(authority, leaf), router, ServerLimits::default()).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.running.abort();
    }
}

pub(super) fn secured(authority: &Authority, leaf: Leaf) -> Security {
    let (chain, key) = authority.issue(leaf);
    Security::Tls(server_config(&chain, &key).unwrap())
}

/// Limits so short that a test of slowness ends soon, and long enough for a busy machine to do what is not slow.
pub(super) fn short() -> ClientLimits {
    ClientLimits {
        connect: Duration::from_secs(20),
        total: Duration::from_secs(20),
        idle: Duration::from_millis(400),
        stream_total: Duration::from_secs(20),
        body_bytes: 1000,
    }
}

pub(super) fn client(authority: &Authority, limits: ClientLimits) -> GuardedClient {
    GuardedClient::new(&ClientSettings {
        ca_files: vec![authority.ca_file.clone()],
        system_authorities_too: false,
        allow_private_addresses: true,
        plain_http_for_development: false,
        limits,
    })
    .unwrap()
}

/// A client that speaks plain HTTP with loopback, for tests of other folders.
pub(crate) fn plain_client() -> GuardedClient {
    // Its roots are read here and now; the file need not outlive this.
    let authority = Authority::new();
    GuardedClient::new(&ClientSettings {
        ca_files: vec![authority.ca_file.clone()],
        system_authorities_too: false,
        allow_private_addresses: true,
        plain_http_for_development: true,
        limits: ClientLimits::default(),
    })
    .unwrap()
}

pub(super) fn patient() -> ClientLimits {
    ClientLimits {
        body_bytes: 1000,
        ..ClientLimits::default()
    }
}

/// `GET` without headers of its own.
pub(super) async fn get(client: &GuardedClient, url: impl AsRef<str>) -> Result<Response, ClientError> {
    client.get_json(url.as_ref(), HeaderMap::new()).await
}
