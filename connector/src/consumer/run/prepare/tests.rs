//! Inputs of a run that are files: one's own, and what was had under an agreement.

use super::*;
use crate::config::given;
use crate::control::error::Code;
use crate::node::{Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::{Declares, Digests, LogIdentity, set};
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_ledger::handover::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_policies::Document as Policy;
use herleid_vocab::did::Did;
use herleid_vocab::rim::SeededEntropy;

const OTHER: &str = "did:web:localhost%3A1";
const HELD: &[u8] = b"time,mm\n2020-06-17T15:00:00Z,4.2\n";

struct Scene {
    node: Arc<Node>,
    model: AgreementEntry,
    // Last: a log that is still open must not lose its directory.
    directory: tempfile::TempDir,
}

fn agreement(id: &str, other: &Did, permissions: &Value) -> AgreementEntry {
    let agreement = json!({"@type": "Agreement", "@id": id, "target": "rain", "assigner": other.as_str(),
        "assignee": "did:web:localhost%3A7101", "permission": permissions});
    AgreementEntry {
        id: id.to_owned(),
        side: Side::Consumer,
        other: other.clone(),
        sha256: Policy::read(&agreement).digest().hex(),
        agreement,
        target: "rain".to_owned(),
        declares: Declares::default(),
        other_log: Some(LogIdentity {
            did: other.clone(),
            origin: "localhost:1/log/1".to_owned(),
            verifier_key: String::new(),
        }),
        other_base: "http://localhost:1/dsp/2025-1".to_owned(),
        dataset: None,
        terminated: None,
    }
}

impl Scene {
    fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        let config = given(directory.path(), 1, "[identity]\nrequired_credentials = []\n");
        // A key is its own document: whose model it is can be looked up without a network.
        let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(3));
        let holder = key.public_key().to_did_key().unwrap();
        Self {
            node: open(config).unwrap(),
            model: agreement("urn:uuid:model", &holder, &json!([{"action": "use"}])),
            directory,
        }
    }

    /// What was pulled under an agreement with these permissions.
    fn had(&self, transaction: &str, id: &str, permissions: &Value) {
        let entry = agreement(id, &OTHER.parse().unwrap(), permissions);
        let pin = Pin::of(HELD);
        let pull = PullEntry {
            transaction: transaction.to_owned(),
            agreement: id.to_owned(),
            provider: OTHER.parse().unwrap(),
            dataset: "rain".to_owned(),
            version: "1".to_owned(),
            digests: Digests {
                sha256: pin.sha256,
                blake3: pin.blake3,
                bytes: pin.bytes,
            },
            media_type: "text/csv".to_owned(),
        };
        let changes = vec![
            set(AgreementEntry::key(id, Side::Consumer), &entry).unwrap(),
            set(PullEntry::key(transaction), &pull).unwrap(),
        ];
        self.node.state.write(changes).unwrap();
    }

    fn ended(&self, id: &str) {
        let key = AgreementEntry::key(id, Side::Consumer);
        let mut entry: AgreementEntry = self.node.state.get(&key).unwrap().unwrap();
        entry.terminated = Some("over".to_owned());
        self.node.state.write(vec![set(key, &entry).unwrap()]).unwrap();
    }

    async fn gives(&self, bytes: &[u8]) -> Result<(InputValue, Option<String>), Failure> {
        let path = self.directory.path().join("input.csv");
        std::fs::write(&path, bytes).unwrap();
        file(
            &self.node,
            &path,
            &self.model,
            &mut Vec::new(),
            &fresh_trace(&self.node),
        )
        .await
    }
}

