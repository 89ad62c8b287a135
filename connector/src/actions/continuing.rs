//! `ledger continue`: what is known of the log is shown; its successor is begun when the old origin was typed out.

use super::{load, runtime};
use crate::cli::arguments::ContinueArguments;
use crate::cli::show::clean;
use crate::cli::text::text;
use crate::cli::{Context, Outcome};
use crate::config::Config;
use crate::continuing::{self, Begun, ContinuingError, Inspected, Old};
use crate::control::error::{Code, ControlError};
use crate::control::socket::{ControlSocket, path_in};
use crate::node::Secrets;
use crate::storage;
use herleid_ledger::LedgerError;
use serde_json::{Value, json};

fn failed(error: &ContinuingError) -> ControlError {
    let code = match error {
        ContinuingError::Ledger(
            LedgerError::OtherOwner { .. } | LedgerError::WrongKek { .. } | LedgerError::Newer { .. },
        )
        | ContinuingError::Secrets(_)
        | ContinuingError::Tls(_)
        | ContinuingError::Key(_)
        | ContinuingError::Place(_) => Code::Configuration,
        ContinuingError::NotACheckpoint { .. } | ContinuingError::NoNumber { .. } => Code::Usage,
        ContinuingError::NoQuorum { .. } | ContinuingError::Witness(_) => Code::Unreachable,
        ContinuingError::BegunElsewhere { .. } => Code::Untrusted,
        ContinuingError::Sound { .. } => Code::Refused,
        _ => Code::Failed,
    };
    ControlError::new(code, error.to_string())
}

pub(super) fn continue_log(context: &Context, arguments: &ContinueArguments) -> Result<Outcome, ControlError> {
    let config = load(context)?;
    runtime()?.block_on(step(context, &config, arguments))
}

async fn step(context: &Context, config: &Config, arguments: &ContinueArguments) -> Result<Outcome, ControlError> {
    let (storage, origin) = (&config.storage.directory, &config.ledger.origin);
    // A storage directory that is gone is what may have happened.
    std::fs::create_dir_all(storage).map_err(|e| {
        let what = format!("the storage directory `{}` cannot be made: {e}", storage.display());
        ControlError::new(Code::Failed, what)
    })?;
    // Held to the end: no service starts on this storage meanwhile, and none runs.
    let held = ControlSocket::open(storage).await.map_err(|error| {
        ControlError::from(error).next(format!("stop the service that holds `{}`", path_in(storage).display()))
    })?;
    storage::check(storage).map_err(|e| ControlError::new(Code::Configuration, e.to_string()))?;
    let secrets =
        Secrets::load(&config.keys.directory).map_err(|e| ControlError::new(Code::Configuration, e.to_string()))?;
    let ended = if let Some(begun) = continuing::begun(config, &secrets).map_err(|e| failed(&e))? {
        done(context, config, &begun)
    } else {
        if let Some(typed) = arguments.confirm.as_ref().filter(|typed| *typed != origin) {
            return Err(
                ControlError::new(Code::Usage, format!("`{typed}` is not the log of this configuration"))
                    .expected(format!("--confirm {origin}")),
            );
        }
        let found = continuing::inspect(config, &secrets, &arguments.checkpoints).await;
        let found = found.map_err(|e| failed(&e))?;
        if found.is_sound() && !arguments.even_if_sound {
            let size = found.own().unwrap_or_default();
            let origin = origin.clone();
            return Err(failed(&ContinuingError::Sound { origin, size }));
        }
        if arguments.confirm.is_some() {
            let begun = continuing::begin(config, &secrets, &found).map_err(|e| failed(&e))?;
            done(context, config, &begun)
        } else {
            would(context, config, &found)
        }
    };
    drop(held);
    Ok(ended)
}

/// The numbers of the records that are lost.
fn shown(context: &Context, lost: Option<&Value>) -> String {
    let number = |name: &str| lost.and_then(|lost| lost.get(name)).and_then(Value::as_u64);
    match (number("from"), number("to")) {
        (Some(from), Some(to)) if from < to => format!("{from} - {}", to - 1),
        (Some(_), Some(_)) => "-".to_owned(),
        _ => text(context.language, "cli-continue-unknown", &[]),
    }
}

