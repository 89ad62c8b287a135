//! `backup` without a running service, and `restore`.

use super::{load, runtime};
use crate::backup::{self, BackupError, Source};
use crate::cli::arguments::{BackupArguments, RestoreArguments};
use crate::cli::show::{Shown as _, clean, when};
use crate::cli::text::text;
use crate::cli::{Context, Outcome};
use crate::config::Config;
use crate::continuing;
use crate::control::error::{Code, ControlError};
use crate::control::protocol::{Backup, Line, Step, Unit};
use crate::control::socket::{ControlSocket, path_in};
use crate::node::{Secrets, fresh_uuid_v7, ledger_options};
use crate::rim::{SystemClock, SystemEntropy};
use crate::storage;
use herleid_ledger::{Ledger, LedgerError};
use herleid_vocab::rim::Clock as _;
use serde_json::json;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn absolute(path: &Path) -> Result<PathBuf, ControlError> {
    std::path::absolute(path)
        .map_err(|e| ControlError::new(Code::Usage, format!("`{}` is no path: {e}", path.display())))
}

fn secrets(config: &Config) -> Result<Secrets, ControlError> {
    Secrets::load(&config.keys.directory).map_err(|e| ControlError::new(Code::Configuration, e.to_string()))
}

/// Tells how far it is, in bytes while files are copied.
fn telling(context: &Context) -> impl FnMut(&'static str, u64, u64) + '_ {
    |step, done, total| {
        let unit = if step.ends_with("-check") {
            Unit::Items
        } else {
            Unit::Bytes
        };
        context.screen.line(&Line::Progress(Step {
            step: step.to_owned(),
            done,
            total: Some(total),
            unit,
        }));
    }
}

/// Holds the storage directory, so that no service starts on it meanwhile, and none runs.
async fn hold(storage: &Path) -> Result<ControlSocket, ControlError> {
    ControlSocket::open(storage).await.map_err(|error| {
        ControlError::from(error).next(format!("stop the service that holds `{}`", path_in(storage).display()))
    })
}

pub(super) fn backup(context: &Context, arguments: &BackupArguments) -> Result<Outcome, ControlError> {
    let config = load(context)?;
    let request = Backup {
        out: absolute(&arguments.out)?,
        keys: absolute(&arguments.keys)?,
    };
    let storage = &config.storage.directory;
    storage::check(storage).map_err(|error| ControlError::from(BackupError::from(error)))?;
    if !storage.is_dir() {
        return Err(ControlError::new(
            Code::Missing,
            format!("there is no storage directory `{}`", storage.display()),
        )
        .next("name the configuration of the participant whose log is to be kept (--config)"));
    }
    runtime()?.block_on(async {
        let _held = hold(storage).await?;
        backup::clear(storage)?;
        let failed = |error: LedgerError| ControlError::from(crate::commands::failure(&error));
        let directory = continuing::directory(storage, &config.ledger.origin).map_err(BackupError::from)?;
        // Opening an empty directory would begin a log there.
        if Ledger::is_new(&directory).map_err(failed)? {
            let what = format!("there is no log in `{}`", directory.display());
            return Err(ControlError::new(Code::Missing, what)
                .next("name the configuration of the participant whose log is to be kept (--config)"));
        }
        let secrets = secrets(&config)?;
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let options = ledger_options(&config, &secrets, &directory, clock, entropy).map_err(failed)?;
        let ledger = Ledger::open_to_check(options).map_err(failed)?;
        let source = Source {
            config: &config,
            secrets: &secrets,
            ledger: &ledger,
            now_ms: SystemClock.now_ms(),
            id: fresh_uuid_v7(SystemClock.now_ms(), &SystemEntropy),
        };
        let answer = backup::made(&source, &request, &mut telling(context))?;
        let json = serde_json::to_value(&answer)
            .map_err(|e| ControlError::new(Code::Failed, "the answer has no JSON form").what(e.to_string()))?;
        Ok(Outcome {
            text: answer.show(context.language),
            json,
            verdict: None,
        })
    })
}

pub(super) fn restore(context: &Context, arguments: &RestoreArguments) -> Result<Outcome, ControlError> {
    let config = load(context)?;
    let (from, keys) = (absolute(&arguments.from)?, absolute(&arguments.keys)?);
    let storage = &config.storage.directory;
    // For its owner alone: names in it can be guessed from what they name.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(storage);
    made.map_err(|e| {
        let what = format!("the storage directory `{}` cannot be made: {e}", storage.display());
        ControlError::new(Code::Failed, what).next("see to who may write there")
    })?;
    runtime()?.block_on(async {
        let _held = hold(storage).await?;
        let secrets = secrets(&config)?;
        let restored = backup::restore(
            &config,
            &secrets,
            &from,
            &keys,
            backup::Said {
                without_erasures: arguments.without_erasures,
                nothing_since: arguments.nothing_since,
            },
            &mut telling(context),
        )?;
        let say = |key: &str, values: &[(&str, &str)]| text(context.language, key, values);
        let (size, time) = (restored.audited.size.to_string(), when(restored.made_ms));
        let (origin, directory) = (clean(&restored.origin), storage.display().to_string());
        let values = [
            ("size", size.as_str()),
            ("origin", &origin),
            ("time", &time),
            ("directory", &directory),
        ];
        let mut lines = vec![say("cli-restored", &values), say("cli-restored-next", &values)];
        lines.push(say("cli-restored-since", &values));
        let unsound = restored.unsound.iter();
        lines.extend(unsound.map(|what| say("cli-backup-unsound", &[("what", &clean(what))])));
        let left_out = restored.left_out.iter();
        lines.extend(left_out.map(|what| say("cli-backup-left-out", &[("what", &clean(what))])));
        if let Some(key) = &restored.lost_witness {
            lines.push(say("cli-restored-witness", &[("key", key)]));
        }
        Ok(Outcome {
            text: lines.join("\n"),
            json: json!({
                "backup": restored.backup, "origin": restored.origin, "size": restored.audited.size, "root": hex::encode(restored.audited.root),
                "made_ms": restored.made_ms, "documents": restored.audited.documents, "storage": storage, "lost_witness": restored.lost_witness,
                "unsound": restored.unsound, "left_out": restored.left_out,
            }),
            verdict: None,
        })
    })
}
