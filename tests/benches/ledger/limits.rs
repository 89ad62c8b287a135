//! What the machine itself can do, one thing at a time: what a record costs is told beside it.

use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use ed25519_dalek::{Signer as _, SigningKey};
use herleid_ledger::merkle::node_hash;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long each thing is done.
const TIME: Duration = Duration::from_secs(2);

/// Operations a second, on one core.
pub(crate) struct Limits {
    /// 4 KiB appended to a file, and synced.
    pub(crate) syncs: f64,
    /// Nodes of a Merkle tree (two blocks of SHA-256).
    pub(crate) nodes: f64,
    /// Ed25519 signatures of 200 bytes.
    pub(crate) signatures: f64,
    /// Encryptions of 200 bytes.
    pub(crate) seals: f64,
    /// HMAC-SHA-256 of 200 bytes.
    pub(crate) macs: f64,
}

fn per_s(mut act: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut count = 0u64;
    while began.elapsed() < TIME {
        act();
        count += 1;
    }
    count as f64 / began.elapsed().as_secs_f64()
}

impl Limits {
    pub(crate) fn measure(folder: &Path) -> Self {
        let mut file = File::create(folder.join("synced")).unwrap();
        let hundred = |mut act: Box<dyn FnMut()>| 100.0 * per_s(move || (0..100).for_each(|_| act()));
        let (key, cipher) = (SigningKey::from_bytes(&[1; 32]), ChaCha20Poly1305::new(&[1; 32].into()));
        let mut node = [0; 32];
        Self {
            syncs: per_s(|| {
                file.write_all(&[0; 4096]).unwrap();
                file.sync_data().unwrap();
            }),
            nodes: hundred(Box::new(move || node = black_box(node_hash(&node, &[1; 32])))),
            signatures: hundred(Box::new(move || {
                black_box(key.sign(&[0; 200]));
            })),
            seals: hundred(Box::new(move || {
                black_box(cipher.encrypt(&Nonce::default(), [0; 200].as_slice()).unwrap());
            })),
            macs: hundred(Box::new(move || {
                let mac = Hmac::<Sha256>::new_from_slice(black_box(&[1; 32])).unwrap();
                black_box(mac.chain_update([0; 200]).finalize());
            })),
        }
    }
}
