//! A connector: the real binary, with a directory and a configuration of its own.

use crate::machine::copy_all;
use crate::process::{Service, herleid, mortal, told};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// What a dataset holds.
pub const RAIN: &[u8] = b"51.3 mm in the hour ending 15:00\n";

/// What has to be said of a dataset.
pub const DESCRIBED: [&str; 6] = ["--title", "Rain", "--description", "What fell", "--theme", "ENVI"];

/// A connector; its process ends with this.
pub struct Connector {
    /// Where its configuration, keys and storage are.
    pub directory: PathBuf,
    /// Who it is.
    pub did: String,
    /// What `herleid init` answered.
    pub made: Value,
    /// From the last start of its process until everything answered.
    pub started_in: Duration,
    service: Option<Service>,
    /// What every command of the binary is told first.
    flags: &'static [&'static str],
}

/// What a connector over TLS shows and trusts: PEM files.
pub struct Tls<'a> {
    pub certificate: &'a Path,
    pub key: &'a Path,
    /// Who issued the certificates of everybody that it deals with.
    pub authority: &'a Path,
}

/// Without TLS: development, and said so in every record.
const PLAIN: &[&str] = &["--development"];

impl Connector {
    /// Made, not started; listens on `port`, others reach it at `public_port`.
    pub fn new(directory: PathBuf, port: u16, public_port: u16) -> Self {
        let made = init(&directory, PLAIN, (port, public_port), "http", &[]);
        let file = directory.join("herleid.toml");
        let configuration = std::fs::read_to_string(&file).unwrap();
        let plain = configuration.replace("#[development]", "") + "\n[development]\nplain_http = true\n";
        std::fs::write(&file, plain).unwrap();
        Self {
            did: made["did"].as_str().unwrap().to_owned(),
            directory,
            made,
            started_in: Duration::ZERO,
            service: None,
            flags: PLAIN,
        }
    }

    /// Made, not started; over TLS, without any shortcut of development.
    pub fn over_tls(directory: PathBuf, port: u16, tls: &Tls<'_>) -> Self {
        let [certificate, key] = [tls.certificate, tls.key].map(|path| path.to_str().unwrap());
        let more = ["--tls-certificate", certificate, "--tls-key", key];
        let made = init(&directory, &[], (port, port), "https", &more);
        let connector = Self {
            did: made["did"].as_str().unwrap().to_owned(),
            directory,
            made,
            started_in: Duration::ZERO,
            service: None,
            flags: &[],
        };
        connector.set("trust", &format!("tls_ca = [{:?}]", tls.authority));
        connector
    }

    /// Starts it and waits until everything answers.
    pub fn start(&mut self) {
        self.start_with(|_| ());
    }

    /// The same, with a command that is changed before.
    pub fn start_with(&mut self, change: impl FnOnce(&mut Command)) {
        assert!(self.service.is_none(), "`{}` runs already", self.did);
        let mut command = serve_with(self.flags, &self.directory);
        change(&mut command);
        let began = Instant::now();
        let service = Service::start(command, &self.log());
        self.service = Some(service.unwrap_or_else(|ended| panic!("the connector does not start: {}", told(&ended))));
        self.started_in = began.elapsed();
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.service.take().expect("it runs").kill();
    }

    /// Stops it, copies what it stored to a directory that is not there yet, and starts it again.
    pub fn copied(&mut self, copy: &Path) {
        self.kill();
        copy_all(&self.storage(), copy);
        self.start();
    }

    /// Puts a copy in the place of what it stored; it does not run afterwards.
    pub fn put_back(&mut self, copy: &Path) {
        if self.service.is_some() {
            self.kill();
        }
        std::fs::remove_dir_all(self.storage()).unwrap();
        copy_all(copy, &self.storage());
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self) -> Output {
        self.service.take().expect("it runs").ended()
    }

