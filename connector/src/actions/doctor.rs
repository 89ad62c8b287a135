//! `doctor` without a running service: the log is opened for the check alone, and nothing is recorded in it.

use super::load;
use crate::cli::arguments::DoctorArguments;
use crate::cli::show::Shown as _;
use crate::cli::text::text;
use crate::cli::{Context, Outcome};
use crate::commands::doctor::beside::{self, Beside};
use crate::commands::{Failure, STEP, answer, failure, wrong};
use crate::continuing::{self, PlaceError};
use crate::control::error::{Code, ControlError};
use crate::control::protocol::{Line, Step, Unit};
use crate::erasure::over::{self, Erased};
use crate::node::{Secrets, ledger_options};
use crate::payloads::Payloads;
use crate::rim::{SystemClock, SystemEntropy};
use crate::state::State;
use crate::storage;
use herleid_ledger::{Ledger, LedgerError};
use std::path::PathBuf;
use std::sync::Arc;

pub(super) fn doctor(context: &Context, arguments: &DoctorArguments) -> Result<Outcome, ControlError> {
    let config = load(context)?;
    let unsound = |error: LedgerError| ControlError::from(failure(&error));
    let (folder, origin) = (&config.storage.directory, &config.ledger.origin);
    storage::check(folder).map_err(|e| ControlError::new(Code::Configuration, e.to_string()))?;
    let misplaced = |e: PlaceError| ControlError::new(Code::Configuration, e.to_string());
    // A log that is over is looked at as it is.
    let (directory, successor) = match continuing::directory(folder, origin) {
        Ok(directory) => (directory, None),
        Err(PlaceError::Continued { successor, .. }) => {
            (continuing::of(folder, origin).map_err(misplaced)?, Some(successor))
        }
        Err(error) => return Err(misplaced(error)),
    };
    let is_over = successor.is_some();
    // Opening an empty directory would begin a log there.
    let is_new = match is_over {
        true => Ledger::origin_in(&directory).map(|origin| origin.is_none()),
        false => Ledger::is_new(&directory),
    };
    if is_new.map_err(unsound)? {
        let what = format!("there is no log in `{}`", directory.display());
        return Err(ControlError::new(Code::Missing, what)
            .next("name the configuration of the participant whose log is to be checked (--config)"));
    }
    let secrets =
        Secrets::load(&config.keys.directory).map_err(|e| ControlError::new(Code::Configuration, e.to_string()))?;
    let options = ledger_options(
        &config,
        &secrets,
        &directory,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    );
    let options = options.map_err(unsound)?;
    let open = if is_over {
        Ledger::open_closed
    } else {
        Ledger::open_to_check
    };
    let ledger = open(options).map_err(unsound)?;
    let of = |step: &'static str| {
        move |done, total| {
            context.screen.line(&Line::Progress(Step {
                step: step.to_owned(),
                done,
                total: Some(total),
                unit: Unit::Items,
            }));
        }
    };
    let told = of(STEP);
    if arguments.rebuild_index {
        if is_over {
            let what = format!("`{origin}` is over, and nothing is written into it any more");
            return Err(
                ControlError::new(Code::Refused, what).next("`herleid doctor` without `--rebuild-index` checks it")
            );
        }
        ledger.rebuild_lineage(told).map_err(unsound)?;
    }
    // What those after it say is gone from it.
    let erased = match &successor {
        Some(latest) => over::entombed_below(&config, &secrets, (folder, folder), latest, &ledger)?,
        None => Erased::new(),
    };
    let audited = ledger.verify_all_but(&erased, told);
    let answer = if is_over {
        // Nothing is written beside a log that is over, and nothing more is recorded in it anyway.
        answer(&ledger, &audited.map_err(unsound)?)
    } else {
        let log = audited.map_err(|error| wrong(&ledger, &error)).and_then(|audited| {
            let mut answer = answer(&ledger, &audited);
            // Nobody writes meanwhile, so that what was audited is all there is.
            answer.found_before = ledger.is_sound_again(&audited).map_err(|error| failure(&error))?;
            Ok(answer)
        });
        let mut beside = Beside::default();
        let place = (folder.as_path(), folder.as_path());
        let opened = |(before, directory): (String, PathBuf)| {
            let log = over::closed(&config, &secrets, place, &before, &directory);
            let log = log.map_err(Failure::from).and_then(|log| {
                let erased = over::entombed_below(&config, &secrets, place, origin, &log)?;
                Ok((log, erased))
            });
            (before, log)
        };
        let before = continuing::previous(folder, origin);
        let before = before.map(|before| before.into_iter().map(opened));
        beside.check_over(before, of(beside::OVER));
        let payloads = Payloads::to_read(&folder.join("payloads"));
        beside.read_payloads(&payloads, &State::new(ledger.clone()), of(beside::PAYLOADS));
        beside.told(log)?
    };
    let mut lines = vec![answer.show(context.language)];
    if arguments.rebuild_index {
        lines.push(text(context.language, "cli-doctor-rebuilt", &[]));
    }
    let json = serde_json::to_value(&answer)
        .map_err(|e| ControlError::new(Code::Failed, "the answer has no JSON form").what(e.to_string()))?;
    Ok(Outcome {
        text: lines.join("\n"),
        json,
        verdict: None,
    })
}
