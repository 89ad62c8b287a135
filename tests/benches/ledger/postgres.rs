//! PostgreSQL, two ways: the best it does with the bare bytes, and as applications write audit tables. Each in a cluster of its own, made
//! for it, reached over a Unix socket alone, as durable as PostgreSQL is delivered.

use herleid_tests::machine::until;
use herleid_tests::process::{Process, mortal, text, told};
use std::fs::{File, Permissions};
use std::io::{BufWriter, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Bytes of a record.
const RECORD: usize = 1024;
/// Rows of a transaction when rows are written together.
const ROWS: u64 = 1_000;
/// Connections that write at once; the best of these is told.
const WRITERS: [usize; 3] = [1, 2, 4];
/// Connections of applications that write their audit table.
const CLIENTS: u64 = 16;
/// The server's clock, in seconds.
const NOW: &str = "SELECT extract(epoch FROM clock_timestamp())";
/// Whom the server runs as if we are root, which it refuses: the user that its package makes.
const USER: &str = "postgres";
/// What is run of PostgreSQL.
const PROGRAMS: [&str; 5] = ["initdb", "postgres", "pg_isready", "psql", "pgbench"];
/// How long the server may take to start.
const START: Duration = Duration::from_secs(60);

/// What an administrator sets on such a machine for much writing. What makes it durable stands as it is delivered, and is said here so that
/// nobody has to look. The write-ahead log has room for a whole run, so that no checkpoint comes in between but by its clock.
const SETTINGS: [&str; 10] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "listen_addresses=",
    "shared_buffers=2GB",
    "wal_buffers=64MB",
    "min_wal_size=2GB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "unix_socket_permissions=0777",
];

/// How fast, and how that was done.
pub(crate) struct Rate {
    pub(crate) appends_per_s: f64,
    pub(crate) how: String,
}

/// The best with the bare bytes: rows of a number and a record, copied in binary form in transactions of 1,000, over as many
/// connections as are fastest. No hash, no signature, no proof. `folder` is made passable for the server's user.
///
/// Needs about four times the records' bytes of disk, and at most 4 GB for the write-ahead log.
pub(crate) fn best(folder: &Path, count: u64) -> Rate {
    let cluster = Cluster::start(folder);
    let records = folder.join("records");
    std::fs::create_dir(&records).unwrap();
    let files = write_files(&records, count);
    // Once unmeasured: what the server makes at first (files of its write-ahead log, above all) a running one has already.
    let _warm = copy(&cluster, &files, 2);
    let measured = WRITERS.map(|writers| copy(&cluster, &files, writers));
    let fastest = measured.iter().max_by(|a, b| a.per_s.total_cmp(&b.per_s)).unwrap();
    let all = measured
        .each_ref()
        .map(|copied| format!("{} connections {:.0}/s", copied.writers, copied.per_s));
    Rate {
        appends_per_s: fastest.per_s,
        how: format!(
            "{}, binary COPY of {count} rows in transactions of {ROWS}: {}; with the checkpoint that writes the table to disk {:.0}/s",
            cluster.version(),
            all.join(", "),
            fastest.checkpointed_per_s
        ),
    }
}

/// As applications write audit tables: each row carries the hash over the one before and itself, and is a transaction of its own, over 16
/// connections. The whole append is one call of a function on the server, which spares it every round trip but one.
/// `folder` is made passable for the server's user.
pub(crate) fn audit(folder: &Path, count: u64) -> Rate {
    let cluster = Cluster::start(folder);
    cluster.run(
        "CREATE TABLE audit (number bigint PRIMARY KEY, written timestamptz NOT NULL DEFAULT now(), hash bytea NOT NULL, record bytea NOT NULL);
         INSERT INTO audit VALUES (0, now(), sha256(''), '');
         CREATE FUNCTION append(entry bytea) RETURNS bigint LANGUAGE plpgsql AS $$
         DECLARE last bigint; before bytea;
         BEGIN
           -- Held until the transaction is on disk: a chain has one end.
           PERFORM pg_advisory_xact_lock(1);
           SELECT number, hash INTO last, before FROM audit ORDER BY number DESC LIMIT 1;
           INSERT INTO audit (number, hash, record) VALUES (last + 1, sha256(before || entry), entry);
           RETURN last + 1;
         END $$",
    );
    cluster.run("CHECKPOINT");
    // One record for all rows, as the client has it in hand: what makes rows differ is their chain.
    let script = folder.join("append.sql");
    std::fs::write(&script, "SELECT append(:record);\n").unwrap();
    let mut record = [0; RECORD];
    File::open("/dev/urandom").unwrap().read_exact(&mut record).unwrap();
    let record: String = record.iter().map(|byte| format!("{byte:02x}")).collect();
    let each = count / CLIENTS;
    let mut pgbench = cluster.client("pgbench");
    pgbench
        .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "2", "--file"])
        .arg(&script)
        .arg(format!("--define=record=\\x{record}"))
        .arg(format!("--client={CLIENTS}"))
        .arg(format!("--transactions={each}"))
        .arg("postgres");
    let said = output(pgbench);
    let appends_per_s = said
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("pgbench says no `tps = `: {said}"));
    // What was measured was a chain: nothing is missing, and every link holds.
    let broken =
        "SELECT count(*) - 1, count(*) FILTER (WHERE number > 0 AND hash IS DISTINCT FROM sha256(before || record))
         FROM (SELECT number, hash, record, lag(hash) OVER (ORDER BY number) AS before FROM audit) AS chain";
    assert_eq!(
        cluster.run(broken),
        format!("{}|0", each * CLIENTS),
        "rows and broken links"
    );
    Rate {
        appends_per_s,
        how: format!(
            "{}, pgbench, {CLIENTS} connections, each row hashed with the one before and a transaction of its own, {} rows",
            cluster.version(),
            each * CLIENTS
        ),
    }
}

