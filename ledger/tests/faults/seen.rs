//! The matrix can only be whole if the injector sees every call: what a system-call trace shows is what stands in its journal.

use crate::inject::Injector;
use crate::{Outcome, fast_folder};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// What changes a file or a folder, or could.
const CALLS: &str = "trace=write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,sync,syncfs,fallocate,ftruncate,truncate,\
rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,open,openat,openat2,creat,copy_file_range,\
sendfile,splice,msync,io_uring_setup,io_submit";

pub(crate) fn check() -> Outcome {
    let area = fast_folder();
    let injector = match Injector::compile(area.path()) {
        Ok(injector) => injector,
        Err(why) => return Outcome::Skipped(why),
    };
    if Command::new("strace").arg("-V").output().is_err() {
        return Outcome::Skipped("`strace` is not installed".to_owned());
    }
    let (disk, trace) = (area.path().join("disk"), area.path().join("trace"));
    fs::create_dir(&disk).unwrap();
    let trace_name = trace.display().to_string();
    let log = disk.join("knmi").display().to_string();
    let arguments = ["steady".to_owned(), log, "8".to_owned(), "600".to_owned()];
    let program = ["strace", "-f", "-y", "-s", "0", "-e", CALLS, "-o", &trace_name];
    let ran = injector.run_under(&program, area.path(), &arguments, None);
    let said = String::from_utf8_lossy(&ran.output.stderr).into_owned();
    if said.contains("Operation not permitted") {
        return Outcome::Skipped(format!("this machine does not let processes be traced: {said}"));
    }
    assert!(ran.output.status.success(), "{said}");

    let mut journal: BTreeMap<String, usize> = BTreeMap::new();
    for point in ran.points() {
        *journal.entry(point.call).or_default() += 1;
    }
    let mut traced: BTreeMap<String, usize> = BTreeMap::new();
    let folder = disk.display().to_string();
    for line in fs::read_to_string(&trace).unwrap().lines() {
        let Some((name, arguments)) = line
            .split_once(' ')
            .and_then(|(_, call)| call.trim_start().split_once('('))
        else {
            continue;
        };
        // `linkat` is the injector's own, into its folder beside; the working directory is told with some calls.
        let is_there = arguments.contains(&folder) && name != "linkat";
        let reads = name.starts_with("open")
            && !["O_WRONLY", "O_RDWR", "O_CREAT"]
                .iter()
                .any(|flag| arguments.contains(flag));
        if is_there && !reads && !arguments.contains("EEXIST") {
            let name = if name == "openat" { "open" } else { name };
            *traced.entry(name.to_owned()).or_default() += 1;
        }
    }
    assert!(traced.values().sum::<usize>() > 300, "{traced:?}");
    assert_eq!(journal, traced, "left: the injector's journal, right: the trace");
    Outcome::Passed
}
