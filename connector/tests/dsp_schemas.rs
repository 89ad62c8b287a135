//! Against the protocol's own schemas and examples: what we build is valid, what is valid we read, and what is invalid we refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod dsp_support;

use dsp_support::spec::Spec;
use dsp_support::{agreement, bytes, cause, id, offer};
use herleid::dsp::catalog::{
    self, Catalogue, Content, Description, Distribution, Resource, ResourceKind, Service, Text,
};
use herleid::dsp::error::{Family, Refusal, pids_in, unknown_pids};
use herleid::dsp::message::*;
use herleid::dsp::node::MessageError;
use herleid::dsp::policy::CatalogueOffer;
use herleid::dsp::{negotiation, transfer};
use serde_json::{Value, json};

fn pids() -> Pids {
    Pids {
        consumer: id("urn:uuid:c"),
        provider: id("urn:uuid:p"),
    }
}

/// Every message in its shortest and its longest form.
fn messages() -> Vec<Value> {
    let callback = || Some("https://app.example/cb".parse().unwrap());
    let pull = || Some(DataAddress::http_bearer("https://knmi.example/data/1", "token"));
    let request = |provider_pid, callback| ContractRequest {
        consumer_pid: id("urn:uuid:c"),
        provider_pid,
        callback,
        offer: offer("a"),
    };
    let contract_offer = |consumer_pid, callback| ContractOffer {
        provider_pid: id("urn:uuid:p"),
        consumer_pid,
        callback,
        offer: offer("a"),
    };
    let transfer_request = |address| TransferRequest {
        consumer_pid: id("urn:uuid:c"),
        agreement: id("urn:agreement:1"),
        format: "HttpData-PULL".to_owned(),
        address,
        callback: callback().unwrap(),
    };
    let mut all = vec![
        CatalogRequest::default().to_json(None),
        CatalogRequest {
            filter: vec![json!({"any": 1})],
        }
        .to_json(Some("urn:m:1")),
        DatasetRequest { dataset: id("urn:d") }.to_json(None),
        request(None, callback()).to_json(Some("urn:uuid:c#1")),
        request(Some(id("urn:uuid:p")), None).to_json(None),
        contract_offer(None, callback()).to_json(None),
        contract_offer(Some(id("urn:uuid:c")), None).to_json(None),
        ContractAgreement {
            pids: pids(),
            agreement: agreement(&offer("a")),
        }
        .to_json(None),
        Verification { pids: pids() }.to_json(None),
        NegotiationEvent {
            pids: pids(),
            event: EventType::Accepted,
        }
        .to_json(None),
        NegotiationEvent {
            pids: pids(),
            event: EventType::Finalized,
        }
        .to_json(None),
        transfer_request(None).to_json(None),
        transfer_request(pull()).to_json(None),
        TransferStart {
            pids: pids(),
            address: None,
        }
        .to_json(None),
        TransferStart {
            pids: pids(),
            address: pull(),
        }
        .to_json(None),
        TransferCompletion { pids: pids() }.to_json(None),
    ];
    for cause in [Cause::default(), cause()] {
        all.push(CatalogError { cause: cause.clone() }.to_json(None));
        all.push(
            NegotiationTermination {
                pids: pids(),
                cause: cause.clone(),
            }
            .to_json(None),
        );
        all.push(
            ContractNegotiationError {
                pids: pids(),
                cause: cause.clone(),
            }
            .to_json(None),
        );
        all.push(
            TransferSuspension {
                pids: pids(),
                cause: cause.clone(),
            }
            .to_json(None),
        );
        all.push(
            TransferTermination {
                pids: pids(),
                cause: cause.clone(),
            }
            .to_json(None),
        );
        all.push(TransferError { pids: pids(), cause }.to_json(None));
    }
    for &state in negotiation::State::ALL {
        all.push(ContractNegotiation { pids: pids(), state }.to_json(None));
    }
    for &state in transfer::State::ALL {
        all.push(TransferProcess { pids: pids(), state }.to_json(None));
    }
    for catalogue in [catalogue(vec![]), catalogue(vec![rain(), sewer()])] {
        all.push(catalogue.to_json());
    }
    all.push(rain().to_json());
    all.push(sewer().to_json());
    all.push(VersionDocument::ours("/dsp/2025-1", "herleid", &["vc20-bssl/jwt"]).to_json());
    all
}

