//! Whoever sees a negotiation FINALIZED can use its agreement at once.

use super::*;
use crate::config::Config;
use crate::dsp::error::Answer;
use crate::dsp::message::Pids;
use crate::dsp::negotiation::{self, Peer};
use crate::dsp::outbox::Effect;
use crate::dsp::path::NegotiationPost;
use crate::dsp::process::{Event, Outcome, step};
use crate::dsp_shell::{Context, key};
use crate::identity::Documents;
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use crate::node::{Secrets, open};
use crate::rim::SystemEntropy;
use crate::state::set;
use axum::Router;
use axum::routing::get;
use std::path::Path;

const CONSUMER: &str = "did:web:localhost%3A7101";
const AGREED: &str = "urn:agreement:1";

/// A connector, and another one of which only its DID document can be had, until it is `gone`.
struct Scene {
    node: Arc<Node>,
    provider: Did,
    base: String,
    gone: CancellationToken,
    // Last: a log that is still open must not lose its directory.
    _directory: tempfile::TempDir,
}

pub(in crate::dsp_shell) fn connector(directory: &Path, port: u16) -> Arc<Node> {
    Secrets::make(&directory.join("keys"), &SystemEntropy).unwrap();
    let text = format!(
        "[participant]\ndid = \"did:web:localhost%3A{port}\"\nname = \"One\"\n\
         [listen]\npublic_url = \"http://localhost:{port}\"\n\
         [ledger]\norigin = \"localhost:{port}/log/1\"\n\
         [network]\nallow_private_addresses = true\n\
         [identity]\nrequired_credentials = []\n\
         [development]\nplain_http = true\n"
    );
    let file = directory.join("herleid.toml");
    open(Config::read(&file, &text, std::iter::empty(), true).unwrap()).unwrap()
}

impl Scene {
    async fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_address().port();
        let other = connector(&directory.path().join("provider"), port);
        let (provider, base) = (other.did.clone(), super::super::own_base(&other));
        let document = other.document.bytes().to_vec();
        let router = Router::new().route("/.well-known/did.json", get(move || async move { document }));
        let gone = CancellationToken::new();
        let serving = listener.serve(
            Security::PlainForDevelopment,
            router,
            ServerLimits::default(),
            gone.clone(),
        );
        tokio::spawn(serving);
        Self {
            node: connector(&directory.path().join("consumer"), 7101),
            provider,
            base,
            gone,
            _directory: directory,
        }
    }

    /// From now on nothing can be had of the provider.
    fn provider_is_gone(&mut self) {
        self.gone.cancel();
        let node = Arc::get_mut(&mut self.node).expect("nothing else is running");
        node.documents = Arc::new(Documents::new(node.client.clone(), node.clock.clone(), "https"));
    }

    fn from(&self) -> Id {
        self.provider.as_str().parse().unwrap()
    }

    fn message(&self, post: NegotiationPost, kind: &str, members: Value) -> Event<Contract> {
        let mut message = json!({
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": kind,
            "consumerPid": "urn:uuid:c", "providerPid": "urn:uuid:p",
        });
        message
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        let message = negotiation::Message::parse(post, message.to_string().as_bytes()).unwrap();
        Event::Received {
            from: self.from(),
            message,
        }
    }

    /// A negotiation in which the provider has agreed, as it is kept.
    async fn agreed(&self, context: &Context) -> Negotiation {
        let peer = Peer {
            id: self.from(),
            address: self.base.parse().unwrap(),
            callback: super::super::own_base(&self.node).parse().unwrap(),
        };
        let offer =
            json!({"@id": "urn:offer:1", "@type": "Offer", "target": "rain", "permission": [{"action": "use"}]});
        let opened = negotiation::request("urn:uuid:c".parse().unwrap(), peer, Offer::try_from(offer).unwrap(), 0);
        let (process, effects) = opened.unwrap();
        let sent = effects.iter().find_map(|effect| match effect {
            Effect::Send(send) => Some(send.key.clone()),
            _ => None,
        });
        let pids = Pids {
            consumer: "urn:uuid:c".parse().unwrap(),
            provider: "urn:uuid:p".parse().unwrap(),
        };
        let known = Event::Delivery {
            key: sent.unwrap(),
            outcome: Outcome::Acknowledged(Some(pids)),
        };
        let agreement = json!({"agreement": {
            "@id": AGREED, "@type": "Agreement", "target": "rain", "assigner": self.provider.as_str(),
            "assignee": CONSUMER, "timestamp": "2026-11-22T03:55:18Z", "permission": [{"action": "use"}],
        }});
        let agreement = self.message(NegotiationPost::Agreement, "ContractAgreementMessage", agreement);
        let process = [known, agreement]
            .into_iter()
            .fold(process, |process, event| step(&process, event, 1).unwrap().0);
        let kept = vec![
            (key::<Contract>(process.own_pid()), Some(process.to_bytes().unwrap())),
            set(super::super::context_key::<Contract>(process.own_pid()), context).unwrap(),
        ];
        self.node.ledger.put_state(kept).await.unwrap();
        process
    }

    /// A negotiation in which the consumer has verified, without having kept what it found out then.
    async fn verified_blindly(&self) {
        let process = self.agreed(&Context::default()).await;
        let (next, _) = step(&process, Event::Decided(Decide::Verify), 1).unwrap();
        let kept = vec![(key::<Contract>(next.own_pid()), Some(next.to_bytes().unwrap()))];
        self.node.ledger.put_state(kept).await.unwrap();
    }

    /// The consumer decides that the agreement is what was negotiated. What it sends is on its way.
    async fn verified(&self) -> Negotiation {
        let process = self.agreed(&Context::default()).await;
        let due = look(&self.node, &process).await.unwrap().unwrap();
        let (next, _) = step(&process, Event::Decided(due.decision.clone().unwrap()), 1).unwrap();
        // Not `perform`, which would send it, and go on trying after the test.
        let mut changes = due.changes;
        changes.push((key::<Contract>(next.own_pid()), Some(next.to_bytes().unwrap())));
        self.node.ledger.put_state(changes).await.unwrap();
        next
    }

    /// The provider declares the agreement to be in force.
    async fn finalized(&self) -> Result<Answer, Refusal> {
        let members = json!({"eventType": "FINALIZED", "@id": "urn:message:1"});
        let event = self.message(NegotiationPost::Event, "ContractNegotiationEventMessage", members);
        let pid = "urn:uuid:c".parse().unwrap();
        self.node
            .negotiator
            .step::<Contract>(&self.node, &pid, event)
            .await
            .map(Option::unwrap)
    }

    fn state(&self) -> State {
        let process = self
            .node
            .negotiator
            .load::<Contract>(&self.node, &"urn:uuid:c".parse().unwrap());
        process.unwrap().unwrap().state()
    }

    fn on_record(&self) -> Option<AgreementEntry> {
        self.node
            .state
            .get(&AgreementEntry::key(AGREED, Side::Consumer))
            .unwrap()
    }
}

