//! DID documents (W3C DID Core 1.0): whose key is it, what may it be used for, where are the services.

mod build;
mod parse;
mod service;

use crate::keys::{KeyError, PublicKey};
use herleid_vocab::did::Did;
use herleid_vocab::json::JsonError;
use std::fmt;

pub use build::DidDocumentBuilder;
pub use service::{CATALOG_SERVICE, CREDENTIAL_SERVICE, DATA_SERVICE, LOG_SERVICE, LogService, Service, ServiceError};

/// What a key may be used for (DID Core 1.0, section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relationship {
    /// Section 5.3.1: signs presentations (DCP 1.0, "Presentation Validation").
    Authentication,
    /// Section 5.3.2: signs credentials.
    AssertionMethod,
    /// Section 5.3.4: signs self-issued ID tokens (DCP 1.0, "Validating Self-Issued ID Tokens").
    CapabilityInvocation,
}

impl Relationship {
    /// All three, in the order in which they are written.
    pub const ALL: [Self; 3] = [Self::Authentication, Self::AssertionMethod, Self::CapabilityInvocation];

    /// The member of a DID document.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::AssertionMethod => "assertionMethod",
            Self::CapabilityInvocation => "capabilityInvocation",
        }
    }
}

impl fmt::Display for Relationship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a DID document, or a key of it, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DidDocumentError {
    /// Not acceptable as JSON.
    #[error("the DID document of `{did}` is refused: {source}")]
    Json {
        /// Whose document it was to be.
        did: Did,
        /// What the parser says.
        source: JsonError,
    },
    /// A member is not what DID Core says it is.
    #[error("the DID document of `{did}` is refused at `{member}`: {why}")]
    Malformed {
        /// Whose document it was to be.
        did: Did,
        /// The member, as a path.
        member: String,
        /// What was expected.
        why: &'static str,
    },
    /// `id` is not the DID that was resolved: somebody else's document.
    #[error("the DID document names `{found}`, but `{expected}` was resolved")]
    WrongId {
        /// The DID that was asked for.
        expected: Did,
        /// The `id` found, cut off at 80 characters.
        found: String,
    },
    /// `did:key` whose key cannot be used, or another method where `did:key` is needed.
    #[error("`{did}` does not resolve to a key: {why}")]
    NotADidKey {
        /// The DID.
        did: Did,
        /// The reason.
        why: String,
    },
    /// The token names no key, and the document has not exactly one.
    #[error(
        "no key is named (`kid`), and `{did}` has {found} verification methods; expected `kid`, or exactly one method"
    )]
    NoKeyNamed {
        /// Whose document.
        did: Did,
        /// Number of verification methods.
        found: usize,
    },
    /// No verification method has that id; also when the id belongs to another DID.
    #[error("`{key_id}` is not a key of `{did}`")]
    UnknownKey {
        /// Whose document.
        did: Did,
        /// The id looked for, cut off at 200 characters.
        key_id: String,
    },
    /// The key is there, but not for this use.
    #[error("`{key_id}` may not be used here: it is not listed under `{relationship}`")]
    WrongRelationship {
        /// The method's id.
        key_id: String,
        /// The use that was asked for.
        relationship: Relationship,
    },
    /// The key is there, but of another controller or of a kind that cannot be used.
    #[error("`{key_id}` cannot be used: {why}")]
    UnusableKey {
        /// The method's id.
        key_id: String,
        /// The reason.
        why: String,
    },
    /// A service is missing or malformed.
    #[error("the DID document of `{did}`: {source}")]
    Service {
        /// Whose document.
        did: Did,
        /// The reason.
        source: ServiceError,
    },
}

/// A DID document that has been parsed and is about the DID that was resolved.
#[derive(Debug, Clone)]
pub struct DidDocument {
    id: Did,
    methods: Vec<VerificationMethod>,
    services: Vec<Service>,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
struct VerificationMethod {
    id: String,
    key: Result<PublicKey, Unusable>,
    relationships: Vec<Relationship>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Unusable {
    Controller(String),
    Key(KeyError),
    Material(&'static str),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller(other) => write!(f, "its controller is `{other}`"),
            Self::Key(error) => error.fmt(f),
            Self::Material(why) => f.write_str(why),
        }
    }
}

impl DidDocument {
    /// Parses the document that was fetched for `expected`.
    ///
    /// Refused as a whole: an `id` other than `expected`, duplicate method or service ids, malformed members, more than 64
    /// methods or services. A method with a foreign controller or a key of another kind is kept, but cannot be used.
    ///
    /// # Errors
    /// [`DidDocumentError`].
    pub fn parse(bytes: &[u8], expected: &Did) -> Result<Self, DidDocumentError> {
        parse::document(bytes, expected)
    }

