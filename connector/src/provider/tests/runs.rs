//! Runs: what is recorded of them, also when a stop of the connector leaves one without an end.

use super::*;
use crate::deciding::Decided;
use crate::models::package::ModelPackage;
use crate::models::process::{Content as InputContent, InputValue, Pin, Process};
use crate::models::sandbox::Output;
use crate::provider::access::Access;
use crate::provider::run::{Asked, NotRun, Sent, close_interrupted, execute, request_bytes};
use crate::state::{ModelEntry, digest_bytes};
use axum::body::Bytes;
use herleid_credentials::http_signature::ContentDigest;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject};
use herleid_vocab::json::Limits;
use serde_json::Map;
use std::collections::BTreeMap;

const MODEL: &str = "sewer";
const VERSION: &str = "1.0.0";
const PROGRAM: &[u8] = b"#!/bin/sh\ncat in/rain.txt > out/result.txt\n";

/// A connector with a model that others run.
pub(super) struct Runs {
    pub(super) scene: Scene,
    process: Process,
}

/// Somebody who has agreed to run the model, and has access.
pub(super) struct Asker {
    did: Did,
    key: SigningKey,
    key_id: String,
    token: String,
    pub(super) agreement: String,
    policy: Value,
}

/// A request to run the model, whose signature has been checked.
pub(super) struct Asking {
    access: Access,
    body: Vec<u8>,
    pub(super) sent: Sent,
}

impl Asking {
    /// Has it run, as the service does.
    pub(super) async fn run(self, node: Arc<Node>) -> Result<Vec<Output>, NotRun> {
        let ran = execute(&node, &self.access, MODEL, &self.body, &self.sent, TRACE).await;
        ran.map(|(ran, _)| ran.outputs)
    }

    /// Goes as far as it goes before it is recorded.
    pub(super) async fn decided(&self, node: &Node) -> (Asked<'_>, Decided) {
        let asked = Asked::read(node, &self.access, MODEL, &self.body, TRACE).await.unwrap();
        let decided = asked.decide(node).await.unwrap();
        (asked, decided)
    }

    /// Goes as far as it goes before the program does.
    pub(super) async fn start(&self, node: &Node) -> Asked<'_> {
        let (asked, decided) = self.decided(node).await;
        asked.record_started(node, &self.sent, &decided).await.unwrap();
        asked
    }
}

