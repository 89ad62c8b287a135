//! The messages that ask for presentations and answer.

use crate::party::TYPE;
use crate::presentation::{good, good_vc11, verify};
use herleid_credentials::presentation::{MessageError, PresentationQuery, PresentationResponse, Scope};
use serde_json::{Value, json};

#[test]
fn scopes_are_read_as_dcp_writes_them() {
    let wanted = Scope::CredentialType("Member".to_owned());
    for text in [
        "org.eclipse.dspace.dcp.vc.type:Member",
        "org.eclipse.dspace.dcp.vc.type:Member:read",
    ] {
        assert_eq!(text.parse::<Scope>().unwrap(), wanted);
    }
    assert_eq!(wanted.to_string(), "org.eclipse.dspace.dcp.vc.type:Member:read");
    let url: Scope = "org.eclipse.dspace.dcp.vc.type:https://example.org/#Member:read"
        .parse()
        .unwrap();
    assert_eq!(url, Scope::CredentialType("https://example.org/#Member".to_owned()));
    let id: Scope = "org.eclipse.dspace.dcp.vc.id:urn:uuid:1".parse().unwrap();
    assert_eq!(id, Scope::CredentialId("urn:uuid:1".to_owned()));
    assert_eq!(id.to_string().parse::<Scope>().unwrap(), id);
    for text in [
        "",
        "Member",
        "org.eclipse.dspace.dcp.vc.type:",
        "org.eclipse.dspace.dcp.vc.type::read",
        "org.eclipse.dspace.dcp.vc.type:Member:write",
        "org.eclipse.dspace.dcp.vc.type:Member:*",
        "org.eclipse.dspace.dcp.vc.id:",
        "org.eclipse.dspace.dcp.vc.type:Two Words",
        "org.eclipse.edc.vc.type:Member:read",
        &format!("org.eclipse.dspace.dcp.vc.type:{}", "x".repeat(600)),
    ] {
        assert!(
            matches!(text.parse::<Scope>(), Err(MessageError::UnsupportedScope { .. })),
            "{text}"
        );
    }
}

fn query(scope: Value) -> Value {
    json!({"@context": ["https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"], "type": "PresentationQueryMessage", "scope": scope})
}

fn parse_query(message: &Value) -> Result<PresentationQuery, MessageError> {
    PresentationQuery::parse(message.to_string().as_bytes())
}

#[test]
fn a_query_is_read_back_and_its_faults_are_told_apart() {
    let good = query(json!(["org.eclipse.dspace.dcp.vc.type:MembershipCredential:read"]));
    let read = parse_query(&good).unwrap();
    assert_eq!(read.scopes(), [Scope::CredentialType(TYPE.to_owned())]);
    assert_eq!(read.to_json(), good);

    let mut definition = good.clone();
    definition["presentationDefinition"] = json!({"id": "1", "input_descriptors": []});
    assert_eq!(parse_query(&definition), Err(MessageError::BothWays));
    definition.as_object_mut().unwrap().remove("scope");
    assert_eq!(
        parse_query(&definition),
        Err(MessageError::PresentationDefinitionUnsupported)
    );

    for scope in [
        json!([]),
        json!("x"),
        json!([7]),
        Value::Null,
        json!(vec!["org.eclipse.dspace.dcp.vc.type:X"; 17]),
    ] {
        assert!(
            matches!(
                parse_query(&query(scope.clone())),
                Err(MessageError::Malformed { member: "scope", .. })
            ),
            "{scope}"
        );
    }
    for (member, value) in [
        ("@context", json!("https://w3id.org/dspace-dcp/v1.0/dcp.jsonld")),
        ("@context", json!([])),
        ("@context", json!(["https://w3id.org/tractusx-trust/v0.8"])),
        (
            "@context",
            json!(["https://w3id.org/dspace-dcp/v1.0/dcp.jsonld", {"type": "@id"}]),
        ),
        ("type", json!("PresentationResponseMessage")),
        ("type", json!(["PresentationQueryMessage"])),
        ("type", Value::Null),
    ] {
        let mut message = good.clone();
        message[member] = value.clone();
        match parse_query(&message) {
            Err(MessageError::Malformed { member: named, .. }) => assert_eq!(named, member),
            other => panic!("{member} {value}: {other:?}"),
        }
    }
    assert!(matches!(PresentationQuery::parse(b"{"), Err(MessageError::Json(_))));
    assert!(matches!(
        PresentationQuery::parse(b"[]"),
        Err(MessageError::Malformed { .. })
    ));
}

#[test]
fn what_was_not_shown_is_told() {
    let shown = [verify(&good()).unwrap()];
    let scopes: Vec<Scope> = [
        "org.eclipse.dspace.dcp.vc.type:MembershipCredential",
        "org.eclipse.dspace.dcp.vc.type:AccreditationCredential",
        "org.eclipse.dspace.dcp.vc.type:VerifiableCredential",
        "org.eclipse.dspace.dcp.vc.id:urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
        "org.eclipse.dspace.dcp.vc.id:urn:uuid:other",
    ]
    .into_iter()
    .map(|text| text.parse().unwrap())
    .collect();
    let query = PresentationQuery::new(scopes.clone()).unwrap();
    assert_eq!(query.unmet(&shown), [&scopes[1], &scopes[2], &scopes[4]]);
    assert_eq!(query.unmet(&[]).len(), 5);
}

#[test]
fn a_response_holds_signed_tokens_alone() {
    let good = PresentationResponse::new(vec![good(), good_vc11()]).unwrap();
    let read = PresentationResponse::parse(good.to_json().to_string().as_bytes()).unwrap();
    assert_eq!(read, good);
    assert_eq!(read.presentations().len(), 2);
    let with = |presentation: Value| {
        let mut message = good.to_json();
        message["presentation"] = presentation;
        PresentationResponse::parse(message.to_string().as_bytes())
    };
    assert!(with(json!([])).unwrap().presentations().is_empty());
    for presentation in [json!([{}]), json!("x"), Value::Null, json!(vec!["x"; 17])] {
        assert!(
            matches!(
                with(presentation.clone()),
                Err(MessageError::Malformed {
                    member: "presentation",
                    ..
                })
            ),
            "{presentation}"
        );
    }
}
