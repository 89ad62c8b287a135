//! What the machine does to a service: a disk that is full, a clock that jumps.

use crate::scene::Scene;
use herleid_tests::connector::{good, serve};
use herleid_tests::process::{Process, mortal, told};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The provider's storage on a disk of its own of 64 MiB, in a mount namespace of its own; when the service has ended, its
/// exit code is told, the disk is made larger, and the service starts again. (44 MiB more than the store's own files.) In a process
/// namespace of its own, too: whatever becomes of the test, the service ends with it.
const SMALL_DISK: &str = r#"
mount -t tmpfs -o size=64m tmpfs "$STORAGE" || exit 90
cp -a "$ORIGINAL/." "$STORAGE" || exit 91
"$@" 2>"$MESSAGE"
echo "ended $?"
mount -o remount,size=400m "$STORAGE" || exit 92
exec "$@"
"#;

#[test]
fn a_full_disk_stops_the_provider_and_loses_nothing() {
    if !Command::new("unshare")
        .args(["--mount", "--pid", "--kill-child", "true"])
        .status()
        .is_ok_and(|s| s.success())
    {
        // Written past the test runner's capture, where the count of skipped tests is made.
        let said = "SKIPPED a_full_disk_stops_the_provider_and_loses_nothing: `unshare --mount --pid` needs root\n";
        return std::io::stderr().write_all(said.as_bytes()).unwrap();
    }
    let mut scene = Scene::set();
    good(&scene.pull());
    scene.provider.kill();
    let (storage, original) = (scene.provider.storage(), scene.folder.path().join("original"));
    let message = scene.folder.path().join("message");
    std::fs::rename(&storage, &original).unwrap();
    std::fs::create_dir(&storage).unwrap();
    let service = serve(&scene.provider.directory);
    let mut small = mortal("unshare");
    small
        .args(["--mount", "--pid", "--kill-child", "sh", "-c", SMALL_DISK, "sh"])
        .arg(service.get_program())
        .args(service.get_args())
        .envs(service.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("STORAGE", &storage)
        .env("ORIGINAL", &original)
        .env("MESSAGE", &message)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut small = Process::start(&mut small);
    let mut lines = small.lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("ready "));
    let inside = PathBuf::from(format!("/proc/{}/root", small.id())).join(storage.strip_prefix("/").unwrap());
    good(&scene.pull());
    fill(&inside.join("filler"));
    give_back_what_is_reserved(&inside);
    fill(&inside.join("more"));
    // Blocks that were begun have room for a few more. The one that finds none breaks off, and goes on by itself when the provider is there
    // again.
    let is_told = || std::fs::read_to_string(&message).is_ok_and(|said| said.contains("No space left on device"));
    assert!(
        (0..20).any(|_| {
            good(&scene.pull());
            is_told()
        }),
        "twenty pulls are kept on a full disk"
    );
    assert_eq!(lines.next().unwrap(), "ended 134", "128 + SIGABRT");
    let said = std::fs::read_to_string(&message).unwrap();
    assert!(said.contains("No space left on device"), "{said}");
    assert!(lines.next().unwrap().starts_with("ready "), "with room it goes on");
    // The consumer's memory of that log would show a record that was acknowledged and is gone, as a fork or a number reused.
    good(&scene.pull());
}

/// Takes from the stores what they have reserved beyond the end of what is written: they would go on in it for megabytes, disk or no disk.
fn give_back_what_is_reserved(storage: &Path) {
    for store in ["log", "keys"] {
        let files = std::fs::read_dir(storage.join(store)).unwrap();
        let logs = files.map(|file| file.unwrap().path());
        for log in logs.filter(|path| path.extension().is_some_and(|kind| kind == "log")) {
            // At a distance from what may be written at this moment.
            let from = std::fs::metadata(&log).unwrap().len().next_multiple_of(4_096) + 16_384;
            let punched = Command::new("fallocate")
                .args(["--punch-hole", "--offset", &from.to_string(), "--length", "1GiB"])
                .arg(&log)
                .status();
            assert!(punched.unwrap().success(), "{}", log.display());
        }
    }
}

/// Takes all that is left of a disk.
fn fill(file: &Path) {
    let mut filler = std::fs::File::create(file).unwrap();
    let (mut size, mut written) = (1 << 20, 0usize);
    while size > 0 && written < 1 << 30 {
        match filler.write_all(&vec![0; size]) {
            Ok(()) => written += size,
            Err(_) => size /= 2,
        }
    }
}

/// Put before the C library's own: adds the seconds in the file `CLOCK_OFFSET` to the time of day, and to no other clock.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(which, now);
    if (which != CLOCK_REALTIME || result != 0) return result;
    FILE *file = fopen(getenv("CLOCK_OFFSET"), "r");
    long offset = 0;
    if (file) {
        if (fscanf(file, "%ld", &offset) != 1) offset = 0;
        fclose(file);
    }
    now->tv_sec += offset;
    return 0;
}
"#;

/// A clock that a test sets.
pub(crate) struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

impl Clock {
    pub(crate) fn made(folder: &Path) -> Self {
        let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
        std::fs::write(&source, CLOCK).unwrap();
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl");
        assert!(compiler.status().unwrap().success());
        let clock = Self {
            library,
            offset: folder.join("offset"),
        };
        clock.step(0);
        clock
    }

    /// So many seconds from the machine's.
    pub(crate) fn step(&self, seconds: i64) {
        // Renamed into place: the service must never read half a number.
        let next = self.offset.with_extension("next");
        std::fs::write(&next, seconds.to_string()).unwrap();
        std::fs::rename(&next, &self.offset).unwrap();
    }

    /// Lets a service that is about to start go by it.
    pub(crate) fn of(&self, service: &mut Command) {
        service
            .env("LD_PRELOAD", &self.library)
            .env("CLOCK_OFFSET", &self.offset);
    }
}

#[test]
fn a_clock_that_steps_is_named_and_breaks_nothing() {
    const HOUR_S: i64 = 3600;
    let mut scene = Scene::set();
    let clock = Clock::made(scene.folder.path());
    scene.provider.kill();
    scene.provider.start_with(|service| clock.of(service));
    good(&scene.pull());
    for wrong in [-HOUR_S, HOUR_S] {
        clock.step(wrong);
        let refused = scene.pull();
        assert!(!refused.status.success(), "{}", told(&refused));
        assert!(told(&refused).contains("clock"), "{}", told(&refused));
        clock.step(0);
        good(&scene.pull());
    }
    // The consumer's clock is set along, as where one machine's time serves both: what was recorded stays in order.
    scene.consumer.kill();
    scene.consumer.start_with(|service| clock.of(service));
    clock.step(-HOUR_S);
    good(&scene.pull());
}
