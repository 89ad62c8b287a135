//! Publishing, negotiating and deciding by HTTP; and answers that are what the document says.

use crate::{Managed, Pair};
use serde_json::{Value, json};

#[test]
fn lists_say_how_many_there_are_on_every_page() {
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed::start(&folder, "alone", &[]);
    for n in 0..5 {
        let published = managed.publish(&format!("rain-{n}"));
        assert_eq!(
            (&published["id"], &published["index"]),
            (&json!(format!("rain-{n}")), &json!(n + 1))
        );
    }
    let page = managed.api.get("/datasets?limit=2").good(200);
    assert_eq!((&page["shown"], &page["total"]), (&json!(2), &json!(5)));
    let (mut ids, mut path) = (Vec::new(), "/datasets?limit=2".to_owned());
    loop {
        let page = managed.api.get(&path).good(200);
        assert_eq!(page["total"], 5);
        ids.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/datasets?limit=2&after={}", next.replace('/', "%2F"));
    }
    assert_eq!(ids, ["rain-0", "rain-1", "rain-2", "rain-3", "rain-4"]);
    assert_eq!(managed.api.get("/offers").good(200)["total"], 5);
    assert_eq!(
        managed.api.get("/offers?id=rain-3").good(200)["items"][0]["target"],
        "rain-3"
    );

    let withdrawn = managed
        .api
        .post("/datasets/rain-3/withdrawal", &json!({"reason": "superseded"}))
        .good(200);
    assert_eq!(withdrawn["id"], "rain-3");
    assert_eq!(
        managed.api.get("/datasets?withdrawn=true").good(200)["items"][0]["withdrawn"],
        "superseded"
    );
    assert_eq!(managed.api.get("/datasets?withdrawn=false").good(200)["total"], 4);
    assert_eq!(managed.api.get("/offers").good(200)["total"], 4);
    // The commands of the same machine see the same.
    let status = herleid_tests::connector::good(&managed.connector.run(&["status"]));
    assert_eq!(status["counts"]["datasets"], 5);
}

#[test]
fn an_agreement_is_come_to_by_http_with_an_offer_as_it_stands_or_by_its_name() {
    let pair = Pair::start(&[]);
    let did = &pair.provider.connector.did;
    let catalogue = pair
        .consumer
        .api
        .get(&format!("/catalog?counterparty={}", did.replace('%', "%25")))
        .good(200);
    assert_eq!(
        (&catalogue["total"], &catalogue["items"][0]["id"]),
        (&json!(1), &json!("rain"))
    );
    let agreement = pair.agree();
    let at_both =
        [&pair.consumer, &pair.provider].map(|end| end.api.get(&format!("/agreements/{agreement}")).good(200));
    assert_eq!(at_both[0]["sha256"], at_both[1]["sha256"]);
    assert_eq!(
        (&at_both[0]["side"], &at_both[1]["side"]),
        (&json!("consumer"), &json!("provider"))
    );
    assert_eq!(at_both[0]["access"], "open, no end stated");

    // The whole offer, and the address that is known.
    let offer = json!({"@type": "Offer", "@id": "rain#offer", "target": "rain", "permission": [{"action": "use"}]});
    let address = at_both[0]["address"].as_str().unwrap();
    let mut told = pair.consumer.api.listen("0.0");
    let whole = json!({"counterparty": did, "address": address, "offer": offer});
    let second = pair.consumer.api.post("/negotiations", &whole).good(202);
    told.until(|e| e["type"] == "eu.herleid.negotiation.finalized" && e["subject"] == second["pid"]);

    for wrong in [
        json!({"counterparty": did, "dataset": "none"}),
        json!({"counterparty": did, "dataset": "rain", "offer": "none"}),
    ] {
        let problem = pair.consumer.api.post("/negotiations", &wrong).problem(404);
        assert!(problem["next"].as_str().unwrap().contains("/catalog"), "{problem}");
    }
    for wrong in [
        json!({"counterparty": did}),
        json!({"counterparty": "me", "dataset": "rain"}),
        json!({"counterparty": did, "dataset": "rain", "offer": offer}),
        json!({"counterparty": did, "offer": {"@type": "Offer", "target": "rain"}}),
        json!({"counterparty": did, "offer": 1, "dataset": "rain"}),
    ] {
        pair.consumer.api.post("/negotiations", &wrong).problem(400);
    }
    let listed = pair
        .consumer
        .api
        .get("/negotiations?state=FINALIZED&role=consumer")
        .good(200);
    assert_eq!(
        (&listed["total"], &listed["items"][0]["pid"]),
        (&json!(2), &second["pid"]),
        "the newest first"
    );
    assert_eq!(
        pair.consumer.api.get("/negotiations?role=provider").good(200)["total"],
        0
    );
    assert_eq!(
        pair.provider.api.get("/negotiations?dataset=rain").good(200)["total"],
        2
    );
}

