//! Two concept schemes of our own (SKOS, W3C Recommendation of 2009): purposes of Dutch public law, each with its article, and legal
//! bases for processing personal data (GDPR, article 6). Each hangs below the Data Privacy Vocabulary.
//!
//! A purpose says what something is done for, a legal basis why processing is lawful; neither follows from the other, so they are
//! two schemes. The files beside this one are the schemes; they are built in and never fetched.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The purposes, in JSON-LD 1.1.
pub const PURPOSES: &str = include_str!("skos/purposes.jsonld");
/// The legal bases, in JSON-LD 1.1.
pub const LEGAL_BASES: &str = include_str!("skos/legal-bases.jsonld");

/// Purposes of Dutch public law.
#[must_use]
pub fn purposes() -> &'static Scheme {
    static SCHEME: LazyLock<Scheme> = LazyLock::new(|| Scheme::built_in(PURPOSES));
    &SCHEME
}

/// Legal bases for processing personal data.
#[must_use]
pub fn legal_bases() -> &'static Scheme {
    static SCHEME: LazyLock<Scheme> = LazyLock::new(|| Scheme::built_in(LEGAL_BASES));
    &SCHEME
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// English.
    pub en: String,
    /// Dutch.
    pub nl: String,
}

/// One concept. Its IRIs are full ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    iri: String,
    label: Label,
    broader: Vec<String>,
    source: String,
    law: Option<String>,
}

impl Concept {
    /// Its IRI.
    #[must_use]
    pub fn iri(&self) -> &str {
        &self.iri
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// What is one step broader (`skos:broader`, then `skos:broadMatch`): of this scheme, or of the vocabulary that it hangs below.
    #[must_use]
    pub fn broader(&self) -> &[String] {
        &self.broader
    }

    /// IRI of the law, as specific as it is known.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// For a Dutch law, its number in the national collection (BWB) and the article: `BWBR0037885, artikel 2.16`.
    #[must_use]
    pub fn law(&self) -> Option<&str> {
        self.law.as_deref()
    }
}

/// Concepts by IRI, and in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scheme {
    concepts: Vec<Concept>,
    places: BTreeMap<String, usize>,
}

impl Scheme {
    /// Reads a scheme: the JSON-LD of the built-in ones and nothing else, prefixes as its own context binds them.
    ///
    /// # Errors
    /// What is not understood, and in which concept.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let mut scheme = Self::default();
        for node in file.graph {
            let written: Written = serde_json::from_value(node).map_err(|e| e.to_string())?;
            if written.kind != "skos:Concept" {
                continue;
            }
            let concept = written.concept(&file.context)?;
            let place = scheme.concepts.len();
            if scheme.places.insert(concept.iri.clone(), place).is_some() {
                return Err(format!("`{}` stands twice", concept.iri));
            }
            scheme.concepts.push(concept);
        }
        Ok(scheme)
    }

    /// A built-in scheme that could not be read would know nothing, and what is unknown grants nothing; tests read both.
    fn built_in(text: &str) -> Self {
        Self::read(text).unwrap_or_default()
    }

    /// All concepts, in the order of the file.
    pub fn concepts(&self) -> impl Iterator<Item = &Concept> {
        self.concepts.iter()
    }

    /// The concept with this IRI.
    #[must_use]
    pub fn find(&self, iri: &str) -> Option<&Concept> {
        self.places.get(iri).and_then(|place| self.concepts.get(*place))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "@context")]
    context: Map<String, Value>,
    #[serde(rename = "@graph")]
    graph: Vec<Value>,
}

/// A concept, or the scheme itself, as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(rename = "@id")]
    id: String,
    #[serde(rename = "@type")]
    kind: String,
    pref_label: Label,
    note: Option<Label>,
    in_scheme: Option<String>,
    #[serde(default)]
    broader: Vec<String>,
    #[serde(default)]
    broad_match: Vec<String>,
    bwb: Option<String>,
    article: Option<String>,
    source: Option<String>,
}

impl Written {
    fn concept(self, context: &Map<String, Value>) -> Result<Concept, String> {
        let wrong = |what: &str| format!("`{}`: {what}", self.id);
        if self.in_scheme.is_none() {
            return Err(wrong("it is in no scheme"));
        }
        if self.note.is_some_and(|note| note.en.is_empty() || note.nl.is_empty()) {
            return Err(format!("`{}`: its note is empty in a language", self.id));
        }
        let wide = [self.broader, self.broad_match].concat();
        let broader = wide.iter().map(|name| full(name, context)).collect::<Result<_, _>>()?;
        let law = self.bwb.map(|bwb| match &self.article {
            Some(article) => format!("{bwb}, artikel {article}"),
            None => bwb,
        });
        Ok(Concept {
            iri: full(&self.id, context)?,
            label: self.pref_label,
            broader,
            source: self.source.ok_or_else(|| format!("`{}`: it has no source", self.id))?,
            law,
        })
    }
}

/// The IRI that a prefixed name stands for.
fn full(name: &str, context: &Map<String, Value>) -> Result<String, String> {
    let (prefix, local) = name.split_once(':').ok_or_else(|| format!("`{name}` has no prefix"))?;
    match context.get(prefix).and_then(Value::as_str) {
        Some(namespace) => Ok(format!("{namespace}{local}")),
        None => Err(format!("the prefix of `{name}` is not bound")),
    }
}

#[cfg(test)]
mod tests;
