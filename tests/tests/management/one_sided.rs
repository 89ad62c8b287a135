//! A push to a participant that keeps no log, played from here: its messages by plain HTTP, its endpoint a real one.

use crate::Managed;
use crate::http::{Answer, Request, Server, post};
use crate::receiving::{Act, Endpoint};
use herleid_tests::connector::{DESCRIBED, good};
use herleid_tests::machine::{free_port, wait_for};
use herleid_tests::process::text;
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const TOKEN: &str = "Bearer peer";
const SECRET: &str = "a-secret-of-the-receiver";
const NS: &str = "https://w3id.org/herleid/ns#";

/// The participant: what it is sent.
struct Peer {
    port: u16,
    provider: u16,
    came: Receiver<Request>,
    _server: Server,
}

impl Peer {
    fn start(port: u16, provider: u16) -> Self {
        let (sender, came) = channel();
        let sender = std::sync::Mutex::new(sender);
        let server = Server::start(port, move |request| {
            drop(sender.lock().unwrap().send(request.clone()));
            Answer::new(200, Value::Null)
        });
        Self {
            port,
            provider,
            came,
            _server: server,
        }
    }

    /// The next message to a path that ends so.
    fn next(&self, end: &str) -> Value {
        let mut others = Vec::new();
        while let Ok(came) = self.came.recv_timeout(Duration::from_secs(30)) {
            if came.path.ends_with(end) {
                return came.body;
            }
            others.push(came);
        }
        panic!("no {end} came: {others:?}")
    }

    fn message(&self, path: &str, kind: &str, members: Value) -> Answer {
        let mut message = json!({"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": kind});
        for (name, value) in members.as_object().unwrap() {
            message[name] = value.clone();
        }
        post(self.provider, &format!("/dsp/2025-1{path}"), TOKEN, &message).unwrap()
    }

