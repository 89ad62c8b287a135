//! The zip: what is written reads back, what is not exactly so is refused.

mod hostile;

use super::*;
use std::io::{Cursor, Read};

pub(super) fn head() -> ManifestHead {
    ManifestHead {
        case: "Z-2020-17 \u{20ac}".to_owned(),
        party: "did:web:app.example".parse().unwrap(),
        origin: "app.example/log/1".to_owned(),
        made_ms: 1_592_402_400_000,
        root: [7; 32],
    }
}

pub(super) fn sample() -> Vec<u8> {
    let mut writer = DossierWriter::new(Cursor::new(Vec::new()), head());
    writer
        .add("data/a.csv", "260,2020-06-17,513\n".repeat(50).as_bytes())
        .unwrap();
    writer.add("empty", b"").unwrap();
    writer.add("stored.bin", &[1, 2, 3]).unwrap();
    let unsigned = writer.finish().unwrap();
    unsigned.seal(b"note\n", b"{}").unwrap().into_inner()
}

pub(super) fn files(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let mut archive = Archive::open(Cursor::new(bytes))?;
    let names: Vec<String> = archive.entries().map(|entry| entry.name.to_owned()).collect();
    names
        .into_iter()
        .map(|name| archive.read(&name, 1 << 20).map(|content| (name, content)))
        .collect()
}

#[test]
fn what_is_written_reads_back_and_repeats() {
    let bytes = sample();
    assert_eq!(bytes, sample());
    let files = files(&bytes).unwrap();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "data/a.csv",
            "empty",
            MANIFEST,
            MANIFEST_SIGNATURE,
            MANIFEST_PROOF,
            "stored.bin"
        ]
    );
    let manifest = Manifest::parse(&files[2].1).unwrap();
    assert_eq!(manifest.head, head());
    assert_eq!(manifest.files.len(), 3);
    for (name, content) in &files {
        if let Some(listed) = manifest.files.get(&FileName::parse(name.as_bytes()).unwrap()) {
            assert_eq!(
                (listed.sha256, listed.bytes),
                (manifest::sha256(content), content.len() as u64)
            );
        }
    }
}

#[test]
fn a_manifest_has_one_form() {
    let bytes = files(&sample()).unwrap().swap_remove(2).1;
    let text = String::from_utf8(bytes).unwrap();
    for (from, to) in [
        ("herleid-dossier/1", "herleid-dossier/2"),
        ("\"bytes\":3", "\"bytes\":3,\"more\":1"),
        ("\"bytes\":3", "\"bytes\":-3"),
        ("\"bytes\":3", "\"bytes\": 3"),
        ("\"bytes\":3", "\"bytes\":9007199254740992"),
        ("stored.bin", "../stored"),
        ("\"root\":\"0707", "\"root\":\"07"),
        ("\"root\":\"0707", "\"root\":\"ABCD"),
        ("did:web:app.example", "did:other:x"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(Manifest::parse(changed.as_bytes()).is_err(), "{changed}");
    }
}

#[test]
fn a_file_longer_than_the_buffer_is_stored_as_it_passes() {
    let long = 9u64 << 20;
    let mut writer = DossierWriter::new(Cursor::new(Vec::new()), head());
    let (digest, bytes) = writer
        .add_reader("data/long", std::io::repeat(b'x').take(long))
        .unwrap();
    writer.add("after", b"still in place").unwrap();
    let bytes_out = writer.finish().unwrap().seal(b"", b"").unwrap().into_inner();
    assert_eq!(bytes, long);
    let mut archive = Archive::open(Cursor::new(bytes_out)).unwrap();
    let digests = archive.digests("data/long").unwrap();
    assert_eq!((digests.sha256, digests.bytes), (digest, long));
    assert_eq!(archive.read("after", 100).unwrap(), b"still in place");
    assert!(matches!(
        archive.read("data/long", 100),
        Err(ArchiveError::TooLong { limit: 100, .. })
    ));
}

#[test]
fn the_writer_refuses_names_that_its_reader_would() {
    let mut writer = DossierWriter::new(Cursor::new(Vec::new()), head());
    writer.add("a/b", b"1").unwrap();
    for name in [
        "a/b",
        "A/B",
        "a",
        "a/b/c",
        "../x",
        "manifest.json",
        "manifest.json.sig",
        "",
    ] {
        assert!(writer.add(name, b"2").is_err(), "{name}");
    }
    writer.add("a/c", b"3").unwrap();
}

#[test]
fn very_repetitive_files_are_stored_so_that_no_dossier_of_ours_looks_like_a_bomb() {
    let mut writer = DossierWriter::new(Cursor::new(Vec::new()), head());
    for name in ["1", "2", "3", "4", "5"] {
        writer.add(name, &vec![0; 8 << 20]).unwrap();
    }
    let bytes = writer.finish().unwrap().seal(b"", b"").unwrap().into_inner();
    assert!(Archive::open(Cursor::new(&bytes)).is_ok());
}

#[test]
fn a_manifest_lists_objects() {
    let files = files(&sample()).unwrap();
    let (_, manifest) = files.iter().find(|(name, _)| name == MANIFEST).unwrap();
    let mut value: serde_json::Value = serde_json::from_slice(manifest).unwrap();
    let listed = value["files"]["empty"].clone();
    value["files"]["empty"] = serde_json::json!([listed["sha256"], listed["bytes"]]);
    let bytes = herleid_vocab::json::canonical(&value).unwrap();
    assert!(matches!(Manifest::parse(&bytes), Err(ManifestError::Members(_))));
}
