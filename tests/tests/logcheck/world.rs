//! A provider with a few hundred records, behind a proxy that may damage what it serves, and a witness of another make behind another.

use crate::tools::Tools;
use crate::witness::LiteWitness;
use herleid_tests::connector::{Connector, RAIN, good};
use herleid_tests::lying_proxy::{Answer, LyingProxy};
use herleid_tests::machine::free_port;
use herleid_tests::management::Api;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// More than one full tile and a partial one on each of two levels: 256 and some.
const DATASETS: usize = 270;
/// Pulls, each of which leaves its own kinds of records.
const PULLS: usize = 5;

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) tools: Tools,
    pub(crate) provider: Connector,
    pub(crate) witness: LiteWitness,
    /// The verifier key of a log of the same origin that somebody else has made.
    pub(crate) other_key: String,
    /// Lines under `[trust]` that name the witness.
    pub(crate) trust: String,
    before_log: LyingProxy,
    before_witness: LyingProxy,
    api: Api,
}

impl World {
    pub(crate) fn set(tools: Tools) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (real, public, management) = (free_port(), free_port(), free_port());
        let mut provider = Connector::new(folder.path().join("provider"), real, public);
        let before_log = LyingProxy::start(public, real);
        let (origin, key) = (text_of(&provider.made, "origin"), text_of(&provider.made, "log_key"));
        let witness = LiteWitness::start(&tools, folder.path(), (&origin, &key));
        let asked = free_port();
        let before_witness = LyingProxy::start(asked, witness.port);
        let trust = format!(
            "witnesses = [{{ verifier_key = \"{}\", url = \"http://localhost:{asked}\" }}]\nquorum = 1",
            witness.verifier_key
        );
        provider.set("trust", &trust);
        provider.set(
            "management",
            &format!("address = \"127.0.0.1:{management}\"\npublish_from = [\"files\"]"),
        );
        std::fs::create_dir(provider.directory.join("files")).unwrap();
        provider.start();
        let other = Connector::new(folder.path().join("other"), real, public);
        let token = std::fs::read_to_string(provider.directory.join("keys/management.token")).unwrap();
        let world = Self {
            api: Api::new(management, token.trim()),
            other_key: text_of(&other.made, "log_key"),
            folder,
            tools,
            provider,
            witness,
            trust,
            before_log,
            before_witness,
        };
        world.fill();
        world
    }

    /// Makes records the way they come about: published, agreed on, pulled, acknowledged.
    fn fill(&self) {
        for n in 0..DATASETS {
            self.publish(&format!("rain-{n}"));
        }
        let port = free_port();
        let mut consumer = Connector::new(self.folder.path().join("consumer"), port, port);
        consumer.start();
        let agreed = good(&consumer.run(&["negotiate", &self.provider.did, "rain-7"]));
        for _ in 0..PULLS {
            let pulled = good(&consumer.run(&["pull", agreed["agreement"].as_str().unwrap()]));
            assert_eq!(pulled["bytes"].as_u64(), Some(RAIN.len() as u64));
        }
        // With the consumer goes the last one who could make the log grow.
        consumer.kill();
        let status = self.witnessed();
        assert!(
            status["size"].as_u64().unwrap() > (DATASETS + 2 * PULLS) as u64,
            "{status}"
        );
    }

    /// Publishes a dataset for everybody.
    pub(crate) fn publish(&self, id: &str) {
        let file = self.provider.directory.join("files").join(id);
        std::fs::write(&file, RAIN).unwrap();
        let policy = json!({"@type": "Offer", "permission": [{"action": "use"}]});
        let body = json!({"source": {"file": file}, "id": id, "title": "Rain", "description": "Gauge 310", "theme": ["ENVI"], "policy": policy});
        self.api.post("/datasets", &body).good(201);
    }

    /// The provider's status, once all its records are witnessed.
    pub(crate) fn witnessed(&self) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let status = good(&self.provider.run(&["status"]));
            if status["witnessed_size"] == status["size"] {
                return status;
            }
            assert!(Instant::now() < end, "not witnessed within a minute: {status}");
        }
    }

    /// Where the log is read.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", text_of(&self.provider.made, "origin"))
    }

    /// The log's verifier key.
    pub(crate) fn key(&self) -> String {
        text_of(&self.provider.made, "log_key")
    }

    /// Changes what readers of the log get where their request's first line starts so.
    pub(crate) fn lie_about_log(&self, about: &'static str, change: impl FnMut(&mut Answer) + Send + 'static) {
        self.before_log.lie_about(about, change);
    }

    /// Changes what the witness answers.
    pub(crate) fn lie_about_witness(&self, change: impl FnMut(&mut Answer) + Send + 'static) {
        self.before_witness.lie_about("POST /add-checkpoint", change);
    }
}

pub(crate) fn text_of(value: &Value, member: &str) -> String {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("no `{member}`: {value}"))
        .to_owned()
}
