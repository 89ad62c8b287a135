//! Addresses, read; and what a failed call means.

use super::attempt::Failed;
use super::target::{Target, TargetError};
use crate::dsp::catalog::{HTTP_PUSH, S3_PUSH};
use crate::dsp::message::{DataAddress, EndpointProperty, HTTP_ENDPOINT};
use crate::net::client::{ClientSettings, GuardedClient};
use axum::http::{HeaderMap, Method};

fn address(kind: &str, endpoint: Option<&str>, properties: &[(&str, &str)]) -> DataAddress {
    let property = |(name, value): &(&str, &str)| EndpointProperty {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    DataAddress {
        endpoint_type: kind.to_owned(),
        endpoint: endpoint.map(str::to_owned),
        properties: properties.iter().map(property).collect(),
    }
}

fn http(properties: &[(&str, &str)]) -> Result<Target, TargetError> {
    Target::read(
        HTTP_PUSH,
        Some(&address(HTTP_ENDPOINT, Some("https://a.example/in"), properties)),
    )
}

const BUCKET: [(&str, &str); 5] = [
    ("region", "eu-west-1"),
    ("bucketName", "rain"),
    ("objectName", "2020/rain.csv"),
    ("accessKeyId", "key"),
    ("secretAccessKey", "hush"),
];

/// A bucket with one property in the place of what it is, or left out.
fn bucket(name: &str, value: Option<&str>) -> Result<Target, TargetError> {
    let mut properties: Vec<(&str, &str)> = BUCKET.into_iter().filter(|(known, _)| *known != name).collect();
    properties.extend(value.map(|value| (name, value)));
    Target::read(S3_PUSH, Some(&address("AmazonS3", None, &properties)))
}

#[test]
fn an_endpoint_is_shown_what_its_address_says() {
    for (properties, expected) in [
        (&[][..], None),
        (&[("authorization", "t0ken")], Some("Bearer t0ken")),
        (
            &[("authorization", "Bearer t0ken"), ("authType", "bearer")],
            Some("Bearer t0ken"),
        ),
        (&[("authorization", "dTpw"), ("authType", "basic")], Some("Basic dTpw")),
        (
            &[("authKey", "authorization"), ("authCode", "as it is")],
            Some("as it is"),
        ),
        (&[("authKey", "X-Api-Key"), ("authCode", "k")], Some("k")),
    ] {
        let Ok(Target::Http(target)) = http(properties) else {
            panic!("{properties:?}")
        };
        let shown = target.shown.as_ref().map(|(_, value)| value.to_str().unwrap());
        assert_eq!(shown, expected, "{properties:?}");
        assert_eq!(target.method, Method::POST);
        assert!(!format!("{:?}", target.shown).contains("t0ken"));
    }
}

#[test]
fn what_is_not_understood_of_an_endpoint_is_refused() {
    for (properties, named) in [
        (&[("method", "DELETE")][..], "method"),
        (&[("authorization", "a\r\nHost: b")], "authorization"),
        (&[("authorization", "a"), ("authType", "digest")], "authType"),
        (
            &[("authorization", "a"), ("authKey", "X-Api-Key"), ("authCode", "b")],
            "authorization",
        ),
        (&[("authKey", "Host"), ("authCode", "a")], "authKey"),
        (&[("authKey", "X-Api-Key")], "authCode"),
        (&[("authCode", "a")], "authKey"),
        (&[("proxyBody", "false")], "proxyBody"),
        (&[("header:Host", "hush")], "header:Host"),
    ] {
        let Err(error) = http(properties) else {
            panic!("{properties:?}")
        };
        let said = error.to_string();
        assert!(said.contains(&format!("`{named}`")) && !said.contains("hush"), "{said}");
    }
    for endpoint in [None, Some(""), Some("a.example/in"), Some("data:,x"), Some("https://")] {
        assert!(
            Target::read(HTTP_PUSH, Some(&address(HTTP_ENDPOINT, endpoint, &[]))).is_err(),
            "{endpoint:?}"
        );
    }
    for kind in ["AmazonS3", "", "https://w3id.org/idsa/v4.1/FTP"] {
        let read = Target::read(HTTP_PUSH, Some(&address(kind, Some("https://a.example/in"), &[])));
        assert!(matches!(read, Err(TargetError::EndpointType { .. })), "{kind}");
    }
    assert!(matches!(Target::read(HTTP_PUSH, None), Err(TargetError::NoAddress)));
}

#[test]
fn what_an_address_says_twice_and_differently_is_refused() {
    let edc = |name: &str| format!("https://w3id.org/edc/v0.0.1/ns/{name}");
    let (key, base) = (edc("authorization"), edc("baseUrl"));
    for (properties, first, second) in [
        (
            vec![("authorization", "hush"), (key.as_str(), "other")],
            "authorization",
            "authorization",
        ),
        (vec![("method", "PUT"), ("method", "POST")], "method", "method"),
        (vec![(base.as_str(), "https://b.example/in")], "endpoint", "baseUrl"),
        (vec![("endpoint", "https://b.example/in")], "endpoint", "endpoint"),
    ] {
        let Err(error) = http(&properties) else {
            panic!("{properties:?}")
        };
        assert_eq!(error, TargetError::Twice { first, second }, "{properties:?}");
        assert!(!error.to_string().contains("hush"));
    }
    // The same twice is the same.
    assert!(
        http(&[
            ("authorization", "hush"),
            (key.as_str(), "hush"),
            ("baseUrl", "https://a.example/in")
        ])
        .is_ok()
    );
    for (name, value, first, second) in [
        ("keyName", "2020/other.csv", "objectName", "keyName"),
        ("region", "eu-west-2", "region", "region"),
    ] {
        let properties: Vec<(&str, &str)> = BUCKET.into_iter().chain([(name, value)]).collect();
        let read = Target::read(S3_PUSH, Some(&address("AmazonS3", None, &properties)));
        assert_eq!(read.err(), Some(TargetError::Twice { first, second }));
    }
}

#[test]
fn a_bucket_is_read_or_refused_by_the_property_that_is_wrong() {
    let Ok(Target::S3(target)) = bucket("none", None) else {
        panic!("it is not read")
    };
    assert_eq!(
        (target.base(), target.key.as_ref()),
        ("https://s3.eu-west-1.amazonaws.com", "2020/rain.csv")
    );
    for (name, _) in BUCKET {
        let Err(error) = bucket(name, None) else {
            panic!("{name}")
        };
        assert_eq!(error, TargetError::Missing(name));
    }
    for (name, value) in [
        ("region", "eu.evil.example/"),
        ("bucketName", "../other"),
        ("bucketName", "a/b"),
        ("bucketName", "ab"),
        ("objectName", "../rain.csv"),
        ("objectName", "a//b"),
        ("endpointOverride", "https://store.example/inner"),
        ("endpointOverride", "https://store.example/?x=1"),
        ("endpointOverride", "archive"),
        ("folderName", "in"),
    ] {
        let Err(error) = bucket(name, Some(value)) else {
            panic!("{name}: {value}")
        };
        assert!(!error.to_string().contains(value) || name == "folderName", "{error}");
    }
    let kind = address(HTTP_ENDPOINT, None, &BUCKET);
    assert!(matches!(
        Target::read(S3_PUSH, Some(&kind)),
        Err(TargetError::EndpointType { .. })
    ));
}

#[tokio::test]
async fn an_address_of_the_inside_is_not_called_and_not_tried_again() {
    let client = GuardedClient::new(&ClientSettings::default()).unwrap();
    for url in [
        "https://127.0.0.1/in",
        "https://[::1]/in",
        "https://10.0.0.1/in",
        "https://169.254.169.254/latest/meta-data",
        // A name that leads inside.
        "https://localhost/in",
        "http://a.example/in",
    ] {
        let called = client
            .send_stream(Method::PUT, url, HeaderMap::new(), "data".into())
            .await;
        let Err(Failed::Final(why)) = super::http::judge(called) else {
            panic!("{url}")
        };
        assert_eq!(
            why, "the receiver could not be called: its address may not be called",
            "{url}"
        );
    }
}
