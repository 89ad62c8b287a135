//! The files of a dossier (docs/dossier-format.md).

use super::closure::{Closure, documents};
use super::foreign::ForeignRecords;
use crate::commands::Failure;
use crate::control::protocol::Dossier;
use crate::node::Node;
use crate::state::digest_bytes;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::note::{SignedNote, Verifier};
use herleid_ledger::section::SectionName;
use herleid_ledger::{At, StoredRecord};
use herleid_verifier::case::{Case, CaseRecord};
use herleid_verifier::dossier::{DossierWriter, ManifestHead, Unsigned};
use herleid_verifier::report::{self, NotThere};
use herleid_verifier::{prov, ro_crate};
use herleid_vocab::did::Did;
use herleid_vocab::json;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The verifier as released, for convenience: a copy in the dossier proves nothing.
const VERIFY_PY: &[u8] = include_bytes!("../../../ledger/verifier/verify.py");

/// A dossier that still needs its signature and its place in the log. Until then it lies under another name.
pub(super) struct Written {
    unsigned: Unsigned<File>,
    temporary: tempfile::TempPath,
    out: PathBuf,
    size: u64,
}

/// Writes everything but the signature and the proof of the manifest.
pub(super) fn write(
    node: &Node,
    request: &Dossier,
    closure: &Closure,
    foreign: &[ForeignRecords],
    missing: Vec<Value>,
) -> Result<Written, Failure> {
    let out = request.out.clone();
    if out.exists() {
        return Err(
            Failure::usage(format!("`{}` exists; nothing is overwritten", out.display())).next("name another file"),
        );
    }
    let failed = |e: &dyn std::fmt::Display| Failure::failed(format!("`{}` cannot be written: {e}", out.display()));
    let folder = out
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let (file, temporary) = tempfile::Builder::new()
        .prefix(".dossier-")
        .tempfile_in(folder)
        .map_err(|e| failed(&e))?
        .into_parts();
    let decision = closure
        .records
        .get(&closure.decision)
        .ok_or_else(|| Failure::failed("the decision is not in its own closure"))?;
    let root = *decision.leaf();
    let head = ManifestHead {
        case: request.case.clone(),
        party: node.did.clone(),
        origin: node.ledger.origin().to_owned(),
        made_ms: node.now_ms(),
        root,
    };
    let mut writer = DossierWriter::new(file, head.clone());
    let mut add = |name: &str, bytes: &[u8]| writer.add(name, bytes).map_err(|e| failed(&e));

    let own = own_records(node, closure)?;
    let size = own.checkpoint_size;
    let mut logs = vec![
        json!({"k": 0, "did": node.did.as_str(), "origin": node.ledger.origin(), "verifierKey": node.ledger.verifier().to_string()}),
    ];
    add("checkpoints/0.txt", own.checkpoint.as_bytes())?;
    for (index, record) in &own.records {
        add(
            &format!("records/0/{index}.json"),
            &record.to_bytes().map_err(Failure::failed)?,
        )?;
    }
    for (k, log) in foreign.iter().enumerate().map(|(n, log)| (n + 1, log)) {
        logs.push(
            json!({"k": k, "did": log.log.did.as_str(), "origin": log.log.origin, "verifierKey": log.log.verifier_key}),
        );
        add(&format!("checkpoints/{k}.txt"), log.checkpoint.as_bytes())?;
        for (index, record) in &log.records {
            add(
                &format!("records/{k}/{index}.json"),
                &record.to_bytes().map_err(Failure::failed)?,
            )?;
        }
    }
    add("logs.json", &json::canonical(&Value::Array(logs))?)?;
    let (data, models) = files(closure.records.values());
    let mut missing = missing;
    for sha256 in evidence(closure) {
        match digest_bytes(&sha256).map(|d| node.ledger.evidence(&d)).transpose()?.flatten() {
            Some(bytes) => add(&format!("evidence/{sha256}"), &bytes)?,
            None => missing.push(json!({"what": "evidence", "id": sha256, "why": "withheld", "explanation": "the document is not kept here any more"})),
        }
    }
    for (folder, what, digests) in [("data", "data", data), ("models", "model", models)] {
        for sha256 in digests {
            match node.payloads.read(&sha256) {
                Ok(bytes) => add(&format!("{folder}/{sha256}"), &bytes)?,
                // Why a program is not there was said if it could not be fetched.
                Err(_)
                    if missing
                        .iter()
                        .any(|m| m.get("id").and_then(Value::as_str) == Some(&sha256)) => {}
                Err(error) => {
                    missing
                        .push(json!({"what": what, "id": sha256, "why": "withheld", "explanation": error.to_string()}));
                }
            }
        }
    }
    add("missing.json", &json::canonical(&json!({"missing": missing}))?)?;
    let case = case(node, &own, foreign, &root)?;
    let not_there: Vec<NotThere> = missing.iter().map(not_there).collect();
    add("report.html", report::html(&case, &not_there, head.made_ms).as_bytes())?;
    add("prov.json", &prov::json(&case)?)?;
    add("verify.py", VERIFY_PY)?;
    let metadata = ro_crate::metadata(&case, &head, writer.files())?;
    writer.add(ro_crate::NAME, &metadata).map_err(|e| failed(&e))?;
    let unsigned = writer.finish().map_err(|e| failed(&e))?;
    Ok(Written {
        unsigned,
        temporary,
        out,
        size,
    })
}

