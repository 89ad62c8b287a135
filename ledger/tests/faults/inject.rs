//! Makes one call of a child fail, and reads what all of its calls did.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Put before the C library's calls in the child.
const SOURCE: &str = include_str!("inject.c");

/// A child that hangs is killed after this long, and the check fails.
const LIMIT_S: &str = "120";

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Not carried out, `EIO`. Of a sync that fails like this, what was not synced before is gone.
    Lost,
    /// Carried out, and yet `EIO`.
    Kept,
    /// [`Self::Lost`], and then the power goes: no file keeps a byte, no folder a name, that was not synced.
    Cut,
    /// Not carried out, `ENOSPC`.
    NoSpace,
    /// Half of a write is carried out and told, the rest is refused with `ENOSPC`.
    Short,
    /// Carried out, and the process is killed before it hears of it.
    Killed,
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Self::Lost | Self::Cut => "lost",
            Self::Kept => "kept",
            Self::NoSpace => "nospace",
            Self::Short => "short",
            Self::Killed => "killed",
        }
    }

    /// In which ways a call can fail.
    pub(crate) fn of(call: &str) -> &'static [Self] {
        match call {
            "write" | "pwrite" | "writev" => &[Self::Lost, Self::Kept, Self::Cut, Self::NoSpace, Self::Short],
            "fallocate" => &[Self::Lost, Self::Kept, Self::NoSpace],
            "open" | "mkdir" | "rename" => &[Self::Lost, Self::Kept, Self::Cut, Self::NoSpace],
            _ => &[Self::Lost, Self::Kept, Self::Cut],
        }
    }
}

/// A call by which nothing is promised to anybody: RocksDB may go on after it has failed.
pub(crate) fn promises_nothing(call: &str) -> bool {
    matches!(call, "sync_file_range" | "fallocate" | "ftruncate" | "unlink")
}

/// One call of the child: the `n`th of its kind at such a place in a phase, or in one of RocksDB's threads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Point {
    pub(crate) phase: String,
    pub(crate) call: String,
    /// Path within the watched folder, `#` where it differs from run to run.
    pub(crate) place: String,
    pub(crate) n: u32,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.phase, self.call, self.place, self.n)
    }
}

impl Point {
    /// Whether one of RocksDB's own threads makes it.
    pub(crate) fn is_in_background(&self) -> bool {
        matches!(self.phase.as_str(), "flush" | "compaction")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("call ")?.split(' ');
        let mut word = || words.next().map(str::to_owned);
        Some(Self {
            phase: word()?,
            call: word()?,
            place: word()?,
            n: word()?.parse().ok()?,
        })
    }
}

