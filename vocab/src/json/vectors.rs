//! The vectors of RFC 8785 and of its reference implementation (cyberphone/json-canonicalization, `testdata`), and that both writers of
//! canonical JSON write the same: a wrong byte would break every signature and every MAC.

use super::{Limits, canonical, general, parse, section};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What is read, and what is written.
const TEXTS: [(&str, &str); 8] = [
    // RFC 8785, section 3.2.2 (`values.json`).
    (
        r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#,
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
         \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
    ),
    // RFC 8785, section 3.2.3.
    (
        r#"{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}"#,
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\
         \"€\":\"Euro Sign\",\"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    ),
    // arrays.json
    (
        r#"[56, {"d": true, "10": null, "1": [ ]}]"#,
        r#"[56,{"1":[],"10":null,"d":true}]"#,
    ),
    // french.json
    (
        r#"{"peach": "This sorting order", "péché": "is wrong according to French", "pêche": "but canonicalization MUST",
            "sin": "ignore locale"}"#,
        "{\"peach\":\"This sorting order\",\"péché\":\"is wrong according to French\",\"pêche\":\"but canonicalization MUST\",\
         \"sin\":\"ignore locale\"}",
    ),
    // structures.json
    (
        r#"{"1": {"f": {"f": "hi", "F": 5}, "\n": 56.0}, "10": { }, "": "empty", "a": { }, "111": [{"e": "yes", "E": "no"}],
            "A": { }}"#,
        r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#,
    ),
    // unicode.json
    (
        "{\"Unnormalized Unicode\": \"A\u{30a}\"}",
        "{\"Unnormalized Unicode\":\"A\u{30a}\"}",
    ),
    // weird.json
    (
        r#"{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\u000a": "Newline", "1": "One", "\u0080": "Control\u007f",
            "\ud83d\ude02": "Smiley", "\u00f6": "Latin Small Letter O With Diaeresis",
            "\ufb33": "Hebrew Letter Dalet With Dagesh", "</script>": "Browser Challenge"}"#,
        "{\"\\n\":\"Newline\",\"\\r\":\"Carriage Return\",\"1\":\"One\",\"</script>\":\"Browser Challenge\",\
         \"\u{80}\":\"Control\u{7f}\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
         \"\u{1f602}\":\"Smiley\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    ),
    // Of the same characters, what a section may hold.
    (
        r#"{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\b\f\t\u007f\ud83d\ude02", "a": [null, true, false, 0, { }]}"#,
        "{\"a\":[null,true,false,0,{}],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\f\\t\u{7f}\u{1f602}\"}",
    ),
];

/// RFC 8785, appendix B: the bits of an IEEE 754 double, and how it is written.
const NUMBERS: [(u64, &str); 23] = [
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
];

#[test]
fn the_texts_of_the_standard_are_written_as_it_writes_them() {
    let mut at_once = 0;
    for (text, written) in TEXTS {
        let value = parse(text.as_bytes(), &Limits::MESSAGE).unwrap();
        let found = canonical(&value).unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), written);
        // Whatever is written is what is read again, and written the same.
        let again = parse(written.as_bytes(), &Limits::MESSAGE).unwrap();
        assert_eq!(canonical(&again).unwrap(), written.as_bytes());
        if let Ok(bytes) = section::write(&value) {
            assert_eq!(bytes, written.as_bytes());
            at_once += 1;
        }
    }
    assert_eq!(at_once, 2, "the writer of sections has its share of these");
}

#[test]
fn numbers_are_written_as_appendix_b_writes_them() {
    for (bits, written) in NUMBERS {
        let value = json!({"n": f64::from_bits(bits)});
        assert_eq!(canonical(&value).unwrap(), format!("{{\"n\":{written}}}").as_bytes());
    }
}

/// Any value, also one that no section may hold: numbers of all kinds, any names.
fn values() -> impl Strategy<Value = Value> {
    let near = prop_oneof![
        0..5u64,
        super::MAX_INTEGER - 2..super::MAX_INTEGER + 3,
        u64::MAX - 2..=u64::MAX
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        near.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[\\x00-\\x7f\u{80}-\u{7ff}\u{d7ff}\u{e000}\u{fffe}\u{1f600}]{0,20}".prop_map(Value::from),
    ];
    let names = prop_oneof![8 => "[ -~]{1,6}", 1 => "[\\x00-\\x7f\u{e9}\u{fb33}\u{1f600}]{0,4}"];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..6).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn whatever_is_written_is_what_the_general_writer_writes(value in values()) {
        let general = general(&value);
        if let Ok(at_once) = section::write(&value) {
            prop_assert_eq!(Ok(&at_once), general.as_ref());
        }
        prop_assert_eq!(canonical(&value), general);
    }

    #[test]
    fn so_is_what_is_nested_deeper_than_a_section_may_be(value in values(), levels in 20..60usize) {
        let value = (0..levels).fold(value, |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"a": inner}) });
        prop_assert_eq!(canonical(&value), general(&value));
    }
}
