//! A description made complete: what was left out is what holds for the whole participant; what the shapes of DCAT-AP-NL 3.0 require and
//! nobody said is refused by name. Whatever passes here passes the shapes (`connector/tests/shacl`).

use super::metadata::{Agent, Contact, Metadata, Said, Spatial, Temporal};
use super::moments::{instant_ms, written_moment};
use super::words::{ACCESS_RIGHTS, FREQUENCIES, LANGUAGES, PUBLISHER_TYPES, THEMES, Words};
use oxigraph::model::NamedNode;
use std::collections::BTreeSet;

/// What holds for all that a participant publishes, unless a description says otherwise: `[catalogue]` of the configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Defaults {
    /// Whom to ask.
    pub contact: Option<Contact>,
    /// Who publishes.
    pub publisher: Option<Agent>,
    /// Tag of the language.
    pub language: Option<String>,
    /// `offer`, or an IRI.
    pub licence: Option<String>,
    /// Word of `words::ACCESS_RIGHTS`.
    pub access_rights: Option<String>,
    /// Words of `words::THEMES`, or IRIs.
    pub theme: Vec<String>,
}

/// Why something cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// A property that the shapes require.
    #[error("it has no `{property}` ({term}), which DCAT-AP-NL 3.0 requires: {give}")]
    Missing {
        /// Member of the metadata file.
        property: &'static str,
        /// Term of DCAT.
        term: &'static str,
        /// How to give it.
        give: &'static str,
    },
    /// A property with a value that it cannot have.
    #[error("`{property}` is `{found}`: expected {expected}")]
    Wrong {
        /// Member of the metadata file.
        property: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}

/// A description in which nothing is missing. The contact and the publisher may still be `None`: then they are the participant's, as
/// the configuration says at the time of reading, so that a new e-mail address does not mean publishing everything again.
#[derive(Debug, Clone, PartialEq)]
pub struct Complete(Metadata);

impl Complete {
    /// The description.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.0
    }

    /// The same, to be kept.
    #[must_use]
    pub fn into_metadata(self) -> Metadata {
        self.0
    }
}

fn missing(property: &'static str, term: &'static str, give: &'static str) -> Incomplete {
    Incomplete::Missing { property, term, give }
}

fn wrong(property: impl Into<String>, found: &str, expected: impl Into<String>) -> Incomplete {
    Incomplete::Wrong {
        property: property.into(),
        // One line of a terminal.
        found: found.chars().take(80).collect(),
        expected: expected.into(),
    }
}

/// Completes `given` with `defaults`.
///
/// # Errors
/// Names the first property that is missing or wrong, and how to give it.
pub fn complete(given: Metadata, defaults: &Defaults) -> Result<Complete, Incomplete> {
    let mut all = given;
    write_moments(&mut all);
    if all.language.is_empty() {
        all.language.extend(defaults.language.clone());
    }
    if all.theme.is_empty() {
        all.theme.clone_from(&defaults.theme);
    }
    all.access_rights = all.access_rights.or_else(|| defaults.access_rights.clone());
    all.licence = all.licence.or_else(|| defaults.licence.clone());
    if !said(all.title.as_ref()) {
        return Err(missing(
            "title",
            "dct:title",
            "give `--title`, or `title` in the metadata file",
        ));
    }
    if !said(all.description.as_ref()) {
        let give = "give `--description`, or `description` in the metadata file";
        return Err(missing("description", "dct:description", give));
    }
    if all.theme.is_empty() {
        let give =
            "give `--theme` (such as ENVI), `theme` in the metadata file, or `theme` under [catalogue] in herleid.toml";
        return Err(missing("theme", "dcat:theme", give));
    }
    if all.language.is_empty() {
        let give = "give `language` (such as \"nl\") in the metadata file, or under [catalogue] in herleid.toml";
        return Err(missing("language", "dct:language", give));
    }
    if all.access_rights.is_none() {
        let give = "give `access_rights` (public, restricted or non-public) in the metadata file, or under [catalogue] in herleid.toml";
        return Err(missing("access_rights", "dct:accessRights", give));
    }
    if all.licence.is_none() {
        let give = "give `--licence`, `licence` in the metadata file, or `licence` under [catalogue] in herleid.toml";
        return Err(missing("licence", "dct:license", give));
    }
    if all.contact.is_none() && defaults.contact.is_none() {
        let give = "give `[contact]` with `name` and `email` or `url` in the metadata file, or `contact_email` under [catalogue]";
        return Err(missing("contact", "dcat:contactPoint", give));
    }
    if all.publisher.is_none() && defaults.publisher.is_none() {
        let give =
            "give `[publisher]` with `name` in the metadata file, or `publisher` under [catalogue] in herleid.toml";
        return Err(missing("publisher", "dct:publisher", give));
    }
    check(&all)?;
    Ok(Complete(all))
}

