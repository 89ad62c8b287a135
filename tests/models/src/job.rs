//! The job directory (docs/models.md): `job.json`, inputs under `in/`, outputs under `out/`.

use crate::amount::Hundredths;
use crate::error::SewerError;
use crate::sewer::Capacity;
use serde::Deserialize;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The form of `job.json` that this program reads.
const FORMAT: &str = "herleid-job/1";
/// Longest `job.json`: 64 KiB; one with two inputs and two parameters has under 1 KiB.
const MAX_JOB_BYTES: u64 = 64 * 1024;
/// Longest input: 64 MiB; a million hours of rain at under 50 bytes each fit.
const MAX_INPUT_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawJob {
    format: String,
    // Read so that a job without them is refused; the answer does not depend on them.
    #[serde(rename = "model")]
    _model: String,
    #[serde(rename = "version")]
    _version: String,
    inputs: RawInputs,
    parameters: RawParameters,
    #[serde(rename = "seed")]
    _seed: Option<u64>,
    outputs: RawOutputs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInputs {
    rain: RawInput,
    sewer: RawInput,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawInput {
    file: String,
    media_type: String,
    bytes: u64,
    // Who made the job directory has checked it; see docs/models.md.
    #[serde(rename = "sha256")]
    _sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParameters {
    storage_mm: String,
    pump_mm_per_h: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutputs {
    result: RawOutput,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawOutput {
    file: String,
    media_type: String,
}

/// An input as it was read.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its file, as `job.json` names it.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// A job that was read whole.
#[derive(Debug)]
pub(crate) struct Job {
    /// The rain series.
    pub(crate) rain: Input,
    /// The sewer.
    pub(crate) sewer: Input,
    /// What to compute with.
    pub(crate) chosen: Capacity,
    result: PathBuf,
}

impl Job {
    /// Reads the job directory, or the `job.json` in it, and its inputs.
    pub(crate) fn read(path: &Path) -> Result<Self, SewerError> {
        let (directory, file) = if path.is_dir() {
            (path, path.join("job.json"))
        } else {
            (path.parent().unwrap_or(Path::new("")), path.to_owned())
        };
        let raw = read_bounded(&file, MAX_JOB_BYTES)?;
        let refuse = |why: String| SewerError::Job {
            path: file.display().to_string(),
            why,
        };
        let raw: RawJob = serde_json::from_slice(&raw).map_err(|e| refuse(e.to_string()))?;
        if raw.format != FORMAT {
            return Err(refuse(format!(
                "its format is `{}`; this model reads `{FORMAT}`",
                raw.format
            )));
        }
        let result = within(&raw.outputs.result.file, "out").map_err(refuse)?;
        json_only(&raw.outputs.result.file, &raw.outputs.result.media_type).map_err(refuse)?;
        let amount =
            |name: &'static str, text: &str| Hundredths::parse(text).map_err(|why| SewerError::Parameter { name, why });
        let chosen = Capacity {
            storage: amount("storage_mm", &raw.parameters.storage_mm)?,
            pump: amount("pump_mm_per_h", &raw.parameters.pump_mm_per_h)?,
        };
        let input = |raw: RawInput| {
            let place = within(&raw.file, "in").map_err(refuse)?;
            json_only(&raw.file, &raw.media_type).map_err(refuse)?;
            let bytes = read_bounded(&directory.join(place), MAX_INPUT_BYTES)?;
            if bytes.len() as u64 != raw.bytes {
                return Err(refuse(format!(
                    "`{}` has {} bytes, but the job says {}",
                    raw.file,
                    bytes.len(),
                    raw.bytes
                )));
            }
            Ok(Input { name: raw.file, bytes })
        };
        Ok(Self {
            rain: input(raw.inputs.rain)?,
            sewer: input(raw.inputs.sewer)?,
            chosen,
            result: directory.join(result),
        })
    }

    /// Writes the answer; never over a file that is there.
    pub(crate) fn write_result(&self, bytes: &[u8]) -> Result<(), SewerError> {
        let failed = |e: std::io::Error| SewerError::Write {
            path: self.result.display().to_string(),
            why: e.to_string(),
        };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.result)
            .map_err(failed)?;
        file.write_all(bytes).map_err(failed)
    }
}

/// `in/<name>` or `out/<name>`, and nothing that leads elsewhere.
fn within(file: &str, folder: &str) -> Result<PathBuf, String> {
    let name = file.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    match name {
        Some(name) if !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']) => {
            Ok(Path::new(folder).join(name))
        }
        _ => Err(format!("`{file}` is not a file in `{folder}/`")),
    }
}

fn json_only(file: &str, media_type: &str) -> Result<(), String> {
    if media_type == "application/json" {
        Ok(())
    } else {
        Err(format!(
            "`{file}` has media type `{media_type}`; this model reads and writes `application/json`"
        ))
    }
}

fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, SewerError> {
    let shown = path.display().to_string();
    let failed = |e: std::io::Error| SewerError::Read {
        path: shown.clone(),
        why: e.to_string(),
    };
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(SewerError::TooLarge { path: shown, limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_job_names_only_files_of_its_own_folders() {
        assert_eq!(
            within("in/rain.json", "in").unwrap(),
            std::path::Path::new("in/rain.json")
        );
        for file in [
            "rain.json",
            "in/",
            "in",
            "in/../x",
            "in/a/b",
            "/in/x",
            "out/x",
            "in/.x",
            "in//x",
            "in\\x",
            "inn/x",
        ] {
            assert!(within(file, "in").is_err(), "{file}");
        }
    }
}
