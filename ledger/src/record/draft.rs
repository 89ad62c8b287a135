//! Drafts: what a caller knows of a record before the log gives it a place.

use super::{Document, Kind, NotBefore, StreamKey, Term};
use crate::exchange::{Content, Exchange, Exchanged};
use crate::merkle::Hash;
use crate::section::SectionName;
use serde_json::Value;

/// A change of a counter that is checked and written in the record's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reservation {
    /// Adds, if the sum stays at or below the bound.
    Add { key: String, add: u64, at_most: u64 },
    /// Gives back what an earlier record reserved.
    Release { key: String, amount: u64 },
}

/// A record as its caller knows it. Nothing is checked before it is appended.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) kind: Kind,
    pub(super) trace: String,
    pub(super) sections: Vec<(SectionName, Value)>,
    pub(super) exchanged: Option<Box<Exchanged>>,
    pub(super) activity: Option<String>,
    pub(super) prior: Vec<Hash>,
    pub(super) not_before: Option<NotBefore>,
    pub(super) streams: Vec<StreamKey>,
    pub(super) documents: Vec<Document>,
    pub(super) terms: Vec<Term>,
    pub(super) once: Option<(String, [u8; 32])>,
    pub(super) reservations: Vec<Reservation>,
    pub(super) state: Vec<(String, Option<Vec<u8>>)>,
    pub(super) handed_over: Vec<SectionName>,
}

impl Draft {
    /// Begins a draft. `trace` is the W3C `traceparent` of the request that leads to it.
    #[must_use]
    pub fn new(kind: Kind, trace: impl Into<String>) -> Self {
        Self {
            kind,
            trace: trace.into(),
            sections: Vec::new(),
            exchanged: None,
            activity: None,
            prior: Vec::new(),
            not_before: None,
            streams: Vec::new(),
            documents: Vec::new(),
            terms: Vec::new(),
            once: None,
            reservations: Vec::new(),
            state: Vec::new(),
            handed_over: Vec::new(),
        }
    }

    /// Adds a section. Envelope and streams are made by the log.
    #[must_use]
    pub fn section(mut self, name: SectionName, value: Value) -> Self {
        self.sections.push((name, value));
        self
    }

    /// Adds the sections `exchange` and `content`, as both ends hold them.
    #[must_use]
    pub fn exchanged(mut self, exchange: &Exchange, content: &Content) -> Self {
        match Exchanged::of(exchange, content) {
            Some(exchanged) if self.exchanged.is_none() => {
                self.exchanged = Some(Box::new(exchanged));
                self
            }
            // What is to be refused is told as of any other section.
            _ => self
                .section(SectionName::Exchange, exchange.to_value())
                .section(SectionName::Content, content.to_value()),
        }
    }

    /// Names an earlier record of this log that this one rests on, by its leaf hash. It can be found by [`Term::RestsOn`].
    #[must_use]
    pub fn prior(mut self, leaf: Hash) -> Self {
        self.prior.push(leaf);
        self
    }

    /// Names the processing activity that it belongs to (an IRI; Logboek Dataverwerkingen), in its envelope.
    #[must_use]
    pub fn activity(mut self, iri: impl Into<String>) -> Self {
        self.activity = Some(iri.into());
        self
    }

    /// Names the latest cosigned foreign checkpoint seen. Never one of a log that only this record would make grow.
    #[must_use]
    pub fn not_before(mut self, seen: NotBefore) -> Self {
        self.not_before = Some(seen);
        self
    }

    /// Gives the record the next number in a stream.
    #[must_use]
    pub fn stream(mut self, key: StreamKey) -> Self {
        self.streams.push(key);
        self
    }

    /// Attaches a document. It is durable before the record is.
    #[must_use]
    pub fn evidence(mut self, document: Document) -> Self {
        self.documents.push(document);
        self
    }

    /// Lets the record be found by `term`.
    #[must_use]
    pub fn term(mut self, term: Term) -> Self {
        self.terms.push(term);
        self
    }

    /// At most one record for `key`: a second draft with the same `digest` gets the first one's proof, one with another
    /// digest is refused. What reads as the same request is for the caller to say, by the digest. Of a repeated draft
    /// nothing else counts: no reservation, no state, no number.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>, digest: [u8; 32]) -> Self {
        self.once = Some((key.into(), digest));
        self
    }

    /// Adds `add` to a counter in the record's commit; if that would lead above `at_most`, the draft is refused.
    #[must_use]
    pub fn reserve(mut self, key: impl Into<String>, add: u64, at_most: u64) -> Self {
        let key = key.into();
        self.reservations.push(Reservation::Add { key, add, at_most });
        self
    }

    /// Takes `amount` from a counter in the record's commit; if less is reserved, the draft is refused.
    #[must_use]
    pub fn release(mut self, key: impl Into<String>, amount: u64) -> Self {
        let key = key.into();
        self.reservations.push(Reservation::Release { key, amount });
        self
    }

    /// Writes (`Some`) or removes (`None`) a piece of the caller's own state in the record's commit. Lies readable in the store.
    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: Option<Vec<u8>>) -> Self {
        self.state.push((key.into(), value));
        self
    }

    /// Says that the record is to be handed over with these sections as soon as it is durable, so that it need not be read back for that
    /// ([`crate::Ledger::hand_over_recorded`]).
    #[must_use]
    pub fn handed_over(mut self, sections: &[SectionName]) -> Self {
        self.handed_over.extend_from_slice(sections);
        self
    }

    /// What it is a record of.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// A section as it was given.
    #[must_use]
    pub fn given(&self, name: SectionName) -> Option<&Value> {
        let mut sections = self.sections.iter();
        sections.find(|(given, _)| *given == name).map(|(_, value)| value)
    }

    /// What the record will be found by, as far as its caller and its streams say it.
    pub fn found_by(&self) -> impl Iterator<Item = Term> + '_ {
        let of_streams = self.streams.iter().map(StreamKey::term);
        self.terms.iter().cloned().chain(of_streams)
    }

    /// Whether it brings a document of more than `bytes`.
    pub(crate) fn brings_more_than(&self, bytes: usize) -> bool {
        self.documents.iter().any(|document| document.bytes.len() > bytes)
    }
}