fn said(text: Option<&Said>) -> bool {
    text.is_some_and(|t| !t.is_empty())
}

fn check(all: &Metadata) -> Result<(), Incomplete> {
    let texts = [
        ("title", &all.title),
        ("description", &all.description),
        ("version_notes", &all.version_notes),
        ("provenance", &all.provenance),
        ("quality", &all.quality),
    ];
    for (property, text) in texts {
        check_text(property, text.as_ref())?;
    }
    for theme in &all.theme {
        if THEMES.find(theme).is_none() {
            iri("theme", theme, &format!("one of {}, or an IRI", THEMES.all()))?;
        }
    }
    once("theme", &all.theme)?;
    once("keyword", &all.keyword)?;
    once("language", &all.language)?;
    if let Some(empty) = all.keyword.iter().find(|k| k.trim().is_empty()) {
        return Err(wrong("keyword", empty, "words"));
    }
    for language in &all.language {
        word("language", language, LANGUAGES)?;
    }
    if let Some(rights) = &all.access_rights {
        word("access_rights", rights, ACCESS_RIGHTS)?;
    }
    if let Some(frequency) = &all.frequency {
        word("frequency", frequency, FREQUENCIES)?;
    }
    if let Some(licence) = all.licence.as_deref().filter(|l| *l != super::BY_OFFER) {
        iri("licence", licence, "`offer` or the IRI of a licence")?;
    }
    let pages = all.landing_page.iter().map(|p| ("landing_page", p));
    let pages = pages.chain(all.documentation.iter().map(|p| ("documentation", p)));
    for (property, page) in pages.chain(all.conforms_to.iter().map(|s| ("conforms_to", s))) {
        iri(property, page, "an IRI such as https://example.org/page")?;
    }
    for (property, day) in [("issued", &all.issued), ("modified", &all.modified)] {
        if let Some(day) = day {
            moment(property, day)?;
        }
    }
    contact(all.contact.as_ref())?;
    agent("publisher", all.publisher.as_ref())?;
    agent("creator", all.creator.as_ref())?;
    spatial(all.spatial.as_ref())?;
    temporal(all.temporal.as_ref())
}

fn check_text(property: &str, text: Option<&Said>) -> Result<(), Incomplete> {
    match text {
        Some(text) if text.is_empty() => Err(wrong(property, "", "a text that is not empty, in each language given")),
        Some(Said::Tagged(texts)) => match texts.keys().find(|l| LANGUAGES.find(l).is_none()) {
            Some(tag) => Err(wrong(property, tag, format!("a language of {}", LANGUAGES.all()))),
            // `nl` and `NL` are one language, in which there is one text.
            None => once(property, texts.keys()),
        },
        _ => Ok(()),
    }
}

fn word(property: &str, found: &str, words: Words) -> Result<(), Incomplete> {
    match words.find(found) {
        Some(_) => Ok(()),
        None => Err(wrong(property, found, format!("one of {}", words.all()))),
    }
}

fn once<'a>(property: &str, items: impl IntoIterator<Item = &'a String>) -> Result<(), Incomplete> {
    let mut seen = BTreeSet::new();
    match items.into_iter().find(|item| !seen.insert(item.to_lowercase())) {
        Some(twice) => Err(wrong(property, twice, "each only once")),
        None => Ok(()),
    }
}

fn iri(property: &str, found: &str, expected: &str) -> Result<(), Incomplete> {
    if is_iri(found) {
        Ok(())
    } else {
        Err(wrong(property, found, expected))
    }
}

/// An absolute IRI that a parser of addresses takes as well: what follows links must be able to.
pub(crate) fn is_iri(text: &str) -> bool {
    NamedNode::new(text).is_ok() && url::Url::parse(text).is_ok()
}

