//! The section `[catalogue]`: what holds for all that a participant publishes.

use super::error::{ConfigError, Expected};
use super::raw::RawConfig;
use super::sections::Catalogue;
use super::value::Found;
use crate::catalogue::words::THEMES;
use crate::catalogue::{is_email, is_iri, is_name};

impl RawConfig {
    pub(super) fn catalogue(&self) -> Result<Catalogue, ConfigError> {
        let checked = |path, right: &dyn Fn(&str) -> bool, expected| match self.some_text(path) {
            Some((text, found)) if !right(&text) => Err(ConfigError::wrong(path, &found, expected)),
            found => Ok(found.map(|(text, _)| text)),
        };
        let is_licence = |text: &str| text == crate::catalogue::BY_OFFER || is_iri(text);
        checked("catalogue.licence", &is_licence, Expected::Licence)?;
        let theme = self.texts("catalogue.theme")?;
        if let (Some(found), true) = (
            self.get("catalogue.theme"),
            theme.iter().any(|t| THEMES.find(t).is_none() && !is_iri(t)),
        ) {
            return Err(ConfigError::wrong("catalogue.theme", &found, Expected::Themes));
        }
        Ok(Catalogue {
            // What a metadata file may say of them, and no more: it stands in each description.
            contact_name: checked("catalogue.contact_name", &is_name, Expected::Name)?,
            contact_email: checked("catalogue.contact_email", &is_email, Expected::Email)?,
            contact_url: checked("catalogue.contact_url", &is_iri, Expected::Page)?,
            publisher: checked("catalogue.publisher", &is_name, Expected::Name)?,
            publisher_type: self.some_text("catalogue.publisher_type").map(|(text, _)| text),
            language: self.text("catalogue.language")?,
            licence: self.text("catalogue.licence")?,
            access_rights: self.text("catalogue.access_rights")?,
            theme,
            page: self.count("catalogue.page")?,
        })
    }

    fn some_text(&self, path: &str) -> Option<(String, Found)> {
        let found = self.get(path)?;
        Some((found.text()?.to_owned(), found))
    }
}
