//! The form of credentials and presentations, as far as a reader of plain JSON can check it (VC Data Model 2.0, section 4; 1.1,
//! sections 4 and 5).

use super::{VC11_CONTEXT, VC20_CONTEXT, VERIFIABLE_CREDENTIAL};
use herleid_vocab::time::parse_rfc3339_ms;
use serde_json::{Map, Value};
use url::Url;

/// A member that is not what the data model says it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the member `{member}` is not as the data model has it: {why}")]
pub struct ShapeError {
    member: &'static str,
    why: &'static str,
}

impl ShapeError {
    pub(crate) fn new(member: &'static str, why: &'static str) -> Self {
        Self { member, why }
    }

    /// The member's name.
    #[must_use]
    pub fn member(&self) -> &'static str {
        self.member
    }
}

/// A version of the data model.
pub(crate) struct Model {
    context: &'static str,
    /// Whether `credentialStatus` must have an id (1.1, section 4.9; optional in 2.0, section 4.10).
    status_needs_id: bool,
}

pub(crate) const V20: Model = Model {
    context: VC20_CONTEXT,
    status_needs_id: false,
};
pub(crate) const V11: Model = Model {
    context: VC11_CONTEXT,
    status_needs_id: true,
};

/// Types longer than this are not names.
const MAX_TYPE_CHARS: usize = 256;

/// Checks the form of a credential.
pub(crate) fn credential(members: &Map<String, Value>, model: &Model) -> Result<(), ShapeError> {
    context(members, model)?;
    optional_url(members, "id")?;
    if !types(members)?.contains(&VERIFIABLE_CREDENTIAL) {
        return Err(ShapeError::new(
            "type",
            "expected `VerifiableCredential` among the types",
        ));
    }
    if id_of(members, "issuer")?.is_none() {
        return Err(ShapeError::new("issuer", "expected the URL of the issuer"));
    }
    let subjects = one_or_many(members.get("credentialSubject"));
    if subjects.is_empty() || subjects.iter().any(|one| one.as_object().is_none_or(Map::is_empty)) {
        return Err(ShapeError::new(
            "credentialSubject",
            "expected an object, or several, that say something",
        ));
    }
    for subject in subjects.iter().filter_map(|one| one.as_object()) {
        optional_url(subject, "id").map_err(|_| ShapeError::new("credentialSubject", "its `id` is not a URL"))?;
    }
    each(members, "credentialStatus", model.status_needs_id)?;
    each(members, "credentialSchema", true)?;
    each(members, "refreshService", false)?;
    each(members, "termsOfUse", false)?;
    each(members, "evidence", false)?;
    for name in ["name", "description"] {
        language_text(members.get(name), name)?;
        language_text(members.get("issuer").and_then(|issuer| issuer.get(name)), "issuer")?;
    }
    Ok(())
}

/// Checks the form of a presentation but for what it contains.
pub(crate) fn presentation(members: &Map<String, Value>, model: &Model) -> Result<(), ShapeError> {
    context(members, model)?;
    optional_url(members, "id")?;
    if !types(members)?.contains(&"VerifiablePresentation") {
        return Err(ShapeError::new(
            "type",
            "expected `VerifiablePresentation` among the types",
        ));
    }
    if members.contains_key("holder") && id_of(members, "holder")?.is_none() {
        return Err(ShapeError::new("holder", "expected the URL of the holder"));
    }
    Ok(())
}

/// The context of the model first, then URLs alone: a context in place could give known terms another meaning, which would
/// pass a reader of plain JSON by (VC Data Model 2.0, section 4.3, and 6.1 on the two ways of reading).
fn context(members: &Map<String, Value>, model: &Model) -> Result<(), ShapeError> {
    let Some(Value::Array(contexts)) = members.get("@context") else {
        return Err(ShapeError::new("@context", "expected an array"));
    };
    if contexts.first().and_then(Value::as_str) != Some(model.context) {
        return Err(ShapeError::new(
            "@context",
            "the first context is not that of the data model",
        ));
    }
    if contexts.iter().all(|one| one.as_str().is_some_and(is_url)) {
        Ok(())
    } else {
        Err(ShapeError::new(
            "@context",
            "expected URLs; a context in place is not accepted",
        ))
    }
}

