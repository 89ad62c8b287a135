//! The job directory: made, filled and hashed before anything runs, and removed afterwards.

use super::Slot;
use super::directory::JobDirectory;
use super::error::SandboxError;
use super::host::{Host, interpreter};
use super::walls;
use crate::models::limits::Limits;
use crate::models::package::Port;
use crate::models::process::Process;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The form of `job.json`.
const FORMAT: &str = "herleid-job/1";
/// Largest program: 512 MiB, a static binary with its data and room to spare.
const MAX_PROGRAM_BYTES: u64 = 512 << 20;
/// Largest input: 4 GiB, what a dossier may hold (docs/dossier-format.md).
const MAX_INPUT_BYTES: u64 = 4 << 30;
/// Copied and hashed in pieces of 1 MiB.
const PIECE_BYTES: usize = 1 << 20;

/// Where an input's bytes are.
#[derive(Debug, Clone)]
pub enum InputSource {
    /// In memory.
    Bytes(Bytes),
    /// In a file, which is copied.
    File(PathBuf),
}

/// An input of a job.
#[derive(Debug, Clone)]
pub struct JobInput {
    /// Its name in the model's description.
    pub name: String,
    /// Its bytes.
    pub source: InputSource,
    /// The SHA-256 that was recorded, 64 lower-case hex digits; other bytes are refused.
    pub sha256: String,
}

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Job {
    /// Names the job directory: 1 to 64 letters, digits and hyphens, never used before on this machine (a fresh UUID).
    pub id: String,
    /// The published model.
    pub process: Arc<Process>,
    /// Where its program lies.
    pub program: PathBuf,
    /// Every input of the model.
    pub inputs: Vec<JobInput>,
    /// Every parameter of the model, defaults included.
    pub parameters: Map<String, Value>,
    /// The seed, for a model that uses one, and only then.
    pub seed: Option<u64>,
}

/// A job that is ready to run: the copies in its directory are the ones that were hashed.
#[derive(Debug)]
pub struct Prepared {
    pub(super) directory: JobDirectory,
    pub(super) process: Arc<Process>,
    pub(super) program_sha256: String,
    pub(super) environment: Value,
    /// Held until the job directory is gone.
    pub(super) _slot: Slot,
}

impl Prepared {
    /// SHA-256 of the program that will run, 64 lower-case hex digits.
    #[must_use]
    pub fn program_sha256(&self) -> &str {
        &self.program_sha256
    }

    /// The environment as found, for `run.environment`.
    #[must_use]
    pub fn environment(&self) -> &Value {
        &self.environment
    }

    pub(super) fn limits(&self) -> Limits {
        self.process.model().limits()
    }
}

/// SHA-256 of a program; what a publisher records. Reads the whole file, so call it where blocking is allowed.
///
/// # Errors
/// When it is not a plain file of at most 512 MiB, or cannot be read.
pub fn digest_program(path: &Path) -> Result<[u8; 32], SandboxError> {
    Ok(read_program(path)?.0)
}

pub(super) fn prepare(jobs: &Path, host: &Host, job: &Job, slot: Slot) -> Result<Prepared, SandboxError> {
    let model = job.process.model();
    fits(job)?;
    let directory = JobDirectory::create(jobs, &job.id, host.identity)?;
    for folder in ["bin", "in"] {
        directory.folder(folder)?;
    }

    let copy = directory.path.join(walls::PROGRAM);
    copy_program(host, &job.program, &copy)?;
    directory.share(&copy, 0o550)?;
    // The copy is hashed, not the original: nobody but this process can change it between here and the run.
    let (digest, head) = read_program(&copy)?;
    let program_sha256 = hex::encode(digest);
    if program_sha256 != job.process.program_sha256() {
        return Err(SandboxError::ProgramChanged {
            path: job.program.clone(),
            published: job.process.program_sha256().to_owned(),
            found: program_sha256,
        });
    }

    let mut described = Map::new();
    for (port, input) in pairs(model.inputs(), &job.inputs) {
        let file = format!("in/{}", port.file);
        let bytes = copy_input(input, &mut directory.file(&file, 0o440)?)?;
        let one = json!({"file": file, "mediaType": port.media_type, "bytes": bytes, "sha256": input.sha256});
        described.insert(port.name.clone(), one);
    }
    let outputs = model.outputs().iter().map(|port| {
        (
            port.name.clone(),
            json!({"file": format!("out/{}", port.file), "mediaType": port.media_type}),
        )
    });
    let text = json!({
        "format": FORMAT,
        "model": model.id(),
        "version": model.version(),
        "inputs": described,
        "parameters": job.parameters,
        "seed": job.seed,
        "outputs": outputs.collect::<Map<_, _>>(),
    });
    let text = herleid_vocab::json::canonical(&text).map_err(|e| SandboxError::Job { why: e.to_string() })?;
    let path = directory.path.join("job.json");
    directory
        .file("job.json", 0o440)?
        .write_all(&text)
        .map_err(SandboxError::io(&path))?;
    directory.open_output()?;

    let limits = serde_json::to_value(model.limits()).unwrap_or(Value::Null);
    let environment = host.environment(interpreter(&head), limits);
    Ok(Prepared {
        directory,
        process: Arc::clone(&job.process),
        program_sha256,
        environment,
        _slot: slot,
    })
}

