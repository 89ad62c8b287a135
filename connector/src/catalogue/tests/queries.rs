//! SPARQL.

use super::*;
use crate::catalogue::Index;
use std::time::Duration;

async fn filled() -> Desk {
    let desk = Desk::open("");
    desk.published("rain", full()).await;
    desk.published("snow", short("Sneeuw")).await;
    Index::fill_sparql(desk.node.clone()).await.unwrap();
    desk
}

const TITLES: &str = "PREFIX dcat: <http://www.w3.org/ns/dcat#> PREFIX dct: <http://purl.org/dc/terms/>
    SELECT ?title { ?set a dcat:Dataset ; dct:title ?title FILTER(lang(?title) = 'nl') } ORDER BY ?title";

fn values(told: &Told) -> Vec<String> {
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    let rows = told.json()["results"]["bindings"].as_array().unwrap().clone();
    rows.iter()
        .map(|row| row["title"]["value"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_query_sees_what_is_published_now() {
    let desk = filled().await;
    assert_eq!(
        values(&desk.sparql(TITLES, "").await),
        ["Neerslag per uur, Vlissingen", "Sneeuw"]
    );
    desk.published("hail", short("Hagel")).await;
    desk.command("withdraw", json!({"id": "rain", "reason": "gone"}))
        .await
        .unwrap();
    assert_eq!(values(&desk.sparql(TITLES, "").await), ["Hagel", "Sneeuw"]);
    // Nothing of what was withdrawn is left, its parts without a name included.
    let left = "SELECT (COUNT(*) AS ?title) { ?s ?p ?o FILTER(CONTAINS(STR(?o), 'Vlissingen') || CONTAINS(STR(?s), '/rain')) }";
    assert_eq!(values(&desk.sparql(left, "").await), ["0"]);
    let catalogue = "ASK { ?c a <http://www.w3.org/ns/dcat#Catalog> ; <http://www.w3.org/ns/dcat#dataset> ?d ;
        <http://www.w3.org/ns/dcat#service> ?s }";
    assert_eq!(desk.sparql(catalogue, "").await.json()["boolean"], true);
    let bare = "ASK { ?distribution a <http://www.w3.org/ns/dcat#Distribution> FILTER NOT EXISTS { ?d <http://www.w3.org/ns/dcat#distribution> ?distribution } }";
    assert_eq!(desk.sparql(bare, "").await.json()["boolean"], false);
}

#[tokio::test]
async fn after_a_restart_a_query_sees_what_was_published_before() {
    let desk = Desk::open("");
    desk.published("rain", full()).await;
    desk.published("snow", short("Sneeuw")).await;
    // Nothing has changed since the start: all that a query sees comes from the filling.
    let desk = desk.reopened("");
    Index::fill_sparql(desk.node.clone()).await.unwrap();
    let all = ["Neerslag per uur, Vlissingen", "Sneeuw"];
    assert_eq!(values(&desk.sparql(TITLES, "").await), all);
    let listed = "PREFIX dcat: <http://www.w3.org/ns/dcat#> SELECT (COUNT(?d) AS ?title) { ?c a dcat:Catalog ; dcat:dataset ?d }";
    assert_eq!(values(&desk.sparql(listed, "").await), ["2"]);
}

#[tokio::test]
async fn a_process_is_there_for_as_long_as_somebody_asks() {
    let desk = Desk::open("");
    desk.published("rain", full()).await;
    let is_there = async || desk.node.catalogue.sparql.has_process().await;
    let keeping = tokio::spawn(Index::keep_sparql(desk.node.clone(), Duration::from_millis(50)));
    for _ in 0..2 {
        assert!(!is_there().await, "nobody has asked");
        // Whoever asks first waits for it; on a slow machine it is told to come back, or the process is gone again.
        let until = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                let told = desk.sparql(TITLES, "").await;
                if told.status == StatusCode::OK {
                    return told;
                }
                assert_eq!(told.status, StatusCode::SERVICE_UNAVAILABLE);
            }
        });
        assert_eq!(values(&until.await.unwrap()), ["Neerslag per uur, Vlissingen"]);
        let until = tokio::time::timeout(Duration::from_secs(60), async {
            while is_there().await {
                tokio::task::yield_now().await;
            }
        });
        until.await.expect("it ends when nobody has asked for a while");
    }
    keeping.abort();
}

#[tokio::test]
async fn answers_come_in_the_form_that_is_asked_for() {
    let desk = filled().await;
    for (accept, media_type, says) in [
        (
            "application/sparql-results+json",
            "application/sparql-results+json",
            "\"bindings\"",
        ),
        (
            "application/sparql-results+xml",
            "application/sparql-results+xml",
            "<binding",
        ),
        ("text/csv", "text/csv", "Sneeuw"),
        ("*/*", "application/sparql-results+json", "Sneeuw"),
    ] {
        let told = desk.sparql(TITLES, accept).await;
        let found = told.headers[header::CONTENT_TYPE].to_str().unwrap();
        assert!(
            found.starts_with(media_type) && told.text().contains(says),
            "{accept}: {}",
            told.text()
        );
    }
    let construct = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o ; a <http://purl.org/dc/terms/PeriodOfTime> }";
    for (accept, says) in [
        ("text/turtle", "dcat:startDate"),
        ("application/ld+json", "startDate"),
        ("", "dcat:startDate"),
    ] {
        let told = desk.sparql(construct, accept).await;
        assert!(told.text().contains(says), "{accept}: {}", told.text());
    }
    let told = desk.sparql(TITLES, "text/html").await;
    assert_eq!(told.status, StatusCode::NOT_ACCEPTABLE, "{}", told.text());
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", TITLES)
        .finish();
    let told = desk.ask(Method::GET, &format!("/sparql?{form}"), &[], "", true).await;
    assert_eq!(values(&told).len(), 2);
    let says = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        values(&desk.ask(Method::POST, "/sparql", &says, &form, true).await).len(),
        2
    );
}

