use super::structured::{Item, ListItem, Member, Parameters, write_inner_list};
use super::{HttpSignatureError, NewSignature, Request, cut, needed_field};
use crate::keys::Algorithm;
use url::Url;

/// What a signature says that it covers, and its parameters, in the order in which they are written.
#[derive(Debug, Clone)]
pub(super) struct SignatureInput {
    pub(super) covered: Vec<String>,
    parameters: Parameters,
}

impl SignatureInput {
    /// The input of a signature of ours.
    pub(super) fn new<'a>(
        covered: impl Iterator<Item = &'a &'static str>,
        new: &NewSignature<'_>,
        algorithm: Algorithm,
    ) -> Result<Self, HttpSignatureError> {
        let texts = [
            ("nonce", Some(new.nonce)),
            ("keyid", Some(new.key_id)),
            ("tag", new.tag),
        ];
        for (parameter, text) in texts
            .into_iter()
            .filter_map(|(name, text)| text.map(|text| (name, text)))
        {
            if text.is_empty() || !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
                return Err(HttpSignatureError::Parameter {
                    parameter: parameter.to_owned(),
                    why: "expected printable ASCII",
                });
            }
        }
        let named = |name: &str, value| (name.to_owned(), value);
        let mut parameters = vec![
            named("created", Item::Integer(new.created_ms / 1000)),
            named("nonce", Item::Text(new.nonce.to_owned())),
            named("alg", Item::Text(algorithm.http_name().to_owned())),
            named("keyid", Item::Text(new.key_id.to_owned())),
        ];
        parameters.extend(new.tag.map(|tag| named("tag", Item::Text(tag.to_owned()))));
        Ok(Self {
            covered: covered.map(|name| (*name).to_owned()).collect(),
            parameters,
        })
    }

    /// Takes a member of `Signature-Input` (RFC 9421, section 4.1).
    pub(super) fn from_member(member: Member) -> Result<Self, HttpSignatureError> {
        let Member::InnerList { items, parameters } = member else {
            return Err(HttpSignatureError::NotOneSignature);
        };
        let mut covered: Vec<String> = Vec::with_capacity(items.len());
        for ListItem { text, has_parameters } in items {
            let why = if has_parameters {
                Some("parameters of components are not supported")
            } else if covered.contains(&text) {
                Some("it stands twice")
            } else {
                None
            };
            if let Some(why) = why {
                let component = cut(&text, 80);
                return Err(HttpSignatureError::Component { component, why });
            }
            covered.push(text);
        }
        Ok(Self { covered, parameters })
    }

    /// The value of `@signature-params` (section 2.3), and of the member of `Signature-Input`.
    pub(super) fn serialised(&self) -> String {
        write_inner_list(&self.covered, &self.parameters)
    }

    /// Refuses parameters that are not understood.
    pub(super) fn check_parameters(&self) -> Result<(), HttpSignatureError> {
        let known = ["created", "expires", "nonce", "alg", "keyid"];
        match self.parameters.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(HttpSignatureError::Parameter {
                parameter: cut(name, 80),
                why: "it is not understood",
            }),
        }
    }

    fn parameter(&self, name: &str) -> Option<&Item> {
        self.parameters
            .iter()
            .find_map(|(own, value)| (own == name).then_some(value))
    }

    /// A text parameter of 1 to 1,024 bytes that must be there.
    pub(super) fn text(&self, name: &'static str) -> Result<&str, HttpSignatureError> {
        match self.parameter(name) {
            Some(Item::Text(text)) if (1..=1024).contains(&text.len()) => Ok(text),
            _ => Err(HttpSignatureError::Parameter {
                parameter: name.to_owned(),
                why: "expected a string of 1 to 1024 bytes",
            }),
        }
    }

    /// An instant, milliseconds since 1970, if it is there.
    pub(super) fn instant_ms(&self, name: &'static str) -> Result<Option<u64>, HttpSignatureError> {
        match self.parameter(name) {
            None => Ok(None),
            // At most 15 digits, so times 1,000 stays below 2^63.
            Some(Item::Integer(seconds)) => Ok(Some(seconds.saturating_mul(1000))),
            Some(_) => Err(HttpSignatureError::Parameter {
                parameter: name.to_owned(),
                why: "expected seconds since 1970",
            }),
        }
    }

    /// The signature base (section 2.5).
    pub(super) fn base(&self, request: &Request<'_>) -> Result<String, HttpSignatureError> {
        // Several values of usual length, and a token.
        let mut base = String::with_capacity(2048);
        let mut line = |name: &str, value: &str, end: &str| {
            for part in ["\"", name, "\": ", value, end] {
                base.push_str(part);
            }
        };
        for name in &self.covered {
            line(name, &component(request, name)?, "\n");
        }
        line("@signature-params", &self.serialised(), "");
        Ok(base)
    }
}

