//! A provider and a consumer over TLS, without shortcuts. The consumer agrees and asks for access as any other; what it is given, callers of
//! ours then use in its place, with its key.

use crate::client::Certificates;
use herleid_credentials::keys::SigningKey;
use herleid_tests::connector::{Connector, good};
use herleid_tests::http::Caller;
use herleid_tests::machine::{free_port, until};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What it is for, and what that lies below.
const PURPOSE: &str = "https://w3id.org/herleid/purpose#OmgevingswetOmgevingsvergunning";
const ALLOWED: &str = "https://w3id.org/herleid/purpose#Omgevingswet";
/// What may wait for receipts: the callers give none, which a consumer's connector does afterwards, of many pulls in one message.
const OUTSTANDING: &str = "outstanding_per_agreement = 1000000";

/// Both of them; they end with this.
pub(crate) struct Pair {
    pub(crate) provider: Connector,
    pub(crate) consumer: Connector,
    management: Caller,
}

/// Access to one dataset, as the provider gave it.
pub(crate) struct Access {
    pub(crate) agreement: String,
    pub(crate) dataset: String,
    pub(crate) endpoint: String,
    pub(crate) token: String,
}

impl Pair {
    pub(crate) fn start(folder: &Path, certificates: &Certificates) -> Self {
        let connector = |name: &str| {
            let directory = folder.join(name);
            std::fs::create_dir_all(&directory).unwrap();
            Connector::over_tls(directory, free_port(), &certificates.tls())
        };
        let (mut provider, mut consumer) = (connector("provider"), connector("consumer"));
        provider.set("limits", OUTSTANDING);
        let port = free_port();
        consumer.set("management", &format!("address = \"127.0.0.1:{port}\""));
        provider.start();
        consumer.start();
        let authorization = format!("Bearer {}", consumer.management_token());
        let management = Caller::new(port, &[("Authorization", &authorization)]);
        Self {
            provider,
            consumer,
            management,
        }
    }

    /// Publishes a file of the provider's under a policy with a purpose, an end and a prohibition; then agrees on it.
    pub(crate) fn agree(&self, id: &str, file: &Path) -> String {
        let offer = json!({
            "@type": "Offer",
            "permission": [{"action": "use", "constraint": [
                {"leftOperand": "odrl:purpose", "operator": "isA", "rightOperand": ALLOWED},
                {"leftOperand": "odrl:dateTime", "operator": "lt", "rightOperand": "2099-01-01T00:00:00Z"},
            ]}],
            "prohibition": [{"action": "odrl:distribute"}],
        });
        let what = [file.to_str().unwrap()];
        good(&self.provider.publish_under(&what, id, &offer.to_string()));
        let agreed = self
            .consumer
            .run(&["negotiate", &self.provider.did, id, "--purpose", PURPOSE]);
        good(&agreed)["agreement"].as_str().unwrap().to_owned()
    }

    /// Asks for access under an agreement; its token lives for minutes.
    pub(crate) fn access(&self, dataset: &str, agreement: &str) -> Access {
        let path = |rest: &str| format!("/management/v1/transfers{rest}");
        let asked = json!({"agreement": agreement, "format": "HttpData-PULL", "purpose": PURPOSE});
        let begun = self.management.post(&path(""), &asked).good("a transfer");
        let pid = begun["pid"].as_str().unwrap().replace(':', "%3A");
        until("access is given", PATIENCE, || {
            let found = self.management.get(&path(&format!("/{pid}"))).good("a transfer");
            if found["state"] == "STARTED" {
                Ok(())
            } else {
                Err(found)
            }
        });
        let address = self
            .management
            .get(&path(&format!("/{pid}/address")))
            .good("its address");
        let text = |name: &str| address[name].as_str().unwrap_or_else(|| panic!("{address}")).to_owned();
        Access {
            agreement: agreement.to_owned(),
            dataset: dataset.to_owned(),
            endpoint: text("endpoint"),
            token: text("authorization"),
        }
    }

    /// The consumer's key, with which each of its requests is signed.
    pub(crate) fn key(&self) -> SigningKey {
        let pem = std::fs::read_to_string(self.consumer.directory.join("keys/identity.pem")).unwrap();
        SigningKey::from_pkcs8_pem(&pem).unwrap()
    }

    /// Where the provider keeps what it published of this size.
    pub(crate) fn kept(&self, bytes: u64) -> PathBuf {
        let within = |folder: &Path| std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
        let folders = within(&self.provider.storage().join("payloads")).filter(|path| path.is_dir());
        let mut files = folders.flat_map(|folder| within(&folder).collect::<Vec<_>>());
        let found =
            files.find(|file| std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() == bytes));
        found.expect("what is published is kept")
    }
}
