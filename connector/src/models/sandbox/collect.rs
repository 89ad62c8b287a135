//! Taking the outputs in, after everything that could write them has ended.

use super::error::{Failure, SandboxError};
use super::run::Output;
use crate::models::package::Model;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Reads what the program left in `out/`: every declared output, nothing else, plain files only, within the limit.
///
/// # Errors
/// The outer error when the folder cannot be read; the inner one when the program is to blame.
pub(super) fn outputs(model: &Model, job: &Path) -> Result<Result<Vec<Output>, Failure>, SandboxError> {
    let out = job.join("out");
    // The program may have shut its own folder; who owns it opens it again.
    fs::set_permissions(&out, Permissions::from_mode(0o700)).map_err(SandboxError::io(&out))?;
    let refuse = |file: &OsStr, why: &'static str| Failure::Output { file: shown(file), why };
    for entry in fs::read_dir(&out).map_err(SandboxError::io(&out))? {
        let entry = entry.map_err(SandboxError::io(&out))?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(SandboxError::io(&out))?;
        if !model.outputs().iter().any(|port| OsStr::new(&port.file) == name) {
            return Ok(Err(refuse(&name, "the model does not declare it")));
        }
        if !kind.is_file() {
            return Ok(Err(refuse(&name, "it is not a plain file")));
        }
    }
    let output_bytes = model.limits().output_bytes;
    let mut left = output_bytes;
    let mut collected = Vec::new();
    for port in model.outputs() {
        let path = out.join(&port.file);
        let name = OsStr::new(&port.file);
        let Ok(seen) = fs::symlink_metadata(&path) else {
            return Ok(Err(refuse(name, "it is missing")));
        };
        let Ok(file) = File::open(&path) else {
            return Ok(Err(refuse(name, "it cannot be read")));
        };
        let opened = file.metadata().map_err(SandboxError::io(&path))?;
        // All writers have ended; should this ever not hold, another file than the one looked at is not taken for it.
        if !opened.is_file() || (opened.dev(), opened.ino()) != (seen.dev(), seen.ino()) {
            return Ok(Err(refuse(name, "it is not a plain file")));
        }
        let mut bytes = Vec::new();
        file.take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(SandboxError::io(&path))?;
        let Some(rest) = left.checked_sub(bytes.len() as u64) else {
            return Ok(Err(Failure::OutputLimit { output_bytes }));
        };
        left = rest;
        collected.push(Output {
            name: port.name.clone(),
            media_type: port.media_type.clone(),
            sha256: Sha256::digest(&bytes).into(),
            blake3: blake3::hash(&bytes).into(),
            bytes: bytes.into(),
        });
    }
    Ok(Ok(collected))
}

/// A file name that may be anything, fit for a message.
pub(super) fn shown(name: &OsStr) -> String {
    name.to_string_lossy().escape_debug().take(64).collect()
}
