//! One flipped byte in each file, alone and with everything recomputed that needs no key.

use crate::judge::{Case, judge};
use crate::log::{sha256, sha256_hex};
use crate::world::{Lie, World};
use crate::zip::{rezip, unzip};
use herleid_verifier::Verdict;
use herleid_verifier::dossier::{FileName, MANIFEST, MANIFEST_PROOF, MANIFEST_SIGNATURE, Manifest};

fn flip(content: &[u8]) -> Vec<u8> {
    let mut flipped = content.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    flipped
}

#[test]
fn a_flipped_byte_in_any_file_fails_and_is_named() {
    let world = World::new("real", Lie::None);
    let files = unzip(&world.dossier());
    assert!(files.len() > 50);
    let cases = (0..files.len()).map(|i| {
        let mut changed = files.clone();
        changed[i].1 = flip(&changed[i].1);
        Case::new(files[i].0.clone(), rezip(&changed), Some(world.anchors()))
    });
    for judged in judge(cases.collect()) {
        // A manifest that reads well and differs shows in what was signed: its digest.
        let named = if judged.name == MANIFEST {
            "manifest.json"
        } else {
            &judged.name
        };
        judged.expect(Verdict::Failed, named);
    }
}

/// What somebody can do who has no key: rename files that are named by digest, and list the new digests.
fn relisted(files: &[(String, Vec<u8>)], at: usize) -> Vec<(String, Vec<u8>)> {
    let mut files = files.to_vec();
    files[at].1 = flip(&files[at].1);
    let old = files[at].0.clone();
    for folder in ["evidence/", "data/", "models/"] {
        if old.starts_with(folder) {
            files[at].0 = format!("{folder}{}", sha256_hex(&files[at].1));
        }
    }
    let place = files.iter().position(|(name, _)| name == MANIFEST).unwrap();
    let mut manifest = Manifest::parse(&files[place].1).unwrap();
    let mut listed = manifest
        .files
        .remove(&FileName::parse(old.as_bytes()).unwrap())
        .unwrap();
    listed.sha256 = sha256(&files[at].1);
    manifest
        .files
        .insert(FileName::parse(files[at].0.as_bytes()).unwrap(), listed);
    files[place].1 = manifest.to_bytes().unwrap();
    files
}

#[test]
fn a_flipped_byte_with_all_unkeyed_digests_recomputed_fails() {
    let world = World::new("real", Lie::None);
    let files = unzip(&world.dossier());
    let unlisted = [MANIFEST, MANIFEST_SIGNATURE, MANIFEST_PROOF];
    let listed = (0..files.len()).filter(|i| !unlisted.contains(&files[*i].0.as_str()));
    let cases = listed.map(|i| Case::new(files[i].0.clone(), rezip(&relisted(&files, i)), Some(world.anchors())));
    for judged in judge(cases.collect()) {
        judged.expect(Verdict::Failed, "manifest.json.sig");
    }
}

#[test]
fn a_flipped_byte_that_the_party_itself_signs_again_is_not_verified() {
    let world = World::new("real", Lie::None);
    let files = world.files();
    let keyed = [
        "records/",
        "checkpoints/",
        "evidence/",
        "data/",
        "logs.json",
        "missing.json",
    ];
    let names = files
        .keys()
        .filter(|name| keyed.iter().any(|prefix| name.starts_with(prefix)));
    let cases = names.map(|name| {
        let mut changed = files.clone();
        let content = flip(&changed.remove(name).unwrap());
        let renamed = match name.split_once('/') {
            Some((folder @ ("evidence" | "data"), _)) => format!("{folder}/{}", sha256_hex(&content)),
            _ => name.clone(),
        };
        changed.insert(renamed, content);
        Case::new(name.clone(), world.seal(&changed), Some(world.anchors()))
    });
    let judged = judge(cases.collect());
    assert!(judged.len() > 40);
    for judged in judged {
        let expected = match judged.name.split('/').next() {
            Some("evidence" | "data") => Verdict::Missing,
            _ => Verdict::Failed,
        };
        judged.expect(expected, &judged.name);
    }
}
