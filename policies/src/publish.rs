//! What a policy must meet before it is published or offered.

use crate::amount::Amount;
use crate::basis;
use crate::model::{Constraint, Logic, PolicyKind, Right, Rule, RuleKind};
use crate::operand::{Operand, Operator};
use crate::payment::COMPENSATE;
use crate::policy::Policy;
use crate::problem::{PolicyError, Problem, ProblemKind, Problems, quoted};
use crate::purpose;
use crate::terms::{self, Name};
use serde_json::Value;

/// The policy with `default_id` and the type `Offer`, where it says neither in any spelling. Anything but an object is left
/// for the reader to refuse.
pub(crate) fn named(json: &Value, default_id: &str) -> Value {
    let mut json = json.clone();
    if let Some(map) = json.as_object_mut() {
        for (keyword, default) in [("@id", default_id), ("@type", PolicyKind::Offer.name())] {
            let is_said = map.keys().any(|name| terms::name(name) == Name::Keyword(keyword));
            if !is_said {
                map.insert(keyword.to_owned(), Value::String(default.to_owned()));
            }
        }
    }
    json
}

/// Refuses what a peer would read differently, and what would never do what its author expects. Places are those of the
/// canonical document.
pub(crate) fn check(policy: &Policy) -> Result<(), PolicyError> {
    let mut found = Vec::new();
    let mut refuse = |at: &str, term: &str, advice: &str| {
        found.push(Problem {
            at: at.to_owned(),
            kind: ProblemKind::NotForOffer,
            term: quoted(term),
            advice: advice.to_owned(),
        });
    };
    if policy.kind != PolicyKind::Offer {
        refuse(
            "",
            policy.kind.name(),
            "what is published is an `Offer`; agreements are made by negotiating",
        );
    }
    if policy.permissions.is_empty() {
        refuse("", "permission", "without a permission the offer gives nothing");
    }
    one_agreement(policy, &mut refuse);
    for rule in &policy.obligations {
        obligation(rule, &mut refuse);
    }
    for rule in policy.permissions.iter().chain(&policy.prohibitions) {
        for duty in &rule.duties {
            rule_duty(rule, duty, &mut refuse);
        }
        if !rule.action.is_asked_for() {
            refuse(&rule.at, &rule.action.wire(), never_asked(rule));
        }
        if rule.at_most() == Some(0) {
            refuse(&rule.at, "count", "this rule would never hold, not even once");
        }
        if rule.volume_at_most() == Some(0) {
            refuse(&rule.at, "volume", "this rule would never hold, not even for one byte");
        }
        rule_constraints(rule, &mut refuse);
    }
    match Problems::from_found(found) {
        Some(problems) => Err(PolicyError::NotForOffer(problems)),
        None => Ok(()),
    }
}

/// Whoever accepts an offer gets an agreement with all its rules, in which it is the one assignee, about the one asset, from the one that
/// offers it: rules that name different ones could stand in none.
fn one_agreement(policy: &Policy, refuse: &mut impl FnMut(&str, &str, &str)) {
    let mut differ = |term: &str, of: fn(&Rule) -> Option<&String>, advice: &str| {
        let mut named = policy.rules().filter_map(|rule| Some((rule, of(rule)?)));
        let Some((_, first)) = named.next() else { return };
        if let Some((rule, _)) = named.find(|(_, other)| *other != first) {
            refuse(&rule.at, term, advice);
        }
    };
    differ(
        "assignee",
        |rule| rule.scope.assignee.as_ref(),
        "its rules address different parties, and an agreement is made with one, so nobody could accept it; publish an offer for each, or \
         leave the assignee out and say who with a condition on `odrl:recipient`",
    );
    differ(
        "assigner",
        |rule| rule.scope.assigner.as_ref(),
        "its rules are issued by different parties, and an agreement is made by one; leave the assigner out",
    );
    differ(
        "target",
        |rule| rule.scope.target.as_ref(),
        "its rules are about different assets, and an agreement is about the one that is published; leave the target out",
    );
}

