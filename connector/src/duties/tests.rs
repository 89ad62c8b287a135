//! Obligations at both ends, without a network: stated, refused, late, reminded of, and what they do to requests.

mod dates;
mod ours;
mod proof;

use super::deliver::OPENED;
use super::stated::{Stated, document};
use super::*;
use crate::config::given;
use crate::control::protocol::Duty;
use crate::deciding::{Asker, USE, under_agreement};
use crate::http::Refusal;
use crate::node::{Secrets, fresh_trace, open};
use crate::rim::SystemEntropy;
use crate::state::{LogIdentity, PullEntry, set};
use axum::http::StatusCode;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::{Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{At, Ledger};
use herleid_vocab::did::Did;
use herleid_vocab::rim::FixedClock;
use serde_json::{Value, json};

const NOW_MS: u64 = 1_800_000_000_000;
const DAY_MS: u64 = 24 * 3_600 * 1_000;
const AGREED: &str = "urn:uuid:0b9c4b1e-6a39-4f0e-9f38-6c7f3f0c7d11";

struct Scene {
    node: Arc<Node>,
    clock: Arc<FixedClock>,
    other: Did,
    /// The other end's log.
    log: Ledger,
    // Last: a log that is still open must not lose its directory.
    _directory: tempfile::TempDir,
}

impl Scene {
    fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        let config = given(directory.path(), 1, "[identity]\nrequired_credentials = []\n");
        let clock = Arc::new(FixedClock::new(NOW_MS));
        let mut node = open(config).unwrap();
        Arc::get_mut(&mut node).unwrap().clock = clock.clone();
        // Nothing listens on port 1.
        let log = crate::peers::tests::ledger(&directory.path().join("other"), "localhost:1/log/1", 5);
        Self {
            node,
            clock,
            other: "did:web:localhost%3A1".parse().unwrap(),
            log,
            _directory: directory,
        }
    }

    /// An agreement with obligations: `(action, deadline)`.
    fn agree(&self, side: Side, obligations: &[(&str, Option<&str>)]) -> AgreementEntry {
        let (assigner, assignee) = match side {
            Side::Provider => (&self.node.did, &self.other),
            Side::Consumer => (&self.other, &self.node.did),
        };
        let rule = |(action, due): &(&str, Option<&str>)| {
            let by = |due| json!({"leftOperand": "odrl:dateTime", "operator": "lteq", "rightOperand": due});
            json!({"action": action, "constraint": due.map(by).into_iter().collect::<Vec<_>>()})
        };
        let rules: Vec<Value> = obligations.iter().map(rule).collect();
        let agreement = json!({"@type": "Agreement", "@id": AGREED, "target": "rain", "assigner": assigner.as_str(),
            "assignee": assignee.as_str(), "permission": [{"action": "use"}], "obligation": rules});
        let entry = AgreementEntry {
            id: AGREED.to_owned(),
            side,
            other: self.other.clone(),
            sha256: Document::read(&agreement).digest().hex(),
            agreement,
            target: "rain".to_owned(),
            declares: Default::default(),
            other_log: Some(LogIdentity {
                did: self.other.clone(),
                origin: self.log.origin().to_owned(),
                verifier_key: self.log.verifier().to_string(),
            }),
            other_base: "http://localhost:1/dsp/2025-1".to_owned(),
            dataset: None,
            terminated: None,
        };
        let change = set(AgreementEntry::key(AGREED, side), &entry).unwrap();
        self.node.state.write(vec![change]).unwrap();
        entry
    }

    fn line(&self, entry: &AgreementEntry, action: &str) -> DutyLine {
        let mut lines = of(&self.node, entry).unwrap().into_iter();
        lines.find(|line| line.action == action).unwrap()
    }

    /// What the other end states, changed before it records it.
    async fn states(&self, line: &DutyLine, named: &[&str], change: impl FnOnce(&mut Stated)) -> HandedOver {
        let mut stated = Stated {
            agreement: line.agreement.clone(),
            side: Side::Consumer,
            other: self.node.did.clone(),
            obligation: line.obligation.clone(),
            action: line.action.clone(),
            statement: "it was done".to_owned(),
            stated_ms: NOW_MS,
            received_ms: None,
            late: false,
            enforced_by: EnforcedBy::Declared,
            transactions: named.len() as u64,
            removed: 1,
            kept: 0,
            until: self.log.size(),
            leaf: None,
            failures: 0,
            from_ms: 0,
            undelivered: None,
            erased: false,
        };
        change(&mut stated);
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        self.recorded(stated.draft(&self.node, &self.other, &named, &[]).unwrap())
            .await
    }

    async fn recorded(&self, draft: Draft) -> HandedOver {
        let index = self.log.append(draft).await.unwrap().index();
        let log = self.log_of_other();
        let seen = Some(self.node.peers.seen_size(&log).unwrap()).filter(|seen| *seen > 0);
        self.log.hand_over(index, &OPENED, seen, At::Latest).unwrap()
    }

    fn log_of_other(&self) -> LogIdentity {
        LogIdentity {
            did: self.other.clone(),
            origin: self.log.origin().to_owned(),
            verifier_key: self.log.verifier().to_string(),
        }
    }

    async fn takes(&self, obligation: &str, handed: &HandedOver) -> Result<HandedOver, Refusal> {
        // Whoever brings a record proves that its log continues what was seen of it by then.
        let seen = Some(self.node.peers.seen_size(&self.log_of_other()).unwrap()).filter(|seen| *seen > 0);
        let mut fresh = self.log.hand_over(handed.index, &OPENED, seen, At::Latest).unwrap();
        fresh.opened = handed.opened.clone();
        take(&self.node, &self.other, AGREED, obligation, &fresh).await
    }

    fn permits(&self, entry: &AgreementEntry) -> Result<(), String> {
        let asker = match entry.side {
            Side::Provider => Asker::by_token(&self.other),
            Side::Consumer => Asker::ourselves(&self.node.did),
        };
        let decided = under_agreement(&self.node, entry, USE, &asker).unwrap();
        match decided.is_permit() {
            true => Ok(()),
            false => Err(decided.refusal(&self.other)),
        }
    }

    /// Something was given, or had, under the agreement.
    async fn delivered(&self, kind: Kind, transaction: &str, bytes: &[u8], agreement: &str) -> String {
        let kept = self.node.payloads.put(bytes).unwrap();
        let digests = kept.digests().clone();
        let entry = PullEntry {
            transaction: transaction.to_owned(),
            agreement: agreement.to_owned(),
            provider: self.other.clone(),
            dataset: "rain".to_owned(),
            version: "1".to_owned(),
            digests: digests.clone(),
            media_type: "text/csv".to_owned(),
        };
        let facts = json!({
            "transaction": transaction, "agreement": agreement, "dataset": "rain", "version": "1", "blake3": digests.blake3,
            "sha256": digests.sha256, "bytes": digests.bytes, "mediaType": "text/csv", "decision": {},
        });
        let (key, value) = set(PullEntry::key(transaction), &entry).unwrap();
        let draft = Draft::new(kind, fresh_trace(&self.node))
            .section(SectionName::Facts, facts)
            .stream(StreamKey::Agreement {
                agreement: agreement.to_owned(),
                side: herleid_ledger::record::Side::Consumer,
                other: self.other.clone(),
            })
            .term(Term::Agreement(agreement.to_owned()))
            .term(Term::Transaction(transaction.to_owned()))
            .put(key, value);
        self.node.append(draft).await.unwrap();
        digests.sha256
    }

    /// The other end recorded that it had these, and we that it said so.
    async fn acknowledged(&self, transactions: &[&str]) {
        // Whatever it is: what counts is its place in that log.
        let receipt = Draft::new(Kind::DeletionStated, fresh_trace(&self.node)).section(
            SectionName::Facts,
            json!({"agreement": AGREED, "transactions": transactions}),
        );
        let receipt = self.recorded(receipt).await;
        let draft = Draft::new(Kind::PullAcknowledged, fresh_trace(&self.node))
            .section(
                SectionName::Facts,
                json!({"agreement": AGREED, "transactions": transactions}),
            )
            .evidence(document("receipt", receipt.to_bytes().unwrap()))
            .stream(StreamKey::Agreement {
                agreement: AGREED.to_owned(),
                side: herleid_ledger::record::Side::Provider,
                other: self.other.clone(),
            })
            .term(Term::Agreement(AGREED.to_owned()));
        self.node.append(draft).await.unwrap();
    }

    fn fulfil(&self, obligation: &str, statement: &str) -> impl Future<Output = Result<DutyLine, String>> + use<> {
        let request = Duty::Fulfil {
            agreement: AGREED.to_owned(),
            obligation: obligation.to_owned(),
            statement: statement.to_owned(),
        };
        let fulfilling = super::fulfil(self.node.clone(), request, Progress::channel().0);
        async { fulfilling.await.map_err(|error| error.to_string()) }
    }

    fn told(&self) -> Vec<String> {
        let entries = self.node.journal.after(&self.node.state, 0, 1_000).unwrap();
        entries
            .into_iter()
            .map(|(_, entry)| format!("{} {}", entry.of, entry.to))
            .collect()
    }
}

