//! Withdrawals and what is opened around them.

use super::*;
use crate::config::Config;
use crate::dsp::error::Refusal;
use crate::dsp::negotiation::{self, Contract};
use crate::dsp::path::NegotiationPost;
use crate::dsp_shell::{Context, Stopped};
use crate::node::{Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::{GrantEntry, GrantPurpose};
use std::path::Path;

const PEER: &str = "did:web:app.example";
const ISSUER: &str = "did:web:issuer.example";
const MEMBER: &str = "MembershipCredential";

/// A connector of which a person decides about negotiations, so that they stay open.
struct Scene {
    node: Arc<Node>,
    // Last: a log that is still open must not lose its directory.
    directory: tempfile::TempDir,
}

fn connector(directory: &Path) -> Arc<Node> {
    let text = format!(
        "[participant]\ndid = \"did:web:localhost%3A7101\"\nname = \"KNMI\"\n\
         [listen]\npublic_url = \"http://localhost:7101\"\n\
         [ledger]\norigin = \"localhost:7101/log/1\"\n\
         [identity]\nrequired_credentials = []\n\
         [decisions]\nfile = \"{}\"\n\
         [trust]\npeers = []\nissuers = [{{did = \"{ISSUER}\", types = [\"Other\"]}}]\n\
         [development]\nplain_http = true\n",
        directory.join("rules.toml").display()
    );
    std::fs::write(
        directory.join("rules.toml"),
        "[[negotiation]]\nrole = \"provider\"\nstate = \"REQUESTED\"\ndecide = \"person\"\n",
    )
    .unwrap();
    open(Config::read(&directory.join("herleid.toml"), &text, std::iter::empty(), true).unwrap()).unwrap()
}

fn did(text: &str) -> Did {
    text.parse().unwrap()
}

impl Scene {
    fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        Self {
            node: connector(directory.path()),
            directory,
        }
    }

    async fn add(&self, list: List, who: &str, types: &[&str]) {
        let types = types.iter().map(|kind| (*kind).to_owned()).collect();
        let added = self.node.trust.add(&self.node, list, did(who), types, "A. de Wit");
        added.await.unwrap();
    }

    async fn remove(&self, list: List, who: &str) -> Option<Pending> {
        let who = did(who);
        let removed = self.node.trust.remove(&self.node, list, &who, "duty officer");
        removed.await.unwrap().pending
    }

    /// The peer asks for an agreement, having shown what nobody can read; who it is was found out when trust stood like this.
    async fn opened(&self, standing: Standing, n: u8) -> Result<String, Refusal> {
        let message = json!({
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "ContractRequestMessage",
            "consumerPid": format!("urn:uuid:c{n}"), "callbackAddress": "https://app.example/dsp/2025-1",
            "offer": {"@id": "urn:offer:1", "@type": "Offer", "target": "rain", "permission": [{"action": "use"}]},
        });
        let message = negotiation::Message::parse(NegotiationPost::Request, message.to_string().as_bytes()).unwrap();
        let from: crate::dsp::id::Id = PEER.parse().unwrap();
        let pid = crate::dsp_shell::fresh_pid(&self.node);
        let opened = negotiation::opened(pid.clone(), from.clone(), &message, self.node.now_ms());
        let context = Context {
            presentations: vec!["unreadable".to_owned()],
            ..Context::default()
        };
        let negotiator = &self.node.negotiator;
        let taken = negotiator.take_up::<Contract>(&self.node, from, message, opened, context, standing);
        taken.await.map(|_| pid.to_string())
    }

    async fn withdraw(&self, pending: Option<Pending>) -> Vec<String> {
        let Stopped { ended, left } = withdraw(&self.node, pending.unwrap()).await;
        assert!(!left);
        ended.iter().map(ToString::to_string).collect()
    }

    fn open(&self, of: &str) -> usize {
        self.node.ledger.scan(of).unwrap().len()
    }
}

#[tokio::test]
async fn what_was_found_out_before_a_withdrawal_opens_nothing_after_it() {
    let scene = Scene::set();
    scene.add(List::Peers, PEER, &[]).await;
    let before = scene.node.trust.standing();
    let first = scene.opened(before, 1).await.unwrap();
    let pending = scene.remove(List::Peers, PEER).await;
    let refused = scene.opened(before, 2).await;
    assert!(matches!(refused, Err(Refusal::Unavailable { .. })), "{refused:?}");
    assert_eq!(scene.withdraw(pending).await, [first]);
    assert_eq!(scene.open("by-peer/"), 1, "the second is not there");
}

