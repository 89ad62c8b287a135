use super::VERIFIABLE_CREDENTIAL;
use herleid_vocab::did::Did;
use std::collections::{BTreeMap, BTreeSet};

/// Which issuer is trusted for which types of credential. Being trusted for one type gives nothing for another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedIssuers(BTreeMap<Did, BTreeSet<String>>);

impl TrustedIssuers {
    /// Nobody is trusted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts `issuer` for `credential_type`. The type `VerifiableCredential`, which all have, cannot be trusted and is passed over.
    pub fn trust(&mut self, issuer: Did, credential_type: &str) {
        if credential_type != VERIFIABLE_CREDENTIAL {
            self.0.entry(issuer).or_default().insert(credential_type.to_owned());
        }
    }

    /// Whether `issuer` is trusted for `credential_type`.
    #[must_use]
    pub fn is_trusted(&self, issuer: &Did, credential_type: &str) -> bool {
        self.0.get(issuer).is_some_and(|types| types.contains(credential_type))
    }

    /// Whether `issuer` is trusted for anything: the document of one that is not need not be fetched.
    #[must_use]
    pub fn knows(&self, issuer: &Did) -> bool {
        self.0.contains_key(issuer)
    }

    /// Each issuer with the types that it is trusted for.
    pub fn iter(&self) -> impl Iterator<Item = (&Did, impl Iterator<Item = &str>)> {
        self.0
            .iter()
            .map(|(issuer, types)| (issuer, types.iter().map(String::as_str)))
    }

    /// Those of `types` that `issuer` is trusted for.
    pub(super) fn trusted_types(&self, issuer: &Did, types: &[String]) -> BTreeSet<String> {
        types
            .iter()
            .filter(|credential_type| self.is_trusted(issuer, credential_type))
            .cloned()
            .collect()
    }
}

impl FromIterator<(Did, Vec<String>)> for TrustedIssuers {
    fn from_iter<I: IntoIterator<Item = (Did, Vec<String>)>>(entries: I) -> Self {
        let mut trusted = Self::new();
        for (issuer, types) in entries {
            for credential_type in types {
                trusted.trust(issuer.clone(), &credential_type);
            }
        }
        trusted
    }
}
