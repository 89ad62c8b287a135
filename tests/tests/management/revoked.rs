//! What becomes of access when what it was given for is over: a credential is taken back, a policy's time has passed.

mod asked;
mod pushed;
mod runs;

use crate::receiving::{Act, Endpoint};
use crate::{Managed, Pair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use herleid::config::Config;
use herleid::rim::SystemClock;
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::jose;
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_ledger::section::SectionName;
use herleid_tests::connector::{Connector, good};
use herleid_tests::lying_proxy::LyingProxy;
use herleid_tests::machine::{free_port, wait_for};
use herleid_tests::process::told;
use herleid_vocab::did::Did;
use herleid_vocab::rim::{Clock as _, SeededEntropy};
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// More than the kernels and the consumer's socket take before the provider has to wait.
const LARGE: usize = 64 << 20;
const HOUR_MS: u64 = 3_600_000;
/// Where the member's status stands in the list.
const INDEX: usize = 9;

/// An issuer that is no connector: a key, and a server for its status list.
struct Issuer {
    key: SigningKey,
    did: Did,
    key_id: String,
    list: String,
    served: Arc<Mutex<Option<String>>>,
    /// How often it has said that it is down.
    down: Arc<AtomicUsize>,
}

impl Issuer {
    fn start() -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(4711));
        let did = key.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&did).unwrap();
        let (key_id, _) = document.keys_for(Relationship::AssertionMethod).next().unwrap();
        let key_id = key_id.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let list = format!("http://localhost:{}/status/1", listener.local_addr().unwrap().port());
        let served = Arc::new(Mutex::new(None::<String>));
        let serves = served.clone();
        let down = Arc::new(AtomicUsize::new(0));
        let counted = down.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let (status, body) = match serves.lock().unwrap().clone() {
                    Some(token) => ("200 OK", token),
                    None => {
                        counted.fetch_add(1, Ordering::SeqCst);
                        ("503 Service Unavailable", String::new())
                    }
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/vc+jwt\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                // Who has gone has gone.
                let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
            }
        });
        Self {
            key,
            did,
            key_id,
            list,
            served,
            down,
        }
    }

    /// Waits until it has said so often that it is down.
    fn was_down(&self, times: usize) {
        wait_for(|| (self.down.load(Ordering::SeqCst) >= times).then_some(()));
    }

    fn sign(&self, id: &str, kind: &str, subject: Value, status: Option<Value>) -> String {
        let now_ms = SystemClock.now_ms();
        let mut credential = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"], "id": id, "issuer": self.did,
            "type": ["VerifiableCredential", kind], "credentialSubject": subject,
            "validFrom": format_rfc3339_ms(now_ms - HOUR_MS), "validUntil": format_rfc3339_ms(now_ms + HOUR_MS),
        });
        if let Some(status) = status {
            credential["credentialStatus"] = status;
        }
        jose::sign(&self.key, &self.key_id, "vc+jwt", None, &credential).unwrap()
    }

    fn membership(&self, subject: &str) -> String {
        let status = json!({
            "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
            "statusListIndex": INDEX.to_string(), "statusListCredential": self.list,
        });
        let subject = json!({"id": subject, "memberOf": "Zeeland"});
        self.sign(
            "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
            "MembershipCredential",
            subject,
            Some(status),
        )
    }

    /// Serves a list in which the member is taken back or not; or says that it is down.
    fn says(&self, is_revoked: Option<bool>) {
        let token = is_revoked.map(|is_revoked| {
            let mut bits = vec![0u8; 16 << 10];
            bits[INDEX / 8] |= u8::from(is_revoked) << (7 - INDEX % 8);
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&bits).unwrap();
            let encoded = format!("u{}", URL_SAFE_NO_PAD.encode(packed.finish().unwrap()));
            let subject = json!({"type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": encoded});
            self.sign(&self.list, "BitstringStatusListCredential", subject, None)
        });
        *self.served.lock().unwrap() = token;
    }
}

/// A provider behind a proxy, with a large dataset under this policy.
fn pair(policy: &Value) -> (Pair, LyingProxy) {
    let folder = tempfile::tempdir().unwrap();
    let (public, port) = (free_port(), free_port());
    let proxy = LyingProxy::start(public, port);
    let pair = Pair {
        provider: Managed::start_at(&folder, "provider", &[], port, public),
        consumer: Managed::start(&folder, "consumer", &[]),
        _folder: folder,
    };
    let file = pair.provider.connector.directory.join("files").join("large");
    std::fs::write(&file, vec![7; LARGE]).unwrap();
    let body = json!({"source": {"file": file}, "id": "rain", "title": "Rain", "description": "Gauge 310", "theme": ["ENVI"], "policy": policy});
    pair.provider.api.post("/datasets", &body).good(201);
    (pair, proxy)
}

/// From now on the provider asks for a membership, and believes a list for a second; the file with the consumer's, which it has yet to add.
fn asks_for_membership(pair: &mut Pair, issuer: &Issuer) -> PathBuf {
    let provider = &mut pair.provider.connector;
    provider.kill();
    let file = provider.directory.join("herleid.toml");
    let open = std::fs::read_to_string(&file).unwrap();
    let asked = "required_credentials = [\"MembershipCredential\"]\nstatus_max_age_s = 1";
    std::fs::write(&file, open.replace("required_credentials = []", asked)).unwrap();
    provider.start();
    let trusted = json!({"did": issuer.did, "types": ["MembershipCredential"], "by": "A. de Wit"});
    for end in [&pair.provider, &pair.consumer] {
        end.api.post("/trust/issuers", &trusted).good(201);
    }
    let jwt = issuer.membership(&pair.consumer.connector.did);
    let file = pair.consumer.connector.directory.join("membership.jwt");
    std::fs::write(&file, jwt).unwrap();
    file
}

