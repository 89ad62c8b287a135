//! What is said of something that is published: options, the metadata file, a model's package and the configuration put together.

use super::Failure;
use crate::catalogue::{Metadata, Said, complete};
use crate::control::protocol::Publish;
use crate::models::package::Model;
use crate::node::Node;

/// What a model's package says already.
#[derive(Debug, Default)]
pub(super) struct Given {
    title: Option<String>,
    description: Option<String>,
    licence: Option<String>,
}

impl Given {
    /// What `model` says of itself.
    pub(super) fn of(model: &Model) -> Self {
        let description = model.description();
        Self {
            title: Some(model.title().to_owned()),
            description: (!description.trim().is_empty()).then(|| description.to_owned()),
            licence: spdx(&model.licence().id),
        }
    }
}

/// The IRI of a licence of the SPDX list; a text that only looks like one has no digit.
fn spdx(id: &str) -> Option<String> {
    let formed = id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+".contains(&b));
    let known = id.bytes().any(|b| b.is_ascii_digit()) || ["ISC", "MIT", "Unlicense", "Zlib"].contains(&id);
    (formed && known).then(|| format!("https://spdx.org/licenses/{id}"))
}

/// A plain text, or the first of several.
pub(super) fn first(said: &Option<Said>) -> String {
    let texts = said.as_ref().map(|said| said.texts("")).unwrap_or_default();
    texts.into_iter().next().map(|(_, text)| text).unwrap_or_default()
}

/// The description of what `request` publishes, complete.
///
/// # Errors
/// Names what is missing, wrong, or said twice.
pub(super) fn described(node: &Node, request: &Publish, given: Given) -> Result<Metadata, Failure> {
    let mut all = request.metadata.as_deref().cloned().unwrap_or_default();
    let twice = |option: &str, member: &str| {
        Failure::usage(format!(
            "`{option}` and `{member}` in the metadata file say the same thing: give one of them"
        ))
    };
    for (option, member, value, there) in [
        ("--title", "title", &request.title, &mut all.title),
        (
            "--description",
            "description",
            &request.description,
            &mut all.description,
        ),
    ] {
        match (value, &there) {
            (Some(_), Some(_)) => return Err(twice(option, member)),
            (Some(text), None) => *there = Some(Said::Plain(text.clone())),
            (None, _) => {}
        }
    }
    match (&request.licence, &all.licence) {
        (Some(_), Some(_)) => return Err(twice("--licence", "licence")),
        (Some(licence), None) => all.licence = Some(licence.clone()),
        (None, _) => {}
    }
    if !request.theme.is_empty() {
        if !all.theme.is_empty() {
            return Err(twice("--theme", "theme"));
        }
        all.theme.clone_from(&request.theme);
    }
    all.title = all.title.or(given.title.map(Said::Plain));
    all.description = all.description.or(given.description.map(Said::Plain));
    all.licence = all.licence.or(given.licence);
    let completed = complete(all, &node.catalogue.describer().defaults);
    let completed = completed.map_err(|e| {
        let next = "docs/catalogue.md lists what is required and shows a metadata file";
        Failure::refused(format!("`{}` cannot be published: {e}", request.id)).next(next)
    })?;
    Ok(completed.into_metadata())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_of_the_spdx_list_has_an_iri_and_a_text_has_none() {
        assert_eq!(spdx("EUPL-1.2").as_deref(), Some("https://spdx.org/licenses/EUPL-1.2"));
        assert!(spdx("MIT").is_some() && spdx("proprietary").is_none() && spdx("by agreement 2").is_none());
    }
}
