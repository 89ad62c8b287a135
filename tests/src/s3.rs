//! A real S3 server over a folder (Versity's gateway, which `deploy/build/s3.sh` builds): it checks signatures, as a stand-in would not.

use crate::machine::{free_port, until};
use crate::process::{Process, mortal, text, told};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The server's one access key.
pub const ACCESS_KEY: &str = "a";

/// The secret that belongs to it.
pub const SECRET: &str = "a-secret-of-the-receiver";

const REGION: &str = "us-east-1";

/// A server; it ends with the value.
pub struct S3 {
    _process: Process,
    _folder: tempfile::TempDir,
    /// Where it listens, on loopback.
    pub port: u16,
}

impl S3 {
    /// Builds what is missing, and starts it.
    pub fn start() -> Self {
        let this = std::env::current_exe().unwrap();
        let target = this.ancestors().nth(3).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/build/s3.sh");
        let built = Command::new(script).env("CARGO_TARGET_DIR", target).output().unwrap();
        assert!(
            built.status.success(),
            "the S3 server could not be built, which is no reason to leave it out: {}",
            told(&built)
        );
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let made = ["buckets", "versions", "metadata"].map(|name| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        });
        let [buckets, versions, metadata] = &made;
        let mut command = mortal(target.join("s3/bin/versitygw"));
        command
            .env("ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("ROOT_SECRET_KEY", SECRET)
            .args(["--quiet", "--region", REGION, "--port", &format!("127.0.0.1:{port}")])
            .args(["posix", "--sidecar"])
            .arg(metadata)
            .arg("--versioning-dir")
            .arg(versions)
            .arg(buckets);
        let process = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let server = Self {
            _process: process,
            _folder: folder,
            port,
        };
        until("the S3 server answers", Duration::from_secs(60), || {
            TcpStream::connect(("127.0.0.1", port))
        });
        server
    }

    /// Where it is asked.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// One request, signed by curl; its status, and the head and body of the answer.
    pub fn call(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut curl = mortal("curl");
        match method {
            "HEAD" => curl.arg("--head"),
            _ => curl.args(["--request", method, "--data-binary", "@-"]),
        };
        curl.args(["--silent", "--show-error", "--include", "--write-out", "\n%{http_code}"])
            .args(["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"])
            .args(["--header", "Content-Type: text/csv", "--header", "Expect:"])
            .args(["--aws-sigv4", &format!("aws:amz:{REGION}:s3")])
            .args(["--user", &format!("{ACCESS_KEY}:{SECRET}")])
            .arg(format!("{}{path}", self.endpoint()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = curl.spawn().unwrap();
        child.stdin.take().unwrap().write_all(body).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{method} {path}: {}", told(&output));
        let answer = text(&output.stdout);
        let (answer, status) = answer.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), answer.to_owned())
    }

    /// The same, which must be done.
    pub fn good(&self, method: &str, path: &str, body: &[u8]) -> String {
        let (status, answer) = self.call(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        answer
    }
}
