//! The callers' end of a connection: TLS 1.3 with one cipher, and HTTP/1.1 over it.

use herleid_tests::connector::Tls;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs::{self, cipher_suite::TLS13_AES_256_GCM_SHA384};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// One certificate for everybody on this machine, and who issued it.
pub(crate) struct Certificates {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    authority: PathBuf,
}

impl Certificates {
    pub(crate) fn tls(&self) -> Tls<'_> {
        Tls {
            certificate: &self.certificate,
            key: &self.key,
            authority: &self.authority,
        }
    }
}

/// Makes them in `folder`: ECDSA on P-256.
pub(crate) fn authority(folder: &Path) -> Certificates {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    Certificates {
        certificate: write("tls.pem", leaf.pem()),
        key: write("tls.key", key.serialize_pem()),
        authority: write("ca.pem", issuer.pem()),
    }
}

/// Opens connections that are alike to whomever.
pub(crate) struct Client {
    tls: TlsConnector,
}

/// A connection that is kept.
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
}

impl Client {
    pub(crate) fn trusting(certificates: &Certificates) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(&certificates.authority).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        // One cipher, so that two servers cannot differ in it.
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites = vec![TLS13_AES_256_GCM_SHA384];
        let config = ClientConfig::builder_with_provider(Arc::new(provider));
        let config = config.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    pub(crate) async fn connect(&self, port: u16) -> Connection {
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.tls.connect(name, tcp).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        // It ends when the sender does.
        tokio::spawn(connection);
        Connection { sender }
    }
}

impl Connection {
    /// One request; the next one waits until its answer has been read.
    pub(crate) async fn send(&mut self, request: Request<Empty<Bytes>>) -> Response<Incoming> {
        self.sender.ready().await.unwrap();
        self.sender.send_request(request).await.unwrap()
    }
}
