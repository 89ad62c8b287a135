//! What is believed of an issuer's lists, over clocks and a web that a test has in hand. Nothing here waits for a time to pass.

mod later;
mod share;

use super::fetcher::{Fetching, Served};
use super::*;
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::jose;
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_vocab::rim::{FixedClock, SeededEntropy};
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const LIST: &str = "https://issuer.example/status/1";
/// 131,072 bits, none of them set.
const CLEAR: &str = "uH4sIAAAAAAACA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA";
/// As many, with bit [`INDEX`] set.
const SET: &str = "uH4sIAAAAAAACA-3BIQEAAAACIKf5f5UzLEAaAAAAAAAAAAAAAAAAAAAA4GxcqaqmAEAAAA";
/// Where the status of the member stands in a list.
pub(crate) const INDEX: usize = 9;
const NOW_MS: u64 = 1_800_000_000_000;
const HOUR_MS: u64 = 3_600_000;
/// How old a list may be here.
const AGE_S: u64 = 60;

/// An issuer with a key.
pub(crate) struct Issuer {
    pub(crate) key: SigningKey,
    pub(crate) did: Did,
    pub(crate) key_id: String,
}

/// What a list says.
#[derive(Clone, Copy)]
pub(crate) struct Says {
    pub(crate) is_set: bool,
    pub(crate) purpose: &'static str,
    pub(crate) from_ms: u64,
    pub(crate) until_ms: Option<u64>,
    pub(crate) ttl_ms: Option<u64>,
}

impl Says {
    /// That nothing was taken back, for an hour from `from_ms` on.
    pub(crate) const fn clear(from_ms: u64) -> Self {
        Self {
            is_set: false,
            purpose: "revocation",
            from_ms,
            until_ms: Some(from_ms + HOUR_MS),
            ttl_ms: None,
        }
    }
}

impl Issuer {
    pub(crate) fn new(seed: u64) -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(seed));
        let did = key.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&did).unwrap();
        let (key_id, _) = document.keys_for(Relationship::AssertionMethod).next().unwrap();
        let key_id = key_id.to_owned();
        Self { key, did, key_id }
    }

    /// A list at this address, signed.
    pub(crate) fn list(&self, at: &str, says: Says) -> String {
        let mut list = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"], "id": at, "issuer": self.did,
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "validFrom": format_rfc3339_ms(says.from_ms),
            "credentialSubject": {"type": "BitstringStatusList", "statusPurpose": says.purpose,
                                  "encodedList": if says.is_set { SET } else { CLEAR }},
        });
        if let Some(until_ms) = says.until_ms {
            list["validUntil"] = json!(format_rfc3339_ms(until_ms));
        }
        if let Some(ttl_ms) = says.ttl_ms {
            list["credentialSubject"]["ttl"] = json!(ttl_ms);
        }
        jose::sign(&self.key, &self.key_id, "vc+jwt", None, &list).unwrap()
    }
}

/// The web as a test has it: what lies where, and which addresses answer nothing for the time being.
#[derive(Clone, Default)]
pub(crate) struct Web(Arc<WebInner>);

#[derive(Default)]
struct WebInner {
    served: Mutex<BTreeMap<String, Result<String, StatusFailure>>>,
    /// Every address that was asked, in order.
    asked: Mutex<Vec<String>>,
    held: watch::Sender<BTreeSet<String>>,
}

impl Fetch for Web {
    fn fetch<'a>(&'a self, issuer: &'a Did, list: &'a str) -> Fetching<'a> {
        Box::pin(async move {
            self.0.asked.lock().unwrap().push(list.to_owned());
            let mut held = self.0.held.subscribe();
            held.wait_for(|held| !held.contains(list)).await.unwrap();
            let found = self.0.served.lock().unwrap().get(list).cloned();
            Ok(Served {
                token: found.unwrap_or_else(|| Err(failure(list, "nothing lies there", false)))?,
                document: DidDocument::resolve_did_key(issuer).unwrap(),
            })
        })
    }
}

impl Web {
    pub(crate) fn serves(&self, at: &str, token: String) {
        self.0.served.lock().unwrap().insert(at.to_owned(), Ok(token));
    }

    /// Whoever asks there is told that it is down.
    pub(crate) fn is_down(&self, at: &str) {
        let down = Err(failure(at, "it is down", true));
        self.0.served.lock().unwrap().insert(at.to_owned(), down);
    }

