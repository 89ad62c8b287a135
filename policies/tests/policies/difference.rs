//! What one policy permits that another does not: nothing that the evaluator would say otherwise, and nothing left out.

use crate::common::{APP, BOARD, DPV, KNMI, NOW, OURS, RAIN, agreement, atom, use_if};
use crate::difference_areas::areas_asked;
use crate::generated::{areas, policy};
use herleid_policies::difference::{Aspect, Case, Difference, Gap, MAX_REGIONS, Part, Region, Uses, difference};
use herleid_policies::{Facts, Policy, PolicyKind, Request};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn read(json: &Value) -> Policy {
    Policy::parse(json).unwrap()
}

pub(crate) fn between(first: &Value, second: &Value) -> Difference {
    difference(&read(first), &read(second))
}

pub(crate) fn offer(permissions: Value) -> Value {
    json!({"@type": "Offer", "@id": "urn:offer", "permission": permissions})
}

pub(crate) fn part(region: &Region, aspect: Aspect) -> &Part {
    region.parts.iter().find(|part| part.aspect == aspect).unwrap()
}

fn ms(text: &str) -> u64 {
    herleid_vocab::time::parse_rfc3339_ms(text).unwrap()
}

fn until(day: &str) -> Value {
    offer(json!([{"action": "use", "constraint": [atom("odrl:dateTime", "lteq", json!(day))]}]))
}

#[test]
fn a_later_end_is_exactly_the_days_between() {
    let found = between(&until("2027-06-30+02:00"), &until("2027-12-31+01:00"));
    assert_eq!((found.less.len(), found.gaps.len()), (0, 0));
    let [region] = found.more.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((region.first, region.second), (Uses::NEVER, Uses::Unlimited));
    let (from, to) = (ms("2027-07-01T00:00:00+02:00"), ms("2028-01-01T00:00:00+01:00"));
    assert_eq!(part(region, Aspect::Time).cases, [Case::Times(from, Some(to))]);
    assert_eq!(part(region, Aspect::Action).cases, [Case::Named("use".to_owned())]);
    assert_eq!(part(region, Aspect::CounterpartyLog).cases, [Case::KeepsLog(true)]);
    assert_eq!(region.parts.len(), 3, "all else is meant whole");
    let back = between(&until("2027-12-31+01:00"), &until("2027-06-30+02:00"));
    assert_eq!((back.more.len(), back.less.len()), (0, 1));
}

#[test]
fn a_wider_purpose_is_all_that_lies_below_it_and_no_more() {
    let with = |iri: String| offer(json!([{"action": "use", "constraint": [atom("odrl:purpose", "isA", json!(iri))]}]));
    let found = between(
        &with(format!("{OURS}Omgevingswet")),
        &with(format!("{DPV}PublicBenefit")),
    );
    assert!(found.less.is_empty() && found.gaps.is_empty());
    let [region] = found.more.as_slice() else {
        panic!("{found:?}")
    };
    let purposes = part(region, Aspect::Purpose);
    let has = |name: &str| purposes.cases.contains(&Case::Named(name.to_owned()));
    assert!(has(&format!("{DPV}PublicBenefit")) && has(&format!("{OURS}OpenOverheid")));
    assert!(!has(&format!("{OURS}Omgevingswet")) && !has(&format!("{OURS}OmgevingswetHemelwater")));
    assert!(!has(&format!("{DPV}Marketing")));
    assert!(purposes.others.contains(&Case::Nothing) && purposes.others.contains(&Case::Other));
}

#[test]
fn how_often_is_told_and_counters_add_up() {
    let count = |limit: &str| atom("odrl:count", "lteq", json!(limit));
    let ten = offer(json!([{"action": "use", "constraint": [count("10")]}]));
    let more = offer(json!([
        {"action": "use", "constraint": [count("10")]},
        {"action": "use", "constraint": [count("5"), atom("odrl:recipient", "eq", json!(BOARD))]},
    ]));
    let found = between(&ten, &more);
    let [region] = found.more.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((region.first, region.second), (Uses::AtMost(10), Uses::AtMost(15)));
    assert_eq!(part(region, Aspect::Recipient).cases, [Case::Named(BOARD.to_owned())]);
    let free = between(&ten, &offer(json!([{"action": "use"}])));
    assert_eq!(
        (free.more[0].first, free.more[0].second),
        (Uses::AtMost(10), Uses::Unlimited)
    );
    let twice = offer(json!([
        {"action": "use", "constraint": [count("10")]}, {"action": "use", "constraint": [count("10")]},
    ]));
    assert!(
        between(&ten, &twice).is_none(),
        "rules that say the same share a counter"
    );
}

