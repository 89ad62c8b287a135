//! Who asks, what it says and shows, and how that is known.

use crate::state::Declares;
use herleid_credentials::credential::{Claimed, TrustedIssuers};
use herleid_policies::Facts;
use herleid_vocab::did::Did;
use std::collections::BTreeSet;

/// The claim of a credential that says for which areas it is.
const AREA: &str = "spatial";

/// What a decision knows its asker by. It stands in the record as the source of the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Token,
    RequestSignature,
    SecretToken,
    Presumed,
    Ourselves,
}

impl Proof {
    /// Sources of the recipient and of the purpose.
    const fn sources(self) -> (&'static str, &'static str) {
        match self {
            Self::Token => (
                "self-issued token, signature checked",
                "stated in the self-issued token",
            ),
            Self::RequestSignature => (
                "access token and the request's signature (RFC 9421), both checked",
                "kept with the access since it was given",
            ),
            Self::SecretToken => (
                "access token that is a secret and bound to no key",
                "kept with the access since it was given to a peer without a log",
            ),
            Self::Presumed => (
                "chosen by this connector, nothing shown by it",
                "stated by this connector when it agreed",
            ),
            Self::Ourselves => ("this connector itself", "stated by this connector itself"),
        }
    }
}

/// Who asks or receives, what it says of it, and how that is known.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The party.
    pub did: &'a Did,
    proof: Proof,
    /// What for, why it is lawful, and for which area it is, as it declares.
    purpose: Option<&'a str>,
    legal_basis: Option<&'a str>,
    area_of_use: Option<&'a str>,
    /// The credentials that it showed, and that hold.
    shown: &'a [Claimed],
    /// How many bytes may leave because of what is decided; `None` when nobody knows.
    pub(super) bytes: Option<u64>,
}

impl<'a> Asker<'a> {
    fn by(proof: Proof, did: &'a Did) -> Self {
        Self {
            did,
            proof,
            purpose: None,
            legal_basis: None,
            area_of_use: None,
            shown: &[],
            // Whoever forgets to say it gets nothing that is counted in bytes.
            bytes: None,
        }
    }

    /// A party that showed a self-issued token, for the message that is decided on: negotiations and transfers.
    #[must_use]
    pub fn by_token(did: &'a Did) -> Self {
        Self::by(Proof::Token, did)
    }

    /// A party that signed its request with the key that its access token is bound to: pulls and runs.
    #[must_use]
    pub fn by_request_signature(did: &'a Did) -> Self {
        Self::by(Proof::RequestSignature, did)
    }

    /// A one-sided party, which shows the secret that it was given with its access and signs nothing.
    #[must_use]
    pub fn by_secret_token(did: &'a Did) -> Self {
        Self::by(Proof::SecretToken, did)
    }

    /// A party that we mean to pass data on to, and that has shown nothing yet.
    #[must_use]
    pub fn presumed(did: &'a Did) -> Self {
        Self::by(Proof::Presumed, did)
    }

    /// This connector, under an agreement in which it is the consumer.
    #[must_use]
    pub fn ourselves(did: &'a Did) -> Self {
        Self::by(Proof::Ourselves, did)
    }

    /// The same, that declares this of its use.
    #[must_use]
    pub fn declaring(self, declares: &'a Declares) -> Self {
        Self {
            purpose: declares.purpose.as_deref(),
            legal_basis: declares.legal_basis.as_deref(),
            area_of_use: declares.area_of_use.as_deref(),
            ..self
        }
    }

    /// The same, that showed these credentials: verified then, and looked at again for this decision.
    #[must_use]
    pub fn showing(self, shown: &'a [Claimed]) -> Self {
        Self { shown, ..self }
    }

    /// The same, to whom so many bytes may go; `None` when nobody knows how many.
    #[must_use]
    pub fn delivering(self, bytes: Option<u64>) -> Self {
        Self { bytes, ..self }
    }

    /// The same, to whom nothing goes by this decision: a negotiation, a transfer that starts.
    #[must_use]
    pub fn delivering_nothing(self) -> Self {
        self.delivering(Some(0))
    }

    /// What is known of it. Areas are those that a credential names which `required` asks for, by an issuer that is trusted for that type:
    /// what else a holder puts beside it was never asked for, and its issuer may be trusted for other things than areas.
    pub(super) fn facts(&self, now_ms: u64, required: &[String], trusted: impl FnOnce() -> TrustedIssuers) -> Facts {
        let (recipient, stated) = self.proof.sources();
        let mut facts = Facts::none().with_recipient(self.did.as_str(), recipient, now_ms);
        if !self.shown.is_empty() && !required.is_empty() {
            let trusted = trusted();
            let counts = |one: &&Claimed| required.iter().any(|kind| one.is_trusted_as(kind, &trusted));
            let says = |one: &&Claimed| one.texts(AREA).next().is_some();
            let saying: Vec<&Claimed> = self.shown.iter().filter(counts).filter(says).collect();
            facts = areas(facts, &saying, now_ms);
        }
        if let Some(basis) = self.legal_basis {
            facts = facts.with_legal_basis(basis, stated, now_ms);
        }
        if let Some(area) = self.area_of_use {
            facts = facts.with_area_of_use(area, stated, now_ms);
        }
        match self.purpose {
            Some(purpose) => facts.with_purpose([purpose], stated, now_ms),
            None => facts,
        }
    }
}

/// The areas that these credentials name, and who says so.
fn areas(facts: Facts, saying: &[&Claimed], now_ms: u64) -> Facts {
    if saying.is_empty() {
        return facts;
    }
    let areas = saying.iter().flat_map(|one| one.texts(AREA));
    let issuers: BTreeSet<&str> = saying.iter().map(|one| one.issuer().as_str()).collect();
    let issuers = issuers.into_iter().collect::<Vec<_>>().join(", ");
    let source = format!("claim `{AREA}` of the credentials shown, by {issuers}, checked");
    facts.with_area(areas, &source, now_ms)
}