    /// Whoever asks there is told that there is nothing.
    fn has_nothing(&self, at: &str) {
        self.0.served.lock().unwrap().remove(at);
    }

    /// Whoever asks there is told nothing, until [`Self::lets_go`].
    pub(crate) fn holds(&self, at: &str) {
        self.0.held.send_modify(|held| {
            held.insert(at.to_owned());
        });
    }

    fn lets_go(&self, at: &str) {
        self.0.held.send_modify(|held| {
            held.remove(at);
        });
    }

    pub(crate) fn asked(&self, at: &str) -> usize {
        self.0.asked.lock().unwrap().iter().filter(|one| *one == at).count()
    }
}

/// There is one thread: whoever asks beside runs until it waits, and so does the fetch that it begins.
async fn others_run() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// A cache, and what is around it.
struct Scene {
    web: Web,
    clock: Arc<FixedClock>,
    steady: Arc<FixedClock>,
    statuses: Arc<Statuses>,
    issuer: Issuer,
}

impl Scene {
    fn new() -> Self {
        let (web, issuer) = (Web::default(), Issuer::new(1));
        let (clock, steady) = (Arc::new(FixedClock::new(NOW_MS)), Arc::new(FixedClock::new(7)));
        let statuses = Statuses::new(web.clone(), clock.clone(), steady.clone(), AGE_S);
        let scene = Self {
            web,
            clock,
            steady,
            statuses: Arc::new(statuses),
            issuer,
        };
        scene.web.serves(LIST, scene.issuer.list(LIST, Says::clear(NOW_MS)));
        scene
    }

    fn after(&self, ms: u64) {
        self.clock.advance(ms);
        self.steady.advance(ms);
    }

    async fn asks(&self) -> Result<Arc<StatusList>, StatusFailure> {
        self.statuses.list(&self.issuer.did, LIST).await
    }

    /// Somebody who asks beside, and has asked when this is back.
    async fn beside(&self) -> tokio::task::JoinHandle<Result<(), String>> {
        let (statuses, did) = (self.statuses.clone(), self.issuer.did.clone());
        let asking = tokio::spawn(async move {
            let found = statuses.list(&did, LIST).await;
            found.map(drop).map_err(|failed| failed.why)
        });
        others_run().await;
        asking
    }

    /// Waits until nothing is being fetched.
    async fn settles(&self) {
        loop {
            let flight = {
                let issuers = self.statuses.0.issuers();
                let mut all = issuers.values().flat_map(|of| of.lists.values());
                all.find_map(|known| known.flight().cloned())
            };
            let Some(mut flight) = flight else { return };
            drop(flight.wait_for(Option::is_some).await);
        }
    }
}

/// What the issuer's server does, after a list was had.
#[derive(Debug, Clone, Copy)]
enum Server {
    Up,
    Down,
    Slow,
    Nothing,
    Somebody,
}

#[tokio::test]
async fn a_list_is_believed_for_its_time_whatever_becomes_of_its_server_and_no_longer() {
    use Server::{Down, Nothing, Slow, Somebody, Up};
    // How old the list is, its `ttl`, what the server does: whether there is a list, and whether it was asked again.
    for (age_ms, ttl_ms, server, expected, again) in [
        (0, None, Down, Ok(()), 0),
        (29_999, None, Down, Ok(()), 0),
        (30_000, None, Up, Ok(()), 1),
        (30_000, None, Down, Ok(()), 1),
        (30_000, None, Slow, Ok(()), 1),
        (30_000, None, Nothing, Ok(()), 1),
        (30_000, None, Somebody, Ok(()), 1),
        (59_999, None, Down, Ok(()), 1),
        (59_999, None, Slow, Ok(()), 1),
        (60_000, None, Up, Ok(()), 1),
        (60_000, None, Down, Err("it is down"), 1),
        (60_000, None, Nothing, Err("nothing lies there"), 1),
        (60_000, None, Somebody, Err("DID document is of"), 1),
        (3_600_000, None, Down, Err("it is down"), 1),
        // Its own time, if that is shorter; that it may not be kept at all would make of every look a fetch.
        (4_999, Some(10_000), Down, Ok(()), 0),
        (9_999, Some(10_000), Down, Ok(()), 1),
        (10_000, Some(10_000), Down, Err("it is down"), 1),
        (60_000, Some(90_000), Down, Err("it is down"), 1),
        (499, Some(0), Down, Ok(()), 0),
        (999, Some(1), Down, Ok(()), 1),
        (1_000, Some(0), Down, Err("it is down"), 1),
        (1_000, Some(1), Up, Ok(()), 1),
    ] {
        let scene = Scene::new();
        let says = Says {
            ttl_ms,
            until_ms: Some(NOW_MS + 24 * HOUR_MS),
            ..Says::clear(NOW_MS)
        };
        scene.web.serves(LIST, scene.issuer.list(LIST, says));
        scene.asks().await.unwrap();
        scene.after(age_ms);
        match server {
            Up => {}
            Down => scene.web.is_down(LIST),
            Slow => scene.web.holds(LIST),
            Nothing => scene.web.has_nothing(LIST),
            Somebody => scene.web.serves(LIST, Issuer::new(2).list(LIST, says)),
        }
        let found = scene.asks().await;
        let row = format!("{age_ms} {ttl_ms:?} {server:?}: {found:?}");
        match expected {
            Ok(()) => assert!(found.is_ok(), "{row}"),
            Err(why) => assert!(found.is_err_and(|failed| failed.why.contains(why)), "{row}"),
        }
        others_run().await;
        if !matches!(server, Slow) {
            scene.settles().await;
        }
        assert_eq!(scene.web.asked(LIST), 1 + again, "{row}");
    }
}