fn connector() -> Service {
    Service {
        id: id("urn:service:connector"),
        endpoint: "https://knmi.example/dsp/2025-1".parse().unwrap(),
        conforms_to: vec![],
    }
}

fn listed(name: &str) -> CatalogueOffer {
    CatalogueOffer::try_from(json!({"@id": name, "@type": "Offer", "permission": [{"action": "use"}]})).unwrap()
}

fn described(title: &str) -> Description {
    Description {
        title: Some(Text {
            text: title.to_owned(),
            language: Some("nl".to_owned()),
        }),
        description: Some(Text {
            text: "per uur".to_owned(),
            language: None,
        }),
        publisher: Some("did:web:knmi.example".to_owned()),
        licence: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
        version: Some("3".to_owned()),
    }
}

fn rain() -> Resource {
    let content = Content {
        media_type: Some("text/csv".to_owned()),
        bytes: Some(1234),
        sha256: Some("ab".repeat(32)),
        blake3: Some("cd".repeat(32)),
    };
    let distributions = [catalog::HTTP_PULL, catalog::HTTP_PUSH].map(|format| Distribution {
        format: format.to_owned(),
        service: Some(connector()),
    });
    let offers = vec![listed("urn:offer:1"), listed("urn:offer:2")];
    Resource::new(
        id("urn:rain"),
        ResourceKind::Dataset,
        described("regen"),
        content,
        distributions.to_vec(),
        offers,
    )
    .unwrap()
}

fn sewer() -> Resource {
    let content = Content {
        sha256: Some("ef".repeat(32)),
        ..Content::default()
    };
    let distribution = Distribution {
        format: catalog::PROCESSES.to_owned(),
        service: Some(connector()),
    };
    let offers = vec![listed("urn:offer:3")];
    Resource::new(
        id("urn:sewer"),
        ResourceKind::ModelService,
        described("riool"),
        content,
        vec![distribution],
        offers,
    )
    .unwrap()
}

