use super::*;
use crate::models::package::ModelPackage;
use crate::state::Digests;
use serde_json::json;

const LIMITS: Limits = Limits::MESSAGE;

fn process() -> Process {
    let package = ModelPackage::from_toml(include_str!("../../../../tests/models/model.toml")).unwrap();
    Process::new(package.model().clone(), &[7; 32])
}

fn seeded() -> Process {
    let text = include_str!("../../../../tests/models/model.toml").replace("uses_seed = false", "uses_seed = true");
    Process::new(ModelPackage::from_toml(&text).unwrap().model().clone(), &[7; 32])
}

fn read(request: &Value) -> Result<ExecuteRequest, ProcessError> {
    process().parse_request(request.to_string().as_bytes(), &LIMITS)
}

/// A request that is as it should be: the rain by reference, the sewer by value.
fn good() -> Value {
    json!({
        "inputs": {
            "rain": {"href": "https://knmi.example/data/rain/1", "type": "application/json"},
            "sewer": {"value": {"b": 1, "a": "é"}, "mediaType": "application/json"},
            "storage_mm": "9",
        },
        "outputs": {"result": {}},
        "response": "document",
    })
}

#[test]
fn all_parameters_are_filled_in() {
    let request = read(&good()).unwrap();
    assert_eq!(
        Value::Object(request.parameters().clone()),
        json!({"storage_mm": "9", "pump_mm_per_h": "0.7"})
    );
    assert_eq!((request.seed(), request.response()), (None, ResponseForm::Document));
    assert_eq!(request.outputs(), ["result"]);
    assert_eq!(
        request.inputs()["rain"].content,
        Content::Reference {
            href: "https://knmi.example/data/rain/1".to_owned()
        }
    );
    assert_eq!(
        request.inputs()["sewer"].content,
        Content::Inline(Bytes::from_static("{\"a\":\"é\",\"b\":1}".as_bytes()))
    );
    assert_eq!(
        request.run_inputs(&process()),
        None,
        "the reference has not been looked at"
    );
}

#[test]
fn exact_bytes_travel_in_base64_with_their_digests() {
    let bytes = Bytes::from_static(b"{ \"not\": \"canonical\" }\n");
    let pin = Pin::of(&bytes);
    let inputs = BTreeMap::from([
        (
            "rain".to_owned(),
            InputValue {
                content: Content::Inline(bytes.clone()),
                pin: Some(pin.clone()),
            },
        ),
        (
            "sewer".to_owned(),
            InputValue {
                content: Content::Inline(Bytes::from_static(b"{}")),
                pin: None,
            },
        ),
    ]);
    let (sent, asked) = process().request(&inputs, &Map::new(), None, &LIMITS).unwrap();
    assert_eq!(process().parse_request(&sent, &LIMITS).unwrap(), asked);
    assert_eq!(asked.inputs()["rain"], inputs["rain"]);
    assert_eq!(
        Value::Object(asked.parameters().clone()),
        json!({"storage_mm": "7", "pump_mm_per_h": "0.7"})
    );
    let recorded = asked.run_inputs(&process()).unwrap();
    assert_eq!(recorded[0]["dataset"], Value::Null);
    assert_eq!(recorded[0]["sha256"], json!(pin.sha256));
    assert_eq!(recorded[1]["name"], "sewer");
    assert_eq!(recorded[1]["transaction"], Value::Null);
    herleid_vocab::json::section_bytes(&json!({"inputs": recorded})).unwrap();

    let tampered = String::from_utf8(sent)
        .unwrap()
        .replace(&STANDARD.encode(&bytes), &STANDARD.encode(b"{}"));
    let found = process()
        .parse_request(tampered.as_bytes(), &LIMITS)
        .unwrap_err()
        .to_string();
    assert!(
        found.contains("input `rain` is refused: its length is 2, but the request says 23"),
        "{found}"
    );
}