/// The library, compiled once.
pub(crate) struct Injector {
    library: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Injector {
    /// `Err` with the reason where this machine cannot.
    pub(crate) fn compile(into: &Path) -> Result<Self, String> {
        let (source, library) = (into.join("inject.c"), into.join("inject.so"));
        fs::write(&source, SOURCE).unwrap();
        let mut compiler = Command::new("cc");
        compiler
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl");
        let Ok(output) = compiler.output() else {
            return Err("`cc` is not installed".to_owned());
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let settings = Vec::new();
        Ok(Self { library, settings })
    }

    /// The same, with a variable that the child or the library reads.
    pub(crate) fn with(&self, name: &'static str, value: String) -> Self {
        Self {
            library: self.library.clone(),
            settings: vec![(name, value)],
        }
    }

    /// Starts this binary as the child `arguments` with the folder `area/disk` watched, and waits for its end.
    pub(crate) fn run(&self, area: &Path, arguments: &[String], fault: Option<(&Point, Mode)>) -> Ran {
        self.run_under(&["timeout", "--signal=KILL", LIMIT_S], area, arguments, fault)
    }

    /// [`Self::run`], started by another program.
    pub(crate) fn run_under(
        &self,
        program: &[&str],
        area: &Path,
        arguments: &[String],
        fault: Option<(&Point, Mode)>,
    ) -> Ran {
        let kept = area.join("kept");
        fs::create_dir_all(&kept).unwrap();
        let journal = area.join("journal");
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg("env");
        let mut set = |name: &str, value: &dyn fmt::Display| {
            command.arg(format!("{name}={value}"));
        };
        set("LD_PRELOAD", &self.library.display());
        set("FAULT_ROOT", &area.join("disk").display());
        set("FAULT_KEEP", &kept.display());
        set("FAULT_JOURNAL", &journal.display());
        for (name, value) in &self.settings {
            set(name, value);
        }
        if let Some((point, mode)) = fault {
            set("FAULT_AT", point);
            set("FAULT_MODE", &mode.name());
        }
        command
            .arg(std::env::current_exe().unwrap())
            .arg("child")
            .args(arguments);
        let output = command.output().unwrap();
        let journal = fs::read_to_string(&journal).unwrap_or_default();
        Ran { output, journal, kept }
    }
}

/// A child that ended.
pub(crate) struct Ran {
    pub(crate) output: Output,
    journal: String,
    kept: PathBuf,
}

impl Ran {
    /// The calls it made, in order.
    pub(crate) fn points(&self) -> Vec<Point> {
        self.journal.lines().filter_map(Point::parse).collect()
    }

    /// The file or folder of the call that failed; `None` when no call did.
    pub(crate) fn fired(&self) -> Option<PathBuf> {
        let mut lines = self.journal.lines();
        lines.find_map(|line| line.strip_prefix("fired ")).map(PathBuf::from)
    }

    /// Whether the journal has such a line: `refused` for the second half of a write, `told` for a failed sync of which another descriptor
    /// was told, `killed` where the process was killed.
    pub(crate) fn has(&self, what: &str) -> bool {
        self.journal.lines().any(|line| line.split(' ').next() == Some(what))
    }

    /// Whether a write-ahead log had been begun, and its name was not synced, when the folder's sync failed.
    pub(crate) fn lost_a_name(&self) -> bool {
        let lines: Vec<&str> = self.journal.lines().collect();
        let lost = lines.iter().position(|line| line.starts_with("lost "));
        let before = lost.map_or(&[][..], |at| &lines[..at]);
        let last = before.iter().rev().find(|line| {
            line.starts_with("folder ") && line.ends_with("/knmi/log")
                || line.starts_with("create ") && line.ends_with(".log")
        });
        last.is_some_and(|line| line.starts_with("create "))
    }

    /// Whether all was answered when the call failed.
    pub(crate) fn was_closing(&self) -> bool {
        let mut lines = self.journal.lines().take_while(|line| !line.starts_with("fired "));
        lines.any(|line| line == "done")
    }

    /// Acknowledgements that were printed after the call had failed.
    pub(crate) fn acknowledged_after(&self) -> usize {
        let after = self.journal.lines().skip_while(|line| !line.starts_with("fired "));
        after.filter(|line| *line == "ack").count()
    }

    /// 128 and the signal's number, as a shell tells it.
    pub(crate) fn code(&self) -> i32 {
        let status = self.output.status;
        status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal))
            .unwrap()
    }

    /// How much of a file was durable when the call failed.
    pub(crate) fn synced(&self, file: &Path) -> u64 {
        let mut synced = 0;
        for line in self.journal.lines().take_while(|line| !line.starts_with("fired ")) {
            if let ["sync" | "found", path, length] = line.split(' ').collect::<Vec<_>>()[..]
                && Path::new(path) == file
            {
                synced = length.parse().unwrap();
            }
        }
        synced
    }

    /// What was written to the file of the failed sync since the last sync that succeeded is gone.
    pub(crate) fn drop_unsynced(&self, file: &Path) {
        if file.is_file() {
            cut_to(file, self.synced(file));
        }
    }

