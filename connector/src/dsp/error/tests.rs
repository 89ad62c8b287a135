use super::*;
use std::collections::HashSet;

fn all() -> Vec<Refusal> {
    let x = || "x".to_owned();
    vec![
        MessageError::ContextMissing.into(),
        MessageError::ContextUnknown { context: x() }.into(),
        JsonError::TooLong { found: 2, limit: 1 }.into(),
        Refusal::media_type("text/html"),
        Refusal::InvalidTransition {
            message: x(),
            sender: Role::Consumer,
            state: x(),
            possible: x(),
        },
        Refusal::Underway {
            message: x(),
            underway: x(),
        },
        Refusal::NotAnOpening { message: x() },
        Refusal::NotFound,
        Refusal::WrongPid {
            found: x(),
            expected: x(),
        },
        Refusal::ReusedPid { pid: x() },
        Refusal::ReusedMessageId { id: x() },
        Refusal::NoAgreement { agreement: x() },
        Refusal::Format {
            asked: x(),
            offered: "x",
        },
        Refusal::Push { why: x() },
        Refusal::Unusable { why: x() },
        Refusal::AddressMissing,
        Refusal::Filter("a filter".to_owned()),
        Refusal::Token("a token".to_owned()),
        Mismatch {
            member: "target",
            negotiated: "x",
        }
        .into(),
        Refusal::Unauthenticated { why: x() },
        Refusal::AnswerNeeded,
        Refusal::Unavailable { why: x() },
        Refusal::Internal { reference: x() },
    ]
}

#[test]
fn every_refusal_has_a_code_and_a_text_of_its_own() {
    let all = all();
    let codes: HashSet<_> = all.iter().map(Refusal::code).collect();
    let texts: HashSet<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!((codes.len(), texts.len()), (all.len(), all.len()));
}

#[test]
fn peers_take_404_for_not_yet_so_nothing_else_is_404() {
    for refusal in all() {
        assert_eq!(refusal.status() == 404, refusal == Refusal::NotFound, "{refusal}");
        assert!((400..=503).contains(&refusal.status()), "{refusal}");
    }
}

#[test]
fn not_found_says_nothing_about_the_process() {
    let known = Pids {
        consumer: "a".parse().unwrap(),
        provider: "b".parse().unwrap(),
    };
    for family in [Family::Catalog, Family::Negotiation, Family::Transfer] {
        assert_eq!(
            Refusal::NotFound.answer(family, &known),
            Refusal::NotFound.answer(family, &unknown_pids())
        );
    }
    let body = Refusal::AddressMissing.answer(Family::Transfer, &known).body;
    assert_eq!(
        (body["consumerPid"].as_str(), body["providerPid"].as_str()),
        (Some("a"), Some("b"))
    );
    assert_eq!(body["code"], "address-missing");
}

#[test]
fn pids_are_found_in_what_could_not_be_accepted() {
    let pids = pids_in(br#"{"consumerPid": "a b", "providerPid": "p"}"#);
    assert_eq!((pids.consumer, pids.provider.as_str()), (unknown_pids().consumer, "p"));
    assert_eq!(pids_in(b"{"), unknown_pids());
    assert_eq!(UNKNOWN_PID.parse::<Id>().unwrap(), unknown_pids().consumer);
}

#[test]
fn a_peers_reason_is_kept_short_and_on_one_line() {
    assert_eq!(
        reason_in(400, br#"{"code": "7", "reason": ["no", {"a": 1}]}"#),
        "HTTP 400: no; {\"a\":1} (code 7)"
    );
    assert_eq!(reason_in(400, b"line\nline"), "HTTP 400: line line");
    assert_eq!(reason_in(502, b""), "HTTP 502 without a reason");
    assert!(reason_in(400, &[b'x'; 5000]).len() < 600);
}
