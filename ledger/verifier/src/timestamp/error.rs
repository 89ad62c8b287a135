//! Why a time stamp is not believed.

/// Why a time stamp is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Bytes that are not of the form.
    #[error("{what} is not as RFC 3161 has it: {why}")]
    Form {
        /// Which part.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A certificate of an authority that is to be trusted cannot be used.
    #[error("the certificate of the time authority cannot be used: {why}; expected PEM")]
    Authority {
        /// What is wrong.
        why: String,
    },
    /// The authority gave no time stamp.
    #[error("the time authority refused, with status {status} (RFC 3161, section 2.4.2)")]
    Refused {
        /// Status in its answer.
        status: u32,
    },
    /// A digest that is not of the SHA-2 family.
    #[error("the time stamp rests on the digest `{found}`, expected SHA-256, SHA-384 or SHA-512")]
    Algorithm {
        /// The algorithm's object identifier.
        found: String,
    },
    /// An attribute that must stand there once does not.
    #[error("the time stamp must have the signed attribute {attribute} once")]
    Attribute {
        /// Which.
        attribute: &'static str,
    },
    /// The signature, or what it covers, does not verify.
    #[error("the time stamp's signature does not verify")]
    Signature,
    /// The certificate does not lead to a trusted one.
    #[error("the time stamp is of `{authority}`, whose certificate is not trusted here: {why}")]
    Untrusted {
        /// Subject of the certificate.
        authority: String,
        /// What the check says.
        why: String,
    },
    /// Other bytes were stamped.
    #[error("the time stamp is of other bytes than these")]
    OtherData,
    /// It answers another question.
    #[error("the time stamp answers another question: its nonce is not the one that was sent")]
    Nonce,
}
