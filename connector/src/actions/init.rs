//! `init`: a new participant's keys and configuration.

use crate::cli::Outcome;
use crate::cli::arguments::InitArguments;
use crate::cli::text::text;
use crate::config::{BaseUrl, NewParticipant, commented_file};
use crate::control::error::{Code, ControlError};
use crate::dsp_shell::lies_on_own_host;
use crate::messages;
use crate::node::{Secrets, log_verifier_key, witness_verifier_key};
use crate::rim::SystemEntropy;
use herleid_ledger::note::NoteError;
use serde_json::json;
use std::fs;
use std::path::Path;

pub(super) fn init(arguments: &InitArguments, language: messages::Language) -> Result<Outcome, ControlError> {
    let directory = &arguments.directory;
    let failed = |what: &str, e: &dyn std::fmt::Display| {
        ControlError::new(Code::Failed, format!("{what} `{}`: {e}", directory.display()))
    };
    if directory.join("herleid.toml").exists() || directory.join("keys").exists() {
        return Err(ControlError::new(
            Code::Usage,
            format!(
                "`{}` already holds a connector; nothing was changed",
                directory.display()
            ),
        )
        .next("name another directory with --directory"));
    }
    let host = arguments.did.web_document_url().ok_or_else(|| {
        ControlError::new(
            Code::Usage,
            format!("`{}` is not a did:web: its document could not be served", arguments.did),
        )
        .expected("did:web:<host>[%3A<port>]")
    })?;
    let Some(base) = host.strip_suffix("/.well-known/did.json") else {
        return Err(
            ControlError::new(Code::Usage, "a did:web with a path is not served yet")
                .expected("did:web:<host>[%3A<port>]"),
        );
    };
    let public_url = arguments.public_url.clone().unwrap_or_else(|| base.to_owned());
    // Plain HTTP is for development; whether this becomes that is said by `serve`.
    if BaseUrl::parse(&public_url, true).is_none() {
        let message = format!("`{public_url}` cannot be the address of a connector");
        return Err(ControlError::new(Code::Usage, message)
            .expected("https://<host>[:<port>], perhaps with a path, without query or closing slash"));
    }
    let origin = format!(
        "{}/log/1",
        public_url
            .split_once("://")
            .map_or("", |(_, rest)| rest)
            .trim_end_matches('/')
    );
    if !lies_on_own_host(&arguments.did, &origin) {
        return Err(ControlError::new(
            Code::Usage,
            format!("the log would lie on `{public_url}`, another host than that of `{}`: no peer would take it for its own", arguments.did),
        )
        .expected(format!("--public-url {base}")));
    }
    let shown = |path: &Path| {
        fs::canonicalize(path)
            .map(|p| p.display().to_string())
            .map_err(|e| failed("cannot find", &e))
    };
    let tls = match (&arguments.tls_certificate, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some((shown(certificate)?, shown(key)?)),
        _ => None,
    };
    fs::create_dir_all(directory).map_err(|e| failed("cannot make", &e))?;
    let secrets = Secrets::make(&directory.join("keys"), &SystemEntropy)
        .and_then(|()| Secrets::load(&directory.join("keys")))
        .map_err(|e| ControlError::new(Code::Failed, e.to_string()))?;
    let file = commented_file(&NewParticipant {
        did: &arguments.did,
        name: &arguments.name,
        address: arguments.listen,
        public_url: &public_url,
        origin: &origin,
        tls: tls.as_ref().map(|(c, k)| (c.as_str(), k.as_str())),
    });
    if let Err(error) = fs::write(directory.join("herleid.toml"), file) {
        // Keys without a configuration would make a second attempt refuse.
        let removed = fs::remove_dir_all(directory.join("keys"));
        let failure = failed("cannot write into", &error);
        return Err(match removed {
            Ok(()) => failure,
            Err(e) => failure.next(format!("remove `{}`: {e}", directory.join("keys").display())),
        });
    }
    let unusable = |e: NoteError| ControlError::new(Code::Usage, format!("`{public_url}` cannot name a key: {e}"));
    let log_key = log_verifier_key(&origin, &secrets).map_err(unusable)?;
    let witness_key = witness_verifier_key(&public_url, &secrets).map_err(unusable)?;
    let json = json!({"directory": directory, "did": arguments.did, "origin": origin, "log_key": log_key, "witness_key": witness_key});
    let next = if tls.is_some() {
        "cli-init-serve"
    } else {
        "cli-init-tls"
    };
    let lines = [
        directory.join("herleid.toml").display().to_string(),
        directory.join("keys").display().to_string(),
        text(language, "cli-status-log-key", &[("key", &log_key)]),
        text(language, "cli-status-witness-key", &[("key", &witness_key)]),
        text(language, next, &[]),
    ];
    Ok(Outcome {
        text: lines.join("\n"),
        json,
        verdict: None,
    })
}
