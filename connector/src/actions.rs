//! The commands that do their work in this process.

mod continuing;
mod doctor;
mod init;
mod keeping;
pub(crate) mod policy;
mod stamps;

use crate::audit::{self, AuditError};
use crate::cli::arguments::{
    AnchorsArguments, BackupArguments, CheckTimestampArguments, ContinueArguments, DemoArguments, DoctorArguments,
    InitArguments, PolicyAction, ReplayArguments, RestoreArguments, ServeArguments, VerifyArguments,
};
use crate::cli::show::clean;
use crate::cli::{Actions, Context, Outcome};
use crate::config::{Config, ConfigError};
use crate::control::error::{Code, ControlError};
use crate::demo;
use crate::management::ManagementError;
use crate::messages::{self, Messages};
use crate::net::error::ServerError;
use crate::net::server::CancellationToken;
use crate::node::{Node, OpenError, ServeError, serve};
use crate::rim::SystemClock;
use crate::storage::StorageError;
use herleid_ledger::LedgerError;
use herleid_verifier::{Language, Verdict, replay};
use herleid_vocab::rim::Clock as _;
use serde_json::json;
use std::io::Write as _;
use std::path::PathBuf;

/// Everything plugged in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plugged;

fn configuration(error: &ConfigError, language: messages::Language) -> ControlError {
    ControlError::new(Code::Configuration, error.text(Messages::shared(language)))
}

fn load(context: &Context) -> Result<Config, ControlError> {
    Config::load(&context.config, std::env::vars_os(), context.development)
        .map_err(|e| configuration(&e, context.language))
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, ControlError> {
    tokio::runtime::Runtime::new()
        .map_err(|e| ControlError::new(Code::Failed, format!("no threads could be started: {e}")))
}

impl Actions for Plugged {
    fn storage(&self, context: &Context) -> Result<PathBuf, ControlError> {
        Ok(load(context)?.storage.directory)
    }

    fn init(&self, context: &Context, arguments: &InitArguments) -> Result<Outcome, ControlError> {
        init::init(arguments, context.language)
    }

    fn serve(&self, context: &Context, _arguments: &ServeArguments) -> Result<Outcome, ControlError> {
        let config = load(context)?;
        start_logging(&config);
        runtime()?.block_on(serve_until_told(config))?;
        Ok(Outcome {
            text: String::new(),
            json: json!({"stopped": true}),
            verdict: None,
        })
    }

    fn merge_anchors(&self, _context: &Context, arguments: &AnchorsArguments) -> Result<Outcome, ControlError> {
        let statements = arguments
            .merge
            .iter()
            .map(|path| audit::read_statement(path))
            .collect::<Result<Vec<_>, _>>();
        let merged = statements
            .and_then(|all| audit::merge_anchors(&all))
            .and_then(|bytes| audit::write_new(&arguments.out, &bytes));
        merged.map_err(|e| audit_error(&e))?;
        Ok(Outcome {
            text: arguments.out.display().to_string(),
            json: json!({"path": arguments.out}),
            verdict: None,
        })
    }

    fn verify(&self, context: &Context, arguments: &VerifyArguments) -> Result<Outcome, ControlError> {
        let now_ms = SystemClock.now_ms();
        let verified =
            audit::verify(&arguments.dossier, arguments.anchors.as_deref(), now_ms).map_err(|e| audit_error(&e))?;
        Ok(Outcome {
            text: verified.report.text(language(context)),
            json: serde_json::to_value(&verified.report).unwrap_or_default(),
            verdict: code(verified.report.verdict),
        })
    }

    fn check_timestamp(&self, context: &Context, arguments: &CheckTimestampArguments) -> Result<Outcome, ControlError> {
        stamps::check(context, arguments)
    }

    fn continue_log(&self, context: &Context, arguments: &ContinueArguments) -> Result<Outcome, ControlError> {
        continuing::continue_log(context, arguments)
    }

    fn policy(&self, context: &Context, action: &PolicyAction) -> Result<Outcome, ControlError> {
        policy::policy(context, action)
    }

    fn doctor(&self, context: &Context, arguments: &DoctorArguments) -> Result<Outcome, ControlError> {
        doctor::doctor(context, arguments)
    }

    fn backup(&self, context: &Context, arguments: &BackupArguments) -> Result<Outcome, ControlError> {
        keeping::backup(context, arguments)
    }

    fn restore(&self, context: &Context, arguments: &RestoreArguments) -> Result<Outcome, ControlError> {
        keeping::restore(context, arguments)
    }

    fn replay(&self, context: &Context, arguments: &ReplayArguments) -> Result<Outcome, ControlError> {
        replay(context, arguments)
    }

    fn demo(&self, context: &Context, arguments: &DemoArguments) -> Result<Outcome, ControlError> {
        let began_ms = SystemClock.now_ms();
        let manner = context.screen.manner();
        let messages = Messages::of(context.language);
        let mut telling = demo::Telling::new(messages, manner.json || manner.quiet);
        let made = runtime()?.block_on(demo::run(&arguments.directory, &mut telling));
        let made = made.map_err(|e| ControlError::new(Code::Failed, e.to_string()))?;
        telling.end(SystemClock.now_ms().saturating_sub(began_ms));
        Ok(Outcome {
            text: String::new(),
            json: serde_json::to_value(made).unwrap_or_default(),
            verdict: None,
        })
    }
}

fn audit_error(error: &AuditError) -> ControlError {
    ControlError::new(error.code(), error.to_string())
}

fn language(context: &Context) -> Language {
    match context.language {
        messages::Language::English => Language::English,
        messages::Language::Dutch => Language::Nederlands,
    }
}

/// The exit code of a verdict; `None` when everything that is checked is verified.
fn code(verdict: Verdict) -> Option<Code> {
    match verdict {
        Verdict::Verified | Verdict::NotChecked => None,
        Verdict::Failed => Some(Code::Failed),
        Verdict::Missing => Some(Code::Missing),
        Verdict::Untrusted => Some(Code::Untrusted),
    }
}

/// Runs a dossier's runs again. A dossier that failed its verification is not run: what would be repeated is not what happened.
fn replay(context: &Context, arguments: &ReplayArguments) -> Result<Outcome, ControlError> {
    let verified = audit::verify(&arguments.dossier, arguments.anchors.as_deref(), SystemClock.now_ms())
        .map_err(|e| audit_error(&e))?;
    if verified.report.verdict == Verdict::Failed {
        return Err(ControlError::new(
            Code::Failed,
            "the dossier does not verify, so its runs are not run again",
        )
        .next("herleid verify FILE --anchors FILE says what is wrong"));
    }
    let only = arguments.run.map(|run| run.to_string());
    let replayed = runtime()?.block_on(audit::replay_runs(
        &arguments.dossier,
        &verified.case,
        only.as_deref(),
        &arguments.parameters,
    ));
    let replayed = replayed.map_err(|e| audit_error(&e))?;
    if replayed.is_empty() {
        return Err(ControlError::new(Code::Missing, "the dossier has no such run"));
    }
    let same = replayed.iter().all(|r| r.comparison.verdict.is_same());
    let lines: Vec<String> = replayed
        .iter()
        // The dossier's words, and its maker may be the one who is audited.
        .map(|r| {
            let verdict = audit::words(&r.comparison.verdict);
            format!("{} {}: {}", clean(&r.transaction), clean(&r.model), clean(&verdict))
        })
        .collect();
    let mut text = lines.join("\n");
    if verified.report.verdict != Verdict::Verified {
        text.push('\n');
        text.push_str(&verified.report.text(language(context)));
    }
    let json: Vec<_> = replayed
        .iter()
        .map(|r| json!({"transaction": r.transaction, "model": r.model, "comparison": r.comparison}))
        .collect();
    // With changed parameters another result is what was asked for; that nothing ran is not.
    let ran = |r: &audit::Replayed| !matches!(r.comparison.verdict, replay::Verdict::CannotRerun { .. });
    let all_ran = replayed.iter().all(ran);
    let different = (!all_ran || !same && arguments.parameters.is_empty()).then_some(Code::Failed);
    Ok(Outcome {
        text,
        json: json!({"runs": json, "dossier": verified.report.verdict}),
        verdict: different.or(code(verified.report.verdict)),
    })
}

fn start_logging(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(format!("herleid={},warn", config.log.level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second subscriber in one process only exists in tests; the first one stays.
    let _already = if config.log.json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
}

async fn serve_until_told(config: Config) -> Result<(), ControlError> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        told.cancel();
    });
    serve(config, stop, ready).await.map_err(serve_error)
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = signal(SignalKind::terminate());
    let interrupt = signal(SignalKind::interrupt());
    match (terminate, interrupt) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        // Without handlers the signals end the process by themselves; what is acknowledged is durable.
        _ => std::future::pending().await,
    }
}

