//! Legal bases: those for processing personal data (GDPR, article 6, by the Data Privacy Vocabulary 2.3 and our own scheme below it), and
//! Dutch laws by their numbers in the national collection (BWB), whole or to the article. A basis says why something is lawful; what it
//! is for is the purpose, and neither follows from the other. Only what stands in a table is known to be another one: anybody can write a
//! number that no law has.

use crate::operand::Operator;
use crate::truth::Truth;
use herleid_vocab::skos;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Namespace of the Data Privacy Vocabulary's legal bases of the GDPR.
const EU_GDPR: &str = "https://w3id.org/dpv/legal/eu/gdpr#";
/// Namespace of our own scheme below it.
const OURS: &str = "https://w3id.org/herleid/legal-basis#";
/// What the IRI of a Dutch law begins with (Juriconnect 1.3); its number follows, and then `&artikel=` and closer places.
const LAW: &str = "https://wetten.overheid.nl/jci1.3:c:";

/// The legal bases of the Data Privacy Vocabulary, each with what it lies below.
const DPV_BASES: [(&str, Option<&str>); 16] = [
    ("A6-1-a", None),
    ("A6-1-a-explicit-consent", Some("A6-1-a")),
    ("A6-1-a-non-explicit-consent", Some("A6-1-a")),
    ("A6-1-b", None),
    ("A6-1-b-contract-performance", Some("A6-1-b")),
    ("A6-1-b-enter-into-contract", Some("A6-1-b")),
    ("A6-1-c", None),
    ("A6-1-d", None),
    ("A6-1-d-data-subject", Some("A6-1-d")),
    ("A6-1-d-natural-person", Some("A6-1-d")),
    ("A6-1-e", None),
    ("A6-1-e-official-authority", Some("A6-1-e")),
    ("A6-1-e-public-interest", Some("A6-1-e")),
    ("A6-1-f", None),
    ("A6-1-f-controller", Some("A6-1-f")),
    ("A6-1-f-third-party", Some("A6-1-f")),
];

/// Every basis of the tables with what is one step broader, in their order.
fn rows() -> impl Iterator<Item = (String, Vec<String>)> {
    let dpv = DPV_BASES.iter().map(|(name, above)| {
        let above = above.iter().map(|name| format!("{EU_GDPR}{name}")).collect();
        (format!("{EU_GDPR}{name}"), above)
    });
    let ours = skos::legal_bases().concepts();
    dpv.chain(ours.map(|concept| (concept.iri().to_owned(), concept.broader().to_vec())))
}

/// Every basis of the tables, with itself and all that it lies below.
static WITHIN: LazyLock<BTreeMap<String, BTreeSet<String>>> = LazyLock::new(|| {
    let above: BTreeMap<String, Vec<String>> = rows().collect();
    let all = above.keys().map(|iri| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![iri.clone()]);
        while let Some(next) = open.pop() {
            if seen.insert(next.clone()) {
                open.extend(above.get(&next).into_iter().flatten().cloned());
            }
        }
        (iri.clone(), seen)
    });
    all.collect()
});

/// The full IRI of a basis that is written with the prefix of its scheme.
pub(crate) fn expand(text: &str) -> String {
    for (prefix, namespace) in [("legal-basis:", OURS), ("eu-gdpr:", EU_GDPR)] {
        if let Some(name) = text.strip_prefix(prefix) {
            return format!("{namespace}{name}");
        }
    }
    crate::terms::expand(text)
}

/// Every row, for the digest of what decisions rest on.
pub(crate) fn table() -> impl Iterator<Item = String> {
    rows().map(|(iri, above)| format!("basis {iri} {}", above.join(" ")))
}

/// The bases of the tables, and the laws. Of laws there are more than anybody lists.
pub(crate) fn known() -> impl Iterator<Item = String> {
    let laws = LAWS.iter().map(|number| format!("{LAW}{number}"));
    rows().map(|(iri, _)| iri).chain(laws)
}

/// What nobody names of the law that an IRI is of, and conditions on it may tell apart: the law whole, and one place below this one. Any other
/// place below it that nobody names comes out as that one does.
pub(crate) fn beside(iri: &str, is_named: impl Fn(&str) -> bool) -> Vec<String> {
    let Some(parts) = law(iri) else {
        return Vec::new();
    };
    let whole = parts.first().map(|number| format!("{LAW}{number}"));
    let next = if parts.len() == 1 { "artikel" } else { "lid" };
    let mut below = format!("{iri}&{next}=*");
    // Each turn is longer than the one before, so that this ends after as many turns as there are names.
    while is_named(&below) {
        below.push('*');
    }
    whole.into_iter().chain([below]).collect()
}