/// A server in a data directory of its own, which ends with this.
struct Cluster {
    programs: PathBuf,
    /// Paths of sockets are short, so they are not in the folder.
    sockets: TempDir,
    process: Process,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Asked, not killed: killed, it would leave its shared memory behind.
        let ask = format!("kill -s QUIT {}", self.process.id());
        if Command::new("sh")
            .args(["-c", &ask])
            .status()
            .is_ok_and(|s| s.success())
        {
            self.process.ended();
        }
    }
}

impl Cluster {
    fn start(folder: &Path) -> Self {
        let programs = programs();
        let sockets = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        std::fs::set_permissions(sockets.path(), Permissions::from_mode(0o777)).unwrap();
        let data = folder.join("postgres");
        let mut make = Command::new("install");
        make.args(["-d", "-m", "700"]);
        if is_root() {
            let mode = folder.metadata().unwrap().permissions().mode();
            std::fs::set_permissions(folder, Permissions::from_mode(mode | 0o011)).unwrap();
            make.args(["-o", USER]);
        }
        make.arg(&data);
        output(make);
        let mut initdb = server_side(&programs.join("initdb"));
        initdb
            .args(["--auth=trust", "--username=bench", "--locale=C", "--encoding=UTF8"])
            .args(["--no-instructions", "--pgdata"])
            .arg(&data);
        output(initdb);
        let log = folder.join("postgres.log");
        let mut postgres = server_side(&programs.join("postgres"));
        postgres.arg("-D").arg(&data).arg("-k").arg(sockets.path());
        for setting in SETTINGS {
            postgres.args(["-c", setting]);
        }
        let file = File::create(&log).unwrap();
        postgres.stdout(file.try_clone().unwrap()).stderr(file);
        let cluster = Self {
            process: Process::start(&mut postgres),
            programs,
            sockets,
        };
        until("the server answers", START, || {
            let asked = cluster.client("pg_isready").output().unwrap();
            let log = || std::fs::read_to_string(&log).unwrap_or_default();
            let why = || format!("{}{}", told(&asked), log());
            if asked.status.success() { Ok(()) } else { Err(why()) }
        });
        cluster
    }

    /// A program that speaks to the server.
    fn client(&self, program: &str) -> Command {
        let mut command = mortal(self.programs.join(program));
        command.arg("--host").arg(self.sockets.path()).arg("--username=bench");
        command.env_remove("PGOPTIONS").env_remove("PGPORT");
        command
    }

    fn psql(&self) -> Command {
        let mut command = self.client("psql");
        command.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]);
        command.args(["--set=ON_ERROR_STOP=1", "--dbname=postgres"]);
        command
    }

    /// What the server answers, without the space around it.
    fn run(&self, sql: &str) -> String {
        let mut psql = self.psql();
        psql.arg("--command").arg(sql);
        output(psql).trim().to_owned()
    }

    fn version(&self) -> String {
        format!("PostgreSQL {}", self.run("SHOW server_version"))
    }
}

/// What came of copying all files over so many connections.
struct Copied {
    writers: usize,
    per_s: f64,
    /// Until the table itself is on disk, not the write-ahead log alone: what is left of the rate when writing goes on and on, which makes
    /// a checkpoint of every few gigabytes.
    checkpointed_per_s: f64,
}

