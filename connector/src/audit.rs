//! The auditor's commands: `verify`, `replay`, and the putting together of anchors that several parties stated.

use crate::control::error::Code;
use crate::models::process::Process;
use crate::models::sandbox::{InputSource, Job, JobInput, Sandbox};
use crate::rim::SystemClock;
use herleid_verifier::anchors::Anchors;
use herleid_verifier::case::{Case, Run};
use herleid_verifier::dossier::Archive;
use herleid_verifier::replay::{self, Canonicalisation, Comparison, RecordedOutput, ReplayedOutput, compare};
use herleid_verifier::{Verified, verify as verify_dossier};
use herleid_vocab::json::{self, Limits};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Largest file of anchors.
const ANCHORS: Limits = Limits {
    max_bytes: 64 << 20,
    max_depth: 32,
};
/// Largest file of a dossier that a replay reads into memory.
const LARGEST: u64 = 1 << 30;

/// Why an audit could not be carried out. What does not verify is a verdict, not an error.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {why}")]
    File {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// A file that was to be made is there.
    #[error("`{path}` exists; nothing is overwritten: name another file")]
    Exists {
        /// Which.
        path: String,
    },
    /// A file cannot be written.
    #[error("`{path}` cannot be written: {why}")]
    Write {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// The anchors are not anchors.
    #[error("the anchors are refused: {0}")]
    Anchors(String),
    /// Statements contradict each other.
    #[error("the statements cannot be put together: {0}")]
    Merge(String),
    /// A parameter to change is not one of the model's.
    #[error("`--set {0}`: {1}")]
    Parameter(String, String),
}

impl AuditError {
    /// What kind of failure it is for whoever gave the command.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::File { .. } => Code::Missing,
            Self::Write { .. } => Code::Failed,
            Self::Exists { .. } | Self::Parameter(..) | Self::Merge(_) | Self::Anchors(_) => Code::Usage,
        }
    }
}

fn file(path: &Path) -> impl Fn(&dyn std::fmt::Display) -> AuditError {
    let path = path.display().to_string();
    move |why| AuditError::File {
        path: path.clone(),
        why: why.to_string(),
    }
}

/// Verifies a dossier; without anchors nothing is believed.
///
/// # Errors
/// When a file cannot be read or the anchors are none.
pub fn verify(dossier: &Path, anchors: Option<&Path>, now_ms: u64) -> Result<Verified, AuditError> {
    let opened = File::open(dossier).map_err(|e| file(dossier)(&e))?;
    let anchors = anchors.map(read_anchors).transpose()?;
    Ok(verify_dossier(BufReader::new(opened), anchors.as_ref(), now_ms))
}

fn read_anchors(path: &Path) -> Result<Anchors, AuditError> {
    let bytes = std::fs::read(path).map_err(|e| file(path)(&e))?;
    Anchors::parse(&bytes).map_err(|e| AuditError::Anchors(e.to_string()))
}

/// Puts together what parties stated of themselves ([`crate::commands`], `anchors`). Two statements about one party are refused:
/// each speaks for itself alone.
///
/// # Errors
/// When a statement is not one, or two speak for the same party.
pub fn merge_anchors(statements: &[Value]) -> Result<Vec<u8>, AuditError> {
    let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let (mut obtained, mut quorum) = (0, 1);
    for statement in statements {
        for name in ["parties", "witnesses", "issuers", "checkpoints", "streams"] {
            let list = statement
                .get(name)
                .and_then(Value::as_array)
                .ok_or_else(|| AuditError::Merge(format!("a statement has no `{name}`")))?;
            lists.entry(name).or_default().extend(list.iter().cloned());
        }
        let number = |name: &str| statement.get(name).and_then(Value::as_u64);
        obtained = obtained.max(number("obtained").unwrap_or(0));
        quorum = quorum.max(number("quorum").unwrap_or(1));
    }
    let mut take = |name: &str| Value::Array(lists.remove(name).unwrap_or_default());
    let merged = json!({
        "format": "herleid-anchors/1", "obtained": obtained, "quorum": quorum, "parties": take("parties"), "witnesses": take("witnesses"),
        "issuers": take("issuers"), "checkpoints": take("checkpoints"), "streams": take("streams"),
    });
    let bytes = json::canonical(&merged).map_err(|e| AuditError::Merge(e.to_string()))?;
    json::parse(&bytes, &ANCHORS).map_err(|e| AuditError::Merge(e.to_string()))?;
    Anchors::parse(&bytes).map_err(|e| AuditError::Merge(e.to_string()))?;
    Ok(bytes)
}

