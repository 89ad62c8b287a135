//! Two connectors that deal with each other, one behind a proxy that may lie, for tests of what goes wrong between them.

use herleid_tests::connector::{Connector, RAIN, good};
use herleid_tests::lying_proxy::LyingProxy;
use herleid_tests::machine::free_port;
use herleid_tests::process::told;
use std::path::PathBuf;
use std::process::Output;

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

    /// The agreement about the dataset.
    pub(crate) fn agreement(&self) -> &str {
        &self.agreement
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
