//! What is given, tried without a network: the consumer is a `did:key`, whose document stands in its identifier.

mod answers;
mod denials;
mod held;
mod lists;
mod once;
mod orders;
mod parts;
mod payment;
mod places;
mod pulls;
mod receipts;
mod run_again;
mod runs;
mod standing;
mod trusted;
mod volume;

use super::{access, grants, kind_of, outstanding};
use crate::config::{Config, given};
use crate::node::{Node, OpenError, Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::{AgreementEntry, Digests, GrantEntry, GrantPurpose, LogIdentity, Side, VersionEntry, set};
use crate::trust::List;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::http_signature::{self, NewSignature};
use herleid_credentials::jose;
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{At, Ledger};
use herleid_vocab::did::Did;
use herleid_vocab::rim::{FixedClock, SeededEntropy};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

const NOW_MS: u64 = 1_800_000_000_000;
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const AGREED: &str = "urn:uuid:0b9c4b1e-6a39-4f0e-9f38-6c7f3f0c7d11";
const DATASET: &str = "urn:example:rain";
const GRANT: &str = "grant-1";
/// The dataset: more than fits between the disk and a caller who reads nothing.
const DATA: &[u8] = &[b'7'; 8 << 20];
/// An input of a run.
const RAIN: &[u8] = b"51.3 mm in the hour ending 15:00\n";

/// A connector that has agreed with a consumer about a dataset, and has given it access.
struct Scene {
    node: Arc<Node>,
    clock: Arc<FixedClock>,
    consumer: Did,
    key: SigningKey,
    key_id: String,
    token: String,
    policy: Value,
    /// The consumer's log.
    log: Ledger,
    // Last: a log that is still open must not lose its directory.
    _directory: tempfile::TempDir,
}

fn configuration(directory: &Path) -> Config {
    let more =
        "[identity]\nrequired_credentials = []\n[limits]\noutstanding_per_agreement = 2\nacknowledge_deadline_s = 60\n";
    given(directory, 1, more)
}

/// The n-th transaction of a test.
fn transaction(n: u8) -> String {
    format!("0192f0c1-2b3c-7d4e-8f50-1122334455{n:02x}")
}

/// The headers of a data-plane request that says this, signed.
fn signed(
    node: &Node,
    key: &SigningKey,
    key_id: &str,
    method: &Method,
    path: &str,
    says: &[(&'static str, String)],
) -> HeaderMap {
    let url = format!("{}{path}", node.public_url);
    let mut headers = HeaderMap::new();
    for (name, value) in says {
        headers.insert(*name, value.parse().unwrap());
    }
    let nonce = jose::fresh_id(&SystemEntropy);
    let new = NewSignature {
        created_ms: node.now_ms(),
        nonce: &nonce,
        key_id,
        tag: None,
    };
    let to_sign = http_signature::Request {
        method,
        target_uri: &url,
        headers: &headers,
    };
    let signed = http_signature::sign(key, &to_sign, &new).unwrap();
    headers.insert("signature-input", signed.signature_input.parse().unwrap());
    headers.insert("signature", signed.signature.parse().unwrap());
    headers
}

impl Scene {
    /// Sets the scene; under the agreement the dataset may be used `at_most` so often.
    async fn set(at_most: u64) -> Self {
        Self::with_log(at_most, "app.example/log/1").await
    }

    /// The same with a consumer whose log has this origin.
    async fn with_log(at_most: u64, origin: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        let clock = Arc::new(FixedClock::new(NOW_MS));
        let mut node = open(configuration(directory.path())).unwrap();
        Arc::get_mut(&mut node).unwrap().clock = clock.clone();

        let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(7));
        let consumer = key.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&consumer).unwrap();
        let (key_id, _) = document.keys_for(Relationship::CapabilityInvocation).next().unwrap();
        let key_id = key_id.to_owned();
        let log = crate::peers::tests::ledger(&directory.path().join("consumer"), origin, 5);
        let policy = json!({
            "@type": "Agreement", "@id": AGREED, "target": DATASET, "assigner": node.did.as_str(), "assignee": consumer.as_str(),
            "permission": [{"action": "use", "constraint": [{"leftOperand": "count", "operator": "lteq", "rightOperand": at_most}]}],
        });
        let mut scene = Self {
            node,
            clock,
            consumer,
            key,
            key_id,
            token: String::new(),
            policy,
            log,
            _directory: directory,
        };
        scene.give_access().await;
        scene
    }

    /// The same connector after a stop.
    fn reopened(self) -> Self {
        let Self {
            node,
            clock,
            consumer,
            key,
            key_id,
            token,
            policy,
            log,
            _directory: directory,
        } = self;
        // Nobody else has it by now: with it the log closes.
        drop(Arc::into_inner(node).unwrap());
        // What was still being swept away in a thread of its own ends by itself, and a process with it.
        let mut opening = std::iter::repeat_with(|| open(configuration(directory.path()))).take(10_000);
        let opened = opening.find(|opened| {
            !matches!(
                opened,
                Err(OpenError::Ledger(herleid_ledger::LedgerError::InUse { .. }))
            )
        });
        let mut node = opened.unwrap().unwrap();
        Arc::get_mut(&mut node).unwrap().clock = clock.clone();
        Self {
            node,
            clock,
            consumer,
            key,
            key_id,
            token,
            policy,
            log,
            _directory: directory,
        }
    }

    async fn give_access(&mut self) {
        let digests = self.node.payloads.put(DATA).unwrap().digests().clone();
        let agreement = AgreementEntry {
            id: AGREED.to_owned(),
            side: Side::Provider,
            other: self.consumer.clone(),
            agreement: self.policy.clone(),
            sha256: herleid_policies::Document::read(&self.policy).digest().hex(),
            target: DATASET.to_owned(),
            declares: Default::default(),
            other_log: Some(self.consumer_log()),
            other_base: String::new(),
            dataset: None,
            terminated: None,
        };
        let version = VersionEntry {
            dataset: DATASET.to_owned(),
            version: "1".to_owned(),
            title: "Rain".to_owned(),
            description: String::new(),
            media_type: "text/plain".to_owned(),
            licence: None,
            digests: Some(digests.clone()),
            source: crate::state::SourceEntry::File,
            metadata: None,
            offers: Vec::new(),
            withdrawn: None,
            erased: false,
            published_ms: NOW_MS,
        };
        let grant = self.grant(Some(digests));
        let changes = vec![
            set(AgreementEntry::key(AGREED, Side::Provider), &agreement).unwrap(),
            set(format!("dataset/{DATASET}/1"), &version).unwrap(),
            set(GrantEntry::key(GRANT), &grant).unwrap(),
        ];
        self.node.state.write(changes).unwrap();
        let document = self.node.documents.resolve(&self.consumer).await.unwrap();
        self.token = grants::token(&self.node, &grant, &document, None).unwrap();
    }

    fn grant(&self, digests: Option<Digests>) -> GrantEntry {
        GrantEntry {
            id: GRANT.to_owned(),
            kind: GrantPurpose::Pull,
            agreement: AGREED.to_owned(),
            consumer: self.consumer.clone(),
            subject: DATASET.to_owned(),
            version: Some("1".to_owned()),
            digests,
            media_type: Some("text/plain".to_owned()),
            transaction: None,
            source: None,
            bearer_sha256: None,
            push: false,
            declares: Default::default(),
            until_ms: NOW_MS + 3_600_000,
            closed: None,
        }
    }

    fn consumer_log(&self) -> LogIdentity {
        LogIdentity {
            did: self.consumer.clone(),
            origin: self.log.origin().to_owned(),
            verifier_key: self.log.verifier().to_string(),
        }
    }

    /// Asks for the data, having seen so many records of the connector's log.
    async fn ask(&self, transaction: &str, seen: u64) -> Response {
        self.ask_for(transaction, seen, "", &[]).await
    }

    /// Asks for what lies at `within` the data's address, and says more.
    async fn ask_for(&self, transaction: &str, seen: u64, within: &str, more: &[(&'static str, &str)]) -> Response {
        self.ask_under(GRANT, transaction, seen, within, more).await
    }

    /// The same under another access, of which the token is.
    async fn ask_under(
        &self,
        grant: &str,
        transaction: &str,
        seen: u64,
        within: &str,
        more: &[(&'static str, &str)],
    ) -> Response {
        let path = format!("/data/{grant}{within}");
        let mut says = vec![
            ("authorization", format!("Bearer {}", self.token)),
            (access::TRANSACTION, transaction.to_owned()),
            (access::AGREEMENT, AGREED.to_owned()),
            (access::SEEN, seen.to_string()),
            ("traceparent", TRACE.to_owned()),
        ];
        says.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let headers = signed(&self.node, &self.key, &self.key_id, &Method::GET, &path, &says);
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        *request.headers_mut() = headers;
        crate::http::router(self.node.clone()).oneshot(request).await.unwrap()
    }

    /// A pull to its end: the status, and what came.
    async fn pull(&self, transaction: &str) -> (StatusCode, Vec<u8>) {
        let response = self.ask(transaction, 0).await;
        let status = response.status();
        (status, to_bytes(response.into_body(), 16 << 20).await.unwrap().to_vec())
    }

    /// A pull that must be given.
    async fn given(&self, transaction: &str) {
        assert_eq!(self.pull(transaction).await, (StatusCode::OK, DATA.to_vec()));
    }

    /// A pull that must be refused with this status, for a reason that says this.
    async fn refused(&self, transaction: &str, status: StatusCode, why: &str) {
        let (found, body) = self.pull(transaction).await;
        let body = String::from_utf8(body).unwrap();
        assert_eq!(found, status, "{body}");
        assert!(body.contains(why), "expected `{why}`: {body}");
    }

    /// How often the agreement counts as used.
    fn used(&self) -> u64 {
        let document = herleid_policies::Document::read(&self.policy);
        let counters = document.policy().unwrap().counters();
        assert_eq!(counters.len(), 1);
        self.node.ledger.counter(&counters[0]).unwrap()
    }

    /// How much counts as outstanding.
    fn outstanding(&self) -> u64 {
        self.node.ledger.counter(&outstanding::counter(AGREED)).unwrap()
    }

    fn records(&self, term: Term) -> Vec<(Kind, herleid_ledger::StoredRecord)> {
        let indices = self.node.ledger.by_term(&term).unwrap().into_iter();
        let records = indices.map(|index| self.node.ledger.record(index).unwrap());
        records.map(|record| (kind_of(&record).unwrap(), record)).collect()
    }

    /// The kinds of what is recorded of a transaction.
    fn kinds(&self, transaction: &str) -> Vec<Kind> {
        let records = self.records(Term::Transaction(transaction.to_owned()));
        records.into_iter().map(|(kind, _)| kind).collect()
    }

    /// Waits until something of this kind is recorded of the transaction.
    async fn recorded(&self, transaction: &str, kind: Kind) {
        for _ in 0..1_000 {
            if self.kinds(transaction).contains(&kind) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no `{kind}` of {transaction}: {:?}", self.kinds(transaction));
    }

    /// The consumer's receipt of a pull: its own record of what the connector recorded.
    async fn receipt(&self, transaction: &str) -> HandedOver {
        self.receipt_of(transaction, Kind::PullOpened).await
    }

    /// The same of what stands in a record of that kind.
    async fn receipt_of(&self, transaction: &str, kind: Kind) -> HandedOver {
        let records = self.records(Term::Transaction(transaction.to_owned()));
        let opened = &records.iter().find(|(found, _)| *found == kind).unwrap().1;
        let draft = Draft::new(Kind::PullReceived, TRACE)
            .section(SectionName::Exchange, opened.value(SectionName::Exchange).unwrap())
            .section(SectionName::Content, opened.value(SectionName::Content).unwrap())
            .stream(StreamKey::Agreement {
                agreement: AGREED.to_owned(),
                side: Side::Consumer.into(),
                other: self.node.did.clone(),
            })
            .evidence(Document {
                role: "receipt".to_owned(),
                media_type: "application/json".to_owned(),
                bytes: b"{}".to_vec(),
            });
        let index = self.log.append(draft).await.unwrap().index();
        let open = [
            SectionName::Exchange,
            SectionName::Content,
            SectionName::StreamAgreement,
        ];
        let seen = self.node.peers.seen_size(&self.consumer_log()).unwrap();
        let seen = Some(seen).filter(|seen| *seen > 0);
        self.log.hand_over(index, &open, seen, At::Latest).unwrap()
    }
}
