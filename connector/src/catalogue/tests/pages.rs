//! Pages, links and filters.

use super::*;

pub(super) async fn with_datasets(count: usize) -> Desk {
    let desk = Desk::open("page = 10");
    for n in 0..count {
        desk.published(&format!("set-{n:03}"), short(&format!("nummer {n}")))
            .await;
    }
    desk
}

/// So many words.
fn different(count: usize) -> String {
    (0..count).map(|n| format!("w{n} ")).collect()
}

#[tokio::test]
async fn a_word_that_is_said_often_is_one_word() {
    let desk = Desk::open("");
    desk.published("rain", short(&different(32))).await;
    // 160 words, of which two are different.
    let often = "w1 w2 ".repeat(80);
    for text in [often, different(32)] {
        assert_eq!(desk.found(&[json!({"text": text})]).await, ["rain"], "{text}");
    }
}

#[tokio::test]
async fn strangers_have_no_filter_also_not_in_a_token() {
    let desk = with_datasets(12).await;
    let next = desk.catalogue(&[json!({"text": "nummer"})]).await.link("next").unwrap();
    let (_, token) = next.split_once('?').unwrap();
    assert_eq!(desk.catalogue_at(&next, &[]).await.status, StatusCode::OK);
    for path in ["/catalog.ttl", "/catalog.jsonld"] {
        let told = desk.ask(Method::GET, &format!("{path}?{token}"), &[], "", false).await;
        assert_eq!(told.status, StatusCode::BAD_REQUEST, "{path}: {}", told.text());
        assert!(told.text().contains("begin again without it"), "{}", told.text());
    }
}

#[tokio::test]
async fn participants_do_not_wait_for_strangers() {
    let desk = Desk::open("");
    desk.published("rain", full()).await;
    let many = u32::try_from(crate::catalogue::index::AT_A_TIME).unwrap();
    let public = desk.node.catalogue.public_pages.clone();
    let all = public.acquire_many_owned(many).await.unwrap();
    let mut stranger = Box::pin(desk.ask(Method::GET, "/catalog.ttl", &[], "", false));
    tokio::select! {
        biased;
        told = &mut stranger => panic!("it did not wait: {}", told.text()),
        found = desk.found(&[]) => assert_eq!(found, ["rain"]),
    }
    drop(all);
    assert_eq!(stranger.await.status, StatusCode::OK);
}

#[tokio::test]
async fn links_lead_through_all_pages_and_back() {
    let desk = with_datasets(23).await;
    let first = desk.catalogue(&[]).await;
    assert_eq!(first.json()["http://www.w3.org/ns/hydra/core#totalItems"], 23);
    assert_eq!(first.link("previous"), None);
    let second = desk.catalogue_at(&first.link("next").unwrap(), &[]).await;
    // A link is followed by GET as well.
    let third = desk
        .ask(Method::GET, &second.link("next").unwrap(), &[], "", true)
        .await;
    assert_eq!(third.link("next"), None);
    let seen = [ids(&first), ids(&second), ids(&third)];
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 3]);
    let all: Vec<String> = (0..23).map(|n| format!("set-{n:03}")).collect();
    assert_eq!(seen.concat(), all);
    let back = desk.catalogue_at(&third.link("previous").unwrap(), &[]).await;
    assert_eq!(ids(&back), ids(&second));
    let back = desk.catalogue_at(&back.link("previous").unwrap(), &[]).await;
    assert_eq!((ids(&back), back.link("previous")), (ids(&first), None));
    // What is withdrawn meanwhile moves nothing: the next page begins where this one ended.
    let body = json!({"id": "set-009", "reason": "gone"});
    desk.command("withdraw", body).await.unwrap();
    assert_eq!(
        ids(&desk.catalogue_at(&first.link("next").unwrap(), &[]).await),
        ids(&second)
    );
}

#[tokio::test]
async fn a_page_of_a_filter_stays_with_its_filter() {
    let desk = with_datasets(12).await;
    desk.published("rain", full()).await;
    let filter = [json!({"text": "nummer"})];
    let first = desk.catalogue(&filter).await;
    assert_eq!(first.json()["http://www.w3.org/ns/hydra/core#totalItems"], 12);
    let next = first.link("next").unwrap();
    for told in [
        desk.catalogue_at(&next, &[]).await,
        desk.catalogue_at(&next, &filter).await,
    ] {
        assert_eq!(ids(&told), ["set-010", "set-011"]);
    }
    let other = desk.catalogue_at(&next, &[json!({"text": "regen"})]).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    assert_eq!(other.json()["code"], "continuation-token");
}