/// A duty of a permission has to be met before each use, so this end has to be able to see that it is.
fn rule_duty(rule: &Rule, duty: &Rule, refuse: &mut impl FnMut(&str, &str, &str)) {
    if duty.is_stated_first() {
        for constraint in &duty.constraints {
            let advice = "a duty that has to be met before a use has no condition of its own; what holds under other conditions is a \
                          permission of its own, and what has to be done by a day an `obligation` of the policy";
            refuse(constraint.at(), "constraint", advice);
        }
        return;
    }
    if duty.action.name() != COMPENSATE {
        return refuse(&duty.at, &duty.action.wire(), never_seen(duty));
    }
    match duty.price() {
        None => {
            let advice = "it says no amount, so nobody could pay it; add a constraint `odrl:payAmount` `eq` an amount, as `\"0.25\"`, with \
                          `\"odrl:unit\": {\"@id\": \"http://dbpedia.org/resource/Euro\"}`";
            refuse(&duty.at, &duty.action.wire(), advice);
        }
        Some(Amount::NOTHING) => refuse(&duty.at, "payAmount", "it costs nothing; leave the duty out"),
        Some(_) if rule.action.to_others() => {
            let advice = "what somebody else passes on, this connector never sees, so it could take nothing for it; leave the duty out";
            refuse(&duty.at, &duty.action.wire(), advice);
        }
        Some(_) => {}
    }
    if rule
        .duties
        .iter()
        .any(|other| other.at < duty.at && other.action.name() == COMPENSATE)
    {
        let advice = "the permission has two prices, and a use costs their sum; write one";
        refuse(&duty.at, &duty.action.wire(), advice);
    }
}

/// What to write in place of a duty of which nobody here could see, before a use, that it was met.
fn never_seen(duty: &Rule) -> &'static str {
    match duty.action.name() {
        "delete" | "uninstall" => {
            "before a use there is nothing to delete; what has to be deleted by a day is an `obligation` of the policy: `odrl:delete` with \
             `odrl:dateTime` `lteq` a day"
        }
        "nextPolicy" | "ensureExclusivity" => {
            "no connector sees what is agreed with others; write a prohibition of `odrl:distribute`, or a permission for it with \
             `odrl:recipient`"
        }
        _ if duty.action.to_others() => {
            "what is passed on is no condition of a use; write a permission of `odrl:distribute` with `odrl:recipient`, or leave the duty out"
        }
        "anonymize" | "aggregate" | "watermark" | "modify" | "transform" | "translate" => {
            "what is made of the data once they are had, nobody here sees; publish them as they may be used, or have it stated: \
             `odrl:inform` in place of this, as a duty to state it first, or as an `obligation` to state it by a day"
        }
        _ => {
            "nothing in this version sees that it is met before a use, so the permission would never hold; of `odrl:inform`, \
             `odrl:obtainConsent`, `odrl:attribute`, `odrl:acceptTracking` and `odrl:reviewPolicy` a statement comes first; what has to be \
             done besides, or afterwards, is an `obligation` of the policy"
        }
    }
}

/// An obligation is followed up: who has the agreement states that it did as obliged, by a day that this end can look at.
fn obligation(rule: &Rule, refuse: &mut impl FnMut(&str, &str, &str)) {
    if !rule.is_followed_up() {
        let advice = "nothing in this version follows this up, so publishing it would only pretend; an obligation is to \
                      `odrl:delete` by a day, or to `odrl:inform`";
        refuse(&rule.at, &rule.action.wire(), advice);
    } else if rule.needs_deadline() && rule.deadline().is_none() {
        let advice =
            "it says no day by which, so it would never be late; add a constraint `odrl:dateTime` `lteq` a day";
        refuse(&rule.at, &rule.action.wire(), advice);
    }
    for constraint in rule.constraints() {
        match constraint {
            Constraint::Atomic(atomic)
                if atomic.operand == Operand::DateTime && matches!(atomic.operator, Operator::Lt | Operator::Lteq) => {}
            Constraint::Atomic(atomic) if atomic.operand == Operand::Recipient => {
                let advice =
                    "a statement goes to the party that gave the data, and to no other in this version; leave it out";
                refuse(&atomic.at, "recipient", advice);
            }
            other => {
                let advice = "an obligation that is followed up has a deadline and no other condition: `odrl:dateTime` with \
                              `lt` or `lteq`";
                refuse(other.at(), "constraint", advice);
            }
        }
    }
    rule_constraints(rule, refuse);
}

