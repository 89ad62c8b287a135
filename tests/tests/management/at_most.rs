//! A count of ten and a thousand pulls at once, through the provider's own HTTP: ten are delivered and no more, also when it is killed among
//! them and goes on.

use crate::Pair;
use herleid::rim::{SystemClock, SystemEntropy};
use herleid_credentials::http_signature::{self, NewSignature};
use herleid_credentials::jose;
use herleid_credentials::keys::SigningKey;
use herleid_tests::connector::good;
use herleid_tests::machine::wait_for;
use herleid_vocab::rim::Clock as _;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// What the agreement allows.
const AT_MOST: usize = 10;
/// Pulls at once.
const PULLS: usize = 1_000;
/// More than one piece, so that a pull can be killed in the middle.
const DATA: &[u8] = &[b'7'; 1 << 20];
/// Deliveries that have begun when the provider is killed.
const BEGUN: usize = 3;
/// Longer than this nothing takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a pull ended.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    All,
    /// The connection broke, before or after something had come.
    Broken,
    Refused(StatusCode, String),
}

/// Who pulls, with the consumer's key and the access that it was given.
struct Puller {
    endpoint: String,
    path: String,
    port: u16,
    token: String,
    agreement: String,
    key: SigningKey,
    key_id: String,
    /// Transactions of which something has come.
    delivered: Mutex<BTreeSet<String>>,
}

impl Puller {
    /// Publishes under a count of ten, agrees, and asks for access as any consumer does.
    fn new(pair: &Pair) -> Arc<Self> {
        let provider = &pair.provider.connector;
        let limit = json!({"leftOperand": "odrl:count", "operator": "lteq", "rightOperand": AT_MOST});
        let policy = json!({"@type": "Offer", "permission": [{"action": "use", "constraint": [limit]}]});
        provider.offer("snow", DATA, &policy.to_string());
        let consumer = &pair.consumer;
        let agreed = good(&consumer.connector.run(&["negotiate", &provider.did, "snow"]));
        let agreement = agreed["agreement"].as_str().unwrap().to_owned();
        let asked = json!({"agreement": agreement, "format": "HttpData-PULL"});
        let begun = consumer.api.post("/transfers", &asked).good(202);
        let pid = begun["pid"].as_str().unwrap().replace(':', "%3A");
        wait_for(|| {
            let transfer = consumer.api.get(&format!("/transfers/{pid}")).good(200);
            (transfer["state"] == "STARTED").then_some(())
        });
        let address = consumer.api.get(&format!("/transfers/{pid}/address")).good(200);
        let text = |name: &str| address[name].as_str().unwrap().to_owned();
        let endpoint = text("endpoint");
        let place = endpoint.strip_prefix("http://localhost:").unwrap();
        let (port, path) = place.split_once('/').unwrap();
        let pem = std::fs::read_to_string(consumer.connector.directory.join("keys/identity.pem")).unwrap();
        Arc::new(Self {
            port: port.parse().unwrap(),
            path: format!("/{path}"),
            endpoint: endpoint.clone(),
            token: text("authorization"),
            agreement,
            key: SigningKey::from_pkcs8_pem(&pem).unwrap(),
            key_id: format!("{}#key-1", consumer.connector.did),
            delivered: Mutex::default(),
        })
    }

    fn request(&self, transaction: &str) -> Request<Empty<Bytes>> {
        let mut headers = HeaderMap::new();
        let trace = format!("00-{}-b7ad6b7169203331-01", uuid::Uuid::now_v7().simple());
        for (name, value) in [
            ("host", format!("localhost:{}", self.port)),
            ("authorization", format!("Bearer {}", self.token)),
            ("herleid-transaction", transaction.to_owned()),
            ("herleid-agreement", self.agreement.clone()),
            ("traceparent", trace),
        ] {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        let says = http_signature::Request {
            method: &Method::GET,
            target_uri: &self.endpoint,
            headers: &headers,
        };
        let nonce = jose::fresh_id(&SystemEntropy);
        let new = NewSignature {
            created_ms: SystemClock.now_ms(),
            nonce: &nonce,
            key_id: &self.key_id,
            tag: None,
        };
        let signed = http_signature::sign(&self.key, &says, &new).unwrap();
        headers.insert("signature-input", signed.signature_input.parse().unwrap());
        headers.insert("signature", signed.signature.parse().unwrap());
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = headers;
        request
    }

    /// One pull over a connection of its own; `begun` is told when something of it comes.
    async fn pull(&self, transaction: &str, begun: &Sender<()>) -> Came {
        let Ok(tcp) = TcpStream::connect(("127.0.0.1", self.port)).await else {
            return Came::Broken;
        };
        let Ok((mut sender, connection)) = handshake(TokioIo::new(tcp)).await else {
            return Came::Broken;
        };
        let connection = tokio::spawn(connection);
        let Ok(response) = sender.send_request(self.request(transaction)).await else {
            return Came::Broken;
        };
        let status = response.status();
        let (mut body, mut came) = (response.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return Came::Broken };
            let data = frame.into_data().unwrap_or_default();
            if status == StatusCode::OK && came.is_empty() && !data.is_empty() {
                self.delivered.lock().unwrap().insert(transaction.to_owned());
                // Nobody may wait for it any more.
                begun.send(()).ok();
            }
            came.extend_from_slice(&data);
        }
        connection.abort();
        if status == StatusCode::OK {
            assert!(came == DATA, "something else came: {} bytes", came.len());
            return Came::All;
        }
        Came::Refused(status, String::from_utf8_lossy(&came).into_owned())
    }

