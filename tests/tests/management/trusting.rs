//! Trust that is given and taken while the connector runs: at once, for what is under way too, recorded, and kept over a restart.

use crate::{Managed, Pair};
use herleid_tests::connector::good;
use herleid_tests::management::{Api, Told};
use herleid_tests::process::told;
use serde_json::{Value, json};

fn in_path(did: &str) -> String {
    did.replace('%', "%25").replace(':', "%3A")
}

fn give(api: &Api, list: &str, did: &str) -> Value {
    api.post(&format!("/trust/{list}"), &json!({"did": did, "by": "A. de Wit"}))
        .good(201)
}

fn take(api: &Api, list: &str, did: &str) -> Value {
    let path = format!("/trust/{list}/{}/removal", in_path(did));
    api.post(&path, &json!({"by": "duty officer"})).good(200)
}

/// Asks for an agreement, and says with what it ends.
fn end_of_asking(pair: &Pair, events: &mut Told) -> String {
    let body = json!({"counterparty": pair.provider.connector.did, "dataset": "rain"});
    let asked = pair.consumer.api.post("/negotiations", &body);
    if asked.status != 202 {
        // The catalogue is not shown to everybody either.
        return asked.body;
    }
    let pid = asked.good(202)["pid"].as_str().unwrap().to_owned();
    let event = events.until(|event| {
        let kind = event["type"].as_str().unwrap();
        event["subject"] == pid.as_str() && (kind.ends_with(".finalized") || kind.ends_with(".terminated"))
    });
    match event["type"].as_str().unwrap() {
        "eu.herleid.negotiation.finalized" => "agreed".to_owned(),
        _ => pair.consumer.api.get(&format!("/negotiations/{pid}")).good(200)["ended"]["reason"]
            .as_str()
            .unwrap()
            .to_owned(),
    }
}

/// A transfer that stays open, by the provider's identifier and the consumer's.
fn transfer(pair: &Pair, agreement: &str, events: &mut Told) -> (String, String) {
    let asked = json!({"agreement": agreement, "format": "HttpData-PULL"});
    let ours = pair.consumer.api.post("/transfers", &asked).good(202);
    let ours = ours["pid"].as_str().unwrap().to_owned();
    events.until(|e| e["type"] == "eu.herleid.transfer.started" && e["subject"] == ours.as_str());
    let transfer = pair.consumer.api.get(&format!("/transfers/{ours}")).good(200);
    (transfer["peer_pid"].as_str().unwrap().to_owned(), ours)
}

fn access(end: &Managed, transfer: &str) -> String {
    let transfer = end.api.get(&format!("/transfers/{transfer}")).good(200);
    transfer["access"].as_str().unwrap().to_owned()
}

fn refused(pair: &Pair, agreement: &str) {
    let output = pair.consumer.connector.run(&["pull", agreement]);
    assert!(!output.status.success(), "{}", told(&output));
}

#[test]
fn a_participant_is_dealt_with_as_long_as_it_is_trusted_and_not_a_moment_longer() {
    let mut pair = Pair::start(&[("trust", "peers = []")]);
    let consumer = pair.consumer.connector.did.clone();
    let mut events = pair.consumer.api.listen("0.0");
    let mut records = pair.provider.api.listen("0.0");
    assert_ne!(end_of_asking(&pair, &mut events), "agreed");

    let added = give(&pair.provider.api, "peers", &consumer);
    let record = records.until(|e| e["type"] == "eu.herleid.trust-changed");
    assert_eq!(record["data"]["index"], added["index"]);
    let shown = pair.provider.api.get("/trust").good(200);
    assert_eq!(shown["peers"]["value"], json!([consumer]));
    assert_eq!(
        (
            &shown["added"][0]["list"],
            &shown["added"][0]["by"],
            &shown["added"][0]["did"]
        ),
        (&json!("peers"), &json!("A. de Wit"), &json!(consumer))
    );
    let agreement = pair.agree();
    // It is kept.
    pair.provider.connector.kill();
    pair.provider.connector.start();
    good(&pair.consumer.connector.run(&["pull", &agreement]));

    let (theirs, _) = transfer(&pair, &agreement, &mut events);
    assert!(access(&pair.provider, &theirs).starts_with("open until"));
    let removed = take(&pair.provider.api, "peers", &consumer);
    assert_eq!(
        (&removed["ended"], &removed["configured"]),
        (&json!([theirs]), &json!(false))
    );
    let closed = access(&pair.provider, &theirs);
    assert!(closed.starts_with("closed: "), "{closed}");
    refused(&pair, &agreement);
    assert_ne!(end_of_asking(&pair, &mut events), "agreed");
    pair.provider.connector.kill();
    pair.provider.connector.start();
    refused(&pair, &agreement);
    assert_eq!(pair.provider.api.get("/trust").good(200)["added"], json!([]));
    let mut records = pair.provider.api.listen("0.0");
    for _ in 0..2 {
        records.until(|e| e["type"] == "eu.herleid.trust-changed");
    }
}