fn day(ms: u64) -> String {
    herleid_vocab::time::format_rfc3339_ms(ms)
}

#[tokio::test]
async fn a_statement_is_recorded_once_with_the_record_that_proves_it() {
    let scene = Scene::set();
    let entry = scene.agree(Side::Provider, &[("odrl:delete", Some(&day(NOW_MS + DAY_MS)))]);
    let line = scene.line(&entry, "delete");
    assert_eq!(
        (line.state, line.whose.as_str()),
        (DutyStanding::DueSoon, scene.other.as_str())
    );
    assert_eq!(line.enforced_by, "consumer-connector");
    let handed = scene.states(&line, &["t1", "t2"], |_| ()).await;
    let size = scene.node.ledger.size();
    let ours = scene.takes(&line.obligation, &handed).await.unwrap();
    let again = scene.takes(&line.obligation, &handed).await.unwrap();
    assert_eq!(scene.node.ledger.size(), size + 1, "the same is recorded once");
    assert_eq!(ours.to_value().unwrap()["index"], again.to_value().unwrap()["index"]);

    let record = scene.node.ledger.record(size).unwrap();
    let facts = record.value(SectionName::Facts).unwrap();
    assert_eq!(record.kind(), Some(Kind::DeletionStated));
    assert_eq!(
        (
            &facts["by"],
            &facts["transactions"],
            &facts["late"],
            &facts["enforcedBy"]
        ),
        (
            &json!(scene.other.as_str()),
            &json!(["t1", "t2"]),
            &json!(false),
            &json!("consumer-connector")
        )
    );
    let documents = record.value(SectionName::Evidence).unwrap()["documents"].clone();
    assert_eq!(documents[0]["role"], "statement");

    let line = scene.line(&entry, "delete");
    let statement = line.statement.unwrap();
    assert_eq!(line.state, DutyStanding::Fulfilled);
    assert_eq!(
        (statement.text.as_str(), statement.transactions, statement.record),
        ("it was done", 2, Some(size))
    );

    // Another one about the same says nothing new,
    let other = scene.states(&scene.line(&entry, "delete"), &["t1", "t2"], |_| ()).await;
    let refused = scene.takes(&line.obligation, &other).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::CONFLICT, "{}", refused.detail());
    // until something was given after it.
    scene.delivered(Kind::OneSidedPullOpened, "t3", b"rain", AGREED).await;
    assert_eq!(scene.line(&entry, "delete").state, DutyStanding::DueSoon);
    scene.acknowledged(&["t3"]).await;
    let other = scene
        .states(&scene.line(&entry, "delete"), &["t1", "t2", "t3"], |_| ())
        .await;
    scene.takes(&line.obligation, &other).await.unwrap();
    assert_eq!(scene.line(&entry, "delete").state, DutyStanding::Fulfilled);
}

