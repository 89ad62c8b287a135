//! What is written from the list of keys: the file of `herleid init`, and the documentation.

use super::super::keys::{Absent, KEYS};
use super::super::{NewParticipant, commented_file};
use super::{assert_says, read, read_with, refused};
use crate::messages::{Language, Messages};
use std::path::Path;

fn new_file(tls: Option<(&str, &str)>) -> String {
    commented_file(&NewParticipant {
        did: &"did:web:localhost%3A7101".parse().unwrap(),
        name: "Waterschap \"Noord\"",
        address: "127.0.0.1:7101".parse().unwrap(),
        public_url: "https://localhost:7101",
        origin: "localhost:7101/log/1",
        tls,
    })
}

#[test]
fn the_written_file_is_a_configuration_also_with_every_comment_taken_away() {
    let text = new_file(Some(("tls.pem", "tls.key")));
    let config = read(&text).unwrap();
    assert_eq!(config.participant.name, "Waterschap \"Noord\"");
    assert_eq!(config.ledger.origin, "localhost:7101/log/1");
    for key in KEYS {
        assert!(
            text.contains(&format!("{} =", key.name)),
            "{} is not in the file",
            key.path()
        );
    }
    // Lines that are keys start with `#` and no space; those without a value stay out.
    let all: Vec<&str> = text
        .lines()
        .map(|l| {
            if l.starts_with("# ") || l.ends_with(" =") {
                ""
            } else {
                l.strip_prefix('#').unwrap_or(l)
            }
        })
        .collect();
    assert!(read_with(&all.join("\n"), &[], true).is_ok());
    // Without a certificate the file says itself what is missing.
    assert_says(&refused(&new_file(None)), &["`listen.tls_certificate` is missing"]);
}

/// The part of `docs/configuration.md` that lists the keys.
fn table_of_keys() -> String {
    let messages = Messages::of(Language::English);
    let mut text = String::new();
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            text.push_str(&format!(
                "\n## `[{section}]`\n\n| key | what for | expected | without it |\n|---|---|---|---|\n"
            ));
        }
        let absent = match key.absent {
            Absent::Refused => "required".to_owned(),
            Absent::Means(value) => format!("`{value}`"),
            Absent::Nothing => "none".to_owned(),
        };
        let expected = key.kind.expected(&messages);
        text.push_str(&format!("| `{}` | {} | {expected} | {absent} |\n", key.name, key.about));
    }
    text
}

#[test]
fn the_documentation_lists_every_key_and_no_other() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let documentation = std::fs::read_to_string(&file).unwrap();
    let listed = documentation.find("\n## `[").map_or("", |at| &documentation[at..]);
    let expected = table_of_keys();
    assert_eq!(
        listed, expected,
        "docs/configuration.md, from the first section on, should be:\n{expected}"
    );
    assert!(
        KEYS.iter().all(|key| !key.about.ends_with('.')),
        "a description ends without a full stop"
    );
}
