//! The examples and tables of docs/policies.md are what the code does.

use herleid_policies::{Action, Language, Operand, Policy, limits, ready};
use herleid_vocab::skos::{self, Concept, Scheme};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

fn text() -> String {
    std::fs::read_to_string(path("policies.md")).unwrap()
}

#[test]
fn every_example_can_be_published() {
    let text = text();
    let examples: Vec<&str> = text
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 6);
    for example in examples {
        let json: Value = serde_json::from_str(example).unwrap();
        let offer = match json.get("@type") {
            Some(_) => json,
            None => json!({"@type": "Offer", "@id": "urn:o", "permission": [{"action": "use", "constraint": [json]}]}),
        };
        Policy::parse_for_offer(&offer).unwrap_or_else(|why| panic!("{why}\n{example}"));
    }
}

#[test]
fn the_tables_name_what_is_built() {
    let text = text();
    for operand in Operand::ALL {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{}`", operand.wire())))
            .unwrap();
        for operator in operand.operators() {
            assert!(row.contains(&format!("`{}`", operator.name())), "{row}");
        }
    }
    for outward in [
        "distribute",
        "grantUse",
        "present",
        "nextPolicy",
        "transfer",
        "sell",
        "give",
    ] {
        assert!(Action::parse(outward).unwrap().to_others());
        assert!(text.contains(&format!("`odrl:{outward}`")), "{outward}");
    }
    let numbers = [
        format!("{} KiB", limits::MAX_BYTES / 1024),
        format!("{} levels deep", limits::MAX_DEPTH),
        format!("{} rules", limits::MAX_RULES),
        "2,000 conditions".to_owned(),
        format!("{} levels of", limits::MAX_NESTING),
        format!("{} values", limits::MAX_RIGHT_VALUES),
    ];
    assert_eq!(limits::MAX_CONSTRAINTS, 2000);
    for number in numbers {
        assert!(text.contains(&number), "{number}");
    }
}

#[test]
fn every_ready_made_policy_stands_in_the_table_with_its_open_places() {
    let text = text();
    for ready in ready::all() {
        let places: Vec<String> = ready
            .places(Language::English)
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let row = format!(
            "| `{}` | {} | {} |",
            ready.name(),
            places.join(", "),
            ready.title(Language::English)
        );
        assert!(text.contains(&row.replace("|  |", "| |")), "{row}");
    }
}

/// A concept as it is typed: with the prefix of its scheme.
fn short(iri: &str) -> String {
    let names = [
        ("https://w3id.org/herleid/purpose#", "purpose:"),
        ("https://w3id.org/herleid/legal-basis#", "legal-basis:"),
        ("https://w3id.org/dpv/legal/eu/gdpr#", "eu-gdpr:"),
        ("https://w3id.org/dpv#", "dpv:"),
    ];
    let mut short = names
        .iter()
        .filter_map(|(long, prefix)| Some(format!("{prefix}{}", iri.strip_prefix(long)?)));
    short.next().unwrap()
}

fn rows(scheme: &Scheme, law: impl Fn(&Concept) -> String) -> String {
    let row = |concept: &Concept| {
        let broader: Vec<String> = concept
            .broader()
            .iter()
            .map(|iri| format!("`{}`", short(iri)))
            .collect();
        let label = concept.label();
        format!(
            "| `{}` | {} | {} | {} / {} |",
            short(concept.iri()),
            law(concept),
            broader.join(", "),
            label.en,
            label.nl
        )
    };
    scheme.concepts().map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_lists_of_purposes_and_legal_bases_are_what_is_built_in() {
    let purposes = rows(skos::purposes(), |concept| {
        format!("[{}]({})", concept.law().unwrap(), concept.source())
    });
    let bases = rows(skos::legal_bases(), |concept| format!("[GDPR]({})", concept.source()));
    let head = "|---|---|---|---|\n";
    let written = std::fs::read_to_string(path("purposes.md")).unwrap();
    let mut parts: Vec<String> = written.split(head).map(str::to_owned).collect();
    assert_eq!(parts.len(), 3);
    for (part, table) in parts.iter_mut().skip(1).zip([purposes, bases]) {
        let rest = part
            .split_once("\n\n")
            .map_or(String::new(), |(_, rest)| format!("\n{rest}"));
        *part = format!("{table}\n{rest}");
    }
    let expected = parts.join(head);
    if std::env::var_os("HERLEID_WRITE_DOCS").is_some() {
        std::fs::write(path("purposes.md"), &expected).unwrap();
    } else {
        let hint = "HERLEID_WRITE_DOCS=1 cargo test -p herleid-policies --test policies docs writes it anew";
        assert!(written == expected, "docs/purposes.md is out of date: {hint}");
    }
}
