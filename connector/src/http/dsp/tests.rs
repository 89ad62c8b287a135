//! What a bad request gets over the real routes: always the protocol's own error.

use super::*;
use crate::catalogue::tests::{Desk, Told};
use serde_json::{Value, json};

const CONTEXT: &str = "https://w3id.org/dspace/2025/1/context.jsonld";
const JSON: &str = "application/json";
/// Somebody who does not ask here.
const OTHER: &str = "did:web:other.example";

/// One family of endpoints.
struct Paths {
    base: &'static str,
    error: &'static str,
    /// What opens a process.
    opening: Value,
    /// What ends one.
    termination: Value,
}

fn families() -> [Paths; 2] {
    let message = |kind: &str, members: Value| {
        let mut message = json!({"@context": [CONTEXT], "@type": kind, "consumerPid": "urn:their:1"});
        let members = members.as_object().unwrap().clone();
        message.as_object_mut().unwrap().extend(members);
        message
    };
    let pid = json!({"providerPid": "urn:uuid:11111111-1111-4111-8111-111111111111"});
    let offer = json!({"@id": "urn:offer:1", "@type": "Offer", "target": "rain", "permission": [{"action": "use"}]});
    [
        Paths {
            base: "/dsp/2025-1/negotiations",
            error: "ContractNegotiationError",
            opening: message(
                "ContractRequestMessage",
                json!({"callbackAddress": "https://other.example/dsp", "offer": offer}),
            ),
            termination: message("ContractNegotiationTerminationMessage", pid.clone()),
        },
        Paths {
            base: "/dsp/2025-1/transfers",
            error: "TransferError",
            opening: message(
                "TransferRequestMessage",
                json!({"callbackAddress": "https://other.example/dsp", "agreementId": "urn:agreement:1", "format": "HttpData-PULL"}),
            ),
            termination: message("TransferTerminationMessage", pid),
        },
    ]
}

/// Keeps a negotiation and a transfer that `from` opened, both called `pid`.
async fn keep(desk: &Desk, pid: &str, from: &str) {
    let [negotiation, transfer] = families().map(|f| f.opening.to_string());
    let (pid, from): (Id, Id) = (pid.parse().unwrap(), from.parse().unwrap());
    let message = negotiation::Message::parse(NegotiationPost::Request, negotiation.as_bytes()).unwrap();
    let (contract, _) = negotiation::opened(pid.clone(), from.clone(), &message, 0).unwrap();
    let message = transfer::Message::parse(None, transfer.as_bytes()).unwrap();
    let (moved, _) = transfer::opened(pid.clone(), from, &message, 0).unwrap();
    let kept = vec![
        (format!("negotiation/{pid}"), Some(contract.to_bytes().unwrap())),
        (format!("transfer/{pid}"), Some(moved.to_bytes().unwrap())),
    ];
    desk.node.ledger.put_state(kept).await.unwrap();
}

/// An error of the protocol, with its status and its code.
fn is_error(told: &Told, kind: &str, status: u16, code: &str, what: &str) {
    assert_eq!(told.status.as_u16(), status, "{what}: {}", told.text());
    assert_eq!(told.headers[header::CONTENT_TYPE], JSON, "{what}");
    let body = told.json();
    assert_eq!(body["@context"], json!([CONTEXT]), "{what}: {body}");
    assert_eq!(
        (&body["@type"], &body["code"]),
        (&json!(kind), &json!(code)),
        "{what}: {body}"
    );
    assert!(
        body["reason"].as_array().is_some_and(|r| !r.is_empty()),
        "{what}: {body}"
    );
    if kind != "CatalogError" {
        assert!(
            body["consumerPid"].is_string() && body["providerPid"].is_string(),
            "{what}: {body}"
        );
    }
}

#[tokio::test]
async fn a_bad_message_gets_the_error_of_its_part_of_the_protocol() {
    let desk = Desk::open("");
    let ours = "urn:uuid:11111111-1111-4111-8111-111111111111";
    keep(&desk, ours, desk.asker.as_str()).await;
    let long = format!("\"{}\"", "x".repeat(Limits::MESSAGE.max_bytes));
    for family in families() {
        let mut foreign = family.opening.clone();
        foreign["@context"] = json!([CONTEXT, "https://other.example/context.jsonld"]);
        let mut without = family.opening.clone();
        without.as_object_mut().unwrap().remove("consumerPid");
        let good = family.opening.to_string();
        let opening = format!("{}/request", family.base);
        let existing = format!("{}/{ours}/termination", family.base);
        let cases = [
            (&opening, JSON, "no JSON", 400, "malformed"),
            (&opening, JSON, &foreign.to_string(), 400, "unknown-context"),
            (&opening, JSON, &without.to_string(), 400, "malformed"),
            (&opening, JSON, &long, 413, "too-long"),
            (&opening, "text/plain", &good, 415, "media-type"),
            (&existing, JSON, "no JSON", 400, "malformed"),
            (&existing, JSON, &long, 413, "too-long"),
            (
                &existing,
                "text/plain",
                &family.termination.to_string(),
                415,
                "media-type",
            ),
        ];
        for (path, media_type, body, status, code) in cases {
            let told = desk
                .ask(Method::POST, path, &[("content-type", media_type)], body, true)
                .await;
            is_error(&told, family.error, status, code, &format!("{path} {code}"));
        }
        // Nothing of it has changed anything.
        let told = desk
            .ask(Method::GET, &format!("{}/{ours}", family.base), &[], "", true)
            .await;
        assert_eq!(
            (told.status, &told.json()["state"]),
            (StatusCode::OK, &json!("REQUESTED"))
        );
    }
    let path = "/dsp/2025-1/catalog/request";
    let told = desk
        .ask(Method::POST, path, &[("content-type", JSON)], &long, true)
        .await;
    is_error(&told, "CatalogError", 413, "too-long", path);
    let limit = Limits::MESSAGE.max_bytes.to_string();
    assert!(told.text().contains(&limit), "{}", told.text());
}

#[tokio::test]
async fn what_is_unknown_and_what_is_anothers_are_told_in_the_same_words() {
    let desk = Desk::open("");
    let (theirs, unknown) = (
        "urn:uuid:11111111-1111-4111-8111-111111111111",
        "urn:uuid:22222222-2222-4222-8222-222222222222",
    );
    keep(&desk, theirs, OTHER).await;
    for family in families() {
        for end in ["", "/termination"] {
            let mut told = Vec::new();
            for pid in [theirs, unknown] {
                let mut message = family.termination.clone();
                message["providerPid"] = json!(pid);
                let (method, body) = match end {
                    "" => (Method::GET, String::new()),
                    _ => (Method::POST, message.to_string()),
                };
                let path = format!("{}/{pid}{end}", family.base);
                let answer = desk.ask(method, &path, &[("content-type", JSON)], &body, true).await;
                is_error(&answer, family.error, 404, "not-found", &path);
                told.push((answer.body, answer.headers));
            }
            assert_eq!(told[0], told[1], "{}{end}", family.base);
        }
    }
}
