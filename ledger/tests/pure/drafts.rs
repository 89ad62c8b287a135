//! Every kind's rules: a draft that keeps them is taken, one without any single required part is refused by name.

use herleid_ledger::exchange::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::{Document, Draft, DraftError, Kind, NotBefore, RuleError, Side, StreamKey};
use herleid_ledger::section::SectionName;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What a draft is made of, so that parts can be left out.
#[derive(Clone)]
struct Parts {
    kind: Kind,
    sections: BTreeMap<SectionName, Value>,
    streams: Vec<StreamKey>,
    documents: Vec<Document>,
}

fn stream(section: SectionName) -> StreamKey {
    match section {
        SectionName::StreamModel => StreamKey::Model {
            model: "sewer".into(),
            consumer: "did:web:app.example".parse().unwrap(),
        },
        SectionName::StreamCase => StreamKey::Case { case: "Z-1".into() },
        _ => StreamKey::Agreement {
            agreement: "urn:a".into(),
            side: Side::Provider,
            other: "did:web:app.example".parse().unwrap(),
        },
    }
}

fn whole(kind: Kind) -> Parts {
    let needed = kind.requirements();
    let mut parts = Parts {
        kind,
        sections: BTreeMap::new(),
        streams: Vec::new(),
        documents: Vec::new(),
    };
    let content = Content::digest([1; 32], b"abc", "text/csv");
    for (section, members) in needed.rules.iter().copied() {
        if section.is_made_by_the_log() {
            parts.streams.push(stream(section));
            continue;
        }
        let value = match section {
            SectionName::Content => content.to_value(),
            SectionName::Exchange => exchange(needed.phase.unwrap(), &content).to_value(),
            _ => json!({}),
        };
        let value = parts.sections.entry(section).or_insert(value);
        for member in members {
            value[*member] = match *member {
                "outputs" | "documents" => json!([]),
                "status" => json!(needed.run_status[0]),
                "case" if section == SectionName::Run => json!(null),
                _ => json!("x"),
            };
        }
    }
    if let Some(set) = needed.facts_either.first() {
        for member in *set {
            parts.sections.get_mut(&SectionName::Facts).unwrap()[*member] = json!("x");
        }
    }
    for (role, count) in needed.roles {
        for n in 0..*count {
            parts.documents.push(Document {
                role: (*role).to_owned(),
                media_type: "text/plain".into(),
                bytes: vec![n as u8],
            });
        }
    }
    parts
}

fn exchange(phase: Phase, content: &Content) -> Exchange {
    Exchange {
        transaction: "01725b5e-8a00-7000-8000-000000000001".parse().unwrap(),
        segment: 1,
        phase,
        agreement: "urn:a".into(),
        provider: "did:web:knmi.example".parse().unwrap(),
        consumer: "did:web:app.example".parse().unwrap(),
        subject: Subject::Dataset {
            dataset: "rain".into(),
            version: "1".into(),
        },
        from: 0,
        to: content.bytes,
        content: content.mac(),
    }
}

fn check(parts: &Parts) -> Result<(), DraftError> {
    let mut draft = Draft::new(parts.kind, TRACE);
    for (name, value) in &parts.sections {
        draft = draft.section(*name, value.clone());
    }
    for key in &parts.streams {
        draft = draft.stream(key.clone());
    }
    for document in &parts.documents {
        draft = draft.evidence(document.clone());
    }
    draft.check()
}

#[test]
fn kinds_are_those_of_the_format() {
    let format = include_str!("../../../docs/log-format.md");
    let table = format
        .split("## 6. Kinds")
        .nth(1)
        .unwrap()
        .split("## 7.")
        .next()
        .unwrap();
    let mut written: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .flat_map(|line| line.split('|').next().unwrap().split('`').step_by(1))
        .filter(|word| word.contains('-') || word.chars().all(|c| c.is_ascii_lowercase()) && word.len() > 3)
        .filter(|word| !word.contains(' '))
        .collect();
    written.sort_unstable();
    let mut known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    known.sort_unstable();
    assert_eq!(written, known);
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse::<Kind>().unwrap(), *kind);
    }
    assert!("pull-open".parse::<Kind>().is_err());
}