    fn callback(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Agrees over the dataset; gives the agreement.
    fn agree(&self) -> String {
        let catalogue = self
            .message("/catalog/request", "CatalogRequestMessage", json!({}))
            .good("catalogue");
        let mut offer = catalogue["dataset"][0]["hasPolicy"][0].clone();
        offer["target"] = json!("rain");
        let asked = json!({"consumerPid": "urn:peer:1", "callbackAddress": self.callback(), "offer": offer});
        let begun = self
            .message("/negotiations/request", "ContractRequestMessage", asked)
            .good("request");
        let pids = json!({"consumerPid": "urn:peer:1", "providerPid": begun["providerPid"]});
        let agreed = self.next("/agreement");
        let pid = begun["providerPid"].as_str().unwrap().replace(':', "%3A");
        let path = format!("/negotiations/{pid}/agreement/verification");
        self.message(&path, "ContractAgreementVerificationMessage", pids)
            .good("verification");
        assert_eq!(self.next("/events")["eventType"], "FINALIZED");
        agreed["agreement"]["@id"].as_str().unwrap().to_owned()
    }

    fn ask(&self, agreement: &str, pid: &str, format: &str, address: Value) -> Answer {
        let asked = json!({"consumerPid": pid, "agreementId": agreement, "format": format,
            "callbackAddress": self.callback(), "dataAddress": address});
        self.message("/transfers/request", "TransferRequestMessage", asked)
    }
}

/// An address as EDC writes it.
fn address(kind: &str, endpoint: &str) -> Value {
    let property = |name: &str, value: &str| json!({"@type": "EndpointProperty", "name": format!("https://w3id.org/edc/v0.0.1/ns/{name}"), "value": value});
    json!({"@type": "DataAddress", "endpointType": kind, "endpointProperties": [
        property("type", kind), property("baseUrl", endpoint), property("authKey", "X-Api-Key"), property("authCode", SECRET),
    ]})
}

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

fn data() -> Vec<u8> {
    vec![7; 24_000_000]
}

/// A provider that may push below `base` to a participant that keeps no log, once; and that participant.
fn scene(folder: &tempfile::TempDir, base: &str) -> (Managed, Peer) {
    scene_with(folder, base, &[])
}

/// The same, with these further lines in the provider's configuration.
fn scene_with(folder: &tempfile::TempDir, base: &str, more: &[(&str, &str)]) -> (Managed, Peer) {
    let kit = free_port();
    let peers = format!(
        "mock_identity = true\ntoken_peers = [{{ did = \"did:web:peer.example\", name = \"did:web:peer.example\", address = \"http://localhost:{kit}\", token = \"{TOKEN}\" }}]"
    );
    let allow = format!(
        "allow = [{{ did = \"did:web:peer.example\", to = \"{base}/in\", internal = true }}, {{ did = \"did:web:peer.example\", to = \"{NOBODY}\", internal = true }}]\nattempts = 1"
    );
    let lines = [&[("push", allow.as_str()), ("development", peers.as_str())], more].concat();
    let provider = Managed::start(folder, "provider", &lines);
    let port = provider.connector.did.rsplit("%3A").next().unwrap().parse().unwrap();
    let everybody = json!({"leftOperand": format!("{NS}counterpartyLog"), "operator": "isAnyOf", "rightOperand": [format!("{NS}logKept"), format!("{NS}logNone")]});
    let once = json!({"leftOperand": "count", "operator": "lteq", "rightOperand": "1"});
    let permission = json!([{"action": "use", "constraint": [everybody, once]}]);
    let (file, policy) = (folder.path().join("large.bin"), folder.path().join("offer.json"));
    std::fs::write(&file, data()).unwrap();
    std::fs::write(
        &policy,
        json!({"@type": "Offer", "@id": "urn:offer:rain", "permission": permission}).to_string(),
    )
    .unwrap();
    let what = [
        "publish",
        file.to_str().unwrap(),
        "--id",
        "rain",
        "--policy",
        policy.to_str().unwrap(),
    ];
    good(&provider.connector.run(&[&what[..], &DESCRIBED].concat()));
    (provider, Peer::start(kit, port))
}

#[test]
fn a_peer_without_a_log_gets_its_push_once_also_over_a_restart() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20)]);
    let folder = tempfile::tempdir().unwrap();
    let (mut provider, peer) = scene(&folder, &endpoint.base);
    let agreement = peer.agree();

    for (format, to, why) in [
        (
            "HttpData-PUSH",
            address("HttpData", &endpoint.base),
            "does not lie where",
        ),
        (
            "HttpData-PUSH",
            address("HttpData", "http://169.254.169.254/in"),
            "does not lie where",
        ),
        (
            "HttpData-PUSH",
            address("AmazonS3", &endpoint.base),
            "`endpointType` is `AmazonS3`",
        ),
        (
            "AmazonS3-PUSH",
            address("AmazonS3", &endpoint.base),
            "`baseUrl` is not understood",
        ),
        (
            "AmazonS3-PUSH",
            address("HttpData", &endpoint.base),
            "expected `AmazonS3`",
        ),
        (
            "Kafka-PUSH",
            address("Kafka", &endpoint.base),
            "`HttpData-PUSH` and `AmazonS3-PUSH`",
        ),
        (
            "HttpData-PULL",
            address("HttpData", &endpoint.base),
            "a push (a request with `dataAddress`)",
        ),
        ("HttpData-PUSH", Value::Null, "dataAddress"),
    ] {
        let refused = peer.ask(&agreement, "urn:peer:no", format, to);
        assert_eq!(refused.status, 400, "{format}: {}", refused.body);
        let said = refused.body.to_string();
        assert!(
            said.contains(why) && !said.contains(SECRET),
            "{format}: expected `{why}`: {said}"
        );
    }

    let to = address("HttpData", &format!("{}/in/rain", endpoint.base));
    peer.ask(&agreement, "urn:peer:2", "HttpData-PUSH", to.clone())
        .good("transfer");
    // Nobody without a log is given a token to order with.
    assert!(peer.next("/start").get("dataAddress").is_none());
    endpoint.stopped();
    provider.connector.kill();
    endpoint.go_on();
    assert!(!endpoint.next().whole);
    provider.connector.start();
    let came = endpoint.next();
    assert!(
        came.whole && came.body == data() && came.head.starts_with("POST /in/rain "),
        "{}",
        came.head
    );
    assert_eq!(came.header("x-api-key"), Some(SECRET));
    peer.next("/completion");
    let transaction = came.header("herleid-transaction").unwrap();
    let traced = provider.connector.run(&["trace", transaction]);
    let traced = format!("{}{}", text(&traced.stdout), text(&traced.stderr));
    assert!(traced.contains(transaction) && !traced.contains(SECRET), "{traced}");
    let known = "opened for did:web:peer.example (one-sided: no receipt of the other end)";
    assert!(
        traced.contains(known) && !traced.contains("not recorded here"),
        "{traced}"
    );
    let query = "ASK { ?pull a <https://w3id.org/herleid/ns#OneSidedPull> ; <http://www.w3.org/ns/prov#used> ?data . \
                 ?pull <http://www.w3.org/ns/prov#wasAssociatedWith> <did:web:peer.example> }";
    let asked = good(&provider.connector.run(&["trace", transaction, "--sparql", query]));
    assert_eq!(asked["sparql"]["boolean"], true, "{asked}");
    // It was the one use: the next is denied, and told so.
    peer.ask(&agreement, "urn:peer:3", "HttpData-PUSH", to).good("transfer");
    assert!(peer.next("/termination").to_string().contains("times used"));
    assert!(endpoint.is_quiet());
}