#[tokio::test]
async fn a_clock_that_steps_back_and_a_machine_that_slept_make_no_list_younger() {
    for (wall_ms, steady_ms) in [(NOW_MS - HOUR_MS, 60_007), (NOW_MS + 60_000, 7), (NOW_MS, 60_007)] {
        let scene = Scene::new();
        let early = Says::clear(NOW_MS - 2 * HOUR_MS);
        let until_ms = Some(NOW_MS + 2 * HOUR_MS);
        scene
            .web
            .serves(LIST, scene.issuer.list(LIST, Says { until_ms, ..early }));
        scene.asks().await.unwrap();
        scene.web.is_down(LIST);
        scene.clock.set(wall_ms);
        scene.steady.set(steady_ms);
        assert_eq!(scene.asks().await.unwrap_err().why, "it is down");
    }
}

#[tokio::test]
async fn who_waits_while_a_list_grows_too_old_is_not_given_it_and_all_wait_for_one_fetch() {
    let scene = Scene::new();
    scene.asks().await.unwrap();
    scene.web.holds(LIST);
    scene.after(59_999);
    // Whoever has a list goes on, while one asks for the next beside.
    scene.asks().await.unwrap();
    scene.asks().await.unwrap();
    scene.after(1);
    let mut waiting = Vec::new();
    for _ in 0..40 {
        waiting.push(scene.beside().await);
        scene.after(2_100);
    }
    assert!(waiting.iter().all(|one| !one.is_finished()));
    assert_eq!(scene.web.asked(LIST), 2);
    scene.web.is_down(LIST);
    scene.web.lets_go(LIST);
    for one in waiting {
        assert_eq!(one.await.unwrap(), Err("it is down".to_owned()));
    }
    // It failed when it failed, not when the first of them came.
    scene.after(RETRY_MS - 1);
    scene.asks().await.unwrap_err();
    assert_eq!(scene.web.asked(LIST), 2);
    scene.after(1);
    scene.asks().await.unwrap_err();
    assert_eq!(scene.web.asked(LIST), 3);
}

#[tokio::test]
async fn a_list_is_as_old_as_the_question_for_it() {
    let scene = Scene::new();
    scene.web.holds(LIST);
    let first = scene.beside().await;
    scene.after(9_000);
    scene.web.lets_go(LIST);
    assert_eq!(first.await.unwrap(), Ok(()));
    scene.web.is_down(LIST);
    scene.after(50_999);
    scene.asks().await.unwrap();
    scene.settles().await;
    scene.after(1);
    assert_eq!(scene.asks().await.unwrap_err().why, "it is down");
}

#[tokio::test]
async fn nobody_waits_longer_than_a_fetch_may_take() {
    let mut scene = Scene::new();
    let statuses = Arc::get_mut(&mut scene.statuses).unwrap();
    Arc::get_mut(&mut statuses.0).unwrap().longest = Duration::ZERO;
    scene.web.holds(LIST);
    let late = scene.asks().await.unwrap_err();
    assert!(late.is_passing && late.why.contains("did not come within"), "{late}");
    assert_eq!(LONGEST, Duration::from_secs(10));
}
