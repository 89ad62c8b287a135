mod refusals;
mod timestamps;
mod trust;
mod written;

use super::keys::{Absent, KEYS, nearest};
use super::*;
use crate::messages::{Language, Messages};

const FILE: &str = "/etc/herleid/herleid.toml";

/// The smallest configuration there is.
const SMALL: &str = r#"
[participant]
did = "did:web:knmi.example"
name = "KNMI"
[listen]
public_url = "https://knmi.example"
tls_certificate = "tls.pem"
tls_key = "/run/tls.key"
[ledger]
origin = "knmi.example/log/1"
"#;

fn read_with(text: &str, environment: &[(&str, &str)], development: bool) -> Result<Config, ConfigError> {
    let environment = environment
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::read(Path::new(FILE), text, environment, development)
}

fn read(text: &str) -> Result<Config, ConfigError> {
    read_with(text, &[], false)
}

/// The error, in English.
fn refused(text: &str) -> String {
    read(text).expect_err("it should be refused").to_string()
}

/// [`SMALL`] with one line put in place of another.
fn instead(line: &str, other: &str) -> String {
    assert!(SMALL.contains(line), "{line}");
    SMALL.replace(line, other)
}

/// That an error has all that a reader needs.
fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is missing in: {error}");
    }
}

#[test]
fn the_smallest_configuration_has_the_listed_values_for_the_rest() {
    let config = read(SMALL).unwrap();
    assert_eq!(config.participant.did.as_str(), "did:web:knmi.example");
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:7101");
    assert_eq!(config.listen.public_url.as_str(), "https://knmi.example");
    assert_eq!(config.storage.directory, Path::new("/etc/herleid/storage"));
    let tls = config.listen.tls.unwrap();
    assert_eq!(
        (tls.certificate.to_str().unwrap(), tls.key.to_str().unwrap()),
        ("/etc/herleid/tls.pem", "/run/tls.key")
    );
    assert_eq!(config.identity.required_credentials, ["MembershipCredential"]);
    assert!(config.trust.peers.is_none() && config.trust.issuers.is_empty() && config.witness.is_none());
    assert_eq!(config.trust.quorum, 0);
    assert!(!config.network.allow_private_addresses && config.development.is_none());
    assert_eq!(config.limits.outstanding_per_agreement, 1000);
    assert_eq!(config.limits.open_per_peer, 4000);
    assert_eq!(config.limits.token_lifetime_s, 300);
    assert_eq!(config.models.sandbox.memory_bytes, 1024 * 1_048_576);
    assert_eq!((config.log.level.as_str(), config.log.json), ("info", false));
}

#[test]
fn every_value_of_the_list_of_keys_is_of_its_kind() {
    for key in KEYS {
        let Absent::Means(value) = key.absent else { continue };
        let header = format!("[{}]\n", key.section);
        let line = format!("{header}{} = {value}\n", key.name);
        // A section that is there already gets its key inside.
        let text = if SMALL.contains(&header) {
            SMALL.replace(&header, &line)
        } else {
            format!("{SMALL}{line}")
        };
        assert!(read_with(&text, &[], true).is_ok(), "{}: {value}", key.path());
    }
}