#[tokio::test]
async fn what_is_no_question_about_the_catalogue_is_refused_and_says_why() {
    let desk = filled().await;
    let long = format!("SELECT * {{ ?s ?p \"{}\" }}", "x".repeat(20_000));
    let deep = format!("ASK {}{}", "{".repeat(700), "}".repeat(700));
    let wide = "SELECT * { ?a ?b ?c . ?d ?e ?f }";
    for (query, status, says) in [
        ("SELECT nonsense", StatusCode::BAD_REQUEST, "not understood"),
        (
            "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
            StatusCode::BAD_REQUEST,
            "only answers questions",
        ),
        ("DROP ALL", StatusCode::BAD_REQUEST, "only answers questions"),
        (
            "SELECT * { SERVICE <https://x.example/> { ?s ?p ?o } }",
            StatusCode::BAD_REQUEST,
            "nothing is fetched",
        ),
        (
            "SELECT * { SERVICE SILENT <https://x.example/> { ?s ?p ?o } }",
            StatusCode::BAD_REQUEST,
            "nothing is fetched",
        ),
        (
            "SELECT * { SERVICESILENT<https://x.example/> { ?s ?p ?o } }",
            StatusCode::BAD_REQUEST,
            "nothing is fetched",
        ),
        (
            "SELECT * { SERVICE?x { ?s ?p ?o } }",
            StatusCode::BAD_REQUEST,
            "nothing is fetched",
        ),
        ("SELECT * FROM <urn:g> { ?s ?p ?o }", StatusCode::BAD_REQUEST, "`FROM`"),
        ("SELECT * { GRAPH ?g { ?s ?p ?o } }", StatusCode::BAD_REQUEST, "`GRAPH`"),
        (&deep, StatusCode::BAD_REQUEST, "100 deep"),
        (&long, StatusCode::PAYLOAD_TOO_LARGE, "at most 16384"),
        (wide, StatusCode::UNPROCESSABLE_ENTITY, "LIMIT"),
    ] {
        let told = desk.sparql(query, "").await;
        assert_eq!(told.status, status, "{query:.60}: {}", told.text());
        assert!(told.text().contains(says), "{query:.60}: {}", told.text());
    }
    let post = |media_type: &'static str, body: &'static str| {
        let desk = &desk;
        async move {
            desk.ask(Method::POST, "/sparql", &[("content-type", media_type)], body, true)
                .await
        }
    };
    assert_eq!(
        post("application/sparql-update", "DROP ALL").await.status,
        StatusCode::FORBIDDEN
    );
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(form, "update=DROP+ALL").await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        post("text/plain", TITLES).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    for (body, says) in [
        ("", "exactly one parameter"),
        ("query=ASK%7B%7D&query=ASK%7B%7D", "exactly one parameter"),
        ("query=ASK%7B%7D&default-graph-uri=urn:a", "`default-graph-uri`"),
    ] {
        let told = post(form, body).await;
        assert!(
            told.status == StatusCode::BAD_REQUEST && told.text().contains(says),
            "{body}: {}",
            told.text()
        );
    }
    let nobody = desk.ask(Method::GET, "/sparql?query=ASK%7B%7D", &[], "", false).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped_and_a_second_one_of_the_same_participant_waits() {
    let desk = filled().await;
    // All triples of one property with each other, ten times over: more than a processor can do in the time that a query has. An evaluation
    // looks whether it is to stop where it looks for triples, and this one does so all the time.
    let patterns: String = (0..10).map(|n| format!("?s{n} ?p ?o{n} . ")).collect();
    let slow = &format!("SELECT (COUNT(*) AS ?title) {{ {patterns} }}");
    let (one, two, three) = tokio::join!(desk.sparql(slow, ""), desk.sparql(slow, ""), desk.sparql(slow, ""));
    let mut all = [one, two, three];
    all.sort_by_key(|told| told.status);
    let [slow, second, third] = &all;
    assert_eq!(slow.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", slow.text());
    assert!(slow.text().contains("took longer"), "{}", slow.text());
    for waits in [second, third] {
        assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS, "{}", waits.text());
        assert!(waits.headers.contains_key(header::RETRY_AFTER) && waits.text().contains("one after the other"));
    }
    // It let itself be stopped: the store is there still, and nobody has to pause.
    assert_eq!(values(&desk.sparql(TITLES, "").await).len(), 2);
}

#[tokio::test]
async fn whoever_comes_before_it_is_filled_is_told_when_to_come_back() {
    let desk = Desk::open("");
    desk.published("rain", full()).await;
    let told = desk.sparql(TITLES, "").await;
    assert_eq!(told.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.headers.contains_key(header::RETRY_AFTER), "{:?}", told.headers);
    // The catalogue itself is there.
    assert_eq!(desk.found(&[]).await, ["rain"]);
    Index::fill_sparql(desk.node.clone()).await.unwrap();
    assert_eq!(values(&desk.sparql(TITLES, "").await).len(), 1);
}
