//! A peer that takes every call and says nothing: others negotiate and pull as if it were not there.

use crate::Pair;
use crate::http::post;
use herleid_tests::connector::good;
use serde_json::json;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const SILENT: &str = "did:web:silent.example";
const TOKEN: &str = "Bearer silent";
/// More than a round of this connector takes up at a time (64).
const REQUESTS: usize = 70;

/// Takes connections, reads nothing and says nothing, for as long as the test lasts.
fn silence() -> (u16, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, called) = channel();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            held.push(stream.unwrap());
            // A test that is over listens no more.
            if tell.send(()).is_err() {
                return;
            }
        }
    });
    (port, called)
}

#[test]
fn a_peer_that_takes_calls_and_says_nothing_keeps_nobody_else_waiting() {
    let (port, called) = silence();
    let address = format!("http://localhost:{port}");
    let peers = format!(
        "mock_identity = true\ntoken_peers = [{{ did = \"{SILENT}\", name = \"{SILENT}\", address = \"{address}\", token = \"{TOKEN}\" }}]"
    );
    let pair = Pair::start(&[("development", &peers)]);
    let provider = &pair.provider;
    let offer = json!({"@type": "Offer", "@id": "rain#offer", "target": "rain", "permission": [{"action": "use"}]});
    let ours: u16 = provider.connector.did.rsplit("%3A").next().unwrap().parse().unwrap();
    // It asks, and takes no answer.
    for n in 0..REQUESTS {
        let asked = json!({
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "ContractRequestMessage",
            "consumerPid": format!("urn:silent:{n}"), "callbackAddress": address, "offer": offer,
        });
        let begun = post(ours, "/dsp/2025-1/negotiations/request", TOKEN, &asked).unwrap();
        begun.good("request");
    }
    // It is asked, and gives none.
    let asked = json!({"counterparty": SILENT, "address": address, "offer": offer});
    let asked = provider.api.post("/negotiations", &asked).good(202);
    // All at once: one after the other, each would wait for the half a minute that the one before it is given.
    let until = Instant::now() + Duration::from_secs(60);
    for n in 0..=REQUESTS {
        let left = until.saturating_duration_since(Instant::now());
        called
            .recv_timeout(left)
            .unwrap_or_else(|_| panic!("only {n} calls came"));
    }

    let agreement = pair.agree();
    good(&pair.consumer.connector.run(&["pull", &agreement]));

    // That was no moment in which it had answered: all that was sent to it is still on its way.
    let all = provider.api.get("/negotiations?limit=500").good(200);
    let of_it = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|n| n["counterparty"] == SILENT);
    let on_their_way = of_it.filter(|n| !n["underway"].is_null()).count();
    assert_eq!(on_their_way, REQUESTS + 1, "{all:#}");
    let state = provider
        .api
        .get(&format!("/negotiations/{}", asked["pid"].as_str().unwrap()));
    assert_eq!(state.good(200)["state"], "REQUESTED");
}
