//! Our catalogue, and the odd ones of peers.

use crate::common::{bytes, id};
use crate::samples::{catalogue, catalogue_with_more, connector, described, listed, mutations, rain, sewer};
use crate::spec::Spec;
use herleid::dsp::catalog::{Catalogue, Content, Description, Distribution, Resource, ResourceKind};
use serde_json::{Map, json};

#[test]
fn our_catalogue_loses_nothing_on_the_way() {
    let ours = catalogue(vec![rain(), sewer()]);
    assert_eq!(Catalogue::parse(&bytes(&ours.to_json())), Ok((ours, vec![])));
}

#[test]
fn what_else_is_said_is_kept_up_to_a_limit() {
    let ours = catalogue_with_more();
    assert_eq!(Catalogue::parse(&bytes(&ours.to_json())), Ok((ours.clone(), vec![])));
    let mut json = ours.to_json();
    json["dataset"][0]["dcat:keyword"] = json!("x".repeat(70_000));
    json["dataset"][0]["unprefixed"] = json!("is nobody's");
    let (read, ignored) = Catalogue::parse(&bytes(&json)).unwrap();
    assert!(read.resources()[0].more().is_empty());
    assert!(ignored.iter().any(|i| i.why.contains("65536")), "{ignored:?}");
    assert_eq!(read.more(), ours.more());
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
            service: Some(connector().into()),
            more: Map::new(),
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
