//! What is refused, and how it is said.

use crate::Managed;
use herleid_tests::management::Reply;
use serde_json::json;

const UNKNOWN: &str = "urn%3Auuid%3A01a202e6-8a6d-7a8e-92db-5883f7358b51";

fn refused(reply: Reply) {
    assert!(reply.head.contains("www-authenticate: bearer"), "{}", reply.head);
    let problem = reply.problem(401);
    assert!(
        problem["next"].as_str().unwrap().contains("management.token"),
        "{problem}"
    );
}

#[test]
fn nobody_is_answered_without_the_token_not_even_that_there_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed::start(&folder, "alone", &[]);
    let api = &managed.api;
    let mut strangers = 0;
    for path in [
        "/status",
        "/negotiations",
        "/events",
        "/nothing",
        "/trust",
        "/datasets?limit=x",
    ] {
        refused(api.send("GET", path, "", ""));
        for token in ["", "wrong", &"A".repeat(43)] {
            refused(api.with(token).get(path));
        }
        strangers += 4;
    }
    refused(api.send("POST", "/datasets", "Content-Type: application/json\r\n", "{"));
    refused(api.send("OPTIONS", "/status", "Origin: https://evil.example\r\n", ""));
    refused(api.send("GET", "/status", "Authorization: Basic YTpi\r\n", ""));
    strangers += 3;
    let status = api.get("/status").good(200);
    let warned = status["warnings"].as_array().unwrap().iter().filter_map(|w| w.as_str());
    let counted = format!("{strangers} requests since the start did not prove who sent them");
    assert!(warned.into_iter().any(|w| w.starts_with(&counted)), "{status}");

    // The description shows nothing of this connector.
    let document = api.send("GET", "/openapi.json", "", "").good(200);
    assert_eq!(document["openapi"], "3.1.0");
    let page = api.send("GET", "/", "Accept-Language: nl\r\n", "");
    assert!(
        page.status == 200 && page.head.contains("content-security-policy: default-src 'none'"),
        "{}",
        page.head
    );
    assert!(page.body.contains("lang=\"nl\"") && !page.body.contains(&managed.connector.did));
}

#[test]
fn bad_requests_are_told_what_is_wrong_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed::start(&folder, "alone", &[]);
    let api = &managed.api;
    for path in [
        format!("/negotiations/{UNKNOWN}"),
        format!("/transfers/{UNKNOWN}"),
        format!("/transfers/{UNKNOWN}/address"),
        "/negotiations/not%20an%20identifier".to_owned(),
        "/agreements/urn%3Aagreement%3A1".to_owned(),
        "/subscriptions/none".to_owned(),
        "/nothing".to_owned(),
    ] {
        api.get(&path).problem(404);
    }
    api.delete("/subscriptions/none").problem(404);
    let decision = json!({"decide": "terminate"});
    api.post(&format!("/negotiations/{UNKNOWN}/decision"), &decision)
        .problem(404);
    api.post(&format!("/transfers/{UNKNOWN}/decision"), &decision)
        .problem(404);
    api.post("/agreements/none/termination", &json!({"reason": "x"}))
        .problem(404);
    api.post("/datasets/none/withdrawal", &json!({"reason": "x"}))
        .problem(404);
    api.post(
        "/transfers",
        &json!({"agreement": "urn:none", "format": "HttpData-PULL"}),
    )
    .problem(404);

    for body in [
        "",
        "{",
        "[]",
        "{\"reason\": 1}",
        "{\"reason\": \"x\", \"reason\": \"y\"}",
        "{\"why\": \"x\"}",
        &"[".repeat(100),
    ] {
        let problem = api.post_text("/agreements/none/termination", body).problem(400);
        assert!(problem["next"].is_string(), "{problem}");
    }
    let problem = api
        .post(
            &format!("/negotiations/{UNKNOWN}/decision"),
            &json!({"decide": "shout"}),
        )
        .problem(400);
    assert!(problem["detail"].as_str().unwrap().contains("shout"), "{problem}");
    for query in [
        "limit=0",
        "limit=501",
        "stat=FINALIZED",
        "state=finalized",
        "role=both",
        "limit=1&limit=2",
    ] {
        let problem = api.get(&format!("/negotiations?{query}")).problem(400);
        assert!(
            problem["expected"].is_string() || problem["detail"].as_str().unwrap().contains("twice"),
            "{problem}"
        );
    }
    for query in ["after=x", "after=9999.0", "types=negotiation.requested"] {
        api.get(&format!("/events?{query}")).problem(400);
    }
    api.get("/catalog").problem(400);
    api.get("/catalog?counterparty=me").problem(400);

    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let token = std::fs::read_to_string(managed.connector.directory.join("keys/management.token")).unwrap();
    let lines = format!("Authorization: Bearer {}\r\n{form}", token.trim());
    api.send("POST", "/datasets/x/withdrawal", &lines, "reason=x")
        .problem(415);
    let long = format!("{{\"reason\": \"{}\"}}", "x".repeat(1 << 20));
    api.post_text("/agreements/none/termination", &long).problem(413);
    api.delete("/status").problem(405);
    // No word about other sites: a page of one of them may not read what is answered here.
    let answer = api.send(
        "GET",
        "/status",
        &format!(
            "Origin: https://evil.example\r\nAuthorization: Bearer {}\r\n",
            token.trim()
        ),
        "",
    );
    assert!(
        answer.status == 200 && !answer.head.contains("access-control"),
        "{}",
        answer.head
    );
}

#[test]
fn who_has_the_token_publishes_no_other_files_than_the_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed::start(&folder, "alone", &[]);
    let directory = &managed.connector.directory;
    let link = directory.join("files/link");
    std::os::unix::fs::symlink(directory.join("keys/log.key"), &link).unwrap();
    let policy = json!({"@type": "Offer", "permission": [{"action": "use"}]});
    let mut told = Vec::new();
    for path in [
        directory.join("keys/log.key"),
        link,
        directory.join("files/../keys/log.key"),
        directory.join("files/none"),
        directory.join("files"),
        "/etc/hostname".into(),
        "/etc/none".into(),
        "files/rain".into(),
    ] {
        let body = json!({"source": {"file": path}, "id": "key", "title": "Key", "description": "A key", "theme": ["ENVI"], "policy": policy});
        let problem = managed.api.post("/datasets", &body).problem(403);
        told.push(
            problem["detail"]
                .as_str()
                .unwrap()
                .replace(&path.display().to_string(), "it"),
        );
        let body = json!({"source": {"model": path}, "id": "key", "policy": policy});
        managed.api.post("/models", &body).problem(403);
    }
    // The same words for what is not there and what lies elsewhere: nobody learns which files there are.
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    let body = json!({"source": {"model": "/x"}, "id": "key", "title": "Key", "policy": policy});
    managed.api.post("/datasets", &body).problem(400);
    assert_eq!(managed.api.get("/datasets").good(200)["total"], 0);
}

#[test]
fn a_token_that_others_can_read_is_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mut connector = Managed::start(&folder, "alone", &[]).connector;
    connector.kill();
    let token = connector.directory.join("keys/management.token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = herleid_tests::connector::serve(&connector.directory).output().unwrap();
    let said = herleid_tests::process::told(&ended);
    assert_eq!(ended.status.code(), Some(9), "{said}");
    assert!(
        said.contains("management.token") && said.contains("chmod 600"),
        "{said}"
    );
    // One that is missing is made at the next start, and is another one.
    std::fs::remove_file(&token).unwrap();
    connector.start();
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
}
