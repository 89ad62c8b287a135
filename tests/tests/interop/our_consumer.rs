//! Our consumer against EDC's provider.

use crate::{EDC_DID, RAIN, World};
use herleid_tests::edc::PATIENCE;
use herleid_tests::http::Caller;
use herleid_tests::machine::until;
use serde_json::{Value, json};

/// What EDC's provider calls a transfer that has ended, once it has cleared up after it.
const CLEARED: &str = "DEPROVISIONED";

/// How EDC 0.15.1 loses a negotiation now and then without anybody's doing: its store in memory hands out a negotiation that it sends an
/// agreement for at that moment once more, so that it sends another agreement after the first. Ours refuses the second one, rightly, and
/// EDC ends the negotiation for that.
const SECOND_AGREEMENT: &str = "ContractAgreementMessage from the provider is not possible in state";
/// How often it may do so in a row.
const MOST_SECOND_AGREEMENTS: usize = 2;

/// Asks for `dataset` of the EDC; the negotiation once it is in one of these states, or has ended.
fn negotiated(world: &World, dataset: &str, states: &[&str]) -> Value {
    let asked = json!({"counterparty": EDC_DID, "dataset": dataset});
    let states: Vec<&str> = states.iter().copied().chain(["TERMINATED"]).collect();
    let mut lost = 0;
    loop {
        let pid = world.ours.begin("negotiations", &asked);
        let found = world.ours.reaches("negotiations", &pid, &states);
        let ended = &found["ended"];
        let why = ended["reason"].as_str().unwrap_or_default();
        if lost == MOST_SECOND_AGREEMENTS || ended["by"] != "provider" || !why.contains(SECOND_AGREEMENT) {
            return found;
        }
        lost += 1;
        println!("EDC sent a second agreement; it is asked again: {found}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a text, not {value}"))
}

/// Agrees about `dataset`; the agreement's id, once it is on record here.
fn agreed(world: &World, dataset: &str) -> String {
    let agreed = negotiated(world, dataset, &["FINALIZED"]);
    assert_eq!(agreed["state"], "FINALIZED", "{agreed}");
    let id = text(&agreed["agreement"]).to_owned();
    until(&format!("the agreement {id} is on record"), PATIENCE, || {
        let answer = world.ours.get(&format!("/agreements/{id}"));
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    });
    id
}

pub(crate) fn catalogue(world: &World) {
    let listed = world
        .ours
        .get(&format!("/catalog?counterparty={EDC_DID}"))
        .good("catalogue")
        .to_string();
    for dataset in ["rain", "held", "secret"] {
        assert!(
            listed.contains(&format!("\"{dataset}\"")),
            "`{dataset}` is missing in {listed}"
        );
    }
}

pub(crate) fn negotiation(world: &World) {
    let ours = negotiated(world, "rain", &["FINALIZED"]);
    assert_eq!(ours["state"], "FINALIZED", "{ours}");
    let theirs = world
        .edc
        .reaches("contractnegotiations", text(&ours["peer_pid"]), &["FINALIZED"]);
    assert_eq!(theirs["type"], "PROVIDER");
    assert_eq!(theirs["counterPartyId"], world.ours.did());
    assert_eq!(theirs["correlationId"], ours["pid"]);
}

pub(crate) fn pull(world: &World) {
    let agreement = agreed(world, "rain");
    let out = world.folder.path().join("pulled.csv");
    let pulled = world.ours.run(&["pull", &agreement, "--out", out.to_str().unwrap()]);
    assert_eq!(std::fs::read(out).unwrap(), RAIN);
    // What is on record says whose word it is: ours alone.
    world.traced(
        text(&pulled["transaction"]),
        &format!("from {EDC_DID}"),
        world.ours.did(),
    );
    world.traced(text(&pulled["sha256"]), &format!("from {EDC_DID}"), world.ours.did());
    let all = world.ours.get("/transfers").good("transfers");
    let items = all["items"].as_array().unwrap();
    let transfer = items.iter().find(|t| t["agreement"] == agreement.as_str()).unwrap();
    // Access that is not needed any more is given back.
    world.ours.reaches("transfers", text(&transfer["pid"]), &["COMPLETED"]);
    world.edc.reaches(
        "transferprocesses",
        text(&transfer["peer_pid"]),
        &["COMPLETED", CLEARED],
    );
}

pub(crate) fn terminate_negotiation(world: &World) {
    let ours = negotiated(world, "held", &["AGREED"]);
    assert_eq!(ours["state"], "AGREED", "{ours}");
    world.ours.decide("negotiations", text(&ours["pid"]), "terminate");
    world
        .edc
        .reaches("contractnegotiations", text(&ours["peer_pid"]), &["TERMINATED"]);
    let ended = world.ours.reaches("negotiations", text(&ours["pid"]), &["TERMINATED"]);
    assert_eq!(ended["ended"]["by"], "consumer", "{ended}");
}

pub(crate) fn terminate_transfer(world: &World) {
    let asked = json!({"agreement": agreed(world, "rain"), "format": "HttpData-PULL"});
    let pid = world.ours.begin("transfers", &asked);
    let started = world.ours.reaches("transfers", &pid, &["STARTED"]);
    let address = format!("/transfers/{}/address", pid.replace(':', "%3A"));
    let address = world.ours.get(&address).good("address");
    let fetched = || {
        let place = text(&address["endpoint"]).strip_prefix("http://localhost:").unwrap();
        let (port, path) = place.split_once('/').unwrap();
        let caller = Caller::new(
            port.parse().unwrap(),
            &[("Authorization", text(&address["authorization"]))],
        );
        caller.get(&format!("/{path}"))
    };
    assert_eq!(fetched().body, RAIN);
    world.ours.decide("transfers", &pid, "terminate");
    world.ours.reaches("transfers", &pid, &["TERMINATED"]);
    let theirs = text(&started["peer_pid"]);
    world.edc.reaches("transferprocesses", theirs, &["TERMINATED", CLEARED]);
    until("the token opens nothing any more", PATIENCE, || {
        let answer = fetched();
        if answer.status == 403 {
            Ok(())
        } else {
            Err(answer.status)
        }
    });
}

pub(crate) fn refusal(world: &World) {
    let ended = negotiated(world, "secret", &["FINALIZED"]);
    assert_eq!(ended["state"], "TERMINATED", "{ended}");
    let reason = text(&ended["ended"]["reason"]);
    assert!(
        reason.contains("not fulfilled") && reason.contains("did:web:another.example"),
        "{ended}"
    );
    assert!(ended["agreement"].is_null());
}
