use super::*;
use crate::net::tests::plain_client;
use crate::peers::tests::ledger;
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_credentials::si_token::SelfIssued;
use herleid_ledger::Ledger;
use herleid_vocab::rim::{FixedClock, SeededEntropy};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const NOW: Now = Now {
    now_ms: 1_800_000_000_000,
    leeway_ms: 30_000,
};

fn us() -> Did {
    "did:web:us.example".parse().unwrap()
}

/// A participant whose document lies on a server of its own, and how often it was asked for.
struct Participant {
    did: Did,
    key: SigningKey,
    asked: Arc<AtomicUsize>,
}

impl Participant {
    /// Serves its document, or `instead` with the status 500.
    async fn new(instead: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let did: Did = format!("did:web:localhost%3A{port}").parse().unwrap();
        let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(u64::from(port)));
        let relationships = [Relationship::CapabilityInvocation];
        let document = DidDocument::builder(&did)
            .key("key-1", &key.public_key(), &relationships)
            .build()
            .unwrap();
        let (status, body) = match instead {
            Some(text) => ("500 Internal Server Error", text.as_bytes().to_vec()),
            None => ("200 OK", document.bytes().to_vec()),
        };
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut head = [0u8; 4096];
                let _ = stream.read(&mut head).await;
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.write_all(&body).await;
            }
        });
        Self { did, key, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A request of this participant, signed with `key`.
    fn request(&self, key: &SigningKey, jti: &str) -> HeaderMap {
        let audience = us();
        let says = SelfIssued {
            subject: &self.did,
            audience: &audience,
            jti,
            issued_at_ms: NOW.now_ms,
            lifetime_ms: 60_000,
            token: None,
            purpose: None,
            legal_basis: None,
            area_of_use: None,
        };
        let token = si_token::mint(key, &format!("{}#key-1", self.did), &says).unwrap();
        let value: http::HeaderValue = format!("Bearer {token}").parse().unwrap();
        HeaderMap::from_iter([(http::header::AUTHORIZATION, value)])
    }
}

/// What a connector has to check others with.
struct Door {
    documents: Documents,
    used: UsedTokens,
    ledger: Ledger,
    _directory: tempfile::TempDir,
}

impl Door {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ledger = ledger(directory.path(), "us.example/log/1", 1);
        Self {
            documents: Documents::new(Arc::new(plain_client()), Arc::new(FixedClock::new(NOW.now_ms)), "http"),
            used: UsedTokens::new(ledger.clone()),
            ledger,
            _directory: directory,
        }
    }

    async fn knock(&self, headers: &HeaderMap) -> Result<Authenticated, AuthenticationError> {
        authenticate(headers, &self.documents, &self.used, &us(), NOW, |_: &Did| Ok(())).await
    }
}

#[tokio::test]
async fn who_is_not_dealt_with_has_nothing_fetched_and_nothing_written() {
    let (door, stranger) = (Door::new(), Participant::new(None).await);
    let admit = |did: &Did| Err(AuthenticationError::NotAdmitted(did.clone()));
    let headers = stranger.request(&stranger.key, "n-1");
    let refused = authenticate(&headers, &door.documents, &door.used, &us(), NOW, admit).await;
    assert!(matches!(refused, Err(AuthenticationError::NotAdmitted(_))));
    assert_eq!(stranger.asked(), 0);
    assert!(door.ledger.scan("token/").unwrap().is_empty());
}

#[tokio::test]
async fn a_document_is_kept_once_its_owner_has_signed_and_a_token_counts_once() {
    let (door, caller) = (Door::new(), Participant::new(None).await);
    let forger = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(1));
    for n in 1..=2 {
        let refused = door.knock(&caller.request(&forger, &format!("f-{n}"))).await;
        assert!(matches!(refused, Err(AuthenticationError::Token(_))));
        assert_eq!(caller.asked(), n, "a document that nobody vouched for is not kept");
    }
    let headers = caller.request(&caller.key, "n-1");
    assert_eq!(door.knock(&headers).await.unwrap().did(), &caller.did);
    assert_eq!(caller.asked(), 3);
    let again = door.knock(&headers).await;
    assert!(matches!(again, Err(AuthenticationError::Replayed)));
    door.knock(&caller.request(&caller.key, "n-2")).await.unwrap();
    assert_eq!(caller.asked(), 3);
}

