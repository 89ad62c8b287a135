//! The entries themselves, and their keys.

use super::Declares;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Both digests of a payload and its length (DESIGN section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// BLAKE3, 64 hexadecimal digits.
    pub blake3: String,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
}

impl Digests {
    /// Digests of bytes at hand.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self {
            blake3: blake3::hash(bytes).to_hex().to_string(),
            sha256: hex::encode(sha2::Sha256::digest(bytes)),
            bytes: bytes.len() as u64,
        }
    }
}

/// On which side of an agreement this connector stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// It gives.
    Provider,
    /// It takes.
    Consumer,
}

impl Side {
    /// As it stands in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Consumer => "consumer",
        }
    }
}

impl From<Side> for herleid_ledger::record::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::Provider => Self::Provider,
            Side::Consumer => Self::Consumer,
        }
    }
}

/// A log as its owner's DID document names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIdentity {
    /// Whose.
    pub did: Did,
    /// Origin.
    pub origin: String,
    /// C2SP verifier key.
    #[serde(rename = "verifierKey")]
    pub verifier_key: String,
}

/// A concluded agreement, as one end keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementEntry {
    /// Agreement id.
    pub id: String,
    /// This end's side.
    pub side: Side,
    /// The other end.
    pub other: Did,
    /// The agreement as the protocol carried it.
    pub agreement: Value,
    /// SHA-256 of its RFC 8785 form.
    pub sha256: String,
    /// What it is about: dataset or model id.
    pub target: String,
    /// What was declared when it was negotiated.
    #[serde(rename = "purpose")]
    pub declares: Declares,
    /// The other end's log; `None` for a one-sided peer, which keeps none: nothing exchanged with it is decision-grade.
    pub other_log: Option<LogIdentity>,
    /// Where the other end speaks the Dataspace Protocol (versioned base).
    pub other_base: String,
    /// What the other end's catalogue said of the dataset or model (consumer side).
    pub dataset: Option<Value>,
    /// Why it ended, if it did.
    pub terminated: Option<String>,
}

impl AgreementEntry {
    /// The key of the agreement `id` on `side`.
    #[must_use]
    pub fn key(id: &str, side: Side) -> String {
        format!("agreement/{}/{id}", side.as_str())
    }

    /// Whether the other end keeps no log: nothing under this agreement is decision-grade.
    #[must_use]
    pub fn is_one_sided(&self) -> bool {
        self.other_log.is_none()
    }

    /// Whether it is what was agreed with `other` in the policy with this digest: an id alone is the provider's choice, and may have
    /// been chosen twice.
    #[must_use]
    pub fn stands_for(&self, other: &Did, sha256: &str) -> bool {
        self.other == *other && self.sha256 == sha256
    }
}

/// What a data-plane token lets its bearer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantPurpose {
    /// Pull a dataset of ours.
    Pull,
    /// Run a model of ours.
    Run,
    /// Fetch an input that we pass on under somebody else's agreement.
    Onward,
}

/// A grant, to which access tokens refer. It gives a path, not a right: the policy is evaluated again at every request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantEntry {
    /// Its id: the transfer's provider pid, or a fresh UUID.
    pub id: String,
    /// What for.
    pub kind: GrantPurpose,
    /// Under which agreement; for `onward` we are its consumer.
    pub agreement: String,
    /// Who may use it.
    pub consumer: Did,
    /// Dataset or model id.
    pub subject: String,
    /// Version; `None` for a model: the one published at the time of the run.
    pub version: Option<String>,
    /// Digests of the bytes, for pulls of what has known ones.
    pub digests: Option<Digests>,
    /// Media type of the bytes, for pulls.
    pub media_type: Option<String>,
    /// The transaction it is bound to, when the grantor chose it (onward).
    pub transaction: Option<String>,
    /// The pull that brought the bytes here, for an input that is passed on.
    pub source: Option<String>,
    /// SHA-256 of the token, 64 hexadecimal digits, where the token is a secret and bound to no key (one-sided peers).
    #[serde(default)]
    pub bearer_sha256: Option<String>,
    /// Whether it is a push: nothing is fetched with it, and its token orders the push.
    #[serde(default)]
    pub push: bool,
    /// What the consumer declared.
    #[serde(rename = "purpose")]
    pub declares: Declares,
    /// When it ends, Unix milliseconds.
    pub until_ms: u64,
    /// Ended before: suspended, terminated, completed.
    pub closed: Option<String>,
}

impl GrantEntry {
    /// The key of the grant `id`.
    #[must_use]
    pub fn key(id: &str) -> String {
        format!("grant/{id}")
    }
}

/// A pull that this end received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullEntry {
    /// Transaction.
    pub transaction: String,
    /// Agreement.
    pub agreement: String,
    /// Who gave it.
    pub provider: Did,
    /// Dataset.
    pub dataset: String,
    /// Version.
    pub version: String,
    /// Digests; the bytes lie in the payload store.
    pub digests: Digests,
    /// Media type.
    pub media_type: String,
}

impl PullEntry {
    /// The key of the pull `transaction`.
    #[must_use]
    pub fn key(transaction: &str) -> String {
        format!("pull/{transaction}")
    }
}

/// One output of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputEntry {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its digests; the bytes lie in the payload store.
    pub digests: Digests,
}

/// A run that this end asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEntry {
    /// Transaction.
    pub transaction: String,
    /// Agreement about the model.
    pub agreement: String,
    /// Who ran it.
    pub provider: Did,
    /// Model.
    pub model: String,
    /// Version.
    pub version: String,
    /// SHA-256 of the program, as its holder published it.
    pub program: String,
    /// What came out.
    pub outputs: Vec<OutputEntry>,
    /// Case, if it was run for one.
    pub case: Option<String>,
    /// The run's inputs as recorded (`run.inputs`).
    pub inputs: Value,
    /// All parameters as recorded.
    pub parameters: Value,
    /// Id and number of the model's stream that the run drew, as the provider's receipt says.
    pub model_stream: Option<(String, u64)>,
}

impl RunEntry {
    /// The key of the run `transaction`.
    #[must_use]
    pub fn key(transaction: &str) -> String {
        format!("run/{transaction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreement_is_known_by_its_parties_and_its_policy_not_by_its_id_alone() {
        let (app, other): (Did, Did) = (
            "did:web:app.example".parse().unwrap(),
            "did:web:other.example".parse().unwrap(),
        );
        let entry = AgreementEntry {
            id: "urn:agreement:1".to_owned(),
            side: Side::Consumer,
            other: app.clone(),
            agreement: Value::Null,
            sha256: "ab".repeat(32),
            target: "rain".to_owned(),
            declares: Declares::default(),
            other_log: None,
            other_base: String::new(),
            dataset: None,
            terminated: None,
        };
        assert!(entry.stands_for(&app, &"ab".repeat(32)));
        assert!(!entry.stands_for(&other, &"ab".repeat(32)));
        assert!(!entry.stands_for(&app, &"cd".repeat(32)));
    }
}
