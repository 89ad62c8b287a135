//! What the command line says: sentences of [`crate::messages`], whose keys start with `cli-`.

pub use crate::messages::Language;
use crate::messages::Messages;

/// The sentence `key` in `language` with its variables filled in; `None` for an unknown key.
#[must_use]
pub fn find(language: Language, key: &str, values: &[(&str, &str)]) -> Option<String> {
    Messages::shared(language).find(key, values)
}

/// As [`find`]; an unknown key comes back in brackets, so that a reader can report it.
#[must_use]
pub fn text(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    Messages::shared(language).text(key, values)
}
