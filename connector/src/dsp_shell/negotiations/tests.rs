use super::*;
use crate::control::error::Code;
use crate::dsp::message::Pids;
use crate::dsp::negotiation;
use crate::dsp::negotiation::Peer;
use crate::dsp::outbox::Effect;
use crate::dsp::path::NegotiationPost;
use crate::dsp::policy::Offer;
use crate::dsp::process::{Event, Outcome, step};
use serde_json::Value;
use serde_json::json;

const PROVIDER: &str = "did:web:knmi.example";

fn is_due(process: &Negotiation) -> bool {
    is_due_under(&Handlers::default(), process)
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn offer() -> Value {
    json!({"@id": "urn:offer:1", "@type": "Offer", "target": "rain", "permission": [{"action": "use"}]})
}

/// A negotiation of ours as the consumer, and the message that opens it.
fn requested() -> (Negotiation, Vec<Effect<Contract>>) {
    let peer = Peer {
        id: id(PROVIDER),
        address: "https://knmi.example/dsp/2025-1".parse().unwrap(),
        callback: "https://app.example/dsp/2025-1".parse().unwrap(),
    };
    negotiation::request(id("urn:uuid:c"), peer, Offer::try_from(offer()).unwrap(), 0).unwrap()
}

/// What became of the message that opened it.
fn news(process: &Negotiation, effects: &[Effect<Contract>], outcome: Outcome<Contract>) -> Negotiation {
    let sent = effects.iter().find_map(|effect| match effect {
        Effect::Send(send) => Some(send.key.clone()),
        _ => None,
    });
    let key = sent.unwrap();
    step(process, Event::Delivery { key, outcome }, 1).unwrap().0
}

/// A negotiation that the provider has, too.
fn known() -> Negotiation {
    let (process, effects) = requested();
    let pids = Pids {
        consumer: id("urn:uuid:c"),
        provider: id("urn:uuid:p"),
    };
    news(&process, &effects, Outcome::Acknowledged(Some(pids)))
}

/// The provider sends `members` as a message of `kind`.
fn receives(process: &Negotiation, post: NegotiationPost, kind: &str, members: Value) -> Negotiation {
    let mut message = json!({
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": kind,
        "consumerPid": "urn:uuid:c", "providerPid": "urn:uuid:p",
    });
    for (name, value) in members.as_object().unwrap() {
        message[name] = value.clone();
    }
    let message = negotiation::Message::parse(post, message.to_string().as_bytes()).unwrap();
    let from = id(PROVIDER);
    step(process, Event::Received { from, message }, 2).unwrap().0
}

fn decides(process: &Negotiation, decision: Decide) -> Negotiation {
    step(process, Event::Decided(decision), 3).unwrap().0
}

#[test]
fn a_counter_offer_is_answered_and_whoever_waits_is_told_who_ended_it() {
    let waiting = known();
    assert!(!is_due(&waiting), "the provider is to answer");
    let offered = receives(
        &waiting,
        NegotiationPost::Offer,
        "ContractOfferMessage",
        json!({"offer": offer()}),
    );
    assert_eq!(offered.state(), State::Offered);
    assert!(is_due(&offered));
    let over = decides(&offered, not_asked_for());
    let failure = ended(&over, "the negotiation");
    assert_eq!(failure.code(), Code::Untrusted);
    let said = failure.to_string();
    assert!(said.contains("counter-offers are not accepted here"), "{said}");
    assert!(!said.contains("refused"), "{said}");
}

#[test]
fn a_refusal_of_the_other_end_is_told_as_its_own() {
    let terminated = receives(
        &known(),
        NegotiationPost::Termination,
        "ContractNegotiationTerminationMessage",
        json!({"code": "policy-denied", "reason": ["not for this purpose"]}),
    );
    let (process, effects) = requested();
    let refused = news(
        &process,
        &effects,
        Outcome::Refused("HTTP 400: not for this purpose".to_owned()),
    );
    // Ended here, but because the other end refused what was due.
    let no_use = decides(
        &known(),
        terminate(
            "refused",
            "ContractAgreementVerificationMessage was refused: not for this purpose",
        ),
    );
    for over in [terminated, refused, no_use] {
        let failure = ended(&over, "the negotiation");
        assert_eq!(failure.code(), Code::Refused);
        let said = failure.to_string();
        assert!(
            said.starts_with("`did:web:knmi.example` refused the negotiation: "),
            "{said}"
        );
        assert!(said.contains("not for this purpose"), "{said}");
    }
    let lost = ended(
        &decides(&known(), terminate("undeliverable", "lost")),
        "the negotiation",
    );
    assert_eq!(lost.code(), Code::Unreachable);
}

#[test]
fn each_state_is_due_at_the_end_whose_turn_it_is() {
    let agreement = json!({"agreement": {
        "@id": "urn:agreement:1", "@type": "Agreement", "target": "rain", "assigner": PROVIDER,
        "assignee": "did:web:app.example", "timestamp": "2026-11-22T03:55:18Z", "permission": [{"action": "use"}],
    }});
    let agreed = receives(
        &known(),
        NegotiationPost::Agreement,
        "ContractAgreementMessage",
        agreement,
    );
    assert!(is_due(&agreed));
    // While the verification is on its way, there is nothing to decide.
    let verifying = decides(&agreed, Decide::Verify);
    assert!(!is_due(&verifying));
    // The agreement is in force, and has to be recorded although the negotiation is over.
    let finalized = receives(
        &verifying,
        NegotiationPost::Event,
        "ContractNegotiationEventMessage",
        json!({"eventType": "FINALIZED"}),
    );
    assert!(finalized.is_over() && is_due(&finalized));
    // What a consumer ended leaves it nothing to do: it has recorded no agreement yet.
    assert!(!is_due(&decides(&agreed, not_asked_for())));
}

#[test]
fn what_was_decided_about_one_state_is_not_done_in_another() {
    let seen = known();
    assert!(!seen.has_gone_on_since(&seen));
    let offered = receives(
        &seen,
        NegotiationPost::Offer,
        "ContractOfferMessage",
        json!({"offer": offer()}),
    );
    // A termination that was meant for the request would be possible here, too.
    assert!(offered.may(NegotiationAction::Terminate.kind()).is_ok());
    assert!(offered.has_gone_on_since(&seen));
    // In the same state, but with a message of ours on its way.
    assert!(decides(&offered, Decide::Accept).has_gone_on_since(&offered));
}