/// Copies all files over so many connections, which take turns with them. Times are by the server's own clock, and so without those that
/// it takes to connect.
fn copy(cluster: &Cluster, files: &[PathBuf], writers: usize) -> Copied {
    cluster.run("DROP TABLE IF EXISTS log; CREATE TABLE log (number bigint PRIMARY KEY, record bytea NOT NULL)");
    cluster.run("CHECKPOINT");
    let scripts: Vec<String> = (0..writers)
        .map(|writer| {
            let copies = files.iter().skip(writer).step_by(writers);
            let copies = copies.map(|file| format!("\\copy log FROM '{}' WITH (FORMAT binary)\n", file.display()));
            format!("{NOW};\n{}{NOW};\n", copies.collect::<String>())
        })
        .collect();
    let running: Vec<Child> = scripts.iter().map(|script| begin(cluster.psql(), script)).collect();
    let times: Vec<f64> = running.into_iter().flat_map(numbers).collect();
    assert_eq!(times.len(), 2 * writers, "two times from each connection");
    cluster.run("CHECKPOINT");
    let checkpointed = cluster.run(NOW);
    let first = times.iter().copied().fold(f64::INFINITY, f64::min);
    let last = times.iter().copied().fold(0.0, f64::max);
    let rows = files.len() as u64 * ROWS;
    let found = cluster.run("SELECT count(*), min(number), max(number), sum(length(record)) FROM log");
    assert_eq!(
        found,
        format!("{rows}|0|{}|{}", rows - 1, rows * RECORD as u64),
        "rows in the table"
    );
    let checkpointed: f64 = checkpointed.parse().unwrap();
    Copied {
        writers,
        per_s: rows as f64 / (last - first),
        checkpointed_per_s: rows as f64 / (checkpointed - first),
    }
}

/// Starts a command that reads this text.
fn begin(mut command: Command, text: &str) -> Child {
    let mut script = tempfile::tempfile().unwrap();
    script.write_all(text.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut script).unwrap();
    command.stdin(script).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The numbers that it says, one a line.
fn numbers(child: Child) -> Vec<f64> {
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success(), "psql: {}", told(&said));
    text(&said.stdout)
        .lines()
        .map(|line| line.trim().parse().unwrap_or_else(|_| panic!("`{line}` is no time")))
        .collect()
}

/// Files of 1,000 rows each in PostgreSQL's binary form (its manual, at COPY), with random records, and on disk before anything is measured.
fn write_files(folder: &Path, count: u64) -> Vec<PathBuf> {
    assert!(
        count > 0 && count.is_multiple_of(ROWS),
        "{count} rows are no whole transactions of {ROWS}"
    );
    let mut random = File::open("/dev/urandom").unwrap();
    let mut record = [0; RECORD];
    let length = u32::try_from(RECORD).unwrap().to_be_bytes();
    let write = |number: u64| {
        let path = folder.join(number.to_string());
        let mut file = BufWriter::new(File::create(&path).unwrap());
        file.write_all(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0").unwrap();
        for row in number * ROWS..(number + 1) * ROWS {
            random.read_exact(&mut record).unwrap();
            let fields: [&[u8]; 5] = [
                &2_u16.to_be_bytes(),
                &8_u32.to_be_bytes(),
                &row.to_be_bytes(),
                &length,
                &record,
            ];
            for bytes in fields {
                file.write_all(bytes).unwrap();
            }
        }
        file.write_all(&(-1_i16).to_be_bytes()).unwrap();
        file.into_inner().unwrap().sync_all().unwrap();
        path
    };
    (0..count / ROWS).map(write).collect()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A program that refuses to run as root. It ends with us, in order.
fn server_side(program: &Path) -> Command {
    if !is_root() {
        return mortal(program);
    }
    // Changing the user makes the kernel forget who dies with whom: it is told once more.
    let mut command = mortal("setpriv");
    command.args([
        "--reuid",
        USER,
        "--regid",
        USER,
        "--clear-groups",
        "--pdeathsig",
        "QUIT",
        "--",
    ]);
    command.arg(program).current_dir("/");
    command
}

/// Where PostgreSQL's programs are: on the path, be it by a link, or where Debian keeps them, the newest.
fn programs() -> PathBuf {
    let complete = |folder: &PathBuf| PROGRAMS.iter().all(|program| folder.join(program).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let linked = std::env::split_paths(&path).filter_map(|folder| folder.join(PROGRAMS[0]).canonicalize().ok());
    let on_path = linked.filter_map(|program| program.parent().map(Path::to_owned));
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = debian.map(|entry| entry.path()).collect();
    debian.sort_by_key(|folder| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let debian = debian.into_iter().rev().map(|version| version.join("bin"));
    on_path
        .chain(debian)
        .find(complete)
        .expect("there is no PostgreSQL with its programs in one folder: run `deploy/build/deps.sh postgres`")
}

/// What a command that has to succeed says.
fn output(mut command: Command) -> String {
    let said = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(said.status.success(), "{command:?}: {}", told(&said));
    text(&said.stdout)
}
