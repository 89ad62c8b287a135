use super::VerifiedPresentation;
use herleid_vocab::json::{self, JsonError, Limits};
use herleid_vocab::terms::DCP_CONTEXT;
use serde_json::{Map, Value, json};
use std::fmt;
use std::str::FromStr;

/// Scope alias for a credential by its type (DCP 1.0, "The org.eclipse.dspace.dcp.vc.type Alias").
const TYPE_ALIAS: &str = "org.eclipse.dspace.dcp.vc.type:";
/// Scope alias for a credential by its id (DCP 1.0, "The org.eclipse.dspace.dcp.vc.id Alias").
const ID_ALIAS: &str = "org.eclipse.dspace.dcp.vc.id:";
/// The permission that the Eclipse Dataspace Connector and the conformance kit append; the specification has none.
const READ: &str = ":read";

/// More scopes or presentations than this in one message are refused.
const MAX_ENTRIES: usize = 16;
const MAX_SCOPE_BYTES: usize = 512;

/// Why a message is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not acceptable as JSON; answer 400.
    #[error("the message is refused: {0}")]
    Json(#[from] JsonError),
    /// A member is not what DCP says it is; answer 400.
    #[error("the message's member `{member}` is refused: {why}")]
    Malformed {
        /// The member.
        member: &'static str,
        /// What was expected.
        why: &'static str,
    },
    /// Both ways of asking at once; answer 400.
    #[error("the query has both `scope` and `presentationDefinition`; expected one")]
    BothWays,
    /// Presentation Exchange is not supported; answer 501.
    #[error("the query has a `presentationDefinition`, which is not supported here; ask by `scope`")]
    PresentationDefinitionUnsupported,
    /// A scope of another alias or permission; answer 400.
    #[error(
        "the scope `{scope}` is not supported; expected `org.eclipse.dspace.dcp.vc.type:<type>` or `org.eclipse.dspace.dcp.vc.id:<id>`, with `:read` or nothing after it"
    )]
    UnsupportedScope {
        /// The scope, cut off at 120 characters.
        scope: String,
    },
}

/// What is asked for: credentials of a type, or one by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// By type.
    CredentialType(String),
    /// By id.
    CredentialId(String),
}

impl Scope {
    /// Whether `credential_type` or `id` of a stored credential is what is asked for.
    #[must_use]
    pub fn matches(&self, id: Option<&str>, credential_types: &[&str]) -> bool {
        match self {
            Self::CredentialType(wanted) => credential_types.contains(&wanted.as_str()),
            Self::CredentialId(wanted) => id == Some(wanted.as_str()),
        }
    }
}

impl FromStr for Scope {
    type Err = MessageError;

    fn from_str(text: &str) -> Result<Self, MessageError> {
        let refuse = || MessageError::UnsupportedScope {
            scope: text.chars().take(120).collect(),
        };
        if text.len() > MAX_SCOPE_BYTES || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(refuse());
        }
        let bare = text.strip_suffix(READ).unwrap_or(text);
        if let Some(id) = bare.strip_prefix(ID_ALIAS).filter(|id| !id.is_empty()) {
            return Ok(Self::CredentialId(id.to_owned()));
        }
        // A colon in a type is that of a URL; any other begins a permission that we do not know, such as `:write`.
        match bare.strip_prefix(TYPE_ALIAS) {
            Some(wanted) if !wanted.is_empty() && (!wanted.contains(':') || wanted.contains("://")) => {
                Ok(Self::CredentialType(wanted.to_owned()))
            }
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for Scope {
    /// A type with `:read`, without which the Eclipse Dataspace Connector and the conformance kit do not find it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CredentialType(wanted) => write!(f, "{TYPE_ALIAS}{wanted}{READ}"),
            Self::CredentialId(wanted) => write!(f, "{ID_ALIAS}{wanted}"),
        }
    }
}

/// `PresentationQueryMessage` (DCP 1.0, "Presentation Query Message"), asked by scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentationQuery {
    scopes: Vec<Scope>,
}

impl PresentationQuery {
    /// A query for `scopes`.
    ///
    /// # Errors
    /// [`MessageError::Malformed`] when there is none, or more than 16.
    pub fn new(scopes: Vec<Scope>) -> Result<Self, MessageError> {
        if (1..=MAX_ENTRIES).contains(&scopes.len()) {
            Ok(Self { scopes })
        } else {
            Err(MessageError::Malformed {
                member: "scope",
                why: "expected 1 to 16 scopes",
            })
        }
    }

