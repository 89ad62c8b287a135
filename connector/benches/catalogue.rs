//! How fast a large catalogue is: `make bench-catalogue`.
//!
//! Writes 10,000 descriptions into the state of a new connector as `herleid publish` leaves them, starts the real binary over it, and asks
//! it over HTTP as a peer does, with a token of its own for each request. Prints a table and writes `target/bench/catalogue.json`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use herleid::catalogue::Metadata;
use herleid::config::Config;
use herleid::node::{Secrets, open};
use herleid::rim::{SystemClock, SystemEntropy};
use herleid::state::{Digests, OfferEntry, SourceEntry, VersionEntry, set};
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::jose;
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_credentials::si_token::{self, SelfIssued};
use herleid_vocab::did::Did;
use herleid_vocab::rim::Clock as _;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How many datasets, unless told otherwise by `HERLEID_BENCH_DATASETS`.
const DATASETS: usize = 10_000;
/// How often each question is asked.
const TIMES: usize = 40;
const DSP_CONTEXT: &str = "https://w3id.org/dspace/2025/1/context.jsonld";

fn main() {
    // `cargo test --benches` only wants to know that it compiles and runs.
    let datasets = std::env::var("HERLEID_BENCH_DATASETS").map_or(DATASETS, |n| n.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    fill(directory.path(), port, datasets);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (mut service, startup) = start(directory.path());
    let rows = runtime.block_on(measure(port, datasets));
    let rss = resident_mib(&service);
    service.kill().unwrap();
    service.wait().unwrap();
    show(datasets, startup, rss, &rows);
}

fn configuration(port: u16) -> String {
    format!(
        "[participant]\ndid = \"did:web:localhost%3A{port}\"\nname = \"Bench\"\n[listen]\naddress = \"127.0.0.1:{port}\"\n\
         public_url = \"http://localhost:{port}\"\n[ledger]\norigin = \"localhost:{port}/log/1\"\n\
         [identity]\nrequired_credentials = []\n[network]\nallow_private_addresses = true\n[development]\nplain_http = true\n"
    )
}

/// A new connector with so many datasets published.
fn fill(directory: &Path, port: u16, datasets: usize) {
    let file = directory.join("herleid.toml");
    std::fs::write(&file, configuration(port)).unwrap();
    Secrets::make(&directory.join("keys"), &SystemEntropy).unwrap();
    let node = open(Config::read(&file, &configuration(port), std::iter::empty(), true).unwrap()).unwrap();
    let metadata = Metadata::from_toml(include_str!("../src/catalogue/tests/rain.toml")).unwrap();
    let entry = |n: usize| {
        let id = format!("set-{n:05}");
        let offer = json!({"@id": format!("{id}#offer"), "@type": "Offer", "permission": [{"action": "use", "constraint": [
            {"leftOperand": "purpose", "operator": "eq", "rightOperand": "https://w3id.org/dpv#PublicBenefit"}]}]});
        VersionEntry {
            version: "1".to_owned(),
            title: format!("Neerslag per uur, meter {n}"),
            description: String::new(),
            media_type: "text/csv".to_owned(),
            licence: None,
            metadata: Some(metadata.clone()),
            digests: Some(Digests::of(id.as_bytes())),
            source: SourceEntry::File,
            offers: vec![OfferEntry {
                id: format!("{id}#offer"),
                offer,
                sha256: "ab".repeat(32),
            }],
            withdrawn: None,
            erased: false,
            published_ms: 1_800_000_000_000,
            dataset: id,
        }
    };
    let all: Vec<_> = (0..datasets)
        .map(|n| set(format!("dataset/set-{n:05}/1"), &entry(n)).unwrap())
        .collect();
    for some in all.chunks(1_000) {
        node.state.write(some.to_vec()).unwrap();
    }
}

/// Starts the binary; how long until everything answers.
fn start(directory: &Path) -> (Child, Duration) {
    let began = Instant::now();
    let mut service = Command::new(env!("CARGO_BIN_EXE_herleid"))
        .arg("--development")
        .arg("--config")
        .arg(directory.join("herleid.toml"))
        .arg("serve")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("ready "), "{line}");
    (service, began.elapsed())
}

/// Who asks: a participant whose document stands in its identifier.
struct Asker {
    client: reqwest::Client,
    base: String,
    us: Did,
    them: Did,
    key: SigningKey,
    key_id: String,
}

