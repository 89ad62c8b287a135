//! Two connectors that deal with each other, one behind a proxy that may lie, for tests of what goes wrong between them.

use crate::lying_proxy::LyingProxy;
use crate::{herleid, run, text};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// What the dataset holds.
pub(crate) const RAIN: &[u8] = b"51.3 mm in the hour ending 15:00\n";

/// What has to be said of a dataset.
pub(crate) const DESCRIBED: [&str; 6] = ["--title", "Rain", "--description", "What fell", "--theme", "ENVI"];

/// A connector of its own: directory, configuration, process.
pub(crate) struct Connector {
    pub(crate) directory: PathBuf,
    pub(crate) did: String,
    /// What `herleid init` answered.
    pub(crate) made: Value,
    child: Option<Child>,
}

impl Drop for Connector {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

impl Connector {
    /// Made, not started; listens on `port`, others reach it at `public_port`.
    pub(crate) fn new(directory: PathBuf, port: u16, public_port: u16) -> Self {
        let made = init(&directory, port, public_port);
        Self {
            did: made["did"].as_str().unwrap().to_owned(),
            directory,
            made,
            child: None,
        }
    }

    /// Starts it and waits until everything answers.
    pub(crate) fn start(&mut self) {
        self.take(serve(&self.directory).spawn().unwrap());
    }