    /// Reads the message.
    ///
    /// # Errors
    /// [`MessageError`]; its variants say which status to answer with.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let message = message(bytes, "PresentationQueryMessage")?;
        match (message.get("scope"), message.contains_key("presentationDefinition")) {
            (Some(_), true) => Err(MessageError::BothWays),
            (None, true) => Err(MessageError::PresentationDefinitionUnsupported),
            (Some(scopes), false) => Self::new(
                texts(scopes, "scope")?
                    .into_iter()
                    .map(str::parse)
                    .collect::<Result<_, _>>()?,
            ),
            (None, false) => Err(MessageError::Malformed {
                member: "scope",
                why: "it is missing",
            }),
        }
    }

    /// What is asked for.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The message.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let scopes: Vec<String> = self.scopes.iter().map(Scope::to_string).collect();
        json!({"@context": [DCP_CONTEXT], "type": "PresentationQueryMessage", "scope": scopes})
    }

    /// What was asked for and not shown (DCP 1.0, "Presentation Validation", step 1). A type counts as shown only by a credential
    /// whose issuer is trusted for it.
    #[must_use]
    pub fn unmet(&self, shown: &[VerifiedPresentation]) -> Vec<&Scope> {
        let met = |scope: &Scope| {
            shown
                .iter()
                .flat_map(VerifiedPresentation::credentials)
                .any(|credential| {
                    let types: Vec<&str> = credential.types().iter().map(String::as_str).collect();
                    scope.matches(credential.id(), &types)
                })
        };
        self.scopes.iter().filter(|scope| !met(scope)).collect()
    }
}

/// `PresentationResponseMessage` (DCP 1.0, "Presentation Response Message"), with presentations as signed tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentationResponse {
    presentations: Vec<String>,
}

impl fmt::Debug for PresentationResponse {
    /// The number alone: the tokens are good for a while.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentationResponse({} presentations)", self.presentations.len())
    }
}

impl PresentationResponse {
    /// An answer with these presentations; it may be empty, when the asker is entitled to nothing.
    ///
    /// # Errors
    /// [`MessageError::Malformed`] for more than 16.
    pub fn new(presentations: Vec<String>) -> Result<Self, MessageError> {
        if presentations.len() <= MAX_ENTRIES {
            Ok(Self { presentations })
        } else {
            Err(MessageError::Malformed {
                member: "presentation",
                why: "expected at most 16 presentations",
            })
        }
    }

    /// Reads the message. The presentations in it are **not verified yet**.
    ///
    /// # Errors
    /// [`MessageError`]; a presentation that is a JSON object, and so not a signed token, is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let message = message(bytes, "PresentationResponseMessage")?;
        let presentations = message.get("presentation").ok_or(MessageError::Malformed {
            member: "presentation",
            why: "it is missing",
        })?;
        Self::new(
            texts(presentations, "presentation")?
                .into_iter()
                .map(str::to_owned)
                .collect(),
        )
    }

    /// The tokens.
    #[must_use]
    pub fn presentations(&self) -> &[String] {
        &self.presentations
    }

    /// The message.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"@context": [DCP_CONTEXT], "type": "PresentationResponseMessage", "presentation": self.presentations})
    }
}

fn message(bytes: &[u8], message_type: &str) -> Result<Map<String, Value>, MessageError> {
    let refuse = |member, why| Err(MessageError::Malformed { member, why });
    let Value::Object(message) = json::parse(bytes, &Limits::MESSAGE)? else {
        return refuse("/", "expected an object");
    };
    match message.get("@context") {
        Some(Value::Array(contexts))
            if contexts.iter().all(Value::is_string) && contexts.iter().any(|one| one == DCP_CONTEXT) => {}
        _ => return refuse("@context", "expected an array of URLs with that of DCP 1.0 among them"),
    }
    if message.get("type").is_none_or(|own| own != message_type) {
        return refuse("type", "it is another message");
    }
    Ok(message)
}

fn texts<'a>(value: &'a Value, member: &'static str) -> Result<Vec<&'a str>, MessageError> {
    value
        .as_array()
        .and_then(|entries| entries.iter().map(Value::as_str).collect())
        .ok_or(MessageError::Malformed {
            member,
            why: "expected an array of strings",
        })
}
