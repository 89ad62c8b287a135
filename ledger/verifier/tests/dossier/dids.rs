//! One participant has one identifier, for both verifiers.

use crate::judge::{has_python, python};
use herleid_vocab::did::Did;
use serde_json::json;

const RIGHT: [&str; 15] = [
    "did:web:knmi.example",
    "did:web:knmi.example%3A8443",
    "did:web:knmi.example%3A65535",
    "did:web:knmi.example%3A80",
    "did:web:knmi.example:Water:1",
    "did:web:knmi.example:.well-known:a",
    "did:web:knmi.example:a:.well-known",
    "did:web:1.example",
    "did:web:0x1.example",
    "did:web:127.0.0.1",
    "did:web:127.0.0.1%3A7101",
    "did:web:255.255.255.255",
    "did:web:0.0.0.0:a",
    "did:web:-",
    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
];

const WRONG: [&str; 42] = [
    "",
    "did:web:",
    "did:web:a/b",
    "did:web:a%2Fb",
    "did:web:user@host",
    "did:web:ho st",
    "did:web:a?b",
    "did:web:a#b",
    "did:web:a\n",
    "did:web:a..b",
    "did:web:a.b.",
    "did:web:.a",
    "did:web:\u{e9}.example",
    "did:web:host:\u{e9}",
    "did:web:host:..",
    "did:web:host:.",
    "did:web:host::x",
    "did:web:host:",
    "did:web:KNMI.example",
    "did:web:knmi.examplE%3A8443:water",
    "did:web:knmi.example%3a8443",
    "did:web:knmi.example%3A443",
    "did:web:knmi.example%3A443:water",
    "did:web:knmi.example%3A08443",
    "did:web:knmi.example%3A0",
    "did:web:knmi.example%3A+80",
    "did:web:knmi.example%3A\u{663}",
    "did:web:knmi.example%3A",
    "did:web:knmi.example%3Anone",
    "did:web:knmi.example%3A65536",
    "did:web:knmi.example%3A80%3A80",
    "did:web:knmi.example:.well-known",
    "did:web:127.1",
    "did:web:0x7f.0.0.1",
    "did:web:127.0.0.0x1",
    "did:web:127.0.0.0x",
    "did:web:127.0.0.01",
    "did:web:256.0.0.1",
    "did:web:1.2.3.4.5",
    "did:web:2130706433",
    "did:example:1",
    "did:key:z0",
];

#[test]
fn both_read_the_same_identifiers() {
    let longest = format!("did:web:{}", "a".repeat(504));
    let longer = format!("{longest}a");
    let all: Vec<&str> = RIGHT
        .into_iter()
        .chain(WRONG)
        .chain([longest.as_str(), longer.as_str()])
        .collect();
    let expected: Vec<bool> = (0..all.len()).map(|i| i < RIGHT.len() || i + 2 == all.len()).collect();
    let here: Vec<bool> = all.iter().map(|text| text.parse::<Did>().is_ok()).collect();
    let differing = |read: &[bool]| {
        let pairs = all.iter().zip(read.iter().zip(&expected));
        pairs
            .filter(|(_, (one, other))| one != other)
            .map(|(text, _)| *text)
            .collect::<Vec<&str>>()
    };
    assert!(differing(&here).is_empty(), "{:?}", differing(&here));
    if has_python() {
        let program = "def reads(text):\n    try:\n        return verify.check_did(text, 'did') == text\n\
                       \x20   except verify.Refused:\n        return False\n\
                       print(json.dumps([reads(text) for text in json.load(sys.stdin.buffer)]))\n";
        let there: Vec<bool> = serde_json::from_str(&python(program, &json!(all))).unwrap();
        assert!(differing(&there).is_empty(), "verify.py: {:?}", differing(&there));
    }
}