impl Runs {
    /// A model that may run so long.
    pub(super) async fn set(wall_ms: u64) -> Self {
        let scene = Scene::set(9).await;
        let package = format!(
            "format = \"herleid-model/1\"\nid = \"{MODEL}\"\nversion = \"{VERSION}\"\ntitle = \"Sewer\"\nprogram = \"sewer.sh\"
            canonicalisation = \"none\"\nuses_seed = false\nlicence = {{ id = \"none\", program_in_dossier = false }}
            environment = {{ description = \"sh\" }}
            inputs = [{{ name = \"rain\", title = \"R\", file = \"rain.txt\", media_type = \"text/plain\" }}]
            outputs = [{{ name = \"result\", title = \"R\", file = \"result.txt\", media_type = \"text/plain\" }}]\n[limits]\nwall_ms = {wall_ms}\n"
        );
        let model = ModelPackage::from_toml(&package).unwrap().model().clone();
        let program = scene.node.payloads.put(PROGRAM).unwrap();
        let environment = model.environment_document().unwrap();
        let process = Process::new(model, &digest_bytes(&program.sha256).unwrap());
        let description = process.document().unwrap();
        let entry = ModelEntry {
            model: MODEL.to_owned(),
            version: VERSION.to_owned(),
            title: "Sewer".to_owned(),
            program: program.sha256.clone(),
            program_blake3: program.blake3.clone(),
            program_in_dossier: false,
            process: Digests::of(&description).sha256,
            environment: Digests::of(&environment).sha256,
            metadata: None,
            offers: Vec::new(),
            withdrawn: None,
            erased: false,
            published_ms: NOW_MS,
        };
        let facts = json!({
            "model": MODEL, "version": VERSION, "title": entry.title, "program": entry.program, "environment": entry.environment,
            "process": entry.process, "canonicalisation": "none", "offers": [],
        });
        let document = |role: &str, bytes: Vec<u8>| Document {
            role: role.to_owned(),
            media_type: "application/json".to_owned(),
            bytes,
        };
        let (key, value) = set(format!("model/{MODEL}/{VERSION}"), &entry).unwrap();
        let published = Draft::new(Kind::ModelPublished, TRACE)
            .section(SectionName::Facts, facts)
            .evidence(document("process", description))
            .evidence(document("environment", environment))
            .put(key, value);
        scene.node.append(published).await.unwrap();
        Self { scene, process }
    }

    /// The n-th asker, whose DID document stands in its identifier.
    pub(super) async fn asker(&self, n: u8) -> Asker {
        let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(100 + u64::from(n)));
        let did = key.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&did).unwrap();
        let (key_id, _) = document.keys_for(Relationship::CapabilityInvocation).next().unwrap();
        let key_id = key_id.to_owned();
        self.agree(n, did, key, key_id).await
    }

    /// Agrees with the n-th asker that it runs the model three times, and gives it access.
    pub(super) async fn agree(&self, n: u8, did: Did, key: SigningKey, key_id: String) -> Asker {
        let node = &self.scene.node;
        let agreement = format!("urn:uuid:5e1f0c2a-6a39-4f0e-9f38-6c7f3f0c7d{n:02x}");
        let policy = json!({
            "@type": "Agreement", "@id": agreement, "target": MODEL, "assigner": node.did.as_str(), "assignee": did.as_str(),
            "permission": [{"action": "use", "constraint": [{"leftOperand": "count", "operator": "lteq", "rightOperand": 3}]}],
        });
        let document = node.documents.resolve(&did).await.unwrap();
        // The log that it names, where it names one.
        let mut other_log = LogIdentity {
            did: did.clone(),
            ..self.scene.consumer_log()
        };
        if let Ok(log) = document.document().log() {
            other_log.origin = log.origin().to_owned();
            other_log.verifier_key = log.verifier_key().to_owned();
        }
        let entry = AgreementEntry {
            id: agreement.clone(),
            side: Side::Provider,
            other: did.clone(),
            agreement: policy.clone(),
            sha256: herleid_policies::Document::read(&policy).digest().hex(),
            target: MODEL.to_owned(),
            declares: Default::default(),
            other_log: Some(other_log),
            other_base: String::new(),
            dataset: None,
            terminated: None,
        };
        let grant = GrantEntry {
            id: format!("run-{n}"),
            kind: GrantPurpose::Run,
            agreement: agreement.clone(),
            consumer: did.clone(),
            subject: MODEL.to_owned(),
            version: None,
            media_type: None,
            ..self.scene.grant(None)
        };
        let changes = vec![
            set(AgreementEntry::key(&agreement, Side::Provider), &entry).unwrap(),
            set(GrantEntry::key(&grant.id), &grant).unwrap(),
        ];
        node.state.write(changes).unwrap();
        let token = grants::token(node, &grant, &document, None).unwrap();
        Asker {
            did,
            key,
            key_id,
            token,
            agreement,
            policy,
        }
    }

    /// Gives it another access to the model, by which it asks from now on.
    pub(super) async fn another_access(&self, asker: &mut Asker, id: &str) {
        let node = &self.scene.node;
        let grant = GrantEntry {
            id: id.to_owned(),
            kind: GrantPurpose::Run,
            agreement: asker.agreement.clone(),
            consumer: asker.did.clone(),
            subject: MODEL.to_owned(),
            version: None,
            media_type: None,
            ..self.scene.grant(None)
        };
        node.state
            .write(vec![set(GrantEntry::key(id), &grant).unwrap()])
            .unwrap();
        let document = node.documents.resolve(&asker.did).await.unwrap();
        asker.token = grants::token(node, &grant, &document, None).unwrap();
    }

    /// A request of `asker`: with the rain in it, or with the address where it lies.
    pub(super) async fn asking(&self, asker: &Asker, transaction: &str, href: Option<&str>) -> Asking {
        let node = &self.scene.node;
        let (content, pin) = match href {
            None => (InputContent::Inline(Bytes::from_static(RAIN)), Pin::of(RAIN)),
            Some(href) => {
                let content = InputContent::Reference { href: href.to_owned() };
                let pin = Pin {
                    dataset: Some(DATASET.to_owned()),
                    version: Some("1".to_owned()),
                    agreement: Some(AGREED.to_owned()),
                    transaction: Some(super::transaction(200)),
                    ..Pin::of(RAIN)
                };
                (content, pin)
            }
        };
        let rain = InputValue {
            content,
            pin: Some(pin),
        };
        let inputs = BTreeMap::from([("rain".to_owned(), rain)]);
        let written = self.process.request(&inputs, &Map::new(), None, &Limits::MESSAGE);
        let (body, request) = written.unwrap();
        let asked = request_bytes(&request.run_inputs(&self.process).unwrap(), request.parameters()).unwrap();
        let content = Content::digest([3; 32], &asked, "application/json");
        let exchange = Exchange {
            transaction: transaction.parse().unwrap(),
            segment: 1,
            phase: Phase::RunRequest,
            agreement: asker.agreement.clone(),
            provider: node.did.clone(),
            consumer: asker.did.clone(),
            subject: Subject::Model {
                model: MODEL.to_owned(),
                version: VERSION.to_owned(),
            },
            from: 0,
            to: content.bytes,
            content: content.mac(),
        };
        let path = format!("/processes/{MODEL}/execution");
        let says = [
            ("authorization", format!("Bearer {}", asker.token)),
            (access::TRANSACTION, transaction.to_owned()),
            (access::AGREEMENT, asker.agreement.clone()),
            ("traceparent", TRACE.to_owned()),
            ("content-digest", ContentDigest::of(&body).to_field()),
        ];
        let headers = signed(node, &asker.key, &asker.key_id, &Method::POST, &path, &says);
        let access = access::check(node, None, &Method::POST, &path, &headers, &body).await;
        Asking {
            access: access.unwrap(),
            body,
            sent: Sent {
                exchange: exchange.to_value(),
                content: content.to_value(),
                onward: BTreeMap::from([("rain".to_owned(), "a token".to_owned())]),
            },
        }
    }

    /// How often the agreement counts as used, how much of it counts as outstanding, and how many runs of anybody are open.
    pub(super) fn standing(&self, asker: &Asker) -> (u64, u64, usize) {
        let ledger = &self.scene.node.ledger;
        let document = herleid_policies::Document::read(&asker.policy);
        let counters = document.policy().unwrap().counters();
        assert_eq!(counters.len(), 1);
        let used = ledger.counter(&counters[0]).unwrap();
        let outstanding = ledger.counter(&outstanding::counter(&asker.agreement)).unwrap();
        (used, outstanding, ledger.scan("run-open/").unwrap().len())
    }
}

#[tokio::test]
async fn a_run_that_a_stop_interrupts_is_recorded_as_failed_once() {
    let mut runs = Runs::set(1_000).await;
    let asker = runs.asker(1).await;
    let asking = runs.asking(&asker, &transaction(1), None).await;
    asking.start(&runs.scene.node).await;
    assert_eq!(runs.standing(&asker), (1, 1, 1));
    runs.scene = runs.scene.reopened();
    assert_eq!(runs.standing(&asker), (1, 1, 1), "a stop forgets nothing");

    let node = &runs.scene.node;
    assert_eq!(close_interrupted(node, TRACE).await.unwrap(), 1);
    assert_eq!(close_interrupted(node, TRACE).await.unwrap(), 0);
    assert_eq!(runs.standing(&asker), (1, 0, 0));
    let records = runs.scene.records(Term::Transaction(transaction(1)));
    let [(Kind::RunStarted, started), (Kind::RunFailed, failed)] = records.as_slice() else {
        panic!("{:?}", runs.scene.kinds(&transaction(1)));
    };
    let run = |record: &herleid_ledger::StoredRecord| record.value(SectionName::Run).unwrap();
    let (started, failed) = (run(started), run(failed));
    assert_eq!(
        (&failed["status"], &failed["reason"]),
        (&json!("failed"), &json!("interrupted"))
    );
    for member in ["agreement", "model", "version", "inputs", "program"] {
        assert_eq!(failed[member], started[member], "{member}");
    }
    let again = runs.asking(&asker, &transaction(1), None).await;
    let Err(NotRun::Refused(refusal)) = again.run(node.clone()).await else {
        panic!("a run that was recorded is not repeated");
    };
    assert!(refusal.detail().contains("was run before"), "{}", refusal.detail());
}

/// What a run came to, of which the answer was lost.
pub(super) async fn finished(runs: &Runs, asker: &Asker) {
    let node = &runs.scene.node;
    let asking = runs.asking(asker, &transaction(1), None).await;
    let digests = Digests::of(RAIN);
    let output = Output {
        name: "result".to_owned(),
        media_type: "text/plain".to_owned(),
        bytes: Bytes::from_static(RAIN),
        sha256: digest_bytes(&digests.sha256).unwrap(),
        blake3: digest_bytes(&digests.blake3).unwrap(),
    };
    let asked = asking.start(node).await;
    asked.record_finished(node, &[output], json!({})).await.unwrap();
}

#[tokio::test]
async fn a_run_that_ended_leaves_no_mark() {
    let runs = Runs::set(1_000).await;
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    finished(&runs, &asker).await;
    assert_eq!(runs.standing(&asker), (1, 1, 0), "it waits for its receipt");

    let asking = runs.asking(&asker, &transaction(2), None).await;
    let asked = asking.start(node).await;
    assert_eq!(runs.standing(&asker), (2, 2, 1));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let refusal = asked.record_failed(node, status, "exit code 1", json!({})).await;
    assert_eq!((refusal.status(), refusal.code()), (status, "run-failed"));
    assert_eq!(runs.standing(&asker), (2, 1, 0));
    assert_eq!(close_interrupted(node, TRACE).await.unwrap(), 0);
}

#[tokio::test]
async fn outputs_do_not_leave_to_whoever_is_no_longer_trusted_when_they_are_there() {
    let mut runs = Runs::set(1_000).await;
    runs.scene.names_the_consumer().await;
    let asker = runs.asker(1).await;
    runs.scene.names(&asker.did).await;
    let node = &runs.scene.node;
    let asking = runs.asking(&asker, &transaction(1), None).await;
    let asked = asking.start(node).await;
    runs.scene.distrusts(&asker.did).await;
    let refusal = asked.finish(node, Vec::new(), json!({})).await.err().unwrap();
    assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
    assert_eq!(runs.scene.kinds(&transaction(1)), [Kind::RunStarted, Kind::RunFailed]);
    assert_eq!(runs.standing(&asker), (1, 0, 0));
}

#[tokio::test]
async fn a_run_that_goes_on_ends_with_what_permits_it() {
    let runs = Runs::set(1_000).await;
    let (node, asker) = (&runs.scene.node, runs.asker(1).await);
    let key = AgreementEntry::key(&asker.agreement, Side::Provider);
    let mut entry: AgreementEntry = node.state.get(&key).unwrap().unwrap();
    let until = herleid_vocab::time::format_rfc3339_ms(NOW_MS + 60_000);
    let limit = json!({"leftOperand": "dateTime", "operator": "lt", "rightOperand": {"@value": until, "@type": "xsd:dateTime"}});
    // Its own place is the last that there is, and not in its way.
    let once = json!({"leftOperand": "count", "operator": "lteq", "rightOperand": 1});
    entry.agreement["permission"][0]["constraint"] = json!([once, limit]);
    entry.sha256 = herleid_policies::Document::read(&entry.agreement).digest().hex();
    node.state.write(vec![set(key, &entry).unwrap()]).unwrap();
    let asking = runs.asking(&asker, &transaction(1), None).await;
    let asked = asking.start(node).await;
    assert!(matches!(asked.is_over(node).await, Ok(None)));
    runs.scene.clock.set(NOW_MS + 60_001);
    let why = asked.until_over(node).await.why;
    assert!(why.contains("dateTime") || why.contains("before"), "{why}");
    let refusal = asked.finish(node, Vec::new(), json!({})).await.err().unwrap();
    assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
    assert_eq!(runs.scene.kinds(&transaction(1)), [Kind::RunStarted, Kind::RunFailed]);
}

#[tokio::test]
async fn one_transaction_that_two_consumers_chose_is_two_runs() {
    let runs = Runs::set(1_000).await;
    let (node, one, other) = (&runs.scene.node, runs.asker(1).await, runs.asker(2).await);
    let first = runs.asking(&one, &transaction(1), None).await;
    let second = runs.asking(&other, &transaction(1), None).await;
    let asked = first.start(node).await;
    second.start(node).await;
    assert_eq!((runs.standing(&one), runs.standing(&other)), ((1, 1, 2), (1, 1, 2)));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    asked.record_failed(node, status, "exit code 1", json!({})).await;
    assert_eq!((runs.standing(&one), runs.standing(&other)), ((1, 0, 1), (1, 1, 1)));
    assert_eq!(close_interrupted(node, TRACE).await.unwrap(), 1);
    assert_eq!(runs.standing(&other), (1, 0, 0));
}
