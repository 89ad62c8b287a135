//! What is said of a dataset, of the connector and of the catalogue, as members of their JSON-LD.
//!
//! Names are those under the prefixes `dct` and `dcat` of the protocol's context, and absolute IRIs: no context of our own is needed, so
//! that whoever knows the protocol's context alone loses nothing and whoever reads plain JSON trips over nothing.

use super::entries::Entry;
use super::jsonld::{
    ADMS, DQV, FOAF, Members, OA, RDF, RDFS, concept, contact, moment, period, place, put, tagged, texts, typed,
};
use super::metadata::{Agent, Metadata};
use super::words::{ACCESS_RIGHTS, FREQUENCIES, LANGUAGES, PUBLISHER_TYPES, THEMES};
use super::{BY_OFFER, Describer};
use herleid_vocab::terms::{DCAT, DCT, HERLEID};
use herleid_vocab::time::format_rfc3339_ms;
use oxigraph::model::NamedNode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How many there are in the whole collection of which this is a page (Hydra).
pub const TOTAL_ITEMS: &str = "http://www.w3.org/ns/hydra/core#totalItems";

impl Describer {
    /// The tag of the language in which a description is written first.
    pub(super) fn language(&self, metadata: &Metadata) -> String {
        let first = metadata.language.first().or(self.defaults.language.as_ref());
        first.map(|l| l.to_lowercase()).unwrap_or_default()
    }

    pub(super) fn publisher_of<'a>(&'a self, metadata: &'a Metadata) -> Option<&'a Agent> {
        metadata.publisher.as_ref().or(self.defaults.publisher.as_ref())
    }

    /// Of the participant, or of who says nothing else, the DID; another organisation without an identifier of its own gets one here.
    pub(super) fn agent_iri(&self, agent: Option<&Agent>) -> String {
        let own = self.defaults.publisher.as_ref();
        match agent {
            Some(Agent { iri: Some(iri), .. }) => iri.clone(),
            Some(other) if own.is_none_or(|own| own.name != other.name) => {
                let digest = hex::encode(Sha256::digest(other.name.as_bytes()));
                let short: String = digest.chars().take(16).collect();
                format!("{}#agent-{short}", self.did)
            }
            _ => self.did.clone(),
        }
    }

    fn agent(&self, agent: Option<&Agent>) -> Value {
        let mut node = Members::new();
        put(&mut node, "@id", json!(self.agent_iri(agent)));
        put(&mut node, "@type", json!(format!("{FOAF}Agent")));
        let name = agent.map_or(self.did.as_str(), |a| a.name.as_str());
        put(&mut node, format!("{FOAF}name"), json!(name));
        if let Some(kind) = agent.and_then(|a| a.kind.as_deref()) {
            put(&mut node, "dct:type", concept(PUBLISHER_TYPES, kind));
        }
        Value::Object(node)
    }

    /// The address of a dataset's description, which is also its IRI unless its identifier is one.
    pub(super) fn dataset_url(&self, id: &str) -> String {
        // What may be an identifier needs no escape in a path (`herleid publish` refuses anything else).
        format!("{}/catalog/datasets/{id}", self.base)
    }

    /// The IRI of a dataset in RDF.
    pub(super) fn dataset_iri(&self, id: &str) -> String {
        if NamedNode::new(id).is_ok() {
            id.to_owned()
        } else {
            self.dataset_url(id)
        }
    }

    /// The licence; where the offer alone says what may be done, the offer.
    pub(super) fn licence_iri(&self, metadata: &Metadata, from: &Entry) -> String {
        let licence = metadata.licence.as_ref().or(self.defaults.licence.as_ref());
        match (licence, from.offers().first()) {
            (Some(licence), _) if licence != BY_OFFER => licence.clone(),
            (_, Some(offer)) => offer.id.clone(),
            (_, None) => by_agreement(),
        }
    }