/// The one line on standard output that says that everything answers; service managers and tests wait for it.
fn ready(node: &Node) {
    let mut out = std::io::stdout();
    // Whoever closed our standard output does not want to know.
    let _unread = writeln!(out, "ready {} {} records", node.public_url, node.ledger.size()).and_then(|()| out.flush());
}

fn serve_error(error: ServeError) -> ControlError {
    let code = match error {
        ServeError::Socket(socket) => return socket.into(),
        ServeError::Listen(ServerError::PortInUse { .. })
        | ServeError::Management(ManagementError::Listen(ServerError::PortInUse { .. }))
        | ServeError::Open(OpenError::Ledger(LedgerError::InUse { .. })) => Code::Busy,
        ServeError::Listen(ServerError::NotPermitted { .. } | ServerError::NoSuchAddress { .. })
        | ServeError::Tls(_)
        | ServeError::Management(_)
        | ServeError::Open(
            OpenError::Secrets(_)
            | OpenError::Sources(_)
            | OpenError::Tls(_)
            | OpenError::Key(_)
            | OpenError::Url(_)
            | OpenError::Handlers(_)
            | OpenError::Place(_)
            | OpenError::Stamping(_)
            | OpenError::Ledger(
                LedgerError::OtherOwner { .. } | LedgerError::WrongKek { .. } | LedgerError::Newer { .. },
            ),
        ) => Code::Configuration,
        ServeError::Unusable(StorageError::Newer { .. })
        | ServeError::Open(OpenError::Unusable(_) | OpenError::WitnessLost { .. }) => Code::Configuration,
        ServeError::Rollback(_)
        | ServeError::Behind { .. }
        | ServeError::Restored { .. }
        | ServeError::Damaged(_)
        | ServeError::Unsound { .. } => Code::Untrusted,
        ServeError::NoQuorum { .. } => Code::Unreachable,
        ServeError::Open(_)
        | ServeError::Listen(_)
        | ServeError::Witnessing(_)
        | ServeError::Watching(_)
        | ServeError::Storage { .. }
        | ServeError::Unusable(_)
        | ServeError::Backup(_)
        | ServeError::Resume(_) => Code::Failed,
    };
    ControlError::new(code, error.to_string())
}
