//! How large filters, links and pages are.

use super::pages::with_datasets;
use super::*;

/// A filter that has so many bytes when it is written as JSON.
fn of_bytes(bytes: usize) -> Vec<Value> {
    let written = |filter: &[Value]| serde_json::to_string(filter).unwrap().len();
    let mut filter = vec![json!({"text": "nummer"}); 16];
    for n in 0..filter.len() {
        // A quotation mark is two bytes, and no word.
        let room = bytes.saturating_sub(written(&filter)).min(600);
        let text = format!("nummer{}{}", "\"".repeat(room / 2), " ".repeat(room % 2));
        filter[n] = json!({ "text": text });
    }
    assert_eq!(written(&filter), bytes);
    filter
}

#[tokio::test]
async fn the_links_of_the_largest_filter_are_taken_back() {
    let desk = Desk::open("page = 1");
    for n in 0..3 {
        // The longest identifiers there are.
        desk.published(&format!("{n}{}", "x".repeat(255)), short("nummer"))
            .await;
    }
    let filter = of_bytes(4_096);
    let first = desk.catalogue(&filter).await;
    let second = desk.catalogue_at(&first.link("next").unwrap(), &filter).await;
    let third = desk.catalogue_at(&second.link("next").unwrap(), &[]).await;
    assert_eq!(third.link("next"), None);
    let back = desk.catalogue_at(&third.link("previous").unwrap(), &filter).await;
    assert_eq!(ids(&back), ids(&second));
    assert_eq!([&first, &second, &third].map(|told| ids(told).len()), [1, 1, 1]);
    let told = desk.catalogue(&of_bytes(4_097)).await;
    assert_eq!(told.status, StatusCode::BAD_REQUEST);
    assert!(told.text().contains("4097 bytes; at most 4096"), "{}", told.text());
}

#[tokio::test]
async fn what_is_passed_over_is_in_no_link_and_each_criterion_is_an_item() {
    let desk = with_datasets(2).await;
    let equal = |id: &str| json!({"operandLeft": "id", "operator": "=", "operandRight": id});
    let spec = |members: Value| {
        let mut spec = json!({"@type": "QuerySpec"});
        spec.as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        spec
    };
    let long = spec(json!({"limit": 1, "sortField": "x".repeat(100_000), "sortOrder": "ASC"}));
    let first = desk.catalogue(std::slice::from_ref(&long)).await;
    let next = first.link("next").unwrap();
    assert!(next.len() < 300, "{}", next.len());
    // The same question, asked with or without what was passed over.
    for filter in [vec![long], vec![spec(json!({"limit": 1}))], vec![]] {
        assert_eq!(ids(&desk.catalogue_at(&next, &filter).await), ["set-001"]);
    }
    for (members, says) in [
        (
            json!({"filterExpression": vec![equal("a"); 17]}),
            "17 items; at most 16",
        ),
        (
            json!({"filterExpression": [equal(&"x".repeat(501))]}),
            "at most 500 characters",
        ),
        (json!({"filterExpression": [equal(" ")]}), "at most 500 characters"),
    ] {
        let told = desk.catalogue(&[spec(members)]).await;
        assert_eq!(told.status, StatusCode::BAD_REQUEST);
        assert!(told.text().contains(says), "{}", told.text());
    }
    let two = [
        spec(json!({"filterExpression": vec![equal("a"); 9]})),
        spec(json!({"filterExpression": vec![equal("a"); 8]})),
    ];
    assert!(desk.catalogue(&two).await.text().contains("17 items; at most 16"));
}

/// The page that a link of `from` leads to.
async fn followed(desk: &Desk, from: &Told, relation: &str) -> Option<Told> {
    Some(desk.catalogue_at(&from.link(relation)?, &[]).await)
}

#[tokio::test]
async fn pages_of_long_descriptions_are_short_in_both_directions() {
    const PAGE_BYTES: usize = 2 << 20;
    let desk = Desk::open("");
    let all: Vec<String> = (0..9).map(|n| format!("set-{n}")).collect();
    for id in &all {
        // Three of these fit on a page, and one is longer than a page.
        let bytes = if id == "set-7" { 3 << 20 } else { 600 << 10 };
        let offer = json!({"@id": format!("{id}#offer"), "@type": "Offer", "permission": [{"action": "use"}]});
        let entry = json!({
            "dataset": id, "version": "1", "title": id, "description": "x".repeat(bytes), "media_type": "text/csv", "licence": null,
            "digests": {"blake3": "cd".repeat(32), "sha256": "ab".repeat(32), "bytes": 3},
            "offers": [{"id": format!("{id}#offer"), "offer": offer, "sha256": "ef".repeat(32)}],
            "withdrawn": null, "published_ms": 1_700_000_000_000u64,
        });
        let change = (format!("dataset/{id}/1"), Some(serde_json::to_vec(&entry).unwrap()));
        desk.node.state.write(vec![change]).unwrap();
    }
    let mut told = desk.catalogue(&[]).await;
    for (relation, counts) in [("next", [3, 3, 1, 1, 1]), ("previous", [1, 1, 3, 3, 1])] {
        let mut seen: Vec<Vec<String>> = Vec::new();
        loop {
            seen.push(ids(&told));
            let datasets = told.json()["dataset"].as_array().cloned().unwrap();
            let bytes: usize = datasets.iter().map(|d| d.to_string().len() + 1).sum();
            assert!(bytes <= PAGE_BYTES || datasets.len() == 1, "{relation}: {bytes} bytes");
            // Back from where the way there ended.
            match followed(&desk, &told, relation).await {
                Some(other) => told = other,
                None => break,
            }
        }
        assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), counts, "{relation}");
        if relation == "previous" {
            seen.reverse();
        }
        assert_eq!(seen.concat(), all, "{relation}");
    }
}
