//! Section by section, in whatever order, ends as all at once does.

use super::*;
use crate::state::{AgreementEntry, LogIdentity};
use herleid_vocab::did::Did;

const PULL: &str = "0192f0c1-2b3c-7d4e-8f50-112233445599";
const APP: &str = "did:web:app.example";

impl Scene {
    /// A pull under somebody else's agreement: the input was passed on.
    async fn passed_on(&self) -> u64 {
        let other = |did: &str, id: &str| AgreementEntry {
            id: id.to_owned(),
            side: crate::state::Side::Consumer,
            other: did.parse().unwrap(),
            agreement: Value::Null,
            sha256: "ab".repeat(32),
            target: "rain".to_owned(),
            declares: Default::default(),
            other_log: Some(LogIdentity {
                did: did.parse().unwrap(),
                origin: format!("localhost:{}/log/1", if did == APP { 1 } else { 2 }),
                verifier_key: String::new(),
            }),
            other_base: String::new(),
            dataset: None,
            terminated: None,
        };
        let agreements = [
            other("did:web:holder.example", AGREEMENT),
            other(APP, "urn:agreement:2"),
        ];
        let entry = PullEntry {
            transaction: RUN.to_owned(),
            agreement: AGREEMENT.to_owned(),
            provider: APP.parse().unwrap(),
            dataset: "rain".to_owned(),
            version: "1".to_owned(),
            digests: Digests::of(b"rain"),
            media_type: "text/csv".to_owned(),
        };
        let content = Content::digest([7; 32], b"rain", "text/csv");
        let mut draft = Draft::new(Kind::PullReceived, fresh_trace(&self.node))
            .section(SectionName::Exchange, self.exchange(Phase::Pull, &content))
            .section(SectionName::Content, content.to_value())
            .evidence(Document {
                role: "receipt".to_owned(),
                media_type: "application/json".to_owned(),
                bytes: b"{}".to_vec(),
            })
            .stream(StreamKey::Agreement {
                agreement: AGREEMENT.to_owned(),
                side: Side::Consumer,
                other: "did:web:holder.example".parse().unwrap(),
            })
            .term(Term::Transaction(RUN.to_owned()))
            .term(Term::Agreement(AGREEMENT.to_owned()));
        let (key, value) = set(PullEntry::key(RUN), &entry).unwrap();
        draft = draft.put(key, value);
        for agreement in agreements {
            let (key, value) = set(AgreementEntry::key(&agreement.id, agreement.side), &agreement).unwrap();
            draft = draft.put(key, value);
        }
        self.node.append(draft).await.unwrap().index()
    }

    fn said_of(&self, line: &ErasureLine) -> Vec<Value> {
        let said = line.records.iter().map(|record| self.facts(record.tombstone.unwrap()));
        said.map(|facts| facts.unwrap()["counterparty"].clone()).collect()
    }

    /// What is remembered of it, and what its records still have.
    fn left(&self) -> (Vec<(String, Value)>, Vec<Vec<String>>) {
        let mut state = Vec::new();
        for prefix in ["pull/", "run/", "erased-of/"] {
            state.extend(self.node.state.scan::<Value>(prefix).unwrap());
        }
        let records = self.node.ledger.by_term(&Term::Agreement(AGREEMENT.to_owned()));
        let records = records.unwrap().into_iter().map(|index| {
            let record = self.node.ledger.record(index).unwrap();
            record.sections().keys().map(ToString::to_string).collect()
        });
        (state, records.collect())
    }
}

#[tokio::test]
async fn a_pull_whose_exchange_goes_first_is_forgotten_and_its_other_end_told_each_time() {
    let scene = Scene::set(2);
    scene.passed_on().await;
    let agreement = || Meant::Agreement(AGREEMENT.to_owned());
    for sections in [&["exchange"][..], &[]] {
        assert!(
            scene
                .node
                .state
                .get::<PullEntry>(&PullEntry::key(RUN))
                .unwrap()
                .is_some()
        );
        let done = scene.erased(agreement(), sections).await;
        // To whom it was passed on, not the agreement's other end.
        assert_eq!(scene.said_of(&done), [json!(APP)], "{sections:?}");
        let told: Vec<Did> = done.recipients.iter().map(|one| one.did.parse().unwrap()).collect();
        assert_eq!(told, [APP.parse::<Did>().unwrap()], "{sections:?}");
    }
    assert_eq!(scene.left().0, []);
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
}

#[tokio::test]
async fn a_run_erased_section_by_section_in_any_order_is_as_if_it_went_at_once() {
    const ALL: [&str; 5] = ["exchange", "run", "content", "parameters", "evidence"];
    let at_once = Scene::set(2);
    at_once.ran().await;
    let done = at_once.erased(Meant::Agreement(AGREEMENT.to_owned()), &ALL).await;
    let (expected, other) = (at_once.left(), json!(APP));
    assert!(at_once.said_of(&done).iter().all(|said| *said == other));
    assert_eq!(expected.0.len(), 1, "a run stays countable");
    let mut orders: Vec<Vec<&str>> = (0..ALL.len())
        .map(|first| [&ALL[first..], &ALL[..first]].concat())
        .collect();
    orders.push(ALL.into_iter().rev().collect());
    for order in orders {
        let scene = Scene::set(2);
        scene.ran().await;
        for section in &order {
            match scene.propose(Meant::Agreement(AGREEMENT.to_owned()), &[section]).await {
                Ok(line) => {
                    let done = scene.approve(&line.id, 2).await.unwrap();
                    assert!(
                        scene.said_of(&done).iter().all(|said| *said == other),
                        "{section} of {order:?}"
                    );
                }
                // It went along with a section that receipts opened.
                Err(error) => assert!(error.contains("nothing is left to erase"), "{error}"),
            }
        }
        assert_eq!(scene.left(), expected, "{order:?}");
        scene.node.ledger.verify_all(|_, _| {}).unwrap();
    }
}

#[tokio::test]
async fn while_something_of_it_may_lie_where_runs_were_it_is_not_buried() {
    let scene = Scene::set(2);
    let pull = scene.pulled(PULL, b"rain").await;
    let jobs = scene.node.config.storage.directory.join("jobs");
    // What it is nobody can say.
    std::fs::write(&jobs, "no directory").unwrap();
    let done = scene.erased(Meant::Records(vec![pull]), &[]).await;
    assert_eq!(done.is_buried, Some(false));
    std::fs::remove_file(&jobs).unwrap();
    let left = jobs.join("job-1/in");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("letter.txt"), "A. de Vries").unwrap();
    go_on(&scene.node, Came::Recorded).await.unwrap();
    assert!(!jobs.join("job-1").exists());
    let shown = scene.erase(Erase::Show { id: done.id }).await.unwrap();
    assert_eq!(shown.is_buried, Some(true));
}
