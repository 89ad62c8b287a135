//! COSE receipts (RFC 9942) as the Python package `scitt-cose` reads them, and proof files as Torchwood does.

use crate::tools::said;
use crate::world::{World, text_of};
use herleid_tests::connector::good;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says what the library makes of a receipt, its signed claims too, which the package's own command leaves out.
const CLAIMS: &str = "
import sys, scitt_cose
file, key, entry = sys.argv[1:]
result = scitt_cose.verify_receipt(open(file, 'rb').read(), leaf_entry_hex=entry, log_public_key_pem=open(key, 'rb').read())
print(result.ok, result.issuer, result.subject)
";

/// A receipt, the key that it is checked with, and the entry that it is of.
struct Given {
    file: PathBuf,
    key: PathBuf,
    entry: String,
}

/// What `scitt-cose` says of it.
fn read(world: &World, given: &Given) -> Value {
    let output = Command::new(world.tools.python("scitt-cose"))
        .arg("--json")
        .arg("--receipt")
        .arg(&given.file)
        .arg("--receipt-log-pubkey")
        .arg(&given.key)
        .args(["--leaf-entry-hex", &given.entry])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&output)));
    assert_eq!(
        output.status.success(),
        report["receipt"]["ok"] == true,
        "{}",
        said(&output)
    );
    report["receipt"].clone()
}

/// Has a record's proof written; the command's answer and the file.
pub(crate) fn exported(world: &World, form: &str, record: u64) -> (Value, PathBuf) {
    let file = world.folder.path().join(format!("{record}.{form}"));
    let answer = good(
        &world
            .provider
            .run(&["ledger", form, &record.to_string(), "--out", file.to_str().unwrap()]),
    );
    assert_eq!(answer["index"], record);
    (answer, file)
}

fn damaged(file: &Path, at: usize) -> PathBuf {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    let damaged = file.with_extension(format!("{at}.damaged"));
    std::fs::write(&damaged, bytes).unwrap();
    damaged
}

/// Receipts of records at the ends of tiles, and between.
pub(crate) fn scitt(world: &mut World) {
    let size = world.witnessed()["size"].as_u64().unwrap();
    let key = world.folder.path().join("log.pem");
    let mut last: Option<Given> = None;
    for record in [0, 100, 255, 256, size - 1] {
        let (answer, file) = exported(world, "receipt", record);
        std::fs::write(&key, text_of(&answer, "log_key_pem")).unwrap();
        let given = Given {
            file,
            key: key.clone(),
            entry: text_of(&answer, "entry"),
        };
        let found = read(world, &given);
        assert_eq!(
            (&found["ok"], found["leaf_index"].as_u64(), found["tree_size"].as_u64()),
            (&Value::Bool(true), Some(record), Some(size)),
            "{found}"
        );
        let output = Command::new(world.tools.python("python3"))
            .args(["-c", CLAIMS])
            .args([&given.file, &given.key])
            .arg(&given.entry)
            .output()
            .unwrap();
        let (did, origin) = (&world.provider.did, text_of(&world.provider.made, "origin"));
        assert_eq!(said(&output), format!("True {did} {origin}/{record}\n"));
        if let Some(before) = last.replace(given) {
            let given = last.as_ref().unwrap();
            let mixed = Given {
                file: given.file.clone(),
                key: key.clone(),
                entry: before.entry,
            };
            assert_eq!(read(world, &mixed)["ok"], false, "a receipt of another record");
        }
    }
    let given = last.unwrap();
    let length = std::fs::read(&given.file).unwrap().len();
    // In the signed header, in the proof, in the signature.
    for at in [8, length / 2, length - 70, length - 1] {
        let file = damaged(&given.file, at);
        let found = read(
            world,
            &Given {
                file,
                key: key.clone(),
                entry: given.entry.clone(),
            },
        );
        assert_eq!(found["ok"], false, "byte {at} of {length}: {found}");
    }
    let other = world.folder.path().join("other.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519"])
        .output()
        .unwrap();
    let private = world.folder.path().join("other.key");
    std::fs::write(&private, made.stdout).unwrap();
    let made = Command::new("openssl")
        .args(["pkey", "-pubout", "-in"])
        .arg(&private)
        .output()
        .unwrap();
    std::fs::write(&other, made.stdout).unwrap();
    let found = read(world, &Given { key: other, ..given });
    assert_eq!(
        (&found["ok"], found["failed_at"].as_str()),
        (&Value::Bool(false), Some("signature")),
        "{found}"
    );
    let none = world
        .provider
        .run(&["ledger", "receipt", &size.to_string(), "--out", "none"]);
    assert!(
        !none.status.success() && said(&none).contains("has no record"),
        "{}",
        said(&none)
    );
}

/// Proof files carry the cosignature along, and Torchwood asks for it.
pub(crate) fn proof_files(world: &World) {
    let (log, witness) = (world.key(), world.witness.verifier_key.clone());
    let check = |file: &Path, entry: &str| {
        world
            .tools
            .logcheck(&["proof", file.to_str().unwrap(), entry, &log, &witness])
    };
    let mut entries: Vec<String> = Vec::new();
    for record in [0, 200, 256] {
        let (answer, file) = exported(world, "proof", record);
        let entry = text_of(&answer, "entry");
        assert_eq!(answer["witnesses"][0], "witness.example/lite", "{answer}");
        check(&file, &entry).unwrap();
        for at in [30, 100, std::fs::read(&file).unwrap().len() - 10] {
            check(&damaged(&file, at), &entry).expect_err("a damaged proof file");
        }
        if let Some(before) = entries.last() {
            check(&file, before).expect_err("a proof file of another record");
        }
        entries.push(entry);
    }
}