/// What a contact or an organisation can be called.
pub(crate) fn is_name(text: &str) -> bool {
    !text.trim().is_empty()
}

/// Moments as others read them; what is none is left for the check.
fn write_moments(all: &mut Metadata) {
    let (start, end) = match &mut all.temporal {
        Some(temporal) => (temporal.start.as_mut(), temporal.end.as_mut()),
        None => (None, None),
    };
    let ends = [all.issued.as_mut(), all.modified.as_mut(), start, end];
    for text in ends.into_iter().flatten() {
        if let Some(written) = written_moment(text) {
            *text = written;
        }
    }
}

fn moment(property: &str, found: &str) -> Result<(), Incomplete> {
    match instant_ms(found, false) {
        Some(_) => Ok(()),
        None => Err(wrong(
            property,
            found,
            "a day such as 2020-06-17, or a moment such as 2020-06-17T14:00:00Z",
        )),
    }
}

fn contact(contact: Option<&Contact>) -> Result<(), Incomplete> {
    let Some(contact) = contact else { return Ok(()) };
    if !is_name(&contact.name) {
        return Err(wrong("contact.name", &contact.name, "a name"));
    }
    if let Some(email) = contact.email.as_deref().filter(|e| !is_email(e)) {
        return Err(wrong("contact.email", email, "an e-mail address"));
    }
    if let Some(url) = &contact.url {
        iri("contact.url", url, "an address such as https://example.org/contact")?;
    }
    if contact.email.is_none() && contact.url.is_none() {
        return Err(wrong(
            "contact",
            &contact.name,
            "an `email` or a `url` by which they can be reached",
        ));
    }
    Ok(())
}

/// Enough that `mailto:` and the text make an IRI.
pub(crate) fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains('@') && !text.chars().any(char::is_whitespace)
    }) && NamedNode::new(format!("mailto:{text}")).is_ok()
}

fn agent(property: &str, agent: Option<&Agent>) -> Result<(), Incomplete> {
    let Some(agent) = agent else { return Ok(()) };
    if !is_name(&agent.name) {
        return Err(wrong(format!("{property}.name"), &agent.name, "a name"));
    }
    if let Some(kind) = &agent.kind {
        word(&format!("{property}.type"), kind, PUBLISHER_TYPES)?;
    }
    match &agent.iri {
        Some(found) => iri(
            &format!("{property}.iri"),
            found,
            "the IRI of an organisation or person",
        ),
        None => Ok(()),
    }
}

fn spatial(spatial: Option<&Spatial>) -> Result<(), Incomplete> {
    let Some(spatial) = spatial else { return Ok(()) };
    if let Some(place) = &spatial.iri {
        iri("spatial.iri", place, "the IRI of a place")?;
    }
    match spatial.bbox {
        Some(bbox) if !is_bbox(bbox) => {
            let expected = "[west, south, east, north] in degrees, west of east and south of north";
            Err(wrong("spatial.bbox", &format!("{bbox:?}"), expected))
        }
        None if spatial.iri.is_none() && spatial.name.as_deref().is_none_or(|n| n.trim().is_empty()) => {
            Err(wrong("spatial", "", "a `bbox`, an `iri` or a `name`"))
        }
        _ => Ok(()),
    }
}

/// Whether it is west, south, east, north in degrees.
pub(super) fn is_bbox([west, south, east, north]: [f64; 4]) -> bool {
    let within = |value: f64, most: f64| value.is_finite() && value.abs() <= most;
    within(west, 180.0)
        && within(east, 180.0)
        && within(south, 90.0)
        && within(north, 90.0)
        && west <= east
        && south <= north
}

fn temporal(temporal: Option<&Temporal>) -> Result<(), Incomplete> {
    let Some(temporal) = temporal else { return Ok(()) };
    for (property, text) in [("temporal.start", &temporal.start), ("temporal.end", &temporal.end)] {
        if let Some(text) = text {
            moment(property, text)?;
        }
    }
    match (&temporal.start, &temporal.end) {
        (None, None) => Err(wrong("temporal", "", "a `start`, an `end` or both")),
        (Some(start), Some(end)) if instant_ms(start, false) > instant_ms(end, true) => {
            Err(wrong("temporal.end", end, format!("a time after `{start}`")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "complete_tests.rs"]
mod tests;
