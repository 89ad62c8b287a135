//! EDC's consumer against our provider.

use crate::{EDC_DID, RAIN, World};
use herleid_tests::edc::{EDC, Edc};
use herleid_tests::http::{Answer, Caller};
use serde_json::Value;

const NEGOTIATIONS: &str = "contractnegotiations";
const TRANSFERS: &str = "transferprocesses";

/// Has EDC ask for `dataset`; the negotiation's id there.
fn asked(world: &World, dataset: &str) -> String {
    let (did, base) = (world.ours.did(), world.ours.base());
    let catalogue = world.edc.catalogue((did, &base));
    let offer = Edc::offer_in(&catalogue, dataset, did);
    world.edc.negotiate(&base, &offer)
}

/// Has EDC agree about `dataset`; the negotiation as it stands there.
fn agreed(world: &World, dataset: &str) -> Value {
    let id = asked(world, dataset);
    let there = world.edc.reaches(NEGOTIATIONS, &id, &["FINALIZED", "TERMINATED"]);
    let here = world.ours.known_as("negotiations", &id);
    assert_eq!(there["state"], "FINALIZED", "{there}\nhere: {here}");
    there
}

/// Has EDC begin a transfer under an agreement; its id there.
fn started(world: &World, agreed: &Value) -> String {
    let id = world.edc.transfer(&world.ours.base(), &agreed["contractAgreementId"]);
    let there = world.edc.reaches(TRANSFERS, &id, &["STARTED", "TERMINATED"]);
    let here = world.ours.known_as("transfers", &id);
    assert_eq!(there["state"], "STARTED", "{there}\nhere: {here}");
    id
}

/// Fetches as EDC's users do: at the address that EDC kept, with the token as EDC kept it, with or without a scheme before it.
fn fetched(reference: &Value, scheme: &str) -> Answer {
    let property = |name: &str| {
        reference[format!("{EDC}{name}")]
            .as_str()
            .unwrap_or_else(|| panic!("{name}: {reference}"))
    };
    assert_eq!(property("authType"), "bearer");
    let endpoint = property("endpoint").strip_prefix("http://localhost:").unwrap();
    let (port, path) = endpoint.split_once('/').unwrap();
    let token = format!("{scheme}{}", property("authorization"));
    let caller = Caller::new(port.parse().unwrap(), &[("Authorization", &token)]);
    caller.get(&format!("/{path}"))
}

pub(crate) fn catalogue(world: &World) {
    let (did, base) = (world.ours.did(), world.ours.base());
    let catalogue = world.edc.catalogue((did, &base));
    for dataset in ["urn:rain", "urn:held", "urn:logged", "urn:counted"] {
        let found = catalogue.iter().find(|d| d["@id"] == dataset);
        let found = found.unwrap_or_else(|| panic!("`{dataset}` is missing in {catalogue:?}"));
        assert_eq!(found["distribution"][0]["format"], "HttpData-PULL", "{found}");
        assert_eq!(
            found["distribution"][0]["accessService"]["endpointURL"],
            base.as_str(),
            "{found}"
        );
    }
}

pub(crate) fn pull(world: &World) {
    let agreed = agreed(world, "urn:rain");
    let id = started(world, &agreed);
    let reference = world.edc.reference(&id);
    for scheme in ["", "Bearer "] {
        let answer = fetched(&reference, scheme);
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, RAIN),
            "{}",
            answer.text()
        );
    }
    assert_eq!(fetched(&reference, "x").status, 401);
    let here = world.ours.known_as("transfers", &id);
    assert!(here["access"].as_str().unwrap().starts_with("open until "), "{here}");
    // Both are on record, with whom they were for and that nothing came back.
    let agreement = here["agreement"].as_str().unwrap();
    world.traced(agreement, &format!("opened for {EDC_DID}"), EDC_DID);
    let traced = world.ours.run(&["trace", agreement]).to_string();
    // The same bytes had been pulled from EDC before, which the trace shows as well.
    let opened = format!("opened for {EDC_DID} (one-sided: ");
    assert_eq!(traced.matches(&opened).count(), 2, "{traced}");
}

pub(crate) fn terminate_negotiation(world: &World) {
    let id = asked(world, "urn:held");
    let here = world.ours.known_as("negotiations", &id);
    assert_eq!(
        (&here["state"], &here["due"]["who"]),
        (&"REQUESTED".into(), &"person".into()),
        "{here}"
    );
    world.edc.reaches(NEGOTIATIONS, &id, &["REQUESTED"]);
    world.edc.terminate(NEGOTIATIONS, &id);
    let ended = world
        .ours
        .reaches("negotiations", here["pid"].as_str().unwrap(), &["TERMINATED"]);
    assert_eq!(ended["ended"]["by"], "consumer", "{ended}");
    world.edc.reaches(NEGOTIATIONS, &id, &["TERMINATED"]);
}

pub(crate) fn terminate_transfer(world: &World) {
    let agreed = agreed(world, "urn:rain");
    let id = started(world, &agreed);
    let reference = world.edc.reference(&id);
    assert_eq!(fetched(&reference, "").status, 200);
    let here = world.ours.known_as("transfers", &id);
    world.edc.terminate(TRANSFERS, &id);
    let ended = world
        .ours
        .reaches("transfers", here["pid"].as_str().unwrap(), &["TERMINATED"]);
    assert_eq!(ended["ended"]["by"], "consumer", "{ended}");
    world.edc.reaches(TRANSFERS, &id, &["TERMINATED"]);
    let refused = fetched(&reference, "");
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("has ended"), "{}", refused.text());
}

pub(crate) fn refusal(world: &World) {
    // Its permission says nothing of parties without a log, so it is not for them.
    let id = asked(world, "urn:logged");
    let there = world.edc.reaches(NEGOTIATIONS, &id, &["FINALIZED", "TERMINATED"]);
    assert_eq!(there["state"], "TERMINATED", "{there}");
    let here = world.ours.known_as("negotiations", &id);
    assert_eq!(here["ended"]["code"], "policy-denied", "{here}");
    assert!(here["ended"]["reason"].as_str().unwrap().contains("log"), "{here}");
}

/// The conditions of this offer come back from EDC in other words, and hold all the same.
pub(crate) fn counted(world: &World) {
    let agreed = agreed(world, "urn:counted");
    let reference = world.edc.reference(&started(world, &agreed));
    assert_eq!(fetched(&reference, "").status, 200);
    assert_eq!(fetched(&reference, "").status, 200);
    let refused = fetched(&reference, "");
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("count"), "{}", refused.text());
}
