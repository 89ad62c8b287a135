//! The policy as the rest of Herleid holds it.

use crate::compiled::Program;
use crate::era::Era;
use crate::model::{Conflict, Digest, PolicyKind, Rule, Scope};
use crate::problem::PolicyError;
use crate::{agree, publish, read};
use serde_json::Value;
use std::sync::Arc;

/// An ODRL policy that has been understood whole, in canonical order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) kind: PolicyKind,
    pub(crate) id: String,
    pub(crate) profiles: Vec<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) conflict: Conflict,
    pub(crate) shared: Scope,
    pub(crate) permissions: Vec<Rule>,
    pub(crate) prohibitions: Vec<Rule>,
    pub(crate) obligations: Vec<Rule>,
    pub(crate) document: Value,
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) rules_digest: Digest,
    pub(crate) program: Arc<Program>,
}

impl Policy {
    /// Reads a policy as the Dataspace Protocol 2025-1 carries it (Offer, Agreement or Set in compact, prefixed or expanded
    /// JSON-LD).
    ///
    /// # Errors
    /// [`PolicyError::NotUnderstood`] names every member, term and value that is not understood, with its place. To judge
    /// a peer's policy that may not be understood, use [`crate::Document`], which denies with this very message.
    pub fn parse(json: &Value) -> Result<Self, PolicyError> {
        read::policy(json, Era::default())
    }

    /// Reads a policy that is to be published or offered, and checks that a peer will hold the same policy that we hold
    /// and that this connector can enforce it.
    ///
    /// # Errors
    /// As [`Policy::parse`]; [`PolicyError::NotForOffer`] for what is understood but must not be published.
    pub fn parse_for_offer(json: &Value) -> Result<Self, PolicyError> {
        let policy = Self::parse(json)?;
        publish::check(&policy)?;
        Ok(policy)
    }

    /// As [`Policy::parse_for_offer`], for a policy whose author left its name or its type to us: without an `@id` in any
    /// spelling (`uid`, `id`, `odrl:uid`, the full IRI) it gets `default_id`, and without an `@type` it is an `Offer`.
    ///
    /// # Errors
    /// As [`Policy::parse_for_offer`].
    pub fn parse_own_offer(json: &Value, default_id: &str) -> Result<Self, PolicyError> {
        Self::parse_for_offer(&publish::named(json, default_id))
    }

    /// The agreement that accepting this offer makes: the same rules, addressed.
    ///
    /// # Errors
    /// [`PolicyError::NoAgreement`] when this is no offer, or names another target or party than given.
    pub fn agree(&self, acceptance: &Acceptance<'_>) -> Result<Self, PolicyError> {
        agree::agree(self, acceptance)
    }

    /// Checks that this agreement is what accepting `offer` makes, for the id, parties, target and time that it names: no
    /// rule added, dropped or changed.
    ///
    /// # Errors
    /// [`PolicyError::NoAgreement`] says what differs.
    pub fn check_made_of(&self, offer: &Self) -> Result<(), PolicyError> {
        agree::check_made_of(self, offer)
    }

    /// Set, Offer or Agreement.
    #[must_use]
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// Its `@id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it does when a permission and a prohibition both apply.
    #[must_use]
    pub fn conflict(&self) -> Conflict {
        self.conflict
    }

    /// `timestamp` of an agreement, as written.
    #[must_use]
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// Target and parties that hold for every rule.
    #[must_use]
    pub fn shared(&self) -> &Scope {
        &self.shared
    }

    /// The permissions, in canonical order.
    #[must_use]
    pub fn permissions(&self) -> &[Rule] {
        &self.permissions
    }

    /// The prohibitions, in canonical order.
    #[must_use]
    pub fn prohibitions(&self) -> &[Rule] {
        &self.prohibitions
    }

    /// The obligations, in canonical order.
    #[must_use]
    pub fn obligations(&self) -> &[Rule] {
        &self.obligations
    }

    /// All of them: the permissions, the prohibitions, the obligations.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> + Clone {
        let permitting = self.permissions.iter().chain(&self.prohibitions);
        permitting.chain(&self.obligations)
    }

    /// The canonical document: one form for every spelling, valid under the protocol's schema, and made of names that the
    /// protocol's JSON-LD context keeps. This is what to send, to store and to digest.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// [`Policy::document`] in RFC 8785 form.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of [`Policy::bytes`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// SHA-256 of the rules alone, without id, type, target and parties that are said for all rules: equal for an offer
    /// and the agreement made of it.
    #[must_use]
    pub fn rules_digest(&self) -> Digest {
        self.rules_digest
    }

    /// The counters whose values a decision needs as facts, sorted: one for each permission that counts.
    #[must_use]
    pub fn counters(&self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .permissions
            .iter()
            .filter(|rule| rule.at_most().is_some())
            .map(|rule| self.counter(rule))
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// The rules that count bytes, as facts name them ([`crate::Facts::with_volume`]), sorted; each with the key of its counter.
    #[must_use]
    pub fn volumes(&self) -> Vec<(String, String)> {
        let rules = self.permissions.iter().filter(|rule| rule.volume_at_most().is_some());
        let mut keys: Vec<_> = rules
            .map(|rule| self.counter(rule))
            .map(|rule| (rule.clone(), crate::model::volume_counter(&rule)))
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Key of a rule's counter.
    pub(crate) fn counter(&self, rule: &Rule) -> String {
        crate::model::counter(&self.id, rule)
    }
}

/// What turns an offer into an agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acceptance<'a> {
    /// The agreement's `@id`.
    pub id: &'a str,
    /// DID of the provider.
    pub assigner: &'a str,
    /// DID of the consumer.
    pub assignee: &'a str,
    /// IRI of the asset.
    pub target: &'a str,
    /// When it was made: UTC milliseconds since 1970; `None` leaves `timestamp` out.
    pub made_ms: Option<u64>,
}
