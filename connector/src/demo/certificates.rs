//! A certificate authority for one demonstration, and server certificates under it.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Signs the certificates of one demonstration; its key is forgotten when the demonstration ends.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum CertificateError {
    /// The generator refused.
    #[error("a certificate for the demonstration could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// A file could not be written.
    #[error("a certificate for the demonstration could not be written: {0}")]
    Write(#[from] std::io::Error),
}

impl Authority {
    /// Makes a fresh authority.
    ///
    /// # Errors
    /// When the generator refuses.
    pub(super) fn make() -> Result<Self, CertificateError> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Herleid demonstration authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
        })
    }

    /// Writes the authority's certificate.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<(), CertificateError> {
        Ok(fs::write(path, self.issuer.pem())?)
    }

    /// Writes a certificate for `localhost` and its key (mode 600) into `directory`.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub(super) fn issue(&self, directory: &Path) -> Result<(), CertificateError> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        fs::write(directory.join("tls.pem"), certificate.pem())?;
        let path = directory.join("tls.key");
        fs::write(&path, key.serialize_pem())?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?)
    }
}
