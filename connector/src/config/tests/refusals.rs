//! What is refused, and that the reader is told all there is to know.

use super::{SMALL, assert_says, instead, refused};

#[test]
fn a_misspelt_key_is_refused_with_the_line_and_the_nearest_key() {
    let error = refused(&instead("public_url =", "pulbic_url ="));
    assert_says(
        &error,
        &[
            "`/etc/herleid/herleid.toml`, line 6",
            "`listen.pulbic_url`",
            "did you mean `listen.public_url`",
        ],
    );
    let error = refused(&format!("{SMALL}[ledgr]\n"));
    assert_says(&error, &["line 11", "no section `ledgr`", "did you mean `ledger`"]);
    // A key that stands in another section.
    let error = refused(&format!("{SMALL}token_lifetime_s = 5\n"));
    assert_says(
        &error,
        &["`ledger.token_lifetime_s`", "did you mean `limits.token_lifetime_s`"],
    );
    let error = refused(&format!("{SMALL}[models.sandbox]\nmemory_byte = 5\n"));
    assert_says(&error, &["line 12", "did you mean `models.sandbox.memory_bytes`"]);
    let error = refused(&format!(
        "{SMALL}[trust]\nissuers = [{{did = \"did:web:i.example\", type = [\"A\"]}}]\n"
    ));
    assert_says(
        &error,
        &["line 12", "`trust.issuers.type`", "did you mean `trust.issuers.types`"],
    );
}

#[test]
fn a_processing_activity_that_is_no_iri_is_refused() {
    let rule = "[retention]\nlist = \"L\"\nrules = [{category = \"1\", activity = \"permits\", of = \"case\", named = \"*\", keep = \"1y\"}]\n";
    let error = refused(&format!("{SMALL}{rule}"));
    assert_says(&error, &["retention.rules.activity", "permits", "an IRI"]);
}

#[test]
fn a_missing_key_is_named_with_where_to_put_it() {
    let error = refused(&instead("name = \"KNMI\"\n", ""));
    assert_says(
        &error,
        &[
            "`participant.name` is missing",
            "section `[participant]`",
            "`HERLEID_PARTICIPANT__NAME`",
        ],
    );
    assert_says(
        &refused(""),
        &["herleid.toml`: the key `participant.did` is missing", "did:web:<host>"],
    );
    let error = refused(&instead("tls_key = \"/run/tls.key\"\n", ""));
    assert_says(&error, &["`listen.tls_key` is missing", "path"]);
    let error = refused(&instead("tls_certificate = \"tls.pem\"\n", ""));
    assert_says(&error, &["`listen.tls_certificate` is missing"]);
    let error = refused(&format!("{SMALL}[trust]\npeers = [{{}}]\n"));
    assert_says(
        &error,
        &["`trust.peers` is a table without `did`", "each with `did`", "line 12"],
    );
}

