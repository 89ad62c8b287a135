//! Two people, what is held, and what the connector itself keeps.

use super::*;
use crate::config::Config;
use crate::control::protocol::{Hold, HoldAnswer, Meant};
use crate::dossier::closure;
use crate::node::{Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::{Digests, PullEntry};
use herleid_ledger::record::{Draft, Kind, Side, StreamKey, Term};
use herleid_ledger::section::SectionName;
use serde_json::Value;
use sha2::Digest as _;
use std::path::Path;

mod after;
mod damaged;
mod kept;
mod listed;
mod over;
mod remains;
mod retained;
mod traced;

pub(super) const AGREEMENT: &str = "urn:agreement:1";

/// The token of a person, by their number.
fn token(n: u8) -> PersonToken {
    PersonToken(format!("{n}").repeat(43))
}

fn connector(directory: &Path, people: u8) -> Arc<Node> {
    named(directory, people, "person")
}

/// The same with people of this name.
fn named(directory: &Path, people: u8, name: &str) -> Arc<Node> {
    opened(directory, &configuration(people, name))
}

fn opened(directory: &Path, text: &str) -> Arc<Node> {
    open(Config::read(&directory.join("herleid.toml"), text, std::iter::empty(), true).unwrap()).unwrap()
}

fn configuration(people: u8, name: &str) -> String {
    let person = |n: u8| {
        let digest = hex::encode(sha2::Sha256::digest(token(n).0));
        format!("{{id = \"p{n}\", name = \"{name} {n}\", token_sha256 = \"{digest}\"}}")
    };
    let people: Vec<String> = (1..=people).map(person).collect();
    format!(
        "[participant]\ndid = \"did:web:localhost%3A7101\"\nname = \"KNMI\"\n\
         [listen]\npublic_url = \"http://localhost:7101\"\n\
         [ledger]\norigin = \"localhost:7101/log/1\"\n\
         [erasure]\npeople = [{}]\n\
         [network]\nallow_private_addresses = true\n\
         [development]\nplain_http = true\n",
        people.join(", ")
    )
}

pub(super) struct Scene {
    pub(super) node: Arc<Node>,
    // Last: a log that is still open must not lose its directory.
    directory: tempfile::TempDir,
}

impl Scene {
    pub(super) fn set(people: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        Self {
            node: connector(directory.path(), people),
            directory,
        }
    }

    async fn erase(&self, request: Erase) -> Result<ErasureLine, String> {
        let answer = erase(self.node.clone(), request, Progress::channel().0).await;
        match answer.map_err(crate::control::error::ControlError::from) {
            Ok(EraseAnswer::Erasure(line)) => Ok(*line),
            Ok(EraseAnswer::Told(told)) => Err(format!("{told:?}")),
            Ok(EraseAnswer::Erasures(all)) => Ok(all.into_iter().next().unwrap()),
            // What to do next stands in the error, or beside it.
            Err(error) => Err(format!("{error}; {}", error.next.clone().unwrap_or_default())),
        }
    }

    async fn hold(&self, request: Hold) -> Result<HoldAnswer, String> {
        let answer = hold(self.node.clone(), request, Progress::channel().0).await;
        answer.map_err(|error| error.to_string())
    }

    async fn propose(&self, what: Meant, sections: &[&str]) -> Result<ErasureLine, String> {
        self.erase(proposal(what, sections)).await
    }

    async fn approve(&self, id: &str, n: u8) -> Result<ErasureLine, String> {
        let (id, person) = (id.to_owned(), token(n));
        self.erase(Erase::Approve { id, person }).await
    }

    /// A pull of `bytes` from somebody without a log, as it is kept and recorded.
    pub(super) async fn pulled(&self, transaction: &str, bytes: &[u8]) -> u64 {
        self.pulled_for(None, transaction, bytes).await
    }

    /// The same, for a case.
    async fn pulled_for(&self, case: Option<&str>, transaction: &str, bytes: &[u8]) -> u64 {
        let kept = self.node.payloads.put(bytes).unwrap();
        let digests = kept.digests().clone();
        let entry = PullEntry {
            transaction: transaction.to_owned(),
            agreement: AGREEMENT.to_owned(),
            provider: "did:web:app.example".parse().unwrap(),
            dataset: "rain".to_owned(),
            version: "1".to_owned(),
            digests: digests.clone(),
            media_type: "text/csv".to_owned(),
        };
        let facts = json!({
            "transaction": transaction, "agreement": AGREEMENT, "dataset": "rain", "version": "1", "blake3": digests.blake3,
            "sha256": digests.sha256, "bytes": digests.bytes, "mediaType": "text/csv", "provider": "did:web:app.example",
        });
        let (key, value) = set(PullEntry::key(transaction), &entry).unwrap();
        let draft = Draft::new(Kind::OneSidedPullReceived, fresh_trace(&self.node))
            .section(SectionName::Facts, facts)
            .stream(StreamKey::Agreement {
                agreement: AGREEMENT.to_owned(),
                side: Side::Consumer,
                other: entry.provider,
            })
            .term(Term::Transaction(transaction.to_owned()))
            .term(Term::Agreement(AGREEMENT.to_owned()))
            .put(key, value);
        let draft = match case {
            Some(case) => draft.term(Term::Case(case.to_owned())),
            None => draft,
        };
        self.node.append(draft).await.unwrap().index()
    }

    /// A decision that rests on a pull.
    async fn decided(&self, case: &str, transaction: &str) -> u64 {
        let relies_on = json!([{"transaction": transaction, "output": null, "sha256": "ab".repeat(32)}]);
        let facts =
            json!({"case": case, "title": "t", "legalBasis": [], "reliesOn": relies_on, "choices": "", "streams": []});
        let draft = Draft::new(Kind::DecisionMade, fresh_trace(&self.node))
            .section(SectionName::Facts, facts)
            .section(SectionName::People, json!({"author": {"name": "A. de Wit"}}))
            .stream(StreamKey::Case { case: case.to_owned() })
            .term(Term::Case(case.to_owned()));
        self.node.append(draft).await.unwrap().index()
    }

    fn facts(&self, index: u64) -> Option<Value> {
        self.node.ledger.record(index).unwrap().value(SectionName::Facts)
    }

    fn has_payload(&self, bytes: &[u8]) -> bool {
        self.node.payloads.read(&Digests::of(bytes).sha256).is_ok()
    }
}

fn proposal(what: Meant, sections: &[&str]) -> Erase {
    Erase::Propose {
        what,
        log: None,
        sections: sections.iter().map(|name| (*name).to_owned()).collect(),
        ground: "avg-17".to_owned(),
        authority: "request 2026-17".to_owned(),
        complete_days: 30,
        person: token(1),
    }
}

#[tokio::test]
async fn two_people_erase_what_was_pulled_and_nobody_does_it_alone() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    let other = scene.pulled("t2", b"sun").await;
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    assert_eq!(
        (line.state, line.records[0].sections.as_slice()),
        (ErasureState::Proposed, &["facts".to_owned()][..])
    );
    for (n, expected) in [(1, "another person has to approve"), (3, "of nobody who is named")] {
        let error = scene.approve(&line.id, n).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert!(scene.facts(pull).is_some() && scene.has_payload(b"rain"));

    let done = scene.approve(&line.id, 2).await.unwrap();
    let tombstone = done.records[0].tombstone.unwrap();
    assert_eq!(
        (
            done.state,
            done.decided_by.as_ref().map(|by| by.id.as_str()),
            done.is_buried
        ),
        (ErasureState::Erased, Some("p2"), Some(true))
    );
    let said = scene.facts(tombstone).unwrap();
    for (member, expected) in [
        ("index", json!(pull)),
        ("proposal", json!(line.id)),
        ("proposedBy", json!("person 1 (`p1`)")),
        ("approvedBy", json!("person 2 (`p2`)")),
        ("ground", json!("avg-17")),
        ("counterparty", json!("did:web:app.example")),
        ("kind", json!("one-sided-pull-received")),
    ] {
        assert_eq!(said[member], expected, "{member}");
    }
    assert_eq!(scene.facts(pull), None);
    assert!(!scene.has_payload(b"rain") && scene.has_payload(b"sun"));
    assert_eq!(scene.node.ledger.get(&PullEntry::key("t1")).unwrap(), None);
    assert!(scene.node.ledger.get(&PullEntry::key("t2")).unwrap().is_some() && scene.facts(other).is_some());
    scene.node.ledger.verify_all(|_, _| {}).unwrap();

    let again = scene.approve(&line.id, 2).await.unwrap_err();
    assert!(again.contains("was approved by person 2"), "{again}");
    let again = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap_err();
    assert!(again.contains("everything was erased before"), "{again}");
    assert_eq!(scene.erase(Erase::List {}).await.unwrap(), done);
    assert_eq!(scene.erase(Erase::Show { id: line.id }).await.unwrap(), done);
    // Of the agreement only what is left.
    let rest = scene
        .propose(Meant::Agreement(AGREEMENT.to_owned()), &[])
        .await
        .unwrap();
    assert_eq!(
        rest.records.iter().map(|record| record.index).collect::<Vec<_>>(),
        [other]
    );
    // Both acts stand in the log, beside the tombstone.
    let changes = scene.node.ledger.by_term(&Term::Kind(Kind::TrustChanged)).unwrap();
    let first = scene.facts(changes[0]).unwrap();
    assert_eq!(
        (&first["what"], &first["by"]),
        (&json!("erasure.proposals"), &json!("person 1 (`p1`)"))
    );
    assert_eq!(first["after"]["records"][0]["index"], json!(pull));
}

#[tokio::test]
async fn bytes_that_another_record_leads_to_stay() {
    let scene = Scene::set(2);
    let pulls = [scene.pulled("t1", b"rain").await, scene.pulled("t2", b"rain").await];
    for (pull, is_left) in pulls.into_iter().zip([true, false]) {
        let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
        scene.approve(&line.id, 2).await.unwrap();
        assert_eq!(scene.has_payload(b"rain"), is_left);
    }
}

#[tokio::test]
async fn what_is_held_is_not_erased_nor_what_a_held_case_rests_on() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    let decision = scene.decided("Z1", "t1").await;
    let early = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    for what in [
        Meant::Case("Z1".to_owned()),
        Meant::Agreement(AGREEMENT.to_owned()),
        Meant::Records(vec![pull]),
    ] {
        let add = |reason: &str| Hold::Add {
            what: what.clone(),
            reason: reason.to_owned(),
            person: token(2),
        };
        assert!(scene.hold(add("two\nlines")).await.unwrap_err().contains("the reason"));
        let held = scene.hold(add("appeal 26/1234")).await.unwrap().holds.remove(0);
        for error in [
            scene.approve(&early.id, 2).await.unwrap_err(),
            scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap_err(),
        ] {
            assert!(
                error.contains(&format!("record {pull} is held")) && error.contains("appeal 26/1234"),
                "{error}"
            );
        }
        assert_eq!(
            scene.hold(Hold::List {}).await.unwrap().holds,
            std::slice::from_ref(&held)
        );
        let (id, person) = (held.id.clone(), token(3));
        let stranger = scene.hold(Hold::Remove { id, person }).await.unwrap_err();
        assert!(stranger.contains("of nobody"), "{stranger}");
        let remove = || Hold::Remove {
            id: held.id.clone(),
            person: token(1),
        };
        assert!(scene.hold(remove()).await.unwrap().removed);
        assert!(scene.hold(remove()).await.unwrap_err().contains("no hold"));
    }
    let whole = closure::of_case(&scene.node, "Z1").unwrap();
    assert!(closure::erased(&whole.records).is_empty());
    let of_case = scene.propose(Meant::Case("Z1".to_owned()), &["people"]).await.unwrap();
    assert_eq!(of_case.records[0].index, decision);
    scene.approve(&early.id, 2).await.unwrap();
    scene.approve(&of_case.id, 2).await.unwrap();
    assert!(scene.facts(decision).is_some(), "only the section that was named goes");

    // A dossier made now has the tombstones, and says what is not there and why.
    let closure = closure::of_case(&scene.node, "Z1").unwrap();
    let size = scene.node.ledger.size();
    let expected = [(pull, "facts", size - 2), (decision, "people", size - 1)].map(|(index, section, tombstone)| {
        assert_eq!(closure.records[&tombstone].kind(), Some(Kind::Erased));
        let id = format!("{}/{section}", hex::encode(closure.records[&index].leaf()));
        let explanation = format!("avg-17: request 2026-17 (record {tombstone})");
        json!({"what": "section", "id": id, "why": "erased", "explanation": explanation})
    });
    assert_eq!(closure::erased(&closure.records), expected);
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_nothing_is_recorded() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    let second = scene.pulled("t2", b"sun").await;
    let held = scene.hold(Hold::Add {
        what: Meant::Records(vec![second]),
        reason: "appeal".to_owned(),
        person: token(1),
    });
    held.await.unwrap();
    let of_hold = scene.node.ledger.size() - 1;
    let size = scene.node.ledger.size();
    let other = |change: &dyn Fn(&mut String, &mut String)| {
        let mut request = proposal(Meant::Records(vec![pull]), &[]);
        if let Erase::Propose { ground, authority, .. } = &mut request {
            change(ground, authority);
        }
        request
    };
    let of = |what, sections: &[&str]| proposal(what, sections);
    let unknown = || "no-such".to_owned();
    let refusals = [
        (of(Meant::Records(vec![99]), &[]), "no record 99"),
        (of(Meant::Records(vec![0]), &[]), "`log-opened`"),
        (of(Meant::Records(vec![of_hold]), &[]), "never erased, leave it out"),
        (of(Meant::Records(vec![99]), &[]), "`herleid trace` shows"),
        (of(Meant::Records(vec![second]), &[]), "`herleid hold list`"),
        (of(Meant::Records(vec![pull]), &["gossip"]), "docs/erasure.md"),
        (of(Meant::Records(vec![]), &[]), "no record with these numbers"),
        (of(Meant::Case(unknown()), &[]), "no record of case `no-such`"),
        (
            of(Meant::Agreement(unknown()), &[]),
            "no record under agreement `no-such`",
        ),
        (
            of(Meant::Records(vec![pull]), &["envelope"]),
            "`envelope` of record 1 is never erased",
        ),
        (
            of(Meant::Records(vec![pull]), &["gossip"]),
            "`gossip` is not the name of a section",
        ),
        (of(Meant::Records(vec![pull]), &["people"]), "no section `people`"),
        (other(&|ground, _| *ground = "whim".to_owned()), "`whim` is no ground"),
        (other(&|_, authority| authority.clear()), "the authority is empty"),
        (
            Erase::Approve {
                id: unknown(),
                person: token(2),
            },
            "no proposal `no-such`",
        ),
        (
            Erase::Reject {
                id: unknown(),
                person: token(2),
            },
            "no proposal `no-such`",
        ),
        (Erase::Show { id: unknown() }, "no proposal `no-such`"),
    ];
    for (request, expected) in refusals {
        let error = scene.erase(request).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(scene.node.ledger.size(), size);

    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    let (id, person) = (line.id.clone(), token(1));
    let rejected = scene.erase(Erase::Reject { id, person }).await.unwrap();
    assert_eq!(rejected.state, ErasureState::Rejected);
    let error = scene.approve(&line.id, 2).await.unwrap_err();
    assert!(error.contains("was ended by person 1"), "{error}");
    assert!(scene.facts(pull).is_some());
}
