//! Files that are no dossiers, or want to hurt the one who opens them.

use crate::judge::{Case, judge};
use crate::world::{Lie, World};
use crate::zip::{Raw, rezip, unzip, zip};
use herleid_verifier::Verdict;

#[test]
fn structure_that_is_not_the_one_form_fails() {
    let world = World::new("real", Lie::None);
    let whole = world.dossier();
    let files = unzip(&whole);
    let with = |extra: Raw| {
        let mut entries: Vec<Raw> = files.iter().map(|(name, content)| Raw::stored(name, content)).collect();
        entries.push(extra);
        zip(&entries)
    };
    let mut cases = vec![
        ("truncated", whole[..whole.len() / 2].to_vec()),
        ("truncated", whole[..whole.len() - 1].to_vec()),
        ("", Vec::new()),
        ("", b"no zip at all, but longer than an end record".to_vec()),
        ("after", [whole.as_slice(), b"junk"].concat()),
        ("data/x", with(Raw::stored("data/x", b"not listed"))),
        ("missing.json", with(Raw::stored("missing.json", b"twice"))),
        ("MISSING.json", with(Raw::stored("MISSING.json", b"in capitals"))),
        ("../evil", with(Raw::stored("../evil", b"1"))),
        ("/evil", with(Raw::stored("/evil", b"1"))),
        ("logs.json/x", with(Raw::stored("logs.json/x", b"1"))),
        ("bomb", with(Raw::zeroes("bomb", 100, 10))),
    ];
    let gigabytes: Vec<Raw> = (0..10)
        .map(|i| Raw::zeroes(&format!("data/{i}"), 1000, 1 << 30))
        .collect();
    cases.push(("10737418240", zip(&gigabytes)));
    cases.push(("", zip(&[Raw::zeroes("data/0", 64 << 20, 64 << 20)])));
    let cases = cases
        .into_iter()
        .map(|(name, dossier)| Case::new(name, dossier, Some(world.anchors())));
    for judged in judge(cases.collect()) {
        judged.expect(Verdict::Failed, &judged.name);
    }
}

/// Any flipped bit of headers, names, or directory; contents have their own test.
#[test]
fn any_flip_in_the_zips_structure_fails() {
    let world = World::new("real", Lie::None);
    let keep = ["logs.json", "missing.json", "manifest.json", "records/1/0.json"];
    let files: Vec<_> = unzip(&world.dossier())
        .into_iter()
        .filter(|(name, _)| keep.contains(&name.as_str()))
        .collect();
    let whole = rezip(&files);
    let mut structure: Vec<usize> = Vec::new();
    let mut at = 0;
    for (name, content) in &files {
        structure.extend(at..at + 30 + name.len());
        at += 30 + name.len() + content.len();
    }
    structure.extend(at..whole.len());
    let cases = structure.iter().map(|place| {
        let mut flipped = whole.clone();
        flipped[*place] ^= 0x10;
        Case::new(format!("byte {place}"), flipped, Some(world.anchors()))
    });
    for judged in judge(cases.collect()) {
        assert_eq!(judged.report.verdict, Verdict::Failed, "{}", judged.name);
        let failed = judged.listed(Verdict::Failed);
        assert!(
            failed.iter().all(|line| line.starts_with("Archive")),
            "{}: {failed:?}",
            judged.name
        );
    }
}
