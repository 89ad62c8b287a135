//! What a difference says, held against asking both policies over and over.

use crate::common::{APP, BOARD, DPV, KNMI, NOW, OURS, RAIN};
use crate::difference::ms;
use crate::difference_areas::areas_asked;
use crate::generated::{areas, bases, own, policy};
use herleid_policies::difference::{Aspect, Case, Gap, Part, Uses, difference};
use herleid_policies::{Facts, Policy, PolicyKind, Request};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
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
    pub(crate) basis: Option<String>,
    pub(crate) area_of_use: Option<String>,
    pub(crate) log: bool,
    pub(crate) assignee: String,
}

/// Of the places in laws that are drawn, the one that stands for it in a part that does not name it: what lies below the same named ones.
fn stands_for(basis: &str, part: &Part) -> String {
    let names = |text: &str| {
        let case = Case::Named(text.to_owned());
        part.cases.contains(&case) || part.others.contains(&case)
    };
    if names(basis) {
        return basis.to_owned();
    }
    let mut within = basis;
    while let Some((above, _)) = within.rsplit_once('&') {
        let next = if above.contains('&') { "lid" } else { "artikel" };
        let other = format!("{above}&{next}=*");
        if names(&other) {
            return other;
        }
        within = above;
    }
    // Where nothing tells the law from what lies below it.
    within.to_owned()
}

impl Probe {
    /// It as a request, and what is known with it.
    pub(crate) fn question(&self) -> (Request, Facts) {
        let request = Request::new(&self.assignee, KNMI, RAIN, self.now_ms).for_action(self.action);
        let mut facts = Facts::none()
            .with_purpose(self.purpose.as_deref(), "stated", NOW)
            .with_recipient(&self.recipient, "token", NOW)
            .with_area(self.areas.iter().map(String::as_str), "credential", NOW)
            .with_counterparty_log(self.log, "configuration", NOW);
        if let Some(basis) = &self.basis {
            facts = facts.with_legal_basis(basis, "stated", NOW);
        }
        if let Some(area) = &self.area_of_use {
            facts = facts.with_area_of_use(area, "stated", NOW);
        }
        (request, facts)
    }

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
            Aspect::LegalBasis => match &self.basis {
                Some(basis) => named(&stands_for(basis, part)),
                None => part.cases.contains(&Case::Nothing),
            },
            Aspect::AreaOfUse => match &self.area_of_use {
                Some(area) => named(area),
                None => part.cases.contains(&Case::Nothing),
            },
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
    let law = "https://wetten.overheid.nl/jci1.3:c:BWBR0037885";
    let within = select(vec![format!("{law}&artikel=2.4"), format!("{law}&artikel=5.1&lid=2")]);
    let stated = prop_oneof![2 => bases(), 1 => within];
    let did = || select(vec![APP, BOARD, KNMI, "did:web:nobody.example"]);
    (
        select(vec!["use", "distribute"]),
        moments,
        prop::option::weighted(0.8, purposes),
        did(),
        proptest::collection::btree_set(areas(), 0..4),
        (prop::option::weighted(0.8, stated), prop::option::of(areas())),
        any::<bool>(),
        did(),
    )
        .prop_map(
            |(action, now, purpose, recipient, areas, (basis, area_of_use), log, assignee)| Probe {
                action,
                now_ms: ms(now),
                purpose,
                recipient: recipient.to_owned(),
                areas,
                basis,
                area_of_use,
                log,
                assignee: assignee.to_owned(),
            },
        )
}

/// Agreements and Sets that ask for what is declared besides a purpose, and for little else: all their cases are asked about.
fn declaring() -> impl Strategy<Value = Value> {
    let rule = proptest::collection::vec(own(), 1..3).prop_map(|all| json!({"action": "use", "constraint": all}));
    let rules = proptest::collection::vec(rule, 1..3);
    rules.prop_map(|permissions| json!({"@type": "Set", "@id": "urn:s", "target": RAIN, "permission": permissions}))
}

/// What the difference says of each probe is what asking says.
fn held_against(first: &Value, second: &Value, probes: &[Probe]) -> Result<(), TestCaseError> {
    let parse = |json: &Value| Policy::parse(json).map_err(|why| TestCaseError::fail(why.to_string()));
    let (first, second) = (parse(first)?, parse(second)?);
    let found = difference(&first, &second);
    // What one case alone cannot show is said; all cases are asked about, where there are not too many.
    prop_assume!(!found.gaps.iter().any(|gap| matches!(gap, Gap::Cases { .. })));
    let is_said = |gap: &Gap| {
        ["volume", "payAmount"]
            .map(|name| Gap::Operand(name.to_owned()))
            .contains(gap)
    };
    let said = |gap: &Gap| matches!(gap, Gap::Duty | Gap::Counters | Gap::Obligation) || is_said(gap);
    prop_assert!(found.gaps.iter().all(said), "{:?}", found.gaps);
    let asked = [areas_asked(&first), areas_asked(&second)].concat();
    for probe in probes {
        let (request, facts) = probe.question();
        let said = (
            simulated(&first, &request, &facts),
            simulated(&second, &request, &facts),
        );
        let mut regions = found.more.iter().chain(&found.less);
        let holds = regions.find(|region| region.parts.iter().all(|part| probe.is_in(part, &asked)));
        match holds {
            Some(region) => prop_assert_eq!((region.first, region.second), said, "{:?}", probe),
            None => prop_assert_eq!(said.0, said.1, "{:?} is in no region of {:?}", probe, found),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn it_is_what_asking_both_says(first in policy(), second in policy(), probes in proptest::collection::vec(probe(), 20)) {
        held_against(&undeclared(first), &undeclared(second), &probes)?;
    }

    #[test]
    fn of_what_is_declared_it_is_what_asking_both_says(
        first in declaring(), second in declaring(), probes in proptest::collection::vec(probe(), 50)
    ) {
        // Everybody else is refused by both.
        let asking = |probe: &Probe| Probe { action: "use", log: true, ..probe.clone() };
        let probes: Vec<Probe> = probes.iter().map(asking).collect();
        held_against(&first, &second, &probes)?;
    }
}
