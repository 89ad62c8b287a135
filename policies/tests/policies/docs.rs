//! The examples and tables of docs/policies.md are what the code does.

use herleid_policies::{Action, Operand, Policy, limits, purpose, terms::PURPOSE};
use serde_json::{Value, json};
use std::path::Path;

fn text() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policies.md")).unwrap()
}

#[test]
fn every_example_can_be_published() {
    let text = text();
    let examples: Vec<&str> = text
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 3);
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
    for line in text.lines().filter(|line| line.starts_with("| `Omgevingswet")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let iri = format!("{PURPOSE}{}", cells[1].trim_matches('`'));
        assert!(purpose::law(&iri).is_some_and(|law| law.ends_with(cells[2])), "{line}");
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
