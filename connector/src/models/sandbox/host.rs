//! What of the machine matters to a run: the programs that build the walls, the user that runs, the environment as found.

use super::error::SandboxError;
use super::walls;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Where system programs are; the PATH of whoever started Herleid does not decide what builds the walls.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/bin", "/bin"];
/// The user and group nobody, as whom programs run when Herleid is root: the kernel does not count root's processes.
pub(super) const NOBODY: u32 = 65_534;
/// `--disable-userns` and `--size` came with bubblewrap 0.8.
const NEEDED_BWRAP: (u32, u32) = (0, 8);
/// Libraries that numeric answers depend on.
const LIBRARIES: [&str; 5] = [
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libm.so.6",
    "libstdc++.so.6",
];

/// As whom programs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// As the user that runs Herleid.
    Own,
    /// As nobody, because Herleid runs as root.
    Nobody,
}

/// A machine that has what the walls are built with.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) bwrap: PathBuf,
    pub(super) prlimit: PathBuf,
    pub(super) cp: PathBuf,
    pub(super) identity: Identity,
    found: Value,
}

impl Host {
    /// Finds the programs and describes the machine.
    pub(super) async fn look() -> Result<Self, SandboxError> {
        let bwrap = installed("bwrap", "bubblewrap")?;
        let prlimit = installed("prlimit", "util-linux")?;
        installed("bash", "bash")?;
        installed("env", "coreutils")?;
        let cp = installed("cp", "coreutils")?;
        let bwrap_version = version(&bwrap).await?;
        let old = leading_version(&bwrap_version).is_none_or(|found| found < NEEDED_BWRAP);
        if old {
            let why = format!("it needs bubblewrap 0.8 or newer; found `{bwrap_version}`");
            return Err(SandboxError::NotPossible { why });
        }
        let own = fs::metadata("/proc/self").map_err(SandboxError::io(Path::new("/proc/self")))?;
        // How the processes of a run are found again, to bound their memory and to see that they have ended.
        let children = Path::new("/proc/thread-self/children");
        if !children.exists() {
            let why = format!(
                "`{}` is missing: the kernel was built without CONFIG_PROC_CHILDREN",
                children.display()
            );
            return Err(SandboxError::NotPossible { why });
        }
        let found = json!({
            "os": os_name(),
            "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
            "architecture": std::env::consts::ARCH,
            "bubblewrap": bwrap_version,
            "prlimit": version(&prlimit).await?,
            "libraries": libraries(),
        });
        let identity = if own.uid() == 0 {
            Identity::Nobody
        } else {
            Identity::Own
        };
        Ok(Self {
            bwrap,
            prlimit,
            cp,
            identity,
            found,
        })
    }

    /// The environment as found, for `run.environment`: names are ASCII and digests hex, so that it fits a section.
    pub(super) fn environment(&self, interpreter: Option<Value>, limits: Value) -> Value {
        let mut environment = self.found.clone();
        if let Some(members) = environment.as_object_mut() {
            members.insert("sandbox".to_owned(), walls::describe());
            members.insert("limits".to_owned(), limits);
            if let Some(interpreter) = interpreter {
                members.insert("interpreter".to_owned(), interpreter);
            }
        }
        environment
    }

    /// The place for job directories, absolute, and reachable for whoever runs there.
    pub(super) fn check_jobs(&self, jobs: &Path) -> Result<PathBuf, SandboxError> {
        let wrong = |why: String| SandboxError::Jobs {
            path: jobs.to_owned(),
            why,
        };
        let absolute = fs::canonicalize(jobs).map_err(|e| wrong(e.to_string()))?;
        if !absolute.is_dir() {
            return Err(wrong("it is not a directory".to_owned()));
        }
        if self.identity == Identity::Nobody {
            for folder in absolute.ancestors() {
                let mode = fs::metadata(folder).map_err(|e| wrong(e.to_string()))?.mode();
                if mode & 0o001 == 0 {
                    return Err(wrong(format!(
                        "Herleid runs as root, so programs run as the user nobody, who cannot enter `{}`; \
                         choose another place, such as one below /var/tmp, or run Herleid as a user of its own",
                        folder.display()
                    )));
                }
            }
        }
        Ok(absolute)
    }

