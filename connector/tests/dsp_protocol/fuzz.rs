//! Whatever comes in, no parser panics, and what is refused is refused in words.

use crate::common::{agreement, bytes, cause, id, offer};
use herleid::dsp::catalog::{Catalogue, Resource};
use herleid::dsp::error::{Family, Refusal, pids_in, reason_in};
use herleid::dsp::message::*;
use herleid::dsp::negotiation::{self, Negotiation};
use herleid::dsp::node::MessageError;
use herleid::dsp::path::{Endpoint, NegotiationPost, TransferPost};
use herleid::dsp::transfer::{self, Transfer};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Gives `body` to every parser there is.
fn all_parsers(body: &[u8]) {
    let mut errors: Vec<MessageError> = Vec::new();
    let posts = [
        NegotiationPost::Request,
        NegotiationPost::Offer,
        NegotiationPost::Agreement,
        NegotiationPost::Verification,
        NegotiationPost::Event,
        NegotiationPost::Termination,
    ];
    errors.extend(
        posts
            .into_iter()
            .filter_map(|post| negotiation::Message::parse(post, body).err()),
    );
    let posts = [
        None,
        Some(TransferPost::Start),
        Some(TransferPost::Completion),
        Some(TransferPost::Suspension),
        Some(TransferPost::Termination),
    ];
    errors.extend(
        posts
            .into_iter()
            .filter_map(|post| transfer::Message::parse(post, body).err()),
    );
    errors.extend(CatalogRequest::parse(body).err());
    errors.extend(DatasetRequest::parse(body).err());
    errors.extend(CatalogError::parse(body).err());
    errors.extend(ContractNegotiation::parse(body).err());
    errors.extend(ContractNegotiationError::parse(body).err());
    errors.extend(TransferProcess::parse(body).err());
    errors.extend(TransferError::parse(body).err());
    errors.extend(Catalogue::parse(body).err());
    errors.extend(Resource::parse(body).err());
    errors.extend(VersionDocument::parse(body).err());
    for error in errors {
        let answer = Refusal::from(error).answer(Family::Negotiation, &pids_in(body));
        assert!(matches!(answer.status, 400 | 413), "{answer:?}");
        let said = answer.body["reason"][0].as_str().unwrap();
        // A peer's own text comes back cut short, not in full.
        assert!(!said.is_empty() && said.len() < 1_000 && !said.contains('\n'), "{said}");
    }
    assert!(reason_in(400, body).len() < 3_000);
    let _ = Negotiation::from_bytes(body);
    let _ = Transfer::from_bytes(body);
}

fn samples() -> Vec<Value> {
    let pids = || Pids {
        consumer: id("c"),
        provider: id("p"),
    };
    let address = DataAddress::http_bearer("https://knmi.example/data", "token");
    vec![
        ContractRequest {
            consumer_pid: id("c"),
            provider_pid: None,
            callback: Some("https://app.example".parse().unwrap()),
            offer: offer("a"),
        }
        .to_json(Some("m")),
        ContractAgreement {
            pids: pids(),
            agreement: agreement(&offer("a")),
        }
        .to_json(None),
        NegotiationTermination {
            pids: pids(),
            cause: cause(),
        }
        .to_json(None),
        TransferStart {
            pids: pids(),
            address: Some(address),
        }
        .to_json(None),
        VersionDocument::ours("/dsp", "s", &["p"]).to_json(),
        json!({
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@id": "c", "@type": "Catalog", "participantId": "p",
            "dataset": [{"@id": "d", "hasPolicy": [{"@id": "o", "permission": [{"action": "use"}]}],
                         "distribution": [{"format": "f", "accessService": {"@id": "s", "@type": "DataService", "endpointURL": "https://h.example"}}]}],
        }),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("@context"),
        Just("@type"),
        Just("@id"),
        Just("offer"),
        Just("Offer"),
        Just("permission"),
        Just("action"),
        Just("constraint"),
        Just("and"),
        Just("consumerPid"),
        Just("providerPid"),
        Just("ContractRequestMessage"),
        Just("Catalog"),
        Just("dataset"),
        Just("https://w3id.org/dspace/2025/1/context.jsonld"),
        Just(""),
        Just("\u{0}\n`"),
        Just("protocolVersions"),
        Just("path"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        ".*".prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..6).prop_map(|members| Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            )),
        ]
    })
}

