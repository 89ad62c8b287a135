//! Which of the two languages a person reads.

/// Chooses the language of messages, before the system's locale: `HERLEID_LANG=nl`.
pub const LANGUAGE_VARIABLE: &str = "HERLEID_LANG";

/// A language that Herleid speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English; for everybody who has not asked for Dutch.
    #[default]
    English,
    /// Dutch.
    Dutch,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::English, Self::Dutch];

    /// Its BCP 47 tag: `en` or `nl`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Dutch => "nl",
        }
    }

    /// The language of a locale in POSIX (`nl_NL.UTF-8@euro`) or BCP 47 (`nl-BE`) form; `None` for one that is not spoken here.
    #[must_use]
    pub fn of_locale(locale: &str) -> Option<Self> {
        let primary = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.code()))
    }

    /// The first of these that is spoken here: the flag, the variable, the system's locales in their order; else English.
    #[must_use]
    pub fn choose(flag: Option<&str>, variable: Option<&str>, system: impl IntoIterator<Item = String>) -> Self {
        let asked = flag.into_iter().chain(variable).map(str::to_owned);
        asked
            .chain(system)
            .find_map(|locale| Self::of_locale(&locale))
            .unwrap_or_default()
    }

    /// The file of this language's sentences.
    pub(super) const fn sentences(self) -> &'static str {
        match self {
            Self::English => include_str!("en.ftl"),
            Self::Dutch => include_str!("nl.ftl"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(locales: &[&str]) -> Vec<String> {
        locales.iter().map(|&l| l.to_owned()).collect()
    }

    #[test]
    fn locales_in_both_forms_are_understood() {
        for dutch in ["nl", "NL", "nl_NL.UTF-8", "nl-BE", "nl_NL@euro"] {
            assert_eq!(Language::of_locale(dutch), Some(Language::Dutch), "{dutch}");
        }
        assert_eq!(Language::of_locale("en-GB"), Some(Language::English));
        for other in ["C", "POSIX", "", "nds_NL", "fr_FR.UTF-8", "nlx"] {
            assert_eq!(Language::of_locale(other), None, "{other}");
        }
    }

    #[test]
    fn the_flag_goes_before_the_variable_before_the_system() {
        assert_eq!(
            Language::choose(Some("en"), Some("nl"), system(&["nl_NL"])),
            Language::English
        );
        assert_eq!(Language::choose(None, Some("nl"), system(&["en_US"])), Language::Dutch);
        assert_eq!(
            Language::choose(None, None, system(&["fr_FR", "nl_NL"])),
            Language::Dutch
        );
        assert_eq!(Language::choose(None, Some(""), system(&["nl_BE"])), Language::Dutch);
        assert_eq!(Language::choose(Some("fr"), None, system(&[])), Language::English);
        assert_eq!(Language::choose(None, None, system(&[])), Language::English);
    }
}
