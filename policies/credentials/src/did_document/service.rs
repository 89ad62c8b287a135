use serde_json::{Value, json};
use url::Url;

/// Service type of a Credential Service (DCP 1.0, "Credential Service Endpoint Discovery").
pub const CREDENTIAL_SERVICE: &str = "CredentialService";
/// Service type of a catalogue (Dataspace Protocol 2025-1, "Discovery of Service Endpoints").
pub const CATALOG_SERVICE: &str = "CatalogService";
/// Service type of a connector (Dataspace Protocol 2025-1, "Discovery of Service Endpoints").
pub const DATA_SERVICE: &str = "DataService";
/// Our own service type: the participant's log, whose `serviceEndpoint` is `{"origin", "verifierKey"}`.
pub const LOG_SERVICE: &str = "HerleidLog";

/// Why a service cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// There is no such service.
    #[error("it lists no service of type `{service_type}`")]
    Missing {
        /// The type looked for.
        service_type: String,
    },
    /// There are several, and nothing says which is meant.
    #[error("it lists more than one service of type `{service_type}`; expected one")]
    Several {
        /// The type looked for.
        service_type: String,
    },
    /// `serviceEndpoint` is not of the form that the type needs.
    #[error("the service `{id}` has an endpoint that cannot be used: {why}")]
    Endpoint {
        /// The service's id.
        id: String,
        /// What was expected.
        why: &'static str,
    },
}

/// One entry of `service` (DID Core 1.0, section 5.4).
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub(super) id: String,
    pub(super) types: Vec<String>,
    pub(super) endpoint: Value,
}

impl Service {
    /// Its id, as written.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether `service_type` is one of its types.
    #[must_use]
    pub fn has_type(&self, service_type: &str) -> bool {
        self.types.iter().any(|own| own == service_type)
    }

    /// `serviceEndpoint` as written: a string, an object or an array of these.
    #[must_use]
    pub fn endpoint(&self) -> &Value {
        &self.endpoint
    }

    /// `serviceEndpoint` as one absolute http(s) URL without user name, password, query and fragment.
    ///
    /// # Errors
    /// [`ServiceError::Endpoint`].
    pub fn url(&self) -> Result<Url, ServiceError> {
        let refuse = |why| ServiceError::Endpoint {
            id: self.id.clone(),
            why,
        };
        let text = self.endpoint.as_str().ok_or_else(|| refuse("expected one URL"))?;
        let url = Url::parse(text).map_err(|_| refuse("expected an absolute URL"))?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err(refuse("expected an https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("expected a URL without user name and password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("expected a URL without query and fragment"));
        }
        Ok(url)
    }
}

/// Where a participant's log is and how its checkpoints are checked (docs/log-format.md, section 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogService {
    origin: String,
    verifier_key: String,
}

impl LogService {
    /// Puts origin (`<host>[:<port>]/log/<k>`) and verifier key (C2SP signed-note vkey, `<name>+<hash>+<key>`) together; the
    /// key's name must be the origin.
    ///
    /// # Errors
    /// [`ServiceError::Endpoint`] for an origin with spaces, control characters or `+`, or a key of another name.
    pub fn new(origin: &str, verifier_key: &str) -> Result<Self, ServiceError> {
        let refuse = |why| ServiceError::Endpoint {
            id: LOG_SERVICE.to_owned(),
            why,
        };
        let printable =
            |text: &str| !text.is_empty() && text.len() <= 512 && text.bytes().all(|b| (0x21..0x7f).contains(&b));
        if !printable(origin) || origin.contains('+') {
            return Err(refuse("expected an origin of printable ASCII without spaces and `+`"));
        }
        if !printable(verifier_key) || verifier_key.split('+').next() != Some(origin) || verifier_key == origin {
            return Err(refuse(
                "expected a verifier key `<origin>+<hash>+<key>` with the log's origin as its name",
            ));
        }
        Ok(Self {
            origin: origin.to_owned(),
            verifier_key: verifier_key.to_owned(),
        })
    }

    pub(super) fn from_service(service: &Service) -> Result<Self, ServiceError> {
        let member = |name: &str| service.endpoint.get(name).and_then(Value::as_str);
        match (member("origin"), member("verifierKey")) {
            (Some(origin), Some(verifier_key)) => Self::new(origin, verifier_key),
            _ => Err(ServiceError::Endpoint {
                id: service.id.clone(),
                why: "expected an object with the strings `origin` and `verifierKey`",
            }),
        }
    }

    pub(super) fn to_endpoint(&self) -> Value {
        json!({"origin": self.origin, "verifierKey": self.verifier_key})
    }

    /// The log's origin, a schema-less URL.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The log's verifier key in the form of C2SP signed-note.
    #[must_use]
    pub fn verifier_key(&self) -> &str {
        &self.verifier_key
    }
}