#[test]
fn a_draft_that_keeps_the_rules_is_taken() {
    for kind in Kind::ALL {
        check(&whole(*kind)).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn a_draft_without_any_required_part_is_refused() {
    for kind in Kind::ALL.iter().copied() {
        let needed = kind.requirements();
        let good = whole(kind);
        for section in good.sections.keys() {
            let mut parts = good.clone();
            parts.sections.remove(section);
            // Attached documents bring the section along.
            let made_anyway = *section == SectionName::Evidence && !parts.documents.is_empty();
            assert_eq!(check(&parts).is_ok(), made_anyway, "{kind} without {section}");
        }
        for left_out in 0..good.streams.len() {
            let mut parts = good.clone();
            parts.streams.remove(left_out);
            assert!(
                matches!(check(&parts), Err(DraftError::Rule(RuleError::Missing { .. }))),
                "{kind}"
            );
        }
        for left_out in 0..good.documents.len() {
            let mut parts = good.clone();
            parts.documents.remove(left_out);
            match check(&parts) {
                Err(DraftError::Rule(
                    RuleError::Role { .. } | RuleError::Missing { .. } | RuleError::Member { .. },
                )) => {}
                other => panic!("{kind}: {other:?}"),
            }
        }
        for (section, members) in needed.rules.iter().copied() {
            for member in members {
                let mut parts = good.clone();
                parts
                    .sections
                    .get_mut(&section)
                    .unwrap()
                    .as_object_mut()
                    .unwrap()
                    .remove(*member);
                let named = DraftError::Rule(RuleError::Member {
                    kind,
                    section,
                    member: (*member).to_owned(),
                });
                if *member == "documents" && !good.documents.is_empty() {
                    continue;
                }
                assert_eq!(check(&parts), Err(named));
            }
        }
    }
}

#[test]
fn a_denial_tells_its_decision_or_its_count() {
    let mut parts = whole(Kind::Denied);
    let facts = |members: &[&str]| -> Value {
        let mut facts: Map<String, Value> = Map::new();
        for member in members {
            facts.insert((*member).to_owned(), json!("x"));
        }
        Value::Object(facts)
    };
    for (members, taken) in [
        (&["what", "party", "decision"][..], true),
        (&["what", "party", "count", "first", "last", "reasons"], true),
        (&["what", "party", "count", "first", "last"], false),
        (&["what", "party"], false),
    ] {
        parts.sections.insert(SectionName::Facts, facts(members));
        assert_eq!(check(&parts).is_ok(), taken, "{members:?}");
    }
}

#[test]
fn exchange_and_content_go_together_and_agree() {
    let good = whole(Kind::PullReceived);
    for section in [SectionName::Exchange, SectionName::Content] {
        let mut opened = whole(Kind::PullOpened);
        opened.sections.insert(section, good.sections[&section].clone());
        assert_eq!(
            check(&opened),
            Err(DraftError::Rule(RuleError::ExchangeAlone { kind: Kind::PullOpened }))
        );
    }
    let mut other_digest = good.clone();
    other_digest.sections.get_mut(&SectionName::Content).unwrap()["sha256"] = json!("00".repeat(32));
    assert_eq!(
        check(&other_digest),
        Err(DraftError::ContentMac {
            kind: Kind::PullReceived
        })
    );
    let mut other_phase = good;
    other_phase.sections.get_mut(&SectionName::Exchange).unwrap()["phase"] = json!("run-result");
    assert!(matches!(
        check(&other_phase),
        Err(DraftError::Rule(RuleError::Value { member: "phase", .. }))
    ));
}

#[test]
fn a_run_has_the_status_and_outputs_of_its_kind() {
    for kind in [
        Kind::RunRequested,
        Kind::RunStarted,
        Kind::RunFinished,
        Kind::RunReceived,
        Kind::RunFailed,
    ] {
        let mut parts = whole(kind);
        parts.sections.get_mut(&SectionName::Run).unwrap()["status"] = json!("done");
        assert!(
            matches!(
                check(&parts),
                Err(DraftError::Rule(RuleError::Value { member: "status", .. }))
            ),
            "{kind}"
        );
    }
    let mut early = whole(Kind::RunStarted);
    early.sections.get_mut(&SectionName::Run).unwrap()["outputs"] = json!([{"name": "flood"}]);
    assert!(matches!(
        check(&early),
        Err(DraftError::Rule(RuleError::Value { member: "outputs", .. }))
    ));
    let mut for_a_case = whole(Kind::RunReceived);
    for_a_case.sections.get_mut(&SectionName::Run).unwrap()["case"] = json!("Z-1");
    assert!(matches!(
        check(&for_a_case),
        Err(DraftError::Rule(RuleError::Missing {
            section: SectionName::StreamCase,
            ..
        }))
    ));
    for_a_case.streams.push(stream(SectionName::StreamCase));
    check(&for_a_case).unwrap();
}

#[test]
fn what_the_log_makes_itself_cannot_be_brought() {
    let draft =
        || Draft::new(Kind::Replayed, TRACE).section(SectionName::Facts, json!({"transaction": 1, "verdict": 1}));
    draft().check().unwrap();
    for section in SectionName::ALL.into_iter().filter(|name| name.is_made_by_the_log()) {
        let brought = draft().section(section, json!({}));
        assert!(
            matches!(brought.check(), Err(DraftError::MadeByLog { .. })),
            "{section}"
        );
    }
    assert!(matches!(
        draft().section(SectionName::Facts, json!({})).check(),
        Err(DraftError::Twice { .. })
    ));
    let case = stream(SectionName::StreamCase);
    let twice = draft().stream(case.clone()).stream(case);
    assert!(matches!(twice.check(), Err(DraftError::Twice { .. })));
    let decimal = draft().section(SectionName::Private, json!({"share": 0.5}));
    assert!(matches!(decimal.check(), Err(DraftError::Section { .. })));
    let long = draft().put("k".repeat(3000), None);
    assert!(matches!(long.check(), Err(DraftError::KeyLength { .. })));
}

#[test]
fn the_trace_is_checked() {
    let facts = json!({"transaction": 1, "verdict": 1});
    let draft = |trace: &str| Draft::new(Kind::Replayed, trace).section(SectionName::Facts, facts.clone());
    for trace in [
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
    ] {
        assert!(matches!(draft(trace).check(), Err(DraftError::Trace { .. })), "{trace}");
    }
    draft(TRACE).check().unwrap();
}

#[test]
fn a_draft_whose_envelope_would_be_too_long_is_refused() {
    let draft =
        || Draft::new(Kind::Replayed, TRACE).section(SectionName::Facts, json!({"transaction": 1, "verdict": 1}));
    let with = |count: usize| (0..count).fold(draft(), |draft, _| draft.prior([7; 32]));
    with(15_000).check().unwrap();
    assert!(matches!(
        with(16_000).check(),
        Err(DraftError::Envelope { prior: 16_000, .. })
    ));
    let seen = NotBefore {
        origin: "x".repeat(1 << 20),
        size: 1,
        root: [1; 32],
        note: [2; 32],
    };
    let long = draft().not_before(seen.clone());
    assert!(matches!(long.check(), Err(DraftError::Envelope { prior: 0, .. })));
    let origin = "app.example/log/1".to_owned();
    let huge = draft().not_before(NotBefore {
        origin,
        size: u64::MAX,
        ..seen
    });
    assert!(matches!(huge.check(), Err(DraftError::Envelope { prior: 0, .. })));
}

#[test]
fn a_section_over_the_limit_or_with_a_number_that_has_no_one_form_is_refused_by_name() {
    let sections = [
        SectionName::Facts,
        SectionName::Private,
        SectionName::People,
        SectionName::Parameters,
    ];
    for section in sections {
        let refused = |value: Value| {
            let facts = json!({"transaction": 1, "verdict": 1});
            let draft = Draft::new(Kind::Replayed, TRACE);
            let draft = match section {
                SectionName::Facts => draft,
                _ => draft.section(SectionName::Facts, facts.clone()),
            };
            let error = draft.section(section, value).check().unwrap_err();
            assert!(
                matches!(&error, DraftError::Section { section: found, .. } if *found == section),
                "{error}"
            );
            error.to_string()
        };
        let said = refused(json!({"transaction": 1, "verdict": "x".repeat(1 << 20)}));
        for part in [section.as_str(), "1048576", "1048606"] {
            assert!(said.contains(part), "no `{part}`: {said}");
        }
        let said = refused(json!({"transaction": 1, "verdict": 0.5}));
        assert!(
            said.contains(section.as_str()) && said.contains("/verdict") && said.contains("integers from 0"),
            "{said}"
        );
    }
}