/// The laws that are known: those that the purposes name, which stand in the table of those.
static LAWS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let named = skos::purposes().concepts().filter_map(|concept| concept.law());
    let number = |law: &str| law.split_once(',').map_or(law, |(number, _)| number).to_owned();
    named.map(number).collect()
});

/// Whether something is known of it.
pub(crate) fn is_known(iri: &str) -> bool {
    WITHIN.contains_key(iri) || law(iri).is_some()
}

/// Whether it is a law, or a place in one.
pub(crate) fn is_law(iri: &str) -> bool {
    law(iri).is_some()
}

/// A law by its number, and the closer places in it.
fn law(iri: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = iri.strip_prefix(LAW)?.split('&').collect();
    let (number, places) = parts.split_first()?;
    let digits = number.strip_prefix("BWBR")?;
    let is_number = digits.len() == 7 && digits.bytes().all(|b| b.is_ascii_digit());
    let is_place = |place: &&str| {
        place
            .split_once('=')
            .is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
    };
    let begins_with_article = places.first().is_none_or(|place| place.starts_with("artikel="));
    (is_number && begins_with_article && places.iter().all(is_place)).then_some(parts)
}

/// Whether what rests on one basis rests on the other: the same one, or one that lies below it.
fn is_within(one: &str, other: &str) -> Truth {
    if one == other {
        return Truth::True;
    }
    if let (Some(one), Some(other)) = (law(one), law(other)) {
        if one.starts_with(&other) {
            return Truth::True;
        }
        // What articles a law has stands in no table; and a whole law is stated where an article is asked for: that does not say enough.
        let is_known = |law: &[&str]| law.first().is_some_and(|number| LAWS.contains(*number));
        let is_apart = one.first() != other.first() && is_known(&one) && is_known(&other);
        return if is_apart { Truth::False } else { Truth::Unknown };
    }
    match (WITHIN.get(one), WITHIN.get(other)) {
        (Some(above), _) if above.contains(other) => Truth::True,
        (Some(_), Some(_)) => {
            let share = WITHIN
                .values()
                .any(|above| above.contains(one) && above.contains(other));
            if share { Truth::Unknown } else { Truth::False }
        }
        // A law and a letter of the GDPR, or what no table has.
        _ => Truth::Unknown,
    }
}