/// What is known, and what would be done.
fn would(context: &Context, config: &Config, found: &Inspected) -> Outcome {
    let say = |key: &str, values: &[(&str, &str)]| text(context.language, key, values);
    let (lost, directory) = (found.lost(), found.directory.display().to_string());
    let own = found.own().map(|own| own.to_string());
    let mut lines = vec![match (&found.old, &own) {
        (Old::Unreadable(why), _) => say(
            "cli-continue-unreadable",
            &[
                ("origin", &found.origin),
                ("directory", &directory),
                ("why", &clean(why)),
            ],
        ),
        (_, own) => say(
            "cli-continue-old",
            &[
                ("origin", &found.origin),
                ("directory", &directory),
                ("size", own.as_deref().unwrap_or("0")),
            ],
        ),
    }];
    for (witness, size) in &found.witnessed {
        let (witness, size) = (clean(witness), size.to_string());
        lines.push(say("cli-continue-witness", &[("witness", &witness), ("size", &size)]));
    }
    if found.witnessed.is_empty() {
        lines.push(say("cli-continue-no-witness", &[]));
    }
    if let Some(why) = &found.other_history {
        lines.push(say("cli-continue-other-history", &[("why", &clean(why))]));
    }
    if let Some((checkpoint, holder)) = &found.last {
        let (size, holder) = (checkpoint.size().to_string(), clean(holder));
        lines.push(say("cli-continue-last", &[("size", &size), ("holder", &holder)]));
    }
    let folder = config.storage.directory.display().to_string();
    lines.push(say("cli-continue-lost", &[("lost", &shown(context, Some(&lost)))]));
    lines.push(say(
        "cli-continue-would",
        &[("successor", &found.successor), ("storage", &folder)],
    ));
    lines.push(say("cli-continue-ends", &[]));
    lines.push(say("cli-continue-confirm", &[("origin", &found.origin)]));
    Outcome {
        text: lines.join("\n"),
        json: json!({
            "done": false, "origin": found.origin, "successor": found.successor, "directory": found.directory, "records": found.own(),
            "witnessed": found.witnessed.iter().map(|(witness, size)| json!({"witness": witness, "size": size})).collect::<Vec<_>>(),
            "other_history": found.other_history,
            "last": found.last.as_ref().map(|(checkpoint, holder)| json!({"size": checkpoint.size(), "holder": holder, "checkpoint": checkpoint.note().to_string()})),
            "lost": lost,
        }),
        verdict: None,
    }
}

/// What was done, and what people have to do next.
fn done(context: &Context, config: &Config, begun: &Begun) -> Outcome {
    let say = |key: &str, values: &[(&str, &str)]| text(context.language, key, values);
    let (old, successor) = (config.ledger.origin.as_str(), begun.origin.as_str());
    let lost = shown(context, begun.facts.get("lost"));
    let directory = begun.directory.display().to_string();
    let file = context.config.display().to_string();
    let values = [
        ("origin", old),
        ("successor", successor),
        ("directory", &directory),
        ("lost", &lost),
    ];
    let key = if begun.before {
        "cli-continue-before"
    } else {
        "cli-continue-done"
    };
    let mut lines = vec![
        say(key, &values),
        say("cli-continue-set", &[("successor", successor), ("file", &file)]),
    ];
    if !config.trust.witnesses.is_empty() {
        lines.push(say(
            "cli-continue-tell",
            &[("successor", successor), ("key", &begun.log_key)],
        ));
    }
    lines.push(say("cli-continue-then", &[]));
    Outcome {
        text: lines.join("\n"),
        json: json!({
            "done": true, "before": begun.before, "origin": old, "successor": successor, "directory": begun.directory,
            "log_key": begun.log_key, "continued": begun.facts,
        }),
        verdict: None,
    }
}
