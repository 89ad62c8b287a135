//! What people and strangers write of and to a catalogue: the `--metadata` file, filters, and the tokens of pages.

use crate::catalogue::{Filter, Metadata, Query};
use crate::fuzzing::{cases, damaged, lines};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

const RAIN: &str = include_str!("rain.toml");
const NAMES: &[&str] = &[
    "title",
    "description",
    "theme",
    "keyword",
    "language",
    "contact",
    "name",
    "email",
    "spatial",
    "bbox",
    "temporal",
    "start",
    "end",
    "publisher",
    "creator",
    "licence",
    "frequency",
    "nl",
];

fn read(text: &str) {
    match Metadata::from_toml(text) {
        // What was read is written as it was understood: the service reads it again from the socket.
        Ok(metadata) => {
            let written = serde_json::to_value(&metadata).unwrap();
            let again: Metadata = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(&again).unwrap(), written, "{text:?}");
        }
        Err(why) => assert!(!why.trim().is_empty(), "{text:?}"),
    }
}

fn filter() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "text",
        "theme",
        "keyword",
        "publisher",
        "format",
        "bbox",
        "temporal",
        "start",
        "end",
        "limit",
        "offset",
        "@type",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("2020-06-17")),
        Just(json!([3.5, 51.4, 3.6, 51.5])),
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn damaged_metadata_never_panics(text in damaged(&[RAIN])) {
        read(&text);
    }

    #[test]
    fn made_up_metadata_never_panics(text in lines(NAMES)) {
        read(&text);
    }

    #[test]
    fn made_up_filters_never_panic(filters in prop::collection::vec(filter(), 0..4)) {
        if let Err(why) = Query::new(&filters, None, 100) {
            prop_assert!(!why.to_string().is_empty());
        }
        if let Ok((understood, normal)) = Filter::read(&filters) {
            let (again, same) = Filter::read(&normal).unwrap();
            prop_assert_eq!(&same, &normal);
            prop_assert_eq!(again.len(), understood.len());
        }
    }

    #[test]
    fn made_up_tokens_never_panic(text in "[A-Za-z0-9_=-]{0,60}", after in prop::option::of("\\PC{0,9}"), before in prop::option::of("\\PC{0,9}"), filters in prop::collection::vec(filter(), 0..3)) {
        let token = URL_SAFE_NO_PAD.encode(json!({"after": after, "before": before, "filter": filters}).to_string());
        for token in [text, token] {
            let query = Query::new(&[], Some(&token), 100);
            // With both ends, or none, it is a token of nobody.
            prop_assert!(query.is_err() || after.is_some() != before.is_some());
        }
    }
}
