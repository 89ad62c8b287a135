//! Records that are shown together.

use super::*;

const AGREEMENT: &str = "a";

async fn shown(scene: &Scene, theirs: &LogIdentity, handed: &[HandedOver]) -> Vec<Shown> {
    let mut page = Vec::new();
    for handed in handed {
        page.push(scene.peers.show(theirs, handed.clone()).await.unwrap());
    }
    page
}

/// Three records of a stream under one checkpoint, the last first, to a reader who has seen nothing.
async fn three(log: &Ledger) -> Vec<HandedOver> {
    for _ in 0..3 {
        served(log, THEM, AGREEMENT, AGREEMENT, 0).await;
    }
    let (size, checkpoint) = (log.size(), log.checkpoint());
    let open = [SectionName::Exchange, SectionName::StreamAgreement];
    let hand = |index| log.hand_over_under(index, &open, None, &checkpoint).unwrap();
    (size - 3..size).rev().map(hand).collect()
}

#[tokio::test]
async fn a_page_is_remembered_with_the_number_that_it_reaches() {
    let scene = Scene::new();
    let log = scene.theirs("theirs", 3, 3);
    let theirs = identity(&log, THEM);
    let of = agreement_of(crate::state::Side::Provider, &US.parse().unwrap(), AGREEMENT);
    assert_eq!(scene.peers.agreement_stream(&theirs, &of).unwrap(), None);
    let handed = three(&log).await;
    // It grew since: a page is still of the checkpoint that it was made under.
    served(&log, THEM, AGREEMENT, AGREEMENT, 0).await;
    assert!(handed.iter().all(|one| one.checkpoint == handed[0].checkpoint));
    let page = shown(&scene, &theirs, &handed).await;
    assert_eq!(
        scene.peers.agreement_stream(&theirs, &of).unwrap(),
        None,
        "only looked at"
    );
    scene.peers.accept_all(&theirs, &page).await.unwrap();
    let (id, highest) = scene.peers.agreement_stream(&theirs, &of).unwrap().unwrap();
    let place = page[0].place(SectionName::StreamAgreement).unwrap();
    assert_eq!((id, highest), (place.id.clone(), 3));
    assert_eq!(scene.peers.seen_size(&theirs).unwrap(), log.size() - 1);
}

#[tokio::test]
async fn a_lie_within_one_page_is_caught_and_what_came_before_it_stays() {
    let scene = Scene::new();
    let log = scene.theirs("theirs", 3, 3);
    let theirs = identity(&log, THEM);
    served(&log, THEM, AGREEMENT, AGREEMENT, 0).await;
    // The same agreement in another stream, under the same checkpoint.
    served(&log, THEM, AGREEMENT, "another", 0).await;
    let (size, checkpoint) = (log.size(), log.checkpoint());
    let open = [SectionName::Exchange, SectionName::StreamAgreement];
    let handed: Vec<_> = [size - 2, size - 1]
        .map(|index| log.hand_over_under(index, &open, None, &checkpoint).unwrap())
        .into();
    let page = shown(&scene, &theirs, &handed).await;
    let error = scene.peers.accept_all(&theirs, &page).await.unwrap_err();
    assert!(error.to_string().starts_with("stream changed"), "{error}");
    let lies = scene.lies();
    assert_eq!(HandedOver::parse(lies[0].handed_over.as_bytes()).unwrap(), handed[1]);
    let of = agreement_of(crate::state::Side::Provider, &US.parse().unwrap(), AGREEMENT);
    assert_eq!(
        scene.peers.agreement_stream(&theirs, &of).unwrap().map(|(_, n)| n),
        Some(1)
    );
}

#[tokio::test]
async fn numbers_of_a_stream_that_nothing_is_known_of_are_not_remembered() {
    let scene = Scene::new();
    let log = scene.theirs("theirs", 3, 3);
    let theirs = identity(&log, THEM);
    let mut page = shown(&scene, &theirs, &three(&log).await).await;
    page.iter_mut().for_each(Shown::without_numbers);
    scene.peers.accept_all(&theirs, &page).await.unwrap();
    assert_eq!(scene.peers.seen_size(&theirs).unwrap(), log.size());
    assert_eq!(scene.ours.scan("peer-stream/").unwrap(), []);
}