#[test]
fn a_wrong_value_is_shown_with_what_was_expected() {
    let cases = [
        (
            "did = \"did:web:knmi.example\"",
            "did = \"did:foo:x\"",
            "`participant.did` is `\"did:foo:x\"`",
            "did:key:z",
        ),
        (
            "name = \"KNMI\"",
            "name = \" \"",
            "`participant.name` is `\" \"`",
            "not empty",
        ),
        (
            "name = \"KNMI\"",
            "name = 7",
            "`participant.name` is `7`",
            "a text between quotes",
        ),
        (
            "name = \"KNMI\"",
            "name = 2020-06-17",
            "is a date or time",
            "a text between quotes",
        ),
        ("name = \"KNMI\"", "name = 1.5", "is a decimal", "a text between quotes"),
        (
            "name = \"KNMI\"",
            "name = 0xffffffffffffffffff",
            "too large number",
            "a text between quotes",
        ),
        (
            "\"https://knmi.example\"",
            "\"http://knmi.example\"",
            "`listen.public_url` is `\"http://",
            "starts with `https://`",
        ),
        (
            "\"https://knmi.example\"",
            "\"https://knmi.example/\"",
            "`listen.public_url`",
            "without user, query or final `/`",
        ),
        (
            "\"https://knmi.example\"",
            "\"https://me@knmi.example\"",
            "`listen.public_url`",
            "without user",
        ),
        (
            "\"https://knmi.example\"",
            "\"https://knmi.example?a\"",
            "`listen.public_url`",
            "without user, query",
        ),
        (
            "\"https://knmi.example\"",
            "\"https://KNMI.example\"",
            "`listen.public_url`",
            "https://",
        ),
        (
            "knmi.example/log/1",
            "https://knmi.example/log/1",
            "`ledger.origin`",
            "without scheme",
        ),
        (
            "knmi.example/log/1",
            "knmi.example/log/0",
            "`ledger.origin`",
            "number from 1",
        ),
        (
            "knmi.example/log/1",
            "knmi.example/log/01",
            "`ledger.origin`",
            "number from 1",
        ),
        (
            "knmi.example/log/1",
            "knmi.example/a/log/1",
            "`ledger.origin`",
            "<host>[:<port>]",
        ),
        (
            "knmi.example/log/1",
            "other.example/log/1",
            "`ledger.origin`",
            "on the host of `participant.did`",
        ),
        ("[ledger]", "listen = 3\n[ledger]", "is", ""),
    ];
    for (line, other, found, expected) in cases {
        assert_says(
            &refused(&instead(line, other)),
            &["herleid.toml`, line", found, expected],
        );
    }
    let added = [
        (
            "[listen]\naddress = \"localhost\"",
            "`listen.address` is `\"localhost\"`",
            "such as \"127.0.0.1:7101\"",
        ),
        (
            "[limits]\ntoken_lifetime_s = 0",
            "`limits.token_lifetime_s` is `0`",
            "whole number from 10 to 300",
        ),
        ("[limits]\ntoken_lifetime_s = \"300\"", "is `\"300\"`", "whole number"),
        (
            "[network]\nallow_private_addresses = \"no\"",
            "is `\"no\"`",
            "`true` or `false`",
        ),
        (
            "[log]\nlevel = \"loud\"",
            "`log.level` is `\"loud\"`",
            "one of \"error\", \"warn\"",
        ),
        ("[trust]\ntls_ca = \"ca.pem\"", "`trust.tls_ca`", "a list of paths"),
        ("[trust]\ntls_ca = [1]", "`trust.tls_ca` is `1`", "a text"),
        (
            "[trust]\npeers = [\"did:web:a.example\"]",
            "`trust.peers`",
            "a list of tables, each with `did`",
        ),
        (
            "[trust]\npeers = [{did = \"x\"}]",
            "`trust.peers.did` is `\"x\"`",
            "did:web",
        ),
        (
            "[trust]\nquorum = 1",
            "`trust.quorum` is `1`",
            "at most the number of witnesses",
        ),
        (
            "[witness]\nenabled = true",
            "`witness.enabled` is `true`",
            "at least one log",
        ),
        (
            "[models.sandbox]\nprocesses = 1",
            "`models.sandbox.processes` is `1`",
            "whole number from 3 to 1024",
        ),
    ];
    for (lines, found, expected) in added {
        let text = match lines.strip_prefix("[listen]\n") {
            Some(line) => instead("[listen]\n", &format!("[listen]\n{line}\n")),
            None => format!("{SMALL}{lines}\n"),
        };
        assert_says(&refused(&text), &["herleid.toml`, line", found, expected]);
    }
    assert_says(
        &refused(&format!("network = 3\n{SMALL}")),
        &["line 1", "`network` is `3`", "a section, `[network]`"],
    );
}

#[test]
fn what_is_not_toml_is_shown_by_line() {
    assert_says(
        &refused(&format!("{SMALL}[trust\n")),
        &["herleid.toml`, line 11", "not TOML"],
    );
    assert_says(
        &refused(&format!("{SMALL}[participant]\nname = \"twice\"\n")),
        &["not TOML", "line 11"],
    );
}
