//! Objects in an S3 server (Versity's gateway, which `make deps` builds; it checks signatures): pinned, and refused when they changed.

use super::*;
use crate::config::{BaseUrl, S3Source};
use crate::net::client::ClientSettings;
use crate::state::{SourceEntry, VersionEntry};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ACCESS_KEY: &str = "a";
const SECRET: &str = "hush";

/// A running server; it ends with the value.
struct Server {
    child: Child,
    base: String,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        ended.unwrap();
    }
}

fn program() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    Some(target.join("s3/bin/versitygw")).filter(|path| path.exists())
}

fn settings() -> ClientSettings {
    ClientSettings {
        allow_private_addresses: true,
        plain_http_for_development: true,
        ..ClientSettings::default()
    }
}

impl Server {
    /// `None` where there is none, which is said.
    async fn start(test: &str) -> Option<Self> {
        let Some(program) = program() else {
            let line = format!("SKIPPED {test}: target/s3/bin/versitygw is absent; run `make deps`\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let [buckets, versions, metadata] = ["buckets", "versions", "metadata"].map(|name| folder.path().join(name));
        for made in [&buckets, &versions, &metadata] {
            std::fs::create_dir(made).unwrap();
        }
        let child = Command::new(program)
            .env("ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("ROOT_SECRET_KEY", SECRET)
            .args(["--quiet", "--port", &format!("127.0.0.1:{port}"), "posix"])
            .args([
                Path::new("--sidecar"),
                &metadata,
                Path::new("--versioning-dir"),
                &versions,
                &buckets,
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            _folder: folder,
        };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                server.call("PUT", "/rain", b"");
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the S3 server does not answer");
    }

    /// A request that curl signs, and that must be done.
    fn call(&self, method: &str, path: &str, body: &[u8]) {
        let mut child = Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body", "--request", method])
            .args([
                "--header",
                "x-amz-content-sha256: UNSIGNED-PAYLOAD",
                "--header",
                "Expect:",
            ])
            .args([
                "--aws-sigv4",
                "aws:amz:us-east-1:s3",
                "--user",
                &format!("{ACCESS_KEY}:{SECRET}"),
            ])
            .args(["--data-binary", "@-", &format!("{}{path}", self.base)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(body).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{method} {path}: {said}");
    }

    fn sources(&self, directory: &Path, bucket: &str) -> Sources {
        self.sources_with(directory, bucket, SECRET)
    }

    fn sources_with(&self, directory: &Path, bucket: &str, key: &str) -> Sources {
        let payloads = Payloads::open(&directory.join("payloads")).unwrap();
        let store = S3Source {
            name: "archive".to_owned(),
            endpoint: BaseUrl::parse(&self.base, true).unwrap(),
            region: "us-east-1".to_owned(),
            bucket: bucket.to_owned(),
            internal: true,
            credentials: secret(
                directory,
                &format!("access_key_id = \"{ACCESS_KEY}\"\nsecret_access_key = \"{key}\"\n"),
            ),
        };
        Sources::open(&[store], &[], &settings(), &payloads, 1 << 30).unwrap()
    }
}

fn version(found: &Found) -> VersionEntry {
    VersionEntry {
        dataset: "rain".to_owned(),
        version: "1".to_owned(),
        title: String::new(),
        description: String::new(),
        media_type: "text/csv".to_owned(),
        licence: None,
        metadata: None,
        digests: Some(found.digests.clone()),
        source: SourceEntry::S3 {
            store: "archive".to_owned(),
            key: "2020/rain vlissingen.csv".to_owned(),
            etag: found.etag.clone(),
            version: found.version.clone(),
        },
        offers: Vec::new(),
        withdrawn: None,
        erased: false,
        published_ms: 0,
    }
}

const KEY: &str = "2020/rain vlissingen.csv";
const PATH: &str = "/rain/2020/rain%20vlissingen.csv";

#[tokio::test]
async fn an_object_keeps_its_promises_until_another_lies_in_its_place() {
    let Some(server) = Server::start("an object keeps its promises").await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let sources = server.sources(directory.path(), "rain");
    let data = data();
    server.call("PUT", PATH, &data);
    let found = sources.look("archive", KEY).await.unwrap();
    assert_eq!(found.digests, Digests::of(&data));
    assert_eq!(found.version, None);
    let source = sources.of_version(&version(&found)).unwrap();
    keeps_its_promises(source.as_ref(), &part(0, None), &data).await;

    let mut changed = data.clone();
    changed[0] ^= 1;
    server.call("PUT", PATH, &changed);
    gives_nothing_of_what_changed(source.as_ref(), &data).await;
    let refused = read(source.as_ref(), &part(0, None)).await.unwrap_err();
    assert!(matches!(refused, SourceError::Changed(_)), "{refused}");
    server.call("DELETE", PATH, b"");
    gives_nothing_of_what_changed(source.as_ref(), &data).await;
    server.call("PUT", PATH, &data);
    keeps_its_promises(source.as_ref(), &part(0, None), &data).await;
}

#[tokio::test]
async fn in_a_bucket_that_keeps_versions_the_published_one_stays() {
    let Some(server) = Server::start("the published version stays").await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let sources = server.sources(directory.path(), "rain");
    let on = b"<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status></VersioningConfiguration>";
    server.call("PUT", "/rain?versioning=", on);
    let data = data();
    server.call("PUT", PATH, &data);
    let found = sources.look("archive", KEY).await.unwrap();
    assert!(found.version.is_some());
    server.call("PUT", PATH, b"something else");
    let source = sources.of_version(&version(&found)).unwrap();
    keeps_its_promises(source.as_ref(), &part(0, None), &data).await;
    let newer = sources.look("archive", KEY).await.unwrap();
    assert_eq!(newer.digests, Digests::of(b"something else"));
}

#[tokio::test]
async fn what_is_not_there_or_not_ours_is_told_apart() {
    let Some(server) = Server::start("an object that is not there").await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let sources = server.sources(directory.path(), "rain");
    assert!(matches!(
        sources.look("archive", "none").await,
        Err(SourceError::Absent(_))
    ));
    for key in ["a/../b", "/a", "a//b", ""] {
        assert!(sources.look("archive", key).await.is_err(), "{key}");
    }
    let other = server.sources(directory.path(), "another");
    assert!(other.look("archive", KEY).await.is_err());
}

#[tokio::test]
async fn who_has_another_secret_is_refused_by_the_server_and_told_without_it() {
    let Some(server) = Server::start("another secret is refused").await else {
        return;
    };
    server.call("PUT", PATH, b"rain");
    let directory = tempfile::tempdir().unwrap();
    server
        .sources(directory.path(), "rain")
        .look("archive", KEY)
        .await
        .unwrap();
    let other = tempfile::tempdir().unwrap();
    let sources = server.sources_with(other.path(), "rain", "hash");
    let refused = sources.look("archive", KEY).await.unwrap_err().to_string();
    assert!(refused.contains("does not let this connector in"), "{refused}");
    assert!(
        !refused.contains("hash") && !refused.contains(&server.base),
        "{refused}"
    );
}

#[test]
fn credentials_that_are_none_are_refused_without_showing_them() {
    let directory = tempfile::tempdir().unwrap();
    let payloads = Payloads::open(&directory.path().join("payloads")).unwrap();
    let mut store = S3Source {
        name: "archive".to_owned(),
        endpoint: BaseUrl::parse("https://s3.example", false).unwrap(),
        region: "eu".to_owned(),
        bucket: "rain".to_owned(),
        internal: false,
        credentials: secret(directory.path(), "access_key_id = \"a\"\nsecret_acess_key = \"hush\"\n"),
    };
    let open = |store: &S3Source| Sources::open(std::slice::from_ref(store), &[], &settings(), &payloads, 1);
    let refused = open(&store).err().unwrap().to_string();
    assert!(
        refused.contains("archive") && refused.contains("access_key_id") && !refused.contains("hush"),
        "{refused}"
    );
    store.credentials = directory.path().join("absent");
    assert!(open(&store).err().unwrap().to_string().contains("absent"));
}
