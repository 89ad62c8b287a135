//! TLS from PEM files, with rustls over aws-lc-rs: TLS 1.3 and 1.2, nothing older.

use super::error::TlsError;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names of HTTP/2 and HTTP/1.1 in ALPN (RFC 7301, IANA registry).
pub(super) const ALPN_H2: &[u8] = b"h2";
const ALPN_HTTP11: &[u8] = b"http/1.1";

/// TLS for the server: a PEM chain (leaf first) and its PEM key; HTTP/2 and HTTP/1.1 by ALPN, no client certificates.
///
/// # Errors
/// Names the file that is missing, unreadable, empty, or does not match.
pub fn server_config(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates = read_certificates("certificate file", chain)?;
    let bytes = read("key file", key)?;
    let private = PrivateKeyDer::from_pem_slice(&bytes).map_err(|e| TlsError::Content {
        what: "key file",
        path: key.to_owned(),
        why: e.to_string(),
    })?;
    let pair = |e: rustls::Error| TlsError::Pair {
        certificate: chain.to_owned(),
        key: key.to_owned(),
        why: e.to_string(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(pair)?;
    config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP11.to_vec()];
    Ok(Arc::new(config))
}

/// TLS for the client that trusts the authorities in `ca_files` and no others.
///
/// # Errors
/// Names the file that is missing, unreadable or holds no certificate.
pub(super) fn client_config(ca_files: &[PathBuf]) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    for path in ca_files {
        for certificate in read_certificates("CA file", path)? {
            roots.add(certificate).map_err(|e| TlsError::Content {
                what: "CA file",
                path: path.clone(),
                why: e.to_string(),
            })?;
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError::Client { why: e.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP11.to_vec()];
    Ok(config)
}

/// The authorities in `ca_files`, for a client that trusts this machine's too.
///
/// # Errors
/// As [`client_config`].
pub(super) fn extra_authorities(ca_files: &[PathBuf]) -> Result<Vec<reqwest::Certificate>, TlsError> {
    let mut extra = Vec::new();
    for path in ca_files {
        for certificate in read_certificates("CA file", path)? {
            extra.push(
                reqwest::Certificate::from_der(&certificate).map_err(|e| TlsError::Content {
                    what: "CA file",
                    path: path.clone(),
                    why: e.to_string(),
                })?,
            );
        }
    }
    Ok(extra)
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        what,
        path: path.to_owned(),
        source,
    })
}

fn read_certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(what, path)?;
    let content = |why: String| TlsError::Content {
        what,
        path: path.to_owned(),
        why,
    };
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| content(e.to_string()))?;
    if certificates.is_empty() {
        return Err(content("it holds no certificate".to_owned()));
    }
    Ok(certificates)
}
