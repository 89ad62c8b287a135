//! What a difference says, held against asking both policies over and over.

use crate::common::{APP, BOARD, DPV, KNMI, NOW, OURS, RAIN};
use crate::difference::ms;
use crate::difference_areas::areas_asked;
use crate::generated::{areas, policy};
use herleid_policies::difference::{Aspect, Case, Gap, Part, Uses, difference};
use herleid_policies::{Amount, Facts, Policy, PolicyKind, Request};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The same without conditions on what is declared besides a purpose: they would make more cases than are asked about.
fn undeclared(mut policy: Value) -> Value {
    for kind in ["permission", "prohibition"] {
        for rule in policy.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(constraints) = rule.get_mut("constraint").and_then(Value::as_array_mut) else {
                continue;
            };
            constraints.retain(|one| {
                let left = one["leftOperand"].as_str().unwrap_or_default();
                !left.ends_with("#legalBasis") && !left.ends_with("#areaOfUse")
            });
            if constraints.is_empty() {
                rule.as_object_mut().unwrap().remove("constraint");
            }
        }
    }
    policy
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
        // Nor is money, and what a statement meets is stated.
        let facts = match policy.account() {
            Some(account) => facts.with_credit(&account, Amount::PLENTY, Amount::NOTHING, "nothing used", NOW),
            None => facts,
        };
        let facts = policy.before_first_use(facts, "nothing used", NOW);
        let decision = match policy.kind() {
            PolicyKind::Offer => policy.would_grant(request, &facts),
            _ => policy.decide(request, &facts),
        };
        if !decision.is_permit() {
            return Uses::AtMost(number);
        }
        let account = policy.account();
        let counted = decision
            .reservations()
            .iter()
            .filter(|place| Some(&place.counter) != account.as_ref());
        let counted: Vec<_> = counted.collect();
        if counted.is_empty() {
            return Uses::Unlimited;
        }
        for place in counted {
            *used.get_mut(&place.counter).unwrap() += 1;
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
            // It states none.
            Aspect::LegalBasis | Aspect::AreaOfUse => part.cases.contains(&Case::Nothing),
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
        let (first, second) = (parse(&undeclared(first))?, parse(&undeclared(second))?);
        let found = difference(&first, &second);
        // What one case alone cannot show is said; all cases are asked about, where there are not too many.
        prop_assume!(!found.gaps.iter().any(|gap| matches!(gap, Gap::Cases { .. })));
        let is_said = |gap: &Gap| ["volume", "payAmount"].map(|name| Gap::Operand(name.to_owned())).contains(gap);
        let said = |gap: &Gap| matches!(gap, Gap::Duty | Gap::Counters | Gap::Obligation) || is_said(gap);
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
