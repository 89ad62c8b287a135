//! A dossier of a world: its files, the zip, and the anchors that an auditor has.

use crate::identity::{anchor, issuer};
use crate::log::{Draft, TestLog, sha256_hex};
use crate::world::{CASE, Lie, MODEL, World, program};
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::note::SignedNote;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName as S;
use herleid_verifier::anchors::Anchors;
use herleid_verifier::dossier::{DossierWriter, ManifestHead, signed_text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Cursor;

pub type Files = BTreeMap<String, Vec<u8>>;

impl World {
    pub fn witnessed(&self, log: &TestLog) -> Checkpoint {
        log.cosigned(log.size(), &[&self.witness])
    }

    /// Everything but the manifest's three files.
    pub fn files(&self) -> Files {
        let mut files = Files::new();
        let logs = [(1, &self.app), (2, &self.knmi), (3, &self.board)];
        let listed: Vec<Value> = logs
            .iter()
            .map(|(k, log)| json!({"k": k, "did": log.did, "origin": log.origin, "verifierKey": log.signer.verifier().to_string()}))
            .collect();
        files.insert("logs.json".to_owned(), json!(listed).to_string().into_bytes());
        for (k, log) in logs {
            let checkpoint = self.witnessed(log);
            files.insert(
                format!("checkpoints/{k}.txt"),
                checkpoint.note().to_string().into_bytes(),
            );
            // Of the others the first two: the log's opening, and what was published.
            let shown = if k == 1 { log.entries.len() } else { 2 };
            for index in 0..shown {
                let record = log.hand_over(index, &S::ALL, &checkpoint, None);
                files.insert(format!("records/{k}/{index}.json"), record.to_bytes().unwrap());
                let evidence = log.entries[index]
                    .sections
                    .get(&S::Evidence)
                    .map(|_| log.section(index, S::Evidence));
                for document in evidence.iter().flat_map(|e| e["documents"].as_array().unwrap()) {
                    let sha256 = document["sha256"].as_str().unwrap();
                    files.insert(format!("evidence/{sha256}"), log.documents[sha256].clone());
                }
            }
        }
        for data in &self.data {
            files.insert(format!("data/{}", sha256_hex(data)), data.clone());
        }
        files.insert(format!("models/{}", sha256_hex(program())), program().to_vec());
        files.insert("missing.json".to_owned(), b"{\"missing\":[]}".to_vec());
        files.insert("report.html".to_owned(), b"<!doctype html>".to_vec());
        files.insert("prov.json".to_owned(), b"{}".to_vec());
        files.insert("ro-crate-metadata.json".to_owned(), b"{}".to_vec());
        if self.lie == Lie::WithheldReceipt {
            let receipt = self.app.section(pull_received(self), S::Evidence);
            files.remove(&format!(
                "evidence/{}",
                receipt["documents"][0]["sha256"].as_str().unwrap()
            ));
        }
        files
    }

    pub fn head(&self) -> ManifestHead {
        ManifestHead {
            case: CASE.to_owned(),
            party: self.app.did.parse().unwrap(),
            origin: self.app.origin.clone(),
            made_ms: self.app.now_ms,
            root: self.app.leaf(self.decision),
        }
    }

    /// The zip of these files, signed and logged with the app's keys, as the app itself would do it.
    pub fn seal(&self, files: &Files) -> Vec<u8> {
        let mut writer = DossierWriter::new(Cursor::new(Vec::new()), self.head());
        for (name, content) in files {
            writer.add(name, content).unwrap();
        }
        let unsigned = writer.finish().unwrap();
        let mut app = self.app.clone();
        let known = app.size();
        let facts = json!({"to": "court", "purpose": "appeal", "manifest": hex::encode(unsigned.manifest_digest())});
        let index = app.append(
            Kind::Disclosed,
            Draft {
                sections: vec![(S::Facts, facts)],
                ..Draft::default()
            },
        );
        let checkpoint = app.cosigned(app.size(), &[&self.witness]);
        let record = app.hand_over(index, &[S::Envelope, S::Facts], &checkpoint, Some(known));
        let text = unsigned.text_to_sign();
        assert_eq!(text, signed_text(&unsigned.manifest_digest()));
        let note = SignedNote::new(&text, vec![app.signer.sign(&text, 0)])
            .unwrap()
            .to_string();
        unsigned
            .seal(note.as_bytes(), &record.to_bytes().unwrap())
            .unwrap()
            .into_inner()
    }

    pub fn dossier(&self) -> Vec<u8> {
        self.seal(&self.files())
    }

    /// What the auditor got from the parties, the witness and the water board.
    pub fn anchors(&self) -> Value {
        let party = |log: &TestLog, name: &str, is_party: bool| {
            json!({"did": log.did, "name": name, "logs": [{"origin": log.origin, "verifierKey": log.signer.verifier().to_string(), "from": 0, "until": null}],
                "keys": anchor(&log.did), "party": is_party})
        };
        let board = self.board.checkpoint(self.board.size());
        let started = self.board.hand_over(self.last_started, &[S::StreamModel], &board, None);
        json!({"format": "herleid-anchors/1", "obtained": 1_592_500_000_000_u64, "quorum": 1,
            "parties": [party(&self.app, "App builder", true), party(&self.knmi, "KNMI", false), party(&self.board, "Water board", true)],
            "witnesses": [{"name": "Witness", "verifierKey": self.witness.verifier().to_string(), "outside": true}],
            "issuers": [issuer()], "checkpoints": [self.witnessed(&self.knmi).note().to_string()],
            "streams": [{"record": started.to_value().unwrap(), "kind": "stream-model", "of": {"model": MODEL, "consumer": self.app.did}}]})
    }
}

/// Index of the app's record of KNMI's delivery.
pub fn pull_received(world: &World) -> usize {
    (0..world.app.entries.len())
        .find(|index| world.app.section(*index, S::Envelope)["kind"] == "pull-received")
        .unwrap()
}

pub fn parse(anchors: &Value) -> Anchors {
    Anchors::parse(anchors.to_string().as_bytes()).unwrap()
}
