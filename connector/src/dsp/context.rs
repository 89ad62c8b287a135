//! The `@context` of a message.
//!
//! Messages are processed as plain JSON (common requirements, "Schemas & Contexts"), which reads names as they stand. That is only
//! right if nothing can give those names another meaning: the 2025-1 context must be there (it is `@protected`, so no other may
//! redefine its terms), and other contexts only from the list below. No context is ever fetched.

use super::id::excerpt;
use super::node::MessageError;
use herleid_vocab::terms::DSP_CONTEXT;
use serde_json::{Value, json};

/// ODRL profile context that the 2025-1 context imports.
pub const ODRL_PROFILE_CONTEXT: &str = "https://w3id.org/dspace/2025/1/odrl-profile.jsonld";
/// Context that EDC adds to each of its 2025-1 messages; it defines terms of EDC's own, of which none is read here.
pub const EDC_CONTEXT: &str = "https://w3id.org/edc/dspace/v0.0.1";
/// Context of W3C DID documents, used by DSP's service entries in them.
pub const DID_CONTEXT: &str = "https://www.w3.org/ns/did/v1";
/// Context of ODRL 2.2 itself.
pub const ODRL_CONTEXT: &str = "http://www.w3.org/ns/odrl.jsonld";

/// Contexts that may stand beside the 2025-1 context.
pub const ALLOWED: [&str; 4] = [ODRL_PROFILE_CONTEXT, EDC_CONTEXT, DID_CONTEXT, ODRL_CONTEXT];

/// The `@context` of everything that we send.
#[must_use]
pub fn ours() -> Value {
    json!([DSP_CONTEXT])
}

/// What an `@context` holds besides the 2025-1 context and the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign(pub Vec<String>);

/// Checks that `context` is an array with the 2025-1 context, and returns what is in it besides the known ones.
///
/// # Errors
/// When it is missing, not an array, or without the 2025-1 context.
pub fn read(context: Option<&Value>) -> Result<Foreign, MessageError> {
    let items = match context {
        Some(Value::Array(items)) => items,
        Some(_) => return Err(MessageError::ContextForm),
        None => return Err(MessageError::ContextMissing),
    };
    if !items.iter().any(|item| item.as_str() == Some(DSP_CONTEXT)) {
        return Err(MessageError::ContextMissing);
    }
    let foreign = items
        .iter()
        .filter_map(|item| match item {
            Value::String(url) if url == DSP_CONTEXT || ALLOWED.contains(&url.as_str()) => None,
            Value::String(url) => Some(excerpt(url)),
            inline => Some(excerpt(&inline.to_string())),
        })
        .collect();
    Ok(Foreign(foreign))
}

/// As [`read`], and refuses whatever is not known.
///
/// # Errors
/// As [`read`], and names the first context that is not on the list.
pub fn check(context: Option<&Value>) -> Result<(), MessageError> {
    match read(context)?.0.into_iter().next() {
        None => Ok(()),
        Some(context) => Err(MessageError::ContextUnknown { context }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocols_context_must_be_there_and_others_be_known() {
        assert!(check(Some(&json!([DSP_CONTEXT]))).is_ok());
        assert!(check(Some(&json!([EDC_CONTEXT, DSP_CONTEXT]))).is_ok());
        assert_eq!(check(None), Err(MessageError::ContextMissing));
        assert_eq!(check(Some(&json!([]))), Err(MessageError::ContextMissing));
        assert_eq!(check(Some(&json!([EDC_CONTEXT]))), Err(MessageError::ContextMissing));
        assert_eq!(check(Some(&json!(DSP_CONTEXT))), Err(MessageError::ContextForm));
        for (item, shown) in [
            (json!("https://evil.example/c.jsonld"), "https://evil.example/c.jsonld"),
            (json!({"offer": "ex:o"}), r#"{"offer":"ex:o"}"#),
            (json!(null), "null"),
        ] {
            assert_eq!(
                check(Some(&json!([DSP_CONTEXT, item]))),
                Err(MessageError::ContextUnknown { context: shown.into() })
            );
        }
    }
}