/// The job names exactly what the model declares.
fn fits(job: &Job) -> Result<(), SandboxError> {
    let wrong = |why: String| Err(SandboxError::Job { why });
    let model = job.process.model();
    if model.inputs().len() != job.inputs.len() || pairs(model.inputs(), &job.inputs).count() != job.inputs.len() {
        let expected: Vec<_> = model.inputs().iter().map(|port| port.name.as_str()).collect();
        let found: Vec<_> = job.inputs.iter().map(|input| input.name.as_str()).collect();
        return wrong(format!(
            "inputs `{}`; expected `{}`",
            found.join("`, `"),
            expected.join("`, `")
        ));
    }
    for parameter in model.parameters() {
        let Some(value) = job.parameters.get(parameter.name()) else {
            return wrong(format!(
                "parameter `{}` is missing; a job names every one",
                parameter.name()
            ));
        };
        if let Err(why) = parameter.check(value) {
            return wrong(format!("parameter `{}`: {why}", parameter.name()));
        }
    }
    if job.parameters.len() != model.parameters().len() {
        return wrong(format!(
            "it has {} parameters; expected {}",
            job.parameters.len(),
            model.parameters().len()
        ));
    }
    if job.seed.is_some() != model.uses_seed() {
        return wrong(
            if model.uses_seed() {
                "the seed is missing"
            } else {
                "the model uses no seed"
            }
            .to_owned(),
        );
    }
    Ok(())
}

fn pairs<'a>(ports: &'a [Port], inputs: &'a [JobInput]) -> impl Iterator<Item = (&'a Port, &'a JobInput)> {
    ports
        .iter()
        .filter_map(|port| Some((port, inputs.iter().find(|input| input.name == port.name)?)))
}

/// Copies a program by way of `cp`. Were it written here, a program that another thread starts at that moment would hold
/// the copy open for writing, and the kernel runs no file that is (execve(2), ETXTBSY).
fn copy_program(host: &Host, from: &Path, to: &Path) -> Result<(), SandboxError> {
    let wrong = |why: String| SandboxError::Program {
        path: from.to_owned(),
        why,
    };
    plain_program(from)?;
    let output = std::process::Command::new(&host.cp)
        .env_clear()
        .arg("--")
        .args([from, to])
        .output();
    let output = output.map_err(|e| wrong(e.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        let said: String = String::from_utf8_lossy(&output.stderr)
            .trim()
            .chars()
            .take(400)
            .collect();
        Err(wrong(format!("it could not be copied: {said}")))
    }
}

fn plain_program(path: &Path) -> Result<(), SandboxError> {
    let wrong = |why: String| SandboxError::Program {
        path: path.to_owned(),
        why,
    };
    let metadata = fs::metadata(path).map_err(|e| wrong(e.to_string()))?;
    match metadata.len() {
        _ if !metadata.is_file() => Err(wrong("it is not a plain file".to_owned())),
        0 => Err(wrong("it is empty".to_owned())),
        1..=MAX_PROGRAM_BYTES => Ok(()),
        _ => Err(wrong(format!("it has more than {MAX_PROGRAM_BYTES} bytes"))),
    }
}

/// The digest of a program, and how it begins.
fn read_program(path: &Path) -> Result<([u8; 32], Vec<u8>), SandboxError> {
    let wrong = |why: String| SandboxError::Program {
        path: path.to_owned(),
        why,
    };
    plain_program(path)?;
    let mut file = File::open(path).map_err(|e| wrong(e.to_string()))?;
    let mut head = Vec::new();
    match copy(&mut file, &mut std::io::sink(), MAX_PROGRAM_BYTES, &mut head).map_err(|e| wrong(e.to_string()))? {
        Some((digest, _)) => Ok((digest, head)),
        None => Err(wrong(format!("it has more than {MAX_PROGRAM_BYTES} bytes"))),
    }
}

fn copy_input(input: &JobInput, to: &mut dyn Write) -> Result<u64, SandboxError> {
    let wrong = |why: String| SandboxError::Input {
        name: input.name.clone(),
        why,
    };
    let io = |e: std::io::Error| wrong(e.to_string());
    let copied = match &input.source {
        InputSource::Bytes(bytes) => copy(&mut bytes.as_ref(), to, MAX_INPUT_BYTES, &mut Vec::new()),
        InputSource::File(path) => copy(&mut File::open(path).map_err(io)?, to, MAX_INPUT_BYTES, &mut Vec::new()),
    };
    let Some((digest, bytes)) = copied.map_err(io)? else {
        return Err(wrong(format!("it has more than {MAX_INPUT_BYTES} bytes")));
    };
    let found = hex::encode(digest);
    if found != input.sha256 {
        return Err(wrong(format!(
            "its SHA-256 is {found}, but {} was recorded",
            input.sha256
        )));
    }
    Ok(bytes)
}

/// Copies at most `limit` bytes; digest and count, or `None` when there are more. Keeps the first piece in `head`.
fn copy(
    from: &mut dyn Read,
    to: &mut dyn Write,
    limit: u64,
    head: &mut Vec<u8>,
) -> std::io::Result<Option<([u8; 32], u64)>> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut total = 0;
    loop {
        let count = match from.read(&mut piece) {
            Ok(0) => return Ok(Some((hash.finalize().into(), total))),
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        total += count as u64;
        if total > limit {
            return Ok(None);
        }
        let bytes = piece.get(..count).unwrap_or_default();
        hash.update(bytes);
        to.write_all(bytes)?;
        if head.is_empty() {
            head.extend_from_slice(bytes);
        }
    }
}