#[test]
fn the_environment_overrides_the_file_and_is_checked_as_strictly() {
    let set = |name, value| read_with(SMALL, &[(name, value)], false);
    assert_eq!(
        set("HERLEID_PARTICIPANT__NAME", "De Bilt").unwrap().participant.name,
        "De Bilt"
    );
    assert_eq!(
        set("HERLEID_LIMITS__TOKEN_LIFETIME_S", "60")
            .unwrap()
            .limits
            .token_lifetime_s,
        60
    );
    assert_eq!(
        set("HERLEID_MODELS__SANDBOX__PROCESSES", "3")
            .unwrap()
            .models
            .sandbox
            .processes,
        3
    );
    let peers = set("HERLEID_TRUST__PEERS", "[{did = \"did:web:a.example\"}]")
        .unwrap()
        .trust;
    assert_eq!(peers.peers, Some(vec!["did:web:a.example".parse().unwrap()]));
    for unrelated in ["HERLEID_LANG", "PATH", "HERLEIDX", "herleid_participant__name"] {
        assert_eq!(set(unrelated, "x").unwrap().participant.name, "KNMI");
    }
    let says = |name, value, parts: &[&str]| assert_says(&set(name, value).unwrap_err().to_string(), parts);
    says(
        "HERLEID_LISTEN__ADRESS",
        "x",
        &[
            "environment variable `HERLEID_LISTEN__ADRESS`",
            "`HERLEID_LISTEN__ADDRESS`",
        ],
    );
    says(
        "HERLEID_LISTEN_ADDRESS",
        "x",
        &["did you mean `HERLEID_LISTEN__ADDRESS`"],
    );
    says(
        "HERLEID_LIMITS__CONNECTIONS",
        "many",
        &["environment variable `HERLEID_LIMITS__CONNECTIONS`", "not TOML"],
    );
    says(
        "HERLEID_LIMITS__CONNECTIONS",
        "0",
        &["`limits.connections` is `0`", "whole number from 1"],
    );
    says(
        "HERLEID_LIMITS__CONNECTIONS",
        "5\n[log]",
        &["environment variable", "not TOML"],
    );
    says(
        "HERLEID_PARTICIPANT__NAME",
        "",
        &["`participant.name` is `\"\"`", "not empty"],
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = OsString::from_vec(vec![0xff]);
    let error = Config::read(
        Path::new(FILE),
        SMALL,
        [("HERLEID_PARTICIPANT__NAME".into(), value)],
        false,
    )
    .unwrap_err();
    assert_says(
        &error.to_string(),
        &["`HERLEID_PARTICIPANT__NAME`", "not UTF-8", "expected a text"],
    );
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let error = Config::load(&directory.path().join("herleid.toml"), [], false).unwrap_err();
    assert_says(&error.to_string(), &["cannot read", "herleid.toml", "`herleid init`"]);
    std::fs::write(directory.path().join("herleid.toml"), SMALL).unwrap();
    let config = Config::load(&directory.path().join("herleid.toml"), [], false).unwrap();
    assert_eq!(config.keys.directory, directory.path().join("keys"));
}

#[test]
fn errors_are_said_in_dutch_too() {
    let dutch = Messages::of(Language::Dutch);
    let error = read(&instead("public_url =", "pulbic_url =")).unwrap_err().text(&dutch);
    assert_says(&error, &["regel 6", "bedoelt u `listen.public_url`"]);
    let error = read(&instead("name = \"KNMI\"", "name = [1]"))
        .unwrap_err()
        .text(&dutch);
    assert_says(&error, &["is een lijst", "verwacht een tekst tussen aanhalingstekens"]);
}

#[test]
fn the_nearest_is_the_one_with_the_fewest_edits() {
    let candidates = || ["log.level".to_owned(), "log.format".to_owned()];
    assert_eq!(nearest("log.levle", candidates()), "log.level");
    assert_eq!(nearest("LOG.FORMT", candidates()), "log.format");
    assert_eq!(nearest("x", []), "");
}

#[test]
fn a_model_that_asks_for_more_than_the_sandbox_gives_is_refused_by_name() {
    let sandbox = read(SMALL).unwrap().models.sandbox;
    let asked = crate::models::limits::Limits::default();
    assert_eq!(sandbox.allow(asked), Ok(()));
    let more = crate::models::limits::Limits {
        memory_bytes: sandbox.memory_bytes + 1,
        ..asked
    };
    assert_says(
        &sandbox.allow(more).unwrap_err().to_string(),
        &["`memory_bytes` 1073741825", "at most 1073741824", "`[models.sandbox]`"],
    );
}

#[test]
fn the_words_of_the_catalogue_are_those_of_its_lists() {
    use crate::catalogue::words::{self, Words};
    let words = |list: Words| list.words.iter().map(|w| w.word).collect::<Vec<_>>();
    assert_eq!(keys::PUBLISHER_TYPES, words(words::PUBLISHER_TYPES));
    assert_eq!(keys::LANGUAGES, words(words::LANGUAGES));
    assert_eq!(keys::ACCESS_RIGHTS, words(words::ACCESS_RIGHTS));
}

#[test]
fn what_holds_for_all_that_is_published_is_checked() {
    let with = |line: &str| format!("{SMALL}\n[catalogue]\n{line}\n");
    let config = read(&with("theme = [\"ENVI\"]\ncontact_email = \"data@water.example\"")).unwrap();
    assert_eq!((config.catalogue.language.as_str(), config.catalogue.page), ("nl", 100));
    for (line, parts) in [
        ("theme = [\"weather\"]", ["`catalogue.theme`", "`ENVI`"]),
        ("licence = \"CC0\"", ["`catalogue.licence`", "`offer`"]),
        ("contact_email = \"nobody\"", ["`catalogue.contact_email`", "e-mail"]),
        ("contact_url = \"our page\"", ["`catalogue.contact_url`", "page"]),
        (
            "contact_url = \"https://water.example/our page\"",
            ["`catalogue.contact_url`", "page"],
        ),
        (
            "licence = \"https://l.example/a licence\"",
            ["`catalogue.licence`", "`offer`"],
        ),
        (
            "theme = [\"https://t.example/a theme\"]",
            ["`catalogue.theme`", "`ENVI`"],
        ),
        ("contact_name = \" \"", ["`catalogue.contact_name`", "not empty"]),
        ("publisher = \" \"", ["`catalogue.publisher`", "not empty"]),
        (
            "access_rights = \"secret\"",
            ["`catalogue.access_rights`", "\"restricted\""],
        ),
        ("page = 0", ["`catalogue.page`", "from 1 to 1000"]),
        ("contact = \"x\"", ["`catalogue.contact`", "contact_url"]),
    ] {
        assert_says(&refused(&with(line)), &parts);
    }
}
