//! `ledger check-timestamp`: a time stamp and the checkpoint that it is of, checked without configuration or network.

use crate::cli::arguments::CheckTimestampArguments;
use crate::cli::show::{clean, when};
use crate::cli::text::text;
use crate::cli::{Context, Outcome};
use crate::control::error::{Code, ControlError};
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::note::{MAX_NOTE_BYTES, Verifier};
use herleid_verifier::timestamp::{self, Authorities, MAX_RESPONSE_BYTES};
use serde_json::json;
use std::io::Read as _;
use std::path::Path;

/// A file of certificates has a few; a megabyte is hundreds.
const MAX_PEM_BYTES: usize = 1 << 20;

/// What is longer than it can be is a mistake, or a device.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, ControlError> {
    let refused = |code, why: String| ControlError::new(code, format!("`{}` cannot be read", path.display())).what(why);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes))
        .map_err(|e| refused(Code::Missing, e.to_string()))?;
    if bytes.len() > most {
        return Err(refused(Code::Usage, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

pub(super) fn check(context: &Context, arguments: &CheckTimestampArguments) -> Result<Outcome, ControlError> {
    let usage = |what: &Path, why: String| {
        ControlError::new(Code::Usage, format!("`{}` cannot be used", what.display())).what(why)
    };
    let untrusted = |what: &Path, why: String| {
        ControlError::new(Code::Untrusted, format!("`{}` is not believed", what.display())).what(why)
    };
    let pem = read(&arguments.authority, MAX_PEM_BYTES)?;
    let trusted = Authorities::from_pem(&pem).map_err(|e| usage(&arguments.authority, e.to_string()))?;
    let key = String::from_utf8_lossy(&read(&arguments.log_key, MAX_NOTE_BYTES)?).into_owned();
    let key = Verifier::parse(key.trim()).map_err(|e| usage(&arguments.log_key, e.to_string()))?;
    let note = read(&arguments.checkpoint, MAX_NOTE_BYTES)?;
    let checkpoint =
        Checkpoint::verify_bytes(&note, &key).map_err(|e| untrusted(&arguments.checkpoint, e.to_string()))?;
    let response = read(&arguments.response, MAX_RESPONSE_BYTES)?;
    let stamp =
        timestamp::verify(&response, &note, &trusted).map_err(|e| untrusted(&arguments.response, e.to_string()))?;
    let (size, time) = (checkpoint.size().to_string(), when(stamp.time_ms));
    let (origin, authority) = (clean(checkpoint.origin()), clean(&stamp.authority));
    let values = [
        ("size", size.as_str()),
        ("origin", &origin),
        ("time", &time),
        ("authority", &authority),
    ];
    Ok(Outcome {
        text: text(context.language, "cli-ledger-stamped", &values),
        json: json!({"origin": checkpoint.origin(), "size": checkpoint.size(), "time_ms": stamp.time_ms, "authority": stamp.authority, "serial": stamp.serial}),
        verdict: None,
    })
}