    /// The service that runs.
    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs")
    }

    /// The file with what its service has said, over all its starts.
    pub fn log(&self) -> PathBuf {
        self.directory.join("connector.log")
    }

    /// The token of its management API, which its first start makes.
    pub fn management_token(&self) -> String {
        let token = std::fs::read_to_string(self.directory.join("keys/management.token")).unwrap();
        token.trim().to_owned()
    }

    /// Another directory with the same keys and configuration, whose service listens on `port`.
    #[must_use]
    pub fn elsewhere(&self, directory: PathBuf, port: u16) -> Self {
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
            started_in: Duration::ZERO,
            service: None,
            flags: self.flags,
        }
    }

    /// A command, carried out by the running service.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The same, to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = mortal(herleid());
        command
            .args(self.flags)
            .args(["--json", "--config"])
            .arg(self.directory.join("herleid.toml"))
            .args(arguments)
            .env("HERLEID_LANG", "en");
        command
    }

    /// Publishes `contents` for everybody.
    pub fn publish(&self, id: &str, contents: &[u8]) {
        self.offer(id, contents, r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#);
    }

    /// Publishes `contents` under `policy`.
    pub fn offer(&self, id: &str, contents: &[u8], policy: &str) {
        let data = self.directory.join("published");
        std::fs::write(&data, contents).unwrap();
        good(&self.publish_under(&[data.to_str().unwrap()], id, policy));
    }

    /// Publishes `what` (arguments of the command) under `policy`.
    pub fn publish_under(&self, what: &[&str], id: &str, policy: &str) -> Output {
        let file = self.directory.join("offer.json");
        std::fs::write(&file, policy).unwrap();
        let mut arguments = vec!["publish", "--id", id, "--policy", file.to_str().unwrap()];
        arguments.extend(DESCRIBED);
        arguments.extend(what);
        self.run(&arguments)
    }

    /// Its configuration with `lines` under `[section]`, in the place of what was put there before.
    pub fn set(&self, section: &str, lines: &str) {
        let (header, end) = (
            format!("[{section}]\n"),
            format!("# end of the test's lines of {section}\n"),
        );
        let file = self.directory.join("herleid.toml");
        let old = std::fs::read_to_string(&file).unwrap();
        let (before, after) = old
            .split_once(&header)
            .unwrap_or_else(|| panic!("there is no [{section}] in {old}"));
        let after = after.split_once(&end).map_or(after, |(_, rest)| rest);
        std::fs::write(&file, format!("{before}{header}{lines}\n{end}{after}")).unwrap();
    }

    /// Its storage directory.
    pub fn storage(&self) -> PathBuf {
        self.directory.join("storage")
    }
}

/// The answer of a command that did what it should.
pub fn good(output: &Output) -> Value {
    assert!(output.status.success(), "{}", told(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", told(output)))
}

/// The arguments by which somebody decides in a case, on what a transaction brought.
pub fn decide<'a>(case: &'a str, relies_on: &'a str) -> [&'a str; 17] {
    [
        "decide",
        "--case",
        case,
        "--title",
        "Warning for rain",
        "--relies-on",
        relies_on,
        "--author",
        "B. de Wit",
        "--role",
        "hydrologist",
        "--organisation",
        "Vlissingen",
        "--legal-basis",
        "https://wetten.overheid.nl/BWBR0037885",
        "--choices",
        "51.3 mm is too much",
    ]
}

/// A command of the binary that needs no connector.
pub fn run(arguments: &[&str]) -> Output {
    let mut command = mortal(herleid());
    command.args(arguments).env("HERLEID_LANG", "en").output().unwrap()
}

/// A connector made by `herleid init`, which asks nobody for credentials. It listens on the first port, others reach it at the second.
fn init(directory: &Path, flags: &[&str], (port, public_port): (u16, u16), scheme: &str, more: &[&str]) -> Value {
    let did = format!("did:web:localhost%3A{public_port}");
    let address = format!("127.0.0.1:{port}");
    let url = format!("{scheme}://localhost:{public_port}");
    let named = ["--json", "init", "--did", &did, "--name", "Test"];
    let placed = ["--listen", &address, "--public-url", &url, "--directory"];
    let made = run(&[flags, &named, &placed, &[directory.to_str().unwrap()], more].concat());
    let made = good(&made);
    let file = directory.join("herleid.toml");
    let configuration = std::fs::read_to_string(&file).unwrap().replace(
        "#required_credentials = [\"MembershipCredential\"]",
        "required_credentials = []",
    );
    std::fs::write(&file, configuration).unwrap();
    made
}

/// The service of the connector in `directory`, to be started.
pub fn serve(directory: &Path) -> Command {
    serve_with(PLAIN, directory)
}

fn serve_with(flags: &[&str], directory: &Path) -> Command {
    let mut command = mortal(herleid());
    command
        .args(flags)
        .arg("--config")
        .arg(directory.join("herleid.toml"))
        .arg("serve")
        .env("HERLEID_LANG", "en")
        .env("HERLEID_NETWORK__ALLOW_PRIVATE_ADDRESSES", "true");
    command
}
