//! nginx, as it is delivered but for where its files lie: what a large pull is measured beside.

use crate::client::Certificates;
use herleid_tests::machine::{free_port, until};
use herleid_tests::process::{Process, mortal, text};
use http::{HeaderValue, Request};
use http_body_util::Empty;
use hyper::body::Bytes;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long its start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running one; it ends with this.
pub(crate) struct Nginx {
    pub(crate) port: u16,
    _process: Process,
}

/// Debian's lies where only root's PATH leads.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let found = folders
        .into_iter()
        .map(|folder| folder.join("nginx"))
        .find(|file| file.is_file());
    found.expect("nginx is not installed: deploy/build/deps.sh nginx")
}

/// What it calls itself.
pub(crate) fn version() -> String {
    let said = Command::new(program()).arg("-v").output().unwrap();
    let said = text(&said.stderr);
    said.trim().trim_start_matches("nginx version: ").to_owned()
}

impl Nginx {
    /// Serves what lies in `root`, with the certificate that the provider has too.
    pub(crate) fn start(folder: &Path, root: &Path, certificates: &Certificates) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let port = free_port();
        let user = Command::new("id").arg("-un").output().unwrap();
        // Files of its own for everything that it would put under /var.
        let own: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {name};\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nuser {};\nworker_processes auto;\npid nginx.pid;\nevents {{}}\n\
             http {{\naccess_log off;\n{own}sendfile on;\ntcp_nopush on;\n\
             server {{\nlisten 127.0.0.1:{port} ssl;\nssl_certificate {};\nssl_certificate_key {};\n\
             ssl_protocols TLSv1.3;\nroot {};\n}}\n}}\n",
            text(&user.stdout).trim(),
            certificates.certificate.display(),
            certificates.key.display(),
            root.display()
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        let log = std::fs::File::create(folder.join("said")).unwrap();
        let mut command = mortal(program());
        command.arg("-p").arg(folder).arg("-e").arg(folder.join("error.log"));
        command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(log);
        let mut process = Process::start(&mut command);
        until("nginx takes connections", PATIENCE, || {
            let said = || std::fs::read_to_string(folder.join("said")).unwrap_or_default();
            assert!(process.is_running(), "nginx ended: {}", said());
            TcpStream::connect(("127.0.0.1", port)).map(drop)
        });
        Self {
            port,
            _process: process,
        }
    }

    pub(crate) fn request(&self, name: &str) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = format!("/{name}").parse().unwrap();
        let host = HeaderValue::from_str(&format!("localhost:{}", self.port)).unwrap();
        request.headers_mut().insert("host", host);
        request
    }
}
