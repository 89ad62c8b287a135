//! Datasets that are no files: an object in an S3 server, and an API (a real pygeoapi, OGC API - Features).

use crate::scene::Scene;
use herleid_tests::connector::good;
use herleid_tests::machine::{free_port, until};
use herleid_tests::process::{Process, mortal, told};
use herleid_tests::s3::{ACCESS_KEY, S3, SECRET};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const FREE: &str = r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#;

/// A server that tests run against; it ends with the value.
struct Server {
    _process: Process,
}

/// A program that `make deps` installs; where it is absent, that is said.
fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    let path = target.join("tools/bin").join(name);
    if !path.exists() {
        let line = format!("SKIPPED {test}: target/tools/bin/{name} is absent; run `make deps`\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    }
    Some(path.canonicalize().unwrap())
}

/// What a GET in plain HTTP is answered with.
fn status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

fn started(mut command: Command, port: u16, path: &str) -> Server {
    let server = Server {
        _process: Process::start(command.stdout(Stdio::null()).stderr(Stdio::null())),
    };
    until("the server answers", Duration::from_secs(60), || {
        match status(port, path) {
            Some(status) if status < 500 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    server
}

/// The provider's configuration with these sources, after a new start.
fn configure(scene: &mut Scene, lines: &str, secret: &str) {
    let file = scene.provider.directory.join("secret");
    std::fs::write(&file, secret).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = scene.provider.directory.join("herleid.toml");
    let mut configuration = std::fs::read_to_string(&file).unwrap();
    configuration = configuration.replace("#[sources]", "").replace("[sources]\n", "\n");
    configuration.push_str(&format!("\n[sources]\n{lines}\n"));
    std::fs::write(&file, configuration).unwrap();
    scene.provider.kill();
    scene.provider.start();
}

#[test]
fn an_object_is_published_pulled_and_refused_when_it_changed() {
    let mut scene = Scene::set();
    let server = S3::start();
    let port = server.port;
    let put = |path: &str, body: &[u8]| server.good("PUT", path, body);
    put("/rain", b"");
    let data: Vec<u8> = (0..300_000u32).flat_map(u32::to_be_bytes).collect();
    put("/rain/2020/rain.csv", &data);
    let lines = format!(
        "s3 = [{{ name = \"archive\", endpoint = \"http://127.0.0.1:{port}\", region = \"us-east-1\", bucket = \"rain\", internal = true, credentials = \"secret\" }}]"
    );
    configure(
        &mut scene,
        &lines,
        &format!("access_key_id = \"{ACCESS_KEY}\"\nsecret_access_key = \"{SECRET}\"\n"),
    );
    let answer = good(
        &scene
            .provider
            .publish_under(&["--s3", "archive/2020/rain.csv"], "object", FREE),
    );
    assert_eq!(answer["bytes"], data.len());
    let agreement = scene.agree("object");
    // Also cut off on the way.
    let mut first = true;
    scene.proxy.lie(move |answer| {
        if std::mem::take(&mut first) {
            answer.cut(100_000);
        }
    });
    let pulled = good(&scene.consumer.run(&["pull", &agreement]));
    assert!(std::fs::read(pulled["path"].as_str().unwrap()).unwrap() == data);

    put("/rain/2020/rain.csv", b"something else");
    let refused = scene.consumer.run(&["pull", &agreement]);
    assert!(!refused.status.success());
    assert!(
        told(&refused).contains("has changed at its source"),
        "{}",
        told(&refused)
    );
    assert!(!told(&refused).contains(SECRET) && !told(&refused).contains(&port.to_string()));
    for (source, why) in [
        ("archive/none", "the object is gone"),
        ("other/a", "no source `other`"),
        ("archive", "STORE/KEY"),
    ] {
        let output = scene.provider.publish_under(&["--s3", source], "none", FREE);
        assert!(
            !output.status.success() && told(&output).contains(why),
            "{source}: {}",
            told(&output)
        );
    }
}

/// A pygeoapi with one collection of three gauges.
fn pygeoapi(program: &Path, folder: &Path, port: u16) -> Server {
    std::fs::write(
        folder.join("rain.csv"),
        "id,x,y,mm\n1,3.57,51.44,51.3\n2,3.60,51.45,48.0\n3,3.61,51.46,7.5\n",
    )
    .unwrap();
    let data = folder.join("rain.csv");
    let configuration = format!(
        "server:\n  bind: {{host: 127.0.0.1, port: {port}}}\n  url: http://127.0.0.1:{port}\n  mimetype: application/json; charset=UTF-8\n  encoding: utf-8\n  languages: [en-US]\n  limits: {{default_items: 10, max_items: 100}}\n  map: {{url: 'https://tile.example/{{z}}/{{x}}/{{y}}.png', attribution: none}}\nlogging: {{level: ERROR}}\nmetadata:\n  identification: {{title: Rain, description: Gauges, keywords: [rain], keywords_type: theme, terms_of_service: none, url: https://example.org}}\n  license: {{name: CC0, url: https://example.org}}\n  provider: {{name: Test, url: https://example.org}}\n  contact: {{name: Test, position: Test, address: Test, city: Test, stateorprovince: Test, postalcode: '1', country: NL, phone: '1', fax: '1', email: a@example.org, url: https://example.org, hours: always, instructions: none, role: pointOfContact}}\nresources:\n  rain:\n    type: collection\n    title: Rain\n    description: Gauges\n    keywords: [rain]\n    links: []\n    extents:\n      spatial: {{bbox: [3, 51, 4, 52], crs: 'http://www.opengis.net/def/crs/OGC/1.3/CRS84'}}\n    providers:\n      - {{type: feature, name: CSV, data: {data:?}, id_field: id, geometry: {{x_field: x, y_field: y}}}}\n"
    );
    let (config, openapi) = (folder.join("pygeoapi.yml"), folder.join("openapi.yml"));
    std::fs::write(&config, configuration).unwrap();
    let mut generate = mortal(program);
    generate
        .env("PYGEOAPI_CONFIG", &config)
        .args(["openapi", "generate"])
        .arg(&config)
        .arg("--output-file")
        .arg(&openapi);
    let generated = generate.output().unwrap();
    assert!(generated.status.success(), "{}", told(&generated));
    let mut serve = mortal(program);
    serve
        .arg("serve")
        .env("PYGEOAPI_CONFIG", &config)
        .env("PYGEOAPI_OPENAPI", &openapi);
    started(serve, port, "/collections/rain/items?f=json")
}

#[test]
fn features_of_a_pygeoapi_are_digested_on_the_way_and_nothing_else_is_given() {
    let Some(program) = tool("pygeoapi", "features of a pygeoapi") else {
        return;
    };
    let mut scene = Scene::set();
    let port = free_port();
    let _server = pygeoapi(&program, scene.folder.path(), port);
    let lines = format!(
        "apis = [{{ name = \"gauges\", url = \"http://127.0.0.1:{port}\", internal = true, headers = \"secret\" }}]"
    );
    configure(&mut scene, &lines, "X-Api-Key: hush\n");
    let what = [
        "--api",
        "gauges",
        "--path",
        "collections/rain/items",
        "--path",
        "collections/rain/items/*",
        "--query",
        "limit",
        "--query",
        "f=json",
    ];
    let answer = good(&scene.provider.publish_under(&what, "live", FREE));
    assert!(
        answer.get("sha256").is_none() && answer.get("bytes").is_none(),
        "{answer}"
    );
    let agreement = scene.agree("live");
    let pulled = good(&scene.consumer.run(&[
        "pull",
        &agreement,
        "--resource",
        "collections/rain/items?limit=2&f=json",
    ]));
    let text = std::fs::read_to_string(pulled["path"].as_str().unwrap()).unwrap();
    let features: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(features["features"].as_array().unwrap().len(), 2, "{text}");
    assert!(!text.contains("hush"));
    let one = good(
        &scene
            .consumer
            .run(&["pull", &agreement, "--resource", "collections/rain/items/3?f=json"]),
    );
    assert!(
        std::fs::read_to_string(one["path"].as_str().unwrap())
            .unwrap()
            .contains("7.5")
    );
    assert_ne!(pulled["transaction"], one["transaction"]);
    // Both ends can say what came: the consumer under its transaction, with the provider's receipt.
    let traced = scene.consumer.run(&["trace", pulled["transaction"].as_str().unwrap()]);
    assert!(
        told(&traced).contains(pulled["sha256"].as_str().unwrap()),
        "{}",
        told(&traced)
    );
    let traced = scene.provider.run(&["trace", pulled["transaction"].as_str().unwrap()]);
    assert!(
        told(&traced).contains(pulled["sha256"].as_str().unwrap()),
        "{}",
        told(&traced)
    );

    for (resource, why) in [
        ("collections", "is not part of this dataset"),
        ("collections/rain", "is not part of this dataset"),
        (
            "collections/rain/items?f=html",
            "is not part of this dataset with that value",
        ),
        (
            "collections/rain/items?apikey=1",
            "is not part of this dataset with that value",
        ),
        ("collections/rain/items?limit=1&limit=2", "stands twice"),
        ("collections/rain/items/99?f=json", "has nothing there"),
    ] {
        let refused = scene.consumer.run(&["pull", &agreement, "--resource", resource]);
        assert_eq!(refused.status.code(), Some(5), "{resource}: {}", told(&refused));
        assert!(told(&refused).contains(why), "{resource}: {}", told(&refused));
    }
    let unnamed = scene.consumer.run(&["pull", &agreement]);
    assert_eq!(unnamed.status.code(), Some(5), "{}", told(&unnamed));
}
