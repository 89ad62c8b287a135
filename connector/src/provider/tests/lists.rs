//! Access that rests on credentials with a status: what becomes of it when their issuer takes them back, or says nothing.

use super::*;
use crate::identity::Statuses;
use crate::identity::lists::{INDEX, Issuer, LIST, Says, Web};
use herleid_vocab::time::format_rfc3339_ms;

const MEMBER: &str = "MembershipCredential";
const DAY_MS: u64 = 86_400_000;

/// What the issuer says of the member.
fn says(is_set: bool, purpose: &'static str, now_ms: u64) -> Says {
    Says {
        is_set,
        purpose,
        until_ms: Some(now_ms + DAY_MS),
        ..Says::clear(now_ms - 1_000)
    }
}

impl Scene {
    /// A consumer that has shown a membership whose status stands in a list of its issuer, and the web in which that lies.
    async fn of_member(purpose: &'static str) -> (Self, Issuer, Web) {
        let mut scene = Self::set(9).await;
        let (issuer, web) = (Issuer::new(9), Web::default());
        let node = Arc::get_mut(&mut scene.node).unwrap();
        node.config.identity.required_credentials = vec![MEMBER.to_owned()];
        node.statuses = Statuses::new(web.clone(), scene.clock.clone(), scene.clock.clone(), 60);
        let node = &scene.node;
        let types = BTreeSet::from([MEMBER.to_owned()]);
        let added = node
            .trust
            .add(node, List::Issuers, issuer.did.clone(), types, "A. de Wit");
        added.await.unwrap();
        let credential = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"], "id": "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
            "issuer": issuer.did, "type": ["VerifiableCredential", MEMBER],
            "validFrom": format_rfc3339_ms(NOW_MS - 1_000), "validUntil": format_rfc3339_ms(NOW_MS + DAY_MS),
            "credentialSubject": {"id": scene.consumer, "memberOf": "Zeeland"},
            "credentialStatus": {"type": "BitstringStatusListEntry", "statusPurpose": purpose,
                                 "statusListIndex": INDEX.to_string(), "statusListCredential": LIST},
        });
        let credential = jose::sign(&issuer.key, &issuer.key_id, "vc+jwt", None, &credential).unwrap();
        scene.showed(&[&credential]);
        (scene, issuer, web)
    }

    /// The roles of what is in evidence with each record of this kind.
    fn shown_with(&self, kind: Kind) -> Vec<Vec<String>> {
        let records = self.records(Term::Kind(kind)).into_iter();
        let evidence = records.map(|(_, record)| record.value(SectionName::Evidence).unwrap_or_default());
        let roles = evidence.map(|evidence| {
            let documents = evidence["documents"].as_array().cloned().unwrap_or_default();
            let roles = documents.iter().map(|one| one["role"].as_str().unwrap().to_owned());
            roles.collect()
        });
        roles.collect()
    }
}

#[tokio::test]
async fn what_cannot_be_found_out_passes_and_what_was_taken_back_is_recorded_with_what_says_so() {
    let (scene, issuer, web) = Scene::of_member("revocation").await;
    web.is_down(LIST);
    let unknown = "cannot be found out now";
    scene
        .refused(&transaction(1), StatusCode::SERVICE_UNAVAILABLE, unknown)
        .await;
    assert_eq!(
        scene.shown_with(Kind::Denied).len(),
        0,
        "nothing was found out against it"
    );
    web.serves(LIST, issuer.list(LIST, says(false, "revocation", NOW_MS)));
    scene.clock.advance(2_000);
    scene.given(&transaction(2)).await;
    // It is down for a moment: that stops nobody.
    web.is_down(LIST);
    scene.clock.advance(59_000);
    scene.given(&transaction(3)).await;
    web.serves(LIST, issuer.list(LIST, says(true, "revocation", NOW_MS + 1_000)));
    scene.clock.advance(2_000);
    let revoked = "was revoked by its issuer";
    scene.refused(&transaction(4), StatusCode::FORBIDDEN, revoked).await;
    assert_eq!(scene.shown_with(Kind::Denied), [["credential", "status-list"]]);
    let (_, record) = scene.records(Term::Kind(Kind::Denied)).pop().unwrap();
    let facts = record.value(SectionName::Facts).unwrap();
    assert_eq!(
        (&facts["what"], &facts["party"], &facts["transaction"]),
        (&json!("pull"), &json!(scene.consumer), &json!(transaction(4)))
    );
    assert!(facts["reasons"][0].as_str().unwrap().contains(revoked), "{facts}");
}

#[tokio::test]
async fn what_is_being_sent_breaks_off_when_its_list_is_gone_and_may_go_on_when_it_is_back() {
    let (scene, issuer, web) = Scene::of_member("revocation").await;
    web.serves(LIST, issuer.list(LIST, says(false, "revocation", NOW_MS)));
    let body = scene.begun(&transaction(1)).await;
    web.is_down(LIST);
    scene.clock.advance(60_000);
    let why = scene.breaks_off(&transaction(1), body).await;
    assert!(
        why.contains("cannot be found out now") && why.contains("it is down"),
        "{why}"
    );
    web.serves(LIST, issuer.list(LIST, says(false, "revocation", NOW_MS)));
    scene.clock.advance(2_000);
    scene.given(&transaction(2)).await;
}

#[tokio::test]
async fn what_is_being_sent_to_whoever_was_taken_back_breaks_off_with_the_list_as_evidence() {
    let (scene, issuer, web) = Scene::of_member("suspension").await;
    web.serves(LIST, issuer.list(LIST, says(false, "suspension", NOW_MS)));
    let body = scene.begun(&transaction(1)).await;
    web.serves(LIST, issuer.list(LIST, says(true, "suspension", NOW_MS + 1_000)));
    scene.clock.advance(60_000);
    let why = scene.breaks_off(&transaction(1), body).await;
    assert!(why.contains("was suspended by its issuer"), "{why}");
    let aborted = scene.records(Term::Transaction(transaction(1)));
    let (_, aborted) = aborted
        .into_iter()
        .find(|(kind, _)| *kind == Kind::PullAborted)
        .unwrap();
    let evidence = aborted.value(SectionName::Evidence).unwrap();
    let roles = evidence["documents"].as_array().unwrap().iter().map(|one| &one["role"]);
    assert!(roles.eq(["credential", "status-list"].iter()), "{evidence}");
    // It may hold again.
    web.serves(LIST, issuer.list(LIST, says(false, "suspension", NOW_MS + 2_000)));
    scene.clock.advance(60_000);
    scene.given(&transaction(2)).await;
}
