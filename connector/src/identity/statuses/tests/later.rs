//! Which list is the one of now.

use super::*;

#[tokio::test]
async fn an_older_list_never_replaces_a_later_one_also_when_that_was_put_out() {
    let scene = Scene::new();
    let taken_back = Says {
        is_set: true,
        from_ms: NOW_MS - 1_000,
        ..Says::clear(NOW_MS)
    };
    scene.web.serves(LIST, scene.issuer.list(LIST, taken_back));
    scene.asks().await.unwrap();
    // Of the same beginning, or of an earlier one: whoever has the address, and no key, kept them.
    for old in [
        Says::clear(NOW_MS - 2_000),
        Says {
            until_ms: Some(NOW_MS + HOUR_MS - 1),
            from_ms: NOW_MS - 1_000,
            ..Says::clear(NOW_MS)
        },
    ] {
        scene.web.serves(LIST, scene.issuer.list(LIST, old));
        scene.after(AGE_S * 1_000);
        let refused = scene.asks().await.unwrap_err();
        assert!(refused.is_passing && refused.why.contains("an older one"), "{refused}");
    }
    scene
        .statuses
        .0
        .issuers()
        .get_mut(&scene.issuer.did)
        .unwrap()
        .lists
        .clear();
    let refused = scene.asks().await.unwrap_err();
    assert!(refused.why.contains("an older one"), "{refused}");
    let later = Says {
        from_ms: NOW_MS,
        ..taken_back
    };
    scene.web.serves(LIST, scene.issuer.list(LIST, later));
    scene.after(RETRY_MS);
    scene.asks().await.unwrap();
}

#[tokio::test]
async fn a_list_that_is_over_or_never_ends_is_none() {
    let scene = Scene::new();
    let short = Says {
        until_ms: Some(NOW_MS + 5_000),
        ..Says::clear(NOW_MS - HOUR_MS)
    };
    scene.web.serves(LIST, scene.issuer.list(LIST, short));
    scene.asks().await.unwrap();
    scene.web.is_down(LIST);
    scene.after(5_000 + LEEWAY_MS - 10_000);
    scene.asks().await.unwrap();
    scene.after(10_000);
    assert_eq!(scene.asks().await.unwrap_err().why, "it is down");
    let endless = Says {
        until_ms: None,
        ..Says::clear(NOW_MS)
    };
    scene.web.serves(LIST, scene.issuer.list(LIST, endless));
    scene.after(RETRY_MS);
    let refused = scene.asks().await.unwrap_err();
    assert!(refused.why.contains("it does not end"), "{refused}");
}