#[test]
fn a_value_that_claims_to_come_from_somewhere_is_refused() {
    let bytes = b"{}";
    let asked = |change: &dyn Fn(&mut Pin)| {
        let mut pin = Pin::of(bytes);
        change(&mut pin);
        let mut request = good();
        request["inputs"]["rain"] = json!({
            "value": STANDARD.encode(bytes), "encoding": "base64", "mediaType": "application/json", "x-herleid": pin,
        });
        read(&request)
    };
    assert!(asked(&|_| {}).is_ok());
    let said = || Some("0190163d-8694-739b-aea5-966c26f8ad90".to_owned());
    let refused = |member: &str, change: &dyn Fn(&mut Pin)| {
        let error = asked(change).unwrap_err().to_string();
        assert!(error.contains(&format!("gives it a `{member}`")), "{error}");
    };
    refused("dataset", &|pin| pin.dataset = said());
    refused("version", &|pin| pin.version = said());
    refused("agreement", &|pin| pin.agreement = said());
    refused("transaction", &|pin| pin.transaction = said());
}

#[test]
fn a_pin_holds_only_for_content_that_has_all_its_digests() {
    let right = Digests::of(b"rain");
    let pin = Pin::of(b"rain");
    assert_eq!(pin.check_digests(&right), Ok(()));
    let other = Digests::of(b"sun");
    let found = |found: Digests| pin.check_digests(&found).unwrap_err();
    let blake3 = Digests {
        blake3: other.blake3,
        ..right.clone()
    };
    assert!(found(blake3).contains("BLAKE3"));
    let sha256 = Digests {
        sha256: other.sha256,
        ..right.clone()
    };
    assert!(found(sha256).contains("SHA-256"));
    assert!(found(Digests { bytes: 3, ..right }).contains("its length is 3, but the request says 4"));
}

#[test]
fn what_a_request_gets_wrong_is_named() {
    let with = |path: &str, value: Value| {
        let mut request = good();
        let (parent, name) = path.rsplit_once('/').unwrap();
        request
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .insert(name.to_owned(), value);
        request
    };
    for (request, expected) in [
        (with("/mode", json!("async")), "unknown member `mode`"),
        (with("/input", json!({})), "did you mean `inputs`?"),
        (
            with("/subscriber", json!({"successUri": "https://x.example"})),
            "`subscriber`",
        ),
        (with("/response", json!("html")), "`response`"),
        (
            with("/inputs", json!([])),
            "`inputs` of the execute request is an array",
        ),
        (with("/inputs/storage", json!("7")), "no input or parameter `storage`"),
        (with("/inputs/storage_m", json!("7")), "did you mean `storage_mm`?"),
        (with("/inputs/seed", json!(1)), "no input or parameter `seed`"),
        (
            with("/inputs/storage_mm", json!(9)),
            "parameter `storage_mm` is refused: `9` is a JSON number",
        ),
        (with("/inputs/storage_mm", json!("9.999")), "at most 2"),
        (with("/inputs/storage_mm", json!("1001")), "expected 0 to 1000"),
        (with("/inputs/storage_mm", json!(["7"])), "expected the value itself"),
        (
            with("/inputs/storage_mm", json!({"href": "https://x.example"})),
            "expected the value itself",
        ),
        (with("/inputs/storage_mm", Value::Null), "not a decimal string"),
        (
            with("/inputs/rain", json!("text")),
            "input `rain` is refused: expected a link",
        ),
        (with("/inputs/rain", json!([])), "expected a link"),
        (
            with("/inputs/rain", json!({"href": "https://x.example", "value": 1})),
            "expected one of `href` and `value`",
        ),
        (with("/inputs/rain/method", json!("POST")), "it has the member `method`"),
        (
            with("/inputs/rain/type", json!("text/csv")),
            "expected `application/json`",
        ),
        (with("/inputs/rain/href", json!(7)), "`href` is not a string"),
        (with("/inputs/sewer/encoding", json!("gzip")), "encoding is unknown"),
        (
            with("/inputs/sewer/encoding", json!("base64")),
            "its value is not a string",
        ),
        (
            with("/inputs/sewer", json!({"value": "%", "encoding": "base64"})),
            "not base64",
        ),
        (with("/inputs/sewer/x-herleid", json!({"sha256": "00"})), "`x-herleid`"),
        (with("/outputs", json!({})), "it names none"),
        (
            with("/outputs", json!({"results": {}})),
            "no output `results`; did you mean `result`?",
        ),
        (
            with("/outputs/result", json!({"transmissionMode": "reference"})),
            "given by value",
        ),
        (
            with("/outputs/result", json!({"format": {"mediaType": "text/csv"}})),
            "one format",
        ),
        (with("/outputs/result", json!({"fromat": {}})), "fromat"),
        (json!([]), "`/` of the execute request is an array"),
        (json!({}), "lacks `rain`, `sewer`"),
    ] {
        let error = read(&request).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.status(), 400, "{error}");
    }
    for accepted in [
        with("/inputs/storage_mm", json!({"value": "8"})),
        with(
            "/outputs/result",
            json!({"transmissionMode": "value", "format": {"mediaType": "application/json"}}),
        ),
        with("/response", json!("raw")),
    ] {
        assert!(read(&accepted).is_ok(), "{accepted}");
    }
}

