//! The manifest against the files of the zip.

use super::reason::Reason;
use super::verdict::{Check, Findings};
use crate::dossier::{
    Archive, Digests, FileName, MANIFEST, MANIFEST_PROOF, MANIFEST_SIGNATURE, Manifest, manifest::MAX_MANIFEST_BYTES,
    manifest::sha256,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

/// The manifest as read, and the digests of all files as found.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) manifest: Manifest,
    pub(super) digest: [u8; 32],
    /// Of every listed file that is there, whether it is as listed or not.
    pub(super) found: BTreeMap<String, Digests>,
}

/// Reads the manifest and compares every file with it. `None` when there is no manifest to compare with.
pub(super) fn check<R: Read + Seek>(archive: &mut Archive<R>, findings: &mut Findings) -> Option<Files> {
    let bytes = match archive.read(MANIFEST, MAX_MANIFEST_BYTES as u64) {
        Ok(bytes) => bytes,
        Err(error) => {
            findings.failed(Check::Manifest, MANIFEST, Reason::refused(error));
            return None;
        }
    };
    let manifest = match Manifest::parse(&bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            findings.failed(Check::Manifest, MANIFEST, Reason::refused(error));
            return None;
        }
    };
    let before = findings.elements.len();
    let listed: BTreeSet<&str> = manifest.files.keys().map(FileName::as_str).collect();
    let names: Vec<String> = archive.entries().map(|entry| entry.name.to_owned()).collect();
    for name in &names {
        let is_listed = listed.contains(name.as_str());
        let is_manifest = [MANIFEST, MANIFEST_SIGNATURE, MANIFEST_PROOF].contains(&name.as_str());
        if is_manifest == is_listed {
            // Neither: smuggled in. Both: a manifest cannot hold its own digest.
            findings.failed(Check::File, name, Reason::NotListed);
        }
    }
    let mut found = BTreeMap::new();
    for (name, listed) in &manifest.files {
        if !archive.contains(name.as_str()) {
            findings.failed(Check::File, name.as_str(), Reason::ListedButAbsent);
            continue;
        }
        match archive.digests(name.as_str()) {
            Err(error) => findings.failed(Check::File, name.as_str(), Reason::refused(error)),
            Ok(digests) => {
                if (digests.sha256, digests.bytes) != (listed.sha256, listed.bytes) {
                    findings.failed(Check::File, name.as_str(), Reason::OtherDigest);
                }
                found.insert(name.to_string(), digests);
            }
        }
    }
    if findings.elements.len() == before {
        let count = manifest.files.len() as u64;
        findings.verified_as(Check::Manifest, MANIFEST, Reason::Files { count });
    }
    Some(Files {
        digest: sha256(&bytes),
        manifest,
        found,
    })
}