#[test]
fn a_prohibition_takes_away_and_parties_are_told() {
    let plain = agreement(json!([{"action": "use"}]), json!([]));
    let strict = agreement(json!([{"action": "use"}]), json!([{"action": "odrl:read"}]));
    let found = between(&plain, &strict);
    assert!(found.more.is_empty());
    assert_eq!(
        part(&found.less[0], Aspect::Assignee).cases,
        [Case::Named(APP.to_owned())]
    );
    assert_eq!(
        part(&found.less[0], Aspect::Target).cases,
        [Case::Named(RAIN.to_owned())]
    );
}

#[test]
fn the_same_in_other_words_is_no_difference() {
    let wanted = |purposes: Value| use_if(json!([atom("odrl:purpose", "isAnyOf", purposes)]));
    let (rain, law) = (format!("{OURS}OmgevingswetHemelwater"), format!("{OURS}Omgevingswet"));
    let found = between(&wanted(json!([law, rain])), &wanted(json!([law])));
    assert!(found.is_none(), "what lies below is in it already: {found:?}");
    for ready in herleid_policies::ready::all() {
        let Ok(offer) = Policy::parse_own_offer(&ready.offer(), "urn:o") else {
            continue;
        };
        assert!(difference(&offer, &offer).is_none(), "{}", ready.name());
    }
}

/// Each party may use it as often as no other one, and in the other policy once more: no two places are alike.
#[test]
fn a_difference_in_very_many_places_is_counted_and_not_listed_whole() {
    const PARTIES: usize = MAX_REGIONS + 100;
    let with = |more: usize| {
        let rules = (0..PARTIES).map(|n| {
            json!({"action": "use", "constraint": [
                atom("odrl:recipient", "eq", json!(format!("did:web:a{n}.example"))),
                atom("odrl:count", "lteq", json!((n + more).to_string())),
            ]})
        });
        offer(json!(rules.collect::<Vec<_>>()))
    };
    let found = between(&with(1), &with(2));
    assert_eq!(
        (found.more.len(), found.less.len(), found.unlisted),
        (MAX_REGIONS, 0, 100)
    );
    // Each rule counts for itself, and is compared by itself.
    assert!(found.gaps == [Gap::Counters] && !found.is_none(), "{:?}", found.gaps);
}

#[test]
fn no_name_hides_what_neither_names() {
    let mut name = "urn:herleid:named-by-neither".to_owned();
    for _ in 0..3 {
        let narrow = offer(json!([{"action": "use", "target": RAIN}]));
        let mut wide = offer(json!([{"action": "use"}]));
        wide["prohibition"] = json!([{"action": "use", "target": name}]);
        let found = between(&narrow, &wide);
        assert!(
            found
                .more
                .iter()
                .any(|region| part(region, Aspect::Target).cases.contains(&Case::Other)),
            "{found:?}"
        );
        name.push('-');
    }
}

#[test]
fn what_several_cases_share_is_said_to_be_left_out() {
    let by = |parties: &[&str]| {
        let constraint = |party: &str| {
            json!([
                atom("odrl:recipient", "eq", json!(party)),
                atom("odrl:count", "lteq", json!(10))
            ])
        };
        let rules = parties
            .iter()
            .map(|party| json!({"action": "use", "constraint": constraint(party)}));
        rules.collect::<Vec<_>>()
    };
    let apart = offer(json!(by(&[APP, BOARD])));
    let together = offer(json!([{"action": "use", "constraint": [
        atom("odrl:recipient", "isAnyOf", json!([APP, BOARD])), atom("odrl:count", "lteq", json!(10)),
    ]}]));
    let found = between(&together, &apart);
    assert!(found.gaps.contains(&Gap::Counters) && !found.is_none(), "{found:?}");
    assert!(between(&apart, &apart).is_none());
    let mut bound = agreement(json!([{"action": "use"}]), json!([]));
    let free = bound.clone();
    bound["obligation"] = json!([{"action": "odrl:delete"}]);
    let found = between(&bound, &free);
    assert!(found.gaps.contains(&Gap::Obligation) && !found.is_none(), "{found:?}");
}

