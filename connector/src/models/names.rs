//! What names and texts a package may use.

use super::package::PackageError;
use std::collections::BTreeSet;

/// A member of a package that is refused.
pub(super) fn member(member: impl Into<String>, why: impl Into<String>) -> PackageError {
    PackageError::Member {
        member: member.into(),
        why: why.into(),
    }
}

/// A name that is safe as a JSON name, a path segment and a file name.
pub(super) fn identifier(text: &str) -> Result<(), String> {
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if starts && text.len() <= 64 && text.bytes().all(safe) {
        Ok(())
    } else {
        let shown: String = text.chars().take(64).collect();
        Err(format!(
            "`{shown}`; expected 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.`, the first a letter or digit"
        ))
    }
}

/// A text that says something.
pub(super) fn filled(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Err("is empty; expected a text".to_owned())
    } else {
        Ok(())
    }
}

/// A media type without parameters (RFC 6838, section 4.2).
pub(super) fn media_type(text: &str) -> Result<(), String> {
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match text.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) && text.len() <= 127 => Ok(()),
        _ => Err(format!(
            "media_type `{}`; expected a form such as `application/json`",
            text.escape_debug()
        )),
    }
}

/// Names that are all safe and all different, case aside.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a String>, of: &str) -> Result<(), PackageError> {
    let mut seen = BTreeSet::new();
    for name in names {
        identifier(name).map_err(|why| member(of, why))?;
        // Case alone must not tell two files apart: a dossier is read on systems that ignore it.
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(member(of, format!("`{name}` stands twice, case aside")));
        }
    }
    Ok(())
}