#[tokio::test]
async fn what_is_opened_after_trust_was_given_again_is_left_alone() {
    let scene = Scene::set();
    scene.add(List::Peers, PEER, &[]).await;
    scene.add(List::Issuers, ISSUER, &[MEMBER]).await;
    let standing = |scene: &Scene| scene.node.trust.standing();
    let old = scene.opened(standing(&scene), 1).await.unwrap();
    let pending = scene.remove(List::Issuers, ISSUER).await;
    // The configuration trusts it for another type all the same, and so does what is added now.
    scene.add(List::Issuers, ISSUER, &["Third"]).await;
    let new = scene.opened(standing(&scene), 2).await.unwrap();
    assert_eq!(scene.open("trust-withdrawn/"), 1, "not everything is trusted again");
    assert_eq!(scene.withdraw(pending).await, [old]);
    assert_eq!(scene.open("trust-withdrawn/"), 0);

    // The same again while the first is still to be ended: each has a key of its own.
    let first = scene.remove(List::Issuers, ISSUER).await;
    scene.add(List::Issuers, ISSUER, &["Third", MEMBER]).await;
    assert_eq!(
        scene.open("trust-withdrawn/"),
        0,
        "superseded: all of it is trusted again"
    );
    assert_eq!(scene.withdraw(first).await, Vec::<String>::new());
    let second = scene.remove(List::Issuers, ISSUER).await;
    assert_eq!(scene.withdraw(second).await, [new]);
}

#[tokio::test]
async fn what_the_configuration_says_stays_trusted() {
    let scene = Scene::set();
    scene.add(List::Issuers, ISSUER, &["Other", MEMBER]).await;
    assert!(scene.remove(List::Issuers, ISSUER).await.is_some());
    assert!(scene.node.trust.issuers().is_trusted(&did(ISSUER), "Other"));
    assert!(!scene.node.trust.issuers().is_trusted(&did(ISSUER), MEMBER));
}

#[tokio::test]
async fn what_a_stop_interrupted_has_ended_before_anything_is_resumed() {
    let mut scene = Scene::set();
    scene.add(List::Peers, PEER, &[]).await;
    let pid = scene.opened(scene.node.trust.standing(), 1).await.unwrap();
    scene.remove(List::Peers, PEER).await.unwrap();
    // Nobody else has it by now: with it the log closes.
    let Scene { node, directory } = scene;
    drop(Arc::into_inner(node).unwrap());
    scene = Scene {
        node: connector(directory.path()),
        directory,
    };
    go_on(&scene.node).await.unwrap();
    let negotiator = &scene.node.negotiator;
    let ended = negotiator
        .load::<Contract>(&scene.node, &pid.parse().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(ended.ended().unwrap().cause.code.as_deref(), Some("trust-withdrawn"));
    assert_eq!(scene.open("trust-withdrawn/"), 0);
}

#[tokio::test]
async fn one_process_that_cannot_be_read_hides_no_other_and_is_left() {
    let scene = Scene::set();
    scene.add(List::Peers, PEER, &[]).await;
    let mut pids = Vec::new();
    for n in 1..=3 {
        pids.push(scene.opened(scene.node.trust.standing(), n).await.unwrap());
    }
    let damage = |key: String| scene.node.state.write(vec![(key, Some(b"{}".to_vec()))]).unwrap();
    damage(format!("negotiation/{}", pids[0]));
    damage(format!("context/negotiation/{}", pids[1]));
    // Nor can this transfer, under which access was given.
    let grant = GrantEntry {
        id: "urn:uuid:t".to_owned(),
        kind: GrantPurpose::Pull,
        agreement: "urn:agreement:1".to_owned(),
        consumer: did(PEER),
        subject: "rain".to_owned(),
        version: None,
        digests: None,
        media_type: None,
        transaction: None,
        source: None,
        bearer_sha256: None,
        push: false,
        declares: Default::default(),
        until_ms: u64::MAX,
        closed: None,
    };
    let key = GrantEntry::key(&grant.id);
    scene.node.state.write(vec![set(key.clone(), &grant).unwrap()]).unwrap();
    damage("transfer/urn:uuid:t".to_owned());
    let open = ("open/transfer/urn:uuid:t".to_owned(), Some(b"urn:uuid:t".to_vec()));
    scene.node.state.write(vec![open]).unwrap();
    let pending = scene.remove(List::Peers, PEER).await.unwrap();
    let stopped = withdraw(&scene.node, pending).await;
    assert!(stopped.left);
    let grant: GrantEntry = scene.node.state.get(&key).unwrap().unwrap();
    assert!(grant.closed.is_some_and(|why| why.contains("no longer trusted")));
    let mut ended: Vec<String> = stopped.ended.iter().map(ToString::to_string).collect();
    ended.sort();
    let mut expected = pids.split_off(1);
    expected.sort();
    assert_eq!(ended, expected);
    assert_eq!(scene.open("trust-withdrawn/"), 1, "it is looked at again");
}