impl Asker {
    fn new(port: u16) -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa, &SystemEntropy);
        let us = key.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&us).unwrap();
        let (key_id, _) = document.keys_for(Relationship::CapabilityInvocation).next().unwrap();
        Self {
            key_id: key_id.to_owned(),
            client: reqwest::Client::new(),
            base: format!("http://localhost:{port}"),
            them: format!("did:web:localhost%3A{port}").parse().unwrap(),
            us,
            key,
        }
    }

    fn token(&self) -> String {
        let jti = jose::fresh_id(&SystemEntropy);
        let says = SelfIssued {
            subject: &self.us,
            audience: &self.them,
            jti: &jti,
            issued_at_ms: SystemClock.now_ms(),
            lifetime_ms: 60_000,
            token: None,
            purpose: None,
            legal_basis: None,
            area_of_use: None,
        };
        si_token::mint(&self.key, &self.key_id, &says).unwrap()
    }

    async fn post(&self, path: &str, media_type: &str, body: String) -> reqwest::Response {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(self.token());
        request
            .header("content-type", media_type)
            .body(body)
            .send()
            .await
            .unwrap()
    }

    async fn catalogue(&self, filter: &[Value]) -> Value {
        let mut message = json!({"@context": [DSP_CONTEXT], "@type": "CatalogRequestMessage"});
        if !filter.is_empty() {
            message["filter"] = filter.into();
        }
        let answer = self
            .post("/dsp/2025-1/catalog/request", "application/json", message.to_string())
            .await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    async fn sparql(&self, query: &str) -> Option<Value> {
        let answer = self.post("/sparql", "application/sparql-query", query.to_owned()).await;
        if answer.status() == 503 {
            return None;
        }
        assert_eq!(answer.status(), 200);
        Some(answer.json().await.unwrap())
    }
}

/// What was asked, the median and the slowest of the answers.
type Row = (String, Duration, Duration);

async fn measure(port: u16, datasets: usize) -> Vec<Row> {
    let asker = Asker::new(port);
    let began = Instant::now();
    let first = asker.catalogue(&[]).await;
    assert_eq!(
        first["dataset"].as_array().unwrap().len(),
        100.min(first["http://www.w3.org/ns/hydra/core#totalItems"].as_u64().unwrap() as usize)
    );
    let mut rows = vec![(
        "first page after the start".to_owned(),
        began.elapsed(),
        began.elapsed(),
    )];
    let questions = [
        ("page of 100", vec![]),
        ("page of 100, text search", vec![json!({"text": "regen vlissingen"})]),
        (
            "page of 100, theme and box",
            vec![json!({"theme": "ENVI"}), json!({"bbox": [3.5, 51.4, 3.7, 51.5]})],
        ),
        ("nothing found", vec![json!({"text": "sneeuw"})]),
    ];
    for (name, filter) in questions {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            asker.catalogue(&filter).await;
            took.push(began.elapsed());
        }
        rows.push(row(name, took));
    }
    let query = "PREFIX dcat: <http://www.w3.org/ns/dcat#> SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s a dcat:Dataset ; dcat:theme ?t }";
    let began = Instant::now();
    while asker.sparql("ASK {}").await.is_none() {
        tokio::task::yield_now().await;
    }
    rows.push((
        "wait for SPARQL after all of that".to_owned(),
        began.elapsed(),
        began.elapsed(),
    ));
    let mut took = Vec::new();
    for _ in 0..TIMES / 4 {
        let began = Instant::now();
        let counted = asker.sparql(query).await.unwrap();
        took.push(began.elapsed());
        // An empty store answers fast as well.
        let found = &counted["results"]["bindings"][0]["n"]["value"];
        assert_eq!(found.as_str(), Some(datasets.to_string().as_str()), "{counted}");
    }
    rows.push(row("SPARQL: count of datasets by theme", took));
    rows
}

fn row(name: &str, mut took: Vec<Duration>) -> Row {
    took.sort();
    (name.to_owned(), took[took.len() / 2], took[took.len() - 1])
}

/// What the service has in memory.
fn resident_mib(service: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or_default();
    kib / 1024.0
}

fn show(datasets: usize, startup: Duration, rss: f64, rows: &[Row]) {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let ms = |d: &Duration| d.as_secs_f64() * 1_000.0;
    println!("{datasets} datasets, profile {profile}\n\n| what | median ms | slowest ms |\n|---|---|---|");
    println!("| start until it answers | {:.0} | |", ms(&startup));
    for (name, median, slowest) in rows {
        println!("| {name} | {:.1} | {:.1} |", ms(median), ms(slowest));
    }
    println!("| memory afterwards, MiB | {rss:.0} | |");
    let measured: serde_json::Map<String, Value> = rows
        .iter()
        .map(|(n, m, s)| (n.clone(), json!({"median_ms": ms(m), "slowest_ms": ms(s)})))
        .collect();
    let report = json!({"datasets": datasets, "profile": profile, "startup_ms": ms(&startup), "rss_mib": rss, "measured": measured});
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("bench");
    std::fs::create_dir_all(&target).unwrap();
    std::fs::write(
        target.join("catalogue.json"),
        serde_json::to_string_pretty(&report).unwrap(),
    )
    .unwrap();
}