#[test]
fn a_person_decides_and_can_do_no_more_than_the_state_allows() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("decisions.toml");
    std::fs::write(
        &rules,
        "[[negotiation]]\nrole = \"provider\"\nstate = \"REQUESTED\"\ndecide = \"person\"\n",
    )
    .unwrap();
    let pair = Pair::start(&[("decisions", &format!("file = \"{}\"", rules.display()))]);
    let mut told = pair.provider.api.listen("0.0");
    let mut at_consumer = pair.consumer.api.listen("0.0");
    pair.ask();
    let event = told.until(|event| event["type"] == "eu.herleid.negotiation.requested");
    let pid = event["subject"].as_str().unwrap();
    let waiting = pair.provider.api.get(&format!("/negotiations/{pid}")).good(200);
    assert_eq!(
        (&waiting["state"], &waiting["due"]["who"]),
        (&json!("REQUESTED"), &json!("person"))
    );
    assert!(
        waiting["due"]["next"]
            .as_str()
            .unwrap()
            .ends_with("/decision with one of `possible`")
    );
    assert_eq!(waiting["possible"], json!(["offer", "agree", "terminate"]));
    let path = format!("/negotiations/{pid}/decision");
    let problem = pair
        .provider
        .api
        .post(&path, &json!({"decide": "finalize"}))
        .problem(409);
    assert_eq!(problem["title"], "invalid-transition");
    let decided = pair.provider.api.post(&path, &json!({"decide": "agree"})).good(200);
    assert_eq!(decided["pid"], pid);
    told.until(|event| event["type"] == "eu.herleid.negotiation.finalized");
    at_consumer.until(|event| event["type"] == "eu.herleid.agreement-concluded");
    // It is over: nothing is due, and nothing more can be decided.
    pair.provider
        .api
        .post(&path, &json!({"decide": "terminate"}))
        .problem(409);

    // Another one is ended, with the reason that the other end reads.
    let other = pair.ask();
    let event = told.until(|event| event["type"] == "eu.herleid.negotiation.requested");
    let pid = event["subject"].as_str().unwrap();
    let why = json!({"decide": "terminate", "reason": "not this year"});
    pair.provider
        .api
        .post(&format!("/negotiations/{pid}/decision"), &why)
        .good(200);
    at_consumer.until(|event| event["type"] == "eu.herleid.negotiation.terminated");
    let ended = pair
        .consumer
        .api
        .get(&format!("/negotiations/{}", other["pid"].as_str().unwrap()))
        .good(200);
    assert_eq!(
        (&ended["ended"]["by"], &ended["ended"]["reason"]),
        (&json!("provider"), &json!("not this year"))
    );
}

/// The schema that the document gives for an answer, with what it refers to.
fn schema(document: &Value, path: &str) -> Value {
    let answers = &document["paths"][path]["get"]["responses"];
    let mut schema = answers["200"]["content"]["application/json"]["schema"].clone();
    schema["components"] = document["components"].clone();
    schema
}

