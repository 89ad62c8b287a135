//! A push that is tried again: what leaves again is counted again where bytes are counted, and the answer of an API is sent once.

use super::meanwhile::records;
use super::{data, http, push, refused, scene, transfers, wait_for};
use crate::receiving::{Act, Endpoint};
use herleid_tests::connector::good;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a receiver takes before it breaks off.
const BROKEN: usize = 1 << 20;

/// An offer of so many bytes.
fn volume(bytes: usize) -> String {
    let limit = json!({"leftOperand": "https://w3id.org/herleid/ns#volume", "operator": "lteq", "rightOperand": bytes});
    json!({"@type": "Offer", "permission": [{"action": "use", "constraint": [limit]}]}).to_string()
}

#[test]
fn bytes_that_leave_again_are_counted_again() {
    let endpoint = Endpoint::start(&[Act::Break(BROKEN), Act::Take(201), Act::Break(BROKEN)]);
    let (mut scene, _) = scene(&endpoint.base, "attempts = 3");
    let file = scene.provider.directory.join("large.bin");
    let what = [file.to_str().unwrap()];
    // Room for what may leave twice; and for one, and nothing of it twice.
    for (id, bytes) in [("twice", 2 * data().len()), ("once", data().len())] {
        good(&scene.provider.publish_under(&what, id, &volume(bytes)));
    }
    let (twice, once) = (scene.agree("twice"), scene.agree("once"));
    good(&push(&scene, &twice, &http(&endpoint.base)).output().unwrap());
    let (broken, whole) = (endpoint.next(), endpoint.next());
    assert!(!broken.whole && whole.whole && whole.body == data());
    // So there is no room for the whole any more.
    let again = scene.consumer.run(&["pull", &twice]);
    refused(&again, "bytes");
    refused(&push(&scene, &once, &http(&endpoint.base)).output().unwrap(), "bytes");
    assert!(!endpoint.next().whole && endpoint.is_quiet());
    for end in [&scene.provider, &scene.consumer] {
        wait_for(|| transfers(end, "TERMINATED").pop());
    }
    scene.provider.kill();
    let transaction = whole.header("herleid-transaction").unwrap();
    let of = |kind: &str| {
        let all = records(&scene.provider, kind).into_iter();
        all.filter(|text| text.contains(transaction)).count()
    };
    assert_eq!((of("pull-opened"), of("pull-aborted")), (2, 1));
}

#[test]
fn of_an_api_no_other_answer_is_sent_in_the_place_of_one_that_broke_off() {
    let endpoint = Endpoint::start(&[Act::Break(BROKEN)]);
    let (mut scene, _) = scene(&endpoint.base, "attempts = 3");
    let (port, asked) = gauges();
    let secret = scene.provider.directory.join("secret");
    std::fs::write(&secret, "").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = scene.provider.directory.join("herleid.toml");
    let configuration = std::fs::read_to_string(&file).unwrap();
    let configuration = configuration.replace("#[sources]", "").replace("[sources]\n", "\n");
    let lines = format!(
        "apis = [{{ name = \"gauges\", url = \"http://127.0.0.1:{port}\", internal = true, headers = \"secret\" }}]"
    );
    std::fs::write(&file, format!("{configuration}\n[sources]\n{lines}\n")).unwrap();
    scene.provider.kill();
    scene.provider.start();
    let what = ["--api", "gauges", "--path", "rain"];
    let counted = r#"{"@type": "Offer", "permission": [{"action": "use", "constraint": [
        {"leftOperand": "count", "operator": "lteq", "rightOperand": 2}]}]}"#;
    good(&scene.provider.publish_under(&what, "live", counted));
    let refused_volume = scene.provider.publish_under(&what, "measured", &volume(1 << 30));
    refused(&refused_volume, "nobody knows beforehand");
    let agreement = scene.agree("live");
    refused(
        &push(&scene, &agreement, &http(&endpoint.base)).output().unwrap(),
        "are not kept",
    );
    assert!(!endpoint.next().whole && endpoint.is_quiet());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // Another transfer is another use.
    good(&scene.consumer.run(&["pull", &agreement, "--resource", "rain"]));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let third = scene.consumer.run(&["pull", &agreement, "--resource", "rain"]);
    refused(&third, "times used");
}

/// An API that says something else each time: its port, and how often it was asked.
fn gauges() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
            let body = format!("{:08}", counter.fetch_add(1, Ordering::SeqCst)).repeat(data().len() / 8);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            drop(reader.get_mut().write_all(format!("{head}{body}").as_bytes()));
        }
    });
    (port, asked)
}
