//! `doctor` without a running service: the log is opened for the check alone, and nothing is recorded in it.

use super::load;
use crate::cli::show::Shown as _;
use crate::cli::{Context, Outcome};
use crate::commands::{STEP, answer, damaged, failure};
use crate::control::error::{Code, ControlError};
use crate::control::protocol::{Line, Step, Unit};
use crate::node::{Secrets, ledger_options};
use crate::rim::{SystemClock, SystemEntropy};
use herleid_ledger::{Ledger, LedgerError};
use std::sync::Arc;

pub(super) fn doctor(context: &Context) -> Result<Outcome, ControlError> {
    let config = load(context)?;
    let unsound = |error: LedgerError| ControlError::from(failure(&error));
    let directory = &config.storage.directory;
    // Opening an empty directory would begin a log there.
    if Ledger::is_new(directory).map_err(unsound)? {
        let what = format!("there is no log in `{}`", directory.display());
        return Err(ControlError::new(Code::Missing, what)
            .next("name the configuration of the participant whose log is to be checked (--config)"));
    }
    let secrets =
        Secrets::load(&config.keys.directory).map_err(|e| ControlError::new(Code::Configuration, e.to_string()))?;
    let options = ledger_options(&config, &secrets, Arc::new(SystemClock), Arc::new(SystemEntropy)).map_err(unsound)?;
    let ledger = Ledger::open_to_check(options).map_err(unsound)?;
    let told = |done, total| {
        context.screen.line(&Line::Progress(Step {
            step: STEP.to_owned(),
            done,
            total: Some(total),
            unit: Unit::Items,
        }));
    };
    let audited = ledger
        .verify_all(told)
        .map_err(|error| ControlError::from(damaged(&ledger, &error)))?;
    let mut answer = answer(&ledger, &audited);
    // Nobody writes meanwhile, so that what was audited is all there is.
    answer.found_before = ledger.is_sound_again(&audited).map_err(unsound)?;
    let json = serde_json::to_value(&answer)
        .map_err(|e| ControlError::new(Code::Failed, "the answer has no JSON form").what(e.to_string()))?;
    Ok(Outcome {
        text: answer.show(context.language),
        json,
        verdict: None,
    })
}
