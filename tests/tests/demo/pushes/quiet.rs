//! What must not be there: an attempt too many, a secret that is not needed any more.

use super::{SECRET, http, push};
use crate::receiving::{Act, Endpoint};
use crate::scene::Scene;
use herleid_tests::connector::{Connector, good};
use rocksdb::{DB, IteratorMode, Options};

/// What [`stays_quiet`] needs next: so long are its pauses that a first one which begins before them is over.
pub(super) const TWICE_FAILED: [Act; 2] = [Act::Take(503), Act::Take(503)];

/// Nothing comes of what came before: another push fails twice, and its third attempt, after pauses of half a second and of a whole one at
/// least, comes later than any would that waited for a first pause, which is over after a second. The endpoint takes one request after
/// the other, so that nobody is overtaken.
pub(super) fn stays_quiet(scene: &Scene, endpoint: &Endpoint) {
    assert!(endpoint.is_quiet(), "it was tried again");
    let agreement = scene.agree("rain");
    let to = http(&format!("{}/in", endpoint.base));
    good(&push(scene, &agreement, &to).output().unwrap());
    let came = [endpoint.next(), endpoint.next(), endpoint.next()];
    let transactions = came.each_ref().map(|one| one.header("herleid-transaction").unwrap());
    assert!(
        transactions[0] == transactions[1] && transactions[1] == transactions[2],
        "it was tried again: {transactions:?}"
    );
    assert!(came.iter().all(|one| one.whole) && endpoint.is_quiet());
}

/// Whether what lets in is anywhere in the store of a connector that does not run.
pub(super) fn holds_the_secret(connector: &Connector) -> bool {
    let path = connector.storage().join("log");
    let parts = DB::list_cf(&Options::default(), &path).unwrap();
    let store = DB::open_cf(&Options::default(), &path, &parts).unwrap();
    parts.iter().any(|part| {
        let entries = store.iterator_cf(store.cf_handle(part).unwrap(), IteratorMode::Start);
        let mut values = entries.map(|entry| entry.unwrap().1);
        values.any(|value| value.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()))
    })
}