#[tokio::test]
async fn a_caller_learns_nothing_of_what_lies_where_it_made_us_look() {
    let (door, caller) = (Door::new(), Participant::new(Some("a secret of the inside")).await);
    let error = door.knock(&caller.request(&caller.key, "n-1")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("no usable answer"), "{text}");
    assert!(!text.contains("secret") && !text.contains("http"), "{text}");
}

#[tokio::test]
async fn a_caller_whose_document_cannot_be_had_at_this_moment_is_not_found_out_to_be_unknown() {
    let (door, caller) = (Door::new(), Participant::new(Some("busy")).await);
    let error = door.knock(&caller.request(&caller.key, "n-1")).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    let known = Participant::new(None).await;
    let refused = door.knock(&known.request(&caller.key, "n-2")).await.unwrap_err();
    assert!(!refused.is_passing(), "{refused}");
}

#[tokio::test]
async fn what_a_did_key_says_is_not_kept() {
    let door = Door::new();
    let did: Did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
        .parse()
        .unwrap();
    let (first, second) = (door.documents.resolve(&did).await, door.documents.resolve(&did).await);
    assert!(!Arc::ptr_eq(&first.unwrap(), &second.unwrap()));
}

#[tokio::test]
async fn a_host_that_says_nothing_keeps_nobody_else_waiting() {
    let (door, good) = (Door::new(), Participant::new(None).await);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let documents = Arc::new(door.documents);
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..20 {
        let documents = Arc::clone(&documents);
        let did: Did = format!("did:web:127.0.0.1%3A{port}:{n}").parse().unwrap();
        waiting.spawn(async move { documents.resolve_claimed(&did).await.map(drop) });
    }
    // All of them have asked when the first ones have called; what is accepted is held, and never answered.
    let held = [silent.accept().await.unwrap(), silent.accept().await.unwrap()];
    let had = documents.resolve_claimed(&good.did).await.unwrap();
    assert_eq!(had.document().id(), &good.did);
    let answered = waiting.try_join_next();
    assert!(answered.is_none(), "nobody has been answered yet: {answered:?}");
    // The others have been refused before any of these two was given up, and have not called.
    for _ in 0..18 {
        let busy = waiting.join_next().await.unwrap().unwrap().unwrap_err();
        assert!(matches!(busy, DocumentError::Busy { .. }), "{busy:?}");
    }
    let third = tokio::select! {
        biased;
        _ = silent.accept() => true,
        () = std::future::ready(()) => false,
    };
    assert!(!third, "more than two called the same host");
    drop(held);
}

#[tokio::test]
async fn one_fetch_answers_all_who_ask_meanwhile_and_none_who_ask_later() {
    let (door, caller) = (Door::new(), Participant::new(None).await);
    let ask = || door.documents.resolve_claimed(&caller.did);
    let (first, second, third) = tokio::join!(ask(), ask(), ask());
    let first = first.unwrap();
    assert!(Arc::ptr_eq(&first, &second.unwrap()) && Arc::ptr_eq(&first, &third.unwrap()));
    assert_eq!(caller.asked(), 1);
    // Nobody has vouched for it: it is not kept.
    assert!(!Arc::ptr_eq(&first, &ask().await.unwrap()));
    assert_eq!(caller.asked(), 2);
    // Whoever gives up lets the next one fetch.
    tokio::select! {
        biased;
        _ = ask() => panic!("it cannot be answered at the first look"),
        () = std::future::ready(()) => {}
    }
    ask().await.unwrap();
}