struct Own {
    records: BTreeMap<u64, HandedOver>,
    checkpoint: String,
    checkpoint_size: u64,
}

/// Our records, all opened but what is private, all under one witnessed checkpoint.
fn own_records(node: &Node, closure: &Closure) -> Result<Own, Failure> {
    // While they are handed over, a newer checkpoint may be cosigned; then all are done again under that one.
    for _ in 0..10 {
        let Some(cosigned) = node.ledger.cosigned() else { break };
        let mut records = BTreeMap::new();
        for (index, stored) in &closure.records {
            records.insert(
                *index,
                node.ledger.hand_over(*index, &opened(stored), None, At::Cosigned)?,
            );
        }
        let checkpoint = cosigned.note().to_string();
        if records.values().all(|r| r.checkpoint == checkpoint) {
            return Ok(Own {
                records,
                checkpoint,
                checkpoint_size: cosigned.size(),
            });
        }
    }
    Err(
        Failure::failed("the log grows faster than its records can be handed over")
            .next("try again when it is quieter"),
    )
}

fn opened(stored: &StoredRecord) -> Vec<SectionName> {
    stored
        .sections()
        .keys()
        .copied()
        .filter(|name| *name != SectionName::Private)
        .collect()
}

/// SHA-256 of every document that the records name.
fn evidence(closure: &Closure) -> BTreeSet<String> {
    let documents = closure.records.values().flat_map(documents);
    documents.map(|(_, sha256)| sha256).collect()
}

/// SHA-256 of the inputs and outputs of runs and of what a decision relies on, and of the runs' programs.
pub(crate) fn files<'a>(records: impl Iterator<Item = &'a StoredRecord>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut data, mut models) = (BTreeSet::new(), BTreeSet::new());
    for record in records {
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        for relied in facts.get("reliesOn").and_then(Value::as_array).into_iter().flatten() {
            data.extend(relied.get("sha256").and_then(Value::as_str).map(str::to_owned));
        }
        let Some(run) = record.value(SectionName::Run) else {
            continue;
        };
        for list in ["inputs", "outputs"] {
            for file in run.get(list).and_then(Value::as_array).into_iter().flatten() {
                data.extend(file.get("sha256").and_then(Value::as_str).map(str::to_owned));
            }
        }
        models.extend(run.get("program").and_then(Value::as_str).map(str::to_owned));
    }
    (data, models)
}

fn not_there(entry: &Value) -> NotThere {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    NotThere {
        what: text("what"),
        id: text("id"),
        why: text("why"),
        explanation: text("explanation"),
    }
}

/// The case as the records tell it: for people and for other programs.
fn case(node: &Node, own: &Own, foreign: &[ForeignRecords], root: &[u8; 32]) -> Result<Case, Failure> {
    let mut verified = Vec::new();
    let own_key = node.ledger.verifier().clone();
    for record in own.records.values() {
        verified.push((node.did.clone(), record.verify(&own_key).map_err(Failure::failed)?));
    }
    for log in foreign {
        let key = Verifier::parse(&log.log.verifier_key).map_err(Failure::failed)?;
        for record in log.records.values() {
            verified.push((log.log.did.clone(), record.verify(&key).map_err(Failure::failed)?));
        }
    }
    let mut case = Case::gather(
        verified
            .iter()
            .map(|(did, record): &(Did, _)| CaseRecord { did, record }),
        root,
    );
    case.names
        .insert(node.did.to_string(), node.config.participant.name.clone());
    Ok(case)
}

impl Written {
    /// SHA-256 of the manifest.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.unsigned.manifest_digest()
    }

    /// The size of the checkpoint that the records carry: the manifest's own record may have a later one, and then proves that
    /// it extends this.
    pub(super) fn consistency_from(&self) -> Option<u64> {
        Some(self.size)
    }

    /// Signs, adds the proof, syncs, and gives the file its name.
    pub(super) fn seal(self, node: &Node, proof: &HandedOver) -> Result<PathBuf, Failure> {
        let Self {
            unsigned,
            temporary,
            out,
            ..
        } = self;
        let failed = |e: &dyn std::fmt::Display| Failure::failed(format!("`{}` cannot be written: {e}", out.display()));
        let text = unsigned.text_to_sign();
        let line = node.manifests.sign(&text, node.now_ms() / 1000);
        let note = SignedNote::new(&text, vec![line]).map_err(|e| failed(&e))?.to_string();
        let file = unsigned
            .seal(note.as_bytes(), &proof.to_bytes().map_err(|e| failed(&e))?)
            .map_err(|e| failed(&e))?;
        file.sync_all().map_err(|e| failed(&e))?;
        temporary.persist_noclobber(&out).map_err(|e| failed(&e.error))?;
        Ok(out)
    }
}
