//! What the tests run: scripts as models, and the sample model.

use crate::models::package::ModelPackage;
use crate::models::process::Process;
use crate::models::sandbox::watch::Life;
use crate::models::sandbox::{InputSource, Job, JobInput, Run, Sandbox, SandboxError, digest_program};
use bytes::Bytes;
use herleid_vocab::rim::FixedClock;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A sandbox and a job that it could run.
pub(super) struct Case {
    pub(super) sandbox: Sandbox,
    pub(super) job: Job,
    pub(super) folder: Folder,
}

/// A folder of a test's own, which the user nobody can enter as well; gone when this value goes.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new("/var/tmp").join(format!("herleid-sandbox-{}-{name}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Opens a sandbox in a folder of its own. Where the machine cannot build the walls at all it says so and gives `None`;
/// a program that is not installed is a failure, because `make test` installs it.
async fn open(name: &str) -> Option<(Sandbox, Folder)> {
    let folder = Folder::new(name);
    match Sandbox::open(&folder.0, 2).await {
        Ok(sandbox) => Some((sandbox, folder)),
        Err(error @ SandboxError::NotPossible { .. }) => {
            // Only where bubblewrap cannot do even this; anything else is a fault of ours.
            let plain = ["--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "true"];
            let works = std::process::Command::new("bwrap").args(plain).status();
            assert!(!works.is_ok_and(|status| status.success()), "{error}");
            // To the stream itself: the test runner swallows what a passing test prints.
            let line = format!("SKIPPED sandbox {name}: {error}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A script as a model with one input, one parameter and one output.
pub(super) async fn case(name: &str, limits: &str, script: &str) -> Option<Case> {
    let (sandbox, folder) = open(name).await?;
    let script = if script.starts_with("#!") {
        script.to_owned()
    } else {
        format!("#!/bin/sh\n{script}\n")
    };
    let program = folder.0.join("script");
    fs::write(&program, script).unwrap();
    let package = format!(
        "format = \"herleid-model/1\"\nid = \"script\"\nversion = \"1\"\ntitle = \"T\"\nprogram = \"script\"\ncanonicalisation = \"none\"
        uses_seed = false\nlicence = {{ id = \"none\", program_in_dossier = false }}\nenvironment = {{ description = \"sh\" }}
        parameters = [{{ name = \"depth\", title = \"D\", type = \"decimal\", decimals = 1, default = \"0.5\" }}]
        inputs = [{{ name = \"given\", title = \"G\", file = \"given.txt\", media_type = \"text/plain\" }}]
        outputs = [{{ name = \"result\", title = \"R\", file = \"result.txt\", media_type = \"text/plain\" }}]\n[limits]\n{limits}\n"
    );
    let model = ModelPackage::from_toml(&package).unwrap().model().clone();
    let process = Process::new(model, &digest_program(&program).unwrap());
    let input = JobInput {
        name: "given".to_owned(),
        source: InputSource::Bytes(Bytes::from_static(b"hello")),
        sha256: hex::encode(Sha256::digest(b"hello")),
    };
    let parameters = Map::from_iter([("depth".to_owned(), json!("0.5"))]);
    let job = Job {
        id: name.to_owned(),
        process: Arc::new(process),
        program,
        inputs: vec![input],
        parameters,
        seed: None,
    };
    Some(Case { sandbox, job, folder })
}

/// Runs a script as a model.
pub(super) async fn runs(name: &str, limits: &str, script: &str) -> Option<Run> {
    let Case { sandbox, job, folder } = case(name, limits, script).await?;
    let prepared = sandbox.prepare(job).await.unwrap();
    let run = sandbox.run(prepared, &FixedClock::new(0)).await.unwrap();
    assert_eq!(left_in(&folder.0), 0, "{name} left a job directory");
    Some(run)
}

/// Job directories in a folder.
pub(super) fn left_in(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("job-"))
        .count()
}

/// The process whose command line is `sleep` and this number.
pub(super) fn sleeper(number: &str) -> Option<Life> {
    let line = format!("sleep\0{number}\0");
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid = entry.file_name().to_string_lossy().parse().ok()?;
        (fs::read(entry.path().join("cmdline")).ok()? == line.as_bytes()).then_some(())?;
        Life::of(pid)
    })
}

/// Runs the sample model on the sample data.
pub(super) async fn sewer(name: &str) -> Option<Run> {
    let (sandbox, _folder) = open(name).await?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    let program = sewer_program(&source);
    let package = fs::read_to_string(source.join("model.toml")).unwrap();
    let model = ModelPackage::from_toml(&package).unwrap().model().clone();
    let input = |name: &str, file: &str| {
        let path = source.join("data").join(file);
        let sha256 = hex::encode(Sha256::digest(fs::read(&path).unwrap()));
        JobInput {
            name: name.to_owned(),
            source: InputSource::File(path),
            sha256,
        }
    };
    let job = Job {
        id: name.to_owned(),
        process: Arc::new(Process::new(model, &digest_program(&program).unwrap())),
        program,
        inputs: vec![input("rain", "vlissingen-2020-06.json"), input("sewer", "sewer.json")],
        parameters: Map::from_iter([
            ("storage_mm".to_owned(), json!("7")),
            ("pump_mm_per_h".to_owned(), json!("0.7")),
        ]),
        seed: None,
    };
    let prepared = sandbox.prepare(job).await.unwrap();
    Some(sandbox.run(prepared, &FixedClock::new(0)).await.unwrap())
}

/// The sample model beside this test in the target directory; built when it is absent or older than its sources, since
/// cargo builds no other package's program for a test.
fn sewer_program(source: &Path) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("herleid-sewer");
    let age = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let newest = fs::read_dir(source.join("src"))
        .unwrap()
        .flatten()
        .filter_map(|entry| age(&entry.path()))
        .max();
    if age(&program).is_none_or(|built| Some(built) < newest) {
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--locked", "-p", "herleid-sewer"])
            .current_dir(source)
            .status()
            .unwrap();
        assert!(built.success());
    }
    program
}