    /// Builds the walls around nothing.
    pub(super) async fn probe(&self, jobs: &Path) -> Result<(), SandboxError> {
        let limits = crate::models::limits::Limits::default();
        let mut command = walls::probe(self, jobs, &limits);
        let output = command.output().await.map_err(SandboxError::io(&self.bwrap))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() && said.starts_with(walls::STARTED) {
            return Ok(());
        }
        let said: String = said.trim().chars().take(400).collect();
        let why = format!(
            "`bwrap` ended with {}, saying `{said}`. Unprivileged user namespaces have to be allowed (on Debian and Ubuntu: \
             sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces; \
             in a container: its seccomp profile)",
            output.status
        );
        Err(SandboxError::NotPossible { why })
    }
}

/// What a script's first line names, as it would be found inside the walls, with its digest; `None` for other programs.
pub(super) fn interpreter(head: &[u8]) -> Option<Value> {
    let line = head.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_whitespace();
    let mut path = PathBuf::from(words.next()?);
    if path.file_name().is_some_and(|name| name == "env")
        && let Some(found) = words.next().and_then(system_program)
    {
        path = found;
    }
    // The program may be anybody's. Only what it could read inside is looked at, and never a device or a pipe.
    let real = fs::canonicalize(&path).ok().filter(|real| real.starts_with("/usr"));
    let digest = real
        .as_deref()
        .and_then(|real| super::job::digest_program(real).ok())
        .map(hex::encode);
    Some(json!({"path": path.to_string_lossy(), "sha256": digest}))
}

fn installed(program: &'static str, package: &'static str) -> Result<PathBuf, SandboxError> {
    system_program(program).ok_or(SandboxError::NotInstalled { program, package })
}

fn system_program(name: &str) -> Option<PathBuf> {
    SYSTEM_FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

async fn version(program: &Path) -> Result<String, SandboxError> {
    let output = Command::new(program)
        .arg("--version")
        .env_clear()
        .output()
        .await
        .map_err(SandboxError::io(program))?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim()
        .chars()
        .take(100)
        .collect())
}

/// `bubblewrap 0.8.0` is `(0, 8)`.
fn leading_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split_whitespace().last()?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn os_name() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("unknown").trim_matches('"').to_owned()
}

fn libraries() -> Value {
    let folders = [
        format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH),
        "/usr/lib64".to_owned(),
        "/usr/lib".to_owned(),
    ];
    let mut found = Map::new();
    for name in LIBRARIES {
        let bytes = folders
            .iter()
            .find_map(|folder| fs::read(Path::new(folder).join(name)).ok());
        if let Some(bytes) = bytes {
            found.insert(name.to_owned(), Value::from(hex::encode(Sha256::digest(bytes))));
        }
    }
    Value::Object(found)
}

/// A top-level folder of the system as it has to appear inside the walls.
pub(super) enum TopFolder {
    /// A link, such as `/lib` to `usr/lib`.
    Link(OsString),
    /// A real folder.
    Real,
}

/// What of `/bin`, `/lib` and the like this system has.
pub(super) fn top_folders() -> Vec<(&'static str, TopFolder)> {
    let names = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
    let look = |name: &'static str| {
        let kind = fs::symlink_metadata(name).ok()?.file_type();
        if kind.is_symlink() {
            return Some((name, TopFolder::Link(fs::read_link(name).ok()?.into_os_string())));
        }
        kind.is_dir().then_some((name, TopFolder::Real))
    };
    names.into_iter().filter_map(look).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(leading_version("bubblewrap 0.8.0"), Some((0, 8)));
        assert!(leading_version("bubblewrap 0.10.0").unwrap() > NEEDED_BWRAP);
        assert!(leading_version("bubblewrap 0.4.1").unwrap() < NEEDED_BWRAP);
        assert_eq!(leading_version(""), None);
    }

    #[test]
    fn a_script_names_its_interpreter() {
        let sh = interpreter(b"#!/bin/sh -e\necho").unwrap();
        assert_eq!(sh["path"], "/bin/sh");
        assert_eq!(sh["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(interpreter(b"#! /usr/bin/env sh\n").unwrap()["sha256"], sh["sha256"]);
        for hidden in [
            "/dev/zero",
            "/etc/hostname",
            "/usr/../etc/hostname",
            "/nonexistent",
            "sh",
        ] {
            let found = interpreter(format!("#!{hidden}\n").as_bytes()).unwrap();
            assert_eq!(found["sha256"], Value::Null, "{hidden}");
        }
        assert_eq!(interpreter(b"\x7fELF"), None);
    }
}