#[tokio::test]
async fn what_is_not_a_statement_of_this_is_refused_and_not_recorded() {
    let scene = Scene::set();
    let due = day(NOW_MS + DAY_MS);
    let entry = scene.agree(Side::Provider, &[("odrl:delete", Some(&due)), ("odrl:inform", None)]);
    let (delete, inform) = (scene.line(&entry, "delete"), scene.line(&entry, "inform"));
    let size = scene.node.ledger.size();
    let refused = async |obligation: &str, handed: &HandedOver, status: StatusCode, said: &str| {
        let refusal = scene.takes(obligation, handed).await.unwrap_err();
        assert_eq!(refusal.status(), status, "{said}: {}", refusal.detail());
        assert!(refusal.detail().contains(said), "{said}: {}", refusal.detail());
    };
    let good = scene.states(&delete, &[], |_| ()).await;
    refused("obligation-none", &good, StatusCode::NOT_FOUND, "no such obligation").await;
    let stranger: Did = "did:web:stranger.example".parse().unwrap();
    for (caller, agreement) in [
        (&stranger, AGREED),
        (&scene.other, "urn:other"),
        (&scene.node.did, AGREED),
    ] {
        let refusal = take(&scene.node, caller, agreement, &delete.obligation, &good)
            .await
            .unwrap_err();
        assert_eq!(refusal.status(), StatusCode::NOT_FOUND, "{caller} {agreement}");
    }
    let bad = StatusCode::BAD_REQUEST;
    refused(
        &inform.obligation,
        &good,
        bad,
        "does not state that an obligation to `inform`",
    )
    .await;
    let of_other = scene
        .states(&delete, &[], |stated| stated.agreement = "urn:other".to_owned())
        .await;
    refused(&delete.obligation, &of_other, bad, "another agreement or obligation").await;
    let of_giver = scene.states(&delete, &[], |stated| stated.side = Side::Provider).await;
    refused(&delete.obligation, &of_giver, bad, "another agreement or obligation").await;
    let empty = scene
        .states(&delete, &[], |stated| stated.statement = String::new())
        .await;
    refused(&delete.obligation, &empty, bad, "empty").await;
    let long = scene
        .states(&inform, &[], |stated| stated.statement = "x".repeat(2_001))
        .await;
    refused(&inform.obligation, &long, bad, "longer than").await;
    let mut closed = scene.states(&delete, &[], |_| ()).await;
    closed.opened.remove("facts");
    refused(&delete.obligation, &closed, bad, "not opened").await;
    let forged = scene.recorded(Draft::new(Kind::DeletionStated, fresh_trace(&scene.node)).section(
        SectionName::Facts,
        json!({"agreement": AGREED, "transactions": [], "obligation": delete.obligation, "side": "consumer",
                "action": "http://www.w3.org/ns/odrl/2/delete", "statement": "x", "by": "did:web:somebody.example"}),
    ));
    refused(&delete.obligation, &forged.await, bad, "not a statement of yours").await;
    assert_eq!(scene.node.ledger.size(), size, "nothing of that is recorded");

    // What was acknowledged was had, so a deletion names it.
    scene.acknowledged(&["t7"]).await;
    let less = scene.states(&delete, &["t1"], |_| ()).await;
    refused(&delete.obligation, &less, StatusCode::CONFLICT, "`t7`").await;
    let whole = scene.states(&delete, &["t1", "t7"], |_| ()).await;
    // Nobody outside waits for what may take minutes.
    let busy = scene.node.erasing.lock().await;
    refused(
        &delete.obligation,
        &whole,
        StatusCode::SERVICE_UNAVAILABLE,
        "in a minute",
    )
    .await;
    drop(busy);
    scene.takes(&delete.obligation, &whole).await.unwrap();

    let mut silent = entry;
    silent.other_log = None;
    let change = set(AgreementEntry::key(AGREED, Side::Provider), &silent).unwrap();
    scene.node.state.write(vec![change]).unwrap();
    refused(&inform.obligation, &good, bad, "keep no log").await;
}
