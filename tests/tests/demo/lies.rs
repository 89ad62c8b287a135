//! A provider that lies is caught by its consumer, each lie by its name, and nothing of what it sent is kept.

use crate::lying_proxy::LyingProxy;
use crate::refusals::{free_port, init, started};
use crate::{run, text};
use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::sync::{Arc, Mutex};

const RAIN: &[u8] = b"51.3 mm in the hour ending 15:00\n";

pub(crate) struct Scene {
    folder: tempfile::TempDir,
    provider: Child,
    consumer: Child,
    proxy: LyingProxy,
    agreement: String,
}

impl Drop for Scene {
    fn drop(&mut self) {
        for child in [&mut self.provider, &mut self.consumer] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn herleid_at(directory: &Path, arguments: &[&str]) -> Output {
    let configuration = directory.join("herleid.toml");
    let mut all = vec!["--development", "--json", "--config", configuration.to_str().unwrap()];
    all.extend(arguments);
    run(&all)
}

pub(crate) fn good(output: &Output) -> serde_json::Value {
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Scene {
    /// A provider behind a proxy, a consumer, a dataset and an agreement about it.
    pub(crate) fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (public, real, other) = (free_port(), free_port(), free_port());
        let (p, c) = (folder.path().join("provider"), folder.path().join("consumer"));
        init(&p, real, public);
        init(&c, other, other);
        let proxy = LyingProxy::start(public, real);
        let (provider, consumer) = (started(&p), started(&c));
        let (data, policy) = (folder.path().join("rain.txt"), folder.path().join("offer.json"));
        std::fs::write(&data, RAIN).unwrap();
        std::fs::write(&policy, r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#).unwrap();
        let publish = [
            "publish",
            data.to_str().unwrap(),
            "--id",
            "rain",
            "--title",
            "Rain",
            "--policy",
            policy.to_str().unwrap(),
        ];
        good(&herleid_at(&p, &publish));
        let peer = format!("did:web:localhost%3A{public}");
        let agreed = good(&herleid_at(&c, &["negotiate", &peer, "rain"]));
        let agreement = agreed["agreement"].as_str().unwrap().to_owned();
        Self {
            folder,
            provider,
            consumer,
            proxy,
            agreement,
        }
    }

    pub(crate) fn pull(&self) -> Output {
        herleid_at(&self.folder.path().join("consumer"), &["pull", &self.agreement])
    }

    /// A command of the consumer's.
    pub(crate) fn consumer(&self, arguments: &[&str]) -> Output {
        herleid_at(&self.folder.path().join("consumer"), arguments)
    }

    /// The provider again, with `trust.peers` set to this value; an agreement made before stands in its state.
    pub(crate) fn provider_admits(&mut self, peers: &str) {
        let directory = self.folder.path().join("provider");
        self.provider.kill().unwrap();
        self.provider.wait().unwrap();
        admit(&directory, peers);
        self.provider = started(&directory);
    }

    /// The consumer again, with `trust.peers` set to this value.
    pub(crate) fn consumer_admits(&mut self, peers: &str) {
        let directory = self.folder.path().join("consumer");
        self.consumer.kill().unwrap();
        self.consumer.wait().unwrap();
        admit(&directory, peers);
        self.consumer = started(&directory);
    }

    pub(crate) fn consumer_did(&self) -> String {
        let file = std::fs::read_to_string(self.folder.path().join("consumer/herleid.toml")).unwrap();
        let line = file.lines().find(|l| l.starts_with("did = ")).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    }

    fn payloads(&self) -> Vec<PathBuf> {
        let store = self.folder.path().join("consumer/storage/payloads");
        let folders = std::fs::read_dir(store)
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.is_dir());
        folders
            .flat_map(|f| std::fs::read_dir(f).unwrap().flatten().map(|e| e.path()))
            .collect()
    }

    /// The pull is refused as untrusted, by this name, and leaves nothing.
    fn caught(&self, lie: &str) {
        let output = self.pull();
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(4), "{told}");
        assert!(told.contains(lie), "expected `{lie}`: {told}");
    }
}

#[test]
fn each_lie_about_one_pull_has_its_name_and_leaves_nothing() {
    let scene = Scene::set();
    scene.proxy.lie(|answer| answer.drop_header("herleid-receipt"));
    scene.caught("receipt withheld");
    scene.proxy.lie(|answer| answer.body[3] ^= 1);
    scene.caught("exchange altered");
    scene.proxy.lie(|answer| {
        let receipt = answer.header("herleid-receipt").unwrap().to_owned();
        answer.drop_header("herleid-receipt");
        // The first letter of the base64 of `{"`: it is no record any more.
        answer.head.push(format!("herleid-receipt: f{}", &receipt[1..]));
    });
    scene.caught("receipt invalid");
    assert_eq!(
        scene.payloads(),
        Vec::<PathBuf>::new(),
        "nothing that did not verify was kept"
    );

    let seen: Arc<Mutex<Option<String>>> = Arc::default();
    let keep = seen.clone();
    scene
        .proxy
        .lie(move |answer| *keep.lock().unwrap() = answer.header("herleid-receipt").map(str::to_owned));
    let honest = good(&scene.pull());
    assert_eq!(honest["bytes"].as_u64(), Some(RAIN.len() as u64));
    // A true receipt, but of another pull.
    scene.proxy.lie(move |answer| {
        answer.drop_header("herleid-receipt");
        answer
            .head
            .push(format!("herleid-receipt: {}", seen.lock().unwrap().as_ref().unwrap()));
    });
    scene.caught("exchange altered");
    assert_eq!(scene.payloads().len(), 1);
}

#[test]
fn a_provider_that_goes_back_to_an_older_log_is_caught_as_a_fork() {
    let mut scene = Scene::set();
    let (storage, copy) = (
        scene.folder.path().join("provider/storage"),
        scene.folder.path().join("copy"),
    );
    let directory = scene.folder.path().join("provider");
    let stop = |child: &mut Child| {
        child.kill().unwrap();
        child.wait().unwrap();
    };
    stop(&mut scene.provider);
    copy_all(&storage, &copy);
    scene.provider = started(&directory);
    good(&scene.pull());
    // The operator restores the copy: the record of that pull is gone from its log, and another takes its place.
    stop(&mut scene.provider);
    std::fs::remove_dir_all(&storage).unwrap();
    copy_all(&copy, &storage);
    scene.provider = started(&directory);
    scene.caught("log forked");
}

fn admit(directory: &Path, peers: &str) {
    let file = directory.join("herleid.toml");
    let configuration = std::fs::read_to_string(&file).unwrap();
    let kept = configuration.lines().filter(|l| !l.starts_with("peers = "));
    let lines = kept.map(|l| match l {
        "[trust]" => format!("[trust]\npeers = {peers}\n"),
        other => format!("{other}\n"),
    });
    std::fs::write(&file, lines.collect::<String>()).unwrap();
}

fn copy_all(from: &Path, to: &Path) {
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
