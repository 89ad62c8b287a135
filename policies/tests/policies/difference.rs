//! What one policy permits that another does not: nothing that the evaluator would say otherwise, and nothing left out.

use crate::common::{APP, BOARD, DPV, OURS, RAIN, agreement, atom, use_if};
use herleid_policies::Policy;
use herleid_policies::difference::{Aspect, Case, Difference, Gap, MAX_REGIONS, Part, Region, Uses, difference};
use serde_json::{Value, json};

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

pub(crate) fn ms(text: &str) -> u64 {
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
    let other = agreement(
        json!([{"action": "use", "duty": [{"action": "odrl:anonymize"}]}]),
        json!([]),
    );
    assert_eq!(between(&duty, &other).gaps, [Gap::Duty]);
    assert!(between(&other, &other).is_none());
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

#[test]
fn of_legal_bases_and_areas_of_use_it_is_told_which() {
    let on = |left: &str, operator: &str, right: &str| {
        let left = format!("https://w3id.org/herleid/ns#{left}");
        use_if(json!([atom(&left, operator, json!(right))]))
    };
    let basis = |name: &str| format!("https://w3id.org/herleid/legal-basis#{name}");
    let found = between(
        &on("legalBasis", "isA", &basis("OpenbaarGezag")),
        &on("legalBasis", "isA", &basis("PubliekeTaak")),
    );
    assert!(found.gaps.is_empty() && found.less.is_empty(), "{found:?}");
    let [region] = found.more.as_slice() else {
        panic!("{found:?}")
    };
    let cases = &part(region, Aspect::LegalBasis).cases;
    let named: Vec<Case> = ["AlgemeenBelang", "PubliekeTaak"]
        .map(|name| Case::Named(basis(name)))
        .to_vec();
    assert_eq!(*cases, named);
    let area = |code: &str| format!("https://identifier.overheid.nl/tooi/id/gemeente/{code}");
    let found = between(
        &on("areaOfUse", "eq", &area("gm0717")),
        &on("areaOfUse", "eq", &area("gm0718")),
    );
    let cases = |regions: &[Region]| part(&regions[0], Aspect::AreaOfUse).cases.clone();
    assert_eq!(cases(&found.more), [Case::Named(area("gm0718"))]);
    assert_eq!(cases(&found.less), [Case::Named(area("gm0717"))]);
}

/// Of the bases that a condition names, `eq` takes none but these, and `isA` what lies below them too: also where no table lists it.
#[test]
fn what_lies_below_a_legal_basis_is_asked_about_too() {
    let on = |operator: &str, right: &str| {
        let left = "https://w3id.org/herleid/ns#legalBasis";
        use_if(json!([atom(left, operator, json!(right))]))
    };
    let law = |place: &str| format!("https://wetten.overheid.nl/jci1.3:c:{place}");
    let gdpr = |name: &str| format!("https://w3id.org/dpv/legal/eu/gdpr#{name}");
    let ours = |name: &str| format!("https://w3id.org/herleid/legal-basis#{name}");
    let (whole, article) = (law("BWBR0037885"), law("BWBR0037885&artikel=5.1"));
    let unheard_of = law("BWBR9999999");
    let e = ["A6-1-e-official-authority", "A6-1-e-public-interest"].map(gdpr);
    let tasks = ["AlgemeenBelang", "OpenbaarGezag", "PubliekeTaak"].map(ours);
    for (named, below) in [
        (&whole, vec![law("BWBR0037885&artikel=*")]),
        (&article, vec![law("BWBR0037885&artikel=5.1&lid=*")]),
        (&unheard_of, vec![law("BWBR9999999&artikel=*")]),
        (&gdpr("A6-1-e"), [e.to_vec(), tasks.to_vec()].concat()),
        (
            &ours("PubliekeTaak"),
            vec![ours("AlgemeenBelang"), ours("OpenbaarGezag")],
        ),
    ] {
        let found = between(&on("eq", named), &on("isA", named));
        assert!(found.less.is_empty() && found.gaps.is_empty(), "{named}: {found:?}");
        let [region] = found.more.as_slice() else {
            panic!("{named}: {found:?}")
        };
        let expected: Vec<Case> = below.into_iter().map(Case::Named).collect();
        assert_eq!(part(region, Aspect::LegalBasis).cases, expected, "{named}");
    }
    // A place that a policy happens to name stands for no other.
    let named = law("BWBR0037885&artikel=*");
    let mut both = on("eq", &whole);
    both["permission"] = json!([both["permission"][0], on("eq", &named)["permission"][0]]);
    let found = between(&both, &on("isA", &whole));
    let other = ["BWBR0037885&artikel=*&lid=*", "BWBR0037885&artikel=**"].map(|place| Case::Named(law(place)));
    assert_eq!(part(&found.more[0], Aspect::LegalBasis).cases, other, "{found:?}");
}