#[tokio::test]
async fn an_agreement_is_on_record_when_its_negotiation_is_finalized_whatever_can_be_had_then() {
    let mut scene = Scene::set().await;
    scene.verified().await;
    scene.provider_is_gone();
    assert_eq!(scene.finalized().await.unwrap().status, 200);
    // Nothing has been waited for since the answer.
    assert_eq!(scene.state(), State::Finalized);
    let entry = scene.on_record().expect("whoever sees FINALIZED may use the agreement");
    assert_eq!((&entry.other, &entry.other_base), (&scene.provider, &scene.base));
    assert_eq!(
        entry.other_log.unwrap().origin,
        scene.base.split('/').nth(2).unwrap().to_owned() + "/log/1"
    );
    assert!(!Contract::is_due(
        &scene.node,
        &scene
            .node
            .negotiator
            .load(&scene.node, &"urn:uuid:c".parse().unwrap())
            .unwrap()
            .unwrap()
    ));
    let told = scene.node.journal.after(&scene.node.state, 0, 10).unwrap();
    assert_eq!(told.last().unwrap().1.to, "FINALIZED");
    // The message comes again: nothing is recorded twice.
    let size = scene.node.ledger.size();
    assert_eq!(scene.finalized().await.unwrap().status, 200);
    assert_eq!(scene.node.ledger.size(), size);
}

#[tokio::test]
async fn what_cannot_be_put_on_record_yet_is_not_finalized_yet() {
    let mut scene = Scene::set().await;
    scene.verified_blindly().await;
    scene.provider_is_gone();
    let refusal = scene.finalized().await.unwrap_err();
    assert_eq!((refusal.status(), refusal.code()), (503, "unavailable"));
    // What was looked for, and where, is nobody's business.
    assert!(!refusal.to_string().contains("localhost"), "{refusal}");
    assert_eq!((scene.state(), scene.on_record().is_none()), (State::Agreed, true));
    assert_eq!(scene.node.journal.settled(), 0, "nobody was told of anything");
}

#[tokio::test]
async fn the_message_that_could_not_be_taken_is_taken_when_it_comes_again() {
    let scene = Scene::set().await;
    scene.verified_blindly().await;
    // Nothing was kept, but it can be had.
    assert_eq!(scene.finalized().await.unwrap().status, 200);
    assert_eq!((scene.state(), scene.on_record().is_some()), (State::Finalized, true));
}

#[tokio::test]
async fn an_agreement_that_can_never_be_recorded_is_refused_and_not_shown_as_finalized() {
    let scene = Scene::set().await;
    scene.verified().await;
    // Meanwhile its id has come to stand for another agreement.
    let other = AgreementEntry {
        id: AGREED.to_owned(),
        side: Side::Consumer,
        other: scene.provider.clone(),
        agreement: json!({}),
        sha256: "ab".repeat(32),
        target: "snow".to_owned(),
        declares: Default::default(),
        other_log: None,
        other_base: scene.base.clone(),
        dataset: None,
        terminated: None,
    };
    let entry = set(AgreementEntry::key(AGREED, Side::Consumer), &other).unwrap();
    scene.node.ledger.put_state(vec![entry]).await.unwrap();
    let refusal = scene.finalized().await.unwrap_err();
    assert_eq!((refusal.status(), refusal.code()), (400, "unusable"));
    assert!(refusal.to_string().contains("was used before"), "{refusal}");
    assert_eq!(scene.state(), State::Agreed);
    assert_eq!(scene.on_record().unwrap().target, "snow");
}
