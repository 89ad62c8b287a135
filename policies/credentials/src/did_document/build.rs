use super::{
    CATALOG_SERVICE, CREDENTIAL_SERVICE, DATA_SERVICE, DidDocument, DidDocumentError, LOG_SERVICE, LogService,
    Relationship,
};
use crate::keys::PublicKey;
use herleid_vocab::did::Did;
use herleid_vocab::json;
use herleid_vocab::terms::{DCP_CONTEXT, DSP_CONTEXT};
use serde_json::{Value, json};
use url::Url;

/// Context of DID Core 1.0 (section 4.1).
const DID_CONTEXT: &str = "https://www.w3.org/ns/did/v1";
/// Context of the `JsonWebKey` and `Multikey` types (W3C Controlled Identifiers 1.0).
const CID_CONTEXT: &str = "https://www.w3.org/ns/cid/v1";

/// Puts a participant's own document together.
#[derive(Debug, Clone)]
pub struct DidDocumentBuilder {
    id: Did,
    methods: Vec<Value>,
    relationships: Vec<(Relationship, String)>,
    services: Vec<Value>,
}

impl DidDocumentBuilder {
    pub(super) fn new(id: &Did) -> Self {
        Self {
            id: id.clone(),
            methods: Vec::new(),
            relationships: Vec::new(),
            services: Vec::new(),
        }
    }

    /// Adds a key as `<did>#<fragment>` with the uses it is meant for.
    #[must_use]
    pub fn key(mut self, fragment: &str, key: &PublicKey, relationships: &[Relationship]) -> Self {
        let id = format!("{}#{fragment}", self.id);
        self.methods.push(json!({
            "id": id, "type": "JsonWebKey", "controller": self.id.as_str(), "publicKeyJwk": key.to_jwk(),
        }));
        self.relationships
            .extend(relationships.iter().map(|relationship| (*relationship, id.clone())));
        self
    }

    /// Says where credentials can be asked for: the base URL to which `/presentations/query` is added (DCP 1.0).
    #[must_use]
    pub fn credential_service(self, base: &Url) -> Self {
        self.service("credentials", CREDENTIAL_SERVICE, json!(base.as_str()))
    }

    /// Says where the catalogue is (Dataspace Protocol 2025-1, "Discovery of Service Endpoints").
    #[must_use]
    pub fn catalog_service(self, base: &Url) -> Self {
        self.service("catalog", CATALOG_SERVICE, json!(base.as_str()))
    }

    /// Says where the connector is (Dataspace Protocol 2025-1, "Discovery of Service Endpoints").
    #[must_use]
    pub fn data_service(self, base: &Url) -> Self {
        self.service("connector", DATA_SERVICE, json!(base.as_str()))
    }

    /// Says which log the participant keeps, and under which key.
    #[must_use]
    pub fn log(self, log: &LogService) -> Self {
        self.service("log", LOG_SERVICE, log.to_endpoint())
    }

    fn service(mut self, fragment: &str, service_type: &str, endpoint: Value) -> Self {
        self.services.push(json!({
            "id": format!("{}#{fragment}", self.id), "type": service_type, "serviceEndpoint": endpoint,
        }));
        self
    }

    /// The document, in RFC 8785 form, after it has passed [`DidDocument::parse`] itself.
    ///
    /// # Errors
    /// [`DidDocumentError`] when what was put together is no document that others would accept.
    pub fn build(self) -> Result<DidDocument, DidDocumentError> {
        let mut document = json!({
            "@context": [DID_CONTEXT, CID_CONTEXT, DCP_CONTEXT, DSP_CONTEXT],
            "id": self.id.as_str(),
            "verificationMethod": self.methods,
        });
        if let Some(members) = document.as_object_mut() {
            for relationship in Relationship::ALL {
                let ids: Vec<&String> = self
                    .relationships
                    .iter()
                    .filter_map(|(own, id)| (*own == relationship).then_some(id))
                    .collect();
                if !ids.is_empty() {
                    members.insert(relationship.name().to_owned(), json!(ids));
                }
            }
            if !self.services.is_empty() {
                members.insert("service".to_owned(), json!(self.services));
            }
        }
        let bytes = json::canonical(&document).map_err(|source| DidDocumentError::Json {
            did: self.id.clone(),
            source,
        })?;
        DidDocument::parse(&bytes, &self.id)
    }
}

pub(super) fn did_key(did: &Did) -> Result<DidDocument, DidDocumentError> {
    let refuse = |why: String| DidDocumentError::NotADidKey { did: did.clone(), why };
    let multikey = did
        .as_str()
        .strip_prefix("did:key:")
        .ok_or_else(|| refuse("its method is not did:key".to_owned()))?;
    let key = PublicKey::from_multikey(multikey).map_err(|error| refuse(error.to_string()))?;
    DidDocument::builder(did)
        .key(multikey, &key, &Relationship::ALL)
        .build()
}
