//! Against the protocol's own schemas and examples: what we build is valid, what is valid we read, and what is invalid we refuse.

use crate::common::bytes;
use crate::samples::{messages, mutations, pids};
use crate::spec::Spec;
use herleid::dsp::catalog::{Catalogue, Resource};
use herleid::dsp::error::{Family, Refusal, pids_in, unknown_pids};
use herleid::dsp::message::*;
use herleid::dsp::node::MessageError;
use serde_json::{Value, json};

/// Parses a message of any type, as its endpoint would, and writes it again.
fn reread(kind: &str, json: &Value) -> Result<Value, MessageError> {
    fn again<M: Message>(json: &Value) -> Result<Value, MessageError> {
        let received = M::parse(&bytes(json))?;
        let id = received.stamp().id().map(ToString::to_string);
        Ok(received.message().to_json(id.as_deref()))
    }
    match kind {
        "CatalogRequestMessage" => again::<CatalogRequest>(json),
        "DatasetRequestMessage" => again::<DatasetRequest>(json),
        "CatalogError" => again::<CatalogError>(json),
        "ContractRequestMessage" => again::<ContractRequest>(json),
        "ContractOfferMessage" => again::<ContractOffer>(json),
        "ContractAgreementMessage" => again::<ContractAgreement>(json),
        "ContractAgreementVerificationMessage" => again::<Verification>(json),
        "ContractNegotiationEventMessage" => again::<NegotiationEvent>(json),
        "ContractNegotiationTerminationMessage" => again::<NegotiationTermination>(json),
        "ContractNegotiation" => again::<ContractNegotiation>(json),
        "ContractNegotiationError" => again::<ContractNegotiationError>(json),
        "TransferRequestMessage" => again::<TransferRequest>(json),
        "TransferStartMessage" => again::<TransferStart>(json),
        "TransferSuspensionMessage" => again::<TransferSuspension>(json),
        "TransferCompletionMessage" => again::<TransferCompletion>(json),
        "TransferTerminationMessage" => again::<TransferTermination>(json),
        "TransferProcess" => again::<TransferProcess>(json),
        "TransferError" => again::<TransferError>(json),
        "Catalog" => Catalogue::parse(&bytes(json)).map(|(catalogue, _)| catalogue.to_json()),
        "Dataset" => Resource::parse(&bytes(json)).map(|(resource, _)| resource.to_json()),
        "VersionDocument" => VersionDocument::parse(&bytes(json)).map(|document| document.to_json()),
        other => panic!("no parser for {other}"),
    }
}

fn kind_of(json: &Value) -> &str {
    json["@type"].as_str().unwrap_or("VersionDocument")
}

#[test]
fn what_we_build_reads_back_as_it_was() {
    for json in messages() {
        assert_eq!(reread(kind_of(&json), &json), Ok(json.clone()), "{json:#}");
    }
}

#[test]
fn what_we_build_is_valid() {
    let Some(spec) = Spec::load("what_we_build_is_valid") else {
        return;
    };
    let schemas = spec.validators();
    for json in messages() {
        schemas.demand_own_type(&json);
    }
}

#[test]
fn every_error_that_we_answer_with_is_valid() {
    let Some(spec) = Spec::load("every_error_that_we_answer_with_is_valid") else {
        return;
    };
    let schemas = spec.validators();
    for refusal in [
        Refusal::NotFound,
        Refusal::Filter("the filter `colour` is not supported here".to_owned()),
        Refusal::Internal {
            reference: "r".to_owned(),
        },
    ] {
        for family in [Family::Catalog, Family::Negotiation, Family::Transfer] {
            for pids in [pids(), unknown_pids(), pids_in(b"no json")] {
                schemas.demand_own_type(&refusal.answer(family, &pids).body);
            }
        }
    }
}

#[test]
fn every_example_of_the_specification_is_read() {
    let Some(spec) = Spec::load("every_example_of_the_specification_is_read") else {
        return;
    };
    let schemas = spec.validators();
    let mut read = 0;
    for (name, json) in &spec.examples {
        // Entries of DID documents; those are credentials' business, and one of the two is against its own schema.
        if name.ends_with("did-service") {
            continue;
        }
        let again = reread(kind_of(json), json).unwrap_or_else(|e| panic!("{name}: {e}"));
        schemas.demand_own_type(&again);
        // Members of ours may be added to a catalogue (the services of its distributions, written out); nothing may be lost.
        if !matches!(kind_of(json), "Catalog" | "Dataset" | "CatalogRequestMessage") {
            assert_eq!(&again, json, "{name}");
        }
        read += 1;
    }
    assert_eq!(read, 25);
    // An upstream defect, noted so that its repair is noticed.
    assert!(!schemas.is_valid("DidService", &spec.examples["dataservice-did-service"]));
}

#[test]
fn what_the_schemas_refuse_we_refuse() {
    let Some(spec) = Spec::load("what_the_schemas_refuse_we_refuse") else {
        return;
    };
    let schemas = spec.validators();
    let samples: Vec<Value> = messages().into_iter().chain(spec.examples.values().cloned()).collect();
    let (mut refused, mut tried) = (0, 0);
    for json in &samples {
        let kind = kind_of(json);
        // Catalogues are read tolerantly; that has a test of its own.
        if matches!(kind, "Catalog" | "Dataset") || json.get("serviceEndpoint").is_some() {
            continue;
        }
        for changed in mutations(json) {
            tried += 1;
            // The two deliberate exceptions: an empty list of reasons says the same as none, and of a version document what is
            // over a binding that we do not know is passed over.
            let lenient = changed.get("reason") == Some(&json!([])) || kind == "VersionDocument";
            match reread(kind, &changed) {
                Ok(again) => {
                    assert!(
                        lenient || schemas.is_valid(kind, &changed),
                        "accepted against the schema: {changed:#}"
                    );
                    schemas.demand(kind, &again);
                }
                Err(_) => refused += 1,
            }
        }
    }
    // Enough of both that the test says something.
    assert!(refused > 5_000 && tried - refused > 500, "{refused} of {tried}");
}