#[test]
fn what_is_not_looked_at_is_said() {
    let duty = agreement(
        json!([{"action": "use", "duty": [{"action": "odrl:inform"}]}]),
        json!([]),
    );
    assert_eq!(between(&duty, &duty).gaps, [Gap::Duty]);
    // Two hundred intervals of each policy, each with a party of its own: more cases than are asked about.
    let many = |party: &str| {
        let rules = (0..200).map(|n| {
            let (from, to) = (format!("{}-01-01Z", 2100 + n), format!("{}-06-30Z", 2100 + n));
            json!({"action": "use", "constraint": [
                atom("odrl:dateTime", "gteq", json!(from)), atom("odrl:dateTime", "lteq", json!(to)),
                atom("odrl:recipient", "eq", json!(format!("did:web:{party}{n}.example"))),
            ]})
        });
        offer(json!(rules.collect::<Vec<_>>()))
    };
    let found = between(&many("a"), &many("b"));
    let [Gap::Cases { asked, of }] = found.gaps.as_slice() else {
        panic!("{:?}", found.gaps)
    };
    assert!(asked < of && *asked == found.asked && !found.is_none());
    assert!(found.more.len() <= MAX_REGIONS && found.less.len() <= MAX_REGIONS);
}

/// How often the policy permits this, asked over and over with its counters kept as a ledger keeps them.
fn simulated(policy: &Policy, request: &Request, facts: &Facts) -> Uses {
    let mut used: BTreeMap<String, u64> = policy.counters().into_iter().map(|key| (key, 0)).collect();
    for number in 0..100 {
        let facts = used.iter().fold(facts.clone(), |facts, (key, used)| {
            facts.with_count(key, *used, "ledger", NOW)
        });
        // Nothing is delivered: bytes are not what is compared.
        let facts = policy
            .volumes()
            .iter()
            .fold(facts.with_size(0, "nothing", NOW), |facts, (rule, _)| {
                facts.with_volume(rule, 0, "ledger", NOW)
            });
        let decision = match policy.kind() {
            PolicyKind::Offer => policy.would_grant(request, &facts),
            _ => policy.decide(request, &facts),
        };
        if !decision.is_permit() {
            return Uses::AtMost(number);
        }
        match decision.reservations() {
            [] => return Uses::Unlimited,
            places => {
                for place in places {
                    *used.get_mut(&place.counter).unwrap() += 1;
                }
            }
        }
    }
    panic!("no policy made here permits a hundred times")
}

#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) action: &'static str,
    pub(crate) now_ms: u64,
    pub(crate) purpose: Option<String>,
    pub(crate) recipient: String,
    pub(crate) areas: BTreeSet<String>,
    pub(crate) log: bool,
    pub(crate) assignee: String,
}

impl Probe {
    fn is_in(&self, part: &Part, asked: &[BTreeSet<String>]) -> bool {
        let named = |text: &str| {
            let case = Case::Named(text.to_owned());
            let is_named = part.cases.contains(&case) || part.others.contains(&case);
            part.cases.contains(if is_named { &case } else { &Case::Other })
        };
        match part.aspect {
            Aspect::Action => named(self.action),
            Aspect::Time => part.cases.iter().any(|case| {
                matches!(case, Case::Times(from, to) if *from <= self.now_ms && to.is_none_or(|to| self.now_ms < to))
            }),
            Aspect::Purpose => match &self.purpose {
                Some(purpose) => named(purpose),
                None => part.cases.contains(&Case::Nothing),
            },
            Aspect::Recipient => named(&self.recipient),
            // Who is for the same of the areas that each condition names, is as this one.
            Aspect::Area => {
                let of = |areas: &BTreeSet<String>| -> Vec<bool> { asked.iter().map(|list| !list.is_disjoint(areas)).collect() };
                part.cases.iter().any(|case| {
                    let areas = match case {
                        Case::Named(area) => BTreeSet::from([area.clone()]),
                        Case::Several(areas) => areas.iter().cloned().collect(),
                        _ => BTreeSet::new(),
                    };
                    of(&areas) == of(&self.areas)
                })
            }
            Aspect::CounterpartyLog => part.cases.contains(&Case::KeepsLog(self.log)),
            Aspect::Assignee => named(&self.assignee),
            Aspect::Assigner => named(KNMI),
            Aspect::Target => named(RAIN),
        }
    }
}