#[test]
fn an_issuer_is_believed_as_long_as_it_is_trusted_and_what_rests_on_it_ends() {
    let mut pair = Pair::start(&[]);
    pair.provider.connector.kill();
    let file = pair.provider.connector.directory.join("herleid.toml");
    let open = std::fs::read_to_string(&file).unwrap();
    let members = "required_credentials = [\"MembershipCredential\"]";
    std::fs::write(&file, open.replace("required_credentials = []", members)).unwrap();
    pair.provider.connector.start();
    let folder = tempfile::tempdir().unwrap();
    let issuer = Managed::start(&folder, "issuer", &[("issuer", "enabled = true")]);
    let did = issuer.connector.did.clone();
    let mut events = pair.consumer.api.listen("0.0");
    let subject = pair.consumer.connector.did.clone();
    let issue = [
        "credential",
        "issue",
        "--subject",
        &subject,
        "--type",
        "MembershipCredential",
    ];
    let jwt = good(&issuer.connector.run(&issue))["issued"]["jwt"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = folder.path().join("membership.jwt");
    std::fs::write(&file, jwt).unwrap();
    let add = ["credential", "add", file.to_str().unwrap()];
    assert!(
        !pair.consumer.connector.run(&add).status.success(),
        "nobody trusts its issuer yet"
    );
    let trusted = json!({"did": did, "types": ["MembershipCredential"], "by": "A. de Wit"});
    pair.consumer.api.post("/trust/issuers", &trusted).good(201);
    good(&pair.consumer.connector.run(&add));

    assert_ne!(end_of_asking(&pair, &mut events), "agreed");
    pair.provider.api.post("/trust/issuers", &trusted).good(201);
    let agreement = pair.agree();
    let (theirs, ours) = transfer(&pair, &agreement, &mut events);
    // Types are added one by one, and what holds already is not added again.
    let more = json!({"did": did, "types": ["AccreditationCredential"], "by": "A. de Wit"});
    let both = pair.provider.api.post("/trust/issuers", &more).good(201);
    assert_eq!(
        both["types"],
        json!(["AccreditationCredential", "MembershipCredential"])
    );
    pair.provider.api.post("/trust/issuers", &trusted).problem(422);

    let removed = take(&pair.provider.api, "issuers", &did);
    assert_eq!(removed["ended"], json!([theirs]));
    assert!(access(&pair.provider, &theirs).starts_with("closed: "));
    // The other end is told, with the reason.
    events.until(|e| e["type"] == "eu.herleid.transfer.terminated" && e["subject"] == ours.as_str());
    let over = pair.consumer.api.get(&format!("/transfers/{ours}")).good(200);
    assert_eq!(over["ended"]["code"], "trust-withdrawn");
    // What was shown a moment ago is not believed from memory.
    refused(&pair, &agreement);
    assert_ne!(end_of_asking(&pair, &mut events), "agreed");
    pair.provider.connector.kill();
    pair.provider.connector.start();
    refused(&pair, &agreement);
}

#[test]
fn a_peer_without_a_log_is_taken_for_one_only_as_long_as_it_is_named() {
    let pair = Pair::start(&[]);
    let consumer = pair.consumer.connector.did.clone();
    let mut events = pair.consumer.api.listen("0.0");
    assert_eq!(end_of_asking(&pair, &mut events), "agreed");
    give(&pair.provider.api, "one-sided", &consumer);
    // The offer does not permit participants without a log.
    assert_ne!(end_of_asking(&pair, &mut events), "agreed");
    take(&pair.provider.api, "one-sided", &consumer);
    assert_eq!(end_of_asking(&pair, &mut events), "agreed");
}

#[test]
fn what_the_configuration_says_is_not_changed_and_what_says_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "one_sided = [{did = \"did:web:edc.example\"}]\n\
                 issuers = [{did = \"did:web:issuer.example\", types = [\"MembershipCredential\"]}]";
    let mut managed = Managed::start(&folder, "alone", &[("trust", lines)]);
    for (list, did) in [
        ("one-sided", "did:web:edc.example"),
        ("issuers", "did:web:issuer.example"),
    ] {
        let path = format!("/trust/{list}/{}/removal", in_path(did));
        let problem = managed.api.post(&path, &json!({"by": "A. de Wit"})).problem(422);
        assert!(problem["next"].as_str().unwrap().contains("herleid.toml"), "{problem}");
        managed.api.post(&path, &json!({"by": " "})).problem(400);
        managed.api.post(&path, &json!({})).problem(400);
    }
    let absent = format!("/trust/issuers/{}/removal", in_path("did:web:nobody.example"));
    managed.api.post(&absent, &json!({"by": "A. de Wit"})).problem(404);
    managed
        .api
        .post("/trust/peers/me/removal", &json!({"by": "A. de Wit"}))
        .problem(400);
    // Everybody is dealt with: an entry would make it one alone.
    let peer = json!({"did": "did:web:a.example", "by": "A. de Wit"});
    let problem = managed.api.post("/trust/peers", &peer).problem(422);
    assert!(problem["next"].as_str().unwrap().contains("peers = []"), "{problem}");
    let known = json!({"did": "did:web:edc.example", "by": "A. de Wit"});
    managed.api.post("/trust/one-sided", &known).problem(422);

    let many: Vec<String> = (0..65).map(|n| format!("Type{n}")).collect();
    for (did, types, by) in [
        ("me", json!(["T"]), "A. de Wit"),
        ("did:web:a.example", json!([]), "A. de Wit"),
        ("did:web:a.example", json!([" "]), "A. de Wit"),
        ("did:web:a.example", json!(["T\n"]), "A. de Wit"),
        ("did:web:a.example", json!(["VerifiableCredential"]), "A. de Wit"),
        ("did:web:a.example", json!(many), "A. de Wit"),
        ("did:web:a.example", json!("T"), "A. de Wit"),
        ("did:web:a.example", json!(["T"]), ""),
        ("did:web:a.example", json!(["T"]), "two\nlines"),
        ("did:web:a.example", json!(["T"]), &"x".repeat(201)),
    ] {
        let wrong = json!({"did": did, "types": types, "by": by});
        managed.api.post("/trust/issuers", &wrong).problem(400);
    }
    let nobody = json!({"did": "did:web:a.example", "types": ["T"]});
    managed.api.post("/trust/issuers", &nobody).problem(400);
    assert_eq!(managed.api.get("/trust").good(200)["added"], json!([]));

    // What is added bit by bit has the same bound.
    let of = |from: u32, to: u32| {
        let types: Vec<String> = (from..to).map(|n| format!("Type{n}")).collect();
        json!({"did": "did:web:many.example", "types": types, "by": "A. de Wit"})
    };
    managed.api.post("/trust/issuers", &of(0, 64)).good(201);
    let problem = managed.api.post("/trust/issuers", &of(63, 65)).problem(422);
    assert!(problem["detail"].as_str().unwrap().contains("65 types"), "{problem}");
    take(&managed.api, "issuers", "did:web:many.example");

    // Added beside what the configuration says, and taken away again, it holds as the configuration says.
    let more = json!({"did": "did:web:issuer.example", "types": ["Other"], "by": "A. de Wit"});
    managed.api.post("/trust/issuers", &more).good(201);
    let holds = |managed: &Managed| managed.api.get("/trust").good(200)["issuers"]["value"][0]["types"].clone();
    assert_eq!(holds(&managed), json!(["MembershipCredential", "Other"]));
    let removed = take(&managed.api, "issuers", "did:web:issuer.example");
    assert_eq!(removed["configured"], json!(true));
    assert_eq!(holds(&managed), json!(["MembershipCredential"]));
    managed.connector.kill();
    managed.connector.start();
    assert_eq!(holds(&managed), json!(["MembershipCredential"]));
}
