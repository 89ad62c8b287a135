//! The closed lists of words that a description may use, and the IRIs they stand for.
//!
//! Sources: the authority tables of the Publications Office of the EU (data themes, languages, access rights, frequencies) and ADMS
//! publisher types, as DCAT-AP 3.0 and DCAT-AP-NL 3.0 prescribe them.

/// One word: what is written, the IRI's last part, and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// As it is written in a metadata file and in the configuration.
    pub word: &'static str,
    /// Last part of its IRI.
    pub code: &'static str,
    /// Label in Dutch.
    pub nl: &'static str,
    /// Label in English.
    pub en: &'static str,
}

const fn word(word: &'static str, code: &'static str, nl: &'static str, en: &'static str) -> Word {
    Word { word, code, nl, en }
}

/// A list of words with one namespace.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Namespace of the IRIs.
    pub namespace: &'static str,
    /// The words.
    pub words: &'static [Word],
}

impl Words {
    /// The entry for what was written; upper and lower case mean the same.
    #[must_use]
    pub fn find(&self, written: &str) -> Option<&'static Word> {
        self.words.iter().find(|w| w.word.eq_ignore_ascii_case(written))
    }

    /// The entry for an IRI.
    #[must_use]
    pub fn of_iri(&self, iri: &str) -> Option<&'static Word> {
        let code = iri.strip_prefix(self.namespace)?;
        self.words.iter().find(|w| w.code == code)
    }

    /// The IRI of an entry.
    #[must_use]
    pub fn iri(&self, word: &Word) -> String {
        format!("{}{}", self.namespace, word.code)
    }

    /// All that may be written, for an error.
    #[must_use]
    pub fn all(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|w| format!("`{}`", w.word)).collect();
        words.join(", ")
    }
}

/// Data themes.
pub const THEMES: Words = Words {
    namespace: "http://publications.europa.eu/resource/authority/data-theme/",
    words: &[
        word(
            "AGRI",
            "AGRI",
            "Landbouw, visserij, bosbouw en voeding",
            "Agriculture, fisheries, forestry and food",
        ),
        word("ECON", "ECON", "Economie en financiën", "Economy and finance"),
        word(
            "EDUC",
            "EDUC",
            "Onderwijs, cultuur en sport",
            "Education, culture and sport",
        ),
        word("ENER", "ENER", "Energie", "Energy"),
        word("ENVI", "ENVI", "Milieu", "Environment"),
        word(
            "GOVE",
            "GOVE",
            "Overheid en publieke sector",
            "Government and public sector",
        ),
        word("HEAL", "HEAL", "Gezondheid", "Health"),
        word("INTR", "INTR", "Internationale vraagstukken", "International issues"),
        word(
            "JUST",
            "JUST",
            "Justitie, rechtsstelsel en openbare veiligheid",
            "Justice, legal system and public safety",
        ),
        word("REGI", "REGI", "Regio's en steden", "Regions and cities"),
        word("SOCI", "SOCI", "Bevolking en samenleving", "Population and society"),
        word("TECH", "TECH", "Wetenschap en technologie", "Science and technology"),
        word("TRAN", "TRAN", "Vervoer", "Transport"),
        word("OP_DATPRO", "OP_DATPRO", "Voorlopige gegevens", "Provisional data"),
    ],
};

/// Languages, by their BCP 47 tags.
pub const LANGUAGES: Words = Words {
    namespace: "http://publications.europa.eu/resource/authority/language/",
    words: &[
        word("nl", "NLD", "Nederlands", "Dutch"),
        word("en", "ENG", "Engels", "English"),
        word("de", "DEU", "Duits", "German"),
        word("fr", "FRA", "Frans", "French"),
        word("fy", "FRY", "Fries", "Western Frisian"),
        word("pap", "PAP", "Papiaments", "Papiamento"),
    ],
};

/// Whether data may be had by everybody.
pub const ACCESS_RIGHTS: Words = Words {
    namespace: "http://publications.europa.eu/resource/authority/access-right/",
    words: &[
        word("public", "PUBLIC", "openbaar", "public"),
        word("restricted", "RESTRICTED", "beperkt", "restricted"),
        word("non-public", "NON_PUBLIC", "niet-openbaar", "non-public"),
    ],
};

/// How often data are renewed.
pub const FREQUENCIES: Words = Words {
    namespace: "http://publications.europa.eu/resource/authority/frequency/",
    words: &[
        word("continuous", "CONT", "continu", "continuous"),
        word("hourly", "HOURLY", "ieder uur", "hourly"),
        word("daily", "DAILY", "dagelijks", "daily"),
        word("weekly", "WEEKLY", "wekelijks", "weekly"),
        word("monthly", "MONTHLY", "maandelijks", "monthly"),
        word("quarterly", "QUARTERLY", "ieder kwartaal", "quarterly"),
        word("annual", "ANNUAL", "jaarlijks", "annual"),
        word("irregular", "IRREG", "onregelmatig", "irregular"),
        word("as-needed", "AS_NEEDED", "zo nodig", "as needed"),
        word("not-planned", "NOT_PLANNED", "niet gepland", "not planned"),
        word("never", "NEVER", "nooit", "never"),
        word("unknown", "UNKNOWN", "onbekend", "unknown"),
    ],
};

/// What a publisher is.
pub const PUBLISHER_TYPES: Words = Words {
    namespace: "http://purl.org/adms/publishertype/",
    words: &[
        word(
            "national",
            "NationalAuthority",
            "landelijke overheid",
            "national authority",
        ),
        word(
            "regional",
            "RegionalAuthority",
            "regionale overheid",
            "regional authority",
        ),
        word("local", "LocalAuthority", "lokale overheid", "local authority"),
        word(
            "supranational",
            "SupraNationalAuthority",
            "supranationale overheid",
            "supra-national authority",
        ),
        word("company", "Company", "bedrijf", "company"),
        word(
            "academia",
            "Academia-ScientificOrganisation",
            "kennisinstelling",
            "academia or scientific organisation",
        ),
        word(
            "non-profit",
            "NonProfitOrganisation",
            "organisatie zonder winstoogmerk",
            "non-profit organisation",
        ),
        word(
            "standardisation",
            "StandardisationBody",
            "standaardisatieorganisatie",
            "standardisation body",
        ),
        word(
            "industry",
            "IndustryConsortium",
            "bedrijvenconsortium",
            "industry consortium",
        ),
        word("person", "PrivateIndividual(s)", "particulier", "private individual"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_however_it_is_written_and_by_its_iri() {
        assert_eq!(THEMES.find("envi").unwrap().code, "ENVI");
        assert_eq!(ACCESS_RIGHTS.find("Non-Public").unwrap().code, "NON_PUBLIC");
        let dutch = LANGUAGES.find("nl").unwrap();
        assert_eq!(LANGUAGES.of_iri(&LANGUAGES.iri(dutch)), Some(dutch));
        assert!(THEMES.find("weather").is_none() && THEMES.of_iri("https://example.org/ENVI").is_none());
    }

    #[test]
    fn no_word_stands_twice() {
        for list in [THEMES, LANGUAGES, ACCESS_RIGHTS, FREQUENCIES, PUBLISHER_TYPES] {
            for (n, one) in list.words.iter().enumerate() {
                assert!(
                    list.words[..n].iter().all(|w| w.word != one.word && w.code != one.code),
                    "{one:?}"
                );
                assert!(!one.nl.is_empty() && !one.en.is_empty());
            }
        }
    }
}
