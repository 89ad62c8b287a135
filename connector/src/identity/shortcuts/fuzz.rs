//! What a caller without a signature shows, whatever it is.

use super::{Shortcuts, authorization, claimed};
use crate::config::{BaseUrl, PlainPeer, PlainProof};
use crate::fuzzing::{cases, damaged};
use http::{HeaderMap, HeaderValue, header};
use proptest::prelude::*;

const EDC: &str = "did:web:edc.example";
const SAMPLES: &[&str] = &[
    r#"{"region": "eu", "audience": "a", "clientId": "did:web:edc.example"}"#,
    r#"{"clientId": "did:web:other.example", "clientId": "did:web:edc.example"}"#,
    r#"{"clientId": ["did:web:edc.example"]}"#,
    "Bearer of a kit",
];

fn shortcuts() -> Shortcuts {
    let peer = |did: &str, proof| PlainPeer {
        did: did.parse().unwrap(),
        name: did.parse().unwrap(),
        address: BaseUrl::parse("https://edc.example/dsp", false).unwrap(),
        proof,
    };
    let token = PlainProof::Token("Bearer of a kit".to_owned());
    Shortcuts(vec![peer(EDC, PlainProof::Edc), peer("did:web:kit.example", token)])
}

/// Nobody is taken for somebody who was not named, and nobody shows two things at once.
fn judged(token: &str) {
    let named = claimed(token);
    let Ok(value) = HeaderValue::from_bytes(token.as_bytes()) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.append(header::AUTHORIZATION, value.clone());
    let known = shortcuts();
    let found = known.recognise(&headers).map(|peer| peer.did.as_str());
    match found {
        Some(EDC) => assert_eq!(named.as_deref(), Some(EDC), "{token:?}"),
        Some(_) => assert_eq!(token, "Bearer of a kit"),
        None => assert_ne!(token, "Bearer of a kit"),
    }
    headers.append(header::AUTHORIZATION, value);
    assert!(known.recognise(&headers).is_none(), "{token:?}");
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn damaged_tokens_never_panic(token in damaged(SAMPLES)) {
        judged(&token);
    }

    #[test]
    fn made_up_tokens_never_panic(token in "(\\{|\\}|\\[|\\]|\"|:|,|clientId|did:web:edc\\.example|null|1e400|\\\\u0000|\\PC){0,16}", deep in 0..20_000usize) {
        judged(&token);
        judged(&format!("{}{token}", "[".repeat(deep)));
    }

    #[test]
    fn what_is_shown_by_us_never_panics_and_is_read_back(name in "[a-z]{1,9}\\.example") {
        let known = shortcuts();
        let did = format!("did:web:{name}").parse().unwrap();
        let shown = authorization(&known.0[0], &did);
        let read = claimed(&shown);
        prop_assert_eq!(read.as_deref(), Some(did.as_str()));
    }
}
