//! Webhooks are signed, and a library that knows nothing of this program says so: also of forged, repeated and old ones.

use crate::receiver::{Delivery, Hook};
use crate::{Managed, Pair};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use ed25519_dalek::{Signature, VerifyingKey};
use herleid_tests::connector::Connector;
use herleid_tests::process::text;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Python of `target/tools`, if `make deps` has installed the library there; else it is said that the test is skipped.
fn python(test: &str) -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    let python = target.join("tools/bin/python3");
    let there = Command::new(&python)
        .args(["-c", "import http_message_signatures"])
        .stderr(Stdio::null())
        .status();
    if there.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    let line = format!("SKIPPED {test}: target/tools has no http-message-signatures; run `make deps`\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

/// The connector's DID document, in a file, as a receiver fetches it.
fn document(connector: &Connector) -> PathBuf {
    let port: u16 = connector.did.rsplit("%3A").next().unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET /.well-known/did.json HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let document = answer.split_once("\r\n\r\n").unwrap().1;
    let file = connector.directory.join("document.json");
    std::fs::write(&file, document).unwrap();
    file
}

/// A delivery as the script reads it.
fn as_it_came(hook: &Hook, delivery: &Delivery) -> Value {
    let fields = delivery
        .raw_head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "));
    let headers: Map<String, Value> = fields.map(|(name, value)| (name.to_owned(), json!(value))).collect();
    json!({"method": "POST", "url": hook.url, "headers": headers, "body": BASE64_STANDARD.encode(&delivery.body)})
}

/// What docs/check_webhook.py says of each delivery.
fn judged(python: &Path, document: &Path, deliveries: &[Value]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/check_webhook.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(document)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = deliveries.iter().map(|delivery| format!("{delivery}\n")).collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    text(&output.stdout).lines().map(str::to_owned).collect()
}

/// The same delivery with another body, and, if wanted, the digest that belongs to it.
fn forged(delivery: &Value, body: &[u8], with_digest: bool) -> Value {
    let mut forged = delivery.clone();
    forged["body"] = json!(BASE64_STANDARD.encode(body));
    if with_digest {
        let digest = BASE64_STANDARD.encode(Sha256::digest(body));
        forged["headers"]["content-digest"] = json!(format!("sha-256=:{digest}:"));
    }
    forged
}

/// Verifies a delivery by hand, as RFC 9421 says, with nothing of this program; gives its parameters.
fn verified(document: &Path, hook: &Hook, delivery: &Delivery) -> Result<String, String> {
    let value = |name: &str| {
        let mut fields = delivery.raw_head.lines().filter_map(|line| line.split_once(": "));
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value.trim().to_owned())
            .ok_or(format!("no {name}"))
    };
    let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(&delivery.body)));
    if value("content-digest")? != digest {
        return Err("another body".to_owned());
    }
    let input = value("signature-input")?;
    let parameters = input.strip_prefix("herleid=").ok_or("no such label")?;
    if !parameters.starts_with("(\"@method\" \"@target-uri\" \"content-digest\");created=") {
        return Err(format!("covers something else: {parameters}"));
    }
    let base = format!(
        "\"@method\": POST\n\"@target-uri\": {}\n\"content-digest\": {digest}\n\"@signature-params\": {parameters}",
        hook.url
    );
    let text = |name: &str| parameters.split(&format!(";{name}=\"")).nth(1)?.split('"').next();
    let key_id = text("keyid").ok_or("no keyid")?;
    let document: Value = serde_json::from_slice(&std::fs::read(document).unwrap()).unwrap();
    let methods = document["verificationMethod"].as_array().unwrap();
    let listed = document["authentication"].as_array().unwrap().contains(&json!(key_id));
    let method = methods
        .iter()
        .find(|method| listed && method["id"] == key_id)
        .ok_or("no such key")?;
    let key = BASE64_URL_SAFE_NO_PAD
        .decode(method["publicKeyJwk"]["x"].as_str().unwrap())
        .unwrap();
    let key = VerifyingKey::from_bytes(&key.try_into().unwrap()).unwrap();
    let signature = value("signature")?;
    let signature = signature
        .strip_prefix("herleid=:")
        .and_then(|s| s.strip_suffix(':'))
        .ok_or("no signature")?;
    let signature = Signature::from_slice(&BASE64_STANDARD.decode(signature).unwrap()).unwrap();
    key.verify_strict(base.as_bytes(), &signature)
        .map_err(|e| e.to_string())?;
    Ok(parameters.to_owned())
}