pub(crate) fn probe() -> impl Strategy<Value = Probe> {
    let purposes = select(vec![
        format!("{OURS}Omgevingswet"),
        format!("{OURS}OmgevingswetHemelwater"),
        format!("{OURS}Wegbeheer"),
        format!("{DPV}PublicBenefit"),
        format!("{DPV}Marketing"),
        format!("{DPV}DirectMarketing"),
        "urn:example:unheard-of".to_owned(),
        "urn:example:never-named".to_owned(),
    ]);
    let moments = select(vec![
        "2018-12-31T23:59:59.999Z",
        "2019-01-01T00:00:00Z",
        "2019-01-02T00:00:00Z",
        "2020-06-17T00:59:59.999Z",
        "2020-06-17T01:00:00Z",
        "2020-06-17T14:59:59.999Z",
        "2020-06-17T15:00:00Z",
        "2020-06-17T15:00:00.001Z",
        "2020-06-18T05:00:00Z",
        "2020-06-18T05:00:00.001Z",
        "2020-12-31T10:00:00Z",
        "2021-01-01T12:00:00Z",
        "2021-01-02T14:00:00Z",
        "2035-01-01T00:00:00Z",
    ]);
    let did = || select(vec![APP, BOARD, KNMI, "did:web:nobody.example"]);
    (
        select(vec!["use", "distribute"]),
        moments,
        prop::option::weighted(0.8, purposes),
        did(),
        proptest::collection::btree_set(areas(), 0..4),
        any::<bool>(),
        did(),
    )
        .prop_map(|(action, now, purpose, recipient, areas, log, assignee)| Probe {
            action,
            now_ms: ms(now),
            purpose,
            recipient: recipient.to_owned(),
            areas,
            log,
            assignee: assignee.to_owned(),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn it_is_what_asking_both_says(first in policy(), second in policy(), probes in proptest::collection::vec(probe(), 20)) {
        let parse = |json: &Value| Policy::parse(json).map_err(|why| TestCaseError::fail(why.to_string()));
        let (first, second) = (parse(&first)?, parse(&second)?);
        let found = difference(&first, &second);
        // What one case alone cannot show is said; all cases are asked about, where there are not too many.
        prop_assume!(!found.gaps.iter().any(|gap| matches!(gap, Gap::Cases { .. })));
        let is_volume = |gap: &Gap| *gap == Gap::Operand("volume".to_owned());
        let said = |gap: &Gap| matches!(gap, Gap::Duty | Gap::Counters | Gap::Obligation) || is_volume(gap);
        prop_assert!(found.gaps.iter().all(said), "{:?}", found.gaps);
        let asked = [areas_asked(&first), areas_asked(&second)].concat();
        for probe in probes {
            let request = Request::new(&probe.assignee, KNMI, RAIN, probe.now_ms).for_action(probe.action);
            let facts = Facts::none()
                .with_purpose(probe.purpose.as_deref(), "stated", NOW)
                .with_recipient(&probe.recipient, "token", NOW)
                .with_area(probe.areas.iter().map(String::as_str), "credential", NOW)
                .with_counterparty_log(probe.log, "configuration", NOW);
            let said = (simulated(&first, &request, &facts), simulated(&second, &request, &facts));
            let mut regions = found.more.iter().chain(&found.less);
            let holds = regions.find(|region| region.parts.iter().all(|part| probe.is_in(part, &asked)));
            match holds {
                Some(region) => prop_assert_eq!((region.first, region.second), said, "{:?}", probe),
                None => prop_assert_eq!(said.0, said.1, "{:?} is in no region of {:?}", probe, found),
            }
        }
    }
}
