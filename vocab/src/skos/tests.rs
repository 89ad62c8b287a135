use super::*;
use crate::reference;
use crate::terms::DPV;
use std::collections::BTreeSet;

const PURPOSE: &str = "https://w3id.org/herleid/purpose#";
const LEGAL_BASIS: &str = "https://w3id.org/herleid/legal-basis#";
const EU_GDPR: &str = "https://w3id.org/dpv/legal/eu/gdpr#";

fn read(text: &str) -> Scheme {
    Scheme::read(text).unwrap()
}

#[test]
fn both_are_read_whole_and_every_concept_speaks_both_languages() {
    for (text, own, least) in [(PURPOSES, PURPOSE, 60), (LEGAL_BASES, LEGAL_BASIS, 8)] {
        let scheme = read(text);
        assert!(scheme.concepts().count() >= least);
        assert_eq!(text.matches("\"skos:Concept\"").count(), scheme.concepts().count());
        let mut labels = BTreeSet::new();
        for concept in scheme.concepts() {
            let name = concept.iri().strip_prefix(own).unwrap();
            assert!(
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()),
                "{name}"
            );
            let Label { en, nl } = concept.label();
            for label in [en, nl] {
                assert!(label.len() > 5 && label.trim() == label, "{name}: {label}");
            }
            assert!(
                labels.insert(nl.clone()) && labels.insert(en.clone()),
                "{name}: a label of another concept"
            );
        }
    }
    assert_eq!(purposes(), &read(PURPOSES));
    assert_eq!(legal_bases(), &read(LEGAL_BASES));
}

/// Every chain upwards ends outside the scheme, in the vocabulary that it hangs below, and none comes back to where it was.
fn climb(scheme: &Scheme, iri: &str, below: &str, left: usize, ends: &mut BTreeSet<String>) {
    assert!(left > 0, "a cycle above {iri}");
    let Some(concept) = scheme.find(iri) else {
        assert!(iri.starts_with(below), "{iri} is in no scheme");
        ends.insert(iri.to_owned());
        return;
    };
    assert!(!concept.broader().is_empty(), "{iri} hangs below nothing");
    for above in concept.broader() {
        climb(scheme, above, below, left - 1, ends);
    }
}

fn ends(text: &str, below: &str) -> BTreeSet<String> {
    let scheme = read(text);
    let mut ends = BTreeSet::new();
    for concept in scheme.concepts() {
        climb(&scheme, concept.iri(), below, 10, &mut ends);
    }
    ends
}

#[test]
fn every_purpose_ends_in_a_purpose_of_the_data_privacy_vocabulary() {
    let ends = ends(PURPOSES, DPV);
    assert!(ends.contains("https://w3id.org/dpv#LegalCompliance"));
    let Some(file) = reference::find("every purpose ends in DPV", "spec/odrl/dpv-2.3-purposes.csv") else {
        return;
    };
    let rows = std::fs::read_to_string(file).unwrap();
    for end in ends {
        assert!(
            rows.contains(&format!(",\"class\",\"{end}\",")),
            "{end} is no purpose of DPV 2.3"
        );
    }
}

#[test]
fn every_legal_basis_ends_in_article_6_as_the_vocabulary_has_it() {
    let ends = ends(LEGAL_BASES, EU_GDPR);
    let letters: BTreeSet<String> = ["a", "b", "c", "d", "e", "f"]
        .map(|l| format!("{EU_GDPR}A6-1-{l}"))
        .into();
    assert!(ends.is_superset(&letters), "{ends:?}");
    let place = "spec/odrl/dpv-2.3-eu-gdpr-legal_basis.ttl";
    let Some(file) = reference::find("every legal basis is in DPV", place) else {
        return;
    };
    let text = std::fs::read_to_string(file).unwrap();
    for end in ends {
        let name = end.replace(EU_GDPR, "eu-gdpr:");
        assert!(text.contains(&format!("\n{name} a ")), "{name}");
    }
}

#[test]
fn purposes_and_legal_bases_share_nothing() {
    let bases = read(LEGAL_BASES);
    for concept in read(PURPOSES).concepts() {
        assert!(bases.find(concept.iri()).is_none());
        assert!(
            concept.broader().iter().all(|above| !above.starts_with(EU_GDPR)),
            "{}",
            concept.iri()
        );
    }
}

#[test]
fn every_law_is_a_number_of_the_national_collection_and_the_source_leads_there() {
    for concept in read(PURPOSES).concepts() {
        let law = concept.law().unwrap();
        let (bwb, article) = match law.split_once(", artikel ") {
            Some((bwb, article)) => (bwb, Some(article)),
            None => (law, None),
        };
        let number = bwb.strip_prefix("BWBR").unwrap();
        assert!(number.len() == 7 && number.bytes().all(|b| b.is_ascii_digit()), "{law}");
        let suffix = article.map(|article| format!("&artikel={article}")).unwrap_or_default();
        assert_eq!(
            concept.source(),
            format!("https://wetten.overheid.nl/jci1.3:c:{bwb}{suffix}")
        );
        let plain = |article: &str| article.bytes().all(|b| b.is_ascii_digit() || b".:".contains(&b));
        assert!(
            article.is_none_or(|article| !article.is_empty() && plain(article)),
            "{law}"
        );
        // What lies below a law of ours and names an article of another law lies below that one too.
        if article.is_some() && !concept.broader().iter().any(|above| above.starts_with(DPV)) {
            let scheme = read(PURPOSES);
            let laws = |iri: &String| scheme.find(iri).and_then(Concept::law).map(|l| l[..11].to_owned());
            assert!(
                concept.broader().iter().filter_map(laws).any(|above| above == bwb),
                "{}",
                concept.iri()
            );
        }
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let good =
        |node: &str| format!("{{\"@context\": {{\"p\": \"urn:p:\", \"skos\": \"urn:skos:\"}}, \"@graph\": [{node}]}}");
    let node = r#"{"@id": "p:a", "@type": "skos:Concept", "inScheme": "urn:p", "prefLabel": {"nl": "een", "en": "one"},
        "broader": ["p:b"], "source": "urn:law"}"#;
    assert_eq!(read(&good(node)).find("urn:p:a").unwrap().broader(), ["urn:p:b"]);
    for (from, to) in [
        ("\"p:a\"", "\"q:a\""),
        ("\"p:b\"", "\"b\""),
        ("\"nl\": \"een\", ", ""),
        ("\"source\"", "\"sauce\""),
        (", \"source\": \"urn:law\"", ""),
        ("\"inScheme\": \"urn:p\",", ""),
    ] {
        let bad = node.replace(from, to);
        assert_ne!(bad, node, "{from}");
        assert!(Scheme::read(&good(&bad)).is_err(), "{bad}");
    }
    assert!(
        Scheme::read(&good(&format!("{node},{node}")))
            .unwrap_err()
            .contains("twice")
    );
    assert!(Scheme::read("{}").is_err());
}
