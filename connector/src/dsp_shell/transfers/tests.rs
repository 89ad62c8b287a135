use super::*;
use crate::dsp::message::DataAddress;
use crate::dsp::outbox::Effect;
use crate::dsp::path::TransferPost;
use crate::dsp::process::{Outcome, step};
use crate::dsp::transfer;
use serde_json::Value;

const CONSUMER: &str = "did:web:app.example";

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn message(post: Option<TransferPost>, kind: &str, members: Value) -> crate::dsp::message::Received<transfer::Message> {
    let mut message = json!({
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": kind, "consumerPid": "urn:uuid:c",
    });
    for (name, value) in members.as_object().unwrap() {
        message[name] = value.clone();
    }
    transfer::Message::parse(post, message.to_string().as_bytes()).unwrap()
}

/// A transfer that a consumer has asked us for.
fn requested() -> Transfer {
    let request = message(
        None,
        "TransferRequestMessage",
        json!({"agreementId": "urn:agreement:1", "format": HTTP_PULL, "callbackAddress": "https://app.example/dsp"}),
    );
    transfer::opened(id("urn:uuid:p"), id(CONSUMER), &request, 0).unwrap().0
}

/// We decide, and the consumer gets our message.
fn decides(process: &Transfer, decision: Decide) -> (Transfer, Transfer) {
    let (decided, _) = step(process, Event::Decided(decision), 1).unwrap();
    let Some(Effect::Send(send)) = decided.unsettled() else {
        panic!("nothing is sent")
    };
    let delivery = Event::Delivery {
        key: send.key,
        outcome: Outcome::Acknowledged(None),
    };
    let (known, _) = step(&decided, delivery, 2).unwrap();
    (decided, known)
}

fn receives(process: &Transfer, post: TransferPost, kind: &str) -> Transfer {
    let message = message(Some(post), kind, json!({"providerPid": "urn:uuid:p"}));
    let from = id(CONSUMER);
    step(process, Event::Received { from, message }, 3).unwrap().0
}

fn is_due(process: &Transfer) -> bool {
    is_due_under(process, || Decider::Policy)
}

#[test]
fn what_was_decided_is_not_done_after_a_suspension_and_a_start_by_the_other_end() {
    let address = DataAddress::http_bearer("https://knmi.example/data/p", "token");
    let (_, seen) = decides(&requested(), Decide::Start(Some(address)));
    assert_eq!(seen.state(), State::Started);
    let suspended = receives(&seen, TransferPost::Suspension, "TransferSuspensionMessage");
    let started = receives(&suspended, TransferPost::Start, "TransferStartMessage");
    assert_eq!((started.state(), started.sent()), (seen.state(), seen.sent()));
    assert!(suspended.has_gone_on_since(&seen) && started.has_gone_on_since(&seen));
    // It is kept, and what an older version kept can be read.
    let bytes = started.to_bytes().unwrap();
    assert!(!Transfer::from_bytes(&bytes).unwrap().has_gone_on_since(&started));
    let mut older: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(older.as_object_mut().unwrap().remove("steps").is_some());
    assert_eq!(
        Transfer::from_bytes(older.to_string().as_bytes()).unwrap().state(),
        started.state()
    );
}

#[test]
fn access_is_open_while_data_may_flow_and_only_then() {
    let process = requested();
    assert_eq!(closed(&process).as_deref(), Some("the transfer is REQUESTED"));
    let start = Decide::Start(Some(DataAddress::http_bearer("https://knmi.example/data", "token")));
    // The consumer may come before its acknowledgement.
    let (starting, started) = decides(&process, start);
    assert_eq!((closed(&starting), closed(&started)), (None, None));

    let suspended = receives(&started, TransferPost::Suspension, "TransferSuspensionMessage");
    assert_eq!(closed(&suspended).as_deref(), Some("the transfer is SUSPENDED"));
    // A transfer that goes on has its access again.
    let resumed = receives(&suspended, TransferPost::Start, "TransferStartMessage");
    assert_eq!(closed(&resumed), None);

    let (suspending, suspended) = decides(&resumed, Decide::Suspend(Cause::new("late", "it is late")));
    assert_eq!(
        closed(&suspending).as_deref(),
        Some("this connector has sent its TransferSuspensionMessage")
    );
    let ended = receives(&suspended, TransferPost::Termination, "TransferTerminationMessage");
    assert_eq!(closed(&ended).as_deref(), Some("the transfer is TERMINATED"));
    let completed = receives(&resumed, TransferPost::Completion, "TransferCompletionMessage");
    assert_eq!(closed(&completed).as_deref(), Some("the transfer is COMPLETED"));
}

#[test]
fn a_transfer_is_looked_at_until_it_is_over() {
    let process = requested();
    assert!(is_due(&process));
    let start = Decide::Start(Some(DataAddress::http_bearer("https://knmi.example/data", "token")));
    let (starting, started) = decides(&process, start);
    // Its access may run out, and then it is ended from here.
    assert!(!is_due(&starting) && is_due(&started));
    let completed = receives(&started, TransferPost::Completion, "TransferCompletionMessage");
    assert!(!is_due(&completed));
}

#[test]
fn formats_that_nothing_has_are_refused_and_pushes_where_they_are_off() {
    for pushed in [false, true] {
        assert_eq!(known(HTTP_PULL, false, pushed), Ok(Direction::Pull));
        assert_eq!(known(PROCESSES, false, pushed), Ok(Direction::Pull));
    }
    for format in [HTTP_PUSH, S3_PUSH] {
        // That the address is missing is said by whoever reads it.
        assert_eq!(known(format, true, true), Ok(Direction::Push));
        assert_eq!(known(format, false, true), Ok(Direction::Push));
    }
    for (format, has_address, pushed) in [
        (HTTP_PULL, true, false),
        (HTTP_PULL, true, true),
        (HTTP_PUSH, true, false),
        (HTTP_PUSH, false, false),
        (S3_PUSH, true, false),
        ("Kafka-PUSH", true, true),
        ("", false, true),
    ] {
        let refusal = known(format, has_address, pushed).unwrap_err();
        assert_eq!((refusal.code(), refusal.status()), ("format", 400));
        let said = refusal.to_string();
        assert!(
            said.contains("without `dataAddress`") && said.contains("AmazonS3-PUSH") == (pushed || format == S3_PUSH),
            "{said}"
        );
    }
}