    /// Waits until a process that serves this connector says that everything answers.
    pub(crate) fn take(&mut self, mut child: Child) {
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        if !line.starts_with("ready ") {
            let output = child.wait_with_output().unwrap();
            panic!("{line}{}", text(&output.stderr));
        }
        self.child = Some(child);
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(&mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    /// Another directory with the same keys and configuration, whose service listens on `port`.
    pub(crate) fn elsewhere(&self, directory: PathBuf, port: u16) -> Self {
        let file = directory.join("herleid.toml");
        let configuration = std::fs::read_to_string(&file).unwrap();
        let lines = configuration.lines().map(|line| match line.split_once(" = ") {
            Some(("address", _)) => format!("address = \"127.0.0.1:{port}\"\n"),
            _ => format!("{line}\n"),
        });
        std::fs::write(&file, lines.collect::<String>()).unwrap();
        Self {
            directory,
            did: self.did.clone(),
            made: self.made.clone(),
            child: None,
        }
    }

    /// A command, carried out by the running service.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The same, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(herleid());
        command
            .args(["--development", "--json", "--config"])
            .arg(self.directory.join("herleid.toml"))
            .args(arguments)
            .env("HERLEID_LANG", "en");
        command
    }

    /// Publishes `contents` for everybody.
    pub(crate) fn publish(&self, id: &str, contents: &[u8]) {
        let (data, policy) = (self.directory.join(id), self.directory.join("offer.json"));
        std::fs::write(&data, contents).unwrap();
        std::fs::write(&policy, r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#).unwrap();
        let (data, policy) = (data.to_str().unwrap(), policy.to_str().unwrap());
        good(&self.run(&[&["publish", data, "--id", id, "--policy", policy][..], &DESCRIBED].concat()));
    }

    /// Publishes `what` (arguments of the command) under `policy`.
    pub(crate) fn publish_under(&self, what: &[&str], id: &str, policy: &str) -> Output {
        let file = self.directory.join("offer.json");
        std::fs::write(&file, policy).unwrap();
        let mut arguments = vec!["publish", "--id", id, "--policy", file.to_str().unwrap()];
        arguments.extend(DESCRIBED);
        arguments.extend(what);
        self.run(&arguments)
    }

    /// Its configuration with `lines` under `[section]`, in the place of what was put there before.
    pub(crate) fn set(&self, section: &str, lines: &str) {
        let (header, end) = (
            format!("[{section}]\n"),
            format!("# end of the test's lines of {section}\n"),
        );
        let file = self.directory.join("herleid.toml");
        let old = std::fs::read_to_string(&file).unwrap();
        let (before, after) = old.split_once(&header).unwrap();
        let after = after.split_once(&end).map_or(after, |(_, rest)| rest);
        std::fs::write(&file, format!("{before}{header}{lines}\n{end}{after}")).unwrap();
    }

    /// Its storage directory.
    pub(crate) fn storage(&self) -> PathBuf {
        self.directory.join("storage")
    }
}

/// The answer of a command that did what it should.
pub(crate) fn good(output: &Output) -> Value {
    assert!(output.status.success(), "{}", told(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// All that a command said.
pub(crate) fn told(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// A provider behind a proxy, a consumer, a dataset and an agreement about it.
pub(crate) struct Scene {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) provider: Connector,
    pub(crate) consumer: Connector,
    pub(crate) proxy: LyingProxy,
    agreement: String,
}

impl Scene {
    /// Sets the scene.
    pub(crate) fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (public, real, other) = (free_port(), free_port(), free_port());
        let mut provider = Connector::new(folder.path().join("provider"), real, public);
        let mut consumer = Connector::new(folder.path().join("consumer"), other, other);
        let proxy = LyingProxy::start(public, real);
        provider.start();
        consumer.start();
        provider.publish("rain", RAIN);
        let agreed = good(&consumer.run(&["negotiate", &provider.did, "rain"]));
        let agreement = agreed["agreement"].as_str().unwrap().to_owned();
        Self {
            folder,
            provider,
            consumer,
            proxy,
            agreement,
        }
    }

    /// Agrees with the provider over a dataset.
    pub(crate) fn agree(&self, id: &str) -> String {
        let agreed = good(&self.consumer.run(&["negotiate", &self.provider.did, id]));
        agreed["agreement"].as_str().unwrap().to_owned()
    }

    pub(crate) fn pull(&self) -> Output {
        self.consumer.run(&["pull", &self.agreement])
    }

    /// The payloads that the consumer kept.
    pub(crate) fn payloads(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.consumer.storage().join("payloads")).unwrap();
        let folders = folders.flatten().map(|e| e.path()).filter(|p| p.is_dir());
        folders
            .flat_map(|f| std::fs::read_dir(f).unwrap().flatten().map(|e| e.path()))
            .collect()
    }

    /// The pull is refused as untrusted, by this name.
    pub(crate) fn caught(&self, lie: &str) {
        let output = self.pull();
        assert_eq!(output.status.code(), Some(4), "{}", told(&output));
        assert!(told(&output).contains(lie), "expected `{lie}`: {}", told(&output));
    }
}

/// A connector made by `herleid init`, under plain HTTP so that it needs no certificate: development, and said so in every record.
fn init(directory: &Path, port: u16, public_port: u16) -> Value {
    let did = format!("did:web:localhost%3A{public_port}");
    let address = format!("127.0.0.1:{port}");
    let url = format!("http://localhost:{public_port}");
    let made = run(&[
        "--development",
        "--json",
        "init",
        "--did",
        &did,
        "--name",
        "Test",
        "--listen",
        &address,
        "--public-url",
        &url,
        "--directory",
        directory.to_str().unwrap(),
    ]);
    let file = directory.join("herleid.toml");
    let mut configuration = std::fs::read_to_string(&file).unwrap();
    configuration.push_str("\n[development]\nplain_http = true\n");
    configuration = configuration.replace("#[development]", "").replace(
        "#required_credentials = [\"MembershipCredential\"]",
        "required_credentials = []",
    );
    std::fs::write(&file, configuration).unwrap();
    good(&made)
}

pub(crate) fn serve(directory: &Path) -> Command {
    let mut command = Command::new(herleid());
    command
        .arg("--development")
        .arg("--config")
        .arg(directory.join("herleid.toml"))
        .arg("serve");
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("HERLEID_LANG", "en")
        .env("HERLEID_NETWORK__ALLOW_PRIVATE_ADDRESSES", "true");
    command
}

/// A free port below the range from which outgoing connections are given theirs, which could take it first. Given once: a
/// connector that another test has stopped for a moment gets its own back.
pub(crate) fn free_port() -> u16 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let first = || AtomicU16::new(u16::try_from(RandomState::new().build_hasher().finish() % 10_000).unwrap());
    let next = || 10_000 + NEXT.get_or_init(first).fetch_add(1, Ordering::Relaxed) % 10_000;
    std::iter::repeat_with(next)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

/// Copies a directory; sockets are left out.
pub(crate) fn copy_all(from: &Path, to: &Path) {
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