    /// One pull in each of these transactions, all at once.
    fn pull_all(
        self: &Arc<Self>,
        runtime: &Runtime,
        transactions: &[String],
        begun: &Sender<()>,
    ) -> Vec<JoinHandle<Came>> {
        let pull = |transaction: &String| {
            let (puller, transaction, begun) = (Arc::clone(self), transaction.clone(), begun.clone());
            runtime.spawn(async move { puller.pull(&transaction, &begun).await })
        };
        transactions.iter().map(pull).collect()
    }

    fn delivered(&self) -> usize {
        self.delivered.lock().unwrap().len()
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn transactions() -> Vec<String> {
    (0..PULLS).map(|_| uuid::Uuid::now_v7().to_string()).collect()
}

fn ended(runtime: &Runtime, pulls: Vec<JoinHandle<Came>>) -> Vec<Came> {
    let all = async {
        let all = futures_util::future::join_all(pulls).await;
        all.into_iter().map(Result::unwrap).collect()
    };
    runtime
        .block_on(async { tokio::time::timeout(PATIENCE, all).await })
        .expect("every pull ends")
}

/// How many came whole; all others must have been refused because the count is used up.
#[track_caller]
fn whole(came: &[Came]) -> usize {
    let refused = |came: &&Came| match came {
        Came::Refused(StatusCode::FORBIDDEN, why) => why.contains("times used") || why.contains("used up"),
        _ => false,
    };
    let (whole, used_up) = (
        came.iter().filter(|one| **one == Came::All).count(),
        came.iter().filter(refused).count(),
    );
    let other = came.iter().find(|one| **one != Came::All && !refused(one));
    assert_eq!(whole + used_up, came.len(), "{other:?}");
    whole
}

#[test]
fn of_a_thousand_pulls_at_once_as_many_are_delivered_as_were_agreed() {
    let pair = Pair::start(&[]);
    let (puller, runtime) = (Puller::new(&pair), runtime());
    let (begun, _hears) = channel();
    let all = transactions();
    let came = ended(&runtime, puller.pull_all(&runtime, &all, &begun));
    assert_eq!((whole(&came), puller.delivered()), (AT_MOST, AT_MOST));
    // Who has had it can have it again, and nobody else.
    let came = ended(&runtime, puller.pull_all(&runtime, &all, &begun));
    assert_eq!((whole(&came), puller.delivered()), (AT_MOST, AT_MOST));
}

#[test]
fn no_more_are_delivered_when_the_provider_is_killed_among_them_and_goes_on() {
    let mut pair = Pair::start(&[]);
    let (puller, runtime) = (Puller::new(&pair), runtime());
    let (begun, hears) = channel();
    let all = transactions();
    let pulls = puller.pull_all(&runtime, &all, &begun);
    for _ in 0..BEGUN {
        hears.recv_timeout(PATIENCE).expect("something is delivered");
    }
    pair.provider.connector.kill();
    let came = ended(&runtime, pulls);
    assert!(came.contains(&Came::Broken), "nothing was in flight any more");
    let before = puller.delivered();
    assert!((BEGUN..=AT_MOST).contains(&before), "{before}");
    pair.provider.connector.start();
    // Each once more, and as many others: whatever took a place before the kill has it.
    let both: Vec<String> = all.iter().cloned().chain(transactions()).collect();
    for half in both.chunks(PULLS) {
        let came = ended(&runtime, puller.pull_all(&runtime, half, &begun));
        whole(&came);
        assert!(puller.delivered() <= AT_MOST, "{} were delivered", puller.delivered());
    }
    assert_eq!(puller.delivered(), AT_MOST, "over both lives");
}
