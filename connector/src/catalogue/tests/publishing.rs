//! What may be published, and what is told of it.

use super::*;
use crate::control::error::Code;
use crate::state::{VersionEntry, set};
use tokio::sync::oneshot;

#[tokio::test]
async fn what_the_shapes_require_is_refused_by_name_and_nothing_is_recorded() {
    let desk = Desk::open("");
    let without = |name: &str| {
        let mut all = short("regen");
        all.as_object_mut().unwrap().remove(name);
        all
    };
    let before = desk.node.ledger.size();
    for (missing, way) in [
        ("title", "--title"),
        ("description", "--description"),
        ("theme", "--theme"),
    ] {
        let refused = desk.publish("rain", without(missing)).await.unwrap_err();
        let told = refused.to_string();
        assert_eq!(refused.code, Code::Refused, "{told}");
        assert!(
            told.contains(&format!("no `{missing}`")) && told.contains(way),
            "{told}"
        );
        assert!(format!("{refused:?}").contains("docs/catalogue.md"), "{refused:?}");
    }
    for (wrong, says) in [
        (json!({"theme": ["weather"]}), "`theme` is `weather`"),
        (json!({"licence": "CC0"}), "`licence` is `CC0`"),
        (json!({"metadata": {"language": ["xx"]}}), "`language` is `xx`"),
        (
            json!({"metadata": {"title": "again"}}),
            "`--title` and `title` in the metadata file",
        ),
        (json!({"metadata": {"colour": "blue"}}), "colour"),
        (json!({"metadata": {"contact": {"name": "Nobody"}}}), "`contact`"),
    ] {
        let mut all = short("regen");
        all.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let told = format!("{:?}", desk.publish("rain", all).await.unwrap_err());
        assert!(told.contains(says), "{told}");
    }
    assert_eq!(desk.node.ledger.size(), before);
    assert!(desk.found(&[]).await.is_empty());
}

#[tokio::test]
async fn what_the_configuration_says_need_not_be_said_again() {
    let desk =
        Desk::open("theme = [\"ENVI\"]\ncontact_email = \"data@water.example\"\nlicence = \"https://l.example/1\"");
    desk.published("rain", json!({"title": "Regen", "description": "Per uur"}))
        .await;
    let shown = &desk.catalogue(&[]).await.json()["dataset"][0];
    assert_eq!(
        shown["dcat:theme"][0]["@id"],
        "http://publications.europa.eu/resource/authority/data-theme/ENVI"
    );
    assert_eq!(
        shown["dcat:contactPoint"]["http://www.w3.org/2006/vcard/ns#hasEmail"]["@id"],
        "mailto:data@water.example"
    );
    assert_eq!(shown["distribution"][0]["dct:license"]["@id"], "https://l.example/1");
    assert_eq!(shown["dct:title"][0], json!({"@value": "Regen", "@language": "nl"}));
    assert_eq!(shown["dct:publisher"]["@id"], "did:web:localhost%3A7101");
    // A new address is shown without publishing again; the licence is what it was when it was published.
    let desk = desk.reopened("contact_email = \"new@water.example\"\nlicence = \"https://l.example/2\"");
    let shown = &desk.catalogue(&[]).await.json()["dataset"][0];
    assert_eq!(
        shown["dcat:contactPoint"]["http://www.w3.org/2006/vcard/ns#hasEmail"]["@id"],
        "mailto:new@water.example"
    );
    assert_eq!(shown["distribution"][0]["dct:license"]["@id"], "https://l.example/1");
}

#[tokio::test]
async fn what_an_older_build_published_is_read_and_shown() {
    let desk = Desk::open("theme = [\"ENVI\"]");
    let old = json!({
        "dataset": "old", "version": "1", "title": "Oud", "description": "", "media_type": "text/csv", "licence": null,
        "digests": {"blake3": "cd".repeat(32), "sha256": "ab".repeat(32), "bytes": 3},
        "offers": [{"id": "old#offer", "offer": {"@id": "old#offer", "@type": "Offer", "permission": [{"action": "use"}]}, "sha256": "ef".repeat(32)}],
        "withdrawn": null, "published_ms": 1_700_000_000_000u64,
    });
    let change = ("dataset/old/1".to_owned(), Some(serde_json::to_vec(&old).unwrap()));
    desk.node.state.write(vec![change]).unwrap();
    let shown = &desk.catalogue(&[]).await.json()["dataset"][0];
    assert_eq!(shown["@id"], "old");
    assert_eq!(
        shown["dcat:theme"][0]["@id"],
        "http://publications.europa.eu/resource/authority/data-theme/ENVI"
    );
    assert_eq!(shown["distribution"][0]["dct:license"]["@id"], "old#offer");
    let told = desk
        .ask(Method::GET, "/dsp/2025-1/catalog/datasets/old", &[], "", true)
        .await;
    assert_eq!(
        told.json()["dct:identifier"],
        "http://localhost:7101/dsp/2025-1/catalog/datasets/old"
    );
}

