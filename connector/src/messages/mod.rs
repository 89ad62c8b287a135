//! What people read, in English and Dutch: the sentences stand in `en.ftl` and `nl.ftl` (Project Fluent syntax 1.0), the
//! code names them by key. Both files have the same keys with the same variables, and every key that the code names
//! exists; tests hold that.

mod language;
#[cfg(test)]
mod tests;

pub use language::{LANGUAGE_VARIABLE, Language};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::sync::LazyLock;

/// The sentences of one language.
pub struct Messages {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

impl Messages {
    /// The sentences for a locale such as `nl_NL.UTF-8` or `nl-BE`; English for every other one, and for none.
    #[must_use]
    pub fn for_locale(locale: Option<&str>) -> Self {
        Self::of(locale.and_then(Language::of_locale).unwrap_or_default())
    }

    /// The sentences for this user: `flag` (`--lang`) first, then the variable `HERLEID_LANG`, then the system's locale
    /// (`LANGUAGE`, `LC_ALL`, `LC_MESSAGES`, `LANG`).
    #[must_use]
    pub fn for_user(flag: Option<&str>) -> Self {
        let variable = std::env::var(LANGUAGE_VARIABLE).ok();
        Self::of(Language::choose(flag, variable.as_deref(), sys_locale::get_locales()))
    }

    /// The sentences of `language`.
    #[must_use]
    pub fn of(language: Language) -> Self {
        // A sentence that does not parse is left out; the tests see to it that there is none.
        let resource = FluentResource::try_new(language.sentences().to_owned()).unwrap_or_else(|(rest, _)| rest);
        let locale = language.code().parse().into_iter().collect();
        let mut bundle = FluentBundle::new_concurrent(locale);
        // Marks around inserted text, invisible in a browser, are rubbish in many terminals and in scripts.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Self { language, bundle }
    }

    /// Which language this is.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// The sentences of `language`, made once for the whole process.
    #[must_use]
    pub fn shared(language: Language) -> &'static Self {
        static ENGLISH: LazyLock<Messages> = LazyLock::new(|| Messages::of(Language::English));
        static DUTCH: LazyLock<Messages> = LazyLock::new(|| Messages::of(Language::Dutch));
        match language {
            Language::English => &ENGLISH,
            Language::Dutch => &DUTCH,
        }
    }

    /// The sentence `key` with its variables filled in; a whole number chooses between singular and plural. `None` for a key that
    /// does not exist.
    #[must_use]
    pub fn find(&self, key: &str, values: &[(&str, &str)]) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, argument(value));
        }
        let mut problems = Vec::new();
        Some(
            self.bundle
                .format_pattern(pattern, Some(&args), &mut problems)
                .into_owned(),
        )
    }

    /// As [`Messages::find`]; a key that does not exist comes back as it is, in brackets: a reader can then still report it.
    #[must_use]
    pub fn text(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.find(key, values).unwrap_or_else(|| format!("[{key}]"))
    }
}

/// A count chooses between singular and plural; everything else, `007` and `1.50` too, stays the text that it is.
fn argument(value: &str) -> FluentValue<'_> {
    match value.parse::<u32>() {
        Ok(number) if number.to_string() == value => FluentValue::from(number),
        _ => FluentValue::from(value),
    }
}
