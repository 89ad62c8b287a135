//! What goes wrong at one end alone: a log with a damaged tile, a witness whose memory is slow.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_tile_of_ours_is_told_as_damage_and_not_as_a_clone() {
    let world = World::new(1, &[Manner::Answers]).await;
    let client: GuardedClient = plain_client();
    let dir = world.directory.path().join("damaged");
    let damaged = ledger(&dir, 1, 1, 1);
    for _ in 1..12 {
        grow(&damaged).await;
    }
    ask(&damaged, &client, &world.witnesses[0], 0).await.unwrap();
    for _ in 12..300 {
        grow(&damaged).await;
    }
    drop(damaged);
    // A leaf hash that no opening looks at, and the proof from 12 rests on.
    {
        let path = dir.join("log");
        let options = rocksdb::Options::default();
        let parts = rocksdb::DB::list_cf(&options, &path).unwrap();
        let db = rocksdb::DB::open_cf(&options, &path, parts).unwrap();
        let tiles = db.cf_handle("tiles").unwrap();
        let key = [&[0u8][..], &0u64.to_be_bytes(), &[13]].concat();
        let mut hash = db.get_cf(tiles, &key).unwrap().unwrap();
        hash[4] ^= 1;
        db.put_cf(tiles, &key, hash).unwrap();
    }
    let damaged = ledger(&dir, 2, 1, 1);
    let error = ask(&damaged, &client, &world.witnesses[0], 0).await.unwrap_err();
    assert!(
        matches!(error, WitnessingError::Damaged { old: 12, size: 300, .. }),
        "{error}"
    );
    assert!(error.is_final() && !error.is_rollback());
    assert!(error.to_string().contains("herleid doctor"), "{error}");
    let served = crate::node::ServeError::from(error).to_string();
    assert!(!served.contains("successor"), "{served}");
}

/// One thread runs everything here: if a request waited for the witness's memory on it, nothing else would go on.
#[tokio::test]
async fn who_waits_for_the_memory_of_a_witness_holds_up_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = ledger(&directory.path().join("log"), 1, 1, 1);
    let memory = WitnessStore::open(&directory.path().join("witness")).unwrap();
    let clock = Arc::new(FixedClock::new(NOW_MS));
    let service = Arc::new(WitnessService::new(
        key(0),
        vec![ledger.verifier().clone()],
        memory,
        clock,
    ));
    let request = Request::new(0, Vec::new(), &ledger.checkpoint()).unwrap().to_bytes();
    let (went_on, told) = std::sync::mpsc::channel();
    let (is_held, held) = std::sync::mpsc::channel();
    let holding = service.clone();
    let holder = std::thread::spawn(move || {
        let _turn = holding.hold();
        is_held.send(()).unwrap();
        told.recv_timeout(PATIENCE).is_ok()
    });
    held.recv().unwrap();
    let asked: Vec<_> = (0..20)
        .map(|_| tokio::spawn(service.clone().answer(Bytes::from(request.clone()))))
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(asked.iter().all(|one| !one.is_finished()));
    went_on.send(()).unwrap();
    assert!(holder.join().unwrap(), "nothing went on while the memory was held");
    // The first moves the witness on; for the others it has seen more than nothing.
    let mut told = Vec::new();
    for one in asked {
        told.push(one.await.unwrap().unwrap().status);
    }
    told.sort_unstable();
    assert_eq!((told[0], told[1], told[19]), (200, 409, 409));
}