fn catalogue(resources: Vec<Resource>) -> Catalogue {
    let models = Service {
        id: id("urn:service:models"),
        endpoint: "https://knmi.example/ogc".parse().unwrap(),
        conforms_to: vec![catalog::PROCESSES_CONFORMANCE.to_owned()],
    };
    let title = Some(Text {
        text: "KNMI".to_owned(),
        language: None,
    });
    Catalogue::new(
        id("urn:catalogue"),
        id("did:web:knmi.example"),
        title,
        vec![connector(), models],
        resources,
    )
    .unwrap()
}

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
fn our_catalogue_loses_nothing_on_the_way() {
    let ours = catalogue(vec![rain(), sewer()]);
    assert_eq!(Catalogue::parse(&bytes(&ours.to_json())), Ok((ours, vec![])));
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
        Refusal::Filter,
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

/// Every value that differs from `json` in one place: a member or an item removed, or replaced by something else.
fn mutations(json: &Value) -> Vec<Value> {
    fn walk(node: &Value, pointer: String, out: &mut Vec<String>) {
        out.push(pointer.clone());
        match node {
            Value::Object(members) => members.iter().for_each(|(name, child)| {
                walk(
                    child,
                    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
                    out,
                )
            }),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(i, child)| walk(child, format!("{pointer}/{i}"), out)),
            _ => {}
        }
    }
    let mut pointers = Vec::new();
    walk(json, String::new(), &mut pointers);
    let mut all = Vec::new();
    for pointer in pointers {
        for other in [
            json!(null),
            json!(1),
            json!(true),
            json!(""),
            json!("x"),
            json!([]),
            json!({}),
            json!([1]),
            json!(["x"]),
            json!([{}]),
        ] {
            let mut changed = json.clone();
            *changed.pointer_mut(&pointer).unwrap() = other;
            all.push(changed);
        }
        if let Some((parent, last)) = pointer.rsplit_once('/') {
            let mut changed = json.clone();
            match changed.pointer_mut(parent).unwrap() {
                Value::Object(members) => drop(members.remove(&last.replace("~1", "/").replace("~0", "~"))),
                Value::Array(items) => drop(items.remove(last.parse().unwrap())),
                _ => unreachable!(),
            }
            all.push(changed);
        }
    }
    all
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
            // The one deliberate exception: an empty list of reasons says the same as none.
            let lenient = changed.get("reason") == Some(&json!([]));
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

#[test]
fn a_peers_odd_catalogue_is_read_as_far_as_it_goes() {
    let Some(spec) = Spec::load("a_peers_odd_catalogue_is_read_as_far_as_it_goes") else {
        return;
    };
    let schemas = spec.validators();
    let whole = catalogue(vec![rain(), sewer()]).to_json();
    for changed in mutations(&whole) {
        if let Ok((read, ignored)) = Catalogue::parse(&bytes(&changed)) {
            let again = read.to_json();
            if !ignored.is_empty() {
                assert!(ignored.iter().all(|i| !i.why.is_empty()));
            }
            // A distribution whose service cannot be found has none; everything else is written as the schema wants it.
            let without_service = read
                .resources()
                .iter()
                .flat_map(Resource::distributions)
                .any(|d| d.service.is_none());
            if !without_service {
                schemas.demand("Catalog", &again);
            }
        }
    }
    let (read, ignored) = Catalogue::parse(&bytes(&json!({
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld", "https://w3id.org/edc/dspace/v0.0.1", {"fx": "https://fx.example/"}],
        "@id": "cat", "@type": "Catalog", "participantId": "EDC-B",
        "service": {"@id": "s", "@type": "DataService", "endpointDescription": "dspace:connector", "endpointURL": "http://localhost:19021/api/dsp/2025-1"},
        "dataset": [
            {"@id": "good", "@type": "Dataset", "hasPolicy": {"@id": "o", "@type": "Offer", "permission": [{"action": "use"}]},
             "distribution": [{"@type": "Distribution", "format": "HttpData-PULL", "accessService": "s"}]},
            {"@id": "no offers", "hasPolicy": []},
            {"@id": "strange-offer", "@type": "Dataset",
             "hasPolicy": [{"@id": "o2", "@type": "Offer", "permission": [{"action": "use", "constraint": [{"leftOperand": "count", "operator": "almost", "rightOperand": "3"}]}]}],
             "distribution": [{"format": "HttpData-PULL", "accessService": "s"}]},
        ],
        "catalog": [{"@id": "inner", "@type": "Catalog", "dataset": [
            {"@id": "inside", "hasPolicy": [{"@id": "o3", "prohibition": [{"action": "use"}]}],
             "distribution": [{"format": "x", "accessService": "elsewhere"}]},
        ]}],
    })))
    .unwrap();
    let found: Vec<&str> = read.resources().iter().map(|r| r.id().as_str()).collect();
    assert_eq!(found, ["good", "inside"]);
    assert_eq!(
        read.resources()[0].distributions()[0]
            .service
            .as_ref()
            .unwrap()
            .endpoint
            .as_str(),
        "http://localhost:19021/api/dsp/2025-1"
    );
    assert_eq!(read.resources()[1].distributions()[0].service, None);
    let why: Vec<&str> = ignored.iter().map(|i| i.why.as_str()).collect();
    for said in [
        "fx.example",
        "/dataset/1/@id",
        "`almost`",
        "/dataset/2/hasPolicy",
        "`elsewhere`",
    ] {
        assert!(why.iter().any(|w| w.contains(said)), "{said}: {why:?}");
    }
}

#[test]
fn a_catalogue_of_ours_cannot_be_ambiguous_or_empty_of_services() {
    let title = || None;
    let of = |services, resources| {
        Catalogue::new(id("c"), id("p"), title(), services, resources)
            .unwrap_err()
            .to_string()
    };
    assert!(of(vec![], vec![]).contains("no data service"));
    assert!(of(vec![connector()], vec![rain(), rain()]).contains("`urn:rain` stands twice"));
    let bare = |description, content, distributions, offers| {
        Resource::new(
            id("r"),
            ResourceKind::Dataset,
            description,
            content,
            distributions,
            offers,
        )
        .unwrap_err()
        .to_string()
    };
    let distribution = || {
        vec![Distribution {
            format: "x".to_owned(),
            service: Some(connector()),
        }]
    };
    assert!(
        bare(
            Description::default(),
            Content::default(),
            distribution(),
            vec![listed("o")]
        )
        .contains("no title")
    );
    assert!(bare(described("t"), Content::default(), vec![], vec![listed("o")]).contains("no distribution"));
    assert!(bare(described("t"), Content::default(), distribution(), vec![]).contains("no offer"));
    let wrong = Content {
        sha256: Some("AB".repeat(32)),
        ..Content::default()
    };
    assert!(bare(described("t"), wrong, distribution(), vec![listed("o")]).contains("SHA-256"));
}