    /// What is said of a dataset or model service besides what the protocol needs.
    pub(super) fn of_resource(&self, from: &Entry, metadata: &Metadata) -> Members {
        let language = self.language(metadata);
        let mut all = Members::new();
        for (name, said) in [
            ("dct:title".to_owned(), &metadata.title),
            ("dct:description".to_owned(), &metadata.description),
            (format!("{ADMS}versionNotes"), &metadata.version_notes),
        ] {
            if let Some(said) = said {
                put(&mut all, name, texts(said, &language));
            }
        }
        put(&mut all, "dct:identifier", json!(self.dataset_iri(from.id())));
        let rights = metadata.access_rights.as_ref().or(self.defaults.access_rights.as_ref());
        if let Some(word) = rights.and_then(|r| ACCESS_RIGHTS.find(r)) {
            put(
                &mut all,
                "dct:accessRights",
                typed(&ACCESS_RIGHTS.iri(word), &format!("{DCT}RightsStatement")),
            );
        }
        let publisher = self.publisher_of(metadata);
        put(&mut all, "dct:publisher", self.agent(publisher));
        put(
            &mut all,
            "dct:creator",
            self.agent(metadata.creator.as_ref().or(publisher)),
        );
        if let Some(point) = metadata.contact.as_ref().or(self.defaults.contact.as_ref()) {
            put(&mut all, "dcat:contactPoint", contact(point));
        }
        let languages = some_or(&metadata.language, self.defaults.language.as_slice());
        put(&mut all, "dct:language", languages_of(&languages));
        let themes = some_or(&metadata.theme, &self.defaults.theme);
        if !themes.is_empty() {
            put(
                &mut all,
                "dcat:theme",
                themes.iter().map(|t| concept(THEMES, t)).collect(),
            );
        }
        if !metadata.keyword.is_empty() {
            let keywords = metadata.keyword.iter().map(|k| tagged(&language, k));
            put(&mut all, "dcat:keyword", keywords.collect());
        }
        let issued = format_rfc3339_ms(from.published_ms())
            .chars()
            .take(10)
            .collect::<String>();
        put(
            &mut all,
            "dct:issued",
            moment(metadata.issued.as_ref().unwrap_or(&issued)),
        );
        if let Some(modified) = &metadata.modified {
            put(&mut all, "dct:modified", moment(modified));
        }
        Self::of_content(metadata, &language, &mut all);
        all
    }

    /// Where, when, whence and how good.
    fn of_content(metadata: &Metadata, language: &str, all: &mut Members) {
        if let Some(said) = &metadata.provenance {
            let label = texts(said, language);
            let statement = json!({"@type": format!("{DCT}ProvenanceStatement"), format!("{RDFS}label"): label});
            put(all, "dct:provenance", statement);
        }
        if let Some(said) = &metadata.quality {
            let annotation = json!({
                "@type": format!("{DQV}QualityAnnotation"),
                format!("{OA}motivatedBy"): {"@id": format!("{DQV}qualityAssessment")},
                format!("{OA}hasBody"): {"@type": format!("{OA}TextualBody"), format!("{RDF}value"): texts(said, language)},
            });
            put(all, format!("{DQV}hasQualityAnnotation"), annotation);
        }
        if let Some(word) = metadata.frequency.as_deref().and_then(|f| FREQUENCIES.find(f)) {
            put(
                all,
                "dct:accrualPeriodicity",
                typed(&FREQUENCIES.iri(word), &format!("{DCT}Frequency")),
            );
        }
        if let Some(page) = &metadata.landing_page {
            put(all, "dcat:landingPage", typed(page, &format!("{FOAF}Document")));
        }
        if !metadata.documentation.is_empty() {
            let pages = metadata.documentation.iter();
            put(
                all,
                format!("{FOAF}page"),
                pages.map(|p| typed(p, &format!("{FOAF}Document"))).collect(),
            );
        }
        if !metadata.conforms_to.is_empty() {
            let standards = metadata.conforms_to.iter();
            put(
                all,
                "dct:conformsTo",
                standards.map(|s| typed(s, &format!("{DCT}Standard"))).collect(),
            );
        }
        if let Some(spatial) = &metadata.spatial {
            put(all, "dct:spatial", place(spatial));
        }
        if let Some(temporal) = &metadata.temporal {
            put(all, "dct:temporal", period(temporal));
        }
    }