    /// The document of a `did:key`, made from the identifier alone (W3C CCG did:key 0.9); its one key has all relationships.
    ///
    /// # Errors
    /// [`DidDocumentError::NotADidKey`].
    pub fn resolve_did_key(did: &Did) -> Result<Self, DidDocumentError> {
        build::did_key(did)
    }

    /// Starts our own document.
    #[must_use]
    pub fn builder(id: &Did) -> DidDocumentBuilder {
        DidDocumentBuilder::new(id)
    }

    /// Whose document it is.
    #[must_use]
    pub fn id(&self) -> &Did {
        &self.id
    }

    /// The exact bytes that were parsed, as evidence.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key that a token names by `key_id`, if it may be used for `relationship`; returns its absolute id with it.
    ///
    /// Without `key_id` the document must have exactly one verification method (DCP 1.0, "Validating Self-Issued ID Tokens").
    /// The id must be the absolute DID URL of a method of this document, so a key of somebody else is never found.
    ///
    /// # Errors
    /// [`DidDocumentError::NoKeyNamed`], [`UnknownKey`](DidDocumentError::UnknownKey),
    /// [`WrongRelationship`](DidDocumentError::WrongRelationship), [`UnusableKey`](DidDocumentError::UnusableKey).
    pub fn key_for(
        &self,
        key_id: Option<&str>,
        relationship: Relationship,
    ) -> Result<(&str, &PublicKey), DidDocumentError> {
        let method = match (key_id, self.methods.as_slice()) {
            (Some(key_id), methods) => {
                methods
                    .iter()
                    .find(|method| method.id == key_id)
                    .ok_or_else(|| DidDocumentError::UnknownKey {
                        did: self.id.clone(),
                        key_id: key_id.chars().take(200).collect(),
                    })?
            }
            (None, [only]) => only,
            (None, methods) => {
                return Err(DidDocumentError::NoKeyNamed {
                    did: self.id.clone(),
                    found: methods.len(),
                });
            }
        };
        if !method.relationships.contains(&relationship) {
            return Err(DidDocumentError::WrongRelationship {
                key_id: method.id.clone(),
                relationship,
            });
        }
        match &method.key {
            Ok(key) => Ok((&method.id, key)),
            Err(why) => Err(DidDocumentError::UnusableKey {
                key_id: method.id.clone(),
                why: why.to_string(),
            }),
        }
    }

    /// All keys that may be used for `relationship`, with their absolute ids.
    pub fn keys_for(&self, relationship: Relationship) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.methods
            .iter()
            .filter(move |method| method.relationships.contains(&relationship))
            .filter_map(|method| Some((method.id.as_str(), method.key.as_ref().ok()?)))
    }

    /// The services of `service_type`, in the document's order.
    pub fn services(&self, service_type: &str) -> impl Iterator<Item = &Service> {
        self.services
            .iter()
            .filter(move |service| service.has_type(service_type))
    }

    /// Base URL of the one service of `service_type`, for example [`CREDENTIAL_SERVICE`] (DCP 1.0, "Credential Service
    /// Endpoint Discovery"). Whether that address may be called is for the client that calls it.
    ///
    /// # Errors
    /// [`DidDocumentError::Service`] when there is none, more than one, or its endpoint is not one http(s) URL.
    pub fn endpoint(&self, service_type: &str) -> Result<url::Url, DidDocumentError> {
        self.one_service(service_type)
            .and_then(Service::url)
            .map_err(|source| self.service_error(source))
    }

    /// The log that this participant keeps: origin and key (docs/log-format.md, section 1).
    ///
    /// # Errors
    /// [`DidDocumentError::Service`] when there is none, more than one, or its endpoint is malformed.
    pub fn log(&self) -> Result<LogService, DidDocumentError> {
        self.one_service(LOG_SERVICE)
            .and_then(LogService::from_service)
            .map_err(|source| self.service_error(source))
    }

    fn one_service(&self, service_type: &str) -> Result<&Service, ServiceError> {
        let mut found = self.services(service_type);
        match (found.next(), found.next()) {
            (Some(service), None) => Ok(service),
            (None, _) => Err(ServiceError::Missing {
                service_type: service_type.to_owned(),
            }),
            (Some(_), Some(_)) => Err(ServiceError::Several {
                service_type: service_type.to_owned(),
            }),
        }
    }

    fn service_error(&self, source: ServiceError) -> DidDocumentError {
        DidDocumentError::Service {
            did: self.id.clone(),
            source,
        }
    }
}