#[test]
fn answers_are_what_the_document_says() {
    let pair = Pair::start(&[]);
    let agreement = pair.agree();
    let mut told = pair.consumer.api.listen("0.0");
    let body = json!({"agreement": agreement, "format": "HttpData-PULL"});
    let transfer = pair.consumer.api.post("/transfers", &body).good(202);
    told.until(|event| event["type"] == "eu.herleid.transfer.started");
    let hook = crate::receiver::Hook::start(&[]);
    let subscription = json!({"url": hook.url, "types": ["eu.herleid.denied"], "authorization": "Bearer secret"});
    let subscription = pair.consumer.api.post("/subscriptions", &subscription).good(201);
    assert!(!subscription.to_string().contains("secret"));
    let negotiation = pair.consumer.api.get("/negotiations").good(200)["items"][0]["pid"].clone();

    let document = pair.consumer.api.get("/openapi.json").good(200);
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if item.get("get").is_none() || ["/", "/events", "/openapi.json"].contains(&path.as_str()) {
            continue;
        }
        let id = match path.split('/').nth(1).unwrap() {
            "negotiations" => &negotiation,
            "transfers" => &transfer["pid"],
            "agreements" => &json!(agreement),
            _ => &subscription["id"],
        };
        let id = id.as_str().unwrap();
        let mut asked = path.replace("{pid}", id).replace("{id}", id);
        if path == "/catalog" {
            asked = format!(
                "/catalog?counterparty={}",
                pair.provider.connector.did.replace('%', "%25")
            );
        }
        if path == "/payments" {
            // Nothing under this agreement has a price; what is answered where something has, `paid` looks at.
            let asked = format!("/payments?agreement={agreement}");
            pair.provider.api.get(&asked).problem(404);
            continue;
        }
        for end in [&pair.consumer, &pair.provider] {
            let reply = end.api.get(&asked);
            // What only the consumer has.
            if reply.status == 404 && std::ptr::eq(end, &pair.provider) && path.contains('{') {
                continue;
            }
            // Nobody asks itself.
            if path == "/catalog" && std::ptr::eq(end, &pair.provider) {
                continue;
            }
            let answer = reply.good(200);
            let validator = jsonschema::validator_for(&schema(&document, path)).unwrap();
            let wrong: Vec<String> = validator
                .iter_errors(&answer)
                .map(|e| format!("{path} {}: {e}", e.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{wrong:#?}\n{answer:#}");
            checked += 1;
        }
    }
    assert!(checked >= 18, "{checked}");
    let problem = pair.consumer.api.get("/negotiations/none").problem(404);
    let mut shape = document["components"]["schemas"]["Problem"].clone();
    shape["components"] = document["components"].clone();
    assert!(jsonschema::is_valid(&shape, &problem), "{problem}");
}

#[test]
fn a_model_service_is_published_and_withdrawn() {
    const PACKAGE: &str = "format = \"herleid-model/1\"\nid = \"sewer\"\nversion = \"1\"\ntitle = \"Sewer\"\n\
        description = \"How much runs over.\"\nprogram = \"program\"\narguments = []\ncanonicalisation = \"none\"\nuses_seed = false\n\
        [licence]\nid = \"EUPL-1.2\"\nprogram_in_dossier = true\n[environment]\ndescription = \"Any shell.\"\npackages = []\n\
        [[outputs]]\nname = \"result\"\ntitle = \"Overflow\"\nfile = \"result.txt\"\nmedia_type = \"text/plain\"\n";
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed::start(&folder, "alone", &[]);
    let files = managed.connector.directory.join("files");
    std::fs::write(files.join("program"), "#!/bin/sh\n").unwrap();
    std::fs::write(files.join("model.toml"), PACKAGE).unwrap();
    let body = json!({"source": {"model": files.join("model.toml")}, "id": "sewer", "theme": ["ENVI"],
        "policy": {"@type": "Offer", "permission": [{"action": "use"}]}});
    let published = managed.api.post("/models", &body).good(201);
    assert_eq!(
        (&published["id"], &published["version"]),
        (&json!("sewer"), &json!("1"))
    );
    let listed = managed.api.get("/models").good(200);
    assert_eq!(listed["total"], 1);
    assert!(listed["items"][0].get("withdrawn").is_none(), "{listed}");
    let offer = managed.api.get("/offers").good(200)["items"][0]["target"].clone();
    assert_eq!(offer, "sewer");

    let why = json!({"reason": "superseded"});
    managed.api.post("/models/drain/withdrawal", &why).problem(404);
    managed.api.post("/datasets/sewer/withdrawal", &why).problem(404);
    let withdrawn = managed.api.post("/models/sewer/withdrawal", &why).good(200);
    assert_eq!(withdrawn["versions"], json!(["1"]));
    assert_eq!(
        managed.api.get("/models").good(200)["items"][0]["withdrawn"],
        "superseded"
    );
    assert_eq!(managed.api.get("/offers").good(200)["total"], 0);
}
