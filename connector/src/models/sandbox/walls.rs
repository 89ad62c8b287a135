//! The command line that builds the walls, in one place so that it can be read against what `docs/models.md` promises.

use super::host::{Host, Identity, NOBODY, TopFolder, top_folders};
use crate::models::limits::Limits;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// Size of the private `/tmp`, in bytes: 64 MiB. It lies in memory.
pub const TMP_BYTES: u64 = 64 << 20;
/// Size of the private `/dev/shm`, in bytes: 16 MiB, in memory.
const SHM_BYTES: u64 = 16 << 20;
/// Open files of each process.
const OPEN_FILES: u32 = 256;
/// Where the job directory appears inside.
pub(super) const JOB: &str = "/job";
/// The program inside the job directory.
pub(super) const PROGRAM: &str = "bin/program";
/// All variables that a program finds set.
const VARIABLES: [(&str, &str); 6] = [
    ("HOME", "/tmp"),
    ("LC_ALL", "C.UTF-8"),
    ("PATH", "/usr/bin:/bin"),
    // Python orders sets by a hash that is otherwise seeded at random.
    ("PYTHONHASHSEED", "0"),
    ("TMPDIR", "/tmp"),
    ("TZ", "UTC"),
];
/// First line on standard error once the walls stand and the limits hold; what comes without it is bubblewrap's own word.
pub(super) const STARTED: &str = "herleid-sandbox: started\n";
/// The first process inside. It is process 1 there, so when the program ends and the shell with it, the kernel ends whatever
/// else is left *before* anybody outside learns of the end: nothing can write to `out/` while it is being read. A shell and
/// not the program itself, because signals do not reach a process 1 as a program expects. It closes every file that Herleid
/// itself was started with and bubblewrap passes on; bash, because dash cannot name a file above 9.
const FIRST: &str = r#"for file in /proc/self/fd/*; do file=${file##*/}; [ "$file" -le 2 ] || eval "exec $file>&-"; done
printf 'herleid-sandbox: started\n' >&2; "$@"; exit "$?""#;

/// What the sandbox gives every program, for people and for records.
#[must_use]
pub fn describe() -> Value {
    let variables: serde_json::Map<_, _> = VARIABLES
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect();
    json!({
        "format": "herleid-sandbox/1",
        "network": "none",
        "system": "read-only",
        "tmpBytes": TMP_BYTES,
        "variables": variables,
    })
}

/// The command that runs `/job/bin/program` with `arguments` on the job directory `job`.
pub(super) fn command<S: AsRef<OsStr>>(host: &Host, job: &Path, limits: &Limits, arguments: &[S]) -> Command {
    let mut command = base(host);
    // The job is read-only but for `out/`, which being a mount of its own cannot be linked to from the inputs.
    command.arg("--ro-bind").arg(job).arg(JOB);
    command.arg("--bind").arg(job.join("out")).arg(format!("{JOB}/out"));
    command.args(["--remount-ro", "/", "--chdir", JOB, "--"]);
    first(&mut command, host, limits);
    command.arg(format!("{JOB}/{PROGRAM}")).args(arguments);
    command
}

/// The same walls around `true`, without a job.
pub(super) fn probe(host: &Host, jobs: &Path, limits: &Limits) -> Command {
    let mut command = base(host);
    command.arg("--ro-bind").arg(jobs).arg(JOB);
    command.args(["--remount-ro", "/", "--chdir", JOB, "--"]);
    first(&mut command, host, limits);
    command.arg("true");
    command
}

fn base(host: &Host) -> Command {
    let mut command = Command::new(&host.bwrap);
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if host.identity == Identity::Nobody {
        // Before the walls: a process of root's would be root outside, whom no limit on processes binds.
        command.uid(NOBODY).gid(NOBODY);
    }
    command.args([
        "--unshare-all",
        "--unshare-user",
        "--disable-userns",
        "--cap-drop",
        "ALL",
    ]);
    command.args([
        "--die-with-parent",
        "--new-session",
        "--as-pid-1",
        "--hostname",
        "sandbox",
    ]);
    command.args(["--uid", &NOBODY.to_string(), "--gid", &NOBODY.to_string()]);
    command.arg("--clearenv");
    for (name, value) in VARIABLES {
        command.args(["--setenv", name, value]);
    }
    command.args(["--ro-bind", "/usr", "/usr"]);
    for (name, kind) in top_folders() {
        match kind {
            TopFolder::Link(target) => command.arg("--symlink").arg(target).arg(name),
            TopFolder::Real => command.args(["--ro-bind", name, name]),
        };
    }
    for file in ["/etc/ld.so.cache", "/etc/alternatives"] {
        command.args(["--ro-bind-try", file, file]);
    }
    command.args(["--proc", "/proc", "--dev", "/dev"]);
    command.args([
        "--size",
        &SHM_BYTES.to_string(),
        "--tmpfs",
        "/dev/shm",
        "--remount-ro",
        "/dev",
    ]);
    command.args(["--size", &TMP_BYTES.to_string(), "--tmpfs", "/tmp"]);
    command
}

/// `prlimit`, the shell and `env`, up to where the program's path follows.
///
/// The limits are set inside: there the kernel counts processes for this sandbox alone, not for the user who runs it.
fn first(command: &mut Command, host: &Host, limits: &Limits) {
    command.arg(&host.prlimit);
    for (name, value) in [
        ("as", limits.memory_bytes),
        ("core", 0),
        ("fsize", limits.output_bytes),
        ("msgqueue", 0),
        ("nofile", u64::from(OPEN_FILES)),
        ("nproc", limits.processes),
    ] {
        command.arg(format!("--{name}={value}"));
    }
    // A second between the signal that says why and the one that cannot be caught.
    command.arg(format!("--cpu={}:{}", limits.cpu_s, limits.cpu_s + 1));
    command.args(["--", "/usr/bin/bash", "-c", FIRST, "bash"]);
    // The shell has variables of its own, which the program does not get.
    command
        .args(["/usr/bin/env", "-i"])
        .args(VARIABLES.map(|(name, value)| format!("{name}={value}")));
}
