//! Documents, data and programs: each file's name is its digest, and each digest that a record names has a file.

use super::explanations::Explanations;
use super::files::Files;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use herleid_ledger::section::SectionName;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A file that a record names.
struct Named<'a> {
    source: &'a str,
    role: String,
    /// What records say of it: each must be so.
    blake3: BTreeSet<&'a str>,
    bytes: BTreeSet<u64>,
}

impl<'a> Named<'a> {
    fn new(source: &'a str, role: &str) -> Self {
        Self {
            source,
            role: role.to_owned(),
            blake3: BTreeSet::new(),
            bytes: BTreeSet::new(),
        }
    }
}

/// Files of the dossier that are known by name; others are listed as not checked.
const TEXTS: [&str; 4] = ["ro-crate-metadata.json", "prov.json", "report.html", "verify.py"];

/// Checks names and presence.
pub(super) fn check(files: &Files, records: &[Rec], explanations: &Explanations, findings: &mut Findings) {
    let mut evidence: BTreeMap<&str, Named<'_>> = BTreeMap::new();
    let mut data: BTreeMap<&str, Named<'_>> = BTreeMap::new();
    let mut models: BTreeMap<&str, Named<'_>> = BTreeMap::new();
    for rec in records {
        for (role, sha256) in rec.documents() {
            evidence.entry(sha256).or_insert_with(|| Named::new(&rec.source, role));
        }
        // A decision names what it relies on: outputs, which runs name as well, and what pulls brought.
        let relied = rec.section(SectionName::Facts).and_then(|facts| facts.get("reliesOn"));
        for relied in relied.and_then(Value::as_array).into_iter().flatten() {
            if let Some(sha256) = relied.get("sha256").and_then(Value::as_str) {
                data.entry(sha256)
                    .or_insert_with(|| Named::new(&rec.source, "reliesOn"));
            }
        }
        let Some(run) = rec.section(SectionName::Run) else {
            continue;
        };
        for list in ["inputs", "outputs"] {
            for file in run.get(list).and_then(Value::as_array).into_iter().flatten() {
                let text = |member: &str| file.get(member).and_then(Value::as_str);
                let Some(sha256) = text("sha256") else {
                    continue;
                };
                let named = data
                    .entry(sha256)
                    .or_insert_with(|| Named::new(&rec.source, text("name").unwrap_or(list)));
                named.blake3.extend(text("blake3"));
                named.bytes.extend(file.get("bytes").and_then(Value::as_u64));
            }
        }
        let text = |member: &str| run.get(member).and_then(Value::as_str);
        if let Some(program) = text("program") {
            let role = text("model").unwrap_or("program");
            models.entry(program).or_insert_with(|| Named::new(&rec.source, role));
        }
    }
    for (check, folder, what, named) in [
        (Check::Evidence, "evidence", "evidence", &evidence),
        (Check::Data, "data", "data", &data),
        (Check::Model, "models", "model", &models),
    ] {
        for (sha256, named) in named {
            let file = format!("{folder}/{sha256}");
            match files.found.get(&file) {
                Some(found) => {
                    let blake3 = hex::encode(found.blake3);
                    let blake3_fits = named.blake3.iter().all(|said| *said == blake3);
                    let bytes_fit = named.bytes.iter().all(|said| *said == found.bytes);
                    if hex::encode(found.sha256) != *sha256 || !bytes_fit {
                        findings.failed(check, file, Reason::NotItsDigest);
                    } else if blake3_fits {
                        findings.verified(check, file);
                    } else {
                        let source = named.source.to_owned();
                        findings.failed(check, file, Reason::OtherBlake3 { source });
                    }
                }
                None => {
                    let reason = Reason::NoFile {
                        role: named.role.clone(),
                        source: named.source.to_owned(),
                    };
                    let explained = explanations.file(what, sha256);
                    if check == Check::Model {
                        // "Where the licence allows": its absence stands in the way of replay, not of the verdict.
                        findings.unchecked(check, file, reason);
                    } else {
                        findings.missing(check, file, reason, explained);
                    }
                }
            }
        }
        unnamed(check, folder, named, files, findings);
    }
    for name in files.found.keys().filter(|name| TEXTS.contains(&name.as_str())) {
        findings.unchecked(Check::Text, name, Reason::OnlyListed);
    }
    for name in files.found.keys().filter(|name| !is_known(name)) {
        findings.unchecked(Check::File, name, Reason::UnknownFile);
    }
}

/// Files that no record names: their names must be their digests all the same.
fn unnamed(check: Check, folder: &str, named: &BTreeMap<&str, Named<'_>>, files: &Files, findings: &mut Findings) {
    for (name, found) in &files.found {
        let Some((_, sha256)) = name.split_once('/').filter(|(parent, _)| *parent == folder) else {
            continue;
        };
        if named.contains_key(sha256) {
            continue;
        }
        if hex::encode(found.sha256) == sha256 {
            findings.unchecked(check, name, Reason::NamedByNoRecord);
        } else {
            findings.failed(check, name, Reason::NotItsDigest);
        }
    }
}

fn is_known(name: &str) -> bool {
    let in_folder = ["records/", "checkpoints/", "evidence/", "data/", "models/"];
    TEXTS.contains(&name)
        || [super::logs::LOGS, super::explanations::MISSING].contains(&name)
        || in_folder.iter().any(|folder| name.starts_with(folder))
}
