//! Who is trusted, and the shortcuts that trust everybody.

use super::{SMALL, assert_says, read, read_with, refused};
use crate::config::Trust;
use crate::state::State;
use crate::trust::TrustStore;
use by_hand::{log_key, witness_key};

/// Verifier keys made without the code under test: name, id and key are put together here.
mod by_hand {
    use base64::Engine as _;
    use sha2::{Digest, Sha256};

    /// The base point of the curve, as it is encoded (RFC 8032, section 5.1): a good public key that anybody can write down.
    fn public() -> [u8; 32] {
        let mut key = [0x66; 32];
        key[0] = 0x58;
        key
    }

    fn key(name: &str, kind: u8) -> String {
        let mut typed = vec![kind];
        typed.extend_from_slice(&public());
        let mut hashed = format!("{name}\n").into_bytes();
        hashed.extend_from_slice(&typed);
        let id = hex::encode(&Sha256::digest(hashed)[..4]);
        format!(
            "{name}+{id}+{}",
            base64::engine::general_purpose::STANDARD.encode(typed)
        )
    }

    pub(super) fn log_key(origin: &str) -> String {
        key(origin, 1)
    }

    pub(super) fn witness_key(name: &str) -> String {
        key(name, 4)
    }
}

/// What a running connector makes of it, when nothing was added.
fn running(trust: &Trust) -> (tempfile::TempDir, TrustStore) {
    let directory = tempfile::tempdir().unwrap();
    let log = crate::peers::tests::ledger(directory.path(), "localhost/log/1", 3);
    (directory, TrustStore::open(trust, State::new(log)).unwrap())
}

#[test]
fn development_shortcuts_need_the_flag_wherever_they_stand() {
    let text = format!("{SMALL}[development]\n");
    assert_says(
        &refused(&text),
        &["line 11", "no section `[development]`", "`--development`"],
    );
    let variable = [("HERLEID_DEVELOPMENT__MOCK_IDENTITY", "true")];
    let error = read_with(SMALL, &variable, false).unwrap_err().to_string();
    assert_says(
        &error,
        &[
            "environment variable `HERLEID_DEVELOPMENT__MOCK_IDENTITY`",
            "`--development`",
        ],
    );
    assert!(read_with(&text, &[], true).unwrap().development.is_none());
    assert!(
        read_with(SMALL, &variable, true)
            .unwrap()
            .development
            .unwrap()
            .mock_identity
    );

    let bare = SMALL
        .replace("tls_certificate = \"tls.pem\"\n", "")
        .replace("tls_key = \"/run/tls.key\"\n", "");
    let plain = format!(
        "{}[development]\nplain_http = true\n",
        bare.replace("https://", "http://")
    );
    let config = read_with(&plain, &[], true).unwrap();
    assert!(config.listen.tls.is_none() && config.development.unwrap().plain_http);
    let both = format!("{SMALL}[development]\nplain_http = true\n");
    let error = read_with(&both, &[], true).unwrap_err().to_string();
    assert_says(
        &error,
        &[
            "`listen.tls_certificate`",
            "no certificate, because `development.plain_http` is true",
        ],
    );
}

#[test]
fn trust_is_given_only_where_it_is_written() {
    let witness = witness_key("witness.example");
    let text = format!(
        "{SMALL}[trust]\npeers = []\nissuers = [{{did = \"did:web:i.example\", types = [\"Member\"]}}]\n\
         [[trust.witnesses]]\nverifier_key = \"{witness}\"\nurl = \"https://witness.example/w\"\n"
    );
    let trust = read(&text).unwrap().trust;
    let issuer = "did:web:i.example".parse().unwrap();
    // As the running connector reads it.
    let (_directory, running) = running(&trust);
    let issuers = running.issuers();
    assert!(issuers.is_trusted(&issuer, "Member") && !issuers.is_trusted(&issuer, "Other"));
    assert!(!issuers.is_trusted(&"did:web:j.example".parse().unwrap(), "Member"));
    assert!(!running.admits(&issuer), "an empty list of peers admits nobody");
    assert_eq!((trust.quorum, trust.witnesses.len()), (1, 1));
    assert_eq!(trust.witnesses[0].verifier.to_string(), witness);

    let twice = text.replace(
        "types = [\"Member\"]}",
        "types = [\"Member\"]}, {did = \"did:web:i.example\", types = []}",
    );
    assert_says(&refused(&twice), &["`trust.issuers.did`", "occurs once"]);
    // The key of a log is not the key of a witness: one key, one use.
    let log = text.replace(&witness, &log_key("witness.example"));
    assert_says(&refused(&log), &["`trust.witnesses.verifier_key`", "of type 4"]);
    let broken = text.replace(&witness, &witness.replace("witness.example", "witnes.example"));
    assert_says(&refused(&broken), &["`trust.witnesses.verifier_key`", "line 15"]);
}

#[test]
fn a_witness_knows_each_log_by_its_own_key() {
    let text = |key: &str| {
        format!(
            "{SMALL}[witness]\nenabled = true\n[[witness.logs]]\norigin = \"a.example/log/1\"\nverifier_key = \"{key}\"\n"
        )
    };
    let logs = read(&text(&log_key("a.example/log/1"))).unwrap().witness.unwrap().logs;
    assert_eq!(logs[0].verifier.name(), "a.example/log/1");
    for other in [
        log_key("b.example/log/1"),
        witness_key("a.example/log/1"),
        "x".to_owned(),
    ] {
        let error = refused(&text(&other));
        assert_says(
            &error,
            &[
                "`witness.logs.verifier_key`",
                "`a.example/log/1+<8 hex digits>+<base64>`",
                "line 15",
            ],
        );
    }
    let off = text(&log_key("a.example/log/1")).replace("enabled = true", "enabled = false");
    assert!(read(&off).unwrap().witness.is_none());
}