#[tokio::test]
async fn an_identifier_or_offer_of_another_is_refused_also_after_a_restart() {
    let desk = Desk::open("");
    let offer = |id: &str| json!({"@id": id, "@type": "Offer", "permission": [{"action": "use"}]});
    let with = |id: &str| {
        let mut all = short("regen");
        all["policy"] = offer(id);
        all
    };
    desk.published("rain", with("urn:offer:1")).await;
    let desk = desk.reopened("");
    let told = desk.publish("snow", with("urn:offer:1")).await.unwrap_err().to_string();
    assert!(told.contains("`urn:offer:1` is that of an offer for `rain`"), "{told}");
    desk.published("snow", with("urn:offer:2")).await;
    // The offer of what is withdrawn is free again.
    let body = json!({"id": "rain", "reason": "defective"});
    desk.command("withdraw", body).await.unwrap();
    desk.published("hail", with("urn:offer:1")).await;
    assert_eq!(desk.found(&[]).await, ["hail", "snow"]);
}

#[tokio::test]
async fn a_withdrawal_while_the_index_is_being_filled_is_not_lost() {
    let desk = Desk::open("");
    let mut rain = short("regen");
    rain["version"] = json!("1");
    desk.published("rain", rain).await;
    desk.published("snow", short("sneeuw")).await;
    let desk = desk.reopened("");
    let ((read, has_read), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel());
    let node = desk.node.clone();
    let filling = tokio::spawn(async move { node.catalogue.fill_held_up(read, may_go_on).await });
    has_read.await.unwrap();
    let (progress, _lines) = Progress::channel();
    let body = json!({"id": "rain", "reason": "defective"});
    let withdrawing = tokio::spawn(commands::handle(
        desk.node.clone(),
        "withdraw".to_owned(),
        body,
        progress,
    ));
    let stored = || desk.node.state.get::<VersionEntry>("dataset/rain/1").unwrap().unwrap();
    while stored().withdrawn.is_none() {
        assert!(!withdrawing.is_finished(), "it was not recorded");
        tokio::task::yield_now().await;
    }
    go_on.send(()).unwrap();
    filling.await.unwrap();
    withdrawing.await.unwrap().unwrap();
    let told = desk.catalogue(&[]).await;
    assert_eq!(ids(&told), ["snow"]);
    // Not only is it not shown: it is not in the index.
    assert_eq!(told.json()["http://www.w3.org/ns/hydra/core#totalItems"], 1);
}

#[tokio::test]
async fn what_the_state_says_is_withdrawn_is_not_shown_whatever_the_index_says() {
    let desk = Desk::open("");
    let mut rain = short("regen");
    rain["version"] = json!("1");
    desk.published("rain", rain).await;
    desk.node.catalogue.fill().await.unwrap();
    let mut entry: VersionEntry = desk.node.state.get("dataset/rain/1").unwrap().unwrap();
    entry.withdrawn = Some("defective".to_owned());
    let change = set("dataset/rain/1".to_owned(), &entry).unwrap();
    desk.node.state.write(vec![change]).unwrap();
    assert!(desk.found(&[]).await.is_empty());
}

#[tokio::test]
async fn the_newest_version_is_shown_until_it_is_withdrawn() {
    let desk = Desk::open("");
    let version = |v: &str| {
        let mut all = short(&format!("regen {v}"));
        all["version"] = json!(v);
        all
    };
    desk.published("rain", version("1")).await;
    // Another millisecond, or which is newer cannot be told.
    let first = desk.node.now_ms();
    while desk.node.now_ms() == first {
        tokio::task::yield_now().await;
    }
    desk.published("rain", version("2")).await;
    let shown = |told: &Told| told.json()["dataset"][0]["dcat:version"].clone();
    assert_eq!(shown(&desk.catalogue(&[]).await), "2");
    let body = json!({"id": "rain", "version": "2", "reason": "defective"});
    desk.command("withdraw", body).await.unwrap();
    assert_eq!(shown(&desk.catalogue(&[]).await), "1");
    desk.command("withdraw", json!({"id": "rain", "reason": "gone"}))
        .await
        .unwrap();
    let told = desk.catalogue(&[]).await;
    // An empty list is against the schema.
    assert_eq!(told.json().get("dataset"), None);
    let told = desk
        .ask(Method::GET, "/dsp/2025-1/catalog/datasets/rain", &[], "", true)
        .await;
    assert_eq!(told.status, StatusCode::NOT_FOUND);
}
