//! A log in memory that says whatever a test wants it to say, and signs it.

use ed25519_dalek::SigningKey;
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::handover::{ConsistencyText, FORMAT, HandedOver, entry};
use herleid_ledger::merkle::{self, Hash, Nodes};
use herleid_ledger::note::Signer;
use herleid_ledger::record::Kind;
use herleid_ledger::section::{Opened, RootKey, SectionName};
use herleid_vocab::json;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(sha256(bytes))
}

pub fn signing_key(label: &str) -> SigningKey {
    SigningKey::from_bytes(&sha256(label.as_bytes()))
}

#[derive(Clone)]
pub struct Entry {
    pub sections: BTreeMap<SectionName, (Vec<u8>, RootKey)>,
    pub leaf: Hash,
}

#[derive(Clone)]
pub struct TestLog {
    pub did: String,
    pub origin: String,
    pub signer: Signer,
    pub entries: Vec<Entry>,
    /// Documents by SHA-256.
    pub documents: BTreeMap<String, Vec<u8>>,
    /// Last number and leaf, by section and key of the stream.
    pub streams: BTreeMap<(SectionName, String), (u64, Option<Hash>)>,
    pub now_ms: u64,
    /// How far its clock has been set back: records have the time of the one before until it has caught up.
    pub behind_ms: u64,
}

struct Leaves<'a>(&'a [Entry]);

impl Nodes for Leaves<'_> {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let (from, to) = ((index << level) as usize, ((index + 1) << level) as usize);
        let leaves: Vec<Hash> = self.0[from..to].iter().map(|entry| entry.leaf).collect();
        Ok(merkle::root(&leaves))
    }
}

/// An id that is the same for the same stream: it stands in for a random UUIDv4.
pub fn stream_id(origin: &str, kind: SectionName, key: &str) -> String {
    let digest = sha256_hex(format!("{origin} {kind} {key}").as_bytes());
    format!(
        "{}-{}-4{}-8{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[12..15],
        &digest[15..18],
        &digest[18..30]
    )
}

/// What a test records: sections, documents with their roles, places in streams, and what it rests on.
#[derive(Default)]
pub struct Draft {
    pub sections: Vec<(SectionName, Value)>,
    pub documents: Vec<(&'static str, Vec<u8>)>,
    pub streams: Vec<(SectionName, String)>,
    pub prior: Vec<Hash>,
}

impl TestLog {
    pub fn new(name: &str, seed: &str) -> Self {
        let origin = format!("{name}.example/log/1");
        let mut log = Self {
            did: format!("did:web:{name}.example"),
            signer: Signer::ed25519(&origin, signing_key(&format!("{seed} {origin}"))).unwrap(),
            origin,
            entries: Vec::new(),
            documents: BTreeMap::new(),
            streams: BTreeMap::new(),
            now_ms: 1_592_400_000_000,
            behind_ms: 0,
        };
        let facts = json!({"did": log.did, "origin": log.origin, "verifierKey": log.signer.verifier().to_string(), "format": 1,
            "witnessPolicy": {"quorum": 1, "witnesses": []}});
        log.append(
            Kind::LogOpened,
            Draft {
                sections: vec![(SectionName::Facts, facts)],
                ..Draft::default()
            },
        );
        log
    }

