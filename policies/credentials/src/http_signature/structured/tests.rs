use super::*;

fn bytes_of(field: &str, wanted: &str) -> Option<Vec<u8>> {
    dictionary(field)
        .ok()?
        .into_iter()
        .find_map(|(key, member)| match member {
            Member::Bytes(bytes) if key == wanted => Some(bytes),
            _ => None,
        })
}

#[test]
fn byte_sequences_are_read() {
    // RFC 9651, section 3.3.5.
    let pretend = ":cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg==:";
    assert_eq!(
        bytes_of(&format!("a={pretend},\t b=::"), "a").unwrap(),
        b"pretend this is binary content."
    );
    assert_eq!(bytes_of(&format!("a={pretend}, b=::"), "b").unwrap(), b"");
}

#[test]
fn inner_lists_are_read_and_written_back() {
    for canonical in [
        r#"("@method" "@target-uri");created=1618884473;keyid="a\"b\\c""#,
        r#"()"#,
        r#"("x");alg="ed25519";n=0;t=token/x;b=:AQ==:;flag"#,
    ] {
        let members = dictionary(&format!("sig1={canonical}")).unwrap();
        let [(key, Member::InnerList { items, parameters })] = members.as_slice() else {
            panic!("{members:?}");
        };
        assert_eq!(key, "sig1");
        let items: Vec<String> = items.iter().map(|item| item.text.clone()).collect();
        assert_eq!(write_inner_list(&items, parameters), canonical);
    }
}

#[test]
fn parameters_of_items_are_noticed() {
    let members = dictionary(r#"sig1=("content-type";sf "date")"#).unwrap();
    let [(_, Member::InnerList { items, .. })] = members.as_slice() else {
        panic!("{members:?}");
    };
    assert_eq!(
        items.iter().map(|item| item.has_parameters).collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
fn what_is_no_dictionary_is_refused() {
    for field in [
        "",
        " ",
        "a",
        "a=",
        "a=1",
        "a=?1",
        "A=::",
        "1a=::",
        "a=::,",
        "a=:: b=::",
        "a=::,a=::",
        "a=:AQ:",
        "a=:AR==:",
        "a=:A Q==:",
        "a=:AQ==",
        "a=::;x=1",
        "a=(",
        "a=(\"x\"",
        "a=(\"x\"\"y\")",
        "a=(x)",
        "a=(1)",
        "a=(\"x)",
        "a=(\"x\\n\")",
        "a=(\"x\u{7f}\")",
        "a=(\"é\")",
        "a=(\"x\"\t\"y\")",
        "a=();",
        "a=();X=1",
        "a=();x=",
        "a=();x=1;x=1",
        "a=();x=01",
        "a=();x=-1",
        "a=();x=1.5",
        "a=();x=1234567890123456",
        "a=() b",
        "é=::",
    ] {
        assert!(dictionary(field).is_err(), "{field}");
    }
}

#[test]
fn errors_say_where() {
    let error = dictionary("a=::, a=::").unwrap_err();
    assert_eq!(error.to_string(), "at byte 7: this key stands twice");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(field in "\\PC*", ascii in "[ -~]*", near in "[a-c]=[(:\"a1;= )]*") {
        for text in [field, ascii, near] {
            if let Ok(members) = dictionary(&text) {
                proptest::prop_assert!(!members.is_empty());
            }
        }
    }
}