/// What to write in place of an action that no connector asks for.
fn never_asked(rule: &Rule) -> &'static str {
    match (rule.kind == RuleKind::Prohibition, rule.action.to_others()) {
        (false, false) => "a pull and a run ask for `use`, so nobody would ever ask for this; write `use`",
        (false, true) => {
            "passing on is asked for as `distribute`, so nobody would ever ask for this; write `odrl:distribute`, or leave it \
             out"
        }
        (true, false) => {
            "a pull and a run ask for `use`, of which it is a part, so it would forbid every one that its conditions fit; \
             write `use` with the conditions under which nothing may be had, or leave it out"
        }
        (true, true) => {
            "nobody would ever ask for this, and what no permission names is not permitted; write `odrl:distribute` to \
             forbid passing on, or leave it out"
        }
    }
}

fn rule_constraints(rule: &Rule, refuse: &mut impl FnMut(&str, &str, &str)) {
    let is_prohibition = rule.kind == RuleKind::Prohibition;
    for constraint in rule.constraints() {
        sequences(constraint, refuse);
        constraint.each(&mut |atomic| match &atomic.right {
            Right::Moment(moment) if !moment.has_offset() => {
                let advice = "it has no time zone, so nobody can tell when it is; add `Z` or an offset as `+01:00`";
                refuse(&atomic.at, moment.text(), advice);
            }
            Right::Count(limit) if atomic.operator == Operator::Eq && *limit > 1 => {
                let advice = "`eq` would hold at that one time only, which is never reached; write `lteq`";
                refuse(&atomic.at, "count", advice);
            }
            Right::Iris(_) if atomic.operand == Operand::Spatial && excludes(atomic.operator) != is_prohibition => {
                let advice = match is_prohibition {
                    false => {
                        "this would never hold: nobody can show that it has no credential for an area; name the areas for which it is \
                         permitted, with `isAnyOf`"
                    }
                    true => {
                        "this would forbid everybody: nobody can show that it has no credential for an area; leave it out, and name \
                         the areas for which it is permitted in the permission, with `isAnyOf`"
                    }
                };
                refuse(&atomic.at, "spatial", advice);
            }
            Right::Iris(_) if atomic.operand == Operand::AreaOfUse && is_prohibition => {
                let advice = "this would forbid everybody: two names may be of the same ground, so no other area that somebody states is known \
                              not to be this one; leave it out, and name the areas of use in the permission, with `isAnyOf`";
                refuse(&atomic.at, "areaOfUse", advice);
            }
            Right::Iris(iris) if atomic.operand == Operand::Purpose && follows_hierarchy(atomic.operator) => {
                for iri in iris.iter().filter(|iri| !purpose::is_known(iri)) {
                    let advice =
                        "nothing is known of what lies below this purpose; use a purpose of the table, or `eq`";
                    refuse(&atomic.at, iri, advice);
                }
            }
            Right::Iris(iris) if atomic.operand == Operand::LegalBasis => {
                for iri in iris.iter().filter(|iri| !basis::is_known(iri)) {
                    let advice = "nothing is known of this legal basis; use one of the list (docs/purposes.md), or a law by its number, as \
                                  `https://wetten.overheid.nl/jci1.3:c:BWBR0037885&artikel=5.1`";
                    refuse(&atomic.at, iri, advice);
                }
                for iri in iris.iter().filter(|iri| is_prohibition && basis::is_law(iri)) {
                    let advice = "this would forbid nearly everybody: of a law it is not known that what somebody states is another basis; leave it out, \
                                  and name the bases in the permission, with `isAnyOf`";
                    refuse(&atomic.at, iri, advice);
                }
            }
            _ => {}
        });
    }
}

/// Whether it says which areas it is not.
fn excludes(operator: Operator) -> bool {
    matches!(operator, Operator::Neq | Operator::IsNoneOf)
}

fn follows_hierarchy(operator: Operator) -> bool {
    matches!(operator, Operator::IsA | Operator::IsPartOf | Operator::HasPart)
}

fn sequences(constraint: &Constraint, refuse: &mut impl FnMut(&str, &str, &str)) {
    if let Constraint::Logical { at, logic, parts } = constraint {
        if *logic == Logic::AndSequence {
            let advice =
                "the protocol's JSON-LD context gives it no order, so a peer may lose the sequence; write `and`";
            refuse(at, logic.name(), advice);
        }
        parts.iter().for_each(|part| sequences(part, refuse));
    }
}
