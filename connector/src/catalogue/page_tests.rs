use super::*;
use serde_json::json;

#[test]
fn a_token_says_where_and_of_what_and_nothing_else_is_one() {
    let token = Token {
        after: Some("rain".to_owned()),
        before: None,
        filter: vec![json!({"theme": "ENVI"})],
    };
    let query = Query::new(&[], Some(&token.text()), 10).unwrap();
    assert_eq!(query.filters, [Filter::Theme("ENVI".to_owned())]);
    assert!(Query::new(&[json!({"theme": "ENVI"})], Some(&token.text()), 10).is_ok());
    let other = Query::new(&[json!({"theme": "GOVE"})], Some(&token.text()), 10);
    assert_eq!(other, Err(TokenError::OtherFilter));
    let both = URL_SAFE_NO_PAD.encode(r#"{"after":"a","before":"b"}"#);
    let neither = URL_SAFE_NO_PAD.encode("{}");
    let unknown = URL_SAFE_NO_PAD.encode(r#"{"after":"a","page":2}"#);
    let long = "A".repeat(TOKEN_CHARS + 4);
    for bad in ["", "%%%", "bm8", &both, &neither, &unknown, &long] {
        assert_eq!(Query::new(&[], Some(bad), 10), Err(TokenError::Malformed), "{bad:.40}");
    }
    let foreign = Token {
        filter: vec![json!({"colour": "blue"})],
        ..token
    };
    assert!(matches!(
        Query::new(&[], Some(&foreign.text()), 10),
        Err(TokenError::Filter(_))
    ));
}

#[test]
fn what_is_joined_is_what_would_be_written_at_once() {
    let service = Service {
        id: "urn:s".parse().unwrap(),
        endpoint: "https://s.example".parse().unwrap(),
        conforms_to: Vec::new(),
        more: serde_json::Map::new(),
    };
    let (id, participant) = ("urn:c".parse().unwrap(), "did:web:p.example".parse().unwrap());
    let catalogue = Catalogue::new(id, participant, None, vec![service], Vec::new()).unwrap();
    let mut whole = catalogue.to_json();
    assert_eq!(with_datasets(&catalogue, &[]), whole.to_string());
    whole["dataset"] = json!([{"@id": "a"}, {"@id": "b"}]);
    let datasets: Vec<Arc<str>> = vec![r#"{"@id":"a"}"#.into(), r#"{"@id":"b"}"#.into()];
    let joined: Value = serde_json::from_str(&with_datasets(&catalogue, &datasets)).unwrap();
    assert_eq!(joined, whole);
}