/// As many as `HERLEID_FUZZ_CASES` says in a run by name (`make fuzz`).
fn cases() -> ProptestConfig {
    let asked = std::env::var("HERLEID_FUZZ_CASES").ok();
    ProptestConfig {
        cases: asked.map_or(512, |text| text.parse().expect("HERLEID_FUZZ_CASES is a number")),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn random_addresses_never_panic_and_are_written_back_as_they_were_read(
        kind in prop::option::of("https://w3id.org/idsa/v4.1/HTTP|\\PC{0,20}"),
        endpoint in prop::option::of("(https?://)?\\PC{0,30}"),
        properties in prop::collection::vec(("(authorization|authType|endpoint|https://w3id.org/edc/v0.0.1/ns/endpoint|\\PC{0,9})", "\\PC{0,20}"), 0..5),
        stray in any_json(),
        strayed in any::<bool>(),
    ) {
        let each = properties.iter().map(|(name, value)| json!({"@type": "EndpointProperty", "name": name, "value": value}));
        let mut address = json!({"@type": "DataAddress", "endpointProperties": each.collect::<Vec<Value>>()});
        for (name, value) in [("endpointType", &kind), ("endpoint", &endpoint)] {
            if let Some(value) = value {
                address[name] = json!(value);
            }
        }
        if strayed {
            address["endpointProperties"] = stray;
        }
        let message = json!({
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "TransferRequestMessage", "consumerPid": "c",
            "agreementId": "a", "format": "HttpData-PUSH", "callbackAddress": "https://app.example", "dataAddress": address,
        });
        let body = bytes(&message);
        all_parsers(&body);
        if let Ok(read) = TransferRequest::parse(&body) {
            let read = read.into_message();
            let again = TransferRequest::parse(&bytes(&read.to_json(None))).unwrap().into_message();
            prop_assert_eq!(&again.address, &read.address);
            let read = read.address.unwrap();
            prop_assert_eq!(Some(&read.endpoint_type), kind.as_ref());
            prop_assert!(read.location().is_some() || read.endpoint.is_none());
            // A log must not tell the token.
            let told = format!("{:?}", read.properties);
            let kept = read.authorization().is_none_or(|token| token.len() <= 8 || !told.contains(token));
            prop_assert!(kept);
        }
    }

    #[test]
    fn random_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        all_parsers(&body);
    }

    #[test]
    fn random_json_never_panics(json in any_json()) {
        all_parsers(&bytes(&json));
    }

    #[test]
    fn damaged_messages_never_panic(
        sample in 0..6usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut body = bytes(&samples()[sample]);
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        all_parsers(&body);
    }

    #[test]
    fn random_paths_never_panic(method in "(GET|POST|PUT|)", path in "(/?(catalog|negotiations|transfers|datasets|request|offers|start|%[0-9a-zA-Z]{0,2}|\\PC{0,6})){0,5}") {
        let _ = Endpoint::find(&method, &path);
    }
}

#[test]
fn deep_and_long_messages_are_refused_in_words() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("\"{}\"", "x".repeat(2 << 20));
    let nested = (0..40).fold(
        json!({"leftOperand": "a", "operator": "eq", "rightOperand": "b"}),
        |inner, _| json!({"and": [inner]}),
    );
    let offer =
        json!({"@id": "o", "@type": "Offer", "target": "d", "permission": [{"action": "use", "constraint": [nested]}]});
    let request = json!({
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "ContractRequestMessage", "consumerPid": "c",
        "callbackAddress": "https://app.example", "offer": offer,
    });
    for (body, status) in [
        (deep.into_bytes(), 400),
        (long.into_bytes(), 413),
        (bytes(&request), 400),
    ] {
        let error = ContractRequest::parse(&body).unwrap_err();
        assert_eq!(Refusal::from(error).status(), status);
        all_parsers(&body);
    }
}