    /// What is said of a distribution besides what the protocol needs.
    pub(super) fn of_distribution(&self, from: &Entry, metadata: &Metadata, format: &str) -> Members {
        let mut all = Members::new();
        let licence = self.licence_iri(metadata, from);
        put(
            &mut all,
            "dct:license",
            typed(&licence, &format!("{DCT}LicenseDocument")),
        );
        let address = self.dataset_url(from.id());
        put(&mut all, "dcat:accessURL", json!({"@id": address}));
        put(&mut all, "dct:title", json!(format));
        all
    }

    /// What is said of a data service; `themes` are those of what it gives access to.
    pub(super) fn of_service(&self, name: &str, title: &str, description: &str, themes: &[String]) -> Members {
        let mut all = self.of_all();
        put(&mut all, "dct:title", json!([tagged("en", title)]));
        put(&mut all, "dct:description", json!([tagged("en", description)]));
        put(&mut all, "dct:identifier", json!(format!("{}#{name}", self.did)));
        let themes = some_or(&self.defaults.theme, themes);
        if !themes.is_empty() {
            put(
                &mut all,
                "dcat:theme",
                themes.iter().map(|t| concept(THEMES, t)).collect(),
            );
        }
        if let Some(word) = self
            .defaults
            .access_rights
            .as_deref()
            .and_then(|r| ACCESS_RIGHTS.find(r))
        {
            put(
                &mut all,
                "dct:accessRights",
                typed(&ACCESS_RIGHTS.iri(word), &format!("{DCT}RightsStatement")),
            );
        }
        let licence = match self.defaults.licence.as_deref() {
            Some(licence) if licence != BY_OFFER => licence.to_owned(),
            _ => by_agreement(),
        };
        put(
            &mut all,
            "dct:license",
            typed(&licence, &format!("{DCT}LicenseDocument")),
        );
        all
    }

    /// What is said of the catalogue, of which a page is shown.
    pub(super) fn of_catalogue(&self, total: usize) -> Members {
        let mut all = self.of_all();
        let description = format!("What {} offers through its connector.", self.name);
        put(&mut all, "dct:description", json!([tagged("en", &description)]));
        put(&mut all, TOTAL_ITEMS, json!(total));
        all
    }

    fn of_all(&self) -> Members {
        let mut all = Members::new();
        let publisher = self.defaults.publisher.as_ref();
        put(&mut all, "dct:publisher", self.agent(publisher));
        put(&mut all, "dct:creator", self.agent(publisher));
        if let Some(point) = &self.defaults.contact {
            put(&mut all, "dcat:contactPoint", contact(point));
        }
        put(
            &mut all,
            "dct:language",
            languages_of(self.defaults.language.as_slice()),
        );
        all
    }
}

fn languages_of(tags: &[String]) -> Value {
    let words = tags.iter().filter_map(|tag| LANGUAGES.find(tag));
    words
        .map(|word| typed(&LANGUAGES.iri(word), &format!("{DCT}LinguisticSystem")))
        .collect()
}

/// Stands for a licence where each dataset has its own: what may be done is agreed on.
fn by_agreement() -> String {
    format!("{HERLEID}ByAgreement")
}

fn some_or(first: &[String], else_these: &[String]) -> Vec<String> {
    if first.is_empty() {
        else_these.to_vec()
    } else {
        first.to_vec()
    }
}

/// Names under a prefix of the protocol's context, written out.
pub(super) fn expanded(name: &str) -> String {
    match name.split_once(':') {
        Some(("dct", rest)) => format!("{DCT}{rest}"),
        Some(("dcat", rest)) => format!("{DCAT}{rest}"),
        _ => name.to_owned(),
    }
}
