//! What a consumer checks of each pull: its receipt is a record of the provider's log, under a signed checkpoint that continues what was known
//! of that log, and says what was asked for and came.

use crate::request::Puller;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::handover::{Content, Exchange, HandedOver, Phase, Subject, VerifiedRecord};
use herleid_ledger::note::Verifier;
use herleid_ledger::section::SectionName;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};
use std::io::Read;
use std::thread;

/// What a pull left with its caller.
pub(crate) struct Received {
    transaction: String,
    receipt: HeaderValue,
    media_type: String,
}

impl Received {
    pub(crate) fn new(transaction: String, headers: &HeaderMap) -> Self {
        let media_type = headers["content-type"].to_str().unwrap().to_owned();
        Self {
            transaction,
            receipt: headers["herleid-receipt"].clone(),
            media_type,
        }
    }
}

/// What has to come.
pub(crate) struct Expected {
    blake3: [u8; 32],
    sha256: [u8; 32],
    pub(crate) bytes: u64,
}

impl Expected {
    pub(crate) fn of_bytes(contents: &[u8]) -> Self {
        Self::of(contents)
    }

    /// Digests of what is read, which need not fit in memory.
    pub(crate) fn of(mut contents: impl Read) -> Self {
        let (mut blake3, mut sha256, mut bytes) = (blake3::Hasher::new(), Sha256::new(), 0);
        let mut piece = vec![0; 1 << 20];
        loop {
            let read = contents.read(&mut piece).unwrap();
            if read == 0 {
                let (blake3, sha256) = (blake3.finalize().into(), sha256.finalize().into());
                return Self { blake3, sha256, bytes };
            }
            blake3.update(&piece[..read]);
            sha256.update(&piece[..read]);
            bytes += read as u64;
        }
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

/// What is known of the provider's log.
pub(crate) struct Known {
    log: Verifier,
    checkpoint: Option<Checkpoint>,
}

impl Known {
    pub(crate) fn nothing(log_key: &str) -> Self {
        Self {
            log: Verifier::parse(log_key).unwrap(),
            checkpoint: None,
        }
    }

    /// Remembers the latest checkpoint of receipts that were verified; its size.
    pub(crate) fn learn(&mut self, received: &[Received]) -> u64 {
        let checkpoints = received.iter().map(|one| self.record(one).checkpoint().clone());
        let latest = checkpoints.max_by_key(Checkpoint::size).expect("somebody pulled");
        let size = latest.size();
        self.checkpoint = Some(latest);
        size
    }

    fn record(&self, received: &Received) -> VerifiedRecord {
        let bytes = URL_SAFE_NO_PAD.decode(received.receipt.as_bytes()).unwrap();
        HandedOver::parse(&bytes).unwrap().verify(&self.log).unwrap()
    }

    /// Verifies every receipt, each of a pull of its own.
    pub(crate) fn verify_all(&self, received: &[Received], puller: &Puller, expected: &Expected) {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let places: Vec<u64> = thread::scope(|scope| {
            let parts = received.chunks(received.len().div_ceil(cores).max(1));
            let verifying = parts.map(|part| {
                let verify = |one| self.verify(one, puller, expected);
                scope.spawn(move || part.iter().map(verify).collect::<Vec<_>>())
            });
            let verifying: Vec<_> = verifying.collect();
            verifying
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        let mut different = places.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), places.len(), "two pulls with one record");
    }

    /// The place of its record in the log.
    pub(crate) fn verify(&self, received: &Received, puller: &Puller, expected: &Expected) -> u64 {
        let record = self.record(received);
        if let Some(known) = &self.checkpoint {
            record.extends(known).unwrap();
        }
        let content = record.section(SectionName::Content).expect("its content is opened");
        let content = Content::from_value(content.clone()).unwrap();
        assert_eq!(
            (content.blake3, content.sha256, content.bytes, &content.media_type),
            (expected.blake3, expected.sha256, expected.bytes, &received.media_type)
        );
        let exchange = record.exchange().expect("its exchange is opened").unwrap();
        let Subject::Dataset { dataset, version } = &exchange.subject else {
            panic!("a dataset was asked for: {:?}", exchange.subject)
        };
        assert_eq!(*dataset, puller.access.dataset);
        let asked = Exchange {
            transaction: received.transaction.parse().unwrap(),
            segment: 1,
            phase: Phase::Pull,
            agreement: puller.access.agreement.clone(),
            provider: puller.provider.parse().unwrap(),
            consumer: puller.consumer.parse().unwrap(),
            subject: Subject::Dataset {
                dataset: dataset.clone(),
                // Which one is the latest, the provider says.
                version: version.clone(),
            },
            from: 0,
            to: expected.bytes,
            content: content.mac(),
        };
        assert_eq!(exchange, asked);
        assert!(record.section(SectionName::StreamAgreement).is_some());
        record.index()
    }
}