#[test]
fn ambiguous_and_oversized_texts_are_refused() {
    let twice = br#"{"inputs":{"storage_mm":"7","storage_mm":"8"}}"#;
    assert!(
        process()
            .parse_request(twice, &LIMITS)
            .unwrap_err()
            .to_string()
            .contains("stands twice")
    );
    let long = process()
        .parse_request(&vec![b' '; (1 << 20) + 1], &LIMITS)
        .unwrap_err();
    assert_eq!(long.status(), 413);
}

#[test]
fn a_seed_is_asked_for_only_where_it_is_used() {
    let ask = |seed: Value| {
        let mut request = good();
        request["inputs"]["seed"] = seed;
        seeded().parse_request(request.to_string().as_bytes(), &LIMITS)
    };
    assert_eq!(ask(json!(5)).unwrap().seed(), Some(5));
    assert!(ask(json!("5")).unwrap_err().to_string().contains("parameter `seed`"));
    assert!(ask(json!(9_007_199_254_740_992_u64)).is_err());
    let without = seeded()
        .parse_request(good().to_string().as_bytes(), &LIMITS)
        .unwrap_err();
    assert_eq!(
        without,
        ProcessError::Missing {
            names: vec!["seed".to_owned()]
        }
    );
}

#[test]
fn raw_is_the_default_and_has_room_for_one_output() {
    let one = read(&json!({"inputs": good()["inputs"]})).unwrap();
    assert_eq!(one.response(), ResponseForm::Raw);
    let text = include_str!("../../../../tests/models/model.toml").to_owned()
        + "\n[[outputs]]\nname = \"map\"\ntitle = \"Map\"\nfile = \"map.png\"\nmedia_type = \"image/png\"\n";
    let two = Process::new(ModelPackage::from_toml(&text).unwrap().model().clone(), &[7; 32]);
    let both = json!({"inputs": good()["inputs"]}).to_string();
    assert!(
        two.parse_request(both.as_bytes(), &LIMITS)
            .unwrap_err()
            .to_string()
            .contains("`raw`, the default")
    );
    let map = json!({"inputs": good()["inputs"], "outputs": {"map": {}}}).to_string();
    assert_eq!(two.parse_request(map.as_bytes(), &LIMITS).unwrap().outputs(), ["map"]);
}

#[test]
fn an_exception_says_what_the_standard_asks_for() {
    let error = ProcessError::no_such_process("sewer", &["sewer-storage-pump"]);
    let exception = error.exception("/processes/sewer");
    assert_eq!(
        exception["type"],
        "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process"
    );
    assert_eq!(
        (&exception["status"], &exception["instance"]),
        (&json!(404), &json!("/processes/sewer"))
    );
    let near = ProcessError::no_such_process("sewer-storage-pomp", &["sewer-storage-pump"]);
    assert!(near.to_string().contains("did you mean `sewer-storage-pump`?"));
}
