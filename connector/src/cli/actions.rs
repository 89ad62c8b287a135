//! Where the real work of the commands that need no running service is plugged in.

use super::arguments::{
    AnchorsArguments, BackupArguments, CheckTimestampArguments, ContinueArguments, DemoArguments, DoctorArguments,
    InitArguments, PolicyAction, ReplayArguments, RestoreArguments, ServeArguments, VerifyArguments,
};
use super::screen::Screen;
use super::text::Language;
use crate::control::error::{Code, ControlError};
use serde_json::Value;
use std::path::PathBuf;

/// What every command is told besides its own arguments.
#[derive(Debug)]
pub struct Context {
    /// The configuration file.
    pub config: PathBuf,
    /// Whether `--development` was given.
    pub development: bool,
    /// The reader's language.
    pub language: Language,
    /// Where progress and notes go.
    pub screen: Screen,
}

/// What a command has to show at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// For a person, in the language of [`Context::language`], without a closing line feed; may be empty.
    pub text: String,
    /// For a script (`--json`).
    pub json: Value,
    /// `None`: all is well, exit code 0. A verdict such as [`Code::Untrusted`] is shown and becomes the exit code.
    pub verdict: Option<Code>,
}

/// The commands that do their work in this process, and what the others need to find the running one. Each may block; it
/// brings its own runtime.
pub trait Actions {
    /// The storage directory that the configuration names: where the control socket is.
    ///
    /// # Errors
    /// [`Code::Configuration`].
    fn storage(&self, context: &Context) -> Result<PathBuf, ControlError> {
        let _ = context;
        Err(not_built("reading the configuration"))
    }

    /// `init`.
    ///
    /// # Errors
    /// Any; nothing half made stays behind.
    fn init(&self, context: &Context, arguments: &InitArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid init`"))
    }

    /// `serve`: returns when the service has been told to stop and has stopped.
    ///
    /// # Errors
    /// Any reason not to start, or to stop early.
    fn serve(&self, context: &Context, arguments: &ServeArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid serve`"))
    }

    /// `anchors --merge`.
    ///
    /// # Errors
    /// When a statement cannot be read, two speak for one party, or the file exists.
    fn merge_anchors(&self, context: &Context, arguments: &AnchorsArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid anchors --merge`"))
    }

    /// `verify`.
    ///
    /// # Errors
    /// When there is nothing to verify; a dossier that does not verify is an outcome with a verdict.
    fn verify(&self, context: &Context, arguments: &VerifyArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid verify`"))
    }

    /// `ledger check-timestamp`.
    ///
    /// # Errors
    /// When a file cannot be read, or the time stamp is not believed.
    fn check_timestamp(&self, context: &Context, arguments: &CheckTimestampArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid ledger check-timestamp`"))
    }

    /// `ledger continue`.
    ///
    /// # Errors
    /// When there is nothing to continue, too little is known of the log, or the successor cannot be written.
    fn continue_log(&self, context: &Context, arguments: &ContinueArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid ledger continue`"))
    }

    /// `policy` and what stands below it.
    ///
    /// # Errors
    /// When a file, a ready-made policy or a suite cannot be read. A policy that is not understood or says no, policies that differ
    /// and cases that fail are outcomes with a verdict.
    fn policy(&self, context: &Context, action: &PolicyAction) -> Result<Outcome, ControlError> {
        let _ = (context, action);
        Err(not_built("`herleid policy`"))
    }

    /// `doctor`, when no service runs.
    ///
    /// # Errors
    /// When the log cannot be opened, or is not sound.
    fn doctor(&self, context: &Context, arguments: &DoctorArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid doctor`"))
    }

    /// `backup`, when no service runs.
    ///
    /// # Errors
    /// When the log cannot be opened or does not verify, or the backup cannot be written; nothing half made stays behind.
    fn backup(&self, context: &Context, arguments: &BackupArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid backup`"))
    }

    /// `restore`.
    ///
    /// # Errors
    /// When there is a log already, or the backup is not whole; the storage directory is as it was then.
    fn restore(&self, context: &Context, arguments: &RestoreArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid restore`"))
    }

    /// `replay`.
    ///
    /// # Errors
    /// As [`Actions::verify`].
    fn replay(&self, context: &Context, arguments: &ReplayArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid replay`"))
    }

    /// `demo`.
    ///
    /// # Errors
    /// The first step that failed.
    fn demo(&self, context: &Context, arguments: &DemoArguments) -> Result<Outcome, ControlError> {
        let _ = (context, arguments);
        Err(not_built("`herleid demo`"))
    }
}

/// Nothing plugged in: each of these commands says that it is not built yet, and fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unplugged;

impl Actions for Unplugged {}

fn not_built(what: &str) -> ControlError {
    ControlError::new(Code::Failed, format!("{what} is not built yet in this version"))
        .next("use a later version of herleid")
}
