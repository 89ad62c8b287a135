//! Every message in its shortest and its longest form, and a catalogue.

use crate::common::{agreement, cause, id, offer};
use herleid::dsp::catalog::{
    self, Catalogue, Content, Description, Distribution, Resource, ResourceKind, Service, Text,
};
use herleid::dsp::message::*;
use herleid::dsp::policy::CatalogueOffer;
use herleid::dsp::{negotiation, transfer};
use serde_json::{Map, Value, json};

pub fn pids() -> Pids {
    Pids {
        consumer: id("urn:uuid:c"),
        provider: id("urn:uuid:p"),
    }
}

/// Every message in its shortest and its longest form.
pub fn messages() -> Vec<Value> {
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
    all.push(catalogue_with_more().to_json());
    all.push(rain().to_json());
    all.push(sewer().to_json());
    all.push(VersionDocument::ours("/dsp/2025-1", "herleid", &["vc20-bssl/jwt"]).to_json());
    all
}

pub fn connector() -> Service {
    Service {
        id: id("urn:service:connector"),
        endpoint: "https://knmi.example/dsp/2025-1".parse().unwrap(),
        conforms_to: vec![],
        more: Map::new(),
    }
}

pub fn listed(name: &str) -> CatalogueOffer {
    CatalogueOffer::try_from(json!({"@id": name, "@type": "Offer", "permission": [{"action": "use"}]})).unwrap()
}

pub fn described(title: &str) -> Description {
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

pub fn rain() -> Resource {
    let content = Content {
        media_type: Some("text/csv".to_owned()),
        bytes: Some(1234),
        sha256: Some("ab".repeat(32)),
        blake3: Some("cd".repeat(32)),
    };
    let distributions = [catalog::HTTP_PULL, "HttpData-PUSH"].map(|format| Distribution {
        format: format.to_owned(),
        service: Some(connector().into()),
        more: Map::new(),
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

pub fn sewer() -> Resource {
    let content = Content {
        sha256: Some("ef".repeat(32)),
        ..Content::default()
    };
    let distribution = Distribution {
        format: catalog::PROCESSES.to_owned(),
        service: Some(connector().into()),
        more: Map::new(),
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

pub fn catalogue(resources: Vec<Resource>) -> Catalogue {
    let models = Service {
        id: id("urn:service:models"),
        endpoint: "https://knmi.example/ogc".parse().unwrap(),
        conforms_to: vec![catalog::PROCESSES_CONFORMANCE.to_owned()],
        more: Map::new(),
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

/// A catalogue in which more is said of each thing than the model has members for.
pub fn catalogue_with_more() -> Catalogue {
    let more = |value: Value| value.as_object().unwrap().clone();
    let title = json!([{"@value": "regen", "@language": "nl"}, {"@value": "rain", "@language": "en"}]);
    let described =
        more(json!({"dct:title": title, "dcat:keyword": ["regen"], "http://www.w3.org/ns/adms#versionNotes": "nieuw"}));
    let mut services = vec![connector()];
    services[0].more = more(json!({"dct:identifier": "urn:service:connector"}));
    let distributions = vec![Distribution {
        more: more(json!({"dcat:accessURL": {"@id": "https://knmi.example/rain"}})),
        format: catalog::HTTP_PULL.to_owned(),
        service: Some(services[0].clone().into()),
    }];
    let rain = Resource::new(
        id("urn:rain:described"),
        ResourceKind::Dataset,
        self::described("regen"),
        Content::default(),
        distributions,
        vec![listed("urn:offer:4")],
    );
    let total = more(json!({"http://www.w3.org/ns/hydra/core#totalItems": 812}));
    let of = (id("urn:catalogue"), id("did:web:knmi.example"));
    Catalogue::new(of.0, of.1, None, services, vec![rain.unwrap().with(described)])
        .unwrap()
        .with(total)
}

/// Every value that differs from `json` in one place: a member or an item removed, or replaced by something else.
pub fn mutations(json: &Value) -> Vec<Value> {
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
                other => panic!("`{parent}` has members, but is {other}"),
            }
            all.push(changed);
        }
    }
    all
}
