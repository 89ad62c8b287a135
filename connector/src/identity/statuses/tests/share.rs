//! Many issuers, many lists: what one of them does is no matter of another's.

use super::*;

fn address(n: usize) -> String {
    format!("https://issuer.example/status/{n}")
}

impl Scene {
    /// The web has a list of the issuer at each of these addresses.
    fn has(&self, numbers: std::ops::Range<usize>) {
        for n in numbers {
            let at = address(n);
            self.web.serves(&at, self.issuer.list(&at, Says::clear(NOW_MS)));
        }
    }
}

#[tokio::test]
async fn a_credential_that_names_the_list_of_another_issuer_does_not_keep_that_list_from_being_had() {
    let (scene, other) = (Scene::new(), Issuer::new(2));
    scene.asks().await.unwrap();
    for _ in 0..40 {
        scene.after(RETRY_MS);
        let refused = scene.statuses.list(&other.did, LIST).await.unwrap_err();
        assert!(refused.why.contains("DID document is of"), "{refused}");
        scene.asks().await.unwrap();
        scene.settles().await;
    }
}

#[tokio::test]
async fn an_issuer_whose_lists_do_not_come_fills_the_places_of_its_own_and_no_others() {
    let (scene, other) = (Scene::new(), Issuer::new(2));
    let mut waiting = Vec::new();
    for n in 100..100 + KEPT {
        let (at, statuses, did) = (address(n), scene.statuses.clone(), other.did.clone());
        scene.web.holds(&at);
        waiting.push(tokio::spawn(async move { statuses.list(&did, &at).await }));
    }
    scene.asks().await.unwrap();
    let refused = scene.statuses.list(&other.did, &address(99)).await.unwrap_err();
    assert!(refused.is_passing && refused.why.contains("too many"), "{refused}");
    let asked = |n: usize| scene.web.asked(&address(n));
    let at_once: usize = (100..100 + KEPT).map(asked).sum();
    assert_eq!(at_once, AT_ONCE);
    for one in waiting {
        one.abort();
    }
}

#[tokio::test]
async fn the_list_that_was_used_the_longest_ago_is_put_out_and_none_that_is_in_use() {
    let scene = Scene::new();
    scene.has(0..KEPT + 1);
    let did = &scene.issuer.did;
    for n in 0..KEPT {
        scene.statuses.list(did, &address(n)).await.unwrap();
        scene.after(1);
    }
    scene.after(RESTS_MS - 1 - u64::try_from(KEPT).unwrap());
    let refused = scene.statuses.list(did, &address(KEPT)).await.unwrap_err();
    assert!(refused.why.contains("too many"), "all of them are in use: {refused}");
    scene.statuses.list(did, &address(0)).await.unwrap();
    scene.after(2);
    // Now it is the second that was used the longest ago.
    scene.statuses.list(did, &address(KEPT)).await.unwrap();
    for n in (0..=KEPT).filter(|n| *n != 1) {
        scene.statuses.list(did, &address(n)).await.unwrap();
        assert_eq!(scene.web.asked(&address(n)), 1, "{n}");
    }
}

#[tokio::test]
async fn many_issuers_do_not_put_out_each_others_lists() {
    let scene = Scene::new();
    let issuers: Vec<Issuer> = (10..110).map(Issuer::new).collect();
    for round in 0..2 {
        for (n, issuer) in issuers.iter().enumerate() {
            let at = format!("https://issuer-{n}.example/status");
            scene.web.serves(&at, issuer.list(&at, Says::clear(NOW_MS)));
            scene.statuses.list(&issuer.did, &at).await.unwrap();
            assert_eq!(scene.web.asked(&at), 1, "{round}");
        }
    }
}
