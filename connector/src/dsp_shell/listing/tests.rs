use super::super::negotiations::in_force_tests::connector;
use super::super::steps::kept;
use super::*;
use crate::dsp::negotiation::{self, Contract, Decide, Peer};
use crate::dsp::policy::Offer;
use crate::dsp::process::{Event, step};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

const MANY: usize = 812;

/// A connector, and how many negotiations it has.
struct Scene {
    node: Arc<Node>,
    count: usize,
    _directory: tempfile::TempDir,
}

fn pid(number: usize) -> String {
    format!("urn:uuid:{number:08}")
}

impl Scene {
    fn set(count: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut scene = Self {
            node: connector(directory.path(), 7102),
            count: 0,
            _directory: directory,
        };
        scene.begin(count);
        scene
    }

    /// What the n-th negotiation is: every tenth is with another party, every fourth has ended.
    fn negotiation(number: usize) -> negotiation::Negotiation {
        let other = if number.is_multiple_of(10) {
            "did:web:other.example"
        } else {
            "did:web:knmi.example"
        };
        let peer = Peer {
            id: other.parse().unwrap(),
            address: "https://knmi.example/dsp/2025-1".parse().unwrap(),
            callback: "https://app.example/dsp/2025-1".parse().unwrap(),
        };
        let offer =
            json!({"@id": "urn:offer:1", "@type": "Offer", "target": "rain", "permission": [{"action": "use"}]});
        let offer = Offer::try_from(offer).unwrap();
        negotiation::request(pid(number).parse().unwrap(), peer, offer, 0)
            .unwrap()
            .0
    }

    fn write(&self, process: &negotiation::Negotiation) {
        self.node
            .state
            .write(kept(&self.node, process, false).unwrap())
            .unwrap();
    }

    fn begin(&mut self, more: usize) {
        for number in self.count..self.count + more {
            let process = Self::negotiation(number);
            self.write(&process);
            if number.is_multiple_of(4) {
                let end = Decide::Terminate(crate::dsp::message::Cause::new("over", "over"));
                self.write(&step(&process, Event::Decided(end), 1).unwrap().0);
            }
        }
        self.count += more;
    }

    fn list(&self, fits: impl Fn(&Line) -> bool, after: Option<&str>, limit: usize) -> Part<Contract> {
        self.node.negotiator.list(&self.node, fits, after, limit).unwrap()
    }
}

fn names(part: &Part<Contract>) -> Vec<String> {
    part.items.iter().map(|one| one.own_pid().to_string()).collect()
}

#[tokio::test]
async fn all_pages_are_the_list_and_each_says_of_how_many() {
    let scene = Scene::set(MANY);
    let first = scene.list(|_| true, None, 50);
    assert_eq!((first.items.len(), first.total), (50, MANY));
    assert_eq!(names(&first)[0], pid(MANY - 1), "the newest first");
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let part = scene.list(|_| true, after.as_deref(), 100);
        assert_eq!(part.total, MANY);
        all.extend(names(&part));
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, (0..MANY).rev().map(pid).collect::<Vec<_>>());
    // A page that ends with the list says so.
    assert_eq!(scene.list(|_| true, None, MANY).next, None);
    assert_eq!(scene.list(|_| true, Some("urn:uuid:0"), 9).total, MANY);
}

#[tokio::test]
async fn what_is_begun_between_two_pages_moves_nothing() {
    let mut scene = Scene::set(120);
    let first = scene.list(|_| true, None, 50);
    scene.begin(30);
    let second = scene.list(|_| true, first.next.as_deref(), 50);
    let third = scene.list(|_| true, second.next.as_deref(), 50);
    assert_eq!((second.total, third.next.as_deref()), (150, None));
    let shown: Vec<String> = [&first, &second, &third].into_iter().flat_map(names).collect();
    assert_eq!(shown, (0..120).rev().map(pid).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_does_not_fit_is_neither_shown_nor_counted_and_a_state_counts_once() {
    let scene = Scene::set(MANY);
    let other = |line: &Line| line.peer.as_str() == "did:web:other.example";
    let over = |line: &Line| line.state == "TERMINATED";
    assert_eq!(scene.list(other, None, 10).total, 82);
    assert_eq!(scene.list(over, None, 10).total, 203);
    let open = scene.list(|line| !over(line), None, 500);
    assert_eq!(open.total, MANY - 203);
    assert!(open.items.iter().all(|one| one.state().name() == "REQUESTED"));
    let both = scene.list(|line| other(line) && over(line), None, 500);
    assert_eq!(names(&both).len(), both.total);
    assert_eq!(
        scene
            .list(|line| line.about.get("dataset").is_some_and(|id| id == "rain"), None, 1)
            .total,
        MANY
    );
    assert_eq!(scene.list(|line| line.role == "provider", None, 1).total, 0);
}

#[tokio::test]
async fn only_the_page_is_read() {
    let scene = Scene::set(60);
    // Whoever read this one would stumble.
    let damaged = (format!("negotiation/{}", pid(3)), Some(b"{".to_vec()));
    scene.node.state.write(vec![damaged]).unwrap();
    let first = scene.list(|_| true, None, 50);
    assert_eq!((first.items.len(), first.total), (50, 60));
    // It is counted, and named in the log.
    let last = scene.list(|_| true, first.next.as_deref(), 50);
    assert_eq!((last.items.len(), last.total, last.next), (9, 60, None));
    // What lists choose by cannot be read: nothing is shown instead of too little.
    scene
        .node
        .state
        .write(vec![(format!("list/negotiation/{}", pid(5)), Some(b"{".to_vec()))])
        .unwrap();
    let refused = scene.node.negotiator.list::<Contract>(&scene.node, |_| true, None, 5);
    assert!(matches!(refused, Err(Refusal::Internal { .. })));
}

#[tokio::test]
async fn processes_of_an_older_version_are_listed_after_a_start() {
    let scene = Scene::set(0);
    for number in 0..70 {
        let process = Scene::negotiation(number);
        let key = format!("negotiation/{}", process.own_pid());
        scene
            .node
            .state
            .write(vec![(key, Some(process.to_bytes().unwrap()))])
            .unwrap();
    }
    assert_eq!(scene.list(|_| true, None, 5).total, 0);
    let broken = format!("negotiation/{}", pid(70));
    scene
        .node
        .state
        .write(vec![(broken.clone(), Some(b"{".to_vec()))])
        .unwrap();
    scene.node.negotiator.complete_lines::<Contract>(&scene.node).unwrap();
    assert_eq!(scene.list(|_| true, None, 5).total, 70);
    // It is repaired, and listed after the next start.
    let repaired = Scene::negotiation(70).to_bytes().unwrap();
    scene.node.state.write(vec![(broken, Some(repaired))]).unwrap();
    scene.node.negotiator.complete_lines::<Contract>(&scene.node).unwrap();
    let all = scene.list(|_| true, None, 100);
    assert_eq!(
        (all.total, names(&all).into_iter().collect::<BTreeSet<_>>().len()),
        (71, 71)
    );
    // Once is enough.
    let late = Scene::negotiation(99);
    let key = format!("negotiation/{}", late.own_pid());
    scene
        .node
        .state
        .write(vec![(key, Some(late.to_bytes().unwrap()))])
        .unwrap();
    scene.node.negotiator.complete_lines::<Contract>(&scene.node).unwrap();
    assert_eq!(scene.list(|_| true, None, 5).total, 71);
}
