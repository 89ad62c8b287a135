//! Drafts that are linked: pulls, runs on what was pulled, decisions on what was run.

use super::{TRACE, agreement, case, us};
use herleid_ledger::exchange::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::{Document, Draft, Kind, Side, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const AGREED: &str = "urn:agreed";

fn others() -> Did {
    "did:web:app.example".parse().unwrap()
}

/// The n-th transaction of a test (UUIDv7).
pub(crate) fn transaction(n: u16) -> Uuid {
    Uuid::parse_str(&format!("0192f0c1-2b3c-7d4e-8f50-11223344{n:04x}")).unwrap()
}

/// The digests of the n-th content of a test: SHA-256 and BLAKE3.
pub(crate) fn digests(n: u8) -> ([u8; 32], [u8; 32]) {
    ([n; 32], [n ^ 0x80; 32])
}

fn named(n: u8) -> Value {
    let (sha256, blake3) = digests(n);
    json!({"sha256": hex::encode(sha256), "blake3": hex::encode(blake3), "bytes": 1, "mediaType": "text/csv"})
}

fn with(mut value: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("no object") };
    value.as_object_mut().unwrap().extend(more);
    value
}

fn exchanged(draft: Draft, id: Uuid, phase: Phase, subject: Subject, of: u8, side: Side) -> Draft {
    let (sha256, blake3) = digests(of);
    let content = Content {
        salt: [9; 32],
        blake3,
        sha256,
        bytes: 1,
        media_type: "text/csv".to_owned(),
    };
    let (provider, consumer) = match side {
        Side::Provider => (us(), others()),
        Side::Consumer => (others(), us()),
    };
    let exchange = Exchange {
        transaction: id,
        segment: 1,
        phase,
        agreement: AGREED.to_owned(),
        provider,
        consumer,
        subject,
        from: 0,
        to: 1,
        content: content.mac(),
    };
    draft
        .section(SectionName::Exchange, exchange.to_value())
        .section(SectionName::Content, content.to_value())
        .stream(agreement(AGREED, side))
        .term(Term::Agreement(AGREED.to_owned()))
}

fn receipts(draft: Draft, count: u8) -> Draft {
    (0..count).fold(draft, |draft, n| {
        draft.evidence(Document {
            role: "receipt".to_owned(),
            media_type: "application/json".to_owned(),
            bytes: vec![n],
        })
    })
}

fn rain() -> Subject {
    Subject::Dataset {
        dataset: "rain".to_owned(),
        version: "1".to_owned(),
    }
}

/// Content `of` came by this transaction.
pub(crate) fn received(id: Uuid, of: u8) -> Draft {
    let draft = Draft::new(Kind::PullReceived, TRACE);
    receipts(exchanged(draft, id, Phase::Pull, rain(), of, Side::Consumer), 1)
}

/// Content `of` was passed on.
pub(crate) fn served(id: Uuid, of: u8) -> Draft {
    let draft = Draft::new(Kind::PullServed, TRACE);
    exchanged(draft, id, Phase::Pull, rain(), of, Side::Provider)
        .section(SectionName::Facts, json!({"transaction": id.to_string()}))
}

/// What was published as `rain`, version 1.
pub(crate) fn published(of: u8) -> Draft {
    let facts = json!({"dataset": "rain", "version": "1", "title": "Rain", "offers": []});
    let draft = Draft::new(Kind::DatasetPublished, TRACE).section(SectionName::Facts, with(facts, named(of)));
    draft.evidence(Document {
        role: "offer".to_owned(),
        media_type: "application/json".to_owned(),
        bytes: b"{}".to_vec(),
    })
}

/// A run: for a case, on inputs that came by transactions or from elsewhere, with its outputs once it has finished.
pub(crate) struct Run<'a> {
    pub(crate) id: Uuid,
    pub(crate) case: Option<&'a str>,
    pub(crate) inputs: &'a [(Option<Uuid>, u8)],
    pub(crate) outputs: &'a [u8],
}

impl Run<'_> {
    fn section(&self, status: &str) -> Value {
        let inputs: Vec<Value> = self
            .inputs
            .iter()
            .map(|(id, of)| {
                with(
                    json!({"name": "rain", "transaction": id.map(|id| id.to_string())}),
                    named(*of),
                )
            })
            .collect();
        let outputs = self.outputs.iter().map(|of| with(json!({"name": "water"}), named(*of)));
        let outputs: Vec<Value> = outputs.filter(|_| status == "finished").collect();
        json!({"transaction": self.id.to_string(), "agreement": AGREED, "model": "sewer", "version": "1", "inputs": inputs,
            "outputs": outputs, "seed": 1, "status": status, "environment": {}, "program": hex::encode([0xee; 32]), "case": self.case})
    }

    pub(crate) fn requested(&self) -> Draft {
        self.draft(Kind::RunRequested, Phase::RunRequest, "requested")
            .section(SectionName::Parameters, json!({"storage": "7"}))
    }

    pub(crate) fn received(&self) -> Draft {
        let draft = receipts(self.draft(Kind::RunReceived, Phase::RunResult, "finished"), 2);
        match self.case {
            Some(name) => draft.stream(case(name)),
            None => draft,
        }
    }

    fn draft(&self, kind: Kind, phase: Phase, status: &str) -> Draft {
        let subject = Subject::Model {
            model: "sewer".to_owned(),
            version: "1".to_owned(),
        };
        exchanged(Draft::new(kind, TRACE), self.id, phase, subject, 0x77, Side::Consumer)
            .section(SectionName::Run, self.section(status))
    }
}

/// A decision on what these transactions brought.
pub(crate) fn decided(name: &str, relies_on: &[(Uuid, u8)]) -> Draft {
    let relies_on: Vec<Value> = relies_on
        .iter()
        .map(
            |(id, of)| json!({"transaction": id.to_string(), "output": "water", "sha256": hex::encode(digests(*of).0)}),
        )
        .collect();
    Draft::new(Kind::DecisionMade, TRACE)
        .section(
            SectionName::Facts,
            json!({"case": name, "title": "Storage", "legalBasis": ["x:y"], "reliesOn": relies_on, "choices": "", "streams": []}),
        )
        .section(
            SectionName::People,
            json!({"author": {"name": "A. de Wit", "role": "advisor", "organisation": "Vlissingen"}}),
        )
        .stream(case(name))
}