    pub fn append(&mut self, kind: Kind, draft: Draft) -> usize {
        self.now_ms += 1000;
        let index = self.entries.len();
        let mut sections: BTreeMap<SectionName, Value> = draft.sections.into_iter().collect();
        let id = format!(
            "01890a5d-ac96-7{:03x}-8000-{:012x}",
            index,
            sha256(self.origin.as_bytes())[0]
        );
        let prior: Vec<String> = draft.prior.iter().map(hex::encode).collect();
        let mut envelope = json!({"v": 1, "id": id, "kind": kind.as_str(), "party": self.did, "recordedAt": self.now_ms,
            "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "development": false, "prior": prior});
        if self.behind_ms > 0 {
            envelope["clockStepped"] = json!(true);
        }
        sections.insert(SectionName::Envelope, envelope);
        if !draft.documents.is_empty() {
            let listed: Vec<Value> = draft
                .documents
                .iter()
                .map(|(role, bytes)| json!({"sha256": sha256_hex(bytes), "bytes": bytes.len(), "mediaType": "application/json", "role": role}))
                .collect();
            sections.insert(SectionName::Evidence, json!({"documents": listed}));
        }
        for (_, bytes) in draft.documents {
            self.documents.insert(sha256_hex(&bytes), bytes);
        }
        for (kind, key) in &draft.streams {
            let (n, prev) = self.streams.get(&(*kind, key.clone())).copied().unwrap_or((0, None));
            let place = json!({"id": stream_id(&self.origin, *kind, key), "n": n + 1, "prev": prev.map(hex::encode)});
            sections.insert(*kind, place);
        }
        let sections: BTreeMap<SectionName, (Vec<u8>, RootKey)> = sections
            .into_iter()
            .map(|(name, value)| {
                let root = RootKey::from_bytes(sha256(format!("{} {index} {name}", self.origin).as_bytes()));
                (name, (json::section_bytes(&value).unwrap(), root))
            })
            .collect();
        let macs = sections
            .iter()
            .map(|(name, (text, root))| (*name, root.keys().mac_key().mac(text)))
            .collect();
        let leaf = merkle::leaf_hash(&entry(&macs));
        for (kind, key) in draft.streams {
            let (n, _) = self.streams.get(&(kind, key.clone())).copied().unwrap_or((0, None));
            self.streams.insert((kind, key), (n + 1, Some(leaf)));
        }
        self.entries.push(Entry { sections, leaf });
        index
    }

    /// The time by its clock.
    pub fn clock_ms(&self) -> u64 {
        self.now_ms - self.behind_ms
    }

    /// Every MAC of a record, as a tombstone lists them.
    pub fn macs(&self, index: usize) -> Value {
        let sections = self.entries[index].sections.iter();
        sections
            .map(|(name, (text, root))| (name.to_string(), json!(hex::encode(root.keys().mac_key().mac(text)))))
            .collect::<serde_json::Map<String, Value>>()
            .into()
    }

    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    pub fn leaf(&self, index: usize) -> Hash {
        self.entries[index].leaf
    }

    pub fn section(&self, index: usize, name: SectionName) -> Value {
        serde_json::from_slice(&self.entries[index].sections[&name].0).unwrap()
    }

    pub fn body(&self, size: u64) -> CheckpointBody {
        CheckpointBody {
            origin: self.origin.clone(),
            size,
            root: merkle::root_at(&Leaves(&self.entries), size).unwrap(),
        }
    }

    pub fn checkpoint(&self, size: u64) -> Checkpoint {
        self.body(size).sign(&self.signer).unwrap()
    }

    pub fn cosigned(&self, size: u64, witnesses: &[&Signer]) -> Checkpoint {
        witnesses.iter().fold(self.checkpoint(size), |checkpoint, witness| {
            let line = witness.sign(checkpoint.note().text(), self.now_ms / 1000 + 60);
            checkpoint.with(line).unwrap()
        })
    }

    /// The record as it is handed over, with these sections opened, under that checkpoint.
    pub fn hand_over(
        &self,
        index: usize,
        open: &[SectionName],
        checkpoint: &Checkpoint,
        from: Option<u64>,
    ) -> HandedOver {
        let entry = &self.entries[index];
        let nodes = Leaves(&self.entries);
        let size = checkpoint.size();
        let proof = merkle::inclusion_proof(&nodes, index as u64, size).unwrap();
        let base64 = |hashes: Vec<Hash>| hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
        HandedOver {
            format: FORMAT.to_owned(),
            origin: self.origin.clone(),
            index: index as u64,
            macs: entry
                .sections
                .iter()
                .map(|(name, (text, root))| (name.to_string(), hex::encode(root.keys().mac_key().mac(text))))
                .collect(),
            opened: entry
                .sections
                .iter()
                .filter(|(name, _)| open.contains(name))
                .map(|(name, (text, root))| {
                    let text = String::from_utf8(text.clone()).unwrap();
                    (
                        name.to_string(),
                        Opened {
                            text,
                            key: hex::encode(root.keys().mac_key().expose()),
                        },
                    )
                })
                .collect(),
            proof: base64(proof),
            checkpoint: checkpoint.note().to_string(),
            consistency: from.map(|from| ConsistencyText {
                from,
                proof: base64(merkle::consistency_proof(&nodes, from, size).unwrap()),
            }),
        }
    }

    /// A receipt of a record under the log's checkpoint of that moment.
    pub fn receipt(&self, index: usize) -> Vec<u8> {
        self.receipt_by(index, &RECEIPT, &self.signer)
    }

    /// A receipt that opens these sections, under a checkpoint that this key signed.
    pub fn receipt_by(&self, index: usize, open: &[SectionName], signer: &Signer) -> Vec<u8> {
        let checkpoint = self.body(self.size()).sign(signer).unwrap();
        self.hand_over(index, open, &checkpoint, None).to_bytes().unwrap()
    }
}

/// What a receipt opens.
const RECEIPT: [SectionName; 5] = [
    SectionName::Exchange,
    SectionName::Content,
    SectionName::StreamAgreement,
    SectionName::StreamModel,
    SectionName::Parameters,
];

/// These sections but one.
pub fn all_but(sections: &[SectionName], closed: SectionName) -> Vec<SectionName> {
    sections.iter().copied().filter(|name| *name != closed).collect()
}

/// What a receipt opens, but for one section.
pub fn receipt_without(closed: SectionName) -> Vec<SectionName> {
    all_but(&RECEIPT, closed)
}
