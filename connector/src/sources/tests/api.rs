//! An upstream API that is well, and one that is not.

use super::*;
use crate::config::{BaseUrl, UpstreamApi};
use crate::net::client::{ClientLimits, ClientSettings};
use crate::state::{SourceEntry, VersionEntry};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a request's head was.
type Heads = Arc<Mutex<Vec<String>>>;

async fn answer(mut stream: TcpStream, heads: Heads) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    let path = path.split('?').next().unwrap_or_default();
    let what = path.rsplit('/').next().unwrap_or_default();
    let told = |status: &str, more: &str, length: usize| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Type: text/csv\r\nSet-Cookie: a=b\r\n{more}Connection: close\r\n\r\n"
        )
    };
    let (head, body) = match what {
        "well" => (told("200 OK", "", data().len()), data()),
        "large" => (told("200 OK", "", 64 << 20), Vec::new()),
        "cut" => (told("200 OK", "", data().len()), data()[..1000].to_vec()),
        "coded" => (told("200 OK", "Content-Encoding: gzip\r\n", 3), b"abc".to_vec()),
        "elsewhere" => (
            told("302 Found", "Location: http://127.0.0.1/secret\r\n", 0),
            Vec::new(),
        ),
        "failed" => (told("500 Oops", "", 6), b"secret".to_vec()),
        "part" => (told("206 Partial", "", 3), b"abc".to_vec()),
        "slow" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return Ok(());
        }
        _ => (told("404 Not Found", "", 0), Vec::new()),
    };
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

async fn serve() -> (String, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heads) = (listener.local_addr().unwrap().port(), Heads::default());
    let seen = heads.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, seen.clone()));
        }
    });
    (format!("http://127.0.0.1:{port}/v1"), heads)
}

fn sources(directory: &std::path::Path, base: &str, internal: bool) -> Sources {
    let payloads = Payloads::open(&directory.join("payloads")).unwrap();
    let api = UpstreamApi {
        name: "weather".to_owned(),
        url: BaseUrl::parse(base, true).unwrap(),
        internal,
        headers: secret(directory, "# for the API alone\nX-Api-Key: hush\n\n"),
    };
    let settings = ClientSettings {
        plain_http_for_development: true,
        limits: ClientLimits {
            idle: Duration::from_millis(300),
            ..ClientLimits::default()
        },
        ..ClientSettings::default()
    };
    Sources::open(&[], &[api], &settings, &payloads, 32 << 20).unwrap()
}

fn version() -> VersionEntry {
    VersionEntry {
        dataset: "rain".to_owned(),
        version: "1".to_owned(),
        title: String::new(),
        description: String::new(),
        media_type: "application/json".to_owned(),
        licence: None,
        metadata: None,
        digests: None,
        source: SourceEntry::Api {
            api: "weather".to_owned(),
            paths: vec!["*".to_owned()],
            queries: vec!["limit".to_owned()],
        },
        offers: Vec::new(),
        withdrawn: None,
        erased: false,
        published_ms: 0,
    }
}

fn wanted(path: &str) -> Wanted {
    let allowed = Allowed::new(&["*".to_owned()], &["limit".to_owned()]).unwrap();
    Wanted {
        resource: Some(allowed.check(path, Some("limit=10")).unwrap()),
        ..Wanted::default()
    }
}

#[tokio::test]
async fn an_api_keeps_its_promises_and_sees_nothing_of_the_consumer() {
    let directory = tempfile::tempdir().unwrap();
    let (base, heads) = serve().await;
    let source = sources(directory.path(), &base, true).of_version(&version()).unwrap();
    keeps_its_promises(source.as_ref(), &wanted("well"), &data()).await;
    let reading = source.open(&wanted("well")).await.unwrap();
    assert_eq!(reading.media_type.as_deref(), Some("text/csv"));
    let heads = heads.lock().unwrap();
    assert!(heads[0].starts_with("GET /v1/well?limit=10 HTTP/1.1"), "{}", heads[0]);
    let names: Vec<String> = fields(&heads[0]).into_keys().collect();
    assert_eq!(names, ["accept", "host", "user-agent", "x-api-key"]);
    assert_eq!(fields(&heads[0])["x-api-key"], "hush");
}

#[tokio::test]
async fn what_an_api_does_wrong_is_told_without_what_it_said() {
    let directory = tempfile::tempdir().unwrap();
    let (base, _heads) = serve().await;
    let source = sources(directory.path(), &base, true).of_version(&version()).unwrap();
    for (path, why) in [
        ("large", "more than 33554432 bytes"),
        ("cut", "could not be reached safely"),
        ("coded", "which was not asked for"),
        ("elsewhere", "no usable answer"),
        ("failed", "HTTP status 500"),
        ("part", "HTTP status 206"),
        ("slow", "could not be reached safely"),
    ] {
        let error = read(source.as_ref(), &wanted(path)).await.unwrap_err();
        let told = error.to_string();
        assert!(matches!(error, SourceError::Failed(_)), "{path}: {told}");
        assert!(
            !told.contains("secret") && !told.contains("127.0.0.1"),
            "{path}: {told}"
        );
        let cut = path == "cut" && told.contains("no usable answer");
        assert!(told.contains(why) || cut, "{path}: expected `{why}`: {told}");
    }
    let absent = read(source.as_ref(), &wanted("nowhere")).await;
    assert!(matches!(absent, Err(SourceError::Absent(_))));
}

#[tokio::test]
async fn an_api_on_a_private_address_is_called_only_if_the_configuration_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (base, heads) = serve().await;
    let source = sources(directory.path(), &base, false).of_version(&version()).unwrap();
    let refused = read(source.as_ref(), &wanted("well")).await.unwrap_err();
    assert!(refused.to_string().contains("may not be called"), "{refused}");
    assert!(heads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_file_of_headers_that_is_none_is_refused_without_showing_it() {
    let directory = tempfile::tempdir().unwrap();
    let payloads = Payloads::open(&directory.path().join("payloads")).unwrap();
    let api = UpstreamApi {
        name: "weather".to_owned(),
        url: BaseUrl::parse("https://api.example", false).unwrap(),
        internal: false,
        headers: secret(directory.path(), "X-Api-Key: a\nhush\n"),
    };
    let open =
        |api: &UpstreamApi| Sources::open(&[], std::slice::from_ref(api), &ClientSettings::default(), &payloads, 1);
    let refused = open(&api).err().unwrap().to_string();
    assert!(refused.contains("line 2") && !refused.contains("hush"), "{refused}");
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&api.headers, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(open(&api).err().unwrap().to_string().contains("readable by others"));
}