fn pulling(pair: &Pair, agreement: &str) -> Child {
    let mut pull = pair.consumer.connector.command(&["pull", agreement]);
    pull.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What the log of a connector, which does not run, says of the pulls that broke off: how far they came, and why.
fn aborts(connector: &Connector) -> Vec<(u64, String)> {
    let config = Config::load(&connector.directory.join("herleid.toml"), std::iter::empty(), true).unwrap();
    let node = herleid::node::open(config).unwrap();
    let records = (0..node.ledger.size()).map(|index| node.ledger.record(index).unwrap());
    let facts = records.filter_map(|record| record.value(SectionName::Facts));
    let said = facts.filter_map(|facts| Some((facts["bytesSent"].as_u64()?, facts["reason"].as_str()?.to_owned())));
    said.collect()
}

#[test]
fn a_credential_that_is_taken_back_stops_new_requests_and_what_is_being_sent() {
    let (mut pair, proxy) = pair(&json!({"@type": "Offer", "permission": [{"action": "use"}]}));
    let issuer = Issuer::start();
    let file = asks_for_membership(&mut pair, &issuer);
    let add = ["credential", "add", file.to_str().unwrap()];
    let ask = ["negotiate", &pair.provider.connector.did.clone(), "rain"];
    let consumer = &pair.consumer.connector;
    let refused = |arguments: &[&str], why: &str| {
        let output = consumer.run(arguments);
        assert!(
            !output.status.success() && told(&output).contains(why),
            "expected `{why}`: {}",
            told(&output)
        );
    };
    // Nobody can say whether it was taken back: that denies. Who is there again is asked again.
    refused(&add, "could not be had");
    issuer.says(Some(false));
    wait_for(|| consumer.run(&add).status.success().then_some(()));
    let agreement = good(&consumer.run(&ask))["agreement"].as_str().unwrap().to_owned();

    let mut events = pair.provider.api.listen("0.0");
    // Nobody can say it any more: it breaks off, and goes on when it is known again.
    let held = proxy.hold(1 << 20);
    let pull = pulling(&pair, &agreement);
    held.reached();
    issuer.says(None);
    events.until(|e| e["type"] == "eu.herleid.pull-aborted");
    issuer.says(Some(false));
    held.let_go();
    let output = pull.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", told(&output));

    let held = proxy.hold(1 << 20);
    let pull = pulling(&pair, &agreement);
    held.reached();
    issuer.says(Some(true));
    // It breaks off by itself, while nothing is read.
    events.until(|e| e["type"] == "eu.herleid.pull-aborted");
    held.let_go();
    let output = pull.wait_with_output().unwrap();
    assert!(!output.status.success(), "{}", told(&output));
    refused(&["pull", &agreement], "was revoked by its issuer");
    refused(&ask, "was revoked by its issuer");

    pair.provider.connector.kill();
    let said = aborts(&pair.provider.connector);
    let [(first, unknown), (second, revoked)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert!(unknown.contains("cannot be found out now"), "{unknown}");
    assert!(revoked.contains("was revoked by its issuer"), "{revoked}");
    for sent in [first, second] {
        assert!((1 << 20..LARGE as u64).contains(sent), "{sent}");
    }
}

/// The same under a policy whose time passes soon, and when: long enough to agree and to begin, and before the consumer, which waits 20 s
/// for the next bytes, gives up by itself.
fn limited() -> (Pair, LyingProxy, String) {
    let until = format_rfc3339_ms(SystemClock.now_ms() + 15_000);
    let limit = json!({"leftOperand": "dateTime", "operator": "lt", "rightOperand": {"@value": until, "@type": "xsd:dateTime"}});
    let (pair, proxy) = pair(&json!({"@type": "Offer", "permission": [{"action": "use", "constraint": [limit]}]}));
    (pair, proxy, until[..19].to_owned())
}

#[test]
fn a_policy_whose_time_passes_breaks_off_what_is_being_sent_under_it() {
    let (mut pair, proxy, until) = limited();
    let agreement = pair.agree();
    let mut events = pair.provider.api.listen("0.0");
    let held = proxy.hold(1 << 20);
    let pull = pulling(&pair, &agreement);
    held.reached();
    events.until(|e| e["type"] == "eu.herleid.pull-aborted");
    held.let_go();
    let output = pull.wait_with_output().unwrap();
    assert!(!output.status.success(), "{}", told(&output));
    let again = pair.consumer.connector.run(&["pull", &agreement]);
    assert!(!again.status.success(), "{}", told(&again));

    pair.provider.connector.kill();
    let said = aborts(&pair.provider.connector);
    let [(sent, why)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert!(why.contains(&until), "{why}");
    assert!((1 << 20..LARGE as u64).contains(sent), "{sent}");
}

#[test]
fn a_policy_whose_time_passes_breaks_off_a_push_too() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20)]);
    let (mut pair, _proxy, until) = limited();
    pair.allow_pushes(&endpoint.base);
    let agreement = pair.agree();
    let mut events = pair.provider.api.listen("0.0");
    let address = json!({"@type": "DataAddress", "endpointType": "HttpData", "endpoint": endpoint.base});
    let asked = json!({"agreement": agreement, "format": "HttpData-PUSH", "data_address": address});
    pair.consumer.api.post("/transfers", &asked).good(202);
    endpoint.stopped();
    events.until(|e| e["type"] == "eu.herleid.pull-aborted");
    endpoint.go_on();
    assert!(!endpoint.next().whole);
    pair.provider.connector.kill();
    let said = aborts(&pair.provider.connector);
    let [(_, why)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert!(why.contains(&until), "{why}");
}
