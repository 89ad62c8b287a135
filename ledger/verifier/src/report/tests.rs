//! The page is well-formed, accessible in structure, and carries nothing that could run.

use super::*;
use crate::case::{Author, Decision, DecisionFacts, Relied};

fn case(title: &str) -> Case {
    Case {
        decision: Some(Decision {
            party: "did:web:app.example".parse().unwrap(),
            leaf: [1; 32],
            recorded_ms: Some(1_592_402_400_000),
            facts: DecisionFacts {
                case: "Z-1".to_owned(),
                title: title.to_owned(),
                legal_basis: vec!["urn:example:law".to_owned()],
                relies_on: vec![Relied {
                    transaction: "t".to_owned(),
                    output: Some("o".to_owned()),
                    sha256: "00".repeat(32),
                }],
                choices: "as measured".to_owned(),
            },
            author: Some(Author {
                name: "A. de Vries".to_owned(),
                role: "adviseur".to_owned(),
                organisation: "Voorbeeld".to_owned(),
            }),
        }),
        ..Case::default()
    }
}

/// Every start tag has its end tag, in order; the page has no other void elements than these.
fn assert_nested(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let name = tag.split(['>', ' ']).next().unwrap();
        match name.strip_prefix('/') {
            Some(end) => assert_eq!(open.pop(), Some(end), "{tag}"),
            None if ["!DOCTYPE", "meta"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_page_is_nested_labelled_and_in_both_languages() {
    let missing = [NotThere {
        what: "data".to_owned(),
        id: "ab".to_owned(),
        why: "erased".to_owned(),
        explanation: "AVG".to_owned(),
    }];
    let html = html(&case("Title"), &missing, 1_592_402_400_000);
    assert_nested(&html);
    assert_eq!(html.matches("<article id=").count(), 2);
    assert!(html.contains("<html lang=\"nl\">") && html.contains("lang=\"en\">"));
    assert_eq!(html.matches("<table>").count(), html.matches("<caption>").count());
    assert_eq!(html.matches("<h1>").count(), 1);
    for said in [
        "A. de Vries",
        "Wettelijke grondslag",
        "Legal basis",
        "2020-06-17 14:00 UTC",
        "AVG",
        "Hoe controleert u dit?",
    ] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn what_records_say_is_text_and_never_markup() {
    let html = html(&case("<script>alert('\"&\u{202e}')</script>"), &[], 0);
    assert!(!html.contains("<script") && !html.contains('\u{202e}'));
    assert!(html.contains("&lt;script&gt;alert(&#39;&quot;&amp;[U+202E]&#39;)&lt;/script&gt;"));
    assert_nested(&html);
}
