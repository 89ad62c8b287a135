//! Access that rests on credentials: it lasts as long as they do.

use super::*;
use crate::dsp_shell::Context;
use herleid_credentials::credential::{NewCredential, Profile, issue};
use herleid_credentials::presentation::{self, NewPresentation};

const MEMBER: &str = "MembershipCredential";
/// How far clocks may differ.
const LEEWAY_MS: u64 = 30_000;

impl Scene {
    /// From now on a credential is asked for, and one is trusted that `issuer` signs.
    async fn asks_for_membership(&mut self, issuer: &Did) {
        let node = Arc::get_mut(&mut self.node).unwrap();
        node.config.identity.required_credentials = vec![MEMBER.to_owned()];
        let types = BTreeSet::from([MEMBER.to_owned()]);
        let node = &self.node;
        let added = node.trust.add(node, List::Issuers, issuer.clone(), types, "A. de Wit");
        added.await.unwrap();
    }

    /// The access was given for a membership that ends then.
    fn was_shown(&self, issuer: &SigningKey, valid_until_ms: u64) {
        self.was_shown_with(issuer, valid_until_ms, json!({"memberOf": "Zeeland"}));
    }

    /// The same with these claims.
    fn was_shown_with(&self, issuer: &SigningKey, valid_until_ms: u64, claims: Value) {
        let did = issuer.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&did).unwrap();
        let (key_id, _) = document.keys_for(Relationship::AssertionMethod).next().unwrap();
        let new = NewCredential {
            id: "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
            issuer: &did,
            subject: &self.consumer,
            types: &[MEMBER],
            claims: claims.as_object().unwrap(),
            valid_from_ms: NOW_MS - 1_000,
            valid_until_ms,
        };
        let credential = issue(issuer, key_id, &new).unwrap();
        self.showed(&credential);
    }

    /// What the consumer showed when it asked for access: this credential.
    pub(super) fn showed(&self, credential: &str) {
        let new = NewPresentation {
            holder: &self.consumer,
            audience: &self.node.did,
            jti: "1",
            nonce: None,
            issued_at_ms: NOW_MS,
            lifetime_ms: 60_000,
            credentials: &[credential],
            profile: Profile::Vc20Jose,
        };
        let context = Context {
            presentations: vec![presentation::build(&self.key, &self.key_id, &new).unwrap()],
            ..Context::default()
        };
        let kept = set(format!("context/transfer/{GRANT}"), &context).unwrap();
        self.node.state.write(vec![kept]).unwrap();
    }
}

fn issuer() -> (SigningKey, Did) {
    let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(9));
    let did = key.public_key().to_did_key().unwrap();
    (key, did)
}

#[tokio::test]
async fn a_credential_that_ends_breaks_off_what_is_being_sent_and_gives_no_access() {
    let mut scene = Scene::set(9).await;
    let (key, did) = issuer();
    scene.asks_for_membership(&did).await;
    scene.was_shown(&key, NOW_MS + 60_000);
    let body = scene.begun(&transaction(1)).await;
    scene.clock.set(NOW_MS + 60_000 + LEEWAY_MS - 1);
    scene.given(&transaction(2)).await;
    scene.clock.set(NOW_MS + 60_000 + LEEWAY_MS);
    let why = scene.breaks_off(&transaction(1), body).await;
    assert!(
        why.contains("a credential by") && why.contains("was valid until"),
        "{why}"
    );
    scene
        .refused(&transaction(3), StatusCode::FORBIDDEN, "was valid until")
        .await;
    assert_eq!(scene.used(), 2, "what is refused before it is decided takes no place");
}

#[tokio::test]
async fn an_issuer_that_is_trusted_no_more_ends_access_at_the_next_request() {
    let mut scene = Scene::set(9).await;
    let (key, did) = issuer();
    scene.asks_for_membership(&did).await;
    scene.was_shown(&key, NOW_MS + 3_600_000);
    let body = scene.begun(&transaction(1)).await;
    let node = &scene.node;
    node.trust
        .remove(node, List::Issuers, &did, "duty officer")
        .await
        .unwrap();
    let why = scene.breaks_off(&transaction(1), body).await;
    assert!(why.contains("is not trusted for"), "{why}");
    scene
        .refused(&transaction(2), StatusCode::FORBIDDEN, "is not trusted for")
        .await;
}

#[tokio::test]
async fn access_from_before_a_credential_was_asked_for_is_no_access() {
    let mut scene = Scene::set(9).await;
    scene.asks_for_membership(&issuer().1).await;
    let without = "without a credential of type `MembershipCredential`";
    scene.refused(&transaction(1), StatusCode::FORBIDDEN, without).await;
}

#[tokio::test]
async fn an_area_is_what_a_credential_says_and_nothing_else() {
    const AREAS: &str = "https://identifier.overheid.nl/tooi/id/gemeente/";
    let mut scene = Scene::set(9).await;
    let (key, did) = issuer();
    scene.policy["permission"][0]["constraint"] =
        json!([{"leftOperand": "spatial", "operator": "isAnyOf", "rightOperand": format!("{AREAS}gm0718")}]);
    scene.give_access().await;
    scene.asks_for_membership(&did).await;
    scene.was_shown_with(&key, NOW_MS + 3_600_000, json!({"spatial": [format!("{AREAS}gm0718")]}));
    scene.given(&transaction(2)).await;
    let (_, opened) = &scene.records(Term::Transaction(transaction(2)))[0];
    let facts = opened.value(SectionName::Facts).unwrap()["decision"]["facts"].clone();
    let area = facts
        .as_array()
        .unwrap()
        .iter()
        .find(|fact| fact["about"] == "spatial")
        .unwrap();
    assert!(area["source"].as_str().unwrap().contains(did.as_str()), "{area}");
}

#[tokio::test]
async fn a_credential_for_another_area_gives_nothing() {
    const AREAS: &str = "https://identifier.overheid.nl/tooi/id/gemeente/";
    for (says, why) in [
        (json!({"spatial": format!("{AREAS}gm0717")}), "Shown:"),
        (
            json!({"spatial": [format!("{AREAS}gm0717"), format!("{AREAS}gm0718")]}),
            "cannot be told",
        ),
        (json!({"area": format!("{AREAS}gm0718")}), "Nothing is known of it"),
    ] {
        let mut scene = Scene::set(9).await;
        let (key, did) = issuer();
        scene.policy["permission"][0]["constraint"] =
            json!([{"leftOperand": "spatial", "operator": "eq", "rightOperand": format!("{AREAS}gm0718")}]);
        scene.give_access().await;
        scene.asks_for_membership(&did).await;
        scene.was_shown_with(&key, NOW_MS + 3_600_000, says);
        scene.refused(&transaction(1), StatusCode::FORBIDDEN, why).await;
    }
}
