//! Ports of this machine, waiting, and what processes use.

use std::fmt::Display;
use std::net::TcpListener;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// A free port below the range from which outgoing connections are given theirs, which could take it first. Given once.
pub fn free_port() -> u16 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let first = || AtomicU16::new(u16::try_from(RandomState::new().build_hasher().finish() % 10_000).unwrap());
    let next = || 20_000 + NEXT.get_or_init(first).fetch_add(1, Ordering::Relaxed) % 10_000;
    std::iter::repeat_with(next)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

/// Asks again and again, until there is what is waited for; what was found instead is told when there never is.
pub fn until<T, F: Display>(what: &str, patience: Duration, mut ask: impl FnMut() -> Result<T, F>) -> T {
    let end = Instant::now() + patience;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(found) if Instant::now() > end => panic!("{what}: not within {} s; found {found}", patience.as_secs()),
            // Between two questions, so that the one who is asked gets to its work; no test waits for this alone.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Looks again and again, for a minute at most, until there is something.
pub fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    until("what is waited for", Duration::from_secs(60), || {
        look().ok_or("nothing")
    })
}

/// What `name: value` says in a file of `/proc`.
fn proc_value(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// Memory of a process and of those that it has started that is in RAM, in MiB.
pub fn resident_mib(process: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("a running process");
    let children = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|ids| {
            ids.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    own_resident_mib(process) + children.into_iter().map(resident_mib).sum::<f64>()
}

fn own_resident_mib(process: u32) -> f64 {
    let value = proc_value(&format!("/proc/{process}/status"), "VmRSS").expect("a running process");
    let kib: f64 = value.trim_end_matches("kB").trim().parse().expect("kilobytes");
    kib / 1024.0
}

/// Time that processors have spent on a process, its own and the kernel's for it.
pub fn processor_time(process: u32) -> Duration {
    // proc(5): after the name in parentheses, the 12th and the 13th field, in hundredths of a second on Linux.
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("ticks"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// What this machine is: processor, cores, memory, kernel, Java.
pub fn described() -> String {
    let processor = proc_value("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unnamed processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kib = proc_value("/proc/meminfo", "MemTotal").and_then(|v| v.trim_end_matches("kB").trim().parse::<u64>().ok());
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let java = std::process::Command::new("java").arg("-version").output();
    let java = java.map(|o| {
        String::from_utf8_lossy(&o.stderr)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    format!(
        "{processor}, {cores} cores, {} GiB, Linux {}, {}",
        kib.unwrap_or_default() >> 20,
        kernel.trim(),
        java.unwrap_or_default()
    )
}

/// Copies a directory; sockets are left out.
pub fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_all(&path, &target);
        } else if kind.is_file() {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