    /// The power goes: every file is cut to its last synced length, and every name is what it was when its folder was synced last. What a
    /// sync could not make durable no later sync does.
    pub(crate) fn cut_power(&self) {
        let mut lengths: HashMap<PathBuf, u64> = HashMap::new();
        // Changes of names that no sync of their folder covers, in order; and whether one that failed should have.
        let mut pending: Vec<(Change, bool)> = Vec::new();
        let mut replaced: Option<(PathBuf, PathBuf)> = None;
        let mut lost_file: Option<PathBuf> = None;
        for line in self.journal.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["create", path] => {
                    lengths.insert(path.into(), 0);
                    pending.push((Change::Made(path.into()), false));
                }
                ["sync" | "found", path, length] => {
                    // A file that is opened again, and not shortened, is durable as far as it was.
                    let length = length.parse().unwrap();
                    if words[0] == "sync" && lost_file.as_deref() == Some(Path::new(path)) {
                        continue;
                    }
                    if words[0] == "sync" || length == 0 || !lengths.contains_key(Path::new(path)) {
                        lengths.insert(path.into(), length);
                    }
                }
                ["lost", path] => {
                    let folder = Path::new(path);
                    let of_folder = pending
                        .iter_mut()
                        .filter(|(change, _)| change.name().parent() == Some(folder));
                    of_folder.for_each(|(_, is_lost)| *is_lost = true);
                    lost_file = Some(folder.to_owned());
                }
                ["folder", path] => {
                    let is_within = |change: &Change| change.name().parent() == Some(Path::new(path));
                    // What was done to the same name afterwards is what it stands for.
                    let durable = pending.iter().filter(|(change, is_lost)| is_within(change) && !is_lost);
                    let durable: Vec<PathBuf> = durable.map(|(change, _)| change.name().to_owned()).collect();
                    pending.retain(|(change, is_lost)| {
                        !is_within(change) || *is_lost && !durable.iter().any(|name| name == change.name())
                    });
                }
                ["replaced", path, number] => replaced = Some((path.into(), self.kept.join(number))),
                ["rename", from, to] => {
                    let old = replaced.take().filter(|(path, _)| path == Path::new(to));
                    if let Some(length) = lengths.remove(Path::new(from)) {
                        lengths.insert(to.into(), length);
                    }
                    let change = Change::Renamed(from.into(), to.into(), old.map(|(_, kept)| kept));
                    pending.push((change, false));
                }
                ["unlink", path, number] => {
                    pending.push((Change::Removed(path.into(), self.kept.join(number)), false));
                }
                _ => {}
            }
        }
        for (path, length) in &lengths {
            if path.is_file() {
                cut_to(path, *length);
            }
        }
        pending.iter().rev().for_each(|(change, _)| change.undo());
    }
}

/// A change of a name that a power cut may undo.
enum Change {
    Made(PathBuf),
    Renamed(PathBuf, PathBuf, Option<PathBuf>),
    /// And where its content is.
    Removed(PathBuf, PathBuf),
}

impl Change {
    fn name(&self) -> &Path {
        match self {
            Self::Made(path) | Self::Renamed(_, path, _) | Self::Removed(path, _) => path,
        }
    }

    fn undo(&self) {
        match self {
            Self::Made(path) if path.is_dir() => fs::remove_dir_all(path).unwrap(),
            // It may have got another name since, or be gone.
            Self::Made(path) => drop(fs::remove_file(path)),
            Self::Renamed(from, to, old) => {
                if to.exists() {
                    fs::rename(to, from).unwrap();
                }
                if let Some(old) = old {
                    fs::rename(old, to).unwrap();
                }
            }
            Self::Removed(path, old) if path.parent().is_some_and(Path::is_dir) => {
                fs::rename(old, path).unwrap();
            }
            Self::Removed(..) => {}
        }
    }
}

fn cut_to(file: &Path, length: u64) {
    let file = fs::OpenOptions::new().write(true).open(file).unwrap();
    if file.metadata().unwrap().len() > length {
        file.set_len(length).unwrap();
    }
}