/// The types: a string, or an array of them without repetition.
pub(crate) fn types(members: &Map<String, Value>) -> Result<Vec<&str>, ShapeError> {
    let refuse = |why| ShapeError::new("type", why);
    let mut types = Vec::new();
    for one in one_or_many(members.get("type")) {
        let name = one.as_str().ok_or_else(|| refuse("expected strings"))?;
        if name.is_empty() || name.len() > MAX_TYPE_CHARS || name.contains(char::is_whitespace) {
            return Err(refuse("expected names, or URLs, of at most 256 bytes"));
        }
        if types.contains(&name) {
            return Err(refuse("a type stands twice"));
        }
        types.push(name);
    }
    if types.is_empty() {
        return Err(refuse("expected at least one type"));
    }
    Ok(types)
}

/// A member that is a URL, or an object with a URL as its `id`.
pub(crate) fn id_of<'a>(members: &'a Map<String, Value>, member: &'static str) -> Result<Option<&'a str>, ShapeError> {
    let id = match members.get(member) {
        None => return Ok(None),
        Some(Value::Object(object)) => object.get("id"),
        Some(other) => Some(other),
    };
    match id.and_then(Value::as_str) {
        Some(url) if is_url(url) => Ok(Some(url)),
        _ => Err(ShapeError::new(
            member,
            "expected a URL, or an object with a URL as `id`",
        )),
    }
}

/// An instant with its offset (XML Schema dateTimeStamp, here RFC 3339), milliseconds since 1970.
pub(crate) fn instant(members: &Map<String, Value>, member: &'static str) -> Result<Option<u64>, ShapeError> {
    match members.get(member) {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(|text| parse_rfc3339_ms(text).ok())
            .map(Some)
            .ok_or(ShapeError::new(
                member,
                "expected an instant with its offset, as `2020-06-17T15:00:00Z`",
            )),
    }
}

/// JSON-LD lets one value stand without the array around it.
pub(crate) fn one_or_many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(many)) => many.iter().collect(),
        Some(one) => vec![one],
    }
}

fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok()
}

fn optional_url(members: &Map<String, Value>, member: &'static str) -> Result<(), ShapeError> {
    match members.get(member) {
        None => Ok(()),
        Some(Value::String(url)) if is_url(url) => Ok(()),
        Some(_) => Err(ShapeError::new(member, "expected a URL")),
    }
}

/// Objects with a type, and an id that is a URL where there must be one.
fn each(members: &Map<String, Value>, member: &'static str, needs_id: bool) -> Result<(), ShapeError> {
    for one in one_or_many(members.get(member)) {
        let object = one.as_object().ok_or(ShapeError::new(member, "expected an object"))?;
        types(object).map_err(|_| ShapeError::new(member, "it has no `type`"))?;
        optional_url(object, "id").map_err(|_| ShapeError::new(member, "its `id` is not a URL"))?;
        if needs_id && !object.contains_key("id") {
            return Err(ShapeError::new(member, "it has no `id`"));
        }
    }
    Ok(())
}

/// A text, or texts with language and direction and nothing else (VC Data Model 2.0, section 11.1).
fn language_text(value: Option<&Value>, member: &'static str) -> Result<(), ShapeError> {
    let good = |one: &&Value| match one {
        Value::String(_) => true,
        Value::Object(object) => {
            object.get("@value").is_some_and(Value::is_string)
                && object.iter().all(|(name, value)| {
                    ["@value", "@language", "@direction"].contains(&name.as_str()) && value.is_string()
                })
        }
        _ => false,
    };
    if one_or_many(value).iter().all(good) {
        Ok(())
    } else {
        Err(ShapeError::new(
            member,
            "expected a text, or texts with `@value`, `@language` and `@direction` alone",
        ))
    }
}
