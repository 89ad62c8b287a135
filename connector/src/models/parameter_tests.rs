use super::*;

fn parameter(declaration: Value) -> Result<Parameter, String> {
    let mut whole = json!({"name": "p", "title": "P"});
    whole
        .as_object_mut()
        .unwrap()
        .extend(declaration.as_object().unwrap().clone());
    serde_json::from_value::<RawParameter>(whole)
        .map_err(|e| e.to_string())?
        .parse()
}

#[test]
fn a_decimal_has_one_spelling() {
    let decimal = parameter(json!({"type": "decimal", "decimals": 2, "minimum": "-1", "maximum": "10.5"})).unwrap();
    for good in ["0", "7", "0.7", "10.5", "-1", "-0.25", "9.99"] {
        assert_eq!(decimal.check(&json!(good)), Ok(()), "{good}");
    }
    for bad in [
        "", "7.0", "07", "0.70", ".7", "7.", "-0", "-0.0", "+7", "1e1", "0.125", "10.51", "-1.01", "7,5", " 7", "½",
    ] {
        assert!(decimal.check(&json!(bad)).is_err(), "{bad}");
    }
    for bad in [
        json!(7),
        json!(0.7),
        json!(null),
        json!(["7"]),
        json!("1234567890123456789"),
        json!(true),
    ] {
        assert!(decimal.check(&bad).is_err(), "{bad}");
    }
    assert!(decimal.check(&json!(0.7)).unwrap_err().contains("decimals are strings"));
    assert!(decimal.check(&json!("11")).unwrap_err().contains("expected -1 to 10.5"));
}

#[test]
fn decimals_compare_by_value_to_the_last_digit() {
    let parse = |text| Decimal::parse(text).unwrap();
    assert!(parse("0.1") < parse("0.100000000000000001"));
    assert!(parse("-2") < parse("-1.999999999999999999"));
    assert!(parse("999999999999999999.9") > parse("999999999999999999"));
    assert_eq!(parse("3"), parse("3"));
}

#[test]
fn the_other_kinds_take_only_their_own() {
    let integer = parameter(json!({"type": "integer", "minimum": 1, "maximum": 5})).unwrap();
    assert!(integer.check(&json!(1)).is_ok() && integer.check(&json!(5)).is_ok());
    for bad in [
        json!(0),
        json!(6),
        json!(1.0),
        json!(-1),
        json!("1"),
        json!(9_007_199_254_740_992_u64),
    ] {
        assert!(integer.check(&bad).is_err(), "{bad}");
    }
    let boolean = parameter(json!({"type": "boolean"})).unwrap();
    assert!(boolean.check(&json!(true)).is_ok() && boolean.check(&json!("true")).is_err());
    let choice = parameter(json!({"type": "choice", "values": ["a", "b"]})).unwrap();
    assert!(choice.check(&json!("a")).is_ok() && choice.check(&json!("c")).unwrap_err().contains("`a`, `b`"));
    let text = parameter(json!({"type": "text", "max_chars": 2})).unwrap();
    assert!(text.check(&json!("éé")).is_ok() && text.check(&json!("ééé")).is_err() && text.check(&json!(1)).is_err());
}

#[test]
fn declarations_that_contradict_themselves_are_refused() {
    for (declaration, expected) in [
        (json!({"type": "number"}), "expected `decimal`"),
        (json!({"type": "decimal"}), "needs `decimals`"),
        (json!({"type": "decimal", "decimals": 19}), "at most 18"),
        (
            json!({"type": "decimal", "decimals": 1, "values": ["a"]}),
            "does not go with",
        ),
        (
            json!({"type": "decimal", "decimals": 1, "minimum": "2", "maximum": "1"}),
            "above its maximum",
        ),
        (
            json!({"type": "decimal", "decimals": 1, "default": "0.25"}),
            "its default",
        ),
        (
            json!({"type": "decimal", "decimals": 1, "default": 0.5}),
            "decimals are strings",
        ),
        (
            json!({"type": "integer", "minimum": 2, "maximum": 1}),
            "above its maximum",
        ),
        (json!({"type": "integer", "minimum": "2"}), "not an integer"),
        (json!({"type": "choice", "values": []}), "needs `values`"),
        (json!({"type": "choice", "values": ["a", "a"]}), "without repetition"),
        (
            json!({"type": "choice", "values": ["a"], "default": "b"}),
            "its default",
        ),
        (json!({"type": "text", "max_chars": 0}), "expected 1 to"),
        (json!({"type": "boolean", "minimum": "0"}), "does not go with"),
        (json!({"type": "boolean", "defualt": true}), "defualt"),
    ] {
        let found = parameter(declaration).unwrap_err();
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn the_schema_takes_what_the_check_takes() {
    let cases = [
        json!({"type": "decimal", "decimals": 2, "minimum": "0", "default": "0.7", "unit": "mm"}),
        json!({"type": "decimal", "decimals": 0}),
        json!({"type": "integer", "maximum": 3}),
        json!({"type": "boolean", "default": false}),
        json!({"type": "choice", "values": ["a", "b"]}),
        json!({"type": "text", "max_chars": 3}),
    ];
    let values = [
        json!("0"),
        json!("7"),
        json!("0.7"),
        json!("0.70"),
        json!("0.07"),
        json!("0.007"),
        json!("-3"),
        json!("a"),
        json!("abcd"),
        json!(0),
        json!(3),
        json!(4),
        json!(0.5),
        json!(true),
        json!(null),
        json!([]),
    ];
    for case in cases {
        let parameter = parameter(case).unwrap();
        let schema = jsonschema::validator_for(&parameter.schema()).unwrap();
        for value in &values {
            assert_eq!(
                schema.is_valid(value),
                parameter.check(value).is_ok(),
                "{} {value}",
                parameter.schema()
            );
        }
    }
}