/// The value of a component (sections 2.1 and 2.2).
fn component(request: &Request<'_>, name: &str) -> Result<String, HttpSignatureError> {
    match name {
        "@method" => Ok(request.method.as_str().to_owned()),
        "@target-uri" => Ok(target(request)?.as_str().to_owned()),
        "@authority" => Ok(target(request)?.authority().to_owned()),
        "@path" => Ok(target(request)?.path().to_owned()),
        "@query" => Ok(format!("?{}", target(request)?.query().unwrap_or_default())),
        field if is_field_name(field) => needed_field(request.headers, field).map(str::to_owned),
        other => Err(HttpSignatureError::Component {
            component: cut(other, 80),
            why: "expected `@method`, `@target-uri`, `@authority`, `@path`, `@query` or the name of a field in lower case",
        }),
    }
}

/// Section 2.1: the name of a field in lower case.
fn is_field_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The target. It must be in normal form already: a signature over what a parser made of it would cover another text than was sent.
fn target(request: &Request<'_>) -> Result<Url, HttpSignatureError> {
    let refuse = || HttpSignatureError::TargetUri {
        uri: cut(request.target_uri, 200),
    };
    let url = Url::parse(request.target_uri).map_err(|_| refuse())?;
    let plain = matches!(url.scheme(), "https" | "http")
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    if plain && url.as_str() == request.target_uri {
        Ok(url)
    } else {
        Err(refuse())
    }
}

/// A signature base read back, for whoever finds one as evidence. What it says holds only if the signature over
/// [`SignatureBase::text`] verifies under the key that `keyid` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureBase {
    text: String,
    values: Vec<(String, String)>,
    created_ms: u64,
    nonce: String,
    key_id: String,
}

impl SignatureBase {
    /// Takes a signature base of ours apart.
    ///
    /// # Errors
    /// [`HttpSignatureError`] when it is not exactly what [`sign`](super::sign) writes.
    pub fn parse(text: &str) -> Result<Self, HttpSignatureError> {
        let refuse = || HttpSignatureError::Component {
            component: cut(text, 80),
            why: "expected lines of a signature base, as `\"name\": value`",
        };
        let mut values = Vec::new();
        for line in text.split('\n') {
            let (name, value) = line
                .strip_prefix('"')
                .and_then(|line| line.split_once("\": "))
                .ok_or_else(refuse)?;
            // What `one_field` lets through, and nothing else: no carriage return, no white space at either end.
            if value.trim() != value || !value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
                return Err(refuse());
            }
            values.push((name.to_owned(), value.to_owned()));
        }
        let Some((last, parameters)) = values.pop() else {
            return Err(refuse());
        };
        if last != "@signature-params" {
            return Err(refuse());
        }
        let input =
            super::verify::single_member("x", &format!("x={parameters}")).and_then(SignatureInput::from_member)?;
        input.check_parameters()?;
        if !input.covered.iter().eq(values.iter().map(|(name, _)| name)) || input.serialised() != parameters {
            return Err(refuse());
        }
        Ok(Self {
            created_ms: input.instant_ms("created")?.ok_or_else(refuse)?,
            nonce: input.text("nonce")?.to_owned(),
            key_id: input.text("keyid")?.to_owned(),
            values,
            text: text.to_owned(),
        })
    }

    /// The exact bytes that were signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value of a covered component, `@method` or `herleid-transaction` for example.
    #[must_use]
    pub fn value(&self, component: &str) -> Option<&str> {
        self.values
            .iter()
            .find_map(|(name, value)| (name == component).then_some(value.as_str()))
    }

    /// `created`, UTC milliseconds since 1970.
    #[must_use]
    pub fn created_ms(&self) -> u64 {
        self.created_ms
    }

    /// `nonce`.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// `keyid`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}
