//! How terms are spelled: bare, with a known prefix, or as a full IRI; all three are one term here.
//!
//! JSON-LD contexts are never fetched, so the prefixes that may occur are the ones below and no others.

use herleid_vocab::terms::{DCT, DPV, HERLEID, ODRL};

/// Namespace of the Dataspace Protocol 2025-1.
pub(crate) const DSPACE: &str = "https://w3id.org/dspace/2025/1/";
/// Namespace of the XML Schema datatypes.
pub(crate) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
/// Namespace of our own purposes of public law.
pub const PURPOSE: &str = "https://w3id.org/herleid/purpose#";

const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";

/// Prefixes with one fixed meaning. An `@context` that binds one of them to anything else is refused.
pub(crate) const PREFIXES: [(&str, &str); 10] = [
    ("odrl", ODRL),
    ("dspace", DSPACE),
    ("dct", DCT),
    ("dcterms", DCT),
    ("xsd", XSD),
    ("dpv", DPV),
    ("rdfs", RDFS),
    ("skos", SKOS),
    ("herleid", HERLEID),
    ("purpose", PURPOSE),
];

/// Contexts whose meaning is built in.
pub(crate) const CONTEXTS: [&str; 4] = [
    herleid_vocab::terms::DSP_CONTEXT,
    "https://w3id.org/dspace/2025/1/odrl-profile.jsonld",
    "http://www.w3.org/ns/odrl.jsonld",
    "https://www.w3.org/ns/odrl.jsonld",
];

/// Profiles that add nothing to what is built in.
pub(crate) const PROFILES: [&str; 4] = [
    ODRL,
    "http://www.w3.org/ns/odrl/2/core",
    "https://w3id.org/dspace/2025/1/odrl-profile",
    "https://w3id.org/dspace/2025/1/odrl-profile.jsonld",
];

/// Members of ODRL that the context of the Dataspace Protocol 2025-1 does not define: a peer that expands JSON-LD drops
/// them without a word, and would hold a policy that says something else than ours.
pub(crate) const DROPPED: [&str; 22] = [
    "refinement",
    "conflict",
    "inheritFrom",
    "inheritAllowed",
    "inheritRelation",
    "unit",
    "dataType",
    "status",
    "remedy",
    "consequence",
    "failure",
    "relation",
    "function",
    "output",
    "partOf",
    "source",
    "implies",
    "includedIn",
    "rightOperandReference",
    "operand",
    "undefined",
    "scope",
];

/// What only speaks to people: it never changes a decision and is left out of the canonical form.
const NOTES: [(&str, &[&str]); 3] = [
    (
        DCT,
        &[
            "title",
            "description",
            "creator",
            "publisher",
            "created",
            "issued",
            "modified",
            "source",
            "license",
        ],
    ),
    (RDFS, &["label", "comment"]),
    (SKOS, &["prefLabel", "note", "definition", "example"]),
];

/// The full IRI of a prefixed name, or the text as it is.
pub(crate) fn expand(text: &str) -> String {
    if let Some((prefix, rest)) = text.split_once(':')
        && !rest.starts_with("//")
        && let Some((_, namespace)) = PREFIXES.iter().find(|(name, _)| *name == prefix)
    {
        return format!("{namespace}{rest}");
    }
    text.to_owned()
}

/// The local name of an ODRL term, in any spelling; `None` when the text names something else.
pub(crate) fn odrl_local(text: &str) -> Option<&str> {
    let local = text
        .strip_prefix(ODRL)
        .or_else(|| text.strip_prefix("odrl:"))
        .unwrap_or(text);
    (!local.is_empty() && local.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(local)
}

/// What the name of a member means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// A JSON-LD keyword, or the alias that ODRL's own context gives it (`uid`, `type`).
    Keyword(&'static str),
    /// A local name of ODRL, or of the Dataspace Protocol where ODRL has none (`timestamp`).
    Term(String),
    /// For people only.
    Note,
    /// Anything else.
    Foreign,
}

/// Reads the name of a member.
pub(crate) fn name(text: &str) -> Name {
    match text {
        "@id" | "uid" | "id" => return Name::Keyword("@id"),
        "@type" | "type" => return Name::Keyword("@type"),
        "@context" => return Name::Keyword("@context"),
        "@value" => return Name::Keyword("@value"),
        _ => {}
    }
    let full = expand(text);
    if full == format!("{ODRL}uid") {
        return Name::Keyword("@id");
    }
    if text == "timestamp" || full == format!("{DSPACE}timestamp") {
        return Name::Term("timestamp".to_owned());
    }
    let is_note =
        |(namespace, names): &(&str, &[&str])| full.strip_prefix(namespace).is_some_and(|local| names.contains(&local));
    if NOTES.iter().any(is_note) {
        return Name::Note;
    }
    match odrl_local(text) {
        Some(local) => Name::Term(local.to_owned()),
        None => Name::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_spellings_are_one_name() {
        for text in [
            "permission",
            "odrl:permission",
            "http://www.w3.org/ns/odrl/2/permission",
        ] {
            assert_eq!(name(text), Name::Term("permission".to_owned()), "{text}");
        }
        for text in ["@id", "uid", "odrl:uid", "http://www.w3.org/ns/odrl/2/uid"] {
            assert_eq!(name(text), Name::Keyword("@id"), "{text}");
        }
        for text in [
            "timestamp",
            "dspace:timestamp",
            "https://w3id.org/dspace/2025/1/timestamp",
        ] {
            assert_eq!(name(text), Name::Term("timestamp".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_foreign() {
        assert_eq!(name("ex:permission"), Name::Foreign);
        assert_eq!(name("https://example.org/permission"), Name::Foreign);
        assert_eq!(name("odrl:"), Name::Foreign);
        assert_eq!(name("dct:description"), Name::Note);
        assert_eq!(name("dct:isReplacedBy"), Name::Foreign);
        assert_eq!(expand("did:web:a"), "did:web:a");
        assert_eq!(expand("dpv:Purpose"), "https://w3id.org/dpv#Purpose");
    }
}
