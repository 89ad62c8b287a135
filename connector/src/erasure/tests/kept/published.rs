//! What is kept of what was published.

use super::*;
use crate::state::{OfferEntry, SourceEntry, VersionEntry};

const KEY: &str = "dataset/urn:rain/7";

impl Scene {
    /// A version is published, once more under the same number if it was before.
    pub(in crate::erasure::tests) async fn published(&self, title: &str) -> u64 {
        let policy = json!({"@id": "urn:offer", "permission": [{"action": title}]});
        let entry = VersionEntry {
            dataset: "urn:rain".to_owned(),
            version: "7".to_owned(),
            title: title.to_owned(),
            description: "Rain".to_owned(),
            media_type: "text/csv".to_owned(),
            licence: Some("urn:licence".to_owned()),
            metadata: None,
            digests: Some(Digests::of(b"rain")),
            source: SourceEntry::S3 {
                store: "s".to_owned(),
                key: title.to_owned(),
                etag: "e".to_owned(),
                version: None,
            },
            offers: vec![OfferEntry {
                id: "urn:offer".to_owned(),
                offer: policy.clone(),
                sha256: "ab".repeat(32),
            }],
            withdrawn: None,
            erased: false,
            published_ms: 1,
        };
        let digests = Digests::of(b"rain");
        let facts = json!({
            "dataset": "urn:rain", "version": "7", "title": title, "blake3": digests.blake3, "sha256": digests.sha256,
            "bytes": digests.bytes, "mediaType": "text/csv", "offers": [{"id": "urn:offer", "policy": "ab".repeat(32)}],
        });
        let (key, value) = set(KEY, &entry).unwrap();
        let draft = Draft::new(Kind::DatasetPublished, fresh_trace(&self.node))
            .section(SectionName::Facts, facts)
            .evidence(Document {
                role: "offer".to_owned(),
                media_type: "application/ld+json".to_owned(),
                bytes: policy.to_string().into_bytes(),
            })
            .term(Term::Dataset("urn:rain".to_owned()))
            .put(key, value);
        self.node.append(draft).await.unwrap().index()
    }

    async fn withdrawn(&self, reason: &str) -> u64 {
        let mut entry = self.version();
        entry.withdrawn = Some(reason.to_owned());
        let (key, value) = set(KEY, &entry).unwrap();
        let draft = Draft::new(Kind::DatasetWithdrawn, fresh_trace(&self.node))
            .section(
                SectionName::Facts,
                json!({"dataset": "urn:rain", "version": "7", "reason": reason}),
            )
            .term(Term::Dataset("urn:rain".to_owned()))
            .put(key, value);
        self.node.append(draft).await.unwrap().index()
    }

    fn version(&self) -> VersionEntry {
        self.node.state.get(KEY).unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_publication_erased_in_parts_is_as_if_it_went_at_once() {
    let mut ends = Vec::new();
    for order in [
        &[&["facts", "evidence"][..]][..],
        &[&["facts"], &["evidence"]],
        &[&["evidence"], &["facts"]],
    ] {
        let scene = Scene::set(2);
        let published = scene.published("first").await;
        let offered = scene.propose(Meant::Records(vec![published]), order[0]).await;
        let error = offered.unwrap_err();
        assert!(
            error.contains("still offered") && error.contains("`herleid withdraw urn:rain --version 7 --reason <why>`"),
            "{error}"
        );
        scene.withdrawn("over").await;
        for sections in order {
            scene.erased(Meant::Records(vec![published]), sections).await;
        }
        ends.push(scene.version());
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    let end = &ends[0];
    assert_eq!(
        (end.title.as_str(), &end.source, end.erased),
        ("", &SourceEntry::File, true)
    );
    assert_eq!((end.offers.len(), &end.digests, &end.licence), (0, &None, &None));
    assert_eq!(end.withdrawn.as_deref(), Some("over"), "that stands in another record");
}

#[tokio::test]
async fn only_what_the_record_said_goes_with_it() {
    let scene = Scene::set(2);
    let first = scene.published("first").await;
    let reason = scene.withdrawn("over").await;
    let second = scene.published("second").await;
    // What is offered is the second's word.
    scene.erased(Meant::Records(vec![first, reason]), &[]).await;
    assert_eq!(
        (scene.version().title.as_str(), scene.version().erased),
        ("second", false)
    );
    let last = scene.withdrawn("wrong").await;
    scene.erased(Meant::Records(vec![second]), &["evidence"]).await;
    let version = scene.version();
    assert_eq!(
        (&version.offers[0].offer, version.title.as_str()),
        (&Value::Null, "second")
    );
    scene.erased(Meant::Records(vec![last]), &[]).await;
    assert_eq!(scene.version().withdrawn.as_deref(), Some(""), "withdrawn it stays");
    scene.erased(Meant::Records(vec![second]), &[]).await;
    assert_eq!(scene.version(), scene.version().bare());
}
