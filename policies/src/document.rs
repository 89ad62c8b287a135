//! A policy from a peer, understood or not.

use crate::canonical::sha256;
use crate::decide::{Decision, not_understood};
use crate::era::Era;
use crate::facts::{Facts, Request};
use crate::model::Digest;
use crate::policy::Policy;
use crate::problem::PolicyError;
use crate::record::Mode;
use herleid_vocab::json;
use serde_json::Value;

/// A policy document and what was made of it. One that is not understood denies every request, with the reason in the
/// record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    read: Result<Policy, PolicyError>,
    bytes: Vec<u8>,
    digest: Digest,
}

impl Document {
    /// Reads a policy; never fails.
    #[must_use]
    pub fn read(json: &Value) -> Self {
        Self::read_in(json, Era::default())
    }

    /// Reads it as decisions of that era did: what they did not understand then denies now as it did.
    pub(crate) fn read_in(json: &Value, era: Era) -> Self {
        let read = crate::read::policy(json, era);
        let (bytes, digest) = match &read {
            Ok(policy) => (policy.bytes().to_vec(), policy.digest()),
            Err(_) => {
                let bytes = json::canonical(json).unwrap_or_default();
                let digest = sha256(&bytes);
                (bytes, digest)
            }
        };
        Self { read, bytes, digest }
    }

    /// The policy.
    ///
    /// # Errors
    /// Why it is not understood.
    pub fn policy(&self) -> Result<&Policy, &PolicyError> {
        self.read.as_ref()
    }

    /// The bytes to keep as evidence: the canonical document of a policy that is understood, the RFC 8785 form of what came
    /// otherwise. Reading them again gives the same document.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of [`Document::bytes`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// As [`Policy::decide`].
    #[must_use]
    pub fn decide(&self, request: &Request, facts: &Facts) -> Decision {
        match &self.read {
            Ok(policy) => policy.decide(request, facts),
            Err(error) => not_understood(error, self.digest, request, facts, Mode::Decide),
        }
    }

    /// As [`Policy::would_grant`].
    #[must_use]
    pub fn would_grant(&self, request: &Request, facts: &Facts) -> Decision {
        match &self.read {
            Ok(policy) => policy.would_grant(request, facts),
            Err(error) => not_understood(error, self.digest, request, facts, Mode::WouldGrant),
        }
    }
}
