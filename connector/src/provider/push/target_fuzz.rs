//! The address of a push, whatever stands in it: here it is decided which of our own networks a consumer could have us call.

use super::target::{OF_ALL, OF_HTTP, OF_S3, Target};
use crate::config::{BaseUrl, Push, PushTo};
use crate::dsp::catalog::{HTTP_PUSH, S3_PUSH};
use crate::dsp::message::{DataAddress, EndpointProperty, HTTP_ENDPOINT};
use crate::fuzzing::cases;
use herleid_vocab::did::Did;
use proptest::prelude::*;
use url::Url;

const CONSUMER: &str = "did:web:app.example";
const SECRET: &str = "hush-hush";

/// Below one place of one host may be pushed to, and nowhere else.
fn allowed(target: &Target) -> Option<Url> {
    let push = Push {
        allow: vec![PushTo {
            did: CONSUMER.parse().unwrap(),
            to: BaseUrl::parse("https://a.example/in", false).unwrap(),
            internal: false,
        }],
        attempts: 1,
    };
    let called = match target {
        Target::Http(http) => http.url.clone(),
        Target::S3(s3) => s3.called()?,
    };
    let consumer: Did = CONSUMER.parse().unwrap();
    push.find(&consumer, &called).map(|_| called)
}

/// Either it is refused in words that show no secret, or it leads where it may lead, however it is written.
fn judged(format: &str, address: &DataAddress) {
    let target = match Target::read(format, Some(address)) {
        Ok(target) => target,
        Err(why) => {
            let why = why.to_string();
            assert!(!why.is_empty() && !why.contains(SECRET), "{address:?}: {why}");
            return;
        }
    };
    assert!(!target.to_string().contains(SECRET), "{address:?}");
    let Some(called) = allowed(&target) else { return };
    // What goes over the wire, read by somebody who only compares letters.
    let text = called.as_str();
    let rest = text
        .strip_prefix("https://a.example/in")
        .unwrap_or_else(|| panic!("{address:?}: {text}"));
    assert!(rest.is_empty() || rest.starts_with(['/', '?']), "{text}");
    let path = called.path().to_ascii_lowercase();
    for hidden in ["/..", "%2e", "%2f", "%5c", "\\", "//", "%25"] {
        assert!(!path.contains(hidden), "{text}: {hidden}");
    }
    assert_eq!(
        Url::parse(text).as_ref(),
        Ok(&called),
        "it would be read otherwise by the one who calls it"
    );
    if let Target::Http(http) = &target {
        assert!(["POST", "PUT"].contains(&http.method.as_str()), "{address:?}");
        if let Some((name, value)) = &http.shown {
            assert!(
                ["authorization", "x-api-key"].contains(&name.as_str()) && value.is_sensitive(),
                "{address:?}"
            );
        }
    }
}

fn endpoint() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "/in",
        "/in",
        "/..",
        "/.",
        "/%2e%2e",
        "/..%2f",
        "//",
        "\\",
        "/in;x",
        "/inner",
        "/%252e",
        "?sig=hush-hush",
        "#f",
        "@",
        ":443",
        ":80",
        "\t",
        "%00",
        "a.example",
        "169.254.169.254",
        "/rain",
    ]);
    let start = prop::sample::select(vec![
        "https://a.example",
        "https://a.example",
        "https://A.EXAMPLE:443",
        "https://a.example.",
        "https://a.example@b.example",
        "http://a.example",
        "https://[::1]",
        "https://2130706433",
        "https:a.example",
        "file://",
        "ftp://a.example",
        "//a.example",
        "https://b.example",
        "",
    ]);
    (
        start,
        prop::collection::vec(prop_oneof![4 => part.prop_map(str::to_owned), 1 => "\\PC{0,3}"], 0..6),
    )
        .prop_map(|(start, parts)| format!("{start}{}", parts.concat()))
}

fn name() -> impl Strategy<Value = String> {
    let known: Vec<&str> = OF_ALL.into_iter().chain(OF_HTTP).chain(OF_S3).collect();
    prop_oneof![
        8 => (prop::sample::select(known), any::<bool>())
            .prop_map(|(name, edc)| if edc { format!("https://w3id.org/edc/v0.0.1/ns/{name}") } else { name.to_owned() }),
        1 => "\\PC{0,8}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        SECRET,
        "PUT",
        "POST",
        "DELETE",
        "bearer",
        "basic",
        "Authorization",
        "X-Api-Key",
        "Host",
        "true",
        "eu-west-1",
        "in",
        "../in",
        "rain.csv",
        "in/rain",
        "AmazonS3",
        "",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 2 => endpoint(), 1 => "\\PC{0,12}", 1 => "[\\x00-\\x7f]{0,6}"]
}

fn property((name, value): (String, String)) -> EndpointProperty {
    EndpointProperty { name, value }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn made_up_addresses_never_panic_and_lead_nowhere_else(
        format in prop::sample::select(vec![HTTP_PUSH, S3_PUSH, "Kafka-PUSH", ""]),
        kind in prop::sample::select(vec![HTTP_ENDPOINT, "HttpData", "AmazonS3", "Kafka"]),
        endpoint in prop::option::of(endpoint()),
        properties in prop::collection::vec((name(), value()).prop_map(property), 0..6),
    ) {
        judged(format, &DataAddress { endpoint_type: kind.to_owned(), endpoint, properties });
    }

    #[test]
    fn endpoints_in_many_spellings_never_panic_and_lead_nowhere_else(endpoint in endpoint()) {
        judged(HTTP_PUSH, &DataAddress { endpoint_type: HTTP_ENDPOINT.to_owned(), endpoint: Some(endpoint), properties: Vec::new() });
    }

    #[test]
    fn buckets_in_many_spellings_never_panic_and_lead_nowhere_else(
        endpoint in endpoint(),
        bucket in prop_oneof![Just("in".to_owned()), Just("rain".to_owned()), "[a-z.-]{0,6}", "\\PC{0,4}"],
        key in "((in|\\.\\.|\\.|%2e|%2f|/|\\?|#|;|\\PC){1}/?){0,5}",
    ) {
        let own = [("region", "eu-west-1"), ("bucketName", &bucket), ("objectName", &key), ("accessKeyId", "k"), ("secretAccessKey", SECRET)];
        let properties = own.map(|(name, value)| property((name.to_owned(), value.to_owned()))).to_vec();
        judged(S3_PUSH, &DataAddress { endpoint_type: "AmazonS3".to_owned(), endpoint: Some(endpoint), properties });
    }
}