#[tokio::test]
async fn what_was_had_under_an_agreement_is_passed_on_under_it_also_as_a_file() {
    let scene = Scene::set();
    scene.had(
        "0192f0c1-2b3c-7d4e-8f50-000000000001",
        "urn:uuid:no",
        &json!([{"action": "use"}]),
    );
    let why = scene.gives(HELD).await.unwrap_err();
    assert_eq!(why.code(), Code::Refused);
    let said = why.to_string();
    for part in [
        "input.csv",
        "urn:uuid:no",
        "0192f0c1-2b3c-7d4e-8f50-000000000001",
        "may not be passed on",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let denied = || scene.node.ledger.by_term(&Term::Kind(Kind::Denied)).unwrap().len();
    assert_eq!(denied(), 1);
    // Under another agreement it may be, and that one is named in the input. That a newer one does not permit it, and that the newest has ended,
    // is then no denial.
    let onward = json!([{"action": "use"}, {"action": "distribute"}]);
    scene.had("0192f0c1-2b3c-7d4e-8f50-000000000000", "urn:uuid:yes", &onward);
    scene.had("0192f0c1-2b3c-7d4e-8f50-000000000003", "urn:uuid:over", &onward);
    scene.ended("urn:uuid:over");
    let (input, token) = scene.gives(HELD).await.unwrap();
    assert!(token.is_some() && matches!(input.content, InputContent::Reference { .. }));
    assert_eq!(input.pin.unwrap().agreement.as_deref(), Some("urn:uuid:yes"));
    assert_eq!(denied(), 1);
    // What was had under one that has ended alone goes to nobody.
    scene.ended("urn:uuid:yes");
    scene.ended("urn:uuid:no");
    let why = scene.gives(HELD).await.unwrap_err().to_string();
    assert!(why.contains("has ended"), "{why}");
    assert_eq!(denied(), 1);
    // Each that was denied by its policy is on record, whatever the newest one says.
    for n in 7..9 {
        let id = format!("urn:uuid:no-{n}");
        scene.had(
            &format!("0192f0c1-2b3c-7d4e-8f50-00000000000{n}"),
            &id,
            &json!([{"action": "use"}]),
        );
    }
    scene.had("0192f0c1-2b3c-7d4e-8f50-000000000009", "urn:uuid:newest", &onward);
    scene.ended("urn:uuid:newest");
    scene.gives(HELD).await.unwrap_err();
    assert_eq!(denied(), 3);
}

/// The agreement may have ended with a log that is over, and what was had may have been deleted: that makes nothing one's own.
#[tokio::test]
async fn what_a_record_says_was_had_is_no_file_of_ones_own_though_nothing_else_remembers_it() {
    let scene = Scene::set();
    let pin = Pin::of(HELD);
    let facts = json!({
        "transaction": "0192f0c1-2b3c-7d4e-8f50-000000000001", "agreement": "urn:uuid:over", "dataset": "rain", "version": "1",
        "blake3": pin.blake3, "sha256": pin.sha256, "bytes": pin.bytes, "mediaType": "text/csv",
    });
    let draft = Draft::new(Kind::OneSidedPullReceived, fresh_trace(&scene.node))
        .section(SectionName::Facts, facts)
        .stream(StreamKey::Agreement {
            agreement: "urn:uuid:over".to_owned(),
            side: Side::Consumer.into(),
            other: OTHER.parse().unwrap(),
        });
    let recorded = scene.node.append(draft).await.unwrap();
    let why = scene.gives(HELD).await.unwrap_err();
    assert_eq!(why.code(), Code::Refused);
    assert!(
        why.to_string().contains(&format!("record {} of", recorded.index())),
        "{why}"
    );
    assert!(scene.gives(b"of one's own").await.is_ok());
}

/// A run with another parameter is what a model is there for.
#[tokio::test]
async fn a_file_of_ones_own_stays_that_after_a_run_and_what_a_run_gave_is_none() {
    let scene = Scene::set();
    let received = |inputs: &[&[u8]], outputs: &[&[u8]]| {
        let named = |all: &[&[u8]]| {
            let named = all.iter().map(|bytes| {
                let pin = Pin::of(bytes);
                json!({"name": "rain", "sha256": pin.sha256, "blake3": pin.blake3, "bytes": pin.bytes, "mediaType": "text/csv",
                       "dataset": null, "version": null, "agreement": null, "transaction": null})
            });
            Value::Array(named.collect())
        };
        let transaction = scene.node.fresh_id();
        let receipt = |bytes: &[u8]| Document {
            role: "receipt".to_owned(),
            media_type: "application/json".to_owned(),
            bytes: bytes.to_vec(),
        };
        let content = Content::digest([3; 32], b"{}", "application/json");
        let exchange = Exchange {
            transaction: transaction.parse().unwrap(),
            segment: 1,
            phase: Phase::RunResult,
            agreement: "urn:uuid:model".to_owned(),
            provider: OTHER.parse().unwrap(),
            consumer: scene.node.did.clone(),
            subject: Subject::Model {
                model: "sewer".to_owned(),
                version: "1".to_owned(),
            },
            from: 0,
            to: content.bytes,
            content: content.mac(),
        };
        let run = json!({
            "transaction": transaction, "agreement": "urn:uuid:model", "model": "sewer", "version": "1", "inputs": named(inputs),
            "outputs": named(outputs), "seed": null, "status": "finished", "environment": {}, "program": "00", "case": null,
        });
        Draft::new(Kind::RunReceived, fresh_trace(&scene.node))
            .exchanged(&exchange, &content)
            .evidence(receipt(b"{}"))
            .evidence(receipt(b"[]"))
            .section(SectionName::Run, run)
            .stream(StreamKey::Agreement {
                agreement: "urn:uuid:model".to_owned(),
                side: Side::Consumer.into(),
                other: OTHER.parse().unwrap(),
            })
    };
    let recorded = scene.node.append(received(&[HELD], &[b"12.5 m"])).await.unwrap();
    let own = Pin::of(HELD);
    assert!(
        scene
            .node
            .ledger
            .by_digest(&digest_bytes(&own.sha256).unwrap())
            .unwrap()
            == [recorded.index()],
        "the run is found by what it used"
    );
    let (_, token) = scene.gives(HELD).await.unwrap();
    assert!(token.is_none());
    let why = scene.gives(b"12.5 m").await.unwrap_err();
    assert_eq!(why.code(), Code::Refused);
    assert!(
        why.to_string().contains(&format!("record {} of", recorded.index())),
        "{why}"
    );
}

#[tokio::test]
async fn a_file_of_ones_own_goes_as_it_is() {
    let scene = Scene::set();
    scene.had(
        "0192f0c1-2b3c-7d4e-8f50-000000000001",
        "urn:uuid:no",
        &json!([{"action": "use"}]),
    );
    // With one byte changed nobody can tell: that it is one's own is declared.
    let changed = [HELD, b"\n"].concat();
    let (input, token) = scene.gives(&changed).await.unwrap();
    assert!(token.is_none() && matches!(input.content, InputContent::Inline(_)));
    assert_eq!(input.pin.unwrap().agreement, None);
}