#[test]
fn a_push_without_a_log_that_is_held_back_goes_on_as_the_same_one() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20)]);
    let folder = tempfile::tempdir().unwrap();
    let (provider, peer) = scene(&folder, &endpoint.base);
    let agreement = peer.agree();
    // Of what never left anything nothing is counted.
    let nowhere = address("HttpData", NOBODY);
    peer.ask(&agreement, "urn:peer:2", "HttpData-PUSH", nowhere)
        .good("transfer");
    let ended = peer.next("/termination").to_string();
    assert!(ended.contains("could not be reached"), "{ended}");

    let to = address("HttpData", &format!("{}/in/rain", endpoint.base));
    peer.ask(&agreement, "urn:peer:3", "HttpData-PUSH", to.clone())
        .good("transfer");
    endpoint.stopped();
    let listed = good(&provider.connector.run(&["transfers", "--limit", "0"]));
    let open = listed["transfers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["state"] == "STARTED")
        .unwrap_or_else(|| panic!("{listed}"));
    let pid = open["id"].as_str().unwrap();
    good(
        &provider
            .connector
            .run(&["transfer", "suspend", pid, "--reason", "gauge under repair"]),
    );
    peer.next("/suspension");
    endpoint.go_on();
    let broken = endpoint.next();
    assert!(!broken.whole, "it went on while it was held back");
    good(&provider.connector.run(&["transfer", "resume", pid]));
    let came = endpoint.next();
    assert!(came.whole && came.body == data(), "{}", came.head);
    let transaction = "herleid-transaction";
    assert_eq!(came.header(transaction), broken.header(transaction));
    peer.next("/completion");
    // Together they were the one use.
    peer.ask(&agreement, "urn:peer:4", "HttpData-PUSH", to).good("transfer");
    assert!(peer.next("/termination").to_string().contains("times used"));
    assert!(endpoint.is_quiet());
}

#[test]
fn a_person_lets_a_requested_transfer_begin() {
    let endpoint = Endpoint::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.toml");
    std::fs::write(&file, "[[transfer]]\nstate = \"REQUESTED\"\ndecide = \"person\"\n").unwrap();
    let decisions = format!("file = \"{}\"", file.display());
    let (provider, peer) = scene_with(&folder, &endpoint.base, &[("decisions", &decisions)]);
    let agreement = peer.agree();
    let to = address("HttpData", &format!("{}/in/rain", endpoint.base));
    peer.ask(&agreement, "urn:peer:2", "HttpData-PUSH", to).good("transfer");
    let listed = good(&provider.connector.run(&["transfers", "--limit", "0"]));
    let waiting = &listed["transfers"][0];
    assert_eq!(waiting["state"], "REQUESTED", "{listed}");
    let pid = waiting["id"].as_str().unwrap();
    let step = |step: &str| provider.connector.run(&["transfer", step, pid]);
    let refused = |output: &std::process::Output, why: &str| {
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    refused(&step("resume"), "is REQUESTED, so that it cannot be resumed");
    good(&step("start"));
    peer.next("/start");
    let came = endpoint.next();
    assert!(came.whole && came.body == data(), "{}", came.head);
    peer.next("/completion");
    // It is over once the peer's answer to that has come back.
    wait_for(|| {
        let listed = good(&provider.connector.run(&["transfers", "--limit", "0"]));
        (listed["transfers"][0]["state"] == "COMPLETED").then_some(())
    });
    refused(&step("start"), "is COMPLETED, so that it cannot be started");
    assert!(endpoint.is_quiet());
}