/// Judges what was stated; with several, each must pass by itself. What it has to rest on is named, never left over.
pub(crate) fn compare<'a>(
    stated: impl Iterator<Item = &'a str>,
    operator: Operator,
    asked: impl Iterator<Item = &'a str> + Clone,
) -> Truth {
    let is_same = |one: &str, other: &str| match is_within(one, other) {
        Truth::True if one != other => Truth::Unknown,
        truth => truth,
    };
    match operator {
        Operator::Eq => Truth::unanimous(stated.map(|one| Truth::any(asked.clone().map(|other| is_same(one, other))))),
        Operator::IsA | Operator::IsAnyOf => {
            Truth::unanimous(stated.map(|one| Truth::any(asked.clone().map(|other| is_within(one, other)))))
        }
        _ => Truth::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operator::{Eq, IsA, IsAnyOf, Neq};

    fn ours(name: &str) -> String {
        format!("{OURS}{name}")
    }

    fn gdpr(name: &str) -> String {
        format!("{EU_GDPR}{name}")
    }

    fn place(text: &str) -> String {
        format!("{LAW}{text}")
    }

    fn judge(stated: &[&str], operator: Operator, asked: &[&str]) -> Truth {
        compare(stated.iter().copied(), operator, asked.iter().copied())
    }

    #[test]
    fn our_scheme_hangs_below_the_vocabulary_and_the_letters_are_apart() {
        for (one, other, expected) in [
            (ours("PubliekeTaak"), gdpr("A6-1-e"), Truth::True),
            (ours("AlgemeenBelang"), gdpr("A6-1-e-public-interest"), Truth::True),
            (ours("AlgemeenBelang"), gdpr("A6-1-e"), Truth::True),
            (ours("AlgemeenBelang"), ours("PubliekeTaak"), Truth::True),
            // What is broader does not say enough.
            (ours("PubliekeTaak"), ours("AlgemeenBelang"), Truth::Unknown),
            (ours("PubliekeTaak"), gdpr("A6-1-e-public-interest"), Truth::Unknown),
            (ours("Toestemming"), ours("PubliekeTaak"), Truth::False),
            (gdpr("A6-1-a-explicit-consent"), gdpr("A6-1-f"), Truth::False),
            (ours("AlgemeenBelang"), ours("OpenbaarGezag"), Truth::False),
            ("urn:x".to_owned(), ours("PubliekeTaak"), Truth::Unknown),
            (ours("Verzonnen"), ours("PubliekeTaak"), Truth::Unknown),
        ] {
            assert_eq!(is_within(&one, &other), expected, "{one} {other}");
        }
        assert_eq!(known().collect::<BTreeSet<_>>().len(), 24 + LAWS.len());
        assert_eq!(LAWS.len(), 22);
        assert!(rows().all(|(_, above)| above.iter().all(|iri| is_known(iri))));
    }

    #[test]
    fn an_article_lies_within_its_law_and_two_laws_are_apart() {
        let (whole, article) = (place("BWBR0037885"), place("BWBR0037885&artikel=5.1"));
        let paragraph = place("BWBR0037885&artikel=5.1&lid=2");
        let other = place("BWBR0037885&artikel=5.10");
        for (one, asked, expected) in [
            (&article, &whole, Truth::True),
            (&paragraph, &article, Truth::True),
            (&paragraph, &whole, Truth::True),
            (&whole, &article, Truth::Unknown),
            (&article, &paragraph, Truth::Unknown),
            (&other, &article, Truth::Unknown),
            (&article, &other, Truth::Unknown),
            (&paragraph, &place("BWBR0037885&artikel=5.1&lid=3"), Truth::Unknown),
            (&place("BWBR0005537"), &whole, Truth::False),
            (&place("BWBR0005537&artikel=5.1"), &article, Truth::False),
            // Numbers that no table has: they may be of no law, or of one that took the other's place.
            (&place("BWBR9999999"), &whole, Truth::Unknown),
            (&whole, &place("BWBR9999999&artikel=1"), Truth::Unknown),
            (&place("BWBR9999999"), &place("BWBR9999998"), Truth::Unknown),
            (&place("BWBR9999999&artikel=1"), &place("BWBR9999999"), Truth::True),
            // Which letter of the GDPR a law gives rise to, nobody here knows.
            (&article, &ours("PubliekeTaak"), Truth::Unknown),
            (&ours("PubliekeTaak"), &article, Truth::Unknown),
        ] {
            assert_eq!(is_within(one, asked), expected, "{one} {asked}");
        }
        for odd in [
            "BWBR37885",
            "BWBR00378850",
            "BWBV0037885",
            "BWBR0037885&",
            "BWBR0037885&artikel=",
            "BWBR0037885&lid=1",
            "BWBR0037885&=1",
            "",
        ] {
            assert_eq!(law(&place(odd)), None, "{odd}");
        }
    }

    #[test]
    fn operators_on_legal_bases() {
        let (task, interest, consent) = (ours("PubliekeTaak"), ours("AlgemeenBelang"), ours("Toestemming"));
        assert_eq!(judge(&[&interest], IsA, &[&task]), Truth::True);
        assert_eq!(
            judge(&[&interest], Eq, &[&task]),
            Truth::Unknown,
            "related, but not the same"
        );
        assert_eq!(judge(&[&task], Eq, &[&task]), Truth::True);
        assert_eq!(judge(&[&consent], Eq, &[&task]), Truth::False);
        assert_eq!(judge(&[&interest], IsAnyOf, &[&consent, &task]), Truth::True);
        assert_eq!(
            judge(&[&consent, &task], IsA, &[&task]),
            Truth::Unknown,
            "one of two does not pass"
        );
        for operator in [Eq, IsA, IsAnyOf] {
            assert_eq!(judge(&[], operator, &[&task]), Truth::Unknown);
            assert_eq!(judge(&["urn:x"], operator, &[&task]), Truth::Unknown);
        }
        assert_eq!(judge(&[&consent], Neq, &[&task]), Truth::Unknown);
        assert_eq!(expand("legal-basis:PubliekeTaak"), task);
        assert_eq!(expand("eu-gdpr:A6-1-e"), gdpr("A6-1-e"));
    }
}
