//! No mutation of a request that was denied becomes permitted by error: what grants then is something that the plain evaluator
//! grants as well, to the parties that the agreement names, to the letter.

use crate::common::{APP, BOARD, DPV, KNMI, OURS, RAIN};
use crate::generated::{self, Known};
use crate::plain;
use herleid_policies::{Action, Outcome, Policy, PolicyKind, Reason, Request, reevaluate};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// How many cases are tried: as many as `PROPTEST_CASES` says (`make fuzz`).
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.map_or(1024, |text| text.parse().expect("PROPTEST_CASES is a number")),
        // What is permitted is left out, which with many cases is more than are left out otherwise.
        max_global_rejects: u32::MAX,
        max_local_rejects: u32::MAX,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// What a text becomes in the hands of somebody who would rather be somebody else.
#[derive(Debug, Clone)]
enum Damage {
    None,
    Replace(Index, char),
    Insert(Index, char),
    Cut(Index),
    Append(&'static str),
    Prepend(&'static str),
    UpperCase,
    Percent(Index),
    Other(&'static str),
    Anything(String),
}

fn damage() -> impl Strategy<Value = Damage> {
    let odd = || {
        prop_oneof![
            any::<char>(),
            select(vec!['\0', ' ', '\u{200b}', '\u{0430}', '#', '/', ':', '%'])
        ]
    };
    prop_oneof![
        3 => Just(Damage::None),
        2 => (any::<Index>(), odd()).prop_map(|(at, with)| Damage::Replace(at, with)),
        2 => (any::<Index>(), odd()).prop_map(|(at, with)| Damage::Insert(at, with)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => select(vec!["/", "#", ".", " ", "\0", "?a", "#key-1"]).prop_map(Damage::Append),
        1 => select(vec![" ", "odrl:", "http://www.w3.org/ns/odrl/2/", "_:", "<"]).prop_map(Damage::Prepend),
        1 => Just(Damage::UpperCase),
        1 => any::<Index>().prop_map(Damage::Percent),
        2 => select(vec!["", APP, BOARD, KNMI, RAIN, "use", "odrl:use", "distribute", "copy", "*", "null", "urn:example:rain/"])
            .prop_map(Damage::Other),
        1 => "\\PC{0,40}".prop_map(Damage::Anything),
    ]
}

fn damaged(text: &str, damage: &Damage) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    match damage {
        Damage::Replace(at, with) if !letters.is_empty() => {
            let at = at.index(letters.len());
            letters[at] = *with;
        }
        Damage::Insert(at, with) => letters.insert(at.index(letters.len() + 1), *with),
        Damage::Cut(at) if !letters.is_empty() => letters.truncate(at.index(letters.len())),
        Damage::Append(more) => letters.extend(more.chars()),
        Damage::Prepend(more) => letters = more.chars().chain(letters).collect(),
        Damage::UpperCase => letters = text.to_uppercase().chars().collect(),
        Damage::Percent(at) if !letters.is_empty() => {
            let at = at.index(letters.len());
            let code = format!("%{:02X}", u32::from(letters[at]));
            letters.splice(at..=at, code.chars());
        }
        Damage::Other(other) => return (*other).to_owned(),
        Damage::Anything(other) => return other.clone(),
        _ => {}
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_mutation_of_a_denied_request_is_permitted_by_error_and_none_makes_it_panic(
        json in generated::policy(), request in generated::request(), known in generated::known(),
        damages in prop::collection::vec(damage(), 7), later in generated::known(), is_later in any::<bool>(),
    ) {
        let policy = Policy::parse(&json).unwrap();
        let facts = generated::facts(&policy, &known);
        prop_assume!(!policy.decide(&request, &facts).is_permit());
        let mutated = Request {
            action: damaged(&request.action, &damages[0]),
            assignee: damaged(&request.assignee, &damages[1]),
            assigner: damaged(&request.assigner, &damages[2]),
            target: damaged(&request.target, &damages[3]),
            now_ms: request.now_ms,
        };
        let known = Known {
            purposes: known.purposes.iter().map(|purpose| damaged(purpose, &damages[4])).collect(),
            recipient: known.recipient.as_deref().map(|recipient| damaged(recipient, &damages[5])),
            areas: known.areas.iter().map(|area| damaged(area, &damages[6])).collect(),
            // Somebody may also come back when other things are known: of the log, the counters, the bytes.
            ..if is_later { later } else { known.clone() }
        };
        let facts = generated::facts(&policy, &known);
        let decision = policy.decide(&mutated, &facts);
        prop_assert_eq!(decision.is_permit(), policy.judge(&mutated, &facts) == Reason::Granted);
        if decision.is_permit() {
            let plain = plain::evaluated(&policy, &mutated, &known).map_err(TestCaseError::fail)?;
            prop_assert_eq!(plain.outcome, Outcome::Permit, "{}", json);
            prop_assert!(Action::parse(&mutated.action).is_some());
            prop_assert_eq!(&mutated.target, RAIN);
            if policy.kind() == PolicyKind::Agreement {
                prop_assert_eq!((mutated.assignee.as_str(), mutated.assigner.as_str()), (APP, KNMI));
            }
        }
    }

    #[test]
    fn a_damaged_record_of_a_denial_never_follows_as_a_permit_and_never_panics(
        json in generated::policy(), request in generated::request(), known in generated::known(),
        steps in prop::collection::vec(any::<u32>(), 1..6), with in generated::any_json(),
    ) {
        let policy = Policy::parse(&json).unwrap();
        let decision = policy.decide(&request, &generated::facts(&policy, &known));
        prop_assume!(!decision.is_permit());
        let record = generated::damaged(&decision.record().to_json(), steps, &with);
        if let Ok(again) = reevaluate(policy.document(), &record) {
            prop_assert!(!again.is_permit(), "{}", record);
        }
    }
}

#[test]
fn a_name_that_only_looks_like_the_one_that_is_permitted_is_denied() {
    let policy = Policy::parse(&crate::common::use_if(json!([
        {"leftOperand": "odrl:purpose", "operator": "isA", "rightOperand": format!("{OURS}Omgevingswet")},
        {"leftOperand": "odrl:recipient", "operator": "isAnyOf", "rightOperand": [APP, BOARD]},
    ])))
    .unwrap();
    let judge = |assignee: &str, target: &str, action: &str, purpose: &str, recipient: &str| {
        let request = Request::new(assignee, KNMI, target, crate::common::NOW).for_action(action);
        let facts = crate::common::log_kept()
            .with_purpose([purpose], "stated", crate::common::NOW)
            .with_recipient(recipient, "token", crate::common::NOW);
        policy.judge(&request, &facts) == Reason::Granted
    };
    let law = format!("{OURS}OmgevingswetHemelwater");
    assert!(judge(APP, RAIN, "use", &law, APP));
    let lookalikes = |text: &str| -> Vec<String> {
        let all = [
            text.to_uppercase(),
            format!("{text}/"),
            format!("{text}\0"),
            format!(" {text}"),
            format!("{text}#"),
            text.replace('a', "\u{0430}"),
            text.replace(':', "%3A"),
            text[..text.len() - 1].to_owned(),
            String::new(),
        ];
        all.into_iter().filter(|other| other != text).collect()
    };
    for other in lookalikes(APP) {
        assert!(!judge(&other, RAIN, "use", &law, APP), "assignee {other:?}");
        assert!(!judge(APP, RAIN, "use", &law, &other), "recipient {other:?}");
    }
    for other in lookalikes(RAIN) {
        assert!(!judge(APP, &other, "use", &law, APP), "target {other:?}");
    }
    for other in lookalikes("odrl:use") {
        assert!(!judge(APP, RAIN, &other, &law, APP), "action {other:?}");
    }
    for other in lookalikes(&law)
        .into_iter()
        .chain([format!("{DPV}PublicBenefit"), Value::Null.to_string()])
    {
        assert!(!judge(APP, RAIN, "use", &other, APP), "purpose {other:?}");
    }
}
