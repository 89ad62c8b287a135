//! The order of system calls, seen from outside: a kill alone cannot show a missing sync, since the kernel keeps what the
//! process wrote.

use crate::child::{Ack, large_document};
use crate::judge::Said;
use crate::{Outcome, this_binary};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// One system call. Lines number the order in which the tracer saw calls begin and end.
#[derive(Debug, Clone)]
struct Call {
    name: String,
    /// What stands between the brackets, still in hex escapes.
    arguments: String,
    began: usize,
    ended: usize,
}

impl Call {
    /// Path behind the first file descriptor: `5<\x2f\x74...>`.
    fn path(&self) -> String {
        let inner = self
            .arguments
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once('>'));
        inner.map(|(path, _)| unescape(path)).unwrap_or_default()
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        self.arguments.contains(&escape(bytes))
    }

    fn is_write(&self) -> bool {
        matches!(self.name.as_str(), "write" | "pwrite64" | "writev")
    }

    fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync")
    }
}

fn escape(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn unescape(text: &str) -> String {
    let bytes: Vec<u8> = text
        .split("\\x")
        .filter_map(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok())
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads `strace -f -y -xx`, joining calls that another thread's lines cut in two.
fn parse(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: HashMap<&str, usize> = HashMap::new();
    for (line_number, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let index = open.remove(thread).expect("a call that was cut in two");
            assert!(resumed.starts_with(&calls[index].name), "{line}");
            assert!(!resumed.contains("= -1"), "a call failed: {line}");
            calls[index].ended = line_number;
        } else if let Some((name, arguments)) = rest.split_once('(') {
            let unfinished = arguments.ends_with("<unfinished ...>");
            assert!(
                unfinished || !arguments.contains(") = -1") || name.starts_with("rename"),
                "a call failed: {line}"
            );
            if unfinished {
                open.insert(thread, calls.len());
            }
            calls.push(Call {
                name: name.to_owned(),
                arguments: arguments.to_owned(),
                began: line_number,
                ended: if unfinished { usize::MAX } else { line_number },
            });
        }
    }
    calls
}

/// The sync of `path` that began after `written` ended; the earliest to end.
fn synced_after<'a>(calls: &'a [Call], path: &str, written: &Call) -> Option<&'a Call> {
    let syncs = calls
        .iter()
        .filter(|call| call.is_sync() && call.began > written.ended && call.path() == path);
    syncs.min_by_key(|call| call.ended)
}

pub(crate) fn check() -> Outcome {
    if !Command::new("strace")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return Outcome::Skipped("`strace` is not installed".to_owned());
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log-of-knmi");
    let trace = dir.path().join("trace");
    let child = this_binary();
    // Forty records: the keys' write-ahead log stays within its first block of 32 KiB, so that no id is cut in two.
    let output = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-xx",
            "-s",
            "1000000",
            "-e",
            "trace=fsync,fdatasync,write,pwrite64,writev,rename,renameat,renameat2",
        ])
        .arg("-o")
        .arg(&trace)
        .arg(child.get_program())
        .args(child.get_args())
        .args(["append", &log.display().to_string(), "4", "10"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("Operation not permitted") {
        return Outcome::Skipped(format!("this machine does not let processes be traced: {said}"));
    }
    assert!(output.status.success(), "{said}");
    let mut said = Said::default();
    said.read(&output.stdout);
    assert_eq!((said.acks.len(), said.states.len()), (40, 8));
    let calls = parse(&std::fs::read_to_string(&trace).unwrap());
    let mut documents = 0;
    for ack in &said.acks {
        let line = format!("ack {} {} ", ack.index, ack.leaf);
        let printed = calls.iter().find(|call| call.is_write() && call.holds(line.as_bytes()));
        let printed = printed.expect("the acknowledgement in the trace");
        documents += usize::from(check_one(&calls, &log, ack, printed));
    }
    assert_eq!(documents, 8);
    for key in &said.states {
        check_state(&calls, &log, key);
    }
    Outcome::Passed
}

fn into_wal(call: &Call, log: &Path, store: &str) -> bool {
    let path = call.path();
    call.is_write() && path.starts_with(&log.join(store).display().to_string()) && path.ends_with(".log")
}

/// State that is written alone is answered for after its sync, too.
fn check_state(calls: &[Call], log: &Path, key: &str) {
    let line = format!("ack-state {key}\n");
    let printed = calls.iter().find(|call| call.is_write() && call.holds(line.as_bytes()));
    let printed = printed.expect("the acknowledgement in the trace");
    let writes = calls
        .iter()
        .filter(|call| into_wal(call, log, "log") && call.holds(key.as_bytes()));
    let write = writes.max_by_key(|call| call.ended);
    let write = write.unwrap_or_else(|| panic!("`{key}`: no write of it"));
    let synced = synced_after(calls, &write.path(), write).expect("a sync of the state");
    assert!(
        synced.ended < printed.began,
        "`{key}`: acknowledged before it was synced"
    );
}

/// Checks one acknowledgement; tells whether it had a document.
fn check_one(calls: &[Call], log: &Path, ack: &Ack, printed: &Call) -> bool {
    let id: Vec<u8> = hex::decode(ack.id.replace('-', "")).unwrap();
    let keys = calls.iter().find(|call| into_wal(call, log, "keys") && call.holds(&id));
    let keys = keys.unwrap_or_else(|| panic!("record {}: no write of its keys", ack.index));
    let writes = calls
        .iter()
        .filter(|call| into_wal(call, log, "log") && call.holds(ack.marker.as_bytes()));
    let batch = writes.max_by_key(|call| call.ended);
    let batch = batch.unwrap_or_else(|| panic!("record {}: no write of its batch", ack.index));
    let keys_synced = synced_after(calls, &keys.path(), keys).expect("a sync of the keys");
    let batch_synced = synced_after(calls, &batch.path(), batch).expect("a sync of the batch");
    assert!(
        keys_synced.ended < batch.began,
        "record {}: written before its keys were synced",
        ack.index
    );
    assert!(
        batch_synced.ended < printed.began,
        "record {}: acknowledged before it was synced",
        ack.index
    );

    let digest = hex::encode(Sha256::digest(large_document(&ack.marker)));
    let renamed = calls
        .iter()
        .find(|call| call.name.starts_with("rename") && call.holds(digest.as_bytes()));
    let Some(renamed) = renamed else { return false };
    let written = calls
        .iter()
        .find(|call| call.is_write() && call.path().contains("/evidence/tmp/") && call.holds(ack.marker.as_bytes()));
    let written = written.expect("the document's bytes");
    let file_synced = synced_after(calls, &written.path(), written).expect("a sync of the document");
    assert!(
        file_synced.ended < renamed.began,
        "record {}: a document got its name before it was synced",
        ack.index
    );
    let folder = log.join("evidence").join(&digest[..2]).display().to_string();
    let folder_synced = synced_after(calls, &folder, renamed).expect("a sync of the document's folder");
    assert!(
        folder_synced.ended < batch.began,
        "record {}: written before its document was durable",
        ack.index
    );
    true
}
