//! What lies on a connector's disk: marks, and every file in which one of them stands.

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};

/// Letters and digits of a mark: so many that no store can make it shorter by what stands near it, and it lies in a compressed table as it is.
const LENGTH: usize = 40;
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A text that stands nowhere else, also not in what another run of the same test left.
pub fn mark() -> String {
    let mut text = String::new();
    for _ in 0..LENGTH {
        let drawn = usize::try_from(RandomState::new().build_hasher().finish() % LETTERS.len() as u64).unwrap();
        text.push(char::from(LETTERS[drawn]));
    }
    text
}

/// Every file of a connector in which a mark stands, as it is or in hexadecimal digits: what is in its storage directory, and where its models run
/// when it runs as root.
pub fn files_with(storage: &Path, mark: &str) -> Vec<PathBuf> {
    let hex: String = mark.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut folders = vec![storage.to_owned()];
    let beside = fs::read_dir("/var/tmp").into_iter().flatten().flatten();
    let is_of_jobs = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("herleid-jobs-");
    folders.extend(beside.filter(is_of_jobs).map(|entry| entry.path()));
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        // What goes at this moment is not there any more.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path)
                && [mark, &hex].iter().any(|text| contains(&bytes, text.as_bytes()))
            {
                found.push(path);
            }
        }
    }
    found
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| Some(byte) == text.first()) {
        rest = &rest[at..];
        if rest.starts_with(text) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}