/// Writes a file that must not exist yet, and syncs it.
///
/// # Errors
/// When it exists or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), AuditError> {
    use std::io::Write as _;
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e: std::io::Error| {
        let path = path.display().to_string();
        if e.kind() == std::io::ErrorKind::AlreadyExists {
            AuditError::Exists { path }
        } else {
            let why = e.to_string();
            AuditError::Write { path, why }
        }
    })
}

/// Reads a statement that a party made with `herleid anchors`.
///
/// # Errors
/// When it cannot be read or is not JSON.
pub fn read_statement(path: &Path) -> Result<Value, AuditError> {
    let bytes = std::fs::read(path).map_err(|e| file(path)(&e))?;
    json::parse(&bytes, &ANCHORS).map_err(|e| AuditError::Anchors(e.to_string()))
}

/// A comparison's verdict in words.
#[must_use]
pub fn words(verdict: &replay::Verdict) -> String {
    match verdict {
        replay::Verdict::Identical => "identical".to_owned(),
        replay::Verdict::IdenticalAfter { canonicalisation, .. } => format!("identical after {canonicalisation}"),
        replay::Verdict::Different { why, .. } => format!("different: {why}"),
        replay::Verdict::CannotRerun { why } => format!("cannot be run again: {why}"),
    }
}

/// One run, run again.
pub struct Replayed {
    /// Transaction of the run.
    pub transaction: String,
    /// Model and version.
    pub model: String,
    /// How the outputs compare with the recorded ones.
    pub comparison: Comparison,
}

/// Runs the runs of a dossier again, in a sandbox, with `changes` to their parameters.
///
/// # Errors
/// When the dossier cannot be read. A run that cannot be repeated says so in its comparison.
pub async fn replay_runs(
    dossier: &Path,
    case: &Case,
    only: Option<&str>,
    changes: &[(String, String)],
) -> Result<Vec<Replayed>, AuditError> {
    let opened = File::open(dossier).map_err(|e| file(dossier)(&e))?;
    let mut archive = Archive::open(BufReader::new(opened)).map_err(|e| file(dossier)(&e))?;
    let jobs = tempfile::Builder::new()
        .prefix("herleid-replay-")
        .tempdir()
        .map_err(|e| file(dossier)(&e))?;
    let sandbox = open_sandbox(jobs.path()).await;
    let mut replayed = Vec::new();
    for run in case
        .runs
        .values()
        .filter(|run| only.is_none_or(|o| o == run.transaction))
    {
        let comparison = match &sandbox {
            Ok(sandbox) => again(&mut archive, sandbox, run, changes).await?,
            Err(why) => Comparison::cannot_rerun(why.clone()),
        };
        replayed.push(Replayed {
            transaction: run.transaction.clone(),
            model: format!("{} {}", run.model, run.version),
            comparison,
        });
    }
    Ok(replayed)
}

async fn open_sandbox(jobs: &Path) -> Result<Sandbox, String> {
    use std::os::unix::fs::PermissionsExt as _;
    // The user that runs programs must be able to pass through; it cannot list what is there.
    std::fs::set_permissions(jobs, std::fs::Permissions::from_mode(0o711)).map_err(|e| e.to_string())?;
    Sandbox::open(jobs, 1).await.map_err(|e| e.to_string())
}

