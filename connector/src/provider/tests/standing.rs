//! Access that rests on credentials: it lasts as long as they do.

use super::*;
use crate::dsp_shell::Context;
use herleid_credentials::credential::{NewCredential, Profile, issue};
use herleid_credentials::presentation::{self, NewPresentation};

const MEMBER: &str = "MembershipCredential";
/// What an agreement is for, and something else.
const AREA: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm0718";
const ANOTHER: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm0717";
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

    /// Under the agreement one area has its use, as far as a credential of this issuer says it.
    async fn of_an_area(operator: &str) -> (Self, SigningKey, Did) {
        let mut scene = Self::set(9).await;
        let (key, did) = issuer();
        scene.policy["permission"][0]["constraint"] =
            json!([{"leftOperand": "spatial", "operator": operator, "rightOperand": AREA}]);
        scene.give_access().await;
        scene.asks_for_membership(&did).await;
        (scene, key, did)
    }

    /// The access was given for a membership that ends then.
    fn was_shown(&self, issuer: &SigningKey, valid_until_ms: u64) {
        self.was_shown_with(issuer, valid_until_ms, json!({"memberOf": "Zeeland"}));
    }

    /// The same with these claims.
    fn was_shown_with(&self, issuer: &SigningKey, valid_until_ms: u64, claims: Value) {
        let credential = self.credential(issuer, MEMBER, valid_until_ms, &claims);
        self.showed(&[&credential]);
    }

    fn credential(&self, issuer: &SigningKey, kind: &str, valid_until_ms: u64, claims: &Value) -> String {
        let did = issuer.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&did).unwrap();
        let (key_id, _) = document.keys_for(Relationship::AssertionMethod).next().unwrap();
        let new = NewCredential {
            id: "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
            issuer: &did,
            subject: &self.consumer,
            types: &[kind],
            claims: claims.as_object().unwrap(),
            valid_from_ms: NOW_MS - 1_000,
            valid_until_ms,
        };
        issue(issuer, key_id, &new).unwrap()
    }

    /// What the consumer showed when it asked for access: these credentials.
    pub(super) fn showed(&self, credentials: &[&str]) {
        let new = NewPresentation {
            holder: &self.consumer,
            audience: &self.node.did,
            jti: "1",
            nonce: None,
            issued_at_ms: NOW_MS,
            lifetime_ms: 60_000,
            credentials,
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
    let (scene, key, did) = Scene::of_an_area("isAnyOf").await;
    scene.was_shown_with(&key, NOW_MS + 3_600_000, json!({"spatial": [AREA]}));
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
    for (says, why) in [
        (json!({"spatial": ANOTHER}), "Shown:"),
        (json!({"area": AREA}), "Nothing is known of it"),
    ] {
        let (scene, key, _) = Scene::of_an_area("eq").await;
        scene.was_shown_with(&key, NOW_MS + 3_600_000, says);
        scene.refused(&transaction(1), StatusCode::FORBIDDEN, why).await;
    }
}

#[tokio::test]
async fn who_is_for_several_areas_gets_what_each_of_them_gives() {
    let (scene, key, _) = Scene::of_an_area("eq").await;
    let both = json!({"spatial": [ANOTHER, AREA]});
    scene.was_shown_with(&key, NOW_MS + 3_600_000, both);
    scene.given(&transaction(1)).await;
}

#[tokio::test]
async fn no_area_is_read_from_a_credential_that_nobody_asked_for() {
    const TRAINED: &str = "TrainingCredential";
    let (mut scene, key, _) = Scene::of_an_area("eq").await;
    let other = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(10));
    let trainer = other.public_key().to_did_key().unwrap();
    let node = &scene.node;
    let types = BTreeSet::from([TRAINED.to_owned()]);
    let added = node.trust.add(node, List::Issuers, trainer, types, "A. de Wit");
    added.await.unwrap();
    let until = NOW_MS + 3_600_000;
    let member = scene.credential(&key, MEMBER, until, &json!({"memberOf": "Zeeland"}));
    // By an issuer that is trusted, for something else.
    let trained = scene.credential(&other, TRAINED, until, &json!({"spatial": AREA}));
    scene.showed(&[&member, &trained]);
    let why = "Nothing is known of it";
    scene.refused(&transaction(1), StatusCode::FORBIDDEN, why).await;
    // Once it is asked for too, it says so.
    let node = Arc::get_mut(&mut scene.node).unwrap();
    node.config.identity.required_credentials.push(TRAINED.to_owned());
    scene.given(&transaction(2)).await;
}

#[tokio::test]
async fn where_no_credential_is_asked_for_any_more_none_says_an_area() {
    for is_asked_for in [true, false] {
        let (mut scene, key, _) = Scene::of_an_area("eq").await;
        scene.was_shown_with(&key, NOW_MS + 60_000, json!({"spatial": AREA}));
        if is_asked_for {
            scene.given(&transaction(1)).await;
            continue;
        }
        let node = Arc::get_mut(&mut scene.node).unwrap();
        node.config.identity.required_credentials.clear();
        // Nobody looks any more whether it has ended or was taken back.
        let why = "Nothing is known of it";
        scene.refused(&transaction(1), StatusCode::FORBIDDEN, why).await;
    }
}