#[tokio::test]
async fn a_request_that_is_not_understood_is_refused_and_says_why() {
    let desk = Desk::open("");
    for (filter, says) in [
        (
            json!({"colour": "blue"}),
            "`colour` is not supported here: `text`, `theme`",
        ),
        (json!({"theme": "ENVI", "text": "rain"}), "one member"),
        (json!("rain"), "one member"),
        (json!({"text": ""}), "not empty"),
        (json!({"text": "??"}), "words"),
        (json!({"text": different(33)}), "at most 32 different words"),
        (json!({"publisher": different(33)}), "at most 32 different words"),
        (json!({"kind": "cat"}), "`dataset` or `model`"),
        (json!({"bbox": [5, 51, 3, 52]}), "west, south, east, north"),
        (json!({"bbox": "Vlissingen"}), "west, south, east, north"),
        (json!({"temporal": {"start": "yesterday"}}), "a day or a moment"),
        (json!({"temporal": {}}), "one of them at least"),
        (
            json!({"temporal": {"start": "2020-02-01", "end": "2020-01-01"}}),
            "a day or a moment",
        ),
        (
            json!({"@type": "QuerySpec", "filterExpression": [{"operandLeft": "price", "operator": "<", "operandRight": 1}]}),
            "price",
        ),
        (json!({"@type": "QuerySpec", "offset": -1}), "whole numbers"),
    ] {
        let told = desk.catalogue(std::slice::from_ref(&filter)).await;
        assert_eq!(told.status, StatusCode::BAD_REQUEST, "{filter}");
        assert_eq!(told.json()["@type"], "CatalogError");
        assert_eq!(told.json()["code"], "filter-not-supported");
        assert!(told.text().contains(says), "{filter}: {}", told.text());
    }
    let many = vec![json!({"text": "rain"}); 17];
    assert!(desk.catalogue(&many).await.text().contains("at most 16"));
    for token in ["nonsense", "e30", ""] {
        let path = format!("/dsp/2025-1/catalog/request?continuationToken={token}");
        let told = desk.catalogue_at(&path, &[]).await;
        assert_eq!(
            (told.status, told.json()["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("continuation-token"))
        );
        assert!(told.text().contains("begin again without it"));
    }
    let path = "/dsp/2025-1/catalog/request";
    let told = desk
        .ask(Method::POST, path, &[("content-type", "text/plain")], "{}", true)
        .await;
    assert_eq!(told.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let told = desk.ask(Method::GET, path, &[], "", true).await;
    assert!(told.status == StatusCode::BAD_REQUEST && told.text().contains("by POST"));
    let told = desk
        .ask(Method::POST, path, &[("content-type", "application/json")], "{}", false)
        .await;
    assert_eq!(told.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let desk = Desk::open("");
    desk.published("rain", full()).await;
    let mut roads = short("Wegen in Middelburg");
    roads["theme"] = json!(["TRAN"]);
    roads["media_type"] = json!("application/geo+json");
    desk.published("roads", roads).await;
    for (filter, found) in [
        (json!({"text": "regen"}), vec!["rain"]),
        (json!({"text": "NEERSLAG uur"}), vec!["rain"]),
        (json!({"text": "weg"}), vec!["roads"]),
        (json!({"text": "hourly"}), vec!["rain"]),
        (json!({"text": "waterschap"}), vec!["roads"]),
        (json!({"theme": "envi"}), vec!["rain"]),
        (
            json!({"theme": "http://publications.europa.eu/resource/authority/data-theme/TRAN"}),
            vec!["roads"],
        ),
        (json!({"keyword": "REGEN"}), vec!["rain"]),
        (json!({"keyword": "wegen"}), vec![]),
        (json!({"publisher": "knmi"}), vec!["rain"]),
        (json!({"publisher": "did:web:localhost%3A7101"}), vec!["roads"]),
        (json!({"format": "application/geo+json"}), vec!["roads"]),
        (json!({"format": "HttpData-PULL"}), vec!["rain", "roads"]),
        (json!({"id": "roads"}), vec!["roads"]),
        (json!({"kind": "dataset"}), vec!["rain", "roads"]),
        (json!({"kind": "model"}), vec![]),
        (json!({"bbox": [3.6, 51.45, 4.0, 52.0]}), vec!["rain"]),
        (json!({"bbox": [4.0, 51.0, 5.0, 52.0]}), vec![]),
        (json!({"temporal": {"start": "2020-06-18"}}), vec!["rain"]),
        (json!({"temporal": {"end": "2020-06-15"}}), vec![]),
        (
            json!({"@type": "QuerySpec", "offset": 1, "limit": 50, "sortOrder": "ASC"}),
            vec!["roads"],
        ),
        (
            json!({"@type": "https://w3id.org/edc/v0.0.1/ns/QuerySpec", "https://w3id.org/edc/v0.0.1/ns/filterExpression": [{
                "@type": "Criterion", "operandLeft": "https://w3id.org/edc/v0.0.1/ns/id", "operator": "=", "operandRight": "rain"}]}),
            vec!["rain"],
        ),
    ] {
        assert_eq!(desk.found(std::slice::from_ref(&filter)).await, found, "{filter}");
    }
    assert_eq!(
        desk.found(&[json!({"theme": "ENVI"}), json!({"text": "weg"})]).await,
        Vec::<String>::new()
    );
    // EDC asks for pages of its own size, and goes on where the link leads.
    let first = desk
        .catalogue(&[json!({"@type": "QuerySpec", "offset": 0, "limit": 1})])
        .await;
    assert_eq!(ids(&first), ["rain"]);
    assert_eq!(
        ids(&desk.catalogue_at(&first.link("next").unwrap(), &[]).await),
        ["roads"]
    );
}

#[tokio::test]
async fn themes_of_what_is_hidden_are_hidden() {
    let desk = Desk::open("");
    desk.published("rain", full()).await;
    let mut secret = short("Geheim");
    secret["theme"] = json!(["HEAL"]);
    desk.published("secret", secret).await;
    for path in ["/catalog.ttl", "/catalog.jsonld"] {
        let told = desk.ask(Method::GET, path, &[], "", false).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text());
        // Its code, its Dutch and its English name.
        for theme in ["HEAL", "Gezondheid", "Health"] {
            assert!(!told.text().contains(theme), "{path}: {}", told.text());
        }
        assert!(told.text().contains("ENVI"), "{path}: {}", told.text());
    }
    // Participants may see it, so they are told what the services are about.
    let told = desk.catalogue(&[]).await;
    let themes = told.json()["service"][0]["dcat:theme"].to_string();
    assert!(themes.contains("HEAL") && themes.contains("ENVI"), "{themes}");
}

#[tokio::test]
async fn everybody_sees_the_public_part_as_rdf_and_no_more() {
    let desk = Desk::open("page = 1");
    desk.published("rain", full()).await;
    desk.published("secret", short("Geheim")).await;
    desk.published("snow", {
        let mut snow = short("Sneeuw");
        snow["metadata"] = json!({"access_rights": "public"});
        snow
    })
    .await;
    let turtle = desk.ask(Method::GET, "/catalog.ttl", &[], "", false).await;
    assert_eq!(turtle.headers[header::CONTENT_TYPE], "text/turtle; charset=utf-8");
    assert!(
        turtle.text().contains("\"Neerslag per uur, Vlissingen\"@nl"),
        "{}",
        turtle.text()
    );
    let next = desk
        .ask(Method::GET, &turtle.link("next").unwrap(), &[], "", false)
        .await;
    assert!(next.text().contains("Sneeuw") && next.link("next").is_none());
    for text in [turtle.text(), next.text()] {
        assert!(!text.contains("Geheim") && !text.contains("datasets/secret"), "{text}");
    }
    let json = desk.ask(Method::GET, "/catalog.jsonld", &[], "", false).await;
    assert_eq!(json.headers[header::CONTENT_TYPE], "application/ld+json");
    // Names written in full: nothing has to be fetched to read it.
    assert!(
        json.json()
            .as_array()
            .is_some_and(|all| all.iter().all(|node| node["@id"].is_string()))
    );
    assert!(!json.text().contains("w3id.org/dspace/2025/1/context.jsonld"));
    let bad = desk
        .ask(Method::GET, "/catalog.ttl?continuationToken=x", &[], "", false)
        .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}