#[test]
fn each_delivery_verifies_without_a_library_and_an_altered_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed::start(&folder, "alone", &[]);
    let hook = Hook::start(&[503]);
    let wanted = json!({"url": hook.url, "types": ["eu.herleid.dataset-*"]});
    managed.api.post("/subscriptions", &wanted).good(201);
    managed.publish("rain");
    let (first, mut again) = (hook.next(), hook.next());
    let document = document(&managed.connector);
    let parameters = [&first, &again].map(|delivery| verified(&document, &hook, delivery).unwrap());
    for one in &parameters {
        assert!(one.ends_with(";tag=\"herleid-webhook\""), "{one}");
        assert!(one.contains(";alg=\"ed25519\";"), "{one}");
    }
    assert_ne!(parameters[0], parameters[1], "each attempt has a nonce of its own");

    again.raw_head = again.raw_head.replace("herleid-webhook", "herleid-something");
    assert!(verified(&document, &hook, &again).is_err(), "the tag is covered");
    again.raw_head.clone_from(&first.raw_head);
    again.body = text(&first.body).replace("rain", "ruin").into_bytes();
    assert_eq!(verified(&document, &hook, &again), Err("another body".to_owned()));
}

#[test]
fn an_event_is_proved_to_come_from_this_connector_and_a_forged_or_repeated_one_is_refused() {
    let Some(python) = python("signed deliveries of events") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed::start(&folder, "alone", &[]);
    let stranger = Managed::start(&folder, "stranger", &[]);
    let hook = Hook::start(&[503]);
    // Not in normal form: what is signed has to be what is sent.
    let typed = hook.url.replace("http://localhost", "HTTP://LOCALHOST");
    let wanted = json!({"url": typed, "types": ["eu.herleid.dataset-*"]});
    managed.api.post("/subscriptions", &wanted).good(201);
    managed.publish("rain");
    let (first, again) = (hook.next(), hook.next());
    assert_eq!(first.event["id"], again.event["id"]);
    let (first, again) = (as_it_came(&hook, &first), as_it_came(&hook, &again));
    assert_ne!(
        first["headers"]["signature"], again["headers"]["signature"],
        "signed anew"
    );

    let body = BASE64_STANDARD.decode(first["body"].as_str().unwrap()).unwrap();
    let other = text(&body).replace("rain", "ruin").into_bytes();
    let edited = |change: &dyn Fn(&mut Value)| {
        let mut edited = again.clone();
        change(&mut edited);
        edited
    };
    let deliveries = [
        (first.clone(), "taken"),
        (again.clone(), "taken"),
        (first.clone(), "refused: this delivery came before"),
        (forged(&first, &other, false), "refused: Content-Digest does not match"),
        (forged(&first, &other, true), "refused"),
        (
            edited(&|d| d["url"] = json!("https://elsewhere.example/hook")),
            "refused",
        ),
        (edited(&|d| d["method"] = json!("PUT")), "refused"),
        (
            edited(&|d| {
                let input = d["headers"]["signature-input"].as_str().unwrap();
                d["headers"]["signature-input"] = json!(input.replace(";tag=\"herleid-webhook\"", ""));
            }),
            "refused: No signatures found matching the expected tag",
        ),
        (
            edited(&|d| {
                d["headers"].as_object_mut().unwrap().remove("signature");
            }),
            "refused: Expected \"Signature\"",
        ),
        (
            edited(&|d| d["max_age_s"] = json!(-60)),
            "refused: Signature age exceeds",
        ),
    ];
    let (given, expected): (Vec<Value>, Vec<&str>) = deliveries.into_iter().unzip();
    let found = judged(&python, &document(&managed.connector), &given);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "expected `{expected}`: {found}");
    }
    // Nor is it taken for another connector's.
    let found = judged(&python, &document(&stranger.connector), &[first]);
    assert!(
        found[0].starts_with("refused: ") && found[0].contains("is no key of this connector"),
        "{found:?}"
    );
}

#[test]
fn the_question_that_a_webhook_decides_is_signed() {
    let Some(python) = python("signed questions to the webhook that decides") else {
        return;
    };
    let hook = Hook::deciding("{\"decide\": \"agree\"}");
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("decisions.toml");
    let text = format!(
        "[[negotiation]]\nrole = \"provider\"\nstate = \"REQUESTED\"\ndecide = \"webhook\"\n[webhook]\nurl = \"{}\"\n",
        hook.url
    );
    std::fs::write(&rules, text).unwrap();
    let pair = Pair::start(&[("decisions", &format!("file = \"{}\"", rules.display()))]);
    let agreement = pair.agree();
    assert!(agreement.starts_with("urn:uuid:"), "{agreement}");
    let asked = hook.until("eu.herleid.negotiation.decision-needed");
    let asked = as_it_came(&hook, &asked);
    let found = judged(&python, &document(&pair.provider.connector), &[asked.clone(), asked]);
    assert!(found[0].starts_with("taken "), "{found:?}");
    assert_eq!(found[1], "refused: this delivery came before");
}
