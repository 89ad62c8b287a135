//! Key files: made once by `herleid init`, readable by their owner alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_vocab::rim::Entropy;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why the key files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// A file cannot be read or written.
    #[error(
        "the key file `{path}` cannot be {what}: {source}; run `herleid init` in a new directory, or restore the file from your backup"
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// read, written, made.
        what: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Others than the owner may read it.
    #[error(
        "the key file `{path}` is readable by others (mode {mode:o}); expected 600: run `chmod 600 {path}` and consider the key leaked"
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Permission bits found.
        mode: u32,
    },
    /// Its content is not a key.
    #[error("the key file `{path}` holds no key: {why}; restore it from your backup")]
    Content {
        /// Which file.
        path: PathBuf,
        /// What was expected.
        why: String,
    },
}

/// The keys of one connector.
pub struct Secrets {
    /// Signs for the participant (`<did>#key-1`).
    pub identity: SigningKey,
    /// Signs checkpoints, and nothing else: one key, one use (C2SP signed-note).
    pub log: ed25519_dalek::SigningKey,
    /// Signs cosignatures when this connector is a witness.
    pub witness: ed25519_dalek::SigningKey,
    /// Wraps section keys.
    pub kek: Zeroizing<[u8; 32]>,
}

const IDENTITY: &str = "identity.pem";
const LOG: &str = "log.key";
const WITNESS: &str = "witness.key";
const KEK: &str = "sections.key";
/// What the management API asks of its callers.
const MANAGEMENT_TOKEN: &str = "management.token";

/// Makes a token for the management API in `keys`, unless there is one.
///
/// # Errors
/// When it cannot be written.
pub fn make_management_token(keys: &Path, entropy: &dyn Entropy) -> Result<(), SecretsError> {
    let path = keys.join(MANAGEMENT_TOKEN);
    if path.exists() {
        return Ok(());
    }
    let token = Zeroizing::new(entropy.bytes32());
    let text = Zeroizing::new(format!("{}\n", URL_SAFE_NO_PAD.encode(token.as_slice())));
    write_new(&path, text.as_bytes())
}

/// The token for the management API in `keys`: 32 bytes, base64url without padding.
///
/// # Errors
/// When it is missing, exposed to others or no such token.
pub fn management_token(keys: &Path) -> Result<Zeroizing<String>, SecretsError> {
    let path = keys.join(MANAGEMENT_TOKEN);
    let text = read_private(&path)?;
    let token = Zeroizing::new(text.trim().to_owned());
    match URL_SAFE_NO_PAD.decode(token.as_bytes()) {
        Ok(bytes) if bytes.len() == 32 => Ok(token),
        // What is too short could be guessed.
        _ => Err(SecretsError::Content {
            path,
            why: "expected 32 bytes in base64url, 43 characters; remove it, and the next start makes a new one"
                .to_owned(),
        }),
    }
}

impl Secrets {
    /// Makes fresh keys in `directory`; existing ones are never overwritten.
    ///
    /// # Errors
    /// When a file exists or cannot be written.
    pub fn make(directory: &Path, entropy: &dyn Entropy) -> Result<(), SecretsError> {
        fs::create_dir_all(directory).map_err(|source| SecretsError::File {
            path: directory.to_owned(),
            what: "made",
            source,
        })?;
        let pem = SigningKey::generate(Algorithm::EdDsa, entropy).to_pkcs8_pem();
        let pem = pem.map_err(|e| SecretsError::Content {
            path: directory.join(IDENTITY),
            why: e.to_string(),
        })?;
        write_new(&directory.join(IDENTITY), pem.as_bytes())?;
        for name in [LOG, WITNESS, KEK] {
            let key = Zeroizing::new(entropy.bytes32());
            let text = Zeroizing::new(format!("{}\n", hex::encode(key.as_slice())));
            write_new(&directory.join(name), text.as_bytes())?;
        }
        make_management_token(directory, entropy)?;
        let opened = fs::File::open(directory).and_then(|d| d.sync_all());
        opened.map_err(|source| SecretsError::File {
            path: directory.to_owned(),
            what: "synced",
            source,
        })
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// When one is missing, exposed to others or not a key.
    pub fn load(directory: &Path) -> Result<Self, SecretsError> {
        let path = directory.join(IDENTITY);
        let pem = read_private(&path)?;
        let identity = SigningKey::from_pkcs8_pem(&pem).map_err(|e| SecretsError::Content {
            path,
            why: e.to_string(),
        })?;
        Ok(Self {
            identity,
            log: ed25519_dalek::SigningKey::from_bytes(&*read_hex(&directory.join(LOG))?),
            witness: ed25519_dalek::SigningKey::from_bytes(&*read_hex(&directory.join(WITNESS))?),
            kek: read_hex(&directory.join(KEK))?,
        })
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), SecretsError> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| SecretsError::File {
        path: path.to_owned(),
        what: "made",
        source,
    })
}

/// The text of a file that nobody but its owner may read.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<String>, SecretsError> {
    let fail = |source| SecretsError::File {
        path: path.to_owned(),
        what: "read",
        source,
    };
    let mode = fs::metadata(path).map_err(fail)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretsError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(fail)
}

fn read_hex(path: &Path) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
    let text = read_private(path)?;
    let mut key = Zeroizing::new([0u8; 32]);
    hex::decode_to_slice(text.trim(), key.as_mut_slice()).map_err(|_| SecretsError::Content {
        path: path.to_owned(),
        why: "expected 64 hexadecimal digits".to_owned(),
    })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use herleid_vocab::rim::SeededEntropy;

    #[test]
    fn keys_are_private_complete_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let entropy = SeededEntropy::new(1);
        Secrets::make(directory.path(), &entropy).unwrap();
        let first = Secrets::load(directory.path()).unwrap();
        assert_ne!(first.log.to_bytes(), first.witness.to_bytes());
        assert!(matches!(
            Secrets::make(directory.path(), &entropy),
            Err(SecretsError::File { .. })
        ));
        assert_eq!(Secrets::load(directory.path()).unwrap().kek, first.kek);

        let kek = directory.path().join(KEK);
        fs::set_permissions(&kek, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Secrets::load(directory.path()),
            Err(SecretsError::Exposed { mode: 0o644, .. })
        ));
        fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();

        let token = directory.path().join(MANAGEMENT_TOKEN);
        assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(management_token(directory.path()).unwrap().len(), 43);
        for short in ["", "c2hvcnQ", "not base64url, though as long as one is...."] {
            fs::write(&token, short).unwrap();
            assert!(matches!(
                management_token(directory.path()),
                Err(SecretsError::Content { .. })
            ));
        }
        fs::set_permissions(&token, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            management_token(directory.path()),
            Err(SecretsError::Exposed { mode: 0o640, .. })
        ));

        fs::write(&kek, "ab").unwrap();
        assert!(matches!(
            Secrets::load(directory.path()),
            Err(SecretsError::Content { .. })
        ));
    }
}
