//! What a log needs to be opened.

use crate::error::LedgerError;
use crate::note::{Algorithm, Verifier};
use ed25519_dalek::SigningKey;
use herleid_vocab::did::Did;
use herleid_vocab::rim::{Clock, Entropy};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Which witnesses count, and how many of them make a checkpoint *cosigned*. Part of a log's first record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessPolicy {
    quorum: usize,
    witnesses: Vec<Verifier>,
}

impl WitnessPolicy {
    /// `quorum` of these witnesses.
    ///
    /// # Errors
    /// When a key is not a witness's, one stands there twice, or there are fewer than the quorum.
    pub fn new(quorum: usize, witnesses: Vec<Verifier>) -> Result<Self, LedgerError> {
        let wrong = |why: String| LedgerError::Option {
            option: "witness_policy",
            why,
        };
        if quorum > witnesses.len() {
            return Err(wrong(format!(
                "{quorum} witnesses are asked for, {} are named",
                witnesses.len()
            )));
        }
        for (place, witness) in witnesses.iter().enumerate() {
            if witness.algorithm() != Algorithm::CosignatureV1 {
                return Err(wrong(format!("`{witness}` is not a witness's key (type 0x04)")));
            }
            let same = |other: &Verifier| other.name() == witness.name() || other.public_key() == witness.public_key();
            if witnesses.iter().take(place).any(same) {
                return Err(wrong(format!(
                    "the witness `{}` or its key stands there twice",
                    witness.name()
                )));
            }
        }
        Ok(Self { quorum, witnesses })
    }

    /// No witnesses: nothing ever counts as cosigned.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            quorum: 0,
            witnesses: Vec::new(),
        }
    }

    /// How many witnesses are enough.
    #[must_use]
    pub const fn quorum(&self) -> usize {
        self.quorum
    }

    /// The witnesses' keys.
    #[must_use]
    pub fn witnesses(&self) -> &[Verifier] {
        &self.witnesses
    }

    /// Whether this many witnesses make a checkpoint cosigned: at least one, also for a quorum of 0.
    pub(crate) const fn is_met_by(&self, count: usize) -> bool {
        count >= self.quorum && count > 0
    }
}

/// What a log needs to be opened.
#[derive(Clone)]
pub struct Options {
    /// The log's directory; made when it is not there.
    pub dir: PathBuf,
    /// Origin: `<host>[:<port>]/log/<k>`, k from 1.
    pub origin: String,
    /// Owner.
    pub party: Did,
    /// Whether a development shortcut is on; stands in every record.
    pub development: bool,
    /// The log's key. Used for nothing but this log's checkpoints.
    pub signing_key: SigningKey,
    /// Key-encryption key: wraps the keys of the sections.
    pub kek: [u8; 32],
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives keys, ids and salts.
    pub entropy: Arc<dyn Entropy>,
    /// Which witnesses count.
    pub witness_policy: WitnessPolicy,
    /// Called with the reason when a write or a sync failed; [`fatal_abort`] outside of tests.
    pub on_fatal: fn(&str) -> !,
}

/// Says why on standard error and ends the process at once: after a failed sync nobody knows what the disk holds
/// (the kernel may have dropped the pages), so nothing more may be written, signed or answered.
pub fn fatal_abort(reason: &str) -> ! {
    // `eprintln!` would panic where nothing can be written, on the same full disk for one; the process has to end all the same.
    let _ = writeln!(std::io::stderr(), "herleid: {reason}");
    std::process::abort()
}

/// Checks an origin (docs/log-format.md, section 1).
pub(crate) fn check_origin(origin: &str) -> Result<(), LedgerError> {
    let wrong = |why: &str| LedgerError::Option {
        option: "origin",
        why: format!("`{origin}` {why}; expected `<host>[:<port>]/log/<k>` with k from 1, as in `knmi.example/log/1`"),
    };
    let (host, number) = origin
        .rsplit_once("/log/")
        .ok_or_else(|| wrong("does not end in `/log/<k>`"))?;
    match crate::tile::decimal(number) {
        Some(1..) => {}
        _ => return Err(wrong("does not count from 1")),
    }
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    if name.is_empty()
        || !name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
    {
        return Err(wrong("does not begin with a host name"));
    }
    if port.is_some_and(|port| crate::tile::decimal(port).is_none_or(|port| port > 65_535)) {
        return Err(wrong("has a port that is not a number up to 65535"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_origin;

    #[test]
    fn origins() {
        for good in ["knmi.example/log/1", "localhost:7101/log/12", "127.0.0.1:0/log/3"] {
            check_origin(good).unwrap();
        }
        for wrong in [
            "",
            "knmi.example",
            "knmi.example/log/0",
            "knmi.example/log/01",
            "knmi.example/log/",
            "knmi.example/log/1/",
            "https://knmi.example/log/1",
            "knmi example/log/1",
            "knmi+x.example/log/1",
            "/log/1",
            "knmi.example:x/log/1",
            "knmi.example:99999/log/1",
        ] {
            assert!(check_origin(wrong).is_err(), "{wrong}");
        }
    }
}
