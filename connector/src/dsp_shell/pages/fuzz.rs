//! The headers that lead from page to page, whatever stands in them.

use super::{links, next_page};
use crate::fuzzing::{cases, damaged};
use http::header::LINK;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use url::Url;

const BASE: &str = "https://p.example/dsp/2025-1";
const SAMPLES: &[&str] = &[
    "<https://p.example/c?a=0>; rel=\"prev\", <https://p.example/c?a=1>; title=\"x, y\"; REL=\"last next\"",
    "<?continuationToken=x>; rel=\"next\"",
    "<//p.example:8443/catalog>; rel=next",
    "<https://p.example@evil.example/>; rel=next",
];

/// It comes to an end, and leads nowhere but to the peer's own host.
fn judged(values: &[String]) {
    let mut headers = HeaderMap::new();
    for value in values {
        // Each link takes up one bracket at least, so there are no more of them.
        assert!(links(value).count() <= value.matches('<').count(), "{value:?}");
        for (target, _) in links(value) {
            assert!(!target.contains('>'), "{value:?}");
        }
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(LINK, value);
        }
    }
    let did = "did:web:p.example".parse().unwrap();
    match next_page(&did, BASE, &format!("{BASE}/catalog/request"), &headers) {
        Ok(None) => {}
        Ok(Some(next)) => {
            assert_eq!(
                Url::parse(&next).unwrap().origin(),
                Url::parse(BASE).unwrap().origin(),
                "{values:?}"
            );
            assert!(next.starts_with("https://"), "{values:?}: {next}");
        }
        Err(why) => assert!(!why.to_string().is_empty(), "{values:?}"),
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn damaged_links_never_panic_nor_lead_elsewhere(values in prop::collection::vec(damaged(SAMPLES), 0..3)) {
        judged(&values);
    }

    #[test]
    fn made_up_links_never_panic_nor_lead_elsewhere(value in "(<|>|,|;|\"|=|rel=next|rel=|next| |https:|//|p\\.example|evil\\.example|@|:|\\?|\\PC){0,14}") {
        judged(&[value]);
    }
}