async fn again(
    archive: &mut Archive<BufReader<File>>,
    sandbox: &Sandbox,
    run: &Run,
    changes: &[(String, String)],
) -> Result<Comparison, AuditError> {
    let Some(program) = run
        .program
        .as_ref()
        .filter(|p| archive.contains(&format!("models/{p}")))
    else {
        return Ok(Comparison::cannot_rerun("the program is not in the dossier"));
    };
    let process = match process_of(archive, run) {
        Ok(process) => Arc::new(process),
        Err(why) => return Ok(Comparison::cannot_rerun(why)),
    };
    let mut read = |name: String| archive.read(&name, LARGEST).map_err(|e| e.to_string());
    let folder = tempfile::tempdir().map_err(|e| AuditError::File {
        path: "a temporary directory".to_owned(),
        why: e.to_string(),
    })?;
    let program_path = folder.path().join("program");
    let mut inputs = Vec::new();
    let prepared = (|| {
        std::fs::write(&program_path, read(format!("models/{program}"))?).map_err(|e| e.to_string())?;
        for input in &run.inputs {
            let bytes = read(format!("data/{}", input.sha256))?;
            inputs.push(JobInput {
                name: input.name.clone(),
                source: InputSource::Bytes(bytes.into()),
                sha256: input.sha256.clone(),
            });
        }
        Ok::<(), String>(())
    })();
    if let Err(why) = prepared {
        return Ok(Comparison::cannot_rerun(why));
    }
    let parameters = changed(&process, &run.parameters, changes)?;
    let seed = run.seed.as_u64();
    let job = Job {
        id: run.transaction.clone(),
        process: process.clone(),
        program: program_path,
        inputs,
        parameters,
        seed,
    };
    let ran = match sandbox.prepare(job).await {
        Ok(prepared) => sandbox.run(prepared, &SystemClock).await,
        Err(error) => Err(error),
    };
    let outputs = match ran.map(|r| r.outcome) {
        Ok(Ok(outputs)) => outputs,
        Ok(Err(failure)) => return Ok(Comparison::cannot_rerun(failure.to_string())),
        Err(error) => return Ok(Comparison::cannot_rerun(error.to_string())),
    };
    let kept: Vec<(String, String, Option<Vec<u8>>)> = run
        .outputs
        .iter()
        .map(|o| {
            (
                o.name.clone(),
                o.sha256.clone(),
                archive.read(&format!("data/{}", o.sha256), LARGEST).ok(),
            )
        })
        .collect();
    let recorded: Vec<RecordedOutput<'_>> = kept
        .iter()
        .map(|(name, sha256, bytes)| RecordedOutput {
            name,
            sha256,
            bytes: bytes.as_deref(),
        })
        .collect();
    let now: Vec<ReplayedOutput<'_>> = outputs
        .iter()
        .map(|o| ReplayedOutput {
            name: &o.name,
            bytes: &o.bytes,
        })
        .collect();
    let canonicalisation: Canonicalisation = process.model().canonicalisation();
    Ok(compare(&recorded, &now, canonicalisation).unwrap_or_else(|e| Comparison::cannot_rerun(e.to_string())))
}

/// The description of the model as it was recorded when it was agreed upon: among the evidence, and about this program.
fn process_of(archive: &mut Archive<BufReader<File>>, run: &Run) -> Result<Process, String> {
    let names: Vec<String> = archive
        .entries()
        .map(|e| e.name.to_string())
        .filter(|n| n.starts_with("evidence/"))
        .collect();
    for name in names {
        let Ok(bytes) = archive.read(&name, 1 << 20) else {
            continue;
        };
        let Ok(process) = Process::parse(&bytes) else { continue };
        if process.model().id() == run.model
            && process.model().version() == run.version
            && run.program.as_deref() == Some(process.program_sha256())
        {
            return Ok(process);
        }
    }
    Err("the description of the model is not in the dossier".to_owned())
}

fn changed(
    process: &Process,
    recorded: &Map<String, Value>,
    changes: &[(String, String)],
) -> Result<Map<String, Value>, AuditError> {
    let mut parameters = recorded.clone();
    for (name, text) in changes {
        let refuse = |why: String| AuditError::Parameter(name.clone(), why);
        let parameter = process.model().parameters().iter().find(|p| p.name() == name);
        let parameter = parameter.ok_or_else(|| refuse("the model has no such parameter".to_owned()))?;
        let value = Value::String(text.clone());
        let value = match parameter.check(&value) {
            Ok(()) => value,
            Err(why) => serde_json::from_str(text)
                .ok()
                .filter(|v| parameter.check(v).is_ok())
                .ok_or_else(|| refuse(why))?,
        };
        parameters.insert(name.clone(), value);
    }
    Ok(parameters)
}
