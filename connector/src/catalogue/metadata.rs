//! What a data holder says of a dataset or model service, as DCAT-AP-NL 3.0 wants it.
//!
//! It is written as one TOML file beside the data: the form in which everything else here is written by hand (the configuration, a
//! model's package), with comments, and without JSON's traps for people. Over the control socket and in the state it is the same
//! structure as JSON.

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Longest metadata file: far beyond what anybody writes by hand.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// A text in one or more languages.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Said {
    /// In the (first) language of the description.
    Plain(String),
    /// By BCP 47 tag.
    Tagged(BTreeMap<String, String>),
}

/// Whom to ask. Exactly one: with two, everybody believes that the other one answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Name of a person, a role or a department.
    pub name: String,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A page with a form, or the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// An organisation or person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Name.
    pub name: String,
    /// Its identifier, as in the register of government organisations; left out: the participant's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iri: Option<String>,
    /// What it is: a word of `words::PUBLISHER_TYPES`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// Where.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spatial {
    /// West, south, east, north in degrees (WGS 84).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<[f64; 4]>,
    /// IRI of a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iri: Option<String>,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// When; one end may be open. Dates (`2020-06-17`) or moments (RFC 3339).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Temporal {
    /// First day or moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Last day or moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// The description; every member may be left out here. What is required, and what stands in for what is left out, is decided in
/// [`complete`](super::complete).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Said>,
    /// What it is, in a few sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Said>,
    /// Words of `words::THEMES`, or IRIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub theme: Vec<String>,
    /// Keywords.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keyword: Vec<String>,
    /// Languages of the data and of this description, the latter's first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub language: Vec<String>,
    /// `public`, `restricted` or `non-public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_rights: Option<String>,
    /// IRI of the licence, or `offer`: what may be done stands in the offer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// What is new in this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_notes: Option<Said>,
    /// Where the data come from and how they were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Said>,
    /// How good the data are: accuracy, completeness, known defects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Said>,
    /// How often they are renewed: a word of `words::FREQUENCIES`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<String>,
    /// Day of first publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<String>,
    /// Day of the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// A page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing_page: Option<String>,
    /// Pages that explain it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documentation: Vec<String>,
    /// IRIs of standards that it conforms to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conforms_to: Vec<String>,
    /// Whom to ask; left out: the participant's contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Who publishes; left out: the participant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<Agent>,
    /// Who made it; left out: the publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<Agent>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spatial: Option<Spatial>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporal: Option<Temporal>,
}

impl Metadata {
    /// Reads a metadata file.
    ///
    /// # Errors
    /// Names line and member of what is not understood.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it has {} bytes; at most {MAX_BYTES} are read", text.len()));
        }
        toml::from_str(text).map_err(|e| e.to_string())
    }
}

impl Said {
    /// The texts with their languages; a plain text is in `language`.
    #[must_use]
    pub fn texts(&self, language: &str) -> Vec<(String, String)> {
        match self {
            Self::Plain(text) => vec![(language.to_owned(), text.clone())],
            // That of the description's own language first: it is what a reader of one language sees.
            Self::Tagged(texts) => {
                let mut all: Vec<_> = texts.iter().map(|(l, t)| (l.clone(), t.clone())).collect();
                all.sort_by_key(|(l, _)| l != language);
                all
            }
        }
    }

    /// Whether a text is missing or only spaces.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Plain(text) => text.trim().is_empty(),
            Self::Tagged(texts) => texts.is_empty() || texts.values().any(|t| t.trim().is_empty()),
        }
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(text) => serializer.serialize_str(text),
            Self::Tagged(texts) => texts.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Said;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or texts by language such as { nl = \"...\", en = \"...\" }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Said, E> {
                Ok(Said::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Said, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some((language, text)) = map.next_entry::<String, String>()? {
                    texts.insert(language, text);
                }
                Ok(Said::Tagged(texts))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}
